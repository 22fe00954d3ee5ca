package jushuitan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

const shipments = "shipments"

func lastHour() connectors.Window {
	now := time.Now().UTC().Truncate(time.Second)
	return connectors.Window{From: now.Add(-time.Hour), To: now.Add(time.Minute)}
}

// pullAll pulls a window to its end; between is called before every page but the first.
func pullAll(t *testing.T, conn connectors.Connection, w connectors.Window, between func()) map[string]connectors.Item {
	t.Helper()
	found := map[string]connectors.Item{}
	cursor := ""
	for n := range 50 {
		if n > 0 && between != nil {
			between()
		}
		page, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: shipments, Cursor: cursor, Window: w})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			found[it.Key] = it
		}
		if !page.More {
			return found
		}
		cursor = page.Cursor
	}
	t.Fatal("the pull does not end")
	return nil
}

func fetchOne(t *testing.T, conn connectors.Connection, key string) connectors.Item {
	t.Helper()
	items, err := conn.(connectors.Fetcher).Fetch(t.Context(), shipments, []string{key})
	if err != nil || len(items) != 1 {
		t.Fatalf("%+v %v", items, err)
	}
	return items[0]
}

func TestSplitAndMergedShipments(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	for _, so := range []string{"A", "B", "C", "D"} {
		insert(t, sim, so)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := sim.ShipPart(shop, "A", "SF1", map[string]int64{"A-1": 1})
	do(err)
	second, err := sim.ShipPart(shop, "A", "SF2", nil)
	do(err)
	merged, err := sim.Merge(shop, "B", "C")
	do(err)
	_, err = sim.Ship("B")
	do(err)

	got := pullAll(t, conn, lastHour(), nil)
	var keys []string
	for key, it := range got {
		keys = append(keys, key+" of "+it.Root)
	}
	slices.Sort(keys)
	want := []string{first.OID + "/A of A", second.OID + "/A of A", merged + "/B of B", merged + "/C of C"}
	slices.Sort(want)
	if d := cmp.Diff(want, keys); d != "" {
		t.Fatal(d)
	}
	if !bytes.Equal(got[merged+"/B"].Body, got[merged+"/C"].Body) {
		t.Error("the two orders of a merged shipment do not share its row")
	}
	set, err := schemas.Load()
	do(err)
	s, _ := set.Get("vendors/jushuitan/shipment")
	for key, it := range got {
		if _, v := s.ValidateBytes(it.Body); len(v) > 0 {
			t.Errorf("%s: %v", key, v)
		}
		if again := fetchOne(t, conn, key); !bytes.Equal(again.Body, it.Body) || again.Version != it.Version || again.Root != it.Root {
			t.Errorf("%s is fetched otherwise than it is pulled: %+v", key, again)
		}
	}
	if it := fetchOne(t, conn, "1/D"); !it.Deleted || it.Version != 1 || it.Root != "D" {
		t.Errorf("what has not shipped: %+v", it)
	}
}

// Rows that leave the window while its pages are read must not take others along.
func TestNoShipmentIsSkippedWhileRowsMove(t *testing.T) {
	now := time.Now().Add(-time.Hour)
	faults := simkit.NewFaults(1)
	sim := jushuitansim.New(jushuitansim.Options{Options: simkit.Options{Faults: faults, LimitScale: 1000, Now: func() time.Time { return now }}})
	srv := httptest.NewServer(sim)
	defer srv.Close()
	_, sys := start(t, jushuitansim.Options{})
	creds := sim.Credentials()
	sys.Values.Text["url"] = srv.URL
	sys.Values.Secrets["access_token"] = connectors.NewSecret(creds["access_token"])
	conn := connect(t, sys.Values, nil, func() time.Time { return now })
	for n := range 130 {
		so := fmt.Sprintf("L-%d", n)
		insert(t, sim, so)
		if _, err := sim.Ship(so); err != nil {
			t.Fatal(err)
		}
	}
	w := connectors.Window{From: now.Add(-time.Minute).Truncate(time.Second), To: now.Add(time.Minute).Truncate(time.Second)}
	moved := 0
	got := pullAll(t, conn, w, func() {
		now = now.Add(2 * time.Minute)
		for range 10 {
			if err := sim.ChangeOrder(shop, fmt.Sprintf("L-%d", moved), map[string]any{"remark": "called"}); err != nil {
				t.Fatal(err)
			}
			moved++
		}
	})
	root := map[string]bool{}
	for _, it := range got {
		root[it.Root] = true
	}
	if root["L-0"] || moved < 30 {
		t.Fatalf("%d rows moved: the test moves none out of the window", moved)
	}
	for n := moved; n < 130; n++ {
		if !root[fmt.Sprintf("L-%d", n)] {
			t.Errorf("L-%d did not move and was skipped", n)
		}
	}
}

// gateway answers the token call and one answer to everything else.
func gateway(t *testing.T, answer string) connectors.Connection {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(srv.Close)
	_, sys := start(t, jushuitansim.Options{})
	sys.Values.Text["url"] = srv.URL
	return connect(t, sys.Values, nil, nil)
}

func TestAShipmentIsTheExactBytesOfItsRow(t *testing.T) {
	row := `{ "so_id":"A","o_id" : 5550001,"l_id":"SF\u0031", "freight":8.00,"send_date":"2026-01-02 09:00:00","items":[{"qty":1.0}]}`
	conn := gateway(t, `{"code":0,"data":{"has_next":false,"orders":[ `+row+` ]}}`)
	it := pullAll(t, conn, lastHour(), nil)["5550001/A"]
	if string(it.Body) != row || it.Version != time.Date(2026, 1, 2, 1, 0, 0, 0, time.UTC).Unix() {
		t.Errorf("version %d\n got %s\nwant %s", it.Version, it.Body, row)
	}
}

func TestAnswersThatAreNoShipments(t *testing.T) {
	for _, data := range []string{
		`null`, `[]`, `{"orders":{}}`, `{"orders":[1]}`, `{"orders":[{"so_id":"A","send_date":"2026-01-02 09:00:00"}]}`,
		`{"orders":[{"o_id":1,"so_id":"A","items":[]}]}`, `{"orders":[{"o_id":"x","so_id":"A","send_date":"2026-01-02 09:00:00"}]}`,
		`{"orders":[],"has_next":true}`, `{"orders":[],"has_next":true,"page_count":1}`, `{"orders":[{"o_id":1,"items":7,"send_date":"2026-01-02 09:00:00"}]}`,
	} {
		conn := gateway(t, `{"code":0,"data":`+data+`}`)
		_, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: shipments, Window: lastHour()})
		if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unreadable || len(e.Raw) == 0 {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestPullsThatAreNot(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	for _, req := range []connectors.PullRequest{
		{Stream: "orders", Window: lastHour()}, {Stream: shipments, Cursor: "x", Window: lastHour()}, {Stream: shipments, Cursor: "0", Window: lastHour()},
	} {
		if _, err := conn.(connectors.Source).Pull(t.Context(), req); connectors.AsError(err) == nil {
			t.Errorf("%+v was pulled", req)
		}
	}
	if page, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: shipments}); err != nil || page.More || len(page.Items) > 0 {
		t.Errorf("no window: %+v %v", page, err)
	}
	if _, err := conn.(connectors.Fetcher).Fetch(t.Context(), "orders", []string{"1/A"}); connectors.AsError(err) == nil {
		t.Error("a stream that is not there was fetched")
	}
}

