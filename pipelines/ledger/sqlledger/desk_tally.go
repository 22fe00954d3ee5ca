package sqlledger

import (
	"context"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Tally returns how many rows are in which state, without what it takes to know the
// oldest: it costs the same however many rows there are.
func (s *Store) Tally(ctx context.Context) ([]ledger.Count, error) {
	var out []ledger.Count
	err := s.read(ctx, "counts", "SELECT kind, connection, name, state, CAST(sum(n) AS BIGINT) FROM tally GROUP BY kind, connection, name, state "+
		"HAVING sum(n) <> 0 ORDER BY kind, connection, name, state", nil, func(r row) error {
		out = append(out, ledger.Count{Kind: r.Text(0), Connection: r.Text(1), Name: r.Text(2), State: r.Text(3), N: r.Int(4)})
		return nil
	})
	return out, err
}
