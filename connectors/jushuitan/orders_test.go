package jushuitan_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/schemas/codec"
)

func deliver(t *testing.T, conn connectors.Connection, op string, d connectors.Delivery) connectors.Result {
	t.Helper()
	d.ID = "D"
	res, err := conn.(connectors.Sink).Deliver(t.Context(), op, []connectors.Delivery{d})
	if err != nil || len(res) != 1 {
		t.Fatalf("%s: %+v %v", op, res, err)
	}
	return res[0]
}

func TestCancelFollowsWhatBecameOfTheOrder(t *testing.T) {
	const key = "S1-1"
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name  string
		since func(sim *jushuitansim.Sim)
		ids   bool // hand over the create's o_id
		want  connectors.Outcome
		kind  connectors.Kind
		open  int // orders of the ERP neither cancelled nor replaced, afterwards
	}{
		{"open", func(*jushuitansim.Sim) {}, true, connectors.Done, "", 0},
		{"open, o_id not known", func(*jushuitansim.Sim) {}, false, connectors.Done, "", 0},
		{"shipped", func(sim *jushuitansim.Sim) { _, err := sim.Ship(key); do(err) }, true, connectors.Refused, connectors.Conflict, 1},
		{"shipped in part", func(sim *jushuitansim.Sim) {
			_, err := sim.ShipPart(shop, key, "", map[string]int64{key + "-1": 1})
			do(err)
		}, true, connectors.Refused, connectors.Conflict, 2},
		{"cancelled by a clerk", func(sim *jushuitansim.Sim) { do(sim.SetStatus(shop, key, jushuitansim.Cancelled)) }, true, connectors.Done, "", 0},
		{"copied by a clerk", func(sim *jushuitansim.Sim) { _, err := sim.CopyOrder(shop, key); do(err) }, true, connectors.Done, "", 1},
		{"deleted", func(sim *jushuitansim.Sim) { do(sim.DeleteOrder(shop, key)) }, false, connectors.Refused, connectors.Conflict, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			sim, sys := start(t, jushuitansim.Options{})
			conn := connect(t, sys.Values, nil, nil)
			ids := pushed(t, conn, "order.push", key, order(key, 0))
			tc.since(sim)
			if !tc.ids {
				ids = nil
			}
			res := deliver(t, conn, "order.cancel", connectors.Delivery{Key: key, Document: cancel(key, 0), RemoteIDs: ids})
			if res.Outcome != tc.want || tc.kind != "" && (res.Err == nil || res.Err.Kind != tc.kind) {
				t.Errorf("outcome %d %v, want %d %s", res.Outcome, res.Err, tc.want, tc.kind)
			}
			open := 0
			for _, o := range sim.Orders() {
				if o.SoID == key && !slices.Contains([]string{jushuitansim.Cancelled, jushuitansim.Split, jushuitansim.Merged}, o.Status) {
					open++
				}
			}
			if open != tc.open {
				t.Errorf("%d orders are open, want %d", open, tc.open)
			}
		})
	}
}

func TestCancelOfAMergedOrderLeavesTheOtherAlone(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	ids := pushed(t, conn, "order.push", "A", order("A", 0))
	pushed(t, conn, "order.push", "B", order("B", 0))
	merged, err := sim.Merge(shop, "A", "B")
	if err != nil {
		t.Fatal(err)
	}
	res := deliver(t, conn, "order.cancel", connectors.Delivery{Key: "A", Document: cancel("A", 0), RemoteIDs: ids})
	if res.Outcome != connectors.Refused || res.Err.Kind != connectors.Conflict {
		t.Errorf("outcome %d %v", res.Outcome, res.Err)
	}
	for _, o := range sim.Orders() {
		if o.OID == merged && o.Status == jushuitansim.Cancelled {
			t.Error("the merged order, and B with it, was cancelled")
		}
	}
}

