// Package reconcile compares, over a window of time, what a source lists, what the
// ledger knows and what a target holds, and says by key and by content where they do
// not agree.
//
// # What is compared
//
// The window selects documents by the source's own time, closed-open, and ends a grace
// before now. For each of them the source is held against the newest record, and every
// target of every flow against the document that was applied there last. Documents
// that a target lists as changed within the window are compared too, whatever their
// age at the source. A step that undoes another is looked at together with the step
// it undoes.
//
// A list alone proves no absence: a document that changed again has left the window,
// and clocks differ. So the target's list is fetched with a margin, and what a list
// does not show is asked for by key before it is called missing. What can be neither
// listed nor asked for is printed as not compared, with the reason (Invariant 5).
//
// # What is not drift
//
// Rows that are not finished are in flight. A parked row is known and waits for a
// person. Documents that changed after the window, were given up by a person, or moved
// on at the target (shipped) are counted apart and never healed.
//
// # Healing
//
// Heal asks the source for the current state first. What was never pulled or never
// delivered then goes the ordinary way through mapping and lanes, and an outcome that
// nobody knows goes the way of a look-up (Invariant 3). Everything else is proposed
// with the request that would go out, and is never sent by itself.
package reconcile
