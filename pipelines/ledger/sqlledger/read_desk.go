package sqlledger

import (
	"context"
	"slices"

	"github.com/minihub/minihub/pipelines/ledger"
)

// desk is how a table serves the lists of a desk. Its rows are in an index by state, where
// they are, and code; only those on their way and those that went it are not, so that the
// index costs them nothing. The tallies say which combinations there are: a list is put
// together from a piece of the index of each.
type desk struct {
	kind, from string
	calm       []string // states that are not in the index
	indexed    string   // the condition of the index, word for word
	group      string   // condition of one combination, in the order of the tally's columns
	created    string
	open       func(state string) bool // whether the index of unfinished rows has rows of a calm state
}

var (
	deliveryDesk = &desk{kind: "delivery", from: "delivery t", calm: []string{"ready", "sending", "delivered", "filtered"},
		indexed: "t.state NOT IN ('ready', 'sending', 'delivered', 'filtered')",
		group:   "t.connection = ? AND t.operation = ? AND t.state = ? AND t.code = ?", created: "created_at",
		open: func(state string) bool { return state == "ready" || state == "sending" }}
	recordDesk = &desk{kind: "record", from: "record t JOIN doc d ON d.id = t.doc", calm: []string{"received", "routed"},
		indexed: "t.state NOT IN ('received', 'routed')",
		group:   "d.connection = ? AND t.stream = ? AND t.state = ? AND t.code = ?", created: "at",
		open: func(state string) bool { return state == "received" }}
	hintDesk = &desk{kind: "hint", from: "hint t", calm: []string{"pending", "done"}, indexed: "t.state = 'parked'",
		group: "t.connection = ? AND t.stream = ? AND t.state = ? AND t.code = ?", created: "first_at"}
)

// Deliveries returns the deliveries a filter selects, in order of id.
func (s *Store) Deliveries(ctx context.Context, f ledger.Filter) ([]ledger.Delivery, error) {
	ids, err := s.listed(ctx, deliveryDesk, f, f.Operation, func(c *conditions) {
		c.equal("t.flow", f.Flow)
		if f.Stream != "" {
			c.add("(SELECT r.stream FROM record r WHERE r.id = t.record) = ?", f.Stream)
		}
		if f.Label != "" {
			c.add("(SELECT r.label FROM record r WHERE r.id = t.record) = ?", f.Label)
		}
	})
	if err != nil {
		return nil, err
	}
	return named(ctx, s, s.t.deliveries, "deliveries", ids)
}

// Records returns the records a filter selects, in order of id. Operation and Flow do
// not apply.
func (s *Store) Records(ctx context.Context, f ledger.Filter) ([]ledger.Record, error) {
	ids, err := s.listed(ctx, recordDesk, f, f.Stream, func(c *conditions) { c.equal("t.label", f.Label) })
	if err != nil {
		return nil, err
	}
	return named(ctx, s, s.t.records, "records", ids)
}

