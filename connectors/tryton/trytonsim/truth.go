package trytonsim

import (
	"fmt"
	"strings"
	"time"
)

// Sale is a sale as the server holds it. Amounts are decimal text.
type Sale struct {
	ID            int        `json:"id"`
	Number        string     `json:"number"`
	Reference     string     `json:"reference"`
	State         string     `json:"state"`
	ShipmentState string     `json:"shipment_state"`
	InvoiceState  string     `json:"invoice_state"`
	Party         string     `json:"party"`      // name
	PartyCode     string     `json:"party_code"` // natural key of the member
	Phones        []string   `json:"phones"`     // of the party
	Receiver      string     `json:"receiver"`   // party_name of the shipment address, else the party's name
	Street        string     `json:"street"`
	City          string     `json:"city"`
	PostalCode    string     `json:"postal_code"`
	Lines         []SaleLine `json:"lines"`
	Untaxed       string     `json:"untaxed_amount"`
	Tax           string     `json:"tax_amount"`
	Total         string     `json:"total_amount"`
	SaleDate      string     `json:"sale_date"` // yyyy-mm-dd
	Description   string     `json:"description"`
	Comment       string     `json:"comment"`
	PaymentTerm   string     `json:"payment_term"`
	Origin        string     `json:"origin"`
	Shipments     []Shipment `json:"shipments"`
	Invoices      []Invoice  `json:"invoices"`
	ReturnOf      int        `json:"return_of,omitempty"`   // the sale that this one takes back
	ReturnedBy    []int      `json:"returned_by,omitempty"` // confirmed returns of this sale
	TakenBack     bool       `json:"taken_back,omitempty"`  // they leave nothing of it
	CreatedAt     time.Time  `json:"created_at"`
	WrittenAt     time.Time  `json:"written_at"`
}

// SaleLine is one line of a sale.
type SaleLine struct {
	Type        string `json:"type"`
	SKUCode     string `json:"sku_code"`
	Description string `json:"description"`
	Quantity    string `json:"quantity"`
	UnitPrice   string `json:"unit_price"`
	Amount      string `json:"amount"` // without tax
	Taxes       []int  `json:"taxes"`
}

// Shipment is a parcel of a sale.
type Shipment struct {
	ID        int    `json:"id"`
	Number    string `json:"number"`
	Reference string `json:"reference"` // tracking number
	State     string `json:"state"`
}

// Invoice is an invoice of a sale; that of a return has a negative total.
type Invoice struct {
	ID    int    `json:"id"`
	State string `json:"state"`
	Total string `json:"total_amount"`
}

// Party is a member or company.
type Party struct {
	ID       int               `json:"id"`
	Code     string            `json:"code"`
	Name     string            `json:"name"`
	Active   bool              `json:"active"`
	Contacts map[string]string `json:"contacts"` // type -> value
	Streets  []string          `json:"streets"`
}

// Sales returns a copy of every sale, by id.
func (s *Sim) Sales() []Sale {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sales()
}

// SalesByReference returns the sales that carry a reference; more than one when
// it was sent twice.
func (s *Sim) SalesByReference(reference string) []Sale {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Sale
	for _, id := range s.where("sale.sale", "reference", reference) {
		out = append(out, s.saleTruth(s.tables["sale.sale"].rows[id]))
	}
	return out
}

// Parties returns a copy of every party, by id.
func (s *Sim) Parties() []Party {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parties()
}

// Stock returns what is on hand of a product code.
func (s *Sim) Stock(code string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.where("product.product", "code", code) {
		return s.stock[id]
	}
	return 0
}

func (s *Sim) sales() []Sale {
	out := []Sale{}
	t := s.tables["sale.sale"]
	for _, id := range t.ids() {
		out = append(out, s.saleTruth(t.rows[id]))
	}
	return out
}

func (s *Sim) saleTruth(r *row) Sale {
	party := s.tables["party.party"].rows[r.ref("party")]
	out := Sale{ID: r.id, Number: r.text("number"), Reference: r.text("reference"), State: r.text("state"), ShipmentState: r.text("shipment_state"),
		InvoiceState: r.text("invoice_state"), Description: r.text("description"), Comment: r.text("comment"), Origin: r.text("origin"),
		CreatedAt: r.created, WrittenAt: r.written, Lines: []SaleLine{}}
	out.Untaxed, out.Tax, out.Total = s.amounts(r)
	if party != nil {
		out.Party, out.PartyCode, out.Receiver = party.text("name"), party.text("code"), party.text("name")
		for _, id := range s.where("party.contact_mechanism", "party", party.id) {
			out.Phones = append(out.Phones, s.tables["party.contact_mechanism"].rows[id].text("value"))
		}
	}
	if a := s.tables["party.address"].rows[r.ref("shipment_address")]; a != nil {
		out.Street, out.City, out.PostalCode = a.text("street"), a.text("city"), a.text("postal_code")
		if name := a.text("party_name"); name != "" {
			out.Receiver = name
		}
	}
	if d, ok := r.v["sale_date"].(dateValue); ok {
		out.SaleDate = fmt.Sprintf("%04d-%02d-%02d", d.Y, d.M, d.D)
	}
	if term := s.tables["account.invoice.payment_term"].rows[r.ref("payment_term")]; term != nil {
		out.PaymentTerm = term.text("name")
	}
	for _, l := range s.linesOf(r) {
		line := SaleLine{Type: l.text("type"), Description: l.text("description"), Quantity: strings.TrimSuffix(fmt.Sprint(l.float("quantity")), ".0"), Taxes: append([]int{}, l.refs("taxes")...)}
		if price, ok := l.v["unit_price"].(decimalValue); ok {
			line.UnitPrice = string(price)
		}
		if amount, ok := lineAmount(s, l, nil).(decimalValue); ok {
			line.Amount = string(amount)
		}
		if p := s.tables["product.product"].rows[l.ref("product")]; p != nil {
			line.SKUCode = p.text("code")
		}
		out.Lines = append(out.Lines, line)
	}
	for _, id := range s.where("stock.shipment.out", "sale", r.id) {
		sh := s.tables["stock.shipment.out"].rows[id]
		out.Shipments = append(out.Shipments, Shipment{id, sh.text("number"), sh.text("reference"), sh.text("state")})
	}
	for _, id := range s.where("account.invoice", "sale", r.id) {
		inv := s.tables["account.invoice"].rows[id]
		total, _ := inv.v["total_amount"].(decimalValue)
		out.Invoices = append(out.Invoices, Invoice{id, inv.text("state"), string(total)})
	}
	s.returnTruth(r, &out)
	return out
}

func (s *Sim) parties() []Party {
	out := []Party{}
	t := s.tables["party.party"]
	for _, id := range t.ids() {
		r := t.rows[id]
		p := Party{ID: id, Code: r.text("code"), Name: r.text("name"), Active: r.v["active"] == true, Contacts: map[string]string{}}
		for _, m := range s.where("party.contact_mechanism", "party", id) {
			c := s.tables["party.contact_mechanism"].rows[m]
			p.Contacts[c.text("type")] = c.text("value")
		}
		for _, a := range s.where("party.address", "party", id) {
			p.Streets = append(p.Streets, s.tables["party.address"].rows[a].text("street"))
		}
		out = append(out, p)
	}
	return out
}
