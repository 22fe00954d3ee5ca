package wechatshopsim

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minihub/minihub/connectors/simkit"
)

// orderCalls are the calls under /channels/ec/ that deal with orders; all POST.
var orderCalls = map[string]handler{
	"order/list/get":                    orderList,
	"order/get":                         orderGet,
	"order/search":                      orderSearch,
	"order/price/update":                orderPrice,
	"order/merchantnotes/update":        orderNotes,
	"order/address/update":              orderAddress,
	"order/addressmodify/accept":        orderReview,
	"order/addressmodify/reject":        orderReview,
	"order/delivery/send":               orderSend,
	"order/deliveryinfo/update":         orderReship,
	"order/deliverycompanylist/get":     companyList,
	"order/deliverycompanylist/new/get": companyList,
	"order/sensitiveinfo/decode":        orderDecode,
	"order/virtualtelnumber/get":        orderVirtual,
}

type timeRange struct {
	Start int64 `json:"start_time"`
	End   int64 `json:"end_time"`
}

func (t *timeRange) check(what string, most time.Duration) *fail {
	switch {
	case t.Start <= 0 || t.End <= t.Start:
		return refuse(codeArgument, "%s: start_time must be positive and before end_time", what)
	case t.End-t.Start > int64(most/time.Second):
		return refuse(codeArgument, "%s spans more than %s", what, most)
	}
	return nil
}

const week = 7 * 24 * time.Hour