// The vendor's rule: md5 of method, partnerid, the other fields by name, and the key.
const callbackVector = "method=logistics.upload&partnerid=demoPartner&ts=1735696800&token=demoToken&sign=edb45483d0bb6a15e20f96a98cab08ed"

func receiver(t *testing.T, key, partner string) connectors.Receiver {
	t.Helper()
	_, sys := start(t, jushuitansim.Options{})
	if key != "" {
		sys.Values.Secrets["callback_key"] = connectors.NewSecret(key)
	}
	sys.Values.Text["callback_partner"] = partner
	return connect(t, sys.Values, nil, nil).(connectors.Receiver)
}

func TestCallbacks(t *testing.T) {
	body := `{"so_id":"A","o_id":5550001,"l_id":"SF1","items":[{"so_id":"A"},{"so_id":"B"},{"so_id":"A"}]}`
	for _, tc := range []struct {
		name, key, partner, query, body string
		kind                            connectors.Kind
		keys                            []string
	}{
		{name: "vector", key: "erp", partner: "demoPartner", query: callbackVector, body: body, keys: []string{"5550001/A", "5550001/B"}},
		{name: "capital letters", key: "erp", query: strings.Replace(callbackVector, "edb454", "EDB454", 1), body: `{"so_id":"A","o_id":"5550001"}`, keys: []string{"5550001/A"}},
		{name: "off", query: callbackVector, body: body, kind: connectors.Unauthorized},
		{name: "another key", key: "other", query: callbackVector, body: body, kind: connectors.Unauthorized},
		{name: "another partner", key: "erp", partner: "someone", query: callbackVector, body: body, kind: connectors.Unauthorized},
		{name: "another field", key: "erp", query: callbackVector + "&more=1", body: body, kind: connectors.Unauthorized},
		{name: "no signature", key: "erp", query: "method=logistics.upload", body: body, kind: connectors.Unauthorized},
		{name: "no o_id", key: "erp", query: callbackVector, body: `{"so_id":"A"}`, kind: connectors.Unreadable},
		{name: "no so_id", key: "erp", query: callbackVector, body: `{"o_id":1}`, kind: connectors.Unreadable},
		{name: "no JSON", key: "erp", query: callbackVector, body: `so_id=A`, kind: connectors.Unreadable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q, err := url.ParseQuery(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			rc := receiver(t, tc.key, tc.partner)
			rcv, err := rc.Receive(t.Context(), connectors.Request{Method: http.MethodPost, Query: q, Body: []byte(tc.body)})
			if tc.kind != "" {
				if e := connectors.AsError(err); e == nil || e.Kind != tc.kind {
					t.Fatalf("%+v %v", rcv, err)
				}
				if answer := rc.Reply(connectors.Bad, rcv, err); bytes.Contains(answer.Body, []byte(`"0"`)) {
					t.Errorf("answered %s", answer.Body)
				}
				return
			}
			var keys []string
			for _, it := range rcv.Items {
				if it.Body != nil || it.Stream != shipments {
					t.Errorf("the callback itself is believed: %+v", it)
				}
				keys = append(keys, it.Key)
			}
			if d := cmp.Diff(tc.keys, keys); err != nil || d != "" {
				t.Fatalf("%v %s", err, d)
			}
			if answer := rc.Reply(connectors.Stored, rcv, nil); answer.Status != http.StatusOK || string(answer.Body) != `{"code":"0","msg":"执行成功"}` {
				t.Errorf("answered %d %s", answer.Status, answer.Body)
			}
			if answer := rc.Reply(connectors.Busy, rcv, nil); !bytes.Contains(answer.Body, []byte(`"code":"-1"`)) {
				t.Errorf("busy is answered %s", answer.Body)
			}
		})
	}
}

