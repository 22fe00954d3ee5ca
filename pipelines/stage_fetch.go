package pipelines

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/ledger"
)

// fetching is one hint on its way to a document.
type fetching struct {
	ctx   context.Context
	hint  *ledger.Hint
	asked int64
	next  next
	err   error
	// called says that the source was called, shut that its gate closed for it.
	called, shut bool
}

// handleHint is the router's handler of hints/CONNECTION: hints become documents.
func (e *Engine) handleHint(c *connection) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		ctx := msg.Context()
		h, err := e.opt.Ledger.Hint(ctx, bus.ID(msg))
		if err != nil {
			return err
		}
		f := &fetching{ctx: ctx, hint: h, asked: h.Asked}
		e.fetch(c, f)
		if bus.Probe(msg) && !f.shut {
			if f.err != nil || !f.called {
				e.bus.Queue(bus.Topic(bus.Hints, c.Name)).Probed()
			} else if err := e.openGate(ctx, c, "", false); err != nil {
				return err
			}
		}
		switch {
		case f.err != nil:
			return f.err
		case !f.next.later.IsZero():
			bus.Later(msg, f.next.later)
		default:
			bus.Settled(msg)
		}
		return nil
	}
}

// fetch takes one hint as far as it can go now.
func (e *Engine) fetch(c *connection, f *fetching) {
	h := f.hint
	b := c.fetches[h.Stream]
	switch {
	case h.State != "pending":
	case h.NextAt.After(e.opt.Now()):
		f.next.later = h.NextAt
	case b == nil:
		in := &ledger.Intake{Connection: c.Name, Stream: h.Stream, Answered: []ledger.HintDone{{ID: h.ID, Asked: f.asked, State: "parked",
			Code: CodeFlowGone, Text: "the connector no longer fetches this stream"}}}
		f.err = e.commitIntake(f.ctx, c, in, nil)
	default:
		b.do(f)
	}
}

// fetchBatch is the run function of a stream's batcher: one call, the documents and the
// answered hints committed together (Invariant 2). A failing fetch loses no key; one that
// fails for its data is halved, so that a bad key does not keep the others.
func (e *Engine) fetchBatch(c *connection, s *connectors.Stream) func([]*fetching) {
	return func(batch []*fetching) {
		ctx := batch[0].ctx
		release, wait, err := c.limits.Take(ctx, s.FetchUses, longestWait)
		if err != nil || release == nil {
			for _, f := range batch {
				f.err, f.next.later = err, e.opt.Now().Add(wait)
			}
			return
		}
		began := e.opt.Now()
		keys := make([]string, len(batch))
		for i, f := range batch {
			keys[i], f.called = f.hint.Key, true
		}
		ctx, tr := e.begin(ctx, workFetch, began)
		tr.answers(batch)
		items, ferr := e.fetchSafely(ctx, c, s, keys)
		release()
		switch {
		case ferr == nil:
			c.succeeded()
			err = e.fetched(ctx, c, s, batch, items, began)
		case len(batch) > 1 && ferr.Scope == connectors.OfDocument && ferr.Kind != connectors.RateLimited:
			tr.took(c, s.Name, e.opt.Now(), ferr)
			half := len(batch) / 2
			e.fetchBatch(c, s)(batch[:half])
			e.fetchBatch(c, s)(batch[half:])
			return
		default:
			err = e.fetchFailed(ctx, c, s, batch, ferr)
		}
		tr.took(c, s.Name, e.opt.Now(), ferr)
		for _, f := range batch {
			f.err = err
		}
	}
}

func (e *Engine) fetchSafely(ctx context.Context, c *connection, s *connectors.Stream, keys []string) (items []connectors.Item, ferr *connectors.Error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			e.opt.Log.Error("a connector panicked", zap.String("connection", c.Name), zap.String("stream", s.Name), zap.Stack("stack"))
			ferr = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodePanic, Text: "the connector broke while fetching"}
		}
	}()
	items, err := c.fetcher.Fetch(ctx, s.Name, keys)
	c.health.called(e.opt.Now(), connectors.AsError(err))
	if err != nil {
		return items, connectors.AsError(err)
	}
	return items, nil
}

func (e *Engine) fetched(ctx context.Context, c *connection, s *connectors.Stream, batch []*fetching, items []connectors.Item, began time.Time) error {
	in := &ledger.Intake{Connection: c.Name, Stream: s.Name}
	got := map[string]bool{}
	for i := range items {
		if items[i].Body == nil && !items[i].Deleted {
			continue // a key without a document is no answer
		}
		got[items[i].Key] = true
		in.Items = append(in.Items, intakeItem(s, &items[i], began))
	}
	also(in, c, s)
	for _, f := range batch {
		done := &ledger.HintDone{ID: f.hint.ID, Asked: f.asked, State: "done"}
		if !got[f.hint.Key] {
			// Left out of the answer: asked again later.
			done.State, done.Code, done.Text = "pending", CodeNoAnswer, "the answer left this key out"
			done.NextAt = e.opt.Now().Add(e.opt.Retry.wait(f.hint.Attempts+1, 0, f.hint.ID))
			if began.Sub(f.hint.FirstAt) > e.opt.Retry.Age {
				done.State, done.Code, done.NextAt = "parked", CodeAge, time.Time{}
			}
		}
		in.Answered = append(in.Answered, *done)
	}
	return e.commitIntake(ctx, c, in, batch)
}

