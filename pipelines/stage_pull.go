package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/ledger"
)

// LiveCursor is the name of the cursor of a stream's incremental pull; a backfill has a
// cursor of its own name.
const LiveCursor = "live"

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

// PullCounts says what a pull brought.
type PullCounts struct {
	Pages, Items, New, Repeats, Older, Hints int
}

func (p *PullCounts) add(in *ledger.Intake) {
	p.Hints += len(in.Hints)
	for _, it := range in.Items {
		switch it.Outcome {
		case "new":
			p.New++
		case "repeat":
			p.Repeats++
		case "older":
			p.Older++
		}
	}
}

// Map names the counts, for a job's run.
func (p PullCounts) Map() map[string]int64 {
	return map[string]int64{"pages": int64(p.Pages), "items": int64(p.Items), "new": int64(p.New), "repeats": int64(p.Repeats),
		"older": int64(p.Older), "hints": int64(p.Hints)}
}

// Pull reads a stream up to when it is called: window by window when the stream is
// windowed, else page by page until the source has no more. The cursor moves in the
// transaction of each page's items (Invariant 2), so a crash repeats a page at most.
func (e *Engine) Pull(ctx context.Context, connection, stream string, progress func(PullCounts)) (PullCounts, error) {
	return e.pull(ctx, connection, stream, LiveCursor, connectors.Window{}, progress)
}

