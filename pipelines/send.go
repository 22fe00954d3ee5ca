package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// outgoing is one delivery that is ready to leave: its document is fixed, its gate open.
type outgoing struct {
	ctx      context.Context
	d        *ledger.Delivery
	doc      []byte
	ids      []ledger.RemoteID
	budget   *ledger.Budget
	result   connectors.Result
	started  time.Time
	deadline time.Time
	// held says that nothing was sent because a limit asks to wait until then.
	held time.Time
	// stale says that the start mark was refused: the row has moved on.
	stale bool
	over  bool // the budget is spent
	err   error
}

// longestWait is how long a slot may wait for a vendor's limit before the work is put
// back into its lane.
const longestWait = 2 * time.Second

// sendBatch is the run function of an operation's batcher: limits, start marks, one
// call, results by id.
func (e *Engine) sendBatch(c *connection, op *connectors.Operation) func([]*outgoing) {
	return func(batch []*outgoing) {
		ctx := batch[0].ctx
		release, wait, err := c.limits.Take(ctx, op.Uses, longestWait)
		if err != nil {
			for _, o := range batch {
				o.err = err
			}
			return
		}
		if release == nil {
			for _, o := range batch {
				o.held = e.opt.Now().Add(wait)
			}
			return
		}
		batch = e.markStarted(ctx, op, batch)
		if len(batch) == 0 {
			release()
			return
		}
		e.call(ctx, c, op, batch, release)
	}
}

// markStarted makes "attempt n started" durable before the first byte leaves, where a
// crash would otherwise leave nobody knowing (Invariant 3).
func (e *Engine) markStarted(ctx context.Context, op *connectors.Operation, batch []*outgoing) []*outgoing {
	if !needsMark(op) {
		return batch
	}
	units := make([]ledger.Unit, len(batch))
	for i, o := range batch {
		units[i] = &ledger.Start{Delivery: o.d.ID, Attempt: o.d.Attempts + 1, Budget: o.budget}
	}
	err := e.opt.Ledger.Commit(ctx, units...)
	kept := batch[:0:0]
	for i, o := range batch {
		st := units[i].(*ledger.Start)
		switch {
		case err != nil:
			o.err = err
		case !st.Applied:
			o.stale, o.over = true, st.OverBudget
		default:
			o.d.State = ledger.Sending
			o.d.Attempts++
			kept = append(kept, o)
		}
	}
	return kept
}

// needsMark reports whether an operation's attempts are marked before they start.
func needsMark(op *connectors.Operation) bool {
	return marked && (op.Repeat != connectors.Idempotent || op.MultiStep || op.IdempotentFor > 0)
}

// call makes the call, gives the limits back and gives every delivery its result; a
// missing row is unknown.
func (e *Engine) call(ctx context.Context, c *connection, op *connectors.Operation, batch []*outgoing, release func()) {
	timeout := timeout(op)
	started := e.opt.Now()
	traced, tr := e.together(ctx, batch)
	callCtx, cancel := context.WithTimeout(traced, timeout)
	list := make([]connectors.Delivery, len(batch))
	byID := make(map[string]*outgoing, len(batch))
	for i, o := range batch {
		o.started, o.deadline = started, started.Add(timeout)
		list[i] = e.asDelivery(op, o)
		byID[list[i].ID] = o
	}
	results, err := e.deliverSafely(callCtx, c, op, list)
	cancel()
	release()
	tr.shared(c.Name, op.Name, len(batch), e.opt.Now(), err != nil)
	answered := map[string]bool{}
	for _, r := range results {
		o := byID[r.ID]
		if o == nil || answered[r.ID] {
			e.opt.Log.Error("a connector answered for a delivery it was not given",
				zap.String("connection", c.Name), zap.String("operation", op.Name))
			continue
		}
		answered[r.ID] = true
		o.result = sound(r)
	}
	var whole *connectors.Error
	if err != nil {
		whole = connectors.AsError(err)
	}
	for id, o := range byID {
		if !answered[id] {
			o.result = fromError(whole)
		}
	}
	if whole != nil && !whole.Sent && whole.Scope == connectors.OfDocument && len(batch) > 1 && len(answered) == 0 && bisects(whole.Kind) {
		e.bisect(ctx, c, op, batch)
	}
}

