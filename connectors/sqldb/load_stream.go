package sqldb

import (
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/describe"
)

const (
	pageDefault = 200
	pageMost    = 5000
	// childDepth bounds how deep tables nest.
	childDepth = 3
)

func (l *loader) stream(name string, d *streamDescription, all []string) (*stream, connectors.Stream) {
	st := &stream{name: name, key: l.columns(d.Key), version: l.column(d.Version), page: d.Page, deleted: l.flags(d.Deleted)}
	decl := connectors.Stream{Name: name, Entity: d.Entity.Value, Text: orElse(d.Text, "Rows of the database."), Schema: d.Schema, Pull: true, Hints: true, FetchBatch: 50}
	if !d.Entity.Given() {
		l.missing(d.At, "entity", "what one document is: order, member, product, ...")
	}
	if len(d.Key) == 0 {
		l.missing(d.At, "key", "the columns that name a row and never change: [id]")
	}
	switch {
	case d.Page == 0:
		st.page = pageDefault
	case d.Page < 1 || d.Page > pageMost:
		l.d.AddPlace(d.At, fmt.Sprintf("`page` is %d", d.Page), fmt.Sprintf("1 to %d rows at once", pageMost))
	}
	if d.Root != nil {
		if !d.Root.Column.Given() {
			l.missing(d.Root.At, "column", "which column holds the key of the document that this one belongs to")
		}
		st.root, decl.RootEntity = l.column(d.Root.Column), d.Root.Entity.Value
	}
	if d.Also.Given() {
		if !slices.Contains(all, d.Also.Value) {
			l.d.AddText(d.Also, fmt.Sprintf("there is no stream %q", d.Also.Value), describe.Suggest(d.Also.Value, all))
		}
		decl.Also = d.Also.Value
	}
	st.read = l.nesting(name, "stream "+name, d.At, d.Table, d.Select, d.Columns, d.Omit, d.Children, 1)
	l.order(d, st, &decl)
	var children []string
	for _, ch := range d.Children {
		children = append(children, ch.Key.Value)
	}
	st.list, decl.List = l.list(d.List, children)
	if st.list != nil {
		for _, c := range st.list.columns() {
			if st.read.omit[c] && c != st.list.time.column {
				l.d.AddPlace(d.List.At, fmt.Sprintf("the column %q is left out by `omit`, so records cannot be compared by it", c), "take it out of one of them")
			}
		}
	}
	return st, decl
}

// order reads how a stream finds what is new: one of three ways.
func (l *loader) order(d *streamDescription, st *stream, decl *connectors.Stream) {
	ways := 0
	if in := d.Incremental; in != nil {
		ways++
		w := l.window(in.At, "column", in.Column, in.Type, in.Zone)
		w.whenNull = l.column(in.WhenNull)
		if w.whenNull != "" && w.whenNull == w.column {
			l.d.AddText(in.WhenNull, "this is the column itself", "name the column that counts where it is NULL: created_at")
		}
		st.incremental = w
		decl.Windowed, decl.Overlap, decl.Delay = true, in.Overlap, in.Delay
		decl.Grain, decl.MaxSpan = in.Grain, in.Span
		if decl.Grain == 0 {
			decl.Grain = time.Second
		}
		if decl.MaxSpan == 0 {
			decl.MaxSpan = 30 * 24 * time.Hour
		}
		least := map[string]time.Duration{"unix": time.Second, "unix_ms": time.Millisecond}[w.unit]
		if least = max(least, time.Microsecond); decl.Grain < least || decl.Grain > time.Hour {
			l.d.AddPlace(in.At, fmt.Sprintf("`grain` %s is not between %s and 1h", decl.Grain, least), "how finely the column tells the time: 1s")
		}
		if decl.MaxSpan < decl.Grain {
			l.d.AddPlace(in.At, "`span` is shorter than `grain`", "how much time one window holds at most: 30d")
		}
	}
	if r := d.Rising; r != nil {
		ways++
		st.rising, st.overlap = l.column(r.Column), r.Overlap
		if !r.Column.Given() {
			l.missing(r.At, "column", "which column rises with every row: an auto-increment number")
		}
	}
	if r := d.Rescan; r != nil {
		ways++
		st.rescan, st.rising, st.overlap, decl.Complete = true, l.column(r.Rising), r.Overlap, true
		if r.Status.Given() {
			l.column(r.Status)
			st.final = newFlags(r.Status.Value, r.Final)
		}
		switch {
		case r.Status.Given() != (len(r.Final) > 0):
			l.d.AddPlace(r.At, "`status` and `final` belong together", "status: the column; final: the values of rows that will not change any more")
		case r.Rising.Given() && !r.Status.Given():
			l.d.AddPlace(r.At, "`rising` helps only with `status` and `final`: without them every row is read again", "say which rows are final, or take `rising` out")
		case r.Overlap > 0 && !r.Rising.Given():
			l.d.AddPlace(r.At, "`overlap` belongs to `rising`: without it every row is read each time", "take `overlap` out")
		}
	}
	switch {
	case ways == 0:
		l.d.AddPlace(d.At, "it does not say how changes are found", "one of `incremental` (a time column), `rising` (rows are only added) and `rescan` (changes move no time)")
	case ways > 1:
		l.d.AddPlace(d.At, "`incremental`, `rising` and `rescan` exclude one another", "keep one of them")
	}
}

