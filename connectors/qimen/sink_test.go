package qimen

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

func TestTheDeclarationIsSound(t *testing.T) {
	if _, err := connectors.NewRegistry(Connector()); err != nil {
		t.Error(err)
	}
}

func TestTheSchemasFitTheDocuments(t *testing.T) {
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{
		"vendors/qimen/delivery.create": orderText,
		"vendors/qimen/delivery.cancel": `{"warehouseCode":"WH01","ownerCode":"OWN01","orderType":"JYCK","cancelReason":"买家取消"}`,
	} {
		s, ok := set.Get(name)
		if !ok {
			t.Fatalf("no schema %s", name)
		}
		tree, v := s.ValidateBytes([]byte(document))
		if len(v) > 0 {
			t.Errorf("%s: %v", name, v)
		}
		if fields := map[string][]node{"vendors/qimen/delivery.create": createFields(), "vendors/qimen/delivery.cancel": cancelFields()}[name]; tree != nil {
			if _, err := encode(example(s.Source()), fields); err != nil {
				t.Errorf("%s describes what cannot be written: %v", name, err)
			}
		}
	}
}

// example makes a document that has every field of a schema.
func example(source []byte) map[string]any {
	tree, err := codec.Decode(source)
	if err != nil {
		return nil
	}
	out, _ := sample(tree.(map[string]any)).(map[string]any)
	return out
}

func sample(s map[string]any) any {
	switch {
	case s["properties"] != nil:
		out := map[string]any{}
		for name, p := range s["properties"].(map[string]any) {
			out[name] = sample(p.(map[string]any))
		}
		return out
	case s["items"] != nil:
		return []any{sample(s["items"].(map[string]any))}
	case s["examples"] != nil:
		return s["examples"].([]any)[0]
	}
	return "x"
}

func TestCreateAndCancel(t *testing.T) {
	for _, more := range []map[string]string{nil, {"sign_method": "hmac", "long_methods": "true", "address": "/wms"}} {
		w := newWarehouse(t, qimensim.Options{CheckTotals: true}, more)
		d := orderOf("WX1")
		if f := lookup(t, w.conn, opCreate, d); f.Presence != connectors.Absent {
			t.Fatalf("before: %+v", f)
		}
		r := deliver(t, w.conn, opCreate, d)
		if r.Outcome != connectors.Done {
			t.Fatalf("got %v", r.Err)
		}
		held, ok := w.sim.DeliveryOrder("WX1")
		if !ok || held.Receiver.DetailAddress != "仓前 <街道> & 路1号" || held.ExtendProps["giftWrap"] != "1" || len(held.Lines) != 2 || held.GotAmount != "118.00" {
			t.Errorf("the warehouse holds %+v", held)
		}
		if d := cmp.Diff([]connectors.RemoteID{{Kind: idCode, Value: "WX1"}, {Kind: idID, Value: held.ID}}, r.RemoteIDs); d != "" {
			t.Error(d)
		}
		f := lookup(t, w.conn, opCreate, d)
		if f.Presence != connectors.Same || !cmp.Equal(f.RemoteIDs, r.RemoteIDs) {
			t.Errorf("after: %+v", f)
		}
		for _, x := range append(r.Exchanges, f.Exchanges...) {
			if strings.Contains(fmt.Sprintf("%+v", x), "inventedQimenSecret") || strings.Contains(x.URL, "sign=") && !strings.Contains(x.URL, "sign=****") {
				t.Errorf("a secret is shown: %s", x.URL)
			}
		}
		stop := connectors.Delivery{ID: "c1", Key: "WX1", Base: "WX1", RemoteIDs: r.RemoteIDs, Document: json.RawMessage(`{"warehouseCode":"WH01","ownerCode":"OWN01","orderType":"JYCK","cancelReason":"买家取消"}`)}
		if f := lookup(t, w.conn, opCancel, stop); f.Presence != connectors.Absent {
			t.Errorf("before the cancel: %+v", f)
		}
		for range 2 { // twice: a repeat has no second effect
			if r := deliver(t, w.conn, opCancel, stop); r.Outcome != connectors.Done {
				t.Errorf("cancel: %v", r.Err)
			}
		}
		if held, _ := w.sim.DeliveryOrder("WX1"); !held.Cancelled {
			t.Error("the order is not cancelled")
		}
		if f := lookup(t, w.conn, opCancel, stop); f.Presence != connectors.Same {
			t.Errorf("after the cancel: %+v", f)
		}
		// A cancelled code is used up: a create under it is no success, and not the same.
		if r := deliver(t, w.conn, opCreate, d); r.Outcome != connectors.Duplicate {
			t.Errorf("create again: %+v %v", r, r.Err)
		}
		if f := lookup(t, w.conn, opCreate, d); f.Presence != connectors.Other || !slices.Contains(f.Fields, "/deliveryOrder/status") {
			t.Errorf("create again: %+v", f)
		}
		// The next generation is another order.
		next := orderOf("WX1-g1")
		next.Base = "WX1"
		if r := deliver(t, w.conn, opCreate, edited(next, `"orderType": "JYCK"`, `"orderType": "JYCK", "deliveryOrderCode": "WX1"`)); r.Outcome != connectors.Done {
			t.Errorf("the next generation: %v", r.Err)
		}
		if _, ok := w.sim.DeliveryOrder("WX1-g1"); !ok {
			t.Error("the next generation has another code")
		}
	}
}

