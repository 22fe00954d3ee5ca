package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// leftovers looks at what the target lists and no document of the window explains: a
// document of another time that changed there, or an orphan.
func (t *target) leftovers(ctx context.Context) error {
	var strangers []string
	for _, key := range slices.Sorted(maps.Keys(t.view.rows)) {
		if t.explained[key] {
			continue
		}
		link, err := t.link(ctx, t.operation, key)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(t.view.rows[key], func(r row) bool { return r.at.IsZero() || t.in(r.at) || t.in(r.modified) }) {
			continue // of the margin
		}
		if link == nil {
			strangers = append(strangers, key)
		} else if err := t.ofAnotherTime(ctx, link); err != nil {
			return err
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	for _, st := range t.steps {
		if why := st.blind(); why != "" {
			t.book.notCompared(st.place, "orphans", len(strangers), "", why)
		}
	}
	for _, key := range strangers {
		if err := t.unexplained(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// learn takes the store out of a key that the step has built.
func (st *targetStep) learn(key string, of *document) {
	if st.form != nil {
		st.form.learn(key, of)
	}
}

// blind says why orphans of a step cannot be told from other people's documents.
func (st *targetStep) blind() string {
	switch {
	case st.form == nil:
		return "the step's keys have neither literal text nor a store's code: documents without a record cannot be told from other people's"
	case len(st.form.forms) == 0:
		return "no key of the step was seen, so the stores in its keys are not known"
	}
	return ""
}

// link finds the link of a key, without its generation if need be; nil when there is
// none.
func (t *target) link(ctx context.Context, operation, key string) (*ledger.Link, error) {
	l, err := t.r.opt.Ledger.Link(ctx, t.connection, operation, key)
	if errors.Is(err, ledger.ErrNotFound) {
		b, ok := base(key, genSep(t.decl))
		if !ok {
			return nil, nil
		}
		if l, err = t.r.opt.Ledger.Link(ctx, t.connection, operation, b); errors.Is(err, ledger.ErrNotFound) {
			return nil, nil
		}
	}
	return l, err
}

// ofAnotherTime compares a document that the source did not change in the window and
// the target did.
func (t *target) ofAnotherTime(ctx context.Context, link *ledger.Link) error {
	if t.docs[link.Doc] || link.Applied == 0 {
		return nil
	}
	t.docs[link.Doc] = true
	l := t.r.opt.Ledger
	applied, err := l.Delivery(ctx, link.Applied)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(t.steps, func(st *targetStep) bool { return st.flow.Name == applied.Flow && st.step.Name == applied.Step })
	if i < 0 {
		return nil // of a flow that is not looked at
	}
	rec, err := l.Record(ctx, applied.Record)
	if err != nil {
		return err
	}
	if rec, err = l.Latest(ctx, rec.DocKey); err != nil {
		return err
	}
	src := t.sources[flow.Source{Connection: rec.DocKey.Connection, Stream: rec.Stream}]
	if src == nil || src.view == nil {
		return nil // its stream left the flow
	}
	led, err := src.read(ctx, rec)
	if err != nil {
		return err
	}
	st := t.steps[i]
	if t.late(led) {
		t.book.lookAlike(st.place, "changed_after_window")
		return nil
	}
	d := &document{src: src, key: rec.DocKey.Key, facts: led, rec: &known{id: rec.ID, doc: rec.Doc, root: rec.Root, state: rec.State,
		code: rec.Code, text: rec.Text, label: rec.Label, deleted: rec.Deleted}}
	e, err := t.judge(ctx, st, d)
	if err != nil {
		return err
	}
	return t.weigh(ctx, e)
}

// unexplained is a key without a link: an orphan if a flow could have built it.
func (t *target) unexplained(ctx context.Context, key string) error {
	for i := range t.connector.Operations {
		op := &t.connector.Operations[i]
		if op.Name == t.operation || op.Entity != t.decl.Entity || op.Undoes != "" {
			continue
		}
		if l, err := t.link(ctx, op.Name, key); err != nil || l != nil {
			return err // another operation made it
		}
	}
	blind := false
	for _, st := range t.steps {
		if st.blind() != "" {
			blind = true
			continue
		}
		store, ok := st.form.ours(key)
		if !ok {
			continue
		}
		rows, err := t.view.settled(ctx, key)
		if err != nil {
			return err
		}
		live := alive(rows)
		if len(live) == 0 {
			t.book.lookAlike(st.place, "cancelled_orphan")
			return nil
		}
		r := live[0]
		store = or(store, or(r.store, t.connection)) // the target has its own words for stores
		tot := t.book.both(st.place, r.facts, store)
		tot.There += len(live)
		tot.ThereAmount += r.amount
		f := Finding{Place: st.place, Kind: Orphan, Why: WhyNoRecord, Key: key, Store: store, Day: t.book.day(r.at), At: r.at.UTC(),
			Amount: r.amount, Currency: r.currency, RemoteIDs: remoteIDs(r.ids), Text: "the target has it under a key of this flow, and no record explains it"}
		t.book.find(f)
		return nil
	}
	if !blind {
		t.book.lookAlike(t.steps[0].place, "not_ours")
	}
	return nil
}

func remoteIDs(ids []connectors.RemoteID) []RemoteID {
	var out []RemoteID
	for _, id := range ids {
		out = append(out, RemoteID{id.Kind, id.Value})
	}
	return out
}
