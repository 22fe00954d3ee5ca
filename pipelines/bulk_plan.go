package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// BulkPlan is what a bulk replay is about to do with the rows that have not gone.
type BulkPlan struct {
	Job     ledger.Bulk
	Left    int64
	OneShot int64      // rows of one-shot operations that may have had an effect: only with a confirmation
	Modes   []BulkMode // as-sent, re-map, re-pull
	Targets []BulkTarget
	// Estimate is how long the targets' limits and the rate make it take at least.
	Estimate time.Duration

	sources []string
}

// BulkMode counts the rows by how safe a mode is for them.
type BulkMode struct {
	Mode    ReplayMode
	Safe    int64 // the target dedupes, or surely nothing took effect yet
	Asks    int64 // the target is asked first whether it has it
	Confirm int64 // one-shot, and it may have had an effect
	Cannot  int64 // nothing stored to send again, or the source cannot be asked for one document
}

// BulkTarget is the rows for one operation.
type BulkTarget struct {
	Connection, Operation string
	N                     int64
	PerSecond             float64 // what its limits allow; 0 = no limit
}

// ErrBulkEmpty is answered when nothing fits what is to be replayed.
var ErrBulkEmpty = errors.New("nothing is parked that fits")

// Plan counts what a bulk replay would do and keeps it; nothing is sent. Of job it takes
// Kind, the incident or the filter, Mode, Rate, Confirmed, Who and Why.
func (b *Bulks) Plan(ctx context.Context, job ledger.Bulk) (*BulkPlan, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if job.Mode == "" {
		job.Mode = string(Remap)
	}
	if job.Incident != 0 {
		i, err := b.desk.Incident(ctx, job.Incident)
		if err != nil {
			return nil, err
		}
		if i.Kind != "delivery" && i.Kind != "record" {
			return nil, fmt.Errorf("incident %d is about a %s, and only deliveries and messages are replayed", i.ID, i.Kind)
		}
		job.Kind, job.Connection, job.Operation, job.Code = i.Kind, i.Connection, i.Name, i.Code
		if !i.Open() {
			return nil, ErrBulkEmpty
		}
	}
	job.State = BulkPlanned
	if err := b.desk.AddBulk(ctx, &job); err != nil {
		return nil, err
	}
	if job.Total == 0 {
		return nil, ErrBulkEmpty
	}
	return b.plan(ctx, &job)
}

// Look returns the plan of a bulk replay as it stands now.
func (b *Bulks) Look(ctx context.Context, id int64) (*BulkPlan, error) {
	job, err := b.desk.Bulk(ctx, id)
	if err != nil {
		return nil, err
	}
	return b.plan(ctx, job)
}

func (b *Bulks) plan(ctx context.Context, job *ledger.Bulk) (*BulkPlan, error) {
	shapes, err := b.desk.BulkShapes(ctx, job)
	if err != nil {
		return nil, err
	}
	p := &BulkPlan{Job: *job, Modes: []BulkMode{{Mode: AsSent}, {Mode: Remap}, {Mode: Repull}}}
	busy := map[string]time.Duration{} // by connection
	for i := range shapes {
		s := &shapes[i]
		p.Left += s.N
		if !slices.Contains(p.sources, s.Source) {
			p.sources = append(p.sources, s.Source)
		}
		op := b.e.operation(s)
		for m := range p.Modes {
			b.e.weigh(&p.Modes[m], s, op, job.Kind)
		}
		if op != nil && op.Repeat == connectors.OneShot && s.Unsure {
			p.OneShot += s.N
		}
		b.target(p, s, op, busy)
	}
	for _, d := range busy {
		p.Estimate = max(p.Estimate, d)
	}
	if job.Rate > 0 {
		p.Estimate = max(p.Estimate, time.Duration(float64(p.Left)/float64(job.Rate)*float64(time.Second)))
	}
	return p, nil
}

// operation is what the rows are for, nil for records or when it is gone.
func (e *Engine) operation(s *ledger.BulkShape) *connectors.Operation {
	c := e.connections()[s.Connection]
	if c == nil {
		return nil
	}
	op, ok := c.Connector.Operation(s.Operation)
	if !ok {
		return nil
	}
	return op
}

// weigh adds rows to a mode.
func (e *Engine) weigh(m *BulkMode, s *ledger.BulkShape, op *connectors.Operation, kind string) {
	to := &m.Safe
	switch {
	case m.Mode == Repull:
		if !e.pullsOne(s.Source) {
			to = &m.Cannot
		}
	case kind == "record":
		if m.Mode == AsSent { // nothing was ever made of it to be sent
			to = &m.Cannot
		}
	case op == nil, m.Mode == AsSent && !s.Stored:
		to = &m.Cannot
	case s.Unsure && op.Repeat == connectors.OneShot:
		to = &m.Confirm
	case s.Unsure && op.Repeat == connectors.AskFirst:
		to = &m.Asks
	}
	*to += s.N
}