// named reads rows by id, in order.
func named[R any](ctx context.Context, s *Store, t *table[int64, R], what string, ids []int64) ([]R, error) {
	var out []R
	for some := range slices.Chunk(ids, findChunk) {
		rows, err := selects(ctx, s, t, what, "WHERE t.id IN "+marks(findChunk)+" ORDER BY t.id", fill(some, findChunk)...)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// listed returns the ids of the rows that a filter selects, in order, up to its limit.
func (s *Store) listed(ctx context.Context, d *desk, f ledger.Filter, name string, more func(*conditions)) ([]int64, error) {
	if len(f.States) == 0 && f.Code == "" {
		// In one look: a row that moves between two pieces would be in neither (Invariant 5).
		return s.walked(ctx, d, f, nil, name, more)
	}
	counts, err := s.Tallies(ctx)
	if err != nil {
		return nil, err
	}
	limit := int(limitOf(f.Limit))
	var ids []int64
	var calm []string
	for _, c := range counts {
		switch {
		case c.Kind != d.kind, f.Connection != "" && c.Connection != f.Connection, name != "" && c.Name != name, f.Code != "" && c.Code != f.Code,
			len(f.States) > 0 && !slices.Contains(f.States, c.State):
		case slices.Contains(d.calm, c.State):
			calm = append(calm, c.State)
		default:
			some, err := s.group(ctx, d, f, c, more)
			if err != nil {
				return nil, err
			}
			ids = append(ids, some...)
		}
	}
	if len(calm) > 0 {
		slices.Sort(calm)
		some, err := s.walked(ctx, d, f, slices.Compact(calm), name, more)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids[:min(len(ids), limit)], nil
}

// group lists the rows of one combination.
func (s *Store) group(ctx context.Context, d *desk, f ledger.Filter, of ledger.Count, more func(*conditions)) ([]int64, error) {
	var c conditions
	c.add(d.indexed)
	c.add(d.group, of.Connection, of.Name, of.State, of.Code)
	more(&c)
	return s.rowIDs(ctx, d, f, &c)
}

// walked lists the rows of states that are in no index of the desk's, or with none those of
// any state: most rows are in one of them, so a look at the rows by id finds a page of
// them soon.
func (s *Store) walked(ctx context.Context, d *desk, f ledger.Filter, states []string, name string, more func(*conditions)) ([]int64, error) {
	var c conditions
	args := make([]any, len(states))
	open := len(states) > 0
	for i, state := range states {
		args[i] = state
		open = open && d.open(state)
	}
	if len(states) > 0 {
		c.add("t.state IN "+marks(len(args)), args...)
	}
	if open {
		c.add("t.open > 0") // lets the index of the unfinished serve
	}
	if d == recordDesk {
		c.equal("d.connection", f.Connection)
		c.equal("t.stream", name)
	} else {
		c.equal("t.connection", f.Connection)
		c.equal("t.operation", name)
	}
	c.equal("t.code", f.Code)
	more(&c)
	return s.rowIDs(ctx, d, f, &c)
}

func (s *Store) rowIDs(ctx context.Context, d *desk, f ledger.Filter, c *conditions) ([]int64, error) {
	tail := c.page(f, d.created)
	var ids []int64
	err := s.read(ctx, d.kind+" rows", "SELECT t.id FROM "+d.from+" "+tail, c.args, func(r row) error {
		ids = append(ids, r.Int(0))
		return nil
	})
	return ids, err
}

// Counts returns how many rows are in which state. Oldest is known for what is not
// finished: exactly where a person is needed or a time must come, and as Heads tells it
// for what is on its way.
func (s *Store) Counts(ctx context.Context) ([]ledger.Count, error) {
	cs, err := s.Tallies(ctx)
	if err != nil {
		return nil, err
	}
	moving := false
	for i := range cs {
		d := deskOf(cs[i].Kind)
		if slices.Contains(d.calm, cs[i].State) {
			moving = moving || d == hintDesk && cs[i].State == hintPending || d != hintDesk && d.open(cs[i].State)
			continue
		}
		if d == deliveryDesk && ledger.State(cs[i].State).Final() || d == recordDesk && cs[i].State != string(ledger.RecordParked) {
			continue
		}
		if err := s.oldest(ctx, d, &cs[i]); err != nil {
			return nil, err
		}
	}
	if !moving {
		return cs, nil
	}
	heads, err := s.Heads(ctx)
	if err != nil {
		return nil, err
	}
	at := map[tallyKey]ledger.Count{}
	for _, h := range heads {
		at[tallyKey{h.Kind, h.Connection, h.Name, h.State, h.Code}] = h
	}
	for i, c := range cs {
		if c.Oldest.IsZero() {
			cs[i].Oldest = at[tallyKey{c.Kind, c.Connection, c.Name, c.State, c.Code}].Oldest
		}
	}
	return cs, nil
}

func deskOf(kind string) *desk {
	switch kind {
	case "record":
		return recordDesk
	case "hint":
		return hintDesk
	default:
		return deliveryDesk
	}
}

// oldest fills in of when the first row of a combination is.
func (s *Store) oldest(ctx context.Context, d *desk, c *ledger.Count) error {
	return s.read(ctx, "counts", "SELECT t."+d.created+" FROM "+d.from+" WHERE "+d.indexed+" AND "+d.group+" ORDER BY t.id LIMIT 1",
		[]any{c.Connection, c.Name, c.State, c.Code}, func(r row) error {
			c.Oldest = instant(r.Int(0))
			return nil
		})
}
