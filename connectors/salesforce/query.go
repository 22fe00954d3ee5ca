package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var _ connectors.Querier = (*conn)(nil)

// pageSize keeps the query for the lines of a page short.
const pageSize = 100

// place is how far a list has come: everything before At, and of the records of At
// itself, which may be more than a page after a bulk change, those up to ID. With ID
// empty, all of At.
type place struct {
	At time.Time `json:"at"`
	ID string    `json:"id,omitempty"`
}

// List pages by (SystemModstamp, Id) and not by the vendor's query locators, of which
// a user may hold ten and which end by themselves.
func (c *conn) List(ctx context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	object, key, err := c.objectOf(name)
	if err != nil {
		return connectors.Listed{}, err
	}
	from := place{}
	if cursor != "" {
		if codec.Unmarshal([]byte(cursor), &from) != nil || from.At.IsZero() || from.ID != "" && !recordID(from.ID) {
			return connectors.Listed{}, &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "salesforce.cursor", Text: "the cursor is not one of this connector"}
		}
	}
	where := "SystemModstamp >= " + instant(w.From)
	switch {
	case from.ID != "":
		where = "SystemModstamp = " + instant(from.At) + " AND Id > " + quote(from.ID)
	case cursor != "":
		where = "SystemModstamp > " + instant(from.At)
	}
	r := c.run()
	found, p := r.query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s AND SystemModstamp < %s ORDER BY SystemModstamp,Id LIMIT %d",
		strings.Join(c.summaryColumns(name, key), ","), object, where, instant(w.To), pageSize))
	if p != nil {
		return connectors.Listed{}, p.err
	}
	rows, serr := r.summaries(ctx, name, key, found)
	if serr != nil {
		return connectors.Listed{}, serr
	}
	out := connectors.Listed{Rows: rows}
	next := place{At: from.At}
	switch {
	case len(found) == pageSize:
		last := found[len(found)-1]
		next.At, _ = moment(last["SystemModstamp"])
		next.ID, _ = last["Id"].(string)
	case from.ID == "":
		return out, nil
	}
	b, merr := json.Marshal(next)
	if merr != nil {
		return connectors.Listed{}, fmt.Errorf("writing the cursor: %w", merr)
	}
	out.Cursor, out.More = string(b), true
	return out, nil
}

// Get reads the records of external ids.
func (c *conn) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	object, key, err := c.objectOf(name)
	if err != nil {
		return nil, err
	}
	r := c.run()
	found, p := r.byKeys(ctx, object, key, keys, c.summaryColumns(name, key))
	if p != nil {
		return nil, p.err
	}
	rows, serr := r.summaries(ctx, name, key, found)
	if serr != nil {
		return nil, serr
	}
	return rows, nil
}

// Summarize reads a document as Salesforce would hold it.
func (c *conn) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	switch name {
	case opContact:
		m, err := c.readContact(document)
		if err != nil {
			return connectors.Summary{}, err
		}
		return connectors.Summary{Key: m.key, Lines: -1, Store: c.store}, nil
	case opTransaction:
		t, err := c.readTransaction(document)
		if err != nil {
			return connectors.Summary{}, err
		}
		s := connectors.Summary{Key: t.key, Status: c.classes[t.status], Store: c.store}
		if c.headerFields["Status"] == "" {
			s.Status = ""
		}
		for _, l := range t.lines {
			if !l.gone() {
				s.Lines++
			}
		}
		if c.headerFields["Currency"] == "" {
			t.currency = ""
		}
		c.setAmount(&s, t.amount, t.currency)
		return s, nil
	}
	return connectors.Summary{}, unknownName(name)
}

func (c *conn) objectOf(name string) (object, key string, err error) {
	switch name {
	case opContact:
		return c.contact, c.contactKey, nil
	case opTransaction:
		return c.header, c.headerKey, nil
	}
	return "", "", unknownName(name)
}

func (c *conn) summaryColumns(name, key string) []string {
	out := []string{"Id", key, "SystemModstamp"}
	if name == opTransaction {
		for _, plain := range []string{"Status", "Amount", "Currency"} {
			if f := c.headerFields[plain]; f != "" {
				out = append(out, f)
			}
		}
	}
	return out
}

// summaries leaves out records without an external id: they are not the hub's.
func (r *run) summaries(ctx context.Context, name, key string, found []record) ([]connectors.Summary, error) {
	out := make([]connectors.Summary, 0, len(found))
	var keys []string
	for _, rec := range found {
		s := connectors.Summary{Lines: -1, Store: r.store}
		id, _ := rec["Id"].(string)
		var ok bool
		if s.Modified, ok = moment(rec["SystemModstamp"]); !ok || !recordID(id) {
			return nil, &connectors.Error{Kind: connectors.Unreadable, Scope: call, Code: "salesforce.unreadable", Text: "a record has no Id or no SystemModstamp"}
		}
		if s.Key, _ = rec[key].(string); s.Key == "" {
			continue
		}
		s.At = s.Modified
		s.RemoteIDs = []connectors.RemoteID{{Kind: strings.TrimSuffix(name, ".push"), Value: id}}
		if name == opTransaction {
			if status, isText := rec[r.headerFields["Status"]].(string); isText {
				s.Status = r.classes[status]
			}
			currency, _ := rec[r.headerFields["Currency"]].(string)
			r.setAmount(&s, rec[r.headerFields["Amount"]], currency)
			keys = append(keys, s.Key)
		}
		out = append(out, s)
	}
	if len(keys) == 0 {
		return out, nil
	}
	there, p := r.linesOf(ctx, keys, r.lineFields["Quantity"])
	if p != nil {
		return nil, p.err
	}
	for i := range out {
		out[i].Lines = 0
		for _, l := range there[fold(out[i].Key)] {
			if !zero(l[r.lineFields["Quantity"]]) {
				out[i].Lines++
			}
		}
	}
	return out, nil
}

// setAmount sets amount and currency, or neither when the amount cannot be compared.
func (c *conn) setAmount(s *connectors.Summary, amount any, currency string) {
	if currency == "" {
		currency = c.currency
	}
	if n, ok := minor(amount, currency); ok {
		s.Amount, s.Currency = n, currency
	}
}

// recordID tells a record id: 15 or 18 letters and digits.
func recordID(s string) bool {
	if len(s) != 15 && len(s) != 18 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
