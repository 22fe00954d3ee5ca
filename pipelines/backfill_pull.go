package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	fillCalls  = 8                     // documents asked for at once
	fillLook   = 50 * time.Millisecond // how often a backfill looks whether there is room again
	fillQueued = 128                   // rows of its source that may wait to be mapped
	fillSpan   = 2 * time.Second       // how long a live delivery may wait behind those of a backfill
)

// errHeld ends a page of a backfill that a person paused, or the end of the hub.
var errHeld = errors.New("the backfill is held")

// filling is how a backfill reads: it yields to everything live. Of every limit it leaves
// a share, and it brings nothing new while a target is still busy.
type filling struct {
	leave        float64
	until        context.Context // ends its waits; a call that is under way is finished
	say          func(why string)
	same, failed int
}

// fillPage reads one page of a backfill, fetches its documents and moves its cursor; done
// says that the window was read to its end. A crash or an error repeats a page at most.
func (e *Engine) fillPage(ctx context.Context, job *ledger.Backfill, f *filling) (counts PullCounts, done bool, err error) {
	e, leave := e.enter(noRoot)
	defer leave()
	c, s, err := e.fillable(job.Connection, job.Stream)
	if err != nil {
		return counts, false, err
	}
	p := &puller{e: e, c: c, s: s, name: fmt.Sprintf("backfill job %d", job.ID), window: connectors.Window{From: job.From, To: job.To}, fill: f}
	if p.stored, err = e.opt.Ledger.Cursor(ctx, job.Connection, job.Stream, p.name); err != nil {
		return counts, false, err
	}
	if p.stored != "" {
		if err := json.Unmarshal([]byte(p.stored), &p.pos); err != nil {
			return counts, false, fmt.Errorf("the cursor of backfill %d cannot be read: %w", job.ID, err)
		}
	}
	if p.pos.Done || p.pos.To.IsZero() && !p.nextOfBackfill() {
		return counts, true, nil
	}
	err = p.pages(ctx, connectors.Window{From: p.pos.From, To: p.pos.To})
	return p.counts, p.pos.Done, err
}

// errCannotFill is answered for what has no windows to read again.
var errCannotFill = errors.New("it cannot be backfilled")

func (e *Engine) fillable(connection, stream string) (*connection, *connectors.Stream, error) {
	c, err := e.connection(connection)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errCannotFill, err)
	}
	s, ok := c.Connector.Stream(stream)
	switch {
	case !ok || !s.Pull || c.source == nil || c.gone:
		return nil, nil, fmt.Errorf("%w: connection %s cannot be pulled for %q", errCannotFill, connection, stream)
	case !s.Windowed:
		return nil, nil, fmt.Errorf("%w: stream %s.%s has no windows: the vendor cannot list by time", errCannotFill, connection, stream)
	}
	return c, s, nil
}

// take waits for a limit of the source, and leaves a share of it.
func (f *filling) take(c *connection, uses []connectors.Use) (release func(), err error) {
	release, wait, err := c.limits.TakeLeaving(f.until, uses, 24*time.Hour, f.leave)
	switch {
	case err != nil:
		return nil, errHeld
	case release == nil:
		return nil, &connectors.Error{Kind: connectors.RateLimited, Scope: connectors.OfDocument, Code: "limit.wait", Wait: wait, Text: "the vendor's limit is used up"}
	}
	return release, nil
}

// room waits until nothing live is in the way.
func (f *filling) room(p *puller) error {
	for {
		why := p.crowded(f.leave)
		f.say(why)
		if why == "" {
			return nil
		}
		if rest(f.until, fillLook); f.until.Err() != nil {
			return errHeld
		}
	}
}

// steps are what a stream's documents go to.
func (e *Engine) steps(connection, stream string) (out []*flow.Step) {
	for _, f := range e.flowsOf(connection, stream) {
		out = append(out, f.Steps...)
	}
	return out
}

// crowded says what a backfill waits for, empty = nothing.
func (p *puller) crowded(leave float64) string {
	waits := p.e.bus.Queue(bus.Topic(bus.Records, p.c.Name)).Len() + p.e.bus.Queue(bus.Topic(bus.Hints, p.c.Name)).Len()
	if waits > fillQueued {
		return fmt.Sprintf("%d documents of %s wait to be mapped", waits, p.c.Name)
	}
	for _, s := range p.e.steps(p.c.Name, p.s.Name) {
		t := p.e.connections()[s.Connection]
		if t == nil || t.gone || s.Decl == nil || s.Mode != flow.On {
			continue
		}
		if n := p.e.bus.Queue(bus.Topic(bus.Deliveries, t.Name)).Len(); n > t.ahead(s.Decl, leave) {
			return fmt.Sprintf("%d deliveries wait for %s", n, t.Name)
		}
		if t.limits.Room(s.Decl.Uses, leave) > 0 {
			return fmt.Sprintf("what is left of the limits of %s belongs to live traffic", t.Name)
		}
	}
	return ""
}

