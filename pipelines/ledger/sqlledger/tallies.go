package sqlledger

import (
	"context"

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
