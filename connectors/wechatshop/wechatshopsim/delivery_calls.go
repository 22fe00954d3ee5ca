package wechatshopsim

import (
	"maps"
	"slices"
)

type sendRequest struct {
	OrderID flexID `json:"order_id"`
	List    []struct {
		Carrier    string       `json:"delivery_id"`
		Waybill    string       `json:"waybill_id"`
		Kind       int          `json:"deliver_type"`
		Units      []parcelUnit `json:"product_infos"`
		CourseInfo any          `json:"course_info"`
		SNInfo     any          `json:"sn_info"`
	} `json:"delivery_list"`
}

func (s *Sim) parcelsOf(c *call) (*order, []parcel, *fail) {
	var req sendRequest
	if f := c.decode(&req); f != nil {
		return nil, nil, f
	}
	o, f := s.orderOf(c, string(req.OrderID))
	if f != nil {
		return nil, nil, f
	}
	if len(req.List) == 0 {
		return nil, nil, refuse(codeArgument, "delivery_list is required")
	}
	parcels := make([]parcel, len(req.List))
	for i, d := range req.List {
		parcels[i] = parcel{d.Carrier, d.Waybill, d.Kind, c.at.Unix(), d.Units}
	}
	return o, parcels, nil
}

// orderSend is order/delivery/send: it adds parcels. What was sent already is
// refused once nothing is left to ship, and adds a parcel as long as something is.
func orderSend(s *Sim, c *call) (any, *fail) {
	o, parcels, f := s.parcelsOf(c)
	if f != nil {
		return nil, f
	}
	if f := s.ship(o, parcels, c.at.Unix()); f != nil {
		return nil, f
	}
	s.wrote(c.name, o.id, c.body, "created")
	return object{}, nil
}

// maxReshipments is how often deliveryinfo/update may replace the parcels.
const maxReshipments = 3

// orderReship is order/deliveryinfo/update: it replaces the whole parcel list.
func orderReship(s *Sim, c *call) (any, *fail) {
	o, parcels, f := s.parcelsOf(c)
	if f != nil {
		return nil, f
	}
	if len(o.parcels) == 0 || o.status != StatusPartShip && o.status != StatusShipped || o.reshipments == maxReshipments {
		return nil, refuse(codeOrderState, "the parcels cannot be replaced (again)")
	}
	left := map[string]int64{}
	for _, l := range o.lines {
		left[l.skuID] = l.unshipped() + l.shipped
	}
	for _, p := range parcels {
		if f := checkParcel(o, p, left); f != nil {
			return nil, f
		}
	}
	for _, l := range o.lines {
		l.shipped = 0
	}
	for _, p := range parcels {
		for _, u := range p.Units {
			o.line(u.SKUID).shipped += u.Count
		}
	}
	o.parcels, o.reshipments, o.status = parcels, o.reshipments+1, StatusPartShip
	s.settleShipping(o, c.at.Unix())
	s.touch(o, c.at.Unix())
	s.wrote(c.name, o.id, c.body, "updated")
	return object{}, nil
}

func companyList(_ *Sim, c *call) (any, *fail) {
	var req struct {
		EwaybillOnly bool `json:"ewaybill_only"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	list := []object{}
	for _, id := range slices.Sorted(maps.Keys(carriers)) {
		list = append(list, object{"delivery_id": id, "delivery_name": carriers[id]})
	}
	return object{"company_list": list}, nil
}
