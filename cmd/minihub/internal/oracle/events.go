package oracle

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// body is what of an event's body is compared.
type body struct {
	Type string `json:"type"`
	Data struct {
		OrderNo  string `json:"order_no"`
		RefundNo string `json:"refund_no"`
		Status   string `json:"status"`
		Kind     string `json:"kind"`
		Store    struct {
			Code string `json:"code"`
		} `json:"store"`
		Amounts struct {
			Goods    money `json:"goods"`
			Discount money `json:"discount"`
			Freight  money `json:"freight"`
			Total    money `json:"total"`
			Paid     money `json:"paid"`
		} `json:"amounts"`
		Total money `json:"total"`
		Buyer struct {
			MemberNo string `json:"member_no"`
		} `json:"buyer"`
		ShipTo struct {
			Recipient string `json:"recipient"`
			Phone     string `json:"phone"`
			Ext       string `json:"phone_ext"`
			Province  string `json:"province"`
			City      string `json:"city"`
			District  string `json:"district"`
			Line1     string `json:"line1"`
		} `json:"ship_to"`
		BuyerNote  string `json:"buyer_note"`
		SellerNote string `json:"seller_note"`
		Lines      []struct {
			SKU       string `json:"sku_code"`
			Qty       int64  `json:"qty"`
			Cancelled int64  `json:"qty_cancelled"`
			Net       money  `json:"net_total"`
			Amount    money  `json:"amount"`
		} `json:"lines"`
	} `json:"data"`
}

type money struct {
	Minor json.Number `json:"minor"`
}

func (m money) fen() int64 {
	n, err := strconv.ParseInt(m.Minor.String(), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// events compares the last event of every order and after-sale, and that those before came
// in order and once.
func (c *comparison) events(have Systems) {
	var orders, refunds []expected
	for _, o := range c.orders {
		orders = append(orders, c.orderEvent(o))
	}
	for _, r := range c.refund {
		if r.order != nil && !c.excluded(r.order.key) {
			refunds = append(refunds, c.refundEvent(r))
		}
	}
	var order, after []string
	streams := map[string][]webhooksim.Event{}
	for _, e := range have.Events {
		list := &order
		if strings.HasPrefix(e.Type, "after_sale.") {
			list = &after
		}
		if len(streams[e.Key]) == 0 {
			*list = append(*list, e.Key)
		}
		streams[e.Key] = append(streams[e.Key], e)
	}
	last := func(keys []string) (out []found) {
		for _, k := range keys {
			out = append(out, eventFound(k, streams[k]))
		}
		return out
	}
	c.compare("events.order", orders, last(order))
	c.compare("events.after_sale", refunds, last(after))
}

func (c *comparison) orderEvent(o *order) expected {
	e := expected{key: o.key, fields: o.receiver([]field{
		{name: "versions", value: "rising"},
		{name: "status", value: o.word()},
		{name: "order", value: o.OrderID},
		{name: "store", value: o.store.Code},
		{name: "total", value: yuan(o.TotalFen)},
		{name: "goods", value: yuan(o.GoodsFen)},
		{name: "discount", value: yuan(o.DiscountFen)},
		{name: "freight", value: yuan(o.FreightFen)},
		{name: "buyer", value: o.buyer()},
		{name: "remark", value: plain(o.Remark), personal: true},
		{name: "merchant notes", value: plain(o.MerchantNotes)},
	})}
	if o.Paid {
		e.fields = append(e.fields, field{name: "paid", value: yuan(o.TotalFen)})
	}
	for i, l := range o.SoldOrder.Lines {
		goods := line{name: l.SKUCode, qty: l.Qty, amount: o.lines[i].amount}
		if l.ShippedQty == 0 {
			goods.back = l.RefundedQty
		}
		e.lines = append(e.lines, goods)
	}
	return e
}

func (c *comparison) refundEvent(r *refund) expected {
	return expected{key: r.key, fields: []field{
		{name: "versions", value: "rising"},
		{name: "status", value: r.word()},
		{name: "after-sale", value: r.AfterSaleID},
		{name: "order", value: r.OrderID},
		{name: "store", value: r.store.Code},
		{name: "total", value: yuan(r.Fen)},
		{name: "buyer", value: r.order.buyer()},
	}, lines: []line{{name: r.SKUCode, qty: r.Qty, amount: r.Fen}}}
}

// eventFound reads the last event of a key. The same event twice is a copy too many.
func eventFound(key string, events []webhooksim.Event) found {
	f := found{key: key, alive: true, copies: 1, values: map[string]string{"versions": "rising"}}
	seen := map[string]bool{}
	highest := ""
	for _, e := range events {
		if seen[e.Digest] {
			f.copies++
		}
		seen[e.Digest] = true
		if v := moment(e.Version); len(v) < len(highest) || len(v) == len(highest) && v < highest {
			f.values["versions"] = v + " after " + highest
		} else {
			highest = v
		}
	}
	var b body
	dec := json.NewDecoder(strings.NewReader(string(events[len(events)-1].Body)))
	dec.UseNumber()
	if err := dec.Decode(&b); err != nil {
		f.values["versions"] = "unreadable: " + err.Error()
		return f
	}
	b.read(&f)
	return f
}

func (b *body) read(f *found) {
	d := &b.Data
	phone := d.ShipTo.Phone
	if d.ShipTo.Ext != "" {
		phone += "-" + d.ShipTo.Ext
	}
	for name, value := range map[string]string{
		"status": d.Status, "order": d.OrderNo, "after-sale": d.RefundNo, "store": d.Store.Code, "total": yuan(d.Amounts.Total.fen()),
		"goods": yuan(d.Amounts.Goods.fen()), "discount": yuan(d.Amounts.Discount.fen()), "freight": yuan(d.Amounts.Freight.fen()),
		"paid": yuan(d.Amounts.Paid.fen()), "buyer": d.Buyer.MemberNo, "receiver": plain(d.ShipTo.Recipient), "phone": phone,
		"province": d.ShipTo.Province, "city": d.ShipTo.City, "district": d.ShipTo.District, "address": plain(d.ShipTo.Line1),
		"remark": plain(d.BuyerNote), "merchant notes": plain(d.SellerNote),
	} {
		f.values[name] = value
	}
	if d.RefundNo != "" {
		f.values["total"] = yuan(d.Total.fen())
	}
	for _, l := range d.Lines {
		amount := l.Net
		if d.RefundNo != "" {
			amount = l.Amount
		}
		f.lines = append(f.lines, line{name: l.SKU, qty: l.Qty, back: l.Cancelled, amount: amount.fen()})
	}
}
