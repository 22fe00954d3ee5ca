package sqldb

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/describe"
)

// described is a checked description.
type described struct {
	driver     string
	streams    map[string]*stream
	operations map[string]*operation
}

// stream is a table to read, checked.
type stream struct {
	name    string
	key     []string
	root    string // the column of Item.Root, "" = the key
	version string
	page    int

	deleted *flags

	incremental *window
	rising      string // a column that only rises; "" = none
	overlap     time.Duration
	rescan      bool
	final       *flags // with rescan: rows that will not change any more

	read *nesting
	list *listing
}

// flags are values of a column that mean something.
type flags struct {
	column string
	values map[string]bool
	given  []string
}

func (f *flags) has(v cell) bool { return f != nil && v != nil && f.values[string(v)] }

// window says by which column a stream is read in windows.
type window struct {
	column   string
	whenNull string // the column that counts where column is NULL
	unit     string // time, unix, unix_ms
	zone     *time.Location
}

// nesting is one table of a document: the rows of the stream itself, or child rows.
type nesting struct {
	name     string // the key in the parent's document, "" for the top
	where    string // how errors call it
	from     string // what stands behind FROM
	readings map[string]reading
	omit     map[string]bool
	on       []join
	order    []string
	single   bool
	children []*nesting
}

// join ties a child's column to its parent's.
type join struct{ child, parent string }

// columnsOf says what columns a table or SELECT has now. It is asked of the server
// now and then, and after a fault that a changed table would cause.
func (n *nesting) columnsOf(ctx context.Context, s *session) ([]column, error) {
	s.c.mu.Lock()
	list, ok := s.c.seen[n.from]
	s.c.mu.Unlock()
	if ok && s.c.known("columns of "+n.from) {
		return list, nil
	}
	g, err := s.query(ctx, newQuery(s.c.driver, "SELECT * FROM "+n.from+" WHERE 1=0"))
	if err != nil {
		return nil, err
	}
	twice := map[string]bool{}
	for _, c := range g.columns {
		if twice[c.name] {
			return nil, ofOperation("sql.column_twice", fmt.Sprintf("%s: the column %q comes twice", n.where, c.name), "give one of them another name with AS")
		}
		twice[c.name] = true
	}
	s.c.mu.Lock()
	s.c.seen[n.from] = g.columns
	s.c.mu.Unlock()
	s.c.believe("columns of " + n.from)
	return g.columns, nil
}

// forget drops what is known of all tables: one of them may have changed.
func (c *conn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.seen)
	clear(c.checked)
}

// must holds names against the columns that are there.
func must(where string, have []column, names ...string) error {
	for _, n := range names {
		if n == "" || indexOf(have, n) >= 0 {
			continue
		}
		known := make([]string, len(have))
		for i, c := range have {
			known[i] = c.name
		}
		return ofOperation("sql.no_column", fmt.Sprintf("%s has no column %q", where, n), describe.Suggest(n, known))
	}
	return nil
}

// columnsOf checks every name of the description, down to the children.
func (st *stream) columnsOf(ctx context.Context, s *session) ([]column, error) {
	have, err := st.read.columnsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	names := append([]string{st.root, st.version, st.rising}, st.key...)
	if st.deleted != nil {
		names = append(names, st.deleted.column)
	}
	if st.final != nil {
		names = append(names, st.final.column)
	}
	if w := st.incremental; w != nil {
		names = append(names, w.column, w.whenNull)
	}
	if st.list != nil {
		names = append(names, st.list.columns()...)
	}
	if err := must(st.read.where, have, names...); err != nil {
		return nil, err
	}
	if w := st.incremental; w != nil {
		for _, n := range []string{w.column, w.whenNull} {
			if err := w.check(st.read.where, have, n); err != nil {
				return nil, err
			}
		}
	}
	return have, st.read.check(ctx, s, have)
}

func (n *nesting) check(ctx context.Context, s *session, have []column) error {
	for name := range n.readings {
		if err := must(n.where, have, name); err != nil {
			return err
		}
	}
	for name := range n.omit {
		if err := must(n.where, have, name); err != nil {
			return err
		}
	}
	for _, ch := range n.children {
		below, err := ch.columnsOf(ctx, s)
		if err != nil {
			return err
		}
		for _, j := range ch.on {
			if err := must(n.where, have, j.parent); err != nil {
				return err
			}
			if err := must(ch.where, below, j.child); err != nil {
				return err
			}
		}
		if err := must(ch.where, below, ch.order...); err != nil {
			return err
		}
		if !n.omit[ch.name] && indexOf(have, ch.name) >= 0 {
			return ofOperation("sql.child_name", fmt.Sprintf("%s has a column %q, which is also the name of its child rows", n.where, ch.name), "name the children otherwise, or omit the column")
		}
		if err := ch.check(ctx, s, below); err != nil {
			return err
		}
	}
	return nil
}