// bisect halves a batch that was refused as a whole for its data, until the bad one
// stands alone; each half takes the limits again.
func (e *Engine) bisect(ctx context.Context, c *connection, op *connectors.Operation, batch []*outgoing) {
	for _, half := range [][]*outgoing{batch[:len(batch)/2], batch[len(batch)/2:]} {
		release, wait, err := c.limits.Take(ctx, op.Uses, 10*time.Second)
		if err != nil || release == nil {
			for _, o := range half {
				o.result = connectors.Result{Outcome: connectors.NotSent, Err: &connectors.Error{Kind: connectors.RateLimited,
					Scope: connectors.OfDocument, Code: "limit.wait", Text: "waits for the vendor's limit", Wait: wait}}
			}
			continue
		}
		e.call(ctx, c, op, half, release)
	}
}

func bisects(k connectors.Kind) bool {
	return k == connectors.Invalid || k == connectors.Conflict || k == connectors.Unclassified
}

// sound holds a result to the contract: an outcome that claims no effect must say why.
func sound(r connectors.Result) connectors.Result {
	switch r.Outcome {
	case connectors.Done, connectors.Took:
		return r
	case connectors.MissingReference:
		if r.Missing == nil {
			r.Outcome = connectors.Refused
		}
	}
	if r.Err == nil && r.Outcome != connectors.Unknown {
		r.Err = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: "connector.no_reason",
			Text: "the connector gave no reason"}
	}
	return r
}

// fromError is the result of a delivery without a row of its own.
func fromError(err *connectors.Error) connectors.Result {
	switch {
	case err == nil:
		return connectors.Result{Outcome: connectors.Unknown, Err: &connectors.Error{Kind: connectors.Unclassified,
			Scope: connectors.OfDocument, Code: CodeNoAnswer, Text: "the answer has no row for this document", Sent: true}}
	case err.Sent:
		return connectors.Result{Outcome: connectors.Unknown, Err: err}
	case err.Kind == connectors.Invalid && err.Scope == connectors.OfDocument:
		return connectors.Result{Outcome: connectors.Refused, Err: err}
	default:
		return connectors.Result{Outcome: connectors.NotSent, Err: err}
	}
}

// attempt is which one is being made.
func attempt(d *ledger.Delivery) int {
	if d.State == ledger.Ready || d.State == ledger.Waiting {
		return d.Attempts + 1 // counted with its outcome
	}
	return d.Attempts
}

func (e *Engine) asDelivery(op *connectors.Operation, o *outgoing) connectors.Delivery {
	d := o.d
	out := connectors.Delivery{
		ID: strconv.FormatInt(d.ID, 10), Key: remoteKey(op, d.RemoteKey, d.Generation), Base: d.RemoteKey,
		Document: o.doc, Attempt: attempt(d), Progress: d.Progress,
	}
	for _, id := range o.ids {
		out.RemoteIDs = append(out.RemoteIDs, connectors.RemoteID{Kind: id.Kind, Value: id.Value})
	}
	out.Save = func(ctx context.Context, progress json.RawMessage) error {
		u := &ledger.Progress{Delivery: d.ID, Progress: progress}
		if err := e.opt.Ledger.Commit(ctx, u); err != nil {
			return fmt.Errorf("saving progress: %w", err)
		}
		if !u.Applied {
			return fmt.Errorf("saving progress: delivery %d is no longer being sent", d.ID)
		}
		d.Progress = progress
		return nil
	}
	return out
}

// remoteKey is the key of a generation: a cancelled key can often not be used again.
func remoteKey(op *connectors.Operation, base string, generation int) string {
	if generation == 0 {
		return base
	}
	sep := op.Key.GenSep
	if sep == "" {
		sep = "-g"
	}
	return base + sep + strconv.Itoa(generation)
}

// deliverSafely turns a panic into an unknown outcome: the call may have left.
func (e *Engine) deliverSafely(ctx context.Context, c *connection, op *connectors.Operation, list []connectors.Delivery) (out []connectors.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			e.opt.Log.Error("a connector panicked", zap.String("connection", c.Name), zap.String("operation", op.Name), zap.Stack("stack"))
			out, err = nil, &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodePanic,
				Text: "the connector broke while sending", Sent: true}
		}
	}()
	out, err = c.sink.Deliver(ctx, op.Name, list)
	c.health.called(e.opt.Now(), worst(err, out))
	return out, err
}

func (e *Engine) canLook(connection string) bool {
	c := e.connections()[connection]
	return c != nil && c.looker != nil
}
