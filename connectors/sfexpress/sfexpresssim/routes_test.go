package sfexpresssim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

func opCodes(r result, n int) []string {
	out := []string{}
	list, _ := at(r.MsgData, "routeResps", n, "routes").([]any)
	for _, one := range list {
		code, _ := at(one, "opCode").(string)
		out = append(out, code)
	}
	return out
}

func TestRoutesComeInOrderOfTime(t *testing.T) {
	b := start(t, Options{})
	no := b.mustCreate(sample)
	for range 5 {
		if err := b.Progress("HUB-1"); err != nil {
			t.Fatal(err)
		}
		b.advance(time.Hour)
	}
	if err := b.Progress("HUB-1"); err == nil {
		t.Fatal("the journey has no end")
	}
	r := b.call(callRoutes, `{"trackingType":1,"trackingNumber":["`+no+`","SF9999999999999"],"methodType":1,"language":"zh-CN"}`)
	if diff := cmp.Diff([]string{"50", "30", "31", "44", "80"}, opCodes(r, 0)); diff != "" {
		t.Fatal(diff)
	}
	first := at(r.MsgData, "routeResps", 0, "routes", 0)
	want := map[string]any{
		"acceptTime": "2026-01-01 12:00:00", "acceptAddress": "杭州市", "remark": "顺丰速运 已收取快件", "opCode": "50",
		"firstStatusCode": "1", "firstStatusName": "已揽收", "secondaryStatusCode": "101", "secondaryStatusName": "已揽收",
	}
	if diff := cmp.Diff(any(want), first); diff != "" {
		t.Fatal(diff)
	}
	if !r.Success || len(opCodes(r, 1)) != 0 || at(r.MsgData, "routeResps", 1, "mailNo") != "SF9999999999999" {
		t.Fatalf("unknown number: %+v", r)
	}
	b.fault(simkit.Fault{Call: callRoutes, Kind: simkit.Reorder, Count: 1})
	r = b.call(callRoutes, `{"trackingType":"2","trackingNumber":"HUB-1"}`)
	if diff := cmp.Diff([]string{"80", "44", "31", "30", "50"}, opCodes(r, 0)); diff != "" {
		t.Fatal(diff)
	}
	b.fault(simkit.Fault{Call: callRoutes, Kind: simkit.Lag, DelayMS: 3600 * 1000 * 2})
	r = b.call(callRoutes, `{"trackingType":"2","trackingNumber":"HUB-1"}`)
	if diff := cmp.Diff([]string{"50", "30", "31", "44"}, opCodes(r, 0)); diff != "" {
		t.Fatal(diff)
	}
	if o, _ := b.Order("HUB-1"); o.Status != "delivered" {
		t.Fatalf("status %s", o.Status)
	}
}

func TestRouteQueriesAreChecked(t *testing.T) {
	b := start(t, Options{})
	for body, want := range map[string]string{
		`{}`:                            "8013",
		`{"trackingNumber":[]}`:         "8013",
		`{"trackingNumber":"a,,b"}`:     "8013",
		`{"trackingNumber":[1]}`:        "S0007",
		`{"trackingNumber":{"no":"1"}}`: "S0007",
		`{"trackingNumber":"1,2,3,4,5,6,7,8,9,10,11"}`: "8003",
		`{"trackingNumber":["1"],"trackingType":3}`:    "S0007",
	} {
		if r := b.call(callRoutes, body); r.ErrorCode != want {
			t.Errorf("%s: %+v, want %s", body, r, want)
		}
	}
}