// check says whether a column can tell the time that windows ask for.
func (w *window) check(where string, have []column, name string) error {
	if name == "" {
		return nil
	}
	c := have[indexOf(have, name)]
	ok := false
	switch w.unit {
	case "unix", "unix_ms":
		ok = c.class == classInt
	default:
		ok = c.class == classLocal || c.class == classInstant || c.class == classText
	}
	if ok {
		return nil
	}
	if c.class == classDate {
		return ofOperation("sql.incremental_type", fmt.Sprintf("%s: %q holds days without a time; changes of one day cannot be told apart", where, name), "read the table with rescan, or by a column with a time")
	}
	return ofOperation("sql.incremental_type", fmt.Sprintf("%s: %q is %s, which is not read as %s", where, name, c.typ, w.unit), "type: time for date-times, unix or unix_ms for whole numbers")
}

// edge is one end of a window as the column would hold it. In the hours around a clock
// change a local time means two moments; the window is then widened, so that a row is
// rather read twice than never.
func (w *window) edge(c column, t time.Time, zone *time.Location, upper bool) bound {
	if w.zone != nil {
		zone = w.zone
	}
	switch {
	case w.unit == "unix":
		return bound{text: fmt.Sprint(t.Unix()), class: classInt}
	case w.unit == "unix_ms":
		return bound{text: fmt.Sprint(t.UnixMilli()), class: classInt}
	case c.class == classInstant:
		text := t.UTC().Format("2006-01-02 15:04:05.999999")
		if c.typ == "timestamptz" {
			text += "+00"
		}
		return bound{text: text, class: c.class}
	}
	_, offset := t.In(zone).Zone()
	for _, d := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		_, o := t.Add(d).In(zone).Zone()
		if upper && o > offset || !upper && o < offset {
			offset = o
		}
	}
	return bound{text: t.In(time.FixedZone("", offset)).Format("2006-01-02 15:04:05.999999"), class: c.class}
}

// keyText is a value as part of an item's key.
func keyText(driver string, c column, v cell) string {
	if c.class == classBytes {
		return hex.EncodeToString(rawBytes(driver, v))
	}
	return string(v)
}

// joinKey makes one key of several parts. A single part stays as it is.
func joinKey(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%", "%25"), "/", "%2F")
	}
	return strings.Join(out, "/")
}

// splitKey is joinKey backwards; nil when the key cannot have come from it.
func splitKey(key string, n int) []string {
	if n == 1 {
		return []string{key}
	}
	parts := strings.Split(key, "/")
	if len(parts) != n {
		return nil
	}
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%2F", "/"), "%25", "%")
	}
	return parts
}

// rawBytes undoes PostgreSQL's spelling of bytes.
func rawBytes(driver string, v cell) []byte {
	if driver == driverPostgres && len(v) >= 2 && v[0] == '\\' && v[1] == 'x' {
		if b, err := hex.DecodeString(string(v[2:])); err == nil {
			return b
		}
	}
	return v
}

// boundOf is a value that was read (a position, a key) on its way back into a statement.
func boundOf(c column, text string) bound {
	b := bound{text: text, class: c.class}
	if c.class == classBytes {
		if raw, err := hex.DecodeString(text); err == nil {
			b.text, b.bytes = string(raw), true
		}
	}
	return b
}

// fits says whether a key's text can be a value of the column at all: a database answers
// an error for a word where it wants a number, and one such key would spoil its batch.
func fits(c column, text string) bool {
	whole := func(bits int) bool {
		_, err := strconv.ParseInt(text, 10, bits)
		return err == nil
	}
	digits := func(s string) bool {
		s = strings.TrimPrefix(s, "-")
		return s != "" && len(s) <= 40 && strings.Trim(s, "0123456789") == ""
	}
	switch c.class {
	case classInt, classBit:
		switch c.typ {
		case "smallint":
			return whole(16)
		case "integer":
			return whole(32)
		case "bigint":
			return whole(64)
		case "oid":
			_, err := strconv.ParseUint(text, 10, 32)
			return err == nil
		}
		_, err := strconv.ParseUint(text, 10, 64)
		return err == nil || whole(64)
	case classDecimal:
		a, b, dotted := strings.Cut(text, ".")
		return digits(a) && (!dotted || digits(b) && b[0] != '-')
	case classBytes:
		_, err := hex.DecodeString(text)
		return err == nil
	case classUUID:
		raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		return err == nil && len(raw) == 16 && len(text) == 36
	default:
		return strings.IndexByte(text, 0) < 0
	}
}

var _ connectors.Source = (*conn)(nil)
