package wechatshopsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
)

// The bodies of control requests. place takes an OrderSpec and a "pay" switch,
// edit and tamper their structs beside the order id, join a Member.
type (
	controlOrder struct {
		OrderID string `json:"order_id"`
		Carrier string `json:"delivery_id"` // ship
		Waybill string `json:"waybill_id"`  // ship
	}
	controlPlace struct {
		OrderSpec
		Pay bool `json:"pay"`
	}
	controlEdit struct {
		OrderID string `json:"order_id"`
		Edit
	}
	controlTamper struct {
		OrderID string `json:"order_id"`
		Tamper
	}
	controlRefund struct {
		OrderID string `json:"order_id"`
		Line    int    `json:"line"`
		Qty     int64  `json:"qty"`
		Fen     int64  `json:"fen"`
		Kind    string `json:"kind"`
	}
	controlAfterSale struct {
		ID string `json:"after_sale_order_id"`
	}
	controlMember struct {
		OpenID string `json:"openid"`
		Delta  int64  `json:"delta"` // score
		Grade  int    `json:"grade"`
		Remark string `json:"remark"`
	}
	controlPlan struct {
		Seed     int64    `json:"seed"`
		Orders   int      `json:"orders"`
		Versions int      `json:"versions"`
		Rate     float64  `json:"rate"` // steps a second, in the background; 0 plays all at once
		Bad      []string `json:"bad"`
	}
	controlOther struct {
		URL     string         `json:"url"`    // subscribe
		Kind    string         `json:"kind"`   // bad
		Before  int64          `json:"before"` // delete-history
		Event   string         `json:"event"`  // push
		From    string         `json:"from"`
		Key     string         `json:"key"`
		Payload map[string]any `json:"payload"`
	}
)

// ControlHTTP answers the control requests listed in the package's comment.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	var out any
	switch r.Method {
	case http.MethodGet:
		out, err = s.show(path.Base(r.URL.Path))
	case http.MethodPost:
		out, err = s.command(r.Context(), path.Base(r.URL.Path), body)
	default:
		http.Error(w, "use GET or POST", http.StatusMethodNotAllowed)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Sim) show(what string) (any, error) {
	switch what {
	case "record":
		return s.Record(), nil
	case "sold":
		return s.Sold(), nil
	case "members":
		return s.Members(), nil
	case "pushes":
		return s.Pushes(), nil
	}
	return nil, fmt.Errorf("%q shows nothing; known: record, sold, members, pushes", what)
}

func read(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the control request: %w", err)
	}
	return nil
}

func (s *Sim) command(ctx context.Context, name string, body []byte) (any, error) {
	switch name {
	case "place":
		var req controlPlace
		if err := read(body, &req); err != nil {
			return nil, err
		}
		id, err := s.PlaceOrder(req.OrderSpec)
		if err == nil && req.Pay {
			err = s.Pay(id)
		}
		return s.shown(id, err)
	case "edit":
		var req controlEdit
		if err := read(body, &req); err != nil {
			return nil, err
		}
		return s.shown(req.OrderID, s.EditOrder(req.OrderID, req.Edit))
	case "tamper":
		var req controlTamper
		if err := read(body, &req); err != nil {
			return nil, err
		}
		return s.shown(req.OrderID, s.Tamper(req.OrderID, req.Tamper))
	case "pay", "cancel", "ship", "confirm", "delete":
		return s.orderCommand(name, body)
	case "refund", "aftersale", "aftersale-finish", "aftersale-cancel":
		return s.afterSaleCommand(name, body)
	case "join", "score", "grade":
		return s.memberCommand(name, body)
	case "plan":
		return s.planCommand(body)
	}
	return s.otherCommand(ctx, name, body)
}

// shown answers an order as it is after a command.
func (s *Sim) shown(id string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	o, _ := s.Order(id)
	return o, nil
}

func (s *Sim) orderCommand(name string, body []byte) (any, error) {
	var req controlOrder
	if err := read(body, &req); err != nil {
		return nil, err
	}
	var err error
	switch name {
	case "pay":
		err = s.Pay(req.OrderID)
	case "cancel":
		err = s.Cancel(req.OrderID)
	case "ship":
		err = s.Ship(req.OrderID, req.Carrier, req.Waybill)
	case "confirm":
		err = s.Confirm(req.OrderID)
	case "delete":
		return object{"deleted": req.OrderID}, s.DeleteOrder(req.OrderID)
	}
	return s.shown(req.OrderID, err)
}

func (s *Sim) afterSaleCommand(name string, body []byte) (any, error) {
	if name == "refund" || name == "aftersale" {
		var req controlRefund
		if err := read(body, &req); err != nil {
			return nil, err
		}
		id, err := s.refund(req.OrderID, req.Line, req.Qty, req.Fen, req.Kind, name == "refund")
		return object{"after_sale_order_id": id}, err
	}
	var req controlAfterSale
	if err := read(body, &req); err != nil {
		return nil, err
	}
	if name == "aftersale-finish" {
		return object{}, s.FinishAfterSale(req.ID)
	}
	return object{}, s.CancelAfterSale(req.ID)
}

func (s *Sim) memberCommand(name string, body []byte) (any, error) {
	if name == "join" {
		var m Member
		if err := read(body, &m); err != nil {
			return nil, err
		}
		id, err := s.Join(m)
		return object{"openid": id}, err
	}
	var req controlMember
	if err := read(body, &req); err != nil {
		return nil, err
	}
	if name == "score" {
		return object{}, s.ChangeScore(req.OpenID, req.Delta, req.Remark)
	}
	return object{}, s.SetGrade(req.OpenID, req.Grade)
}

func (s *Sim) planCommand(body []byte) (any, error) {
	var req controlPlan
	if err := read(body, &req); err != nil {
		return nil, err
	}
	p := s.Plan(req.Seed, req.Orders, PlanOptions{Versions: req.Versions, Bad: req.Bad})
	steps := p.Left()
	if req.Rate > 0 {
		s.push.wg.Go(func() { _ = p.Run(s.push.ctx, req.Rate) }) // ends with the plan or the shop
		return object{"steps": steps, "playing": true}, nil
	}
	return object{"steps": steps, "playing": false}, p.All()
}

func (s *Sim) otherCommand(ctx context.Context, name string, body []byte) (any, error) {
	var req controlOther
	if err := read(body, &req); err != nil {
		return nil, err
	}
	switch name {
	case "bad":
		id, err := s.PlaceBad(req.Kind)
		return s.shown(id, err)
	case "delete-history":
		return object{"deleted": s.DeleteHistory(req.Before)}, nil
	case "subscribe":
		return object{}, s.Subscribe(ctx, req.URL)
	case "push":
		s.Push(req.Event, req.From, req.Key, req.Payload)
		return object{}, nil
	}
	return nil, fmt.Errorf("%q is no control command; see the package's comment", name)
}
