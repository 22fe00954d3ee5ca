package sqlledger

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// missing is one lookup entry that rows wait for. Its key is that of the dependency: table
// and key, joined, which is also the order of the list.
type missing struct {
	key        string
	deliveries int64
	records    int64
	first      []int64 // its oldest records, of each incident one
	oldest     time.Time
}

// WaitingLookups pages through the lookup entries that rows wait for; see ledger.Desk.
func (s *Store) WaitingLookups(ctx context.Context, table, key string, limit int) ([]ledger.WaitingLookup, error) {
	after := ""
	if table != "" {
		after = ledger.LookupKey(table, key)
	}
	n := int(limitOf(limit))
	page, err := s.missedByRecords(ctx, after)
	if err != nil {
		return nil, err
	}
	if page, err = s.missedByDeliveries(ctx, after, n, page); err != nil {
		return nil, err
	}
	slices.SortFunc(page, func(a, b *missing) int { return strings.Compare(a.key, b.key) })
	var out []ledger.WaitingLookup
	for _, m := range page[:min(len(page), n)] {
		for _, id := range m.first {
			r, err := s.Record(ctx, id)
			if err != nil {
				return nil, err
			}
			m.older(r.At)
		}
		tab, k, _ := strings.Cut(m.key, keySep)
		out = append(out, ledger.WaitingLookup{Table: tab, Key: k, Deliveries: m.deliveries, Records: m.records, Oldest: m.oldest})
	}
	return out, nil
}

func (m *missing) older(t time.Time) {
	if m.oldest.IsZero() || t.Before(m.oldest) {
		m.oldest = t
	}
}

// missedByRecords reads the entries that parked records name: an incident each.
func (s *Store) missedByRecords(ctx context.Context, after string) ([]*missing, error) {
	var out []*missing
	at := map[string]*missing{}
	// The oldest record stands for the text: the field of its incident may be cut.
	err := s.read(ctx, "missing lookup entries", "SELECT r.text, i.n, r.id FROM incident i JOIN record r ON r.id = "+
		"(SELECT min(x.row_id) FROM incident_row x WHERE x.incident = i.id) WHERE i.kind = 'record' AND i.code = 'blocked.lookup' AND i.n > 0", nil,
		func(r row) error {
			tab, k, ok := ledger.MissingEntry(r.Text(0))
			name := ledger.LookupKey(tab, k)
			if !ok || name <= after {
				return nil
			}
			m := at[name]
			if m == nil {
				m = &missing{key: name}
				at[name], out = m, append(out, m)
			}
			m.records += r.Int(1)
			m.first = append(m.first, r.Int(2))
			return nil
		})
	return out, err
}

// missedByDeliveries adds the next n entries that blocked deliveries wait for; it steps
// from one to the next in their index, however many wait for each.
func (s *Store) missedByDeliveries(ctx context.Context, after string, n int, page []*missing) ([]*missing, error) {
	for range n {
		m := missing{}
		err := s.read(ctx, "missing lookup entries", "SELECT p.key, d.created_at, (SELECT count(*) FROM dep x WHERE x.kind = 'lookup' AND x.key = p.key) FROM dep p "+
			"JOIN delivery d ON d.id = p.delivery WHERE p.kind = 'lookup' AND p.key > ? ORDER BY p.key, p.delivery LIMIT 1", []any{after}, func(r row) error {
			m = missing{key: r.Text(0), oldest: instant(r.Int(1)), deliveries: r.Int(2)}
			return nil
		})
		if err != nil || m.key == "" {
			return page, err
		}
		after = m.key
		if i := slices.IndexFunc(page, func(p *missing) bool { return p.key == m.key }); i >= 0 {
			page[i].deliveries = m.deliveries
			page[i].older(m.oldest)
		} else {
			page = append(page, &m)
		}
	}
	return page, nil
}
