package oracle

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// Two shops sold under the same number: 2 mugs and freight here, a bag there. Shop a also
// cancelled an order, has an unpaid one, and refunded one of the mugs.
const (
	sold      = "3729000000000000517"
	cancelNo  = "3729000000000000774"
	unpaidNo  = "3729000000000001031"
	refundNo  = "2000000000000518"
	placedAt  = 1767190000
	paidAt    = 1767190060
	placed    = "2025-12-31 22:06:40"
	paid      = "2025-12-31 22:07:40"
	placedUTC = "2025-12-31T14:06:40.000+0000"
	paidUTC   = "2025-12-31T14:07:40.000+0000"
)

func truth() Truth {
	order := func(no string, status int, lines ...wechatshopsim.SoldLine) wechatshopsim.SoldOrder {
		o := wechatshopsim.SoldOrder{OrderID: no, Status: status, Paid: true, Lines: lines, OpenID: "oINVENTED1", TransactionID: "4200" + no,
			CreatedAt: placedAt, PaidAt: paidAt, Remark: "放门口\n谢谢 🎁",
			Receiver: wechatshopsim.Address{Name: "张三", Phone: "13800000001", Province: "浙江省", City: "杭州市", County: "西湖区", Detail: "示例路1号", Postcode: "310012"}}
		for _, l := range lines {
			o.GoodsFen += l.UnitFen * l.Qty
			o.DiscountFen += l.DiscountFen
			o.TotalFen += l.PaidFen
		}
		return o
	}
	a := order(sold, toShip, wechatshopsim.SoldLine{SKUCode: "SKU-MUG-01", Qty: 2, UnitFen: 3900, PaidFen: 7500, DiscountFen: 300, RefundedQty: 1})
	a.FreightFen, a.TotalFen = 600, a.TotalFen+600
	b := order(sold, toShip, wechatshopsim.SoldLine{SKUCode: "SKU-BAG-07", Qty: 1, UnitFen: 2590, PaidFen: 2590})
	b.OpenID, b.Receiver.Name, b.Receiver.Detail = "oINVENTED2", "李四", "样例街2号"
	ended := order(cancelNo, refunded, wechatshopsim.SoldLine{SKUCode: "SKU-BAG-07", Qty: 1, UnitFen: 2590, PaidFen: 2590, RefundedQty: 1})
	open := order(unpaidNo, unpaid, wechatshopsim.SoldLine{SKUCode: "SKU-BAG-07", Qty: 1, UnitFen: 2590, PaidFen: 2590})
	open.Paid, open.PaidAt, open.TransactionID = false, 0, ""
	back := wechatshopsim.SoldRefund{AfterSaleID: refundNo, OrderID: sold, SKUCode: "SKU-MUG-01", Kind: "REFUND", Status: "MERCHANT_REFUND_SUCCESS",
		Done: true, Qty: 1, Fen: 3750, CreatedAt: paidAt}
	member := func(openID, phone string) wechatshopsim.Member {
		return wechatshopsim.Member{OpenID: openID, Phone: phone, Grade: 2, Experience: 300}
	}
	return Truth{Stores: []Store{
		{Code: "shop-a", Name: "甲店", OMSShop: "10001", Orders: []wechatshopsim.SoldOrder{a, ended, open}, AfterSales: []wechatshopsim.SoldRefund{back},
			Members: []wechatshopsim.Member{member("oINVENTED1", "13900000001")}},
		{Code: "shop-b", Name: "乙店", OMSShop: "10001", Orders: []wechatshopsim.SoldOrder{b}, Members: []wechatshopsim.Member{member("oINVENTED2", "13900000002")}},
	}}
}

