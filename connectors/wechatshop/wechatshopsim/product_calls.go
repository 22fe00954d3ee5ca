package wechatshopsim

import (
	"slices"
	"strconv"
)

// productCalls are the calls under /channels/ec/ that deal with products and stock; all POST.
var productCalls = map[string]handler{
	"product/list/get":       productList,
	"product/get":            productGet,
	"product/stock/get":      stockGet,
	"product/stock/batchget": stockBatch,
	"product/stock/update":   stockUpdate,
	"product/stock/getflow":  stockFlow,
}

// pageKey is a plain position in a list that does not move.
func pageKey(key string) (int, *fail) {
	if key == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(key)
	if err != nil || n < 0 {
		return 0, refuse(codeNextKey, "")
	}
	return n, nil
}

func productList(s *Sim, c *call) (any, *fail) {
	var req struct {
		Status   *int   `json:"status"`
		PageSize *int   `json:"page_size"`
		NextKey  string `json:"next_key"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	size := 10
	if req.PageSize != nil {
		size = *req.PageSize
	}
	if size < 1 || size > 30 {
		return nil, refuse(codeProductArg, "page_size must be 1 to 30")
	}
	if req.Status != nil && !slices.Contains([]int{0, 5, 6, 11, 13}, *req.Status) {
		return nil, refuse(codeProductArg, "status %d", *req.Status)
	}
	from, f := pageKey(req.NextKey)
	if f != nil {
		return nil, f
	}
	ids := []string{}
	for _, p := range s.products {
		if req.Status == nil || *req.Status == p.Status {
			ids = append(ids, p.ID)
		}
	}
	total, next := len(ids), ""
	ids = ids[min(from, total):min(from+size, total)]
	if from+size < total {
		next = strconv.Itoa(from + size)
	}
	return object{"product_ids": ids, "next_key": next, "total_num": total}, nil
}

func productGet(s *Sim, c *call) (any, *fail) {
	var req struct {
		ProductID string `json:"product_id"`
		DataType  int    `json:"data_type"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if req.DataType < 0 || req.DataType > 3 {
		return nil, refuse(codeProductArg, "data_type must be 1, 2 or 3")
	}
	p := s.product(req.ProductID)
	if p == nil {
		return nil, refuse(codeNoProduct, "")
	}
	doc, lowest := []object{}, int64(0)
	for i, k := range p.SKUs {
		if i == 0 || k.PriceFen < lowest {
			lowest = k.PriceFen
		}
		doc = append(doc, object{
			"sku_id": k.ID, "out_sku_id": k.Code, "sku_code": k.Code, "thumb_img": "https://img.example.invalid/" + k.ID + ".png",
			"sale_price": k.PriceFen, "market_price": k.MarketFen, "stock_num": max(0, k.Stock), "sku_attrs": attrs(k.Attrs), "status": p.Status,
			"sku_deliver_info": object{"stock_type": 0},
		})
	}
	out := object{
		"product_id": p.ID, "out_product_id": "", "title": p.Title, "short_title": "", "sub_title": "", "status": p.Status, "edit_status": 4,
		"head_imgs": []string{"https://img.example.invalid/" + p.ID + ".png"}, "desc_info": object{"imgs": []string{}, "desc": ""},
		"cats": []any{}, "attrs": []any{}, "min_price": lowest, "spu_code": "", "brand_id": "2100000000", "deliver_method": 0, "product_type": 1,
		"skus": doc,
	}
	answer := object{}
	if req.DataType != 2 {
		answer["product"] = out
	}
	if req.DataType >= 2 {
		answer["edit_product"] = out
	}
	return answer, nil
}

func stockDoc(k *SKU) object {
	n := max(0, k.Stock)
	return object{"normal_stock_num": n, "limited_discount_stock_num": 0, "warehouse_stocks": []any{}, "finder_total_num": 0, "total_stock_num": n}
}

func (s *Sim) skuOf(product, sku string) (*SKU, *fail) {
	if s.product(product) == nil {
		return nil, refuse(codeNoProduct, "")
	}
	k := s.skus[sku]
	if k == nil || k.product != product {
		return nil, refuse(codeNoSKU, "")
	}
	return k, nil
}

func stockGet(s *Sim, c *call) (any, *fail) {
	var req struct {
		ProductID string `json:"product_id"`
		SKUID     string `json:"sku_id"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	k, f := s.skuOf(req.ProductID, req.SKUID)
	if f != nil {
		return nil, f
	}
	return object{"data": stockDoc(k)}, nil
}

func stockBatch(s *Sim, c *call) (any, *fail) {
	var req struct {
		ProductID []string `json:"product_id"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if len(req.ProductID) == 0 || len(req.ProductID) > 50 {
		return nil, refuse(codeProductArg, "product_id needs 1 to 50 ids")
	}
	list := []object{}
	for _, id := range req.ProductID {
		p := s.product(id)
		if p == nil {
			return nil, refuse(codeNoProduct, "")
		}
		skus := []object{}
		for _, k := range p.SKUs {
			doc := stockDoc(k)
			doc["sku_id"] = k.ID
			skus = append(skus, doc)
		}
		list = append(list, object{"product_id": id, "sku_stock": skus})
	}
	return object{"data": object{"spu_stock_list": list}}, nil
}

// stockUpdate adds (1), subtracts (2) or sets (3). It has no idempotency key:
// the same delta twice is two deltas.
func stockUpdate(s *Sim, c *call) (any, *fail) {
	var req struct {
		ProductID string `json:"product_id"`
		SKUID     string `json:"sku_id"`
		Diff      int    `json:"diff_type"`
		Num       *int64 `json:"num"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	k, f := s.skuOf(req.ProductID, req.SKUID)
	if f != nil {
		return nil, f
	}
	if req.Num == nil || *req.Num < 0 || *req.Num > 100_000_000 {
		return nil, refuse(codeProductArg, "num is required and must not be negative")
	}
	var delta int64
	switch req.Diff {
	case 1:
		delta = *req.Num
	case 2:
		delta = -*req.Num
	case 3:
		delta = *req.Num - k.Stock
	default:
		return nil, refuse(codeProductArg, "diff_type must be 1, 2 or 3")
	}
	if k.Stock+delta < 0 {
		return nil, refuse(codeProductArg, "the stock would become negative")
	}
	effect := "updated"
	if delta == 0 {
		effect = "unchanged"
	}
	k.book(delta, 3, "", c.at.Unix())
	s.wrote(c.name, k.Code, c.body, effect)
	return object{}, nil
}

func stockFlow(s *Sim, c *call) (any, *fail) {
	var req struct {
		ProductID string `json:"product_id"`
		SKUID     string `json:"sku_id"`
		StockType int    `json:"stock_type"`
		FinderID  string `json:"finder_id"`
		Begin     int64  `json:"begin_time"`
		End       int64  `json:"end_time"`
		Ops       []int  `json:"op_type_list"`
		PageSize  int    `json:"page_size"`
		NextKey   string `json:"next_key"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	k, f := s.skuOf(req.ProductID, req.SKUID)
	if f != nil {
		return nil, f
	}
	from, f := pageKey(req.NextKey)
	if f != nil {
		return nil, f
	}
	if req.PageSize < 1 || req.PageSize > 100 {
		return nil, refuse(codeProductArg, "page_size must be 1 to 100")
	}
	list, next, seen := []object{}, "", 0
	for i := len(k.flow) - 1; i >= 0; i-- {
		m := k.flow[i]
		if m.At < req.Begin || req.End > 0 && m.At >= req.End || len(req.Ops) > 0 && !slices.Contains(req.Ops, m.Op) {
			continue
		}
		if seen++; seen <= from {
			continue
		}
		if len(list) == req.PageSize {
			next = strconv.Itoa(from + req.PageSize)
			break
		}
		list = append(list, object{"amount": m.Amount, "beginning_amount": m.Before, "ending_amount": m.After, "op_type": m.Op,
			"update_time": m.At, "ext_info": object{"order_id": m.OrderID}})
	}
	return object{"data": object{"stock_flow_info_list": list, "next_key": next}}, nil
}