func TestLookupOfACancel(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	look := func() connectors.Presence {
		f, err := conn.(connectors.Looker).Lookup(t.Context(), "order.cancel", []connectors.Delivery{{ID: "1", Key: "A", Document: cancel("A", 0)}})
		if err != nil || len(f) != 1 {
			t.Fatal(f, err)
		}
		return f[0].Presence
	}
	got := []connectors.Presence{look()}
	ids := pushed(t, conn, "order.push", "A", order("A", 0))
	got = append(got, look())
	deliver(t, conn, "order.cancel", connectors.Delivery{Key: "A", Document: cancel("A", 0), RemoteIDs: ids})
	got = append(got, look())
	if diff := cmp.Diff([]connectors.Presence{connectors.Absent, connectors.Absent, connectors.Same}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLookupNamesWhatAClerkChanged(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	pushed(t, conn, "order.push", "A", order("A", 0))
	look := func() connectors.Finding {
		f, err := conn.(connectors.Looker).Lookup(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "A", Document: order("A", 0)}})
		if err != nil {
			t.Fatal(err)
		}
		return f[0]
	}
	for _, tc := range []struct {
		change func() error
		want   []string
	}{
		{func() error { return sim.ChangeOrder(shop, "A", map[string]any{"receiver_name": "示*人"}) }, nil}, // masked: not compared
		{func() error { return sim.ChangeOrder(shop, "A", map[string]any{"receiver_city": "宁波市"}) }, []string{"receiver_city"}},
		{func() error {
			return sim.ChangeOrder(shop, "A", map[string]any{"pay_amount": json.Number("1.00")})
		}, []string{"receiver_city", "pay_amount"}},
		{func() error { return sim.ChangeLine(shop, "A", "A-1", map[string]any{"qty": json.Number("9")}) }, []string{"receiver_city", "pay_amount", "items/A-1"}},
		{func() error { return sim.SetStatus(shop, "A", jushuitansim.Cancelled) }, []string{"receiver_city", "pay_amount", "items/A-1", "shop_status"}},
	} {
		if err := tc.change(); err != nil {
			t.Fatal(err)
		}
		f := look()
		want := connectors.Same
		if tc.want != nil {
			want = connectors.Other
		}
		if diff := cmp.Diff(tc.want, f.Fields); diff != "" || f.Presence != want {
			t.Errorf("presence %d: %s", f.Presence, diff)
		}
	}
	if _, err := conn.(connectors.Looker).Lookup(t.Context(), "order.praise", nil); connectors.AsError(err) == nil {
		t.Error("an operation that is not there was looked up")
	}
}

func TestLookupAfterASplitComparesThePartsTogether(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	pushed(t, conn, "order.push", "A", order("A", 0))
	if _, err := sim.ShipPart(shop, "A", "", map[string]int64{"A-1": 1}); err != nil {
		t.Fatal(err)
	}
	f, err := conn.(connectors.Looker).Lookup(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "A", Document: order("A", 0)}})
	if err != nil || f[0].Presence != connectors.Same || len(f[0].RemoteIDs) != 3 {
		t.Errorf("%+v %v", f, err)
	}
	rows, err := conn.(connectors.Querier).Get(t.Context(), "order.push", []string{"A"})
	if err != nil || len(rows) != 1 || rows[0].Status != "open" || rows[0].Currency != "" {
		t.Errorf("%+v %v", rows, err)
	}
}

func TestLookupLeavesAClerksCopyOut(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	ids := pushed(t, conn, "order.push", "A", order("A", 0))
	if _, err := sim.CopyOrder(shop, "A"); err != nil {
		t.Fatal(err)
	}
	f, err := conn.(connectors.Looker).Lookup(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "A", Document: order("A", 0), RemoteIDs: ids}})
	if err != nil || f[0].Presence != connectors.Same || len(f[0].RemoteIDs) != 1 {
		t.Errorf("%+v %v", f, err)
	}
}

func TestABatchRefusedAsAWholeIsLeftToTheEngine(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{MaxBatch: 1})
	conn := connect(t, sys.Values, nil, nil)
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.push", []connectors.Delivery{
		{ID: "1", Key: "A", Document: order("A", 0)}, {ID: "2", Key: "B", Document: order("B", 0)}})
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Invalid || e.Scope != connectors.OfDocument || e.Sent || len(res) > 0 {
		t.Errorf("%+v %v, want an error of the documents and no result", res, err)
	}
}

