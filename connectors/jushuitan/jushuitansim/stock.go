package jushuitansim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// stockRow is one product's stock over all warehouses.
type stockRow struct {
	Item
	orderLock         int64
	created, modified time.Time
	ts                int64
}

// locked is what an order holds back from sale, by SKU: paid and not yet shipped.
func locked(o *order) map[string]int64 {
	if o == nil || !slices.Contains([]string{WaitConfirm, "WaitFConfirm", Question, Delivering, "WaitOuterSent"}, o.status) {
		return nil
	}
	held := map[string]int64{}
	for _, it := range objects(o.doc, "items") {
		if str(it, "refund_status") != "success" {
			held[str(it, "sku_id")] += whole(it, "qty") - whole(it, "refund_qty")
		}
	}
	return held
}

// lock replaces what an order held before by what it holds now.
func (s *Sim) lock(before map[string]int64, o *order) {
	delta := locked(o)
	if delta == nil {
		delta = map[string]int64{}
	}
	for sku, n := range before {
		delta[sku] -= n
	}
	for _, row := range s.stock {
		if n := delta[row.SkuID]; n != 0 {
			row.orderLock += n
			s.touchStock(row)
		}
	}
}

// takeStock moves the lines of a shipped order out of the warehouse.
func (s *Sim) takeStock(o *order) {
	for _, it := range objects(o.doc, "items") {
		if str(it, "refund_status") == "success" {
			continue
		}
		for _, row := range s.stock {
			if row.SkuID == str(it, "sku_id") {
				row.Qty -= whole(it, "qty") - whole(it, "refund_qty")
				s.touchStock(row)
			}
		}
	}
}

func (s *Sim) touchStock(row *stockRow) { row.modified, row.ts = s.now(), s.nextTS() }

// inventoryQuery serves inventory/query.
func (s *Sim) inventoryQuery(call string, v any) (any, *refusal) {
	q, biz, ref := s.parseQuery(v, querySpec{maxPage: 100, more: []field{
		{name: "sku_ids"}, {name: "names"}, {name: "i_ids"},
		{name: "ts", kind: integer}, {name: "wms_co_id", kind: integer}, {name: "has_lock_qty", kind: boolean},
	}})
	if ref != nil {
		return nil, ref
	}
	skus, iids, names := commaList(biz, "sku_ids"), commaList(biz, "i_ids"), commaList(biz, "names")
	if len(skus) > 100 || len(names) > 100 || len(iids) > 100 {
		return nil, refuse(130, "传输数据错误:sku_ids、i_ids、names最多100个")
	}
	if _, ok := biz["ts"]; ok {
		q.startTS, q.hasTS = whole(biz, "ts"), true
	}
	if skus == nil && iids == nil && names == nil && !q.hasWindow && !q.hasTS {
		return nil, refuse(130, "传输数据错误:sku_ids、i_ids、names、修改时间不能同时为空")
	}
	var hits []hit
	hidden := s.hiddenSince(call)
	for _, r := range s.stock {
		if skus != nil && !slices.Contains(skus, r.SkuID) || iids != nil && !slices.Contains(iids, r.IID) ||
			names != nil && !slices.Contains(names, r.Name) || !q.admits(r.modified, r.ts) || r.created.After(hidden) {
			continue
		}
		hits = append(hits, hit{at: r.modified, ts: r.ts, id: r.ts, row: r.wire(biz["has_lock_qty"] == true)})
	}
	return s.page(call, q, hits, "inventorys"), nil
}

func (r *stockRow) wire(withLock bool) map[string]any {
	row := map[string]any{
		"sku_id": r.SkuID, "i_id": r.IID, "name": r.Name, "qty": r.Qty, "order_lock": r.orderLock,
		"pick_lock": 0, "virtual_qty": 0, "purchase_qty": 0, "return_qty": 0, "in_qty": 0, "defective_qty": 0,
		"customize_qty_1": 0, "customize_qty_2": 0, "customize_qty_3": 0, "allocate_qty": 0, "sale_refund_qty": 0,
		"min_qty": 0, "max_qty": 0, "modified": stampOf(r.modified), "ts": r.ts,
	}
	if withLock {
		row["lock_qty"] = 0
	}
	return row
}

func commaList(doc map[string]any, name string) []string {
	if s := str(doc, name); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

// shopsQuery serves shops/query.
func (s *Sim) shopsQuery(call string, v any) (any, *refusal) {
	q, _, ref := s.parseQuery(v, querySpec{maxPage: 100, noWindow: true, more: []field{{name: "nicks", kind: texts}, {name: "shop_ids", kind: integers}}})
	if ref != nil {
		return nil, ref
	}
	wanted, _ := v.(map[string]any)["shop_ids"].([]any)
	var hits []hit
	for _, sh := range s.opts.Shops {
		if wanted != nil && !slices.ContainsFunc(wanted, func(id any) bool { n, err := id.(json.Number).Int64(); return err == nil && n == sh.ID }) {
			continue
		}
		hits = append(hits, hit{id: sh.ID, row: map[string]any{"shop_id": sh.ID, "shop_name": sh.Name, "co_id": 10000, "shop_site": "商家自有商城", "session_expired": ""}})
	}
	return s.page(call, q, hits, "datas"), nil
}

// carriersQuery serves logisticscompany/query.
func (s *Sim) carriersQuery(call string, v any) (any, *refusal) {
	q, _, ref := s.parseQuery(v, querySpec{maxPage: 100})
	if ref != nil {
		return nil, ref
	}
	var hits []hit
	for i, c := range s.opts.Carriers {
		hits = append(hits, hit{id: int64(i), row: map[string]any{"lc_id": c.LcID, "lc_name": c.Name, "modified": "2024-01-01 00:00:00"}})
	}
	return s.page(call, q, hits, "datas"), nil
}