// Other callbacks of the ERP are signed alike and refused: saying "done" would be a lie.
func TestOtherCallbacksAreRefused(t *testing.T) {
	sim, _ := start(t, jushuitansim.Options{})
	rc := receiver(t, jushuitansim.PartnerKey, jushuitansim.PartnerID)
	_, err := rc.Receive(t.Context(), called(sim.StockCallback(shop)))
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Invalid || e.Hint == "" {
		t.Fatalf("%v", err)
	}
	if answer := rc.Reply(connectors.Bad, connectors.Received{}, err); !bytes.Contains(answer.Body, []byte(`"code":"-1"`)) {
		t.Errorf("answered %s", answer.Body)
	}
}

func TestAfterSalesAreComparedAndListed(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	pushed(t, conn, "order.push", "S-A", order("S-A", 0))
	look := func() connectors.Finding {
		t.Helper()
		f, err := conn.(connectors.Looker).Lookup(t.Context(), "aftersale.push", []connectors.Delivery{{ID: "1", Key: "A", Document: afterSale("A", 0)}})
		if err != nil || len(f) != 1 || f[0].Err != nil {
			t.Fatalf("%+v %v", f, err)
		}
		return f[0]
	}
	if f := look(); f.Presence != connectors.Absent {
		t.Fatalf("before: %+v", f)
	}
	ids := pushed(t, conn, "aftersale.push", "A", afterSale("A", 0))
	if f := look(); f.Presence != connectors.Same || !cmp.Equal(f.RemoteIDs, ids) {
		t.Errorf("after: %+v, want %v", f, ids)
	}
	if err := sim.ChangeAfterSale(shop, "A", map[string]any{"refund": json.Number("1.00"), "shop_status": "SUCCESS", "good_status": "SELLER_RECEIVED"}); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.Presence != connectors.Other || !cmp.Equal(f.Fields, []string{"shop_status", "refund"}) {
		t.Errorf("changed by a clerk: %+v", f)
	}
	page, err := conn.(connectors.Querier).List(t.Context(), "aftersale.push", lastHour(), "")
	if err != nil || page.More || len(page.Rows) != 1 {
		t.Fatalf("%+v %v", page, err)
	}
	if s := page.Rows[0]; s.Key != "A" || s.Status != "closed" || s.Amount != 100 || s.Currency != "CNY" || s.Lines != 1 || s.Store != shop || s.Modified.IsZero() {
		t.Errorf("%+v", s)
	}
	if _, err := conn.(connectors.Querier).Get(t.Context(), "aftersale.push", []string{"A"}); connectors.AsError(err) == nil {
		t.Error("an after-sale was read by its number")
	}
}

