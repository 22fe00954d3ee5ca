package jushuitansim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// order is one row of the ERP's order table. Several may share a so_id: the first
// (primary) is what uploads address, the others came of splitting or copying.
type order struct {
	oid               int64
	primary           bool
	doc               map[string]any // as uploaded, all uploads laid over one another
	status            string
	from              string // order_from: empty, SPLIT, MERGE, COPY
	link              int64  // the order this one came of, or went into
	mergeSo           string
	lineIDs           map[string]int64
	created, modified time.Time
	sent              time.Time
	lID, lcID, lcName string
	ts                int64
}

func (o *order) shop() string { return str(o.doc, "shop_id") }
func (o *order) so() string   { return str(o.doc, "so_id") }

func orderKey(shop, so string) string { return shop + "/" + so }

func digestOf(doc map[string]any) string {
	raw, _ := json.Marshal(doc) // a decoded JSON tree always encodes
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// primary finds the order that an upload of (shop, so) addresses.
func (s *Sim) primary(shop, so string) *order {
	for _, o := range s.bySo[so] {
		if o.primary && o.shop() == shop {
			return o
		}
	}
	return nil
}

// ordersUpload serves orders/upload: upsert by shop_id and so_id, a result per row.
func (s *Sim) ordersUpload(call string, v any) (any, *refusal) {
	return s.uploadRows(call, v, func(row map[string]any) map[string]any {
		o, err := s.uploadOrder(call, row)
		res := map[string]any{"o_id": 0, "so_id": str(row, "so_id"), "issuccess": err == nil, "msg": ""}
		if o != nil {
			res["o_id"] = o.oid
		}
		if err != nil {
			res["msg"] = err.Error()
		}
		return res
	})
}

func (s *Sim) uploadRows(call string, v any, one func(map[string]any) map[string]any) (any, *refusal) {
	rows, ok := v.([]any)
	if !ok || len(rows) == 0 {
		return nil, refuse(130, "传输数据错误:biz须为非空数组")
	}
	if len(rows) > s.opts.MaxBatch {
		return nil, refuse(130, "传输数据错误:单次最多%d条", s.opts.MaxBatch)
	}
	for i, r := range rows {
		if _, ok := r.(map[string]any); !ok {
			return nil, refuse(130, "传输数据错误:第%d条不是对象", i+1)
		}
	}
	out := make([]any, len(rows))
	for i, r := range rows {
		res := one(r.(map[string]any))
		if res["issuccess"] == false {
			s.refused(call, refuse(0, "%s", res["msg"]))
		}
		out[i] = res
	}
	return map[string]any{"datas": out}, nil
}

func (s *Sim) uploadOrder(call string, row map[string]any) (*order, error) {
	key, e := orderKey(str(row, "shop_id"), str(row, "so_id")), Entry{Call: call, Kind: "order", Version: str(row, "shop_modified"), Digest: digestOf(row)}
	e.Key = key
	if err := s.orderRules(row); err != nil {
		s.note(e, EffectRefused)
		return nil, err
	}
	o := s.primary(str(row, "shop_id"), str(row, "so_id"))
	if o == nil {
		o = s.addOrder(clone(row), "")
		e.OID = fmt.Sprint(o.oid)
		s.note(e, EffectCreated)
		return o, nil
	}
	e.OID = fmt.Sprint(o.oid)
	merged := clone(o.doc)
	for k, v := range row {
		merged[k] = cloneAny(v)
	}
	if reflect.DeepEqual(merged, o.doc) {
		s.note(e, EffectUnchanged)
		return o, nil
	}
	if err := mayChange(o, merged); err != nil {
		s.note(e, EffectRefused)
		return nil, err
	}
	effect := EffectUpdated
	if derive(merged) == Cancelled && o.status != Cancelled {
		effect = EffectCancelled
	}
	s.change(o, func() {
		o.doc = merged
		if !slices.Contains([]string{Sent, Split, Merged}, o.status) {
			o.status = derive(merged)
			s.shipOutside(o)
		}
	})
	s.note(e, effect)
	return o, nil
}

// notes are the fields a shipped order still takes.
var notes = []string{"shop_status", "remark", "buyer_message", "labels", "seller_flag", "node", "shop_modified", "question_desc",
	"invoice", "invoice_type", "invoice_title", "buyer_tax_no", "l_id", "lc_id", "logistics_company", "send_date"}

func mayChange(o *order, merged map[string]any) error {
	status := str(merged, "shop_status")
	switch o.status {
	case Sent, Split:
		if status == "TRADE_CLOSED" || status == "TRADE_CLOSED_BY_TAOBAO" {
			return errors.New("订单已发货,不允许取消,请走售后")
		}
		for k, v := range merged {
			if !slices.Contains(notes, k) && !reflect.DeepEqual(v, o.doc[k]) {
				return fmt.Errorf("订单已发货,不允许修改%s", k)
			}
		}
	case Cancelled, Merged:
		if derive(merged) != Cancelled || o.status == Merged {
			return fmt.Errorf("订单状态为%s,不允许修改", o.status)
		}
	}
	return nil
}

// addOrder puts a new row into the ERP.
func (s *Sim) addOrder(doc map[string]any, from string) *order {
	o := &order{oid: s.newID(), doc: doc, from: from, lineIDs: map[string]int64{}, created: s.now(), status: derive(doc)}
	o.primary = from == "" && s.primary(o.shop(), o.so()) == nil
	s.orders = append(s.orders, o)
	s.byOID[fmt.Sprint(o.oid)] = o
	s.bySo[o.so()] = append(s.bySo[o.so()], o)
	s.shipOutside(o)
	s.touch(o)
	s.lock(nil, o)
	return o
}

// shipOutside records the parcel of an order that was uploaded as already shipped.
func (s *Sim) shipOutside(o *order) {
	if o.status != Sent || !o.sent.IsZero() {
		return
	}
	o.sent = s.now()
	if at, ok := parseStamp(str(o.doc, "send_date")); ok {
		o.sent = at
	}
	o.lID, o.lcID, o.lcName = str(o.doc, "l_id"), str(o.doc, "lc_id"), str(o.doc, "logistics_company")
	s.takeStock(o)
}

// change runs a change of o and moves its version, its locks and its clock.
func (s *Sim) change(o *order, do func()) {
	before := locked(o)
	do()
	s.touch(o)
	s.lock(before, o)
}

func (s *Sim) touch(o *order) {
	o.modified, o.ts = s.now(), s.nextTS()
	for _, it := range objects(o.doc, "items") {
		if id := str(it, "outer_oi_id"); o.lineIDs[id] == 0 {
			o.lineIDs[id] = s.newID()
		}
	}
}

// orderCancel serves orderbyoid/cancel: internal numbers, all or nothing.
func (s *Sim) orderCancel(call string, v any) (any, *refusal) {
	biz, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(130, "传输数据错误:biz须为对象")
	}
	if err := check("", biz, []field{
		{name: "o_ids", kind: integers, req: true, max: 50},
		{name: "cancel_type", req: true, max: 50},
		{name: "remark", max: 500},
	}); err != nil {
		return nil, refuse(130, "%s", "传输数据错误:"+err.Error())
	}
	var found []*order
	for _, id := range biz["o_ids"].([]any) {
		o := s.byOID[id.(json.Number).String()]
		switch {
		case o == nil:
			return nil, refuse(130, "内部订单号%s不存在", id)
		case o.status == Sent || o.status == Split || o.status == Merged:
			s.note(Entry{Call: call, Kind: "order", Key: orderKey(o.shop(), o.so()), OID: fmt.Sprint(o.oid)}, EffectRefused)
			return nil, refuse(130, "内部订单号%s状态为%s,不能取消", id, o.status)
		}
		found = append(found, o)
	}
	for _, o := range found {
		e := Entry{Call: call, Kind: "order", Key: orderKey(o.shop(), o.so()), OID: fmt.Sprint(o.oid), Digest: digestOf(o.doc)}
		if o.status == Cancelled {
			s.note(e, EffectUnchanged)
			continue
		}
		s.change(o, func() { o.status = Cancelled })
		s.note(e, EffectCancelled)
	}
	return "", nil
}

// mergedFrom says whether the so_id went into a merged order.
func (o *order) mergedFrom(so string) bool {
	return slices.Contains(strings.Split(o.mergeSo, ","), so)
}
