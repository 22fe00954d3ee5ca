// Package filedrop is the connector of kind `file`: CSV, JSON Lines, XML and Excel files
// read from a local folder or over SFTP, and CSV and JSON Lines files written to one. Its
// streams and operations are described in a YAML file (Load).
//
// # What is durable when
//
// A pull has no effect on the folder: the position inside a file travels in the cursor,
// which the engine keeps in the transaction of the rows (Invariant 2). Only Ack moves a
// file, and it may be repeated: a file that is gone was moved before. Rejected rows are
// not kept in between; Ack reads the file once more and writes them down.
//
// A written file takes effect by one rename. What is known about a key beforehand is in
// a journal beside the files, so that a repeated delivery does not write a document a
// second time, even when the receiver has taken the first file away (Invariant 3).
package filedrop