func orderList(s *Sim, c *call) (any, *fail) {
	var req struct {
		Create   *timeRange `json:"create_time_range"`
		Update   *timeRange `json:"update_time_range"`
		Status   *int       `json:"status"`
		OpenID   string     `json:"openid"`
		PageSize *int       `json:"page_size"`
		NextKey  string     `json:"next_key"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if req.Create == nil && req.Update == nil {
		return nil, refuse(codeArgument, "create_time_range or update_time_range is required")
	}
	for what, span := range map[string]*timeRange{"create_time_range": req.Create, "update_time_range": req.Update} {
		if span != nil {
			if f := span.check(what, week); f != nil {
				return nil, f
			}
		}
	}
	if req.PageSize == nil || *req.PageSize < 1 || *req.PageSize > 100 {
		return nil, refuse(codeArgument, "page_size must be 1 to 100")
	}
	if req.Status != nil && !listable(*req.Status) {
		return nil, refuse(codeArgument, "status %d is no filter", *req.Status)
	}
	line, span := &s.byUpdate, req.Update
	if span == nil {
		line, span = &s.byCreate, req.Create
	}
	if line.count(span.Start, span.End) > s.opts.MaxWindow {
		return nil, refuse(codeTooMany, "")
	}
	hidden := s.hiddenFrom(c)
	keep := func(id string) bool {
		o := s.orders[id]
		return o.updated < hidden &&
			(req.Create == nil || req.Create.Start <= o.created && o.created < req.Create.End) &&
			(req.Status == nil || *req.Status == o.status || *req.Status == StatusToShip && o.status == StatusPartShip) &&
			(req.OpenID == "" || req.OpenID == o.openID)
	}
	key := req.NextKey
	req.NextKey = ""
	return s.idPage(c, line, *span, req, key, *req.PageSize, "order_id_list", keep)
}

func listable(status int) bool {
	switch status {
	case 10, 12, 13, 20, 21, 30, 100, 250:
		return true
	}
	return false
}

// hiddenFrom is the time from which a lag fault hides documents.
func (s *Sim) hiddenFrom(c *call) int64 {
	if lag := s.opts.Faults.LagOf(s.opts.Name, c.name); lag > 0 {
		return c.at.Add(-lag).Unix()
	}
	return math.MaxInt64
}

// nextKey is what a list hands out: where to go on, bound to the parameters.
type nextKey struct {
	Place place  `json:"p"`
	For   string `json:"f"`
}

func (s *Sim) idPage(c *call, line *timeline, span timeRange, params any, key string, size int, field string, keep func(string) bool) (any, *fail) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, refuse(codeBusy, "")
	}
	bound := digest(s.secret, c.name, string(raw))[:16]
	var from nextKey
	if key != "" {
		plain, err := base64.RawURLEncoding.DecodeString(key)
		if err != nil || json.Unmarshal(plain, &from) != nil || from.For != bound {
			return nil, refuse(codeNextKey, "")
		}
	}
	page := line.page(span.Start, span.End, from.Place, size, keep)
	ids := make([]string, len(page))
	next := nextKey{Place: from.Place, For: bound}
	for i, e := range page {
		ids[i], next.Place = e.id, e.place
	}
	if _, mixed := s.opts.Faults.Hit(s.opts.Name, c.name, simkit.Reorder); mixed {
		s.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	plain, err := json.Marshal(next)
	if err != nil {
		return nil, refuse(codeBusy, "")
	}
	return object{field: ids, "next_key": base64.RawURLEncoding.EncodeToString(plain), "has_more": len(page) == size}, nil
}

type orderRef struct {
	OrderID string `json:"order_id"`
}

func (s *Sim) orderOf(c *call, id string) (*order, *fail) {
	if id == "" {
		return nil, refuse(codeArgument, "order_id is required")
	}
	o := s.orders[id]
	if o == nil || o.created >= s.hiddenFrom(c) {
		return nil, refuse(codeNoOrder, "")
	}
	return o, nil
}

func orderGet(s *Sim, c *call) (any, *fail) {
	var req struct {
		orderRef
		Mask bool `json:"encode_sensitive_info"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	return object{"order": s.orderDoc(o, req.Mask || !s.opts.Unmasked)}, nil
}

func orderSearch(s *Sim, c *call) (any, *fail) {
	var req struct {
		Condition *struct {
			Title         string `json:"title"`
			SKUCode       string `json:"sku_code"`
			UserName      string `json:"user_name"`
			Tel           string `json:"tel_number_last4"`
			OrderID       string `json:"order_id"`
			MerchantNotes string `json:"merchant_notes"`
			CustomerNotes string `json:"customer_notes"`
			UnderReview   *bool  `json:"address_under_review"`
			Present       string `json:"present_order_id"`
		} `json:"search_condition"`
		OnAfterSale *int   `json:"on_aftersale_order_exist"`
		Status      *int   `json:"status"`
		PageSize    *int   `json:"page_size"`
		NextKey     string `json:"next_key"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	w := req.Condition
	if w == nil || w.Title+w.SKUCode+w.UserName+w.Tel+w.OrderID+w.MerchantNotes+w.CustomerNotes+w.Present == "" && w.UnderReview == nil {
		return nil, refuse(codeArgument, "search_condition needs at least one condition")
	}
	if req.PageSize == nil || *req.PageSize < 1 || *req.PageSize > 100 {
		return nil, refuse(codeArgument, "page_size must be 1 to 100")
	}
	if strings.ContainsAny(w.Title+w.UserName+w.MerchantNotes+w.CustomerNotes, "\x00%") {
		return nil, refuse(codeBadChars, "")
	}
	hidden := s.hiddenFrom(c)
	keep := func(id string) bool {
		o := s.orders[id]
		has := func(match func(*orderLine) bool) bool {
			for _, l := range o.lines {
				if match(l) {
					return true
				}
			}
			return false
		}
		open := o.sum(func(l *orderLine) int64 { return l.onAfter }) > 0
		return o.updated < hidden && w.Present == "" &&
			(w.OrderID == "" || w.OrderID == o.id) && (w.UserName == "" || w.UserName == o.addr.Name) &&
			(w.Tel == "" || len(w.Tel) == 4 && strings.HasSuffix(o.addr.Phone, w.Tel)) &&
			strings.Contains(o.merchantNotes, w.MerchantNotes) && strings.Contains(o.notes, w.CustomerNotes) &&
			(w.SKUCode == "" || has(func(l *orderLine) bool { return l.code == w.SKUCode })) &&
			(w.Title == "" || has(func(l *orderLine) bool { return strings.Contains(l.title, w.Title) })) &&
			(w.UnderReview == nil || *w.UnderReview == (o.review != nil)) &&
			(req.OnAfterSale == nil || (*req.OnAfterSale == 1) == open) && (req.Status == nil || *req.Status == o.status)
	}
	key := req.NextKey
	req.NextKey = ""
	return s.idPage(c, &s.byCreate, timeRange{0, math.MaxInt64}, req, key, *req.PageSize, "orders", keep)
}

func orderDecode(s *Sim, c *call) (any, *fail) {
	var req orderRef
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	s.decoded.dailyMax = s.opts.DecodeQuota
	if f := s.decoded.take(c.at); f != nil {
		return nil, f
	}
	out := object{"address_info": s.addressInfo(o, o.addr, false)}
	if o.virtual != nil {
		out["virtual_number_info"] = object{"virtual_number": o.virtual.number, "extension": o.virtual.extension, "expiration": o.virtual.expires}
	}
	return out, nil
}

func orderVirtual(s *Sim, c *call) (any, *fail) {
	var req orderRef
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	if o.virtual == nil {
		return nil, refuse(codeOrderState, "the order shows no virtual number")
	}
	return object{"virtual_tel_number": o.virtual.number, "virtual_tel_expire_time": o.virtual.expires, "get_virtual_tel_cnt": 1}, nil
}

// changed answers a write that went through the same rules as the script.
func (s *Sim) changed(c *call, o *order, e Edit) (any, *fail) {
	if err := s.edit(o, e, c.at.Unix()); err != nil {
		return nil, refuse(codeOrderState, "")
	}
	s.wrote(c.name, o.id, c.body, "updated")
	return object{}, nil
}

func orderPrice(s *Sim, c *call) (any, *fail) {
	var req struct {
		orderRef
		ChangeExpress bool  `json:"change_express"`
		ExpressFee    int64 `json:"express_fee"`
		Changes       []struct {
			ProductID string `json:"product_id"`
			SKUID     string `json:"sku_id"`
			Price     int64  `json:"change_price"`
		} `json:"change_order_infos"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	e := Edit{LineFen: map[int]int64{}}
	if req.ChangeExpress {
		e.FreightFen = &req.ExpressFee
	}
	for _, ch := range req.Changes {
		found := false
		for i, l := range o.lines {
			if l.skuID == ch.SKUID && l.productID == ch.ProductID {
				e.LineFen[i], found = ch.Price, true
			}
		}
		if !found {
			return nil, refuse(codeArgument, "change_order_infos names a SKU that is not in the order")
		}
	}
	if !req.ChangeExpress && len(req.Changes) == 0 {
		return nil, refuse(codeArgument, "nothing to change")
	}
	return s.changed(c, o, e)
}

func orderNotes(s *Sim, c *call) (any, *fail) {
	var req struct {
		orderRef
		Notes *string `json:"merchant_notes"`
		Color int     `json:"merchant_notes_tag_color"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	if req.Notes == nil || utf8.RuneCountInString(*req.Notes) > 500 || req.Color < 0 || req.Color > 4 {
		return nil, refuse(codeArgument, "merchant_notes is required, at most 500 characters; the colour is 0 to 4")
	}
	return s.changed(c, o, Edit{MerchantNotes: req.Notes})
}

func orderAddress(s *Sim, c *call) (any, *fail) {
	var req struct {
		orderRef
		Address *struct {
			Name     string `json:"user_name"`
			Postcode string `json:"postal_code"`
			Province string `json:"province_name"`
			City     string `json:"city_name"`
			County   string `json:"county_name"`
			Detail   string `json:"detail_info"`
			House    string `json:"house_number"`
			Phone    string `json:"tel_number"`
			National string `json:"national_code"`
		} `json:"user_address"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	a := req.Address
	if a == nil || a.Name == "" || a.Province == "" || a.City == "" || a.Detail == "" || a.Phone == "" {
		return nil, refuse(codeArgument, "user_address needs user_name, province_name, city_name, detail_info and tel_number")
	}
	return s.changed(c, o, Edit{Address: &Address{Name: a.Name, Phone: a.Phone, Province: a.Province, City: a.City,
		County: a.County, Detail: a.Detail, House: a.House, Postcode: a.Postcode}})
}

func orderReview(s *Sim, c *call) (any, *fail) {
	var req orderRef
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	if o.review == nil {
		return nil, refuse(codeOrderState, "no address change is under review")
	}
	if strings.HasSuffix(c.name, "accept") {
		o.addr = *o.review
	}
	o.review = nil
	s.touch(o, c.at.Unix())
	s.wrote(c.name, o.id, c.body, "updated")
	return object{}, nil
}
