package wechatshopsim

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// OrderSpec is an order to place. What is left out is invented.
type OrderSpec struct {
	OrderID        string     `json:"order_id,omitempty"`
	OpenID         string     `json:"openid,omitempty"`
	Lines          []LineSpec `json:"lines"`
	FreightFen     int64      `json:"freight_fen,omitempty"`
	StoreCoupon    int64      `json:"store_coupon_fen,omitempty"`    // borne by the shop
	PlatformCoupon int64      `json:"platform_coupon_fen,omitempty"` // borne by the platform
	Receiver       *Address   `json:"receiver,omitempty"`
	VirtualPhone   bool       `json:"virtual_phone,omitempty"` // the parcel shows a virtual number with an extension
	Remark         string     `json:"remark,omitempty"`
	Scene          int        `json:"scene,omitempty"`
}

// LineSpec is one line; a SKU code that the catalogue lacks is sold all the same.
type LineSpec struct {
	SKUCode string `json:"sku_code"`
	Qty     int64  `json:"qty"`
	UnitFen int64  `json:"unit_fen,omitempty"` // default: the catalogue's price
	Title   string `json:"title,omitempty"`
}

// PlaceOrder places an unpaid order and returns its id.
func (s *Sim) PlaceOrder(spec OrderSpec) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.place(spec, s.now().Unix())
	if err != nil {
		return "", err
	}
	return o.id, nil
}

func (s *Sim) place(spec OrderSpec, at int64) (*order, error) {
	if len(spec.Lines) == 0 {
		return nil, errors.New("an order needs lines")
	}
	if spec.OrderID != "" {
		if n, err := strconv.ParseUint(spec.OrderID, 10, 63); err != nil || strconv.FormatUint(n, 10) != spec.OrderID {
			return nil, fmt.Errorf("order id %q is no number", spec.OrderID)
		}
		if s.orders[spec.OrderID] != nil {
			return nil, fmt.Errorf("order %s exists already", spec.OrderID)
		}
	}
	o := &order{
		status: StatusUnpaid, created: at, prepaid: at, payMethod: 1, freight: spec.FreightFen,
		notes: spec.Remark, scene: cmp.Or(spec.Scene, 1), openID: spec.OpenID,
	}
	for _, l := range spec.Lines {
		line, err := s.newLine(l)
		if err != nil {
			return nil, err
		}
		if o.line(line.skuID) != nil {
			return nil, fmt.Errorf("SKU %q is on two lines", l.SKUCode)
		}
		o.lines = append(o.lines, line)
	}
	if spec.FreightFen < 0 || spec.StoreCoupon < 0 || spec.PlatformCoupon < 0 || spec.StoreCoupon+spec.PlatformCoupon > o.goods() {
		return nil, errors.New("freight and coupons must not be negative, nor coupons above the goods")
	}
	o.apportionCoupons(spec.StoreCoupon, spec.PlatformCoupon)
	if o.openID == "" {
		o.openID = s.anyMember().OpenID
	}
	if spec.Receiver != nil {
		o.addr = *spec.Receiver
	} else {
		o.addr = inventAddress(s.rng)
	}
	o.id = cmp.Or(spec.OrderID, s.takeID())
	if spec.VirtualPhone {
		o.virtual = &virtualNumber{"1700000" + fmt.Sprintf("%04d", s.rng.Intn(10000)), fmt.Sprintf("%04d", s.rng.Intn(10000)), at + 30*86400}
	}
	if spec.StoreCoupon+spec.PlatformCoupon > 0 {
		o.coupon = "61" + digest("coupon", o.id)[:14]
	}
	s.orders[o.id] = o
	s.byCreate.put(o.id, at)
	s.touch(o, at)
	s.emitOrder(o, at, "channels_ec_order_new", map[string]any{"order_id": number(o.id)})
	return o, nil
}

func (s *Sim) newLine(spec LineSpec) (*orderLine, error) {
	if spec.Qty <= 0 || spec.UnitFen < 0 {
		return nil, fmt.Errorf("SKU %q: qty must be positive and unit_fen not negative", spec.SKUCode)
	}
	p, sku := s.skuByCode(spec.SKUCode)
	if sku == nil {
		id := strconv.FormatUint(foreignID(spec.SKUCode), 10)
		p = &Product{ID: "19" + id, Title: cmp.Or(spec.Title, "发明的商品")}
		sku = &SKU{ID: "29" + id, Code: spec.SKUCode, PriceFen: cmp.Or(spec.UnitFen, 1000)}
	}
	unit := cmp.Or(spec.UnitFen, sku.PriceFen)
	return &orderLine{
		productID: p.ID, skuID: sku.ID, code: sku.Code, outID: sku.Code, title: cmp.Or(spec.Title, p.Title), attrs: sku.Attrs,
		qty: spec.Qty, unit: unit, market: max(unit, sku.MarketFen),
	}, nil
}

