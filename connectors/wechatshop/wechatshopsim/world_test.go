package wechatshopsim

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestAPlanIsRepeatable(t *testing.T) {
	deal := func(shop string) []SoldOrder {
		c := open(t, Options{ShopName: shop})
		if err := c.sim.Plan(7, 100, PlanOptions{Bad: BadKinds()}).All(); err != nil {
			t.Fatal(err)
		}
		return c.sim.Sold()
	}
	a, b := deal("shop-a"), deal("shop-a")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two plays of a plan differ: %s", diff)
	}
	cancelled, edited, refunded, bad, versions := 0, 0, 0, 0, 0
	for _, o := range a {
		switch {
		case o.Bad != "":
			bad++
		case o.Cancelled:
			cancelled++
		case o.Edits > 0 && o.MerchantNotes == "":
			edited++
		case len(o.Refunds) > 0:
			refunded++
		}
		versions += o.Versions
	}
	if len(a) != 106 || bad != len(BadKinds()) || cancelled != 10 || edited != 10 || refunded != 10 {
		t.Errorf("%d orders: %d cancelled, %d edited, %d refunded, %d bad", len(a), cancelled, edited, refunded, bad)
	}
	if versions < 300 {
		t.Errorf("%d versions, want three of each order", versions)
	}
	other := deal("shop-b")
	if a[0].OrderID != other[0].OrderID || a[0].Shop == other[0].Shop || a[0].OpenID == other[0].OpenID {
		t.Error("two shops want the same order ids, and nothing else in common")
	}
}

