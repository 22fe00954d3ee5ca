package wechatshop

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// parcelOf ships n units of the first line.
func parcelOf(o wechatshopsim.SoldOrder, waybill string, n int64) connectors.Delivery {
	l := o.Lines[0]
	return connectors.Delivery{ID: waybill, Key: o.OrderID + "-" + waybill, Document: json.RawMessage(fmt.Sprintf(
		`{"order_id":%q,"delivery_list":[{"deliver_type":1,"delivery_id":"SF","waybill_id":%q,"product_infos":[{"product_id":%q,"sku_id":%q,"product_cnt":%d}]}]}`,
		o.OrderID, waybill, l.ProductID, l.SKUID, n))}
}

func deliver(t *testing.T, c *conn, d connectors.Delivery) connectors.Result {
	t.Helper()
	results, err := c.Deliver(t.Context(), opShipment, []connectors.Delivery{d})
	if err != nil || len(results) != 1 || results[0].ID != d.ID {
		t.Fatalf("got %v, %v", results, err)
	}
	return results[0]
}

func lookup(t *testing.T, c *conn, d connectors.Delivery) connectors.Finding {
	t.Helper()
	findings, err := c.Lookup(t.Context(), opShipment, []connectors.Delivery{d})
	if err != nil || len(findings) != 1 || findings[0].ID != d.ID {
		t.Fatalf("got %v, %v", findings, err)
	}
	return findings[0]
}

func TestShipInTwoParcels(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	first, second := parcelOf(o, "SF0001", 1), parcelOf(o, "SF0002", 1)
	if f := lookup(t, s.conn, first); f.Presence != connectors.Absent {
		t.Fatalf("before: %+v", f)
	}
	r := deliver(t, s.conn, first)
	if r.Outcome != connectors.Done || len(r.Exchanges) == 0 {
		t.Fatalf("got %+v", r)
	}
	if d := cmp.Diff([]connectors.RemoteID{{Kind: "order_id", Value: o.OrderID}, {Kind: "waybill", Value: "SF0001"}}, r.RemoteIDs); d != "" {
		t.Error(d)
	}
	s.hides(t, fmt.Sprintf("%+v", r))
	if now, _ := s.sim.Order(o.OrderID); now.Status != wechatshopsim.StatusPartShip {
		t.Errorf("status %d", now.Status)
	}
	if f := lookup(t, s.conn, first); f.Presence != connectors.Same || len(f.RemoteIDs) != 2 {
		t.Errorf("after: %+v", f)
	}
	if f := lookup(t, s.conn, second); f.Presence != connectors.Absent {
		t.Errorf("the second parcel: %+v", f)
	}
	if r := deliver(t, s.conn, second); r.Outcome != connectors.Done {
		t.Errorf("second: %+v", r.Err)
	}
	// Everything is shipped: the shop says so, and the comparison decides.
	if r := deliver(t, s.conn, first); r.Outcome != connectors.Duplicate {
		t.Errorf("again: %d, %v", r.Outcome, r.Err)
	}
}

func TestALookupSeesWhatDiffers(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	if r := deliver(t, s.conn, parcelOf(o, "SF0001", 2)); r.Outcome != connectors.Done {
		t.Fatal(r.Err)
	}
	for name, c := range map[string]struct {
		change func(string) string
		fields []string
	}{
		"units":   {func(d string) string { return strings.Replace(d, `"product_cnt":2`, `"product_cnt":1`, 1) }, []string{"/delivery_list/0/product_infos"}},
		"carrier": {func(d string) string { return strings.Replace(d, `"SF"`, `"ZTO"`, 1) }, []string{"/delivery_list/0/delivery_id"}},
		"one parcel more": {func(d string) string {
			return strings.Replace(d, `"delivery_list":[`, `"delivery_list":[{"deliver_type":1,"delivery_id":"SF","waybill_id":"SF9","product_infos":[]},`, 1)
		}, []string{"/delivery_list/0/waybill_id"}},
	} {
		d := parcelOf(o, "SF0001", 2)
		d.Document = json.RawMessage(c.change(string(d.Document)))
		f := lookup(t, s.conn, d)
		if diff := cmp.Diff(c.fields, f.Fields); f.Presence != connectors.Other || diff != "" {
			t.Errorf("%s: presence %d, %s", name, f.Presence, diff)
		}
	}
}

