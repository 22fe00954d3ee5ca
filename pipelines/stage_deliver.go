package pipelines

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// turn is one delivery at the head of its lane.
type turn struct {
	e   *Engine
	c   *connection
	d   *ledger.Delivery
	op  *connectors.Operation
	msg *message.Message

	doc     []byte // the target document, once it is read or made
	probing bool   // this turn is the probe of its operation's gate
	trying  *work  // the try under way, for its trace; nil = none
	called  bool   // the connection was asked something,
	// and one of its gates closed for it: the connection's or the operation's.
	connShut, opShut bool
}

// next is what the lane does after a turn: the zero value lets the next one come.
type next struct {
	later time.Time
	hold  bool
}

// errMoved ends a turn whose row was moved by somebody else: whoever did has put it
// where it belongs.
var errMoved = errors.New("the delivery moved meanwhile")

// handleDelivery is the router's handler of deliveries/CONNECTION.
func (e *Engine) handleDelivery(c *connection) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		ctx := msg.Context()
		d, err := e.opt.Ledger.Delivery(ctx, bus.ID(msg))
		if err != nil {
			return err
		}
		t := &turn{e: e, c: c, d: d, msg: msg}
		n, err := t.run(ctx)
		t.tried("", nil)
		if errors.Is(err, errMoved) {
			n, err = next{}, nil
		}
		if perr := t.probed(ctx, err); err == nil {
			err = perr
		}
		switch {
		case err != nil:
			return err
		case n.hold:
			bus.Hold(msg)
		case !n.later.IsZero():
			bus.Later(msg, n.later)
		default:
			bus.Settled(msg)
		}
		return nil
	}
}

// probed ends the one task let through a closed gate: an answer opens it.
func (t *turn) probed(ctx context.Context, err error) error {
	good := err == nil && t.called && !t.connShut
	if t.probing && !t.opShut {
		if !good {
			t.c.gates.probeEnded(t.op.Name)
		} else if err := t.e.openGate(ctx, t.c, t.op.Name, false); err != nil {
			return err
		}
	}
	if !bus.Probe(t.msg) || t.connShut {
		return nil // not a probe, or closed again with a later one
	}
	if good {
		return t.e.openGate(ctx, t.c, "", false)
	}
	t.e.bus.Queue(bus.Topic(bus.Deliveries, t.c.Name)).Probed()
	return nil
}

func (t *turn) run(ctx context.Context) (next, error) {
	op, ok := t.c.Connector.Operation(t.d.Operation)
	if !ok {
		return t.park(ctx, CodeFlowGone, "the connector no longer has this operation")
	}
	t.op = op
	now := t.e.opt.Now()
	switch t.d.State {
	case ledger.Ready:
		return t.ready(ctx)
	case ledger.Waiting:
		if t.d.NextAt.After(now) {
			return next{later: t.d.NextAt}, nil
		}
		return t.ready(ctx)
	case ledger.Sending:
		return t.recover(ctx)
	case ledger.Unknown:
		if t.d.NextAt.After(now) {
			return next{later: t.d.NextAt}, nil
		}
		return t.lookup(ctx)
	case ledger.Accepted:
		if t.d.NextAt.After(now) {
			return next{later: t.d.NextAt}, nil
		}
		return t.poll(ctx)
	case ledger.Parked:
		return next{hold: t.d.Holds}, nil
	case ledger.Blocked:
		return t.blocked(), nil
	default:
		return next{}, nil // final: out of the lane
	}
}

// blocked keeps the lane of an event closed: what comes behind must not pass it. It is
// woken when it is released, and looked at now and then in case it was withdrawn with
// its predecessor.
func (t *turn) blocked() next {
	if !holds(t.op) {
		return next{}
	}
	return next{later: t.e.opt.Now().Add(t.e.opt.Retry.Max)}
}