// right is what the targets must hold of truth.
func right() Systems {
	a, b := member("shop-a", "oINVENTED1"), member("shop-b", "oINVENTED2")
	name := func(no string) string { return "微信会员 " + no[len(no)-6:] }
	return Systems{
		OMSOrders: []jushuitansim.Order{
			omsRight("shop-a-"+sold, a, "张三", "示例路1号", "81.00", "6.00", jushuitansim.Line{SkuID: "SKU-MUG-01", Qty: "2", Amount: "75.00", RefundQty: "1"}),
			omsRight("shop-b-"+sold, b, "李四", "样例街2号", "25.9", "0", jushuitansim.Line{SkuID: "SKU-BAG-07", Qty: "1", Amount: "25.90"}),
			{SoID: "shop-a-" + cancelNo, Status: jushuitansim.Cancelled},
		},
		OMSAfterSales: []jushuitansim.AfterSale{{OuterAsID: "shop-a-" + refundNo, ShopID: "10001", SoID: "shop-a-" + sold, ShopStatus: "SUCCESS", Type: "仅退款",
			Refund: "37.5", TotalAmount: "37.50", Payment: "0", Items: []jushuitansim.Line{{SkuID: "SKU-MUG-01", Qty: "1", Amount: "37.50"}}}},
		Sales: []trytonsim.Sale{
			saleRight("shop-a-"+sold, "甲店", a, "张三", "浙江省 西湖区 示例路1号", "81.00", trytonsim.SaleLine{SKUCode: "SKU-MUG-01", Quantity: "2", Amount: "66.37"},
				trytonsim.SaleLine{Description: "运费", Quantity: "1", Amount: "5.31"}, trytonsim.SaleLine{Description: "尾差", Quantity: "1", Amount: "0.01"}),
			saleRight("shop-b-"+sold, "乙店", b, "李四", "浙江省 西湖区 样例街2号", "25.90", trytonsim.SaleLine{SKUCode: "SKU-BAG-07", Quantity: "1", Amount: "22.92"}),
			{ID: 7, Reference: "shop-a-" + cancelNo, State: "processing", Total: "25.90"},
			{ID: 8, Reference: "shop-a-" + cancelNo, State: "processing", Total: "-25.90", Origin: "sale.sale,7"},
		},
		Parties: []trytonsim.Party{
			{Code: "1", Name: "Hub Test Trading Co.", Active: true},
			{Code: a, Name: name(a), Active: true, Contacts: map[string]string{"mobile": "13900000001"}},
			{Code: b, Name: name(b), Active: true, Contacts: map[string]string{"mobile": "13900000002"}},
		},
		// The waybill of shop a was ordered a second time after an edit: the first one is dead.
		Carrier: []sfexpresssim.Order{
			{OrderID: "shop-a-" + sold, Cancelled: true},
			carrierRight("shop-a-"+sold+"-1", "SF2", "张三", "示例路1号"),
			carrierRight("shop-b-"+sold, "SF3", "李四", "样例街2号"),
		},
		Waybills: map[string][]string{"shop-a-" + sold: {"SF1"}, "shop-a-" + sold + "-1": {"SF2"}, "shop-b-" + sold: {"SF3"}},
		Warehouse: []qimensim.DeliveryOrder{
			warehouseRight("shop-a-"+sold, "甲店", "SF2", "张三", "示例路1号", "81.00", "78.00", "3.00", "6.00", qimensim.Line{ItemCode: "SKU-MUG-01", PlanQty: 1, ActualPrice: "37.50"}),
			warehouseRight("shop-b-"+sold, "乙店", "SF3", "李四", "样例街2号", "25.90", "25.90", "0.00", "0.00", qimensim.Line{ItemCode: "SKU-BAG-07", PlanQty: 1, ActualPrice: "25.90"}),
		},
		Contacts: []salesforcesim.Record{
			contactRight(a, "oINVENTED1", "13900000001", "shop-a", name(a)), contactRight(b, "oINVENTED2", "13900000002", "shop-b", name(b)),
		},
		Transactions: []salesforcesim.Record{
			crmRight("shop-a", sold, "paid", "81.00", "78.00", "3.00", "6.00", a, true), crmRight("shop-b", sold, "paid", "25.90", "25.90", "0", "0", b, true),
			crmRight("shop-a", cancelNo, "closed", "25.90", "25.90", "0", "0", a, true),
			crmRight("shop-a", unpaidNo, "pending_payment", "25.90", "25.90", "0", "0", a, false),
			{Key: "shop-a-R" + refundNo, Values: map[string]string{"Type__c": "refund", "Status__c": "refunded", "TotalAmount__c": "37.5", "CurrencyIsoCode": "CNY",
				"OrderNo__c": sold, "StoreCode__c": "shop-a", "RefundedAmount__c": "37.50", "PlacedAt__c": paidUTC},
				Parents: map[string]string{"Contact__c": a, "Original__c": "shop-a-" + sold}},
		},
		Lines: []salesforcesim.Record{
			crmLineRight("shop-a-"+sold, "SKU-MUG-01", "2", "75", "goods"), crmLineRight("shop-a-"+sold, "", "1", "6.00", "freight"),
			crmLineRight("shop-a-"+sold, "SKU-OLD", "0", "0", "goods"), // one that an earlier version had
			crmLineRight("shop-b-"+sold, "SKU-BAG-07", "1", "25.90", "goods"), crmLineRight("shop-a-"+cancelNo, "SKU-BAG-07", "1", "25.90", "goods"),
			crmLineRight("shop-a-"+unpaidNo, "SKU-BAG-07", "1", "25.90", "goods"), crmLineRight("shop-a-R"+refundNo, "SKU-MUG-01", "1", "37.50", ""),
		},
		Events: []webhooksim.Event{
			eventRight("shop-a", sold, "pending_payment", "2025-12-31T22:06:40+08:00", a, "张三", "示例路1号", 7800, 300, 600, 8100, false, `{"sku_code":"SKU-MUG-01","qty":2,"net_total":{"minor":7500}}`),
			eventRight("shop-a", sold, "paid", "2025-12-31T22:07:40+08:00", a, "张三", "示例路1号", 7800, 300, 600, 8100, true, `{"sku_code":"SKU-MUG-01","qty":2,"qty_cancelled":1,"net_total":{"minor":7500}}`),
			eventRight("shop-b", sold, "paid", "2025-12-31T22:07:40+08:00", b, "李四", "样例街2号", 2590, 0, 0, 2590, true, bagLine),
			// Nothing is to be sent: the shop shows the receiver masked.
			eventRight("shop-a", cancelNo, "closed", "2025-12-31T22:07:41+08:00", a, "张*", "****", 2590, 0, 0, 2590, true, `{"sku_code":"SKU-BAG-07","qty":1,"qty_cancelled":1,"net_total":{"minor":2590}}`),
			eventRight("shop-a", unpaidNo, "pending_payment", "2025-12-31T22:06:40+08:00", a, "张*", "****", 2590, 0, 0, 2590, false, bagLine),
			{ID: "r", Digest: "r", Type: "after_sale.refunded", Key: "shop-a-" + refundNo, Version: "2025-12-31T22:07:42+08:00", Body: fmt.Appendf(nil,
				`{"type":"after_sale.refunded","data":{"refund_no":%q,"order_no":%q,"status":"refunded","store":{"code":"shop-a"},"total":{"minor":3750},"buyer":{"member_no":%q},`+
					`"lines":[{"sku_code":"SKU-MUG-01","qty":1,"amount":{"minor":3750}}]}}`, refundNo, sold, a)},
		},
	}
}

