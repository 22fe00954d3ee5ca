package sfexpresssim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// cityCode is an invented, stable code; the vendor's table has hundreds.
func cityCode(city string) string {
	known := map[string]string{"深圳市": "755", "广州市": "020", "杭州市": "571", "上海市": "021", "北京市": "010"}
	return orElse(known[city], "000")
}

// filterRemark says why an order is not serviceable: 2 is outside the delivery area.
func filterRemark(o *Order) string {
	if o.FilterResult == 3 {
		return "2"
	}
	return ""
}

func labels(o *Order) []map[string]any {
	out := []map[string]any{}
	for _, w := range o.Waybills {
		out = append(out, map[string]any{
			"code": "1000", "message": "",
			"routeLabelData": map[string]any{
				"waybillNo": w.No, "sourceCityCode": cityCode(o.Sender.City), "destCityCode": cityCode(o.Receiver.City),
				"destRouteLabel": cityCode(o.Receiver.City) + "W-A1", "proCode": "T" + o.ExpressTypeID, "printFlag": "000000000", "printIcon": "00000000",
			},
		})
	}
	return out
}

func waybillList(o *Order) []Waybill { return append([]Waybill{}, o.Waybills...) }

func (s *Sim) createAnswer(o *Order) any {
	return map[string]any{
		"orderId": o.OrderID, "originCode": cityCode(o.Sender.City), "destCode": cityCode(o.Receiver.City), "filterResult": o.FilterResult,
		"remark": filterRemark(o), "url": nil, "paymentLink": nil, "isUpstairs": nil, "isSpecialWarehouseService": nil,
		"mappingMark": nil, "agentMailno": nil, "returnExtraInfoList": nil, "serviceList": nil,
		"waybillNoInfoList": waybillList(o), "routeLabelInfo": labels(o),
	}
}

// old returns an order unless it is younger than the call's lag.
func (s *Sim) old(call, orderID string) *Order {
	lag := s.opt.Faults.LagOf(system, call)
	o := s.orders[orderID]
	if o == nil || o.ReceivedAt.After(s.opt.Now().Add(-lag)) {
		return nil
	}
	return o
}

func (s *Sim) search(doc map[string]any) (any, *failure) {
	if bad := check("", doc, searchTable()); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.old(callSearch, str(doc, "orderId"))
	main := str(doc, "mainWaybillNo")
	switch {
	case o == nil || digits(doc["searchType"]) == "2":
		return nil, &failure{"6150", "找不到该订单"}
	case main != "" && main != o.master():
		return nil, &failure{"8017", "订单号与运单号不匹配"}
	case o.Cancelled:
		return nil, &failure{"8037", "订单已取消"}
	}
	return map[string]any{
		"orderId": o.OrderID, "origincode": cityCode(o.Sender.City), "destcode": cityCode(o.Receiver.City),
		"filterResult": strconv.Itoa(o.FilterResult), "remark": filterRemark(o), "returnExtraInfoList": nil,
		"waybillNoInfoList": waybillList(o), "routeLabelInfo": labels(o),
	}, nil
}

func (s *Sim) update(doc map[string]any) (any, *failure) {
	if bad := check("", doc, updateTable()); bad != nil {
		return nil, bad
	}
	cancel := digits(doc["dealType"]) == "2"
	named := rows(doc, "waybillNoInfoList")
	if !cancel && len(named) == 0 {
		return nil, &failure{missing, "必填参数为空: waybillNoInfoList"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[str(doc, "orderId")]
	if o == nil {
		return nil, &failure{"8018", "未获取到订单信息"}
	}
	answer := func(status int) any {
		return map[string]any{"orderId": o.OrderID, "resStatus": status, "waybillNoInfoList": waybillList(o), "extraInfoList": nil}
	}
	for _, row := range named {
		no := str(row, "waybillNo")
		if !slices.ContainsFunc(o.Waybills, func(w Waybill) bool { return w.No == no }) {
			return answer(1), nil
		}
	}
	switch {
	case o.Cancelled:
		s.note(o, CancelRepeated)
		return nil, &failure{"8037", "订单已取消"}
	case cancel && len(o.Routes) > 0:
		s.note(o, CancelRefused)
		return nil, &failure{"8168", "订单已有路由，不能取消"}
	case cancel:
		o.Cancelled, o.Status = true, "cancelled"
		s.note(o, CancelDone)
	case o.Confirmed:
		s.note(o, ConfirmRepeated)
		return nil, &failure{"8252", "订单已确认"}
	default:
		o.Confirmed = true
		s.note(o, ConfirmDone)
	}
	return answer(2), nil
}

func (s *Sim) fees(doc map[string]any) (any, *failure) {
	if bad := check("", doc, feesTable()); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := str(doc, "trackingNum")
	if digits(doc["trackingType"]) == "2" {
		id = s.waybills[id]
	}
	o := s.old(callFees, id)
	if o == nil || len(o.Routes) == 0 {
		return nil, &failure{"8148", "未查询到运单信息或运单未计费"}
	}
	var children []string
	for _, w := range o.Waybills {
		if w.Type == 2 {
			children = append(children, w.No)
		}
	}
	settlement := "1"
	if o.MonthlyCard != "" {
		settlement = "2"
	}
	// Twelve yuan a parcel: an invented tariff, so that the sum can be foretold.
	return map[string]any{
		"waybillInfo": map[string]any{
			"waybillNo": o.master(), "orderId": o.OrderID, "waybillChilds": strings.Join(children, ","), "customerAcctCode": o.MonthlyCard,
			"meterageWeightQty": orElse(o.TotalWeight, "1"), "realWeightQty": orElse(o.TotalWeight, "1"), "expressTypeCode": "B1",
			"limitTypeCode": "T" + o.ExpressTypeID, "jProvince": o.Sender.Province, "jCity": o.Sender.City, "dProvince": o.Receiver.Province, "dCity": o.Receiver.City,
		},
		"waybillFeeList": []map[string]any{{
			"type": "1", "name": "运费", "value": strconv.Itoa(12 * o.ParcelQty), "paymentTypeCode": o.PayMethod,
			"settlementTypeCode": settlement, "customerAcctCode": o.MonthlyCard,
		}},
	}, nil
}

func inChina(t time.Time) string { return t.In(china()).Format(momentLayout) }
