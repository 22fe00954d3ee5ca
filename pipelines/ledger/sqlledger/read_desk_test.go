package sqlledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// mixed writes rows of many states, codes and connections, and returns them all.
func mixed(t *testing.T, s *sqlledger.Store) (ds []ledger.Delivery, rs []ledger.Record) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	ends := []ledger.State{ledger.Ready, ledger.Ready, ledger.Delivered, ledger.Delivered, ledger.Delivered, ledger.Parked, ledger.Parked, ledger.Waiting, ledger.Unknown, ledger.Discarded}
	for i := range 150 {
		key := fmt.Sprintf("O-%d", i)
		it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, Body: []byte(key)}
		if i%7 == 0 {
			it.Code = fmt.Sprintf("record.%d", i%2)
		}
		shop := []string{"shop-a", "shop-b"}[i%2]
		if err := s.Commit(t.Context(), &ledger.Intake{Connection: shop, Stream: []string{"orders", "returns"}[i%3/2], Items: []*ledger.IntakeItem{it}}); err != nil {
			t.Fatal(err)
		}
		if it.Code != "" || i%11 == 0 {
			continue
		}
		d := &ledger.NewDelivery{Flow: fmt.Sprintf("f%d", i%2), Step: "s", Connection: []string{"erp", "oms"}[i%2], Operation: []string{"push", "cancel"}[i%5/4], RemoteKey: key,
			Claim: true, State: ledger.Ready}
		if i%13 == 0 {
			d.State, d.Code = ledger.Filtered, "when"
		}
		if err := s.Commit(t.Context(), &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Label: key, Deliveries: []*ledger.NewDelivery{d}}); err != nil {
			t.Fatal(err)
		}
		to := ends[rng.IntN(len(ends))]
		if d.State != ledger.Ready || to == ledger.Ready {
			continue
		}
		u := &ledger.Settle{Delivery: d.ID, To: to, Code: []string{"", "oms.1", "oms.2"}[rng.IntN(3)], Holds: to == ledger.Parked && rng.IntN(2) == 0, NextAt: time.Now().Add(time.Hour)}
		if to == ledger.Unknown { // only what was started can be
			if err := s.Commit(t.Context(), &ledger.Start{Delivery: d.ID, Attempt: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Commit(t.Context(), u); err != nil || to != ledger.Discarded && !u.Applied {
			t.Fatalf("%s: %v %v", to, u.Applied, err)
		}
	}
	for i := range 150 {
		key := fmt.Sprintf("O-%d", i)
		root := ledger.RootHash([]string{"shop-a", "shop-b"}[i%2], "order", key)
		some, err := s.RootDeliveries(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		ds = append(ds, some...)
		recs, err := s.RootRecords(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, recs...)
	}
	return ds, rs
}

func picks(value, want string) bool { return want == "" || value == want }

// TestListsHoldWhatTheyAreAskedFor pages through lists by every filter, and looks at each
// row itself.
func TestListsHoldWhatTheyAreAskedFor(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t)
		ds, rs := mixed(t, s)
		states := [][]string{nil, {"parked"}, {"ready"}, {"delivered"}, {"parked", "ready", "unknown"}, {"waiting"}, {"filtered"}, {"superseded"}, {"delivered", "parked"}}
		for _, states := range states {
			for _, code := range []string{"", "oms.1", "when", "nobody"} {
				for _, connection := range []string{"", "oms"} {
					for _, operation := range []string{"", "push"} {
						f := ledger.Filter{States: states, Code: code, Connection: connection, Operation: operation, Limit: 4}
						if code == "oms.1" {
							f.Flow = "f1"
						}
						var want []int64
						for _, d := range ds {
							if (states == nil || slices.Contains(states, string(d.State))) && picks(d.Code, code) && picks(d.Connection, connection) &&
								picks(d.Operation, operation) && picks(d.Flow, f.Flow) {
								want = append(want, d.ID)
							}
						}
						slices.Sort(want)
						if diff := cmp.Diff(want, paged(t, f, func(f ledger.Filter) (ids []int64, err error) {
							rows, err := s.Deliveries(t.Context(), f)
							for _, d := range rows {
								ids = append(ids, d.ID)
							}
							return ids, err
						})); diff != "" {
							t.Fatalf("%+v: %s", f, diff)
						}
					}
				}
			}
		}
		for _, states := range [][]string{nil, {"parked"}, {"received"}, {"routed"}, {"parked", "received"}, {"no_target"}} {
			for _, code := range []string{"", "record.0"} {
				for _, connection := range []string{"", "shop-b"} {
					for _, stream := range []string{"", "returns"} {
						f := ledger.Filter{States: states, Code: code, Connection: connection, Stream: stream, Limit: 3}
						var want []int64
						for _, r := range rs {
							if (states == nil || slices.Contains(states, string(r.State))) && picks(r.Code, code) && picks(r.DocKey.Connection, connection) && picks(r.Stream, stream) {
								want = append(want, r.ID)
							}
						}
						slices.Sort(want)
						if diff := cmp.Diff(want, paged(t, f, func(f ledger.Filter) (ids []int64, err error) {
							rows, err := s.Records(t.Context(), f)
							for _, r := range rows {
								ids = append(ids, r.ID)
							}
							return ids, err
						})); diff != "" {
							t.Fatalf("%+v: %s", f, diff)
						}
					}
				}
			}
		}
	})
}

// paged collects all pages of a list.
func paged(t *testing.T, f ledger.Filter, page func(ledger.Filter) ([]int64, error)) (all []int64) {
	t.Helper()
	for {
		ids, err := page(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids...)
		if len(ids) < f.Limit {
			return all
		}
		f.After = ids[len(ids)-1]
	}
}

// TestCountsKnowTheOldest compares Counts with a look at all rows.
func TestCountsKnowTheOldest(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		now := time.Date(2026, 11, 11, 14, 0, 0, 0, time.UTC)
		s := st.open(t, func(o *sqlledger.Options) {
			o.Now = func() time.Time { now = now.Add(time.Second); return now }
		})
		type key struct{ Kind, Connection, Name, State, Code string }
		want := map[key]ledger.Count{}
		see := func(k key, at time.Time, open bool) {
			c := want[k]
			c.N++
			if open && (c.Oldest.IsZero() || at.Before(c.Oldest)) {
				c.Oldest = at
			}
			want[k] = c
		}
		ds, rs := mixed(t, s)
		for _, d := range ds {
			see(key{"delivery", d.Connection, d.Operation, string(d.State), d.Code}, d.CreatedAt, !d.State.Final())
		}
		for _, r := range rs {
			see(key{"record", r.DocKey.Connection, r.Stream, string(r.State), r.Code}, r.At, r.State == ledger.RecordReceived || r.State == ledger.RecordParked)
		}
		counts, err := s.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[key]ledger.Count{}
		for _, c := range counts {
			got[key{c.Kind, c.Connection, c.Name, c.State, c.Code}] = ledger.Count{N: c.N, Oldest: c.Oldest}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
