package wechatshopsim

import (
	"time"
)

// afterSaleCalls are the calls under /channels/ec/ that deal with after-sales; all POST.
var afterSaleCalls = map[string]handler{
	"aftersale/getaftersalelist":  afterSaleList,
	"aftersale/getaftersaleorder": afterSaleGet,
	"aftersale/acceptapply":       afterSaleAccept,
	"aftersale/rejectapply":       afterSaleReject,
	"aftersale/genaftersaleorder": afterSaleOpen,
	"aftersale/reason/get":        afterSaleReasons,
	"aftersale/rejectreason/get":  afterSaleReasons,
}

const afterSalePage = 50

func afterSaleList(s *Sim, c *call) (any, *fail) {
	var req struct {
		BeginCreate int64  `json:"begin_create_time"`
		EndCreate   int64  `json:"end_create_time"`
		BeginUpdate int64  `json:"begin_update_time"`
		EndUpdate   int64  `json:"end_update_time"`
		NextKey     string `json:"next_key"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	created, updated := timeRange{req.BeginCreate, req.EndCreate}, timeRange{req.BeginUpdate, req.EndUpdate}
	if created == (timeRange{}) && updated == (timeRange{}) {
		return nil, refuse(codeArgument, "a pair of create times or of update times is required")
	}
	line, span := &s.afterUpd, updated
	if updated == (timeRange{}) {
		line, span = &s.afterCre, created
	} else if created != (timeRange{}) {
		if f := created.check("create time", 24*time.Hour); f != nil {
			return nil, f
		}
	}
	if f := span.check("time window", 24*time.Hour); f != nil {
		return nil, f
	}
	hidden := s.hiddenFrom(c)
	keep := func(id string) bool {
		a := s.after[id]
		return a.updated < hidden && (created == (timeRange{}) || created.Start <= a.created && a.created < created.End)
	}
	key := req.NextKey
	req.NextKey = ""
	return s.idPage(c, line, span, req, key, afterSalePage, "after_sale_order_id_list", keep)
}

type afterSaleRef struct {
	ID string `json:"after_sale_order_id"`
}

func (s *Sim) afterSaleOf(c *call, id string) (*afterSale, *fail) {
	if id == "" {
		return nil, refuse(codeArgument, "after_sale_order_id is required")
	}
	a := s.after[id]
	if a == nil || a.created >= s.hiddenFrom(c) {
		return nil, refuse(codeAfterSale, "")
	}
	return a, nil
}

func afterSaleGet(s *Sim, c *call) (any, *fail) {
	var req afterSaleRef
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	a, f := s.afterSaleOf(c, req.ID)
	if f != nil {
		return nil, f
	}
	return object{"after_sale_order": s.afterSaleDoc(a, c.at.Unix())}, nil
}

func (s *Sim) afterSaleDoc(a *afterSale, now int64) object {
	deadline := int64(0) // seconds that remain, not a time
	if a.open() {
		deadline = max(0, a.updated+48*3600-now)
	}
	out := object{
		"after_sale_order_id": a.id, "status": a.status, "openid": a.openID, "unionid": s.unionID(a.openID),
		"order_id": a.orderID, "type": a.kind,
		"product_info": object{"product_id": a.line.productID, "sku_id": a.line.skuID, "count": a.qty},
		"details": object{"desc": a.desc, "receive_product": !a.beforeShip, "cancel_time": 0, "prove_imgs": []string{},
			"tel_number": maskPhone(s.orders[a.orderID].addr.Phone)},
		"refund_info": object{"amount": a.fen + a.freight, "refund_reason": a.refundReason},
		"return_info": object{"waybill_id": "", "delivery_id": "", "delivery_name": ""},
		"create_time": a.created, "update_time": a.updated, "reason": a.reason, "reason_text": a.text,
		"complaint_id": "", "deadline": deadline, "gen_scene": a.scene,
	}
	if a.rejectReason != "" {
		out["merchant_upload_info"] = object{"reject_reason": a.rejectReason}
	}
	if a.refundReason != 0 {
		out["refund_resp"] = object{"code": "0", "ret": 0, "message": ""}
	}
	return out
}

func afterSaleAccept(s *Sim, c *call) (any, *fail) {
	var req struct {
		afterSaleRef
		AddressID string `json:"address_id"`
		Accept    int    `json:"accept_type"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	a, f := s.afterSaleOf(c, req.ID)
	if f != nil {
		return nil, f
	}
	if !a.open() {
		return nil, refuse(codeAfterSale, "status %s", a.status)
	}
	switch {
	case a.kind == "RETURN" && a.status == "MERCHANT_PROCESSING" && req.Accept != 2:
		if req.AddressID == "" || req.Accept != 1 {
			return nil, refuse(codeArgument, "a return needs address_id and accept_type 1")
		}
		s.moveAfterSale(a, "USER_WAIT_RETURN", c.at.Unix())
	default:
		s.finishAfterSale(a, c.at.Unix())
	}
	s.wrote(c.name, a.id, c.body, "updated")
	return object{}, nil
}

func afterSaleReject(s *Sim, c *call) (any, *fail) {
	var req struct {
		afterSaleRef
		Reason string `json:"reject_reason"`
		Type   int    `json:"reject_reason_type"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	a, f := s.afterSaleOf(c, req.ID)
	if f != nil {
		return nil, f
	}
	if !a.open() {
		return nil, refuse(codeAfterSale, "status %s", a.status)
	}
	if req.Reason == "" && req.Type == 0 {
		return nil, refuse(codeArgument, "reject_reason or reject_reason_type is required")
	}
	a.rejectReason = req.Reason
	status := "MERCHANT_REJECT_REFUND"
	if a.kind == "RETURN" {
		status = "MERCHANT_REJECT_RETURN"
	}
	s.closeAfterSale(a, status, c.at.Unix())
	s.wrote(c.name, a.id, c.body, "updated")
	return object{}, nil
}

// afterSaleOpen is genaftersaleorder; the same request_id answers the same after-sale.
func afterSaleOpen(s *Sim, c *call) (any, *fail) {
	var req struct {
		RequestID string `json:"request_id"`
		OrderID   string `json:"order_id"`
		ProductID string `json:"product_id"`
		SKUID     string `json:"sku_id"`
		Count     int64  `json:"count"`
		Amount    int64  `json:"amount"`
		Reason    string `json:"reason"`
		Type      string `json:"type"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if req.RequestID == "" {
		return nil, refuse(codeArgument, "request_id is required")
	}
	if id := s.requests["aftersale "+req.RequestID]; id != "" {
		s.wrote(c.name, id, c.body, "unchanged")
		return object{"after_sale_order_id": id}, nil
	}
	o, f := s.orderOf(c, req.OrderID)
	if f != nil {
		return nil, f
	}
	l := o.line(req.SKUID)
	if l == nil || l.productID != req.ProductID || req.Type != "REFUND" && req.Type != "RETURN" {
		return nil, refuse(codeArgument, "product_id, sku_id or type")
	}
	a, err := s.openAfterSale(o, l, req.Count, req.Amount, 0, req.Type, c.at.Unix())
	if err != nil {
		return nil, refuse(codeOrderState, "")
	}
	a.scene, a.reason, a.text = "MERCHANT", req.Reason, req.Reason
	s.requests["aftersale "+req.RequestID] = a.id
	s.wrote(c.name, a.id, c.body, "created")
	return object{"after_sale_order_id": a.id}, nil
}

func afterSaleReasons(_ *Sim, c *call) (any, *fail) {
	var req struct{}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if c.name == "aftersale/rejectreason/get" {
		return object{"reject_reason": []object{{"reject_reason_type": 1, "reject_reason_type_text": "商品已寄出"}}}, nil
	}
	return object{"after_sale_reason": []object{{"reason": "NO_LONGER_WANT", "reason_text": "不想要了"}}}, nil
}