// ahead is how many deliveries of an operation may stand in front of a live one.
func (c *connection) ahead(op *connectors.Operation, leave float64) int {
	rate := c.perSecond(op.Uses) * float64(max(1, op.Batch))
	if rate == 0 {
		return fillQueued
	}
	return min(fillQueued, max(1, int(rate*(1-leave)*fillSpan.Seconds())))
}

// chunk is how many documents are brought between two looks at the targets.
func (p *puller) chunk(leave float64) int {
	n := fillCalls * max(1, p.s.FetchBatch)
	for _, s := range p.e.steps(p.c.Name, p.s.Name) {
		if t := p.e.connections()[s.Connection]; t != nil && s.Decl != nil && s.Mode == flow.On {
			n = min(n, t.ahead(s.Decl, leave))
		}
	}
	return n
}

// documents fetches what a page only names, so that it does not stand in the queue before
// the live hints. What the hub has fetched since the window is left out: nothing in it can
// be newer. Keys that fail stay hints, which the hub asks for again by itself.
func (f *filling) documents(ctx context.Context, p *puller, in *ledger.Intake) error {
	hints, err := p.unseen(ctx, in.Hints)
	if err != nil {
		return err
	}
	f.same += len(in.Hints) - len(hints)
	in.Hints = nil
	for part := range slices.Chunk(hints, p.chunk(f.leave)) {
		if err := f.room(p); err != nil {
			return err
		}
		left, err := f.fetch(ctx, p, part)
		if err != nil {
			return err
		}
		in.Hints = append(in.Hints, left...)
	}
	f.failed += len(in.Hints)
	return nil
}

// fetch asks for some documents, several calls at once, and commits what came. It returns
// the hints that got none.
func (f *filling) fetch(ctx context.Context, p *puller, hints []*ledger.NewHint) (left []*ledger.NewHint, err error) {
	in := &ledger.Intake{Connection: p.c.Name, Stream: p.s.Name}
	got := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for batch := range slices.Chunk(hints, max(1, p.s.FetchBatch)) {
		wg.Go(func() {
			items, began, ferr := f.call(ctx, p, batch)
			mu.Lock()
			defer mu.Unlock()
			for i := range items {
				if items[i].Body == nil && !items[i].Deleted || got[items[i].Key] {
					continue // a key without a document is no answer
				}
				got[items[i].Key] = true
				in.Items = append(in.Items, intakeItem(p.s, &items[i], began))
			}
			if ferr != nil && err == nil {
				err = ferr
			}
		})
	}
	wg.Wait()
	also(in, p.c, p.s)
	if len(in.Items) > 0 {
		if cerr := p.e.commitIntake(ctx, p.c, in, nil); cerr != nil {
			return nil, cerr
		}
		p.counts.add(in)
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(hints, func(h *ledger.NewHint) bool { return got[h.Key] }), nil
}

// call fetches one batch. A fault of the documents is none of the backfill's: their keys
// stay hints.
func (f *filling) call(ctx context.Context, p *puller, batch []*ledger.NewHint) (items []connectors.Item, began time.Time, err error) {
	release, err := f.take(p.c, p.s.FetchUses)
	if err != nil {
		return nil, began, err
	}
	keys := make([]string, len(batch))
	for i, h := range batch {
		keys[i] = h.Key
	}
	began = p.e.opt.Now()
	items, ferr := p.e.fetchSafely(ctx, p.c, p.s, keys)
	release()
	if ferr == nil {
		p.c.succeeded()
		return items, began, nil
	}
	if ferr.Kind == connectors.RateLimited && ferr.Wait > 0 {
		p.c.limits.Penalty(p.s.FetchUses, ferr.Wait)
	}
	_, shut, err := p.e.fault(ctx, p.c, "", ferr)
	switch {
	case err != nil:
		return nil, began, err
	case shut || ferr.Kind == connectors.RateLimited || ferr.Scope != connectors.OfDocument:
		return nil, began, ferr
	}
	return nil, began, nil
}
