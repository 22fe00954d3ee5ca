package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	atShop = "shop-a.orders"
	atOMS  = "oms.order.push"
	id1    = "a0001"
	key1   = "shop-a-a0001"
)

var noon = day0.Add(12 * time.Hour)

func TestKinds(t *testing.T) {
	tests := []struct {
		name  string
		plant func(w *world)
		want  []brief
	}{
		{"in agreement", func(w *world) { w.synced("shop-a", 1, noon) }, nil},
		{"never pulled", func(w *world) { w.order("shop-a", 1, noon) },
			[]brief{{MissingInLedger, WhyNeverPulled, ByRefetch, atShop, id1, ""}}},
		{"deleted at the target after a receipt", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.drop(push, key1)
		}, []brief{{MissingAtTarget, WhyGone, "", atOMS, id1, key1}}},
		{"not routed, because no flow took it then", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.commit(&ledger.Route{Record: w.pull(p), To: ledger.RecordNoTarget})
		}, []brief{{MissingAtTarget, WhyNotRouted, ByReplay, atOMS, id1, ""}}},
		{"not sent, because the target was in shadow then", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code, d.Claim = ledger.Filtered, codeShadow, false })
		}, []brief{{MissingAtTarget, WhyNotSent, ByReplay, atOMS, id1, key1}}},
		{"deleted at the source", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.shops["shop-a"].drop(orders, id1)
		}, []brief{{MissingAtSource, WhyNotAtSource, "", atShop, id1, ""}, {MissingAtSource, WhyAlive, "", atOMS, id1, key1}}},
		{"two at the target", func(w *world) {
			w.omsHas(w.synced("shop-a", 1, noon), noon)
		}, []brief{{Double, WhyTwice, "", atOMS, id1, key1}}},
		{"another amount at the target", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.find(push, key1).Amount++
		}, []brief{{Differs, WhyTarget, "", atOMS, id1, key1}}},
		{"cancelled at the target alone", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.find(push, key1).Status = cancelled
		}, []brief{{Differs, WhyTarget, "", atOMS, id1, key1}}},
		{"an update that was missed", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Amount += 500
			p.At += 60
			w.shopHas(p)
		}, []brief{{Differs, WhySource, ByRefetch, atShop, id1, ""}}},
		{"a tombstone of what the source has", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			w.shops["shop-a"].drop(orders, id1)
			w.at(noon.Add(time.Hour), func() { w.fetch(ledger.DocKey{Connection: "shop-a", Entity: "order", Key: id1}) })
			w.shopHas(p)
		}, []brief{{Differs, WhyDeletedThere, ByRefetch, atShop, id1, ""}, {MissingAtSource, WhyAlive, "", atOMS, id1, key1}}},
		{"a key of ours without a record", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.omsHas(paper{ID: "a7777", Store: "shop-a", Status: open, Amount: 1}, noon)
		}, []brief{{Orphan, WhyNoRecord, "", atOMS, "", "shop-a-a7777"}}},
		{"unknown, and the document is there", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.settle(w.routed(p, w.pull(p), nil), ledger.Unknown, nil)
			w.omsHas(p, noon)
		}, []brief{{UnknownResolved, WhyUnknown, ByLookup, atOMS, id1, key1}}},
		{"parked after an unsure attempt, and the document is there", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.settle(w.routed(p, w.pull(p), nil), ledger.Parked, func(s *ledger.Settle) { s.Holds, s.Code = true, "unknown.one_shot" })
			w.omsHas(p, noon)
		}, []brief{{UnknownResolved, WhyUnsure, ByLookup, atOMS, id1, key1}}},
		{"cancelled at the source, and the hub missed it", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, p.At+60
			w.shopHas(p)
		}, []brief{{Differs, WhySource, ByRefetch, atShop, id1, ""}, {CancelledAlive, WhyAtSource, ByRefetch, atOMS, id1, key1}}},
		{"cancelled at the source, and the flow let it through", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, p.At+60
			w.shopHas(p)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code = ledger.Filtered, "flow.filtered" })
		}, []brief{{CancelledAlive, WhyAtSource, "", atOMS, id1, key1}}},
		{"cancelled with a receipt, and alive again", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, p.At+60
			w.shopHas(p)
			w.cancelAtOMS(p, noon.Add(time.Hour))
			w.oms.find(push, key1).Status = open
		}, []brief{{CancelledAlive, WhyWithdrawn, "", atOMS, id1, key1}}},
		{"an older generation of its key that is alive", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.settle(w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.Generation = 1 }), ledger.Delivered, nil)
			w.omsHas(p, noon)
			second := *w.omsHas(p, noon)
			second.Key += "-g1"
			w.oms.docs[push][1] = second
		}, []brief{{CancelledAlive, WhyGeneration, "", atOMS, id1, key1}}},
		{"parked, which is known", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code = ledger.Parked, "schema.target" })
		}, []brief{{Parked, WhyDelivery, "", atOMS, id1, key1}}},
		{"a record that is parked", func(w *world) {
			w.commit(&ledger.Route{Record: w.pull(w.order("shop-a", 1, noon)), To: ledger.RecordParked, Code: "schema.canonical"})
		}, []brief{{Parked, WhyRecord, "", atShop, id1, ""}}},
		{"a fetch that is parked", func(w *world) {
			w.order("shop-a", 1, noon)
			h := &ledger.NewHint{Stream: orders, Key: id1, RootKey: id1, RootEnt: "order"}
			w.commit(&ledger.Intake{Connection: "shop-a", Stream: orders, Hints: []*ledger.NewHint{h}})
			w.commit(&ledger.Intake{Connection: "shop-a", Stream: orders, Answered: []ledger.HintDone{{ID: h.ID, Asked: 1, State: "parked", Code: "retry.too_old"}}})
		}, []brief{{Parked, WhyHint, "", atShop, id1, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.at(noon.Add(2*time.Minute), func() { tt.plant(w) })
			rep := w.run()
			if d := cmp.Diff(tt.want, briefs(rep)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			drift := 0
			for _, b := range tt.want {
				if b.Kind != Parked {
					drift++
				}
			}
			if rep.Drift != drift || rep.New != drift || rep.Partial || len(rep.NotCompared) > 0 {
				t.Errorf("drift %d, new %d, want %d; partial %t, not compared %v", rep.Drift, rep.New, drift, rep.Partial, rep.NotCompared)
			}
		})
	}
}

