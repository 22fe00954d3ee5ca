package connectortest

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

// writes checks what an operation does.
func (r *runner) writes(t *testing.T, op Operation) {
	decl, ok := r.Connector.Operation(op.Name)
	if !ok {
		return // declaration has said so
	}
	on := func(name string, f func(h *harness)) { r.check(t, name, op.Name, f) }

	on("deliver.done", func(h *harness) {
		d := h.delivery(op, 1, 0)
		h.done(op, d)
		h.effects(op, d.Key, 1)
	})
	if decl.Repeat == connectors.Idempotent {
		on("deliver.repeat", func(h *harness) { repeat(h, op) })
	}
	if op.Bad != nil {
		on("deliver.refused", func(h *harness) {
			d := h.delivery(op, 1, 0)
			d.Document = op.Bad(d.Key)
			res := h.settle(op, d, h.deliver(h.Context(), op, d)[d.ID])
			h.refused(res)
			h.effects(op, d.Key, 0)
		})
	}
	if decl.Batch > 1 {
		on("deliver.batch", func(h *harness) { batch(h, op, decl.Batch) })
	}
	on("deliver.cancel", func(h *harness) { cancel(h, op) })
	for name, f := range map[string]simkit.Kind{
		"deliver.html": simkit.Status, "deliver.bad_gateway": simkit.BadGateway, "deliver.garble": simkit.Garble,
		"deliver.drop_answer": simkit.DropAnswer, "deliver.drop_request": simkit.DropRequest,
	} {
		on(name, func(h *harness) { unknown(h, op, *decl, f) })
	}
	on("deliver.error_body", func(h *harness) {
		d := h.delivery(op, 1, 0)
		h.fault(simkit.Fault{Kind: simkit.ErrorBody, Call: op.Call, Count: 1, Code: op.ErrorCode})
		res := h.deliver(h.Context(), op, d)[d.ID]
		h.struck()
		if res.Outcome == connectors.Done || res.Outcome == connectors.Took {
			h.Errorf("an error inside the answer is %s", outcome(res.Outcome))
		}
		h.effects(op, d.Key, 0)
	})
	if op.UnknownCode != "" {
		on("deliver.unclassified", func(h *harness) {
			d := h.delivery(op, 1, 0)
			h.fault(simkit.Fault{Kind: simkit.ErrorBody, Call: op.Call, Count: 1, Code: op.UnknownCode})
			res := h.deliver(h.Context(), op, d)[d.ID]
			h.struck()
			if res.Outcome != connectors.Unknown || res.Err == nil || res.Err.Kind != connectors.Unclassified {
				h.Errorf("code %s, which is in no table, is %s: %v", op.UnknownCode, outcome(res.Outcome), res.Err)
			}
		})
	}
	on("deliver.rate_limit", func(h *harness) {
		d := h.delivery(op, 1, 0)
		h.fault(simkit.Fault{Kind: simkit.RateLimit, Call: op.Call, Count: 1})
		res := h.deliver(h.Context(), op, d)[d.ID]
		h.struck()
		if res.Outcome != connectors.NotSent {
			h.Errorf("over the limit is %s, want not sent", outcome(res.Outcome))
		}
		h.limited(res.Err)
		h.effects(op, d.Key, 0)
	})
	on("deliver.token", func(h *harness) { token(h, op) })
}

func (h *harness) refused(res connectors.Result) {
	h.Helper()
	if res.Outcome != connectors.Refused || res.Err == nil || res.Err.Scope != connectors.OfDocument {
		h.Errorf("a bad document is %s, want refused with the document's scope: %v", outcome(res.Outcome), res.Err)
	}
}

func (h *harness) limited(err *connectors.Error) {
	h.Helper()
	if err == nil || err.Kind != connectors.RateLimited && err.Kind != connectors.Quota || err.Wait <= 0 || err.Scope == connectors.OfDocument {
		h.Errorf("over the limit: %+v, want rate_limited or quota with a wait, and not the document's scope", err)
	}
}

// repeat: the same key and content twice, and once more by the network, is one effect.
func repeat(h *harness, op Operation) {
	d := h.delivery(op, 1, 0)
	h.done(op, d)
	d.Attempt++
	h.again(op, d)
	h.effects(op, d.Key, 1)

	other := h.delivery(op, 2, 0)
	h.fault(simkit.Fault{Kind: simkit.Duplicate, Call: op.Call, Count: 1})
	h.again(op, other)
	h.struck()
	h.effects(op, other.Key, 1)
}