func TestPlanRunsAtARateAndStops(t *testing.T) {
	c := open(t, Options{})
	p := c.sim.Plan(1, 50, PlanOptions{Versions: 2})
	if p.Left() != 100 {
		t.Fatalf("%d steps, want 100", p.Left())
	}
	if err := p.Run(t.Context(), 1e6); err != nil || p.Left() != 0 || len(p.OrderIDs()) != 50 {
		t.Errorf("run: %v, %d steps left", err, p.Left())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.sim.Plan(2, 50, PlanOptions{}).Run(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run: %v", err)
	}
}

func TestSeededWorld(t *testing.T) {
	c := open(t, Options{Orders: 200, Members: 30})
	now := c.clock.t.Unix()
	states := map[int]int{}
	for _, o := range c.sim.Sold() {
		states[o.Status]++
		if o.CreatedAt > now || o.CreatedAt < now-6*86400 {
			t.Errorf("order %s was created at %d", o.OrderID, o.CreatedAt)
		}
	}
	for _, status := range []int{StatusToShip, StatusShipped, StatusDone, StatusRefunded, StatusCancelled} {
		if states[status] == 0 {
			t.Errorf("no order has status %d: %v", status, states)
		}
	}
	if got := c.sim.Pushes(); got.Emitted != 0 {
		t.Errorf("seeding pushed %d events", got.Emitted)
	}
	page := c.must("vip/user/list/get", map[string]any{"page_num": 2, "page_size": 20, "need_phone_number": true})
	if num(page, "total_num") != "30" || len(page["list"].([]any)) != 10 || dig(page, "list", 0, "user_info", "phone_number") != c.sim.Members()[20].Phone {
		t.Errorf("second page of members: %v", page)
	}
}

func TestMembersScoreMovesOncePerRequest(t *testing.T) {
	c := open(t, Options{})
	m := c.sim.Members()[3]
	move := map[string]any{"openid": m.OpenID, "score": "10", "remark": "r", "request_id": "R1"}
	c.must("vip/user/score/increase", move)
	c.must("vip/user/score/increase", move)
	c.must("vip/user/grade/update", map[string]any{"openid": m.OpenID, "grade": 9})
	after := c.sim.Members()[3]
	if after.Score != m.Score+10 || after.Grade != 9 {
		t.Errorf("member %+v, was %+v", after, m)
	}
	if flow := c.must("vip/user/score/flowrecord/get", map[string]any{"openid": m.OpenID, "page_num": 1, "page_size": 10}); num(flow, "total_num") != "1" {
		t.Errorf("flow: %v", flow)
	}
	if got := c.sim.History(); len(got) != 3 || got[1].Effect != "unchanged" {
		t.Errorf("history: %+v", got)
	}
}

func TestStock(t *testing.T) {
	c := open(t, Options{})
	products := c.must("product/list/get", map[string]any{"page_size": 4})
	id := dig(products, "product_ids", 1)
	sku := dig(c.must("product/get", map[string]any{"product_id": id, "data_type": 1}), "product", "skus", 0)
	if num(products, "total_num") != "6" || dig(sku, "sku_code") != "SKU-MUG-01" {
		t.Fatalf("products %v, SKU %v", products, sku)
	}
	set := func(diff int, n int64) string {
		_, code := c.ec("product/stock/update", map[string]any{"product_id": id, "sku_id": dig(sku, "sku_id"), "diff_type": diff, "num": n})
		return code
	}
	if got := set(3, 10) + set(1, 5) + set(1, 5) + set(2, 3); got != "0000" {
		t.Errorf("codes %s", got)
	}
	c.place(mug(2), true)
	got := c.must("product/stock/get", map[string]any{"product_id": id, "sku_id": dig(sku, "sku_id")})
	if num(got, "data", "total_stock_num") != "15" {
		t.Errorf("stock %v, want 10+5+5-3-2", got)
	}
	if set(2, 99) != "9401020" {
		t.Error("the stock became negative")
	}
	flow := c.must("product/stock/getflow", map[string]any{"product_id": id, "sku_id": dig(sku, "sku_id"), "page_size": 2})
	if num(flow, "data", "stock_flow_info_list", 0, "amount") != "-2" || dig(flow, "data", "next_key") != "2" {
		t.Errorf("flow: %v", flow)
	}
}

func TestAddressReviewHoldsShipping(t *testing.T) {
	c := open(t, Options{})
	id := c.place(mug(1), true)
	want := Address{Name: "新人", Phone: "13800000002", Province: "上海市", City: "上海市", Detail: "新路2号"}
	if err := c.sim.RequestAddressChange(id, want); err != nil {
		t.Fatal(err)
	}
	if err := c.sim.Ship(id, "", ""); err == nil {
		t.Error("shipped while the address is under review")
	}
	c.must("order/addressmodify/accept", map[string]any{"order_id": id})
	if o, _ := c.sim.Order(id); o.Receiver != want {
		t.Errorf("receiver %+v", o.Receiver)
	}
	if err := c.sim.Ship(id, "YTO", "YT1"); err != nil {
		t.Error(err)
	}
	if _, code := c.ec("order/address/update", map[string]any{"order_id": id, "user_address": map[string]any{
		"user_name": "a", "province_name": "b", "city_name": "c", "detail_info": "d", "tel_number": "1"}}); code != "100010" {
		t.Errorf("address of a shipped order: %s", code)
	}
}

func TestControl(t *testing.T) {
	c := open(t, Options{})
	do := func(method, name, body string) (int, map[string]any) {
		w := httptest.NewRecorder()
		c.sim.ControlHTTP(w, httptest.NewRequest(method, "/_sim/wechatshop/"+name, strings.NewReader(body)))
		var out map[string]any
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Fatalf("%s: %v in %s", name, err, w.Body)
			}
		}
		return w.Code, out
	}
	ok := func(name, body string) map[string]any {
		code, out := do("POST", name, body)
		if code != http.StatusOK {
			t.Fatalf("%s %s: HTTP %d", name, body, code)
		}
		return out
	}
	id := ok("place", `{"order_id":"42","lines":[{"sku_code":"SKU-MUG-01","qty":2}],"pay":true}`)["order_id"].(string)
	ref := `{"order_id":"` + id + `"`
	ok("edit", ref+`,"address":{"name":"甲","phone":"13800000003","province":"p","city":"c","county":"","detail":"d"}}`)
	after := ok("aftersale", ref+`,"qty":1,"kind":"REFUND"}`)["after_sale_order_id"].(string)
	ok("aftersale-cancel", `{"after_sale_order_id":"`+after+`"}`)
	ok("refund", ref+`,"qty":1}`)
	before, _ := c.sim.Order(id)
	c.clock.forward(time.Hour)
	ok("tamper", ref+`,"unit_fen":{"0":1},"phone":"13800000009"}`)
	o, _ := c.sim.Order(id)
	if o.Lines[0].UnitFen != 1 || o.Receiver.Phone != "13800000009" || o.UpdatedAt != before.UpdatedAt {
		t.Errorf("tampered order: %+v", o)
	}
	ok("ship", ref+`}`)
	ok("confirm", ref+`}`)
	ok("bad", `{"kind":"nul_receiver"}`)
	ok("plan", `{"seed":1,"orders":10}`)
	ok("join", `{"phone":"13800000004"}`)
	ok("delete", ref+`}`)
	if _, found := c.sim.Order(id); found {
		t.Error("the order is still there")
	}
	if _, out := do("GET", "record", ""); len(out["documents"].(map[string]any)) != 11 || len(out["members"].([]any)) != 21 {
		t.Errorf("record: %d documents", len(out["documents"].(map[string]any)))
	}
	for name, body := range map[string]string{"pay": ref + "}", "nosuch": "", "bad": `{"kind":"x"}`, "cancel": `{"id":1}`} {
		if code, _ := do("POST", name, body); code != http.StatusBadRequest {
			t.Errorf("%s %s: HTTP %d, want 400", name, body, code)
		}
	}
}