// apportionCoupons spreads the coupons over the lines by their weight.
func (o *order) apportionCoupons(store, platform int64) {
	weights := make([]int64, len(o.lines))
	for i, l := range o.lines {
		weights[i] = l.gross()
	}
	for i, cut := range apportion(store, weights) {
		o.lines[i].storeCut = cut
		weights[i] -= cut
	}
	for i, cut := range apportion(platform, weights) {
		o.lines[i].platformCut = cut
	}
}

// Pay pays an order in full.
func (s *Sim) Pay(id string) error { return s.with(id, s.pay) }

func (s *Sim) pay(o *order, at int64) error {
	if o.status != StatusUnpaid {
		return stateError(o, "pay")
	}
	o.status, o.paid = StatusToShip, at
	o.txn = "4200000000" + fmt.Sprintf("%018d", foreignID(s.opts.AppID+o.id))
	for _, l := range o.lines {
		s.moveStock(l, -l.qty, o.id, at)
	}
	s.touch(o, at)
	s.emitOrder(o, at, "channels_ec_order_pay", map[string]any{"order_id": o.id, "pay_time": strconv.FormatInt(at, 10)})
	return nil
}

// Cancel cancels an order: an unpaid one closes (250), a paid one that has not
// shipped at all is refunded in full and closes (200).
func (s *Sim) Cancel(id string) error { return s.with(id, s.cancel) }

func (s *Sim) cancel(o *order, at int64) error {
	switch {
	case o.status == StatusUnpaid:
		o.status = StatusCancelled
		s.touch(o, at)
		s.emitOrder(o, at, "channels_ec_order_cancel", map[string]any{"order_id": o.id, "cancel_type": "1"})
		return nil
	case o.status != StatusToShip:
		return stateError(o, "cancel")
	}
	var open []*orderLine
	for _, l := range o.lines {
		if l.onAfter > 0 {
			return fmt.Errorf("order %s has an open after-sale: finish or cancel it first", o.id)
		}
		if l.finished < l.qty {
			open = append(open, l)
		}
	}
	for i, l := range open {
		freight := int64(0)
		if i == len(open)-1 {
			freight = o.freight - o.freightBack
		}
		a, err := s.openAfterSale(o, l, l.qty-l.finished, l.real()-l.refunded, freight, "REFUND", at)
		if err != nil {
			return err
		}
		s.finishAfterSale(a, at)
	}
	return nil
}

// Edit is what may change in an order: the address until it ships, prices until
// it is paid, a SKU between the two, the merchant's notes always.
type Edit struct {
	Address       *Address       `json:"address,omitempty"`
	LineFen       map[int]int64  `json:"line_fen,omitempty"` // line index -> line total; only lower than it was
	FreightFen    *int64         `json:"freight_fen,omitempty"`
	SKUCode       map[int]string `json:"sku_code,omitempty"` // line index -> another SKU at the same price
	MerchantNotes *string        `json:"merchant_notes,omitempty"`
}

// EditOrder changes an order; all of the edit or nothing.
func (s *Sim) EditOrder(id string, e Edit) error {
	return s.with(id, func(o *order, at int64) error { return s.edit(o, e, at) })
}

// EditAddress changes the receiver of an order that has not shipped.
func (s *Sim) EditAddress(id string, a Address) error { return s.EditOrder(id, Edit{Address: &a}) }

