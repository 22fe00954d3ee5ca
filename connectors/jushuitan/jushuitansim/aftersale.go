package jushuitansim

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// afterSale is one row of the ERP's after-sale table.
type afterSale struct {
	asID, oid         int64
	doc               map[string]any
	status            string // WaitConfirm, Confirmed, Cancelled
	created, modified time.Time
	ts                int64
}

func (a *afterSale) key() string { return orderKey(str(a.doc, "shop_id"), str(a.doc, "outer_as_id")) }

// afterSaleTable is the element of aftersale/upload.
func afterSaleTable() []field {
	return []field{
		{name: "shop_id", kind: integer, req: true},
		{name: "outer_as_id", req: true, max: 50},
		{name: "so_id", req: true, max: 50},
		{name: "type", req: true, in: []string{"普通退货", "其它", "拒收退货", "仅退款", "投诉", "补发", "维修", "换货"}},
		{name: "shop_status", req: true, in: []string{"WAIT_SELLER_AGREE", "WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS", "SELLER_REFUSE_BUYER", "CLOSED", "SUCCESS"}},
		{name: "good_status", req: true, in: []string{"BUYER_NOT_RECEIVED", "BUYER_RECEIVED", "BUYER_RETURNED_GOODS", "SELLER_RECEIVED"}},
		{name: "question_type", max: 50}, {name: "remark", max: 1000},
		{name: "total_amount", kind: money, dp: 2}, {name: "refund", kind: money, req: true, dp: 2},
		{name: "payment", kind: money, dp: 2}, {name: "freight", kind: money, dp: 2},
		{name: "logistics_company", max: 50}, {name: "l_id", max: 50},
		{name: "warehouse_type", kind: integer}, {name: "wms_co_id", kind: integer},
		{name: "receiver_name_en", max: 200}, {name: "receiver_mobile_en", max: 200},
		{name: "receiver_state", max: 50}, {name: "receiver_city", max: 50}, {name: "receiver_district", max: 50}, {name: "receiver_address", max: 200},
		{name: "send_lc_id", max: 50}, {name: "send_lc_name", max: 50},
		{name: "items", kind: list, req: true, sub: []field{
			{name: "outer_oi_id", max: 50}, {name: "sku_id", req: true, max: 40}, {name: "qty", kind: integer, req: true},
			{name: "amount", kind: money, req: true, dp: 2}, {name: "type", req: true, in: []string{"退货", "换货", "其它", "补发"}},
			{name: "name", max: 100}, {name: "pic", max: 300}, {name: "properties_value", max: 100}, {name: "des", max: 200},
		}},
	}
}

// afterSaleUpload serves aftersale/upload: upsert by shop_id and outer_as_id.
func (s *Sim) afterSaleUpload(call string, v any) (any, *refusal) {
	return s.uploadRows(call, v, func(row map[string]any) map[string]any {
		a, err := s.uploadAfterSale(call, row)
		res := map[string]any{"as_id": 0, "o_id": 0, "outer_as_id": str(row, "outer_as_id"), "so_id": str(row, "so_id"), "issuccess": err == nil, "msg": ""}
		if a != nil {
			res["as_id"], res["o_id"] = a.asID, a.oid
		}
		if err != nil {
			res["msg"] = err.Error()
		}
		return res
	})
}

func (s *Sim) uploadAfterSale(call string, row map[string]any) (*afterSale, error) {
	e := Entry{Call: call, Kind: "after_sale", Key: orderKey(str(row, "shop_id"), str(row, "outer_as_id")), Version: str(row, "shop_status"), Digest: digestOf(row)}
	o, err := s.afterSaleRules(row)
	if err != nil {
		s.note(e, EffectRefused)
		return nil, err
	}
	a := s.afterByKey[e.Key]
	if a == nil {
		a = s.addAfterSale(clone(row), o)
		e.OID = fmt.Sprint(a.asID)
		s.note(e, EffectCreated)
		return a, nil
	}
	e.OID = fmt.Sprint(a.asID)
	merged := clone(a.doc)
	for k, v := range row {
		merged[k] = cloneAny(v)
	}
	if reflect.DeepEqual(merged, a.doc) {
		s.note(e, EffectUnchanged)
		return a, nil
	}
	if err := mayChangeAfterSale(a.doc, merged); err != nil {
		s.note(e, EffectRefused)
		return nil, err
	}
	effect := EffectUpdated
	if str(merged, "shop_status") == "CLOSED" && str(a.doc, "shop_status") != "CLOSED" {
		effect = EffectCancelled
	}
	a.doc = merged
	s.touchAfterSale(a)
	s.intercept(o, merged)
	s.note(e, effect)
	return a, nil
}

