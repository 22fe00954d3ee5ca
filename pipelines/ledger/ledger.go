package ledger

import (
	"context"
	"errors"
	"time"
)

// The errors a store answers with.
var (
	ErrNotFound = errors.New("ledger: not found")
	ErrLost     = errors.New("ledger: this process no longer owns the store")
	ErrOwned    = errors.New("ledger: another process owns the store")
	ErrClosed   = errors.New("ledger: closed")
	ErrFull     = errors.New("ledger: the disk is nearly full") // intake is refused, outcomes are still written
	ErrConflict = errors.New("ledger: changed by somebody else")
)

// Ledger is an open store owned by this process.
type Ledger interface {
	// Name tells the store from every other one, for as long as it lives.
	Name() string

	// Commit writes the units and returns when they are durable. It never fails for a
	// guard; an error means that nothing of the call was written, or that it is not
	// known (then the process must stop: ErrLost, a broken disk). When ctx ends while the
	// call waits, its units may still be written: they belong to the store then, and the
	// caller must not touch them again. The store keeps the payloads it is given for a
	// while: nobody changes their bytes afterwards.
	Commit(ctx context.Context, units ...Unit) error

	// Unfinished calls fn for everything the bus must deliver: pending hints, then
	// received records, then deliveries that are ready, sending, waiting, unknown,
	// accepted, or parked with Holds; each kind in order of id.
	Unfinished(ctx context.Context, fn func(Pending) error) error

	Record(ctx context.Context, id int64) (*Record, error)
	Delivery(ctx context.Context, id int64) (*Delivery, error)
	Hint(ctx context.Context, id int64) (*Hint, error)
	// Payload returns the exact bytes, which the caller must not change. What was just
	// written is served from memory.
	Payload(ctx context.Context, ref Ref) ([]byte, error)

	// RootRecords and RootDeliveries return all rows of a root in order of id.
	RootRecords(ctx context.Context, root int64) ([]Record, error)
	RootDeliveries(ctx context.Context, root int64) ([]Delivery, error)
	// Latest returns the newest record of a record key, or ErrNotFound.
	Latest(ctx context.Context, key DocKey) (*Record, error)
	// Sighted returns when the fetch that saw each document last began, repeats included;
	// unknown keys are left out.
	Sighted(ctx context.Context, connection, entity string, keys []string) (map[string]time.Time, error)
	// Unseen pages through the watched documents of a stream that no fetch which began at
	// since or later has seen; after is the last page's last Doc.
	Unseen(ctx context.Context, connection, stream string, since time.Time, after int64, limit int) ([]Unseen, error)
	Deliveries(ctx context.Context, f Filter) ([]Delivery, error)
	Records(ctx context.Context, f Filter) ([]Record, error)
	Hints(ctx context.Context, f Filter) ([]Hint, error)
	Attempts(ctx context.Context, delivery int64) ([]Attempt, error)
	// RecordEdits and DeliveryEdits return what people made of a document, oldest first.
	RecordEdits(ctx context.Context, record int64) ([]Edit, error)
	DeliveryEdits(ctx context.Context, delivery int64) ([]Edit, error)
	Deps(ctx context.Context, delivery int64) ([]Dep, error)
	Link(ctx context.Context, connection, operation, remoteKey string) (*Link, error)
	// LinksByDoc returns the links of a record key, for mappings and `after`.
	LinksByDoc(ctx context.Context, doc int64) ([]Link, error)
	BudgetUsed(ctx context.Context, connection, operation, key string) (int, error)
	// Counts returns how many records and deliveries are in each state, by connection
	// and operation (stream for records).
	Counts(ctx context.Context) ([]Count, error)
	// Find looks a value up as every kind of search key (kinds narrows it), newest first.
	Find(ctx context.Context, value string, kinds []string, limit int) ([]Hit, error)

	Cursor(ctx context.Context, connection, stream, name string) (string, error)
	Gates(ctx context.Context) ([]Gate, error)
	Lookups(ctx context.Context, table string) (map[string]string, error)
	LookupHistory(ctx context.Context, table, key string) ([]LookupChange, error)

	// ClaimTick records that this process runs the job's tick; false when any process
	// already has.
	ClaimTick(ctx context.Context, job string, tick time.Time) (*JobRun, bool, error)
	EndRun(ctx context.Context, run *JobRun) error
	// JobRuns returns the history of a job, newest first, with an id below before (0 =
	// all); an empty name is every job.
	JobRuns(ctx context.Context, job string, before int64, limit int) ([]JobRun, error)
	// PauseJob keeps a pause over restarts; ResumeJob ends it and reports whether there
	// was one.
	PauseJob(ctx context.Context, p JobPause) error
	ResumeJob(ctx context.Context, job string) (bool, error)
	JobPauses(ctx context.Context) ([]JobPause, error)

	// VaultGet and VaultSwap keep rotating credentials; the value is already encrypted.
	// Swap compares the version (0 = none yet) and answers ErrConflict when it moved.
	VaultGet(ctx context.Context, name string) (value []byte, version int64, err error)
	VaultSwap(ctx context.Context, name string, version int64, value []byte) error

	// PutReport and Report keep the JSON of reconciliation runs.
	PutReport(ctx context.Context, kind string, at time.Time, body []byte) (int64, error)
	Report(ctx context.Context, kind string, id int64) (body []byte, at time.Time, err error) // id 0 = newest

	// Retain drops payloads of finished rows older than the age, copying out of shared
	// blocks what is unfinished, and returns how many blocks went.
	Retain(ctx context.Context, olderThan time.Time) (int, error)

	Backfills
	People
	Auditor

	Stats(ctx context.Context) (Stats, error)
	Close() error
}

// Filter selects rows; empty fields match all. Rows come in order of id after After.
type Filter struct {
	Connection string
	Operation  string
	Stream     string
	Flow       string
	States     []string
	Code       string
	Label      string
	From, To   time.Time // created (delivery) or durable (record) within, closed-open
	After      int64
	Limit      int // 0 = 100
}

// Count is one row of Counts.
type Count struct {
	Kind       string // record, delivery, hint
	Connection string
	Name       string // stream or operation
	State      string
	Code       string
	N          int64
	Oldest     time.Time
}

// LookupChange is one row of a lookup entry's history.
type LookupChange struct {
	Table, Key, Value string
	Deleted           bool
	Who, Why          string
	At                time.Time
}

// Stats says how the store does.
type Stats struct {
	Engine    string // sqlite, postgres
	Schema    int    // migration version
	Bytes     int64
	WAL       int64
	Commits   int64
	Units     int64
	LastFsync time.Duration // of the probe at start
}
