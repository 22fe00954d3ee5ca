package tryton

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// partyDoc is a document of party.push.
type partyDoc struct {
	Code        string      `json:"code"`
	Name        string      `json:"name"`
	PaymentTerm string      `json:"customer_payment_term"`
	Addresses   []address   `json:"addresses"`
	Contacts    []mechanism `json:"contact_mechanisms"`
}

// address is a party.address, its country by ISO code.
type address struct {
	PartyName  string `json:"party_name"`
	Street     string `json:"street"`
	City       string `json:"city"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

// mechanism is a party.contact_mechanism.
type mechanism struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// saleDoc is a document of sale.push.
type saleDoc struct {
	Reference       string    `json:"reference"`
	SaleDate        string    `json:"sale_date"`
	PartyCode       string    `json:"party_code"`
	Party           *partyDoc `json:"party"`
	Currency        string    `json:"currency"`
	PaymentTerm     string    `json:"payment_term"`
	Warehouse       string    `json:"warehouse"`
	InvoiceMethod   string    `json:"invoice_method"`
	ShipmentMethod  string    `json:"shipment_method"`
	ShipmentAddress *address  `json:"shipment_address"`
	InvoiceAddress  *address  `json:"invoice_address"`
	Description     string    `json:"description"`
	Comment         string    `json:"comment"`
	Lines           []lineDoc `json:"lines"`
	ExpectedTotal   string    `json:"expected_total"`
}

type lineDoc struct {
	Type        string      `json:"type"`
	ProductCode string      `json:"product_code"`
	Description string      `json:"description"`
	Quantity    json.Number `json:"quantity"`
	UnitPrice   string      `json:"unit_price"`
	Taxes       []string    `json:"taxes"`
}

// goods tells a line with an amount from a comment or title.
func (l lineDoc) goods() bool { return l.Type == "" || l.Type == "line" }

// The shapes of amounts. sale.line.unit_price has four decimals at most.
var (
	price = regexp.MustCompile(`^-?[0-9]{1,14}(\.[0-9]{1,4})?$`)
	total = regexp.MustCompile(`^-?[0-9]{1,14}(\.[0-9]{1,4})?$`)
)

func decode(document json.RawMessage, schema string, out any) *connectors.Error {
	if err := codec.Unmarshal(document, out); err != nil {
		e := refuse("document", "the document does not have the shape of schema %s", schema)
		e.Err = err
		return e
	}
	return nil
}

// sameKey checks that the document's own name for itself is the delivery's key: look-ups
// search for the key.
func sameKey(field, value string, d connectors.Delivery) *connectors.Error {
	if value == "" || value == d.Key || value == d.Base {
		return nil
	}
	e := refuse("key", "%s %q is not the delivery's key %q", field, value, d.Key)
	e.Hint = "write `{ to: " + field + ", from: key }` in the mapping, or leave it out"
	return e
}

func readParty(d connectors.Delivery) (partyDoc, *connectors.Error) {
	var p partyDoc
	if err := decode(d.Document, "vendors/tryton/party.push", &p); err != nil {
		return p, err
	}
	if err := sameKey("code", p.Code, d); err != nil {
		return p, err
	}
	if d.Key == "" || p.Name == "" {
		return p, refuse("document", "a party needs a key and a name")
	}
	p.Code = d.Key
	return p, nil
}

func readSale(d connectors.Delivery) (saleDoc, *connectors.Error) {
	var s saleDoc
	if err := decode(d.Document, "vendors/tryton/sale.push", &s); err != nil {
		return s, err
	}
	if err := sameKey("reference", s.Reference, d); err != nil {
		return s, err
	}
	s.Reference = d.Key
	if err := s.check(); err != nil {
		return s, err
	}
	return s, nil
}

// check finds what Tryton would take but a sale must not have.
func (s saleDoc) check() *connectors.Error {
	switch {
	case s.Reference == "":
		return refuse("document", "a sale needs a key")
	case s.Currency == "":
		return refuse("document", "currency is missing")
	case !total.MatchString(s.ExpectedTotal):
		return refuse("document", "expected_total %q is not an amount such as \"2560.00\"", s.ExpectedTotal)
	case s.Party != nil && s.PartyCode == "":
		return refuse("document", "party is given but party_code, its code, is missing")
	}
	if s.SaleDate != "" {
		if _, err := time.Parse(time.DateOnly, s.SaleDate); err != nil {
			return refuse("document", "sale_date %q is not a day such as \"2026-01-31\"", s.SaleDate)
		}
	}
	amounts := 0
	for i, l := range s.Lines {
		if !l.goods() {
			continue
		}
		amounts++
		if !price.MatchString(l.UnitPrice) {
			return refuse("document", "lines/%d/unit_price %q is not a price with at most 4 decimals", i, l.UnitPrice)
		}
		if q, err := decimal.NewFromString(l.Quantity.String()); err != nil || q.IsZero() {
			return refuse("document", "lines/%d/quantity %q is not a quantity", i, l.Quantity)
		}
		if l.ProductCode == "" && strings.TrimSpace(l.Description) == "" {
			return refuse("document", "lines/%d has neither a product_code nor a description", i)
		}
	}
	if amounts == 0 {
		// Tryton would quote and confirm it, and call it done.
		return refuse("document", "the sale has no line with an amount")
	}
	return nil
}
