package sqldb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

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

type listedStream struct{ st *stream }

func (l listedStream) list() *listing { return l.st.list }
func (l listedStream) keys() []string { return l.st.key }
func (l listedStream) columnsOf(ctx context.Context, s *session) ([]column, error) {
	return l.st.columnsOf(ctx, s)
}

func (l listedStream) summarize(doc any) connectors.Summary {
	lines := -1
	if v, ok := find(doc, []string{l.st.list.lines}); ok {
		if list, ok := v.([]any); ok {
			lines = len(list)
		}
	}
	return l.st.list.summary(func(column string) (string, bool) {
		v, _ := find(doc, []string{column})
		return scalar(v)
	}, lines)
}

func (l listedStream) rows(ctx context.Context, s *session, have []column, order []string, rest func(*query)) ([]listed, error) {
	rows, err := l.st.read.rows(ctx, s, append(l.st.needs(l.st.list.time.column), order...), rest)
	if err != nil {
		return nil, err
	}
	return l.listed(s, have, order, rows), nil
}

func (l listedStream) byKeys(ctx context.Context, s *session, have []column, keys []string) ([]listed, error) {
	rows, err := l.st.byKeys(ctx, s, have, keys, l.st.needs(l.st.list.time.column))
	if err != nil {
		return nil, err
	}
	return l.listed(s, have, nil, rows), nil
}

func (l listedStream) listed(s *session, have []column, order []string, rows []row) []listed {
	var out []listed
	for _, r := range rows {
		if st := l.st; st.deleted != nil && st.deleted.has(r.cells[st.deleted.column]) {
			continue
		}
		n := listed{Summary: l.summarize(r.tree)}
		parts := make([]string, len(l.st.key))
		for i, k := range l.st.key {
			parts[i] = keyText(s.c.driver, have[indexOf(have, k)], r.cells[k])
		}
		n.Key = joinKey(parts)
		n.At = l.st.list.time.read(have, r.cells[l.st.list.time.column], s.c.zone)
		for _, name := range order {
			n.at = append(n.at, keyText(s.c.driver, have[indexOf(have, name)], r.cells[name]))
		}
		out = append(out, n)
	}
	return out
}

// read is edge backwards.
func (w *window) read(have []column, v cell, zone *time.Location) time.Time {
	if w.zone != nil {
		zone = w.zone
	}
	if w.unit != "time" {
		n, err := strconv.ParseInt(string(v), 10, 64)
		switch {
		case err != nil:
			return time.Time{}
		case w.unit == "unix_ms":
			return time.UnixMilli(n)
		default:
			return time.Unix(n, 0)
		}
	}
	if c := have[indexOf(have, w.column)]; c.class == classInstant {
		zone = time.UTC
	}
	t, _ := readTime(string(v), zone)
	return t
}

type listedOperation struct{ op *operation }

func (l listedOperation) list() *listing { return l.op.list }
func (l listedOperation) keys() []string { return names(l.op.top.key) }
func (l listedOperation) columnsOf(ctx context.Context, s *session) ([]column, error) {
	have, err := l.op.top.columnsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	return have, must("table "+l.op.top.table, have, append(l.op.list.columns(), l.keys()...)...)
}

func (l listedOperation) summarize(doc any) connectors.Summary {
	lines := -1
	for _, ch := range l.op.top.children {
		if ch.name == l.op.list.lines {
			list, err := ch.elements(doc)
			if err == nil {
				lines = len(list)
			}
		}
	}
	return l.op.list.summary(func(column string) (string, bool) {
		f := l.op.top.feedOf(column)
		switch {
		case f == nil || f.key:
			return "", false
		case f.fixed:
			return f.value, true
		}
		v, _ := find(doc, f.pointer)
		return scalar(v)
	}, lines)
}

// keyColumn is the column that holds the remote key.
func (l listedOperation) keyColumn() string {
	for _, f := range l.op.top.key {
		if f.key {
			return f.column
		}
	}
	return ""
}

