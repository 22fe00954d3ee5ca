package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

func TestSeekSkipsTheRecordsBeforeATime(t *testing.T) {
	for _, before := range []int{0, 1, 2, 7, 64, 100} {
		w := newWorld(t)
		w.at(day0.AddDate(0, 0, -9), func() {
			for n := range before {
				w.pull(w.order("shop-b", n, w.now))
			}
		})
		first := int64(0)
		w.at(noon, func() {
			first = w.pull(w.order("shop-a", 1, noon))
			w.pull(w.order("shop-a", 2, noon))
		})
		r, err := New(w.opt).begin(Request{From: day0, To: day1})
		if err != nil {
			t.Fatal(err)
		}
		after, err := (&source{run: r}).seek(w.ctx, day0)
		if err != nil || after >= first || after < int64(before)-1 {
			t.Errorf("%d records before: after %d, the first is %d, %v", before, after, first, err)
		}
	}
}

func TestADeliveryUnderAStepsOldNameStillCounts(t *testing.T) {
	w := newWorld(t)
	p := w.order("shop-a", 1, noon)
	w.at(noon, func() {
		d := w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.Flow, d.Step = "old", "push" })
		w.settle(d, ledger.Delivered, nil)
	})
	w.omsHas(p, noon)
	if rep := w.run(); rep.Drift != 0 || equal(rep, atOMS) != 1 {
		t.Errorf("findings %v", briefs(rep))
	}
	// Not under the name of a step that is still there: that one is another flow's.
	w.flows["old"] = &flow.Flow{Name: "old", Sources: w.flows[orders].Sources, Steps: []*flow.Step{{Flow: "old", Name: "push", Connection: "oms", Operation: push,
		Decl: w.flows[orders].Steps[0].Decl, Mode: flow.On}}}
	want := []brief{{MissingAtTarget, WhyNotRouted, ByReplay, atOMS, id1, ""}}
	if rep := w.run(); cmp.Diff(want, briefs(rep)) != "" {
		t.Errorf("findings %v", briefs(rep))
	}
}

func TestUnsureDeliveriesThatWereNotSeenStayWhatTheyAre(t *testing.T) {
	for name, asks := range map[string]bool{"asked": true, "not to be asked": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.oms.noGet = !asks
			p, q := w.order("shop-a", 1, noon), w.order("shop-a", 2, noon)
			w.settle(w.routed(p, w.pull(p), nil), ledger.Parked, func(s *ledger.Settle) { s.Code = "unknown.one_shot" })
			w.settle(w.routed(q, w.pull(q), nil), ledger.Unknown, func(s *ledger.Settle) { s.NextAt = w.now })
			rep := w.run()
			if d := cmp.Diff([]brief{{Parked, WhyDelivery, "", atOMS, id1, key1}}, briefs(rep)); d != "" || rep.Findings[0].Code != "unknown.one_shot" {
				t.Error(d)
			}
			if d := cmp.Diff(map[string]int{atOMS + " unknown": 1}, states(rep.InFlight)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatWasNeverSentMayNeedNothing(t *testing.T) {
	shadow := func(w *world, p paper) {
		w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.State, d.Code, d.Claim = ledger.Filtered, codeShadow, false })
	}
	for want, do := range map[string]func(w *world, p paper){
		"there_already": func(w *world, p paper) { shadow(w, p); w.omsHas(p, noon) },
		"cancelled_unsent": func(w *world, p paper) {
			p.Status = cancelled
			w.shopHas(p)
			shadow(w, p)
		},
		"not_routed": func(w *world, p paper) {
			w.flows[orders].When = condition(w.t, `order.status == "paid"`)
			w.commit(&ledger.Route{Record: w.pull(p), To: ledger.RecordNoTarget})
		},
		"withdrawn": func(w *world, p paper) {
			w.settle(w.routed(p, w.pull(p), nil), ledger.Withdrawn, func(s *ledger.Settle) { s.Clean = true })
		},
	} {
		w := newWorld(t)
		w.at(noon.Add(time.Minute), func() { do(w, w.order("shop-a", 1, noon)) })
		rep := w.run()
		if rep.Drift != 0 {
			t.Errorf("%s: findings %v", want, briefs(rep))
		}
		if want != "withdrawn" && states(rep.LookAlikes)[atOMS+" "+want] != 1 {
			t.Errorf("%s: counted as %v", want, rep.LookAlikes)
		}
	}
}

func TestRowsThatPagesMayHaveRepeatedFallBackToTheNewest(t *testing.T) {
	w := newWorld(t)
	many(w, 30)
	for i := range w.oms.docs[push] {
		w.oms.docs[push][i].RemoteIDs = nil
	}
	w.oms.again, w.oms.noGet = true, true
	if rep := w.run(); rep.Drift != 0 || equal(rep, atOMS) != 30 {
		t.Errorf("findings %v", briefs(rep))
	}
}

func TestTwoFlowsToOneTargetFindAnOrphanOnce(t *testing.T) {
	w := newWorld(t)
	second := *w.flows[orders]
	second.Name = "again"
	w.flows["again"] = &second
	w.synced("shop-a", 1, noon)
	w.omsHas(paper{ID: "a7777", Store: "shop-a", Status: open}, noon)
	n := 0
	rep := w.run()
	for _, f := range rep.Findings {
		if f.Kind == Orphan {
			n++
		}
	}
	if n != 1 || len(w.oms.listed) != 2 { // two spans of one window with its margins
		t.Errorf("%d orphans, listed %d times", n, len(w.oms.listed))
	}
	if s := sideOf(t, rep, atShop); s.Flow != "again, orders" || s.Compared != 1 {
		t.Errorf("the shared source is %+v", s)
	}
}
