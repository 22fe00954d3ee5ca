package tryton

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
)

const missingParty = "tryton.party"

// saleValues resolves every code of a document and gives the fields of its sale. Nothing
// is left to defaults: over RPC the server fills in neither taxes nor addresses.
func (r *run) saleValues(ctx context.Context, want saleDoc) (map[string]any, *connectors.Error) {
	v := map[string]any{
		"company": int64(r.who().company), "reference": want.Reference,
		"invoice_method": or(want.InvoiceMethod, "order"), "shipment_method": or(want.ShipmentMethod, "order"),
		"description": want.Description, "comment": want.Comment,
	}
	currency, err := r.currency(ctx, want.Currency)
	if err != nil {
		return nil, err
	}
	v["currency"] = int64(currency)
	if want.PaymentTerm != "" {
		term, err := r.paymentTerm(ctx, want.PaymentTerm)
		if err != nil {
			return nil, err
		}
		v["payment_term"] = int64(term)
	}
	if want.Warehouse != "" {
		warehouse, err := r.warehouse(ctx, want.Warehouse)
		if err != nil {
			return nil, err
		}
		v["warehouse"] = int64(warehouse)
	}
	if want.SaleDate != "" {
		day, _ := time.Parse(time.DateOnly, want.SaleDate) // checked by readSale
		v["sale_date"] = asDate(day)
	}
	rows, err := r.lineValues(ctx, want)
	if err != nil {
		return nil, err
	}
	v["lines"] = create(rows)
	// Last, since they may write: a document that is refused leaves nothing behind.
	party, err := r.partyOf(ctx, want)
	if err != nil {
		return nil, err
	}
	v["party"] = int64(party)
	return v, r.addressValuesOf(ctx, want, party, v)
}

// addressValuesOf fills in the addresses, adding those that the party lacks.
func (r *run) addressValuesOf(ctx context.Context, want saleDoc, party id, v map[string]any) *connectors.Error {
	ship, err := r.addressOf(ctx, party, want.ShipmentAddress)
	if err != nil {
		return err
	}
	invoice := ship
	if want.InvoiceAddress != nil {
		if invoice, err = r.addressOf(ctx, party, want.InvoiceAddress); err != nil {
			return err
		}
	}
	if ship == 0 {
		e := refuse("address", "the party has no address, and a sale without one cannot be quoted")
		e.Hint = "give shipment_address in the mapping"
		return e
	}
	v["shipment_address"], v["invoice_address"] = int64(ship), int64(invoice)
	return nil
}

// partyOf finds the party that a sale is for, creating the one that the document brings.
func (r *run) partyOf(ctx context.Context, want saleDoc) (id, *connectors.Error) {
	code := or(want.PartyCode, r.walkIn)
	if code == "" {
		e := refuse("document", "the sale names no party")
		e.Hint = "give party_code, or set walk_in_party on the connection"
		return 0, e
	}
	found, err := r.party(ctx, code)
	if err != nil || found != 0 {
		return found, err
	}
	switch {
	case want.PartyCode == "":
		return 0, &connectors.Error{Kind: connectors.Invalid, Scope: all, Code: "tryton.walk_in_party",
			Text: "Tryton has no party with the connection's walk_in_party code", Hint: "create the party, or correct walk_in_party"}
	case want.Party != nil:
		p := *want.Party
		p.Code = code
		if p.Name == "" {
			return 0, refuse("document", "party has no name")
		}
		return r.upsertParty(ctx, p)
	}
	return 0, &connectors.Error{Kind: connectors.NotFound, Scope: doc, Code: missingParty, Text: "Tryton has no party with the code of this sale",
		Hint: "the delivery goes on when " + opParty + " has delivered it; or bring the party along in `party`"}
}

func (r *run) lineValues(ctx context.Context, want saleDoc) ([]any, *connectors.Error) {
	var wanted []string
	for _, l := range want.Lines {
		wanted = append(wanted, l.ProductCode)
	}
	products, err := r.products(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var rows []any
	for i, l := range want.Lines {
		row := map[string]any{"type": or(l.Type, "line"), "sequence": i + 1, "description": l.Description}
		rows = append(rows, row)
		if !l.goods() {
			continue
		}
		row["quantity"], row["unit_price"] = l.Quantity, asDecimal(l.UnitPrice)
		if l.ProductCode != "" {
			p := products[l.ProductCode]
			row["product"], row["unit"] = int64(p.ID), int64(p.Unit)
		}
		var taxes []id
		for _, name := range l.Taxes {
			tax, err := r.tax(ctx, name)
			if err != nil {
				return nil, err
			}
			taxes = append(taxes, tax)
		}
		if len(taxes) > 0 {
			row["taxes"] = []any{[]any{"add", ids(taxes...)}}
		}
	}
	return rows, nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// sameAmount compares an amount of a document, whose shape was checked, by its value.
func sameAmount(text string, there decimal.Decimal) bool {
	d, err := decimal.NewFromString(text)
	return err == nil && d.Equal(there)
}
