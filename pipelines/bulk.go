package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// The states of a bulk replay.
const (
	BulkPlanned   = "planned"   // counted, nothing was sent
	BulkCanary    = "canary"    // the first few go
	BulkAsking    = "asking"    // the first few went; a person looks at them and goes on
	BulkRunning   = "running"   // the rest goes
	BulkPaused    = "paused"    // by a person
	BulkCancelled = "cancelled" // by a person; what has not gone stays parked
	BulkDone      = "done"
)

// BulkOpen are the states of bulk replays that are not over.
var BulkOpen = []string{BulkPlanned, BulkCanary, BulkAsking, BulkRunning, BulkPaused}

// The states of an item of a bulk replay.
const (
	ItemPending  = "pending"
	ItemReplayed = "replayed" // let go; its row says what became of it
	ItemRefused  = "refused"  // it cannot be mapped, or its operation is gone
	ItemSkipped  = "skipped"  // one-shot without a confirmation, or moved by somebody else
)

// CanarySize is how many rows go before a bulk replay stops and asks.
const CanarySize = 10

const (
	bulkPage  = 256         // rows between two looks at whether to go on
	bulkLanes = 32          // roots whose rows are let go at once
	bulkIdle  = time.Minute // how often records are looked for that a lookup entry could release
)

// ErrBulkState is answered when a bulk replay is in a state that does not allow the act.
var ErrBulkState = errors.New("the bulk replay is in another state")

// Bulks runs bulk replays of an engine: planned, tried on a few, then let go in the order
// of the lanes at a rate. All of its state is in the ledger, so that it goes on where it
// was after any end of the process; a row is never let go twice by the same replay.
type Bulks struct {
	e    *Engine
	desk ledger.Desk

	mu   sync.Mutex // one change of a replay's state at a time
	wake chan struct{}
	legs map[int64]*leg // of Run alone
	seen counted
}

// NewBulks returns the bulk replays of an engine; Run works them off.
func NewBulks(e *Engine) (*Bulks, error) {
	desk, err := e.desk()
	if err != nil {
		return nil, err
	}
	return &Bulks{e: e, desk: desk, wake: make(chan struct{}, 1), legs: map[int64]*leg{}}, nil
}

// next states by act.
var bulkActs = map[string]map[string]string{
	"start":  {BulkPlanned: BulkCanary, BulkAsking: BulkRunning, BulkPaused: BulkRunning},
	"pause":  {BulkCanary: BulkAsking, BulkRunning: BulkPaused},
	"resume": {BulkAsking: BulkRunning, BulkPaused: BulkRunning},
	"cancel": {BulkPlanned: BulkCancelled, BulkCanary: BulkCancelled, BulkAsking: BulkCancelled, BulkRunning: BulkCancelled, BulkPaused: BulkCancelled},
}

// BulkAct is what a person does about a bulk replay.
type BulkAct struct {
	Act     string     // start, pause, resume, cancel
	Confirm bool       // with start and resume: the warning about one-shot operations was read
	Mode    ReplayMode // with the first start: another mode than planned
	Rate    *int       // another rate from now on
	Why     string     // kept when the plan gave no reason
}

