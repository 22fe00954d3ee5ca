package schedule

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

func TestSetChangesJobsWhileTheyRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		counts := map[string]int{}
		of := func(name string) int {
			mu.Lock()
			defer mu.Unlock()
			return counts[name]
		}
		work := func(name string, lasts time.Duration) func(context.Context) (map[string]int64, error) {
			return func(context.Context) (map[string]int64, error) {
				mu.Lock()
				counts[name]++
				mu.Unlock()
				time.Sleep(lasts)
				return nil, nil
			}
		}
		s, err := New(newStore(), []Job{
			{Name: "kept", Spec: "@every 10s", Run: work("kept, old", 0)},
			{Name: "gone", Spec: "@every 10s", Run: work("gone", 0)},
			{Name: "slow", Spec: "@every 10s", Run: work("slow, old", 27*time.Second)},
		}, zap.NewNop(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second) // each ran once, slow still runs
		if err := s.Set([]Job{
			{Name: "kept", Spec: "@every 10s", Run: work("kept, new", 0)},
			{Name: "slow", Spec: "@every 5s", Run: work("slow, new", 0)},
			{Name: "new", Spec: "@every 30s", Run: work("new", 0)},
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second) // 31 s: slow's old run lasts until 37 s
		if of("gone") != 1 || of("kept, old") != 1 || of("kept, new") != 2 || of("slow, new") != 0 || of("new") != 0 {
			t.Fatalf("after 31 s: %v", counts)
		}
		if _, err := s.RunNow(t.Context(), "slow"); err == nil {
			t.Fatal("a second run of slow began beside the old one")
		}
		time.Sleep(20 * time.Second)
		s.Stop()
		if of("slow, old") != 1 || of("slow, new") == 0 || of("new") != 1 {
			t.Fatalf("after 51 s: %v", counts)
		}
		if err := s.Set([]Job{{Name: "bad", Spec: "every minute"}}); err == nil {
			t.Fatal("a bad schedule was taken")
		}
	})
}