func (l listedOperation) rows(ctx context.Context, s *session, have []column, order []string, rest func(*query)) ([]listed, error) {
	w := l.op.top
	columns := append(append(l.keys(), l.op.list.columns()...), order...)
	var child *writing
	for _, ch := range w.children {
		if ch.name == l.op.list.lines {
			child = ch
			for _, j := range ch.on {
				columns = append(columns, j.parent)
			}
		}
	}
	columns = slices.DeleteFunc(unique(columns), func(c string) bool { return c == "" })
	q := newQuery(s.c.driver, "SELECT ").list(columns).raw(" FROM ").table(w.table)
	rest(q)
	g, err := s.query(ctx, q)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	if child != nil {
		if counts, err = l.count(ctx, s, child, have, columns, g.rows); err != nil {
			return nil, err
		}
	}
	out := make([]listed, len(g.rows))
	for i, r := range g.rows {
		at := func(name string) cell { return r[slices.Index(columns, name)] }
		lines := -1
		if child != nil {
			lines = counts[l.parent(s, child, have, columns, r)]
		}
		n := listed{Summary: l.op.list.summary(func(column string) (string, bool) {
			if column == "" {
				return "", false
			}
			return string(at(column)), at(column) != nil
		}, lines)}
		n.Key = string(at(l.keyColumn()))
		n.At = l.op.list.time.read(have, at(l.op.list.time.column), s.c.zone)
		for _, name := range order {
			n.at = append(n.at, keyText(s.c.driver, have[indexOf(have, name)], at(name)))
		}
		out[i] = n
	}
	return out, nil
}

func (l listedOperation) parent(s *session, child *writing, have []column, columns []string, r []cell) string {
	parts := make([]string, len(child.on))
	for i, j := range child.on {
		parts[i] = keyText(s.c.driver, have[indexOf(have, j.parent)], r[slices.Index(columns, j.parent)])
	}
	return joinKey(parts)
}

// count counts the child rows of a page.
func (l listedOperation) count(ctx context.Context, s *session, child *writing, have []column, columns []string, rows [][]cell) (map[string]int, error) {
	below, err := child.columnsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	var on []string
	for _, j := range child.on {
		on = append(on, j.child)
	}
	out := map[string]int{}
	for part := range slices.Chunk(rows, keysAtOnce) {
		var asked [][]bound
		for _, r := range part {
			list := make([]bound, len(child.on))
			for i, j := range child.on {
				c := have[indexOf(have, j.parent)]
				list[i] = boundOf(c, keyText(s.c.driver, c, r[slices.Index(columns, j.parent)]))
			}
			asked = append(asked, list)
		}
		q := newQuery(s.c.driver, "SELECT COUNT(*), ").list(on).raw(" FROM ").table(child.table).raw(" WHERE ").in(on, asked).raw(" GROUP BY ").list(on)
		g, err := s.query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range g.rows {
			parts := make([]string, len(on))
			for i, name := range on {
				parts[i] = keyText(s.c.driver, below[indexOf(below, name)], r[i+1])
			}
			n, err := strconv.Atoi(string(r[0]))
			if err != nil {
				return nil, err
			}
			out[joinKey(parts)] = n
		}
	}
	return out, nil
}

func (l listedOperation) byKeys(ctx context.Context, s *session, have []column, keys []string) ([]listed, error) {
	var out []listed
	column := have[indexOf(have, l.keyColumn())]
	for part := range slices.Chunk(keys, keysAtOnce) {
		var asked [][]bound
		for _, k := range part {
			if fits(column, k) {
				asked = append(asked, []bound{boundOf(column, k)})
			}
		}
		if len(asked) == 0 {
			continue
		}
		rows, err := l.rows(ctx, s, have, nil, func(q *query) { q.raw(" WHERE ").in([]string{l.keyColumn()}, asked) })
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}
