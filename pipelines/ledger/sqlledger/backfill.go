package sqlledger

import (
	"context"
	"fmt"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	backfillFixed = "id:i connection:t stream:t from_at:i to_at:i leaves:i who:t why:t created_at:i method:t expected_items:i expected_new:i " +
		"expected_pages:i expected_millis:i"
	backfillMoving = "state:t text:t started_at:i ended_at:i updated_at:i pages:i items:i fresh:i same:i failed:i busy_millis:i"
)

var (
	addBackfill    = newInsert("backfill", columns(backfillFixed+" "+backfillMoving), "")
	putBackfill    = newUpdate("backfill", columns("id:i"), columns(backfillMoving))
	selectBackfill = "SELECT " + names(columns(backfillFixed+" "+backfillMoving), "%s") + " FROM backfill "
)

func scanBackfill(r row) ledger.Backfill {
	millis := func(i int) time.Duration { return time.Duration(r.Int(i)) * time.Millisecond }
	return ledger.Backfill{ID: r.Int(0), Connection: r.Text(1), Stream: r.Text(2), From: instant(r.Int(3)), To: instant(r.Int(4)), Leave: int(r.Int(5)),
		Who: r.Text(6), Why: r.Text(7), CreatedAt: instant(r.Int(8)), Method: r.Text(9), ExpectedItems: r.Int(10), ExpectedNew: r.Int(11),
		ExpectedPages: r.Int(12), Expected: millis(13), State: r.Text(14), Text: r.Text(15), StartedAt: instant(r.Int(16)), EndedAt: instant(r.Int(17)),
		UpdatedAt: instant(r.Int(18)), Pages: r.Int(19), Items: r.Int(20), New: r.Int(21), Same: r.Int(22), Failed: r.Int(23), Busy: millis(24)}
}

func bindMovingBackfill(to binder, b *ledger.Backfill) {
	to.Text(b.State)
	to.Text(b.Text)
	for _, n := range []int64{micros(trunc(b.StartedAt)), micros(trunc(b.EndedAt)), micros(b.UpdatedAt), b.Pages, b.Items, b.New, b.Same, b.Failed, b.Busy.Milliseconds()} {
		to.Int(n)
	}
}

func (c *checker) backfill(b *ledger.Backfill) {
	c.key("connection", b.Connection)
	c.key("stream", b.Stream)
	for _, t := range []string{b.Who, b.Why, b.Method, b.State, b.Text} {
		c.text("person, reason, method, state or text", t)
	}
	if !b.From.Before(b.To) {
		c.fail("its window is empty")
	}
}

// AddBackfill keeps a planned backfill; see ledger.Backfills. Plans are made one at a time.
func (s *Store) AddBackfill(ctx context.Context, b *ledger.Backfill) error {
	c := &checker{what: "backfill"}
	if c.backfill(b); c.err != nil {
		return c.err
	}
	err := s.read(ctx, "backfills", "SELECT COALESCE(max(id), 0) + 1 FROM backfill", nil, func(r row) error {
		b.ID = r.Int(0)
		return nil
	})
	if err != nil {
		return err
	}
	b.CreatedAt, b.UpdatedAt = trunc(s.now()), trunc(s.now())
	return s.submit(ctx, &direct{do: s.writing(change{addBackfill, 1, func(_ int, to binder) {
		to.Int(b.ID)
		to.Text(b.Connection)
		to.Text(b.Stream)
		to.Int(micros(b.From))
		to.Int(micros(b.To))
		to.Int(int64(b.Leave))
		to.Text(b.Who)
		to.Text(b.Why)
		to.Int(micros(b.CreatedAt))
		to.Text(b.Method)
		for _, n := range []int64{b.ExpectedItems, b.ExpectedNew, b.ExpectedPages, b.Expected.Milliseconds()} {
			to.Int(n)
		}
		bindMovingBackfill(to, b)
	}})})
}

// PutBackfill writes what changes of a backfill.
func (s *Store) PutBackfill(ctx context.Context, b *ledger.Backfill) error {
	c := &checker{what: "backfill"}
	if c.backfill(b); c.err != nil {
		return c.err
	}
	b.UpdatedAt = trunc(s.now())
	return s.submit(ctx, &direct{do: s.writing(change{putBackfill, 1, func(_ int, to binder) {
		to.Int(b.ID)
		bindMovingBackfill(to, b)
	}})})
}

// Backfill returns a backfill, or ledger.ErrNotFound.
func (s *Store) Backfill(ctx context.Context, id int64) (*ledger.Backfill, error) {
	var b ledger.Backfill
	err := s.one(ctx, fmt.Sprintf("backfill %d", id), selectBackfill+"WHERE id = ?", []any{id}, func(r row) error {
		b = scanBackfill(r)
		return nil
	})
	return &b, err
}

// Backfills returns backfills, newest first.
func (s *Store) Backfills(ctx context.Context, before int64, limit int) ([]ledger.Backfill, error) {
	var out []ledger.Backfill
	err := s.read(ctx, "backfills", selectBackfill+"WHERE ? = 0 OR id < ? ORDER BY id DESC LIMIT ?", []any{before, before, limitOf(limit)}, func(r row) error {
		out = append(out, scanBackfill(r))
		return nil
	})
	return out, err
}
