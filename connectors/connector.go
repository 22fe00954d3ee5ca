package connectors

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Connector declares one vendor's protocol and opens connections to it.
type Connector struct {
	Name       string // as written in connection files: "jushuitan"
	Title      string // as people know it: "聚水潭 Jushuitan"
	Role       string // store, oms, wms, erp, crm, logistics, any
	Text       string // one paragraph for `connectors describe`
	Docs       string // where the vendor documents it
	Config     []Field
	Limits     []Limit
	Streams    []Stream
	Operations []Operation
	Open       func(ctx context.Context, cfg Config, env Env) (Connection, error)
}

// Connection is one opened account. Its other abilities are optional interfaces.
type Connection interface {
	// Close releases what Open took. It may be called twice.
	Close() error
}

// Env is what the hub lends to a connection.
type Env struct {
	Log       *zap.Logger
	Now       func() time.Time
	Transport http.RoundTripper // under the connector's own HTTP client
	Vault     Vault
	Name      string // the connection's name, unique in the hub
}

// Vault keeps rotating credentials, encrypted (Invariant 8).
type Vault interface {
	// Get returns the value and its version; version 0 means there is none yet.
	Get(ctx context.Context, name string) (Secret, int64, error)
	// Swap stores the next value if the version is still the one given; otherwise it
	// returns an error of kind Conflict and the caller reads again.
	Swap(ctx context.Context, name string, version int64, next Secret) error
}

// Stream is something a connection can pull or receive.
type Stream struct {
	Name   string // orders
	Entity string // canonical entity: order
	Text   string
	Schema string // vendor schema of one document, empty = none

	Pull  bool // Source.Pull serves it
	Push  bool // Receiver yields it
	Hints bool // Pull yields keys without bodies; Fetcher serves them

	// Windowed pulls ask for documents changed within [From, To). The engine cuts the
	// windows, overlaps them and keeps the end Delay behind now; a stream that is not
	// windowed keeps its whole position in the cursor.
	Windowed bool
	MaxSpan  time.Duration
	Overlap  time.Duration
	Delay    time.Duration
	Grain    time.Duration // the vendor's time resolution; window ends are cut to it

	// Complete says that a finished pull has shown every document that is not Final. The
	// engine then fetches those it did not show: they have left the list, or are gone. For
	// sources whose changes move no timestamp; not windowed. The next pull begins at the
	// last page's cursor: empty = at the first row again.
	Complete bool

	// RootEntity is the entity of Item.Root; empty = the stream's own entity.
	RootEntity string
	// Also names a stream whose document with key Item.Root is fetched as well: the
	// order of an after-sale.
	Also string

	FetchBatch int   // keys per Fetch; 0 = 1
	PullUses   []Use // limits one Pull call takes
	FetchUses  []Use // limits one Fetch call takes
	List       Listing
}

// Use takes Cost units of the limit named Limit.
type Use struct {
	Limit string
	Cost  int
}

// Limit is a vendor's limit, counted per vendor account: at most Requests within any
// span of Per, at most Concurrent at once (0 = no such bound).
type Limit struct {
	Name       string
	Requests   int
	Per        time.Duration
	Concurrent int
	Text       string
}

// Listing says whether reconciliation can list an entity, and if not, why.
type Listing struct {
	Can    bool
	Reason string // set when Can is false: "the vendor has no list call"
	By     string // what the window selects by: "modified", "created"
}

// Carries says what a document of an operation is.
type Carries string

// State documents replace one another; events each count.
const (
	State Carries = "state"
	Event Carries = "event"
)

// Changes says what the target does with a changed document.
type Changes string

// The two ways.
const (
	Upsert     Changes = "upsert"
	CreateOnly Changes = "create-only"
)

// Repeat says what may be done after an outcome that nobody knows (Invariant 3).
type Repeat string

// The three repeat rules.
const (
	Idempotent Repeat = "idempotent" // the target dedupes by our key, for IdempotentFor
	AskFirst   Repeat = "ask-first"  // look the key up before sending again
	OneShot    Repeat = "one-shot"   // never again without a person
)

// Operation is something a connection can be asked to do. The declaration drives the
// engine.
type Operation struct {
	Name   string // order.push
	Entity string // of the canonical document it usually carries
	Text   string
	Schema string // vendor schema of the target document

	Carries  Carries
	Changes  Changes
	Undoes   string // the operation this one cancels
	AnyOrder bool   // a parked event does not hold its lane

	Repeat        Repeat
	IdempotentFor time.Duration // 0 = for ever
	Settle        time.Duration // ask-first: how long until a look-up sees a write
	Always        bool          // ask-first: ask before the first send too
	Budget        int           // one-shot: sends per budget key
	BudgetKey     string        // JSON pointer into the target document; empty = the remote key
	MultiStep     bool          // Deliver saves progress between steps

	Batch   int           // documents per call; 0 = 1
	Linger  time.Duration // how long to wait for a batch to fill
	Timeout time.Duration // of one Deliver; 0 = 30 s
	Poll    time.Duration // first wait before Poll, for accepted deliveries

	Uses       []Use // limits one Deliver call takes
	LookupUses []Use
	PollUses   []Use

	Key  KeyRule
	List Listing
}

// KeyRule is what the target allows as a remote key.
type KeyRule struct {
	MaxLen  int    // in bytes; 0 = no bound
	Pattern string // RE2 the whole key must match; empty = any
	Text    string // the rule in words
	// Generation builds the key for generation g > 0 as key + GenSep + g; empty = "-g".
	GenSep string
}

// Field is one configuration field of a connection.
type Field struct {
	Name     string
	Kind     FieldKind
	Required bool
	Default  string
	Enum     []string
	Text     string
	Example  string
}

// FieldKind is the type of a configuration field.
type FieldKind string

// The kinds of a field. A secret must be given by reference.
const (
	FieldString   FieldKind = "string"
	FieldSecret   FieldKind = "secret"
	FieldURL      FieldKind = "url"
	FieldInt      FieldKind = "int"
	FieldBool     FieldKind = "bool"
	FieldDuration FieldKind = "duration"
	FieldMap      FieldKind = "map" // text to text
)