func TestACancelAfterPickingIsAConflict(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, nil)
	made := deliver(t, w.conn, opCreate, orderOf("WX1"))
	if err := w.sim.Pick("WX1"); err != nil {
		t.Fatal(err)
	}
	stop := connectors.Delivery{ID: "c1", Key: "WX1", RemoteIDs: made.RemoteIDs, Document: json.RawMessage(`{"warehouseCode":"WH01","ownerCode":"OWN01"}`)}
	if r := deliver(t, w.conn, opCancel, stop); r.Outcome != connectors.Refused || r.Err.Kind != connectors.Conflict || r.Err.Sent {
		t.Errorf("got %+v %v", r, r.Err)
	}
	stop.RemoteIDs, stop.Key = nil, "WX2"
	if r := deliver(t, w.conn, opCancel, stop); r.Outcome != connectors.Refused || r.Err.Kind != connectors.NotFound {
		t.Errorf("an order nobody knows: %+v %v", r, r.Err)
	}
}

func TestParametersOfTheAddressAreNotSigned(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		given, shop := q.Get("sign"), q.Get("shop")
		q.Del("shop")
		flag := "failure"
		if shop == "1" && given == sign(signMD5, connectors.NewSecret("invented"), q, body) {
			flag = "success"
		}
		_, _ = io.WriteString(w, "<response><flag>"+flag+"</flag></response>")
	}))
	defer server.Close()
	c := connect(t, server.URL, map[string]string{"address": "/wms?shop=1", "app_key": "1", "secret": "invented", "customer_id": "c1"})
	defer func() { _ = c.Close() }()
	if r := deliver(t, c, opCreate, orderOf("WX1")); r.Outcome != connectors.Done {
		t.Error(r.Err)
	}
}

func TestRepeats(t *testing.T) {
	for name, c := range map[string]struct {
		repeat  qimensim.Repeat
		outcome connectors.Outcome
	}{"same": {qimensim.RepeatSame, connectors.Done}, "refused": {qimensim.RepeatRefused, connectors.Duplicate}, "refused if changed": {qimensim.RepeatRefusedIfChanged, connectors.Done}} {
		w := newWarehouse(t, qimensim.Options{Repeat: c.repeat}, nil)
		deliver(t, w.conn, opCreate, orderOf("WX1"))
		if r := deliver(t, w.conn, opCreate, orderOf("WX1")); r.Outcome != c.outcome {
			t.Errorf("%s: outcome %d, %v", name, r.Outcome, r.Err)
		}
		if n := len(w.sim.DeliveryOrders()); n != 1 {
			t.Errorf("%s: %d orders", name, n)
		}
	}
}

func TestALookupSeesWhatDiffers(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{Warehouses: []string{"WH01", "WH02"}}, nil)
	deliver(t, w.conn, opCreate, orderOf("WX1"))
	for name, c := range map[string]struct {
		old, text string
		fields    []string
	}{
		"quantity":      {`"planQty": 2`, `"planQty": "3"`, []string{"/orderLines"}},
		"same quantity": {`"planQty": 2`, `"planQty": "2.00"`, nil},
		"item":          {`TEE-RED-L`, `TEE-RED-M`, []string{"/orderLines"}},
		"type":          {`JYCK`, `BFCK`, []string{"/deliveryOrder/orderType"}},
		"any warehouse": {`"warehouseCode": "WH01"`, `"warehouseCode": "OTHER"`, nil},
	} {
		f := lookup(t, w.conn, opCreate, edited(orderOf("WX1"), c.old, c.text))
		want := connectors.Same
		if c.fields != nil {
			want = connectors.Other
		}
		if d := cmp.Diff(c.fields, f.Fields); f.Presence != want || d != "" {
			t.Errorf("%s: presence %d, %v, %s", name, f.Presence, f.Err, d)
		}
	}
}

