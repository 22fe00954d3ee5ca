package sqlledger

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	bulkColumns = "id:i kind:t incident:i connection:t operation:t flow:t code:t mode:t rate:i confirmed:i who:t why:t created_at:i state:t updated_at:i total:i counts:t summed_at:i"
	itemColumns = "bulk:i row_id:i state:t became:t code:t text:t at:i"
	pendingItem = "INSERT INTO bulk_item (bulk, row_id, revision, state, became, code, text, at) SELECT CAST(?1 AS BIGINT), t.id, t.revision, 'pending', '', '', '', 0 FROM "
)

var (
	addBulk   = newInsert("bulk", columns(bulkColumns), "")
	putBulk   = newUpdate("bulk", columns("id:i"), columns("mode:t why:t confirmed:i rate:i state:t updated_at:i"))
	sumBulk   = newUpdate("bulk", columns("id:i"), columns("counts:t summed_at:i"))
	sizeBulk  = oneRow(columns("bulk:i"), "UPDATE bulk SET total = (SELECT count(*) FROM bulk_item i WHERE i.bulk = ?1) WHERE id = ?1")
	voidBulk  = newDelete("bulk", columns("id:i"))
	dropItems = newDelete("bulk_item", columns("bulk:i"))
	putItem   = newUpdate("bulk_item", columns(itemColumns)[:2], columns(itemColumns)[2:])

	ofIncident = map[string]*mutation{
		"delivery": oneRow(columns("bulk:i incident:i"), pendingItem+"incident_row x JOIN delivery t ON t.id = x.row_id WHERE x.incident = ?2"),
		"record":   oneRow(columns("bulk:i incident:i"), pendingItem+"incident_row x JOIN record t ON t.id = x.row_id WHERE x.incident = ?2"),
	}
)

// ofFilter adds what is parked and fits the filter of a bulk replay. What is not asked for
// is no condition, so that the desk's index leads to the rest, in order of id.
func ofFilter(b *ledger.Bulk) change {
	d, fields := deliveryDesk, []string{"t.connection", "t.operation", "t.flow", "t.code"}
	if b.Kind == "record" { // it has no flow, so one that is asked for fits none
		d, fields = recordDesk, []string{"d.connection", "t.stream", "''", "t.code"}
	}
	text := pendingItem + d.from + " WHERE t.open > 0 AND t.state = 'parked' AND " + d.indexed
	cols, wanted := "bulk:i", []string{}
	for i, want := range []string{b.Connection, b.Operation, b.Flow, b.Code} {
		if want != "" {
			wanted = append(wanted, want)
			cols += fmt.Sprintf(" want%d:t", i)
			text += fmt.Sprintf(" AND %s = ?%d", fields[i], len(wanted)+1)
		}
	}
	return change{oneRow(columns(cols), text), 1, func(_ int, to binder) {
		to.Int(b.ID)
		for _, w := range wanted {
			to.Text(w)
		}
	}}
}

var placeholder = regexp.MustCompile(`\?(\d+)`)

// oneRow is a statement that takes the parameters of one row, as ?1, ?2, ...
func oneRow(cols []column, text string) *mutation {
	return &mutation{cols: cols, sqlite: text, postgres: placeholder.ReplaceAllStringFunc(text, func(m string) string {
		n, _ := strconv.Atoi(m[1:])
		return fmt.Sprintf("(($%d::%s)[1])", n, cols[n-1].array())
	})}
}

// written are changes that an op makes without rows of the batch.
type written []change

func (written) fetches(fs []fetch) []fetch     { return fs }
func (w written) changes(cs []change) []change { return append(cs, w...) }
func (written) done()                          {}
func (s *Store) writing(cs ...change) func(w *work) {
	return func(w *work) { w.sets = append(w.sets, written(cs)) }
}

func (c *checker) bulk(b *ledger.Bulk) {
	if b.Kind != "delivery" && b.Kind != "record" {
		c.fail("%q is neither delivery nor record", b.Kind)
	}
	for _, t := range []string{b.Connection, b.Operation, b.Flow, b.Code, b.Mode, b.Who, b.Why, b.State} {
		c.text("filter, mode, person, reason, state or text", t)
	}
}