// Act starts, pauses, resumes or cancels a bulk replay.
func (b *Bulks) Act(ctx context.Context, id int64, a BulkAct) (*ledger.Bulk, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, err := b.desk.Bulk(ctx, id)
	if err != nil {
		return nil, err
	}
	to, ok := bulkActs[a.Act][job.State]
	if !ok {
		return job, fmt.Errorf("%w: replay %d is %s, so one cannot %s it", ErrBulkState, id, job.State, a.Act)
	}
	if a.Mode != "" && string(a.Mode) != job.Mode {
		if job.State != BulkPlanned {
			return job, fmt.Errorf("%w: replay %d is %s, and its mode is chosen before the first rows go", ErrBulkState, id, job.State)
		}
		job.Mode = string(a.Mode)
	}
	if a.Rate != nil {
		job.Rate = *a.Rate
	}
	if job.Why == "" {
		job.Why = a.Why
	}
	job.State, job.Confirmed = to, job.Confirmed || a.Confirm
	if err := b.desk.PutBulk(ctx, job); err != nil {
		return nil, err
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return job, nil
}

// Run works bulk replays off until ctx ends, and releases records whose missing lookup
// entry has come. Several that run take turns.
func (b *Bulks) Run(ctx context.Context) {
	var swept time.Time
	for ctx.Err() == nil {
		if now := time.Now(); now.Sub(swept) >= bulkIdle {
			swept = now
			if n, err := b.e.ReleaseRecords(ctx, "", ""); err != nil && ctx.Err() == nil {
				b.e.opt.Log.Warn("records that wait for a lookup entry could not be looked through", zap.Error(err))
			} else if n > 0 {
				b.e.opt.Log.Info("records released by lookup entries", zap.Int("records", n))
			}
		}
		next, err := b.round(ctx)
		if err != nil && ctx.Err() == nil {
			b.e.opt.Log.Warn("a bulk replay stopped for a moment", zap.Error(err))
			next = time.Now().Add(time.Second)
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-b.wake:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// round takes a step of every replay whose next one is due, and returns when to come
// again.
func (b *Bulks) round(ctx context.Context) (next time.Time, err error) {
	next = time.Now().Add(bulkIdle)
	legs := map[int64]*leg{}
	f := ledger.BulkFilter{States: []string{BulkCanary, BulkRunning}, Limit: 100}
	for {
		list, err := b.desk.Bulks(ctx, f)
		if err != nil {
			return next, err
		}
		for i := range list {
			job := &list[i]
			f.Before = job.ID
			l := b.legs[job.ID]
			if l == nil {
				if l, err = b.newLeg(ctx, job); err != nil {
					return next, fmt.Errorf("replay %d: %w", job.ID, err)
				}
			}
			legs[job.ID] = l
			if !time.Now().Before(l.due) {
				if err := b.step(ctx, job, l); err != nil {
					return next, fmt.Errorf("replay %d: %w", job.ID, err)
				}
			}
			if l.due.Before(next) {
				next = l.due
			}
		}
		if len(list) < f.Limit {
			b.legs = legs
			return next, nil
		}
	}
}

// step lets some rows go, as many as have room, and writes what became of them.
func (b *Bulks) step(ctx context.Context, job *ledger.Bulk, l *leg) error {
	began := time.Now()
	page, err := b.room(ctx, job, l)
	if err != nil || page == 0 {
		return err
	}
	if page = min(page, bulkPage); job.Rate > 0 {
		page = min(page, max(1, job.Rate/4))
	}
	items, err := b.items(ctx, job, l, page)
	if err != nil {
		return err
	}
	done, err := b.letGo(ctx, job, items)
	l.add(done, began)
	if werr := b.settle(ctx, job.ID, done, len(items) == 0); werr != nil {
		return werr
	}
	if err == nil && len(items) > 0 {
		l.after = items[len(items)-1].Row
	}
	l.due = began
	if job.Rate > 0 {
		l.due = began.Add(time.Duration(len(items)) * time.Second / time.Duration(job.Rate))
	}
	return err
}

// items are the next rows: of a canary, what is left of the first few. Before it says that
// there are none it looks from the start, for what an error left behind.
func (b *Bulks) items(ctx context.Context, job *ledger.Bulk, l *leg, page int) ([]ledger.BulkItem, error) {
	if job.State == BulkRunning {
		items, err := b.desk.BulkItems(ctx, job.ID, l.after, ItemPending, page)
		if err != nil || len(items) > 0 || l.after == 0 {
			return items, err
		}
		l.after = 0
		return b.desk.BulkItems(ctx, job.ID, 0, ItemPending, page)
	}
	first, err := b.desk.BulkItems(ctx, job.ID, 0, "", CanarySize)
	first = slices.DeleteFunc(first, func(i ledger.BulkItem) bool { return i.State != ItemPending })
	return first[:min(page, len(first))], err
}

// settle writes items and, when nothing is left of this leg, what comes next. The state
// is read again: a person may have changed it meanwhile.
func (b *Bulks) settle(ctx context.Context, id int64, done []ledger.BulkItem, empty bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	// What was let go is written even while the hub stops.
	ctx = context.WithoutCancel(ctx)
	job, err := b.desk.Bulk(ctx, id)
	if err != nil {
		return err
	}
	if empty && job.State == BulkCanary {
		rest, err := b.desk.BulkItems(ctx, id, 0, ItemPending, 1)
		if err != nil {
			return err
		}
		if job.State = BulkAsking; len(rest) == 0 {
			job.State = BulkDone
		}
	} else if empty && job.State == BulkRunning {
		job.State = BulkDone
	}
	return b.desk.PutBulk(ctx, job, done...)
}

// letGo replays rows: those of one root one after another in order of id, which is the
// order of their lanes, and many roots at once. It returns what was done even with an
// error.
func (b *Bulks) letGo(ctx context.Context, job *ledger.Bulk, items []ledger.BulkItem) (done []ledger.BulkItem, err error) {
	byRoot := map[int64][]ledger.BulkItem{}
	var roots []int64
	for _, it := range items {
		root, err := b.rootOf(ctx, job, it.Row)
		if err != nil {
			return nil, err
		}
		if byRoot[root] == nil {
			roots = append(roots, root)
		}
		byRoot[root] = append(byRoot[root], it)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, bulkLanes)
	for _, root := range roots {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, it := range byRoot[root] {
				ierr := b.one(ctx, job, &it)
				mu.Lock()
				if ierr == nil {
					done = append(done, it)
				} else if err == nil {
					err = ierr
				}
				mu.Unlock()
				if ierr != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return done, err
}

func (b *Bulks) rootOf(ctx context.Context, job *ledger.Bulk, row int64) (int64, error) {
	if job.Kind == "record" {
		return b.e.rootOfRecord(ctx, row)
	}
	return b.e.rootOfDelivery(ctx, row)
}

// signature is how a bulk replay signs what it does: by it a row that was let go just
// before a crash is known afterwards (Invariant 3).
func signature(job *ledger.Bulk) string { return fmt.Sprintf("bulk %d: %s", job.ID, job.Who) }

// one replays one row. An error means that nothing is known of it and the step ends.
func (b *Bulks) one(ctx context.Context, job *ledger.Bulk, it *ledger.BulkItem) error {
	it.At = b.e.opt.Now()
	moved, err := b.moved(ctx, job, it)
	if err != nil || moved {
		return err
	}
	var out Replay
	mode := ReplayMode(job.Mode)
	if job.Kind == "record" {
		out, err = b.e.ReplayRecord(ctx, it.Row, mode, signature(job))
	} else {
		out, err = b.e.ReplayDelivery(ctx, it.Row, mode, signature(job), job.Confirmed)
	}
	switch {
	case err == nil && out.Code == "":
		it.State, it.To = ItemReplayed, out.To
	case err == nil:
		it.State, it.To, it.Code, it.Text = ItemRefused, out.To, out.Code, out.Text
	case errors.Is(err, ErrNeedsConfirmation):
		it.State, it.Code, it.Text = ItemSkipped, "bulk.one_shot", err.Error()
	case ctx.Err() != nil, errors.Is(err, ledger.ErrClosed), errors.Is(err, ledger.ErrLost), errors.Is(err, ledger.ErrFull):
		return err
	default:
		it.State, it.Code, it.Text = ItemRefused, "bulk.failed", err.Error()
	}
	it.Code, it.Text = storable(it.Code), storable(it.Text)
	return nil
}

// moved reports whether a row is no longer as it was planned: let go by this replay
// before a crash, or moved by somebody else.
func (b *Bulks) moved(ctx context.Context, job *ledger.Bulk, it *ledger.BulkItem) (bool, error) {
	var state string
	var revision int
	waits := false
	if job.Kind == "record" {
		rec, err := b.e.opt.Ledger.Record(ctx, it.Row)
		if err != nil {
			return false, err
		}
		state, revision, waits = string(rec.State), rec.Revision, rec.State == ledger.RecordParked
	} else {
		d, err := b.e.opt.Ledger.Delivery(ctx, it.Row)
		if err != nil {
			return false, err
		}
		state, revision, waits = string(d.State), d.Revision, d.State == ledger.Parked || d.State == ledger.Blocked
		tries, err := b.e.opt.Ledger.Attempts(ctx, it.Row)
		if err != nil {
			return false, err
		}
		mine := func(a ledger.Attempt) bool { return a.Kind == "person" && a.Who == signature(job) }
		if slices.ContainsFunc(tries, mine) {
			it.State, it.To, it.Code = ItemReplayed, state, "bulk.before_restart"
			return true, nil
		}
	}
	if waits && revision == it.Revision {
		return false, nil
	}
	it.State, it.To, it.Code = ItemSkipped, state, "bulk.moved"
	it.Text = "somebody else moved it after the plan was made"
	return true, nil
}
