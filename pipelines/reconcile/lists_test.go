package reconcile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

func many(w *world, n int) {
	for i := range n {
		w.synced("shop-a", i+1, day0.Add(time.Duration(i)*time.Minute))
	}
}

func sideOf(t *testing.T, rep *Report, place string) Side {
	t.Helper()
	for _, s := range rep.Sides {
		if s.Place.String() == place {
			return s
		}
	}
	t.Fatalf("no side %s in %v", place, rep.Sides)
	return Side{}
}

func TestPagesAreReadToTheEnd(t *testing.T) {
	w := newWorld(t)
	many(w, 40)
	var seen []Progress
	rep, err := New(w.opt).Run(w.ctx, Request{From: day0, To: day1}, func(p Progress) { seen = append(seen, p) })
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{atShop, atOMS} {
		if s := sideOf(t, rep, place); s.Listed != 40 || s.Equal != 40 || !s.Complete || s.ByKey != 0 {
			t.Errorf("%s: %+v", place, s)
		}
	}
	pages := 0
	for _, p := range seen {
		if p.Stage == "list" && p.Connection == "shop-a" {
			pages = p.Pages
		}
	}
	if pages != 6 {
		t.Errorf("progress told of %d pages of shop-a, want 6", pages)
	}
}

func TestARowOnTwoPagesIsOneDocument(t *testing.T) {
	t.Run("with remote ids", func(t *testing.T) {
		w := newWorld(t)
		many(w, 30)
		w.oms.again = true
		if rep := w.run(); rep.Drift != 0 || w.oms.got != 0 {
			t.Errorf("findings %v, asked for %d keys", briefs(rep), w.oms.got)
		}
	})
	t.Run("without remote ids it is asked for", func(t *testing.T) {
		w := newWorld(t)
		many(w, 30)
		for i := range w.oms.docs[push] {
			w.oms.docs[push][i].RemoteIDs = nil
		}
		w.oms.again = true
		if rep := w.run(); rep.Drift != 0 || w.oms.got != 4 {
			t.Errorf("findings %v, asked for %d keys, want 4", briefs(rep), w.oms.got)
		}
	})
	t.Run("and two on different pages are two", func(t *testing.T) {
		w := newWorld(t)
		many(w, 30)
		second := w.oms.docs[push][0]
		second.RemoteIDs = nil
		second.At = second.At.Add(time.Hour)
		w.oms.docs[push][0].RemoteIDs = nil
		w.oms.put(push, second)
		rep := w.run()
		if d := cmp.Diff([]brief{{Double, WhyTwice, "", atOMS, id1, key1}}, briefs(rep)); d != "" {
			t.Error(d)
		}
	})
}

func TestAListThatFailsHalfWayMakesTheReportPartial(t *testing.T) {
	plant := func(t *testing.T) *world {
		w := newWorld(t)
		many(w, 30)
		w.oms.drop(push, "shop-a-a0003") // on the first page
		w.oms.drop(push, "shop-a-a0030") // never reached
		w.oms.failAt = 3
		return w
	}
	t.Run("keys are asked for instead", func(t *testing.T) {
		w := plant(t)
		rep := w.run()
		want := []brief{{MissingAtTarget, WhyGone, "", atOMS, "a0003", "shop-a-a0003"}, {MissingAtTarget, WhyGone, "", atOMS, "a0030", "shop-a-a0030"}}
		if d := cmp.Diff(want, briefs(rep)); d != "" {
			t.Error(d)
		}
		if !rep.Partial || sideOf(t, rep, atOMS).Complete || len(rep.NotCompared) != 1 || rep.NotCompared[0].Code != "http.502" {
			t.Errorf("partial %t, not compared %+v", rep.Partial, rep.NotCompared)
		}
	})
	t.Run("and where they cannot be, nothing is called missing", func(t *testing.T) {
		w := plant(t)
		w.oms.getFails = true
		rep := w.run()
		if len(rep.Findings) != 0 || !rep.Partial {
			t.Errorf("findings %v, partial %t", briefs(rep), rep.Partial)
		}
		var counts []string
		for _, n := range rep.NotCompared {
			counts = append(counts, fmt.Sprintf("%s %d %s", n.What, n.Count, n.Code))
		}
		if d := cmp.Diff([]string{"get 16 http.504", "list 0 http.502"}, counts); d != "" {
			t.Error(d)
		}
	})
	t.Run("at the source too", func(t *testing.T) {
		w := newWorld(t)
		many(w, 30)
		w.shops["shop-a"].failAt = 2
		w.shops["shop-a"].drop(orders, "a0020")
		rep := w.run()
		want := []brief{{MissingAtSource, WhyNotAtSource, "", atShop, "a0020", ""}, {MissingAtSource, WhyAlive, "", atOMS, "a0020", "shop-a-a0020"}}
		if d := cmp.Diff(want, briefs(rep)); d != "" || !rep.Partial {
			t.Errorf("partial %t: %s", rep.Partial, d)
		}
	})
}

