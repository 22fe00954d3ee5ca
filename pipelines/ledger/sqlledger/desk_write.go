package sqlledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// sameIncident is how soon after it closed a cause that comes back opens the same
// incident again.
const sameIncident = 15 * time.Minute

// fresh is whether a cause that comes back is a new incident.
var fresh = fmt.Sprintf("incident.n = 0 AND excluded.n > 0 AND excluded.changed_at - incident.closed_at > %d", sameIncident.Microseconds())

var (
	addIncident = newInsert("incident", columns("id:i kind:t connection:t name:t code:t field:t opened_at:i changed_at:i closed_at:i n:i seen:i lifetime:i episodes:i"),
		strings.ReplaceAll("(id) DO UPDATE SET opened_at = CASE WHEN {fresh} THEN excluded.opened_at ELSE incident.opened_at END, "+
			"seen = CASE WHEN {fresh} THEN excluded.seen ELSE incident.seen + excluded.seen END, "+
			"episodes = incident.episodes + CASE WHEN {fresh} THEN 1 ELSE 0 END, "+
			"closed_at = CASE WHEN incident.n + excluded.n > 0 THEN 0 WHEN incident.n = 0 THEN incident.closed_at ELSE excluded.changed_at END, "+
			"n = incident.n + excluded.n, lifetime = incident.lifetime + excluded.lifetime, changed_at = excluded.changed_at", "{fresh}", fresh))
	incidentRow     = columns("incident:i row_id:i")
	addIncidentRow  = newInsert("incident_row", incidentRow, "DO NOTHING")
	dropIncidentRow = newDelete("incident_row", incidentRow)
	addMoney        = newInsert("incident_money", columns("incident:i currency:t amount:i n:i"),
		"(incident, currency) DO UPDATE SET amount = incident_money.amount + excluded.amount, n = incident_money.n + excluded.n")
)

// member is a row with the cause that it fails for.
type member struct {
	ledger.Trouble
	row    int64
	amount ledger.Amount
}

// troubleOf returns the cause that a row of any table fails for, if it does.
func troubleOf(row any) (m member, ok bool) {
	switch r := row.(type) {
	case *ledger.Delivery:
		m.row, m.amount = r.ID, r.Amount
		m.Trouble, ok = ledger.DeliveryTrouble(r)
	case *ledger.Record:
		m.row, m.amount = r.ID, r.Amount
		m.Trouble, ok = ledger.RecordTrouble(r)
	case *ledger.Hint:
		m.row = r.ID
		m.Trouble, ok = ledger.HintTrouble(r)
	case *ledger.Gate:
		m.Trouble, ok = ledger.GateTrouble(r)
	}
	return m, ok
}

// shift is what a batch changes about one incident.
type shift struct {
	ledger.Trouble
	delta, seen int64
}

// moneyKey names one sum of an incident.
type moneyKey struct {
	incident int64
	currency string
}

// troubles collects what a batch changes about the incidents of one kind of row.
type troubles struct {
	shifts     map[ledger.Trouble]*shift
	order      []*shift
	add, drops []member
	money      map[moneyKey]*ledger.Stake
}

// stake adds the money of a row to its incident's, or takes it away.
func (t *troubles) stake(m member, sign int64) {
	if m.amount.Currency == "" {
		return
	}
	k := moneyKey{m.ID(), m.amount.Currency}
	s := t.money[k]
	if s == nil {
		if t.money == nil {
			t.money = map[moneyKey]*ledger.Stake{}
		}
		s = &ledger.Stake{Amount: ledger.Amount{Currency: m.amount.Currency}}
		t.money[k] = s
	}
	s.Minor += sign * m.amount.Minor
	s.Rows += sign
}

func (t *troubles) shift(of ledger.Trouble) *shift {
	s := t.shifts[of]
	if s == nil {
		if t.shifts == nil {
			t.shifts = map[ledger.Trouble]*shift{}
		}
		s = &shift{Trouble: of}
		t.shifts[of] = s
		t.order = append(t.order, s)
	}
	return s
}

