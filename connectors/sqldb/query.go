package sqldb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// listing tells reconciliation where the facts of a row stand.
type listing struct {
	time     *window // the column that windows select by
	by       string
	status   string
	statuses map[string]string // value -> open, cancelled, closed
	amount   string
	currency string // a code, or with currencyColumn a column
	inColumn bool
	digits   int32
	lines    string // child rows to count
	store    string
}

func (l *listing) columns() []string {
	out := []string{l.time.column, l.status, l.amount, l.store}
	if l.inColumn {
		out = append(out, l.currency)
	}
	return out
}

// summary reads the facts; get gives a column's text, lines the number of child rows.
func (l *listing) summary(get func(column string) (string, bool), lines int) connectors.Summary {
	s := connectors.Summary{Lines: -1}
	if l.lines != "" {
		s.Lines = lines
	}
	if v, ok := get(l.status); ok {
		s.Status = l.statuses[v]
	}
	if l.store != "" {
		s.Store, _ = get(l.store)
	}
	if v, ok := get(l.amount); ok {
		if d, err := decimal.NewFromString(v); err == nil && len(v) < 40 {
			if minor := d.Shift(l.digits); minor.IsInteger() && minor.BigInt().IsInt64() {
				s.Amount = minor.IntPart()
				s.Currency = l.currency
				if l.inColumn {
					s.Currency, _ = get(l.currency)
				}
			}
		}
	}
	return s
}

// scalar is a value of a document as a column would spell it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return map[bool]string{true: "1", false: "0"}[v], true
	default:
		return "", false
	}
}

// List implements connectors.Querier.
func (c *conn) List(ctx context.Context, name string, w connectors.Window, cur string) (connectors.Listed, error) {
	l, err := c.lister(name)
	if err != nil {
		return connectors.Listed{}, err
	}
	var at []string
	if cur != "" {
		if err := json.Unmarshal([]byte(cur), &at); err != nil {
			return connectors.Listed{}, ofOperation("sql.cursor", "the position cannot be read", "")
		}
	}
	var out connectors.Listed
	_, err = c.transaction(ctx, true, func(s *session) error {
		have, err := l.columnsOf(ctx, s)
		if err != nil {
			return err
		}
		tw := l.list().time
		if err := tw.check("list", have, tw.column); err != nil {
			return err
		}
		order := unique(append([]string{tw.column}, l.keys()...))
		position := make([]bound, len(at))
		for i := range at {
			if i < len(order) {
				position[i] = boundOf(have[indexOf(have, order[i])], at[i])
			}
		}
		timeOf := have[indexOf(have, tw.column)]
		rows, err := l.rows(ctx, s, have, order, func(q *query) {
			q.raw(" WHERE ").col(tw.column).raw(" >= ").bind(tw.edge(timeOf, w.From, c.zone, false), true)
			q.raw(" AND ").col(tw.column).raw(" < ").bind(tw.edge(timeOf, w.To, c.zone, true), true)
			if len(at) == len(order) {
				q.raw(" AND ").after(order, position, true)
			}
			q.raw(" ORDER BY ").cols(order).raw(fmt.Sprintf(" LIMIT %d", listPage+1))
		})
		if err != nil {
			return err
		}
		if len(rows) > listPage {
			rows, out.More = rows[:listPage], true
		}
		for _, r := range rows {
			out.Rows = append(out.Rows, r.Summary)
			at = r.at
		}
		return nil
	})
	if err != nil {
		return connectors.Listed{}, c.readFault(err)
	}
	next, err := json.Marshal(at)
	if err != nil {
		return connectors.Listed{}, ofOperation("sql.cursor", "the position cannot be written", "")
	}
	out.Cursor = string(next)
	return out, nil
}

// listPage is how many rows reconciliation reads at once.
const listPage = 500

// Get implements connectors.Querier.
func (c *conn) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	l, err := c.lister(name)
	if err != nil {
		return nil, err
	}
	var out []connectors.Summary
	_, err = c.transaction(ctx, true, func(s *session) error {
		have, err := l.columnsOf(ctx, s)
		if err != nil {
			return err
		}
		rows, err := l.byKeys(ctx, s, have, keys)
		for _, r := range rows {
			if slices.Contains(keys, r.Key) {
				out = append(out, r.Summary)
			}
		}
		return err
	})
	if err != nil {
		return nil, c.readFault(err)
	}
	return out, nil
}

// Summarize implements connectors.Querier.
func (c *conn) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	l, err := c.lister(name)
	if err != nil {
		return connectors.Summary{}, err
	}
	doc, err := codec.Decode(document)
	if err != nil {
		return connectors.Summary{}, ofDocument(connectors.Invalid, "sql.document", "the document is no JSON: "+err.Error(), "")
	}
	return l.summarize(doc), nil
}

// listed is a row with its position.
type listed struct {
	connectors.Summary
	at []string
}

// lister is a stream or an operation that can be listed.
type lister interface {
	list() *listing
	keys() []string
	columnsOf(ctx context.Context, s *session) ([]column, error)
	rows(ctx context.Context, s *session, have []column, order []string, rest func(*query)) ([]listed, error)
	byKeys(ctx context.Context, s *session, have []column, keys []string) ([]listed, error)
	summarize(doc any) connectors.Summary
}

func (c *conn) lister(name string) (lister, error) {
	if st, ok := c.streams[name]; ok && st.list != nil {
		return listedStream{st}, nil
	}
	if op, ok := c.operation[name]; ok && op.list != nil {
		return listedOperation{op}, nil
	}
	return nil, &connectors.Error{Kind: connectors.Forbidden, Scope: connectors.OfOperation, Code: "sql.no_list", Text: fmt.Sprintf("%q has no `list` in the description", name)}
}