func TestDocumentsThatCannotGoIntoABatch(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.push", []connectors.Delivery{
		{ID: "another key", Key: "B", Document: order("A", 0)},
		{ID: "good", Key: "C", Document: order("C", 0)},
		{ID: "twice", Key: "C", Document: order("C", 1)},
		{ID: "no JSON", Key: "D", Document: json.RawMessage(`{"so_id":`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]connectors.Outcome{}
	for _, r := range res {
		got[r.ID] = r.Outcome
	}
	want := map[string]connectors.Outcome{"another key": connectors.Refused, "good": connectors.Done, "twice": connectors.NotSent, "no JSON": connectors.Refused}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(sim.Orders()); n != 1 {
		t.Errorf("%d orders in the ERP, want 1", n)
	}
}

func TestAMissingRowIsUnknown(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"code":0,"msg":"","data":{"datas":[{"o_id":7,"so_id":"B","issuccess":true}]}}`))
	}))
	defer srv.Close()
	conn := connect(t, connectors.Values{Text: map[string]string{"url": srv.URL, "app_key": "k"}, Secrets: map[string]connectors.Secret{
		"app_secret": connectors.NewSecret("invented-app-secret"), "access_token": connectors.NewSecret("invented-access-token")}}, nil, nil)
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.push", []connectors.Delivery{
		{ID: "1", Key: "A", Document: order("A", 0)}, {ID: "2", Key: "B", Document: order("B", 0)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range res {
		if r.ID == "1" && (r.Outcome != connectors.Unknown || !r.Err.Sent) || r.ID == "2" && r.Outcome != connectors.Done {
			t.Errorf("%+v", r)
		}
	}
}

func TestListPagesThroughLongWindows(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	const n = 120 // more than one page
	for i := range n {
		if _, err := sim.InsertOrder(row(t, fmt.Sprintf("L-%03d", i))); err != nil {
			t.Fatal(err)
		}
	}
	q := conn.(connectors.Querier)
	now := time.Now()
	w := connectors.Window{From: now.Add(-20 * 24 * time.Hour), To: now.Add(time.Minute)}
	seen := map[string]int{}
	calls := 0
	for cursor := ""; ; calls++ {
		page, err := q.List(t.Context(), "order.push", w, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Rows {
			seen[s.Key]++
			if s.Modified.Before(w.From) || !s.Modified.Before(w.To) {
				t.Errorf("%s was modified %v, outside the window", s.Key, s.Modified)
			}
		}
		if !page.More {
			break
		}
		cursor = page.Cursor
	}
	if len(seen) != n {
		t.Errorf("%d orders listed, want %d", len(seen), n)
	}
	for key, times := range seen {
		if times != 1 {
			t.Errorf("%s listed %d times", key, times)
		}
	}
	if calls != 3 { // three spans, the last of two pages: four calls
		t.Errorf("went on %d times, want 3", calls)
	}
	for _, bad := range []string{"x", "1/0", "1/", "/1"} {
		if _, err := q.List(t.Context(), "order.push", w, bad); connectors.AsError(err) == nil {
			t.Errorf("cursor %q was taken", bad)
		}
	}
	if page, err := q.List(t.Context(), "order.push", connectors.Window{From: now, To: now}, ""); err != nil || page.More || len(page.Rows) > 0 {
		t.Errorf("an empty window gives %+v %v", page, err)
	}
	if _, err := q.List(t.Context(), "order.cancel", w, ""); connectors.AsError(err) == nil {
		t.Error("order.cancel was listed")
	}
}

func row(t *testing.T, key string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := codec.Unmarshal(order(key, 0), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSummariesOfBothSidesSayTheSame(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	for _, key := range []string{"A", "B", "C"} {
		pushed(t, conn, "order.push", key, order(key, 0))
	}
	if _, err := sim.Ship("B"); err != nil {
		t.Fatal(err)
	}
	if err := sim.SetStatus(shop, "C", jushuitansim.Cancelled); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.(connectors.Querier).Get(t.Context(), "order.push", []string{"A", "B", "C", "D"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range rows {
		got[s.Key] = fmt.Sprint(s.Status, " ", s.Amount, s.Currency, " ", s.Lines, " ", s.Store)
	}
	if diff := cmp.Diff(map[string]string{"A": "open 11800CNY 1 10001", "B": "closed 11800CNY 1 10001", "C": "cancelled 11800CNY 1 10001"}, got); diff != "" {
		t.Error(diff)
	}
	for status, want := range map[string]string{"WAIT_SELLER_SEND_GOODS": "open", "TRADE_FINISHED": "closed", "TRADE_CLOSED_BY_TAOBAO": "cancelled"} {
		m := row(t, "A")
		m["shop_status"] = status
		doc, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		s, err := conn.(connectors.Querier).Summarize("order.push", doc)
		if err != nil || s.Status != want || s.Amount != 11800 || s.Key != "A" || s.Lines != 1 {
			t.Errorf("%s: %+v %v", status, s, err)
		}
	}
	if _, err := conn.(connectors.Querier).Summarize("order.push", json.RawMessage(`[]`)); connectors.AsError(err) == nil {
		t.Error("an array was summarized")
	}
}
