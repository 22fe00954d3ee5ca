package pipelines_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// rehearsing is a target that makes dry runs: it asks for the key, then writes.
type rehearsing struct {
	*target
	t *testing.T
}

func (r rehearsing) DryRuns() {}

func (r rehearsing) Deliver(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	dry := connectors.DryRunOf(ctx)
	if dry == nil {
		return r.target.Deliver(ctx, op, batch)
	}
	if err := batch[0].Save(ctx, []byte(`{}`)); err == nil {
		r.t.Error("a dry run may save progress")
	}
	if err := dry.Pass(ctx, connectors.Exchange{Method: "GET", URL: "https://oms.test/" + batch[0].Key}, true); err != nil {
		return nil, err
	}
	return nil, dry.Pass(ctx, connectors.Exchange{Method: "POST", URL: "https://oms.test/", Request: string(batch[0].Document)}, false)
}

func TestARehearsalShowsTheRequestAndCountsNothing(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, func(w *world) {
		w.opt.Connections[1].Conn = rehearsing{w.target, t}
	})
	w.target.answer(times(1, "push", refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused")
	before := w.delivery(1)
	sent := len(w.target.sent())
	for _, mode := range []pipelines.ReplayMode{pipelines.AsSent, pipelines.Remap} {
		got, err := w.eng.RehearseDelivery(t.Context(), before.ID, mode)
		if err != nil || got.Call == nil || got.Call.Method != "POST" || got.Reads || got.Why != nil || got.Call.Request != string(got.Document) || got.Attempts != 1 || got.Unsure {
			t.Errorf("%s: %+v, %v", mode, got, err)
		}
	}
	// A held connection is asked nothing; what would be asked is still shown.
	if err := w.eng.Pause(t.Context(), "oms", "", "ann", "maintenance"); err != nil {
		t.Fatal(err)
	}
	got, err := w.eng.RehearseDelivery(t.Context(), before.ID, pipelines.Remap)
	if err != nil || !got.Reads || got.Call == nil || got.Call.Method != "GET" || got.Why == nil || !strings.HasPrefix(got.Why.Code, "dry_run.") {
		t.Errorf("of a held connection: %+v, %v", got, err)
	}
	if after := w.delivery(1); after.Attempts != before.Attempts || after.State != before.State || after.Revision != before.Revision || len(w.target.sent()) != sent {
		t.Errorf("a rehearsal changed %+v to %+v", before, after)
	}
}

// What a person typed is shown as the request that it would go out as, and stays theirs.
func TestAnEditIsRehearsed(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, func(w *world) {
		w.opt.Connections[1].Conn = rehearsing{w.target, t}
	})
	w.target.answer(times(1, "push", refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused")
	sent := len(w.target.sent())
	d := w.open(1)
	got, err := d.Rehearse(t.Context(), typed(d.Document, map[string]any{"total": number(t, "7")}))
	if err != nil || len(got) != 1 || got[0].Call == nil || got[0].Call.Request != strings.Replace(w.text(w.delivery(1).Payload), "100", "7", 1) || got[0].Attempts != 1 {
		t.Fatalf("of a delivery: %+v, %v", got, err)
	}
	var bad *pipelines.EditError
	if _, err := d.Rehearse(t.Context(), typed(d.Document, map[string]any{"key": "T-2"})); !errors.As(err, &bad) {
		t.Fatalf("another remote key: %v", err)
	}
	w.comes("push T-1 parked test.refused")

	w.put(shopDoc{No: "2", Status: "payed", Fen: 100, Version: 1})
	w.until("it to be parked", func() bool { return strings.Contains(strings.Join(w.states(), "\n"), "parked schema.canonical") })
	m := w.openRecord(2)
	got, err = m.Rehearse(t.Context(), typed(m.Document, map[string]any{"status": "paid", "fen": number(t, "120")}))
	if err != nil || len(got) != 1 || got[0].Call == nil || !strings.Contains(got[0].Call.Request, `120`) || got[0].Delivery != 0 {
		t.Fatalf("of a message: %+v, %v", got, err)
	}
	if len(w.target.sent()) != sent || w.record(2).State != ledger.RecordParked || w.delivery(1).Revision != 0 {
		t.Fatal("a rehearsal changed something")
	}
}

func TestAConnectorThatCannotRehearseIsNotAsked(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.target.answer(times(1, "push", refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused")
	sent := len(w.target.sent())
	got, err := w.eng.RehearseDelivery(t.Context(), w.delivery(1).ID, pipelines.Remap)
	if err != nil || got.Call != nil || got.Why == nil || got.Why.Code != pipelines.CodeNoDryRun || len(w.target.sent()) != sent {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.eng.RehearseDelivery(t.Context(), 99, pipelines.Remap); err == nil || errors.Is(err, pipelines.ErrNeedsConfirmation) {
		t.Errorf("of nothing: %v", err)
	}
}
