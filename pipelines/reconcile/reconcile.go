package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Engine is what reconciliation asks of the engine.
type Engine interface {
	// Conn returns an opened connection.
	Conn(name string) (connectors.Connection, *connectors.Connector, bool)
	// Flows returns the flows by name.
	Flows() map[string]*flow.Flow
	// Refetch asks the source for the current state of a record's document. Only the
	// record key, the stream and the root are read.
	Refetch(ctx context.Context, rec *ledger.Record) error
	// Backfill pulls a window, for streams that cannot be asked for one document.
	Backfill(ctx context.Context, connection, stream string, w connectors.Window) error
	// ReplayRecord maps and routes a record again with today's mappings.
	ReplayRecord(ctx context.Context, id int64, who string) (Moved, error)
	// ReplayDelivery lets a parked delivery into its lane again as it was sent; one that
	// may have had an effect is looked up first (Invariant 3).
	ReplayDelivery(ctx context.Context, id int64, who string) (Moved, error)
}

// Moved is the state a replay led to.
type Moved struct {
	To   string `json:"to"`
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// Options is what a Reconciler is built from; Ledger and Engine are required.
type Options struct {
	Ledger ledger.Ledger
	Engine Engine
	// Take waits for a vendor's limits and takes them; nil = none are counted.
	Take func(ctx context.Context, connection string, uses []connectors.Use) (release func(), err error)
	// Mask makes the personal values of a target document unreadable; without it no
	// document is shown.
	Mask func(connection, operation string, document []byte) ([]byte, error)
	Now  func() time.Time
	Zone *time.Location // of the days in a report; nil = Asia/Shanghai
	Log  *zap.Logger

	Margin   time.Duration // a target's list reaches this far over the window; 0 = 2 h
	MaxRows  int           // documents of one list; 0 = 500,000
	HealWait time.Duration // how long Heal waits for what it fetched; 0 = 2 min
}

const shanghai = "Asia/Shanghai"

// Reconciler compares and heals. One run at a time is enough; it keeps no state.
type Reconciler struct{ opt Options }

// New returns a Reconciler.
func New(opt Options) *Reconciler {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Zone == nil {
		opt.Zone = time.FixedZone(shanghai, 8*60*60) // no summer time since 1991
	}
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	if opt.Margin <= 0 {
		opt.Margin = 2 * time.Hour
	}
	if opt.MaxRows <= 0 {
		opt.MaxRows = 500_000
	}
	if opt.HealWait <= 0 {
		opt.HealWait = 2 * time.Minute
	}
	return &Reconciler{opt: opt}
}

// Request says what to compare. The window is [From, To), by the source's time.
type Request struct {
	Flows []string      // empty = all
	From  time.Time     // zero = a day before To
	To    time.Time     // zero, or later than now minus Grace = now minus Grace
	Grace time.Duration // how long the hub may take; 0 = 30 min
}

// Progress says how far a run is.
type Progress struct {
	Stage      string // list, get, ledger, compare
	Connection string
	Name       string // stream or operation
	Pages      int
	Rows       int
}

const (
	kindReport = "reconcile"
	kindLatest = "reconcile.latest" // the id of the newest report
	kindHealed = "reconcile.healed"
)

// run is one reconciliation under way.
type run struct {
	r        *Reconciler
	now      time.Time
	from, to time.Time
	flows    []*flow.Flow
	progress func(Progress)
	rep      *Report
	book     *book
	sources  map[flow.Source]*source
}

func (r *run) tell(p Progress) {
	if r.progress != nil {
		r.progress(p)
	}
}

// in reports whether a time is within the window.
func (r *run) in(t time.Time) bool { return !t.Before(r.from) && t.Before(r.to) }

// late reports whether a document changed after the window.
func (r *run) late(f facts) bool { return !f.at.Before(r.to) || !f.modified.Before(r.to) }

// Run compares and stores the report. A side that cannot be read makes the report
// partial, not the run fail; the error is of the request, the ledger or the context.
func (rc *Reconciler) Run(ctx context.Context, req Request, progress func(Progress)) (*Report, error) {
	r, err := rc.begin(req)
	if err != nil {
		return nil, err
	}
	r.progress = progress
	if err := r.compare(ctx); err != nil {
		return nil, err
	}
	rep := r.book.close()
	if err := rc.against(ctx, rep); err != nil {
		return nil, err
	}
	r.book.tally()
	body, err := json.Marshal(rep)
	if err != nil {
		return nil, fmt.Errorf("writing the report: %w", err)
	}
	if rep.ID, err = rc.opt.Ledger.PutReport(ctx, kindReport, rep.At, body); err != nil {
		return nil, fmt.Errorf("storing the report: %w", err)
	}
	body, err = json.Marshal(latest{rep.ID})
	if err != nil {
		return nil, err
	}
	if _, err := rc.opt.Ledger.PutReport(ctx, kindLatest, rep.At, body); err != nil {
		return nil, fmt.Errorf("storing which report is the newest: %w", err)
	}
	rc.opt.Log.Info("reconciled", zap.Int64("report", rep.ID), zap.Int("drift", rep.Drift), zap.Int("new", rep.New), zap.Bool("partial", rep.Partial))
	return rep, nil
}

type latest struct {
	ID int64 `json:"id"`
}

// Load returns a stored report; id 0 is the newest. The error is ledger.ErrNotFound when
// there is none.
func (rc *Reconciler) Load(ctx context.Context, id int64) (*Report, error) {
	if id == 0 {
		body, _, err := rc.opt.Ledger.Report(ctx, kindLatest, 0)
		if err != nil {
			return nil, err
		}
		var l latest
		if err := json.Unmarshal(body, &l); err != nil {
			return nil, fmt.Errorf("reading which report is the newest: %w", err)
		}
		id = l.ID
	}
	body, _, err := rc.opt.Ledger.Report(ctx, kindReport, id)
	if err != nil {
		return nil, err
	}
	rep := &Report{}
	if err := json.Unmarshal(body, rep); err != nil {
		return nil, fmt.Errorf("reading report %d: %w", id, err)
	}
	rep.ID = id
	return rep, nil
}

// against marks what the previous report did not have.
func (rc *Reconciler) against(ctx context.Context, rep *Report) error {
	known := map[fingerprint]bool{}
	prev, err := rc.Load(ctx, 0)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
	case err != nil:
		return fmt.Errorf("reading the previous report: %w", err)
	default:
		rep.Previous = prev.ID
		for i := range prev.Findings {
			known[prev.Findings[i].same()] = true
		}
	}
	for i := range rep.Findings {
		rep.Findings[i].New = !known[rep.Findings[i].same()]
	}
	return nil
}

