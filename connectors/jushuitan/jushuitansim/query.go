package jushuitansim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

const (
	maxWindow   = 7 * 24 * time.Hour
	defaultPage = 30
)

// querySpec is what one query call allows.
type querySpec struct {
	maxPage  int
	more     []field // filters besides window, paging and start_ts
	dates    []string
	noWindow bool
}

// query is a read filter after its checks.
type query struct {
	begin, end time.Time
	hasWindow  bool
	startTS    int64
	hasTS      bool
	page, size int
	total      bool
	date       string
}

// admits says whether a row of this time and version passes window and start_ts.
func (q query) admits(at time.Time, ts int64) bool {
	if q.hasTS && ts < q.startTS {
		return false
	}
	at = at.Truncate(time.Second)
	return !q.hasWindow || !at.IsZero() && !at.Before(q.begin) && !at.After(q.end)
}

func (s *Sim) parseQuery(v any, spec querySpec) (query, map[string]any, *refusal) {
	biz, ok := v.(map[string]any)
	if !ok {
		return query{}, nil, refuse(130, "传输数据错误:biz须为对象")
	}
	table := append([]field{
		{name: "page_index", kind: integer}, {name: "page_size", kind: integer},
		{name: "start_ts", kind: integer}, {name: "is_get_total", kind: boolean},
	}, spec.more...)
	if !spec.noWindow {
		table = append(table, field{name: "modified_begin", kind: stamp}, field{name: "modified_end", kind: stamp})
	}
	if spec.dates != nil {
		table = append(table, field{name: "date_type", kind: integer})
	}
	if err := check("", biz, table); err != nil {
		return query{}, nil, refuse(130, "%s", "传输数据错误:"+err.Error())
	}
	q := query{page: 1, size: defaultPage, total: biz["is_get_total"] != false}
	if ref := q.paging(biz, spec.maxPage); ref != nil {
		return q, nil, ref
	}
	if spec.dates != nil {
		q.date = cmp.Or(str(biz, "date_type"), spec.dates[0])
		if !slices.Contains(spec.dates, q.date) {
			return q, nil, refuse(130, "传输数据错误:date_type取值不在范围内")
		}
	}
	return q, biz, q.window(biz)
}

func (q *query) paging(biz map[string]any, most int) *refusal {
	if _, ok := biz["page_index"]; ok {
		q.page = int(whole(biz, "page_index"))
	}
	if _, ok := biz["page_size"]; ok {
		q.size = int(whole(biz, "page_size"))
	}
	if q.page < 1 {
		return refuse(130, "传输数据错误:page_index从1开始")
	}
	if q.size < 1 || q.size > most {
		return refuse(130, "传输数据错误:page_size须在1至%d之间", most)
	}
	if _, ok := biz["start_ts"]; ok {
		q.startTS, q.hasTS = whole(biz, "start_ts"), true
	}
	return nil
}

func (q *query) window(biz map[string]any) *refusal {
	begin, okb := parseStamp(str(biz, "modified_begin"))
	end, oke := parseStamp(str(biz, "modified_end"))
	switch {
	case !okb && !oke:
		return nil
	case okb != oke:
		return refuse(130, "传输数据错误:modified_begin和modified_end必须同时存在")
	case end.Before(begin):
		return refuse(130, "传输数据错误:结束时间不能早于起始时间")
	case end.Sub(begin) > maxWindow:
		return refuse(130, "传输数据错误:时间间隔不能超过七天")
	}
	q.begin, q.end, q.hasWindow = begin, end, true
	return nil
}

// hit is one row found, with what it sorts by.
type hit struct {
	at  time.Time
	ts  int64
	id  int64
	row map[string]any
}

// page sorts the hits (row version under start_ts, else time) and cuts one page.
func (s *Sim) page(call string, q query, hits []hit, name string) map[string]any {
	slices.SortStableFunc(hits, func(a, b hit) int {
		if q.hasTS {
			return cmp.Compare(a.ts, b.ts)
		}
		return cmp.Or(a.at.Truncate(time.Second).Compare(b.at.Truncate(time.Second)), cmp.Compare(a.id, b.id))
	})
	from := min((q.page-1)*q.size, len(hits))
	to := min(from+q.size, len(hits))
	rows := make([]any, 0, to-from)
	for _, h := range hits[from:to] {
		rows = append(rows, h.row)
	}
	if _, ok := s.opts.Faults.Hit(System, call, simkit.Reorder); ok {
		slices.Reverse(rows)
	}
	out := map[string]any{"page_index": q.page, "page_size": q.size, "has_next": to < len(hits), name: rows, "data_count": 0, "page_count": 0}
	if q.total {
		out["data_count"], out["page_count"] = len(hits), (len(hits)+q.size-1)/q.size
	}
	return out
}

// hiddenSince is the time after which new documents stay unseen by this look-up.
func (s *Sim) hiddenSince(call string) time.Time {
	return s.now().Add(-s.opts.Faults.LagOf(System, call))
}

// orderQuerySpec is the filter that orders/single/query and logistic/query share.
func orderQuerySpec(maxPage int, dates ...string) querySpec {
	return querySpec{maxPage: maxPage, dates: dates, more: []field{
		{name: "so_ids", kind: texts, max: 20}, {name: "o_ids", kind: integers, max: 20},
		{name: "shop_id", kind: integer}, {name: "status", in: orderStatuses},
	}}
}

