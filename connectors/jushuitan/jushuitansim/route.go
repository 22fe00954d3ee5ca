package jushuitansim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// callName names a request for faults and counts: the path without its prefix.
func callName(path string) string {
	for _, prefix := range []string{"/openWeb/auth/", "/openWebIsv/auth/", "/open/jushuitan/", "/open/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return rest
		}
	}
	return strings.TrimPrefix(path, "/")
}

// serve is the work behind the gate.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	call := callName(r.URL.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ref := s.answer(r, call)
	if ref != nil {
		s.refused(call, ref)
		writeRefusal(w, ref)
		return
	}
	writeJSON(w, map[string]any{"code": 0, "msg": "执行成功", "data": data})
}

func (s *Sim) answer(r *http.Request, call string) (any, *refusal) {
	auth, biz := s.handler(r.URL.Path)
	if auth == nil && biz == nil {
		return nil, &refusal{code: -1, status: http.StatusNotFound, msg: "no such path"}
	}
	if r.Method != http.MethodPost {
		return nil, &refusal{code: -1, status: http.StatusMethodNotAllowed, msg: "use POST"}
	}
	form, ref := parseForm(r)
	if ref != nil {
		return nil, ref
	}
	if auth != nil {
		return auth(form)
	}
	if ref := s.checkForm(form, "access_token", "version", "biz"); ref != nil {
		return nil, ref
	}
	if form["version"] != "2" {
		return nil, refuse(130, "传输数据错误:version须为2")
	}
	if form["access_token"] != s.token.access || !s.token.live(s.now()) {
		return nil, refuse(100, msgToken)
	}
	if ref := s.limit.take(s.now()); ref != nil {
		return nil, ref
	}
	if slices.Contains(s.opts.Denied, call) {
		return nil, refuse(190, msgRight)
	}
	v, err := decodeBiz(form["biz"])
	if err != nil {
		return nil, refuse(130, "传输数据错误:biz不是有效的JSON")
	}
	return biz(call, v)
}

func (s *Sim) handler(path string) (auth func(map[string]string) (any, *refusal), biz func(string, any) (any, *refusal)) {
	switch path {
	case "/openWeb/auth/getInitToken":
		return s.getInitToken, nil
	case "/openWeb/auth/refreshToken":
		return s.refreshToken, nil
	case "/openWeb/auth/accessToken", "/openWebIsv/auth/accessToken":
		return s.accessToken, nil
	case "/open/jushuitan/orders/upload":
		return nil, s.ordersUpload
	case "/open/jushuitan/orderbyoid/cancel":
		return nil, s.orderCancel
	case "/open/orders/single/query":
		return nil, s.ordersQuery
	case "/open/aftersale/upload":
		return nil, s.afterSaleUpload
	case "/open/refund/single/query":
		return nil, s.afterSaleQuery
	case "/open/inventory/query", "/open/jushuitan/inventory/query":
		return nil, s.inventoryQuery
	case "/open/logistic/query":
		return nil, s.logisticQuery
	case "/open/shops/query":
		return nil, s.shopsQuery
	case "/open/logisticscompany/query":
		return nil, s.carriersQuery
	}
	return nil, nil
}

// decodeBiz reads one JSON document, numbers kept as they were written.
func decodeBiz(text string) (any, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON document")
	}
	return v, nil
}