func TestADroppedAnswerIsUnknownAndThenFound(t *testing.T) {
	for _, kind := range []simkit.Kind{simkit.DropAnswer, simkit.BadGateway, simkit.Garble} {
		s := newShop(t, wechatshopsim.Options{})
		o := s.paid(t)
		s.fault(t, simkit.Fault{Call: "order/delivery/send", Kind: kind, Count: 1})
		d := parcelOf(o, "SF0001", 2)
		if r := deliver(t, s.conn, d); r.Outcome != connectors.Unknown || !r.Err.Sent || len(r.Exchanges) == 0 {
			t.Errorf("%s: %+v", kind, r)
		}
		if f := lookup(t, s.conn, d); f.Presence != connectors.Same {
			t.Errorf("%s: %+v", kind, f)
		}
	}
}

func TestRefusedParcels(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	for name, c := range map[string]struct {
		document string
		kind     connectors.Kind
	}{
		"no such order": {strings.Replace(string(parcelOf(o, "SF1", 1).Document), o.OrderID, "3729000000000009999", 1), connectors.NotFound},
		"no order":      {`{"delivery_list":[{}]}`, connectors.Invalid},
		"no parcel":     {`{"order_id":"1","delivery_list":[]}`, connectors.Invalid},
		"no JSON":       {`{`, connectors.Invalid},
	} {
		r := deliver(t, s.conn, connectors.Delivery{ID: "x", Document: json.RawMessage(c.document)})
		if r.Outcome != connectors.Refused || r.Err.Kind != c.kind {
			t.Errorf("%s: %d, %v", name, r.Outcome, r.Err)
		}
	}
	s.fault(t, simkit.Fault{Call: "order/delivery/send", Kind: simkit.RateLimit, Count: 1})
	if r := deliver(t, s.conn, parcelOf(o, "SF1", 1)); r.Outcome != connectors.NotSent || r.Err.Kind != connectors.RateLimited || r.Err.Wait <= 0 {
		t.Errorf("limited: %+v", r)
	}
	if f := lookup(t, s.conn, connectors.Delivery{ID: "x", Document: json.RawMessage(`{"order_id":"3729000000000009999","delivery_list":[{"waybill_id":"1"}]}`)}); f.Presence != connectors.Absent {
		t.Errorf("an order that is not there: %+v", f)
	}
	s.fault(t, simkit.Fault{Call: "order/get", Kind: simkit.Status, Count: 1})
	if f := lookup(t, s.conn, parcelOf(o, "SF1", 1)); f.Presence != connectors.CannotTell || f.Err == nil {
		t.Errorf("a look-up that failed: %+v", f)
	}
	if _, err := s.Deliver(t.Context(), "order.push", nil); err == nil {
		t.Error("an operation that is not there was taken")
	}
	if _, err := s.Lookup(t.Context(), "order.push", nil); err == nil {
		t.Error("an operation that is not there was looked up")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := s.Deliver(ctx, opShipment, []connectors.Delivery{parcelOf(o, "SF1", 1)})
	if err != nil || results[0].Outcome == connectors.Done {
		t.Errorf("cancelled: %+v, %v", results, err)
	}
}

func TestListAndGet(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{Orders: 12})
	sold := map[string]int64{}
	for _, o := range s.sim.Sold() {
		sold[o.OrderID] = o.TotalFen
	}
	got := map[string]int64{}
	for cursor, more := "", true; more; {
		page, err := s.List(t.Context(), streamOrders, week(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			got[row.Key] = row.Amount
		}
		cursor, more = page.Cursor, page.More
	}
	if d := cmp.Diff(sold, got); d != "" {
		t.Error(d)
	}
	o := s.sim.Sold()[0]
	rows, err := s.Get(t.Context(), streamOrders, []string{"3729000000000009999", o.OrderID})
	if err != nil || len(rows) != 1 || rows[0].Key != o.OrderID {
		t.Errorf("got %v, %v", rows, err)
	}
	s.fault(t, simkit.Fault{Call: "order/get", Kind: simkit.RateLimit, Count: 1})
	_, err = s.Get(t.Context(), streamOrders, []string{o.OrderID})
	want(t, err, connectors.RateLimited, connectors.OfOperation)
	if _, err := s.List(t.Context(), streamMembers, week(), ""); err == nil {
		t.Error("members cannot be listed by time")
	}
	if _, err := s.Get(t.Context(), opShipment, nil); err == nil {
		t.Error("parcels cannot be read")
	}
	if _, err := s.Summarize(streamMembers, nil); err == nil {
		t.Error("members have no summary")
	}
	for _, document := range []string{`{}`, `[]`, `{"order_id":"1","status":20,"update_time":1,"order_detail":{"price_info":{"order_price":"many"},"product_infos":[]}}`} {
		_, err := s.Summarize(streamOrders, json.RawMessage(document))
		want(t, err, connectors.Unreadable, connectors.OfDocument)
	}
}

func TestStatusClasses(t *testing.T) {
	for status, class := range map[int64]string{10: "open", 20: "open", 30: "open", 100: "closed", 190: "cancelled", 200: "cancelled", 250: "cancelled", 999: ""} {
		if got := orderClass(status); got != class {
			t.Errorf("%d is %q, want %q", status, got, class)
		}
	}
	for status, class := range map[string]string{"MERCHANT_PROCESSING": "open", "MERCHANT_RETURN_SUCCESS": "closed", "USER_CANCELD": "cancelled", "EXCHANGE_NEW": ""} {
		if got := afterSaleClass(status); got != class {
			t.Errorf("%s is %q, want %q", status, got, class)
		}
	}
}

// Who packs knows SKUs: the product is read from the order, once.
func TestAProductIsReadFromTheOrder(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	first, second := s.paid(t), s.paid(t)
	bare := func(o wechatshopsim.SoldOrder, waybill, sku string) connectors.Delivery {
		d := parcelOf(o, waybill, 1)
		d.Document = json.RawMessage(fmt.Sprintf(
			`{"order_id":%q,"delivery_list":[{"deliver_type":1,"delivery_id":"SF","waybill_id":%q,"product_infos":[{"sku_id":%q,"product_cnt":1}]}]}`, o.OrderID, waybill, sku))
		return d
	}
	check(t, "shipment.upload", bare(first, "SF1", first.Lines[0].SKUID).Document, true)
	if r := deliver(t, s.conn, bare(first, "SF0", "1")); r.Outcome != connectors.Refused || r.Err.Code != "wechatshop.sku" {
		t.Errorf("another SKU: %+v", r)
	}
	s.fault(t, simkit.Fault{Kind: simkit.BadGateway, Call: "order/get", Count: 1})
	other := connect(t, s.url, s.creds)
	if r := deliver(t, other, bare(first, "SF1", first.Lines[0].SKUID)); r.Outcome != connectors.NotSent || r.Err.Sent {
		t.Errorf("the order could not be read: %+v", r)
	}
	if r := deliver(t, other, bare(first, "SF1", first.Lines[0].SKUID)); r.Outcome != connectors.Done || len(r.Exchanges) != 2 {
		t.Fatalf("%+v", r)
	}
	if f := lookup(t, other, bare(first, "SF1", first.Lines[0].SKUID)); f.Presence != connectors.Same {
		t.Errorf("looked up: %+v", f)
	}
	reads := s.calls("order/get").Requests
	if r := deliver(t, other, bare(second, "SF2", second.Lines[0].SKUID)); r.Outcome != connectors.Done || s.calls("order/get").Requests != reads {
		t.Errorf("%+v after %d more reads, want none", r, s.calls("order/get").Requests-reads)
	}
	gone := second
	gone.OrderID = "3729000000000009999"
	if r := deliver(t, s.conn, bare(gone, "SF3", "2")); r.Outcome != connectors.Refused || r.Err.Kind != connectors.NotFound {
		t.Errorf("no such order: %+v", r)
	}
}