func mayChangeAfterSale(old, merged map[string]any) error {
	if str(old, "so_id") != str(merged, "so_id") {
		return errors.New("so_id:售后单已存在,不允许更换订单")
	}
	if str(old, "good_status") == "SELLER_RECEIVED" {
		for _, name := range []string{"l_id", "logistics_company"} {
			if str(old, name) != str(merged, name) {
				return fmt.Errorf("%s:卖家已收到退货,不允许更新", name)
			}
		}
	}
	return nil
}

// afterSaleRules checks an uploaded after-sale and finds its order.
func (s *Sim) afterSaleRules(row map[string]any) (*order, error) {
	if err := check("", row, afterSaleTable()); err != nil {
		return nil, err
	}
	o := s.primary(str(row, "shop_id"), str(row, "so_id"))
	if o == nil {
		return nil, errors.New("so_id:线上订单号不存在")
	}
	for _, name := range []string{"total_amount", "refund", "payment", "freight"} {
		if strings.HasPrefix(str(row, name), "-") {
			return nil, fmt.Errorf("%s:不能为负数", name)
		}
	}
	if w := str(row, "warehouse_type"); w != "" && !slices.Contains([]string{"1", "2", "3", "4", "5", "6", "7", "8"}, w) {
		return nil, errors.New("warehouse_type:取值须为1至8")
	}
	seen := map[string]bool{}
	for i, it := range objects(row, "items") {
		line := str(it, "outer_oi_id")
		if whole(it, "qty") <= 0 {
			return nil, fmt.Errorf("items[%d].qty:须大于0", i)
		}
		if line == "" {
			continue
		}
		ordered := o.line(line)
		switch {
		case seen[line]:
			return nil, fmt.Errorf("items[%d].outer_oi_id:重复", i)
		case ordered == nil:
			return nil, fmt.Errorf("items[%d].outer_oi_id:订单中不存在该明细", i)
		case whole(it, "qty") > whole(ordered, "qty"):
			return nil, fmt.Errorf("items[%d].qty:不能大于订单数量", i)
		}
		seen[line] = true
	}
	return o, nil
}

func (o *order) line(outerOiID string) map[string]any {
	for _, it := range objects(o.doc, "items") {
		if str(it, "outer_oi_id") == outerOiID {
			return it
		}
	}
	return nil
}

func (s *Sim) addAfterSale(doc map[string]any, o *order) *afterSale {
	a := &afterSale{asID: s.newID(), doc: doc, created: s.now()}
	if o != nil {
		a.oid = o.oid
		s.intercept(o, doc)
	}
	s.afterSales = append(s.afterSales, a)
	s.afterByKey[a.key()] = a
	s.touchAfterSale(a)
	return a
}

func (s *Sim) touchAfterSale(a *afterSale) {
	a.modified, a.ts = s.now(), s.nextTS()
	switch str(a.doc, "shop_status") {
	case "CLOSED":
		a.status = Cancelled
	case "SUCCESS":
		a.status = "Confirmed"
	default:
		a.status = WaitConfirm
	}
}

// intercept stops the lines of an order that has not shipped. An item without
// outer_oi_id means the whole order, which is then cancelled.
func (s *Sim) intercept(o *order, doc map[string]any) {
	status := str(doc, "shop_status")
	if !s.opts.Intercept || o.status == Sent || o.status == Cancelled || o.status == Merged || o.status == Split ||
		status == "CLOSED" || status == "SELLER_REFUSE_BUYER" {
		return
	}
	s.change(o, func() {
		o.doc = clone(o.doc)
		for _, it := range objects(doc, "items") {
			line := o.line(str(it, "outer_oi_id"))
			if line == nil {
				o.status = Cancelled
				return
			}
			line["refund_status"] = "waiting"
			if status == "SUCCESS" {
				line["refund_status"] = "success"
			}
		}
		o.status = derive(o.doc)
	})
}

