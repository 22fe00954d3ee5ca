package trytonsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
)

// Edit changes a sale behind the hub's back.
type Edit struct {
	Reference *string `json:"reference,omitempty"`
	State     *string `json:"state,omitempty"`
	Line      int     `json:"line,omitempty"` // index of the line that the next two change
	Quantity  *int    `json:"quantity,omitempty"`
	UnitPrice *string `json:"unit_price,omitempty"` // decimal text
}

// EditSale changes a sale behind everybody's back.
func (s *Sim) EditSale(id int, e Edit) error {
	return s.behind(id, func(r *row) error {
		lines := s.linesOf(r)
		if (e.Quantity != nil || e.UnitPrice != nil) && (e.Line < 0 || e.Line >= len(lines)) {
			return fmt.Errorf("sale %d has no line %d", id, e.Line)
		}
		if e.UnitPrice != nil {
			if _, err := parseDecimal(*e.UnitPrice); err != nil {
				return err
			}
			s.set("sale.line", lines[e.Line], "unit_price", decimalValue(*e.UnitPrice))
		}
		if e.Quantity != nil {
			s.set("sale.line", lines[e.Line], "quantity", float64(*e.Quantity))
		}
		if e.Reference != nil {
			s.set("sale.sale", r, "reference", *e.Reference)
		}
		if e.State != nil {
			s.set("sale.sale", r, "state", *e.State)
		}
		s.touch(r, s.opts.Now())
		return nil
	})
}

// DeleteSale removes a sale with its lines, whatever its state.
func (s *Sim) DeleteSale(id int) error {
	return s.behind(id, func(r *row) error {
		for _, l := range s.linesOf(r) {
			s.remove("sale.line", l)
		}
		s.remove("sale.sale", r)
		return nil
	})
}

// Duplicate copies a sale, reference included, as a person with a copy button
// would, and returns the copy's id.
func (s *Sim) Duplicate(id int) (int, error) {
	var made int
	err := s.behind(id, func(r *row) error {
		now := s.opts.Now()
		twin := s.insert("sale.sale", now)
		s.fill("sale.sale", twin, r.v)
		s.fill("sale.sale", twin, object{"state": "draft", "number": nil, "shipment_state": "none", "invoice_state": "none"})
		for _, l := range s.linesOf(r) {
			copied := s.insert("sale.line", now)
			s.fill("sale.line", copied, l.v)
			s.set("sale.line", copied, "sale", twin.id)
		}
		made = twin.id
		return nil
	})
	return made, err
}

// Orphan enters a sale that no hub knows, and returns its id.
func (s *Sim) Orphan(reference string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	r := s.insert("sale.sale", now)
	s.fill("sale.sale", r, object{"reference": reference, "party": 2, "company": 1, "currency": 1, "warehouse": 5, "invoice_address": 1, "shipment_address": 1,
		"state": "draft", "shipment_state": "none", "invoice_state": "none", "invoice_method": "order", "shipment_method": "order"})
	l := s.insert("sale.line", now)
	s.fill("sale.line", l, object{"sale": r.id, "type": "line", "product": 1, "unit": 1, "quantity": 1.0, "unit_price": decimalValue("10.00"), "taxes": []int{1}})
	s.undo = nil
	return r.id
}

// ShipSale ships all of a sale's waiting shipments under a tracking number.
func (s *Sim) ShipSale(id int, tracking string) error {
	return s.behind(id, func(r *row) error {
		c := &call{name: "control", model: "stock.shipment.out", at: s.opts.Now()}
		shipments := s.where("stock.shipment.out", "sale", r.id)
		if len(shipments) == 0 {
			return fmt.Errorf("sale %d has no shipment", id)
		}
		for _, sid := range shipments {
			sh := s.tables["stock.shipment.out"].rows[sid]
			s.set("stock.shipment.out", sh, "reference", tracking)
			for _, button := range []string{"pick", "pack", "done"} {
				if _, _, f := s.models["stock.shipment.out"].buttons[button](s, sh, c); f != nil {
					return fmt.Errorf("ship sale %d: %s", id, f.text())
				}
			}
			s.touch(sh, c.at)
		}
		return nil
	})
}

// PaySale marks a sale's invoices as paid.
func (s *Sim) PaySale(id int) error {
	return s.behind(id, func(r *row) error {
		for _, inv := range s.where("account.invoice", "sale", r.id) {
			s.set("account.invoice", s.tables["account.invoice"].rows[inv], "state", "paid")
		}
		s.settle(r)
		s.touch(r, s.opts.Now())
		return nil
	})
}

// SetStock counts a product anew.
func (s *Sim) SetStock(code string, quantity int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.where("product.product", "code", code)
	if len(ids) == 0 {
		return fmt.Errorf("product %q does not exist", code)
	}
	s.stock[ids[0]] = quantity
	return nil
}

func (s *Sim) behind(id int, change func(*row) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.tables["sale.sale"].rows[id]
	if r == nil {
		return fmt.Errorf("sale %d does not exist", id)
	}
	s.undo = nil
	err := change(r)
	if err != nil {
		s.rollback()
	}
	s.undo = nil
	return err
}

type controlRequest struct {
	ID       int    `json:"id"`
	Tracking string `json:"tracking"`
	Code     string `json:"code"`
	Orphan   string `json:"orphan"` // reference of an orphan
	InStock  int64  `json:"in_stock"`
	Edit
}

// ControlHTTP answers the control requests listed in the package's comment.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	var out any
	switch name := path.Base(r.URL.Path); r.Method {
	case http.MethodGet:
		out, err = s.show(name)
	case http.MethodPost:
		out, err = s.command(name, body)
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
	case "sales":
		return s.Sales(), nil
	case "parties":
		return s.Parties(), nil
	}
	return nil, fmt.Errorf("%q shows nothing; known: record, sales, parties", what)
}

func (s *Sim) command(name string, body []byte) (any, error) {
	var req controlRequest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return nil, fmt.Errorf("read the control request: %w", err)
	}
	done := object{"id": req.ID}
	switch name {
	case "delete-sale":
		return done, s.DeleteSale(req.ID)
	case "edit-sale":
		return done, s.EditSale(req.ID, req.Edit)
	case "duplicate":
		id, err := s.Duplicate(req.ID)
		return object{"id": id}, err
	case "orphan":
		return object{"id": s.Orphan(req.Orphan)}, nil
	case "ship":
		return done, s.ShipSale(req.ID, req.Tracking)
	case "pay":
		return done, s.PaySale(req.ID)
	case "stock":
		return object{"code": req.Code}, s.SetStock(req.Code, req.InStock)
	}
	return nil, fmt.Errorf("%q is no control command; see the package's comment", name)
}
