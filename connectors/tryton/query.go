package tryton

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/iso4217"
)

var _ connectors.Querier = (*conn)(nil)

// page is how many rows one List asks for.
const page = 100

// List pages through what changed within w, by id: a row that changes meanwhile moves no
// other. The cursor is the last id.
func (c *conn) List(ctx context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	after, err := strconv.ParseInt(or(cursor, "0"), 10, 64)
	if err != nil {
		return connectors.Listed{}, &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "tryton.cursor",
			Text: "the stored position is no id", Hint: "begin the window again with an empty cursor"}
	}
	// write_date is null until the first write.
	from, to := asMoment(w.From), asMoment(w.To)
	changed := []any{"OR",
		domain(is("write_date", ">=", from), is("write_date", "<", to)),
		domain(is("write_date", "=", nil), is("create_date", ">=", from), is("create_date", "<", to))}
	where := append(domain(is("id", ">", after)), any(changed))
	switch name {
	case opSale:
		return c.listSales(ctx, append(where, any(is("reference", "!=", nil))))
	case opParty:
		return c.listParties(ctx, append(where, any(is("code", "!=", nil))))
	}
	return connectors.Listed{}, unknownName("list", name)
}

func (c *conn) listSales(ctx context.Context, where []any) (connectors.Listed, error) {
	rows, err := c.run().sales(ctx, where, page)
	if err != nil {
		return connectors.Listed{}, err
	}
	var out connectors.Listed
	for i := range rows {
		out.Cursor = rows[i].ID.String()
		if rows[i].returned() || strings.TrimSpace(rows[i].Reference) == "" {
			continue
		}
		s, err := c.summary(&rows[i])
		if err != nil {
			return connectors.Listed{}, err
		}
		out.Rows = append(out.Rows, s)
	}
	out.More = len(rows) == page
	return out, nil
}

// listedParty is a party as a list shows it.
type listedParty struct {
	ID      id     `json:"id"`
	Code    string `json:"code"`
	Created moment `json:"create_date"`
	Written moment `json:"write_date"`
}

func (p listedParty) summary(store string) connectors.Summary {
	at := p.Written.Time
	if at.IsZero() {
		at = p.Created.Time
	}
	return connectors.Summary{Key: p.Code, RemoteIDs: []connectors.RemoteID{{Kind: "party", Value: p.ID.String()}},
		Lines: -1, Store: store, At: at, Modified: at}
}

func (c *conn) parties(ctx context.Context, where []any, limit any) ([]listedParty, *connectors.Error) {
	var rows []listedParty
	err := c.run().call(ctx, &rows, "model.party.party.search_read", where, 0, limit, order, names("code", "create_date", "write_date"))
	return rows, err
}

func (c *conn) listParties(ctx context.Context, where []any) (connectors.Listed, error) {
	rows, err := c.parties(ctx, where, page)
	if err != nil {
		return connectors.Listed{}, err
	}
	out := connectors.Listed{More: len(rows) == page}
	for _, p := range rows {
		out.Cursor = p.ID.String()
		out.Rows = append(out.Rows, p.summary(c.store))
	}
	return out, nil
}

// Get finds sales by reference and parties by code.
func (c *conn) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	if name != opSale && name != opParty {
		return nil, unknownName("list", name)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	var out []connectors.Summary
	if name == opParty {
		rows, err := c.parties(ctx, domain(is("code", "in", names(keys...))), nil)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			out = append(out, p.summary(c.store))
		}
		return out, nil
	}
	rows, err := c.run().sales(ctx, domain(is("reference", "in", names(keys...))), nil)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].returned() {
			continue
		}
		s, err := c.summary(&rows[i])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// summary of a sale. A draft is open like a confirmed one: what it lacks shows in its
// delivery, which is parked.
func (c *conn) summary(s *saleRow) (connectors.Summary, error) {
	out := connectors.Summary{Key: s.Reference, RemoteIDs: s.names(), Status: "open", Store: c.store, At: s.modified(), Modified: s.modified()}
	switch {
	case s.dead():
		out.Status = "cancelled"
	case s.State == finished:
		out.Status = "closed"
	}
	for _, l := range s.Lines {
		if l.Type == "line" {
			out.Lines++
		}
	}
	if s.Currency == nil {
		return out, unreadable(nil, "a sale has no currency")
	}
	out.Currency = s.Currency.Code
	var err error
	if out.Amount, err = minor(s.Total.Decimal, out.Currency); err != nil {
		return out, err
	}
	return out, nil
}

// Summarize reads a document of sale.push or party.push as Tryton would hold it.
func (c *conn) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	switch name {
	case opParty:
		var p partyDoc
		if err := decode(document, "vendors/tryton/party.push", &p); err != nil {
			return connectors.Summary{}, err
		}
		return connectors.Summary{Key: p.Code, Lines: -1, Store: c.store}, nil
	case opSale:
		var s saleDoc
		if err := decode(document, "vendors/tryton/sale.push", &s); err != nil {
			return connectors.Summary{}, err
		}
		return c.summarizeSale(s)
	}
	return connectors.Summary{}, noSummary(name)
}

func (c *conn) summarizeSale(s saleDoc) (connectors.Summary, error) {
	out := connectors.Summary{Key: s.Reference, Status: "open", Currency: s.Currency, Store: c.store}
	for _, l := range s.Lines {
		if l.goods() {
			out.Lines++
		}
	}
	d, err := decimal.NewFromString(s.ExpectedTotal)
	if err != nil {
		return out, refuse("document", "expected_total %q is not an amount", s.ExpectedTotal)
	}
	if out.Amount, err = minor(d, s.Currency); err != nil {
		return out, err
	}
	return out, nil
}

// minor turns an amount into minor units (ISO 4217). An amount with more decimals than
// its currency has is refused, not rounded.
func minor(d decimal.Decimal, currency string) (int64, error) {
	shifted := d.Shift(int32(iso4217.Digits(currency)))
	if !shifted.IsInteger() || shifted.Abs().GreaterThan(decimal.NewFromInt(1e18)) {
		return 0, refuse("amount", "%s is not an amount of %s", d.String(), currency)
	}
	return shifted.IntPart(), nil
}

func noSummary(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "tryton.summary", Text: "there is no summary of " + name}
}
