package pipelines_test

import (
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
)

// flowTo is a flow with one step that takes every paid or shipped order.
func flowTo(operation string, more ...string) string {
	s := "flow: test\nfrom: [shop.orders]\ncanonical: in.yaml\nto:\n  - operation: oms." + operation +
		"\n    key: 'T-{order_no}'\n    map: out.yaml\n    when: order.status in [\"paid\", \"shipped\"]\n"
	for _, line := range more {
		s += "    " + line + "\n"
	}
	return s
}

func TestAWaitingStateIsSupersededByItsNewerVersion(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.target.answer(always("push", busy))
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.comes("push T-1 waiting test.busy")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.comes("push T-1 superseded superseded.newer", "push T-1 waiting test.busy")
	w.target.answer(nil)
	w.comes("push T-1 superseded superseded.newer", "push T-1 delivered ")
	w.wantCalls("push T-1")
	if d := w.delivery(1); d.Cause != w.delivery(2).ID {
		t.Fatalf("the cause is %d, not the newer delivery", d.Cause)
	}
}

func TestAStateThatMayHaveHadEffectIsNotSuperseded(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.target.answer(always("push", lost))
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.comes("push T-1 waiting test.lost")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.target.answer(nil)
	w.comes("push T-1 delivered ", "push T-1 delivered ")
	w.wantCalls("push T-1", "push T-1")
	if got := w.target.sent(); string(got[1].Doc) != `{"key":"T-1","status":"paid","total":200}` {
		t.Fatalf("the newer version came before the older: %s", got)
	}
}

func TestAnUnknownStateBlocksItsLane(t *testing.T) {
	w := newWorld(t, flowTo("save"), nil)
	w.target.answer(always("save", lost))
	w.target.answerLook(func(string, connectors.Delivery) connectors.Finding { return connectors.Finding{} })
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.comes("save T-1 unknown lookup.cannot_tell")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.comes("save T-1 unknown lookup.cannot_tell", "save T-1 ready ")
	w.target.answer(nil)
	w.target.answerLook(nil)
	w.comes("save T-1 superseded superseded.newer", "save T-1 delivered ")
	w.wantCalls("save T-1")
}

func TestEventsAreNeverSuperseded(t *testing.T) {
	w := newWorld(t, flowTo("points"), nil)
	w.target.answer(always("points", busy))
	for v := range int64(3) {
		w.put(shopDoc{No: "1", Status: "paid", Fen: 100 * (v + 1), Version: v + 1})
	}
	w.comes("points T-1 waiting test.busy", "points T-1 ready ", "points T-1 ready ")
	w.target.answer(nil)
	w.comes("points T-1 delivered ", "points T-1 delivered ", "points T-1 delivered ")
	w.wantCalls("points T-1", "points T-1", "points T-1")
}

func TestAParkedStateDoesNotBlockAndEndsSuperseded(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.target.answer(times(1, "push", refused))
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.comes("push T-1 parked test.refused")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.comes("push T-1 superseded superseded.newer", "push T-1 delivered ")
	w.wantCalls("push T-1")
}

// A parked version whose successor passed it by another way must not come out on top.
func TestAParkedStateReplayedAfterANewerOneEndsSuperseded(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.target.answer(always("push", lost))
	w.opt.Retry.Age = 1 // parks at once, and holds: the attempt may have had an effect
	w.restart()
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.comes("push T-1 parked retry.too_old")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
	w.comes("push T-1 parked retry.too_old", "push T-1 ready ")
	w.target.answer(nil)
	w.replay(1, pipelines.AsSent)
	w.comes("push T-1 delivered ", "push T-1 delivered ")
	if got := w.target.sent(); string(got[1].Doc) != `{"key":"T-1","status":"paid","total":200}` {
		t.Fatalf("the newer version came before the older: %s", got)
	}
}

func TestARecordMendedAfterANewerOneEndsSuperseded(t *testing.T) {
	for _, op := range []string{"push", "points"} {
		w := newWorld(t, flowTo(op), nil)
		w.put(shopDoc{No: "1", Status: "no such status", Fen: 100, Version: 1})
		w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
		w.until("version 2", func() bool { return len(w.target.sent()) == 1 })
		w.files["in.yaml"] = mend(inMapping, `from: status }`, `value: paid }`)
		w.restart()
		recs, err := w.led.RootRecords(t.Context(), w.delivery(1).Root)
		if err != nil || recs[0].State != "parked" {
			t.Fatalf("records %+v, %v", recs, err)
		}
		got, err := w.eng.ReplayRecord(t.Context(), recs[0].ID, pipelines.Remap, "tester")
		if err != nil {
			t.Fatal(err)
		}
		w.rest()
		switch op {
		case "push":
			if got.To != "superseded" {
				t.Fatalf("the older record ended %+v", got)
			}
			w.wantCalls("push T-1")
		case "points": // an event counts, however late
			w.wantCalls("points T-1", "points T-1")
		}
	}
}

func TestAParkedEventHoldsItsLaneUnlessOrderDoesNotMatter(t *testing.T) {
	for op, second := range map[string]string{"points": "ready ", "note": "delivered "} {
		w := newWorld(t, flowTo(op), nil)
		w.target.answer(times(1, op, refused))
		w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
		w.comes(op + " T-1 parked test.refused")
		w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2})
		w.put(shopDoc{No: "2", Status: "paid", Fen: 300, Version: 1}) // another lane
		w.comes(op+" T-1 parked test.refused", op+" T-1 "+second, op+" T-2 delivered ")
		w.restart() // the hold outlives the process
		w.replay(1, pipelines.AsSent)
		w.comes(op+" T-1 delivered ", op+" T-1 delivered ", op+" T-2 delivered ")
		if op == "points" {
			if got := w.target.sent(); string(got[1].Doc) != `{"key":"T-1","status":"paid","total":100}` {
				t.Fatalf("the replayed event did not go before its successor: %s", got)
			}
		}
	}
}

func TestAnEventParkedByItsMappingDoesNotHoldTheEarlierOnes(t *testing.T) {
	w := newWorld(t, flowTo("points"), nil)
	w.target.answer(always("points", busy))
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1})
	w.comes("points T-1 waiting test.busy")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2, Sku: "missing"})
	w.put(shopDoc{No: "1", Status: "paid", Fen: 300, Version: 3})
	w.target.answer(nil)
	w.comes("points T-1 delivered ", "points T-1 blocked blocked.lookup", "points T-1 ready ")
}
