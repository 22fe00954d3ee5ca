package pipelines

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// How the size of a backfill is known.
const (
	FillCounted = "counted" // the source listed the whole window
	FillSampled = "sampled" // it listed parts of it
	FillUnknown = "unknown" // it could not be asked
)

const (
	sampleParts = 16              // a window is listed in so many parts, spread ones first
	samplePages = 100             // calls that a plan may cost
	sampleTime  = 8 * time.Second // and how long it may take
)

// FillCost is what a backfill takes of one limit.
type FillCost struct {
	Connection, Limit string
	Calls             int64 // expected
	Used, Allowed     int   // now, of one span
	Per               time.Duration
}

// Plan asks the source how much is in a window, and keeps the backfill with a forecast.
// Of job it takes the stream, the window, Leave, Who and Why. Nothing is read yet.
func (b *Backfills) Plan(ctx context.Context, job ledger.Backfill) (*FillStatus, error) {
	if _, _, err := b.e.fillable(job.Connection, job.Stream); err != nil {
		return nil, err
	}
	if !job.From.Before(job.To) {
		return nil, fmt.Errorf("%w: the window is empty: from %s to %s", errCannotFill, job.From.Format(time.RFC3339), job.To.Format(time.RFC3339))
	}
	call, err := b.e.sample(ctx, &job)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	job.State = FillPlanned
	job.Expected, _ = b.e.fillTime(&job, 0, call)
	if err := b.store.AddBackfill(ctx, &job); err != nil {
		return nil, err
	}
	left, cost := b.forecast(&job)
	return &FillStatus{Job: job, Left: left, Cost: cost}, nil
}

// sampled is what listing parts of a window showed.
type sampled struct {
	p           *puller
	f           *filling
	pages       int
	items, seen int64
	covered     time.Duration
	took        time.Duration
}

// sample lists the window, or as much of it as a plan may cost, without taking anything
// in. It returns how long a call took.
func (e *Engine) sample(ctx context.Context, job *ledger.Backfill) (call time.Duration, err error) {
	e, leave := e.enter(noRoot)
	defer leave()
	c, s, err := e.fillable(job.Connection, job.Stream)
	if err != nil {
		return 0, err
	}
	until, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	x := &sampled{p: &puller{e: e, c: c, s: s}, f: &filling{leave: float64(job.Leave) / 100, until: until}}
	job.Method = FillUnknown
	if c.gates.isClosed("") {
		job.Text = fmt.Sprintf("the gate of %s is closed, so the source was not asked how much there is", c.Name)
		return 0, nil
	}
	whole := job.To.Sub(job.From)
	for _, w := range parts(job.From, job.To, s) {
		if x.pages >= samplePages || until.Err() != nil {
			break
		}
		if err := x.part(ctx, w); err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if x.covered == 0 && x.items == 0 {
				job.Text = storable("the source did not say how much there is: " + err.Error())
				return 0, nil
			}
			break
		}
	}
	share := 1.0
	if job.Method = FillCounted; x.covered < whole {
		job.Method = FillSampled
		// A part that was begun and not ended stands for itself at least.
		share = max(float64(x.covered)/float64(whole), 1/float64(4*sampleParts))
	}
	job.ExpectedItems = int64(float64(x.items) / share)
	job.ExpectedNew = int64(float64(x.items-x.seen) / share)
	job.ExpectedPages = max(1, int64(float64(x.pages)/share))
	return x.took / time.Duration(max(1, x.pages)), nil
}

// parts cuts a window, and orders the parts so that any first few are spread over it.
func parts(from, to time.Time, s *connectors.Stream) []connectors.Window {
	grain := max(s.Grain, time.Second)
	span := max(min(to.Sub(from)/sampleParts, s.MaxSpan).Truncate(grain), grain)
	if s.MaxSpan == 0 {
		span = max((to.Sub(from) / sampleParts).Truncate(grain), grain)
	}
	var list []connectors.Window
	for at := from; at.Before(to); at = at.Add(span) {
		end := at.Add(span)
		if end.After(to) {
			end = to
		}
		list = append(list, connectors.Window{From: at, To: end})
	}
	width := bits.Len(uint(len(list) - 1))
	out := make([]connectors.Window, 0, len(list))
	for i := range 1 << width {
		if at := int(bits.Reverse(uint(i)) >> (bits.UintSize - width)); at < len(list) {
			out = append(out, list[at])
		}
	}
	return out
}

var errEnough = errors.New("a plan may not cost more")

