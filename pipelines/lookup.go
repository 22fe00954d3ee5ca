package pipelines

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// lookup asks the target what became of an unknown write, or whether it has the key
// already (Invariant 3).
func (t *turn) lookup(ctx context.Context) (next, error) {
	if t.c.looker == nil {
		return t.cannotLook(ctx)
	}
	doc, err := t.document(ctx)
	if err != nil {
		return t.unmapped(ctx, err)
	}
	release, wait, err := t.c.limits.Take(ctx, t.op.LookupUses, longestWait)
	if err != nil {
		return next{}, err
	}
	if release == nil {
		return next{later: t.e.opt.Now().Add(wait)}, nil
	}
	started := t.e.opt.Now()
	found, ferr := t.ask(t.try(ctx, "lookup"), doc)
	release()
	t.called = true
	if ferr != nil {
		if _, err := t.fault(ctx, ferr); err != nil {
			return next{}, err
		}
		found = connectors.Finding{Presence: connectors.CannotTell, Err: ferr}
	} else {
		t.c.succeeded()
	}
	return t.found(ctx, started, found)
}

func (t *turn) ask(ctx context.Context, doc []byte) (f connectors.Finding, ferr *connectors.Error) {
	ctx, cancel := context.WithTimeout(ctx, timeout(t.op))
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			t.e.opt.Log.Error("a connector panicked", zap.String("connection", t.c.Name), zap.String("operation", t.op.Name), zap.Stack("stack"))
			ferr = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodePanic, Text: "the connector broke while looking up"}
		}
	}()
	ids, err := t.remoteIDs(ctx)
	if err != nil {
		return f, connectors.AsError(err)
	}
	list := []connectors.Delivery{t.e.asDelivery(t.op, &outgoing{d: t.d, doc: doc, ids: ids})}
	out, err := t.c.looker.Lookup(ctx, t.op.Name, list)
	t.c.health.called(t.e.opt.Now(), connectors.AsError(err))
	if err != nil {
		return f, connectors.AsError(err)
	}
	for _, f := range out {
		if f.ID == list[0].ID {
			return f, nil
		}
	}
	return connectors.Finding{Presence: connectors.CannotTell}, nil
}

// remoteIDs are what the target calls the document, or the one that is to be undone.
func (t *turn) remoteIDs(ctx context.Context) ([]ledger.RemoteID, error) {
	of := t.op.Name
	if t.op.Undoes != "" {
		of = t.op.Undoes
	}
	link, err := t.link(ctx, of)
	if err != nil || link == nil {
		return nil, err
	}
	return link.RemoteIDs, nil
}

// found decides what a look-up's answer leads to.
func (t *turn) found(ctx context.Context, started time.Time, f connectors.Finding) (next, error) {
	now := t.e.opt.Now()
	unknown := t.d.State == ledger.Unknown
	s := t.settle(ledger.Unknown)
	s.Code, s.Text, s.Clean = CodeCannotTell, text(f.Err), t.d.Clean
	switch {
	case len(f.Progress) > 0 && !unknown:
		t.d.Progress = f.Progress
		return t.sendNow(ctx)
	case len(f.Progress) > 0:
		s.To, s.Code, s.Text, s.Progress = ledger.Ready, "lookup.partly", "found half way; goes on from there", f.Progress
	case f.Presence == connectors.Same:
		s.To, s.Code, s.Text = ledger.Delivered, "lookup.same", "the target has it, with this content"
	case f.Presence == connectors.Absent && !unknown && !t.unsure():
		return t.sendNow(ctx) // the answer is good for this send only
	case f.Presence == connectors.Absent:
		t.absent(s, now)
	case f.Presence == connectors.Other:
		return t.foundOther(ctx, started, f)
	default:
		s.NextAt = now.Add(t.e.opt.Retry.wait(1, max(t.e.opt.Retry.settle(t.op), waitOf(f.Err)), t.d.ID))
		if !unknown {
			s.To = ledger.Waiting
		}
		if now.Sub(t.d.CreatedAt) > t.e.opt.Retry.Age {
			s.To, s.Code, s.NextAt, s.Holds = ledger.Parked, CodeAge, time.Time{}, unknown || t.unsure() || holds(t.op)
			s.Text = "the target could not say for too long: " + s.Text
		}
	}
	s.Text = t.scrub(ctx, s.Text)
	s.Attempt = t.attempt("lookup", started, s.To, s.Code, s.Text)
	s.Attempt.Body = exchanges(f.Exchanges)
	if s.To == ledger.Delivered {
		if err := t.apply(ctx, s, f.RemoteIDs); err != nil {
			return next{}, err
		}
	}
	return t.commit(ctx, s)
}

