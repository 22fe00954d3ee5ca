package sqlledger

import (
	"fmt"
	"strings"
)

// column is one column with its kind: 'i' an integer, 't' text, 'b' bytes.
type column struct {
	name string
	kind byte
}

// columns reads "id:i name:t body:b".
func columns(list string) []column {
	var cs []column
	for _, f := range strings.Fields(list) {
		name, kind, _ := strings.Cut(f, ":")
		cs = append(cs, column{name, kind[0]})
	}
	return cs
}

func (c column) array() string {
	switch c.kind {
	case 'i':
		return "bigint[]"
	case 't':
		return "text[]"
	default:
		return "bytea[]"
	}
}

// keyed is a SELECT by key, for one key (SQLite) and for arrays of keys (PostgreSQL).
type keyed struct {
	cols             []column // the key's
	sqlite, postgres string
}

func newKeyed(selected, from string, key []column) *keyed {
	one := make([]string, len(key))
	many := make([]string, len(key))
	names := make([]string, len(key))
	for i, c := range key {
		one[i] = fmt.Sprintf("t.%s = ?%d", c.name, i+1)
		many[i] = fmt.Sprintf("t.%s = k.k%d", c.name, i+1)
		names[i] = fmt.Sprintf("k%d", i+1)
	}
	return &keyed{
		cols:   key,
		sqlite: fmt.Sprintf("SELECT %s FROM %s WHERE %s", selected, from, strings.Join(one, " AND ")),
		postgres: fmt.Sprintf("SELECT %s FROM unnest(%s) AS k(%s), %s WHERE %s", selected,
			arrays(key), strings.Join(names, ", "), from, strings.Join(many, " AND ")),
	}
}

// mutation is an INSERT, UPDATE or DELETE, for one row (SQLite) and for arrays of rows
// (PostgreSQL). Parameters come in the order of cols.
type mutation struct {
	cols             []column
	sqlite, postgres string
}

func newInsert(table string, cols []column, conflict string) *mutation {
	all := names(cols, "%s")
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(cols)), ", ")
	head := fmt.Sprintf("INSERT INTO %s (%s) ", table, all)
	if conflict != "" {
		conflict = " ON CONFLICT " + conflict
	}
	return &mutation{
		cols:     cols,
		sqlite:   head + "VALUES (" + marks + ")" + conflict,
		postgres: head + "SELECT * FROM unnest(" + arrays(cols) + ")" + conflict,
	}
}

func newUpdate(table string, key, moving []column) *mutation {
	all := append(append([]column{}, key...), moving...)
	one := make([]string, len(moving))
	many := make([]string, len(moving))
	for i, c := range moving {
		one[i] = fmt.Sprintf("%s = ?%d", c.name, len(key)+i+1)
		many[i] = fmt.Sprintf("%s = u.u%d", c.name, len(key)+i+1)
	}
	return &mutation{
		cols: all,
		sqlite: fmt.Sprintf("UPDATE %s SET %s WHERE %s", table, strings.Join(one, ", "),
			where(key, "%s = ?%d")),
		postgres: fmt.Sprintf("UPDATE %s AS t SET %s FROM unnest(%s) AS u(%s) WHERE %s", table,
			strings.Join(many, ", "), arrays(all), numbered("u", len(all)), where(key, "t.%s = u.u%d")),
	}
}

func newDelete(table string, key []column) *mutation {
	return &mutation{
		cols:   key,
		sqlite: fmt.Sprintf("DELETE FROM %s WHERE %s", table, where(key, "%s = ?%d")),
		postgres: fmt.Sprintf("DELETE FROM %s AS t USING unnest(%s) AS u(%s) WHERE %s", table,
			arrays(key), numbered("u", len(key)), where(key, "t.%s = u.u%d")),
	}
}

func arrays(cols []column) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = fmt.Sprintf("$%d::%s", i+1, c.array())
	}
	return strings.Join(out, ", ")
}

func numbered(prefix string, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i+1)
	}
	return strings.Join(out, ", ")
}

func where(key []column, format string) string {
	out := make([]string, len(key))
	for i, c := range key {
		out[i] = fmt.Sprintf(format, c.name, i+1)
	}
	return strings.Join(out, " AND ")
}

func names(cols []column, format string) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = fmt.Sprintf(format, c.name)
	}
	return strings.Join(out, ", ")
}