// AddBulk keeps a planned bulk replay; see ledger.Desk. Plans are made one at a time.
func (s *Store) AddBulk(ctx context.Context, b *ledger.Bulk) error {
	c := &checker{what: "bulk replay"}
	c.bulk(b)
	if c.err != nil {
		return c.err
	}
	err := s.read(ctx, "bulk replays", "SELECT COALESCE(max(id), 0) + 1 FROM bulk", nil, func(r row) error {
		b.ID = r.Int(0)
		return nil
	})
	if err != nil {
		return err
	}
	b.CreatedAt, b.UpdatedAt = trunc(s.now()), trunc(s.now())
	items := ofFilter(b)
	if b.Incident != 0 {
		items = change{ofIncident[b.Kind], 1, func(_ int, to binder) { to.Int(b.ID); to.Int(b.Incident) }}
	}
	err = s.submit(ctx, &direct{do: s.writing(change{addBulk, 1, func(_ int, to binder) {
		to.Int(b.ID)
		to.Text(b.Kind)
		to.Int(b.Incident)
		for _, t := range []string{b.Connection, b.Operation, b.Flow, b.Code, b.Mode} {
			to.Text(t)
		}
		to.Int(int64(b.Rate))
		to.Int(flag(b.Confirmed))
		to.Text(b.Who)
		to.Text(b.Why)
		to.Int(micros(b.CreatedAt))
		to.Text(b.State)
		to.Int(micros(b.UpdatedAt))
		to.Int(0)
		to.Text("")
		to.Int(0)
	}}, items, ofBulk(sizeBulk, b.ID))})
	if err != nil {
		return err
	}
	err = s.one(ctx, "the size of a bulk replay", "SELECT total FROM bulk WHERE id = ?", []any{b.ID}, func(r row) error {
		b.Total = r.Int(0)
		return nil
	})
	if err != nil || b.Total > 0 {
		return err
	}
	err = s.submit(ctx, &direct{do: s.writing(ofBulk(voidBulk, b.ID))})
	b.ID = 0
	return err
}

// ofBulk is a change by nothing but the id of a bulk replay.
func ofBulk(m *mutation, id int64) change {
	return change{m, 1, func(_ int, to binder) { to.Int(id) }}
}

// bulkCounts are the counts of a bulk replay whose items were dropped.
type bulkCounts struct {
	Items map[string]int64 `json:"items"`
	Rows  map[string]int64 `json:"rows"`
}

// SumBulk keeps what the items came to and drops them; see ledger.Desk.
func (s *Store) SumBulk(ctx context.Context, b *ledger.Bulk) error {
	items, rows, err := s.BulkCounts(ctx, b)
	if err != nil {
		return err
	}
	counts, err := json.Marshal(bulkCounts{items, rows})
	if err != nil {
		return err
	}
	b.SummedAt, b.Items, b.Rows = trunc(s.now()), items, rows
	return s.submit(ctx, &direct{do: s.writing(change{sumBulk, 1, func(_ int, to binder) {
		to.Int(b.ID)
		to.Text(string(counts))
		to.Int(micros(b.SummedAt))
	}}, ofBulk(dropItems, b.ID))})
}

// PutBulk writes what changes of a bulk replay, and items of it.
func (s *Store) PutBulk(ctx context.Context, b *ledger.Bulk, items ...ledger.BulkItem) error {
	c := &checker{what: "bulk replay"}
	c.bulk(b)
	for _, i := range items {
		for _, t := range []string{i.State, i.To, i.Code, i.Text} {
			c.text("item", t)
		}
	}
	if c.err != nil {
		return c.err
	}
	b.UpdatedAt = trunc(s.now())
	cs := []change{{putBulk, 1, func(_ int, to binder) {
		to.Int(b.ID)
		to.Text(b.Mode)
		to.Text(b.Why)
		to.Int(flag(b.Confirmed))
		to.Int(int64(b.Rate))
		to.Text(b.State)
		to.Int(micros(b.UpdatedAt))
	}}}
	if len(items) > 0 {
		cs = append(cs, change{putItem, len(items), func(i int, to binder) {
			to.Int(b.ID)
			to.Int(items[i].Row)
			for _, t := range []string{items[i].State, items[i].To, items[i].Code, items[i].Text} {
				to.Text(t)
			}
			to.Int(micros(items[i].At))
		}})
	}
	return s.submit(ctx, &direct{do: s.writing(cs...)})
}

