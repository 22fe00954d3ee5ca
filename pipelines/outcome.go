package pipelines

import (
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Retry is how long and how often the ledger tries again by itself.
type Retry struct {
	Base       time.Duration // first wait; 0 = 2 s
	Max        time.Duration // longest wait; 0 = 15 min
	Age        time.Duration // transient retries end by age; 0 = 72 h
	FirstProbe time.Duration // of a closed gate; 0 = 1 s
	// Settle multiplies the waits before a look-up: the declared settle times and what is
	// left of a cut request's deadline; 0 = 1. Tests and the demo make it small.
	Settle float64
}

func (r Retry) withDefaults() Retry {
	if r.Base == 0 {
		r.Base = 2 * time.Second
	}
	if r.Max == 0 {
		r.Max = 15 * time.Minute
	}
	if r.Age == 0 {
		r.Age = 72 * time.Hour
	}
	if r.FirstProbe == 0 {
		r.FirstProbe = firstProbe
	}
	if r.Settle == 0 {
		r.Settle = 1
	}
	return r
}

// wait returns the wait before try n+1, at least what the vendor asked for. Ids spread
// the lanes of one outage a little.
func (r Retry) wait(n int, asked time.Duration, id int64) time.Duration {
	w := min(r.Max, r.Base<<min(max(n-1, 0), 12))
	w += time.Duration(uint64(id)%17) * w / 64
	return max(w, asked)
}

func (r Retry) settle(op *connectors.Operation) time.Duration {
	return r.scaled(op.Settle)
}

func (r Retry) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * r.Settle) }

// outcome is what a result leads to. It is decided in one place, by kind, scope and the
// operation's declaration, never by text.
type outcome struct {
	state   ledger.State
	code    string
	text    string
	next    time.Time
	clean   bool // surely no effect
	counts  bool // it was a try; waiting for limits and gates is none
	holds   bool
	applied bool
	ticket  string
	deps    []ledger.Dep
}

// decide maps the result of a send to an outcome (Invariants 3, 4 and 7).
func (e *Engine) decide(op *connectors.Operation, d *ledger.Delivery, res connectors.Result, deadline time.Time) outcome {
	now := e.opt.Now()
	switch res.Outcome {
	case connectors.Done:
		return outcome{state: ledger.Delivered, counts: true, applied: true}
	case connectors.Took:
		return outcome{state: ledger.Accepted, counts: true, ticket: res.Ticket, next: now.Add(max(op.Poll, res.Wait))}
	case connectors.NotSent:
		return e.notSent(op, d, *res.Err, now)
	case connectors.Refused:
		return outcome{state: ledger.Parked, code: code(res.Err, "target.refused"), text: text(res.Err), clean: clean(d), counts: true,
			holds: holds(op)}
	case connectors.MissingReference:
		return e.aged(op, d, outcome{state: ledger.Blocked, code: CodeMissingRef, text: text(res.Err), clean: clean(d), counts: true,
			deps: []ledger.Dep{{Kind: ledger.DepReference, Key: ledger.ReferenceKey(d.Connection, res.Missing.Operation, res.Missing.Key)}}}, now)
	case connectors.Duplicate:
		// Found is not delivered: look up and compare, at once. This attempt had no effect;
		// whether an earlier one had is as before.
		return outcome{state: ledger.Unknown, code: CodeDuplicateCheck, text: text(res.Err), counts: true, next: now, clean: d.Clean}
	default:
		return e.unknown(op, d, res.Err, now, deadline)
	}
}

// clean reports whether a delivery surely had no effect after an attempt that had none:
// an earlier one may have, and so has one that saved progress.
func clean(d *ledger.Delivery) bool { return d.Clean && len(d.Progress) == 0 }

// notSent is surely without effect: transient faults wait, the document's own park.
func (e *Engine) notSent(op *connectors.Operation, d *ledger.Delivery, err connectors.Error, now time.Time) outcome {
	o := outcome{state: ledger.Waiting, code: code(&err, "target.not_sent"), text: text(&err), clean: clean(d)}
	if err.Scope == connectors.OfDocument {
		switch err.Kind {
		case connectors.RateLimited, connectors.Unavailable, connectors.Quota:
		default:
			o.state, o.counts, o.holds = ledger.Parked, true, holds(op)
			return o
		}
	}
	o.counts = err.Kind == connectors.Unavailable
	o.next = now.Add(e.opt.Retry.wait(d.Attempts+1, err.Wait, d.ID))
	return e.aged(op, d, o, now)
}

// unknown is a write whose effect nobody knows: it blocks its lane (Invariant 4).
func (e *Engine) unknown(op *connectors.Operation, d *ledger.Delivery, err *connectors.Error, now, deadline time.Time) outcome {
	o := outcome{state: ledger.Unknown, code: code(err, CodeNoAnswer), text: text(err), counts: true}
	var asked time.Duration
	if err != nil {
		asked = err.Wait
	}
	switch {
	case op.Repeat == connectors.Idempotent:
		// The target dedupes by our key: sending again is safe, so it only waits.
		o.state, o.next = ledger.Waiting, now.Add(e.opt.Retry.wait(d.Attempts+1, asked, d.ID))
		if op.IdempotentFor > 0 && now.Sub(d.CreatedAt) > op.IdempotentFor {
			o.state = ledger.Unknown
		}
		return e.aged(op, d, o, now)
	case op.Repeat == connectors.OneShot && !e.canLook(d.Connection):
		o.state, o.holds = ledger.Parked, true
		o.code, o.text = CodeOneShot, "nobody knows whether it took effect, and it may not be repeated: "+o.text
		return o
	}
	o.next = now.Add(e.opt.Retry.settle(op))
	if err != nil && err.Code == "http.cut" && deadline.After(now) {
		// Cut without an answer: the request may still be in the target's queue until its
		// deadline.
		o.next = o.next.Add(e.opt.Retry.scaled(deadline.Sub(now)))
	}
	return o
}

// aged parks what was tried for too long. It holds its lane if it may have had effect.
func (e *Engine) aged(op *connectors.Operation, d *ledger.Delivery, o outcome, now time.Time) outcome {
	if now.Sub(d.CreatedAt) < e.opt.Retry.Age {
		return o
	}
	o.text = "tried for longer than " + e.opt.Retry.Age.String() + "; last: " + o.code + " " + o.text
	o.state, o.code, o.next, o.deps, o.holds = ledger.Parked, CodeAge, time.Time{}, nil, !o.clean || holds(op)
	return o
}

// holds reports whether a parked delivery of the operation keeps its lane closed: an
// event does, unless the operation says that order does not matter (Invariant 4).
func holds(op *connectors.Operation) bool {
	return op.Carries == connectors.Event && !op.AnyOrder
}

func code(err *connectors.Error, fallback string) string {
	if err == nil || err.Code == "" {
		return fallback
	}
	return err.Code
}

func text(err *connectors.Error) string {
	if err == nil {
		return ""
	}
	if err.Text == "" && err.Err != nil {
		return err.Err.Error()
	}
	if err.Hint != "" {
		return err.Text + " (" + err.Hint + ")"
	}
	return err.Text
}
