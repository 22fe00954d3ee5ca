// Package ledger is the hub's truth: every record, delivery, attempt, link, hint,
// cursor, gate and job mark is a row here, and nothing is acknowledged to anybody
// before its row is durable (Invariant 2).
//
// The package declares what a store does; sqlledger implements it over SQLite and
// PostgreSQL with one schema and one set of statements, and ledgertest is the suite
// both pass.
//
// # Ids and order
//
// Record and delivery ids are taken inside the commit and rise; within a lane the id
// is the order. A lane is (target connection, root); every lane of a root lives in
// one partition, Part(root).
//
// # Units
//
// Everything that changes state is a unit given to Commit. The units of one call are
// written in one transaction, together with those of other callers (group commit).
// A unit whose guard does not hold (the row is no longer in one of the states it may
// leave) writes nothing and reports Applied=false; the other units are not touched.
// After Commit returned nil the results in the units are filled and durable.
package ledger