const selectBulk = "SELECT b.id, b.kind, b.incident, b.connection, b.operation, b.flow, b.code, b.mode, b.rate, b.confirmed, b.who, b.why, b.created_at, " +
	"b.state, b.updated_at, b.total, b.counts, b.summed_at FROM bulk b "

func scanBulk(r row) (b ledger.Bulk, err error) {
	b = ledger.Bulk{ID: r.Int(0), Kind: r.Text(1), Incident: r.Int(2), Connection: r.Text(3), Operation: r.Text(4), Flow: r.Text(5),
		Code: r.Text(6), Mode: r.Text(7), Rate: int(r.Int(8)), Confirmed: r.Int(9) != 0, Who: r.Text(10), Why: r.Text(11), CreatedAt: instant(r.Int(12)),
		State: r.Text(13), UpdatedAt: instant(r.Int(14)), Total: r.Int(15), SummedAt: instant(r.Int(17))}
	if b.SummedAt.IsZero() {
		return b, nil
	}
	var c bulkCounts
	if err := json.Unmarshal([]byte(r.Text(16)), &c); err != nil {
		return b, fmt.Errorf("the counts of bulk replay %d: %w", b.ID, err)
	}
	b.Items, b.Rows = c.Items, c.Rows
	return b, nil
}

// Bulk returns a bulk replay, or ledger.ErrNotFound.
func (s *Store) Bulk(ctx context.Context, id int64) (*ledger.Bulk, error) {
	var b ledger.Bulk
	err := s.one(ctx, fmt.Sprintf("bulk replay %d", id), selectBulk+"WHERE b.id = ?", []any{id}, func(r row) (err error) {
		b, err = scanBulk(r)
		return err
	})
	return &b, err
}

// Bulks returns bulk replays, newest first.
func (s *Store) Bulks(ctx context.Context, f ledger.BulkFilter) ([]ledger.Bulk, error) {
	var c conditions
	c.add("1 = 1")
	if len(f.States) > 0 {
		args := make([]any, len(f.States))
		for i, state := range f.States {
			args[i] = state
		}
		c.add("b.state IN "+marks(len(args)), args...)
	}
	if f.Incident != 0 {
		c.add("b.incident = ?", f.Incident)
	}
	if f.Unsummed {
		c.add("b.summed_at = 0")
	}
	if !f.OlderThan.IsZero() {
		c.add("b.updated_at < ?", micros(f.OlderThan))
	}
	if f.Before != 0 {
		c.add("b.id < ?", f.Before)
	}
	var out []ledger.Bulk
	err := s.read(ctx, "bulk replays", selectBulk+"WHERE "+strings.Join(c.texts, " AND ")+" ORDER BY b.id DESC LIMIT ?", append(c.args, limitOf(f.Limit)), func(r row) error {
		b, err := scanBulk(r)
		out = append(out, b)
		return err
	})
	return out, err
}