// absent counts a look-up that found nothing: only the second one, the settle time
// after the first, is believed.
func (t *turn) absent(s *ledger.Settle, now time.Time) {
	s.Absent++
	switch {
	case s.Absent < 2:
		s.Code, s.Text = "lookup.absent_once", "not there yet; asked again after the settle time"
		s.NextAt = now.Add(t.e.opt.Retry.settle(t.op))
	case t.op.Repeat == connectors.OneShot:
		s.To, s.Code, s.Text, s.Clean = ledger.Parked, CodeOneShot, "the target does not have it; only a person may send it again", true
		s.Holds = holds(t.op)
	case t.d.Code == CodeDuplicateCheck && now.Sub(t.d.CreatedAt) > t.e.opt.Retry.Age:
		s.To, s.Code, s.Text = ledger.Parked, CodeAge, "the target says that it has the key and cannot find it"
		s.Holds = holds(t.op)
	default:
		s.To, s.Code, s.Text, s.Clean = ledger.Ready, "lookup.absent", "the target does not have it; it is sent again", true
	}
}

// foundOther: the target has the key with other content. An upsert is sent again and
// corrects it; a create-only document is never adopted blindly.
func (t *turn) foundOther(ctx context.Context, started time.Time, f connectors.Finding) (next, error) {
	unknown := t.d.State == ledger.Unknown
	corrects := t.op.Changes == connectors.Upsert && t.op.Repeat != connectors.OneShot && t.d.Code != CodeDuplicateCheck
	if (corrects || t.op.Undoes != "") && !unknown {
		return t.sendNow(ctx)
	}
	s := t.settle(ledger.Parked)
	s.Code, s.Text = CodeFoundOther, fmt.Sprintf("the target has this key with other content: %v differ", f.Fields)
	s.Clean, s.Holds = t.d.Clean, t.unsure() || holds(t.op)
	switch {
	case t.op.Undoes != "":
		s.To, s.Code, s.Text, s.Clean, s.Holds = ledger.Ready, "lookup.not_undone", "what it cancels is still there; it is sent again", true, false
	case corrects:
		s.To, s.Code, s.Text, s.Holds = ledger.Ready, "lookup.other", fmt.Sprintf("the target has other content (%v); it is sent again", f.Fields), false
	}
	s.Text = t.scrub(ctx, s.Text)
	s.Attempt = t.attempt("lookup", started, s.To, s.Code, s.Text)
	s.Attempt.Body = exchanges(f.Exchanges)
	return t.commit(ctx, s)
}

// sendNow goes on to the send after a look-up that came before it.
func (t *turn) sendNow(ctx context.Context) (next, error) {
	doc, err := t.document(ctx)
	if err != nil {
		return t.unmapped(ctx, err)
	}
	ids, err := t.remoteIDs(ctx)
	if err != nil {
		return next{}, err
	}
	return t.send(ctx, doc, ids)
}

// cannotLook parks what can neither be looked up nor repeated.
func (t *turn) cannotLook(ctx context.Context) (next, error) {
	if t.d.Code == CodeDuplicateCheck && t.op.Repeat == connectors.Idempotent {
		// The target has the key and dedupes by it. If an earlier try of ours may have made
		// it, it is this document; otherwise somebody else's.
		if t.unsure() {
			s := t.settle(ledger.Delivered)
			s.Code, s.Text = "duplicate.own", "the target has it from an earlier try"
			s.Attempt = t.attempt("lookup", t.e.opt.Now(), s.To, s.Code, s.Text)
			if err := t.apply(ctx, s, nil); err != nil {
				return next{}, err
			}
			return t.commit(ctx, s)
		}
		return t.park(ctx, CodeUnverified, "the target has this key already and cannot show its content")
	}
	return t.park(ctx, CodeOneShot, "nobody knows whether it took effect, and the target cannot be asked")
}

