package sqlledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

const defaultLimit = 100

func limitOf(n int) int64 {
	if n <= 0 {
		return defaultLimit
	}
	return int64(n)
}

// read runs a query and says in the error what was being read.
func (s *Store) read(ctx context.Context, what, text string, args []any, scan func(row) error) error {
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return ledger.ErrClosed
	}
	if err := s.drv.query(ctx, text, args, scan); err != nil {
		return fmt.Errorf("ledger: read %s: %w", what, err)
	}
	return nil
}

// one is read for exactly one row; none is ledger.ErrNotFound.
func (s *Store) one(ctx context.Context, what, text string, args []any, scan func(row) error) error {
	n := 0
	err := s.read(ctx, what, text, args, func(r row) error {
		n++
		return scan(r)
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: %s", ledger.ErrNotFound, what)
	}
	return err
}

// selects runs "SELECT (columns) FROM (table) t ..." and collects the rows.
func selects[K comparable, R any](ctx context.Context, s *Store, t *table[K, R], what, tail string, args ...any) ([]R, error) {
	var out []R
	err := s.read(ctx, what, "SELECT "+t.selected+" FROM "+t.from+" "+tail, args, func(r row) error {
		_, row := t.scan(r)
		out = append(out, row)
		return nil
	})
	return out, err
}

func first[R any](what string, rs []R, err error) (*R, error) {
	if err != nil {
		return nil, err
	}
	if len(rs) == 0 {
		return nil, fmt.Errorf("%w: %s", ledger.ErrNotFound, what)
	}
	return &rs[0], nil
}

// Record returns a record, or ledger.ErrNotFound.
func (s *Store) Record(ctx context.Context, id int64) (*ledger.Record, error) {
	if r, ok := s.recordCache.get(id); ok {
		r.Headers = maps.Clone(r.Headers)
		return &r, nil
	}
	what := fmt.Sprintf("record %d", id)
	rs, err := selects(ctx, s, s.t.records, what, "WHERE t.id = ?", id)
	return first(what, rs, err)
}

// Delivery returns a delivery, or ledger.ErrNotFound.
func (s *Store) Delivery(ctx context.Context, id int64) (*ledger.Delivery, error) {
	if d, ok := s.delivery(id); ok {
		return &d, nil
	}
	what := fmt.Sprintf("delivery %d", id)
	ds, err := selects(ctx, s, s.t.deliveries, what, "WHERE t.id = ?", id)
	return first(what, ds, err)
}

// delivery returns a delivery that is in memory.
func (s *Store) delivery(id int64) (ledger.Delivery, bool) {
	d, ok := s.deliveryCache.get(id)
	d.Progress = slices.Clone(d.Progress)
	return d, ok
}

// Hint returns a hint, or ledger.ErrNotFound.
func (s *Store) Hint(ctx context.Context, id int64) (*ledger.Hint, error) {
	what := fmt.Sprintf("hint %d", id)
	hs, err := selects(ctx, s, s.t.hints, what, "WHERE t.id = ?", id)
	return first(what, hs, err)
}

// Payload returns the exact bytes of a payload, or ledger.ErrNotFound when it was never
// written or is past its retention. The caller must not change them.
func (s *Store) Payload(ctx context.Context, ref ledger.Ref) ([]byte, error) {
	parts, ok := s.blocks.get(ref.Block)
	if !ok {
		what := fmt.Sprintf("payload %d.%d", ref.Block, ref.Index)
		var body []byte
		err := s.one(ctx, what, "SELECT body FROM blk WHERE id = ?", []any{ref.Block}, func(r row) error {
			body = r.Blob(0)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if parts, err = s.codec.unpack(body); err != nil {
			return nil, fmt.Errorf("ledger: read %s: %w", what, err)
		}
		s.blocks.put(ref.Block, parts)
	}
	if ref.Index < 0 || ref.Index >= len(parts) {
		return nil, fmt.Errorf("%w: payload %d.%d", ledger.ErrNotFound, ref.Block, ref.Index)
	}
	return parts[ref.Index], nil
}

// RootRecords returns all records of a root in order of id.
func (s *Store) RootRecords(ctx context.Context, root int64) ([]ledger.Record, error) {
	return selects(ctx, s, s.t.records, "records of a root", "WHERE t.root = ? ORDER BY t.id", root)
}

// RootDeliveries returns all deliveries of a root in order of id.
func (s *Store) RootDeliveries(ctx context.Context, root int64) ([]ledger.Delivery, error) {
	if ds, ok := s.youngDeliveries(root); ok {
		return ds, nil
	}
	// In two steps: a join leaves it to the server which of them it begins with, and while
	// it knows nothing of a table it may begin with all deliveries.
	var records []int64
	err := s.read(ctx, "records of a root", "SELECT id FROM record WHERE root = ? ORDER BY id", []any{root}, func(r row) error {
		records = append(records, r.Int(0))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []ledger.Delivery
	for some := range slices.Chunk(records, rootChunk) {
		ds, err := selects(ctx, s, s.t.deliveries, "deliveries of a root", "WHERE t.record IN "+marks(rootChunk), fill(some, rootChunk)...)
		if err != nil {
			return nil, err
		}
		out = append(out, ds...)
	}
	slices.SortFunc(out, func(a, b ledger.Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// rootChunk is how many records of a root one query looks at; most roots have fewer.
const rootChunk = 8

// Latest returns the newest record of a record key, or ledger.ErrNotFound.
func (s *Store) Latest(ctx context.Context, key ledger.DocKey) (*ledger.Record, error) {
	what := "newest " + key.Entity + " of " + key.Connection
	rs, err := selects(ctx, s, s.t.records, what,
		"WHERE t.id = (SELECT record FROM doc WHERE key = ? AND entity = ? AND connection = ?)", key.Key, key.Entity, key.Connection)
	return first(what, rs, err)
}

// Sighted returns when the fetch that saw each document last began.
func (s *Store) Sighted(ctx context.Context, connection, entity string, keys []string) (map[string]time.Time, error) {
	const page = 100
	out := map[string]time.Time{}
	for len(keys) > 0 {
		some := keys[:min(page, len(keys))]
		keys = keys[len(some):]
		args := make([]any, 0, len(some)+2)
		for _, k := range some {
			args = append(args, k)
		}
		args = append(args, entity, connection)
		err := s.read(ctx, "sightings", "SELECT key, fetched_at FROM doc WHERE key IN (?"+strings.Repeat(", ?", len(some)-1)+") AND entity = ? AND connection = ?",
			args, func(r row) error {
				out[r.Text(0)] = instant(r.Int(1))
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Unseen pages through watched documents that no fetch since then has seen.
func (s *Store) Unseen(ctx context.Context, connection, stream string, since time.Time, after int64, limit int) ([]ledger.Unseen, error) {
	var out []ledger.Unseen
	err := s.read(ctx, "unseen", "SELECT d.id, d.key, r.root_key FROM doc d JOIN record r ON r.id = d.record "+
		"WHERE d.connection = ? AND d.watch = ? AND d.watch <> '' AND d.id > ? AND d.fetched_at < ? ORDER BY d.id LIMIT ?",
		[]any{connection, stream, after, micros(since), limit}, func(r row) error {
			out = append(out, ledger.Unseen{Doc: r.Int(0), Key: r.Text(1), RootKey: r.Text(2)})
			return nil
		})
	return out, err
}

// Attempts returns what was done about a delivery, in order.
func (s *Store) Attempts(ctx context.Context, delivery int64) ([]ledger.Attempt, error) {
	var as []ledger.Attempt
	err := s.read(ctx, "attempts", "SELECT n, kind, started_at, ended_at, state, code, text, map_version, who, blk, idx "+
		"FROM attempt WHERE delivery = ? ORDER BY id", []any{delivery}, func(r row) error {
		as = append(as, ledger.Attempt{Delivery: delivery, N: int(r.Int(0)), Kind: r.Text(1), StartedAt: instant(r.Int(2)),
			EndedAt: instant(r.Int(3)), State: ledger.State(r.Text(4)), Code: r.Text(5), Text: r.Text(6), MapVersion: r.Text(7),
			Who: r.Text(8), Exchange: ledger.Ref{Block: r.Int(9), Index: int(r.Int(10))}})
		return nil
	})
	return as, err
}

// Deps returns what a blocked delivery waits for.
func (s *Store) Deps(ctx context.Context, delivery int64) ([]ledger.Dep, error) {
	var ds []ledger.Dep
	err := s.read(ctx, "dependencies", "SELECT kind, key FROM dep WHERE delivery = ? ORDER BY kind, key", []any{delivery},
		func(r row) error {
			ds = append(ds, ledger.Dep{Kind: ledger.DepKind(r.Text(0)), Key: r.Text(1)})
			return nil
		})
	return ds, err
}

// Link returns a link, or ledger.ErrNotFound.
func (s *Store) Link(ctx context.Context, connection, operation, remoteKey string) (*ledger.Link, error) {
	what := "link of " + connection + " " + operation
	if l, ok := s.linkCache.get(linkKey{connection, operation, remoteKey}); ok {
		l.RemoteIDs = slices.Clone(l.RemoteIDs)
		return &l, nil
	}
	ls, err := selects(ctx, s, s.t.links, what, "WHERE t.remote_key = ? AND t.operation = ? AND t.connection = ?",
		remoteKey, operation, connection)
	return first(what, ls, err)
}

// LinksByDoc returns the links of a record key.
func (s *Store) LinksByDoc(ctx context.Context, doc int64) ([]ledger.Link, error) {
	return selects(ctx, s, s.t.links, "links", "WHERE t.doc = ? ORDER BY t.connection, t.operation, t.remote_key", doc)
}

// BudgetUsed returns how much of a budget is spent.
func (s *Store) BudgetUsed(ctx context.Context, connection, operation, key string) (int, error) {
	used := 0
	err := s.read(ctx, "budget", "SELECT used FROM budget WHERE key = ? AND operation = ? AND connection = ?",
		[]any{key, operation, connection}, func(r row) error {
			used = int(r.Int(0))
			return nil
		})
	return used, err
}

// Cursor returns the position of a pull; empty when it has none yet.
func (s *Store) Cursor(ctx context.Context, connection, stream, name string) (string, error) {
	value := ""
	err := s.read(ctx, "cursor", "SELECT value FROM cursor WHERE connection = ? AND stream = ? AND name = ?",
		[]any{connection, stream, name}, func(r row) error {
			value = r.Text(0)
			return nil
		})
	return value, err
}

// Gates returns the gates that are closed.
func (s *Store) Gates(ctx context.Context) ([]ledger.Gate, error) {
	return selects(ctx, s, s.t.gates, "gates", "ORDER BY t.connection, t.operation")
}

// Lookups returns the overlay of a lookup table.
func (s *Store) Lookups(ctx context.Context, table string) (map[string]string, error) {
	m := map[string]string{}
	err := s.read(ctx, "lookups", "SELECT key, value FROM lookup WHERE tab = ?", []any{table}, func(r row) error {
		m[r.Text(0)] = r.Text(1)
		return nil
	})
	return m, err
}

// LookupHistory returns every change of an entry, oldest first; of the whole table when
// key is empty.
func (s *Store) LookupHistory(ctx context.Context, table, key string) ([]ledger.LookupChange, error) {
	text, args := "SELECT tab, key, value, deleted, who, why, at FROM lookup_history WHERE tab = ?", []any{table}
	if key != "" {
		text, args = text+" AND key = ?", append(args, key)
	}
	var cs []ledger.LookupChange
	err := s.read(ctx, "lookup history", text+" ORDER BY id", args, func(r row) error {
		cs = append(cs, ledger.LookupChange{Table: r.Text(0), Key: r.Text(1), Value: r.Text(2), Deleted: r.Int(3) != 0,
			Who: r.Text(4), Why: r.Text(5), At: instant(r.Int(6))})
		return nil
	})
	return cs, err
}