// BulkMoving tells which rows have deliveries on their way; see ledger.Desk.
func (s *Store) BulkMoving(ctx context.Context, kind string, rows []int64) (out []int64, err error) {
	const moving = "t.state IN ('ready', 'sending', 'waiting', 'unknown', 'accepted')"
	const many = 128
	for chunk := range slices.Chunk(rows, many) {
		args := fill(chunk, many)
		text := "SELECT t.id FROM delivery t WHERE t.id IN " + marks(len(args)) + " AND " + moving
		if kind == "record" {
			text = "SELECT DISTINCT t.record FROM delivery t WHERE t.record IN " + marks(len(args)) + " AND " + moving
		}
		if err := s.read(ctx, "rows of a bulk replay", text, args, func(r row) error {
			out = append(out, r.Int(0))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// BulkItems pages through the items of a bulk replay; see ledger.Desk.
func (s *Store) BulkItems(ctx context.Context, id, after int64, state string, limit int) ([]ledger.BulkItem, error) {
	b, err := s.Bulk(ctx, id)
	if err != nil {
		return nil, err
	}
	where, args := "", []any{id, after}
	if state != "" {
		where, args = "AND i.state = ? ", append(args, state)
	}
	known, more := "t.remote_key, t.record", ""
	if b.Kind == "record" {
		known, more = "CASE WHEN t.label = '' THEN d.key ELSE t.label END, t.id", "JOIN doc d ON d.id = t.doc "
	}
	var out []ledger.BulkItem
	err = s.read(ctx, "items of a bulk replay", "SELECT i.row_id, i.revision, i.state, i.became, i.code, i.text, i.at, t.state, t.code, "+known+" FROM bulk_item i JOIN "+
		b.Kind+" t ON t.id = i.row_id "+more+"WHERE i.bulk = ? AND i.row_id > ? "+where+"ORDER BY i.row_id LIMIT ?", append(args, limitOf(limit)), func(r row) error {
		out = append(out, ledger.BulkItem{Row: r.Int(0), Revision: int(r.Int(1)), State: r.Text(2), To: r.Text(3), Code: r.Text(4), Text: r.Text(5),
			At: instant(r.Int(6)), Now: r.Text(7), NowCode: r.Text(8), Key: r.Text(9), Record: r.Int(10)})
		return nil
	})
	return out, err
}

// BulkShapes counts the pending items of a bulk replay by what decides how safe each is.
func (s *Store) BulkShapes(ctx context.Context, b *ledger.Bulk) ([]ledger.BulkShape, error) {
	text := "SELECT t.connection, t.operation, t.source, CAST(CASE WHEN t.attempts > 0 AND (t.clean = 0 OR t.code = 'unknown.one_shot') THEN 1 ELSE 0 END AS BIGINT) AS unsure, " +
		"CAST(CASE WHEN t.blk <> 0 THEN 1 ELSE 0 END AS BIGINT) AS stored, count(*) FROM bulk_item i JOIN delivery t ON t.id = i.row_id WHERE i.bulk = ? AND i.state = 'pending' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
	if b.Kind == "record" {
		text = "SELECT d.connection, t.stream, d.connection, CAST(0 AS BIGINT), CAST(0 AS BIGINT), count(*) FROM bulk_item i JOIN record t ON t.id = i.row_id JOIN doc d ON d.id = t.doc " +
			"WHERE i.bulk = ? AND i.state = 'pending' GROUP BY d.connection, t.stream ORDER BY d.connection, t.stream"
	}
	var out []ledger.BulkShape
	err := s.read(ctx, "what a bulk replay is about", text, []any{b.ID}, func(r row) error {
		out = append(out, ledger.BulkShape{Connection: r.Text(0), Operation: r.Text(1), Source: r.Text(2), Unsure: r.Int(3) != 0, Stored: r.Int(4) != 0, N: r.Int(5)})
		return nil
	})
	return out, err
}

// BulkCounts counts the items by state, and the rows of those replayed.
func (s *Store) BulkCounts(ctx context.Context, b *ledger.Bulk) (items, rows map[string]int64, err error) {
	if !b.SummedAt.IsZero() {
		return b.Items, b.Rows, nil
	}
	items, rows = map[string]int64{}, map[string]int64{}
	err = s.read(ctx, "items of a bulk replay", "SELECT i.state, CASE WHEN i.state = 'replayed' THEN t.state ELSE '' END AS now, count(*) FROM bulk_item i JOIN "+
		b.Kind+" t ON t.id = i.row_id WHERE i.bulk = ? GROUP BY 1, 2", []any{b.ID}, func(r row) error {
		items[r.Text(0)] += r.Int(2)
		if r.Text(1) != "" {
			rows[r.Text(1)] += r.Int(2)
		}
		return nil
	})
	return items, rows, err
}

var _ ledger.Desk = (*Store)(nil)
