package pipelines_test

import (
	"testing"

	"github.com/minihub/minihub/connectors"
)

const pushFlow = `
flow: test
from: [shop.orders]
canonical: in.yaml
to:
  - operation: oms.push
    key: 'T-{order_no}'
    map: out.yaml
    when: order.status in ["paid", "shipped"]
`

func TestAnOrderReachesItsTargetOnce(t *testing.T) {
	w := newWorld(t, pushFlow, nil)
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 1990, Version: 1})
	w.pull()
	w.rest()
	w.shop.put(shopDoc{No: "2", Status: "pending_payment", Fen: 5, Version: 1})
	w.pull() // the same documents again
	w.rest()
	w.wantStates("push T-1 delivered ", "push  filtered flow.filtered")
	if got := w.target.sent(); len(got) != 1 || string(got[0].Doc) != `{"key":"T-1","status":"paid","total":1990}` {
		t.Fatalf("the target got %s", got)
	}
	hits, err := w.led.Find(t.Context(), "1", nil, 10)
	if err != nil || len(hits) != 1 || hits[0].DocKey.Key != "1" {
		t.Fatalf("found %+v, %v", hits, err)
	}
}

func TestANewVersionIsSentAndAnEqualOneIsNot(t *testing.T) {
	w := newWorld(t, pushFlow, nil)
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.pull()
	w.rest()
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.pull()
	w.rest()
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 3})
	w.pull()
	w.rest()
	w.wantStates("push T-1 delivered ", "push T-1 delivered ", "push T-1 unchanged unchanged.same")
}

const createFlow = `
flow: test
from: [shop.orders]
canonical: in.yaml
to:
  - operation: oms.create
    key: 'T-{order_no}'
    map: out.yaml
    when: order.status in ["paid", "shipped"]
    hold: order.open_after_sale
    on_change: redo
  - operation: oms.cancel
    key: 'T-{order_no}'
    map: out.yaml
    when: order.status in ["cancelled", "closed"]
    undoes: oms.create
`

func TestARedoUndoesAndCreatesUnderTheNextGeneration(t *testing.T) {
	w := newWorld(t, createFlow, nil)
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.pull()
	w.rest()
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.pull()
	w.rest()
	var keys []string
	for _, s := range w.target.sent() {
		keys = append(keys, s.Op+" "+s.Key)
	}
	want := []string{"create T-1", "cancel T-1", "create T-1-g1"}
	if len(keys) != 3 || keys[0] != want[0] || keys[1] != want[1] || keys[2] != want[2] {
		t.Fatalf("the target got %q, want %q; states %q", keys, want, w.states())
	}
	w.shop.put(shopDoc{No: "1", Status: "cancelled", Fen: 200, Version: 3})
	w.pull()
	w.rest()
	got := w.target.sent()
	if last := got[len(got)-1]; last.Op != "cancel" || last.Key != "T-1-g1" {
		t.Fatalf("the cancel went out as %s %s", last.Op, last.Key)
	}
}

func TestAnUnknownCreateIsLookedUp(t *testing.T) {
	w := newWorld(t, createFlow, nil)
	dropped := false
	w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
		if op == "create" && !dropped {
			dropped = true
			w.target.take(op, d) // the work is done, the answer is lost
			return connectors.Result{Outcome: connectors.Unknown, Err: &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "http.cut", Sent: true}}, true
		}
		return connectors.Result{}, false
	})
	w.shop.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.pull()
	w.rest()
	w.wantStates("create T-1 delivered lookup.same", "cancel  filtered flow.filtered")
	if got := w.target.sent(); len(got) != 1 {
		t.Fatalf("the target got %d documents", len(got))
	}
}