func (s *Sim) edit(o *order, e Edit, at int64) error {
	skus, err := s.checkEdit(o, e)
	if err != nil {
		return err
	}
	if e.Address != nil {
		o.addr = *e.Address
	}
	for i, fen := range e.LineFen {
		o.lines[i].changed, o.lines[i].change = true, fen
	}
	if e.FreightFen != nil {
		o.freight, o.freightChanged = *e.FreightFen, true
	}
	for i, sku := range skus {
		l := o.lines[i]
		s.moveStock(l, l.qty, o.id, at)
		l.oldSKU, l.skuID, l.code, l.outID, l.attrs = l.skuID, sku.ID, sku.Code, sku.Code, sku.Attrs
		l.productID = sku.product
		s.moveStock(l, -l.qty, o.id, at)
	}
	if e.MerchantNotes != nil {
		o.merchantNotes = *e.MerchantNotes
	}
	o.edits++
	s.touch(o, at)
	s.emitOrder(o, at, "channels_ec_order_ext_info_update", map[string]any{"order_id": number(o.id), "type": 2})
	return nil
}

func (s *Sim) checkEdit(o *order, e Edit) (map[int]*SKU, error) {
	if e.Address != nil && o.status != StatusUnpaid && o.status != StatusToShip {
		return nil, stateError(o, "change the address of")
	}
	if (len(e.LineFen) > 0 || e.FreightFen != nil) && o.status != StatusUnpaid {
		return nil, stateError(o, "change the price of")
	}
	for i, fen := range e.LineFen {
		if i < 0 || i >= len(o.lines) || fen < 0 || fen > o.lines[i].estimate() {
			return nil, fmt.Errorf("order %s line %d: a line total of %d fen is not within 0 and the estimate", o.id, i, fen)
		}
	}
	if e.FreightFen != nil && *e.FreightFen < 0 {
		return nil, fmt.Errorf("order %s: freight must not be negative", o.id)
	}
	skus := map[int]*SKU{}
	for i, code := range e.SKUCode {
		_, sku := s.skuByCode(code)
		if o.status != StatusToShip || i < 0 || i >= len(o.lines) || sku == nil || o.line(sku.ID) != nil {
			return nil, fmt.Errorf("order %s line %d: SKU %q must exist, be new to the order, and the order be paid and unshipped", o.id, i, code)
		}
		skus[i] = sku
	}
	return skus, nil
}

// DeleteOrder makes an order vanish behind everybody's back: no event, no trace.
func (s *Sim) DeleteOrder(id string) error {
	return s.with(id, func(o *order, _ int64) error { s.remove(o); return nil })
}

// DeleteHistory drops the orders created before a Unix time and returns how many.
func (s *Sim) DeleteHistory(before int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, o := range s.sortedOrders() {
		if o.created < before {
			s.remove(o)
			n++
		}
	}
	return n
}

func (s *Sim) remove(o *order) {
	delete(s.orders, o.id)
	s.byCreate.drop(o.id)
	s.byUpdate.drop(o.id)
	for _, id := range o.after {
		delete(s.after, id)
		s.afterCre.drop(id)
		s.afterUpd.drop(id)
	}
}

// Tamper changes an order without moving update_time and without an event.
type Tamper struct {
	Status  *int          `json:"status,omitempty"`
	UnitFen map[int]int64 `json:"unit_fen,omitempty"` // line index -> unit price
	Qty     map[int]int64 `json:"qty,omitempty"`
	Phone   *string       `json:"phone,omitempty"`
	Updated *int64        `json:"update_time,omitempty"` // move it after all, to this time
}

// Tamper changes an order behind everybody's back.
func (s *Sim) Tamper(id string, t Tamper) error {
	return s.with(id, func(o *order, _ int64) error {
		for i := range t.UnitFen {
			if i < 0 || i >= len(o.lines) {
				return fmt.Errorf("order %s has no line %d", o.id, i)
			}
		}
		for i := range t.Qty {
			if i < 0 || i >= len(o.lines) {
				return fmt.Errorf("order %s has no line %d", o.id, i)
			}
		}
		for i, fen := range t.UnitFen {
			o.lines[i].unit = fen
		}
		for i, qty := range t.Qty {
			o.lines[i].qty = qty
		}
		if t.Status != nil {
			o.status = *t.Status
		}
		if t.Phone != nil {
			o.addr.Phone = *t.Phone
		}
		o.versions++
		if t.Updated != nil {
			o.updated = *t.Updated
			s.byUpdate.put(o.id, o.updated)
		}
		return nil
	})
}

// with runs a change of one order under the lock, at the shop's time.
func (s *Sim) with(id string, change func(*order, int64) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(id)
	if err != nil {
		return err
	}
	return change(o, s.now().Unix())
}

func stateError(o *order, what string) error {
	return fmt.Errorf("cannot %s order %s: its status is %d", what, o.id, o.status)
}
