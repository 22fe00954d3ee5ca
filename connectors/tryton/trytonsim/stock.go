package trytonsim

import (
	"slices"
	"strconv"
	"strings"
)

func (s *Sim) template(product *row) *row {
	return s.tables["product.template"].rows[product.ref("template")]
}

func ofTemplate(field string) func(*Sim, *row, object) any {
	return func(s *Sim, r *row, _ object) any { return s.template(r).v[field] }
}

// onHand and forecast are 0 without locations in the context.
func onHand(s *Sim, r *row, ctx object) any {
	if ctx["locations"] == nil {
		return 0.0
	}
	return float64(s.stock[r.id])
}

func forecast(s *Sim, r *row, ctx object) any {
	if ctx["locations"] == nil {
		return 0.0
	}
	n := float64(s.stock[r.id])
	for _, id := range s.where("stock.move", "product", r.id) {
		if m := s.tables["stock.move"].rows[id]; m.text("state") == "assigned" {
			n -= m.float("quantity")
		}
	}
	return n
}

// makeShipments makes a shipment of what is positive and a return of what is negative.
func (s *Sim) makeShipments(sale *row, c *call) {
	var out, back []*row
	for _, l := range s.linesOf(sale) {
		p := s.tables["product.product"].rows[l.ref("product")]
		if p == nil || s.template(p).text("type") == "service" {
			continue
		}
		if l.float("quantity") < 0 {
			back = append(back, l)
		} else if l.float("quantity") > 0 {
			out = append(out, l)
		}
	}
	s.makeShipment("stock.shipment.out", "shipment_out", "waiting", sale, out, c)
	s.makeShipment("stock.shipment.out.return", "shipment_return", "draft", sale, back, c)
}

func (s *Sim) makeShipment(name, inverse, state string, sale *row, lines []*row, c *call) {
	if len(lines) == 0 {
		return
	}
	sh := s.insert(name, c.at)
	s.fill(name, sh, object{"number": s.sequence(name, 0), "state": state, "company": 1, "customer": sale.ref("party"), "sale": sale.id,
		"warehouse": sale.v["warehouse"], "delivery_address": sale.v["shipment_address"], "planned_date": sale.v["sale_date"]})
	for _, l := range lines {
		m := s.insert("stock.move", c.at)
		s.fill("stock.move", m, object{"product": l.ref("product"), "quantity": max(l.float("quantity"), -l.float("quantity")), "uom": l.v["unit"], "state": "draft",
			"sale": sale.id, inverse: sh.id, "shipment": name + "," + itoa(sh.id), "origin": "sale.line," + itoa(l.id), "unit_price": l.v["unit_price"]})
	}
}

func (s *Sim) movesOf(name string, shipment *row) []*row {
	inverse := "shipment_out"
	if strings.HasSuffix(name, "return") {
		inverse = "shipment_return"
	}
	var out []*row
	for _, id := range s.where("stock.move", inverse, shipment.id) {
		out = append(out, s.tables["stock.move"].rows[id])
	}
	return out
}

// shipmentState of a sale. A move is behind us when it was done, or when its
// sale gave up on it.
func (s *Sim) shipmentState(sale *row) string {
	state := "none"
	for _, id := range s.where("stock.move", "sale", sale.id) {
		m := s.tables["stock.move"].rows[id]
		switch {
		case m.text("state") == "done" || m.text("exception") != "":
			if state == "none" {
				state = "sent"
			}
		case m.text("state") == "cancelled":
			return "exception"
		default:
			state = "waiting"
		}
	}
	return state
}

func shipmentOrigins(s *Sim, r *row, _ object) any {
	if sale := s.tables["sale.sale"].rows[r.ref("sale")]; sale != nil {
		return saleName(s, sale)
	}
	return ""
}

