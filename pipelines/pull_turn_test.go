package pipelines_test

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// TestTwoPullsOfOneStreamTakeTurns: a job and a person pull at once; neither fails.
func TestTwoPullsOfOneStreamTakeTurns(t *testing.T) {
	f := newFeedWorld(t)
	f.feed.now = f.start.Add(3 * time.Hour)
	f.every(time.Minute)
	e, err := f.engine(f.led)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for range 4 {
		wg.Go(func() {
			_, err := e.Pull(t.Context(), f.name, "orders", nil)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.feed.changes {
		if c.at.Before(f.feed.now.Add(-f.stream.Delay)) && !f.has(t.Context(), c.key) {
			t.Fatalf("%s was not seen", c.key)
		}
	}
}
