package sqldb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/describe"
)

// Problem is one thing wrong with a description.
type Problem = describe.Problem

// Load reads a description, the text of connectors/NAME.yaml, and gives the connector it
// describes, or everything that is wrong with it. The database is not asked: whether its
// tables are there shows when a connection is tested.
func Load(name string, src []byte) (*connectors.Connector, []Problem) {
	var d description
	dec := describe.Decode("connectors/"+name+".yaml", src, &d)
	l := &loader{d: dec, driver: d.Driver.Value}
	c, desc := l.load(name, &d)
	if len(dec.Problems) > 0 {
		describe.Sort(dec.Problems)
		return nil, dec.Problems
	}
	c.Open = func(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
		return open(desc, cfg, env)
	}
	return c, nil
}

// loader checks a decoded description.
type loader struct {
	d      *describe.Decoder
	driver string
}

func (l *loader) load(name string, d *description) (*connectors.Connector, *described) {
	if len(l.d.Problems) > 0 && d.At.Line == 0 {
		return nil, nil // it could not be read at all
	}
	l.oneOf(d.At, "kind", d.Kind, []string{Kind}, true)
	l.oneOf(d.At, "driver", d.Driver, []string{driverPostgres, driverMySQL}, true)
	l.oneOf(d.At, "role", d.Role, []string{"store", "oms", "wms", "erp", "crm", "logistics", "any"}, false)
	if len(d.Streams) == 0 && len(d.Operations) == 0 {
		l.d.AddPlace(d.At, "nothing is read or written", "describe `streams`, `operations` or both")
	}
	c := &connectors.Connector{Name: name, Title: orElse(d.Title, name), Role: orElse(d.Role.Value, "any"), Text: orElse(d.Text, "Tables of a database, described in connectors/"+name+".yaml."),
		Docs: orElse(d.Docs, "connectors/"+name+".yaml"), Config: fields(l.driver)}
	out := &described{driver: l.driver, streams: map[string]*stream{}, operations: map[string]*operation{}}
	for i := range d.Streams {
		e := &d.Streams[i]
		l.word(e.Key, "a stream")
		st, decl := l.stream(e.Key.Value, &e.Value, d.Streams.Keys())
		out.streams[st.name] = st
		c.Streams = append(c.Streams, decl)
	}
	for i := range d.Operations {
		e := &d.Operations[i]
		l.word(e.Key, "an operation")
		if _, taken := out.streams[e.Key.Value]; taken {
			l.d.AddText(e.Key, "a stream has this name", "name one of them otherwise")
		}
		op, decl := l.operation(e.Key.Value, &e.Value, d.Operations.Keys())
		out.operations[op.name] = op
		c.Operations = append(c.Operations, decl)
	}
	return c, out
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// word holds a name to what can stand in a flow.
func (l *loader) word(t describe.Text, what string) {
	ok := t.Value != "" && len(t.Value) <= 60
	for i, r := range t.Value {
		ok = ok && (r >= 'a' && r <= 'z' || r == '_' || i > 0 && (r >= '0' && r <= '9' || r == '.'))
	}
	if !ok {
		l.d.AddText(t, fmt.Sprintf("%q cannot name %s", t.Value, what), "small letters, digits, _ and dots, beginning with a letter, 60 at most")
	}
}

// oneOf holds a word to those that are known.
func (l *loader) oneOf(at describe.Place, key string, t describe.Text, known []string, required bool) {
	switch {
	case !t.Given() && required:
		l.missing(at, key, "one of "+strings.Join(known, ", "))
	case t.Given():
		for _, k := range known {
			if t.Value == k {
				return
			}
		}
		l.d.AddText(t, fmt.Sprintf("%q is not one of %s", t.Value, strings.Join(known, ", ")), describe.Suggest(t.Value, known))
	}
}

func (l *loader) missing(at describe.Place, key, hint string) {
	l.d.AddPlace(at, fmt.Sprintf("%q is missing", key), hint)
}

// column holds a column's name to what a database can have.
func (l *loader) column(t describe.Text) string {
	if t.Given() {
		l.name(t, t.Value, "a column")
	}
	return t.Value
}

func (l *loader) name(t describe.Text, name, what string) {
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		l.d.AddText(t, fmt.Sprintf("%q cannot name %s", name, what), "write the name as the database shows it, without quotes around it")
	case len(name) > 64 || strings.ContainsAny(name, "\x00\n\r"):
		l.d.AddText(t, fmt.Sprintf("this cannot name %s", what), "names have 64 letters at most and stand on one line")
	}
}

