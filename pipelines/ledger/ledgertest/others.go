package ledgertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

func find(k *kit) {
	label := func(name string, keys ...ledger.SearchKey) *ledger.Record {
		r := k.newRecord()
		k.commit(&ledger.Route{Record: r.ID, To: ledger.RecordRouted, Label: name, Keys: keys})
		return k.record(r.ID)
	}
	a := label("A-1", ledger.SearchKey{Kind: "order_no", Value: "SN 0042"}, ledger.SearchKey{Kind: "phone", Value: "+86 138-0013-8000"},
		ledger.SearchKey{Kind: "waybill", Value: "sf0042"}, ledger.SearchKey{Kind: "note", Value: " "})
	b := label("B-1", ledger.SearchKey{Kind: "phone", Value: "13900018000"}, ledger.SearchKey{Kind: "sku", Value: "SN0042"})
	for _, c := range []struct {
		value string
		kinds []string
		limit int
		want  []string
	}{
		{"SN0042", nil, 0, []string{"B-1 sku", "A-1 order_no"}},
		{" sn ００４２ ", []string{"order_no"}, 0, []string{"A-1 order_no"}},
		{"SF0042", nil, 0, []string{"A-1 waybill"}},
		{"13800138000", nil, 0, []string{"A-1 phone"}},
		{"0086 138 0013 8000", nil, 0, []string{"A-1 phone"}},
		{"8000", nil, 0, []string{"B-1 phone_tail", "A-1 phone_tail"}},
		{"8000", nil, 1, []string{"B-1 phone_tail"}},
		{"800", nil, 0, nil},
		{"13800138000", []string{"waybill"}, 0, nil},
		{"", nil, 0, nil},
	} {
		hits, err := k.l.Find(k.ctx, c.value, c.kinds, c.limit)
		if err != nil {
			k.Fatal(err)
		}
		var got []string
		for _, h := range hits {
			got = append(got, h.Label+" "+fmt.Sprint(h.Kinds)[1:len(fmt.Sprint(h.Kinds))-1])
		}
		k.equal("find "+c.value, got, c.want)
	}
	hits, err := k.l.Find(k.ctx, "SN0042", []string{"order_no"}, 1)
	if err != nil || len(hits) != 1 {
		k.Fatal(hits, err)
	}
	k.equal("hit", hits[0], ledger.Hit{Doc: a.Doc, DocKey: a.DocKey, Label: "A-1", Root: a.Root, Latest: a.ID, Version: 1,
		State: ledger.RecordRouted, At: a.At, Kinds: []string{"order_no"}})
	// The newest record of the record key answers, and the same key twice is one row.
	v2 := item(a.DocKey.Key, 2, "v2", 0)
	k.intake(v2)
	k.commit(&ledger.Route{Record: v2.ID, To: ledger.RecordRouted, Label: "A-2", Keys: []ledger.SearchKey{{Kind: "order_no", Value: "SN0042"}}})
	hits, err = k.l.Find(k.ctx, "sn0042", nil, 0)
	if err != nil || len(hits) != 2 || hits[0].Label != "A-2" || hits[1].Doc != b.Doc {
		k.Fatal(hits, err)
	}
}

func lookups(k *kit) {
	put := func(key, value, who string, del bool) {
		k.commit(&ledger.PutLookup{Table: "carriers", Key: key, Value: value, Who: who, Why: "test", Delete: del})
	}
	put("sf", "SF", "ann", false)
	put("sf", "SFX", "bob", false)
	put("yt", "YTO", "bob", false)
	put("yt", "", "eve", true)
	k.commit(&ledger.PutLookup{Table: "regions", Key: "sf", Value: "x"})
	m, err := k.l.Lookups(k.ctx, "carriers")
	if err != nil {
		k.Fatal(err)
	}
	k.equal("overlay", m, map[string]string{"sf": "SFX"})
	h, err := k.l.LookupHistory(k.ctx, "carriers", "sf")
	if err != nil || len(h) != 2 {
		k.Fatal(h, err)
	}
	k.equal("history", h[0], ledger.LookupChange{Table: "carriers", Key: "sf", Value: "SF", Who: "ann", Why: "test", At: h[0].At})
	h, err = k.l.LookupHistory(k.ctx, "carriers", "")
	if err != nil || len(h) != 4 || !h[3].Deleted || h[3].Who != "eve" {
		k.Fatal(h, err)
	}
}

