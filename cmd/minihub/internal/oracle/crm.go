package oracle

import (
	"strings"

	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
)

// crm compares contacts, sales and refunds of the CRM, which follows every order by
// status, the unpaid and the cancelled ones too.
func (c *comparison) crm(have Systems) {
	lines := map[string][]line{}
	for _, r := range have.Lines {
		parent := r.Parents["Transaction__c"]
		if l := crmLine(r); l.qty != 0 {
			lines[parent] = append(lines[parent], l)
		}
	}
	var sales, refunds []found
	for _, r := range have.Transactions {
		if f := crmFound(r, lines[r.Key]); r.Values["Type__c"] == "refund" {
			refunds = append(refunds, f)
		} else {
			sales = append(sales, f)
		}
	}
	var wantSales, wantRefunds []expected
	for _, o := range c.orders {
		wantSales = append(wantSales, c.crmSale(o))
	}
	for _, r := range c.refund {
		if r.order != nil && !c.excluded(r.order.key) {
			wantRefunds = append(wantRefunds, c.crmRefund(r))
		}
	}
	c.compare("crm.transaction", wantSales, sales)
	c.compare("crm.refund", wantRefunds, refunds)
	c.contacts(have)
}

func (c *comparison) crmSale(o *order) expected {
	e := expected{key: o.key, fields: []field{
		{name: "type", value: "sale"},
		{name: "status", value: o.word()},
		{name: "total", value: yuan(o.TotalFen)},
		{name: "goods", value: yuan(o.GoodsFen)},
		{name: "discount", value: yuan(o.DiscountFen)},
		{name: "freight", value: yuan(o.FreightFen)},
		{name: "currency", value: "CNY"},
		{name: "order", value: o.OrderID},
		{name: "store", value: o.store.Code},
		{name: "contact", value: o.buyer()},
		{name: "placed at", value: unix(o.CreatedAt)},
	}}
	if o.Paid {
		e.fields = append(e.fields, field{name: "paid", value: yuan(o.TotalFen)}, field{name: "paid at", value: unix(o.PaidAt)},
			field{name: "payment no", value: o.TransactionID})
	}
	e.lines = append(e.lines, o.lines...)
	for i, l := range o.SoldOrder.Lines {
		e.lines[i].name = l.SKUCode // the CRM knows articles by the store's code
	}
	if o.FreightFen > 0 {
		e.lines = append(e.lines, line{name: freightName, qty: 1, amount: o.FreightFen})
	}
	return e
}

func (c *comparison) crmRefund(r *refund) expected {
	e := expected{key: r.store.Code + "-R" + r.AfterSaleID, fields: []field{
		{name: "type", value: "refund"},
		{name: "status", value: r.word()},
		{name: "total", value: yuan(r.Fen)},
		{name: "currency", value: "CNY"},
		{name: "order", value: r.OrderID},
		{name: "store", value: r.store.Code},
		{name: "original", value: r.order.key},
		{name: "contact", value: r.order.buyer()},
		{name: "placed at", value: unix(r.CreatedAt)},
	}, lines: []line{{name: r.SKUCode, qty: r.Qty, amount: r.Fen}}}
	if r.Done {
		e.fields = append(e.fields, field{name: "refunded", value: yuan(r.Fen)})
	}
	return e
}

func crmFound(r salesforcesim.Record, lines []line) found {
	v := r.Values
	return found{key: r.Key, alive: !r.Deleted, copies: 1, lines: lines, values: map[string]string{
		"type": v["Type__c"], "status": v["Status__c"], "total": amount(v["TotalAmount__c"]), "goods": amount(v["GoodsAmount__c"]),
		"discount": amount(v["Discount__c"]), "freight": amount(v["Freight__c"]), "paid": amount(v["PaidAmount__c"]),
		"refunded": amount(v["RefundedAmount__c"]), "currency": v["CurrencyIsoCode"], "order": v["OrderNo__c"], "store": v["StoreCode__c"],
		"contact": r.Parents["Contact__c"], "original": r.Parents["Original__c"], "placed at": moment(v["PlacedAt__c"]),
		"paid at": moment(v["PaidAt__c"]), "payment no": v["PaymentNo__c"],
	}}
}

func crmLine(r salesforcesim.Record) line {
	l := line{name: r.Values["Sku__c"], qty: count(r.Values["Quantity__c"])}
	l.amount, _ = fen(r.Values["NetAmount__c"])
	if r.Values["Kind__c"] == "freight" {
		l.name = freightName
	}
	return l
}

func (c *comparison) contacts(have Systems) {
	var want []expected
	for _, p := range c.people {
		want = append(want, expected{key: p.number, fields: []field{
			{name: "name", value: nameless(p.number)},
			{name: "mobile", value: p.Phone, personal: true},
			{name: "openid", value: p.OpenID, personal: true},
			{name: "store", value: p.store.Code},
			{name: "status", value: "active"},
			{name: "tier", value: number(int64(p.Grade))},
			{name: "growth", value: number(p.Experience)},
		}})
	}
	var there []found
	for _, r := range have.Contacts {
		v := r.Values
		there = append(there, found{key: r.Key, alive: !r.Deleted, copies: 1, values: map[string]string{
			"name": v["LastName"], "mobile": v["MobilePhone"], "openid": v["OpenId__c"], "store": v["StoreCode__c"], "status": v["Status__c"],
			"tier": v["Tier__c"], "growth": strings.TrimSuffix(v["GrowthValue__c"], ".0"),
		}})
	}
	c.compare("crm.contact", want, there)
}