func TestBrokenListsEnd(t *testing.T) {
	for name, breaks := range map[string]struct {
		how  func(w *world)
		code string
	}{
		"a cursor that does not move": {func(w *world) { w.oms.stuck = true }, "reconcile.cursor"},
		"a panic":                     {func(w *world) { w.oms.panics = true }, "internal.panic"},
		"too many rows":               {func(w *world) { w.opt.MaxRows = 10 }, "reconcile.rows"},
		"a limit that is never free": {func(w *world) {
			w.conns["oms"].Operations[0].LookupUses = []connectors.Use{{Limit: "api"}}
			w.opt.Take = func(context.Context, string, []connectors.Use) (func(), error) {
				return nil, &connectors.Error{Kind: connectors.Quota, Code: "limit.day", Text: "used up"}
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			many(w, 30)
			breaks.how(w)
			rep := w.run()
			if !rep.Partial || len(rep.NotCompared) == 0 || breaks.code != "" && rep.NotCompared[len(rep.NotCompared)-1].Code != breaks.code {
				t.Errorf("partial %t, not compared %+v", rep.Partial, rep.NotCompared)
			}
			if rep.Drift != 0 {
				t.Errorf("findings %v", briefs(rep))
			}
		})
	}
}

func TestWhatCannotBeListedIsAskedForByKey(t *testing.T) {
	plant := func(t *testing.T) *world {
		w := newWorld(t)
		many(w, 12)
		w.oms.drop(push, "shop-a-a0005")
		w.oms.find(push, "shop-a-a0006").Lines = 7
		w.conns["oms"].Operations[0].List = connectors.Listing{Reason: "the protocol has no list call"}
		return w
	}
	t.Run("by key", func(t *testing.T) {
		w := plant(t)
		rep := w.run()
		want := []brief{{Differs, WhyTarget, "", atOMS, "a0006", "shop-a-a0006"}, {MissingAtTarget, WhyGone, "", atOMS, "a0005", "shop-a-a0005"}}
		if d := cmp.Diff(want, briefs(rep)); d != "" {
			t.Error(d)
		}
		if rep.Partial || len(rep.NotCompared) != 1 || !strings.HasPrefix(rep.NotCompared[0].Reason, "the protocol has no list call") {
			t.Errorf("partial %t, not compared %+v", rep.Partial, rep.NotCompared)
		}
		if s := sideOf(t, rep, atOMS); s.ByKey != 12 || s.Listed != 0 || len(w.oms.listed) != 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("nor by key", func(t *testing.T) {
		w := plant(t)
		w.oms.noGet = true
		rep := w.run()
		if len(rep.Findings) > 0 || rep.Partial {
			t.Errorf("findings %v, partial %t", briefs(rep), rep.Partial)
		}
		if n := len(rep.NotCompared); n != 2 || rep.NotCompared[0].Count != 12 || rep.NotCompared[0].Code != "test.no_get" {
			t.Errorf("not compared %+v", rep.NotCompared)
		}
	})
	t.Run("a source", func(t *testing.T) {
		w := newWorld(t)
		many(w, 12)
		w.conns["shop-a"].Streams[0].List = connectors.Listing{Reason: "no list by time"}
		w.shops["shop-a"].drop(orders, "a0005")
		rep := w.run()
		want := []brief{{MissingAtSource, WhyNotAtSource, "", atShop, "a0005", ""}, {MissingAtSource, WhyAlive, "", atOMS, "a0005", "shop-a-a0005"}}
		if d := cmp.Diff(want, briefs(rep)); d != "" {
			t.Error(d)
		}
	})
}

func TestACompleteListProvesAbsenceWhereKeysCannotBeAskedFor(t *testing.T) {
	for by, want := range map[string]int{"created": 1, "modified": 0} {
		w := newWorld(t)
		many(w, 12)
		w.oms.drop(push, "shop-a-a0005")
		w.oms.noGet = true
		w.conns["oms"].Operations[0].List.By = by
		w.opt.Margin = time.Hour // the list ends an hour before now
		rep := w.run()
		if len(rep.Findings) != want || len(rep.NotCompared) != 1-want {
			t.Errorf("by %s: findings %v, not compared %+v", by, briefs(rep), rep.NotCompared)
		}
	}
}

func TestLimitsAreTakenForEveryCall(t *testing.T) {
	w := newWorld(t)
	many(w, 20)
	w.oms.drop(push, "shop-a-a0005")
	w.conns["shop-a"].Streams[0].PullUses = []connectors.Use{{Limit: "list", Cost: 2}}
	w.conns["shop-a"].Streams[0].FetchUses = []connectors.Use{{Limit: "detail"}}
	w.conns["oms"].Operations[0].LookupUses = []connectors.Use{{Limit: "query"}}
	w.conns["oms"].Operations[0].Batch = 0
	taken, free := map[string]int{}, 0
	w.opt.Take = func(_ context.Context, connection string, uses []connectors.Use) (func(), error) {
		for _, u := range uses {
			taken[connection+" "+u.Limit] += u.Cost
		}
		free++
		return func() { free-- }, nil
	}
	w.run()
	// 20 orders are 3 pages of 7; shop-b has one empty page. Each listed order is read by
	// its id; the target is listed over the window and its margins in two spans.
	want := map[string]int{"shop-a list": 6, "shop-a detail": 20, "shop-b list": 2, "oms query": 3 + 1 + 1}
	if d := cmp.Diff(want, taken); d != "" || free != 0 {
		t.Errorf("taken (-want +got):\n%s%d not released", d, free)
	}
}

func TestWindowsAreCutToWhatTheVendorTakes(t *testing.T) {
	w := newWorld(t)
	w.conns["shop-a"].Streams[0].MaxSpan = 10 * time.Hour
	w.run()
	var spans []string
	for _, x := range w.shops["shop-a"].listed {
		spans = append(spans, x.From.In(china).Format("02 15:04")+" "+x.To.In(china).Format("02 15:04"))
	}
	if d := cmp.Diff([]string{"09 00:00 09 10:00", "09 10:00 09 20:00", "09 20:00 10 00:00"}, spans); d != "" {
		t.Error(d)
	}
}

func TestContentThatIsGoneOrUnreadableIsSaid(t *testing.T) {
	said := func(rep *Report) map[string]int {
		got := map[string]int{}
		for _, n := range rep.NotCompared {
			got[n.Place.String()+" "+n.Code] += n.Count
		}
		return got
	}
	t.Run("past its retention", func(t *testing.T) {
		w := newWorld(t)
		many(w, 4)
		w.now = w.now.AddDate(0, 0, 60)
		if _, err := w.store.Retain(w.ctx, w.now.AddDate(0, 0, -30)); err != nil {
			t.Fatal(err)
		}
		w.oms.drop(push, key1)
		rep := w.run()
		if d := cmp.Diff(map[string]int{atShop + " ": 4, atOMS + " ": 4}, said(rep)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if d := cmp.Diff([]brief{{MissingAtTarget, WhyGone, "", atOMS, id1, key1}}, briefs(rep)); d != "" {
			t.Error(d) // keys are compared all the same
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		w := newWorld(t)
		w.at(noon, func() {
			p := w.order("shop-a", 9, noon)
			w.settle(w.routed(p, w.pull(p), func(d *ledger.NewDelivery) { d.Payload = []byte("<xml/>") }), ledger.Delivered, nil)
			w.omsHas(p, noon)
		})
		rep := w.run()
		if d := cmp.Diff(map[string]int{atOMS + " test.unreadable": 1}, said(rep)); d != "" || rep.Drift != 0 {
			t.Errorf("drift %d (-want +got):\n%s", rep.Drift, d)
		}
	})
}

func TestOrphansNeedAKeyThatCanBeTold(t *testing.T) {
	w := newWorld(t)
	many(w, 1)
	w.flows[orders].Steps[0].Key = template(t, "{order.order_no}")
	w.oms.put(push, connectors.Summary{Key: "shop-a-a7777", Status: open, At: noon, Modified: noon})
	rep := w.run()
	if len(rep.Findings) != 0 || len(rep.NotCompared) != 1 || rep.NotCompared[0].What != "orphans" || rep.NotCompared[0].Count != 1 {
		t.Errorf("findings %v, not compared %+v", briefs(rep), rep.NotCompared)
	}
}

func TestRequestsAreChecked(t *testing.T) {
	w := newWorld(t)
	r := New(w.opt)
	if _, err := r.Run(w.ctx, Request{From: w.now.Add(-time.Minute)}, nil); err == nil || !strings.Contains(err.Error(), "the window is empty") {
		t.Errorf("a window within the grace: %v", err)
	}
	if _, err := r.Run(w.ctx, Request{Flows: []string{"orders", "invoices"}}, nil); err == nil || !strings.Contains(err.Error(), `no flow "invoices"; known: orders`) {
		t.Errorf("an unknown flow: %v", err)
	}
	rep, err := r.Run(w.ctx, Request{Flows: []string{orders, orders}, Grace: time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := w.now.Add(-time.Hour); !rep.To.Equal(want) || !rep.From.Equal(want.Add(-24*time.Hour)) || len(rep.Flows) != 1 {
		t.Errorf("from %s to %s, flows %v", rep.From, rep.To, rep.Flows)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := r.Run(ctx, Request{}, nil); err == nil {
		t.Error("a cancelled run ended well")
	}
}

func TestAPlaceThatIsGoneIsSaid(t *testing.T) {
	w := newWorld(t)
	many(w, 2)
	delete(w.sides, "oms")
	w.flows[orders].Sources = append(w.flows[orders].Sources, flow.Source{Connection: "shop-c", Stream: orders})
	rep := w.run()
	var got []string
	for _, n := range rep.NotCompared {
		got = append(got, n.Place.String()+" "+n.What)
	}
	if d := cmp.Diff([]string{"shop-c.orders list", "oms.order.push target"}, got); d != "" || rep.Drift != 0 {
		t.Errorf("drift %d: %s", rep.Drift, d)
	}
}
