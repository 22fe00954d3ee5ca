package wechatshopsim

import "slices"

// SoldOrder is what was really sold, in the store's own terms. Amounts are fen,
// times Unix seconds.
type SoldOrder struct {
	Shop            string       `json:"shop"` // app id
	OrderID         string       `json:"order_id"`
	Status          int          `json:"status"`
	Cancelled       bool         `json:"cancelled"` // 200 or 250
	Paid            bool         `json:"paid"`      // was paid at some time
	Lines           []SoldLine   `json:"lines"`
	GoodsFen        int64        `json:"goods_fen"` // before discounts
	FreightFen      int64        `json:"freight_fen"`
	DiscountFen     int64        `json:"discount_fen"` // coupons and price changes together
	StoreCouponFen  int64        `json:"store_coupon_fen"`
	PlatformFen     int64        `json:"platform_coupon_fen"`
	ChangeDownFen   int64        `json:"change_down_fen"`
	TotalFen        int64        `json:"total_fen"` // what the buyer pays: goods + freight - discount
	MerchantFen     int64        `json:"merchant_fen"`
	Receiver        Address      `json:"receiver"`
	VirtualNumber   string       `json:"virtual_number,omitempty"`
	VirtualExt      string       `json:"virtual_extension,omitempty"`
	Refunds         []SoldRefund `json:"refunds"`
	RefundedFen     int64        `json:"refunded_fen"`     // finished refunds, freight included
	RefundedFreight int64        `json:"refunded_freight"` // of which freight
	OpenAfterSales  int          `json:"open_after_sales"`
	Parcels         []SoldParcel `json:"parcels"`
	Remark          string       `json:"remark"`
	MerchantNotes   string       `json:"merchant_notes"`
	OpenID          string       `json:"openid"`
	MemberPhone     string       `json:"member_phone"`
	TransactionID   string       `json:"transaction_id"`
	CreatedAt       int64        `json:"created_at"`
	PaidAt          int64        `json:"paid_at"`
	UpdatedAt       int64        `json:"updated_at"`
	Versions        int          `json:"versions"` // how often the document changed, placing included
	Edits           int          `json:"edits"`
	Bad             string       `json:"bad,omitempty"`
}

// SoldLine is one line of a sold order.
type SoldLine struct {
	ProductID   string `json:"product_id"`
	SKUID       string `json:"sku_id"`
	SKUCode     string `json:"sku_code"`
	Title       string `json:"title"`
	Qty         int64  `json:"qty"`
	UnitFen     int64  `json:"unit_fen"`     // before discounts
	PaidFen     int64  `json:"paid_fen"`     // line total due
	DiscountFen int64  `json:"discount_fen"` // line total
	RefundedQty int64  `json:"refunded_qty"`
	RefundedFen int64  `json:"refunded_fen"` // without freight
	ShippedQty  int64  `json:"shipped_qty"`
}

// SoldRefund is one after-sale.
type SoldRefund struct {
	AfterSaleID string `json:"after_sale_id"`
	OrderID     string `json:"order_id"`
	SKUCode     string `json:"sku_code"`
	Kind        string `json:"kind"` // REFUND, RETURN
	Status      string `json:"status"`
	Done        bool   `json:"done"` // money was paid back
	Open        bool   `json:"open"`
	Qty         int64  `json:"qty"`
	Fen         int64  `json:"fen"` // freight included
	FreightFen  int64  `json:"freight_fen"`
	CreatedAt   int64  `json:"created_at"`
	UpdatedAt   int64  `json:"updated_at"`
}

// SoldParcel is one parcel as the shop knows it.
type SoldParcel struct {
	Carrier string `json:"carrier"`
	Waybill string `json:"waybill"`
	Units   int64  `json:"units"`
}

// Sold returns every order, by time of creation.
func (s *Sim) Sold() []SoldOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]SoldOrder, 0, len(s.orders))
	for _, o := range s.sortedOrders() {
		out = append(out, s.sold(o))
	}
	return out
}

// Order returns one order; ok is false when the shop has none of this id.
func (s *Sim) Order(id string) (o SoldOrder, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[id] == nil {
		return SoldOrder{}, false
	}
	return s.sold(s.orders[id]), true
}

// AfterSales returns every after-sale, by id.
func (s *Sim) AfterSales() []SoldRefund {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.afterSales()
}

func (s *Sim) afterSales() []SoldRefund {
	out := make([]SoldRefund, 0, len(s.after))
	for _, e := range s.afterCre.list {
		if a := s.after[e.id]; a != nil && s.afterCre.current[e.id] == e.Seq {
			out = append(out, soldRefund(a))
		}
	}
	return out
}

func (s *Sim) sold(o *order) SoldOrder {
	out := SoldOrder{
		Shop: s.opts.AppID, OrderID: o.id, Status: o.status, Paid: o.paid > 0,
		Cancelled: slices.Contains([]int{StatusRefunded, StatusCancelled}, o.status),
		GoodsFen:  o.goods(), FreightFen: o.freight, DiscountFen: o.discount() + o.changeDown(),
		StoreCouponFen: o.storeCut(), PlatformFen: o.platformCut(), ChangeDownFen: o.changeDown(),
		TotalFen: o.total(), MerchantFen: o.total() + o.platformCut(), Receiver: o.addr,
		RefundedFen: o.sum(func(l *orderLine) int64 { return l.refunded }) + o.freightBack, RefundedFreight: o.freightBack,
		Remark: o.notes, MerchantNotes: o.merchantNotes, OpenID: o.openID, TransactionID: o.txn,
		CreatedAt: o.created, PaidAt: o.paid, UpdatedAt: o.updated, Versions: o.versions, Edits: o.edits, Bad: o.bad,
	}
	if m := s.byOpenID[o.openID]; m != nil {
		out.MemberPhone = m.Phone
	}
	if o.virtual != nil {
		out.VirtualNumber, out.VirtualExt = o.virtual.number, o.virtual.extension
	}
	for _, l := range o.lines {
		out.Lines = append(out.Lines, SoldLine{
			ProductID: l.productID, SKUID: l.skuID, SKUCode: l.code, Title: l.title, Qty: l.qty, UnitFen: l.unit,
			PaidFen: l.real(), DiscountFen: l.gross() - l.real(), RefundedQty: l.finished, RefundedFen: l.refunded, ShippedQty: l.shipped,
		})
	}
	for _, id := range o.after {
		r := soldRefund(s.after[id])
		if r.Open {
			out.OpenAfterSales++
		}
		out.Refunds = append(out.Refunds, r)
	}
	for _, p := range o.parcels {
		n := int64(0)
		for _, u := range p.Units {
			n += u.Count
		}
		out.Parcels = append(out.Parcels, SoldParcel{p.Carrier, p.Waybill, n})
	}
	return out
}

func soldRefund(a *afterSale) SoldRefund {
	return SoldRefund{
		AfterSaleID: a.id, OrderID: a.orderID, SKUCode: a.line.code, Kind: a.kind, Status: a.status, Open: a.open(),
		Done: a.status == "MERCHANT_REFUND_SUCCESS" || a.status == "MERCHANT_RETURN_SUCCESS",
		Qty:  a.qty, Fen: a.fen + a.freight, FreightFen: a.freight, CreatedAt: a.created, UpdatedAt: a.updated,
	}
}
