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
