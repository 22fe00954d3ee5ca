package ledger

import "time"

// Unit is one guarded change; see the package comment.
type Unit interface{ unit() }

// Intake makes what a pull, a fetch or a webhook brought durable, together with the
// cursor and the answered hints (Invariants 1 and 2).
type Intake struct {
	Connection string
	Stream     string
	Items      []*IntakeItem
	Hints      []*NewHint
	Answered   []HintDone
	Cursor     *Cursor // moved in the same transaction; guard: From equals the stored value
	Applied    bool    // false only when the cursor's guard failed; then nothing was written
}

// IntakeItem is one document. Against the newest record of its record key it is the
// first of these that fits (so A, B, A within one version are three records, when each
// fetch began no earlier than the one before):
//   - new: a higher version, or the same version with another digest whose fetch began
//     no earlier: inserted as received (or as parked with Code),
//   - a repeat: same version and digest as the newest, or as an older record: Repeats of
//     that record is bumped and nothing inserted; a repeat of the newest also counts as
//     a later sighting of it when the next fetch is compared,
//   - older: inserted as superseded, so that its raw bytes are kept.
type IntakeItem struct {
	Entity    string
	Key       string
	RootKey   string // key of its root in the same connection
	RootEnt   string // entity of its root
	Version   int64
	FetchedAt time.Time
	Body      []byte
	Deleted   bool
	// Unversioned: the source has no version, Version is made of the time. The bytes of the
	// newest record are then a repeat of it, whatever the version.
	Unversioned bool
	// Watch: the document can still change unseen; see Ledger.Unseen.
	Watch   bool
	Code    string // set: stored as parked with this code (unreadable)
	Text    string
	Headers map[string]string

	ID      int64  // of the inserted or repeated record
	Outcome string // "new", "repeat", "older"
	First   bool   // the first record of its record key
}

// NewHint is a key to fetch.
type NewHint struct {
	Stream  string
	Key     string
	RootKey string
	RootEnt string

	ID     int64
	Asked  int64 // how often the key has come, with this one
	Merged bool  // another hint of the key was already waiting
}

// HintDone says that a fetch which began when Asked stood at this count has ended.
// The hint stays pending if it was asked again meanwhile. With State "parked" or
// "pending" the fetch failed: Code, Text and NextAt say how it goes on.
type HintDone struct {
	ID     int64
	Asked  int64
	State  string
	Code   string
	Text   string
	NextAt time.Time

	Again bool // result: asked again meanwhile, fetch once more
}

// Cursor is the position of a pull: Name tells live pulls from backfills.
type Cursor struct {
	Connection string
	Stream     string
	Name       string
	From       string // expected stored value; empty = none yet
	To         string
}

// Route ends the mapping of a record: its state and all its deliveries, in one
// transaction.
type Route struct {
	Record     int64
	From       []RecordState // guard; empty = received
	To         RecordState
	Code, Text string
	Label      string
	Keys       []SearchKey
	Amount     Amount // of the record; none leaves what is known
	Deliveries []*NewDelivery
	Moves      []*Move
	Replay     bool // a person's replay: bump Revision
	// IfRevision is a guard when it is set: the record's Revision equals it.
	IfRevision *int
	// Edit keeps what a person made of the record's document.
	Edit *NewEdit

	Applied  bool
	Released []Pending // deliveries that became ready through the moves
}

// The codes the store itself gives to deliveries it creates in another state than
// asked.
const (
	CodeKeyClash  = "key.clash"     // parked: another record key has claimed the remote key
	CodeWithdrawn = "key.withdrawn" // superseded: the link remembers that it was undone
)

// NewDelivery is a delivery to create. When its remote key is claimed by another
// record key under the same connection and operation it is created as parked with
// CodeKeyClash (a key is unique per connection and operation). When the link says
// Withdrawn for this generation or a later one, Undoes is empty and it carries state,
// it is created as superseded with CodeWithdrawn and the undoing delivery as Cause.
//
// Dependencies that are satisfied already are dropped; a blocked delivery that is left
// with none is created as ready. A predecessor that was withdrawn or discarded makes
// it withdrawn, or not_needed if it undoes the predecessor.
type NewDelivery struct {
	Flow, Step            string
	Connection, Operation string
	RemoteKey             string
	Generation            int
	State                 State // blocked, ready, parked, filtered, superseded
	Code, Text            string
	Holds                 bool
	Deps                  []Dep // DepPredecessor with Key "#i": the i-th delivery of this unit
	Payload               []byte
	Digest                Digest
	MapVersion            string
	Revision              int
	Cause                 int64
	Claim                 bool   // claim the remote key (false for filtered rows)
	Undoes                string // the operation of the same connection it undoes; empty = none
	Event                 bool   // it carries an event, not a state

	ID int64 // result
	// State, Code and Cause tell what it was created as.
}

