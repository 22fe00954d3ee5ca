package pipelines_test

import (
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
)

// afterFlow pushes to oms, and saves at crm after it; first are further lines of the
// push, after is what the save waits for.
func afterFlow(after string, first ...string) string {
	s := "flow: test\nfrom: [shop.orders]\ncanonical: in.yaml\nto:\n  - operation: oms.push\n    key: 'T-{order_no}'\n    map: out.yaml\n"
	for _, line := range first {
		s += "    " + line + "\n"
	}
	return s + "  - operation: crm.save\n    key: 'T-{order_no}'\n    map: out.yaml\n    after: " + after + "\n"
}

func TestASuccessorWaitsForItsPredecessor(t *testing.T) {
	w := newWorld(t, afterFlow("oms.push"), nil)
	w.target.answer(always("push", busy))
	w.put(paid(1, 100))
	w.comes("push T-1 waiting test.busy", "save T-1 blocked blocked.predecessor")
	w.target.answer(nil)
	w.comes("push T-1 delivered ", "save T-1 delivered ")
	// Unchanged satisfies, too.
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 2, Sku: ""})
	w.comes("push T-1 delivered ", "save T-1 delivered ", "push T-1 unchanged unchanged.same", "save T-1 unchanged unchanged.same")
}

func TestAFilteredPredecessorSatisfiesUnlessRequired(t *testing.T) {
	when := `when: order.status == "paid"`
	t.Run("filtered", func(t *testing.T) {
		w := newWorld(t, afterFlow("oms.push", when), nil)
		w.put(cancelled(1))
		w.comes("push  filtered flow.filtered", "save T-1 delivered ")
	})
	t.Run("required", func(t *testing.T) {
		w := newWorld(t, afterFlow("{step: oms.push, required: true}", when), nil)
		w.put(cancelled(1))
		w.comes("push  filtered flow.filtered", "save T-1 blocked blocked.predecessor")
		w.put(paid(2, 100)) // the version that needs it
		w.comes("push  filtered flow.filtered", "save T-1 superseded superseded.newer", "push T-1 delivered ", "save T-1 delivered ")
		w.put(cancelled(3)) // what an earlier version did is done
		w.comes("push  filtered flow.filtered", "save T-1 superseded superseded.newer", "push T-1 delivered ", "save T-1 delivered ",
			"push  filtered flow.filtered", "save T-1 delivered ")
	})
}

