package tryton

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/minihub/minihub/connectors"
)

var _ connectors.Looker = (*conn)(nil)

// Lookup reads what is there under each key and compares it with the document.
func (c *conn) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	var look func(*run, context.Context, connectors.Delivery) (connectors.Finding, *connectors.Error)
	switch operation {
	case opParty:
		look = (*run).lookParty
	case opSale:
		look = (*run).lookSale
	case opCancel:
		look = (*run).lookCancel
	default:
		return nil, unknownName("operation", operation)
	}
	findings := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		r := c.run()
		f, err := look(r, ctx, d)
		if err != nil {
			f = connectors.Finding{Err: err}
		}
		f.ID, f.Exchanges = d.ID, r.made
		findings = append(findings, f)
	}
	return findings, nil
}

func (r *run) lookParty(ctx context.Context, d connectors.Delivery) (connectors.Finding, *connectors.Error) {
	want, err := readParty(d)
	if err != nil {
		return connectors.Finding{}, err
	}
	there, err := r.readParty(ctx, want.Code)
	if err != nil {
		return connectors.Finding{}, err
	}
	if there == nil {
		return connectors.Finding{Presence: connectors.Absent}, nil
	}
	f := connectors.Finding{Presence: connectors.Same, RemoteIDs: []connectors.RemoteID{{Kind: "party", Value: there.ID.String()}}}
	if fields, _, _ := there.lacks(want); len(fields) > 0 {
		f.Presence, f.Fields = connectors.Other, fields
	}
	return f, nil
}

// lookSale compares the sale of the key. Unfinished work of our own is handed back as
// progress: the next attempt carries it on.
func (r *run) lookSale(ctx context.Context, d connectors.Delivery) (connectors.Finding, *connectors.Error) {
	want, err := readSale(d)
	if err != nil {
		return connectors.Finding{}, err
	}
	s, several, err := r.saleByReference(ctx, want.Reference)
	if err != nil {
		return connectors.Finding{}, err
	}
	if s == nil {
		return connectors.Finding{Presence: connectors.Absent}, nil
	}
	f := connectors.Finding{Presence: connectors.Same, RemoteIDs: s.names()}
	fields := differs(want, s, r.walkIn)
	if several {
		fields = append(fields, "/reference") // another sale carries it too: a person must see
	}
	switch {
	case r.booked(s) && len(fields) == 0:
	case s.ours(r.who().id) && !several:
		b, jsonErr := json.Marshal(progress{Sale: s.ID})
		if jsonErr != nil {
			return connectors.Finding{}, unreadable(nil, "progress cannot be written")
		}
		f.Presence, f.Progress = connectors.Other, b
	case !r.booked(s):
		f.Presence, f.Fields = connectors.Other, append(fields, "/state")
	case len(fields) > 0:
		f.Presence, f.Fields = connectors.Other, fields
	}
	return f, nil
}

// differs names what of a sale is not as the document says: party, receiver, currency,
// total and lines.
func differs(want saleDoc, s *saleRow, walkIn string) []string {
	var fields []string
	add := func(ok bool, field string) {
		if !ok {
			fields = append(fields, field)
		}
	}
	add(s.Party != nil && s.Party.Code == or(want.PartyCode, walkIn), "/party_code")
	add(s.Currency != nil && s.Currency.Code == want.Currency, "/currency")
	add(want.ShipmentAddress == nil || s.ShipTo != nil && want.ShipmentAddress.same(s.ShipTo.address()), "/shipment_address")
	add(sameAmount(want.ExpectedTotal, s.Total.Decimal), "/expected_total")
	if len(want.Lines) != len(s.Lines) {
		return append(fields, "/lines")
	}
	for i, l := range want.Lines {
		there := s.Lines[i]
		if or(l.Type, "line") != there.Type {
			add(false, fmt.Sprintf("/lines/%d/type", i))
			continue
		}
		if !l.goods() {
			add(strings.TrimSpace(l.Description) == strings.TrimSpace(there.Text), fmt.Sprintf("/lines/%d/description", i))
			continue
		}
		code := ""
		if there.Product != nil {
			code = there.Product.Code
		}
		add(l.ProductCode == code, fmt.Sprintf("/lines/%d/product_code", i))
		add(sameAmount(l.Quantity.String(), there.Quantity.Decimal), fmt.Sprintf("/lines/%d/quantity", i))
		add(sameAmount(l.UnitPrice, there.Price.Decimal), fmt.Sprintf("/lines/%d/unit_price", i))
	}
	return fields
}
