package ledger

import (
	"context"
	"time"
)

// Backfills keeps backfills over restarts.
type Backfills interface {
	// AddBackfill keeps a planned backfill and fills in ID and CreatedAt.
	AddBackfill(ctx context.Context, b *Backfill) error
	// PutBackfill writes what changes of a backfill.
	PutBackfill(ctx context.Context, b *Backfill) error
	Backfill(ctx context.Context, id int64) (*Backfill, error)
	// Backfills returns backfills, newest first, with an id below before (0 = all).
	Backfills(ctx context.Context, before int64, limit int) ([]Backfill, error)
}

// Backfill is a window of the past of a stream that is read again as a job.
type Backfill struct {
	ID                 int64
	Connection, Stream string
	From, To           time.Time
	Leave              int // percent of every limit that stay free for live traffic
	Who, Why           string
	CreatedAt          time.Time

	// What was expected when it was planned.
	Method        string // counted, sampled, unknown
	ExpectedItems int64
	ExpectedNew   int64 // of these, not seen since they changed
	ExpectedPages int64
	Expected      time.Duration

	State     string
	Text      string
	StartedAt time.Time
	EndedAt   time.Time
	UpdatedAt time.Time

	// What it has done.
	Pages  int64
	Items  int64 // documents listed
	New    int64 // new versions taken in
	Same   int64 // known already
	Failed int64 // not fetched: the hub asks for them again by itself
	Busy   time.Duration
}
