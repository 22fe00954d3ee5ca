package jushuitansim

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
)

// The partner the simulated ERP calls back as; the key is the vendor's constant.
const (
	PartnerID  = "sim-jst-partner"
	PartnerKey = "erp"
)

// Callback is one call of the ERP to the shop (own-mall shops: logistics.upload,
// inventory.upload, refund.goods).
type Callback struct {
	Query url.Values
	Body  []byte
}

// LogisticsCallback tells the shop about every parcel of an order, one call each.
func (s *Sim) LogisticsCallback(shop, so string) ([]Callback, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Callback
	all := s.allSent(s.shopOr(shop), so)
	for _, o := range s.bySo[so] {
		if o.status != Sent || o.shop() != s.shopOr(shop) {
			continue
		}
		var items []any
		for _, it := range o.itemRows() {
			r := it.(map[string]any)
			items = append(items, map[string]any{"outer_oi_id": r["outer_oi_id"], "oi_id": r["oi_id"], "sku_id": r["sku_id"], "qty": r["qty"], "name": r["name"], "so_id": r["raw_so_id"]})
		}
		out = append(out, s.callback("logistics.upload", map[string]any{
			"so_id": so, "o_id": o.oid, "l_id": o.lID, "lc_id": o.lcID, "logistics_company": o.lcName,
			"send_date": stampOf(o.sent), "is_send_all": all, "wms_co_id": 10000, "items": items,
		}))
	}
	if out == nil {
		return nil, fmt.Errorf("order %q: nothing of it has shipped", so)
	}
	return out, nil
}

func (s *Sim) allSent(shop, so string) bool {
	for _, o := range s.bySo[so] {
		if o.shop() == shop && o.status != Sent && o.status != Split && o.status != Cancelled {
			return false
		}
	}
	return true
}

// StockCallback tells the shop the number to show of some products.
func (s *Sim) StockCallback(shop string, skus ...string) Callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	datas := []any{}
	for _, r := range s.stock {
		for _, sku := range skus {
			if r.SkuID == sku {
				datas = append(datas, map[string]any{"shop_id": json.Number(s.shopOr(shop)), "shop_sku_id": sku, "sku_id": sku, "shop_i_id": r.IID,
					"i_id": r.IID, "qty": r.Qty - r.orderLock, "id": r.ts, "modified": stampOf(r.modified), "sku_source": ""})
			}
		}
	}
	return s.callback("inventory.upload", map[string]any{"datas": datas})
}

// GoodsCallback tells the shop that returned goods were received, or that this was taken back.
func (s *Sim) GoodsCallback(shop, outerAsID string, received bool) (Callback, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.afterByKey[orderKey(s.shopOr(shop), outerAsID)]
	if a == nil {
		return Callback{}, fmt.Errorf("after-sale %q: not in the ERP", outerAsID)
	}
	action := "确认收货"
	if !received {
		action = "取消收货"
	}
	return s.callback("refund.goods", map[string]any{"outer_as_id": outerAsID, "so_id": str(a.doc, "so_id"), "action_name": action, "remark": ""}), nil
}

func (s *Sim) callback(method string, body map[string]any) Callback {
	q := url.Values{"method": {method}, "partnerid": {PartnerID}, "ts": {fmt.Sprint(s.now().Unix())}, "token": {invented(s.opts.Seed, "callback", 1)}}
	q.Set("sign", callbackSign(q, PartnerKey))
	raw, _ := json.Marshal(body) // plain maps always encode
	return Callback{Query: q, Body: raw}
}

// callbackSign is lower hex MD5 over method, partnerid, the other fields in byte
// order of their keys, and the partner key.
func callbackSign(q url.Values, key string) string {
	var keys []string
	for k := range q {
		if k != "method" && k != "partnerid" && k != "sign" {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	var b strings.Builder
	b.WriteString(q.Get("method") + q.Get("partnerid"))
	for _, k := range keys {
		b.WriteString(k + q.Get(k))
	}
	sum := md5.Sum([]byte(b.String() + key))
	return hex.EncodeToString(sum[:])
}

// WithBadSign returns the callback with a signature that cannot be right.
func (c Callback) WithBadSign() Callback {
	q := url.Values{}
	for k, v := range c.Query {
		q[k] = v
	}
	q.Set("sign", strings.Repeat("0", 32))
	return Callback{Query: q, Body: c.Body}
}

// Post sends the callback to the shop's address and returns its answer.
func (c Callback) Post(ctx context.Context, client *http.Client, address string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"?"+c.Query.Encode(), strings.NewReader(string(c.Body)))
	if err != nil {
		return 0, nil, fmt.Errorf("callback %s: %w", c.Query.Get("method"), err)
	}
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("callback %s: the shop did not answer", c.Query.Get("method")) // the URL carries a token
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return res.StatusCode, nil, fmt.Errorf("callback %s: read the answer: %w", c.Query.Get("method"), err)
	}
	return res.StatusCode, answer, nil
}
