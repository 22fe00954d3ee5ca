package wire

import (
	"encoding/json"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Version is the protocol's. It rises when a program of the old one would misread a
// message or be misread.
const Version = 1

// MaxMessage bounds a message, in bytes with its line end.
const MaxMessage = 32 << 20

// The methods that the hub calls. Cancel and Log are notifications.
const (
	MethodInitialize = "initialize"
	MethodOpen       = "open"
	MethodPull       = "pull"
	MethodFetch      = "fetch"
	MethodAck        = "ack"
	MethodDecode     = "decode"
	MethodReceive    = "receive"
	MethodDeliver    = "deliver"
	MethodLookup     = "lookup"
	MethodPoll       = "poll"
	MethodList       = "list"
	MethodGet        = "get"
	MethodSummarize  = "summarize"
	MethodPing       = "ping"
	MethodClose      = "close"
	MethodCancel     = "cancel"
)

// The methods that the program calls.
const (
	MethodVaultGet  = "vault.get"
	MethodVaultSwap = "vault.swap"
	MethodSave      = "progress.save"
	MethodLog       = "log"
)

// The codes of JSON-RPC errors. CodeConnector carries a connectors.Error as data.
const (
	CodeConnector = -32000
	CodeParams    = -32602
	CodeNoMethod  = -32601
)

// Initialize greets the program.
type Initialize struct {
	Protocol int
	Name     string // of the connector, as the hub's folder calls it
}

// Initialized is what the program is.
type Initialized struct {
	Protocol    int
	Declaration connectors.Connector
}

// Open opens the one connection of the program.
type Open struct {
	Connection string // its name, unique in the hub
	Config     Values
	LogLevel   string // debug, info, warn or error: what is below need not be sent
}

// Values is a connection's configuration, checked against the declaration, defaults
// filled in, secrets in the clear.
type Values struct {
	Text    map[string]string
	Secrets map[string]string
	Maps    map[string]map[string]string
}

// Opened says what the connection can do.
type Opened struct{ Abilities []string }

// The abilities.
const (
	CanPull    = "pull"
	CanFetch   = "fetch"
	CanAck     = "ack"
	CanDecode  = "decode"
	CanReceive = "receive"
	CanDeliver = "deliver"
	CanLookup  = "lookup"
	CanPoll    = "poll"
	CanQuery   = "query"
	CanPing    = "ping"
)

// Abilities lists all abilities.
func Abilities() []string {
	return []string{CanPull, CanFetch, CanAck, CanDecode, CanReceive, CanDeliver, CanLookup, CanPoll, CanQuery, CanPing}
}

// Timed is part of every call that may take long.
type Timed struct {
	Timeout time.Duration // after it nobody reads the answer
}

// Pull asks for a page; the answer is a connectors.Page.
type Pull struct {
	Timed
	connectors.PullRequest
}

// Fetch asks for documents.
type Fetch struct {
	Timed
	Stream string
	Keys   []string
}

// Fetched are the documents.
type Fetched struct{ Items []connectors.Item }

// Ack acknowledges; the answer is an empty object.
type Ack struct {
	Timed
	Acks []connectors.Ack
}

// DecodeBody asks how a document is read.
type DecodeBody struct {
	Timed
	Stream string
	Body   []byte
}

// Decoded is the document as JSON.
type Decoded struct{ Document json.RawMessage }

// Receive hands over an inbound request.
type Receive struct {
	Timed
	connectors.Request
}

// Received is what it carried, with the answer for each verdict: the hub gives one of
// them when it knows whether the items are durable, without asking again.
type Received struct {
	connectors.Received
	Replies Replies
}

// Replies are the answers in the vendor's own words.
type Replies struct{ Stored, Busy, Bad connectors.Response }

// Refusal is the data of the error that receive answers with.
type Refusal struct {
	connectors.Error
	Replies Replies
}

// Batch is what deliver and lookup carry.
type Batch struct {
	Timed
	Operation  string
	Deliveries []connectors.Delivery
}

// Results is the answer of deliver and poll.
type Results struct{ Results []connectors.Result }

// Findings is the answer of lookup.
type Findings struct{ Findings []connectors.Finding }

// Poll asks how accepted writes ended.
type Poll struct {
	Timed
	Operation string
	Tickets   []connectors.Ticket
}

// List asks for a page of summaries; the answer is a connectors.Listed.
type List struct {
	Timed
	Name   string
	Window connectors.Window
	Cursor string
}

// Get asks for summaries by key.
type Get struct {
	Timed
	Name string
	Keys []string
}

// Summaries is the answer of get.
type Summaries struct{ Rows []connectors.Summary }

// Summarize asks how the vendor would hold a document; the answer is a
// connectors.Summary.
type Summarize struct {
	Timed
	Name     string
	Document json.RawMessage
}

// Nothing is the parameter and the answer of calls that carry nothing else.
type Nothing struct{ Timed }

// Cancel says that nobody waits for a call any more: ID is its JSON-RPC id.
type Cancel struct{ ID int64 }

// VaultGet reads a rotating credential.
type VaultGet struct{ Name string }

// VaultValue is the credential; version 0 means there is none yet.
type VaultValue struct {
	Value   string
	Version int64
}

// VaultSwap stores the next credential if the version is still the one given.
type VaultSwap struct {
	Name    string
	Version int64
	Next    string
}

// Save makes the progress of a delivery durable before the next step.
type Save struct {
	Call     int64 // JSON-RPC id of the deliver
	Delivery string
	Progress json.RawMessage
}

// Log is one line for the hub's log.
type Log struct {
	Level  string
	Text   string
	Fields map[string]string
}
