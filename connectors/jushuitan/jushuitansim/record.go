package jushuitansim

import (
	"cmp"
	"fmt"
	"time"
)

// Effect is what an accepted or refused write did.
type Effect string

// The effects of a write.
const (
	EffectCreated   Effect = "created"
	EffectUpdated   Effect = "updated"
	EffectUnchanged Effect = "unchanged"
	EffectCancelled Effect = "cancelled"
	EffectRefused   Effect = "refused"
)

// Entry is one write in the history, in the order the vendor saw them.
type Entry struct {
	At      time.Time `json:"at"`
	Call    string    `json:"call"`
	Kind    string    `json:"kind"` // "order" or "after_sale"
	Key     string    `json:"key"`  // shop_id/so_id or shop_id/outer_as_id
	OID     string    `json:"o_id,omitempty"`
	Version string    `json:"version,omitempty"` // shop_modified of an order, shop_status of an after-sale
	Digest  string    `json:"digest,omitempty"`  // of the uploaded row
	Effect  Effect    `json:"effect"`
}

// Refusal is one refused call or row. Its text names fields and rules, never values of people.
type Refusal struct {
	At   time.Time `json:"at"`
	Call string    `json:"call"`
	Code int       `json:"code"` // 0: a row of an accepted call
	Text string    `json:"text"`
}

const maxRefusals = 1000

func (s *Sim) note(e Entry, effect Effect) {
	e.At, e.Effect = s.now(), effect
	s.history = append(s.history, e)
}

func (s *Sim) refused(call string, r *refusal) {
	s.gate.Refuse(call, r.limited)
	if len(s.refusals) == maxRefusals {
		s.refusals = s.refusals[1:]
	}
	s.refusals = append(s.refusals, Refusal{At: s.now(), Call: call, Code: r.code, Text: r.msg})
}

// Receiver is where an order goes, as it was uploaded.
type Receiver struct {
	Name, Mobile, Phone, Country, State, City, District, Town, Address, Zip, Email string
}

// Pay is the payment of an order; amounts are decimal yuan as received.
type Pay struct {
	OuterPayID, PayDate, Payment, SellerAccount, BuyerAccount, Amount string
}

// Line is one line of an order or an after-sale; amounts are decimal yuan as received.
type Line struct {
	OuterOiID, SkuID, ShopSkuID, Name, Properties, Type  string
	Qty, RefundQty, Amount, BasePrice, Price, RefundStat string
	RawSoID                                              string
	IsGift                                               bool
}

// Order is one order of the ERP. Numbers and amounts are the text that was
// uploaded; Fields holds every field received.
type Order struct {
	OID, ShopID, SoID, Status, From, LinkOID, MergeSoID string
	Primary                                             bool
	ShopStatus, ShopBuyerID, OrderDate, ShopModified    string
	Receiver                                            Receiver
	PayAmount, Freight                                  string
	BuyerMessage, Remark, Labels, SellerFlag            string
	Pay                                                 *Pay
	Items                                               []Line
	LID, LcID, LogisticsCompany, SendDate               string
	Created, Modified                                   time.Time
	TS                                                  int64
	Fields                                              map[string]any
}

// AfterSale is one after-sale of the ERP.
type AfterSale struct {
	AsID, OID, ShopID, OuterAsID, SoID, Status string
	Type, ShopStatus, GoodStatus, QuestionType string
	Refund, Payment, Freight, TotalAmount      string
	LID, LogisticsCompany, Remark              string
	Items                                      []Line
	Created, Modified                          time.Time
	Fields                                     map[string]any
}

// Stock is one product's stock.
type Stock struct {
	SkuID, IID, Name string
	Qty, OrderLock   int64
	Modified         time.Time
	TS               int64
}

// Orders returns every order of the ERP, oldest first. The one an upload
// addresses is Primary; parts, copies and merged orders are not.
func (s *Sim) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Order, len(s.orders))
	for i, o := range s.orders {
		out[i] = o.typed()
	}
	return out
}

// Order returns the order an upload of this shop_id and so_id addresses.
func (s *Sim) Order(shop, so string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.primary(s.shopOr(shop), so); o != nil {
		return o.typed(), true
	}
	return Order{}, false
}

// AfterSales returns every after-sale, oldest first.
func (s *Sim) AfterSales() []AfterSale {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]AfterSale, len(s.afterSales))
	for i, a := range s.afterSales {
		out[i] = a.typed()
	}
	return out
}

// Stock returns the stock of every product.
func (s *Sim) Stock() []Stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Stock, len(s.stock))
	for i, r := range s.stock {
		out[i] = Stock{SkuID: r.SkuID, IID: r.IID, Name: r.Name, Qty: r.Qty, OrderLock: r.orderLock, Modified: r.modified, TS: r.ts}
	}
	return out
}

