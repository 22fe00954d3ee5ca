package jushuitansim

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Parcel says how an order was shipped.
type Parcel struct {
	OID, LID, LcID, Company string
	Lines                   map[string]int64 // outer_oi_id -> pieces
}

// Ship sends every open line of the order under an invented waybill. shop may be
// empty when there is one shop.
func (s *Sim) Ship(so string) (Parcel, error) { return s.ShipPart("", so, "", nil) }

// ShipPart sends some pieces of an order; the rest stays open. The ERP splits the
// order for it: the order itself becomes Split, two new orders of the same so_id
// take its place. nil lines means all that is open, an empty waybill is invented.
func (s *Sim) ShipPart(shop, so, waybill string, lines map[string]int64) (Parcel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.open(shop, so)
	if err != nil {
		return Parcel{}, err
	}
	if lines != nil {
		if o, err = s.split(o, lines); err != nil {
			return Parcel{}, err
		}
	}
	c := s.opts.Carriers[0]
	if waybill == "" {
		waybill = fmt.Sprintf("%sSIM%09d", c.LcID, s.newID())
	}
	s.change(o, func() {
		o.status, o.sent = Sent, s.now()
		o.lID, o.lcID, o.lcName = waybill, c.LcID, c.Name
		s.takeStock(o)
	})
	p := Parcel{OID: fmt.Sprint(o.oid), LID: waybill, LcID: c.LcID, Company: c.Name, Lines: map[string]int64{}}
	for _, it := range objects(o.doc, "items") {
		p.Lines[str(it, "outer_oi_id")] = whole(it, "qty")
	}
	return p, nil
}

// open finds the order of this so_id that can be shipped.
func (s *Sim) open(shop, so string) (*order, error) {
	for _, o := range s.bySo[so] {
		if (shop == "" || o.shop() == shop) && (o.status == WaitConfirm || o.status == Delivering || o.status == Question) {
			return o, nil
		}
	}
	return nil, fmt.Errorf("order %q: no part of it waits to be shipped", so)
}

func (s *Sim) split(o *order, lines map[string]int64) (*order, error) {
	var gone, left []any
	known := 0
	for _, it := range objects(o.doc, "items") {
		want, ok := lines[str(it, "outer_oi_id")]
		if ok {
			known++
		}
		switch have := whole(it, "qty"); {
		case want < 0 || want > have:
			return nil, fmt.Errorf("line %q: %d of %d pieces cannot be shipped", str(it, "outer_oi_id"), want, have)
		case want == have:
			gone = append(gone, it)
		case want == 0:
			left = append(left, it)
		default:
			firstLarger := 2*want >= have
			gone = append(gone, portion(it, want, have, firstLarger))
			left = append(left, portion(it, have-want, have, !firstLarger))
		}
	}
	switch {
	case known != len(lines) || len(gone) == 0:
		return nil, fmt.Errorf("order %q: lines to ship must name its outer_oi_ids, at least one piece", o.so())
	case len(left) == 0:
		return o, nil
	}
	s.change(o, func() { o.status = Split })
	rest, part := clone(o.doc), clone(o.doc)
	rest["items"], part["items"] = left, gone
	s.addOrder(rest, "SPLIT").link = o.oid
	p := s.addOrder(part, "SPLIT")
	p.link = o.oid
	return p, nil
}

// portion is a line cut to some of its pieces. The amounts of the two portions add
// up to the line's: the larger one, or the first of two equal ones, takes the odd cent.
func portion(it map[string]any, pieces, of int64, larger bool) map[string]any {
	out := clone(it)
	out["qty"] = json.Number(fmt.Sprint(pieces))
	a, ok := amount(str(it, "amount"))
	if !ok {
		return out
	}
	cents := new(big.Int).Div(a.Mul(a, big.NewRat(100, 1)).Num(), a.Denom())
	share := func(n int64) *big.Int {
		return new(big.Int).Div(new(big.Int).Mul(cents, big.NewInt(n)), big.NewInt(of))
	}
	mine := share(pieces)
	if larger {
		mine = new(big.Int).Sub(cents, share(of-pieces))
	}
	out["amount"] = json.Number(new(big.Rat).SetFrac(mine, big.NewInt(100)).FloatString(2))
	return out
}

// Merge joins open orders of one shop into a new one; the old ones become Merged.
func (s *Sim) Merge(shop string, sos ...string) (oid string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(sos) < 2 {
		return "", fmt.Errorf("merge: name at least two orders")
	}
	var parts []*order
	var items []any
	for _, so := range sos {
		o, err := s.open(shop, so)
		if err != nil {
			return "", err
		}
		parts = append(parts, o)
		for _, it := range objects(o.doc, "items") {
			line := clone(it)
			line["raw_so_id"] = o.so()
			items = append(items, line)
		}
	}
	doc := clone(parts[0].doc)
	doc["items"] = items
	m := s.addOrder(doc, "MERGE")
	m.mergeSo = strings.Join(sos, ",")
	s.merges = append(s.merges, m)
	for _, o := range parts {
		s.change(o, func() { o.status, o.link = Merged, m.oid })
	}
	return fmt.Sprint(m.oid), nil
}

// logisticQuery serves logistic/query: one row per shipped order.
func (s *Sim) logisticQuery(call string, v any) (any, *refusal) {
	q, biz, ref := s.parseQuery(v, orderQuerySpec(50, "3", "0", "1", "2"))
	if ref != nil {
		return nil, ref
	}
	orders, ref := s.selectOrders(q, biz)
	if ref != nil {
		return nil, ref
	}
	hidden := s.hiddenSince(call)
	var hits []hit
	for _, o := range orders {
		at := o.sent
		switch q.date {
		case "0":
			at = o.modified
		case "1":
			at = o.created
		case "2":
			at, _ = parseStamp(str(o.doc, "order_date"))
		}
		if o.status == Sent && q.admits(at, o.ts) && fits(o, biz) && !o.sent.After(hidden) {
			hits = append(hits, hit{at: at, ts: o.ts, id: o.oid, row: o.parcelRow()})
		}
	}
	return s.page(call, q, hits, "orders"), nil
}

func (o *order) parcelRow() map[string]any {
	var items []any
	for _, it := range o.itemRows() {
		r := it.(map[string]any)
		items = append(items, map[string]any{"sku_id": r["sku_id"], "qty": r["qty"], "outer_oi_id": r["outer_oi_id"],
			"raw_so_id": r["raw_so_id"], "refund_status": r["refund_status"], "o_id": o.oid})
	}
	return map[string]any{
		"o_id": o.oid, "shop_id": o.doc["shop_id"], "so_id": o.so(), "send_date": stampOf(o.sent), "modified": stampOf(o.modified),
		"freight": str(o.doc, "freight"), "weight": json.Number("0.50"), "lc_id": o.lcID, "l_id": o.lID,
		"logistics_company": o.lcName, "ts": o.ts, "items": items,
	}
}
