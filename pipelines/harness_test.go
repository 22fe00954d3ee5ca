package pipelines_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
	"github.com/minihub/minihub/schemas"
)

// The test's own small world: a shop that yields hints and documents, and a target that
// keeps what reached it and answers as the test says.

type shopDoc struct {
	No      string `json:"no"`
	Status  string `json:"status"`
	Fen     int64  `json:"fen"`
	Version int64  `json:"version"`
	Hold    bool   `json:"hold,omitempty"`
	Sku     string `json:"sku,omitempty"`
}

type shop struct {
	mu       sync.Mutex
	docs     map[string]shopDoc
	returns  map[string]string // the order of an after-sale
	order    []string
	pulls    int
	fetches  [][]string
	pullErr  error
	fetchErr func(keys []string) error
	onFetch  func(keys []string) // runs outside the lock, before the answer
	skip     map[string]bool     // keys that an answer leaves out
}

func (s *shop) put(d shopDoc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.docs[d.No]; !known {
		s.order = append(s.order, d.No)
	}
	s.docs[d.No] = d
}

// with changes the shop's ways.
func (s *shop) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *shop) fail(err error) { s.with(func() { s.pullErr = err }) }

func (s *shop) failFetch(err error) {
	s.with(func() {
		s.fetchErr = nil
		if err != nil {
			s.fetchErr = func([]string) error { return err }
		}
	})
}

func (s *shop) pullCount() (n int) { s.with(func() { n = s.pulls }); return n }

func (s *shop) fetchCount() (n int) { s.with(func() { n = len(s.fetches) }); return n }

func (s *shop) Close() error { return nil }

func (s *shop) Pull(_ context.Context, req connectors.PullRequest) (connectors.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls++
	if s.pullErr != nil {
		return connectors.Page{}, s.pullErr
	}
	var p connectors.Page
	if req.Stream == "returns" {
		for key, order := range s.returns {
			p.Items = append(p.Items, connectors.Item{Key: key, Root: order})
		}
		return p, nil
	}
	for _, no := range s.order {
		p.Items = append(p.Items, connectors.Item{Key: no})
	}
	return p, nil
}

func (s *shop) Fetch(_ context.Context, stream string, keys []string) ([]connectors.Item, error) {
	s.mu.Lock()
	s.fetches = append(s.fetches, keys)
	before := s.onFetch
	s.mu.Unlock()
	if before != nil {
		before(keys)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetchErr != nil {
		if err := s.fetchErr(keys); err != nil {
			return nil, err
		}
	}
	var out []connectors.Item
	for _, k := range keys {
		d, ok := s.docs[k]
		order, isReturn := s.returns[k]
		switch {
		case s.skip[k]:
			continue
		case stream == "returns" && isReturn:
			out = append(out, connectors.Item{Key: k, Root: order, Version: 1, Body: []byte(`{"return":"` + k + `"}`)})
			continue
		case !ok:
			out = append(out, connectors.Item{Key: k, Deleted: true})
			continue
		}
		b, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		out = append(out, connectors.Item{Key: k, Version: d.Version, Body: b})
	}
	return out, nil
}

// target answers each delivery by its script; without one it does the work.
type target struct {
	mu     sync.Mutex
	got    []sent
	docs   map[string]json.RawMessage // by operation and key: what it holds
	script script
	look   func(op string, d connectors.Delivery) connectors.Finding
	looks  int
	// largest is the largest batch that came.
	largest int
}

// script answers a delivery, or says that the target shall do its work.
type script func(op string, d connectors.Delivery) (connectors.Result, bool)

type sent struct {
	Op, Key string
	Doc     json.RawMessage
	IDs     []connectors.RemoteID
}

func (s *target) Close() error { return nil }

func (s *target) answer(f script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = f
}

func (s *target) answerLook(f func(op string, d connectors.Delivery) connectors.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = f
}

func (s *target) Deliver(_ context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	s.mu.Lock()
	s.largest = max(s.largest, len(batch))
	s.mu.Unlock()
	var out []connectors.Result
	for _, d := range batch {
		s.mu.Lock()
		script := s.script
		s.mu.Unlock()
		if script != nil {
			if r, done := script(op, d); done {
				r.ID = d.ID
				out = append(out, r)
				continue
			}
		}
		s.take(op, d)
		out = append(out, connectors.Result{ID: d.ID, Outcome: connectors.Done, RemoteIDs: []connectors.RemoteID{{Kind: "id", Value: op + "-" + d.Key}}})
	}
	return out, nil
}

func (s *target) take(op string, d connectors.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, sent{op, d.Key, d.Document, d.RemoteIDs})
	s.docs[op+" "+d.Key] = d.Document
}

