package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
)

func (w *world) heal(rep *Report) *Healed {
	w.t.Helper()
	h, err := New(w.opt).Heal(w.ctx, rep.ID, "li")
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func actions(list []Act) []string {
	var out []string
	for _, a := range list {
		out = append(out, string(a.Kind)+" "+a.SourceKey+" "+a.Action+" "+a.To)
	}
	return out
}

func TestHealing(t *testing.T) {
	tests := []struct {
		name     string
		plant    func(w *world)
		done     []string
		proposed []string // kind, action, operation
		calls    []string
		left     int // drift of the next run, none of it new
	}{
		{"never pulled", func(w *world) { w.order("shop-a", 1, noon) },
			[]string{"missing_in_ledger a0001 refetched routed"}, nil, []string{"refetch a0001"}, 0},
		{"not routed", func(w *world) {
			w.commit(&ledger.Route{Record: w.pull(w.order("shop-a", 1, noon)), To: ledger.RecordNoTarget})
		}, []string{"missing_at_target a0001 routed routed"}, nil, []string{"refetch a0001", "replay record by li"}, 0},
		{"not sent in shadow, where the engine routes no record twice", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code, d.Claim = ledger.Filtered, codeShadow, false })
		}, nil, []string{"missing_at_target send order.push"}, []string{"refetch a0001", "replay record by li"}, 1},
		{"an update that was missed", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Amount, p.At = p.Amount+500, p.At+60
			w.shopHas(p)
		}, []string{"differs a0001 refetched routed"}, nil, []string{"refetch a0001"}, 0},
		{"a cancel that was missed", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, p.At+60
			w.shopHas(p)
		}, []string{"differs a0001 refetched routed", "cancelled_alive a0001 refetched routed"}, nil, []string{"refetch a0001"}, 0},
		{"parked after an unsure attempt", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.settle(w.routed(p, w.pull(p), nil), ledger.Parked, func(s *ledger.Settle) { s.Holds = true })
			w.omsHas(p, noon)
		}, []string{"unknown_resolved a0001 replayed delivered"}, nil, []string{"refetch a0001", "replay delivery by li"}, 0},
		{"unknown", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.settle(w.routed(p, w.pull(p), nil), ledger.Unknown, func(s *ledger.Settle) { s.NextAt = w.now })
			w.omsHas(p, noon)
		}, []string{"unknown_resolved a0001 waits unknown"}, nil, []string{"refetch a0001"}, 1},
		{"deleted at the target after a receipt", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.drop(push, key1)
		}, nil, []string{"missing_at_target send order.push"}, []string{"refetch a0001"}, 1},
		{"another amount at the target", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.find(push, key1).Amount = 1
		}, nil, []string{"differs send order.push"}, []string{"refetch a0001"}, 1},
		{"cancelled with a receipt, and alive again", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, p.At+60
			w.shopHas(p)
			w.cancelAtOMS(p, noon.Add(time.Hour))
			w.oms.find(push, key1).Status = open
		}, nil, []string{"cancelled_alive cancel order.cancel"}, []string{"refetch a0001"}, 1},
		{"two at the target", func(w *world) { w.omsHas(w.synced("shop-a", 1, noon), noon) },
			nil, []string{"double look "}, []string{"refetch a0001"}, 1},
		{"an orphan", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.omsHas(paper{ID: "a7777", Store: "shop-a", Status: open}, noon)
		}, nil, []string{"orphan look "}, nil, 1},
		{"parked is a person's", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code = ledger.Parked, "schema.target" })
		}, nil, nil, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.at(noon.Add(2*time.Minute), func() { tt.plant(w) })
			before := len(w.oms.docs[push])
			h := w.heal(w.run())
			if d := cmp.Diff(tt.done, actions(h.Done)); d != "" {
				t.Errorf("done (-want +got):\n%s", d)
			}
			var proposed []string
			for _, p := range h.Proposed {
				proposed = append(proposed, string(p.Kind)+" "+p.Action+" "+p.Operation)
				if p.Operation != "" && (!strings.Contains(string(p.Document), `"receiver":"***"`) || strings.Contains(string(p.Document), "周")) {
					t.Errorf("the request shows %s", p.Document)
				}
			}
			if d := cmp.Diff(tt.proposed, proposed); d != "" {
				t.Errorf("proposed (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.calls, w.calls); d != "" {
				t.Errorf("the engine was asked (-want +got):\n%s", d)
			}
			if len(tt.proposed) > 0 && len(w.oms.docs[push]) != before {
				t.Error("what is proposed was sent")
			}
			if len(h.Failed) > 0 {
				t.Errorf("failed: %+v", h.Failed)
			}
			if rep := w.run(); rep.Drift != tt.left || rep.New != 0 {
				t.Errorf("the next run has drift %d (want %d), new %d: %v", rep.Drift, tt.left, rep.New, briefs(rep))
			}
		})
	}
}

