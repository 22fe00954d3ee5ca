package jushuitansim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Order states of the ERP (orders/single/query, field status).
const (
	WaitPay     = "WaitPay"
	WaitConfirm = "WaitConfirm"
	Question    = "Question"
	Delivering  = "Delivering"
	Sent        = "Sent"
	Cancelled   = "Cancelled"
	Merged      = "Merged"
	Split       = "Split"
)

var orderStatuses = []string{WaitPay, Delivering, Merged, Question, Split, "WaitOuterSent", WaitConfirm, "WaitFConfirm", Sent, Cancelled}

var shopStatuses = []string{"WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED", "TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"}

// orderTable is the element of orders/upload.
func orderTable() []field {
	return []field{
		{name: "shop_id", kind: integer, req: true},
		{name: "so_id", req: true, max: 50},
		{name: "order_date", kind: stamp, req: true},
		{name: "shop_status", req: true, in: shopStatuses},
		{name: "shop_buyer_id", req: true, max: 50},
		{name: "receiver_state", max: 50}, {name: "receiver_city", max: 50}, {name: "receiver_district", max: 50},
		{name: "receiver_address", req: true, max: 200},
		{name: "receiver_name", req: true, max: 50},
		{name: "receiver_mobile", max: 50}, {name: "receiver_phone", max: 50},
		{name: "receiver_town", max: 50}, {name: "receiver_zip", max: 20}, {name: "receiver_email", max: 100}, {name: "receiver_country", max: 5},
		{name: "pay_amount", kind: money, req: true, dp: 2},
		{name: "freight", kind: money, req: true, dp: 2},
		{name: "buyer_paid_amount", kind: money, dp: 2}, {name: "seller_income_amount", kind: money, dp: 2},
		{name: "buyer_message", max: 400}, {name: "remark", max: 1000}, {name: "node", max: 1000},
		{name: "seller_flag", kind: integer}, {name: "labels", max: 200},
		{name: "is_cod", kind: boolean},
		{name: "shop_modified", kind: stamp}, {name: "plan_delivery_date", kind: stamp}, {name: "send_date", kind: stamp},
		{name: "wms_co_id", kind: integer}, {name: "l_id", max: 50}, {name: "lc_id", max: 50}, {name: "logistics_company", max: 50},
		{name: "question_desc", max: 500}, {name: "outer_so_id", max: 50}, {name: "currency", max: 10},
		{name: "creator", max: 50}, {name: "creator_name", max: 50}, {name: "shipment", max: 50},
		{name: "invoice_type", max: 50}, {name: "invoice_title", max: 200}, {name: "buyer_tax_no", max: 50},
		{name: "invoice", kind: object, sub: []field{{name: "address"}, {name: "bank"}, {name: "phone"}, {name: "account"}, {name: "email"}, {name: "username"}, {name: "userphone"}, {name: "useraddress"}}},
		{name: "card", kind: object, sub: []field{{name: "name", req: true}, {name: "card_id", req: true}}},
		{name: "pay", kind: object, sub: []field{
			{name: "outer_pay_id", req: true, max: 50}, {name: "pay_date", kind: stamp, req: true}, {name: "payment", req: true, max: 20},
			{name: "seller_account", max: 50}, {name: "buyer_account", max: 200}, {name: "amount", kind: money, req: true, dp: 2},
		}},
		{name: "items", kind: list, req: true, sub: []field{
			{name: "sku_id", req: true, max: 40}, {name: "shop_sku_id", req: true, max: 128}, {name: "outer_oi_id", req: true, max: 50},
			{name: "name", req: true, max: 100}, {name: "qty", kind: integer, req: true},
			{name: "amount", kind: money, req: true, dp: 2}, {name: "base_price", kind: money, req: true, dp: 4}, {name: "price", kind: money, dp: 4},
			{name: "refund_status", in: []string{"waiting", "success", "closed"}}, {name: "refund_qty", kind: integer},
			{name: "properties_value", max: 100}, {name: "pic", max: 300}, {name: "i_id", max: 40}, {name: "shop_i_id", max: 128},
			{name: "is_gift", kind: boolean}, {name: "remark", max: 200}, {name: "batch_id", max: 50}, {name: "produced_date", max: 30}, {name: "bu_id", kind: integer},
		}},
	}
}

