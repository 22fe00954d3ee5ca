package oracle

import "github.com/minihub/minihub/connectors/jushuitan/jushuitansim"

// oms compares orders and after-sales of the OMS.
func (c *comparison) oms(have Systems) {
	var want []expected
	for _, o := range c.orders {
		e := expected{key: o.key, need: never}
		if o.sold() {
			e.need, e.fields, e.lines = must, c.omsOrder(o), omsLines(o)
		}
		want = append(want, e)
	}
	var there []found
	for _, o := range have.OMSOrders {
		there = append(there, omsFound(o))
	}
	c.compare("oms.order", want, there)
	c.omsAfterSales(have)
}

func (c *comparison) omsOrder(o *order) []field {
	state := map[int]string{toShip: "WAIT_SELLER_SEND_GOODS", partShip: "WAIT_SELLER_SEND_GOODS", shipped: "WAIT_BUYER_CONFIRM_GOODS",
		done: "TRADE_FINISHED", refunded: "TRADE_CLOSED"}
	return o.receiver([]field{
		{name: "shop", value: o.store.OMSShop},
		{name: "status", value: state[o.Status]},
		{name: "total", value: yuan(o.TotalFen)},
		{name: "freight", value: yuan(o.FreightFen)},
		{name: "paid", value: yuan(o.TotalFen)},
		{name: "payment no", value: o.TransactionID},
		{name: "paid at", value: unix(o.PaidAt)},
		{name: "placed at", value: unix(o.CreatedAt)},
		{name: "buyer", value: o.buyer()},
		{name: "remark", value: plain(o.Remark), personal: true},
		{name: "merchant notes", value: plain(o.MerchantNotes)},
	})
}

func omsLines(o *order) []line {
	var out []line
	for i, l := range o.lines {
		l.back = o.SoldOrder.Lines[i].RefundedQty
		out = append(out, l)
	}
	return out
}

func omsFound(o jushuitansim.Order) found {
	f := found{key: o.SoID, alive: o.Status != jushuitansim.Cancelled, copies: 1, values: map[string]string{
		"shop": o.ShopID, "status": o.ShopStatus, "receiver": plain(o.Receiver.Name), "phone": o.Receiver.Mobile,
		"province": o.Receiver.State, "city": o.Receiver.City, "district": o.Receiver.District, "address": plain(o.Receiver.Address),
		"total": amount(o.PayAmount), "freight": amount(o.Freight), "placed at": moment(o.OrderDate), "buyer": o.ShopBuyerID,
		"remark": plain(o.BuyerMessage), "merchant notes": plain(o.Remark),
	}}
	if o.Pay != nil {
		f.values["paid"], f.values["payment no"], f.values["paid at"] = amount(o.Pay.Amount), o.Pay.OuterPayID, moment(o.Pay.PayDate)
	}
	for _, i := range o.Items {
		f.lines = append(f.lines, omsLine(i))
	}
	return f
}

// omsLine reads a line; one given up altogether carries a status in place of a quantity.
func omsLine(i jushuitansim.Line) line {
	l := line{name: i.SkuID, qty: count(i.Qty), back: max(count(i.RefundQty), 0)}
	l.amount, _ = fen(i.Amount)
	if i.RefundStat == "success" {
		l.back = l.qty
	}
	return l
}

func (c *comparison) omsAfterSales(have Systems) {
	words := map[string]string{"requested": "WAIT_SELLER_AGREE", "approved": "WAIT_BUYER_RETURN_GOODS", "goods_in_transit": "WAIT_SELLER_CONFIRM_GOODS",
		"refunded": "SUCCESS", "rejected": "SELLER_REFUSE_BUYER", "closed": "CLOSED"}
	var want []expected
	for _, r := range c.refund {
		if r.order == nil || c.excluded(r.order.key) {
			continue
		}
		// An order that was over before it reached the OMS has no after-sale there.
		e := expected{key: r.key, need: may, fields: []field{
			{name: "shop", value: r.store.OMSShop},
			{name: "order", value: r.order.key},
			{name: "status", value: words[r.word()]},
			{name: "refund", value: yuan(r.Fen)},
			{name: "total", value: yuan(r.Fen)},
			{name: "exchange payment", value: yuan(0)},
			{name: "kind", value: map[string]string{"REFUND": "仅退款", "RETURN": "普通退货"}[r.Kind]},
		}, lines: []line{{name: c.sku(r.SKUCode), qty: r.Qty, amount: r.Fen}}}
		if r.order.sold() {
			e.need = must
		}
		want = append(want, e)
	}
	var there []found
	for _, a := range have.OMSAfterSales {
		f := found{key: a.OuterAsID, alive: true, copies: 1, values: map[string]string{"shop": a.ShopID, "order": a.SoID, "status": a.ShopStatus,
			"refund": amount(a.Refund), "total": amount(a.TotalAmount), "exchange payment": amount(a.Payment), "kind": a.Type}}
		for _, i := range a.Items {
			f.lines = append(f.lines, omsLine(i))
		}
		there = append(there, f)
	}
	c.compare("oms.after_sale", want, there)
}
