package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// feed is a windowed source: documents by the time of their change, some of them
// visible only later.
type feed struct {
	changes []change
	size    int // of a page
	now     time.Time
	asked   []connectors.PullRequest
	before  func(connectors.PullRequest) error // may refuse a call
}

type change struct {
	key         string
	at, visible time.Time
}

func (f *feed) Close() error { return nil }

func (f *feed) Pull(_ context.Context, req connectors.PullRequest) (connectors.Page, error) {
	f.asked = append(f.asked, req)
	if f.before != nil {
		if err := f.before(req); err != nil {
			return connectors.Page{}, err
		}
	}
	var in []change
	for _, c := range f.changes {
		if !c.visible.After(f.now) && !c.at.Before(req.Window.From) && c.at.Before(req.Window.To) && cursorOf(c) > req.Cursor {
			in = append(in, c)
		}
	}
	sort.Slice(in, func(i, j int) bool { return cursorOf(in[i]) < cursorOf(in[j]) })
	var p connectors.Page
	for _, c := range in[:min(f.size, len(in))] {
		p.Items = append(p.Items, connectors.Item{Key: c.key, Version: 1, Body: []byte(`{}`)})
		p.Cursor = cursorOf(c)
	}
	p.More = len(in) > f.size
	return p, nil
}

func cursorOf(c change) string { return c.at.UTC().Format("20060102T150405.000000000") + c.key }

// feedWorld is a store and engines that pull from a feed; nothing is mapped.
type feedWorld struct {
	led    ledger.Ledger
	stream connectors.Stream
	feed   *feed
	name   string
	start  time.Time
	max    int // backlog
}

func newFeedWorld(t *testing.T) *feedWorld {
	t.Helper()
	led, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), Secret: []byte("test secret of 32 bytes, invented")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := led.Close(); err != nil {
			t.Error(err)
		}
	})
	start := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	return &feedWorld{led: led, name: "shop", feed: &feed{size: 2, now: start}, start: start, max: 1 << 20,
		stream: connectors.Stream{Name: "orders", Entity: "order", Pull: true, Windowed: true, MaxSpan: time.Hour, Overlap: 5 * time.Minute,
			Delay: time.Minute, Grain: time.Second, List: noList}}
}

// engine makes an engine that has never run: a pull needs no more.
func (f *feedWorld) engine(led ledger.Ledger) (*pipelines.Engine, error) {
	return pipelines.New(pipelines.Options{Ledger: led, MaxBacklog: f.max, Now: func() time.Time { return f.feed.now },
		Connections: []pipelines.Connection{{Name: f.name, Conn: f.feed, Start: f.start,
			Connector: &connectors.Connector{Name: "feed", Streams: []connectors.Stream{f.stream}}}}})
}

func (f *feedWorld) pull(t *testing.T) (pipelines.PullCounts, error) {
	t.Helper()
	e, err := f.engine(f.led)
	if err != nil {
		t.Fatal(err)
	}
	return e.Pull(t.Context(), f.name, "orders", nil)
}

func (f *feedWorld) has(ctx context.Context, key string) bool {
	_, err := f.led.Latest(ctx, ledger.DocKey{Connection: f.name, Entity: "order", Key: key})
	return err == nil
}

// every adds a change each step from the start to now.
func (f *feedWorld) every(step time.Duration) {
	for at := f.start; at.Before(f.feed.now); at = at.Add(step) {
		f.feed.changes = append(f.feed.changes, change{key: "c" + strconv.Itoa(len(f.feed.changes)), at: at, visible: at})
	}
}

// flaky fails the n-th commit from now: before it is written, or after.
type flaky struct {
	ledger.Ledger
	left  int
	after bool
}

func (f *flaky) Commit(ctx context.Context, units ...ledger.Unit) error {
	f.left--
	if f.left == 0 && !f.after {
		return ledger.ErrClosed
	}
	err := f.Ledger.Commit(ctx, units...)
	if f.left == 0 {
		return ledger.ErrClosed
	}
	return err
}

