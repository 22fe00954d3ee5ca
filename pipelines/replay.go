package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// ReplayMode is how a replay makes the document that goes out.
type ReplayMode string

// The three modes.
const (
	AsSent ReplayMode = "as-sent" // the stored document again
	Remap  ReplayMode = "re-map"  // today's mapping over the stored record
	Repull ReplayMode = "re-pull" // fetch the source's current state first
)

// Replay is one row of a replay's result.
type Replay struct {
	Record   int64  `json:"record"`
	Delivery int64  `json:"delivery,omitempty"`
	Label    string `json:"label,omitempty"`
	From     string `json:"from"`
	To       string `json:"to"`
	Code     string `json:"code,omitempty"`
	Text     string `json:"text,omitempty"`
}

// ErrNeedsConfirmation is answered when a replay could have an effect twice and nobody
// confirmed having read the warning (Invariant 3).
var ErrNeedsConfirmation = errors.New("this may take effect twice at the target; confirm it to go on")

// ErrMoved is answered when a row is not any more what the person saw.
var ErrMoved = errors.New("it moved meanwhile; look again")

// ReplayDelivery lets a parked delivery into its lane again, or one whose age ended. A
// delivery that may have had an effect is asked about first where the target can be
// asked; a one-shot one needs confirmed.
func (e *Engine) ReplayDelivery(ctx context.Context, id int64, mode ReplayMode, who string, confirmed bool) (Replay, error) {
	d, err := e.opt.Ledger.Delivery(ctx, id)
	if err != nil {
		return Replay{}, err
	}
	e, leave := e.enter(d.Root)
	defer leave()
	out := Replay{Record: d.Record, Delivery: d.ID, Label: d.RemoteKey, From: string(d.State)}
	if mode == Repull {
		rec, err := e.opt.Ledger.Record(ctx, d.Record)
		if err != nil {
			return out, err
		}
		out.To = "hint"
		return out, e.Refetch(ctx, rec)
	}
	c, err := e.connection(d.Connection)
	if err != nil {
		return out, err
	}
	op, ok := c.Connector.Operation(d.Operation)
	if !ok {
		return out, fmt.Errorf("connection %s no longer has the operation %s", d.Connection, d.Operation)
	}
	s, err := resume(d, op, who, confirmed)
	if err != nil {
		return out, err
	}
	if mode == Remap || d.Payload == (ledger.Ref{}) {
		if perr := e.remap(ctx, d, s); perr != nil {
			var pe *prepareError
			if errors.As(perr, &pe) {
				out.To, out.Code, out.Text = out.From, pe.code, pe.text
				return out, nil
			}
			return out, perr
		}
	}
	if d.State == ledger.Parked {
		if s.Deps, err = e.waitsFor(ctx, d); err != nil {
			return out, err
		}
	}
	err = e.resumed(ctx, d, s, "replay."+string(mode), "", &out)
	return out, err
}

// resume begins the unit that lets a parked or blocked delivery go on. What may take
// effect twice needs a person who read the warning (Invariant 3).
func resume(d *ledger.Delivery, op *connectors.Operation, who string, confirmed bool) (*ledger.Settle, error) {
	if d.State != ledger.Parked && d.State != ledger.Blocked {
		return nil, fmt.Errorf("delivery %d is %s; only parked and blocked ones are replayed or edited", d.ID, d.State)
	}
	if op.Repeat == connectors.OneShot && d.Attempts > 0 && (!d.Clean || d.Code == CodeOneShot) && !confirmed {
		return nil, ErrNeedsConfirmation
	}
	return &ledger.Settle{Delivery: d.ID, From: []ledger.State{d.State}, To: ledger.Ready, Clean: d.Clean, Absent: 0,
		Progress: d.Progress, Who: who}, nil
}

// resumed commits the unit with the act of the person, and lets what became ready into its
// lane. With something left to wait for, the delivery is blocked.
func (e *Engine) resumed(ctx context.Context, d *ledger.Delivery, s *ledger.Settle, code, why string, out *Replay) error {
	if len(s.Deps) > 0 {
		s.To, s.Code, s.Text = ledger.Blocked, CodeWaitsFor, "waits for its predecessors"
		if d.State == ledger.Blocked {
			s.Code, s.Text = d.Code, d.Text
		}
	}
	now := e.opt.Now()
	s.Attempt = &ledger.Attempt{Delivery: d.ID, N: d.Attempts, Kind: "person", StartedAt: now, EndedAt: now, State: s.To, Code: code, Text: why, Who: s.Who}
	if err := e.opt.Ledger.Commit(ctx, s); err != nil {
		return err
	}
	if !s.Applied {
		return fmt.Errorf("%w: delivery %d", ErrMoved, d.ID)
	}
	out.To = string(s.To)
	e.replayed(d, s, now)
	if s.To == ledger.Ready {
		// It takes its place by id; one that holds its lane is woken.
		e.bus.Enqueue(ledger.Pending{Kind: "delivery", ID: d.ID, Connection: d.Connection, Source: d.Source, Root: d.Root, State: ledger.Ready})
	}
	for _, p := range s.Released {
		if p.ID == d.ID {
			out.To = string(ledger.Ready) // what it waits for is done already
		}
		e.bus.Enqueue(p)
	}
	return nil
}

