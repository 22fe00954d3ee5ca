package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/schemas/codec"
)

// held is what the tables hold under a key.
type held struct {
	there    bool
	row      map[string]cell
	children [][]map[string]cell // by child table
}

// load reads what is under a key; lock keeps others from changing it meanwhile.
func (op *operation) load(ctx context.Context, s *session, top line, lock bool, have func(*writing) []column) (*held, error) {
	w := op.top
	columns := append(w.keyNames(), names(w.columns)...)
	columns = append(append(columns, op.returns...), op.version)
	if op.onlyIf != nil {
		columns = append(columns, op.onlyIf.column)
	}
	for _, ch := range w.children {
		for _, j := range ch.on {
			columns = append(columns, j.parent)
		}
	}
	rows, err := w.read(ctx, s, columns, names(w.key), values(top, names(w.key)), lock)
	if err != nil {
		return nil, err
	}
	if len(rows) > 1 {
		return nil, ofOperation("sql.several", fmt.Sprintf("table %s has %d rows under one key", w.table, len(rows)), "the columns of `key` must be unique in the table")
	}
	h := &held{}
	if len(rows) == 0 {
		return h, nil
	}
	h.there, h.row = true, rows[0]
	for _, ch := range w.children {
		var on []string
		var parent []bound
		for _, j := range ch.on {
			on = append(on, j.child)
			b := boundOf(have(w)[indexOf(have(w), j.parent)], keyText(s.c.driver, have(w)[indexOf(have(w), j.parent)], h.row[j.parent]))
			b.null = h.row[j.parent] == nil
			parent = append(parent, rebound(b, have(ch), j.child))
		}
		rows, err := ch.read(ctx, s, append(ch.keyNames(), names(ch.columns)...), on, parent, lock)
		if err != nil {
			return nil, err
		}
		h.children = append(h.children, rows)
	}
	return h, nil
}

func values(l line, columns []string) []bound {
	out := make([]bound, len(columns))
	for i, c := range columns {
		out[i] = l[c]
	}
	return out
}

// read selects rows of one table as they are.
func (w *writing) read(ctx context.Context, s *session, columns, where []string, is []bound, lock bool) ([]map[string]cell, error) {
	columns = unique(columns)
	columns = slices.DeleteFunc(columns, func(c string) bool { return c == "" })
	q := newQuery(s.c.driver, "SELECT ")
	for i, c := range columns {
		if i > 0 {
			q.raw(", ")
		}
		if f := w.feedOf(c); f != nil && s.c.driver == driverMySQL && f.coded(s) {
			q.raw("CAST(").name(c).raw(" AS BINARY)")
			continue
		}
		q.name(c)
	}
	q.raw(" FROM ").table(w.table).raw(" WHERE ").equal(where, is)
	if lock {
		q.raw(" FOR UPDATE")
	}
	g, err := s.query(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]cell, len(g.rows))
	for i, r := range g.rows {
		out[i] = map[string]cell{}
		for j, c := range columns {
			out[i][c] = r[j]
		}
	}
	return out, nil
}

func (w *writing) feedOf(column string) *feed {
	for _, list := range [][]feed{w.key, w.columns} {
		for i := range list {
			if list[i].column == column {
				return &list[i]
			}
		}
	}
	return nil
}

// coded says that a text column is written and read as bytes of a charset.
func (f *feed) coded(s *session) bool {
	return f.charset != "" || s.c.charset != "" && s.c.charset != "utf-8"
}

// differences names the columns and child rows in which the tables are not as wanted.
func (op *operation) differences(s *session, top line, children []lines, h *held, have func(*writing) []column) []string {
	out := op.top.differ(s, names(op.top.columns), top, h.row, have(op.top), "")
	for i, l := range children {
		at := l.of.byKey(s, h.children[i], have(l.of))
		for j, row := range l.list {
			label := fmt.Sprintf("%s/%d", l.of.name, j)
			r, ok := at[l.keys[j]]
			if !ok {
				out = append(out, label)
				continue
			}
			out = append(out, l.of.differ(s, names(l.of.columns), row, r, have(l.of), label+"/")...)
		}
		if len(h.children[i]) > len(l.list) {
			out = append(out, l.of.name)
		}
	}
	return out
}

// byKey finds child rows by the key of their line.
func (w *writing) byKey(s *session, rows []map[string]cell, have []column) map[string]map[string]cell {
	out := map[string]map[string]cell{}
	for _, r := range rows {
		out[w.cellKey(s, r, have)] = r
	}
	return out
}

func (w *writing) cellKey(s *session, r map[string]cell, have []column) string {
	l := line{}
	for _, f := range w.key {
		c := have[indexOf(have, f.column)]
		v := r[f.column]
		text := string(v)
		if c.class == classBytes {
			text = string(rawBytes(s.c.driver, v))
		}
		l[f.column] = bound{text: text, class: c.class}
	}
	return l.key(names(w.key))
}

func (w *writing) differ(s *session, columns []string, want line, is map[string]cell, have []column, label string) []string {
	var out []string
	for _, name := range columns {
		c := have[indexOf(have, name)]
		b, v := want[name], is[name]
		if b.null || v == nil {
			if b.null != (v == nil) {
				out = append(out, label+name)
			}
			continue
		}
		text := string(v)
		switch c.class {
		case classBytes:
			text = string(rawBytes(s.c.driver, v))
		case classBit:
			text = bits(v)
		}
		if canon(c, text) != canon(c, b.text) {
			out = append(out, label+name)
		}
	}
	return out
}

// canon spells a value of a class in one way only, so that equal values are equal text.
func canon(c column, text string) string {
	switch c.class {
	case classInt, classDecimal, classBit:
		if d, err := decimal.NewFromString(text); err == nil {
			return d.String()
		}
	case classFloat32:
		if f, err := strconv.ParseFloat(text, 32); err == nil {
			return strconv.FormatFloat(f, 'g', -1, 32)
		}
	case classFloat64:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	case classBool:
		return strings.TrimSuffix(strings.TrimSuffix(text, "rue"), "alse")
	case classLocal, classTime, classInstant:
		text = strings.TrimSuffix(text, "+00")
		if strings.Contains(text, ".") {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
	case classChar:
		return strings.TrimRight(text, " ")
	case classJSON:
		if v, err := codec.Decode([]byte(text)); err == nil {
			if raw, err := codec.Encode(v); err == nil {
				return string(raw)
			}
		}
	case classUUID:
		return strings.ToLower(text)
	}
	return text
}
