package qimensim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
)

// DeliveryOrders returns every order held, in order of arrival.
func (s *Sim) DeliveryOrders() []DeliveryOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]DeliveryOrder, len(s.codes))
	for i, code := range s.codes {
		out[i] = *s.orders[code].copy()
	}
	return out
}

// DeliveryOrder returns one order.
func (s *Sim) DeliveryOrder(code string) (DeliveryOrder, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[code]
	if o == nil {
		return DeliveryOrder{}, false
	}
	return *o.copy(), true
}

// History returns every effect and every repeat without one, in order.
func (s *Sim) History() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// Confirms returns the messages made so far with the hub's answers.
func (s *Sim) Confirms() []Confirm {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Confirm, len(s.confirms))
	for i, c := range s.confirms {
		out[i] = *c
		out[i].Answers = slices.Clone(c.Answers)
	}
	return out
}

// Refusals returns the last calls refused through the caller's fault.
func (s *Sim) Refusals() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refusals)
}

// Record implements simkit.Sim. Documents are orders by deliveryOrderCode.
func (s *Sim) Record() any {
	documents := map[string]DeliveryOrder{}
	for _, o := range s.DeliveryOrders() {
		documents[o.Code] = o
	}
	return map[string]any{
		"documents": documents, "history": s.History(), "confirms": s.Confirms(),
		"calls": s.gate.Counts(), "refusals": s.Refusals(),
	}
}

// Delete forgets an order behind the hub's back.
func (s *Sim) Delete(code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[code]
	if o == nil {
		return fmt.Errorf("order %q is not there", code)
	}
	delete(s.orders, code)
	s.codes = slices.DeleteFunc(s.codes, func(c string) bool { return c == code })
	s.note(o, Deleted)
	return nil
}

// Change edits an order behind the hub's back; its code stays.
func (s *Sim) Change(code string, edit func(*DeliveryOrder)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[code]
	if o == nil {
		return fmt.Errorf("order %q is not there", code)
	}
	c := o.copy()
	edit(c)
	c.Code = code
	s.orders[code] = c
	s.note(c, Changed)
	return nil
}

// Insert adds an order that nobody sent; it needs a code and lines.
func (s *Sim) Insert(o DeliveryOrder) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Code == "" || len(o.Lines) == 0 || s.orders[o.Code] != nil {
		return fmt.Errorf("insert %q: want a code that is not there yet, and lines", o.Code)
	}
	c := o.copy()
	if c.OwnerCode == "" {
		c.OwnerCode = s.opt.OwnerCode
	}
	if c.WarehouseCode == "" {
		c.WarehouseCode = s.opt.Warehouses[0]
	}
	c.ReceivedAt, c.Foreign = s.opt.Now(), true
	s.add(c)
	s.note(c, Inserted)
	return nil
}

type command struct {
	Code string          `json:"code"`
	URL  string          `json:"url"`
	Set  json.RawMessage `json:"set"`
	ShipOptions
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
	err := decode(io.LimitReader(r.Body, maxBody), &c)
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
	case "advance":
		return s.Advance(c.Code)
	case "pick":
		return s.Pick(c.Code)
	case "ship":
		return s.Ship(r.Context(), c.Code, c.ShipOptions)
	case "resend":
		return s.Resend(r.Context())
	case "delete":
		return s.Delete(c.Code)
	case "change":
		edited, ok := s.DeliveryOrder(c.Code)
		if !ok {
			return fmt.Errorf("order %q is not there", c.Code)
		}
		if err := decode(bytes.NewReader(c.Set), &edited); err != nil {
			return err
		}
		return s.Change(c.Code, func(o *DeliveryOrder) { *o = edited })
	case "insert":
		var o DeliveryOrder
		if err := decode(bytes.NewReader(c.Set), &o); err != nil {
			return err
		}
		return s.Insert(o)
	}
	return fmt.Errorf("command %q is unknown; known: hub, advance, pick, ship, resend, delete, change, insert", name)
}

func decode(from io.Reader, into any) error {
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
