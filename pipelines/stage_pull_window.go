package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// position is the stored form of a cursor.
type position struct {
	// High is the end of the last window that was read to its end. Low follows it an
	// overlap behind: up to there everything was read again once it must have been visible.
	High time.Time `json:"high,omitzero"`
	Low  time.Time `json:"low,omitzero"`
	// From, To and Page are the window being read and the vendor's cursor in it.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	Page string    `json:"page,omitempty"`
	// Span is set while a window is being halved around an answer that cannot be read.
	Span time.Duration `json:"span,omitempty"`
	Done bool          `json:"done,omitempty"` // of a backfill
	// Scan is when the pull of a complete stream began.
	Scan time.Time `json:"scan,omitzero"`
	// Again: the window being read is read for the second time, to find what became
	// visible late.
	Again bool `json:"again,omitempty"`
}

// windows cuts closed-open windows, never past now minus the stream's delay, and never
// skips a boundary. Every window of a live pull is read twice, an overlap apart: at once,
// and again when a change that the vendor shows late must have become visible.
func (p *puller) windows(ctx context.Context) error {
	for {
		if p.pos.Done {
			return nil
		}
		if p.pos.To.IsZero() {
			ok := false
			if p.live() {
				ok = p.nextLive()
			} else {
				ok = p.nextOfBackfill()
			}
			if !ok {
				return nil
			}
		}
		err := p.pages(ctx, connectors.Window{From: p.pos.From, To: p.pos.To})
		if err != nil {
			return err
		}
	}
}

// live tells an incremental pull from a backfill.
func (p *puller) live() bool { return p.window.From.IsZero() }

func (p *puller) grain() time.Duration { return max(p.s.Grain, time.Nanosecond) }

// settled is up to where everything that changed must be visible at a time.
func (p *puller) settled(at time.Time) time.Time {
	return at.Add(-p.s.Delay - p.s.Overlap).Truncate(p.grain())
}

// nextLive cuts the next window of a live pull, up to when the pull began: one that went
// after the clock would never end where a page takes longer than the stream's grain.
func (p *puller) nextLive() bool {
	to := p.began.Add(-p.s.Delay).Truncate(p.grain())
	if p.pos.High.IsZero() {
		start := p.c.Start
		if start.IsZero() {
			start = p.began.Add(-p.s.Overlap)
		}
		p.pos.High = start.Truncate(p.grain())
		p.pos.Low = p.pos.High
		if settled := p.settled(p.began); settled.After(p.pos.Low) {
			p.pos.Low = settled
		}
	}
	trail := p.settled(p.began)
	if p.pos.High.Before(trail) {
		trail = p.pos.High
	}
	if p.pos.Low.Before(trail) {
		p.cut(p.pos.Low, trail)
		p.pos.Again = true
		return true
	}
	if !p.pos.High.Before(to) {
		return false
	}
	p.cut(p.pos.High, to)
	p.pos.Again = false
	return true
}

func (p *puller) nextOfBackfill() bool {
	from := p.pos.High
	if from.IsZero() {
		from = p.window.From
	}
	if !from.Before(p.window.To) {
		return false
	}
	p.cut(from, p.window.To)
	return true
}

// cut sets the window, no wider than the vendor allows.
func (p *puller) cut(from, to time.Time) {
	span := max(p.s.MaxSpan.Truncate(p.grain()), p.grain())
	if p.pos.Span > 0 {
		span = p.pos.Span
	}
	if to.Sub(from) > span {
		to = from.Add(span)
	}
	p.pos.From, p.pos.To, p.pos.Page = from, to, ""
}

// ended is the position after a window was read to its end; settled is as it was when
// that began.
func (p *puller) ended(settled time.Time) position {
	next := position{High: p.pos.High, Low: p.pos.Low}
	switch {
	case p.pos.Again:
		next.Low = p.pos.To
	default:
		next.High = p.pos.To
		if p.live() && p.pos.Low.Equal(p.pos.From) && !p.pos.To.After(settled) {
			next.Low = p.pos.To // it was settled at the first look
		}
	}
	next.Done = !p.live() && !p.pos.To.Before(p.window.To)
	if wider := 2 * p.pos.Span; wider > 0 && wider < p.s.MaxSpan {
		next.Span = wider // readable again: back to whole windows in steps
	}
	return next
}

// unreadable keeps the bytes, halves the window to isolate the bad answer, and at the
// smallest window stops with an alarm: the cursor does not pass it without a person.
func (p *puller) unreadable(ctx context.Context, w connectors.Window, perr *connectors.Error) error {
	to := p.pos
	to.From, to.To, to.Page = time.Time{}, time.Time{}, ""
	in := &ledger.Intake{Connection: p.c.Name, Stream: p.s.Name}
	half := time.Duration(0)
	if p.s.Windowed {
		half = (w.To.Sub(w.From) / 2).Truncate(p.s.Grain)
	} else {
		to = p.pos // nothing to halve: the page is asked again
	}
	if half > 0 {
		to.Span = half
	} else {
		key := "unreadable page " + p.pos.Page
		if p.s.Windowed {
			to.Span = p.s.Grain
			key = fmt.Sprintf("unreadable %s/%s", w.From.UTC().Format(time.RFC3339), p.pos.Page)
		}
		// One version: bytes that come again are a repeat, not another record.
		in.Items = []*ledger.IntakeItem{{Entity: p.s.Entity, Key: storable(key), RootEnt: rootEntity(p.s), RootKey: storable(key), FetchedAt: p.e.opt.Now(),
			Version: 1, Body: perr.Raw, Code: CodeUnreadable, Text: storable(text(perr))}}
	}
	raw, err := json.Marshal(to)
	if err != nil {
		return err
	}
	in.Cursor = &ledger.Cursor{Connection: p.c.Name, Stream: p.s.Name, Name: p.name, From: p.stored, To: string(raw)}
	if err := p.e.commitIntake(ctx, p.c, in, nil); err != nil {
		return err
	}
	p.pos, p.stored = to, string(raw)
	if len(in.Items) == 0 {
		return nil // windows goes on with the halved span
	}
	return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfOperation, Code: CodeStalled, Err: perr,
		Text: fmt.Sprintf("an answer for %s.%s cannot be read%s; it is kept raw, and the cursor waits for a person", p.c.Name, p.s.Name, spanText(w)),
		Hint: "look at the parked record; when the source is mended the next pull goes on, or backfill past it"}
}

func spanText(w connectors.Window) string {
	if w.From.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (from %s to %s)", w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
}