func FuzzCalls(f *testing.F) {
	var calls []string
	for _, group := range []map[string]handler{orderCalls, afterSaleCalls, productCalls, vipCalls} {
		calls = slices.AppendSeq(calls, maps.Keys(group))
	}
	slices.Sort(calls)
	for i, body := range []string{`{}`, `{"order_id":"3729000000000000517"}`, `{"page_size":10,"update_time_range":{"start_time":1,"end_time":9},"next_key":"e30"}`, `{"search_condition":{"title":"a"},"page_size":1}`,
		`{"order_id":3729000000000000517,"delivery_list":[{"deliver_type":1,"delivery_id":"SF","waybill_id":"1","product_infos":[{"product_id":"1","sku_id":"2","product_cnt":-1}]}]}`} {
		f.Add(i, body)
	}
	s := New(Options{Orders: 50, Options: simkit.Options{LimitScale: 1e6}})
	s.stable.mint("token", s.now().Add(time.Hour))
	f.Fuzz(func(t *testing.T, i int, body string) {
		r := httptest.NewRequest("POST", "/channels/ec/"+calls[uint(i)%uint(len(calls))]+"?access_token=token", strings.NewReader(body))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !json.Valid(w.Body.Bytes()) {
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		s := New(Options{})
		if err := s.Plan(1, 5000, PlanOptions{}).All(); err != nil {
			b.Fatal(err)
		}
		if n := len(s.Sold()); n != 5000 {
			b.Fatal(n)
		}
		s.Close()
	}
}

func BenchmarkListAndGet(b *testing.B) {
	s := New(Options{Orders: 5000})
	defer s.Close()
	s.mu.Lock()
	s.stable.mint("token", s.now().Add(time.Hour))
	s.opts.LimitScale = 1e6
	s.mu.Unlock()
	sold := s.Sold()
	for i := 0; b.Loop(); i++ {
		r := httptest.NewRequest("POST", "/channels/ec/order/get?access_token=token", strings.NewReader(`{"order_id":"`+sold[i%len(sold)].OrderID+`"}`))
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}
