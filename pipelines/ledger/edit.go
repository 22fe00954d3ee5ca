package ledger

import "time"

// Edit is a document that a person changed. Appended, never overwritten (Invariant 5);
// a record's own bytes are not touched by it (Invariant 1).
type Edit struct {
	ID       int64
	Record   int64 // whose source document it is, or 0
	Delivery int64 // whose target document it is, or 0
	Revision int   // of the row, made by this edit
	At       time.Time
	Who, Why string
	// Before is a delivery's document as it was; of a record, what is before an edit is
	// what the edit before it left, or the record's own bytes.
	Before Ref
	// After is the document as it is since; of a record, none means its own bytes again.
	After Ref
}

// NewEdit is an edit to keep with the unit that it is part of. Of a record, Document is
// what it is mapped from now, and none means its own bytes again; of a delivery it is the
// unit's Revision.
type NewEdit struct {
	Who, Why string
	Document []byte
}