// fetchFailed keeps the keys: transient faults wait, an answer that cannot be read is
// stored raw, and after the retry age a person must look.
func (e *Engine) fetchFailed(ctx context.Context, c *connection, s *connectors.Stream, batch []*fetching, ferr *connectors.Error) error {
	if ferr.Kind == connectors.RateLimited && ferr.Wait > 0 {
		c.limits.Penalty(s.FetchUses, ferr.Wait)
	}
	_, shut, err := e.fault(ctx, c, "", ferr)
	if err != nil {
		return err
	}
	now := e.opt.Now()
	in := &ledger.Intake{Connection: c.Name, Stream: s.Name}
	for _, f := range batch {
		f.shut = shut
		done := ledger.HintDone{ID: f.hint.ID, Asked: f.asked, State: "pending", Code: storable(code(ferr, "fetch.failed")), Text: storable(text(ferr)),
			NextAt: now.Add(e.opt.Retry.wait(f.hint.Attempts+1, ferr.Wait, f.hint.ID))}
		switch {
		case shut: // the gate holds it
			done.NextAt = now
		case ferr.Kind == connectors.Unreadable && len(batch) == 1 && len(ferr.Raw) > 0:
			// Kept as it came, and asked again: a person may read the bytes, the next answer
			// may be whole.
			in.Items = append(in.Items, &ledger.IntakeItem{Entity: s.Entity, Key: f.hint.Key, RootEnt: rootEntity(s), RootKey: f.hint.Key,
				FetchedAt: now, Body: ferr.Raw, Code: CodeUnreadable, Text: done.Text})
			if f.hint.Attempts >= 3 {
				done.State, done.NextAt = "parked", time.Time{}
			}
		case ferr.Scope == connectors.OfDocument && (ferr.Kind == connectors.Invalid || ferr.Kind == connectors.Forbidden):
			done.State, done.NextAt = "parked", time.Time{}
		case ferr.Kind == connectors.Unclassified && f.hint.Attempts >= 5:
			done.State, done.NextAt = "parked", time.Time{}
		case now.Sub(f.hint.FirstAt) > e.opt.Retry.Age:
			done.State, done.Code, done.NextAt = "parked", CodeAge, time.Time{}
		}
		in.Answered = append(in.Answered, done)
	}
	return e.commitIntake(ctx, c, in, batch)
}

// commitIntake makes an intake durable, with what other streams it brought along in the
// same transaction, then lets its records and hints go on.
func (e *Engine) commitIntake(ctx context.Context, c *connection, in *ledger.Intake, batch []*fetching, others ...*ledger.Intake) error {
	units := []ledger.Unit{in}
	for _, o := range others {
		units = append(units, o)
	}
	if err := e.opt.Ledger.Commit(ctx, units...); err != nil {
		return err
	}
	if !in.Applied {
		return ledger.ErrConflict
	}
	for _, in := range append([]*ledger.Intake{in}, others...) {
		workOf(ctx).brought(in)
		for _, it := range in.Items {
			if it.Outcome == "new" && it.Code == "" {
				e.bus.Enqueue(ledger.Pending{Kind: "record", ID: it.ID, Connection: c.Name, Stream: in.Stream,
					Root: ledger.RootHash(c.Name, it.RootEnt, it.RootKey)})
			}
		}
		for _, h := range in.Hints {
			e.bus.Enqueue(ledger.Pending{Kind: "hint", ID: h.ID, Connection: c.Name, Stream: h.Stream})
		}
	}
	for i, f := range batch {
		d := in.Answered[i]
		switch {
		case d.Again:
			f.next.later = e.opt.Now()
		case d.State == "pending":
			f.next.later = d.NextAt
		}
	}
	return nil
}

// also asks for the document that an intake's documents belong to, where the stream says
// so: the order of an after-sale.
func also(in *ledger.Intake, c *connection, s *connectors.Stream) {
	if s.Also == "" {
		return
	}
	of, _ := c.Connector.Stream(s.Also)
	for _, it := range in.Items {
		if it.RootKey != it.Key || it.RootEnt != it.Entity {
			in.Hints = append(in.Hints, &ledger.NewHint{Stream: s.Also, Key: it.RootKey, RootKey: it.RootKey, RootEnt: rootEntity(of)})
		}
	}
}

func intakeItem(s *connectors.Stream, it *connectors.Item, began time.Time) *ledger.IntakeItem {
	root := it.Root
	if root == "" {
		root = it.Key
	}
	version := it.Version
	if version == 0 {
		version = began.UnixMicro()
	}
	watch := s.Complete && !it.Final && !it.Deleted
	return &ledger.IntakeItem{Entity: s.Entity, Key: it.Key, RootEnt: rootEntity(s), RootKey: root, Version: version,
		Unversioned: it.Version == 0, Watch: watch, FetchedAt: began, Body: it.Body, Deleted: it.Deleted, Headers: it.Headers}
}

func rootEntity(s *connectors.Stream) string {
	if s.RootEntity != "" {
		return s.RootEntity
	}
	return s.Entity
}
