package pipelines

import (
	"context"

	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// Carried is a kind of document on the way of a delivery, in all the versions that people
// made of it. The schema says which values are personal; nil when there is none.
type Carried struct {
	Schema *schemas.Schema
	Trees  []any
}

// Carries are the documents that a delivery stands on, as far as they are kept.
type Carries struct {
	Record    *ledger.Record
	Source    Carried // its schema belongs to the stream; the caller knows it
	Canonical Carried
	Target    Carried
}

// CarriesOf reads what a delivery came from and carries, or once carried. What cannot be
// read or mapped any more is left out. doc is a target document that is not stored.
func (e *Engine) CarriesOf(ctx context.Context, record int64, d *ledger.Delivery, doc []byte) (Carries, error) {
	rec, err := e.opt.Ledger.Record(ctx, record)
	if err != nil {
		return Carries{}, err
	}
	e, leave := e.enter(rec.Root)
	defer leave()
	out := Carries{Record: rec}
	step := e.step(d)
	if step != nil {
		out.Target.Schema = step.Schema
	}
	if out.Target.Trees, err = e.targets(ctx, d, doc); err != nil {
		return out, err
	}
	sources, err := e.sources(ctx, rec)
	if err != nil {
		return out, err
	}
	var f *flow.Flow
	if step != nil {
		f = e.flowOf(step)
	}
	if f != nil {
		out.Canonical.Schema = f.Schema
	}
	for _, src := range sources {
		tree, err := e.connections()[rec.DocKey.Connection].read(rec.Stream, src)
		if err != nil {
			continue
		}
		out.Source.Trees = append(out.Source.Trees, tree)
		if f == nil {
			continue
		}
		// Not by toCanonical: what is only looked at must not count as mapped.
		if canonical, err := runSafely(f.Canonical, tree, e.mapContext(rec)); err == nil {
			out.Canonical.Trees = append(out.Canonical.Trees, canonical)
		}
	}
	return out, nil
}

// targets are the target documents of a delivery.
func (e *Engine) targets(ctx context.Context, d *ledger.Delivery, doc []byte) (trees []any, err error) {
	take := func(raw []byte) {
		if tree, err := codec.Decode(raw); err == nil {
			trees = append(trees, tree)
		}
	}
	if doc != nil {
		take(doc)
	}
	refs := []ledger.Ref{d.Payload}
	if d.ID != 0 {
		edits, err := e.opt.Ledger.DeliveryEdits(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		for _, edit := range edits {
			refs = append(refs, edit.Before, edit.After)
		}
	}
	e.payloads(ctx, refs, take)
	return trees, nil
}

// sources are what a record was mapped from, at one time or another.
func (e *Engine) sources(ctx context.Context, rec *ledger.Record) (list []source, err error) {
	if src, err := e.sourceOf(ctx, rec); err == nil {
		list = append(list, src)
	}
	if rec.Revision == 0 {
		return list, nil
	}
	e.payloads(ctx, []ledger.Ref{rec.Payload}, func(raw []byte) { list = append(list, source{body: raw}) })
	edits, err := e.opt.Ledger.RecordEdits(ctx, rec.ID)
	if err != nil {
		return nil, err
	}
	for _, edit := range edits {
		e.payloads(ctx, []ledger.Ref{edit.After}, func(raw []byte) { list = append(list, source{raw, true}) })
	}
	return list, nil
}

// payloads reads those that are still kept.
func (e *Engine) payloads(ctx context.Context, refs []ledger.Ref, take func([]byte)) {
	for _, ref := range refs {
		if ref == (ledger.Ref{}) {
			continue
		}
		if raw, err := e.opt.Ledger.Payload(ctx, ref); err == nil {
			take(raw)
		}
	}
}