// waitsFor are the predecessors of a parked delivery's own version that are not done:
// it was parked before it came to wait for them.
func (e *Engine) waitsFor(ctx context.Context, d *ledger.Delivery) ([]ledger.Dep, error) {
	step := e.step(d)
	if step == nil || len(step.After) == 0 {
		return nil, nil
	}
	rows, err := e.opt.Ledger.RootDeliveries(ctx, d.Root)
	if err != nil {
		return nil, err
	}
	var deps []ledger.Dep
	for _, a := range step.After {
		for i := range rows {
			r := &rows[i]
			if r.Record == d.Record && r.Flow == d.Flow && r.Step == a.Step.Name && !r.State.Satisfies() {
				deps = append(deps, ledger.Dep{Kind: ledger.DepPredecessor, Key: strconv.FormatInt(r.ID, 10)})
			}
		}
	}
	return deps, nil
}

// remap puts today's document into the unit.
func (e *Engine) remap(ctx context.Context, d *ledger.Delivery, s *ledger.Settle) error {
	step := e.step(d)
	if step == nil {
		return &prepareError{code: CodeFlowGone, text: fmt.Sprintf("flow %q no longer has the step %q", d.Flow, d.Step)}
	}
	rec, err := e.opt.Ledger.Record(ctx, d.Record)
	if err != nil {
		return err
	}
	key := d.RemoteKey
	if key == "" {
		f := e.flowOf(step)
		src, err := e.sourceOf(ctx, rec)
		if err != nil {
			return err
		}
		tree, err := e.connections()[rec.DocKey.Connection].read(rec.Stream, src)
		if err != nil {
			return &prepareError{code: CodeUnreadable, text: err.Error()}
		}
		doc, perr := e.toCanonical(rec, f, tree)
		if perr != nil {
			return perr
		}
		rt := &routing{e: e, ctx: ctx, rec: rec, out: &ledger.Route{}, docs: map[string]any{}}
		if err := rt.load(); err != nil {
			return err
		}
		var kerr *prepareError
		if key, kerr = rt.key(step, doc); kerr != nil {
			return kerr
		}
	}
	p, err := e.prepare(ctx, rec, step, key, d.Generation)
	if err != nil {
		return err
	}
	s.Revise = &ledger.Revision{Payload: p.doc, Digest: p.digest, MapVersion: p.version, RemoteKey: key, Generation: d.Generation, Bump: true}
	return nil
}

// ReplayRecord maps a stored record again with today's mappings: a parked one gets its
// deliveries.
func (e *Engine) ReplayRecord(ctx context.Context, id int64, mode ReplayMode, who string) (Replay, error) {
	rec, err := e.opt.Ledger.Record(ctx, id)
	if err != nil {
		return Replay{}, err
	}
	e, leave := e.enter(rec.Root)
	defer leave()
	out := Replay{Record: id, Label: rec.Label, From: string(rec.State)}
	if mode == Repull {
		out.To = "hint"
		return out, e.Refetch(ctx, rec)
	}
	if rec.State != ledger.RecordParked && rec.State != ledger.RecordNoTarget {
		return out, fmt.Errorf("record %d is %s; only parked records and those without a target are mapped again", id, rec.State)
	}
	src, err := e.sourceOf(ctx, rec)
	if err != nil {
		return out, err
	}
	_, tr := e.begin(ctx, "replay", e.opt.Now())
	route, err := e.again(ctx, rec, src)
	if err != nil {
		return out, err
	}
	if route.To == ledger.RecordParked {
		out.To, out.Code, out.Text = string(route.To), route.Code, route.Text
		return out, nil
	}
	err = e.routedAgain(ctx, rec, route, tr, &out)
	return out, err
}

// again maps a record that was parked, from its own document or from another.
func (e *Engine) again(ctx context.Context, rec *ledger.Record, src source) (*ledger.Route, error) {
	c, err := e.connection(rec.DocKey.Connection)
	if err != nil {
		return nil, err
	}
	older, err := e.newerRouted(ctx, rec)
	if err != nil {
		return nil, err
	}
	route, err := e.route(ctx, c, rec, src, older)
	if err != nil || route.To == ledger.RecordParked {
		return route, err
	}
	live := func(d *ledger.NewDelivery) bool { return d.State != ledger.Superseded && d.State != ledger.Filtered }
	if older && !slices.ContainsFunc(route.Deliveries, live) {
		route = &ledger.Route{Record: rec.ID, To: ledger.RecordSuperseded, Code: CodeNewer, Text: "a newer version was mapped meanwhile"}
	}
	route.From, route.Replay = []ledger.RecordState{ledger.RecordParked, ledger.RecordNoTarget}, true
	return route, nil
}

