package sfexpresssim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
)

// Orders returns every order held, in order of arrival.
func (s *Sim) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Order, len(s.ids))
	for i, id := range s.ids {
		out[i] = s.orders[id].copy()
	}
	return out
}

// Order returns one order.
func (s *Sim) Order(orderID string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil {
		return Order{}, false
	}
	return o.copy(), true
}

// WaybillsMade returns every master waybill ever made, by order id: more than
// one means that a parcel was paid for twice. Deleting an order does not forget its waybill.
func (s *Sim) WaybillsMade() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := maps.Clone(s.made)
	for id := range out {
		out[id] = slices.Clone(out[id])
	}
	return out
}

// History returns every effect and every repeat without one, in order.
func (s *Sim) History() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// Pushes returns the route events made so far with the hub's answers.
func (s *Sim) Pushes() []Push {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Push, len(s.pushes))
	for i, p := range s.pushes {
		out[i] = *p
		out[i].Answers = slices.Clone(p.Answers)
	}
	return out
}

// Refusals returns the last calls refused through the caller's fault.
func (s *Sim) Refusals() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refusals)
}

// Record implements simkit.Sim. Documents are orders by order id.
func (s *Sim) Record() any {
	documents := map[string]Order{}
	for _, o := range s.Orders() {
		documents[o.OrderID] = o
	}
	return map[string]any{
		"documents": documents, "waybills_made": s.WaybillsMade(), "history": s.History(), "pushes": s.Pushes(),
		"calls": s.gate.Counts(), "refusals": s.Refusals(),
	}
}

// SetFilterResult settles a manual check: 2 gives waybills, 3 refuses.
func (s *Sim) SetFilterResult(orderID string, result int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil || o.Cancelled || o.FilterResult == 2 || result < 1 || result > 3 {
		return fmt.Errorf("order %q is not waiting for a check, or %d is not 1, 2 or 3", orderID, result)
	}
	o.FilterResult = result
	s.settle(o)
	return nil
}

// Cancel cancels an order from the carrier's side.
func (s *Sim) Cancel(orderID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil || o.Cancelled {
		return fmt.Errorf("order %q is not there or cancelled already", orderID)
	}
	o.Cancelled, o.Status = true, "cancelled"
	s.note(o, CancelDone)
	return nil
}

// Delete forgets an order behind the hub's back, its waybills excepted.
func (s *Sim) Delete(orderID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil {
		return fmt.Errorf("order %q is not there", orderID)
	}
	delete(s.orders, orderID)
	s.ids = slices.DeleteFunc(s.ids, func(id string) bool { return id == orderID })
	s.note(o, Deleted)
	return nil
}

// Change edits an order behind the hub's back; its id and waybills stay.
func (s *Sim) Change(orderID string, edit func(*Order)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil {
		return fmt.Errorf("order %q is not there", orderID)
	}
	c := o.copy()
	edit(&c)
	c.OrderID, c.Waybills = o.OrderID, o.Waybills
	s.orders[orderID] = &c
	s.note(&c, Changed)
	return nil
}

// Insert adds an order that nobody sent, with a waybill; it needs an id.
func (s *Sim) Insert(o Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.OrderID == "" || s.orders[o.OrderID] != nil {
		return fmt.Errorf("insert %q: want an order id that is not there yet", o.OrderID)
	}
	c := o.copy()
	c.Waybills, c.FilterResult, c.ParcelQty = nil, 2, max(1, o.ParcelQty)
	c.ReceivedAt, c.Foreign = s.opt.Now(), true
	s.add(&c, nil, false)
	s.note(&c, Inserted)
	return nil
}

type command struct {
	OrderID    string          `json:"order_id"`
	URL        string          `json:"url"`
	OpCode     string          `json:"op_code"`
	Remark     string          `json:"remark"`
	Address    string          `json:"address"`
	ReasonCode string          `json:"reason_code"`
	Result     int             `json:"result"`
	Set        json.RawMessage `json:"set"`
}

// ControlHTTP serves the commands listed in the package documentation; the last
// element of the path names the command.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if r.Method == http.MethodGet && name == "record" {
		writeJSON(w, http.StatusOK, s.Record())
		return
	}
	if r.Method != http.MethodPost {
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "use POST, or GET record"})
		return
	}
	var c command
	err := decodeInto(io.LimitReader(r.Body, maxBody), &c)
	if err == nil {
		err = s.run(r, name, c)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "done"})
}

func (s *Sim) run(r *http.Request, name string, c command) error {
	switch name {
	case "hub":
		s.SetHub(c.URL)
		return nil
	case "route":
		return s.AddRoute(c.OrderID, Route{OpCode: c.OpCode, ReasonCode: c.ReasonCode, Address: c.Address, Remark: c.Remark})
	case "progress":
		return s.Progress(c.OrderID)
	case "push":
		return s.PushRoutes(r.Context())
	case "filter":
		return s.SetFilterResult(c.OrderID, c.Result)
	case "cancel":
		return s.Cancel(c.OrderID)
	case "delete":
		return s.Delete(c.OrderID)
	case "change":
		edited, ok := s.Order(c.OrderID)
		if !ok {
			return fmt.Errorf("order %q is not there", c.OrderID)
		}
		if err := decodeInto(bytes.NewReader(c.Set), &edited); err != nil {
			return err
		}
		return s.Change(c.OrderID, func(o *Order) { *o = edited })
	case "insert":
		var o Order
		if err := decodeInto(bytes.NewReader(c.Set), &o); err != nil {
			return err
		}
		return s.Insert(o)
	}
	return fmt.Errorf("command %q is unknown; known: hub, route, progress, push, filter, cancel, delete, change, insert", name)
}

func decodeInto(from io.Reader, into any) error {
	dec := json.NewDecoder(from)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("want a JSON object as the package documentation shows: %w", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