func (rc *Reconciler) begin(req Request) (*run, error) {
	now := rc.opt.Now()
	if req.Grace <= 0 {
		req.Grace = 30 * time.Minute
	}
	if last := now.Add(-req.Grace); req.To.IsZero() || req.To.After(last) {
		req.To = last
	}
	if req.From.IsZero() {
		req.From = req.To.Add(-24 * time.Hour)
	}
	if !req.From.Before(req.To) {
		return nil, fmt.Errorf("the window is empty: from %s to %s (it ends %s before now at the latest)",
			req.From.Format(time.RFC3339), req.To.Format(time.RFC3339), req.Grace)
	}
	r := &run{r: rc, now: now, from: req.From, to: req.To, sources: map[flow.Source]*source{}}
	all := rc.opt.Engine.Flows()
	names := req.Flows
	if len(names) == 0 {
		for name := range all {
			names = append(names, name)
		}
	}
	names = append([]string(nil), names...)
	sort.Strings(names)
	for i, name := range names {
		if i > 0 && name == names[i-1] {
			continue
		}
		f := all[name]
		if f == nil {
			var known []string
			for n := range all {
				known = append(known, n)
			}
			sort.Strings(known)
			return nil, fmt.Errorf("there is no flow %q; known: %s", name, strings.Join(known, ", "))
		}
		r.flows = append(r.flows, f)
	}
	rep := &Report{At: now.UTC(), From: req.From.UTC(), To: req.To.UTC(), Grace: req.Grace.String(), Zone: rc.opt.Zone.String(), Flows: []string{}}
	for _, f := range r.flows {
		rep.Flows = append(rep.Flows, f.Name)
	}
	r.rep, r.book = rep, newBook(rep, rc.opt.Zone)
	return r, nil
}

// compare reads the sources, then target by target.
func (r *run) compare(ctx context.Context) error {
	taking := map[flow.Source][]string{}
	var order []flow.Source
	for _, f := range r.flows {
		for _, s := range f.Sources {
			if taking[s] == nil {
				order = append(order, s)
			}
			taking[s] = append(taking[s], f.Name)
		}
	}
	for _, s := range order {
		src, err := r.readSource(ctx, s, strings.Join(taking[s], ", "))
		if err != nil {
			return fmt.Errorf("comparing %s.%s: %w", s.Connection, s.Stream, err)
		}
		r.sources[s] = src
	}
	for _, t := range r.targets() {
		if err := t.compare(ctx); err != nil {
			return fmt.Errorf("comparing %s.%s: %w", t.connection, t.operation, err)
		}
	}
	return nil
}
