// Package sqldb is the sql door: a connector described in YAML that reads documents from
// the tables of a PostgreSQL, MySQL or MariaDB database and writes documents into them.
//
// Load turns a description (kind: sql) into a connector. Its streams are tables, or
// read-only SELECTs, read in the order of a unique key and never by OFFSET: in windows of
// a time column (incremental), by a number that only rises (rising), or again and again
// until a status says that a row will not change any more (rescan). Rows of further
// tables are nested into the document they belong to. Its operations write one document,
// a row with its child rows, in one transaction by key; what is already there is not
// written again, and what the database kept otherwise than it was given is rolled back.
//
// Numbers stay letter for letter as the database writes them (Invariant 6). Values are
// always bound, names are quoted, reading happens in read-only transactions.
//
// GUIDE.md shows a description from the first line to the last.
package sqldb
