package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
	"github.com/minihub/minihub/schemas/codec"
)

// paper is a document of the invented shop and of the invented target alike.
type paper struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Amount   int64  `json:"amount"`
	Lines    int    `json:"lines"`
	Store    string `json:"store"`
	At       int64  `json:"at"`
	Receiver string `json:"receiver,omitempty"`
}

// side is one invented system: its documents by name, in the order they are listed.
type side struct {
	conn     string
	docs     map[string][]connectors.Summary // by stream or operation
	page     int
	failAt   int // the page that fails, 1 = the first; 0 = none
	noGet    bool
	getFails bool
	again    bool // every page repeats the last row of the one before
	stuck    bool
	panics   bool
	listed   []connectors.Window
	got      int
}

func (s *side) Close() error { return nil }

func (s *side) List(_ context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	if s.panics {
		panic("broken connector")
	}
	if cursor == "" {
		s.listed = append(s.listed, w)
	}
	var rows []connectors.Summary
	for _, r := range s.docs[name] {
		if !r.At.Before(w.From) && r.At.Before(w.To) {
			rows = append(rows, r)
		}
	}
	from := 0
	if cursor != "" {
		var err error
		if from, err = strconv.Atoi(cursor); err != nil {
			return connectors.Listed{}, err
		}
	}
	if s.failAt > 0 && from/s.page+1 >= s.failAt {
		return connectors.Listed{}, &connectors.Error{Kind: connectors.Unavailable, Code: "http.502", Text: "bad gateway"}
	}
	to := min(from+s.page, len(rows))
	if s.again && from > 0 {
		return connectors.Listed{Rows: rows[from-1 : to], Cursor: strconv.Itoa(to), More: to < len(rows)}, nil
	}
	if s.stuck {
		return connectors.Listed{Rows: rows[from:to], Cursor: cursor, More: true}, nil
	}
	return connectors.Listed{Rows: rows[from:to], Cursor: strconv.Itoa(to), More: to < len(rows)}, nil
}

func (s *side) Get(_ context.Context, name string, keys []string) ([]connectors.Summary, error) {
	switch {
	case s.noGet:
		return nil, &connectors.Error{Kind: connectors.Forbidden, Code: "test.no_get", Text: "no call for it"}
	case s.getFails:
		return nil, &connectors.Error{Kind: connectors.Unavailable, Code: "http.504", Text: "gateway time-out"}
	}
	s.got += len(keys)
	var out []connectors.Summary
	for _, r := range s.docs[name] {
		if slices.Contains(keys, r.Key) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *side) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	var p paper
	if err := codec.Unmarshal(document, &p); err != nil {
		return connectors.Summary{}, &connectors.Error{Kind: connectors.Unreadable, Code: "test.unreadable", Text: "no JSON", Err: err}
	}
	sum := connectors.Summary{Key: p.ID, Status: p.Status, Amount: p.Amount, Currency: "CNY", Lines: p.Lines}
	if name == "orders" {
		sum.Store, sum.At = p.Store, time.Unix(p.At, 0)
	}
	return sum, nil
}

// find returns a document to change in place; nil when there is none.
func (s *side) find(name, key string) *connectors.Summary {
	for i := range s.docs[name] {
		if s.docs[name][i].Key == key {
			return &s.docs[name][i]
		}
	}
	return nil
}

func (s *side) drop(name, key string) {
	s.docs[name] = slices.DeleteFunc(s.docs[name], func(r connectors.Summary) bool { return r.Key == key })
}

func (s *side) put(name string, r connectors.Summary) { s.docs[name] = append(s.docs[name], r) }

// world is a hub between two shops and an OMS.
type world struct {
	t      testing.TB
	ctx    context.Context
	now    time.Time
	store  *sqlledger.Store
	shops  map[string]*side
	oms    *side
	conns  map[string]*connectors.Connector
	sides  map[string]*side
	flows  map[string]*flow.Flow
	ids    int
	calls  []string
	papers map[string]paper // the shops' documents in full
	opt    Options
}

const (
	orders = "orders"
	push   = "order.push"
	undo   = "order.cancel"
)

// day is the window of the tests: 2026-03-09 at +08:00; now is two hours after it.
var (
	china = time.FixedZone("+08", 8*60*60)
	day0  = time.Date(2026, 3, 9, 0, 0, 0, 0, china)
	day1  = day0.Add(24 * time.Hour)
)

