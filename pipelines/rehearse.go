package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Rehearsal is a preview with the call that would go out.
type Rehearsal struct {
	Preview
	Record int64
	// Call is what the connector would send first; nil when it would send nothing, or when
	// nobody can tell: then Why says so.
	Call *connectors.Exchange
	Why  *connectors.Error
	// Reads: Call only reads and could not be made. What is written after it is not known.
	Reads bool

	MultiStep bool
	Budget    int           // how often the vendor allows it for one key; 0 = no such bound
	Settle    time.Duration // until a look-up sees what was written
	Unsure    bool          // an earlier attempt may have taken effect
	AsksFirst bool          // the target is asked whether it has it before anything is sent
}

// RehearseDelivery is PreviewDelivery with a dry run of the send.
func (e *Engine) RehearseDelivery(ctx context.Context, id int64, mode ReplayMode) (Rehearsal, error) {
	d, err := e.opt.Ledger.Delivery(ctx, id)
	if err != nil {
		return Rehearsal{}, err
	}
	e, leave := e.enterTrial(d.Root)
	defer leave()
	p, err := e.PreviewDelivery(ctx, id, mode)
	if err != nil {
		return Rehearsal{}, err
	}
	d.RemoteKey = p.Key
	return e.rehearse(ctx, p, d)
}

// RehearseRecord is PreviewRecord with a dry run of each send.
func (e *Engine) RehearseRecord(ctx context.Context, id int64) ([]Rehearsal, error) {
	rec, err := e.opt.Ledger.Record(ctx, id)
	if err != nil {
		return nil, err
	}
	e, leave := e.enterTrial(rec.Root)
	defer leave()
	list, _, err := e.PreviewRecord(ctx, id)
	if err != nil {
		return nil, err
	}
	return e.rehearseNew(ctx, rec, list)
}

// Rehearse is Try with a dry run of each send; a document that does not fit is an EditError.
func (d *Editing) Rehearse(ctx context.Context, doc any) ([]Rehearsal, error) {
	trial, err := d.Try(ctx, doc)
	if err != nil {
		return nil, err
	}
	if len(trial.Found) > 0 {
		return nil, &EditError{trial.Found}
	}
	if d.delivery != nil {
		one, err := d.e.rehearse(ctx, trial.Rows[0], d.delivery)
		return []Rehearsal{one}, err
	}
	e, leave := d.e.enterTrial(d.record.Root)
	defer leave()
	return e.rehearseNew(ctx, d.record, trial.Rows)
}

// rehearseNew rehearses deliveries that a record would get.
func (e *Engine) rehearseNew(ctx context.Context, rec *ledger.Record, list []Preview) ([]Rehearsal, error) {
	var out []Rehearsal
	for _, p := range list {
		r, err := e.rehearse(ctx, p, &ledger.Delivery{Record: rec.ID, Doc: rec.Doc, Root: rec.Root, Flow: p.Flow, Step: p.Step, Connection: p.Connection,
			Operation: p.Operation, RemoteKey: p.Key, State: p.State, Clean: true})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (e *Engine) rehearse(ctx context.Context, p Preview, d *ledger.Delivery) (Rehearsal, error) {
	out := Rehearsal{Preview: p, Record: d.Record}
	c, err := e.connection(p.Connection)
	if err != nil {
		return out, err
	}
	op, ok := c.Connector.Operation(p.Operation)
	if !ok {
		return out, nil
	}
	t := &turn{e: e, c: c, d: d, op: op}
	out.MultiStep, out.Budget, out.Settle, out.Unsure, out.AsksFirst = op.MultiStep, op.Budget, op.Settle, t.unsure(), t.asksFirst()
	if p.State != ledger.Ready || p.Document == nil {
		return out, nil
	}
	sink, ok := c.Conn.(connectors.DryRunner)
	if !ok {
		out.Why = &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: CodeNoDryRun,
			Text: "this connector cannot show what it would send without sending it"}
		return out, nil
	}
	of := op.Name
	if op.Undoes != "" {
		of = op.Undoes
	}
	link, err := t.link(ctx, of)
	if err != nil {
		return out, err
	}
	o := &outgoing{ctx: ctx, d: d, doc: p.Document}
	if link != nil {
		o.ids = link.RemoteIDs
	}
	e.dryRun(ctx, c, op, sink, o, &out)
	return out, nil
}

// dryRun lets the connector go up to its first write (Invariant 3: nothing has an effect,
// and no attempt is counted).
func (e *Engine) dryRun(ctx context.Context, c *connection, op *connectors.Operation, sink connectors.DryRunner, o *outgoing, out *Rehearsal) {
	ctx, cancel := context.WithTimeout(ctx, timeout(op))
	defer cancel()
	release := func() {}
	defer func() { release() }()
	dry := &connectors.DryRun{Permit: func(ctx context.Context) error {
		free, err := e.mayAsk(ctx, c, op)
		if err == nil {
			release = free
		}
		return err
	}}
	d := e.asDelivery(op, o)
	d.Save = func(context.Context, json.RawMessage) error { return errors.New("a dry run keeps no progress") }
	results, err := e.rehearseSafely(connectors.WithDryRun(ctx, dry), sink, op, d)
	if x, why, kept := dry.Kept(); kept {
		out.Call, out.Why, out.Reads = &x, why, why != nil
		return
	}
	switch {
	case err != nil:
		out.Why = connectors.AsError(err)
	case len(results) > 0:
		out.Why = results[0].Err // nil: it is there already as wanted
	}
}

// mayAsk takes the operation's limits for the calls that read: a dry run is no reason to
// ask a connection that is held, nor to go beyond what its vendor allows.
func (e *Engine) mayAsk(ctx context.Context, c *connection, op *connectors.Operation) (func(), error) {
	if c.Mode != flow.On || c.gates.isClosed("") || c.gates.isClosed(op.Name) {
		return nil, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "dry_run.held",
			Text: "the connection is held, so it is not asked what this call depends on"}
	}
	release, wait, err := c.limits.Take(ctx, op.Uses, longestWait)
	if err == nil && release == nil {
		err = &connectors.Error{Kind: connectors.RateLimited, Scope: connectors.OfConnection, Code: "limit.wait", Text: "waits for the vendor's limit", Wait: wait}
	}
	return release, err
}

// rehearseSafely turns a panic into an error: nothing was written.
func (e *Engine) rehearseSafely(ctx context.Context, sink connectors.DryRunner, op *connectors.Operation, d connectors.Delivery) (out []connectors.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodePanic, Text: "the connector broke while making the request"}
		}
	}()
	return sink.Deliver(ctx, op.Name, []connectors.Delivery{d})
}
