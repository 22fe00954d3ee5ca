package connectortest

import (
	"testing"

	"github.com/minihub/minihub/connectors"
)

// polls checks asynchronous writes: taken, then finished, one way or the other.
func (r *runner) polls(t *testing.T, op Operation) {
	decl, ok := r.Connector.Operation(op.Name)
	if !ok || decl.Poll == 0 {
		return
	}
	r.check(t, "poll.done", op.Name, func(h *harness) {
		d := h.delivery(op, 1, 0)
		res := h.deliver(h.Context(), op, d)[d.ID]
		if res.Outcome != connectors.Took {
			h.Fatalf("an asynchronous write is %s, want took: %v", outcome(res.Outcome), res.Err)
		}
		if end := h.settle(op, d, res); end.Outcome != connectors.Done {
			h.Errorf("ended %s: %v", outcome(end.Outcome), end.Err)
		}
		h.effects(op, d.Key, 1)
	})
	if op.Bad == nil {
		return
	}
	r.check(t, "poll.refused", op.Name, func(h *harness) {
		d := h.delivery(op, 1, 0)
		d.Document = op.Bad(d.Key)
		h.refused(h.settle(op, d, h.deliver(h.Context(), op, d)[d.ID]))
		h.effects(op, d.Key, 0)
	})
}
