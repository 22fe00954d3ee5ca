package sqlledger

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	bulkColumns = "id:i kind:t incident:i connection:t operation:t flow:t code:t mode:t rate:i confirmed:i who:t why:t created_at:i state:t text:t updated_at:i"
	itemColumns = "bulk:i row_id:i state:t became:t code:t text:t at:i"
	pendingItem = "INSERT INTO bulk_item (bulk, row_id, revision, state, became, code, text, at) SELECT CAST(?1 AS BIGINT), t.id, t.revision, 'pending', '', '', '', 0 FROM "
)

var (
	addBulk = newInsert("bulk", columns(bulkColumns), "")
	putBulk = newUpdate("bulk", columns("id:i"), columns("confirmed:i rate:i state:t text:t updated_at:i"))
	putItem = newUpdate("bulk_item", columns(itemColumns)[:2], columns(itemColumns)[2:])

	ofIncident = map[string]*mutation{
		"delivery": oneRow(columns("bulk:i incident:i"), pendingItem+"incident_row x JOIN delivery t ON t.id = x.row_id WHERE x.incident = ?2"),
		"record":   oneRow(columns("bulk:i incident:i"), pendingItem+"incident_row x JOIN record t ON t.id = x.row_id WHERE x.incident = ?2"),
	}
	ofFilter = map[string]*mutation{
		"delivery": oneRow(columns("bulk:i connection:t operation:t flow:t code:t"), pendingItem+"delivery t WHERE t.open > 0 AND t.state = 'parked' "+
			"AND (?2 = '' OR t.connection = ?2) AND (?3 = '' OR t.operation = ?3) AND (?4 = '' OR t.flow = ?4) AND (?5 = '' OR t.code = ?5)"),
		"record": oneRow(columns("bulk:i connection:t operation:t flow:t code:t"), pendingItem+"record t JOIN doc d ON d.id = t.doc WHERE t.open > 0 AND t.state = 'parked' "+
			"AND (?2 = '' OR d.connection = ?2) AND (?3 = '' OR t.stream = ?3) AND ?4 = '' AND (?5 = '' OR t.code = ?5)"),
	}
)

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
	for _, t := range []string{b.Connection, b.Operation, b.Flow, b.Code, b.Mode, b.Who, b.Why, b.State, b.Text} {
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
	items := change{ofFilter[b.Kind], 1, func(_ int, to binder) {
		to.Int(b.ID)
		for _, t := range []string{b.Connection, b.Operation, b.Flow, b.Code} {
			to.Text(t)
		}
	}}
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
		to.Text(b.Text)
		to.Int(micros(b.UpdatedAt))
	}}, items)})
	if err != nil {
		return err
	}
	return s.read(ctx, "items of a bulk replay", "SELECT count(*) FROM bulk_item WHERE bulk = ?", []any{b.ID}, func(r row) error {
		b.Total = r.Int(0)
		return nil
	})
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
		to.Int(flag(b.Confirmed))
		to.Int(int64(b.Rate))
		to.Text(b.State)
		to.Text(b.Text)
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
	"b.state, b.text, b.updated_at, (SELECT count(*) FROM bulk_item i WHERE i.bulk = b.id) FROM bulk b "

func scanBulk(r row) ledger.Bulk {
	return ledger.Bulk{ID: r.Int(0), Kind: r.Text(1), Incident: r.Int(2), Connection: r.Text(3), Operation: r.Text(4), Flow: r.Text(5),
		Code: r.Text(6), Mode: r.Text(7), Rate: int(r.Int(8)), Confirmed: r.Int(9) != 0, Who: r.Text(10), Why: r.Text(11), CreatedAt: instant(r.Int(12)),
		State: r.Text(13), Text: r.Text(14), UpdatedAt: instant(r.Int(15)), Total: r.Int(16)}
}

// Bulk returns a bulk replay, or ledger.ErrNotFound.
func (s *Store) Bulk(ctx context.Context, id int64) (*ledger.Bulk, error) {
	var b ledger.Bulk
	err := s.one(ctx, fmt.Sprintf("bulk replay %d", id), selectBulk+"WHERE b.id = ?", []any{id}, func(r row) error {
		b = scanBulk(r)
		return nil
	})
	return &b, err
}

// Bulks returns bulk replays, newest first.
func (s *Store) Bulks(ctx context.Context, before int64, limit int) ([]ledger.Bulk, error) {
	var out []ledger.Bulk
	err := s.read(ctx, "bulk replays", selectBulk+"WHERE ? = 0 OR b.id < ? ORDER BY b.id DESC LIMIT ?", []any{before, before, limitOf(limit)}, func(r row) error {
		out = append(out, scanBulk(r))
		return nil
	})
	return out, err
}

// BulkItems pages through the items of a bulk replay; see ledger.Desk.
func (s *Store) BulkItems(ctx context.Context, id, after int64, pending bool, limit int) ([]ledger.BulkItem, error) {
	b, err := s.Bulk(ctx, id)
	if err != nil {
		return nil, err
	}
	where := ""
	if pending {
		where = "AND i.state = 'pending' "
	}
	var out []ledger.BulkItem
	err = s.read(ctx, "items of a bulk replay", "SELECT i.row_id, i.revision, i.state, i.became, i.code, i.text, i.at, t.state, t.code FROM bulk_item i JOIN "+
		b.Kind+" t ON t.id = i.row_id WHERE i.bulk = ? AND i.row_id > ? "+where+"ORDER BY i.row_id LIMIT ?", []any{id, after, limitOf(limit)}, func(r row) error {
		out = append(out, ledger.BulkItem{Row: r.Int(0), Revision: int(r.Int(1)), State: r.Text(2), To: r.Text(3), Code: r.Text(4), Text: r.Text(5),
			At: instant(r.Int(6)), Now: r.Text(7), NowCode: r.Text(8)})
		return nil
	})
	return out, err
}

// BulkShapes counts the items of a bulk replay by what decides how safe each is.
func (s *Store) BulkShapes(ctx context.Context, b *ledger.Bulk) ([]ledger.BulkShape, error) {
	text := "SELECT t.connection, t.operation, t.source, CAST(CASE WHEN t.attempts > 0 AND (t.clean = 0 OR t.code = 'unknown.one_shot') THEN 1 ELSE 0 END AS BIGINT) AS unsure, " +
		"CAST(CASE WHEN t.blk <> 0 THEN 1 ELSE 0 END AS BIGINT) AS stored, count(*) FROM bulk_item i JOIN delivery t ON t.id = i.row_id WHERE i.bulk = ? GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
	if b.Kind == "record" {
		text = "SELECT d.connection, t.stream, d.connection, CAST(0 AS BIGINT), CAST(0 AS BIGINT), count(*) FROM bulk_item i JOIN record t ON t.id = i.row_id JOIN doc d ON d.id = t.doc " +
			"WHERE i.bulk = ? GROUP BY d.connection, t.stream ORDER BY d.connection, t.stream"
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