// A page that takes longer than the stream's grain must not keep a pull from its end: what
// changed meanwhile is the next one's.
func TestAPullEndsThoughTheClockGoesOn(t *testing.T) {
	f := newFeedWorld(t)
	f.feed.now = f.start.Add(3 * time.Hour)
	f.every(10 * time.Minute)
	f.feed.before = func(connectors.PullRequest) error {
		if f.feed.now = f.feed.now.Add(3 * time.Second); len(f.feed.asked) > 100 {
			return errors.New("the pull runs after the clock")
		}
		return nil
	}
	if _, err := f.pull(t); err != nil {
		t.Fatal(err)
	}
	if asked := f.feed.asked; !asked[len(asked)-1].Window.To.Equal(f.start.Add(3*time.Hour - f.stream.Delay)) {
		t.Fatalf("the last window ends at %s", asked[len(asked)-1].Window.To)
	}
}

// TestEveryChangeIsSeen: whatever the windows, however late a change shows within delay
// and overlap, wherever pulls fail or the process ends, none is missed.
func TestEveryChangeIsSeen(t *testing.T) {
	shared := newFeedWorld(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		grain := rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "grain")
		span := time.Duration(rapid.IntRange(2, 40).Draw(t, "span")) * time.Minute
		overlap := time.Duration(rapid.IntRange(0, int(span/2/time.Second)).Draw(t, "overlap")) * time.Second
		delay := time.Duration(rapid.IntRange(0, 90).Draw(t, "delay")) * time.Second
		f := *shared
		f.name = fmt.Sprintf("shop%d", run)
		f.feed = &feed{size: rapid.IntRange(1, 3).Draw(t, "page"), now: f.start}
		f.stream.Grain, f.stream.MaxSpan, f.stream.Overlap, f.stream.Delay = grain, span, overlap, delay
		failCall := 0
		f.feed.before = func(req connectors.PullRequest) error {
			w := req.Window
			if !w.From.Before(w.To) || w.To.Sub(w.From) > span || w.To.After(f.feed.now.Add(-delay)) || !w.To.Equal(w.To.Truncate(grain)) {
				t.Fatalf("the window %v is wrong: now %v, span %v, delay %v, grain %v", w, f.feed.now, span, delay, grain)
			}
			failCall--
			if failCall == 0 {
				return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "test.fails"}
			}
			return nil
		}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				at := f.feed.now.Add(-time.Duration(rapid.Int64Range(0, int64(f.feed.now.Sub(f.start))).Draw(t, "ago")))
				earliest := f.feed.now // a change made in the past was there, or shows now
				latest := at.Add(delay + overlap)
				if latest.Before(earliest) {
					at, latest = f.feed.now, f.feed.now.Add(delay+overlap)
				}
				lag := time.Duration(rapid.Int64Range(0, int64(latest.Sub(earliest))).Draw(t, "lag"))
				f.feed.changes = append(f.feed.changes, change{key: "c" + strconv.Itoa(len(f.feed.changes)), at: at, visible: earliest.Add(lag)})
			}
			led := &flaky{Ledger: f.led, left: rapid.IntRange(0, 4).Draw(t, "commit that fails"), after: rapid.Bool().Draw(t, "after it is written")}
			failCall = rapid.IntRange(0, 4).Draw(t, "call that fails")
			e, err := f.engine(led) // a new process each time: only the store is kept
			if err != nil {
				t.Fatal(err)
			}
			_, _ = e.Pull(context.Background(), f.name, "orders", nil)
			f.feed.now = f.feed.now.Add(time.Duration(rapid.Int64Range(0, int64(4*span)).Draw(t, "pause")))
		}
		f.feed.now = f.feed.now.Add(delay + overlap + grain)
		failCall = 0
		e, err := f.engine(f.led)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Pull(context.Background(), f.name, "orders", nil); err != nil {
			t.Fatal(err)
		}
		for _, c := range f.feed.changes {
			if !f.has(context.Background(), c.key) {
				t.Fatalf("the change %s at %v, visible at %v, was never seen", c.key, c.at, c.visible)
			}
		}
	})
}