func TestASuccessorWaitsForParkedAndUnknown(t *testing.T) {
	w := newWorld(t, afterFlow("oms.push"), nil)
	w.target.answer(times(1, "push", refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused", "save T-1 blocked blocked.predecessor")
	w.replay(1, pipelines.AsSent)
	w.comes("push T-1 delivered ", "save T-1 delivered ")
}

func TestAWithdrawnPredecessorWithdrawsItsSuccessor(t *testing.T) {
	flow := undoFlow() + "  - operation: crm.save\n    key: 'T-{order_no}'\n    map: out.yaml\n    after: oms.create\n    when: order.status == \"paid\"\n"
	w := newWorld(t, flow, nil)
	w.target.answer(always("create", busy))
	w.put(paid(1, 100))
	w.comes("create T-1 waiting test.busy", noCancel, "save T-1 blocked blocked.predecessor")
	w.put(cancelled(2))
	w.comes("create T-1 withdrawn withdrawn.undone", noCancel, "save T-1 withdrawn ", noCreate, "cancel T-1 not_needed undo.not_needed", "save  filtered flow.filtered")
	if got := w.crm.calls(); len(got) != 0 {
		t.Fatalf("the successor went out: %q", got)
	}
}

func TestADiscardedPredecessorWithdrawsItsSuccessor(t *testing.T) {
	w := newWorld(t, afterFlow("oms.push"), nil)
	w.target.answer(always("push", refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused", "save T-1 blocked blocked.predecessor")
	if err := w.eng.Discard(t.Context(), w.delivery(1).ID, "tester", "a test"); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 discarded person.discarded", "save T-1 withdrawn ")
}

// The successor of version 1 is a different document from that of version 2: it goes on
// when version 2's predecessor is done, and is superseded by its own newer version then.
func TestASupersededPredecessorHandsTheDependencyOn(t *testing.T) {
	flow := flowTo("push") + "  - operation: crm.points\n    key: 'T-{order_no}'\n    map: out.yaml\n    after: oms.push\n"
	w := newWorld(t, flow, nil)
	w.target.answer(always("push", busy))
	w.put(paid(1, 100))
	w.comes("push T-1 waiting test.busy", "points T-1 blocked blocked.predecessor")
	w.put(paid(2, 200))
	w.comes("push T-1 superseded superseded.newer", "points T-1 blocked blocked.predecessor",
		"push T-1 waiting test.busy", "points T-1 blocked blocked.predecessor")
	w.restart()
	w.target.answer(nil)
	w.comes("push T-1 superseded superseded.newer", "points T-1 delivered ", "push T-1 delivered ", "points T-1 delivered ")
	got := w.crm.sent()
	if len(got) != 2 || string(got[0].Doc) != `{"key":"T-1","status":"paid","total":100}` {
		t.Fatalf("the events came as %s", got)
	}
}

// What was parked by its mapping never came to wait: mended, it waits.
func TestAMendedSuccessorStillWaitsForItsPredecessor(t *testing.T) {
	w := newWorld(t, afterFlow("oms.push"), nil, func(w *world) {
		w.files["bad.yaml"] = mend(outMapping, "from: amounts.total.minor", `expr: 'div(amounts.total.minor, 0, "half_up")'`)
		w.flows = mendLast(w.flows, "map: out.yaml", "map: bad.yaml")
	})
	w.target.answer(always("push", busy))
	w.put(paid(1, 100))
	w.until("the save to park", func() bool { return len(w.states()) == 2 && w.delivery(2).State == "parked" })
	w.files["bad.yaml"] = outMapping
	w.restart()
	w.replay(2, pipelines.Remap)
	w.comes("push T-1 waiting test.busy", "save T-1 blocked blocked.predecessor")
	w.target.answer(nil)
	w.comes("push T-1 delivered ", "save T-1 delivered ")
}

func TestAMissingReferenceBlocksUntilTheLinkAppears(t *testing.T) {
	flow := "flow: test\nfrom: [shop.orders]\ncanonical: in.yaml\nto:\n  - operation: oms.push\n    key: 'T-{order_no}'\n    map: out.yaml\n    when: order.order_no == \"2\"\n" +
		"  - operation: oms.save\n    key: 'T-{order_no}'\n    map: out.yaml\n    when: order.order_no == \"1\"\n"
	w := newWorld(t, flow, nil)
	w.target.answer(func(op string, _ connectors.Delivery) (connectors.Result, bool) {
		there := false
		for _, c := range w.target.calls() {
			there = there || c == "push T-2"
		}
		return connectors.Result{Outcome: connectors.MissingReference, Missing: &connectors.Missing{Operation: "push", Key: "T-2"},
			Err: &connectors.Error{Kind: connectors.NotFound, Scope: connectors.OfDocument, Code: "test.party"}}, op == "save" && !there
	})
	w.put(paid(1, 100))
	w.comes("push  filtered flow.filtered", "save T-1 blocked blocked.reference")
	w.put(shopDoc{No: "2", Status: "paid", Fen: 5, Version: 1}) // another root
	w.comes("push  filtered flow.filtered", "save T-1 delivered ", "push T-2 delivered ", "save  filtered flow.filtered")
	w.wantCalls("push T-2", "save T-1")
}

// Our books may say that the reference is there while the target says it is not: the
// delivery stays in its lane and is tried again.
func TestAReferenceThatIsThereByOurBooksIsTriedAgain(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.put(shopDoc{No: "2", Status: "paid", Fen: 5, Version: 1})
	w.rest()
	w.target.answer(times(2, "push", connectors.Result{Outcome: connectors.MissingReference, Missing: &connectors.Missing{Operation: "push", Key: "T-2"},
		Err: &connectors.Error{Kind: connectors.NotFound, Scope: connectors.OfDocument, Code: "test.party"}}))
	w.put(paid(1, 100))
	w.comes("push T-2 delivered ", "push T-1 delivered ")
}
