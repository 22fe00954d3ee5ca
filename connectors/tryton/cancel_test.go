package tryton

import (
	"fmt"
	"testing"

	"github.com/minihub/minihub/connectors"
)

func TestCancel(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		for _, byID := range []bool{true, false} {
			key := e.key(fmt.Sprintf("cancel-%v", byID))
			d, _ := delivery(t, key, with(saleDocument(key, e.key("party")), "expected_total", "1.00"))
			e.refused(t, opSale, d, "tryton.total")
			s := e.alive(t, key)[0]
			c, _ := delivery(t, key, map[string]any{})
			if byID {
				c.RemoteIDs = s.names()
			}
			if f := e.lookup(t, opCancel, c); f.Presence != connectors.Absent {
				t.Errorf("before: %+v", f)
			}
			for range 2 { // repeating it is harmless
				e.done(t, opCancel, c)
			}
			if rows := e.alive(t, key); len(rows) != 0 {
				t.Errorf("still alive: %+v", rows)
			}
			if f := e.lookup(t, opCancel, c); f.Presence != connectors.Same {
				t.Errorf("after: %+v", f)
			}
			// The create that comes late finds a cancelled sale and leaves it.
			if r := e.deliver(t, opSale, d); r.Outcome != connectors.Duplicate {
				t.Errorf("outcome %d, %v", r.Outcome, r.Err)
			}
			if f := e.lookup(t, opSale, d); f.Presence != connectors.Other || f.Fields[len(f.Fields)-1] != "/state" {
				t.Errorf("got %+v", f)
			}
		}
		none, _ := delivery(t, e.key("none"), map[string]any{})
		if err := e.refused(t, opCancel, none, "tryton.reference"); err.Kind != connectors.NotFound {
			t.Errorf("got %v", err)
		}
		if f := e.lookup(t, opCancel, none); f.Presence != connectors.Absent {
			t.Errorf("got %+v", f)
		}
		// One that is known by id and gone was cancelled: Tryton deletes no other.
		none.RemoteIDs = []connectors.RemoteID{{Kind: "sale", Value: "99999999"}}
		if r := e.deliver(t, opCancel, none); r.Outcome != connectors.Done {
			t.Errorf("got %+v", r)
		}
		if f := e.lookup(t, opCancel, none); f.Presence != connectors.Same {
			t.Errorf("got %+v", f)
		}
	})
}