// nesting checks one table of a document.
func (l *loader) nesting(name, where string, at describe.Place, table, text describe.Text, columns describe.Map[columnDescription], omit []describe.Text, children describe.Map[childrenDescription], depth int) *nesting {
	n := &nesting{name: name, where: where, readings: map[string]reading{}, omit: map[string]bool{}}
	switch {
	case table.Given() == text.Given():
		l.d.AddPlace(at, "either `table` or `select` is wanted", "table: the name of a table or view; select: a SELECT that only reads")
	case table.Given():
		n.from = tableText(l.driver, l.tableName(table)) + " AS q"
	default:
		if err := checkSelect(l.driver, text.Value); err != nil {
			l.d.AddText(text, err.Error(), "")
		}
		n.from = "(\n" + text.Value + "\n) AS q"
	}
	for _, e := range columns {
		l.column(e.Key)
		n.readings[e.Key.Value] = l.reading(&e.Value)
	}
	for _, c := range l.columns(omit) {
		n.omit[c] = true
	}
	if depth > childDepth && len(children) > 0 {
		l.d.AddText(children[0].Key, fmt.Sprintf("children nest deeper than %d", childDepth), "join the tables in a SELECT")
		return n
	}
	for i := range children {
		e := &children[i]
		l.column(e.Key)
		ch := l.nesting(e.Key.Value, where+" "+e.Key.Value, e.Value.At, e.Value.Table, e.Value.Select, e.Value.Columns, e.Value.Omit, e.Value.Children, depth+1)
		ch.on, ch.order, ch.single = l.on(e.Value.At, e.Value.On), l.columns(e.Value.Order), e.Value.Single
		if len(ch.order) == 0 && !ch.single {
			l.missing(e.Value.At, "order", "the columns that order the rows: a document whose rows come in another order each time is another document")
		}
		n.children = append(n.children, ch)
	}
	return n
}

func (l *loader) on(at describe.Place, m describe.Map[describe.Text]) []join {
	if len(m) == 0 {
		l.missing(at, "on", "child column: parent column, as in {order_id: id}")
	}
	var out []join
	for _, e := range m {
		out = append(out, join{l.column(e.Key), l.column(e.Value)})
	}
	return out
}

func (l *loader) reading(d *columnDescription) reading {
	l.oneOf(d.At, "as", d.As, []string{"text", "number", "bool", "json", "time", "unix", "unix_ms"}, false)
	l.oneOf(d.At, "zero", d.Zero, []string{"null", "text"}, false)
	l.oneOf(d.At, "clean", d.Clean, []string{"nul", "space", "both"}, false)
	return reading{as: d.As.Value, charset: l.charset(d.Charset), zone: l.zone(d.Zone), zero: d.Zero.Value, clean: d.Clean.Value}
}
