package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines/reconcile"
)

// sold is an order of a shop and how the targets know it.
type sold struct {
	shop string
	wechatshopsim.SoldOrder
}

func (o sold) key() string { return o.shop + "-" + o.OrderID }

// planted is one thing the script did, and what a comparison must find of it.
type planted struct {
	name  string
	order sold
	want  []string
	// arrived says what is wrong at the targets in the end; nil = a person has to act.
	arrived func() string
}

// script breaks things behind the hub's back, through the simulators' control interface
// alone.
type script struct {
	w          *reconcileWorld
	free       []sold // ordinary orders that nothing was done to
	drift      []planted
	lookAlikes []planted
	invented   int // numbers of orders that no shop knows
}

// The targets that an ordinary order goes to.
const (
	atOMS  = "oms.order.push"
	atERP  = "erp.sale.push"
	atCRM  = "crm.transaction.push"
	atWMS  = "wms.delivery.create"
	atSF   = "sf.order.create"
	atOMSR = "oms.aftersale.push"
)

// finding is a finding in one line: what, where, how it is healed, and of which document.
func finding(f *reconcile.Finding) string {
	key := f.Key
	if f.SourceKey != "" {
		key = f.Source + "-" + f.SourceKey
	}
	return want(f.Kind, f.Why, f.Place.String(), f.Heal, key)
}

func want(kind reconcile.Kind, why, place, heal, key string) string {
	return fmt.Sprintf("%s/%s at %s of %s heal:%s", kind, why, place, key, heal)
}

// gather takes the ordinary orders, in an order that only the seed knows.
func (s *script) gather() {
	bordering := map[string]bool{}
	for _, p := range s.lookAlikes {
		bordering[p.order.key()] = true
	}
	for _, shop := range s.w.shops() {
		for _, o := range shop.Sold() {
			x := sold{shop.System(), o}
			parcel, _ := s.w.sims.WMS.DeliveryOrder(x.key()) // one that was ordered again has another key there
			if ordinary(o) && parcel.Code != "" && !parcel.Cancelled && o.UpdatedAt >= s.w.from.Unix() && !bordering[x.key()] {
				s.free = append(s.free, x)
			}
		}
	}
	s.w.rng.Shuffle(len(s.free), func(i, j int) { s.free[i], s.free[j] = s.free[j], s.free[i] })
}

// ordinary tells a paid order that waits for its parcel.
func ordinary(o wechatshopsim.SoldOrder) bool {
	return o.Status == wechatshopsim.StatusToShip && len(o.Refunds) == 0 && o.Bad == ""
}

func (s *script) take() sold {
	s.w.t.Helper()
	if len(s.free) == 0 {
		s.w.t.Fatal("the shops sold too few ordinary orders for this script")
	}
	o := s.free[0]
	s.free = s.free[1:]
	return o
}

// found keeps a discrepancy.
func (s *script) found(name string, o sold, arrived func() string, want ...string) {
	s.drift = append(s.drift, planted{name, o, want, arrived})
}

func (s *script) alike(name string, o sold) {
	s.lookAlikes = append(s.lookAlikes, planted{name: name, order: o})
}

// --- what the shops do ---------------------------------------------------------------------

func (s *script) lose(lost bool) {
	if !lost {
		s.w.clearFaults()
		return
	}
	for _, shop := range s.w.shops() {
		s.w.fault(simkit.Fault{System: shop.System(), Call: "push", Kind: simkit.DropRequest})
	}
}

// place sells an ordinary order; id is invented by the shop when it is empty.
func (s *script) place(shop, id string, pay bool) sold {
	s.w.t.Helper()
	buyer := s.w.shop(shop).Members()[0]
	answer := s.w.sim(shop, "place", body{"order_id": id, "openid": buyer.OpenID, "pay": pay,
		"lines": []body{{"sku_code": "SKU-MUG-01", "qty": 1 + s.w.rng.IntN(3)}}})
	return s.again(sold{shop: shop, SoldOrder: wechatshopsim.SoldOrder{OrderID: answer["order_id"].(string)}})
}

// again reads the order as the shop has it now.
func (s *script) again(o sold) sold {
	s.w.t.Helper()
	now, ok := s.w.shop(o.shop).Order(o.OrderID)
	if !ok {
		s.w.t.Fatalf("%s has no order %s", o.shop, o.OrderID)
	}
	return sold{o.shop, now}
}