const bagLine = `{"sku_code":"SKU-BAG-07","qty":1,"net_total":{"minor":2590}}`

func omsRight(key, buyer, receiver, street, total, freight string, items ...jushuitansim.Line) jushuitansim.Order {
	return jushuitansim.Order{SoID: key, ShopID: "10001", Status: jushuitansim.Question, ShopStatus: "WAIT_SELLER_SEND_GOODS", ShopBuyerID: buyer,
		OrderDate: placed, PayAmount: total, Freight: freight, BuyerMessage: "放门口 谢谢", Items: items,
		Receiver: jushuitansim.Receiver{Name: receiver, Mobile: "13800000001", State: "浙江省", City: "杭州市", District: "西湖区", Address: street},
		Pay:      &jushuitansim.Pay{OuterPayID: "4200" + sold, PayDate: paid, Amount: total}}
}

func saleRight(key, store, party, receiver, street, total string, lines ...trytonsim.SaleLine) trytonsim.Sale {
	return trytonsim.Sale{Reference: key, State: "quotation", Total: total, PartyCode: party, Party: "微信会员 " + party[len(party)-6:], Receiver: receiver,
		Street: street, City: "杭州市", PostalCode: "310012", SaleDate: "2025-12-31", Description: store + " " + sold, Comment: "放门口 谢谢 🎁", Lines: lines}
}

func carrierRight(id, waybill, receiver, street string) sfexpresssim.Order {
	return sfexpresssim.Order{OrderID: id, Waybills: []sfexpresssim.Waybill{{Type: 1, No: waybill}}, PayMethod: "1", ParcelQty: 1, FilterResult: 2,
		Sender:   sfexpresssim.Contact{Contact: "示例仓", Mobile: "13900000000", Address: "示例仓1号"},
		Receiver: sfexpresssim.Contact{Contact: receiver, Mobile: "13800000001", Province: "浙江省", City: "杭州市", County: "西湖区", Address: street, PostCode: "310012"}}
}

