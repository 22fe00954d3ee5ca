package sqlledger

import (
	"context"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Tallies returns what Counts does without Oldest. It reads a few rows however large the
// store is, so it can be asked every few seconds; Counts looks at every unfinished row.
func (s *Store) Tallies(ctx context.Context) ([]ledger.Count, error) {
	var cs []ledger.Count
	err := s.read(ctx, "tallies", "SELECT kind, connection, name, state, code, n FROM tally WHERE n <> 0 "+
		"ORDER BY kind, connection, name, state, code", nil, func(r row) error {
		cs = append(cs, ledger.Count{Kind: r.Text(0), Connection: r.Text(1), Name: r.Text(2), State: r.Text(3), Code: r.Text(4), N: r.Int(5)})
		return nil
	})
	return cs, err
}

// headsOf is how many of the oldest rows of each partition Heads looks at.
const headsOf = 32

// Heads returns of when the oldest rows are that the bus has something to do with, by
// kind, connection, name, state and code; N is not filled. It looks at the first rows of
// each partition only: the oldest row of the store is always among them, that of a
// connection may be missing where another's backlog stands before it.
func (s *Store) Heads(ctx context.Context) ([]ledger.Count, error) {
	at := map[tallyKey]time.Time{}
	for _, q := range []string{
		"SELECT 'hint', connection, stream, state, code, first_at FROM hint WHERE part = ? AND open > 0 AND open = 1 ORDER BY id LIMIT ?",
		"SELECT 'record', d.connection, t.stream, t.state, t.code, t.at FROM record t JOIN doc d ON d.id = t.doc " +
			"WHERE t.part = ? AND t.open > 0 AND t.open = 1 ORDER BY t.id LIMIT ?",
		"SELECT 'delivery', connection, operation, state, code, created_at FROM delivery WHERE part = ? AND open > 0 AND open = 1 ORDER BY id LIMIT ?",
	} {
		for part := range ledger.Partitions {
			err := s.read(ctx, "heads", q, []any{int64(part), int64(headsOf)}, func(r row) error {
				k := tallyKey{r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Text(4)}
				if t, is := instant(r.Int(5)), at[k]; is.IsZero() || t.Before(is) {
					at[k] = t
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	var cs []ledger.Count
	for k, t := range at {
		cs = append(cs, ledger.Count{Kind: k.kind, Connection: k.connection, Name: k.name, State: k.state, Code: k.code, Oldest: t})
	}
	return cs, nil
}
