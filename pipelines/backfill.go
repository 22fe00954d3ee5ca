package pipelines

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// The states of a backfill.
const (
	FillPlanned   = "planned"
	FillRunning   = "running"
	FillPaused    = "paused"
	FillFailed    = "failed" // it cannot go on by itself; resume tries again
	FillCancelled = "cancelled"
	FillDone      = "done"
)

const (
	fillIdle  = time.Minute // how often backfills are looked for that nobody woke
	fillRetry = time.Second // the first wait after a fault of the source
	fillMost  = 30 * time.Second
)

// ErrFillState is answered when a backfill is in a state that does not allow the act.
var ErrFillState = errors.New("the backfill is in another state")

// Backfills runs backfills of an engine in the background. All of their state is in the
// ledger, so that they go on where they were after any end of the process.
type Backfills struct {
	e     *Engine
	store ledger.Backfills

	mu      sync.Mutex // one change of a backfill's state at a time
	wake    chan struct{}
	working map[int64]*worker
}

// worker is a backfill that goes.
type worker struct {
	stop context.CancelFunc
	mu   sync.Mutex
	why  string // what it waits for
}

func (w *worker) say(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why = why
}

// NewBackfills returns the backfills of an engine; Run works them off.
func NewBackfills(e *Engine) *Backfills {
	return &Backfills{e: e, store: e.opt.Ledger, wake: make(chan struct{}, 1), working: map[int64]*worker{}}
}

var fillActs = map[string]map[string]string{
	"start":  {FillPlanned: FillRunning},
	"pause":  {FillRunning: FillPaused},
	"resume": {FillPaused: FillRunning, FillFailed: FillRunning},
	"cancel": {FillPlanned: FillCancelled, FillRunning: FillCancelled, FillPaused: FillCancelled, FillFailed: FillCancelled},
}

// Act starts, pauses, resumes or cancels a backfill. What it has brought stays.
func (b *Backfills) Act(ctx context.Context, id int64, act string) (*ledger.Backfill, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, err := b.store.Backfill(ctx, id)
	if err != nil {
		return nil, err
	}
	to, ok := fillActs[act][job.State]
	if !ok {
		return job, fmt.Errorf("%w: backfill %d is %s, so one cannot %s it", ErrFillState, id, job.State, act)
	}
	now := b.e.opt.Now()
	job.State, job.Text = to, ""
	switch {
	case to == FillCancelled:
		job.EndedAt = now
	case to == FillRunning && job.StartedAt.IsZero():
		job.StartedAt = now
	}
	if err := b.store.PutBackfill(ctx, job); err != nil {
		return nil, err
	}
	if w := b.working[id]; w != nil && to != FillRunning {
		w.stop()
	}
	b.wakeUp()
	return job, nil
}

func (b *Backfills) wakeUp() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run works backfills off until ctx ends; those of different streams go side by side and
// share the limits.
func (b *Backfills) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(fillIdle)
	defer tick.Stop()
	for {
		if err := b.begin(ctx, &wg); err != nil && ctx.Err() == nil {
			b.e.opt.Log.Warn("the backfills could not be read", zap.Error(err))
		}
		select {
		case <-b.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// begin gives every backfill that should go a worker.
func (b *Backfills) begin(ctx context.Context, wg *sync.WaitGroup) error {
	for before := int64(0); ; {
		list, err := b.store.Backfills(ctx, before, 100)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if before = list[i].ID; list[i].State == FillRunning {
				b.employ(ctx, wg, list[i].ID)
			}
		}
	}
}

func (b *Backfills) employ(ctx context.Context, wg *sync.WaitGroup, id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.working[id] != nil {
		return
	}
	held, stop := context.WithCancel(ctx)
	w := &worker{stop: stop}
	b.working[id] = w
	wg.Go(func() {
		defer func() {
			stop()
			b.mu.Lock()
			delete(b.working, id)
			b.mu.Unlock()
			b.wakeUp() // it may have been resumed meanwhile
		}()
		b.work(held, id, w)
	})
}

// work reads page after page until the backfill is done or held.
func (b *Backfills) work(held context.Context, id int64, w *worker) {
	// A call that is under way is finished, and what it brought is written.
	ctx := context.WithoutCancel(held)
	wait := fillRetry
	for held.Err() == nil {
		job, err := b.store.Backfill(ctx, id)
		if err != nil || job.State != FillRunning {
			return
		}
		f := &filling{leave: float64(job.Leave) / 100, until: held, say: w.say}
		began := b.e.opt.Now()
		counts, done, ferr := b.e.fillPage(ctx, job, f)
		if err := b.progress(ctx, id, b.e.opt.Now().Sub(began), counts, f, done, ferr); err != nil {
			b.e.opt.Log.Warn("the progress of a backfill could not be written", zap.Int64("backfill", id), zap.Error(err))
			return
		}
		switch {
		case done:
			return
		case ferr == nil:
			wait = fillRetry
		case !errors.Is(ferr, errHeld):
			w.say(storable(ferr.Error()))
			rest(held, wait)
			wait = min(2*wait, fillMost)
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// progress adds what a page brought. A person may have changed the state meanwhile.
func (b *Backfills) progress(ctx context.Context, id int64, took time.Duration, n PullCounts, f *filling, done bool, ferr error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, err := b.store.Backfill(ctx, id)
	if err != nil {
		return err
	}
	job.Pages += int64(n.Pages)
	job.Items += int64(n.Items)
	job.New += int64(n.New)
	job.Same += int64(n.Repeats + n.Older + f.same)
	job.Failed += int64(f.failed)
	job.Busy += took
	job.Text = ""
	if ferr != nil && !errors.Is(ferr, errHeld) {
		job.Text = storable(ferr.Error())
	}
	if job.State == FillRunning {
		switch {
		case done && ferr == nil:
			job.State, job.EndedAt = FillDone, b.e.opt.Now()
		case stands(ferr):
			job.State = FillFailed
		}
	}
	return b.store.PutBackfill(ctx, job)
}

// stands reports whether an error will be there again however often one tries.
func stands(err error) bool {
	var e *connectors.Error
	return errors.Is(err, errCannotFill) || errors.As(err, &e) && e.Kind == connectors.Unreadable
}

// FillStatus is how a backfill stands.
type FillStatus struct {
	Job   ledger.Backfill
	Waits string // what it waits for now
	// Left is how long it still takes, of a running one; at least 0.
	Left time.Duration
	Cost []FillCost
}

// Look returns how a backfill stands now.
func (b *Backfills) Look(ctx context.Context, id int64) (*FillStatus, error) {
	job, err := b.store.Backfill(ctx, id)
	if err != nil {
		return nil, err
	}
	return b.status(job), nil
}

// List returns backfills, newest first, with an id below before (0 = all).
func (b *Backfills) List(ctx context.Context, before int64, limit int) ([]FillStatus, error) {
	list, err := b.store.Backfills(ctx, before, limit)
	if err != nil {
		return nil, err
	}
	out := make([]FillStatus, 0, len(list))
	for i := range list {
		out = append(out, *b.status(&list[i]))
	}
	return out, nil
}

func (b *Backfills) status(job *ledger.Backfill) *FillStatus {
	s := &FillStatus{Job: *job}
	b.mu.Lock()
	w := b.working[job.ID]
	b.mu.Unlock()
	if w != nil {
		w.mu.Lock()
		s.Waits = w.why
		w.mu.Unlock()
	}
	switch job.State {
	case FillPlanned, FillRunning, FillPaused, FillFailed:
		s.Left, s.Cost = b.forecast(job)
	}
	return s
}
