// Package sqlledger is the ledger store over SQLite and PostgreSQL: one schema, one
// logic, two drivers.
//
// One goroutine writes. It takes what is queued, reads every row the queued units are
// about, applies the units one after another to those rows in memory (so the second
// unit of a batch sees what the first did), and writes the rows that changed in the
// same transaction. Nobody else can have changed a row in between: on SQLite a file
// lock keeps other processes out, on PostgreSQL the transaction begins with a lock on
// the lease rows and fails when they are somebody else's (Invariant 2). On PostgreSQL
// a batch of any size takes two round trips, or three when something is released.
//
// Payloads are packed, about 64 of one connection and kind to a compressed block, and
// the block is written with the rows that point into it. Search keys are appended, and
// once in a while sorted into a generation (see search_pages.go). The rows written last,
// their payloads and the deliveries of young roots stay in memory for the engine.
package sqlledger