func (s *script) cancel(o sold) sold {
	s.w.sim(o.shop, "cancel", body{"order_id": o.OrderID})
	return s.again(o)
}

func (s *script) someShop() string { return []string{"shop-a", "shop-b"}[s.w.rng.IntN(2)] }

// --- discrepancies at the source -------------------------------------------------------------

func (s *script) neverPulled() {
	o := s.place(s.someShop(), "", true)
	s.found("never pulled", o, func() string { return s.everywhereOnce(o) },
		want(reconcile.MissingInLedger, reconcile.WhyNeverPulled, o.shop+".orders", reconcile.ByRefetch, o.key()))
}

// missedUpdate: the shop ships and the buyer confirms, and the hub hears of neither.
func (s *script) missedUpdate() {
	o := s.take()
	s.w.sim(o.shop, "ship", body{"order_id": o.OrderID})
	s.w.sim(o.shop, "confirm", body{"order_id": o.OrderID})
	s.found("missed update", o, func() string { return s.crmIs(o, "Status__c", "completed") },
		want(reconcile.Differs, reconcile.WhySource, o.shop+".orders", reconcile.ByRefetch, o.key()))
}

// missedPrice: the shop lowers the price of an order that waits for its payment.
func (s *script) missedPrice(o sold) {
	s.w.sim(o.shop, "edit", body{"order_id": o.OrderID, "line_fen": map[string]int64{"0": o.Lines[0].PaidFen / 2}})
	o = s.again(o)
	s.found("missed price", o, func() string {
		return s.crmIs(o, "TotalAmount__c", fmt.Sprintf("%d.%02d", o.TotalFen/100, o.TotalFen%100))
	}, want(reconcile.Differs, reconcile.WhySource, o.shop+".orders", reconcile.ByRefetch, o.key()))
}

func (s *script) missedCancel() {
	o := s.cancel(s.take())
	wants := []string{want(reconcile.Differs, reconcile.WhySource, o.shop+".orders", reconcile.ByRefetch, o.key())}
	for _, at := range []string{atOMS, atERP, atCRM, atWMS, atSF} {
		wants = append(wants, want(reconcile.CancelledAlive, reconcile.WhyAtSource, at, reconcile.ByRefetch, o.key()))
	}
	for _, r := range o.Refunds {
		wants = append(wants, want(reconcile.MissingInLedger, reconcile.WhyNeverPulled, o.shop+".after_sales", reconcile.ByRefetch, o.shop+"-"+r.AfterSaleID))
	}
	s.found("missed cancellation", o, func() string { return s.cancelledEverywhere(o) }, wants...)
}

func (s *script) goneAtSource() {
	o := s.take()
	s.w.sim(o.shop, "delete", body{"order_id": o.OrderID})
	wants := []string{want(reconcile.MissingAtSource, reconcile.WhyNotAtSource, o.shop+".orders", "", o.key())}
	for _, at := range []string{atOMS, atERP, atCRM, atWMS, atSF} {
		wants = append(wants, want(reconcile.MissingAtSource, reconcile.WhyAlive, at, "", o.key()))
	}
	s.found("gone at the source", o, nil, wants...)
}

// --- discrepancies at the targets --------------------------------------------------------------

func (s *script) sale(o sold) int {
	s.w.t.Helper()
	sales := s.w.sims.ERP.SalesByReference(o.key())
	if len(sales) == 0 {
		s.w.t.Fatalf("the ERP has no sale %s", o.key())
	}
	return sales[0].ID
}

func transaction(o sold) body { return body{"object": "Transaction__c", "key": o.key()} }

// with adds fields to a command.
func (b body) with(more body) body {
	out := maps.Clone(b)
	maps.Copy(out, more)
	return out
}

func (s *script) deleted(at string) {
	o := s.take()
	switch at {
	case atOMS:
		s.w.sim("jushuitan", "delete_order", body{"so_id": o.key()})
	case atERP:
		s.w.sim("tryton", "delete-sale", body{"id": s.sale(o)})
	case atCRM:
		s.w.sim("salesforce", "delete", transaction(o))
	case atWMS:
		s.w.sim("qimen", "delete", body{"code": o.key()})
	case atSF:
		s.w.sim("sfexpress", "delete", body{"order_id": o.key()})
	}
	s.found("deleted", o, nil, want(reconcile.MissingAtTarget, reconcile.WhyGone, at, "", o.key()))
}