// Backfill reads a window with a cursor of its own; it goes on where it stopped when it
// is called again with the same window.
func (e *Engine) Backfill(ctx context.Context, connection, stream string, w connectors.Window, progress func(PullCounts)) (PullCounts, error) {
	if !w.From.Before(w.To) {
		return PullCounts{}, fmt.Errorf("the window is empty: from %s to %s", w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
	}
	name := fmt.Sprintf("backfill %d-%d", w.From.Unix(), w.To.Unix())
	return e.pull(ctx, connection, stream, name, w, progress)
}

type puller struct {
	e      *Engine
	c      *connection
	s      *connectors.Stream
	name   string
	began  time.Time         // a live pull reads up to here
	window connectors.Window // of a backfill; zero for live
	pos    position
	stored string
	counts PullCounts
	report func(PullCounts)
	fill   *filling // set: one page of a backfill job
}

func (e *Engine) pull(ctx context.Context, connection, stream, name string, w connectors.Window, report func(PullCounts)) (PullCounts, error) {
	e, leave := e.enter(noRoot)
	defer leave()
	c, err := e.connection(connection)
	if err != nil {
		return PullCounts{}, err
	}
	s, ok := c.Connector.Stream(stream)
	if !ok || !s.Pull || c.source == nil {
		return PullCounts{}, fmt.Errorf("connection %s cannot be pulled for %q", connection, stream)
	}
	if !w.From.IsZero() && !s.Windowed {
		return PullCounts{}, fmt.Errorf("stream %s.%s has no windows: the vendor cannot list by time", connection, stream)
	}
	free, err := c.pulling(ctx, stream+" "+name)
	if err != nil {
		return PullCounts{}, err
	}
	defer free()
	p := &puller{e: e, c: c, s: s, name: name, began: e.opt.Now(), window: w, report: report}
	if p.stored, err = e.opt.Ledger.Cursor(ctx, connection, stream, name); err != nil {
		return p.counts, err
	}
	if p.stored != "" {
		if err := json.Unmarshal([]byte(p.stored), &p.pos); err != nil {
			return p.counts, fmt.Errorf("the cursor of %s.%s cannot be read: %w", connection, stream, err)
		}
	}
	if s.Windowed {
		err = p.windows(ctx)
	} else {
		err = p.pages(ctx, connectors.Window{})
	}
	return p.counts, err
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

// pages reads a window (or the whole stream) to its end.
func (p *puller) pages(ctx context.Context, w connectors.Window) error {
	settled := p.settled(p.e.opt.Now())
	if p.pos.Page != "" {
		settled = time.Time{} // begun before a crash, nobody knows when
	}
	if p.s.Complete && p.pos.Scan.IsZero() {
		p.pos.Scan = p.e.opt.Now()
	}
	for {
		if err := p.room(ctx); err != nil {
			return err
		}
		if p.fill != nil {
			if err := p.fill.room(p); err != nil {
				return err
			}
		}
		scan := p.pos.Scan
		more, err := p.read(ctx, w, settled)
		switch {
		case err != nil:
			return err
		case !more && p.s.Complete:
			return p.askUnseen(ctx, scan)
		case !more:
			return nil
		}
		if p.fill != nil {
			return nil
		}
	}
}

// read asks for a page and stores it with the cursor after it.
func (p *puller) read(ctx context.Context, w connectors.Window, settled time.Time) (more bool, err error) {
	began := p.e.opt.Now()
	ctx, tr := p.e.begin(ctx, workPull, began)
	page, perr := p.page(ctx, w)
	defer func() { tr.took(p.c, p.s.Name, p.e.opt.Now(), perr) }()
	if perr != nil {
		return false, p.failed(ctx, w, perr)
	}
	p.c.succeeded()
	if err := p.e.openGate(ctx, p.c, "", false); err != nil {
		return false, err // it was the probe of a closed gate
	}
	nextPos := p.pos
	nextPos.Page = page.Cursor
	switch {
	case page.More:
	case p.s.Windowed:
		nextPos = p.ended(settled)
	case p.s.Complete:
		nextPos = position{Page: page.Cursor} // where the next one begins
	}
	return page.More, p.store(ctx, page, nextPos, began)
}

// failed ends a page that the vendor did not give.
func (p *puller) failed(ctx context.Context, w connectors.Window, perr *connectors.Error) error {
	p.c.gates.probeEnded("")
	if perr.Kind == connectors.Unreadable {
		return p.unreadable(ctx, w, perr)
	}
	if perr.Kind == connectors.RateLimited && perr.Wait > 0 {
		p.c.limits.Penalty(p.s.PullUses, perr.Wait)
	}
	if _, _, err := p.e.fault(ctx, p.c, "", perr); err != nil {
		return err
	}
	return perr
}

// askUnseen asks for the documents that the finished pull of a complete stream has not
// shown: they changed so that the list leaves them out, or are gone. A crash before it
// loses nothing: the next pull does not show them either.
func (p *puller) askUnseen(ctx context.Context, scan time.Time) error {
	const page = 1000
	for after := int64(0); ; {
		docs, err := p.e.opt.Ledger.Unseen(ctx, p.c.Name, p.s.Name, scan, after, page)
		if err != nil || len(docs) == 0 {
			return err
		}
		in := &ledger.Intake{Connection: p.c.Name, Stream: p.s.Name}
		for _, d := range docs {
			in.Hints = append(in.Hints, &ledger.NewHint{Stream: p.s.Name, Key: d.Key, RootKey: d.RootKey, RootEnt: rootEntity(p.s)})
			after = d.Doc
		}
		ctx, tr := p.e.begin(ctx, "unseen", p.e.opt.Now())
		if err := p.e.commitIntake(ctx, p.c, in, nil); err != nil {
			return err
		}
		tr.took(p.c, p.s.Name, p.e.opt.Now(), nil)
		p.counts.add(in)
		if len(docs) < page {
			return nil
		}
	}
}

// room slows a pull down while too much waits to be fetched and mapped.
func (p *puller) room(ctx context.Context) error {
	for p.e.backlogOf(p.c) > p.e.opt.MaxBacklog {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if g, shut, _ := p.c.gates.closed("", p.e.opt.Now()); shut {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: g.Code,
			Text: fmt.Sprintf("the gate of %s is closed (%s): %s", p.c.Name, g.Reason, g.Text)}
	}
	return ctx.Err()
}

func (p *puller) page(ctx context.Context, w connectors.Window) (page connectors.Page, perr *connectors.Error) {
	var release func()
	var err error
	if p.fill != nil {
		release, err = p.fill.take(p.c, p.s.PullUses)
	} else {
		release, _, err = p.c.limits.Take(ctx, p.s.PullUses, time.Hour)
	}
	if err != nil || release == nil {
		return page, &connectors.Error{Kind: connectors.RateLimited, Scope: connectors.OfDocument, Code: "limit.wait", Text: "the vendor's limit is used up", Err: err}
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			p.e.opt.Log.Error("a connector panicked", zap.String("connection", p.c.Name), zap.String("stream", p.s.Name), zap.Stack("stack"))
			perr = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodePanic, Text: "the connector broke while pulling"}
		}
	}()
	page, err = p.c.source.Pull(ctx, connectors.PullRequest{Stream: p.s.Name, Cursor: p.pos.Page, Window: w})
	p.c.health.called(p.e.opt.Now(), connectors.AsError(err))
	if err != nil {
		return page, connectors.AsError(err)
	}
	return page, nil
}