func newWorld(t testing.TB) *world {
	w := &world{t: t, ctx: t.Context(), now: day1.Add(2 * time.Hour), shops: map[string]*side{}, papers: map[string]paper{}, sides: map[string]*side{}}
	shop := &connectors.Connector{Name: "shop", Streams: []connectors.Stream{{Name: orders, Entity: "order", Pull: true, Hints: true, Windowed: true,
		MaxSpan: 7 * 24 * time.Hour, Grain: time.Second, FetchBatch: 50, List: connectors.Listing{Can: true, By: "modified"}}}}
	oms := &connectors.Connector{Name: "oms", Operations: []connectors.Operation{
		{Name: push, Entity: "order", Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.AskFirst, Batch: 50,
			List: connectors.Listing{Can: true, By: "modified"}},
		{Name: undo, Entity: "order", Undoes: push, Carries: connectors.State, Changes: connectors.CreateOnly, Repeat: connectors.AskFirst,
			List: connectors.Listing{Reason: "a cancel is a state of its order"}},
	}}
	w.conns = map[string]*connectors.Connector{"shop-a": shop, "shop-b": shop, "oms": oms}
	for _, name := range []string{"shop-a", "shop-b"} {
		w.shops[name] = &side{conn: name, docs: map[string][]connectors.Summary{}, page: 7}
		w.sides[name] = w.shops[name]
	}
	w.oms = &side{conn: "oms", docs: map[string][]connectors.Summary{}, page: 7}
	w.sides["oms"] = w.oms
	create := &flow.Step{Flow: orders, Name: "oms." + push, Connection: "oms", Operation: push, Decl: &oms.Operations[0], Mode: flow.On,
		Key: template(t, "{order.store.code}-{order.order_no}")}
	cancel := &flow.Step{Flow: orders, Name: "oms." + undo, Connection: "oms", Operation: undo, Decl: &oms.Operations[1], Mode: flow.On, Undoes: create, Index: 1}
	create.UndoneBy = cancel
	w.flows = map[string]*flow.Flow{orders: {Name: orders, Entity: "order",
		Sources: []flow.Source{{Connection: "shop-a", Stream: orders}, {Connection: "shop-b", Stream: orders}}, Steps: []*flow.Step{create, cancel}}}
	w.open()
	w.opt = Options{Ledger: w.store, Engine: w, Now: func() time.Time { return w.now },
		Mask: func(_, _ string, doc []byte) ([]byte, error) {
			var p paper
			if err := codec.Unmarshal(doc, &p); err != nil {
				return nil, err
			}
			if p.Receiver != "" {
				p.Receiver = "***"
			}
			return json.Marshal(p)
		}}
	return w
}

