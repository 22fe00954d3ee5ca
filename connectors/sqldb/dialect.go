package sqldb

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// The drivers.
const (
	driverPostgres = "postgres"
	driverMySQL    = "mysql"
)

// query is a statement being written: names are quoted, values are bound, nothing else
// of a document ever gets into the text.
type query struct {
	driver string
	alias  string // before every column that is compared or ordered by: "q."
	text   strings.Builder
	args   []any
}

func newQuery(driver string, text string) *query {
	q := &query{driver: driver}
	q.text.WriteString(text)
	return q
}

// raw appends text of our own.
func (q *query) raw(parts ...string) *query {
	for _, p := range parts {
		q.text.WriteString(p)
	}
	return q
}

// name appends a quoted name.
func (q *query) name(n string) *query { return q.raw(quoteName(q.driver, n)) }

// table appends a quoted table name, schema.table part by part.
func (q *query) table(t string) *query {
	for i, part := range strings.Split(t, ".") {
		if i > 0 {
			q.raw(".")
		}
		q.name(part)
	}
	return q
}

// col appends a column that is compared or ordered by.
func (q *query) col(n string) *query { return q.raw(q.alias).name(n) }

func (q *query) cols(names []string) *query {
	for i, n := range names {
		if i > 0 {
			q.raw(", ")
		}
		q.col(n)
	}
	return q
}

func (q *query) list(names []string) *query {
	for i, n := range names {
		if i > 0 {
			q.raw(", ")
		}
		q.name(n)
	}
	return q
}

func quoteName(driver, n string) string {
	mark := `"`
	if driver == driverMySQL {
		mark = "`"
	}
	return mark + strings.ReplaceAll(n, mark, mark+mark) + mark
}

// bound is a value on its way into a statement: text as the database reads it, and the
// class of the column it is held against.
type bound struct {
	text  string
	null  bool
	bytes bool // text is raw bytes
	class class
}

// bind appends a placeholder. PostgreSQL takes every value as text and reads it as the
// column's type. MySQL would compare text with a number column as floating point
// (Invariant 6), so numbers go as numbers there.
func (q *query) bind(b bound, compare bool) *query {
	if b.null {
		return q.raw("NULL")
	}
	if q.driver == driverPostgres {
		if b.bytes {
			b.text = `\x` + hex.EncodeToString([]byte(b.text))
		}
		q.args = append(q.args, b.text)
		return q.raw("$", strconv.Itoa(len(q.args)))
	}
	if b.bytes {
		q.args = append(q.args, hex.EncodeToString([]byte(b.text)))
		return q.raw("UNHEX(?)")
	}
	if b.class == classInt || b.class == classBit || b.class == classBool {
		if i, err := strconv.ParseInt(b.text, 10, 64); err == nil {
			q.args = append(q.args, i)
			return q.raw("?")
		}
		if u, err := strconv.ParseUint(b.text, 10, 64); err == nil {
			q.args = append(q.args, u)
			return q.raw("?")
		}
	}
	q.args = append(q.args, b.text)
	if compare && (b.class == classDecimal || b.class == classInt) {
		return q.raw("CAST(? AS DECIMAL(65,30))")
	}
	return q.raw("?")
}

// after appends "(names) > (values)" or, for !greater, "(names) <= (values)", written out
// so that both databases find the range in an index.
func (q *query) after(names []string, values []bound, greater bool) *query {
	op, edge := " > ", " >= "
	if !greater {
		op, edge = " < ", " <= "
	}
	if len(names) == 1 {
		if !greater {
			op = edge
		}
		return q.col(names[0]).raw(op).bind(values[0], true)
	}
	q.raw("(").col(names[0]).raw(edge).bind(values[0], true).raw(" AND (")
	for i := range names {
		if i > 0 {
			q.raw(" OR ")
		}
		q.raw("(")
		for j := range i {
			q.col(names[j]).raw(" = ").bind(values[j], true).raw(" AND ")
		}
		o := op
		if !greater && i == len(names)-1 {
			o = edge
		}
		q.col(names[i]).raw(o).bind(values[i], true).raw(")")
	}
	return q.raw("))")
}

// in appends "(names) IN (rows)".
func (q *query) in(names []string, rows [][]bound) *query {
	if len(names) == 1 {
		q.col(names[0]).raw(" IN (")
		for i, r := range rows {
			if i > 0 {
				q.raw(", ")
			}
			q.bind(r[0], true)
		}
		return q.raw(")")
	}
	q.raw("(").cols(names).raw(") IN (")
	for i, r := range rows {
		if i > 0 {
			q.raw(", ")
		}
		q.raw("(")
		for j, v := range r {
			if j > 0 {
				q.raw(", ")
			}
			q.bind(v, true)
		}
		q.raw(")")
	}
	return q.raw(")")
}

// equal appends "a = ? AND b = ?".
func (q *query) equal(names []string, values []bound) *query {
	for i, n := range names {
		if i > 0 {
			q.raw(" AND ")
		}
		q.col(n).raw(" = ").bind(values[i], true)
	}
	return q
}

// String is the text of the statement, with placeholders.
func (q *query) String() string { return q.text.String() }
