package sqldb

import (
	"context"
	"slices"
	"strconv"

	"github.com/minihub/minihub/connectors"
)

// listedOperation lists what an operation has written.
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