func TestLookAlikesAreNoDrift(t *testing.T) {
	unfinished := func(to ledger.State) func(w *world) {
		return func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.settle(w.routed(p, w.pull(p), nil), to, func(s *ledger.Settle) { s.NextAt = w.now.Add(time.Hour) })
		}
	}
	type counts = map[string]int
	tests := []struct {
		name           string
		plant          func(w *world)
		flight, looks  counts
		agreesAtTarget int
	}{
		{"a hint that waits", func(w *world) {
			w.order("shop-a", 1, noon)
			w.commit(&ledger.Intake{Connection: "shop-a", Stream: orders, Hints: []*ledger.NewHint{{Stream: orders, Key: id1, RootKey: id1, RootEnt: "order"}}})
		}, counts{atShop + " hint": 1}, nil, 0},
		{"an update whose hint waits", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Amount++
			w.shopHas(p)
			w.commit(&ledger.Intake{Connection: "shop-a", Stream: orders, Hints: []*ledger.NewHint{{Stream: orders, Key: id1, RootKey: id1, RootEnt: "order"}}})
		}, counts{atShop + " hint": 1}, nil, 1},
		{"a record that waits to be mapped", func(w *world) { w.pull(w.order("shop-a", 1, noon)) },
			counts{atShop + " received": 1, atOMS + " received": 1}, nil, 0},
		{"ready", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), nil)
		}, counts{atOMS + " ready": 1}, nil, 0},
		{"waiting", unfinished(ledger.Waiting), counts{atOMS + " waiting": 1}, nil, 0},
		{"accepted", unfinished(ledger.Accepted), counts{atOMS + " accepted": 1}, nil, 0},
		{"unknown, and the document is not there", unfinished(ledger.Unknown), counts{atOMS + " unknown": 1}, nil, 0},
		{"blocked", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) {
				d.State, d.Deps = ledger.Blocked, []ledger.Dep{{Kind: ledger.DepLookup, Key: ledger.LookupKey("skus", "X")}}
			})
		}, counts{atOMS + " blocked": 1}, nil, 0},
		{"a newer version on its way", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Amount, p.At = p.Amount+1, p.At+60
			w.shopHas(p)
			w.routed(p, w.pull(p), nil)
		}, counts{atOMS + " ready": 1}, nil, 0},
		{"cancelled after the window's end, not pulled yet", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, day1.Add(time.Minute).Unix()
			w.shopHas(p)
		}, nil, counts{atShop + " changed_after_window": 1}, 0},
		{"cancelled after the window's end, pulled already", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, day1.Add(time.Minute).Unix()
			w.shopHas(p)
			w.at(day1.Add(2*time.Minute), func() {
				w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code = ledger.Filtered, "flow.filtered" })
			})
		}, nil, counts{atOMS + " changed_after_window": 1}, 0},
		{"deleted by hand and given up", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			w.oms.drop(push, key1)
			p.Amount, p.At = p.Amount+1, p.At+60
			w.shopHas(p)
			d := w.routed(p, w.pull(p), nil)
			w.settle(d, ledger.Parked, func(s *ledger.Settle) { s.Clean = true })
			w.settle(d, ledger.Discarded, func(s *ledger.Settle) { s.Who, s.Text = "li", "the customer called" })
		}, nil, counts{atOMS + " discarded": 1}, 0},
		{"shipped at the target", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.find(push, key1).Status = closed
		}, nil, counts{atOMS + " moved_on": 1}, 1},
		{"changed at the target after the window", func(w *world) {
			w.synced("shop-a", 1, noon)
			r := w.oms.find(push, key1)
			r.Amount, r.Modified = 1, day1.Add(time.Minute)
		}, nil, counts{atOMS + " changed_after_window": 1}, 0},
		{"cancelled on both sides", func(w *world) {
			p := w.synced("shop-a", 1, noon)
			p.Status, p.At = cancelled, p.At+60
			w.shopHas(p)
			w.cancelAtOMS(p, noon.Add(time.Hour))
		}, nil, nil, 1},
		{"two at the target, one of them cancelled", func(w *world) {
			w.omsHas(w.synced("shop-a", 1, noon), noon)
			w.oms.find(push, key1).Status = cancelled
		}, nil, nil, 1},
		{"filtered by the flow", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code, d.Claim = ledger.Filtered, "flow.filtered", false })
		}, nil, counts{atOMS + " filtered": 1}, 0},
		{"somebody else's document", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.oms.put(push, connectors.Summary{Key: "TB-1", Status: open, At: noon, Modified: noon})
		}, nil, counts{atOMS + " not_ours": 1}, 1},
		{"an orphan that is cancelled", func(w *world) {
			w.synced("shop-a", 1, noon)
			w.omsHas(paper{ID: "a7777", Store: "shop-a", Status: cancelled}, noon)
		}, nil, counts{atOMS + " cancelled_orphan": 1}, 1},
		{"the last moment before midnight, delivered the next day", func(w *world) {
			w.deliver(w.order("shop-a", 1, day1.Add(-time.Second)), day1.Add(20*time.Minute))
		}, nil, nil, 1},
		{"the first moment of the next day", func(w *world) { w.order("shop-a", 1, day1) }, nil, nil, 0},
		{"the last moment of the day before, delivered in the window", func(w *world) {
			p := w.order("shop-a", 1, day0.Add(-time.Second))
			w.deliver(p, day0.Add(time.Minute))
		}, nil, nil, 1},
		{"at the target's clock, delivered before the window began", func(w *world) {
			w.deliver(w.order("shop-a", 1, day0), day0.Add(-20*time.Minute))
		}, nil, nil, 1},
		{"an old document that the target's list does not show", func(w *world) {
			p := w.order("shop-a", 1, noon)
			w.deliver(p, noon)
			w.oms.find(push, key1).At = day0.AddDate(0, 0, -30) // listed by when it was created
		}, nil, nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.at(noon.Add(2*time.Minute), func() { tt.plant(w) })
			rep := w.run()
			if d := cmp.Diff([]brief(nil), briefs(rep)); d != "" {
				t.Errorf("findings:\n%s", d)
			}
			if rep.Drift != 0 || rep.Partial {
				t.Errorf("drift %d, partial %t", rep.Drift, rep.Partial)
			}
			for _, c := range []struct {
				what      string
				want, got counts
			}{{"in flight", tt.flight, states(rep.InFlight)}, {"look-alikes", tt.looks, states(rep.LookAlikes)}} {
				if c.want == nil {
					c.want = counts{}
				}
				if d := cmp.Diff(c.want, c.got); d != "" {
					t.Errorf("%s (-want +got):\n%s", c.what, d)
				}
			}
			if n := equal(rep, atOMS); n != tt.agreesAtTarget {
				t.Errorf("%d documents agree at the target, want %d", n, tt.agreesAtTarget)
			}
			if healed, err := New(w.opt).Heal(w.ctx, rep.ID, "test"); err != nil || len(healed.Done)+len(healed.Proposed) > 0 || len(w.calls) > 0 {
				t.Errorf("look-alikes were healed: %+v, %v, %v", healed, err, w.calls)
			}
		})
	}
}

