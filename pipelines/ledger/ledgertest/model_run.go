package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/pipelines/ledger"
)

// RunModel gives a ledger random units and compares every row with the model after
// each of them. open returns a ledger that is closed with the test.
func RunModel(t *testing.T, open func(t *testing.T) ledger.Ledger) {
	l := open(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		if err := Model(t.Context(), l, fmt.Sprintf("m%d", n), pick, 25); err != nil {
			rt.Fatal(err)
		}
	})
}

// Model runs steps of random units under connections of the given prefix, which no
// earlier run may have used, and returns the first difference between ledger and
// model. pick chooses a number below n.
func Model(ctx context.Context, l ledger.Ledger, prefix string, pick func(label string, n int) int, steps int) error {
	r := &run{ctx: ctx, l: l, m: newModel(), pick: pick, shop: prefix + "-shop", erp: prefix + "-erp"}
	var log []string
	for i := range steps {
		what, err := r.step()
		log = append(log, what)
		if err == nil {
			err = r.compare()
		}
		if err == nil && i == steps-1 {
			err = r.compareCounts()
		}
		if err != nil {
			return fmt.Errorf("%w\nafter:\n  %s", err, strings.Join(log, "\n  "))
		}
	}
	return nil
}

// run is one run of the model.
type run struct {
	ctx       context.Context
	l         ledger.Ledger
	m         *model
	pick      func(label string, n int) int
	shop, erp string
}

func (r *run) bool(label string) bool { return r.pick(label, 2) == 1 }

func choose[T any](r *run, label string, from []T) T { return from[r.pick(label, len(from))] }

// compare reads every row, from the caches and from the tables.
func (r *run) compare() error {
	ds, err := r.l.Deliveries(r.ctx, ledger.Filter{Connection: r.erp, Limit: 10000})
	if err != nil {
		return err
	}
	if len(ds) != len(r.m.deliveries) {
		return fmt.Errorf("%d deliveries, want %d", len(ds), len(r.m.deliveries))
	}
	for _, d := range ds {
		want := r.m.deliveries[d.ID]
		cached, err := r.l.Delivery(r.ctx, d.ID)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(d, *cached); diff != "" {
			return fmt.Errorf("delivery %d in the table and in memory differ:\n%s", d.ID, diff)
		}
		if diff := cmp.Diff(slimDelivery(want.Delivery), slimDelivery(d)); diff != "" {
			return fmt.Errorf("delivery %d (-want +got):\n%s", d.ID, diff)
		}
		deps, err := r.l.Deps(r.ctx, d.ID)
		if err != nil {
			return err
		}
		wantDeps := slices.Clone(want.deps)
		slices.SortFunc(wantDeps, func(a, b ledger.Dep) int { return strings.Compare(string(a.Kind)+a.Key, string(b.Kind)+b.Key) })
		if !slices.Equal(deps, wantDeps) {
			return fmt.Errorf("delivery %d waits for %q, want %q", d.ID, deps, wantDeps)
		}
		as, err := r.l.Attempts(r.ctx, d.ID)
		if err != nil || len(as) != r.m.attempts[d.ID] {
			return fmt.Errorf("delivery %d has %d attempts (%w), want %d", d.ID, len(as), err, r.m.attempts[d.ID])
		}
	}
	return errors.Join(r.compareRoots(ds), r.compareRecords(), r.compareLinks(), r.compareRest())
}

func slimDelivery(d ledger.Delivery) ledger.Delivery {
	return ledger.Delivery{ID: d.ID, Record: d.Record, Doc: d.Doc, Operation: d.Operation, RemoteKey: d.RemoteKey, Generation: d.Generation,
		Revision: d.Revision, State: d.State, Code: d.Code, Holds: d.Holds, Clean: d.Clean, Attempts: d.Attempts, Cause: d.Cause,
		Undoes: d.Undoes, Progress: d.Progress}
}

// compareRoots reads the deliveries root by root.
func (r *run) compareRoots(ds []ledger.Delivery) error {
	byRoot := map[int64][]ledger.Delivery{}
	for _, d := range ds {
		byRoot[d.Root] = append(byRoot[d.Root], d)
	}
	for _, key := range modelDocs {
		root := ledger.RootHash(r.shop, "order", key)
		got, err := r.l.RootDeliveries(r.ctx, root)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(byRoot[root], got, cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("deliveries of root %s (-all +of the root):\n%s", key, diff)
		}
	}
	return nil
}

