package pipelines_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// archive is a windowed source of keys whose documents are fetched one by one; it keeps
// its own record of the calls.
type archive struct {
	mu    sync.Mutex
	at    map[string]time.Time
	keys  []string
	calls []archiveCall
	bad   map[string]error // documents that it does not give
}

type archiveCall struct {
	at  time.Time
	key string // empty: a list call
}

const archivePage = 100

func newArchive() *archive { return &archive{at: map[string]time.Time{}, bad: map[string]error{}} }

func (a *archive) Close() error { return nil }

func (a *archive) put(key string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at[key] = at
	a.keys = append(a.keys, key)
}

// day puts n orders over a day.
func (a *archive) day(n int, from time.Time) connectors.Window {
	for i := range n {
		a.put(fmt.Sprintf("A-%05d", i), from.Add(time.Duration(i)*24*time.Hour/time.Duration(n)))
	}
	return connectors.Window{From: from, To: from.Add(24 * time.Hour)}
}

func (a *archive) Pull(_ context.Context, req connectors.PullRequest) (connectors.Page, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, archiveCall{at: time.Now()})
	var in []string
	for _, k := range a.keys {
		if at := a.at[k]; !at.Before(req.Window.From) && at.Before(req.Window.To) {
			in = append(in, k)
		}
	}
	first, _ := strconv.Atoi(req.Cursor)
	var p connectors.Page
	for _, k := range in[min(first, len(in)):min(first+archivePage, len(in))] {
		p.Items = append(p.Items, connectors.Item{Key: k})
	}
	p.Cursor, p.More = strconv.Itoa(first+archivePage), first+archivePage < len(in)
	return p, nil
}

func (a *archive) Fetch(_ context.Context, _ string, keys []string) ([]connectors.Item, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []connectors.Item
	for _, k := range keys {
		a.calls = append(a.calls, archiveCall{at: time.Now(), key: k})
		if err := a.bad[k]; err != nil {
			return nil, err
		}
		b, err := json.Marshal(shopDoc{No: k, Status: "paid", Fen: 100, Version: 1, Sku: "A"})
		if err != nil {
			return nil, err
		}
		out = append(out, connectors.Item{Key: k, Version: 1, Body: b})
	}
	return out, nil
}

func (a *archive) record() []archiveCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]archiveCall(nil), a.calls...)
}

// over makes the world's shop an archive.
func over(a *archive, limits ...connectors.Limit) func(*world) {
	return func(w *world) {
		s := connectors.Stream{Name: "orders", Entity: "order", Pull: true, Hints: true, FetchBatch: 1, Windowed: true,
			MaxSpan: 6 * time.Hour, Grain: time.Millisecond, List: noList}
		for _, l := range limits {
			s.PullUses = append(s.PullUses, connectors.Use{Limit: l.Name})
			s.FetchUses = append(s.FetchUses, connectors.Use{Limit: l.Name})
		}
		w.sc = &connectors.Connector{Name: "testarchive", Streams: []connectors.Stream{s}, Limits: limits}
		w.opt.Connections[0].Connector, w.opt.Connections[0].Conn, w.opt.Connections[0].Start = w.sc, a, time.Now()
	}
}

// filling runs the backfills of a world until the test ends.
func filling(t *testing.T, w *world) *pipelines.Backfills {
	t.Helper()
	b := pipelines.NewBackfills(w.eng)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return b
}