func TestACrashBetweenPageAndCommitRepeatsAPage(t *testing.T) {
	for _, after := range []bool{false, true} {
		f := newFeedWorld(t)
		f.feed.now = f.start.Add(10 * time.Minute)
		f.every(time.Minute)
		e, err := f.engine(&flaky{Ledger: f.led, left: 2, after: after})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Pull(t.Context(), "shop", "orders", nil); !errors.Is(err, ledger.ErrClosed) {
			t.Fatalf("the pull ended with %v", err)
		}
		asked := len(f.feed.asked)
		counts, err := f.pull(t)
		if err != nil {
			t.Fatal(err)
		}
		again := f.feed.asked[asked]
		if stored := map[bool]int{false: 2, true: 4}[after]; counts.New != 9-stored || counts.Repeats != 0 || again.Cursor != cursorOf(f.feed.changes[stored-1]) {
			t.Fatalf("after a crash (written: %v) it went on from %q with %+v", after, again.Cursor, counts)
		}
	}
}

func TestAnotherPullsCursorIsNotOverwritten(t *testing.T) {
	f := newFeedWorld(t)
	f.feed.now = f.start.Add(10 * time.Minute)
	f.every(time.Minute)
	nested := false
	f.feed.before = func(connectors.PullRequest) error {
		if !nested {
			nested = true
			if _, err := f.pull(t); err != nil { // another pull does it all meanwhile
				t.Fatal(err)
			}
		}
		return nil
	}
	if _, err := f.pull(t); !errors.Is(err, ledger.ErrConflict) {
		t.Fatalf("the overtaken pull ended with %v", err)
	}
	if counts, err := f.pull(t); err != nil || counts.New != 0 {
		t.Fatalf("afterwards there was %+v new, %v", counts, err)
	}
}

func TestABackfillResumesAndEnds(t *testing.T) {
	f := newFeedWorld(t)
	f.feed.now = f.start.Add(5 * time.Hour)
	f.every(30 * time.Minute)
	w := connectors.Window{From: f.start, To: f.start.Add(4 * time.Hour)}
	calls := 0
	f.feed.before = func(connectors.PullRequest) error {
		if calls++; calls == 3 {
			return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "test.fails"}
		}
		return nil
	}
	fill := func() (pipelines.PullCounts, error) {
		e, err := f.engine(f.led)
		if err != nil {
			t.Fatal(err)
		}
		return e.Backfill(t.Context(), "shop", "orders", w, nil)
	}
	first, err := fill()
	if err == nil {
		t.Fatal("the third call did not fail")
	}
	second, err := fill()
	if err != nil || first.New+second.New != 8 || second.Repeats != 0 {
		t.Fatalf("%+v, then %+v, %v", first, second, err)
	}
	asked := len(f.feed.asked)
	if third, err := fill(); err != nil || third.Pages != 0 || len(f.feed.asked) != asked {
		t.Fatalf("a finished backfill asked again: %+v, %v", third, err)
	}
}