func TestAStreamThatGivesNoSingleDocumentIsPulledAgain(t *testing.T) {
	w := newWorld(t)
	w.conns["shop-a"].Streams[0].Hints = false
	w.order("shop-a", 1, noon)
	w.order("shop-a", 2, noon.Add(time.Hour))
	h := w.heal(w.run())
	if d := cmp.Diff([]string{"missing_in_ledger a0001 refetched routed", "missing_in_ledger a0002 refetched routed"}, actions(h.Done)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"refetch a0001", "refetch a0002", "backfill shop-a.orders"}, w.calls); d != "" {
		t.Error(d)
	}
	if rep := w.run(); len(rep.Findings) != 0 {
		t.Error(briefs(rep))
	}
}

// slow is an engine whose fetches do not end.
type slow struct{ *world }

func (s slow) Refetch(_ context.Context, rec *ledger.Record) error {
	s.commit(&ledger.Intake{Connection: rec.DocKey.Connection, Stream: rec.Stream, Hints: []*ledger.NewHint{{Stream: rec.Stream, Key: rec.DocKey.Key,
		RootKey: rec.DocKey.Key, RootEnt: "order"}}})
	return nil
}

func TestHealDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t)
	w.opt.Engine, w.opt.HealWait = slow{w}, time.Millisecond
	w.order("shop-a", 1, noon)
	w.synced("shop-a", 2, noon)
	w.oms.drop(push, "shop-a-a0002")
	h := w.heal(w.run())
	if len(h.Done) != 0 || len(h.Failed) != 1 || h.Failed[0].SourceKey != id1 {
		t.Errorf("done %+v, failed %+v", h.Done, h.Failed)
	}
	if len(h.Proposed) != 1 || h.Proposed[0].SourceKey != "a0002" {
		t.Errorf("proposed %+v", h.Proposed)
	}
}

func TestANewerVersionOnItsWayNeedsNoProposal(t *testing.T) {
	w := newWorld(t)
	p := w.synced("shop-a", 1, noon)
	w.oms.drop(push, key1)
	rep := w.run()
	p.Amount, p.At = p.Amount+1, p.At+60
	w.shopHas(p)
	w.routed(p, w.pull(p), nil)
	h := w.heal(rep)
	if d := cmp.Diff([]string{"missing_at_target a0001 on_its_way ready"}, actions(h.Done)); d != "" || len(h.Proposed) > 0 {
		t.Errorf("proposed %v: %s", h.Proposed, d)
	}
}

func TestWithoutAMaskNoDocumentIsShown(t *testing.T) {
	for name, mask := range map[string]func(string, string, []byte) ([]byte, error){
		"none":    nil,
		"failing": func(string, string, []byte) ([]byte, error) { return nil, errors.New("no schema") },
		"not JSON": func(_, _ string, doc []byte) ([]byte, error) {
			return append([]byte("x"), doc...), nil
		},
	} {
		w := newWorld(t)
		w.synced("shop-a", 1, noon)
		w.oms.drop(push, key1)
		w.opt.Mask = mask
		h := w.heal(w.run())
		if len(h.Proposed) != 1 || h.Proposed[0].Document != nil || !strings.Contains(h.Proposed[0].Text, "withheld") {
			t.Errorf("%s: %+v", name, h.Proposed)
		}
	}
}

func TestReportsAreStored(t *testing.T) {
	w := newWorld(t)
	r := New(w.opt)
	if _, err := r.Load(w.ctx, 0); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("before the first run: %v", err)
	}
	if _, err := r.Heal(w.ctx, 0, "li"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("healing before the first run: %v", err)
	}
	w.order("shop-a", 1, noon)
	first := w.run()
	w.order("shop-a", 2, noon)
	second := w.run()
	if second.Previous != first.ID || second.Drift != 2 || second.New != 1 || second.Findings[0].New || !second.Findings[1].New {
		t.Errorf("%+v", second)
	}
	for id, want := range map[int64]*Report{0: second, first.ID: first, second.ID: second} {
		got, err := r.Load(w.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("report %d (-want +got):\n%s", id, d)
		}
	}
}