func planFill(t *testing.T, b *pipelines.Backfills, win connectors.Window, leave int) *pipelines.FillStatus {
	t.Helper()
	p, err := b.Plan(t.Context(), ledger.Backfill{Connection: "shop", Stream: "orders", From: win.From, To: win.To, Leave: leave, Who: "anna", Why: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func actFill(t *testing.T, b *pipelines.Backfills, id int64, act string) {
	t.Helper()
	if _, err := b.Act(t.Context(), id, act); err != nil {
		t.Fatal(err)
	}
}

func fillState(t *testing.T, b *pipelines.Backfills, id int64) *pipelines.FillStatus {
	t.Helper()
	s, err := b.Look(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var yesterday = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)

// A backfill leaves its share of the quota, a live order overtakes it, and it takes about
// as long as was said.
func TestABackfillYieldsToLiveOrders(t *testing.T) {
	const n, perSecond, leave = 300, 100, 35
	a := newArchive()
	win := a.day(n, yesterday)
	w := newWorld(t, flowTo("create"), nil, over(a, connectors.Limit{Name: "calls", Requests: perSecond, Per: time.Second}))
	b := filling(t, w)
	w.pull() // the live cursor begins now
	p := planFill(t, b, win, leave)
	if p.Job.Method != pipelines.FillCounted || p.Job.ExpectedItems != n || p.Job.ExpectedNew != n {
		t.Fatalf("the plan is %+v", p.Job)
	}
	if len(p.Cost) != 1 || p.Cost[0].Calls < n || p.Cost[0].Allowed != perSecond {
		t.Fatalf("it costs %+v", p.Cost)
	}
	if len(w.target.calls()) != 0 {
		t.Fatal("a plan brought something")
	}
	planned := len(a.record())
	began := time.Now()
	actFill(t, b, p.Job.ID, "start")
	var slowest time.Duration
	live := 0
	orders := time.NewTicker(400 * time.Millisecond)
	defer orders.Stop()
	for fillState(t, b, p.Job.ID).Job.State == pipelines.FillRunning {
		live++
		key, put := fmt.Sprintf("live-%d", live), time.Now()
		a.put(key, put)
		w.until("the window to hold it", func() bool { return time.Since(put) > 2*time.Millisecond })
		w.pull()
		w.until("the live order to arrive", func() bool { return strings.Contains(strings.Join(w.target.calls(), "\n"), key) })
		slowest = max(slowest, time.Since(put))
		<-orders.C
	}
	took := time.Since(began)
	w.rest()
	if got := len(w.target.calls()); got != n+live {
		t.Fatalf("%d orders arrived, want %d and %d live ones", got, n, live)
	}
	s := fillState(t, b, p.Job.ID)
	if s.Job.State != pipelines.FillDone || s.Job.Items != n || s.Job.New != n || s.Job.Same+s.Job.Failed != 0 || s.Left != 0 {
		t.Fatalf("it ended as %+v", s.Job)
	}
	var fills []time.Time
	for _, c := range a.record()[planned:] {
		if !strings.HasPrefix(c.key, "live") && c.key != "" {
			fills = append(fills, c.at)
		}
	}
	most := perSecond * (100 - leave) / 100
	for i := range fills {
		if j := i + most; j < len(fills) && fills[j].Sub(fills[i]) < time.Second {
			t.Fatalf("more than %d calls of the backfill within a second: %d are left to live orders", most, perSecond-most)
		}
	}
	t.Logf("forecast %s, took %s; %d live orders meanwhile, the slowest %s", p.Left.Round(time.Millisecond), took.Round(time.Millisecond), live, slowest.Round(time.Millisecond))
	if live < 3 || slowest > 10*time.Second {
		t.Errorf("%d live orders, the slowest took %s", live, slowest)
	}
	if p.Left <= 0 { // how near it came is told above: a busy machine must not fail the test
		t.Error("nothing was forecast")
	}
	// Everything is known now: a second one asks for no document.
	before := len(a.record())
	again := planFill(t, b, win, leave)
	if again.Job.ExpectedNew != 0 {
		t.Errorf("%d are expected to be new", again.Job.ExpectedNew)
	}
	actFill(t, b, again.Job.ID, "start")
	w.until("the second one to end", func() bool { return fillState(t, b, again.Job.ID).Job.State == pipelines.FillDone })
	for _, c := range a.record()[before:] {
		if c.key != "" {
			t.Fatalf("%s was fetched again", c.key)
		}
	}
	if s := fillState(t, b, again.Job.ID); s.Job.Same != n || s.Job.New != 0 {
		t.Fatalf("the second one ended as %+v", s.Job)
	}
}

// A pause holds it at once, a document that fails is asked for again by the hub, and what
// cannot be read at all is refused.
func TestABackfillIsHeldAndGoesOn(t *testing.T) {
	const n = 240
	a := newArchive()
	win := a.day(n, yesterday)
	a.bad["A-00100"] = &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "test.busy"}
	w := newWorld(t, flowTo("create"), nil, over(a, connectors.Limit{Name: "calls", Requests: 200, Per: time.Second}))
	b := filling(t, w)
	p := planFill(t, b, win, 50)
	for _, wrong := range []string{"pause", "resume", "begin"} {
		if _, err := b.Act(t.Context(), p.Job.ID, wrong); !errors.Is(err, pipelines.ErrFillState) {
			t.Fatalf("a plan can %s: %v", wrong, err)
		}
	}
	actFill(t, b, p.Job.ID, "start")
	w.until("the first page", func() bool { return fillState(t, b, p.Job.ID).Job.Items > 0 })
	actFill(t, b, p.Job.ID, "pause")
	held := fillState(t, b, p.Job.ID)
	w.rest()
	calls := len(a.record())
	if held.Job.State != pipelines.FillPaused || held.Left == 0 {
		t.Fatalf("held it is %+v, and takes another %s", held.Job, held.Left)
	}
	w.restart() // and stays held over a restart
	b = filling(t, w)
	if again := len(a.record()); again != calls || fillState(t, b, p.Job.ID).Job.State != pipelines.FillPaused {
		t.Fatalf("%d calls while it was held", again-calls)
	}
	actFill(t, b, p.Job.ID, "resume")
	w.until("its end", func() bool { return fillState(t, b, p.Job.ID).Job.State == pipelines.FillDone })
	if s := fillState(t, b, p.Job.ID); s.Job.Failed != 1 {
		t.Fatalf("it ended as %+v", s.Job)
	}
	a.mu.Lock()
	delete(a.bad, "A-00100")
	a.mu.Unlock()
	w.until("the last one", func() bool { return len(w.target.calls()) == n })
	for _, job := range []ledger.Backfill{{Connection: "none", Stream: "orders"}, {Connection: "shop", Stream: "returns"}, {Connection: "oms", Stream: "orders"}, {Connection: "shop", Stream: "orders"}} {
		if _, err := b.Plan(t.Context(), job); err == nil {
			t.Errorf("a plan for %+v", job)
		}
	}
	gone := planFill(t, b, win, 0)
	actFill(t, b, gone.Job.ID, "cancel")
	if s := fillState(t, b, gone.Job.ID); s.Job.State != pipelines.FillCancelled || s.Job.EndedAt.IsZero() {
		t.Fatalf("cancelled it is %+v", s.Job)
	}
	list, err := b.List(t.Context(), 0, 1)
	if err != nil || len(list) != 1 || list[0].Job.ID != gone.Job.ID {
		t.Fatalf("the list is %+v, %v", list, err)
	}
}

// killedOrders is how many orders the backfill below brings; MINIHUB_BACKFILL_ORDERS=5000
// is the large run.
func killedOrders(t testing.TB) int {
	s, given := os.LookupEnv("MINIHUB_BACKFILL_ORDERS")
	if !given {
		return 600
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 {
		t.Fatalf("MINIHUB_BACKFILL_ORDERS=%q is no number of orders", s)
	}
	return n
}

// taken reads what reached the target: "key document" a line.
func taken(t testing.TB, file string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return slices.Collect(func(yield func(string) bool) {
		for line := range strings.Lines(string(b)) {
			if !yield(strings.TrimSpace(line)) {
				return
			}
		}
	})
}

// A backfill whose process is killed twice goes on where it was: none is missing, none
// takes effect twice.
func TestABackfillSurvivesKills(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "target")
	n := killedOrders(t)
	said := threeLives(t, "TestBackfillChild", n, func() int { return len(taken(t, file)) },
		"MINIHUB_BACKFILL_CHILD=sqlite:"+filepath.Join(dir, "hub.db"), "MINIHUB_BACKFILL_TARGET="+file)
	t.Log(said[2])
	got := map[string]int{}
	for _, line := range taken(t, file) {
		key, _, _ := strings.Cut(line, " ")
		got[key]++
	}
	for key, times := range got {
		if times != 1 {
			t.Errorf("%s took effect %d times", key, times)
		}
	}
	if len(got) != n {
		t.Errorf("%d orders arrived, want %d", len(got), n)
	}
}

// TestBackfillChild is the hub that the test above kills. It ends when everything is
// delivered.
func TestBackfillChild(t *testing.T) {
	store := os.Getenv("MINIHUB_BACKFILL_CHILD")
	if store == "" {
		t.Skip("run by TestABackfillSurvivesKills")
	}
	file := os.Getenv("MINIHUB_BACKFILL_TARGET")
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive()
	win := a.day(killedOrders(t), yesterday)
	w := newWorld(t, flowTo("create"), nil, over(a), func(w *world) {
		w.store = store
		for _, line := range taken(t, file) {
			key, doc, _ := strings.Cut(line, " ")
			w.target.docs["create "+key] = json.RawMessage(doc)
		}
		w.target.answer(func(_ string, d connectors.Delivery) (connectors.Result, bool) {
			if _, err := fmt.Fprintf(out, "%s %s\n", d.Key, d.Document); err != nil {
				t.Error(err)
			}
			return connectors.Result{}, false
		})
	})
	b := filling(t, w)
	list, err := b.List(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if len(list) == 0 {
		id = planFill(t, b, win, 35).Job.ID
		actFill(t, b, id, "start")
	} else {
		id = list[0].Job.ID
	}
	for fillState(t, b, id).Job.State != pipelines.FillDone {
		time.Sleep(5 * time.Millisecond)
	}
	w.rest()
	j := fillState(t, b, id).Job
	t.Logf("read %d, new %d, known %d, failed %d in %s", j.Items, j.New, j.Same, j.Failed, j.Busy)
}
