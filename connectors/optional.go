package connectors

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Source is pulled.
type Source interface {
	// Pull returns one page. The same cursor may be asked again after a crash and must
	// then give at least the same items. Errors are *Error.
	Pull(ctx context.Context, req PullRequest) (Page, error)
}

// PullRequest asks for the page after Cursor; empty is the beginning of the window.
type PullRequest struct {
	Stream string
	Cursor string
	Window Window // zero unless the stream is windowed
}

// Window is closed-open: From <= t < To.
type Window struct{ From, To time.Time }

// Page is one answer of a pull.
type Page struct {
	Items  []Item
	Cursor string // where to go on; kept by the engine in the transaction of the items
	More   bool   // ask again now; false ends the window or the pull
	Acks   []Ack  // to acknowledge after the commit, for pools that shrink
}

// Item is one document, or a hint when Body is nil and Deleted is false.
type Item struct {
	Stream  string // empty = the stream that was asked
	Key     string // the vendor's immutable id
	Root    string // key of the root it belongs to; empty = Key
	Version int64  // rises with every change, compared inside one key; 0 = the source has none: the start of the fetch counts
	Body    []byte // the exact bytes of one document
	Deleted bool   // the source no longer has it (a tombstone)
	Final   bool   // of a Complete stream: it will never change again
	Headers map[string]string
}

// Ack is a token to hand back once its items are durable.
type Ack struct {
	Stream string
	Token  string
}

// Fetcher turns hints into documents.
type Fetcher interface {
	// Fetch returns a document for every key it could read; an absent key answers an
	// item with Deleted. Keys left out are asked again later.
	Fetch(ctx context.Context, stream string, keys []string) ([]Item, error)
}

// Decoder reads a stream's documents that are not JSON. The exact bytes stay what is
// stored; this is only how they are read.
type Decoder interface {
	// Decode returns the document as a tree of the codec package: maps, lists, text,
	// json.Number, bool and nil.
	Decode(stream string, body []byte) (any, error)
}

// Acker acknowledges rows to a pool that gives them again until then. Repeatable.
type Acker interface {
	Ack(ctx context.Context, acks []Ack) error
}

// Request is an inbound HTTP request, its body read within the hub's limit.
type Request struct {
	Method string
	Path   string // below the connection's intake path
	Query  url.Values
	Header http.Header
	Body   []byte
	At     time.Time
}

// Response is what the vendor expects to read.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Verdict is what became of an inbound request.
type Verdict int

// The verdicts. Bad comes with the *Error of Receive.
const (
	Stored Verdict = iota
	Busy           // the hub cannot store it now: the vendor shall come again
	Bad            // not authentic or not understood
)

// Received is what an authentic request carried. With Answer set the request was a
// handshake and nothing is stored.
type Received struct {
	Items  []Item
	Answer *Response
	// Reply is handed back to Receiver.Reply.
	Reply any
}

// Receiver takes pushes.
type Receiver interface {
	// Receive checks authenticity and decrypts; it has no side effect. An *Error with
	// kind Unauthorized is counted and never stored.
	Receive(ctx context.Context, req Request) (Received, error)
	// Reply is the answer in the vendor's own words.
	Reply(v Verdict, rcv Received, err error) Response
}

// Delivery is one document for one operation.
type Delivery struct {
	ID       string // results match by it
	Key      string // remote key with its generation
	Base     string // remote key without the generation
	Document json.RawMessage
	// RemoteIDs are what the target called this key before (an update, a second step);
	// for an operation that undoes another, what it called the document to undo.
	RemoteIDs []RemoteID
	Attempt   int
	// Progress is what Save stored last. Save makes progress durable before the next
	// step; an error from it must end the delivery at once.
	Progress json.RawMessage
	Save     func(ctx context.Context, progress json.RawMessage) error
}

// RemoteID is one name the target gave a document: {"waybill", "SF123"}.
type RemoteID struct {
	Kind  string
	Value string
}

// Outcome is what a write led to. The zero value is Unknown.
type Outcome int