// History returns every write, oldest first; key limits it to one "shop_id/so_id"
// or "shop_id/outer_as_id", empty means all.
func (s *Sim) History(key string) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Entry
	for _, e := range s.history {
		if key == "" || e.Key == key {
			out = append(out, e)
		}
	}
	return out
}

// Effects counts what the writes of one key did.
func (s *Sim) Effects(key string) map[Effect]int {
	out := map[Effect]int{}
	for _, e := range s.History(key) {
		out[e.Effect]++
	}
	return out
}

// Refusals returns the latest refusals, oldest first.
func (s *Sim) Refusals() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Refusal(nil), s.refusals...)
}

// Record returns orders and after-sales by "order/<o_id>" and "after_sale/<as_id>",
// the history, the counted calls and the refusals.
func (s *Sim) Record() any {
	docs := map[string]any{}
	for _, o := range s.Orders() {
		docs["order/"+o.OID] = o
	}
	for _, a := range s.AfterSales() {
		docs["after_sale/"+a.AsID] = a
	}
	return map[string]any{"documents": docs, "stock": s.Stock(), "history": s.History(""), "calls": s.gate.Counts(), "refusals": s.Refusals()}
}

func (o *order) typed() Order {
	d := o.doc
	t := Order{
		OID: fmt.Sprint(o.oid), ShopID: o.shop(), SoID: o.so(), Status: o.status, From: o.from, MergeSoID: o.mergeSo, Primary: o.primary,
		ShopStatus: str(d, "shop_status"), ShopBuyerID: str(d, "shop_buyer_id"), OrderDate: str(d, "order_date"), ShopModified: str(d, "shop_modified"),
		Receiver: Receiver{Name: str(d, "receiver_name"), Mobile: str(d, "receiver_mobile"), Phone: str(d, "receiver_phone"),
			Country: str(d, "receiver_country"), State: str(d, "receiver_state"), City: str(d, "receiver_city"), District: str(d, "receiver_district"),
			Town: str(d, "receiver_town"), Address: str(d, "receiver_address"), Zip: str(d, "receiver_zip"), Email: str(d, "receiver_email")},
		PayAmount: str(d, "pay_amount"), Freight: str(d, "freight"), BuyerMessage: str(d, "buyer_message"), Remark: str(d, "remark"),
		Labels: str(d, "labels"), SellerFlag: str(d, "seller_flag"),
		Items: lines(d, o.so()), LID: o.lID, LcID: o.lcID, LogisticsCompany: o.lcName, SendDate: stampOf(o.sent),
		Created: o.created, Modified: o.modified, TS: o.ts, Fields: clone(d),
	}
	if o.link != 0 {
		t.LinkOID = fmt.Sprint(o.link)
	}
	if p, ok := d["pay"].(map[string]any); ok {
		t.Pay = &Pay{OuterPayID: str(p, "outer_pay_id"), PayDate: str(p, "pay_date"), Payment: str(p, "payment"),
			SellerAccount: str(p, "seller_account"), BuyerAccount: str(p, "buyer_account"), Amount: str(p, "amount")}
	}
	return t
}

func lines(d map[string]any, so string) []Line {
	var out []Line
	for _, it := range objects(d, "items") {
		out = append(out, Line{
			OuterOiID: str(it, "outer_oi_id"), SkuID: str(it, "sku_id"), ShopSkuID: str(it, "shop_sku_id"), Name: str(it, "name"),
			Properties: str(it, "properties_value"), Type: str(it, "type"), Qty: str(it, "qty"), RefundQty: str(it, "refund_qty"), Amount: str(it, "amount"),
			BasePrice: str(it, "base_price"), Price: str(it, "price"), RefundStat: str(it, "refund_status"),
			RawSoID: cmp.Or(str(it, "raw_so_id"), so), IsGift: it["is_gift"] == true,
		})
	}
	return out
}

func (a *afterSale) typed() AfterSale {
	d := a.doc
	return AfterSale{
		AsID: fmt.Sprint(a.asID), OID: fmt.Sprint(a.oid), ShopID: str(d, "shop_id"), OuterAsID: str(d, "outer_as_id"), SoID: str(d, "so_id"), Status: a.status,
		Type: str(d, "type"), ShopStatus: str(d, "shop_status"), GoodStatus: str(d, "good_status"), QuestionType: str(d, "question_type"),
		Refund: str(d, "refund"), Payment: str(d, "payment"), Freight: str(d, "freight"), TotalAmount: str(d, "total_amount"),
		LID: str(d, "l_id"), LogisticsCompany: str(d, "logistics_company"), Remark: str(d, "remark"),
		Items: lines(d, str(d, "so_id")), Created: a.created, Modified: a.modified, Fields: clone(d),
	}
}
