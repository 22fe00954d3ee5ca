package trytonsim

import (
	"net/http"
	"slices"
)

// wizard serves create, execute and delete of the wizards that end a sale: what to do
// about a cancelled shipment or invoice, and a return.
func (s *Sim) wizard(c *call) (any, *fail) {
	first := map[string]string{"sale.handle.shipment.exception": "ask", "sale.handle.invoice.exception": "ask", "sale.return_sale": "start"}[c.model]
	if first == "" {
		return nil, unexpected("'%s'", c.model)
	}
	if c.method == "create" {
		id := len(s.wizards) + 1
		s.wizards[id] = true
		return []any{id, first, "end"}, nil
	}
	id, ok := asInt(param(c, 0))
	if !ok || !s.wizards[id] {
		return nil, unexpected("the wizard session does not exist")
	}
	switch {
	case c.method == "delete":
		s.wizards[id] = false
		return nil, nil
	case c.method != "execute":
		return nil, &fail{status: http.StatusForbidden}
	case len(c.params) != 3:
		return nil, unexpected("execute() wants session, data and state")
	}
	sale := s.tables["sale.sale"].rows[active(c)]
	if sale == nil {
		return nil, unexpected("the context names no active sale")
	}
	switch {
	case c.params[2] == first:
		return object{"view": object{"state": first, "defaults": s.asked(c, sale)}}, nil
	case c.params[2] == "handle" && c.model == "sale.handle.shipment.exception":
		return s.giveUp(c, sale)
	case c.params[2] == "handle" && c.model == "sale.handle.invoice.exception":
		return s.giveUpInvoices(c, sale)
	case c.params[2] == "return_" && c.model == "sale.return_sale":
		return s.returnSale(c, sale)
	}
	return nil, unexpected("'%v'", c.params[2])
}

func active(c *call) int {
	id, _ := asInt(c.ctx["active_id"])
	if c.ctx["active_model"] != "sale.sale" {
		return 0
	}
	return id
}

// asked is what a wizard offers to decide about: all that is cancelled and undecided.
func (s *Sim) asked(c *call, sale *row) object {
	what, name := "moves", "stock.move"
	switch c.model {
	case "sale.return_sale":
		return object{}
	case "sale.handle.invoice.exception":
		what, name = "invoices", "account.invoice"
	}
	ids := []int{}
	for _, id := range s.where(name, "sale", sale.id) {
		if r := s.tables[name].rows[id]; r.text("state") == "cancelled" && r.text("exception") == "" {
			ids = append(ids, id)
		}
	}
	return object{"recreate_" + what: ids, "domain_" + what: ids}
}

// decided reads what a wizard was told and notes it at the cancelled records: those in
// domain and not in recreate are given up. It returns those to make anew.
func (s *Sim) decided(c *call, sale *row, name, what string) ([]*row, *fail) {
	data, _ := c.params[1].(map[string]any)
	ask, _ := data["ask"].(map[string]any)
	domain, ok := asInts(ask["domain_"+what])
	recreate, fine := asInts(ask["recreate_"+what])
	if !ok || !fine {
		return nil, unexpected("ask wants recreate_%s and domain_%s", what, what)
	}
	var again []*row
	for _, id := range domain {
		r := s.tables[name].rows[id]
		if r == nil || r.ref("sale") != sale.id || r.text("state") != "cancelled" || r.text("exception") != "" {
			continue
		}
		decision := "ignored"
		if slices.Contains(recreate, id) {
			decision = "recreated"
			again = append(again, r)
		}
		s.set(name, r, "exception", decision)
	}
	return again, nil
}

// giveUp settles cancelled moves; those that are recreated get a new shipment.
func (s *Sim) giveUp(c *call, sale *row) (any, *fail) {
	moves, f := s.decided(c, sale, "stock.move", "moves")
	if f != nil {
		return nil, f
	}
	var again []*row
	for _, m := range moves {
		for _, l := range s.linesOf(sale) {
			if m.text("origin") == "sale.line,"+itoa(l.id) {
				again = append(again, l)
			}
		}
	}
	s.makeShipment("stock.shipment.out", "shipment_out", "waiting", sale, again, c)
	return s.settled(c, sale)
}

// giveUpInvoices settles cancelled invoices; those that are recreated are made anew.
func (s *Sim) giveUpInvoices(c *call, sale *row) (any, *fail) {
	again, f := s.decided(c, sale, "account.invoice", "invoices")
	if f != nil {
		return nil, f
	}
	if len(again) > 0 {
		s.makeInvoice(sale, c)
	}
	return s.settled(c, sale)
}

func (s *Sim) settled(c *call, sale *row) (any, *fail) {
	s.settle(sale)
	s.touch(sale, c.at)
	s.wrote(c, s.models["sale.sale"], sale, "updated")
	return object{}, nil
}

// returnSale makes a draft sale of the opposite quantities.
func (s *Sim) returnSale(c *call, sale *row) (any, *fail) {
	back := s.insert("sale.sale", c.at)
	for _, field := range []string{"reference", "party", "company", "currency", "warehouse", "invoice_party", "invoice_address", "shipment_party",
		"shipment_address", "contact", "carrier", "description", "comment", "payment_term", "invoice_method", "shipment_method"} {
		s.set("sale.sale", back, field, sale.v[field])
	}
	s.fill("sale.sale", back, object{"state": "draft", "shipment_state": "none", "invoice_state": "none", "origin": "sale.sale," + itoa(sale.id)})
	for _, l := range s.linesOf(sale) {
		copied := s.insert("sale.line", c.at)
		s.fill("sale.line", copied, l.v)
		s.set("sale.line", copied, "sale", back.id)
		if l.v["quantity"] != nil {
			s.set("sale.line", copied, "quantity", -l.float("quantity"))
		}
	}
	s.touch(back, c.at)
	s.wrote(c, s.models["sale.sale"], back, "created")
	return object{"actions": []any{[]any{object{"res_model": "sale.sale"}, object{"res_id": []any{back.id}}}}}, nil
}
