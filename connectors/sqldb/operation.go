package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The actions of an operation.
const (
	actionUpsert = "upsert" // the row is as the document says, whatever was there
	actionInsert = "insert" // the row is new
	actionUpdate = "update" // the row is there, and gets these values
	actionDelete = "delete" // the row is not there
)

// operation is a table to write, checked.
type operation struct {
	name    string
	driver  string
	action  string
	top     *writing
	version string
	onlyIf  *flags
	returns []string
	list    *listing
}

// writing is one table that a document is written to.
type writing struct {
	name     string
	table    string
	pointer  []string // of a child: where its list is in the document
	path     string   // the same as it was written
	on       []join
	key      []feed
	columns  []feed
	children []*writing
}

// feed says where the value of a column comes from.
type feed struct {
	column   string
	key      bool // the remote key
	path     string
	pointer  []string
	fixed    bool
	value    string
	required bool
	charset  string
	zone     *time.Location
}

func names(list []feed) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.column
	}
	return out
}

// all lists the feeds of a table.
func (w *writing) all() []feed { return append(slices.Clone(w.key), w.columns...) }

// keyNames are the columns that name a row: of a child, its parent's too.
func (w *writing) keyNames() []string {
	var out []string
	for _, j := range w.on {
		out = append(out, j.child)
	}
	return unique(append(out, names(w.key)...))
}

// inOrder checks once in a while what one effect stands on: a unique index over the key,
// so that two writers cannot both insert, and tables that can roll back.
func (op *operation) inOrder(ctx context.Context, s *session) error {
	if s.c.known("operation " + op.name) {
		return nil
	}
	tables := append([]*writing{op.top}, op.top.children...)
	for _, w := range tables {
		have, err := w.columnsOf(ctx, s)
		if err != nil {
			return err
		}
		want := append(w.keyNames(), names(w.columns)...)
		if w == op.top {
			want = append(append(want, op.returns...), op.version)
			if op.onlyIf != nil {
				want = append(want, op.onlyIf.column)
			}
			for _, ch := range w.children {
				for _, j := range ch.on {
					want = append(want, j.parent)
				}
			}
			if op.list != nil {
				want = append(want, op.list.columns()...)
			}
		}
		if err := must("table "+w.table, have, want...); err != nil {
			return err
		}
		if op.action == actionUpdate || op.action == actionDelete {
			continue // neither can make a second row
		}
		if err := w.unique(ctx, s); err != nil {
			return err
		}
	}
	if err := op.rollsBack(ctx, s, tables); err != nil {
		return err
	}
	s.c.believe("operation " + op.name)
	return nil
}

func (w *writing) columnsOf(ctx context.Context, s *session) ([]column, error) {
	n := nesting{where: "table " + w.table, from: tableText(s.c.driver, w.table) + " AS q"}
	return n.columnsOf(ctx, s)
}

func tableText(driver, table string) string { return newQuery(driver, "").table(table).String() }

// unique refuses a table without a unique index over the key columns.
func (w *writing) unique(ctx context.Context, s *session) error {
	var q *query
	if s.c.driver == driverPostgres {
		q = newQuery(s.c.driver, `SELECT string_agg(a.attname::text, E'\x01') FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts-1]) `+
			`WHERE i.indrelid = to_regclass(`).bind(bound{text: tableText(s.c.driver, w.table)}, false).
			raw(`) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid`)
	} else {
		q = newQuery(s.c.driver, "SELECT GROUP_CONCAT(column_name SEPARATOR '\x01') FROM information_schema.statistics WHERE non_unique = 0 AND ")
		w.inSchema(q)
		// An index over an expression has a part without a name.
		q.raw(" GROUP BY index_name HAVING COUNT(*) = COUNT(column_name)")
	}
	g, err := s.query(ctx, q)
	if err != nil {
		return err
	}
	key := w.keyNames()
	for _, r := range g.rows {
		if r[0] == nil {
			continue
		}
		if !slices.ContainsFunc(strings.Split(string(r[0]), "\x01"), func(c string) bool {
			return !slices.ContainsFunc(key, func(k string) bool { return k == c || s.c.driver == driverMySQL && strings.EqualFold(k, c) })
		}) {
			return nil
		}
	}
	return ofOperation("sql.no_unique", fmt.Sprintf("table %s has no unique index over %s: a document sent twice could become two rows", w.table, strings.Join(key, ", ")),
		fmt.Sprintf("CREATE UNIQUE INDEX ... ON %s (%s)", w.table, strings.Join(key, ", ")))
}

// inSchema appends the conditions that find a table in MySQL's catalogue.
func (w *writing) inSchema(q *query) {
	schema, table, found := strings.Cut(w.table, ".")
	if !found {
		schema, table = "", w.table
	}
	q.raw("table_name = ").bind(bound{text: table}, false).raw(" AND table_schema = ")
	if schema == "" {
		q.raw("DATABASE()")
	} else {
		q.bind(bound{text: schema}, false)
	}
}

// rollsBack refuses MySQL tables whose engine keeps what a rolled back transaction wrote.
func (op *operation) rollsBack(ctx context.Context, s *session, tables []*writing) error {
	if s.c.driver != driverMySQL {
		return nil
	}
	for _, w := range tables {
		q := newQuery(s.c.driver, "SELECT t.engine, e.transactions FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine WHERE ")
		w.inSchema(q)
		g, err := s.query(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range g.rows {
			if r[0] != nil && string(r[1]) != "YES" {
				return ofOperation("sql.engine", fmt.Sprintf("table %s is stored by %s, which cannot roll back: a document could be written by half", w.table, r[0]),
					fmt.Sprintf("ALTER TABLE %s ENGINE=InnoDB", w.table))
			}
		}
	}
	return nil
}