// recover finds an attempt that was started and has no outcome: the process ended in
// between (Invariant 3).
func (t *turn) recover(ctx context.Context) (next, error) {
	now := t.e.opt.Now()
	s := t.settle(ledger.Unknown)
	s.Code, s.Text, s.Absent = CodeRecovered, "the hub stopped while it was being sent", 0
	switch {
	case t.op.Repeat == connectors.Idempotent && t.dedupes(now):
		s.To = ledger.Ready
	case t.op.Repeat != connectors.AskFirst && t.c.looker == nil:
		return t.park(ctx, CodeOneShot, "the hub stopped while it was being sent, and it may not be repeated")
	default:
		// The cut request may still stand in the target's queue until its deadline.
		left := max(0, t.d.UpdatedAt.Add(timeout(t.op)).Sub(now))
		s.NextAt = now.Add(t.e.opt.Retry.settle(t.op) + t.e.opt.Retry.scaled(left))
	}
	s.Attempt = t.attempt("recover", now, s.To, s.Code, s.Text)
	return t.commit(ctx, s)
}

// ready looks at everything that may have changed since the delivery was made, then
// sends it.
func (t *turn) ready(ctx context.Context) (next, error) {
	if n, over, err := t.overtaken(ctx); over || err != nil {
		return n, err
	}
	of := t.op.Name
	if t.op.Undoes != "" {
		of = t.op.Undoes
	}
	link, err := t.link(ctx, of)
	if err != nil {
		return next{}, err
	}
	if t.op.Undoes != "" && !standing(link) {
		return t.notNeeded(ctx, link)
	}
	if n, over, err := t.late(ctx, link); over || err != nil {
		return n, err
	}
	t.lift(link)
	if n, held := t.held(); held {
		return n, nil
	}
	doc, err := t.document(ctx)
	if err != nil {
		return t.unmapped(ctx, err)
	}
	if n, over, err := t.changed(ctx, link); over || err != nil {
		return n, err
	}
	if t.asksFirst() {
		return t.lookup(ctx)
	}
	if t.op.Repeat == connectors.Idempotent && t.unsure() && !t.dedupes(t.e.opt.Now()) {
		return t.park(ctx, CodeOneShot, fmt.Sprintf("an earlier try may have taken effect, the target dedupes for %s only, and it cannot be asked", t.op.IdempotentFor))
	}
	var ids []ledger.RemoteID
	if link != nil {
		ids = link.RemoteIDs
	}
	return t.send(ctx, doc, ids)
}

// held reports whether a gate or the connection's mode keeps the delivery back. The row
// stays as it is: held is derived, never stored.
func (t *turn) held() (next, bool) {
	now := t.e.opt.Now()
	if t.c.Mode != flow.On {
		return next{hold: true}, true
	}
	if !bus.Probe(t.msg) && t.c.gates.isClosed("") {
		return next{later: now}, true // handed out just before the gate closed
	}
	gate, shut, probe := t.c.gates.closed(t.op.Name, now)
	t.probing = probe
	switch {
	case !shut:
		return next{}, false
	case gate.Until.IsZero():
		return next{hold: true}, true
	}
	at := gate.Until.Add(time.Duration(t.d.ID%97) * time.Millisecond)
	if !at.After(now) {
		at = now.Add(t.e.opt.Retry.Base) // the probe is out
	}
	return next{later: at}, true
}

// unsure reports whether an attempt may have had an effect that nobody has looked up.
func (t *turn) unsure() bool { return !t.d.Clean && t.d.Attempts > 0 }

// dedupes reports whether the target still dedupes by our key.
func (t *turn) dedupes(now time.Time) bool {
	return t.op.IdempotentFor == 0 || now.Sub(t.d.CreatedAt) <= t.op.IdempotentFor
}

// asksFirst reports whether the target is asked before this send: always, where the
// operation or the connection says so, and whenever an earlier attempt may have had an
// effect (a replay of something parked).
func (t *turn) asksFirst() bool {
	if t.c.looker == nil || t.d.Absent > 0 {
		return false
	}
	if t.op.Repeat == connectors.Idempotent {
		return t.unsure() && !t.dedupes(t.e.opt.Now())
	}
	return t.op.Always || t.c.Recheck || t.unsure()
}

