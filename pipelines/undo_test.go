package pipelines_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
)

// undoFlow creates paid orders and cancels cancelled ones.
func undoFlow(create ...string) string {
	s := flowTo("create", create...)
	return s + `  - operation: oms.cancel
    key: 'T-{order_no}'
    map: out.yaml
    when: order.status in ["cancelled"]
    undoes: oms.create
`
}

// skip is what the step of the other status leaves behind.
const (
	noCreate = "create  filtered flow.filtered"
	noCancel = "cancel  filtered flow.filtered"
)

func paid(version, fen int64) shopDoc {
	return shopDoc{No: "1", Status: "paid", Fen: fen, Version: version}
}

func cancelled(version int64) shopDoc {
	return shopDoc{No: "1", Status: "cancelled", Fen: 100, Version: version}
}

func TestACreateThatNeverStartedIsWithdrawnByItsCancel(t *testing.T) {
	for name, before := range map[string]func(w *world){
		"waiting in its lane": func(w *world) { w.target.answer(always("create", busy)) },
		"refused":             func(w *world) { w.target.answer(always("create", refused)) },
		"paused":              func(w *world) { pause(w, "oms", "create") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undoFlow(), nil)
			before(w)
			w.put(paid(1, 100))
			w.until("the create to stand still", func() bool { return len(w.states()) == 2 })
			w.put(cancelled(2))
			if err := w.eng.Resume(t.Context(), "oms", "create"); err != nil {
				t.Fatal(err)
			}
			w.comes("create T-1 withdrawn withdrawn.undone", noCancel, noCreate, "cancel T-1 not_needed undo.not_needed")
			w.target.answer(nil)
			w.wantCalls()
			// The withdrawal is remembered: a late version of the create comes too late.
			w.put(paid(3, 300))
			w.rest()
			w.wantCalls()
			if got := w.delivery(5); got.State != "superseded" || got.Cause == 0 {
				t.Fatalf("the late create ended %s, cause %d", got.State, got.Cause)
			}
		})
	}
}

func pause(w *world, connection, operation string) {
	w.t.Helper()
	if err := w.eng.Pause(w.t.Context(), connection, operation, "tester", "a test"); err != nil {
		w.t.Fatal(err)
	}
}

func TestACreateWithdrawnWhileParkedStaysWithdrawnWhenReplayed(t *testing.T) {
	w := newWorld(t, undoFlow(), nil)
	w.target.answer(always("create", refused))
	w.put(paid(1, 100))
	w.comes("create T-1 parked test.refused", noCancel)
	w.put(cancelled(2))
	w.comes("create T-1 withdrawn withdrawn.undone", noCancel, noCreate, "cancel T-1 not_needed undo.not_needed")
	if _, err := w.eng.ReplayDelivery(t.Context(), w.delivery(1).ID, pipelines.AsSent, "tester", true); err == nil {
		t.Fatal("a withdrawn delivery was replayed")
	}
}

func TestACancelWaitsForAnUnknownCreateAndTakesItsRemoteIDs(t *testing.T) {
	w := newWorld(t, undoFlow(), nil)
	w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
		if op == "create" {
			w.target.take(op, d)
		}
		return lost, op == "create"
	})
	w.target.answerLook(func(string, connectors.Delivery) connectors.Finding { return connectors.Finding{} })
	w.put(paid(1, 100))
	w.comes("create T-1 unknown lookup.cannot_tell", noCancel)
	w.put(cancelled(2))
	w.comes("create T-1 unknown lookup.cannot_tell", noCancel, noCreate, "cancel T-1 ready ")
	w.target.answerLook(func(string, connectors.Delivery) connectors.Finding {
		return connectors.Finding{Presence: connectors.Same, RemoteIDs: []connectors.RemoteID{{Kind: "id", Value: "R-7"}}}
	})
	w.comes("create T-1 delivered lookup.same", noCancel, noCreate, "cancel T-1 delivered ")
	got := w.target.sent()[1]
	if diff := cmp.Diff([]connectors.RemoteID{{Kind: "id", Value: "R-7"}}, got.IDs); got.Op != "cancel" || diff != "" {
		t.Fatalf("the cancel %s went without the create's remote ids: %s", got.Op, diff)
	}
}

func TestADeliveredCreateIsCancelledOnce(t *testing.T) {
	w := newWorld(t, undoFlow(), nil)
	w.put(paid(1, 100))
	w.rest()
	w.put(cancelled(2))
	w.rest()
	w.put(cancelled(3))
	w.comes("create T-1 delivered ", noCancel, noCreate, "cancel T-1 delivered ", noCreate, "cancel T-1 not_needed undo.not_needed")
	w.wantCalls("create T-1", "cancel T-1")
	if got := w.target.sent()[1].IDs; len(got) != 1 || got[0].Value != "create-T-1" {
		t.Fatalf("the cancel went with %v", got)
	}
}

// The first version stands at the target: the cancel is for it, whatever became of the
// second one.
func TestACancelBehindAnUnsentChangeCancelsWhatStands(t *testing.T) {
	for name, change := range map[string]string{"park": "on_change: park", "redo": "on_change: redo", "hold": "hold: order.open_after_sale"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undoFlow(change), nil)
			w.put(paid(1, 100))
			w.rest()
			pause(w, "oms", "")
			second := paid(2, 200)
			second.Hold = name == "hold"
			w.put(second)
			w.put(cancelled(3))
			if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
				t.Fatal(err)
			}
			w.until("the cancel", func() bool { return len(w.target.calls()) == 2 })
			w.rest()
			w.wantCalls("create T-1", "cancel T-1")
			for _, d := range []int{3, 6} {
				if s := w.delivery(d).State; !s.Final() {
					t.Fatalf("delivery %d is left %s; states %q", d, s, w.states())
				}
			}
		})
	}
}