func gates(k *kit) {
	g := ledger.Gate{Connection: "erp", Operation: "order.push", Reason: "breaker", Code: "5xx", Text: "five in a row", Since: base,
		Until: base.Add(time.Minute), Who: ""}
	whole := ledger.Gate{Connection: "erp", Reason: "pause", Since: base, Who: "ann"}
	k.commit(&ledger.PutGate{Gate: g}, &ledger.PutGate{Gate: whole})
	g.Until = base.Add(time.Hour)
	k.commit(&ledger.PutGate{Gate: g})
	gs, err := k.l.Gates(k.ctx)
	if err != nil {
		k.Fatal(err)
	}
	k.equal("closed", gs, []ledger.Gate{whole, g})
	k.commit(&ledger.PutGate{Gate: ledger.Gate{Connection: "erp"}, Open: true}, &ledger.PutGate{Gate: ledger.Gate{Connection: "none"}, Open: true})
	if gs, err = k.l.Gates(k.ctx); err != nil || len(gs) != 1 || gs[0].Operation != "order.push" {
		k.Fatal(gs, err)
	}
}

func vault(k *kit) {
	if _, _, err := k.l.VaultGet(k.ctx, "token"); !errors.Is(err, ledger.ErrNotFound) {
		k.Fatalf("an empty vault: %v", err)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := k.l.VaultSwap(k.ctx, "token", 0, []byte{0, byte(i)})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ledger.ErrConflict):
				k.Errorf("swap: %v", err)
			}
		})
	}
	wg.Wait()
	k.equal("winners", won.Load(), int32(1))
	if err := k.l.VaultSwap(k.ctx, "token", 1, []byte("two")); err != nil {
		k.Fatal(err)
	}
	v, version, err := k.l.VaultGet(k.ctx, "token")
	if err != nil || string(v) != "two" || version != 2 {
		k.Fatalf("%q %d %v", v, version, err)
	}
	if err := k.l.VaultSwap(k.ctx, "token", 1, []byte("three")); !errors.Is(err, ledger.ErrConflict) {
		k.Fatalf("an old version: %v", err)
	}
}

func ticks(k *kit) {
	tick := base.Truncate(time.Minute)
	var mu sync.Mutex
	var mine []*ledger.JobRun
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			run, ok, err := k.l.ClaimTick(k.ctx, "reconcile", tick)
			if err != nil {
				k.Errorf("claim: %v", err)
			}
			if ok {
				mu.Lock()
				defer mu.Unlock()
				mine = append(mine, run)
			}
		})
	}
	wg.Wait()
	if len(mine) != 1 {
		k.Fatalf("%d claimed the tick", len(mine))
	}
	run := mine[0]
	k.equal("run", []any{run.Job, run.Tick, run.State, run.Owner != "", run.Ended.IsZero()}, []any{"reconcile", tick, "running", true, true})
	if _, ok, err := k.l.ClaimTick(k.ctx, "sweep", tick); err != nil || !ok {
		k.Fatal("another job's tick", ok, err)
	}
	if _, ok, err := k.l.ClaimTick(k.ctx, "reconcile", tick.Add(time.Minute)); err != nil || !ok {
		k.Fatal("the next tick", ok, err)
	}
	run.State, run.Text, run.Counts = "done", "fine", map[string]int64{"drift": 3}
	if err := k.l.EndRun(k.ctx, run); err != nil {
		k.Fatal(err)
	}
	rs, err := k.l.JobRuns(k.ctx, "reconcile", 0, 10)
	if err != nil || len(rs) != 2 {
		k.Fatal(rs, err)
	}
	k.equal("newest first", rs[0].Tick, tick.Add(time.Minute))
	if rs[1].Ended.IsZero() {
		k.Fatal("no end")
	}
	k.equal("ended", []any{rs[1].ID, rs[1].State, rs[1].Text, rs[1].Counts}, []any{run.ID, "done", "fine", map[string]int64{"drift": 3}})
	if err := k.l.EndRun(k.ctx, &ledger.JobRun{Job: "none", Tick: tick}); !errors.Is(err, ledger.ErrNotFound) {
		k.Fatalf("the end of nothing: %v", err)
	}
	if rs, err = k.l.JobRuns(k.ctx, "", 0, 2); err != nil || len(rs) != 2 {
		k.Fatal(rs, err)
	}
	older, err := k.l.JobRuns(k.ctx, "", rs[1].ID, 2)
	if err != nil || len(older) != 1 || older[0].ID >= rs[1].ID {
		k.Fatal("the second page", older, err)
	}
}

