package sfexpresssim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// Route is one event of a parcel.
type Route struct {
	ID         string    `json:"id"`
	OpCode     string    `json:"op_code"`
	ReasonCode string    `json:"reason_code,omitempty"`
	Address    string    `json:"address"`
	Remark     string    `json:"remark"`
	At         time.Time `json:"at"`
}

// Push is one route event on its way to the hub.
type Push struct {
	OrderID      string   `json:"order_id"`
	Waybill      string   `json:"waybill"`
	Route        Route    `json:"route"`
	Answers      []string `json:"answers"` // return_code, or what was wrong, for every time it was sent
	Acknowledged bool     `json:"acknowledged"`
}

// level is the vendor's first and secondary status of an opCode; others have none.
func level(opCode string) [4]string {
	return map[string][4]string{
		"50":  {"1", "已揽收", "101", "已揽收"},
		"54":  {"1", "已揽收", "101", "已揽收"},
		"30":  {"2", "运送中", "201", "运送中"},
		"31":  {"2", "运送中", "201", "运送中"},
		"36":  {"2", "运送中", "201", "运送中"},
		"44":  {"3", "派送中", "301", "派送中"},
		"204": {"3", "派送中", "301", "派送中"},
		"125": {"11", "待取件", "1101", "待取件"},
		"70":  {"13", "待再次派送", "1301", "待再次派送"},
		"80":  {"4", "已签收", "401", "已签收"},
	}[opCode]
}

// journey is the ordinary way of a parcel.
func journey() []Route {
	return []Route{
		{OpCode: "50", Remark: "顺丰速运 已收取快件"},
		{OpCode: "30", Remark: "快件在【示例集散中心】完成分拣,准备发往下一站"},
		{OpCode: "31", Remark: "快件到达【示例营业点】"},
		{OpCode: "44", Remark: "正在派送途中,请您准备签收"},
		{OpCode: "80", Remark: "已签收,感谢使用顺丰"},
	}
}

// AddRoute appends an event to a parcel, at the simulator's time. A cancelled
// order, or one without a waybill, has no parcel.
func (s *Sim) AddRoute(orderID string, r Route) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addRoute(orderID, r)
}

func (s *Sim) addRoute(orderID string, r Route) error {
	o := s.orders[orderID]
	switch {
	case o == nil:
		return fmt.Errorf("order %q is not there", orderID)
	case o.Cancelled || o.master() == "":
		return fmt.Errorf("order %q is %s and has no parcel", orderID, o.Status)
	case r.OpCode == "":
		return fmt.Errorf("order %q: a route needs an opCode", orderID)
	}
	s.nextNo++
	r.ID, r.At = fmt.Sprintf("16%013d", s.nextNo), s.opt.Now()
	if r.Address == "" {
		r.Address = orElse(o.Receiver.City, "示例市")
	}
	o.Routes = append(o.Routes, r)
	switch r.OpCode {
	case "80":
		o.Status = "delivered"
	default:
		if o.Status == "created" {
			o.Status = "collected"
		}
	}
	s.pushes = append(s.pushes, &Push{OrderID: orderID, Waybill: o.master(), Route: r})
	return nil
}

// Progress adds the next step of an ordinary journey; the error says when there is none.
func (s *Sim) Progress(orderID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil {
		return fmt.Errorf("order %q is not there", orderID)
	}
	if len(o.Routes) >= len(journey()) {
		return fmt.Errorf("order %q has come to its end", orderID)
	}
	return s.addRoute(orderID, journey()[len(o.Routes)])
}

// ProgressAll moves every parcel one step on and returns how many moved.
func (s *Sim) ProgressAll() int {
	moved := 0
	for _, o := range s.Orders() {
		if s.Progress(o.OrderID) == nil {
			moved++
		}
	}
	return moved
}

func (s *Sim) routes(doc map[string]any) (any, *failure) {
	if bad := check("", doc, routesTable()); bad != nil {
		return nil, bad
	}
	numbers, bad := trackingNumbers(doc["trackingNumber"])
	if bad != nil {
		return nil, bad
	}
	lag := s.opt.Faults.LagOf(system, callRoutes)
	_, reverse := s.opt.Faults.Hit(system, callRoutes, simkit.Reorder)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.opt.Now().Add(-lag)
	resps := []map[string]any{}
	for _, no := range numbers {
		id := s.waybills[no]
		if digits(doc["trackingType"]) == "2" {
			id = no
		}
		list := []map[string]any{}
		resp := map[string]any{"mailNo": no}
		if o := s.orders[id]; o != nil {
			resp["mailNo"] = orElse(o.master(), no)
			if o.MonthlyCard == s.opt.MonthlyCard || phoneMatches(o, str(doc, "checkPhoneNo")) {
				list = routeList(o, before)
			} else {
				resp["reasonCode"], resp["reasonRemark"] = "20028", "运单月结卡号不匹配"
			}
		}
		if reverse {
			slices.Reverse(list)
		}
		resp["routes"] = list
		resps = append(resps, resp)
	}
	return map[string]any{"routeResps": resps}, nil
}