func (s *script) twice(at string) {
	o := s.take()
	if at == atOMS {
		s.w.sim("jushuitan", "copy_order", body{"so_id": o.key()})
	} else {
		s.w.sim("tryton", "duplicate", body{"id": s.sale(o)})
	}
	s.found("twice", o, nil, want(reconcile.Double, reconcile.WhyTwice, at, "", o.key()))
}

// changed alters what a target holds: an amount where it shows amounts, lines or the
// status where it does not.
func (s *script) changed(at string) {
	o := s.take()
	switch at {
	case atOMS:
		s.w.sim("jushuitan", "change_order", body{"so_id": o.key(), "fields": body{"pay_amount": json.Number("0.07")}})
	case atERP:
		s.w.sim("tryton", "edit-sale", body{"id": s.sale(o), "line": 0, "quantity": 77})
	case atCRM:
		s.w.sim("salesforce", "change", transaction(o).with(body{"fields": body{"TotalAmount__c": json.Number("0.07")}}))
	case atWMS:
		d, _ := s.w.sims.WMS.DeliveryOrder(o.key())
		more := d.Lines[0]
		more.LineNo, more.ItemCode = "99", "SKU-SOMETHING-ELSE"
		s.w.sim("qimen", "change", body{"code": o.key(), "set": body{"lines": append(d.Lines, more)}})
	case atSF:
		s.w.sim("sfexpress", "cancel", body{"order_id": o.key()})
	}
	s.found("changed", o, nil, want(reconcile.Differs, reconcile.WhyTarget, at, "", o.key()))
}

// stranger enters a document under a key of the hub's form that no shop explains.
func (s *script) stranger(at string) {
	s.invented++
	like := s.free[0]
	key := like.shop + "-" + strconv.Itoa(7_700_000+s.invented)
	switch at {
	case atOMS:
		o, _ := s.w.sims.OMS.Order(s.omsShop(), like.key())
		row := maps.Clone(o.Fields)
		row["so_id"] = key
		s.w.sim("jushuitan", "insert_order", body{"order": row})
	case atERP:
		s.w.sim("tryton", "orphan", body{"orphan": key})
	case atCRM:
		s.w.sim("salesforce", "insert", body{"object": "Transaction__c", "fields": body{"External_Id__c": key, "Type__c": "sale", "Status__c": "paid",
			"TotalAmount__c": json.Number("12.50")}})
	}
	s.found("stranger", sold{shop: like.shop, SoldOrder: wechatshopsim.SoldOrder{OrderID: key[len(like.shop)+1:]}}, nil,
		want(reconcile.Orphan, reconcile.WhyNoRecord, at, "", key))
}

func (s *script) omsShop() string { return s.w.sims.OMS.Credentials()["shop_id"] }

// alive again: it was cancelled through the hub, and somebody at the target took that back.
func (s *script) aliveAgain(at string, o sold) {
	switch at {
	case atOMS:
		s.w.sim("jushuitan", "set_status", body{"so_id": o.key(), "status": "WaitConfirm"})
	case atWMS:
		s.w.sim("qimen", "change", body{"code": o.key(), "set": body{"cancelled": false, "status": "NEW", "process": "NEW"}})
	case atSF:
		s.w.sim("sfexpress", "change", body{"order_id": o.key(), "set": body{"cancelled": false, "status": "created"}})
	}
	s.found("alive again", o, nil, want(reconcile.CancelledAlive, reconcile.WhyWithdrawn, at, "", o.key()))
}

// unanswered: the target does the work and its answer is lost.
func (s *script) unanswered(at string, n int) {
	system, call := "sfexpress", "EXP_RECE_CREATE_ORDER"
	if at == atWMS {
		system, call = "qimen", "deliveryorder.create"
	}
	s.w.fault(simkit.Fault{System: system, Call: call, Kind: simkit.DropAnswer, Count: n})
	for range n {
		o := s.place(s.someShop(), "", true)
		s.found("unanswered", o, func() string { return s.everywhereOnce(o) },
			want(reconcile.UnknownResolved, reconcile.WhyUnknown, at, reconcile.ByLookup, o.key()))
	}
}