func pauses(k *kit) {
	for _, p := range []ledger.JobPause{{Job: "pull", Who: "anna", Why: "the source moves", Since: base}, {Job: "sweep", Who: "ben", Since: base},
		{Job: "pull", Who: "ben", Why: "it still moves", Since: base.Add(time.Hour)}} {
		if err := k.l.PauseJob(k.ctx, p); err != nil {
			k.Fatal(err)
		}
	}
	list, err := k.l.JobPauses(k.ctx)
	if err != nil {
		k.Fatal(err)
	}
	k.equal("paused", list, []ledger.JobPause{{Job: "pull", Who: "ben", Why: "it still moves", Since: base}, {Job: "sweep", Who: "ben", Since: base}})
	for _, want := range []bool{true, false} {
		if was, err := k.l.ResumeJob(k.ctx, "pull"); err != nil || was != want {
			k.Fatal("resumed", was, err)
		}
	}
	if list, err = k.l.JobPauses(k.ctx); err != nil || len(list) != 1 || list[0].Job != "sweep" {
		k.Fatal(list, err)
	}
}

func backfills(k *kit) {
	b := ledger.Backfill{Connection: "shop", Stream: "orders", From: base, To: base.Add(time.Hour), Leave: 35, Who: "anna", Why: "an outage", Method: "counted",
		ExpectedItems: 7, ExpectedNew: 5, ExpectedPages: 2, Expected: 90 * time.Second, State: "planned"}
	if err := k.l.AddBackfill(k.ctx, &b); err != nil || b.ID == 0 || b.CreatedAt.IsZero() {
		k.Fatal(b, err)
	}
	b.State, b.Text, b.StartedAt, b.EndedAt = "done", "fine", base, base.Add(time.Minute)
	b.Pages, b.Items, b.New, b.Same, b.Failed, b.Busy = 2, 8, 5, 2, 1, time.Second
	if err := k.l.PutBackfill(k.ctx, &b); err != nil {
		k.Fatal(err)
	}
	got, err := k.l.Backfill(k.ctx, b.ID)
	if err != nil {
		k.Fatal(err)
	}
	k.equal("a backfill", *got, b)
	next := ledger.Backfill{Connection: "shop", Stream: "orders", From: base, To: base.Add(time.Hour)}
	if err := k.l.AddBackfill(k.ctx, &next); err != nil {
		k.Fatal(err)
	}
	for before, want := range map[int64]int64{0: next.ID, next.ID: b.ID} {
		if list, err := k.l.Backfills(k.ctx, before, 1); err != nil || len(list) != 1 || list[0].ID != want {
			k.Fatal(before, list, err)
		}
	}
	if _, err := k.l.Backfill(k.ctx, 99); !errors.Is(err, ledger.ErrNotFound) {
		k.Fatal(err)
	}
	if err := k.l.AddBackfill(k.ctx, &ledger.Backfill{From: base, To: base}); err == nil {
		k.Fatal("an empty window was kept")
	}
}