func TestAnOrderOfManyLinesIsComparedWhole(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, nil)
	var b strings.Builder
	for i := range 230 {
		b.WriteString(`{"ownerCode":"OWN01","itemCode":"SKU-` + strconv.Itoa(i) + `","planQty":1,"actualPrice":"1.00"},`)
	}
	d := edited(orderOf("WX1"), `"orderLines": [`, `"orderLines": [`+b.String())
	if r := deliver(t, w.conn, opCreate, d); r.Outcome != connectors.Done {
		t.Fatal(r.Err)
	}
	if f := lookup(t, w.conn, opCreate, d); f.Presence != connectors.Same || len(f.Exchanges) != 3 {
		t.Errorf("presence %d after %d calls: %v", f.Presence, len(f.Exchanges), f.Fields)
	}
	if f := lookup(t, w.conn, opCreate, edited(d, "SKU-229", "SKU-999")); f.Presence != connectors.Other {
		t.Errorf("the last page is not compared: %+v", f)
	}
}

func TestFaults(t *testing.T) {
	for kind, want := range map[simkit.Kind]struct {
		outcome connectors.Outcome
		held    bool
		kind    connectors.Kind
	}{
		simkit.DropAnswer:  {connectors.Unknown, true, connectors.Unavailable},
		simkit.DropRequest: {connectors.Unknown, false, connectors.Unavailable},
		simkit.BadGateway:  {connectors.Unknown, true, connectors.Unavailable},
		simkit.Status:      {connectors.Unknown, false, connectors.Unavailable},
		simkit.Garble:      {connectors.Unknown, true, connectors.Unreadable},
		simkit.RateLimit:   {connectors.NotSent, false, connectors.RateLimited},
		simkit.ErrorBody:   {connectors.Refused, false, connectors.Invalid},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWarehouse(t, qimensim.Options{}, nil)
			w.fault(t, simkit.Fault{Call: callCreate, Kind: kind, Count: 1})
			d := orderOf("WX1")
			r := deliver(t, w.conn, opCreate, d)
			if r.Outcome != want.outcome || r.Err == nil || r.Err.Kind != want.kind || r.Err.Sent != (want.outcome == connectors.Unknown) || len(r.Exchanges) != 1 {
				t.Errorf("outcome %d, %+v", r.Outcome, r.Err)
			}
			if kind == simkit.RateLimit && r.Err.Wait <= 0 {
				t.Error("no wait")
			}
			presence := connectors.Absent
			if want.held {
				presence = connectors.Same
			}
			if f := lookup(t, w.conn, opCreate, d); f.Presence != presence {
				t.Errorf("presence %d, %v", f.Presence, f.Err)
			}
			w.fault(t, simkit.Fault{Call: callQuery, Kind: kind, Count: 1})
			if f := lookup(t, w.conn, opCreate, d); f.Presence != connectors.CannotTell || f.Err == nil {
				t.Errorf("a look-up that failed says %d", f.Presence)
			}
		})
	}
}

func TestWithoutTheQueryNothingIsClaimed(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, map[string]string{"can_query": "false"})
	deliver(t, w.conn, opCreate, orderOf("WX1"))
	for _, op := range []string{opCreate, opCancel} {
		if f := lookup(t, w.conn, op, orderOf("WX1")); f.Presence != connectors.CannotTell || f.Err.Code != "qimen.no_query" || f.Err.Hint == "" {
			t.Errorf("%s: %+v", op, f)
		}
	}
	if _, err := w.Get(t.Context(), opCreate, []string{"WX1"}); err == nil {
		t.Error("got without a query")
	}
}

