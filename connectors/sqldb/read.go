package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// row is one row of a table on its way into a document.
type row struct {
	tree  map[string]any
	cells map[string]cell // by column, as the database wrote them, for those that were asked
}

// rows reads rows of a table with all that is nested in them. Besides what the document
// shows, the cells of the columns in keep are kept as they are.
func (n *nesting) rows(ctx context.Context, s *session, keep []string, rest func(q *query)) ([]row, error) {
	have, err := n.columnsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, ch := range n.children {
		for _, j := range ch.on {
			keep = append(keep, j.parent)
		}
	}
	keep = slices.DeleteFunc(unique(keep), func(k string) bool { return k == "" })
	if err := must(n.where, have, keep...); err != nil {
		return nil, err
	}
	q := newQuery(s.c.driver, "SELECT ")
	q.alias = "q."
	var shown []column
	var how []reading
	for _, c := range have {
		if n.omit[c.name] {
			continue
		}
		r := n.readings[c.name]
		text := c.class == classText || c.class == classChar
		switch {
		case text && r.charset == "":
			r.charset = s.c.charset
		case !text && c.class != classBytes:
			r.charset = "" // a number has none
		}
		if len(shown) > 0 {
			q.raw(", ")
		}
		raw := text && r.charset != ""
		switch {
		case raw && s.c.driver == driverMySQL:
			q.raw("CAST(q.").name(c.name).raw(" AS BINARY)")
		case raw:
			q.raw("convert_to(q.").name(c.name).raw("::text, current_setting('server_encoding')::name)")
		default:
			q.raw("q.").name(c.name)
		}
		shown, how = append(shown, c), append(how, r)
	}
	for i, k := range keep {
		if len(shown) > 0 || i > 0 {
			q.raw(", ")
		}
		q.raw("q.").name(k)
	}
	q.raw(" FROM ", n.from)
	rest(q)
	g, err := s.query(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]row, len(g.rows))
	for i, cells := range g.rows {
		out[i] = row{tree: make(map[string]any, len(shown)), cells: make(map[string]cell, len(keep))}
		for j, c := range shown {
			v := cells[j]
			if v != nil && (c.class == classBytes || how[j].charset != "") {
				v = rawBytes(s.c.driver, v)
			}
			out[i].tree[c.name] = how[j].value(c, v, s.c.zone)
		}
		for j, k := range keep {
			out[i].cells[k] = cells[len(shown)+j]
		}
	}
	for _, ch := range n.children {
		if err := ch.attach(ctx, s, have, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keysAtOnce bounds the values of one IN list.
const keysAtOnce = 500

// attach reads the child rows of all parents with few queries and hangs them in.
func (n *nesting) attach(ctx context.Context, s *session, parents []column, rows []row) error {
	below, err := n.columnsOf(ctx, s)
	if err != nil {
		return err
	}
	names := make([]string, len(n.on))
	for i, j := range n.on {
		names[i] = j.child
	}
	var asked []string
	values := map[string][]bound{}
	of := make([]string, len(rows))
	for i, r := range rows {
		parts, list := make([]string, len(n.on)), make([]bound, len(n.on))
		null := false
		for k, j := range n.on {
			c := parents[indexOf(parents, j.parent)]
			v := r.cells[j.parent]
			null = null || v == nil
			parts[k] = keyText(s.c.driver, c, v)
			list[k] = boundOf(c, parts[k])
		}
		if null {
			continue // NULL refers to nothing
		}
		of[i] = joinKey(parts)
		if _, ok := values[of[i]]; !ok {
			asked = append(asked, of[i])
		}
		values[of[i]] = list
	}
	found := map[string][]any{}
	for part := range slices.Chunk(asked, keysAtOnce) {
		bounds := make([][]bound, len(part))
		for i, k := range part {
			bounds[i] = values[k]
		}
		list, err := n.rows(ctx, s, slices.Clone(names), func(q *query) {
			q.raw(" WHERE ").in(names, bounds).raw(" ORDER BY ").cols(unique(append(slices.Clone(names), n.order...)))
		})
		if err != nil {
			return err
		}
		for _, r := range list {
			parts := make([]string, len(names))
			for k, name := range names {
				parts[k] = keyText(s.c.driver, below[indexOf(below, name)], r.cells[name])
			}
			k := joinKey(parts)
			found[k] = append(found[k], r.tree)
		}
	}
	for i, r := range rows {
		list := found[of[i]]
		if of[i] == "" {
			list = nil
		}
		switch {
		case !n.single && list == nil:
			r.tree[n.name] = []any{}
		case !n.single:
			r.tree[n.name] = list
		case len(list) > 1:
			return ofOperation("sql.several", fmt.Sprintf("%s: a row has %d rows of %s, and the description says one (single)", n.where, len(list), n.name), "take `single` out, or order and narrow it in a SELECT")
		case len(list) == 1:
			r.tree[n.name] = list[0]
		default:
			r.tree[n.name] = nil
		}
	}
	return nil
}

// needs lists the columns whose cells make an item.
func (st *stream) needs(more ...string) []string {
	out := append(slices.Clone(st.key), st.root, st.version)
	if st.deleted != nil {
		out = append(out, st.deleted.column)
	}
	if st.final != nil {
		out = append(out, st.final.column)
	}
	return append(out, more...)
}

// item makes an item of a row.
func (st *stream) item(s *session, have []column, r row) (connectors.Item, error) {
	at := func(name string) column { return have[indexOf(have, name)] }
	parts := make([]string, len(st.key))
	for i, k := range st.key {
		if r.cells[k] == nil {
			return connectors.Item{}, ofOperation("sql.null_key", fmt.Sprintf("%s: a row has NULL in its key column %q", st.read.where, k), "choose columns that are never NULL as `key`, or leave such rows out with a SELECT")
		}
		parts[i] = keyText(s.c.driver, at(k), r.cells[k])
	}
	it := connectors.Item{Stream: st.name, Key: joinKey(parts)}
	if st.root != "" && r.cells[st.root] != nil {
		it.Root = keyText(s.c.driver, at(st.root), r.cells[st.root])
	}
	if st.version != "" {
		v, err := versionOf(at(st.version), r.cells[st.version], st.zone(s))
		if err != nil {
			return it, ofOperation("sql.version", fmt.Sprintf("%s: %q: %v", st.read.where, st.version, err), "`version` wants a whole number or a date and time")
		}
		it.Version = v
	}
	finish(&it, st, r)
	if st.deleted != nil && st.deleted.has(r.cells[st.deleted.column]) {
		it.Deleted = true
		return it, nil
	}
	body, err := codec.Encode(r.tree)
	if err != nil {
		return it, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "sql.encode", Text: "a row cannot be written as JSON", Raw: []byte(it.Key), Err: err}
	}
	it.Body = body
	return it, nil
}

// zone is where the version's local times are.
func (st *stream) zone(s *session) *time.Location {
	if z := st.read.readings[st.version].zone; z != nil {
		return z
	}
	if w := st.incremental; w != nil && w.zone != nil && w.column == st.version {
		return w.zone
	}
	return s.c.zone
}

// versionOf makes a number that rises of a number or a time; NULL is 0.
func versionOf(c column, v cell, zone *time.Location) (int64, error) {
	if v == nil {
		return 0, nil
	}
	switch c.class {
	case classInt:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the number is larger than 64 bits with a sign hold")
		}
		return n, nil
	case classLocal, classInstant:
		if c.class == classInstant {
			zone = time.UTC // as the session is
		}
		t, ok := readTime(string(v), zone)
		if !ok {
			return 0, nil // a zero date, infinity
		}
		return t.UnixMicro(), nil
	default:
		return 0, fmt.Errorf("%s does not rise in a way that can be compared", c.typ)
	}
}

func unique(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(s string) bool {
		was := seen[s]
		seen[s] = true
		return was
	})
}
