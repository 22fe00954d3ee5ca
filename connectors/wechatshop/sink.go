package wechatshop

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var (
	_ connectors.Sink   = (*conn)(nil)
	_ connectors.Looker = (*conn)(nil)
)

// shipment is what is read of a document of shipment.upload; the document itself goes
// to the shop as it is, but for a product_id that it leaves out ("微信小店 API: 订单发货").
type shipment struct {
	OrderID string   `json:"order_id"`
	Parcels []parcel `json:"delivery_list"`
}

// parcel is one parcel, in the document and in the order's delivery_product_info.
type parcel struct {
	Waybill  string  `json:"waybill_id"`
	Carrier  string  `json:"delivery_id"`
	Contents []units `json:"product_infos"`
}

type units struct {
	ProductID string      `json:"product_id"`
	SKUID     string      `json:"sku_id"`
	Count     json.Number `json:"product_cnt"`
}

func readShipment(document json.RawMessage) (shipment, *connectors.Error) {
	var s shipment
	if err := codec.Unmarshal(document, &s); err != nil {
		return s, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "wechatshop.document", Err: err,
			Text: "the document is not a shipment as schema vendors/wechatshop/shipment.upload describes it"}
	}
	if s.OrderID == "" || len(s.Parcels) == 0 {
		return s, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "wechatshop.document",
			Text: "order_id and at least one parcel in delivery_list are required"}
	}
	return s, nil
}

// DryRuns implements connectors.DryRunner.
func (c *conn) DryRuns() {}

// Deliver ships the parcels of each document with one call.
func (c *conn) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	if operation != opShipment {
		return nil, unknownName("operation", operation)
	}
	results := make([]connectors.Result, 0, len(batch))
	for _, d := range batch {
		results = append(results, c.ship(ctx, d))
	}
	return results, nil
}

func (c *conn) ship(ctx context.Context, d connectors.Delivery) connectors.Result {
	r := connectors.Result{ID: d.ID}
	s, err := readShipment(d.Document)
	if err != nil {
		r.Outcome, r.Err = connectors.Refused, err
		return r
	}
	body, made, err := c.complete(ctx, d.Document, s)
	r.Exchanges = made
	if err != nil {
		if r.Outcome, r.Err = connectors.NotSent, err; err.Scope == doc && outcome(err) == connectors.Refused {
			r.Outcome = connectors.Refused
		}
		return r
	}
	ans, err := c.call(ctx, "order/delivery/send", body)
	r.Exchanges = append(r.Exchanges, ans.made...)
	switch {
	case err == nil:
		r.Outcome, r.RemoteIDs = connectors.Done, s.names()
	case err.Code == fmt.Sprint(codeShipped):
		r.Outcome, r.Err = connectors.Duplicate, err
	default:
		r.Outcome, r.Err = outcome(err), err
	}
	return r
}

func (s shipment) names() []connectors.RemoteID {
	ids := []connectors.RemoteID{{Kind: "order_id", Value: s.OrderID}}
	for _, p := range s.Parcels {
		if p.Waybill != "" {
			ids = append(ids, connectors.RemoteID{Kind: "waybill", Value: p.Waybill})
		}
	}
	return ids
}

// Lookup reads the order and compares its parcels with the document's.
func (c *conn) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	if operation != opShipment {
		return nil, unknownName("operation", operation)
	}
	findings := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		findings = append(findings, c.look(ctx, d))
	}
	return findings, nil
}

func (c *conn) look(ctx context.Context, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	s, err := readShipment(d.Document)
	if err != nil {
		f.Err = err
		return f
	}
	item, made, err := c.fetch(ctx, streamOrders, s.OrderID)
	f.Exchanges = made
	if err != nil {
		f.Err = err
		return f
	}
	if item.Deleted {
		f.Presence = connectors.Absent
		return f
	}
	there, err := parcelsOf(item.Body)
	if err != nil {
		f.Err = err
		return f
	}
	f.Presence, f.Fields = compare(s.Parcels, there)
	if f.Presence == connectors.Same {
		f.RemoteIDs = s.names()
	}
	return f
}

// parcelsOf reads the parcels of an order.
func parcelsOf(order []byte) ([]parcel, *connectors.Error) {
	var o struct {
		Detail struct {
			Delivery struct {
				Parcels []parcel `json:"delivery_product_info"`
			} `json:"delivery_info"`
		} `json:"order_detail"`
	}
	if err := codec.Unmarshal(order, &o); err != nil {
		return nil, unreadable(order, "the order's parcels have another shape than documented")
	}
	return o.Detail.Delivery.Parcels, nil
}

// compare looks for each parcel by its waybill. None there is absent; all there with the
// same carrier and contents is the same.
func compare(want, there []parcel) (connectors.Presence, []string) {
	var fields []string
	found := 0
	for i, w := range want {
		at := func(name string) { fields = append(fields, fmt.Sprintf("/delivery_list/%d/%s", i, name)) }
		p := byWaybill(there, w.Waybill)
		if p == nil {
			at("waybill_id")
			continue
		}
		found++
		if p.Carrier != w.Carrier {
			at("delivery_id")
		}
		if !sameUnits(p.Contents, w.Contents) {
			at("product_infos")
		}
	}
	switch {
	case found == 0:
		return connectors.Absent, nil
	case len(fields) == 0:
		return connectors.Same, nil
	}
	return connectors.Other, fields
}

// byWaybill finds a parcel; a virtual delivery has no waybill and matches one without.
func byWaybill(there []parcel, waybill string) *parcel {
	for i := range there {
		if there[i].Waybill == waybill {
			return &there[i]
		}
	}
	return nil
}

func sameUnits(a, b []units) bool {
	sum := func(list []units) map[string]int64 {
		m := map[string]int64{}
		for _, u := range list {
			n, err := u.Count.Int64()
			if err != nil {
				n = -1 // no count: equal to nothing
			}
			m[u.SKUID] += n // its product is settled by it
		}
		return m
	}
	x, y := sum(a), sum(b)
	if len(x) != len(y) {
		return false
	}
	for k, n := range x {
		if y[k] != n || n < 0 {
			return false
		}
	}
	return true
}