func TestRefusedDocuments(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{Items: []string{"TEE-RED-L"}}, nil)
	// What these lack does not keep a look-up from reading them.
	writable := []string{"unknown item", "unknown element", "cancel element", "control character", "a flag", "a list for text", "free name"}
	for name, c := range map[string]struct{ op, document string }{
		"no JSON":           {opCreate, `{`},
		"no object":         {opCreate, `[]`},
		"no head":           {opCreate, `{"orderLines":[{}]}`},
		"no lines":          {opCreate, `{"deliveryOrder":{}}`},
		"a line without":    {opCreate, `{"deliveryOrder":{},"orderLines":[7]}`},
		"exponent":          {opCreate, strings.Replace(orderText, `"planQty": 2`, `"planQty": 2e0`, 1)},
		"another code":      {opCreate, strings.Replace(orderText, `"orderType"`, `"deliveryOrderCode": "WX9", "orderType"`, 1)},
		"code is an object": {opCreate, strings.Replace(orderText, `"orderType"`, `"deliveryOrderCode": {}, "orderType"`, 1)},
		"unknown element":   {opCreate, strings.Replace(orderText, `"orderType"`, `"orderKind": "1", "orderType"`, 1)},
		"control character": {opCreate, strings.Replace(orderText, `请尽快`, `a\u0001b`, 1)},
		"a flag":            {opCreate, strings.Replace(orderText, `"请尽快"`, `true`, 1)},
		"a list for text":   {opCreate, strings.Replace(orderText, `"请尽快"`, `["a"]`, 1)},
		"free name":         {opCreate, strings.Replace(orderText, `"giftWrap"`, `"a b"`, 1)},
		"unknown item":      {opCreate, orderText},
		"cancel no object":  {opCancel, `7`},
		"cancel of another": {opCancel, `{"warehouseCode":"WH01","orderCode":"WX9"}`},
		"cancel element":    {opCancel, `{"warehouseCode":"WH01","reason":"x"}`},
	} {
		d := connectors.Delivery{ID: "1", Key: "WX1", Base: "WX1", Document: json.RawMessage(c.document)}
		if r := deliver(t, w.conn, c.op, d); r.Outcome != connectors.Refused || r.Err.Kind != connectors.Invalid || r.Err.Text == "" {
			t.Errorf("%s: %d, %v", name, r.Outcome, r.Err)
		}
		if !slices.Contains(writable, name) {
			if f := lookup(t, w.conn, c.op, d); f.Presence != connectors.CannotTell || f.Err == nil {
				t.Errorf("%s: looked up as %d", name, f.Presence)
			}
		}
	}
	if n := len(w.sim.DeliveryOrders()); n != 0 {
		t.Errorf("%d orders were made", n)
	}
	for _, err := range []error{second(w.Deliver(t.Context(), "order.push", nil)), second(w.Lookup(t.Context(), "order.push", nil))} {
		if connectors.AsError(err).Scope != connectors.OfOperation {
			t.Errorf("an operation that is not there: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestCancelledCalls(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := w.Deliver(ctx, opCreate, []connectors.Delivery{orderOf("WX1")})
	if err != nil || results[0].Outcome != connectors.NotSent {
		t.Errorf("got %+v, %v", results, err)
	}
}

func TestGetSummarizePing(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, nil)
	if err := w.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	deliver(t, w.conn, opCreate, orderOf("WX1"))
	rows, err := w.Get(t.Context(), opCreate, []string{"WX0", "WX1"})
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %v, %v", rows, err)
	}
	ours, err := w.Summarize(opCreate, json.RawMessage(strings.Replace(orderText, `"orderType"`, `"deliveryOrderCode": "WX1", "orderType"`, 1)))
	if err != nil || ours.Key != rows[0].Key || ours.Lines != rows[0].Lines || ours.Lines != 2 || ours.Currency != "" || rows[0].Status != "open" {
		t.Errorf("ours %+v, theirs %+v, %v", ours, rows[0], err)
	}
	if want := time.Date(2026, 1, 1, 2, 1, 5, 0, time.UTC); !ours.At.Equal(want) {
		t.Errorf("made at %v, want %v", ours.At, want)
	}
	if _, err := w.List(t.Context(), opCreate, connectors.Window{}, ""); err == nil {
		t.Error("listed what cannot be listed")
	}
	if _, err := w.Summarize(confirms, nil); err == nil {
		t.Error("summarized what has no summary")
	}
	if _, err := w.Summarize(opCreate, json.RawMessage(`{}`)); err == nil {
		t.Error("summarized nothing")
	}
	bad := newWarehouse(t, qimensim.Options{}, map[string]string{"secret": "invented-other"})
	if e := connectors.AsError(bad.Ping(t.Context())); e == nil || e.Kind != connectors.Unauthorized || e.Scope != connectors.OfConnection {
		t.Errorf("ping with the wrong secret: %v", e)
	}
	if r := deliver(t, bad.conn, opCreate, orderOf("WX1")); r.Outcome != connectors.NotSent {
		t.Errorf("create with the wrong secret: %d", r.Outcome)
	}
}