func warehouseRight(key, shop, waybill, receiver, street, total, goods, discount, freight string, lines ...qimensim.Line) qimensim.DeliveryOrder {
	return qimensim.DeliveryOrder{Code: key, ShopNick: shop, ExpressCode: waybill, LogisticsCode: "SF", TotalAmount: total, ItemAmount: goods,
		DiscountAmount: discount, Freight: freight, GotAmount: total, ArAmount: "0.00", PayNo: "4200" + sold, PlaceOrderTime: placed, PayTime: paid,
		BuyerMessage: "放门口 谢谢", Lines: lines,
		Receiver: qimensim.Person{Name: receiver, Mobile: "13800000001", Province: "浙江省", City: "杭州市", Area: "西湖区", DetailAddress: street}}
}

func contactRight(no, openID, phone, store, name string) salesforcesim.Record {
	return salesforcesim.Record{Key: no, Values: map[string]string{"LastName": name, "MobilePhone": phone, "OpenId__c": openID, "StoreCode__c": store,
		"Status__c": "active", "Tier__c": "2", "GrowthValue__c": "300"}}
}

func crmRight(store, no, status, total, goods, discount, freight, buyer string, isPaid bool) salesforcesim.Record {
	v := map[string]string{"Type__c": "sale", "Status__c": status, "TotalAmount__c": total, "GoodsAmount__c": goods, "Discount__c": discount,
		"Freight__c": freight, "CurrencyIsoCode": "CNY", "OrderNo__c": no, "StoreCode__c": store, "PlacedAt__c": placedUTC}
	if isPaid {
		v["PaidAmount__c"], v["PaidAt__c"], v["PaymentNo__c"] = total, paidUTC, "4200"+no
	}
	return salesforcesim.Record{Key: store + "-" + no, Values: v, Parents: map[string]string{"Contact__c": buyer}}
}

func crmLineRight(parent, sku, qty, net, kind string) salesforcesim.Record {
	return salesforcesim.Record{Parents: map[string]string{"Transaction__c": parent},
		Values: map[string]string{"Sku__c": sku, "Quantity__c": qty, "NetAmount__c": net, "Kind__c": kind}}
}

func eventRight(store, no, status, version, buyer, receiver, street string, goods, discount, freight, total int64, isPaid bool, lines string) webhooksim.Event {
	due := int64(0)
	if isPaid {
		due = total
	}
	phone := "13800000001"
	if street == "****" {
		phone = "138****0001"
	}
	body := fmt.Appendf(nil, `{"type":"order.%s","data":{"order_no":%q,"status":%q,"store":{"code":%q},"buyer":{"member_no":%q},"buyer_note":"放门口\n谢谢 🎁",`+
		`"amounts":{"goods":{"minor":%d},"discount":{"minor":%d},"freight":{"minor":%d},"total":{"minor":%d},"paid":{"minor":%d}},`+
		`"ship_to":{"recipient":%q,"phone":%q,"province":"浙江省","city":"杭州市","district":"西湖区","line1":%q},"lines":[%s]}}`,
		status, no, status, store, buyer, goods, discount, freight, total, due, receiver, phone, street, lines)
	return webhooksim.Event{ID: store + no + version, Digest: store + no + version, Type: "order." + status, Key: store + "-" + no, Version: version,
		ReceivedAt: time.Unix(placedAt, 0), Body: body}
}

func compare(have Systems) *Report { return Compare(truth(), have, Options{TaxBP: 1300}) }

func TestWhatIsRightIsOK(t *testing.T) {
	t.Parallel()
	r := compare(right())
	if !r.OK() || len(r.Differences) > 0 {
		t.Fatalf("differences in what is right: %+v", r.Differences)
	}
	want := map[string]int{"oms.order": 2, "oms.after_sale": 1, "erp.sale": 2, "erp.party": 2, "sf.order": 2, "wms.delivery_order": 2,
		"crm.transaction": 4, "crm.refund": 1, "crm.contact": 2, "events.order": 4, "events.after_sale": 1}
	got := map[string]int{}
	for name, c := range r.Targets {
		got[name] = c.Present
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents counted (-want +got):\n%s", diff)
	}
}