func routeList(o *Order, before time.Time) []map[string]any {
	list := []map[string]any{}
	for _, r := range o.Routes {
		if r.At.After(before) {
			continue
		}
		l := level(r.OpCode)
		list = append(list, map[string]any{
			"acceptTime": inChina(r.At), "acceptAddress": r.Address, "remark": r.Remark, "opCode": r.OpCode,
			"firstStatusCode": l[0], "firstStatusName": l[1], "secondaryStatusCode": l[2], "secondaryStatusName": l[3],
		})
	}
	return list
}

// trackingNumbers takes a list, or one string with commas.
func trackingNumbers(v any) ([]string, *failure) {
	var out []string
	switch v := v.(type) {
	case string:
		out = strings.Split(v, ",")
	case []any:
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil, &failure{"S0007", "参数类型或取值错误: trackingNumber 应为 array of string"}
			}
			out = append(out, s)
		}
	default:
		return nil, &failure{"S0007", "参数类型或取值错误: trackingNumber 应为 array"}
	}
	switch {
	case len(out) == 0 || slices.Contains(out, ""):
		return nil, &failure{"8013", "未传入查询单号"}
	case len(out) > 10:
		return nil, &failure{"8003", "查询单号超过10个"}
	}
	return out, nil
}

func phoneMatches(o *Order, check string) bool {
	for last := range strings.SplitSeq(check, ",") {
		for _, phone := range []string{o.Sender.Mobile, o.Sender.Tel, o.Receiver.Mobile, o.Receiver.Tel} {
			if len(last) == 4 && strings.HasSuffix(phone, last) {
				return true
			}
		}
	}
	return false
}

// SetHub sets where routes are pushed.
func (s *Sim) SetHub(rawURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hub = rawURL
}

// PushRoutes posts every route event to the hub that it has not acknowledged with
// return_code 0000, one by one, as the vendor does: unsigned. The error joins what
// went wrong; the events in question are posted again by the next call.
func (s *Sim) PushRoutes(ctx context.Context) error {
	s.pushing.Lock()
	defer s.pushing.Unlock()
	s.mu.Lock()
	var waiting []*Push
	for _, p := range s.pushes {
		if !p.Acknowledged {
			waiting = append(waiting, p)
		}
	}
	hub := s.hub
	s.mu.Unlock()
	if _, hit := s.opt.Faults.Hit(system, callPush, simkit.Reorder); hit {
		slices.Reverse(waiting)
	}
	var all []error
	for _, p := range waiting {
		if _, hit := s.opt.Faults.Hit(system, callPush, simkit.DropRequest); hit {
			all = append(all, fmt.Errorf("route %s was lost by a fault", p.Route.ID))
			continue
		}
		err := s.push(ctx, hub, p)
		if _, hit := s.opt.Faults.Hit(system, callPush, simkit.Duplicate); hit {
			err = s.push(ctx, hub, p)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (s *Sim) push(ctx context.Context, hub string, p *Push) error {
	body, err := json.Marshal(map[string]any{"Body": map[string]any{"WaybillRoute": []map[string]string{{
		"id": p.Route.ID, "mailno": p.Waybill, "orderid": p.OrderID, "acceptTime": inChina(p.Route.At), "acceptAddress": p.Route.Address,
		"remark": p.Route.Remark, "opCode": p.Route.OpCode, "reasonCode": p.Route.ReasonCode, "reasonName": "",
	}}}})
	if err != nil {
		return fmt.Errorf("push route %s: %w", p.Route.ID, err)
	}
	code, err := s.post(ctx, hub, body)
	answer := code
	if err != nil {
		answer = err.Error()
	}
	s.mu.Lock()
	p.Answers = append(p.Answers, answer)
	p.Acknowledged = p.Acknowledged || err == nil && code == "0000"
	s.mu.Unlock()
	if err == nil && code != "0000" {
		err = fmt.Errorf("the hub answered return_code %q", code)
	}
	if err != nil {
		return fmt.Errorf("push route %s: %w", p.Route.ID, err)
	}
	return nil
}

// post sends one push and returns the return_code of a well-formed answer.
func (s *Sim) post(ctx context.Context, hub string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hub, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var answer struct {
		Code *string `json:"return_code"`
		Msg  *string `json:"return_msg"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || resp.StatusCode != http.StatusOK || answer.Code == nil || answer.Msg == nil {
		return "", fmt.Errorf("HTTP %d, and an answer without return_code and return_msg in JSON", resp.StatusCode)
	}
	return *answer.Code, nil
}
