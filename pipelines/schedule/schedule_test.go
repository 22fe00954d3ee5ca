package schedule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	mu     sync.Mutex
	runs   map[string]*ledger.JobRun
	pauses map[string]ledger.JobPause
}

func newStore() *store {
	return &store{runs: map[string]*ledger.JobRun{}, pauses: map[string]ledger.JobPause{}}
}

func keyOf(job string, tick time.Time) string { return job + tick.UTC().String() }

func (s *store) ClaimTick(_ context.Context, job string, tick time.Time) (*ledger.JobRun, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(job, tick)
	if s.runs[key] != nil {
		return nil, false, nil
	}
	run := &ledger.JobRun{ID: int64(len(s.runs) + 1), Job: job, Tick: tick, Started: time.Now(), State: ledger.RunRunning}
	s.runs[key] = run
	mine := *run
	return &mine, true, nil
}

func (s *store) EndRun(_ context.Context, run *ledger.JobRun) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := *run
	kept.Counts = maps.Clone(run.Counts)
	*s.runs[keyOf(run.Job, run.Tick)] = kept
	return nil
}

func (s *store) JobRuns(_ context.Context, job string, _ int64, limit int) ([]ledger.JobRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ledger.JobRun
	for _, r := range s.runs {
		if r.Job == job {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b ledger.JobRun) int { return int(b.ID - a.ID) })
	return out[:min(limit, len(out))], nil
}

func (s *store) PauseJob(_ context.Context, p ledger.JobPause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses[p.Job] = p
	return nil
}

func (s *store) ResumeJob(_ context.Context, job string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, was := s.pauses[job]
	delete(s.pauses, job)
	return was, nil
}

func (s *store) JobPauses(context.Context) ([]ledger.JobPause, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.pauses)), nil
}

// told lists a job's history, oldest first: "done", "missed 3".
func (s *store) told(t *testing.T, job string) (out []string) {
	t.Helper()
	runs, err := s.JobRuns(t.Context(), job, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Backward(runs) {
		if r.Ran() {
			out = append(out, r.State)
		} else {
			out = append(out, fmt.Sprint(r.State, " ", r.Counts[ledger.TicksCount]))
		}
	}
	return out
}

func begin(t *testing.T, st *store, jobs ...Job) *Scheduler {
	t.Helper()
	s, err := New(st, jobs, zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func want(t *testing.T, st *store, job string, rows ...string) {
	t.Helper()
	if got := st.told(t, job); !slices.Equal(got, rows) {
		t.Fatalf("the history is %q, want %q", got, rows)
	}
}

func quick(context.Context) (map[string]int64, error) { return nil, nil }

// Ticks that begin no run are told with their number: a run that lasts too long, a hub
// that was not there, and a process that ended in the middle.
func TestLostTicksAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore()
		slow := Job{Name: "slow", Spec: "@every 10s", Run: func(ctx context.Context) (map[string]int64, error) {
			select {
			case <-time.After(35 * time.Second):
			case <-ctx.Done():
			}
			return nil, nil
		}}
		s := begin(t, st, slow)
		time.Sleep(46 * time.Second)
		synctest.Wait()
		want(t, st, "slow", "done", "skipped 3")
		list, err := s.List(t.Context())
		if err != nil || len(list[0].Upcoming) != 5 || !list[0].Upcoming[4].Equal(list[0].Next.Add(40*time.Second)) {
			t.Fatalf("%v: %v then %v", err, list[0].Next, list[0].Upcoming)
		}
		if l := list[0]; l.Last == nil || l.Last.State != ledger.RunDone || l.Lost == nil || l.Lost.State != ledger.RunSkipped {
			t.Fatalf("last %+v, lost %+v", l.Last, l.Lost)
		}
		s.Stop()
		// A run of a process that was killed.
		if _, ok, err := st.ClaimTick(t.Context(), "slow", time.Now()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		time.Sleep(time.Hour)
		slow.Run = quick
		s = begin(t, st, slow)
		want(t, st, "slow", "done", "skipped 3", "interrupted", "missed 360")
		s.Stop()
		s = begin(t, st, slow) // at once again: nothing more was missed
		want(t, st, "slow", "done", "skipped 3", "interrupted", "missed 360")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		want(t, st, "slow", "done", "skipped 3", "interrupted", "missed 360", "done")
		s.Stop()
	})
}

// A pause outlives the hub; a person may run the job all the same.
func TestAPauseOutlivesTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore()
		job := Job{Name: "pull", Spec: "@every 10s", Run: quick}
		s := begin(t, st, job)
		time.Sleep(11 * time.Second)
		if err := s.Pause(t.Context(), "pull", "anna", "the source moves"); err != nil {
			t.Fatal(err)
		}
		if err := s.Pause(t.Context(), "pul", "anna", ""); err == nil {
			t.Fatal("a job that is not there was paused")
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		want(t, st, "pull", "done", "paused 3")
		s.Stop()
		time.Sleep(time.Minute)
		s = begin(t, st, job)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		want(t, st, "pull", "done", "paused 3", "paused 6", "paused 1")
		list, err := s.List(t.Context())
		if err != nil || !list[0].Paused || list[0].Pause.Who != "anna" || list[0].Pause.Why != "the source moves" {
			t.Fatalf("%v: %+v", err, list[0])
		}
		if run, err := s.RunNow(t.Context(), "pull"); err != nil || run.State != ledger.RunDone {
			t.Fatal(run, err)
		}
		if err := s.Resume(t.Context(), "pull"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want(t, st, "pull", "done", "paused 3", "paused 6", "paused 1", "done", "done")
		s.Stop()
	})
}

func TestATickRunsOnceInTwoProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore()
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
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
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
		st := newStore()
		runs := 0
		s, err := New(st, []Job{{Name: "slow", Spec: "@every 10s", Run: func(ctx context.Context) (map[string]int64, error) {
			runs++
			time.Sleep(25 * time.Second)
			return nil, errors.New("the source is down")
		}}}, zap.NewNop(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
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
	_, err := New(newStore(), []Job{{Name: "a", Spec: "every minute"}, {Name: "b", Spec: "* * * *"}}, zap.NewNop(), nil)
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
