package pipelines_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
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