// pullsOne reports whether a source can be asked for one document.
func (e *Engine) pullsOne(source string) bool {
	c := e.connections()[source]
	return c != nil && c.fetcher != nil
}

// target adds what an operation's limits allow. Look-ups take limits too.
func (b *Bulks) target(p *BulkPlan, s *ledger.BulkShape, op *connectors.Operation, busy map[string]time.Duration) {
	at := -1
	for i := range p.Targets {
		if p.Targets[i].Connection == s.Connection && p.Targets[i].Operation == s.Operation {
			at = i
		}
	}
	if at < 0 {
		at = len(p.Targets)
		p.Targets = append(p.Targets, BulkTarget{Connection: s.Connection, Operation: s.Operation})
	}
	t := &p.Targets[at]
	t.N += s.N
	if op == nil || p.Job.Kind == "record" {
		return
	}
	c := b.e.connections()[s.Connection]
	t.PerSecond = c.perSecond(op.Uses) * float64(max(1, op.Batch))
	if t.PerSecond > 0 {
		busy[s.Connection] += time.Duration(float64(s.N) / t.PerSecond * float64(time.Second))
	}
	if asks := c.perSecond(op.LookupUses); asks > 0 && s.Unsure && op.Repeat == connectors.AskFirst {
		busy[s.Connection] += time.Duration(float64(s.N) / asks * float64(time.Second))
	}
}

// perSecond is how many calls a second the limits allow; 0 = as many as one likes.
func (c *connection) perSecond(uses []connectors.Use) float64 {
	slowest := 0.0
	for _, u := range uses {
		for _, l := range c.Connector.Limits {
			if l.Name != u.Limit || l.Requests <= 0 || l.Per <= 0 {
				continue
			}
			_, allowed := c.limits.Used(l.Name)
			rate := float64(allowed) / l.Per.Seconds() / float64(max(1, u.Cost))
			if slowest == 0 || rate < slowest {
				slowest = rate
			}
		}
	}
	return slowest
}

// BulkProgress is how far a bulk replay is.
type BulkProgress struct {
	Items map[string]int64 // by state of the item
	Rows  map[string]int64 // those replayed, by the state their row is in now
}

// Progress counts how far a bulk replay is; the count may be a moment old.
func (b *Bulks) Progress(ctx context.Context, job *ledger.Bulk) (p BulkProgress, err error) {
	b.seen.mu.Lock()
	defer b.seen.mu.Unlock()
	began := time.Now()
	if c, ok := b.seen.by[job.ID]; ok && c.state == job.State && began.Before(c.until) {
		return c.p, nil
	}
	if p.Items, p.Rows, err = b.desk.BulkCounts(ctx, job); err != nil {
		return p, err
	}
	for id, c := range b.seen.by {
		if began.After(c.until) {
			delete(b.seen.by, id)
		}
	}
	if b.seen.by == nil {
		b.seen.by = map[int64]countedOnce{}
	}
	// Counting takes at most a tenth of the time.
	b.seen.by[job.ID] = countedOnce{job.State, began.Add(10 * time.Since(began)), p}
	return p, nil
}

// List returns bulk replays, newest first.
func (b *Bulks) List(ctx context.Context, f ledger.BulkFilter) ([]ledger.Bulk, error) {
	return b.desk.Bulks(ctx, f)
}

// Retain drops the items of bulk replays that were over, or planned and never started,
// before olderThan; what they came to is kept. It returns of how many.
func (b *Bulks) Retain(ctx context.Context, olderThan time.Time) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := ledger.BulkFilter{States: []string{BulkPlanned, BulkCancelled, BulkDone}, Unsummed: true, OlderThan: olderThan}
	for {
		list, err := b.desk.Bulks(ctx, f)
		if err != nil || len(list) == 0 {
			return n, err
		}
		for i := range list {
			f.Before = list[i].ID
			if list[i].State == BulkPlanned {
				list[i].State = BulkCancelled
				if err := b.desk.PutBulk(ctx, &list[i]); err != nil {
					return n, err
				}
			}
			if err := b.desk.SumBulk(ctx, &list[i]); err != nil {
				return n, err
			}
			n++
		}
	}
}

// Items pages through the results of a bulk replay in order of row; a state narrows it.
func (b *Bulks) Items(ctx context.Context, id, after int64, state string, limit int) ([]ledger.BulkItem, error) {
	return b.desk.BulkItems(ctx, id, after, state, limit)
}