// The outcomes.
const (
	Unknown          Outcome = iota // nobody knows whether it took effect
	Done                            // it took effect
	Took                            // the target took it and will finish later: Ticket
	NotSent                         // surely no effect: nothing left, or refused before execution
	Refused                         // surely no effect: the target refuses this document
	Duplicate                       // the target says it has the key already: look up and compare
	MissingReference                // surely no effect: it needs a document that is not there yet: Missing
)

// Result is the outcome of one delivery.
type Result struct {
	ID        string
	Outcome   Outcome
	RemoteIDs []RemoteID
	Ticket    string
	Wait      time.Duration // Took: poll no earlier
	Err       *Error        // why, for every outcome but Done and Took
	Missing   *Missing
	Exchanges []Exchange
}

// Missing names a document the target lacks: usually another operation's remote key
// of the same connection.
type Missing struct {
	Operation string
	Key       string
}

// Sink delivers. A batch never holds two documents of one lane.
type Sink interface {
	// Deliver answers a result for each delivery. An error stands for the whole call: its
	// Kind and Sent decide for every delivery without a result.
	Deliver(ctx context.Context, operation string, batch []Delivery) ([]Result, error)
}

// Presence is what a look-up found. The zero value is CannotTell.
type Presence int

// The answers of a look-up.
const (
	CannotTell Presence = iota
	Absent
	Same  // there, with this content
	Other // there, with other content: Fields
)

// Finding is a look-up's answer for one delivery.
type Finding struct {
	ID        string
	Presence  Presence
	Fields    []string // which differ
	RemoteIDs []RemoteID
	Progress  json.RawMessage // multi-step: where to go on; Presence is then Other with no Fields
	Err       *Error
	Exchanges []Exchange
}

// Looker tells what became of a write (Invariant 3: found is not delivered; receiver,
// amount and lines are compared).
type Looker interface {
	Lookup(ctx context.Context, operation string, batch []Delivery) ([]Finding, error)
}

// Ticket is an accepted delivery to ask about.
type Ticket struct {
	ID       string
	Ticket   string
	Delivery Delivery
}

// Poller asks how accepted writes ended.
type Poller interface {
	Poll(ctx context.Context, operation string, tickets []Ticket) ([]Result, error)
}

// Querier serves reconciliation. What it cannot list, Stream.List and Operation.List
// say with the reason.
type Querier interface {
	// List pages through what the vendor holds: name is a stream (a store's own
	// documents) or an operation (what the target made of ours).
	List(ctx context.Context, name string, w Window, cursor string) (Listed, error)
	// Get returns summaries for keys; a missing one is left out.
	Get(ctx context.Context, name string, keys []string) ([]Summary, error)
	// Summarize reads a document we sent (or a record) as the vendor would hold it, so
	// that both sides compare in one vocabulary.
	Summarize(name string, document json.RawMessage) (Summary, error)
}

// Listed is one page.
type Listed struct {
	Rows   []Summary
	Cursor string
	More   bool
}

// Summary is what reconciliation compares.
type Summary struct {
	Key       string // remote key, or the source's immutable id
	RemoteIDs []RemoteID
	Status    string // open, cancelled, closed or empty = not compared
	Amount    int64  // minor units; compared when Currency is set
	Currency  string
	Lines     int // -1 = not compared
	Store     string
	At        time.Time // by which the window selects
	Modified  time.Time
}

// Pinger tests an account for `check --online` and the health page.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Credential is something that a connection signs in with and that ends.
type Credential struct {
	Name   string    // "access token"
	Ends   time.Time // zero: the vendor does not say
	Renews bool      // the connector gets the next one by itself; otherwise a person must
}

// Expirer tells how long what it signs in with lives. It makes no call: it tells what the
// last answers said, and nothing of what it has not got yet.
type Expirer interface {
	CredentialEnds() []Credential
}

// Exchange is one call as it went over the wire, secrets masked, bodies cut at 16 KB.
type Exchange struct {
	Method   string
	URL      string // without secrets
	Request  string
	Status   int
	Response string
	Took     time.Duration
	Err      string
}