// Move is a guarded change of state of one delivery, without an attempt of its own
// (with Who set, the act of that person is appended). It obeys CanMove; From narrows
// it further, and NeedClean asks that no attempt can have had an effect (Invariant 4).
// What follows from To is as for Settle. To = withdrawn is remembered in the link.
type Move struct {
	Delivery   int64
	From       []State
	NeedClean  bool
	To         State
	Code, Text string
	Cause      int64 // 0 with CauseNew >= 0: the CauseNew-th new delivery of the Route
	CauseNew   int   // -1 = none
	Holds      bool  // with To = parked
	Who        string

	Applied bool
}

// Start makes "attempt n started" durable before the first byte leaves (Invariant 3):
// ready (or waiting, its time having come) -> sending, Attempts+1, Clean=false, and one of the budget spent.
type Start struct {
	Delivery int64
	Attempt  int // guard: Attempts+1 equals it
	Budget   *Budget

	Applied    bool
	OverBudget bool // the guard that failed was the budget
}

// Budget is counted per connection, operation and key.
type Budget struct {
	Connection, Operation, Key string
	Max                        int
}

// Settle writes the outcome of an attempt, a look-up, a poll or an act of a person:
// state, attempt, link, time and released successors together.
//
// What follows from To, in the same transaction: a state that Satisfies removes the
// predecessor dependencies on this delivery; withdrawn and discarded withdraw its
// blocked successors (Cause = this delivery; one that undoes it becomes not_needed
// when no attempt had an effect); superseded rewrites their dependency to Cause, or
// withdraws them when Cause is no delivery of the same operation. A blocked delivery
// whose last dependency goes becomes ready; so does this one, when To is blocked and
// all its Deps are satisfied already: it is then among Released.
//
// Clean, Absent, Code and Text are written as given. An empty Ticket and a nil
// Progress keep what is stored. Leaving blocked drops the dependencies that remain.
// To = withdrawn is remembered in the link. A Move of the unit without Cause has this
// delivery as its cause.
type Settle struct {
	Delivery   int64
	From       []State
	To         State
	Code, Text string
	NextAt     time.Time
	Ticket     string
	Holds      bool
	Clean      bool
	Absent     int
	Progress   []byte
	CountTry   bool    // Attempts+1 (an attempt that had no Start)
	Refund     *Budget // gives one back: the attempt surely never left
	Deps       []Dep
	Attempt    *Attempt
	Link       *LinkChange
	Keys       []SearchKey // remote ids become search keys
	Cause      int64
	Revise     *Revision
	// IfRevision is a guard when it is set: the delivery's Revision equals it.
	IfRevision *int
	// Edit keeps the document that Revise replaces, and who replaced it; without Revise it
	// does nothing.
	Edit  *NewEdit
	Moves []*Move
	// Spawn are further deliveries of the same record: the undo that a redo needs first.
	// A DepPredecessor "#i" in Deps means the i-th of them.
	Spawn []*NewDelivery
	Who   string

	Applied  bool
	Released []Pending // deliveries that became ready
}

// Revision replaces the document of a delivery: re-mapped or edited by a person, or
// mapped at the time of sending.
type Revision struct {
	Payload    []byte
	Digest     Digest
	MapVersion string
	RemoteKey  string // empty = as it was; never changed after the first send
	Generation int
	Bump       bool // a person's act: Revision+1

	// Clash: RemoteKey is claimed by another record key, or the delivery was sent under
	// its old one; the guard of the Settle fails for it.
	Clash bool
}

// LinkChange is written with the receipt. A link that is applied or has remote ids,
// and is not withdrawn, satisfies reference dependencies on it. A change of an earlier
// generation than the link's adds its remote ids and nothing else; one of a later
// generation forgets that the earlier was withdrawn.
type LinkChange struct {
	Connection, Operation, RemoteKey string
	RemoteIDs                        []RemoteID // merged with those known
	Generation                       int
	Applied                          bool // this delivery is now the applied one: Version, Digest
	Version                          int64
	Digest                           Digest
	Withdrawn                        *bool
	// Reset: what was applied is undone so that it can be made anew (a redo): Applied
	// becomes 0, the version and digest empty, and Generation is the next one to use. The
	// remote ids are forgotten too, so that nobody cancels the old ones again; attempts
	// and search keys keep them.
	Reset bool

	Clash bool // result: the link is another record key's, nothing was written to it
}

// Progress saves how far a multi-step sink came, between steps, while sending.
type Progress struct {
	Delivery int64
	Progress []byte

	Applied bool
}

// PutLookup sets one entry of a lookup table and releases what waited for it. An empty
// Value with Delete removes the overlay entry.
type PutLookup struct {
	Table, Key, Value string
	Delete            bool
	Who, Why          string

	Released []Pending
}

// PutGate closes a gate, or opens it when Open is set.
type PutGate struct {
	Gate Gate
	Open bool
}

func (*Intake) unit()    {}
func (*Route) unit()     {}
func (*Start) unit()     {}
func (*Settle) unit()    {}
func (*Progress) unit()  {}
func (*PutLookup) unit() {}
func (*PutGate) unit()   {}
