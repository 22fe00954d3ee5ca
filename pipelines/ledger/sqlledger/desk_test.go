package sqlledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// parkOrders makes n orders whose deliveries are parked for one cause, and returns the
// ids of the deliveries.
func parkOrders(t testing.TB, s ledger.Ledger, from, n int, code, text string) []int64 {
	t.Helper()
	var ids []int64
	for at := from; at < from+n; at += 500 {
		var items []*ledger.IntakeItem
		for i := at; i < min(at+500, from+n); i++ {
			key := fmt.Sprint(i)
			items = append(items, &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, FetchedAt: time.Now(), Body: []byte(`{"no":` + key + `}`)})
		}
		if err := s.Commit(t.Context(), &ledger.Intake{Connection: "shop", Stream: "orders", Items: items}); err != nil {
			t.Fatal(err)
		}
		var routes []ledger.Unit
		for _, it := range items {
			routes = append(routes, &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Label: it.Key, Deliveries: []*ledger.NewDelivery{{
				Flow: "f", Step: "oms", Connection: "oms", Operation: "push", RemoteKey: it.Key, State: ledger.Parked, Code: code, Text: text, Claim: true,
				Payload: []byte(`{}`)}}})
		}
		if err := s.Commit(t.Context(), routes...); err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			ids = append(ids, r.(*ledger.Route).Deliveries[0].ID)
		}
	}
	return ids
}

func settleAll(t testing.TB, s ledger.Ledger, ids []int64, to ledger.State, code string) {
	t.Helper()
	var units []ledger.Unit
	for _, id := range ids {
		units = append(units, &ledger.Settle{Delivery: id, To: to, Code: code, Clean: true})
	}
	if err := s.Commit(t.Context(), units...); err != nil {
		t.Fatal(err)
	}
}

func incidents(t testing.TB, s *sqlledger.Store, state string) []ledger.Incident {
	t.Helper()
	list, err := s.Incidents(t.Context(), ledger.IncidentFilter{State: state})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnIncidentOpensAndClosesWithItsRows(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		now := time.Date(2026, 11, 11, 14, 0, 0, 0, time.UTC)
		s := st.open(t, func(o *sqlledger.Options) { o.Now = func() time.Time { return now } })
		ids := parkOrders(t, s, 1, 5, "schema.target", "/lines/3/sku is missing (required)")
		list := incidents(t, s, "open")
		if len(list) != 1 || list[0].Now != 5 || list[0].Seen != 5 || list[0].Field != "/lines/*/sku" || list[0].Name != "push" || !list[0].OpenedAt.Equal(now) {
			t.Fatalf("open are %+v", list)
		}
		if rows, err := s.IncidentRows(t.Context(), list[0].ID, ids[1], 2); err != nil || len(rows) != 2 || rows[0] != ids[2] {
			t.Fatalf("rows %v, %v", rows, err)
		}
		now = now.Add(2 * time.Minute)
		settleAll(t, s, ids, ledger.Ready, "")
		if list = incidents(t, s, "open"); len(list) != 0 {
			t.Fatalf("still open: %+v", list)
		}
		list = incidents(t, s, "closed")
		if len(list) != 1 || !list[0].ClosedAt.Equal(now) || list[0].Now != 0 || list[0].Seen != 5 {
			t.Fatalf("closed are %+v", list)
		}
		// Soon after it is the same incident, later another.
		now = now.Add(time.Minute)
		again := ids[:1]
		settleAll(t, s, again, ledger.Sending, "")
		park := &ledger.Settle{Delivery: ids[0], To: ledger.Parked, Code: "schema.target", Text: "/lines/0/sku is missing (required)"}
		if err := s.Commit(t.Context(), park); err != nil {
			t.Fatal(err)
		}
		if i := incidents(t, s, "open")[0]; i.Episodes != 1 || i.Seen != 6 || !i.ClosedAt.IsZero() || !i.OpenedAt.Before(now) {
			t.Fatalf("it came back as %+v", i)
		}
		settleAll(t, s, again, ledger.Ready, "")
		now = now.Add(time.Hour)
		settleAll(t, s, again, ledger.Sending, "")
		if err := s.Commit(t.Context(), park); err != nil {
			t.Fatal(err)
		}
		if i := incidents(t, s, "open")[0]; i.Episodes != 2 || i.Seen != 1 || i.Lifetime != 7 || !i.OpenedAt.Equal(now) {
			t.Fatalf("a later one is %+v", i)
		}
	})
}