// afterSale breaks an after-sale that the OMS holds.
func (s *script) afterSale(r wechatshopsim.SoldRefund, shop string, gone bool) {
	key := shop + "-" + r.AfterSaleID
	o := sold{shop: shop, SoldOrder: wechatshopsim.SoldOrder{OrderID: r.AfterSaleID}}
	if gone {
		s.w.sim("jushuitan", "delete_aftersale", body{"outer_as_id": key})
		s.found("after-sale deleted", o, nil, want(reconcile.MissingAtTarget, reconcile.WhyGone, atOMSR, "", key))
		return
	}
	s.w.sim("jushuitan", "change_aftersale", body{"outer_as_id": key, "fields": body{"refund": json.Number("0.01")}})
	s.found("after-sale changed", o, nil, want(reconcile.Differs, reconcile.WhyTarget, atOMSR, "", key))
}

// contact deletes a member at the CRM.
func (s *script) contact(shop, openID, number string) {
	s.w.sim("salesforce", "delete", body{"object": "Contact", "key": number})
	s.found("contact deleted", sold{shop: shop, SoldOrder: wechatshopsim.SoldOrder{OrderID: openID}}, nil,
		want(reconcile.MissingAtTarget, reconcile.WhyGone, "crm.contact.push", "", shop+"-"+openID))
}

// --- what only looks like a discrepancy --------------------------------------------------------

// inFlight sells, or moves on, an order that the CRM cannot take at the moment.
func (s *script) inFlight(o sold) {
	status := "completed"
	if o.OrderID == "" {
		status = "paid"
		s.invented++
		o.OrderID = strconv.Itoa(8_800_000 + s.invented)
		s.w.sim("salesforce", "lock_row", transaction(o).with(body{"times": 1_000_000}))
		o = s.place(o.shop, o.OrderID, true)
	} else {
		s.w.sim("salesforce", "lock_row", transaction(o).with(body{"times": 1_000_000}))
		s.w.sim(o.shop, "ship", body{"order_id": o.OrderID})
		s.w.sim(o.shop, "confirm", body{"order_id": o.OrderID})
	}
	o = s.again(o)
	s.lookAlikes = append(s.lookAlikes, planted{name: "in flight", order: o, arrived: func() string { return s.crmIs(o, "Status__c", status) }})
}

// release lets the CRM take what is in flight: one more refusal is the fewest it knows.
func (s *script) release() {
	for _, p := range s.lookAlikes {
		if p.name == "in flight" {
			s.w.sim("salesforce", "lock_row", transaction(p.order).with(body{"times": 1}))
		}
	}
}

// deletedByHand: it was cancelled everywhere, and somebody tidied it away.
func (s *script) deletedByHand(at string, o sold) {
	switch at {
	case atOMS:
		s.w.sim("jushuitan", "delete_order", body{"so_id": o.key()})
	case atCRM:
		s.w.sim("salesforce", "delete", transaction(o))
	case atWMS:
		s.w.sim("qimen", "delete", body{"code": o.key()})
	case atSF:
		s.w.sim("sfexpress", "delete", body{"order_id": o.key()})
	}
	s.alike("deleted by hand", o)
}

// border moves orders of the past to the seconds around midnight, in the shop's zone and
// in UTC, before the hub ever saw them.
func (s *script) border() {
	var plain []sold
	for _, shop := range s.w.shops() {
		for _, o := range shop.Sold() {
			if ordinary(o) {
				plain = append(plain, sold{shop.System(), o})
			}
		}
	}
	s.w.rng.Shuffle(len(plain), func(i, j int) { plain[i], plain[j] = plain[j], plain[i] })
	for i, at := range []time.Time{s.w.from.Add(-time.Second), s.w.from, s.w.from.AddDate(0, 0, 1).Add(-time.Second),
		s.w.from.AddDate(0, 0, 1), s.w.from.AddDate(0, 0, 1).Add(8 * time.Hour)} {
		o := plain[i]
		s.w.sim(o.shop, "tamper", body{"order_id": o.OrderID, "update_time": at.Unix()})
		s.alike("day border", s.again(o))
	}
}
