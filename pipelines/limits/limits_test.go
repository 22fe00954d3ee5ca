package limits

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minihub/minihub/connectors"
)

// TestNoSpanHoldsMoreThanTheLimit lets the vendor count each call anywhere between its
// start and its end, and looks at every span.
func TestNoSpanHoldsMoreThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New([]connectors.Limit{
			{Name: "second", Requests: 5, Per: time.Second},
			{Name: "minute", Requests: 100, Per: time.Minute, Concurrent: 3},
		}, 1, nil)
		uses := []connectors.Use{{Limit: "second", Cost: 1}, {Limit: "minute", Cost: 1}}
		var mu sync.Mutex
		var starts, ends []time.Time
		flying, most := 0, 0
		var wg sync.WaitGroup
		for i := range 230 {
			wg.Go(func() {
				release, _, err := s.Take(t.Context(), uses, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				flying++
				most = max(most, flying)
				starts = append(starts, time.Now())
				mu.Unlock()
				time.Sleep(time.Duration(i%7) * 90 * time.Millisecond)
				mu.Lock()
				flying--
				ends = append(ends, time.Now())
				mu.Unlock()
				release()
			})
		}
		wg.Wait()
		if most > 3 {
			t.Fatalf("%d at once, the limit is 3", most)
		}
		for _, counted := range [][]time.Time{starts, ends} {
			for i := range counted {
				for _, l := range []struct {
					n   int
					per time.Duration
				}{{5, time.Second}, {100, time.Minute}} {
					if i+l.n < len(counted) && counted[i+l.n].Sub(counted[i]) <= l.per {
						t.Fatalf("%d calls within %s", l.n+1, counted[i+l.n].Sub(counted[i]))
					}
				}
			}
		}
	})
}

func TestLongWaitTakesNothing(t *testing.T) {
	s := New([]connectors.Limit{{Name: "day", Requests: 1, Per: 24 * time.Hour}}, 1, nil)
	uses := []connectors.Use{{Limit: "day"}}
	release, _, _ := s.Take(t.Context(), uses, 0)
	release()
	release()
	again, wait, err := s.Take(t.Context(), uses, time.Second)
	if again != nil || err != nil || wait < 23*time.Hour {
		t.Fatalf("got %v %v", wait, err)
	}
	if used, allowed := s.Used("day"); used != 1 || allowed != 1 {
		t.Fatalf("used %d of %d", used, allowed)
	}
}

func TestPenaltyAndCancel(t *testing.T) {
	s := New([]connectors.Limit{{Name: "x", Requests: 10, Per: time.Second}}, 1, nil)
	uses := []connectors.Use{{Limit: "x"}}
	s.Penalty(uses, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Take(ctx, uses, 2*time.Hour); err == nil {
		t.Fatal("a cancelled wait must end")
	}
}

// A killed process may have called as often as is allowed a moment ago.
func TestABriefSpanIsWaitedOutAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := New([]connectors.Limit{{Name: "second", Requests: 5, Per: time.Second}, {Name: "day", Requests: 5, Per: 24 * time.Hour}}, 1, nil)
		for _, c := range []struct {
			limit string
			after time.Duration
		}{{"day", 0}, {"second", time.Second}} {
			if _, _, err := s.Take(t.Context(), []connectors.Use{{Limit: c.limit}}, time.Hour); err != nil || time.Since(began) != c.after {
				t.Fatalf("the limit of a %s is taken after %s, %v", c.limit, time.Since(began), err)
			}
		}
	})
}
