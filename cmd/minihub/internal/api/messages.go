package api

import (
	"encoding/json"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// Found is one row of a search.
type Found struct {
	Message    int64     `json:"message"` // newest record
	Connection string    `json:"connection"`
	Entity     string    `json:"entity"`
	Key        string    `json:"key"`
	Label      string    `json:"label,omitempty"`
	State      string    `json:"state"`
	At         time.Time `json:"at"`
	Matched    []string  `json:"matched"`
}

// find looks a value up as every kind of search key, in any system's spelling.
func (a *API) find(r *http.Request) (any, error) {
	value := strings.TrimSpace(r.URL.Query().Get("key"))
	if value == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "api.key", Text: "nothing to look for", Hint: "give ?key="}
	}
	var kinds []string
	if k := r.URL.Query().Get("kind"); k != "" {
		kinds = strings.Split(k, ",")
	}
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	hits, err := a.opt.Ledger.Find(r.Context(), value, kinds, n)
	if err != nil {
		return nil, err
	}
	out := []Found{}
	for _, h := range hits {
		out = append(out, Found{Message: h.Latest, Connection: h.DocKey.Connection, Entity: h.DocKey.Entity, Key: h.DocKey.Key, Label: h.Label,
			State: string(h.State), At: h.At, Matched: h.Kinds})
	}
	return map[string]any{"messages": out}, nil
}

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
	Document   json.RawMessage `json:"document,omitempty"`
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
	Document   json.RawMessage `json:"document,omitempty"`
	Tries      []Try           `json:"tries,omitempty"`
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

// Call is one request of a try and how it was answered. Its bodies stay inside: nobody
// can say where an answer holds personal values (Invariant 8).
type Call struct {
	Method string `json:"method"`
	URL    string `json:"url"` // without its query
	Status int    `json:"status,omitempty"`
	TookMS int64  `json:"took_ms"`
	Sent   int    `json:"sent_bytes"`
	Got    int    `json:"got_bytes"`
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
		Version: rec.Version, State: string(rec.State), Code: rec.Code, Text: rec.Text, Received: rec.At, Repeats: rec.Repeats,
		Document: a.masked(r, a.sourceSchema(rec.DocKey.Connection, rec.Stream), rec.Payload)}
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

func (a *API) delivery(r *http.Request, d *ledger.Delivery, whole bool) (*Delivery, error) {
	out := &Delivery{ID: d.ID, Message: d.Record, Flow: d.Flow, Step: d.Step, Connection: d.Connection, Operation: d.Operation, Key: d.RemoteKey,
		State: string(d.State), Code: d.Code, Text: d.Text, Attempts: d.Attempts, Cause: d.Cause, Mapping: d.MapVersion}
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
	out.Document = a.masked(r, schema, d.Payload)
	if d.State == ledger.Blocked {
		deps, err := a.opt.Ledger.Deps(r.Context(), d.ID)
		if err != nil {
			return nil, err
		}
		for _, dep := range deps {
			out.WaitsFor = append(out.WaitsFor, string(dep.Kind)+" "+strings.ReplaceAll(dep.Key, "\x1f", " "))
		}
	}
	tries, err := a.opt.Ledger.Attempts(r.Context(), d.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range tries {
		out.Tries = append(out.Tries, Try{N: t.N, Kind: t.Kind, Started: t.StartedAt, Ended: t.EndedAt, State: string(t.State), Code: t.Code, Text: t.Text, Who: t.Who,
			Mapping: t.MapVersion, Calls: a.calls(r, t.Exchange)})
	}
	return out, nil
}

func (a *API) calls(r *http.Request, ref ledger.Ref) []Call {
	if ref == (ledger.Ref{}) {
		return nil
	}
	raw, err := a.opt.Ledger.Payload(r.Context(), ref)
	if err != nil {
		return nil // its age ended
	}
	var list []connectors.Exchange
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var out []Call
	for _, x := range list {
		url, _, _ := strings.Cut(x.URL, "?")
		out = append(out, Call{Method: x.Method, URL: url, Status: x.Status, TookMS: x.Took.Milliseconds(), Sent: len(x.Request), Got: len(x.Response)})
	}
	return out
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

// masked returns a payload with its personal values masked; without a schema nobody
// knows which they are, and nothing is shown (Invariant 8).
func (a *API) masked(r *http.Request, schema *schemas.Schema, ref ledger.Ref) json.RawMessage {
	if ref == (ledger.Ref{}) || schema == nil {
		return nil
	}
	raw, err := a.opt.Ledger.Payload(r.Context(), ref)
	if err != nil {
		return nil
	}
	return maskedBytes(schema, raw)
}

// maskedBytes is masked for a document at hand.
func maskedBytes(schema *schemas.Schema, raw []byte) json.RawMessage {
	if schema == nil || len(raw) == 0 {
		return nil
	}
	tree, err := codec.Decode(raw)
	if err != nil {
		return nil
	}
	out, err := codec.Encode(schema.Mask(tree))
	if err != nil {
		return nil
	}
	return out
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