func TestAGateIsAnIncidentUnlessAPersonClosedIt(t *testing.T) {
	s := sqliteStore(t).open(t)
	for _, reason := range []string{"outage", "pause"} {
		if err := s.Commit(t.Context(), &ledger.PutGate{Gate: ledger.Gate{Connection: "oms-" + reason, Reason: reason, Since: time.Now()}}); err != nil {
			t.Fatal(err)
		}
	}
	if list := incidents(t, s, "open"); len(list) != 1 || list[0].Kind != "gate" || list[0].Code != "outage" {
		t.Fatalf("open are %+v", list)
	}
	if err := s.Commit(t.Context(), &ledger.PutGate{Gate: ledger.Gate{Connection: "oms-outage"}, Open: true}); err != nil {
		t.Fatal(err)
	}
	if list := incidents(t, s, "open"); len(list) != 0 {
		t.Fatalf("open are %+v", list)
	}
}

func TestIncidentsSurviveAndArePaged(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 7 {
			parkOrders(t, s, 100*i, 2, fmt.Sprintf("oms.%d", i), "refused")
		}
		before := incidents(t, s, "")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = st.open(t)
		if after := incidents(t, s, ""); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Fatalf("before %+v\nafter %+v", before, after)
		}
		var got []ledger.Incident
		f := ledger.IncidentFilter{State: "open", Limit: 3}
		for {
			page, err := s.Incidents(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if len(page) < f.Limit {
				break
			}
			last := page[len(page)-1]
			f.Before, f.BeforeID = last.OpenedAt, last.ID
		}
		if fmt.Sprint(got) != fmt.Sprint(before) {
			t.Fatalf("paged %+v\nwant %+v", got, before)
		}
	})
}

// A store that has rows and no incidents yet, or has them by another rule, gets them when
// it is opened.
func TestIncidentsAreMadeOfWhatAStoreHas(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		ids := parkOrders(t, s, 1, 3, "schema.target", "/qty is missing (required)")
		if err := s.Commit(t.Context(), &ledger.PutGate{Gate: ledger.Gate{Connection: "crm", Reason: "auth", Since: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		st.age(t, 2)
		s = st.open(t)
		list := incidents(t, s, "open")
		if len(list) != 2 {
			t.Fatalf("open are %+v", list)
		}
		settleAll(t, s, ids, ledger.Ready, "")
		if list = incidents(t, s, "open"); len(list) != 1 || list[0].Kind != "gate" || list[0].Connection != "crm" {
			t.Fatalf("after the cure, open are %+v", list)
		}
	})
}

func TestTallyCountsByState(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t)
		parkOrders(t, s, 1, 3, "oms.1", "no")
		parkOrders(t, s, 10, 2, "oms.2", "no")
		got := map[string]int64{}
		list, err := s.Tally(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			got[c.Kind+" "+c.Name+" "+c.State] = c.N
		}
		if len(got) != 2 || got["delivery push parked"] != 5 || got["record orders routed"] != 5 {
			t.Fatalf("the tally is %v", got)
		}
	})
}

