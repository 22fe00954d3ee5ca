package trytonsim

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// sequence gives the next number of a kind; a rollback takes it back.
func (s *Sim) sequence(kind string, from int) string {
	old, had := s.numbers[kind]
	if !had {
		s.numbers[kind] = from
	}
	s.numbers[kind]++
	s.undo = append(s.undo, func() { s.numbers[kind] = max(old, from) })
	return itoa(s.numbers[kind])
}

const currencyDigits = 2

// quantity times price, unrounded.
func lineValue(r *row) *big.Rat {
	price, _ := number(r.v["unit_price"])
	qty, _ := number(r.v["quantity"])
	if price == nil || qty == nil || r.text("type") != "line" {
		return new(big.Rat)
	}
	return new(big.Rat).Mul(price, qty)
}

func lineAmount(_ *Sim, r *row, _ object) any {
	if r.text("type") != "line" {
		return nil
	}
	return decimalValue(round(lineValue(r), currencyDigits))
}

func (s *Sim) linesOf(sale *row) []*row {
	var out []*row
	for _, id := range s.children(s.models["sale.sale"].fields["lines"], sale) {
		out = append(out, s.tables["sale.line"].rows[id])
	}
	return out
}

// amounts are untaxed, tax and total: each line is rounded, and each tax once,
// over the unrounded lines that carry it.
func (s *Sim) amounts(sale *row) (untaxed, taxed, total string) {
	net, base := new(big.Rat), map[int]*big.Rat{}
	lines := s.linesOf(sale)
	if len(lines) == 0 {
		return "0", "0", "0"
	}
	for _, l := range lines {
		rounded, _ := parseDecimal(round(lineValue(l), currencyDigits))
		net.Add(net, rounded)
		for _, id := range l.refs("taxes") {
			if base[id] == nil {
				base[id] = new(big.Rat)
			}
			base[id].Add(base[id], lineValue(l))
		}
	}
	sum := new(big.Rat)
	for id, of := range base {
		tax := s.tables["account.tax"].rows[id]
		if tax == nil {
			continue
		}
		rate, ok := number(tax.v["rate"])
		if !ok {
			continue
		}
		one, _ := parseDecimal(round(new(big.Rat).Mul(of, rate), currencyDigits))
		sum.Add(sum, one)
	}
	return round(net, currencyDigits), round(sum, currencyDigits), round(new(big.Rat).Add(net, sum), currencyDigits)
}

func untaxedAmount(s *Sim, r *row, _ object) any { n, _, _ := s.amounts(r); return decimalValue(n) }
func taxAmount(s *Sim, r *row, _ object) any     { _, n, _ := s.amounts(r); return decimalValue(n) }
func totalAmount(s *Sim, r *row, _ object) any   { _, _, n := s.amounts(r); return decimalValue(n) }

// saleLinks lists the records of another model that came from a sale.
func saleLinks(target string) func(*Sim, *row, object) any {
	return func(s *Sim, r *row, _ object) any { return s.where(target, "sale", r.id) }
}

func saleName(_ *Sim, r *row) string {
	name := r.text("number")
	if ref := r.text("reference"); ref != "" {
		if name != "" {
			name += " "
		}
		name += "[" + ref + "]"
	}
	if name == "" {
		name = "(" + itoa(r.id) + ")"
	}
	return name
}

func lineName(s *Sim, r *row) string {
	name := r.text("description")
	if product := s.tables["product.product"].rows[r.ref("product")]; product != nil {
		name = fmt.Sprintf("%v%s %s", r.float("quantity"), s.tables["product.uom"].rows[r.ref("unit")].text("symbol"), s.models["product.product"].recName(s, product))
	}
	return name + " @ " + saleName(s, s.tables["sale.sale"].rows[r.ref("sale")])
}

func domainError(m *model, f *field, domain ...any) *fail {
	return &fail{envelop: []any{"UserError", []any{
		fmt.Sprintf("The value for field %q in %q is not valid according to its domain.", f.label, m.label), "", []any{domain, object{}},
	}}}
}