// Every kind of error must be seen at its target, in its field, and nowhere else.
func TestEveryErrorIsSeen(t *testing.T) {
	t.Parallel()
	a, b := "shop-a-"+sold, "shop-b-"+sold
	for name, c := range map[string]struct {
		spoil               func(*Systems)
		target, key, field  string
		missing, dup, other int
	}{
		"freight dropped at the OMS":       {func(s *Systems) { s.OMSOrders[0].Freight = "0" }, "oms.order", a, "freight", 0, 0, 1},
		"total off by a fen in the ERP":    {func(s *Systems) { s.Sales[0].Total = "81.01" }, "erp.sale", a, "total", 0, 0, 1},
		"freight line dropped in the ERP":  {func(s *Systems) { s.Sales[0].Lines = slices.Delete(s.Sales[0].Lines, 1, 2) }, "erp.sale", a, "lines", 0, 0, 1},
		"line off by two fen in the ERP":   {func(s *Systems) { s.Sales[0].Lines[0].Amount = "66.39" }, "erp.sale", a, "lines", 0, 0, 1},
		"a rounding line that hides money": {func(s *Systems) { s.Sales[0].Lines[2].Amount = "5.32" }, "erp.sale", a, "rounding line", 0, 0, 1},
		"stores swapped at the warehouse": {func(s *Systems) {
			s.Warehouse[0].Code, s.Warehouse[1].Code = s.Warehouse[1].Code, s.Warehouse[0].Code
		}, "wms.delivery_order", b, "receiver", 0, 0, 2},
		"line missing at the warehouse":    {func(s *Systems) { s.Warehouse[1].Lines = nil }, "wms.delivery_order", b, "lines", 0, 0, 1},
		"refunded piece still picked":      {func(s *Systems) { s.Warehouse[0].Lines[0].PlanQty = 2 }, "wms.delivery_order", a, "lines", 0, 0, 1},
		"waybill of a dead order":          {func(s *Systems) { s.Warehouse[0].ExpressCode = "SF1" }, "wms.delivery_order", a, "waybill", 0, 0, 1},
		"stale address at the carrier":     {func(s *Systems) { s.Carrier[1].Receiver.Address = "旧路9号" }, "sf.order", a, "address", 0, 0, 1},
		"two waybills alive":               {func(s *Systems) { s.Carrier[0].Cancelled = false }, "sf.order", a, "copies", 0, 1, 0},
		"two waybills for one order":       {func(s *Systems) { s.Waybills[b] = []string{"SF3", "SF4"} }, "sf.order", b, "copies", 0, 1, 0},
		"cancelled order alive at the OMS": {func(s *Systems) { s.OMSOrders[2].Status = jushuitansim.Question }, "oms.order", "shop-a-" + cancelNo, "alive", 0, 0, 1},
		"cancelled order alive in the ERP": {func(s *Systems) { s.Sales[3].State = "cancelled" }, "erp.sale", "shop-a-" + cancelNo, "alive", 0, 0, 1},
		"unpaid order at the warehouse": {func(s *Systems) {
			s.Warehouse = append(s.Warehouse, qimensim.DeliveryOrder{Code: "shop-a-" + unpaidNo})
		}, "wms.delivery_order", "shop-a-" + unpaidNo, "alive", 0, 0, 1},
		"order that no shop knows": {func(s *Systems) { s.OMSOrders = append(s.OMSOrders, jushuitansim.Order{SoID: sold}) }, "oms.order", sold, "document", 0, 0, 1},
		"order missing at the OMS": {func(s *Systems) { s.OMSOrders = s.OMSOrders[1:] }, "oms.order", a, "document", 1, 0, 0},
		"sale twice in the ERP":    {func(s *Systems) { s.Sales = append(s.Sales, s.Sales[1]) }, "erp.sale", b, "copies", 0, 1, 0},
		"sale taken back in part": {func(s *Systems) {
			s.Sales[1].ID = 5
			s.Sales = append(s.Sales, trytonsim.Sale{State: "done", Total: "-10.00", Origin: "sale.sale,5"})
		}, "erp.sale", b, "taken back", 0, 0, 1},
		"draft left behind":                   {func(s *Systems) { s.Sales[1].State = "draft" }, "erp.sale", b, "state", 0, 0, 1},
		"old status in the CRM":               {func(s *Systems) { s.Transactions[2].Values["Status__c"] = "paid" }, "crm.transaction", "shop-a-" + cancelNo, "status", 0, 0, 1},
		"contact of another":                  {func(s *Systems) { s.Transactions[0].Parents["Contact__c"] = "shop-b-x" }, "crm.transaction", a, "contact", 0, 0, 1},
		"discount lost in a CRM line":         {func(s *Systems) { s.Lines[0].Values["NetAmount__c"] = "78.00" }, "crm.transaction", a, "lines", 0, 0, 1},
		"refund of another order":             {func(s *Systems) { s.Transactions[4].Parents["Original__c"] = b }, "crm.refund", "shop-a-R" + refundNo, "original", 0, 0, 1},
		"refund amount at the OMS":            {func(s *Systems) { s.OMSAfterSales[0].Refund = "75.00" }, "oms.after_sale", "shop-a-" + refundNo, "refund", 0, 0, 1},
		"phone of a contact":                  {func(s *Systems) { s.Contacts[1].Values["MobilePhone"] = "13900000009" }, "crm.contact", member("shop-b", "oINVENTED2"), "mobile", 0, 0, 1},
		"party missing":                       {func(s *Systems) { s.Parties = s.Parties[:2] }, "erp.party", member("shop-b", "oINVENTED2"), "document", 1, 0, 0},
		"event sent twice":                    {func(s *Systems) { s.Events = append(s.Events, s.Events[2]) }, "events.order", b, "copies", 0, 1, 0},
		"events out of order":                 {func(s *Systems) { s.Events[0], s.Events[1] = s.Events[1], s.Events[0] }, "events.order", a, "versions", 0, 0, 1},
		"masked receiver where a parcel goes": {func(s *Systems) { s.OMSOrders[0].Receiver.Name = "张*" }, "oms.order", a, "receiver", 0, 0, 1},
		"masked receiver of another person": {func(s *Systems) {
			s.Events[3] = eventRight("shop-a", cancelNo, "closed", "2025-12-31T22:07:41+08:00", member("shop-a", "oINVENTED1"), "王*", "****", 2590, 0, 0, 2590, true,
				`{"sku_code":"SKU-BAG-07","qty":1,"qty_cancelled":1,"net_total":{"minor":2590}}`)
		}, "events.order", "shop-a-" + cancelNo, "receiver", 0, 0, 1},
		"an after-sale event lost": {func(s *Systems) { s.Events = s.Events[:5] }, "events.after_sale", "shop-a-" + refundNo, "document", 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have := right()
			c.spoil(&have)
			r := compare(have)
			if r.OK() {
				t.Fatal("nothing was seen")
			}
			got := *r.Targets[c.target]
			if got.Missing != c.missing || got.Duplicate != c.dup || got.Different != c.other {
				t.Errorf("%s: %+v; want %d missing, %d duplicate, %d different", c.target, got, c.missing, c.dup, c.other)
			}
			if !slices.ContainsFunc(r.Differences, func(d Difference) bool { return d.Target == c.target && d.Key == c.key && d.Field == c.field }) {
				t.Errorf("no difference at %s %s %s: %+v", c.target, c.key, c.field, r.Differences)
			}
			for target, n := range r.Targets {
				if target != c.target && n.Missing+n.Duplicate+n.Different > 0 {
					t.Errorf("%s is blamed as well: %+v", target, r.Differences)
				}
			}
		})
	}
}