func reports(k *kit) {
	first, err := k.l.PutReport(k.ctx, "reconcile", base, []byte(`{"n":1}`))
	if err != nil {
		k.Fatal(err)
	}
	if _, err := k.l.PutReport(k.ctx, "reconcile", base.Add(time.Hour), []byte(`{"n":2}`)); err != nil {
		k.Fatal(err)
	}
	for id, want := range map[int64]string{0: `{"n":2}`, first: `{"n":1}`} {
		body, _, err := k.l.Report(k.ctx, "reconcile", id)
		if err != nil || string(body) != want {
			k.Fatalf("report %d: %s %v", id, body, err)
		}
	}
	if _, at, err := k.l.Report(k.ctx, "reconcile", first); err != nil || !at.Equal(base) {
		k.Fatal(at, err)
	}
	if _, _, err := k.l.Report(k.ctx, "other", first); !errors.Is(err, ledger.ErrNotFound) {
		k.Fatal(err)
	}
}

func filters(k *kit) {
	a, b, c := push("a", ledger.Ready), push("b", ledger.Parked), push("c", ledger.Filtered)
	b.Code, b.Flow, c.Operation, c.Claim = "map.x", "members", "sale.push", false
	r := k.newRecord()
	k.commit(&ledger.Route{Record: r.ID, To: ledger.RecordRouted, Label: "A-1", Deliveries: []*ledger.NewDelivery{a, b, c}})
	parked := k.newRecord()
	k.commit(&ledger.Route{Record: parked.ID, To: ledger.RecordParked, Code: "map.y"})
	at := k.delivery(a.ID).CreatedAt
	for name, x := range map[string]struct {
		f    ledger.Filter
		want []int64
	}{
		"all":        {ledger.Filter{}, []int64{a.ID, b.ID, c.ID}},
		"connection": {ledger.Filter{Connection: "wms"}, nil},
		"operation":  {ledger.Filter{Operation: "sale.push"}, []int64{c.ID}},
		"flow":       {ledger.Filter{Flow: "members"}, []int64{b.ID}},
		"stream":     {ledger.Filter{Stream: "orders"}, []int64{a.ID, b.ID, c.ID}},
		"states":     {ledger.Filter{States: []string{"parked", "filtered"}}, []int64{b.ID, c.ID}},
		"open":       {ledger.Filter{States: []string{"parked", "ready"}}, []int64{a.ID, b.ID}},
		"code":       {ledger.Filter{Code: "map.x"}, []int64{b.ID}},
		"label":      {ledger.Filter{Label: "A-1", Operation: "order.push"}, []int64{a.ID, b.ID}},
		"page":       {ledger.Filter{After: a.ID, Limit: 1}, []int64{b.ID}},
		"from":       {ledger.Filter{From: at}, []int64{a.ID, b.ID, c.ID}},
		"to":         {ledger.Filter{To: at}, nil},
	} {
		ds, err := k.l.Deliveries(k.ctx, x.f)
		if err != nil {
			k.Fatalf("%s: %v", name, err)
		}
		var got []int64
		for _, d := range ds {
			got = append(got, d.ID)
		}
		k.equal(name, got, x.want)
	}
	for name, x := range map[string]struct {
		f    ledger.Filter
		want []int64
	}{
		"all":        {ledger.Filter{}, []int64{r.ID, parked.ID}},
		"connection": {ledger.Filter{Connection: "shop", Stream: "orders", Limit: 1}, []int64{r.ID}},
		"state":      {ledger.Filter{States: []string{"parked"}, Code: "map.y"}, []int64{parked.ID}},
		"label":      {ledger.Filter{Label: "A-1"}, []int64{r.ID}},
	} {
		rs, err := k.l.Records(k.ctx, x.f)
		if err != nil {
			k.Fatalf("records %s: %v", name, err)
		}
		var got []int64
		for _, r := range rs {
			got = append(got, r.ID)
		}
		k.equal("records "+name, got, x.want)
	}
}

