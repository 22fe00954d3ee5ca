package ledger

import (
	"time"
)

// DocKey is a record key: the source connection, the entity and the vendor's
// immutable id.
type DocKey struct {
	Connection string
	Entity     string
	Key        string
}

// Digest is the first 16 bytes of the SHA-256 of exact bytes.
type Digest [16]byte

// Ref points at a payload; the zero Ref is none.
type Ref struct {
	Block int64
	Index int
}

// Record is one stored version of a vendor document.
type Record struct {
	ID        int64
	Doc       int64 // the row of its record key
	DocKey    DocKey
	Stream    string
	Root      int64 // RootHash
	RootKey   string
	Version   int64     // the source's version, compared only inside one record key
	FetchedAt time.Time // when the fetch that brought it began
	At        time.Time // when it became durable
	Digest    Digest
	Deleted   bool // a tombstone: the source no longer has it
	State     RecordState
	Code      string // stable code of why it is parked
	Text      string // plain words, scrubbed
	Repeats   int    // exact repeats that came after it
	Payload   Ref
	Revision  int               // bumped by every replay of the record
	Headers   map[string]string // what travels with it; small
	Label     string            // the order number, member number... people know it by
	Amount    Amount            // what it is about; of a parked one as far as its source tells
}

// Amount is money in minor units of a currency (Invariant 6); without a currency none is
// known.
type Amount struct {
	Minor    int64
	Currency string
}

// Delivery is one message to one operation of one connection.
type Delivery struct {
	ID         int64
	Record     int64
	Doc        int64
	Source     string // the connection the record came from
	Root       int64
	Version    int64 // of the record
	Flow       string
	Step       string // the flow's name of the target; unique in the flow
	Connection string
	Operation  string
	RemoteKey  string // without the generation
	Generation int
	Revision   int
	State      State
	Code       string
	Text       string
	Holds      bool // parked, and its lane waits for it
	Clean      bool // no attempt started yet, or the last one surely had no effect
	Attempts   int
	NextAt     time.Time // zero unless waiting, unknown or accepted
	Ticket     string    // accepted
	Absent     int       // how often a look-up said absent since the state became unknown
	Progress   []byte    // of a multi-step sink
	Payload    Ref       // the target document; zero when it is mapped at the time of sending
	Digest     Digest    // of the target document
	MapVersion string
	Cause      int64  // the delivery that superseded, withdrew or replaced it
	Undoes     string // the operation it undoes; empty = none
	Amount     Amount // of its record, when it was created
	CreatedAt  time.Time
	UpdatedAt  time.Time // of the last change of state
}

// RemoteID is one name the target gave a document: {"waybill", "SF123"}.
type RemoteID struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// Link ties what the target knows to a record key.
type Link struct {
	Connection  string
	Operation   string
	RemoteKey   string
	Doc         int64
	RemoteIDs   []RemoteID
	Generation  int
	Applied     int64  // delivery applied last; 0 = none yet
	Version     int64  // of the record applied last
	Digest      Digest // of the document applied last
	Withdrawn   bool   // undone: a late create ends superseded
	WithdrawnBy int64  // the delivery that undid it
	UpdatedAt   time.Time
}

// Attempt is one try, look-up, poll or act of a person on a delivery. Appended, never
// overwritten (Invariant 5).
type Attempt struct {
	Delivery   int64
	N          int
	Kind       string // send, lookup, poll, recover, person, job
	StartedAt  time.Time
	EndedAt    time.Time
	State      State // the state it led to
	Code       string
	Text       string
	MapVersion string
	Who        string
	Exchange   Ref    // request and response as sent, masked
	Body       []byte // what to store as Exchange; not filled on reading
}

// DepKind says what a blocked delivery waits for.
type DepKind string

// The kinds of a dependency.
const (
	DepPredecessor DepKind = "predecessor" // Key: delivery id, decimal
	DepReference   DepKind = "reference"   // Key: ReferenceKey of a link
	DepLookup      DepKind = "lookup"      // Key: LookupKey of an entry
	DepNewer       DepKind = "newer"       // Key: why; nothing satisfies it, a newer version supersedes what waits
)

// Dep is one thing a blocked delivery waits for. It is ready when none is left.
type Dep struct {
	Kind DepKind
	Key  string
}

// Hint is a key without a body that waits to be fetched. Hints of one key merge: the
// row counts how often it was asked and up to which count it was answered.
type Hint struct {
	ID         int64
	Connection string
	Stream     string
	Key        string
	Root       int64
	Asked      int64
	Done       int64
	State      string // pending, done, parked
	NextAt     time.Time
	Attempts   int
	Code, Text string
	FirstAt    time.Time // when the oldest unanswered hint came
}

// Gate is the closed state of a connection or of one of its operations.
type Gate struct {
	Connection string
	Operation  string // empty: the whole connection
	Reason     string // outage, auth, quota, breaker, pause, shadow
	Code, Text string
	Since      time.Time
	Until      time.Time // next probe; zero for a pause
	Who        string
}

// Pending is what the bus must deliver after a start; ids and times only.
type Pending struct {
	Kind       string // hint, record, delivery
	ID         int64
	Connection string // of the hint, the record's source, or the delivery's target
	Source     string // delivery only: the connection its record came from
	Operation  string // delivery only
	Stream     string // hint and record
	Root       int64
	State      State // delivery only
	NextAt     time.Time
	Holds      bool
}

// Unseen is a document that may have changed while nobody looked.
type Unseen struct {
	Doc          int64
	Key, RootKey string
}

// JobRun is one run of a job.
type JobRun struct {
	ID      int64            `json:"id"`
	Job     string           `json:"job"`
	Tick    time.Time        `json:"tick"` // the scheduled time it stands for
	Owner   string           `json:"owner,omitempty"`
	Started time.Time        `json:"started"`
	Ended   time.Time        `json:"ended,omitzero"`
	State   string           `json:"state"`
	Counts  map[string]int64 `json:"counts,omitempty"`
	Text    string           `json:"text,omitempty"`
}

// The states of a row of a job's history.
const (
	RunRunning     = "running"
	RunDone        = "done"
	RunFailed      = "failed"
	RunInterrupted = "interrupted" // its process ended first
	RunSkipped     = "skipped"     // ticks while the run before had not ended
	RunPaused      = "paused"      // ticks while a person had paused the job
	RunMissed      = "missed"      // ticks while no hub ran, or its machine slept
)

// TicksCount names the count of the ticks that a row stands for which began no run.
const TicksCount = "ticks"

// Ran reports whether the row is a run; else it stands for ticks without one.
func (r *JobRun) Ran() bool {
	return r.State != RunSkipped && r.State != RunPaused && r.State != RunMissed
}

// JobPause is a person's word that a job shall not run at its ticks.
type JobPause struct {
	Job   string    `json:"-"`
	Who   string    `json:"who"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// SearchKey is what people type. The store keeps a keyed hash of it, never the value.
type SearchKey struct {
	Kind  string // order_no, transaction_id, waybill, phone, phone_tail, sku, member_no, remote_id, remote_key, ...
	Value string
}

// Hit is one found record key with its newest record.
type Hit struct {
	Doc     int64
	DocKey  DocKey
	Label   string
	Root    int64
	Latest  int64 // record id
	Version int64
	State   RecordState
	At      time.Time
	Kinds   []string // which search keys matched
}