// Bulk replays are kept alike in both stores: rows of an incident and of a filter.
func TestABulkReplayIsKept(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		ids := parkOrders(t, s, 1, 4, "oms.1", "no")
		parkOrders(t, s, 10, 2, "oms.2", "no")
		of := incidents(t, s, "open")
		var one int64
		for _, i := range of {
			if i.Code == "oms.1" {
				one = i.ID
			}
		}
		a := &ledger.Bulk{Kind: "delivery", Incident: one, State: "planned", Mode: "re-map", Who: "anna"}
		b := &ledger.Bulk{Kind: "delivery", Connection: "oms", Operation: "push", State: "planned", Mode: "re-map"}
		c := &ledger.Bulk{Kind: "record", State: "planned", Mode: "re-map"}
		for i, want := range []int64{4, 6, 0} {
			job := []*ledger.Bulk{a, b, c}[i]
			if err := s.AddBulk(t.Context(), job); err != nil || job.Total != want {
				t.Fatalf("replay %d has %d rows, want %d: %v", job.ID, job.Total, want, err)
			}
		}
		shapes, err := s.BulkShapes(t.Context(), b)
		if err != nil || len(shapes) != 1 || shapes[0] != (ledger.BulkShape{Connection: "oms", Operation: "push", Source: "shop", Stored: true, N: 6}) {
			t.Fatalf("the shapes are %+v, %v", shapes, err)
		}
		for _, u := range []*ledger.Settle{{Delivery: ids[3], To: ledger.Ready, CountTry: true}, {Delivery: ids[3], To: ledger.Parked, Code: "oms.1"}} {
			if err := s.Commit(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		if shapes, err = s.BulkShapes(t.Context(), b); err != nil || len(shapes) != 2 || shapes[0].N != 5 || !shapes[1].Unsure || shapes[1].N != 1 {
			t.Fatalf("after an attempt the shapes are %+v, %v", shapes, err)
		}
		a.State = "running"
		done := ledger.BulkItem{Row: ids[1], State: "replayed", To: "ready", At: time.Now()}
		if err := s.PutBulk(t.Context(), a, done); err != nil {
			t.Fatal(err)
		}
		left, err := s.BulkItems(t.Context(), a.ID, ids[0], "pending", 10)
		if err != nil || len(left) != 2 || left[0].Row != ids[2] || left[0].Now != "parked" {
			t.Fatalf("pending are %+v, %v", left, err)
		}
		items, rows, err := s.BulkCounts(t.Context(), a)
		if err != nil || items["pending"] != 3 || items["replayed"] != 1 || rows["parked"] != 1 {
			t.Fatalf("counts %v %v, %v", items, rows, err)
		}
		if c.ID != 0 {
			t.Fatalf("a replay of nothing is kept as %d", c.ID)
		}
		if err := s.Commit(t.Context(), &ledger.Settle{Delivery: ids[1], To: ledger.Ready}); err != nil {
			t.Fatal(err)
		}
		for kind, rows := range map[string][]int64{"delivery": ids, "record": {recordOf(t, s, ids[0]), recordOf(t, s, ids[1])}} {
			moving, err := s.BulkMoving(t.Context(), kind, rows)
			if err != nil || len(moving) != 1 || moving[0] != rows[1] {
				t.Fatalf("of the %s %v are on their way: %v, %v", kind, rows, moving, err)
			}
		}
		list, err := s.Bulks(t.Context(), ledger.BulkFilter{States: []string{"planned", "done"}, Limit: 1})
		if err != nil || len(list) != 1 || list[0].ID != b.ID || list[0].Total != 6 {
			t.Fatalf("the list is %+v, %v", list, err)
		}
		if got, err := s.Bulk(t.Context(), a.ID); err != nil || got.State != "running" || got.Who != "anna" || got.Incident != one {
			t.Fatalf("read back as %+v, %v", got, err)
		}
		if err := s.AddBulk(t.Context(), &ledger.Bulk{Kind: "hint"}); err == nil {
			t.Fatal("a replay of hints was kept")
		}
		if list, err = s.Bulks(t.Context(), ledger.BulkFilter{Incident: one, Before: a.ID + 1, Unsummed: true, OlderThan: time.Now().Add(time.Hour)}); err != nil || len(list) != 1 || list[0].ID != a.ID {
			t.Fatalf("of the incident are %+v, %v", list, err)
		}
		if err := s.SumBulk(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if left, err = s.BulkItems(t.Context(), a.ID, 0, "", 10); err != nil || len(left) != 0 {
			t.Fatalf("left are %+v, %v", left, err)
		}
		got, err := s.Bulk(t.Context(), a.ID)
		if err != nil || got.SummedAt.IsZero() || got.Total != 4 || got.Items["pending"] != 3 || got.Items["replayed"] != 1 || got.Rows["ready"] != 1 {
			t.Fatalf("summed up it is %+v, %v", got, err)
		}
		if items, _, err = s.BulkCounts(t.Context(), got); err != nil || items["pending"] != 3 {
			t.Fatalf("its counts are %v, %v", items, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		st.age(t, 5)
		s = st.open(t)
		if list, err = s.Bulks(t.Context(), ledger.BulkFilter{Unsummed: true}); err != nil || len(list) != 1 || list[0].ID != b.ID {
			t.Fatalf("not summed up are %+v, %v", list, err)
		}
	})
}

// The money of an incident is what its rows are about, whatever they went through, and
// the same after the incidents were made anew.
func TestMoneyAtStake(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		amounts := []ledger.Amount{{Minor: 9600, Currency: "CNY"}, {Minor: 1, Currency: "CNY"}, {Minor: 500, Currency: "JPY"}, {}, {Minor: 9007199254740993, Currency: "CNY"}}
		var ids, records []int64
		for i, a := range amounts {
			key := fmt.Sprint(i)
			it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, FetchedAt: time.Now(), Body: []byte(`{}`)}
			if err := s.Commit(t.Context(), &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
				t.Fatal(err)
			}
			// First parked itself, then two deliveries of it are.
			r := &ledger.Route{Record: it.ID, To: ledger.RecordParked, Code: "mapping.enum", Amount: a}
			if err := s.Commit(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			records = append(records, it.ID)
		}
		check := func(what string, code string, cny, jpy, unpriced int64) {
			t.Helper()
			for _, i := range incidents(t, s, "open") {
				got := map[string]int64{}
				for _, m := range i.Money {
					got[m.Currency] = m.Minor
				}
				if i.Code == code && (got["CNY"] != cny || got["JPY"] != jpy || i.Unpriced() != unpriced) {
					t.Errorf("%s: %s tells %+v, %d unpriced", what, code, i.Money, i.Unpriced())
				}
			}
		}
		check("parked", "mapping.enum", 9007199254750594, 500, 1)
		for i, id := range records {
			r := &ledger.Route{Record: id, From: []ledger.RecordState{ledger.RecordParked}, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{
				{Flow: "f", Step: "oms", Connection: "oms", Operation: "push", RemoteKey: fmt.Sprint(i), State: ledger.Parked, Code: "oms.130", Claim: true, Payload: []byte(`{}`)},
				{Flow: "f", Step: "wms", Connection: "wms", Operation: "push", RemoteKey: fmt.Sprint(i), State: ledger.Parked, Code: "wms.1", Claim: true, Payload: []byte(`{}`)}}}
			if i == 0 {
				r.Amount = ledger.Amount{Minor: 9700, Currency: "CNY"} // mapped, it is another
			}
			if err := s.Commit(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.Deliveries[0].ID)
		}
		check("routed", "oms.130", 9007199254750694, 500, 1)
		check("routed", "wms.1", 9007199254750694, 500, 1)
		settleAll(t, s, ids[1:4], ledger.Ready, "")
		check("some are replayed", "oms.130", 9007199254750693, 0, 0)
		if all, err := s.Stakes(t.Context()); err != nil || fmt.Sprint(all) != fmt.Sprint([]ledger.Stake{
			{Amount: ledger.Amount{Minor: 2*9007199254750694 - 1, Currency: "CNY"}, Rows: 5}, {Amount: ledger.Amount{Minor: 500, Currency: "JPY"}, Rows: 1}}) {
			t.Errorf("at stake together is %+v, %v", all, err)
		}
		before := incidents(t, s, "open")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		st.exec(t, "DELETE FROM meta WHERE key = 'incidents'")
		s = st.open(t)
		for i, want := range before {
			if got := incidents(t, s, "open")[i]; fmt.Sprint(got.Money, got.Unpriced()) != fmt.Sprint(want.Money, want.Unpriced()) {
				t.Errorf("made anew %+v, before %+v", got, want)
			}
		}
	})
}

func recordOf(t testing.TB, s *sqlledger.Store, delivery int64) int64 {
	t.Helper()
	d, err := s.Delivery(t.Context(), delivery)
	if err != nil {
		t.Fatal(err)
	}
	return d.Record
}