func counts(k *kit) {
	a, b := push("a", ledger.Ready), push("b", ledger.Parked)
	b.Code = "map.x"
	k.routed(a, b)
	k.newRecord()
	k.commit(&ledger.Intake{Connection: "shop", Stream: "events", Hints: []*ledger.NewHint{{Stream: "orders", Key: "1"}}})
	k.settle(a.ID, ledger.Delivered)
	cs, err := k.l.Counts(k.ctx)
	if err != nil {
		k.Fatal(err)
	}
	var got []string
	for _, c := range cs {
		known := "known"
		if c.Oldest.IsZero() {
			known = "-"
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %s %d %s", c.Kind, c.Connection, c.Name, c.State, c.Code, c.N, known))
	}
	k.equal("counts", got, []string{
		"delivery erp order.push delivered  1 -",
		"delivery erp order.push parked map.x 1 known",
		"hint shop orders pending  1 known",
		"record shop orders received  1 known",
		"record shop orders routed  1 -",
	})
}

func unfinished(k *kit) {
	u := &ledger.Intake{Connection: "shop", Stream: "events", Hints: []*ledger.NewHint{{Stream: "orders", Key: "1", RootEnt: "order", RootKey: "1"},
		{Stream: "orders", Key: "2", RootEnt: "order", RootKey: "2"}}}
	k.commit(u)
	k.commit(&ledger.Intake{Connection: "shop", Stream: "events", Answered: []ledger.HintDone{{ID: u.Hints[0].ID, Asked: 1},
		{ID: u.Hints[1].ID, Asked: 1, State: "pending", NextAt: base}}})
	want := []ledger.Pending{{Kind: "hint", ID: u.Hints[1].ID, Connection: "shop", Stream: "orders", Root: ledger.RootHash("shop", "order", "2"),
		NextAt: base}}
	r := k.newRecord()
	want = append(want, ledger.Pending{Kind: "record", ID: r.ID, Connection: "shop", Stream: "orders", Root: r.Root})
	var ds []ledger.Pending
	for _, s := range ledger.States() {
		d := push("", ledger.Ready)
		switch s {
		case ledger.Blocked, ledger.Filtered:
			d.State, d.Deps = s, []ledger.Dep{after(999)}
		}
		rec := k.routed(d)
		p := ledger.Pending{Kind: "delivery", ID: d.ID, Connection: "erp", Source: rec.DocKey.Connection, Operation: "order.push", Root: rec.Root, State: s}
		switch s {
		case ledger.Ready:
			ds = append(ds, p)
		case ledger.Blocked, ledger.Filtered:
		case ledger.Sending:
			k.commit(&ledger.Start{Delivery: d.ID, Attempt: 1})
			ds = append(ds, p)
		case ledger.Discarded:
			k.settle(d.ID, ledger.Parked)
			k.settle(d.ID, s)
		default:
			k.settle(d.ID, s, func(u *ledger.Settle) { u.NextAt = base })
			if s == ledger.Waiting || s == ledger.Unknown || s == ledger.Accepted {
				p.NextAt = base
				ds = append(ds, p)
			}
		}
	}
	d := push("", ledger.Parked)
	d.Holds = true
	rec := k.routed(d)
	ds = append(ds, ledger.Pending{Kind: "delivery", ID: d.ID, Connection: "erp", Source: rec.DocKey.Connection, Operation: "order.push", Root: rec.Root, State: ledger.Parked, Holds: true})
	var got []ledger.Pending
	err := k.l.Unfinished(k.ctx, func(p ledger.Pending) error {
		got = append(got, p)
		return nil
	})
	if err != nil {
		k.Fatal(err)
	}
	k.equal("unfinished", got, append(want, ds...))
	stop := errors.New("stop")
	if err := k.l.Unfinished(k.ctx, func(ledger.Pending) error { return stop }); !errors.Is(err, stop) {
		k.Fatalf("the caller's error: %v", err)
	}
}

func payloads(k *kit) {
	bodies := [][]byte{{0}, bytes.Repeat([]byte("ab"), 1<<20), []byte("中文"), {0xff, 0xfe}}
	for i := range 200 {
		bodies = append(bodies, []byte(fmt.Sprintf("body number %d", i)))
	}
	var items []*ledger.IntakeItem
	for i, b := range bodies {
		it := item(fmt.Sprint(i), 1, "", 0)
		it.Body = b
		items = append(items, it)
	}
	k.intake(items...)
	for i, it := range items {
		got, err := k.l.Payload(k.ctx, k.record(it.ID).Payload)
		if err != nil || !bytes.Equal(got, bodies[i]) {
			k.Fatalf("body %d: %d bytes, %v", i, len(got), err)
		}
	}
	for _, ref := range []ledger.Ref{{}, {Block: 999999}, {Block: k.record(items[0].ID).Payload.Block, Index: 64}} {
		if _, err := k.l.Payload(k.ctx, ref); !errors.Is(err, ledger.ErrNotFound) {
			k.Fatalf("payload of %v: %v", ref, err)
		}
	}
}

// retention runs a day ahead of the clock, so that today's blocks are old.
func retention(k *kit) {
	done, open, mapped := push("a", ledger.Ready), push("b", ledger.Parked), push("c", ledger.Blocked, after(999))
	mapped.Payload = nil // is mapped when it is sent: needs its record
	rDone := k.routed(done)
	rOpen := k.routed(open)
	rMapped := k.routed(mapped)
	k.settle(done.ID, ledger.Delivered, func(s *ledger.Settle) { s.Attempt = &ledger.Attempt{Kind: "send", Body: []byte("exchange")} })
	rNew := k.newRecord()
	slim := k.record(rDone.ID)
	if n, err := k.l.Retain(k.ctx, time.Now().Add(-24*time.Hour)); err != nil || n != 0 {
		k.Fatalf("young blocks dropped: %d, %v", n, err)
	}
	n, err := k.l.Retain(k.ctx, time.Now().Add(48*time.Hour))
	if err != nil || n == 0 {
		k.Fatalf("dropped %d, %v", n, err)
	}
	k.equal("slim row", k.record(rDone.ID), slim)
	as, err := k.l.Attempts(k.ctx, done.ID)
	if err != nil || len(as) != 1 {
		k.Fatal(as, err)
	}
	for what, ref := range map[string]ledger.Ref{"record": slim.Payload, "delivery": k.delivery(done.ID).Payload, "exchange": as[0].Exchange} {
		if _, err := k.l.Payload(k.ctx, ref); !errors.Is(err, ledger.ErrNotFound) {
			k.Errorf("the payload of a finished %s is still there: %v", what, err)
		}
	}
	for _, r := range []*ledger.Record{rOpen, rMapped, rNew} {
		if body, err := k.l.Payload(k.ctx, k.record(r.ID).Payload); err != nil || !bytes.HasPrefix(body, []byte("body ")) {
			k.Errorf("record %d lost its payload: %q %v", r.ID, body, err)
		}
	}
	if body, err := k.l.Payload(k.ctx, k.delivery(open.ID).Payload); err != nil || string(body) != "document of b" {
		k.Errorf("a parked delivery lost its document: %q %v", body, err)
	}
	again := k.newRecord()
	if ref := k.record(again.ID).Payload; ref.Block <= slim.Payload.Block {
		k.Fatal("a block id was used again")
	}
}

func concurrency(k *kit) {
	const callers, each = 16, 25
	var mu sync.Mutex
	var all []int64
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d-%d", c, i)
				it := item(key, 1, "body "+key, 0)
				if err := k.l.Commit(k.ctx, &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
					k.Errorf("intake: %v", err)
					return
				}
				d := push(key, ledger.Ready)
				if err := k.l.Commit(k.ctx, &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}}); err != nil {
					k.Errorf("route: %v", err)
					return
				}
				if err := k.l.Commit(k.ctx, &ledger.Settle{Delivery: d.ID, To: ledger.Delivered}); err != nil {
					k.Errorf("settle: %v", err)
					return
				}
				if row, err := k.l.Delivery(k.ctx, d.ID); err != nil || row.State != ledger.Delivered {
					k.Errorf("what was committed is not read: %+v %v", row, err)
				}
				mu.Lock()
				all = append(all, it.ID)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(all)
	if len(slices.Compact(all)) != callers*each {
		k.Fatalf("%d records of %d", len(all), callers*each)
	}
	cs, err := k.l.Counts(k.ctx)
	if err != nil || len(cs) != 2 || cs[0].N != callers*each {
		k.Fatalf("counts %v, %v", cs, err)
	}
}
