package pipelines_test

import (
	"strings"
	"testing"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// deletesMapping is the test's mapping with a word for deleted orders.
var deletesMapping = mend(inMapping, "  - { to: status, from: status }", "  - { to: status, value: cancelled, when: context.source.deleted }\n  - { to: status, from: status }")

// pushAll pushes cancelled orders too; takesDeletes does so for deleted ones.
var (
	pushAll      = mend(pushFlow, `"shipped"]`, `"shipped", "cancelled"]`)
	takesDeletes = mend(pushAll, "canonical:", "deletes: true\ncanonical:")
)

// deleteOrder takes a document away at the shop and lets the hub see it.
func (w *world) deleteOrder(no string) {
	w.t.Helper()
	w.shop.with(func() { delete(w.shop.docs, no) })
	w.pull()
	w.rest()
}

func TestADeleteGoesThroughFlowsThatTakeDeletes(t *testing.T) {
	w := newWorld(t, takesDeletes, nil, func(w *world) { w.files["in.yaml"] = deletesMapping })
	w.put(paid(1, 100))
	w.put(shopDoc{No: "2", Status: "paid", Fen: 200, Version: 1})
	w.rest()
	w.deleteOrder("1")
	if n := len(w.target.sent()); n != 3 {
		t.Fatalf("the target was told of %d documents, want 3; states %v", n, w.states())
	}
	last := w.target.sent()[2]
	if got := string(last.Doc); last.Key != "T-1" || !strings.Contains(got, `"status":"cancelled"`) || !strings.Contains(got, `"total":100`) {
		t.Fatalf("the target was told %s %s", last.Key, got)
	}
	w.pull() // the same tombstone again says nothing new
	w.rest()
	w.restart()
	w.pull()
	w.rest()
	w.wantCalls("push T-1", "push T-2", "push T-1")
}

// TestADeleteCanUndo sends the cancel of what stands at the target.
func TestADeleteCanUndo(t *testing.T) {
	w := newWorld(t, `
flow: test
from: [shop.orders]
deletes: true
canonical: in.yaml
to:
  - operation: oms.create
    key: '{store.code}-{order_no}'
    map: out.yaml
    on_change: ignore
    when: not context.source.deleted
  - operation: oms.cancel
    undoes: oms.create
    key: '{store.code}-{order_no}'
    map: out.yaml
    when: context.source.deleted
`, nil)
	w.put(paid(1, 100))
	w.rest()
	w.deleteOrder("1")
	w.wantCalls("create T-1", "cancel T-1")
}

func TestADeleteEndsWhereNoFlowTakesIt(t *testing.T) {
	w := newWorld(t, pushAll, nil)
	w.put(paid(1, 100))
	w.rest()
	w.deleteOrder("1")
	w.wantCalls("push T-1")
	r := w.tombstone("1")
	// The flow learns to take deletes, and the tombstone is replayed.
	w.flows, w.files["in.yaml"] = takesDeletes, deletesMapping
	w.restart()
	if _, err := w.eng.ReplayRecord(t.Context(), r.ID, pipelines.Remap, "tester"); err != nil {
		t.Fatal(err)
	}
	w.rest()
	w.wantCalls("push T-1", "push T-1")
}

// TestADeleteOfWhatNobodyKnewEnds has no document to map.
func TestADeleteOfWhatNobodyKnewEnds(t *testing.T) {
	w := newWorld(t, takesDeletes, nil)
	w.shop.with(func() { w.shop.order = []string{"9"} })
	w.pull()
	w.rest()
	w.tombstone("9")
	w.wantCalls()
}

// tombstone returns a document's newest record, which must be one that ended nowhere.
func (w *world) tombstone(key string) *ledger.Record {
	w.t.Helper()
	r, err := w.led.Latest(w.t.Context(), ledger.DocKey{Connection: "shop", Entity: "order", Key: key})
	if err != nil || !r.Deleted || r.State != ledger.RecordNoTarget || r.Code != pipelines.CodeTombstone {
		w.t.Fatalf("the record is %+v, %v", r, err)
	}
	return r
}