func (s *target) Lookup(_ context.Context, op string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	var out []connectors.Finding
	for _, d := range batch {
		s.mu.Lock()
		s.looks++
		look := s.look
		held, ok := s.docs[op+" "+d.Key]
		s.mu.Unlock()
		f := connectors.Finding{ID: d.ID, Presence: connectors.Absent}
		switch {
		case look != nil:
			f = look(op, d)
			f.ID = d.ID
		case ok && string(held) == string(d.Document):
			f.Presence = connectors.Same
		case ok:
			f.Presence, f.Fields = connectors.Other, []string{"document"}
		}
		out = append(out, f)
	}
	return out, nil
}

func (s *target) sent() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.got...)
}

// calls lists "operation key" of what took effect.
func (s *target) calls() []string {
	out := []string{}
	for _, c := range s.sent() {
		out = append(out, c.Op+" "+c.Key)
	}
	return out
}

func (s *target) lookups() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// blind is a target that cannot be asked.
type blind struct{ t *target }

func (b blind) Close() error { return nil }
func (b blind) Deliver(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	return b.t.Deliver(ctx, op, batch)
}

// The answers of scripts.
var (
	busy      = connectors.Result{Outcome: connectors.NotSent, Err: &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "test.busy"}}
	lost      = connectors.Result{Outcome: connectors.Unknown, Err: &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "test.lost", Sent: true}}
	refused   = connectors.Result{Outcome: connectors.Refused, Err: &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "test.refused"}}
	duplicate = connectors.Result{Outcome: connectors.Duplicate, Err: &connectors.Error{Kind: connectors.Conflict, Scope: connectors.OfDocument, Code: "test.duplicate"}}
)

// always answers every delivery of an operation ("" = any) with r.
func always(op string, r connectors.Result) script {
	return func(o string, _ connectors.Delivery) (connectors.Result, bool) { return r, op == "" || o == op }
}

// times answers the first n deliveries of an operation with r.
func times(n int, op string, r connectors.Result) script {
	var left atomic.Int64
	left.Store(int64(n))
	return func(o string, _ connectors.Delivery) (connectors.Result, bool) {
		return r, o == op && left.Add(-1) >= 0
	}
}

var noList = connectors.Listing{Reason: "a test"}

func shopConnector() *connectors.Connector {
	return &connectors.Connector{Name: "testshop", Streams: []connectors.Stream{
		{Name: "orders", Entity: "order", Pull: true, Push: true, Hints: true, FetchBatch: 4, List: noList},
		{Name: "returns", Entity: "after_sale", RootEntity: "order", Also: "orders", Pull: true, Hints: true, List: noList},
	}}
}

// targetConnector declares one operation of each kind.
func targetConnector(change func(*connectors.Operation)) *connectors.Connector {
	base := connectors.Operation{Entity: "order", Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
		Timeout: 200 * time.Millisecond, Settle: 10 * time.Millisecond, List: noList}
	kind := func(name string, set func(*connectors.Operation)) connectors.Operation {
		op := base
		op.Name = name
		set(&op)
		return op
	}
	c := &connectors.Connector{Name: "testtarget", Operations: []connectors.Operation{
		kind("push", func(*connectors.Operation) {}),
		kind("create", func(o *connectors.Operation) { o.Repeat, o.Changes = connectors.AskFirst, connectors.CreateOnly }),
		kind("cancel", func(o *connectors.Operation) { o.Undoes = "create" }),
		kind("save", func(o *connectors.Operation) { o.Repeat = connectors.AskFirst }),
		kind("points", func(o *connectors.Operation) { o.Carries = connectors.Event }),
		kind("note", func(o *connectors.Operation) { o.Carries, o.AnyOrder = connectors.Event, true }),
		kind("ship", func(o *connectors.Operation) { o.Repeat, o.Budget = connectors.OneShot, 1 }),
		kind("steps", func(o *connectors.Operation) {
			o.Repeat, o.Changes, o.MultiStep = connectors.AskFirst, connectors.CreateOnly, true
		}),
		kind("bulk", func(o *connectors.Operation) { o.Batch, o.Linger = 4, 20*time.Millisecond }),
	}}
	if change != nil {
		for i := range c.Operations {
			change(&c.Operations[i])
		}
	}
	return c
}