// poll asks how an accepted write ended.
func (t *turn) poll(ctx context.Context) (next, error) {
	if t.c.poller == nil {
		return t.park(ctx, CodeFlowGone, "the connection cannot be polled")
	}
	doc, err := t.document(ctx)
	if err != nil {
		return t.unmapped(ctx, err)
	}
	release, wait, err := t.c.limits.Take(ctx, t.op.PollUses, longestWait)
	if err != nil {
		return next{}, err
	}
	if release == nil {
		return next{later: t.e.opt.Now().Add(wait)}, nil
	}
	started := t.e.opt.Now()
	res, perr := t.askTicket(t.try(ctx, "poll"), doc)
	release()
	t.called = true
	if perr != nil {
		return t.pollAgain(ctx, started, perr)
	}
	o := t.e.decide(t.op, t.d, res, t.e.opt.Now())
	switch res.Outcome {
	case connectors.NotSent, connectors.MissingReference:
		// The target had taken it: "surely no effect" is a refusal now.
		o = outcome{state: ledger.Parked, code: code(res.Err, "target.refused"), text: text(res.Err), clean: true, holds: holds(t.op)}
	case connectors.Took:
		if res.Ticket == "" {
			o.ticket = t.d.Ticket
		}
		if t.aged() {
			return t.pollAgain(ctx, started, nil)
		}
	}
	return t.outcome(ctx, "poll", started, res, o, nil)
}

// askTicket polls; an answer without this ticket's outcome says nothing about the write
// and comes back as an error.
func (t *turn) askTicket(ctx context.Context, doc []byte) (res connectors.Result, perr *connectors.Error) {
	ctx, cancel := context.WithTimeout(ctx, timeout(t.op))
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			t.e.opt.Log.Error("a connector panicked", zap.String("connection", t.c.Name), zap.String("operation", t.op.Name), zap.Stack("stack"))
			perr = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodePanic, Text: "the connector broke while polling"}
		}
	}()
	id := strconv.FormatInt(t.d.ID, 10)
	out, err := t.c.poller.Poll(ctx, t.op.Name, []connectors.Ticket{{ID: id, Ticket: t.d.Ticket,
		Delivery: t.e.asDelivery(t.op, &outgoing{d: t.d, doc: doc})}})
	t.c.health.called(t.e.opt.Now(), connectors.AsError(err))
	if err != nil {
		return res, connectors.AsError(err)
	}
	for _, r := range out {
		if r.ID == id && r.Outcome != connectors.Unknown {
			return sound(r), nil
		}
		if r.ID == id && r.Err != nil {
			return res, r.Err
		}
	}
	return res, &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodeNoAnswer, Text: "the answer has no row for this ticket"}
}

func (t *turn) aged() bool { return t.e.opt.Now().Sub(t.d.CreatedAt) > t.e.opt.Retry.Age }

// pollAgain: what the target took is taken until it says otherwise; after the retry age
// a person must look.
func (t *turn) pollAgain(ctx context.Context, started time.Time, perr *connectors.Error) (next, error) {
	if perr != nil {
		if _, err := t.fault(ctx, perr); err != nil {
			return next{}, err
		}
	}
	if t.aged() {
		s := t.settle(ledger.Parked)
		s.Code, s.Text, s.Holds = CodeAge, t.scrub(ctx, "the target took it and did not finish: "+text(perr)), true
		s.Attempt = t.attempt("poll", started, s.To, s.Code, s.Text)
		return t.commit(ctx, s)
	}
	t.tried(code(perr, ""), nil)
	return next{later: t.e.opt.Now().Add(t.e.opt.Retry.wait(2, max(t.op.Poll, waitOf(perr)), t.d.ID))}, nil
}

func waitOf(err *connectors.Error) time.Duration {
	if err == nil {
		return 0
	}
	return err.Wait
}