// selectOrders returns the orders a filter means, before window and status.
func (s *Sim) selectOrders(q query, biz map[string]any) ([]*order, *refusal) {
	sos, hasSo := biz["so_ids"].([]any)
	oids, hasO := biz["o_ids"].([]any)
	if len(sos) == 0 && len(oids) == 0 && !q.hasWindow && !q.hasTS {
		return nil, refuse(130, "传输数据错误:线上单号、内部单号、时间条件不能同时为空")
	}
	if !hasSo && !hasO {
		return s.orders, nil
	}
	var out []*order
	add := func(o *order) {
		if o != nil && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, so := range sos {
		for _, o := range s.bySo[so.(string)] {
			add(o)
		}
		for _, o := range s.merges {
			if o.mergedFrom(so.(string)) {
				add(o)
			}
		}
	}
	for _, id := range oids {
		add(s.byOID[id.(json.Number).String()])
	}
	return out, nil
}

// ordersQuery serves orders/single/query.
func (s *Sim) ordersQuery(call string, v any) (any, *refusal) {
	spec := orderQuerySpec(100, "0", "2", "3")
	spec.more = append(spec.more, field{name: "is_offline_shop", kind: boolean}, field{name: "order_types", kind: texts},
		field{name: "is_get_cbfinance", kind: boolean}, field{name: "order_flds", kind: texts}, field{name: "order_item_flds", kind: texts})
	q, biz, ref := s.parseQuery(v, spec)
	if ref != nil {
		return nil, ref
	}
	orders, ref := s.selectOrders(q, biz)
	if ref != nil {
		return nil, ref
	}
	hidden := s.hiddenSince(call)
	var hits []hit
	for _, o := range orders {
		at := o.modified
		switch q.date {
		case "2":
			at, _ = parseStamp(str(o.doc, "order_date"))
		case "3":
			at = o.sent
		}
		if q.admits(at, o.ts) && fits(o, biz) && !o.created.After(hidden) {
			hits = append(hits, hit{at: at, ts: o.ts, id: o.oid, row: s.orderRow(o)})
		}
	}
	return s.page(call, q, hits, "orders"), nil
}

func fits(o *order, biz map[string]any) bool {
	shop, status := str(biz, "shop_id"), str(biz, "status")
	return (shop == "" || shop == "0" || shop == o.shop()) && (status == "" || status == o.status)
}

// orderRow is an order as orders/single/query shows it. The vendor writes freight
// as text and the other amounts as numbers.
func (s *Sim) orderRow(o *order) map[string]any {
	sh, _ := s.shop(o.shop())
	row := map[string]any{
		"o_id": o.oid, "shop_id": o.doc["shop_id"], "shop_name": sh.Name, "co_id": 10000, "type": "普通订单", "order_from": o.from,
		"status": o.status, "pay_amount": o.doc["pay_amount"], "paid_amount": json.Number("0"), "freight": str(o.doc, "freight"),
		"is_cod": o.doc["is_cod"] == true, "seller_flag": o.doc["seller_flag"], "wms_co_id": str(o.doc, "wms_co_id"),
		"created": stampOf(o.created), "modified": stampOf(o.modified), "send_date": stampOf(o.sent), "ts": o.ts,
		"l_id": o.lID, "lc_id": o.lcID, "logistics_company": o.lcName,
		"is_merge": o.from == "MERGE", "is_split": o.from == "SPLIT", "link_o_id": "", "merge_so_id": o.mergeSo, "pays": []any{},
	}
	if o.link != 0 {
		row["link_o_id"] = fmt.Sprint(o.link)
	}
	for _, name := range []string{"so_id", "order_date", "shop_status", "shop_buyer_id", "receiver_state", "receiver_city", "receiver_district",
		"receiver_town", "receiver_address", "receiver_name", "receiver_mobile", "receiver_phone", "receiver_zip", "receiver_country",
		"receiver_email", "buyer_message", "remark", "node", "labels", "question_desc", "currency", "plan_delivery_date",
		"invoice_type", "invoice_title", "buyer_tax_no", "creator_name"} {
		row[name] = str(o.doc, name)
	}
	if pay, ok := o.doc["pay"].(map[string]any); ok {
		row["paid_amount"], row["pay_date"], row["outer_pay_id"] = pay["amount"], pay["pay_date"], pay["outer_pay_id"]
		p := clone(pay)
		p["is_order_pay"], p["status"], p["o_id"] = true, "Confirmed", o.oid
		row["pays"] = []any{p}
	}
	row["items"] = o.itemRows()
	return row
}

func (o *order) itemRows() []any {
	var out []any
	for _, it := range objects(o.doc, "items") {
		r := map[string]any{
			"oi_id": o.lineIDs[str(it, "outer_oi_id")], "qty": it["qty"], "amount": it["amount"], "base_price": it["base_price"],
			"price": it["price"], "is_gift": it["is_gift"] == true, "item_status": o.status, "sku_type": "normal",
			"refund_status": cmp.Or(str(it, "refund_status"), "none"), "raw_so_id": cmp.Or(str(it, "raw_so_id"), o.so()),
		}
		if r["price"] == nil {
			r["price"] = unitPrice(str(it, "amount"), whole(it, "qty"))
		}
		for _, name := range []string{"outer_oi_id", "sku_id", "shop_sku_id", "shop_i_id", "i_id", "name", "properties_value", "pic", "remark"} {
			r[name] = str(it, name)
		}
		out = append(out, r)
	}
	return out
}

// unitPrice is amount over qty, rounded to the four places the ERP keeps.
func unitPrice(total string, qty int64) json.Number {
	a, ok := amount(total)
	if !ok || qty == 0 {
		return "0"
	}
	return json.Number(new(big.Rat).Quo(a, big.NewRat(qty, 1)).FloatString(4))
}