type world struct {
	t      *testing.T
	shop   *shop
	target *target // of the connection oms
	crm    *target // of the connection crm
	led    ledger.Ledger
	eng    *pipelines.Engine
	opt    pipelines.Options
	store  string
	tables table
	files  map[string]string // mappings by path
	flows  string
	sc, tc *connectors.Connector
	old    []*pipelines.Engine // that crashed
	ahead  atomic.Int64        // how far the hub's clock is ahead
}

const inMapping = `
mapping: test order -> order
output: canonical/order
fields:
  - { to: order_no, from: no }
  - { to: store.code, value: T }
  - { to: status, from: status }
  - { to: open_after_sale, from: hold, default: false }
  - { to: placed_at, value: "2026-11-11T00:00:00+08:00" }
  - { to: currency, value: CNY }
  - { to: tax_inclusive, value: true }
  - { to: amounts.goods, expr: 'money(it.fen, "CNY")' }
  - { to: amounts.total, expr: 'money(it.fen, "CNY")' }
  - to: lines
    each: '[it]'
    fields:
      - { to: line_no, value: 1 }
      - { to: kind, value: goods }
      - { to: qty, value: 1 }
      - { to: net_total, expr: 'money(it.fen, "CNY")' }
  - { to: seller_note, from: sku }
`

const outMapping = `
mapping: order -> test document
input: canonical/order
fields:
  - { to: key, from: "@key" }
  - { to: status, from: status }
  - { to: total, from: amounts.total.minor }
  - { to: sku, from: seller_note, lookup: skus }
`

type table map[string]string

func (t table) Has(name string) bool { return name == "skus" }
func (t table) Get(_, key string) (any, bool) {
	v, ok := t[key]
	return v, ok
}
func (t table) Put(_, key, value string) { t[key] = value }

// newWorld runs an engine over a fresh store with one flow; change alters the declared
// operations, each of more whatever else.
func newWorld(t *testing.T, flowYAML string, change func(*connectors.Operation), more ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, shop: &shop{docs: map[string]shopDoc{}}, flows: flowYAML,
		target: &target{docs: map[string]json.RawMessage{}}, crm: &target{docs: map[string]json.RawMessage{}},
		store: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), tables: table{"A": "a-1"},
		files: map[string]string{"in.yaml": inMapping, "out.yaml": outMapping}, sc: shopConnector(), tc: targetConnector(change)}
	w.opt = pipelines.Options{Tables: w.tables, Log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)),
		Connections: []pipelines.Connection{
			{Name: "shop", Connector: w.sc, Conn: w.shop, Store: map[string]any{"code": "T"}},
			{Name: "oms", Connector: w.tc, Conn: w.target},
			{Name: "crm", Connector: w.tc, Conn: w.crm},
		},
		Retry: pipelines.Retry{Base: 5 * time.Millisecond, Max: 20 * time.Millisecond, FirstProbe: 20 * time.Millisecond},
	}
	for _, m := range more {
		m(w)
	}
	w.start()
	t.Cleanup(w.stop)
	return w
}

// blindTarget takes the ability to be asked from the connection oms.
func blindTarget(w *world) { w.opt.Connections[1].Conn = blind{w.target} }

// shipped are the schemas of the program, read once for all tests.
var shipped = sync.OnceValues(func() (*schemas.Set, error) { return schemas.Load() })

