package tryton

import (
	"context"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// partyRow is a party as the server has it.
type partyRow struct {
	ID        id
	Code      string
	Name      string
	Term      string
	Addresses []addressRow
	Contacts  []mechanism
}

type addressRow struct {
	ID         id     `json:"id"`
	PartyName  string `json:"party_name"`
	Street     string `json:"street"`
	City       string `json:"city"`
	PostalCode string `json:"postal_code"`
	Country    *struct {
		Code string `json:"code"`
	} `json:"country."`
}

func (a addressRow) address() address {
	out := address{PartyName: a.PartyName, Street: a.Street, City: a.City, PostalCode: a.PostalCode}
	if a.Country != nil {
		out.Country = a.Country.Code
	}
	return out
}

var addressFields = names("party_name", "street", "city", "postal_code", "country.code")

// same compares what the document says; a country that it leaves out is not compared.
func (a address) same(there address) bool {
	t := strings.TrimSpace
	return t(a.PartyName) == t(there.PartyName) && t(a.Street) == t(there.Street) && t(a.City) == t(there.City) &&
		t(a.PostalCode) == t(there.PostalCode) && (a.Country == "" || a.Country == there.Country)
}

// same compares without the spaces and dashes that a server with the phone number
// library puts in.
func (m mechanism) same(there mechanism) bool {
	return m.Type == there.Type && compact(m.Value) == compact(there.Value)
}

func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -().\t", r) {
			return -1
		}
		return r
	}, s)
}

// readParty reads the party of a code; nil when there is none.
func (r *run) readParty(ctx context.Context, code string) (*partyRow, *connectors.Error) {
	var rows []struct {
		ID   id     `json:"id"`
		Name string `json:"name"`
		Term *struct {
			Name string `json:"name"`
		} `json:"customer_payment_term."`
	}
	err := r.call(ctx, &rows, "model.party.party.search_read", domain(is("code", "=", code)), 0, 1, nil, names("name", "customer_payment_term.name"))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	p := &partyRow{ID: rows[0].ID, Code: code, Name: rows[0].Name}
	if rows[0].Term != nil {
		p.Term = rows[0].Term.Name
	}
	if p.Addresses, err = r.addresses(ctx, p.ID); err != nil {
		return nil, err
	}
	err = r.call(ctx, &p.Contacts, "model.party.contact_mechanism.search_read", domain(is("party", "=", int64(p.ID))), 0, nil, order, names("type", "value"))
	return p, err
}

var order = []any{[]any{"id", "ASC"}}

func (r *run) addresses(ctx context.Context, party id) ([]addressRow, *connectors.Error) {
	var rows []addressRow
	err := r.call(ctx, &rows, "model.party.address.search_read", domain(is("party", "=", int64(party))), 0, nil, order, addressFields)
	return rows, err
}

// lacks lists what of a document a party does not have.
func (p *partyRow) lacks(want partyDoc) (fields []string, addresses []address, contacts []mechanism) {
	if strings.TrimSpace(p.Name) != strings.TrimSpace(want.Name) {
		fields = append(fields, "/name")
	}
	if want.PaymentTerm != "" && p.Term != want.PaymentTerm {
		fields = append(fields, "/customer_payment_term")
	}
	for _, a := range want.Addresses {
		if p.find(a) == 0 {
			addresses = append(addresses, a)
		}
	}
	if len(addresses) > 0 {
		fields = append(fields, "/addresses")
	}
	for _, m := range want.Contacts {
		found := false
		for _, there := range p.Contacts {
			found = found || m.same(there)
		}
		if !found {
			contacts = append(contacts, m)
		}
	}
	if len(contacts) > 0 {
		fields = append(fields, "/contact_mechanisms")
	}
	return fields, addresses, contacts
}

func (p *partyRow) find(a address) id {
	for _, there := range p.Addresses {
		if a.same(there.address()) {
			return there.ID
		}
	}
	return 0
}

// values are the fields of a party; addresses and contacts are those to add.
func (r *run) partyValues(ctx context.Context, want partyDoc, addresses []address, contacts []mechanism) (map[string]any, *connectors.Error) {
	v := map[string]any{"name": want.Name}
	if want.PaymentTerm != "" {
		term, err := r.paymentTerm(ctx, want.PaymentTerm)
		if err != nil {
			return nil, err
		}
		v["customer_payment_term"] = int64(term)
	}
	var rows []any
	for _, a := range addresses {
		row, err := r.addressValues(ctx, a)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		v["addresses"] = create(rows)
	}
	rows = nil
	for _, m := range contacts {
		rows = append(rows, map[string]any{"type": m.Type, "value": m.Value})
	}
	if len(rows) > 0 {
		v["contact_mechanisms"] = create(rows)
	}
	return v, nil
}

func (r *run) addressValues(ctx context.Context, a address) (map[string]any, *connectors.Error) {
	v := map[string]any{"party_name": a.PartyName, "street": a.Street, "city": a.City, "postal_code": a.PostalCode}
	if a.Country != "" {
		country, err := r.country(ctx, a.Country)
		if err != nil {
			return nil, err
		}
		v["country"] = int64(country)
	}
	return v, nil
}

// upsertParty creates a party or writes what it lacks, and returns its id.
func (r *run) upsertParty(ctx context.Context, want partyDoc) (id, *connectors.Error) {
	there, err := r.readParty(ctx, want.Code)
	if err != nil {
		return 0, err
	}
	if there == nil {
		made, err := r.createParty(ctx, want)
		if err == nil || err.Kind != connectors.Invalid {
			return made, err
		}
		// party.code is unique: someone may have been faster.
		again, findErr := r.readParty(ctx, want.Code)
		switch {
		case findErr != nil:
			return 0, findErr // whether the refusal is about the document is not known yet
		case again == nil:
			return 0, err
		}
		there = again
	}
	fields, addresses, contacts := there.lacks(want)
	if len(fields) == 0 {
		return there.ID, nil
	}
	v, err := r.partyValues(ctx, want, addresses, contacts)
	if err != nil {
		return 0, err
	}
	return there.ID, r.call(ctx, nil, "model.party.party.write", ids(there.ID), v)
}

func (r *run) createParty(ctx context.Context, want partyDoc) (id, *connectors.Error) {
	v, err := r.partyValues(ctx, want, want.Addresses, want.Contacts)
	if err != nil {
		return 0, err
	}
	v["code"] = want.Code
	var made []id
	if err := r.call(ctx, &made, "model.party.party.create", []any{v}); err != nil {
		return 0, err
	}
	if len(made) != 1 {
		return 0, unreadable(nil, "party.party.create gave no id")
	}
	return made[0], nil
}

// addressOf finds an address of a party, or adds it. Without one the party's first is
// taken; 0 when it has none.
func (r *run) addressOf(ctx context.Context, party id, want *address) (id, *connectors.Error) {
	rows, err := r.addresses(ctx, party)
	if err != nil {
		return 0, err
	}
	if want == nil {
		if len(rows) == 0 {
			return 0, nil
		}
		return rows[0].ID, nil
	}
	if found := (&partyRow{Addresses: rows}).find(*want); found != 0 {
		return found, nil
	}
	v, err := r.addressValues(ctx, *want)
	if err != nil {
		return 0, err
	}
	v["party"] = int64(party)
	var made []id
	if err := r.call(ctx, &made, "model.party.address.create", []any{v}); err != nil {
		return 0, err
	}
	if len(made) != 1 {
		return 0, unreadable(nil, "party.address.create gave no id")
	}
	return made[0], nil
}