// part lists one part of the window to its end.
func (x *sampled) part(ctx context.Context, w connectors.Window) error {
	for cursor := ""; ; {
		if x.pages >= samplePages {
			return errEnough
		}
		release, err := x.f.take(x.p.c, x.p.s.PullUses)
		if err != nil {
			return err
		}
		began := time.Now()
		page, err := x.p.c.source.Pull(ctx, connectors.PullRequest{Stream: x.p.s.Name, Cursor: cursor, Window: w})
		release()
		if err != nil {
			return connectors.AsError(err)
		}
		x.took += time.Since(began)
		x.pages++
		x.items += int64(len(page.Items))
		if err := x.known(ctx, page.Items, w); err != nil {
			return err
		}
		if !page.More {
			x.covered += w.To.Sub(w.From)
			return nil
		}
		cursor = page.Cursor
	}
}

// known counts what the hub has fetched since the window.
func (x *sampled) known(ctx context.Context, items []connectors.Item, w connectors.Window) error {
	keys := make([]string, len(items))
	for i := range items {
		keys[i] = items[i].Key
	}
	sighted, err := x.p.e.opt.Ledger.Sighted(ctx, x.p.c.Name, x.p.s.Entity, keys)
	for _, at := range sighted {
		if !at.Before(w.To.Add(x.p.s.Delay + x.p.s.Overlap)) {
			x.seen++
		}
	}
	return err
}

// forecast is how long a backfill still takes: by the limits and what it took so far.
func (b *Backfills) forecast(job *ledger.Backfill) (time.Duration, []FillCost) {
	if job.Method == FillUnknown {
		return 0, nil
	}
	done := 0.0
	if job.ExpectedItems > 0 {
		done = min(1, float64(job.Items)/float64(job.ExpectedItems))
	}
	left, cost := b.e.fillTime(job, done, 0)
	const enough = 0.05 // of it done, its own pace tells more than the plan
	pace := float64(job.Expected) * (1 - done)
	if done >= enough {
		pace = float64(job.Busy) * (1 - done) / done
	}
	return max(left, time.Duration(pace)), cost
}

// fillTime is how long what is left takes: the slowest of the source, its limits and the
// limits of the targets, each without the share that stays free and without what live
// traffic uses now. call is how long one call takes.
func (e *Engine) fillTime(job *ledger.Backfill, done float64, call time.Duration) (time.Duration, []FillCost) {
	e, leave := e.enter(noRoot)
	defer leave()
	c, s, err := e.fillable(job.Connection, job.Stream)
	if err != nil {
		return 0, nil
	}
	rest := func(n int64) int64 { return int64(float64(n)*(1-done) + 0.5) }
	fresh, pages := rest(job.ExpectedNew), rest(job.ExpectedPages)
	calls := int64(0)
	if s.Hints {
		calls = (fresh + int64(max(1, s.FetchBatch)) - 1) / int64(max(1, s.FetchBatch))
	}
	t := &fillTimer{leave: float64(job.Leave) / 100, calls: map[[2]string]*FillCost{}}
	t.add(c, s.PullUses, pages)
	t.add(c, s.FetchUses, calls)
	for _, step := range e.steps(job.Connection, job.Stream) {
		if to := e.connections()[step.Connection]; to != nil && step.Decl != nil && step.Mode == flow.On {
			t.add(to, step.Decl.Uses, (fresh+int64(max(1, step.Decl.Batch))-1)/int64(max(1, step.Decl.Batch)))
		}
	}
	const commit = 5 * time.Millisecond
	took := time.Duration(pages+(calls+fillCalls-1)/fillCalls) * (call + commit)
	return max(took, t.longest), t.list()
}

// fillTimer adds up what a backfill takes of limits.
type fillTimer struct {
	leave   float64
	longest time.Duration
	calls   map[[2]string]*FillCost
}

func (t *fillTimer) add(c *connection, uses []connectors.Use, calls int64) {
	for _, u := range uses {
		for _, l := range c.Connector.Limits {
			if l.Name != u.Limit || l.Requests <= 0 || l.Per <= 0 || calls == 0 {
				continue
			}
			key := [2]string{c.Account, l.Name}
			if t.calls[key] == nil {
				used, allowed := c.limits.Used(l.Name)
				t.calls[key] = &FillCost{Connection: c.Name, Limit: l.Name, Used: used, Allowed: allowed, Per: l.Per}
			}
			cost := t.calls[key]
			cost.Calls += calls * int64(max(1, u.Cost))
			within := float64(cost.Allowed) * (1 - t.leave)
			at := max(within-float64(cost.Used), within/20) // what is free at once
			if over := float64(cost.Calls) - at; over > 0 {
				t.longest = max(t.longest, time.Duration(over/max(within, 1)*float64(l.Per)))
			}
		}
	}
}

func (t *fillTimer) list() []FillCost {
	out := make([]FillCost, 0, len(t.calls))
	for _, c := range t.calls {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b FillCost) int { return strings.Compare(a.Connection+"."+a.Limit, b.Connection+"."+b.Limit) })
	return out
}
