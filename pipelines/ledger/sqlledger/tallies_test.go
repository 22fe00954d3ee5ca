package sqlledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// What the cheap looks tell is what Counts tells.
func TestTalliesAndHeadsAgreeWithCounts(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		for page := range 3 {
			for _, connection := range []string{"shop-a", "shop-b"} {
				in := &ledger.Intake{Connection: connection, Stream: "orders"}
				for i := range 40 {
					key := fmt.Sprintf("%d-%d", page, i)
					it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, FetchedAt: time.Now(), Body: []byte(`{}`)}
					if i%8 == 0 {
						it.Code = "record.unreadable" // parked: nothing the bus could do
					}
					in.Items = append(in.Items, it)
				}
				if err := s.Commit(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
		}
		counts, err := s.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tallies, err := s.Tallies(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heads, err := s.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		oldest := map[string]time.Time{}
		var plain []ledger.Count
		for _, c := range counts {
			if c.State == "received" {
				oldest[c.Connection] = c.Oldest
			}
			c.Oldest = time.Time{}
			plain = append(plain, c)
		}
		if diff := cmp.Diff(plain, tallies); diff != "" {
			t.Error(diff)
		}
		found := map[string]time.Time{}
		for _, c := range heads {
			if c.State != "received" {
				t.Errorf("the bus has nothing to do with %+v", c)
			}
			found[c.Connection] = c.Oldest
		}
		if diff := cmp.Diff(oldest, found); diff != "" || len(found) != 2 {
			t.Error(diff)
		}
	})
}