// again takes a duplicate for a success.
func (h *harness) again(op Operation, d connectors.Delivery) {
	h.Helper()
	res := h.settle(op, d, h.deliver(h.Context(), op, d)[d.ID])
	if res.Outcome != connectors.Done && res.Outcome != connectors.Duplicate {
		h.Errorf("%s %s again: %s: %v", op.Name, d.Key, outcome(res.Outcome), res.Err)
	}
}

// batch: results by id, in whatever order, and one bad row does not fail the others.
func batch(h *harness, op Operation, size int) {
	size = min(size, 5)
	h.fault(simkit.Fault{Kind: simkit.Reorder})
	var list []connectors.Delivery
	for n := range size {
		list = append(list, h.delivery(op, n+1, 0))
	}
	bad := ""
	if op.Bad != nil {
		bad = list[size/2].ID
		list[size/2].Document = op.Bad(list[size/2].Key)
	}
	results := h.deliver(h.Context(), op, list...)
	for _, d := range list {
		res := h.settle(op, d, results[d.ID])
		if d.ID == bad {
			h.refused(res)
			h.effects(op, d.Key, 0)
			continue
		}
		if res.Outcome != connectors.Done {
			h.Errorf("%s of the batch: %s: %v", d.ID, outcome(res.Outcome), res.Err)
		}
		h.effects(op, d.Key, 1)
	}
}

// cancel: a context that ended is honoured before and during a call.
func cancel(h *harness, op Operation) {
	d := h.delivery(op, 1, 0)
	gone, stop := context.WithCancel(h.Context())
	stop()
	if res := h.deliver(gone, op, d)[d.ID]; res.Outcome != connectors.NotSent && res.Outcome != connectors.Unknown {
		h.Errorf("after the end of its context: %s", outcome(res.Outcome))
	}
	h.effects(op, d.Key, 0)

	d = h.delivery(op, 2, 0)
	h.fault(simkit.Fault{Kind: simkit.Delay, Call: op.Call, DelayMS: 20_000})
	ctx, stop := context.WithTimeout(h.Context(), 15*time.Second)
	defer stop()
	ended := make(chan time.Time, 1)
	go func() {
		h.reached(ctx)                       // however long the way there takes
		<-time.After(100 * time.Millisecond) // the client's side knows a moment later that it has sent
		ended <- time.Now()
		stop()
	}()
	res := h.deliver(ctx, op, d)[d.ID]
	stop()
	if took := time.Since(<-ended); took > 5*time.Second {
		h.Errorf("a call went on for %v after its context ended", took)
	}
	h.struck()
	if res.Outcome != connectors.Unknown || res.Err == nil || !res.Err.Sent {
		h.Errorf("out of time after sending: %s, want unknown and sent: %+v", outcome(res.Outcome), res.Err)
	}
}

// unknown: an answer that says nothing about a write leaves it unknown, and for an
// idempotent operation sending again leads to one effect.
func unknown(h *harness, op Operation, decl connectors.Operation, kind simkit.Kind) {
	d := h.delivery(op, 1, 0)
	h.fault(simkit.Fault{Kind: kind, Call: op.Call, Count: 1})
	res := h.deliver(h.Context(), op, d)[d.ID]
	h.struck()
	if res.Outcome != connectors.Unknown || res.Err == nil || !res.Err.Sent {
		h.Errorf("after %s: %s, want unknown and sent: %+v", kind, outcome(res.Outcome), res.Err)
	}
	if decl.Repeat == connectors.Idempotent {
		d.Attempt++
		h.again(op, d)
		h.effects(op, d.Key, 1)
	}
}

// token: however many calls meet an expired token, one renewal mends them all.
func token(h *harness, op Operation) {
	if h.sys.Renewals == nil {
		h.Skip("the system has no tokens")
	}
	const callers = 20
	var list []connectors.Delivery
	for n := range callers + 1 {
		list = append(list, h.delivery(op, n+1, 0))
	}
	h.done(op, list[callers])
	before := h.sys.Renewals()
	h.fault(simkit.Fault{Kind: simkit.TokenExpiry, Call: op.Call, Count: 1})
	var g errgroup.Group
	for _, d := range list[:callers] {
		g.Go(func() error {
			if res := h.settle(op, d, h.deliver(h.Context(), op, d)[d.ID]); res.Outcome != connectors.Done {
				h.Errorf("%s: %s: %v", d.ID, outcome(res.Outcome), res.Err)
			}
			return nil
		})
	}
	_ = g.Wait()
	h.struck()
	if got := h.sys.Renewals() - before; got != 1 {
		h.Errorf("%d renewals for one expiry under %d callers, want 1", got, callers)
	}
	for _, d := range list {
		h.effects(op, d.Key, 1)
	}
}
