package app

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// backlogged is a store with that many records that wait to be mapped.
func backlogged(tb testing.TB, n int) *sqlledger.Store {
	tb.Helper()
	s, err := sqlledger.Open(tb.Context(), sqlledger.Options{URL: "sqlite:" + filepath.Join(tb.TempDir(), "hub.db"), Secret: []byte("invented-secret-for-tests-only-32"), Log: zap.NewNop()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	const page = 5000
	for from := 0; from < n; from += page {
		in := &ledger.Intake{Connection: "shop", Stream: "orders"}
		for i := from; i < min(n, from+page); i++ {
			key := fmt.Sprintf("order-%d", i)
			in.Items = append(in.Items, &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, FetchedAt: time.Now(), Body: []byte(`{"no":"` + key + `"}`)})
		}
		if err := s.Commit(tb.Context(), in); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// slow counts how often every unfinished row is looked at.
type slow struct {
	*sqlledger.Store
	looks int
}

func (s *slow) Counts(ctx context.Context) ([]ledger.Count, error) {
	s.looks++
	return s.Store.Counts(ctx)
}

func TestAgesAreLookedUpSeldomAndNumbersAlways(t *testing.T) {
	s := &slow{Store: backlogged(t, 300)}
	v := newLevels(s)
	at := time.Now()
	for i := range 24 { // two minutes
		list, err := v.read(t.Context(), at.Add(time.Duration(i)*alarmEvery))
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || list[0].N != 300 || list[0].Oldest.IsZero() || list[0].State != "received" {
			t.Fatalf("look %d finds %+v", i, list)
		}
	}
	if s.looks < 2 || s.looks > 12 {
		t.Errorf("in two minutes the rows were looked at %d times, want every ten seconds at most", s.looks)
	}
}

func TestHeadsFindTheOldest(t *testing.T) {
	began := time.Now().Add(-time.Second)
	s := backlogged(t, 4_000)
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(heads) != 1 || len(counts) != 1 || !heads[0].Oldest.Equal(counts[0].Oldest) || heads[0].Oldest.Before(began) {
		t.Errorf("the oldest of 4,000 is %+v by the heads, %+v by all rows", heads, counts)
	}
}

// BenchmarkLevels says what a look costs over a million rows that wait:
// go test -run '^$' -bench Levels -benchtime 20x ./cmd/minihub/internal/app
func BenchmarkLevels(b *testing.B) {
	s := backlogged(b, 1_000_000)
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Counts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("heads", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Heads(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tallies", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Tallies(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
