package sqlledger

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	return out, err
}

// Incident returns one, or ledger.ErrNotFound.
func (s *Store) Incident(ctx context.Context, id int64) (*ledger.Incident, error) {
	var i ledger.Incident
	err := s.one(ctx, fmt.Sprintf("incident %d", id), "SELECT "+incidentColumns+" FROM incident WHERE id = ?", []any{id}, func(r row) error {
		i = scanIncident(r)
		return nil
	})
	return &i, err
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

// WaitingLookups pages through the lookup entries that rows wait for; see ledger.Desk.
func (s *Store) WaitingLookups(ctx context.Context, table, key string, limit int) ([]ledger.WaitingLookup, error) {
	type entry struct{ table, key string }
	at := map[entry]*ledger.WaitingLookup{}
	var all []*ledger.WaitingLookup
	of := func(table, key string) *ledger.WaitingLookup {
		e := entry{table, key}
		if at[e] == nil {
			at[e] = &ledger.WaitingLookup{Table: table, Key: key}
			all = append(all, at[e])
		}
		return at[e]
	}
	older := func(w *ledger.WaitingLookup, t time.Time) {
		if w.Oldest.IsZero() || t.Before(w.Oldest) {
			w.Oldest = t
		}
	}
	err := s.read(ctx, "missing lookup entries", "SELECT g.key, g.n, d.created_at FROM (SELECT key, count(*) AS n, min(delivery) AS first FROM dep "+
		"WHERE kind = 'lookup' GROUP BY key) g JOIN delivery d ON d.id = g.first", nil, func(r row) error {
		tab, k, _ := strings.Cut(r.Text(0), keySep)
		w := of(tab, k)
		w.Deliveries = r.Int(1)
		older(w, instant(r.Int(2)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The oldest record stands for the text too: its incident's field may be cut.
	err = s.read(ctx, "missing lookup entries", "SELECT r.text, i.n, r.at FROM incident i JOIN record r ON r.id = "+
		"(SELECT min(x.row_id) FROM incident_row x WHERE x.incident = i.id) WHERE i.kind = 'record' AND i.code = 'blocked.lookup' AND i.n > 0", nil,
		func(r row) error {
			if tab, k, ok := ledger.MissingEntry(r.Text(0)); ok {
				w := of(tab, k)
				w.Records += r.Int(1)
				older(w, instant(r.Int(2)))
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	return pageOfWaiting(all, table, key, int(limitOf(limit))), nil
}