// moved tells of a row that failed for was, or not at all, and fails for is now.
func (t *troubles) moved(was member, failed bool, is member, fails bool) {
	if failed && fails && was == is {
		return
	}
	if failed {
		t.stake(was, -1)
	}
	if fails {
		t.stake(is, 1)
	}
	if failed && fails && was.Trouble == is.Trouble && was.row == is.row {
		return // only its amount is another
	}
	if failed {
		t.shift(was.Trouble).delta--
		t.drops = append(t.drops, was)
	}
	if fails {
		s := t.shift(is.Trouble)
		s.delta++
		s.seen++
		t.add = append(t.add, is)
	}
}

// changes writes them.
func (t *troubles) changes(cs []change, now time.Time) []change {
	cs = t.sums(cs)
	if len(t.order) == 0 {
		return cs
	}
	rows := func(q *mutation, ms []member) {
		if len(ms) > 0 {
			cs = append(cs, change{q, len(ms), func(i int, b binder) { b.Int(ms[i].ID()); b.Int(ms[i].row) }})
		}
	}
	rows(dropIncidentRow, t.drops)
	rows(addIncidentRow, t.add)
	at := micros(now)
	return append(cs, change{addIncident, len(t.order), func(i int, b binder) {
		s := t.order[i]
		b.Int(s.ID())
		for _, v := range []string{s.Kind, s.Connection, s.Name, s.Code, s.Field} {
			b.Text(v)
		}
		b.Int(at)
		b.Int(at)
		b.Int(0)
		for _, n := range []int64{s.delta, s.seen, s.seen, 1} {
			b.Int(n)
		}
	}})
}

// sums writes what has changed of the incidents' money.
func (t *troubles) sums(cs []change) []change {
	keys := make([]moneyKey, 0, len(t.money))
	for k, s := range t.money {
		if s.Rows != 0 || s.Minor != 0 {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return cs
	}
	slices.SortFunc(keys, func(a, b moneyKey) int {
		return cmp.Or(cmp.Compare(a.incident, b.incident), cmp.Compare(a.currency, b.currency))
	})
	return append(cs, change{addMoney, len(keys), func(i int, b binder) {
		s := t.money[keys[i]]
		b.Int(keys[i].incident)
		b.Text(keys[i].currency)
		b.Int(s.Minor)
		b.Int(s.Rows)
	}})
}

// metaDesk says by which rule the incidents were made of the rows.
const (
	metaDesk = "incidents"
	deskRule = "2"
)

// rebuildIncidents makes the incidents of a store that has rows and no incidents yet,
// or has them by another rule.
func (s *Store) rebuildIncidents(ctx context.Context) error {
	have, err := readMeta(ctx, s.drv, metaDesk)
	if err != nil || have == deskRule {
		return err
	}
	var t troubles
	see := func(row any) {
		if m, ok := troubleOf(row); ok {
			t.moved(member{}, false, m, true)
		}
	}
	err = firstError(
		each(ctx, s, s.t.deliveries, "WHERE t.open > 0", func(d *ledger.Delivery) { see(d) }),
		each(ctx, s, s.t.records, "WHERE t.open > 0", func(r *ledger.Record) { see(r) }),
		each(ctx, s, s.t.hints, "WHERE t.open > 0", func(h *ledger.Hint) { see(h) }),
		each(ctx, s, s.t.gates, "", func(g *ledger.Gate) { see(g) }),
	)
	if err != nil {
		return err
	}
	if err := s.drv.script(ctx, "DELETE FROM incident_money; DELETE FROM incident_row; DELETE FROM incident;"); err != nil {
		return fmt.Errorf("ledger: make the incidents anew: %w", err)
	}
	if len(t.order) > 0 {
		if err := s.drv.begin(ctx); err != nil {
			return err
		}
		if err := s.drv.commit(ctx, t.changes(nil, s.now())); err != nil {
			return fmt.Errorf("ledger: make the incidents: %w", err)
		}
	}
	return s.drv.script(ctx, fmt.Sprintf("INSERT INTO meta (key, value) VALUES ('%s', '%s') ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		metaDesk, deskRule))
}

func firstError(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// each calls fn for every row of a table that tail selects, while the store is opened.
func each[K comparable, R any](ctx context.Context, s *Store, t *table[K, R], tail string, fn func(*R)) error {
	err := s.drv.query(ctx, "SELECT "+t.selected+" FROM "+t.from+" "+tail, nil, func(r row) error {
		_, one := t.scan(r)
		fn(&one)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: read what fails: %w", err)
	}
	return nil
}
