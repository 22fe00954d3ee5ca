package api

import (
	"encoding/json"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/redact"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// Message is one record with everything that came of it.
type Message struct {
	ID         int64           `json:"id"`
	Connection string          `json:"connection"`
	Stream     string          `json:"stream"`
	Entity     string          `json:"entity"`
	Key        string          `json:"key"`
	Label      string          `json:"label,omitempty"`
	Version    int64           `json:"version"`
	State      string          `json:"state"`
	Code       string          `json:"code,omitempty"`
	Text       string          `json:"text,omitempty"`
	Received   time.Time       `json:"received_at"`
	Repeats    int             `json:"repeats"`
	TraceID    string          `json:"trace_id,omitempty"`  // of its OpenTelemetry trace, while traces are on
	TraceURL   string          `json:"trace_url,omitempty"` // where that trace is shown
	Document   json.RawMessage `json:"document,omitempty"`
	Masked     []string        `json:"masked,omitempty"` // JSON pointers of what the document hides
	Revision   int             `json:"revision"`         // raised by every act of a person
	Edits      []EditRow       `json:"edits,omitempty"`
	Versions   []Version       `json:"versions"`
	Deliveries []Delivery      `json:"deliveries"`
}

// Version is another record of the same record key.
type Version struct {
	ID      int64     `json:"id"`
	Stream  string    `json:"stream"`
	Version int64     `json:"version"`
	State   string    `json:"state"`
	At      time.Time `json:"received_at"`
}

// Delivery is one delivery with its attempts.
type Delivery struct {
	ID         int64           `json:"id"`
	Message    int64           `json:"message"`
	Flow       string          `json:"flow"`
	Step       string          `json:"step"`
	Connection string          `json:"connection"`
	Operation  string          `json:"operation"`
	Key        string          `json:"key"`
	State      string          `json:"state"`
	Code       string          `json:"code,omitempty"`
	Text       string          `json:"text,omitempty"`
	Attempts   int             `json:"attempts"`
	NextAt     *time.Time      `json:"next_at,omitempty"`
	WaitsFor   []string        `json:"waits_for,omitempty"`
	Cause      int64           `json:"cause,omitempty"`
	Mapping    string          `json:"mapping,omitempty"`
	TraceID    string          `json:"trace_id,omitempty"` // of its message's trace
	TraceURL   string          `json:"trace_url,omitempty"`
	Document   json.RawMessage `json:"document,omitempty"`
	Masked     []string        `json:"masked,omitempty"` // as a message's
	Tries      []Try           `json:"tries,omitempty"`
	Edits      []EditRow       `json:"edits,omitempty"`
}

// Try is one attempt, look-up, poll or act of a person.
type Try struct {
	N       int       `json:"n"`
	Kind    string    `json:"kind"`
	Started time.Time `json:"started_at"`
	Ended   time.Time `json:"ended_at"`
	State   string    `json:"state"`
	Code    string    `json:"code,omitempty"`
	Text    string    `json:"text,omitempty"`
	Who     string    `json:"who,omitempty"`
	Mapping string    `json:"mapping,omitempty"`
	Calls   []Call    `json:"calls,omitempty"`
}

// Call is one request of a try and how it was answered. What was said is shown by the
// calls of a delivery alone, masked.
type Call struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Status int    `json:"status,omitempty"`
	TookMS int64  `json:"took_ms"`
	Sent   int    `json:"sent_bytes"`
	Got    int    `json:"got_bytes"`
	Error  string `json:"error,omitempty"`

	Request  *redact.Body `json:"request,omitempty"`
	Response *redact.Body `json:"response,omitempty"`
}

