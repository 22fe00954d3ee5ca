package oracle

import (
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
)

// made are the waybills that the carrier ever gave out.
func made(have Systems) map[string]bool {
	out := map[string]bool{}
	for _, list := range have.Waybills {
		for _, no := range list {
			out[no] = true
		}
	}
	return out
}

// carrier compares the carrier's orders, each with one waybill.
func (c *comparison) carrier(have Systems) {
	ours := made(have)
	var want []expected
	for _, o := range c.orders {
		want = append(want, expected{key: o.key, need: o.ships(ours), fields: o.receiver([]field{
			{name: "postal code", value: o.Receiver.Postcode},
			{name: "sender", value: "yes"},
			{name: "parcels", value: "1"},
			{name: "paid by", value: "1"},
			{name: "serviceable", value: "yes"},
		})})
	}
	var there []found
	for _, o := range have.Carrier {
		there = append(there, c.carrierFound(o, have.Waybills[o.OrderID]))
	}
	c.compare("sf.order", want, there)
}

func (c *comparison) carrierFound(o sfexpresssim.Order, waybills []string) found {
	return found{key: c.base(o.OrderID), alive: !o.Cancelled, copies: max(1, len(waybills)), values: map[string]string{
		"receiver": plain(o.Receiver.Contact), "phone": o.Receiver.Mobile, "province": o.Receiver.Province, "city": o.Receiver.City,
		"district": o.Receiver.County, "address": plain(o.Receiver.Address), "postal code": o.Receiver.PostCode,
		"sender": yes(o.Sender.Contact != "" && o.Sender.Mobile != "" && o.Sender.Address != ""), "parcels": number(int64(o.ParcelQty)),
		"paid by": o.PayMethod, "serviceable": yes(len(o.Waybills) > 0 && o.FilterResult == 2),
	}}
}

// warehouse compares delivery orders: what is left after refunds, with the waybill that is
// alive.
func (c *comparison) warehouse(have Systems) {
	ours, waybill := made(have), map[string]string{}
	for _, o := range have.Carrier {
		if !o.Cancelled && len(o.Waybills) > 0 {
			waybill[c.base(o.OrderID)] = o.Waybills[0].No
		}
	}
	var want []expected
	for _, o := range c.orders {
		want = append(want, expected{key: o.key, need: o.ships(ours), fields: deliveryOrder(o, waybill[o.key]), lines: c.picks(o)})
	}
	var there []found
	for _, d := range have.Warehouse {
		there = append(there, c.warehouseFound(d))
	}
	c.compare("wms.delivery_order", want, there)
}

func deliveryOrder(o *order, waybill string) []field {
	return o.receiver([]field{
		{name: "waybill", value: waybill},
		{name: "carrier", value: "SF"},
		{name: "shop", value: o.store.Name},
		{name: "total", value: yuan(o.TotalFen)},
		{name: "goods", value: yuan(o.GoodsFen)},
		{name: "discount", value: yuan(o.DiscountFen)},
		{name: "freight", value: yuan(o.FreightFen)},
		{name: "paid", value: yuan(o.TotalFen)},
		{name: "still to pay", value: yuan(0)},
		{name: "payment no", value: o.TransactionID},
		{name: "placed at", value: unix(o.CreatedAt)},
		{name: "paid at", value: unix(o.PaidAt)},
		{name: "remark", value: plain(o.Remark), personal: true},
	})
}

// picks are the pieces to send. The warehouse gets prices of one piece, rounded, so a line
// may be off by half a fen for each.
func (c *comparison) picks(o *order) []line {
	var out []line
	for _, l := range o.SoldOrder.Lines {
		if n := l.Qty - l.RefundedQty; n > 0 {
			out = append(out, line{name: c.sku(l.SKUCode), qty: n, amount: share(l.PaidFen, n, l.Qty), tolerance: n/2 + 1})
		}
	}
	return out
}

func (c *comparison) warehouseFound(d qimensim.DeliveryOrder) found {
	f := found{key: c.base(d.Code), alive: !d.Cancelled, copies: 1, values: map[string]string{
		"receiver": plain(d.Receiver.Name), "phone": d.Receiver.Mobile, "province": d.Receiver.Province, "city": d.Receiver.City,
		"district": d.Receiver.Area, "address": plain(d.Receiver.DetailAddress), "waybill": d.ExpressCode, "carrier": d.LogisticsCode,
		"shop": d.ShopNick, "total": amount(d.TotalAmount), "goods": amount(d.ItemAmount), "discount": amount(d.DiscountAmount),
		"freight": amount(d.Freight), "paid": amount(d.GotAmount), "still to pay": amount(d.ArAmount), "payment no": d.PayNo,
		"placed at": moment(d.PlaceOrderTime), "paid at": moment(d.PayTime), "remark": plain(d.BuyerMessage),
	}}
	for _, l := range d.Lines {
		n, _ := fen(l.ActualPrice)
		f.lines = append(f.lines, line{name: l.ItemCode, qty: l.PlanQty, amount: n * l.PlanQty})
	}
	return f
}