func TestAnUnreadableAnswerStopsTheCursorBeforeIt(t *testing.T) {
	f := newFeedWorld(t)
	f.feed.now = f.start.Add(2*time.Hour + f.stream.Delay)
	f.every(time.Minute)
	bad := f.start.Add(47*time.Minute + 30*time.Second)
	garbled := true
	f.feed.before = func(req connectors.PullRequest) error {
		if len(f.feed.asked) > 1000 {
			t.Fatalf("it asks for ever: %v", req)
		}
		if w := req.Window; garbled && !bad.Before(w.From) && bad.Before(w.To) {
			return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: "test.cut", Raw: []byte(`{"cut`)}
		}
		return nil
	}
	for range 2 { // again on the next tick: the same bytes are no second record
		_, err := f.pull(t)
		var e *connectors.Error
		if !errors.As(err, &e) || e.Code != "source.unreadable" {
			t.Fatalf("the pull ended with %v", err)
		}
	}
	parked, err := f.led.Records(t.Context(), ledger.Filter{Code: "record.unreadable"})
	if err != nil || len(parked) != 1 {
		t.Fatalf("parked %+v, %v", parked, err)
	}
	if raw, err := f.led.Payload(t.Context(), parked[0].Payload); err != nil || string(raw) != `{"cut` {
		t.Fatalf("kept %q, %v", raw, err)
	}
	for _, c := range f.feed.changes {
		if f.has(t.Context(), c.key) != c.at.Before(bad) {
			t.Fatalf("%s at %v: stored %v, the bad answer is at %v", c.key, c.at, !c.at.Before(bad), bad)
		}
	}
	garbled = false
	asked := len(f.feed.asked)
	if _, err := f.pull(t); err != nil {
		t.Fatal(err)
	}
	if missing := slices.IndexFunc(f.feed.changes, func(c change) bool {
		return c.at.Before(f.feed.now.Add(-f.stream.Delay)) && !f.has(t.Context(), c.key)
	}); missing >= 0 {
		t.Fatalf("%+v is still missing", f.feed.changes[missing])
	}
	wide := func(r connectors.PullRequest) bool { return r.Window.To.Sub(r.Window.From) > 15*time.Minute }
	if !slices.ContainsFunc(f.feed.asked[asked:], wide) {
		t.Fatal("the windows stayed small after the source was mended")
	}
}

func TestAnUnreadablePageOfAStreamWithoutWindowsIsKeptRaw(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.fail(&connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: "test.cut", Raw: []byte(`{"cut`)})
	for range 2 {
		var e *connectors.Error
		if _, err := w.eng.Pull(t.Context(), "shop", "orders", nil); !errors.As(err, &e) || e.Code != "source.unreadable" {
			t.Fatalf("the pull ended with %v", err)
		}
	}
	parked, err := w.led.Records(t.Context(), ledger.Filter{Code: "record.unreadable"})
	if err != nil || len(parked) != 1 {
		t.Fatalf("parked %+v, %v", parked, err)
	}
	w.shop.fail(nil)
	w.put(paid(1, 100))
	w.until("the order", func() bool { return len(w.target.calls()) == 1 })
}

func TestAPullWaitsWhileTooMuchWaits(t *testing.T) {
	f := newFeedWorld(t)
	f.max = 1
	f.feed.now = f.start.Add(10 * time.Minute)
	f.every(time.Minute)
	e, err := f.engine(f.led) // not running: nothing is mapped
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if _, err := e.Pull(ctx, "shop", "orders", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the pull ended with %v", err)
	}
	if len(f.feed.asked) != 1 {
		t.Fatalf("%d pages were asked for", len(f.feed.asked))
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Pull(t.Context(), "shop", "orders", nil); err != nil || !f.has(t.Context(), "c8") {
		t.Fatalf("it did not go on: %v", err)
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestTheBacklogOfAClosedGateStopsNoOtherPull(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, func(w *world) {
		w.opt.MaxBacklog = 1
		w.opt.Connections = append(w.opt.Connections, pipelines.Connection{Name: "other", Connector: w.sc, Conn: &shop{docs: map[string]shopDoc{}}})
	})
	pause(w, "other", "")
	for _, key := range []string{"1", "2", "3"} {
		rec := &ledger.Record{DocKey: ledger.DocKey{Connection: "other", Entity: "order", Key: key}, Stream: "orders", RootKey: key}
		if err := w.eng.Refetch(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	w.put(paid(1, 100))
	w.comes("push T-1 delivered ")
}