// load compiles the flows over the mappings as they are now.
func (w *world) load() {
	w.t.Helper()
	set, err := shipped()
	if err != nil {
		w.t.Fatal(err)
	}
	shapes := func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
	env := flow.Env{Schemas: set, Shape: shapes, Tables: w.tables,
		Program: func(path string) (*mapper.Program, error) {
			src, ok := w.files[path]
			if !ok {
				return nil, fmt.Errorf("there is no mapping %q", path)
			}
			return mapper.Compile(path, []byte(src), mapper.Options{Lookups: w.tables, Shapes: shapes})
		}}
	for _, c := range w.opt.Connections {
		env.Connections = append(env.Connections, flow.Connection{Name: c.Name, Connector: c.Connector, Mode: flow.On})
	}
	w.opt.Flows, err = flow.Load(fstest.MapFS{"flows/test.yaml": {Data: []byte(w.flows)}}, "flows", env)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() {
	w.t.Helper()
	w.startWith(func(l ledger.Ledger) ledger.Ledger { return l })
}

// startWith starts an engine whose ledger is wrapped.
func (w *world) startWith(wrap func(ledger.Ledger) ledger.Ledger) {
	w.t.Helper()
	w.load()
	led, err := sqlledger.Open(w.t.Context(), sqlledger.Options{URL: w.store, Secret: []byte("test secret of 32 bytes, invented"), WaitOwner: 20 * time.Second, LeaseTTL: 2 * time.Second})
	if err != nil {
		w.t.Fatal(err)
	}
	w.led, w.opt.Ledger = led, wrap(led)
	if w.eng, err = pipelines.New(w.opt); err != nil {
		w.t.Fatal(err)
	}
	if err := w.eng.Start(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	var err error
	if w.eng != nil {
		err = errors.Join(w.eng.Stop(), w.led.Close())
	}
	for _, e := range w.old {
		err = errors.Join(err, e.Stop())
	}
	w.eng, w.old = nil, nil
	if err != nil {
		w.t.Error(err)
	}
}

// restart stops the engine in order and starts another over the same store.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// crash takes the store away from the engine, as the end of the process would, and
// starts another: whatever was in flight ends in nothing.
func (w *world) crash() {
	w.t.Helper()
	if err := w.led.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.old = append(w.old, w.eng)
	w.opt.Log = zap.NewNop() // the old engine complains of its lost store
	w.start()
}

// put changes a document at the shop, pulls, and waits until it is routed.
func (w *world) put(d shopDoc) {
	w.t.Helper()
	w.shop.put(d)
	w.pull()
	w.until("the document to be routed", func() bool {
		// One after the other: a document moves from the first to the second.
		return w.eng.Depth()["hints/shop"] == 0 && w.eng.Depth()["records/shop"] == 0
	})
}

func (w *world) pull() {
	w.t.Helper()
	if _, err := w.eng.Pull(w.t.Context(), "shop", "orders", nil); err != nil {
		w.t.Fatal(err)
	}
}

// rest waits until nothing is queued.
func (w *world) rest() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	if err := w.eng.Settled(ctx, 2*time.Millisecond); err != nil {
		w.t.Fatalf("the hub did not come to rest: %v, depth %v, states %v", err, w.eng.Depth(), w.states())
	}
}

// until waits for a condition that rest cannot see.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s; states %v", what, w.states())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// states lists "step key state code" of every delivery in order of id.
func (w *world) states() []string {
	rows, err := w.led.Deliveries(context.Background(), ledger.Filter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	parked, err := w.led.Records(context.Background(), ledger.Filter{States: []string{"parked"}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range parked {
		out = append(out, fmt.Sprintf("record %s parked %s %s", r.DocKey.Key, r.Code, r.Text))
	}
	for _, d := range rows {
		out = append(out, fmt.Sprintf("%s %s %s %s", d.Operation, d.RemoteKey, d.State, d.Code))
	}
	return out
}

func (w *world) wantStates(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.states()); diff != "" {
		w.t.Fatalf("states (-want +got)\n%s", diff)
	}
}

// comes waits until the deliveries are in these states.
func (w *world) comes(want ...string) {
	w.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !slices.Equal(w.states(), want) {
		if time.Now().After(deadline) {
			w.t.Fatalf("states (-want +got)\n%s", cmp.Diff(want, w.states()))
		}
		time.Sleep(time.Millisecond)
	}
}

func (w *world) wantCalls(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), w.target.calls()); diff != "" {
		w.t.Fatalf("what took effect (-want +got)\n%s", diff)
	}
}

// delivery returns the n-th delivery, from 1.
func (w *world) delivery(n int) *ledger.Delivery {
	w.t.Helper()
	rows, err := w.led.Deliveries(w.t.Context(), ledger.Filter{Limit: 1000})
	if err != nil || len(rows) < n {
		w.t.Fatalf("there are %d deliveries, %v", len(rows), err)
	}
	return &rows[n-1]
}

// replay lets the n-th delivery go again. A list may show a commit a moment before the
// store's cache does.
func (w *world) replay(n int, mode pipelines.ReplayMode) {
	w.t.Helper()
	listed := w.delivery(n)
	w.until("the row to show as it is listed", func() bool {
		d, err := w.led.Delivery(w.t.Context(), listed.ID)
		return err == nil && d.State == listed.State
	})
	if _, err := w.eng.ReplayDelivery(w.t.Context(), w.delivery(n).ID, mode, "tester", false); err != nil {
		w.t.Fatal(err)
	}
}

// mend replaces a part of a mapping, and insists that it is there.
func mend(src, old, better string) string {
	if !strings.Contains(src, old) {
		panic("the mapping has no " + old)
	}
	return strings.Replace(src, old, better, 1)
}

// mendLast is mend for the last of several.
func mendLast(src, old, better string) string {
	i := strings.LastIndex(src, old)
	return src[:i] + mend(src[i:], old, better)
}