func TestAnotherCardsParcelNeedsThePhone(t *testing.T) {
	b := start(t, Options{})
	if err := b.Insert(Order{OrderID: "OTHER-1", MonthlyCard: "0000000000", Receiver: Contact{Mobile: "13900001234", City: "上海市"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Progress("OTHER-1"); err != nil {
		t.Fatal(err)
	}
	r := b.call(callRoutes, `{"trackingType":2,"trackingNumber":["OTHER-1"]}`)
	if !r.Success || len(opCodes(r, 0)) != 0 || at(r.MsgData, "routeResps", 0, "reasonCode") != "20028" {
		t.Fatalf("without the phone: %+v", r)
	}
	r = b.call(callRoutes, `{"trackingType":2,"trackingNumber":["OTHER-1"],"checkPhoneNo":"9999,1234"}`)
	if len(opCodes(r, 0)) != 1 {
		t.Fatalf("with the phone: %+v", r)
	}
}

func TestFeesExistAfterPickup(t *testing.T) {
	b := start(t, Options{})
	no := b.mustCreate(strings.Replace(sample, `"parcelQty":1`, `"parcelQty":2`, 1))
	if r := b.call(callFees, `{"trackingType":"1","trackingNum":"HUB-1"}`); r.ErrorCode != "8148" {
		t.Fatalf("before pickup: %+v", r)
	}
	if err := b.Progress("HUB-1"); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"trackingType":"1","trackingNum":"HUB-1"}`, `{"trackingType":"2","trackingNum":"` + no + `"}`} {
		r := b.call(callFees, body)
		if at(r.MsgData, "waybillInfo", "waybillNo") != no || at(r.MsgData, "waybillFeeList", 0, "value") != "24" {
			t.Fatalf("%s: %+v", body, r)
		}
	}
	if r := b.call(callFees, `{"trackingType":"1","trackingNum":"`+no+`"}`); r.ErrorCode != "8148" {
		t.Fatalf("the types are the other way round here: %+v", r)
	}
}

type receiver struct {
	mu     sync.Mutex
	got    []string
	status int
	answer string
}

func (h *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var in struct {
		Body struct{ WaybillRoute []map[string]string }
	}
	_ = json.Unmarshal(raw, &in)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range in.Body.WaybillRoute {
		h.got = append(h.got, e["orderid"]+" "+e["opCode"]+" "+e["acceptTime"]+" "+e["id"])
	}
	w.WriteHeader(h.status)
	_, _ = io.WriteString(w, h.answer)
}

func TestRoutesArePushedUntilAcknowledged(t *testing.T) {
	const good = `{"return_code":"0000","return_msg":"成功"}`
	h := &receiver{status: 200, answer: good}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b := start(t, Options{HubURL: srv.URL})
	b.mustCreate(sample)
	for range 3 {
		if err := b.Progress("HUB-1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []struct {
		status int
		answer string
	}{
		{200, `{"return_code":"1000","return_msg":"busy"}`},
		{500, good},
		{200, "ok"},
		{200, `{"return_code":"0000"}`},
	} {
		h.mu.Lock()
		h.status, h.answer = bad.status, bad.answer
		h.mu.Unlock()
		if err := b.PushRoutes(t.Context()); err == nil {
			t.Fatalf("accepted %d %s", bad.status, bad.answer)
		}
	}
	h.mu.Lock()
	h.status, h.answer, h.got = 200, good, nil
	h.mu.Unlock()
	b.fault(simkit.Fault{Call: callPush, Kind: simkit.Reorder, Count: 1})
	b.fault(simkit.Fault{Call: callPush, Kind: simkit.DropRequest, Count: 1})
	b.fault(simkit.Fault{Call: callPush, Kind: simkit.Duplicate, Count: 1})
	if err := b.PushRoutes(t.Context()); err == nil {
		t.Fatal("a lost push is no error")
	}
	for range 2 { // the second has nothing left
		if err := b.PushRoutes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var codes []string
	for _, g := range h.got {
		codes = append(codes, strings.Fields(g)[1])
	}
	if diff := cmp.Diff([]string{"30", "30", "50", "31"}, codes); diff != "" {
		t.Fatal(diff)
	}
	if h.got[0] != h.got[1] || !strings.Contains(h.got[0], "2026-01-01 12:00:00") {
		t.Fatalf("a repeat differs: %v", h.got)
	}
	for _, p := range b.Pushes() {
		if !p.Acknowledged || len(p.Answers) < 5 {
			t.Fatalf("push %+v", p)
		}
	}
}

func TestControl(t *testing.T) {
	b := start(t, Options{})
	no := b.mustCreate(sample)
	do := func(name, body string) int {
		w := httptest.NewRecorder()
		b.ControlHTTP(w, httptest.NewRequest(http.MethodPost, "/_sim/sfexpress/"+name, strings.NewReader(body)))
		return w.Code
	}
	for _, step := range [][2]string{
		{"change", `{"order_id":"HUB-1","set":{"receiver":{"address":"别处3号"},"waybills":[]}}`},
		{"route", `{"order_id":"HUB-1","op_code":"70","remark":"无人","reason_code":"46"}`},
		{"progress", `{"order_id":"HUB-1"}`},
		{"insert", `{"set":{"order_id":"ORPHAN","receiver":{"contact":"谁"}}}`},
		{"cancel", `{"order_id":"ORPHAN"}`},
	} {
		if code := do(step[0], step[1]); code != 200 {
			t.Fatalf("%s: %d", step[0], code)
		}
	}
	o, _ := b.Order("HUB-1")
	if o.Receiver.Address != "别处3号" || o.Receiver.Mobile != "13900000002" || o.master() != no || len(o.Routes) != 2 || o.Routes[0].ReasonCode != "46" || o.Status != "collected" {
		t.Fatalf("%+v", o)
	}
	if o, _ := b.Order("ORPHAN"); !o.Foreign || !o.Cancelled || o.master() == "" {
		t.Fatalf("orphan %+v", o)
	}
	if code := do("delete", `{"order_id":"HUB-1"}`); code != 200 {
		t.Fatal(code)
	}
	b.mustCreate(sample) // the carrier forgot, so the order is made twice
	if made := b.WaybillsMade()["HUB-1"]; len(made) != 2 || made[0] != no {
		t.Fatalf("the second waybill does not show: %v", made)
	}
	for name, body := range map[string]string{
		"delete": `{"order_id":"x"}`, "route": `{"order_id":"HUB-1"}`, "progress": `{"order":"HUB-1"}`, "explode": `{}`,
		"insert": `{"set":{"order_id":"HUB-1"}}`, "change": `{"order_id":"HUB-1","set":{"colour":1}}`, "push": `{}`, "filter": `{"order_id":"HUB-1","result":2}`,
	} {
		if code := do(name, body); code != 400 {
			t.Errorf("%s %s: %d, want 400", name, body, code)
		}
	}
	w := httptest.NewRecorder()
	b.ControlHTTP(w, httptest.NewRequest(http.MethodGet, "/_sim/sfexpress/record", nil))
	if !strings.Contains(w.Body.String(), `"waybills_made"`) || w.Code != 200 {
		t.Fatalf("record %d %s", w.Code, w.Body)
	}
}