// checkSale: the addresses belong to the party or to the one that is invoiced or served.
func checkSale(s *Sim, r *row) *fail {
	m := s.models["sale.sale"]
	for _, kind := range []string{"invoice", "shipment"} {
		address := s.tables["party.address"].rows[r.ref(kind+"_address")]
		party := r.ref("party")
		if other := r.ref(kind + "_party"); other != 0 {
			party = other
		}
		if address != nil && address.ref("party") != party {
			return domainError(m, m.fields[kind+"_address"], []any{"party", "=", party})
		}
	}
	return nil
}

func checkLine(s *Sim, r *row) *fail {
	if r.text("type") != "line" {
		return nil
	}
	m := s.models["sale.line"]
	required := []string{"quantity", "unit_price"}
	product := s.tables["product.product"].rows[r.ref("product")]
	if product != nil {
		required = append(required, "unit")
	}
	for _, field := range required {
		if r.v[field] == nil {
			return userError("A value is required for field %q in %q.", m.fields[field].label, m.label)
		}
	}
	unit := s.tables["product.uom"].rows[r.ref("unit")]
	if unit == nil {
		return nil
	}
	if product != nil {
		category := s.tables["product.uom"].rows[s.template(product).ref("default_uom")].ref("category")
		if unit.ref("category") != category {
			return domainError(m, m.fields["unit"], []any{"category", "=", category})
		}
	}
	if digits := unit.ref("digits"); fraction(strconv.FormatFloat(r.float("quantity"), 'f', -1, 64)) > digits {
		return userError("The number of digits in the value \"%v\" for field \"Quantity\" in %q exceeds the limit of \"%d\".", r.float("quantity"), m.label, digits)
	}
	return nil
}

func removeSale(_ *Sim, r *row) *fail {
	if !slices.Contains([]string{"draft", "cancelled"}, r.text("state")) {
		return userError("To delete sale \"%s\" you must cancel it.", saleName(nil, r))
	}
	return nil
}

type buttons = map[string]func(s *Sim, r *row, c *call) (string, any, *fail)

// move is a button that only changes the state.
func move(name, to, effect string, from ...string) func(*Sim, *row, *call) (string, any, *fail) {
	return func(s *Sim, r *row, _ *call) (string, any, *fail) {
		if !slices.Contains(from, r.text("state")) {
			return "unchanged", nil, nil
		}
		s.set(name, r, "state", to)
		return effect, nil, nil
	}
}

func saleButtons() buttons {
	return buttons{
		"draft":   move("sale.sale", "draft", "updated", "cancelled", "quotation"),
		"cancel":  move("sale.sale", "cancelled", "cancelled", "draft", "quotation"),
		"quote":   quote,
		"confirm": confirm,
		"process": func(s *Sim, r *row, c *call) (string, any, *fail) {
			if !slices.Contains([]string{"confirmed", "processing", "done"}, r.text("state")) {
				return "unchanged", nil, nil
			}
			s.settle(r)
			return "unchanged", nil, nil
		},
	}
}

func quote(s *Sim, r *row, _ *call) (string, any, *fail) {
	if r.text("state") != "draft" {
		return "unchanged", nil, nil
	}
	for _, kind := range []string{"invoice", "shipment"} {
		if r.v[kind+"_address"] == nil {
			if kind == "shipment" && !s.hasGoods(r) {
				continue
			}
			article := map[string]string{"invoice": "an", "shipment": "a"}[kind]
			return "", nil, userError("To get a quote for sale \"%s\" you must enter %s %s address.", saleName(s, r), article, kind)
		}
	}
	if r.text("number") == "" {
		s.set("sale.sale", r, "number", s.sequence("sale", 0))
	}
	s.set("sale.sale", r, "state", "quotation")
	return "updated", nil, nil
}

func (s *Sim) hasGoods(sale *row) bool {
	return slices.ContainsFunc(s.linesOf(sale), func(l *row) bool {
		p := s.tables["product.product"].rows[l.ref("product")]
		return p != nil && s.template(p).text("type") != "service"
	})
}

