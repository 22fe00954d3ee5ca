package ledger

import "slices"

// RecordState is the state of one record version.
type RecordState string

// The states of a record.
const (
	RecordReceived   RecordState = "received"   // durable, waits to be mapped
	RecordRouted     RecordState = "routed"     // its deliveries exist
	RecordNoTarget   RecordState = "no_target"  // no flow takes it
	RecordParked     RecordState = "parked"     // unreadable, mapping, schema: needs a person
	RecordSuperseded RecordState = "superseded" // a newer version of the same record key was there first
)

// State is the state of a delivery. held (gate closed) and queued (not the head of
// its lane) are derived, never stored.
type State string

// The states of a delivery; design section 4.1.
const (
	Blocked    State = "blocked"    // waits for a predecessor, a reference or a lookup entry
	Ready      State = "ready"      // waits for its turn, gate and limit
	Sending    State = "sending"    // an attempt started; durable unless the operation is idempotent
	Waiting    State = "waiting"    // will be tried again by itself at NextAt
	Unknown    State = "unknown"    // a write went out and nobody knows its effect
	Accepted   State = "accepted"   // the target took it and will finish later; polled
	Parked     State = "parked"     // needs a person
	Delivered  State = "delivered"  // done
	Unchanged  State = "unchanged"  // equal to what was applied last; not sent
	Superseded State = "superseded" // a newer delivery of the same operation and remote key took over
	Withdrawn  State = "withdrawn"  // undone before it started
	NotNeeded  State = "not_needed" // a cancel whose create never started
	Filtered   State = "filtered"   // the flow's `when` said no
	Discarded  State = "discarded"  // given up by a person, with a reason
)

// transitions is the one table of what may follow what. Store and engine check every
// change of state against it, and the model test walks it.
var transitions = map[State][]State{
	Blocked: {Ready, Blocked /* its document was edited */, Superseded, Withdrawn, NotNeeded, Parked, Discarded},
	Ready:   {Ready /* its document was made */, Sending, Waiting, Blocked, Parked, Unknown, Accepted, Delivered, Unchanged, Superseded, Withdrawn, NotNeeded, Discarded},
	Sending: {Ready, Waiting, Blocked, Parked, Unknown, Accepted, Delivered, Unchanged},
	// A timer makes a waiting delivery ready without a row of its own: it may go wherever
	// a ready one may.
	Waiting:  {Ready, Sending, Waiting, Blocked, Parked, Unknown, Accepted, Delivered, Unchanged, Superseded, Withdrawn, NotNeeded, Discarded},
	Unknown:  {Ready, Waiting, Parked, Unknown, Delivered, Unchanged},
	Accepted: {Accepted, Delivered, Parked, Unknown},
	Parked:   {Ready, Blocked, Superseded, Withdrawn, Discarded, Delivered},
}

// CanMove reports whether a delivery may go from one state to another.
func CanMove(from, to State) bool { return slices.Contains(transitions[from], to) }

// Final reports whether nothing follows the state.
func (s State) Final() bool { return len(transitions[s]) == 0 }

// Satisfies reports whether a predecessor in this state lets its successors go
// (Invariant 4).
func (s State) Satisfies() bool {
	return s == Delivered || s == Unchanged || s == Filtered || s == NotNeeded
}

// States lists every state of a delivery, in the order people read them.
func States() []State {
	return []State{Blocked, Ready, Sending, Waiting, Unknown, Accepted, Parked, Delivered, Unchanged,
		Superseded, Withdrawn, NotNeeded, Filtered, Discarded}
}
