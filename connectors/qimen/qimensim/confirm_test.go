package qimensim

import (
	"fmt"
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

// hub is the other side of confirms: it checks signatures and answers by script.
type hub struct {
	*httptest.Server
	secret string
	mu     sync.Mutex
	got    []*node
	signed []bool
	answer string // empty means success
	status int
}

func startHub(t *testing.T, b *bench) *hub {
	h := &hub{secret: b.opt.Secret, status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p := map[string]string{}
		for name, v := range r.URL.Query() {
			p[name] = v[0]
		}
		delete(p, "shop")
		root, err := parse(body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil {
			t.Errorf("confirm: %v in %s", err, body)
		}
		h.got = append(h.got, root)
		h.signed = append(h.signed, p["sign"] == sign("md5", h.secret, p, body) && p["method"] == callConfirm && r.URL.Query().Get("shop") == "a")
		answer := h.answer
		if answer == "" {
			answer = head + "<response><flag>success</flag><code>0</code><message>ok</message></response>"
		}
		w.WriteHeader(h.status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(h.Close)
	b.SetHub(h.URL + "/in?shop=a")
	return h
}

func (h *hub) say(status int, answer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.answer = status, answer
}

func (h *hub) received() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, n := range h.got {
		var parcels []string
		for _, p := range n.child("packages").kids {
			var items []string
			for _, i := range p.child("items").kids {
				items = append(items, i.at("itemCode")+"x"+i.at("quantity"))
			}
			parcels = append(parcels, strings.Join(items, "+"))
		}
		var lines []string
		for _, l := range n.child("orderLines").kids {
			lines = append(lines, l.at("orderLineNo")+":"+l.at("actualQty")+"/"+l.at("planQty"))
		}
		out = append(out, fmt.Sprintf("%s %s %s [%s] [%s]", n.at("deliveryOrder", "deliveryOrderCode"), n.at("deliveryOrder", "confirmType"),
			n.at("deliveryOrder", "status"), strings.Join(parcels, " | "), strings.Join(lines, " ")))
	}
	return out
}

func TestShipConfirmsParcelsAndLines(t *testing.T) {
	for name, tc := range map[string]struct {
		how  ShipOptions
		want []string
	}{
		"one parcel":   {ShipOptions{}, []string{"WX1 0 DELIVERED [TEE-RED-Lx2+GIFTx1] [1:2/2 2:1/1]"}},
		"two parcels":  {ShipOptions{Packages: 2}, []string{"WX1 0 DELIVERED [TEE-RED-Lx1 | TEE-RED-Lx1+GIFTx1] [1:2/2 2:1/1]"}},
		"in two steps": {ShipOptions{Packages: 2, Intermediate: true}, []string{"WX1 1 PARTDELIVERED [TEE-RED-Lx1] [1:1/2]", "WX1 0 DELIVERED [TEE-RED-Lx1+GIFTx1] [1:1/2 2:1/1]"}},
		"short":        {ShipOptions{Packages: 9, Short: map[string]int64{"2": 5, "1": -3}}, []string{"WX1 0 DELIVERED [TEE-RED-Lx1 | TEE-RED-Lx1] [1:2/2 2:0/1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{})
			h := startHub(t, b)
			b.mustCreate(sample)
			if err := b.Ship(t.Context(), "WX1", tc.how); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, h.received()); diff != "" {
				t.Fatal(diff)
			}
			waybills, ids := map[string]bool{}, map[string]bool{}
			for i, n := range h.got {
				if !h.signed[i] {
					t.Error("a confirm is not signed")
				}
				ids[n.at("deliveryOrder", "outBizCode")] = true
				for _, p := range n.child("packages").kids {
					waybills[p.at("expressCode")] = true
				}
			}
			o, _ := b.DeliveryOrder("WX1")
			if len(waybills) != len(o.Packages) || len(ids) != len(tc.want) || waybills[""] || ids[""] {
				t.Errorf("waybills %v, message ids %v", waybills, ids)
			}
			if o.Status != "DELIVERED" || !b.Confirms()[0].Acknowledged {
				t.Errorf("order %s, confirms %+v", o.Status, b.Confirms())
			}
			if err := b.Ship(t.Context(), "WX1", ShipOptions{}); err == nil {
				t.Error("shipped twice")
			}
			if _, _, root := b.call(callQuery, queryBody("WX1", "1", "100")); root.at("deliveryOrder", "status") != "DELIVERED" || len(root.child("packages").kids) != len(o.Packages) {
				t.Errorf("query does not show the parcels: %+v", root)
			}
		})
	}
}

func TestOnlyAProperSuccessIsAnAcknowledgement(t *testing.T) {
	good := head + "<response><flag>success</flag><code>0</code><message>ok</message></response>"
	for name, bad := range map[string]struct {
		status int
		answer string
	}{
		"failure":         {200, head + "<response><flag>failure</flag><code>busy</code><message>later</message></response>"},
		"page":            {200, "<html><body>down</body></html>"},
		"json":            {200, `{"flag":"success"}`},
		"no code":         {200, "<response><flag>success</flag></response>"},
		"upper case flag": {200, strings.Replace(good, "success", "SUCCESS", 1)},
		"success in 503":  {503, good},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{})
			h := startHub(t, b)
			b.mustCreate(sample)
			h.say(bad.status, bad.answer)
			if err := b.Ship(t.Context(), "WX1", ShipOptions{}); err == nil {
				t.Fatal("an unacknowledged confirm is no error")
			}
			if c := b.Confirms(); len(c) != 1 || c[0].Acknowledged || len(c[0].Answers) != 1 || c[0].Answers[0].Status != bad.status {
				t.Fatalf("confirms %+v", c)
			}
			h.say(200, good)
			for range 2 { // the second has nothing left to send
				if err := b.Resend(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if c := b.Confirms(); !c[0].Acknowledged || len(c[0].Answers) != 2 || len(h.received()) != 2 {
				t.Fatalf("confirms %+v", c)
			}
		})
	}
}

func TestConfirmFaults(t *testing.T) {
	b := start(t, Options{})
	h := startHub(t, b)
	b.mustCreate(sample)
	b.fault(simkit.Fault{Call: callConfirm, Kind: simkit.Reorder, Count: 1})
	b.fault(simkit.Fault{Call: callConfirm, Kind: simkit.Duplicate, Count: 1})
	if err := b.Ship(t.Context(), "WX1", ShipOptions{Packages: 2, Intermediate: true}); err != nil {
		t.Fatal(err)
	}
	final, partial := "WX1 0 DELIVERED [TEE-RED-Lx1+GIFTx1] [1:1/2 2:1/1]", "WX1 1 PARTDELIVERED [TEE-RED-Lx1] [1:1/2]"
	if diff := cmp.Diff([]string{final, final, partial}, h.received()); diff != "" {
		t.Fatal(diff)
	}
	b.fault(simkit.Fault{Call: callConfirm, Kind: simkit.DropRequest, Count: 1})
	b.mustCreate(strings.Replace(sample, "WX1<", "WX2<", 1))
	if err := b.Ship(t.Context(), "WX2", ShipOptions{}); err == nil {
		t.Fatal("a lost confirm is no error")
	}
	if err := b.Resend(t.Context()); err != nil || len(h.received()) != 4 {
		t.Fatalf("resend: %v, received %v", err, h.received())
	}
}

func TestWrongSignatureAndRawBodies(t *testing.T) {
	b := start(t, Options{})
	h := startHub(t, b)
	b.mustCreate(sample)
	b.SetWrongSignature(true)
	if err := b.Ship(t.Context(), "WX1", ShipOptions{}); err != nil { // the scripted hub answers success to anything
		t.Fatal(err)
	}
	if h.signed[0] {
		t.Fatal("the signature is right")
	}
	b.SetWrongSignature(false)
	if a, err := b.SendRaw(t.Context(), []byte("<request><any/></request>")); err != nil || a.Flag != "success" || !h.signed[1] {
		t.Fatalf("raw body: %+v, %v, signed %v", a, err, h.signed)
	}
}

func TestShipOlderLeavesYoungAndCancelledOrders(t *testing.T) {
	b := start(t, Options{})
	h := startHub(t, b)
	b.mustCreate(sample)
	b.mustCreate(strings.Replace(sample, "WX1<", "WX2<", 1))
	b.call(callCancel, cancelBody("WX2"))
	b.advance(time.Minute)
	b.mustCreate(strings.Replace(sample, "WX1<", "WX3<", 1))
	if n, err := b.ShipOlder(t.Context(), time.Minute); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got := h.received(); len(got) != 1 || !strings.HasPrefix(got[0], "WX1 ") {
		t.Fatalf("received %v", got)
	}
}

func TestControl(t *testing.T) {
	b := start(t, Options{})
	h := startHub(t, b)
	b.mustCreate(sample)
	do := func(name, body string) int {
		w := httptest.NewRecorder()
		b.ControlHTTP(w, httptest.NewRequest(http.MethodPost, "/_sim/qimen/"+name, strings.NewReader(body)))
		return w.Code
	}
	if code := do("change", `{"code":"WX1","set":{"receiver":{"name":"别人"},"got_amount":"1.00"}}`); code != 200 {
		t.Fatalf("change: %d", code)
	}
	if o, _ := b.DeliveryOrder("WX1"); o.Receiver.Name != "别人" || o.Receiver.Mobile != "13800000000" || o.GotAmount != "1.00" || o.Code != "WX1" {
		t.Fatalf("after change %+v", o)
	}
	if code := do("insert", `{"set":{"code":"ORPHAN","lines":[{"owner_code":"OWN01","item_code":"A","plan_qty":1}]}}`); code != 200 {
		t.Fatalf("insert: %d", code)
	}
	if o, ok := b.DeliveryOrder("ORPHAN"); !ok || !o.Foreign || o.ID == "" || o.WarehouseCode != "WH01" {
		t.Fatalf("orphan %+v", o)
	}
	if code := do("pick", `{"code":"WX1"}`); code != 200 {
		t.Fatalf("pick: %d", code)
	}
	if code := do("ship", `{"code":"WX1","packages":2}`); code != 200 || len(h.received()) != 1 {
		t.Fatalf("ship: %d, %v", code, h.received())
	}
	if code := do("delete", `{"code":"ORPHAN"}`); code != 200 || len(b.DeliveryOrders()) != 1 {
		t.Fatalf("delete: %d", code)
	}
	for name, body := range map[string]string{
		"delete": `{"code":"x"}`, "ship": `{"code":"x"}`, "pick": `{"cod":"x"}`, "explode": `{}`,
		"insert": `{"set":{"code":"WX1","lines":[{}]}}`, "change": `{"code":"WX1","set":{"colour":"red"}}`,
	} {
		if code := do(name, body); code != 400 {
			t.Errorf("%s %s: %d, want 400", name, body, code)
		}
	}
	w := httptest.NewRecorder()
	b.ControlHTTP(w, httptest.NewRequest(http.MethodGet, "/_sim/qimen/record", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"total_amount":"118.00"`) {
		t.Fatalf("record: %d %s", w.Code, w.Body)
	}
}