// afterSaleQuery serves refund/single/query.
func (s *Sim) afterSaleQuery(call string, v any) (any, *refusal) {
	q, biz, ref := s.parseQuery(v, querySpec{maxPage: 50, more: []field{
		{name: "so_ids", kind: texts, max: 20}, {name: "o_ids", kind: integers, max: 20}, {name: "as_ids", kind: integers, max: 50},
		{name: "shop_buyer_ids", kind: texts, max: 50}, {name: "shop_id", kind: integer}, {name: "is_offline_shop", kind: boolean},
		{name: "status", in: []string{WaitConfirm, "Confirmed", Cancelled, Merged}}, {name: "good_status"}, {name: "type"}, {name: "owner_co_id"},
	}})
	if ref != nil {
		return nil, ref
	}
	if biz["so_ids"] == nil && biz["o_ids"] == nil && biz["as_ids"] == nil && !q.hasWindow && !q.hasTS {
		return nil, refuse(130, "传输数据错误:线上单号、内部单号、售后单号、时间条件不能同时为空")
	}
	hidden := s.hiddenSince(call)
	var hits []hit
	for _, a := range s.afterSales {
		if !q.admits(a.modified, a.ts) || a.created.After(hidden) || !among(biz, "so_ids", str(a.doc, "so_id")) ||
			!among(biz, "o_ids", fmt.Sprint(a.oid)) || !among(biz, "as_ids", fmt.Sprint(a.asID)) || !a.fits(s, biz) {
			continue
		}
		hits = append(hits, hit{at: a.modified, ts: a.ts, id: a.asID, row: s.afterSaleRow(a)})
	}
	return s.page(call, q, hits, "datas"), nil
}

func (a *afterSale) fits(s *Sim, biz map[string]any) bool {
	for _, name := range []string{"shop_id", "good_status", "type"} {
		if want := str(biz, name); want != "" && want != "0" && want != str(a.doc, name) {
			return false
		}
	}
	buyer := ""
	if o := s.byOID[fmt.Sprint(a.oid)]; o != nil {
		buyer = str(o.doc, "shop_buyer_id")
	}
	want := str(biz, "status")
	return (want == "" || want == a.status) && among(biz, "shop_buyer_ids", buyer)
}

// among says whether a list filter, when given, holds the value.
func among(biz map[string]any, name, value string) bool {
	l, given := biz[name].([]any)
	return !given || slices.ContainsFunc(l, func(e any) bool { return fmt.Sprint(e) == value })
}

func (s *Sim) afterSaleRow(a *afterSale) map[string]any {
	row := map[string]any{"as_id": a.asID, "o_id": a.oid, "shop_id": a.doc["shop_id"], "status": a.status, "as_date": stampOf(a.created),
		"created": stampOf(a.created), "modified": stampOf(a.modified), "ts": fmt.Sprint(a.ts), "order_status": ""}
	if o := s.byOID[fmt.Sprint(a.oid)]; o != nil {
		row["order_status"], row["shop_buyer_id"] = o.status, str(o.doc, "shop_buyer_id")
	}
	for _, name := range []string{"outer_as_id", "so_id", "type", "shop_status", "good_status", "question_type", "remark", "l_id", "logistics_company"} {
		row[name] = str(a.doc, name)
	}
	for _, name := range []string{"refund", "payment", "freight"} {
		if n, ok := a.doc[name].(json.Number); ok {
			row[name] = n
		} else {
			row[name] = json.Number("0")
		}
	}
	items := []any{}
	for i, it := range objects(a.doc, "items") {
		r := clone(it)
		r["asi_id"], r["as_id"] = a.asID*100+int64(i), a.asID
		items = append(items, r)
	}
	row["items"] = items
	return row
}