func TestARefusedCancelParksWithItsOwnCode(t *testing.T) {
	w := newWorld(t, undoFlow(), nil)
	w.put(paid(1, 100))
	w.rest()
	w.target.answer(always("cancel", refused))
	w.put(cancelled(2))
	w.comes("create T-1 delivered ", noCancel, noCreate, "cancel T-1 parked undo.refused")
}

func TestAHeldOrderWaitsForItsNewerVersion(t *testing.T) {
	held := paid(1, 100)
	held.Hold = true
	t.Run("released", func(t *testing.T) {
		w := newWorld(t, undoFlow("hold: order.open_after_sale"), nil)
		w.put(held)
		w.comes("create T-1 blocked flow.held", noCancel)
		w.restart()
		w.put(paid(2, 100))
		w.comes("create T-1 superseded superseded.newer", noCancel, "create T-1 delivered ", noCancel)
		w.wantCalls("create T-1")
	})
	t.Run("cancelled", func(t *testing.T) {
		w := newWorld(t, undoFlow("hold: order.open_after_sale"), nil)
		w.put(held)
		w.put(cancelled(2))
		w.comes("create T-1 withdrawn withdrawn.undone", noCancel, noCreate, "cancel T-1 not_needed undo.not_needed")
		w.wantCalls()
	})
	t.Run("held after it was routed", func(t *testing.T) {
		w := newWorld(t, undoFlow("hold: order.open_after_sale"), nil)
		w.target.answer(always("create", busy))
		w.put(paid(1, 100))
		w.comes("create T-1 waiting test.busy", noCancel)
		later := held
		later.Version = 2
		w.put(later)
		w.comes("create T-1 superseded superseded.newer", noCancel, "create T-1 blocked flow.held", noCancel)
		w.target.answer(nil)
		w.wantCalls()
	})
}

func TestARefusedUndoHoldsTheRedo(t *testing.T) {
	w := newWorld(t, undoFlow("on_change: redo"), nil)
	w.put(paid(1, 100))
	w.rest()
	w.target.answer(always("cancel", refused))
	w.put(paid(2, 200))
	w.comes("create T-1 delivered ", noCancel, "create T-1 blocked change.redo", noCancel, "cancel T-1 parked undo.refused")
	w.wantCalls("create T-1")
	// A newer version takes the redo over; its undo is tried anew.
	w.target.answer(nil)
	w.put(paid(3, 300))
	w.comes("create T-1 delivered ", noCancel, "create T-1 superseded superseded.newer", noCancel, "cancel T-1 superseded superseded.newer",
		"create T-1 delivered ", noCancel, "cancel T-1 delivered ")
	w.wantCalls("create T-1", "cancel T-1", "create T-1-g1")
}

func TestAVersionBehindARedoUsesTheNewGeneration(t *testing.T) {
	w := newWorld(t, undoFlow("on_change: redo"), nil)
	w.put(paid(1, 100))
	w.rest()
	w.target.answer(always("cancel", busy))
	w.put(paid(2, 200))
	w.comes("create T-1 delivered ", noCancel, "create T-1 blocked change.redo", noCancel, "cancel T-1 waiting test.busy")
	w.put(paid(3, 300))
	w.target.answer(nil)
	w.comes("create T-1 delivered ", noCancel, "create T-1 superseded superseded.newer", noCancel, "cancel T-1 delivered ",
		"create T-1 delivered ", noCancel)
	w.wantCalls("create T-1", "cancel T-1", "create T-1-g1")
	if got := string(w.target.sent()[2].Doc); got != `{"key":"T-1-g1","status":"paid","total":300}` {
		t.Fatalf("the document went as %s", got)
	}
}

// A cancel that comes while a redo is under way ends the redo, too.
func TestACancelDuringARedoLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, undoFlow("on_change: redo"), nil)
	w.put(paid(1, 100))
	w.rest()
	w.target.answer(always("cancel", busy))
	w.put(paid(2, 200))
	w.comes("create T-1 delivered ", noCancel, "create T-1 blocked change.redo", noCancel, "cancel T-1 waiting test.busy")
	w.put(cancelled(3))
	w.target.answer(nil)
	w.until("the cancel to end", func() bool { return len(w.states()) == 7 && w.delivery(7).State.Final() && w.delivery(3).State.Final() })
	w.rest()
	w.wantCalls("create T-1", "cancel T-1")
}

// What an earlier attempt left half done is there, whatever became of a later attempt that
// surely had no effect: the cancel must go out for it.
func TestACancelFindsWhatAnEarlierAttemptLeftHalfDone(t *testing.T) {
	w := newWorld(t, undoFlow(), func(o *connectors.Operation) { o.MultiStep = o.Name == "create" })
	half := json.RawMessage(`{"draft":7}`)
	first := true
	w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
		if op != "create" {
			return connectors.Result{}, false
		}
		if first {
			first = false
			if err := d.Save(t.Context(), half); err != nil {
				t.Error(err)
			}
			return lost, true
		}
		return busy, true
	})
	w.target.answerLook(func(op string, d connectors.Delivery) connectors.Finding {
		return connectors.Finding{Presence: connectors.Other, Progress: half}
	})
	w.put(paid(1, 100))
	w.comes("create T-1 waiting test.busy", noCancel)
	w.put(cancelled(2))
	w.comes("create T-1 waiting test.busy", noCancel, noCreate, "cancel T-1 ready ")
	w.target.answer(nil)
	w.comes("create T-1 delivered ", noCancel, noCreate, "cancel T-1 delivered ")
	w.wantCalls("create T-1", "cancel T-1")
}