// store commits a page with its cursor, then acknowledges what the source wants
// acknowledged (Invariant 2).
func (p *puller) store(ctx context.Context, page connectors.Page, to position, began time.Time) error {
	in, others, err := p.e.intakes(p.c, p.s, page.Items, began)
	if err != nil {
		return err
	}
	if p.pos.Again {
		if in.Hints, err = p.unseen(ctx, in.Hints); err != nil {
			return err
		}
	}
	if p.fill != nil {
		if err := p.fill.documents(ctx, p, in); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(to)
	if err != nil {
		return err
	}
	in.Cursor = &ledger.Cursor{Connection: p.c.Name, Stream: p.s.Name, Name: p.name, From: p.stored, To: string(raw)}
	if err := p.e.commitIntake(ctx, p.c, in, nil, others...); err != nil {
		if errors.Is(err, ledger.ErrConflict) {
			return fmt.Errorf("another pull moved the cursor of %s.%s: %w", p.c.Name, p.s.Name, err)
		}
		return err
	}
	p.pos, p.stored = to, string(raw)
	p.counts.Pages++
	p.counts.Items += len(page.Items)
	for _, in := range append(others, in) {
		p.counts.add(in)
	}
	if p.report != nil {
		p.report(p.counts)
	}
	if len(page.Acks) > 0 && p.c.acker != nil {
		if err := p.c.acker.Ack(ctx, page.Acks); err != nil {
			return fmt.Errorf("the items are stored, but the source did not take the acknowledgement (it will give them again): %w", err)
		}
	}
	return nil
}

// unseen drops the hints of a second look whose documents were fetched when everything in
// the window was visible already.
func (p *puller) unseen(ctx context.Context, hints []*ledger.NewHint) ([]*ledger.NewHint, error) {
	keys := make([]string, len(hints))
	for i, h := range hints {
		keys[i] = h.Key
	}
	sighted, err := p.e.opt.Ledger.Sighted(ctx, p.c.Name, p.s.Entity, keys)
	if err != nil {
		return nil, err
	}
	kept := hints[:0:0]
	for _, h := range hints {
		at, known := sighted[h.Key]
		if h.Stream != p.s.Name || !known || at.Before(p.pos.To.Add(p.s.Delay+p.s.Overlap)) {
			kept = append(kept, h)
		}
	}
	return kept, nil
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

// backlogOf is what waits before a connection's new items: everything to be mapped, and
// its own keys to be fetched. The keys of a connection whose gate is closed are no
// reason to stop the others.
func (e *Engine) backlogOf(c *connection) int {
	n := e.bus.Queue(bus.Topic(bus.Hints, c.Name)).Len()
	for name := range e.connections() {
		n += e.bus.Queue(bus.Topic(bus.Records, name)).Len()
	}
	return n
}

// intakes turns items into the intake of the stream that was asked, and one for each
// further stream they belong to.
func (e *Engine) intakes(c *connection, s *connectors.Stream, items []connectors.Item, began time.Time) (*ledger.Intake, []*ledger.Intake, error) {
	main := &ledger.Intake{Connection: c.Name, Stream: s.Name}
	by := map[string]*ledger.Intake{s.Name: main}
	var others []*ledger.Intake
	for i := range items {
		it := &items[i]
		of := s
		if it.Stream != "" && it.Stream != s.Name {
			var ok bool
			if of, ok = c.Connector.Stream(it.Stream); !ok {
				return nil, nil, fmt.Errorf("connector %s yielded an item of stream %q, which it does not declare", c.Connector.Name, it.Stream)
			}
		}
		in := by[of.Name]
		if in == nil {
			in = &ledger.Intake{Connection: c.Name, Stream: of.Name}
			by[of.Name] = in
			others = append(others, in)
		}
		if it.Body == nil && !it.Deleted {
			root := it.Root
			if root == "" {
				root = it.Key
			}
			in.Hints = append(in.Hints, &ledger.NewHint{Stream: of.Name, Key: it.Key, RootKey: root, RootEnt: rootEntity(of)})
			continue
		}
		in.Items = append(in.Items, intakeItem(of, it, began))
	}
	for name, in := range by {
		of, _ := c.Connector.Stream(name)
		also(in, c, of)
	}
	return main, others, nil
}