func (r *run) compareRecords() error {
	rs, err := r.l.Records(r.ctx, ledger.Filter{Connection: r.shop, Limit: 10000})
	if err != nil {
		return err
	}
	if len(rs) != len(r.m.records) {
		return fmt.Errorf("%d records, want %d", len(rs), len(r.m.records))
	}
	for _, rec := range rs {
		cached, err := r.l.Record(r.ctx, rec.ID)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(rec, *cached); diff != "" {
			return fmt.Errorf("record %d in the table and in memory differ:\n%s", rec.ID, diff)
		}
		want := r.m.records[rec.ID]
		if rec.State != want.State || rec.Repeats != want.Repeats || rec.Version != want.Version || rec.Revision != want.Revision {
			return fmt.Errorf("record %+v, want %+v", rec, want)
		}
	}
	return nil
}

func (r *run) compareLinks() error {
	for name, want := range r.m.links {
		for range 2 {
			got, err := r.l.Link(r.ctx, r.erp, want.Operation, want.RemoteKey)
			if err != nil {
				return fmt.Errorf("link %s: %w", name, err)
			}
			got.UpdatedAt, got.Connection, got.Digest = time.Time{}, "", ledger.Digest{}
			if diff := cmp.Diff(want, got); diff != "" {
				return fmt.Errorf("link %s (-want +got):\n%s", name, diff)
			}
		}
	}
	return nil
}

func (r *run) compareRest() error {
	for key, want := range r.m.budgets {
		if used, err := r.l.BudgetUsed(r.ctx, r.erp, "upload", key); err != nil || used != want {
			return fmt.Errorf("budget %s used %d (%w), want %d", key, used, err, want)
		}
	}
	hs, err := r.l.Hints(r.ctx, ledger.Filter{Connection: r.shop, Limit: 1000})
	if err != nil || len(hs) != len(r.m.hints) {
		return fmt.Errorf("%d hints (%w), want %d", len(hs), err, len(r.m.hints))
	}
	for _, h := range hs {
		want := r.m.hints[h.Key]
		if h.ID != want.ID || h.Asked != want.Asked || h.Done != want.Done || h.State != want.State || h.Attempts != want.Attempts {
			return fmt.Errorf("hint %+v, want %+v", h, want)
		}
	}
	if c, err := r.l.Cursor(r.ctx, r.shop, "orders", "live"); err != nil || c != r.m.cursor {
		return fmt.Errorf("cursor %q (%w), want %q", c, err, r.m.cursor)
	}
	return nil
}

// compareCounts holds the counts and the unfinished against the model.
func (r *run) compareCounts() error {
	want := map[string]int64{}
	pending := map[string]int{}
	for _, d := range r.m.deliveries {
		want["delivery "+string(d.State)+" "+d.Code]++
		switch {
		case d.State.Final(), d.State == ledger.Blocked, d.State == ledger.Parked && !d.Holds:
		default:
			pending["delivery"]++
		}
	}
	for _, rec := range r.m.records {
		want["record "+string(rec.State)+" "]++
		if rec.State == ledger.RecordReceived {
			pending["record"]++
		}
	}
	for _, h := range r.m.hints {
		want["hint "+h.State+" "]++
		if h.State == "pending" {
			pending["hint"]++
		}
	}
	cs, err := r.l.Counts(r.ctx)
	if err != nil {
		return err
	}
	got := map[string]int64{}
	for _, c := range cs {
		if c.Connection == r.shop || c.Connection == r.erp {
			got[c.Kind+" "+c.State+" "+c.Code] += c.N
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("counts (-want +got):\n%s", diff)
	}
	found := map[string]int{}
	last := map[string]int64{}
	err = r.l.Unfinished(r.ctx, func(p ledger.Pending) error {
		if p.ID <= last[p.Kind] {
			return fmt.Errorf("unfinished %s %d comes after %d", p.Kind, p.ID, last[p.Kind])
		}
		last[p.Kind] = p.ID
		if p.Connection == r.shop || p.Connection == r.erp {
			found[p.Kind]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if diff := cmp.Diff(pending, found); diff != "" {
		return fmt.Errorf("unfinished (-want +got):\n%s", diff)
	}
	return nil
}