func (e *Engine) routedAgain(ctx context.Context, rec *ledger.Record, route *ledger.Route, tr *work, out *Replay) error {
	if err := e.commitRoute(ctx, rec, route, tr); err != nil {
		return err
	}
	if !route.Applied {
		return fmt.Errorf("%w: message %d", ErrMoved, rec.ID)
	}
	out.To = string(route.To)
	return nil
}

// newerRouted reports whether a newer version of the record has been routed: then only
// the events of this one still count (Invariant 4).
func (e *Engine) newerRouted(ctx context.Context, rec *ledger.Record) (bool, error) {
	rows, err := e.opt.Ledger.RootRecords(ctx, rec.Root)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(rows, func(r ledger.Record) bool {
		return r.Doc == rec.Doc && r.State == ledger.RecordRouted && (r.Version > rec.Version || r.Version == rec.Version && r.ID > rec.ID)
	}), nil
}

// Refetch asks the source for a record's current state: a hint like any other.
func (e *Engine) Refetch(ctx context.Context, rec *ledger.Record) error {
	c, err := e.connection(rec.DocKey.Connection)
	if err != nil {
		return err
	}
	s, ok := c.Connector.Stream(rec.Stream)
	if !ok || c.fetcher == nil || !s.Hints {
		return fmt.Errorf("stream %s.%s cannot be asked for one document", rec.DocKey.Connection, rec.Stream)
	}
	ctx, tr := e.begin(ctx, string(Repull), e.opt.Now())
	tr.asksAgain(rec)
	if err := e.commitIntake(ctx, c, &ledger.Intake{Connection: c.Name, Stream: rec.Stream,
		Hints: []*ledger.NewHint{{Stream: rec.Stream, Key: rec.DocKey.Key, RootKey: rec.RootKey, RootEnt: rootEntity(s)}}}, nil); err != nil {
		return err
	}
	tr.took(c, rec.Stream, e.opt.Now(), nil)
	return nil
}

// Discard gives a parked delivery up, with a reason.
func (e *Engine) Discard(ctx context.Context, id int64, who, why string) error {
	if why == "" {
		return errors.New("say why it is given up")
	}
	d, err := e.opt.Ledger.Delivery(ctx, id)
	if err != nil {
		return err
	}
	now := e.opt.Now()
	s := &ledger.Settle{Delivery: id, From: []ledger.State{ledger.Parked, ledger.Blocked}, To: ledger.Discarded, Code: "person.discarded", Text: why,
		Clean: d.Clean, Who: who,
		Attempt: &ledger.Attempt{Delivery: id, N: d.Attempts, Kind: "person", StartedAt: now, EndedAt: now, State: ledger.Discarded, Text: why, Who: who}}
	if err := e.opt.Ledger.Commit(ctx, s); err != nil {
		return err
	}
	if !s.Applied {
		return fmt.Errorf("delivery %d is %s; only parked and blocked ones are given up", id, d.State)
	}
	for _, p := range s.Released {
		e.bus.Enqueue(p)
	}
	e.left(d.Connection, d.Root, id)
	return nil
}

// PutLookup fills a lookup entry and lets what waited for it go on, in its order.
func (e *Engine) PutLookup(ctx context.Context, table, key, value, who, why string) (released int, err error) {
	u := &ledger.PutLookup{Table: table, Key: key, Value: value, Who: who, Why: why}
	if err := e.opt.Ledger.Commit(ctx, u); err != nil {
		return 0, err
	}
	if o, ok := e.current().opt.Tables.(interface {
		Put(table, key, value string)
	}); ok {
		o.Put(table, key, value)
	}
	for _, p := range u.Released {
		e.bus.Enqueue(p)
	}
	if _, ok := e.opt.Ledger.(ledger.Desk); !ok {
		return len(u.Released), nil
	}
	records, err := e.ReleaseRecords(ctx, table, key)
	return len(u.Released) + records, err
}

// Sweep puts unfinished rows that no lane holds back into their lanes: the safety net
// under the bus. It returns how many the ledger has.
func (e *Engine) Sweep(ctx context.Context) (int, error) {
	return e.bus.Load(ctx)
}

// Settled waits until nothing is ready, in flight or waiting within the next horizon:
// tests and the demo use it to know that the hub is at rest.
func (e *Engine) Settled(ctx context.Context, every time.Duration) error {
	for {
		if e.bus.Idle() {
			return nil
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