func (l *loader) columns(list []describe.Text) []string {
	out := make([]string, len(list))
	seen := map[string]bool{}
	for i, t := range list {
		out[i] = l.column(t)
		if seen[t.Value] {
			l.d.AddText(t, fmt.Sprintf("the column %q is there twice", t.Value), "keep one of them")
		}
		seen[t.Value] = true
	}
	return out
}

// tableName holds a table's name: table or schema.table.
func (l *loader) tableName(t describe.Text) string {
	parts := strings.Split(t.Value, ".")
	if len(parts) > 2 {
		l.d.AddText(t, fmt.Sprintf("%q cannot name a table", t.Value), "write table or schema.table")
	}
	for _, p := range parts {
		l.name(t, p, "a table")
	}
	return t.Value
}

func (l *loader) zone(t describe.Text) *time.Location {
	if !t.Given() {
		return nil
	}
	z, err := zoneOf(t.Value)
	if err != nil {
		l.d.AddText(t, err.Error(), "")
	}
	return z
}

func (l *loader) charset(t describe.Text) string {
	if t.Given() && !knownCharset(t.Value) {
		l.d.AddText(t, fmt.Sprintf("the charset %q is not known", t.Value), describe.Suggest(t.Value, charsetNames()))
		return ""
	}
	return t.Value
}

func (l *loader) flags(v *valuesOf) *flags {
	if v == nil {
		return nil
	}
	if !v.Column.Given() {
		l.missing(v.At, "column", "which column says it")
	}
	if len(v.Values) == 0 {
		l.missing(v.At, "values", "which of its values, as the database writes them")
	}
	return newFlags(l.column(v.Column), v.Values)
}

func newFlags(column string, list []describe.Text) *flags {
	f := &flags{column: column, values: map[string]bool{}}
	for _, t := range list {
		f.values[t.Value] = true
		f.given = append(f.given, t.Value)
	}
	return f
}

// list checks what reconciliation reads; children are the names that lines may be.
func (l *loader) list(d *listDescription, children []string) (*listing, connectors.Listing) {
	if d == nil {
		return nil, connectors.Listing{Reason: "the description has no `list`"}
	}
	out := &listing{time: l.window(d.At, "time", d.Time, d.Type, d.Zone), by: orElse(d.By.Value, "modified"), status: l.column(d.Status), statuses: map[string]string{},
		amount: l.column(d.Amount), currency: d.Currency.Value, digits: 2, lines: d.Lines.Value, store: l.column(d.Store)}
	l.oneOf(d.At, "by", d.By, []string{"modified", "created"}, false)
	for _, e := range d.Statuses {
		switch e.Key.Value {
		case "open", "cancelled", "closed":
		default:
			l.d.AddText(e.Key, fmt.Sprintf("%q is no status that is compared", e.Key.Value), describe.Suggest(e.Key.Value, []string{"open", "cancelled", "closed"}))
		}
		for _, t := range e.Value {
			if was := out.statuses[t.Value]; was != "" {
				l.d.AddText(t, fmt.Sprintf("the value %q is under %q already", t.Value, was), "a value means one thing")
			}
			out.statuses[t.Value] = e.Key.Value
		}
	}
	if d.Status.Given() != (len(d.Statuses) > 0) {
		l.d.AddPlace(d.At, "`status` and `statuses` belong together", "status: the column; statuses: {open: [...], cancelled: [...], closed: [...]}")
	}
	if d.Amount.Given() != d.Currency.Given() {
		l.d.AddPlace(d.At, "`amount` and `currency` belong together", "amount: the column; currency: a code like CNY, or the column that holds it")
	}
	out.inColumn = d.Currency.Given() && !isCurrency(d.Currency.Value)
	if d.Digits != nil {
		if *d.Digits < 0 || *d.Digits > 6 {
			l.d.AddPlace(d.At, "`digits` are the digits of the currency's minor unit, 0 to 6", "2 for CNY")
		}
		out.digits = int32(min(max(*d.Digits, 0), 6))
	}
	if d.Lines.Given() {
		found := false
		for _, c := range children {
			found = found || c == d.Lines.Value
		}
		if !found {
			l.d.AddText(d.Lines, fmt.Sprintf("there are no children %q to count", d.Lines.Value), describe.Suggest(d.Lines.Value, children))
		}
	}
	return out, connectors.Listing{Can: true, By: out.by}
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// window checks a column that windows select by.
func (l *loader) window(at describe.Place, key string, column, unit, zone describe.Text) *window {
	w := &window{column: l.column(column), unit: orElse(unit.Value, "time"), zone: l.zone(zone)}
	if !column.Given() {
		l.missing(at, key, "which column tells when a row changed")
	}
	l.oneOf(at, "type", unit, []string{"time", "unix", "unix_ms"}, false)
	return w
}