// show returns a message with every hop: its versions, deliveries and tries.
func (a *API) show(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	rec, err := a.opt.Ledger.Record(ctx, id)
	if err != nil {
		return nil, missing("message", id, err)
	}
	m := Message{ID: rec.ID, Connection: rec.DocKey.Connection, Stream: rec.Stream, Entity: rec.DocKey.Entity, Key: rec.DocKey.Key, Label: rec.Label,
		Version: rec.Version, State: string(rec.State), Code: rec.Code, Text: rec.Text, Received: rec.At, Repeats: rec.Repeats, Revision: rec.Revision}
	m.Document, m.Masked = a.masked(r, a.sourceSchema(rec.DocKey.Connection, rec.Stream), rec.Payload)
	if m.Edits, err = a.recordEdits(r, rec); err != nil {
		return nil, err
	}
	m.TraceID, m.TraceURL = a.trace(rec.ID)
	records, err := a.opt.Ledger.RootRecords(ctx, rec.Root)
	if err != nil {
		return nil, err
	}
	for _, v := range records {
		m.Versions = append(m.Versions, Version{ID: v.ID, Stream: v.Stream, Version: v.Version, State: string(v.State), At: v.At})
	}
	rows, err := a.opt.Ledger.RootDeliveries(ctx, rec.Root)
	if err != nil {
		return nil, err
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
	m.Deliveries = []Delivery{}
	for i := range rows {
		d, err := a.delivery(r, &rows[i], true)
		if err != nil {
			return nil, err
		}
		m.Deliveries = append(m.Deliveries, *d)
	}
	return m, nil
}

// trace is where the way of a message is told.
func (a *API) trace(record int64) (id, url string) {
	id = a.opt.Engine.TraceID(record)
	return id, a.opt.TraceLink(id)
}

func (a *API) delivery(r *http.Request, d *ledger.Delivery, whole bool) (*Delivery, error) {
	out := &Delivery{ID: d.ID, Message: d.Record, Flow: d.Flow, Step: d.Step, Connection: d.Connection, Operation: d.Operation, Key: d.RemoteKey,
		State: string(d.State), Code: d.Code, Text: d.Text, Attempts: d.Attempts, Cause: d.Cause, Mapping: d.MapVersion}
	out.TraceID, out.TraceURL = a.trace(d.Record)
	if !d.NextAt.IsZero() {
		out.NextAt = &d.NextAt
	}
	if !whole {
		return out, nil
	}
	var schema *schemas.Schema
	if f := a.opt.Engine.Flows()[d.Flow]; f != nil {
		if s := f.StepNamed(d.Step); s != nil {
			schema = s.Schema
		}
	}
	out.Document, out.Masked = a.masked(r, schema, d.Payload)
	if d.State == ledger.Blocked {
		deps, err := a.opt.Ledger.Deps(r.Context(), d.ID)
		if err != nil {
			return nil, err
		}
		for _, dep := range deps {
			out.WaitsFor = append(out.WaitsFor, string(dep.Kind)+" "+strings.ReplaceAll(dep.Key, "\x1f", " "))
		}
	}
	var err error
	if out.Edits, err = a.deliveryEdits(r, d, schema); err != nil {
		return nil, err
	}
	out.Tries, err = a.tries(r, d.ID, func(x connectors.Exchange) Call {
		url, _, _ := strings.Cut(x.URL, "?")
		return callOf(x, redact.New().Place(url))
	})
	return out, err
}

// sourceSchema is the vendor schema of a stream's documents, nil when it has none.
func (a *API) sourceSchema(connection, stream string) *schemas.Schema {
	_, c, ok := a.opt.Engine.Conn(connection)
	if !ok {
		return nil
	}
	s, ok := c.Stream(stream)
	if !ok || s.Schema == "" {
		return nil
	}
	schema, _ := a.opt.Schemas.Get(s.Schema)
	return schema
}

// masked returns a payload with its personal values masked, and where they stand;
// without a schema nobody knows which they are, and nothing is shown (Invariant 8).
func (a *API) masked(r *http.Request, schema *schemas.Schema, ref ledger.Ref) (doc json.RawMessage, hidden []string) {
	if ref == (ledger.Ref{}) || schema == nil {
		return nil, nil
	}
	raw, err := a.opt.Ledger.Payload(r.Context(), ref)
	if err != nil {
		return nil, nil
	}
	return maskedBytes(schema, raw)
}

// maskedBytes is masked for a document at hand.
func maskedBytes(schema *schemas.Schema, raw []byte) (doc json.RawMessage, hidden []string) {
	if schema == nil || len(raw) == 0 {
		return nil, nil
	}
	tree, err := codec.Decode(raw)
	if err != nil {
		return nil, nil
	}
	if doc, err = codec.Encode(schema.Mask(tree)); err != nil {
		return nil, nil
	}
	return doc, schema.Hidden(tree)
}

func (a *API) deliveries(r *http.Request) (any, error) {
	f, err := a.filter(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.opt.Ledger.Deliveries(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out := []Delivery{}
	for i := range rows {
		d, err := a.delivery(r, &rows[i], false)
		if err != nil {
			return nil, err
		}
		out = append(out, *d)
	}
	return map[string]any{"deliveries": out}, nil
}

func (a *API) records(r *http.Request) (any, error) {
	f, err := a.filter(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.opt.Ledger.Records(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out := []Message{}
	for _, rec := range rows {
		out = append(out, Message{ID: rec.ID, Connection: rec.DocKey.Connection, Stream: rec.Stream, Entity: rec.DocKey.Entity, Key: rec.DocKey.Key,
			Label: rec.Label, Version: rec.Version, State: string(rec.State), Code: rec.Code, Text: rec.Text, Received: rec.At, Repeats: rec.Repeats})
	}
	return map[string]any{"messages": out}, nil
}

// Count is one row of the overview.
type Count struct {
	Kind       string     `json:"kind"`
	Connection string     `json:"connection"`
	Name       string     `json:"name"`
	State      string     `json:"state"`
	Code       string     `json:"code,omitempty"`
	N          int64      `json:"count"`
	Oldest     *time.Time `json:"oldest,omitempty"`
}

func (a *API) counts(r *http.Request) (any, error) {
	rows, err := a.opt.Ledger.Counts(r.Context())
	if err != nil {
		return nil, err
	}
	out := []Count{}
	for _, c := range rows {
		row := Count{Kind: c.Kind, Connection: c.Connection, Name: c.Name, State: c.State, Code: c.Code, N: c.N}
		if !c.Oldest.IsZero() {
			row.Oldest = &c.Oldest
		}
		out = append(out, row)
	}
	return map[string]any{"counts": out}, nil
}
