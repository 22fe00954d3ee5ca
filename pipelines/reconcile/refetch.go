package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// healTick is how often the ledger is asked whether what was fetched is mapped.
const healTick = 200 * time.Millisecond

// refetch asks the source for the current state of every finding's document: one by
// one, or by pulling their time again where the stream gives no single document.
func (h *healer) refetch(ctx context.Context) error {
	again := map[flow.Source]*connectors.Window{}
	for i := range h.rep.Findings {
		f := &h.rep.Findings[i]
		ref, ok := f.doc()
		if !ok || h.fetched[ref] != nil {
			continue
		}
		of := flow.Source{Connection: ref.connection, Stream: ref.stream}
		got := &refetched{}
		h.fetched[ref] = got
		decl, ok := h.stream(of)
		if !ok {
			got.err, got.settled = fmt.Errorf("stream %s.%s is not there any more", of.Connection, of.Stream), true
			continue
		}
		rec := &ledger.Record{DocKey: ledger.DocKey{Connection: ref.connection, Entity: decl.Entity, Key: ref.key}, Stream: ref.stream, RootKey: ref.key}
		if f.Record != 0 {
			newest, err := h.newest(ctx, f.Record)
			if err != nil {
				return err
			}
			rec = newest
		}
		err := h.rc.opt.Engine.Refetch(ctx, rec)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && decl.Windowed && decl.Pull && f.Heal == ByRefetch:
			w := again[of]
			if w == nil {
				w = &connectors.Window{From: f.At, To: f.At}
				again[of] = w
			}
			if f.At.Before(w.From) {
				w.From = f.At
			}
			if f.At.After(w.To) {
				w.To = f.At
			}
		case err != nil:
			got.err, got.settled = err, true
		}
	}
	for of, w := range again {
		if err := h.backfill(ctx, of, *w); err != nil {
			return err
		}
	}
	return nil
}

// backfill pulls the time of some findings again. A backfill goes on where one of the
// same window stopped; this one is to be read anew, so it begins at a moment of its own.
func (h *healer) backfill(ctx context.Context, of flow.Source, w connectors.Window) error {
	decl, _ := h.stream(of)
	grain := max(decl.Grain, time.Second)
	w.From = w.From.Truncate(grain).Add(-grain * time.Duration(1+h.rc.opt.Now().Unix()%600))
	w.To = w.To.Truncate(grain).Add(grain)
	err := h.rc.opt.Engine.Backfill(ctx, of.Connection, of.Stream, w)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		for ref, got := range h.fetched {
			if ref.connection == of.Connection && ref.stream == of.Stream && !got.settled {
				got.err, got.settled = err, true
			}
		}
	}
	return nil
}

// wait lets what was fetched become mapped records, for a bounded time.
func (h *healer) wait(ctx context.Context) error {
	deadline := time.NewTimer(h.rc.opt.HealWait)
	defer deadline.Stop()
	tick := time.NewTicker(healTick)
	defer tick.Stop()
	for {
		left, err := h.unsettled(ctx)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return nil // what is left says so
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *healer) unsettled(ctx context.Context) (int, error) {
	pending := map[flow.Source]map[string]bool{}
	left := 0
	for ref, got := range h.fetched {
		if got.settled {
			continue
		}
		of := flow.Source{Connection: ref.connection, Stream: ref.stream}
		if pending[of] == nil {
			var err error
			if pending[of], err = h.hints(ctx, of); err != nil {
				return 0, err
			}
		}
		if pending[of][ref.key] {
			left++
			continue
		}
		decl, _ := h.stream(of)
		rec, err := h.rc.opt.Ledger.Latest(ctx, ledger.DocKey{Connection: ref.connection, Entity: decl.Entity, Key: ref.key})
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			got.settled = true
		case err != nil:
			return 0, err
		case rec.State == ledger.RecordReceived:
			left++
		default:
			got.rec, got.settled = rec, true
		}
	}
	return left, nil
}

// hints returns the keys of a stream that wait to be fetched.
func (h *healer) hints(ctx context.Context, of flow.Source) (map[string]bool, error) {
	out := map[string]bool{}
	f := ledger.Filter{Connection: of.Connection, Stream: of.Stream, States: []string{"pending"}, Limit: pageSize}
	for {
		hs, err := h.rc.opt.Ledger.Hints(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, x := range hs {
			out[x.Key], f.After = true, x.ID
		}
		if len(hs) < pageSize {
			return out, nil
		}
	}
}
