package wechatshopsim

import (
	"fmt"
	"strings"
)

type object = map[string]any

// orderDoc is the document of order/get.
func (s *Sim) orderDoc(o *order, masked bool) object {
	return object{
		"order_id": o.id, "status": o.status, "openid": o.openID, "unionid": s.unionID(o.openID),
		"create_time": o.created, "update_time": o.updated, "is_present": false, "is_flash_sale_order": false,
		"order_detail": object{
			"product_infos": s.productInfos(o),
			"pay_info": object{
				"prepay_id": "up_invented" + digest("prepay", o.id)[:16], "prepay_time": o.prepaid, "pay_time": o.paid,
				"transaction_id": o.txn, "payment_method": o.payMethod,
			},
			"price_info":    priceInfo(o),
			"delivery_info": s.deliveryInfo(o, masked),
			"coupon_info":   object{"user_coupon_id": o.coupon},
			"ext_info": object{
				"customer_notes": o.notes, "merchant_notes": o.merchantNotes, "confirm_receipt_time": o.confirmed,
				"order_scene": o.scene, "finder_id": "", "live_id": "",
			},
			"commission_infos": []any{},
			"settle_info":      object{"predict_commission_fee": 0, "commission_fee": 0},
			"sharer_info":      object{"sharer_openid": "", "sharer_unionid": "", "sharer_type": 0, "share_scene": 0},
			"refund_info":      object{"refund_freight": o.freightBack},
		},
		"aftersale_detail": s.afterSaleDetail(o),
	}
}

func (s *Sim) unionID(openID string) string {
	if m := s.byOpenID[openID]; m != nil {
		return m.UnionID
	}
	return ""
}

func (s *Sim) productInfos(o *order) []object {
	out := make([]object, len(o.lines))
	for i, l := range o.lines {
		p := object{
			"product_id": l.productID, "sku_id": l.skuID, "product_unique_id": fmt.Sprintf("%s_%03d", o.id, i+1),
			"sku_cnt": l.qty, "on_aftersale_sku_cnt": l.onAfter, "finish_aftersale_sku_cnt": l.finished,
			"sku_code": l.code, "out_product_id": "", "out_sku_id": l.outID, "title": l.title,
			"thumb_img": "https://img.example.invalid/" + l.skuID + ".png", "sku_attrs": attrs(l.attrs),
			"market_price": l.market, "sale_price": l.unit, "estimate_price": l.estimate(), "real_price": l.real(),
			"is_discounted": l.storeCut+l.platformCut > 0, "is_change_price": l.changed,
			"merchant_discounted_price": l.storeCut, "cash_coupon_discounted_price": l.platformCut,
			"finder_discounted_price": 0, "vip_discounted_price": 0, "bulkbuy_discounted_price": 0,
			"use_deduction": false, "deduction_price": 0, "out_warehouse_id": "",
			"sku_deliver_info": object{"stock_type": 0}, "delivery_deadline": o.created + 48*3600,
			"extra_service": object{"seven_day_return": 1, "freight_insurance": 0}, "is_free_gift": false, "is_flash_sale": false,
			"order_product_coupon_info_list": coupons(o, l),
		}
		if l.changed {
			p["change_price"] = l.change
		}
		if l.oldSKU != "" {
			p["change_sku_info"] = object{"old_sku_id": l.oldSKU, "new_sku_id": l.skuID, "preshipment_change_sku_state": 4}
		}
		out[i] = p
	}
	return out
}

func attrs(list []Attr) []Attr {
	if list == nil {
		return []Attr{}
	}
	return list
}

func coupons(o *order, l *orderLine) []object {
	out := []object{}
	for kind, cut := range []int64{l.storeCut, l.platformCut} {
		if cut > 0 {
			out = append(out, object{"user_coupon_id": o.coupon, "coupon_type": kind + 1, "discounted_price": cut, "coupon_id": "51" + o.coupon})
		}
	}
	return out
}

func priceInfo(o *order) object {
	p := object{
		"product_price": o.goods(), "order_price": o.total(), "freight": o.freight, "discounted_price": o.discount(),
		"is_discounted": o.discount() > 0, "original_order_price": o.goods() + o.freight,
		"estimate_product_price": o.sum((*orderLine).estimate), "change_down_price": o.changeDown(),
		"is_change_freight": o.freightChanged, "use_deduction": false, "deduction_price": 0,
		"merchant_receieve_price":   o.total() + o.platformCut(),
		"merchant_discounted_price": o.storeCut(), "cash_coupon_discounted_price": o.platformCut(),
		"finder_discounted_price": 0, "vip_discounted_price": 0, "bulkbuy_discounted_price": 0,
	}
	if o.freightChanged {
		p["change_freight"] = o.freight
	}
	return p
}

func (s *Sim) deliveryInfo(o *order, masked bool) object {
	parcels := make([]object, len(o.parcels))
	for i, p := range o.parcels {
		parcels[i] = object{
			"waybill_id": p.Waybill, "delivery_id": p.Carrier, "delivery_name": carriers[p.Carrier], "delivery_time": p.At,
			"deliver_type": p.Kind, "product_infos": p.Units,
		}
	}
	addr := s.addressInfo(o, o.addr, masked)
	addr["hash_code"] = o.addr.hash(s.opts.AppID)
	return object{
		"address_info": addr, "delivery_product_info": parcels, "ship_done_time": o.shipDone, "deliver_method": 0,
		"address_under_review": o.review != nil, "address_apply_time": o.reviewAt, "ewaybill_order_code": "",
		"quality_inspect_type": 0,
	}
}

func (s *Sim) addressInfo(o *order, a Address, masked bool) object {
	out := object{
		"user_name": a.Name, "postal_code": a.Postcode, "province_name": a.Province, "city_name": a.City, "county_name": a.County,
		"detail_info": a.Detail, "house_number": a.House, "tel_number": a.Phone, "national_code": "", "use_tel_number": 0,
	}
	if o.virtual != nil {
		out["use_tel_number"] = 1
		out["tel_number"] = maskPhone(a.Phone)
		out["virtual_order_tel_number"] = o.virtual.number
	}
	if masked {
		out["user_name"], out["detail_info"], out["tel_number"] = maskName(a.Name), mask(a.Detail), maskPhone(a.Phone)
		out["house_number"] = mask(a.House)
	}
	return out
}

func (s *Sim) afterSaleDetail(o *order) object {
	list, open := []object{}, 0
	for _, id := range o.after {
		a := s.after[id]
		list = append(list, object{"aftersale_order_id": a.id, "status": statusNumber[a.status]})
		if a.open() {
			open++
		}
	}
	return object{"aftersale_order_list": list, "on_aftersale_order_cnt": open}
}

func mask(text string) string {
	if text == "" {
		return ""
	}
	return "****"
}

// maskName leaves the first character.
func maskName(name string) string {
	for _, r := range name {
		return string(r) + "**"
	}
	return ""
}

// maskPhone leaves the first three and the last four digits.
func maskPhone(phone string) string {
	if len(phone) < 8 {
		return strings.Repeat("*", len(phone))
	}
	return phone[:3] + "****" + phone[len(phone)-4:]
}
