package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// parkMany makes roots orders with per deliveries each, all parked, and returns the
// deliveries' documents by root in their order.
func parkMany(t testing.TB, led ledger.Ledger, operation string, roots, per int) map[string][]string {
	t.Helper()
	want := map[string][]string{}
	for v := 1; v <= per; v++ {
		for at := 0; at < roots; at += 500 {
			var items []*ledger.IntakeItem
			for i := at; i < min(at+500, roots); i++ {
				key := fmt.Sprint(i)
				items = append(items, &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: int64(v), FetchedAt: time.Now(), Body: []byte(`{}`)})
			}
			if err := led.Commit(t.Context(), &ledger.Intake{Connection: "shop", Stream: "bulk", Items: items}); err != nil {
				t.Fatal(err)
			}
			var routes []ledger.Unit
			for _, it := range items {
				doc := fmt.Sprintf(`{"root":%q,"version":%d}`, it.Key, v)
				key := "B-" + it.Key
				if operation == "create" {
					key = fmt.Sprintf("B-%s-%d", it.Key, v)
				}
				want[it.Key] = append(want[it.Key], doc)
				routes = append(routes, &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Label: it.Key, Deliveries: []*ledger.NewDelivery{{
					Flow: "test", Step: "gone", Connection: "oms", Operation: operation, RemoteKey: key, State: ledger.Parked, Code: "test.refused", Text: "no",
					Claim: true, Event: true, Payload: []byte(doc)}}})
			}
			if err := led.Commit(t.Context(), routes...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return want
}

// bulks runs the bulk replays of a world's engine until the returned function is called.
func bulks(t testing.TB, w *world) (*pipelines.Bulks, func()) {
	t.Helper()
	b, err := pipelines.NewBulks(w.eng)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	stop := func() { cancel(); <-ended }
	t.Cleanup(stop)
	return b, stop
}

func (w *world) bulkComes(b *pipelines.Bulks, id int64, state string) *pipelines.BulkPlan {
	w.t.Helper()
	var p *pipelines.BulkPlan
	w.until("the replay to be "+state, func() bool {
		var err error
		if p, err = b.Look(w.t.Context(), id); err != nil {
			w.t.Fatal(err)
		}
		return p.Job.State == state
	})
	return p
}

func act(t testing.TB, b *pipelines.Bulks, id int64, what string) {
	t.Helper()
	if _, err := b.Act(t.Context(), id, pipelines.BulkAct{Act: what}); err != nil {
		t.Fatal(err)
	}
}

// checkOnce insists that every document reached the target once, in the order of its lane.
func checkOnce(t testing.TB, w *world, want map[string][]string, sent []sent) {
	t.Helper()
	got := map[string][]string{}
	n := 0
	for _, s := range sent {
		var root string
		for r, docs := range want {
			if slices.Contains(docs, string(s.Doc)) {
				root = r
			}
		}
		got[root] = append(got[root], string(s.Doc))
		n++
	}
	total := 0
	for root, docs := range want {
		total += len(docs)
		if !slices.Equal(got[root], docs) {
			t.Errorf("root %s got %v, want %v", root, got[root], docs)
		}
	}
	if n != total {
		t.Errorf("%d documents were sent, want %d", n, total)
	}
}

func TestABulkReplayTriesAFewAndSurvivesACrash(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	want := parkMany(t, w.led, "create", 60, 3)
	b, stop := bulks(t, w)
	list := incidentsOf(t, w, "open")
	if len(list) != 1 || list[0].Now != 180 {
		t.Fatalf("open are %+v", list)
	}
	p, err := b.Plan(t.Context(), ledger.Bulk{Incident: list[0].ID, Mode: "as-sent", Rate: 400, Who: "anna", Why: "they are well again"})
	if err != nil || p.Job.Total != 180 || p.OneShot != 0 || p.Modes[0].Safe != 180 || p.Modes[2].Safe != 180 || p.Estimate < 400*time.Millisecond {
		t.Fatalf("the plan is %+v, %v", p, err)
	}
	id := p.Job.ID
	if _, err := b.Act(t.Context(), id, pipelines.BulkAct{Act: "resume"}); !errors.Is(err, pipelines.ErrBulkState) {
		t.Fatalf("resuming what never started: %v", err)
	}
	act(t, b, id, "start")
	w.bulkComes(b, id, pipelines.BulkAsking)
	w.rest()
	if n := len(w.target.sent()); n != pipelines.CanarySize {
		t.Fatalf("the canary sent %d", n)
	}
	act(t, b, id, "start")
	w.until("some to be sent", func() bool { return len(w.target.sent()) > 40 })
	w.crash()
	stop()
	b, stop = bulks(t, w)
	act(t, b, id, "pause")
	w.bulkComes(b, id, pipelines.BulkPaused)
	act(t, b, id, "resume")
	p = w.bulkComes(b, id, pipelines.BulkDone)
	w.rest()
	w.until("all to be delivered", func() bool {
		now, err := b.Progress(t.Context(), &p.Job)
		if err != nil {
			t.Fatal(err)
		}
		return now.Items[pipelines.ItemReplayed] == 180 && now.Rows["delivered"] == 180
	})
	checkOnce(t, w, want, w.target.sent())
	if list := incidentsOf(t, w, "open"); len(list) != 0 {
		t.Fatalf("open are %+v", list)
	}
	items, err := b.Items(t.Context(), id, 0, "", 1000)
	if err != nil || len(items) != 180 || !slices.IsSortedFunc(items, func(a, b ledger.BulkItem) int { return int(a.Row - b.Row) }) {
		t.Fatalf("%d items, %v", len(items), err)
	}
	stop()
}

func TestABulkReplayIsCancelledAndNeedsAWordForOneShots(t *testing.T) {
	w := newWorld(t, flowTo("ship"), nil)
	parkMany(t, w.led, "ship", 30, 1)
	// Half of them may have had an effect.
	rows, err := w.led.Deliveries(t.Context(), ledger.Filter{Limit: 15})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rows {
		for _, s := range []*ledger.Settle{{Delivery: d.ID, To: ledger.Ready, CountTry: true}, {Delivery: d.ID, To: ledger.Parked, Code: "unknown.one_shot", Holds: true}} {
			if err := w.led.Commit(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, _ := bulks(t, w)
	p, err := b.Plan(t.Context(), ledger.Bulk{Kind: "delivery", Connection: "oms", Operation: "ship", Mode: "as-sent", Who: "anna"})
	if err != nil || p.Job.Total != 30 || p.OneShot != 15 || p.Modes[0].Confirm != 15 || p.Modes[0].Safe != 15 {
		t.Fatalf("the plan is %+v, %v", p, err)
	}
	act(t, b, p.Job.ID, "start")
	w.bulkComes(b, p.Job.ID, pipelines.BulkAsking)
	act(t, b, p.Job.ID, "cancel")
	if _, err := b.Act(t.Context(), p.Job.ID, pipelines.BulkAct{Act: "start", Confirm: true}); !errors.Is(err, pipelines.ErrBulkState) {
		t.Fatalf("starting what was cancelled: %v", err)
	}
	items, err := b.Items(t.Context(), p.Job.ID, 0, "", 11)
	if err != nil || items[9].State != pipelines.ItemSkipped || items[9].Code != "bulk.one_shot" || items[10].State != pipelines.ItemPending {
		t.Fatalf("the items are %+v, %v", items, err)
	}
	if n := len(w.target.sent()); n != 0 {
		t.Fatalf("%d were sent", n)
	}
	if _, err := b.Plan(t.Context(), ledger.Bulk{Kind: "delivery", Connection: "crm", Who: "anna"}); !errors.Is(err, pipelines.ErrBulkEmpty) {
		t.Fatalf("a plan of nothing: %v", err)
	}
}

// The estimate follows the target's limits.
func TestABulkReplayEstimatesByTheLimits(t *testing.T) {
	w := newWorld(t, flowTo("push"), func(o *connectors.Operation) { o.Uses = []connectors.Use{{Limit: "calls"}} }, func(w *world) {
		w.tc.Limits = []connectors.Limit{{Name: "calls", Requests: 10, Per: time.Second}}
	})
	parkMany(t, w.led, "push", 100, 1)
	b, _ := bulks(t, w)
	p, err := b.Plan(t.Context(), ledger.Bulk{Kind: "delivery", Code: "test.refused", Who: "anna"})
	if err != nil || len(p.Targets) != 1 || p.Targets[0].PerSecond != 10 || p.Estimate != 10*time.Second {
		t.Fatalf("the plan is %+v, %v", p, err)
	}
}

// A large replay for a slow target lets few rows go ahead of it, so that a cancel holds
// nearly all; its results are dropped by age, and its counts stay.
func TestABulkReplayGoesNoFasterThanItsTarget(t *testing.T) {
	w := newWorld(t, flowTo("push"), func(o *connectors.Operation) { o.Uses = []connectors.Use{{Limit: "calls"}} }, func(w *world) {
		w.tc.Limits = []connectors.Limit{{Name: "calls", Requests: 20, Per: time.Second}}
	})
	const n = 400
	parkMany(t, w.led, "push", n, 1)
	b, stop := bulks(t, w)
	p, err := b.Plan(t.Context(), ledger.Bulk{Kind: "delivery", Code: "test.refused", Mode: "re-map", Who: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	id := p.Job.ID
	rate := 30
	if _, err := b.Act(t.Context(), id, pipelines.BulkAct{Act: "start", Mode: pipelines.AsSent, Rate: &rate}); err != nil {
		t.Fatal(err)
	}
	w.bulkComes(b, id, pipelines.BulkAsking)
	if _, err := b.Act(t.Context(), id, pipelines.BulkAct{Act: "start", Mode: pipelines.Remap}); !errors.Is(err, pipelines.ErrBulkState) {
		t.Fatalf("another mode after the first rows: %v", err)
	}
	rate = 0
	if _, err := b.Act(t.Context(), id, pipelines.BulkAct{Act: "start", Rate: &rate}); err != nil {
		t.Fatal(err)
	}
	// The limit allows 20 a second and two seconds' worth goes ahead.
	const ahead = 40
	w.until("a good part to be sent", func() bool { return len(w.target.sent()) >= 50 })
	act(t, b, id, "cancel")
	p = w.bulkComes(b, id, pipelines.BulkCancelled)
	w.rest()
	sent := len(w.target.sent())
	now, err := b.Progress(t.Context(), &p.Job)
	if err != nil || now.Items[pipelines.ItemReplayed] != int64(sent) || now.Items[pipelines.ItemPending] != int64(n-sent) || sent > 50+ahead+20 {
		t.Fatalf("%d were sent, the counts are %+v, %v", sent, now, err)
	}
	stop()
	for _, c := range []struct {
		before time.Time
		want   int
	}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
		if done, err := b.Retain(t.Context(), c.before); err != nil || done != c.want {
			t.Fatalf("the results of %d replays were dropped, want %d: %v", done, c.want, err)
		}
	}
	items, err := b.Items(t.Context(), id, 0, "", 10)
	if err != nil || len(items) != 0 {
		t.Fatalf("left are %+v, %v", items, err)
	}
	if p, err = b.Look(t.Context(), id); err != nil || p.Job.Items[pipelines.ItemReplayed] != int64(sent) || p.Job.SummedAt.IsZero() {
		t.Fatalf("summed up it is %+v, %v", p, err)
	}
}
