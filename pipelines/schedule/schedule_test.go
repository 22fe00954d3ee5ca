package schedule

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// store is shared by several schedulers, as the ledger is.
type store struct {
	mu   sync.Mutex
	runs map[string]*ledger.JobRun
}

func (s *store) ClaimTick(_ context.Context, job string, tick time.Time) (*ledger.JobRun, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := job + tick.String()
	if s.runs[key] != nil {
		return nil, false, nil
	}
	run := &ledger.JobRun{ID: int64(len(s.runs) + 1), Job: job, Tick: tick, State: "running"}
	s.runs[key] = run
	mine := *run
	return &mine, true, nil
}

func (s *store) EndRun(_ context.Context, run *ledger.JobRun) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.runs[run.Job+run.Tick.String()] = *run
	return nil
}

func (s *store) JobRuns(_ context.Context, job string, _ int) ([]ledger.JobRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ledger.JobRun
	for _, r := range s.runs {
		if r.Job == job && (len(out) == 0 || r.Tick.After(out[0].Tick)) {
			out = []ledger.JobRun{*r}
		}
	}
	return out, nil
}

func TestATickRunsOnceInTwoProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &store{runs: map[string]*ledger.JobRun{}}
		var mu sync.Mutex
		runs := 0
		jobs := []Job{{Name: "pull", Spec: "*/10 * * * * *", Run: func(context.Context) (map[string]int64, error) {
			mu.Lock()
			defer mu.Unlock()
			runs++
			return map[string]int64{"items": 1}, nil
		}}}
		var both []*Scheduler
		for range 2 {
			s, err := New(st, jobs, zap.NewNop(), nil)
			if err != nil {
				t.Fatal(err)
			}
			s.Start()
			both = append(both, s)
		}
		time.Sleep(65 * time.Second)
		for _, s := range both {
			s.Stop()
		}
		if runs != 6 && runs != 7 {
			t.Fatalf("%d runs in 65 s of a ten-second job in two processes", runs)
		}
	})
}

func TestARunningJobSkipsItsTicksAndFailuresAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &store{runs: map[string]*ledger.JobRun{}}
		runs := 0
		s, err := New(st, []Job{{Name: "slow", Spec: "@every 10s", Run: func(ctx context.Context) (map[string]int64, error) {
			runs++
			time.Sleep(25 * time.Second)
			return nil, errors.New("the source is down")
		}}}, zap.NewNop(), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		time.Sleep(61 * time.Second)
		synctest.Wait()
		list, err := s.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if runs != 2 || list[0].Last == nil || list[0].Last.State != "failed" && !list[0].Running {
			t.Fatalf("%d runs, %+v", runs, list[0].Last)
		}
		if _, err := s.RunNow(t.Context(), "slow"); list[0].Running && err == nil {
			t.Fatal("a running job was run again")
		}
		s.Stop()
	})
}

func TestBadSchedulesAreReportedTogether(t *testing.T) {
	_, err := New(&store{}, []Job{{Name: "a", Spec: "every minute"}, {Name: "b", Spec: "* * * *"}}, zap.NewNop(), nil)
	if err == nil || !strings.Contains(err.Error(), "job a") || !strings.Contains(err.Error(), "job b") {
		t.Fatalf("got %v", err)
	}
}

// TestZone: a job at 09:00 in Shanghai is 01:00 UTC all year.
func TestZone(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	sched, err := Parse("0 0 9 * * *")
	if err != nil {
		t.Fatal(err)
	}
	got := sched.Next(time.Date(2026, 11, 11, 0, 0, 0, 0, time.UTC).In(zone)).UTC()
	if want := time.Date(2026, 11, 11, 1, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Fatalf("next is %s, want %s", got, want)
	}
}
