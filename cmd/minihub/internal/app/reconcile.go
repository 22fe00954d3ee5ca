package app

import (
	"context"
	"fmt"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/reconcile"
	"github.com/minihub/minihub/schemas/codec"
)

// reconciler compares through the hub's own connections and limits.
func (a *App) reconciler() *reconcile.Reconciler {
	return reconcile.New(reconcile.Options{Ledger: a.ledger, Engine: healer{a.engine}, Take: a.engine.Take, Mask: a.mask,
		Zone: a.live.Load().dep.Hub.Zone, Log: a.opt.Log})
}

// healer is the engine as reconciliation knows it.
type healer struct{ *pipelines.Engine }

func (h healer) Backfill(ctx context.Context, connection, stream string, w connectors.Window) error {
	_, err := h.Engine.Backfill(ctx, connection, stream, w, nil)
	return err
}

func (h healer) ReplayRecord(ctx context.Context, id int64, who string) (reconcile.Moved, error) {
	r, err := h.Engine.ReplayRecord(ctx, id, pipelines.Remap, who)
	return reconcile.Moved{To: r.To, Code: r.Code, Text: r.Text}, err
}

func (h healer) ReplayDelivery(ctx context.Context, id int64, who string) (reconcile.Moved, error) {
	r, err := h.Engine.ReplayDelivery(ctx, id, pipelines.AsSent, who, false)
	return reconcile.Moved{To: r.To, Code: r.Code, Text: r.Text}, err
}

// mask hides the personal values of a target document, by its schema (Invariant 8).
func (a *App) mask(connection, operation string, document []byte) ([]byte, error) {
	_, c, ok := a.engine.Conn(connection)
	if !ok {
		return nil, fmt.Errorf("there is no connection %q", connection)
	}
	op, ok := c.Operation(operation)
	if !ok {
		return nil, fmt.Errorf("connection %s has no operation %q", connection, operation)
	}
	schema, ok := a.live.Load().dep.Schemas.Get(op.Schema)
	if !ok {
		return nil, fmt.Errorf("operation %s.%s has no schema that says what is personal", connection, operation)
	}
	tree, err := codec.Decode(document)
	if err != nil {
		return nil, err
	}
	return codec.Encode(schema.Mask(tree))
}

// reconcileJob is the scheduled comparison; with heal it also heals what may be healed.
func (a *App) reconcileJob(ctx context.Context, j *config.Reconcile) (map[string]int64, error) {
	rc := a.reconciler()
	to := time.Now().Add(-j.Grace)
	rep, err := rc.Run(ctx, reconcile.Request{Flows: j.Flows, From: to.Add(-j.Window), To: to, Grace: j.Grace}, nil)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{"report": rep.ID, "drift": int64(rep.Drift), "new": int64(rep.New)}
	if j.Heal && rep.Drift > 0 {
		healed, err := rc.Heal(ctx, rep.ID, "job")
		if err != nil {
			return counts, err
		}
		counts["healed"], counts["proposed"], counts["failed"] = int64(len(healed.Done)), int64(len(healed.Proposed)), int64(len(healed.Failed))
	}
	return counts, nil
}
