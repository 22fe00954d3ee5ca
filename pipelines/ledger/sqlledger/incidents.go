package sqlledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

const incidentColumns = "id, kind, connection, name, code, field, opened_at, changed_at, closed_at, n, seen, lifetime, episodes"

func scanIncident(r row) ledger.Incident {
	return ledger.Incident{ID: r.Int(0), Kind: r.Text(1), Connection: r.Text(2), Name: r.Text(3), Code: r.Text(4), Field: r.Text(5),
		OpenedAt: instant(r.Int(6)), ChangedAt: instant(r.Int(7)), ClosedAt: instant(r.Int(8)), Now: r.Int(9), Seen: r.Int(10),
		Lifetime: r.Int(11), Episodes: r.Int(12)}
}

// Incidents pages through incidents; see ledger.Desk.
func (s *Store) Incidents(ctx context.Context, f ledger.IncidentFilter) ([]ledger.Incident, error) {
	var c conditions
	switch f.State {
	case "open":
		c.add("n > 0")
	case "closed":
		c.add("n <= 0")
	}
	c.equal("kind", f.Kind)
	c.equal("connection", f.Connection)
	c.equal("code", f.Code)
	if !f.Before.IsZero() {
		c.add("(opened_at < ? OR opened_at = ? AND id < ?)", micros(f.Before), micros(f.Before), f.BeforeID)
	}
	text := "SELECT " + incidentColumns + " FROM incident"
	if len(c.texts) > 0 {
		text += " WHERE " + strings.Join(c.texts, " AND ")
	}
	var out []ledger.Incident
	err := s.read(ctx, "incidents", text+" ORDER BY opened_at DESC, id DESC LIMIT ?", append(c.args, limitOf(f.Limit)), func(r row) error {
		out = append(out, scanIncident(r))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.stakes(ctx, out)
}

// stakes fills in the money of incidents.
func (s *Store) stakes(ctx context.Context, list []ledger.Incident) error {
	at := map[int64]*ledger.Incident{}
	var args []any
	for i := range list {
		if list[i].Now > 0 {
			at[list[i].ID] = &list[i]
			args = append(args, list[i].ID)
		}
	}
	if len(args) == 0 {
		return nil
	}
	text := "SELECT incident, currency, amount, n FROM incident_money WHERE n > 0 AND incident IN (?" + strings.Repeat(", ?", len(args)-1) + ") ORDER BY incident, currency"
	return s.read(ctx, "money of incidents", text, args, func(r row) error {
		i := at[r.Int(0)]
		i.Money = append(i.Money, ledger.Stake{Amount: ledger.Amount{Currency: r.Text(1), Minor: r.Int(2)}, Rows: r.Int(3)})
		return nil
	})
}

// Incident returns one, or ledger.ErrNotFound.
func (s *Store) Incident(ctx context.Context, id int64) (*ledger.Incident, error) {
	list := make([]ledger.Incident, 1)
	err := s.one(ctx, fmt.Sprintf("incident %d", id), "SELECT "+incidentColumns+" FROM incident WHERE id = ?", []any{id}, func(r row) error {
		list[0] = scanIncident(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &list[0], s.stakes(ctx, list)
}

// Stakes sums the money of open incidents; see ledger.Desk.
func (s *Store) Stakes(ctx context.Context) ([]ledger.Stake, error) {
	var out []ledger.Stake
	err := s.read(ctx, "money of incidents", "SELECT currency, CAST(sum(amount) AS BIGINT), CAST(sum(n) AS BIGINT) FROM incident_money WHERE n > 0 GROUP BY currency ORDER BY currency",
		nil, func(r row) error {
			out = append(out, ledger.Stake{Amount: ledger.Amount{Currency: r.Text(0), Minor: r.Int(1)}, Rows: r.Int(2)})
			return nil
		})
	return out, err
}

// IncidentRows pages through the rows of an incident; see ledger.Desk.
func (s *Store) IncidentRows(ctx context.Context, id, after int64, limit int) ([]int64, error) {
	var out []int64
	err := s.read(ctx, "rows of an incident", "SELECT row_id FROM incident_row WHERE incident = ? AND row_id > ? ORDER BY row_id LIMIT ?",
		[]any{id, after, limitOf(limit)}, func(r row) error {
			out = append(out, r.Int(0))
			return nil
		})
	return out, err
}