func TestPersonalValuesAreMasked(t *testing.T) {
	t.Parallel()
	have := right()
	have.OMSOrders[0].Receiver = jushuitansim.Receiver{Name: "赵小六", Mobile: "13700000007", Address: "另一条路8号"}
	for _, d := range compare(have).Differences {
		for _, secret := range []string{"赵小六", "张三", "13700000007", "13800000001", "另一条路8号"} {
			if d.Want == secret || d.Got == secret {
				t.Errorf("%s shows %q", d.Field, secret)
			}
		}
	}
}

func TestPlantedOrdersAreLeftOut(t *testing.T) {
	t.Parallel()
	have := right()
	have.OMSOrders = have.OMSOrders[:1]
	key := "shop-b-" + sold
	r := Compare(truth(), have, Options{TaxBP: 1300, Excluded: map[string]string{key: "unknown_status"}})
	if !r.OK() || r.Excluded[key] != "unknown_status" || r.Targets["oms.order"].Expected != 1 {
		t.Errorf("got %+v, excluded %v, oms %+v", r.Differences, r.Excluded, r.Targets["oms.order"])
	}
}

func TestAllDifferencesAreCountedAndSomeListed(t *testing.T) {
	t.Parallel()
	r := Compare(truth(), Systems{}, Options{Differences: 3})
	total := 0
	for _, c := range r.Targets {
		total += c.Missing
	}
	if len(r.Differences) != 3 || total != 23 {
		t.Errorf("%d listed, %d missing; want 3 and 23", len(r.Differences), total)
	}
}