func equal(rep *Report, place string) int {
	n := 0
	for _, s := range rep.Sides {
		if s.Place.String() == place {
			n += s.Equal
		}
	}
	return n
}

func TestADocumentOfAnotherTimeThatTheTargetChangedIsCompared(t *testing.T) {
	w := newWorld(t)
	p := w.order("shop-a", 1, day0.AddDate(0, 0, -9))
	w.deliver(p, day0.AddDate(0, 0, -9))
	r := w.oms.find(push, key1)
	r.Lines, r.At, r.Modified = 9, noon, noon
	want := []brief{{Differs, WhyTarget, "", atOMS, id1, key1}}
	rep := w.run()
	if d := cmp.Diff(want, briefs(rep)); d != "" {
		t.Fatalf("findings (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]Field{{"lines", "2", "9"}}, rep.Findings[0].Fields); d != "" {
		t.Error(d)
	}
	if len(w.shops["shop-a"].listed) != 1 || w.shops["shop-a"].got != 0 {
		t.Error("the source was asked for more than its window")
	}
}

func TestTheTargetsModeDecidesWhetherItIsCompared(t *testing.T) {
	for _, mode := range []flow.Mode{flow.Shadow, flow.Off} {
		w := newWorld(t)
		p := w.order("shop-a", 1, noon)
		w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code, d.Claim = ledger.Filtered, "target."+string(mode), false })
		w.flows[orders].Steps[0].Mode = mode
		rep := w.run()
		if len(rep.Findings) != 0 || len(rep.NotCompared) != 1 || rep.NotCompared[0].What != "target" || len(w.oms.listed) != 0 {
			t.Errorf("%s: findings %v, not compared %v", mode, rep.Findings, rep.NotCompared)
		}
	}
}