// shift is a shipment's button: it changes the state and that of its moves.
func shift(name, to, moves, effect string, from ...string) func(*Sim, *row, *call) (string, any, *fail) {
	return func(s *Sim, r *row, c *call) (string, any, *fail) {
		if !slices.Contains(from, r.text("state")) {
			return "unchanged", nil, nil
		}
		s.set(name, r, "state", to)
		for _, m := range s.movesOf(name, r) {
			s.set("stock.move", m, "state", moves)
			if moves == "done" {
				s.ship(name, m)
			}
		}
		if to == "done" {
			t := c.at.In(companyZone())
			s.set(name, r, "effective_date", dateValue{t.Year(), int(t.Month()), t.Day()})
		}
		if sale := s.tables["sale.sale"].rows[r.ref("sale")]; sale != nil {
			s.settle(sale)
			s.touch(sale, c.at)
		}
		return effect, nil, nil
	}
}

// ship takes goods off the shelf, or puts returned ones back.
func (s *Sim) ship(name string, m *row) {
	n := int64(m.float("quantity"))
	if strings.HasSuffix(name, "return") {
		n = -n
	}
	id := m.ref("product")
	s.stock[id] -= n
	s.undo = append(s.undo, func() { s.stock[id] += n })
}

func shipmentButtons() buttons {
	const name = "stock.shipment.out"
	assign := shift(name, "assigned", "assigned", "updated", "waiting")
	return buttons{
		"wait": shift(name, "waiting", "draft", "updated", "draft", "assigned"), "draft": shift(name, "draft", "draft", "updated", "waiting", "cancelled"),
		"assign_force": assign, "pick": shift(name, "picked", "assigned", "updated", "waiting", "assigned"),
		"pack": shift(name, "packed", "assigned", "updated", "picked"), "done": shift(name, "done", "done", "updated", "packed"),
		"cancel": shift(name, "cancelled", "cancelled", "cancelled", "draft", "waiting", "assigned", "picked", "packed"),
		"assign_try": func(s *Sim, r *row, c *call) (string, any, *fail) {
			for _, m := range s.movesOf(name, r) {
				if float64(s.stock[m.ref("product")]) < m.float("quantity") {
					return "unchanged", false, nil
				}
			}
			effect, _, f := assign(s, r, c)
			return effect, true, f
		},
	}
}

func returnButtons() buttons {
	const name = "stock.shipment.out.return"
	return buttons{
		"receive": shift(name, "received", "assigned", "updated", "draft"), "done": shift(name, "done", "done", "updated", "received"),
		"cancel": shift(name, "cancelled", "cancelled", "cancelled", "draft", "received"), "draft": shift(name, "draft", "draft", "updated", "cancelled"),
	}
}

func nameOf(_ *Sim, r *row) string {
	if name := r.text("name"); name != "" {
		return name
	}
	return strconv.Itoa(r.id)
}

func numberOf(_ *Sim, r *row) string { return r.text("number") }

// contact is the first mechanism of a type.
func contact(kind string) func(*Sim, *row, object) any {
	return func(s *Sim, r *row, _ object) any {
		for _, id := range s.where("party.contact_mechanism", "party", r.id) {
			if m := s.tables["party.contact_mechanism"].rows[id]; m.text("type") == kind {
				return m.text("value")
			}
		}
		return ""
	}
}

func contactName(s *Sim, r *row) string {
	return s.tables["party.party"].rows[r.ref("party")].text("name") + " <" + r.text("value") + ">"
}

func addressName(s *Sim, r *row) string {
	parts := []string{r.text("party_name"), r.text("street"), r.text("postal_code"), r.text("city")}
	if parts[0] == "" {
		parts[0] = s.tables["party.party"].rows[r.ref("party")].text("name")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func fullAddress(_ *Sim, r *row, _ object) any {
	lines := []string{r.text("party_name"), r.text("street"), strings.TrimSpace(r.text("postal_code") + " " + r.text("city"))}
	return strings.Join(slices.DeleteFunc(lines, func(p string) bool { return p == "" }), "\n")
}
