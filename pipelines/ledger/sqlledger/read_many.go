package sqlledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

// conditions collects the WHERE of a filter.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) add(text string, args ...any) {
	c.texts, c.args = append(c.texts, text), append(c.args, args...)
}

func (c *conditions) equal(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

// page adds the times, the place and the size of a page.
func (c *conditions) page(f ledger.Filter, created string) string {
	if !f.From.IsZero() {
		c.add("t."+created+" >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		c.add("t."+created+" < ?", micros(f.To))
	}
	c.add("t.id > ?", f.After)
	c.args = append(c.args, limitOf(f.Limit))
	return "WHERE " + strings.Join(c.texts, " AND ") + " ORDER BY t.id LIMIT ?"
}

// Hints returns the hints a filter selects, in order of id. Operation, Flow and Label
// do not apply.
func (s *Store) Hints(ctx context.Context, f ledger.Filter) ([]ledger.Hint, error) {
	var c conditions
	c.equal("t.connection", f.Connection)
	c.equal("t.stream", f.Stream)
	if len(f.States) > 0 && !slices.ContainsFunc(f.States, func(s string) bool { return openHint(s) == 0 }) {
		c.add("t.open > 0")
	}
	if len(f.States) > 0 {
		args := make([]any, len(f.States))
		for i, s := range f.States {
			args[i] = s
		}
		c.add("t.state IN "+marks(len(args)), args...)
	}
	c.equal("t.code", f.Code)
	tail := c.page(f, "first_at")
	return selects(ctx, s, s.t.hints, "hints", tail, c.args...)
}

// chunk is how many unfinished rows are read at a time.
const chunk = 8192

// Unfinished calls fn for the hints, then the records, then the deliveries that the bus
// must deliver, each in order of id. It holds 8 bytes a row.
func (s *Store) Unfinished(ctx context.Context, fn func(ledger.Pending) error) error {
	kinds := []struct {
		table, columns string
		scan           func(r row) ledger.Pending
	}{
		{"hint t", "t.id, t.connection, t.stream, t.root, t.next_at", func(r row) ledger.Pending {
			return ledger.Pending{Kind: "hint", ID: r.Int(0), Connection: r.Text(1), Stream: r.Text(2), Root: r.Int(3),
				NextAt: instant(r.Int(4))}
		}},
		{"record t JOIN doc d ON d.id = t.doc", "t.id, d.connection, t.stream, t.root", func(r row) ledger.Pending {
			return ledger.Pending{Kind: "record", ID: r.Int(0), Connection: r.Text(1), Stream: r.Text(2), Root: r.Int(3)}
		}},
		{"delivery t", "t.id, t.connection, t.operation, t.root, t.state, t.next_at, t.holds, t.source", func(r row) ledger.Pending {
			return ledger.Pending{Kind: "delivery", ID: r.Int(0), Connection: r.Text(1), Operation: r.Text(2), Root: r.Int(3),
				State: ledger.State(r.Text(4)), NextAt: instant(r.Int(5)), Holds: r.Int(6) != 0, Source: r.Text(7)}
		}},
	}
	for _, k := range kinds {
		var ids []int64
		table, _, _ := strings.Cut(k.table, " ")
		err := s.read(ctx, "unfinished", "SELECT id FROM "+table+" WHERE open > 0", nil, func(r row) error {
			ids = append(ids, r.Int(0))
			return nil
		})
		if err != nil {
			return err
		}
		slices.Sort(ids)
		for part := range slices.Chunk(ids, chunk) {
			err := s.unfinished(ctx, k.table, k.columns, part, func(r row) error { return fn(k.scan(r)) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sparse is how many rows one query names where unfinished rows lie far apart.
const sparse = 256

// unfinished reads rows by id: as a range where they lie dense, by name where not.
func (s *Store) unfinished(ctx context.Context, table, columns string, ids []int64, scan func(row) error) error {
	text := "SELECT " + columns + " FROM " + table + " WHERE %s AND t.open + 0 = 1 ORDER BY t.id"
	lo, hi := ids[0], ids[len(ids)-1]
	if hi-lo < int64(8*len(ids)) {
		return s.read(ctx, "unfinished", fmt.Sprintf(text, "t.id >= ? AND t.id <= ?"), []any{lo, hi}, scan)
	}
	text = fmt.Sprintf(text, "t.id IN "+marks(sparse))
	for some := range slices.Chunk(ids, sparse) {
		if err := s.read(ctx, "unfinished", text, fill(some, sparse), scan); err != nil {
			return err
		}
	}
	return nil
}

// marks is a list of n placeholders, and fill n parameters for it out of fewer: the text
// of a query is the same however many rows it names.
func marks(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }

func fill(ids []int64, n int) []any {
	args := make([]any, n)
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)]
	}
	return args
}
