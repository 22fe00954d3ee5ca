package wechatshopsim

import (
	"fmt"
	"strings"
)

// carriers are the ids of the shop's own list of delivery companies.
var carriers = map[string]string{
	"SF": "顺丰速运", "YTO": "圆通速递", "ZTO": "中通快递", "STO": "申通快递", "YD": "韵达速递",
	"EMS": "中国邮政速递", "JTSD": "极兔速递", "JD": "京东快递", "OTHER": "其他",
}

// Ship ships everything that is left of an order as one parcel. An empty
// carrier is SF, an empty waybill is invented.
func (s *Sim) Ship(id, carrier, waybill string) error {
	return s.with(id, func(o *order, at int64) error { return s.shipAll(o, carrier, waybill, at) })
}

func (s *Sim) shipAll(o *order, carrier, waybill string, at int64) error {
	p := parcel{Carrier: carrier, Waybill: waybill, Kind: 1, At: at}
	if p.Carrier == "" {
		p.Carrier = "SF"
	}
	if p.Waybill == "" {
		p.Waybill = p.Carrier + "0000" + digest("waybill", o.id)[:10]
	}
	for _, l := range o.lines {
		if n := l.unshipped(); n > 0 {
			p.Units = append(p.Units, parcelUnit{l.productID, l.skuID, n})
		}
	}
	if f := s.ship(o, []parcel{p}, at); f != nil {
		return fmt.Errorf("ship order %s: %s %s", o.id, errText[f.code], f.text)
	}
	return nil
}

// ship adds parcels; all of them or none.
func (s *Sim) ship(o *order, parcels []parcel, at int64) *fail {
	switch {
	case o.status == StatusShipped || o.status == StatusDone:
		return refuse(codeShipped, "")
	case !o.canShip():
		return refuse(codeShipFailed, "order status %d", o.status)
	case o.review != nil:
		return refuse(codeShipFailed, "an address change is under review")
	}
	left := map[string]int64{}
	for _, l := range o.lines {
		left[l.skuID] = l.unshipped()
	}
	for _, p := range parcels {
		if f := checkParcel(o, p, left); f != nil {
			return f
		}
	}
	for _, p := range parcels {
		for _, u := range p.Units {
			o.line(u.SKUID).shipped += u.Count
		}
		o.parcels = append(o.parcels, p)
	}
	s.settleShipping(o, at)
	s.touch(o, at)
	done := 0
	if o.status == StatusShipped {
		done = 1
	}
	s.emitOrder(o, at, "channels_ec_order_deliver", map[string]any{"order_id": number(o.id), "finish_delivery": done})
	return nil
}

func checkParcel(o *order, p parcel, left map[string]int64) *fail {
	if p.Kind != 1 {
		return refuse(codeArgument, "deliver_type %d does not fit a physical order", p.Kind)
	}
	if _, known := carriers[p.Carrier]; !known {
		return refuse(codeShipFailed, "unknown delivery_id")
	}
	if p.Waybill == "" || len(p.Waybill) > 64 || strings.ContainsAny(p.Waybill, " \t\r\n") {
		return refuse(codeShipFailed, "bad waybill_id")
	}
	if len(p.Units) == 0 {
		return refuse(codeArgument, "product_infos is required")
	}
	for _, u := range p.Units {
		l := o.line(u.SKUID)
		if l == nil || l.productID != u.ProductID {
			return refuse(codeShipFailed, "product_id and sku_id are not in the order")
		}
		if l.onAfter > 0 {
			return refuse(codeUnderAfter, "")
		}
		if u.Count <= 0 || u.Count > left[u.SKUID] {
			return refuse(codeShipFailed, "product_cnt is above what is left to ship")
		}
		left[u.SKUID] -= u.Count
	}
	return nil
}

// settleShipping sets the status that follows from what is left to ship.
func (s *Sim) settleShipping(o *order, at int64) {
	if !o.canShip() || len(o.parcels) == 0 {
		return
	}
	o.status = StatusPartShip
	if o.sum((*orderLine).unshipped) == 0 {
		o.status, o.shipDone = StatusShipped, at
	}
}

// Confirm is the buyer's receipt.
func (s *Sim) Confirm(id string) error { return s.with(id, s.confirm) }

func (s *Sim) confirm(o *order, at int64) error {
	if o.status != StatusShipped {
		return stateError(o, "confirm")
	}
	o.status, o.confirmed = StatusDone, at
	s.touch(o, at)
	s.emitOrder(o, at, "channels_ec_order_confirm", map[string]any{"order_id": o.id, "confirm_type": "1"})
	return nil
}

// RequestAddressChange lets the buyer ask for another address; the shop accepts
// or rejects it by order/addressmodify, and cannot ship before that.
func (s *Sim) RequestAddressChange(id string, a Address) error {
	return s.with(id, func(o *order, at int64) error {
		if o.status != StatusToShip {
			return stateError(o, "ask for another address of")
		}
		o.review, o.reviewAt = &a, at
		s.touch(o, at)
		s.emitOrder(o, at, "channels_ec_order_ext_info_update", map[string]any{"order_id": number(o.id), "type": 2})
		return nil
	})
}