// orderRules are the checks of one uploaded order that no field table can say.
func (s *Sim) orderRules(row map[string]any) error {
	if err := check("", row, orderTable()); err != nil {
		return err
	}
	if _, ok := s.shop(str(row, "shop_id")); !ok {
		return errors.New("shop_id:店铺不存在或不是商家自有商城")
	}
	if at, _ := parseStamp(str(row, "order_date")); at.Before(s.opts.ArchiveBefore) {
		return errors.New("order_date:不能早于订单归档日期")
	}
	if str(row, "receiver_mobile") == "" && str(row, "receiver_phone") == "" {
		return errors.New("receiver_mobile:手机和电话必填一项")
	}
	for _, name := range []string{"receiver_state", "receiver_city", "receiver_district"} {
		if _, sent := row[name]; sent && str(row, name) == "" {
			return fmt.Errorf("%s:不能传空字符串，可整个字段不传", name)
		} else if !sent && !strings.ContainsAny(str(row, "receiver_address"), "省市区县州旗") {
			return fmt.Errorf("%s:不能为空，或在receiver_address中传完整地址", name)
		}
	}
	for _, name := range []string{"pay_amount", "freight"} {
		if strings.HasPrefix(str(row, name), "-") {
			return fmt.Errorf("%s:不能为负数", name)
		}
	}
	if flag := str(row, "seller_flag"); flag != "" && !slices.Contains([]string{"1", "2", "3", "4", "5"}, flag) {
		return errors.New("seller_flag:取值须为1至5")
	}
	for _, label := range strings.Split(str(row, "labels"), ",") {
		if len([]rune(label)) > 10 {
			return errors.New("labels:单个标签不能超过10个字符")
		}
	}
	return lineRules(objects(row, "items"))
}

func lineRules(items []map[string]any) error {
	seen := map[string]bool{}
	for i, it := range items {
		at := func(name, rule string) error { return fmt.Errorf("items[%d].%s:%s", i, name, rule) }
		if id := str(it, "outer_oi_id"); seen[id] {
			return at("outer_oi_id", "订单内须唯一")
		} else {
			seen[id] = true
		}
		qty, refund := whole(it, "qty"), whole(it, "refund_qty")
		switch {
		case qty <= 0:
			return at("qty", "须大于0")
		case refund < 0 || refund > qty:
			return at("refund_qty", "不能大于qty")
		case strings.HasPrefix(str(it, "amount"), "-"):
			return at("amount", "不能为负数")
		}
	}
	return nil
}

// whole is an integer field's value; absent is 0.
func whole(doc map[string]any, name string) int64 {
	n, ok := doc[name].(json.Number)
	if !ok {
		return 0
	}
	v, err := n.Int64()
	if err != nil {
		return 0
	}
	return v
}

// derive is the ERP status an uploaded order has.
func derive(doc map[string]any) string {
	items := objects(doc, "items")
	stopped, open := 0, false
	for _, it := range items {
		switch str(it, "refund_status") {
		case "success":
			stopped++
		case "waiting":
			open = true
		}
	}
	switch st := str(doc, "shop_status"); {
	case st == "TRADE_CLOSED" || st == "TRADE_CLOSED_BY_TAOBAO" || stopped == len(items):
		return Cancelled
	case st == "WAIT_BUYER_CONFIRM_GOODS" || st == "TRADE_FINISHED":
		return Sent
	case st == "WAIT_BUYER_PAY" || str(doc, "is_cod") != "true" && !paid(doc):
		return WaitPay
	case open || stopped > 0:
		return Question
	}
	return WaitConfirm
}

// paid says the payment covers exactly what is due.
func paid(doc map[string]any) bool {
	pay, ok := doc["pay"].(map[string]any)
	return ok && sameAmount(str(pay, "amount"), str(doc, "pay_amount"))
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(cst).Format(stampLayout)
}
