package pipelines_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

func noSchema(string, string) *schemas.Schema { return nil }

// open opens the document of the n-th delivery.
func (w *world) open(n int) *pipelines.Editing {
	w.t.Helper()
	d, err := w.eng.EditDelivery(w.t.Context(), w.delivery(n).ID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(d.Close)
	return d
}

// openRecord opens the source document of the n-th stored message.
func (w *world) openRecord(n int) *pipelines.Editing {
	w.t.Helper()
	d, err := w.eng.EditRecord(w.t.Context(), w.record(n).ID, noSchema)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(d.Close)
	return d
}

func (w *world) record(n int) *ledger.Record {
	w.t.Helper()
	rows, err := w.led.Records(w.t.Context(), ledger.Filter{Limit: 100})
	if err != nil || len(rows) < n {
		w.t.Fatalf("there are %d records, %v", len(rows), err)
	}
	return &rows[n-1]
}

// typed is the document with fields changed as a person would.
func typed(doc any, change map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range doc.(map[string]any) {
		out[k] = v
	}
	for k, v := range change {
		out[k] = v
	}
	return out
}

func (w *world) edit(d *pipelines.Editing, change map[string]any) error {
	w.t.Helper()
	_, err := d.Apply(w.t.Context(), pipelines.Edit{Document: typed(d.Document, change), Revision: d.Revision, Who: "ann", Why: "the total was wrong"})
	return err
}

func number(t *testing.T, text string) any {
	t.Helper()
	v, err := codec.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (w *world) text(ref ledger.Ref) string {
	w.t.Helper()
	b, err := w.led.Payload(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func TestAnEditedDocumentGoesOutAndTheOriginalStays(t *testing.T) {
	eachStore(t, true, func(t *testing.T, store func(*world)) {
		w := newWorld(t, flowTo("push"), nil, store)
		w.target.answer(times(1, "push", refused))
		w.put(paid(1, 100))
		w.comes("push T-1 parked test.refused")
		d, other := w.open(1), w.open(1)
		big := number(t, "9007199254740993")
		trial, err := d.Try(t.Context(), typed(d.Document, map[string]any{"total": big}))
		if err != nil || len(trial.Found) > 0 || trial.Unchanged || len(trial.Rows) != 1 || !strings.Contains(string(trial.Rows[0].Document), "9007199254740993") {
			t.Fatalf("the trial: %+v, %v", trial, err)
		}
		if err := w.edit(d, nil); !errors.Is(err, pipelines.ErrUnchanged) {
			t.Fatalf("nothing was changed: %v", err)
		}
		var bad *pipelines.EditError
		if err := w.edit(d, map[string]any{"key": "T-2"}); !errors.As(err, &bad) || bad.Found[0].Pointer != "/key" {
			t.Fatalf("another remote key: %v", err)
		}
		w.comes("push T-1 parked test.refused") // a trial and a refusal leave it as it is
		before := w.text(w.delivery(1).Payload)
		if err := w.edit(d, map[string]any{"total": big}); err != nil {
			t.Fatal(err)
		}
		if err := w.edit(other, map[string]any{"total": number(t, "7")}); err == nil {
			t.Fatal("whoever came second was not told")
		}
		w.comes("push T-1 delivered ")
		sent := w.target.sent()
		if len(sent) != 1 || string(sent[0].Doc) != strings.Replace(before, "100", "9007199254740993", 1) {
			t.Fatalf("sent %s, it was %s", sent[0].Doc, before)
		}
		row := w.delivery(1)
		edits, err := w.led.DeliveryEdits(t.Context(), row.ID)
		if err != nil || len(edits) != 1 || w.text(edits[0].Before) != before || w.text(edits[0].After) != string(sent[0].Doc) || row.Revision != 1 || row.MapVersion != pipelines.EditedByHand {
			t.Fatalf("the history %+v, %v; the row %+v", edits, err, row)
		}
		tries, err := w.led.Attempts(t.Context(), row.ID)
		if err != nil || len(tries) != 3 || tries[1].Kind != "person" || tries[1].Code != "edit" || tries[1].Who != "ann" || tries[1].Text != "the total was wrong" {
			t.Fatalf("attempts %+v, %v", tries, err)
		}
		if _, err := w.eng.EditDelivery(t.Context(), row.ID); !errors.Is(err, pipelines.ErrNotEditable) {
			t.Fatalf("a delivered document: %v", err)
		}
	})
}

func TestAnEditSurvivesACrashAndYieldsToANewerVersion(t *testing.T) {
	eachStore(t, true, func(t *testing.T, store func(*world)) {
		w := newWorld(t, flowTo("push"), nil, store)
		w.target.answer(times(1, "push", refused))
		w.put(paid(1, 100))
		w.comes("push T-1 parked test.refused")
		hold := func() {
			if err := w.eng.Pause(t.Context(), "oms", "", "tester", "a test"); err != nil {
				t.Fatal(err)
			}
		}
		hold()
		if err := w.edit(w.open(1), map[string]any{"total": number(t, "150")}); err != nil {
			t.Fatal(err)
		}
		w.crash()
		w.comes("push T-1 ready ")
		if got := w.text(w.delivery(1).Payload); !strings.Contains(got, "150") {
			t.Fatalf("after the crash it is %s", got)
		}
		w.put(paid(2, 200))
		if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
			t.Fatal(err)
		}
		w.comes("push T-1 superseded superseded.newer", "push T-1 delivered ")
		if sent := w.target.sent(); len(sent) != 1 || !strings.Contains(string(sent[0].Doc), "200") {
			t.Fatalf("sent %v", sent)
		}
	})
}

func TestAnEditedSuccessorStillWaits(t *testing.T) {
	w := newWorld(t, afterFlow("oms.push"), nil)
	w.target.answer(times(1, "push", refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused", "save T-1 blocked blocked.predecessor")
	if err := w.edit(w.open(2), map[string]any{"total": number(t, "150")}); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 parked test.refused", "save T-1 blocked blocked.predecessor")
	if err := w.edit(w.open(1), map[string]any{"total": number(t, "120")}); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 delivered ", "save T-1 delivered ")
	if sent := w.crm.sent(); len(sent) != 1 || !strings.Contains(string(sent[0].Doc), "150") {
		t.Fatalf("sent %v", sent)
	}
}

func TestAnEditOfAOneShotNeedsConfirmation(t *testing.T) {
	w := newWorld(t, flowTo("ship"), func(o *connectors.Operation) { o.Budget, o.BudgetKey = 2, "/status" }, blindTarget)
	w.target.answer(times(1, "ship", lost))
	w.put(paid(1, 100))
	w.comes("ship T-1 parked unknown.one_shot")
	d := w.open(1)
	change := map[string]any{"total": number(t, "150")}
	if err := w.edit(d, change); !errors.Is(err, pipelines.ErrNeedsConfirmation) {
		t.Fatalf("it went unasked: %v", err)
	}
	var bad *pipelines.EditError
	if err := w.edit(d, map[string]any{"status": "shipped"}); !errors.As(err, &bad) || bad.Found[0].Pointer != "/status" {
		t.Fatalf("the calls would be counted elsewhere: %v", err)
	}
	if _, err := d.Apply(t.Context(), pipelines.Edit{Document: typed(d.Document, change), Who: "ann", Why: "read it", Confirmed: true}); err != nil {
		t.Fatal(err)
	}
	w.comes("ship T-1 delivered ")
	w.wantCalls("ship T-1")
}

// What may have taken effect is looked up before an edited document is sent.
func TestAnEditAsksWhatBecameOfTheOriginal(t *testing.T) {
	w := newWorld(t, flowTo("create"), nil)
	w.target.answer(lostAfter(w, "create"))
	w.target.answerLook(func(string, connectors.Delivery) connectors.Finding {
		return connectors.Finding{Presence: connectors.CannotTell}
	})
	w.put(paid(1, 100))
	w.until("it to be unknown", func() bool { return len(w.states()) == 1 && strings.Contains(w.states()[0], "unknown") })
	if _, err := w.eng.EditDelivery(t.Context(), w.delivery(1).ID); !errors.Is(err, pipelines.ErrNotEditable) {
		t.Fatalf("a document on its way: %v", err)
	}
	w.target.answerLook(func(string, connectors.Delivery) connectors.Finding {
		return connectors.Finding{Presence: connectors.Other, Fields: []string{"total"}}
	})
	parked := func() bool { return strings.Contains(strings.Join(w.states(), " "), "parked") }
	w.until("it to be parked", parked)
	if err := w.edit(w.open(1), map[string]any{"total": number(t, "150")}); err != nil {
		t.Fatal(err)
	}
	looks := w.target.lookups()
	w.until("the target to be asked", func() bool { return w.target.lookups() > looks && parked() })
	w.wantCalls("create T-1") // the first one, and no second
}

func TestAnEditedMessageIsMappedAndItsBytesStay(t *testing.T) {
	eachStore(t, true, func(t *testing.T, store func(*world)) {
		w := newWorld(t, flowTo("push"), nil, store)
		w.put(shopDoc{No: "1", Status: "payed", Fen: 100, Version: 1})
		w.until("it to be parked", func() bool { return len(w.states()) == 1 && strings.Contains(w.states()[0], "parked schema.canonical") })
		rec := w.record(1)
		raw := w.text(rec.Payload)
		d, other := w.openRecord(1), w.openRecord(1)
		trial, err := d.Try(t.Context(), typed(d.Document, map[string]any{"status": "sold"}))
		if err != nil || trial.State != "parked" || trial.Code != pipelines.CodeSchema {
			t.Fatalf("the trial: %+v, %v", trial, err)
		}
		var still *pipelines.StillParked
		if err := w.edit(d, map[string]any{"status": "sold"}); !errors.As(err, &still) || still.Code != pipelines.CodeSchema {
			t.Fatalf("what no mapping knows: %v", err)
		}
		var bad *pipelines.EditError
		if err := w.edit(d, map[string]any{"no": "2", "status": "paid"}); !errors.As(err, &bad) || bad.Found[0].Pointer != "/no" {
			t.Fatalf("another record key: %v", err)
		}
		w.target.answer(times(1, "push", refused))
		if err := w.edit(d, map[string]any{"status": "paid", "fen": number(t, "120")}); err != nil {
			t.Fatal(err)
		}
		if err := w.edit(other, map[string]any{"status": "closed"}); !errors.Is(err, pipelines.ErrMoved) {
			t.Fatalf("whoever came second: %v", err)
		}
		w.comes("push T-1 parked test.refused")
		if got := w.text(w.record(1).Payload); got != raw {
			t.Fatalf("the record's bytes are now %s", got)
		}
		w.crash()
		// A re-map takes the edited document, until a person goes back to the original.
		p, err := w.eng.PreviewDelivery(t.Context(), w.delivery(1).ID, pipelines.Remap)
		if err != nil || !p.Edited || !strings.Contains(string(p.Document), "120") {
			t.Fatalf("the preview %+v, %v", p, err)
		}
		if err := w.eng.UseOriginal(t.Context(), rec.ID, 0, "ann", "it was right"); !errors.Is(err, pipelines.ErrMoved) {
			t.Fatalf("of a revision before: %v", err)
		}
		if err := w.eng.UseOriginal(t.Context(), rec.ID, w.record(1).Revision, "ann", "it was right"); err != nil {
			t.Fatal(err)
		}
		if p, err = w.eng.PreviewDelivery(t.Context(), w.delivery(1).ID, pipelines.Remap); err != nil || p.Edited || p.Code != pipelines.CodeSchema {
			t.Fatalf("the preview of the original %+v, %v", p, err)
		}
		edits, err := w.led.RecordEdits(t.Context(), rec.ID)
		if err != nil || len(edits) != 2 || !strings.Contains(w.text(edits[0].After), "120") || edits[1].After != (ledger.Ref{}) {
			t.Fatalf("the history %+v, %v", edits, err)
		}
		// What the source says next is a version like any other.
		w.put(paid(2, 300))
		w.comes("push T-1 superseded superseded.newer", "push T-1 delivered ")
		if sent := w.target.sent(); len(sent) != 1 || !strings.Contains(string(sent[0].Doc), "300") {
			t.Fatalf("sent %v", sent)
		}
	})
}

func TestAnEditThatIsNotDurableNeverWas(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := newWorld(t, flowTo("push"), nil)
		w.target.answer(times(1, "push", refused))
		w.put(paid(1, 100))
		w.comes("push T-1 parked test.refused")
		w.stop()
		w.opt.Log = nil // it complains of its end
		d := &dead{die: unit[*ledger.Settle], after: after, died: make(chan struct{})}
		w.startWith(func(l ledger.Ledger) ledger.Ledger { d.Ledger = l; return d })
		if err := w.edit(w.open(1), map[string]any{"total": number(t, "150")}); err == nil {
			t.Fatal("the end was not noticed")
		}
		w.crash()
		if !after {
			w.comes("push T-1 parked test.refused")
			if row := w.delivery(1); row.Revision != 0 || !strings.Contains(w.text(row.Payload), "100") {
				t.Fatalf("half an edit: %+v", row)
			}
			continue
		}
		w.comes("push T-1 delivered ")
		if sent := w.target.sent(); len(sent) != 1 || !strings.Contains(string(sent[0].Doc), "150") {
			t.Fatalf("sent %v", sent)
		}
	}
}