// confirm also processes, as the server does without a queue: a shipment (or a
// return of what is negative), an invoice.
func confirm(s *Sim, r *row, c *call) (string, any, *fail) {
	if r.text("state") != "quotation" {
		return "unchanged", nil, nil
	}
	if r.v["sale_date"] == nil {
		t := c.at.In(companyZone())
		s.set("sale.sale", r, "sale_date", dateValue{t.Year(), int(t.Month()), t.Day()})
	}
	s.set("sale.sale", r, "state", "processing")
	if r.text("shipment_method") == "order" {
		s.makeShipments(r, c)
	}
	if r.text("invoice_method") == "order" && len(s.linesOf(r)) > 0 {
		s.makeInvoice(r, c)
	}
	s.settle(r)
	return "updated", nil, nil
}

func (s *Sim) makeInvoice(sale *row, c *call) {
	inv := s.insert("account.invoice", c.at)
	untaxed, tax, total := s.amounts(sale)
	s.fill("account.invoice", inv, object{"type": "out", "state": "draft", "party": sale.ref("party"), "sale": sale.id,
		"untaxed_amount": decimalValue(untaxed), "tax_amount": decimalValue(tax), "total_amount": decimalValue(total)})
}

// settle sets the states that follow from shipments and invoices.
func (s *Sim) settle(sale *row) {
	ship, inv := s.shipmentState(sale), s.invoiceState(sale)
	s.set("sale.sale", sale, "shipment_state", ship)
	s.set("sale.sale", sale, "invoice_state", inv)
	done := (ship == "sent" || ship == "none") && (inv == "paid" || inv == "none")
	switch {
	case done && sale.text("state") == "processing":
		s.set("sale.sale", sale, "state", "done")
	case !done && sale.text("state") == "done":
		s.set("sale.sale", sale, "state", "processing")
	}
}

// invoiceState of a sale, those left out about which somebody has decided.
func (s *Sim) invoiceState(sale *row) string {
	state := "none"
	for _, id := range s.where("account.invoice", "sale", sale.id) {
		inv := s.tables["account.invoice"].rows[id]
		switch {
		case inv.text("exception") != "":
		case inv.text("state") == "cancelled":
			return "exception"
		case inv.text("state") == "paid" && state == "none":
			state = "paid"
		case inv.text("state") != "paid":
			state = "waiting"
		}
	}
	return state
}

func invoiceSales(_ *Sim, r *row, _ object) any {
	if sale := r.ref("sale"); sale != 0 {
		return []int{sale}
	}
	return []int{}
}

func invoiceName(_ *Sim, r *row) string {
	if number := r.text("number"); number != "" {
		return number
	}
	return "(" + itoa(r.id) + ")"
}

func invoiceButtons() buttons {
	state := func(to, effect string, from ...string) func(*Sim, *row, *call) (string, any, *fail) {
		change := move("account.invoice", to, effect, from...)
		return func(s *Sim, r *row, c *call) (string, any, *fail) {
			switch {
			case to == "cancelled" && r.text("state") == "posted":
				return "", nil, userError("You cannot cancel customer invoice \"%s\" because it is posted and company setup does not allow it.", invoiceName(s, r))
			case to == "draft" && r.text("state") == "cancelled" && r.ref("sale") != 0:
				return "", nil, userError("You cannot reset invoice \"%s\" to draft because it was generated by a sale.", invoiceName(s, r))
			}
			effect, out, f := change(s, r, c)
			if to == "posted" && effect == "updated" && r.text("number") == "" {
				s.set("account.invoice", r, "number", s.sequence("invoice", 0))
			}
			if sale := s.tables["sale.sale"].rows[r.ref("sale")]; sale != nil {
				s.settle(sale)
			}
			return effect, out, f
		}
	}
	return buttons{
		"validate_invoice": state("validated", "updated", "draft"), "post": state("posted", "updated", "draft", "validated"),
		"cancel": state("cancelled", "cancelled", "draft", "validated"), "draft": state("draft", "updated", "validated", "cancelled"),
	}
}