func (w *world) open() {
	s, err := sqlledger.Open(w.ctx, sqlledger.Options{URL: "sqlite:" + filepath.Join(w.t.TempDir(), "ledger.db"), Secret: []byte("not a secret"),
		Relaxed: true, Now: func() time.Time { return w.now }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.store = s
}

func template(t testing.TB, text string) *mapper.Template {
	tpl, err := mapper.CompileTemplate(text, mapper.Position{}, mapper.Env{Name: "order"})
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func condition(t testing.TB, text string) *mapper.Condition {
	c, err := mapper.CompileCondition(text, mapper.Position{}, mapper.Env{Name: "order"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) at(t time.Time, do func()) {
	before := w.now
	w.now = t
	do()
	w.now = before
}

func (w *world) commit(units ...ledger.Unit) {
	w.t.Helper()
	if err := w.store.Commit(w.ctx, units...); err != nil {
		w.t.Fatal(err)
	}
}

// order puts an order into a shop: key n of store a or b.
func (w *world) order(shop string, n int, at time.Time) paper {
	p := paper{ID: fmt.Sprintf("%s%04d", shop[len(shop)-1:], n), Status: open, Amount: int64(10000 + n), Lines: 1 + n%3, Store: shop, At: at.Unix(), Receiver: "周测试"}
	w.shopHas(p)
	return p
}

func (w *world) shopHas(p paper) {
	w.papers[p.ID] = p
	s, err := w.shops[p.Store].Summarize(orders, raw(w.t, p))
	if err != nil {
		w.t.Fatal(err)
	}
	w.shops[p.Store].drop(orders, p.ID)
	w.shops[p.Store].put(orders, s)
}

func raw(t testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keyFor(p paper) string { return p.Store + "-" + p.ID }

// pull makes an order durable as it is and returns its record.
func (w *world) pull(p paper) int64 {
	w.t.Helper()
	it := &ledger.IntakeItem{Entity: "order", Key: p.ID, RootKey: p.ID, RootEnt: "order", Version: p.At, FetchedAt: w.now, Body: raw(w.t, p)}
	w.commit(&ledger.Intake{Connection: p.Store, Stream: orders, Items: []*ledger.IntakeItem{it}})
	return it.ID
}

// routed maps a record; change adapts the one delivery.
func (w *world) routed(p paper, rec int64, change func(*ledger.NewDelivery)) *ledger.NewDelivery {
	w.t.Helper()
	doc := paper{ID: keyFor(p), Status: p.Status, Amount: p.Amount, Lines: p.Lines, Receiver: p.Receiver}
	body := raw(w.t, doc)
	d := &ledger.NewDelivery{Flow: orders, Step: "oms." + push, Connection: "oms", Operation: push, RemoteKey: keyFor(p), State: ledger.Ready,
		Payload: body, Digest: digest(body), Claim: true}
	if change != nil {
		change(d)
	}
	u := &ledger.Route{Record: rec, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}, Label: p.ID}
	w.commit(u)
	if !u.Applied {
		w.t.Fatalf("record %d was not routed", rec)
	}
	return d
}

func digest(b []byte) ledger.Digest {
	sum := sha256.Sum256(b)
	return ledger.Digest(sum[:16])
}

// settle ends a delivery; delivered ones get their link.
func (w *world) settle(d *ledger.NewDelivery, to ledger.State, change func(*ledger.Settle)) {
	w.t.Helper()
	s := &ledger.Settle{Delivery: d.ID, To: to, CountTry: true}
	if to == ledger.Delivered {
		s.Link = &ledger.LinkChange{Connection: "oms", Operation: d.Operation, RemoteKey: d.RemoteKey, Generation: d.Generation, Applied: true,
			Version: 1, Digest: d.Digest}
	}
	if change != nil {
		change(s)
	}
	w.commit(s)
	if !s.Applied {
		w.t.Fatalf("delivery %d did not settle to %s", d.ID, to)
	}
}

// omsHas puts a pushed document into the target.
func (w *world) omsHas(p paper, at time.Time) *connectors.Summary {
	w.ids++
	w.oms.put(push, connectors.Summary{Key: keyFor(p), RemoteIDs: []connectors.RemoteID{{Kind: "o_id", Value: strconv.Itoa(9000 + w.ids)}},
		Status: p.Status, Amount: p.Amount, Currency: "CNY", Lines: p.Lines, At: at, Modified: at})
	return &w.oms.docs[push][len(w.oms.docs[push])-1]
}

// synced is an order that went all the way, a minute after its time.
func (w *world) synced(shop string, n int, at time.Time) paper {
	p := w.order(shop, n, at)
	w.deliver(p, at.Add(time.Minute))
	return p
}

func (w *world) deliver(p paper, at time.Time) *ledger.NewDelivery {
	var d *ledger.NewDelivery
	w.at(at, func() {
		d = w.routed(p, w.pull(p), nil)
		w.settle(d, ledger.Delivered, nil)
	})
	w.omsHas(p, at)
	return d
}

// cancelAtOMS is a cancel that went through the hub.
func (w *world) cancelAtOMS(p paper, at time.Time) {
	w.at(at, func() {
		rec := w.pull(p)
		d := w.routed(p, rec, func(d *ledger.NewDelivery) {
			d.Step, d.Operation, d.Undoes, d.Digest = "oms."+undo, undo, push, ledger.Digest{}
		})
		yes := true
		w.settle(d, ledger.Delivered, func(s *ledger.Settle) {
			s.Link = &ledger.LinkChange{Connection: "oms", Operation: push, RemoteKey: keyFor(p), Withdrawn: &yes}
		})
	})
	if r := w.oms.find(push, keyFor(p)); r != nil {
		r.Status, r.Modified = cancelled, at
	}
}

// The engine, as far as reconciliation needs one.

func (w *world) Conn(name string) (connectors.Connection, *connectors.Connector, bool) {
	s := w.sides[name]
	if s == nil {
		return nil, nil, false
	}
	return s, w.conns[name], true
}

func (w *world) Flows() map[string]*flow.Flow { return w.flows }

func (w *world) Refetch(_ context.Context, rec *ledger.Record) error {
	w.calls = append(w.calls, "refetch "+rec.DocKey.Key)
	decl, ok := w.conns[rec.DocKey.Connection].Stream(rec.Stream)
	if !ok || !decl.Hints {
		return errors.New("cannot be asked for one document")
	}
	w.fetch(rec.DocKey)
	return nil
}

func (w *world) Backfill(_ context.Context, connection, stream string, win connectors.Window) error {
	w.calls = append(w.calls, "backfill "+connection+"."+stream)
	for _, s := range slices.Clone(w.shops[connection].docs[stream]) {
		if !s.At.Before(win.From) && s.At.Before(win.To) {
			w.fetch(ledger.DocKey{Connection: connection, Entity: "order", Key: s.Key})
		}
	}
	return nil
}

// fetch pulls one document and lets what is new take its way.
func (w *world) fetch(key ledger.DocKey) {
	if w.shops[key.Connection].find(orders, key.Key) == nil {
		w.commit(&ledger.Intake{Connection: key.Connection, Stream: orders, Items: []*ledger.IntakeItem{{Entity: "order", Key: key.Key, RootKey: key.Key,
			RootEnt: "order", Version: w.now.Unix(), FetchedAt: w.now, Deleted: true}}})
		rec, err := w.store.Latest(w.ctx, key)
		if err != nil {
			w.t.Fatal(err)
		}
		w.commit(&ledger.Route{Record: rec.ID, To: ledger.RecordNoTarget, Code: "record.deleted"})
		return
	}
	p := w.papers[key.Key]
	id := w.pull(p)
	rec, err := w.store.Record(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	if rec.State != ledger.RecordReceived {
		return
	}
	if link, err := w.store.Link(w.ctx, "oms", push, keyFor(p)); p.Status == cancelled && err == nil && link.Applied != 0 {
		w.cancelAtOMS(p, w.now)
		return
	}
	d := w.routed(p, id, nil)
	w.settle(d, ledger.Delivered, nil)
	w.oms.drop(push, keyFor(p))
	w.omsHas(p, w.now)
}

func (w *world) ReplayRecord(_ context.Context, id int64, who string) (Moved, error) {
	w.calls = append(w.calls, "replay record by "+who)
	rec, err := w.store.Record(w.ctx, id)
	if err != nil {
		return Moved{}, err
	}
	if rec.State != ledger.RecordNoTarget {
		return Moved{}, fmt.Errorf("record %d is %s", id, rec.State)
	}
	p := w.papers[rec.DocKey.Key]
	body := raw(w.t, paper{ID: keyFor(p), Status: p.Status, Amount: p.Amount, Lines: p.Lines})
	d := &ledger.NewDelivery{Flow: orders, Step: "oms." + push, Connection: "oms", Operation: push, RemoteKey: keyFor(p), State: ledger.Ready,
		Payload: body, Digest: digest(body), Claim: true}
	w.commit(&ledger.Route{Record: id, From: []ledger.RecordState{ledger.RecordNoTarget}, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}, Replay: true})
	w.settle(d, ledger.Delivered, nil)
	w.omsHas(p, w.now)
	return Moved{To: "routed"}, nil
}

func (w *world) ReplayDelivery(_ context.Context, id int64, who string) (Moved, error) {
	w.calls = append(w.calls, "replay delivery by "+who)
	d, err := w.store.Delivery(w.ctx, id)
	if err != nil {
		return Moved{}, err
	}
	if w.oms.find(push, d.RemoteKey) == nil {
		w.t.Errorf("delivery %d would have been sent again", id)
	}
	w.settle(&ledger.NewDelivery{ID: id, Operation: push, RemoteKey: d.RemoteKey, Digest: d.Digest}, ledger.Delivered, nil)
	return Moved{To: "delivered", Code: "lookup.same"}, nil
}

func (w *world) run() *Report {
	w.t.Helper()
	rep, err := New(w.opt).Run(w.ctx, Request{From: day0, To: day1}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return rep
}

// brief is a finding as the tests look at it.
type brief struct {
	Kind      Kind
	Why, Heal string
	Place     string
	SourceKey string
	Key       string
}

func briefs(rep *Report) []brief {
	var out []brief
	for _, f := range rep.Findings {
		out = append(out, brief{f.Kind, f.Why, f.Heal, f.Place.String(), f.SourceKey, f.Key})
	}
	return out
}

func states(list []StateCount) map[string]int {
	out := map[string]int{}
	for _, s := range list {
		out[s.Place.String()+" "+s.State] += s.Count
	}
	return out
}