// An after-sale may overtake its order: it waits for it and is not refused.
func TestAnAfterSaleWaitsForItsOrder(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, nil)
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "aftersale.push", []connectors.Delivery{{ID: "1", Key: "A", Document: afterSale("A", 0)}})
	if err != nil || len(res) != 1 || res[0].Outcome != connectors.MissingReference || res[0].Missing == nil ||
		*res[0].Missing != (connectors.Missing{Operation: "order.push", Key: "S-A"}) {
		t.Fatalf("%+v %v", res, err)
	}
}

// Whatever a callback holds, it gives keys that can be fetched, or an error.
func FuzzCallback(f *testing.F) {
	f.Add([]byte(`{"so_id":"A","o_id":5550001,"items":[{"so_id":"B"}]}`))
	f.Add([]byte(`{"so_id":"A","o_id":1e3,"items":{}}`))
	f.Add([]byte(`[]`))
	q, err := url.ParseQuery(callbackVector)
	if err != nil {
		f.Fatal(err)
	}
	decl := jushuitan.Connector()
	cfg, errs := connectors.NewConfig(decl.Config, connectors.Values{Text: map[string]string{"app_key": "demoAppKey"},
		Secrets: map[string]connectors.Secret{"app_secret": connectors.NewSecret("demoSecret0001"), "callback_key": connectors.NewSecret("erp")}})
	if len(errs) > 0 {
		f.Fatal(errs)
	}
	conn, err := decl.OpenConnection(f.Context(), cfg, connectors.Env{Name: "oms"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rcv, err := conn.(connectors.Receiver).Receive(t.Context(), connectors.Request{Method: http.MethodPost, Query: q, Body: body})
		if err != nil && len(rcv.Items) > 0 {
			t.Fatal("items beside an error")
		}
		for _, it := range rcv.Items {
			oid, so, ok := strings.Cut(it.Key, "/")
			if !ok || oid == "" || so == "" || it.Root != so {
				t.Fatalf("%+v", it)
			}
		}
		if _, derr := codec.Decode(body); derr != nil && err == nil {
			t.Fatal("a body that is no JSON was taken")
		}
	})
}