// send hands the delivery to the operation's batch and settles its outcome.
func (t *turn) send(ctx context.Context, doc []byte, ids []ledger.RemoteID) (next, error) {
	if t.c.sink == nil {
		return t.park(ctx, CodeFlowGone, "the connection cannot deliver")
	}
	o := &outgoing{d: t.d, doc: doc, ids: ids}
	if t.op.Budget > 0 {
		key, err := budgetKey(t.op, t.d, doc)
		if err != nil {
			return t.park(ctx, CodeBudget, err.Error())
		}
		o.budget = &ledger.Budget{Connection: t.d.Connection, Operation: t.op.Name, Key: key, Max: t.op.Budget}
	}
	o.ctx = t.try(ctx, "send")
	t.c.sends[t.op.Name].do(o)
	if o.err != nil || o.over || o.stale || !o.held.IsZero() {
		t.trying = nil // nothing was sent
	}
	switch {
	case o.err != nil:
		return next{}, o.err
	case !o.held.IsZero():
		return next{later: o.held}, nil
	case o.over:
		return t.park(ctx, CodeBudget, fmt.Sprintf("the vendor allows %d of these calls for one key, and they are spent", t.op.Budget))
	case o.stale:
		return next{}, errMoved
	}
	t.called = true
	return t.outcome(ctx, "send", o.started, o.result, t.e.decide(t.op, t.d, o.result, o.deadline), o.budget)
}

// outcome commits what a send or a poll led to: state, attempt, link and released
// successors in one transaction.
func (t *turn) outcome(ctx context.Context, kind string, started time.Time, res connectors.Result, o outcome, budget *ledger.Budget) (next, error) {
	if res.Err != nil && o.state != ledger.Delivered {
		shut, err := t.fault(ctx, res.Err)
		if err != nil {
			return next{}, err
		}
		if shut && o.state == ledger.Waiting && o.clean {
			// The gate holds it; no attempt burns (Invariant 7).
			o.state, o.next, o.counts = ledger.Ready, time.Time{}, false
		}
	} else {
		t.c.succeeded()
	}
	s := t.settle(o.state)
	s.Code, s.Text, s.NextAt, s.Ticket, s.Clean, s.Holds, s.Deps = o.code, t.scrub(ctx, o.text), o.next, o.ticket, o.clean, o.holds, o.deps
	if kind == "send" {
		s.Absent = 0 // look-ups before this send say nothing about it
	}
	if t.op.Undoes != "" && res.Outcome == connectors.Refused {
		s.Code, s.Text = CodeUndoRefused, s.Code+": "+s.Text
	}
	s.CountTry = o.counts && kind == "send" && t.d.State != ledger.Sending
	if kind == "send" && res.Outcome == connectors.NotSent {
		s.Refund = budget // the attempt surely never left
	}
	s.Attempt = t.attempt(kind, started, o.state, s.Code, s.Text)
	s.Attempt.Body = exchanges(res.Exchanges)
	if o.applied {
		if err := t.apply(ctx, s, res.RemoteIDs); err != nil {
			return next{}, err
		}
	} else if len(res.RemoteIDs) > 0 {
		s.Link = &ledger.LinkChange{Connection: t.d.Connection, Operation: t.d.Operation, RemoteKey: t.d.RemoteKey,
			RemoteIDs: remoteIDs(res.RemoteIDs), Generation: t.d.Generation}
	}
	return t.commit(ctx, s)
}

// fault closes a gate where the error asks for it, and keeps the vendor back where it
// asked to be spared.
func (t *turn) fault(ctx context.Context, err *connectors.Error) (bool, error) {
	clean := *err
	clean.Text = t.scrub(ctx, err.Text)
	if err.Kind == connectors.RateLimited && err.Wait > 0 {
		t.c.limits.Penalty(t.op.Uses, err.Wait)
	}
	operation, shut, ferr := t.e.fault(ctx, t.c, t.op.Name, &clean)
	if shut {
		t.connShut = t.connShut || operation == ""
		t.opShut = t.opShut || operation != ""
	}
	return shut, ferr
}

// apply writes the link with the receipt, and what an undo does to the link of what it
// undid.
func (t *turn) apply(ctx context.Context, s *ledger.Settle, ids []connectors.RemoteID) error {
	s.Link = &ledger.LinkChange{
		Connection: t.d.Connection, Operation: t.d.Operation, RemoteKey: t.d.RemoteKey,
		RemoteIDs: remoteIDs(ids), Generation: t.d.Generation, Applied: true, Version: t.d.Version, Digest: t.d.Digest,
	}
	for _, id := range ids {
		s.Keys = append(s.Keys, ledger.SearchKey{Kind: "remote_id", Value: storable(id.Value)})
	}
	if t.op.Undoes == "" {
		return nil
	}
	return t.undone(ctx, s)
}

func timeout(op *connectors.Operation) time.Duration {
	if op.Timeout == 0 {
		return 30 * time.Second
	}
	return op.Timeout
}
