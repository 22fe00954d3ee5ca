package connectortest

import (
	"slices"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

// lookups checks that a look-up finds what a write left behind.
func (r *runner) lookups(t *testing.T, op Operation) {
	decl, ok := r.Connector.Operation(op.Name)
	if !ok || decl.Repeat != connectors.AskFirst && !op.Looks {
		return
	}
	on := func(name string, f func(h *harness)) { r.check(t, name, op.Name, f) }
	on("lookup.absent", func(h *harness) {
		d := h.delivery(op, 1, 0)
		if f := h.look(op, decl, d); f.Presence != connectors.Absent {
			h.Errorf("of a key that was never sent: %s: %v", presence(f.Presence), f.Err)
		}
	})
	on("lookup.same", func(h *harness) {
		d := h.dropped(op)
		f := h.look(op, decl, d)
		if f.Presence != connectors.Same {
			h.Errorf("after a dropped answer: %s %v, want same: %v", presence(f.Presence), f.Fields, f.Err)
		}
	})
	on("lookup.other", func(h *harness) {
		d := h.dropped(op)
		d.Document = op.Document(d.Key, 1)
		f := h.look(op, decl, d)
		if f.Presence != connectors.Other || len(f.Fields) == 0 {
			h.Errorf("against changed content: %s %v, want other with the fields named: %v", presence(f.Presence), f.Fields, f.Err)
		}
	})
	on("lookup.fault", func(h *harness) {
		d := h.dropped(op)
		for _, kind := range []simkit.Kind{simkit.Status, simkit.BadGateway, simkit.Garble, simkit.DropAnswer} {
			h.sys.Faults.Clear()
			// Without a count: net/http itself repeats a GET when a kept connection is cut.
			h.fault(simkit.Fault{Kind: kind, Call: op.Look})
			f := h.look(op, decl, d)
			h.struck()
			if f.Presence != connectors.CannotTell {
				h.Errorf("after %s: %s, want cannot tell", kind, presence(f.Presence))
			}
		}
	})
}

// dropped delivers one document whose answer is lost.
func (h *harness) dropped(op Operation) connectors.Delivery {
	h.Helper()
	d := h.delivery(op, 1, 0)
	h.fault(simkit.Fault{Kind: simkit.DropAnswer, Call: op.Call, Count: 1})
	h.deliver(h.Context(), op, d)
	h.struck()
	h.effects(op, d.Key, 1)
	return d
}

// look asks for one delivery after the declared settle time. A call that fails as a
// whole is "cannot tell".
func (h *harness) look(op Operation, decl *connectors.Operation, d connectors.Delivery) connectors.Finding {
	h.Helper()
	if h.sys.Advance != nil {
		h.sys.Advance(decl.Settle + time.Second)
	}
	list, err := h.conn.(connectors.Looker).Lookup(h.Context(), op.Name, []connectors.Delivery{d})
	h.hearError(err)
	if err != nil {
		return connectors.Finding{ID: d.ID, Err: connectors.AsError(err)}
	}
	i := slices.IndexFunc(list, func(f connectors.Finding) bool { return f.ID == d.ID })
	if i < 0 {
		return connectors.Finding{ID: d.ID}
	}
	h.hearExchanges(list[i].Exchanges)
	if list[i].Err != nil {
		h.hearError(list[i].Err)
	}
	return list[i]
}

func presence(p connectors.Presence) string {
	return [...]string{"cannot tell", "absent", "same", "other"}[p]
}
