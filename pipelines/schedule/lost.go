package schedule

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// mostLost is how many lost ticks are counted one by one: eleven days of a job that runs
// every ten seconds.
const mostLost = 100_000

// lose writes down a tick that began no run. Those that follow one another for the same
// reason are one row with their number, however many they are.
func (s *Scheduler) lose(j *job, tick time.Time, state string) {
	j.losing.Lock()
	defer j.losing.Unlock()
	ctx := context.WithoutCancel(s.ctx)
	row := j.lost
	if row == nil || row.State != state {
		var mine bool
		var err error
		if row, mine, err = s.store.ClaimTick(ctx, j.Name, tick); err != nil || !mine {
			if err != nil {
				s.log.Warn("a lost tick could not be written down", zap.String("job", j.Name), zap.Error(err))
			}
			return
		}
		row.State, row.Counts = state, map[string]int64{}
		j.lost = row
	}
	row.Counts[ledger.TicksCount]++
	row.Ended = tick
	if err := s.store.EndRun(ctx, row); err != nil {
		s.log.Warn("a lost tick could not be written down", zap.String("job", j.Name), zap.Error(err))
	}
}

// passed writes down the ticks after one moment, up to another, as one row.
func (s *Scheduler) passed(ctx context.Context, j *job, after, until time.Time, state string) error {
	first := j.schedule.Next(after.In(j.Zone))
	if first.IsZero() || first.After(until) {
		return nil
	}
	n, last := int64(1), first
	for n < mostLost {
		next := j.schedule.Next(last)
		if next.IsZero() || next.After(until) {
			break
		}
		n, last = n+1, next
	}
	row, mine, err := s.store.ClaimTick(ctx, j.Name, first)
	if err != nil || !mine {
		return err
	}
	row.State, row.Counts, row.Ended = state, map[string]int64{ledger.TicksCount: n}, last
	return s.store.EndRun(ctx, row)
}

// takeUp goes on from a job's history: runs that ended with their process are told as
// such, and the ticks since are lost.
func (s *Scheduler) takeUp(ctx context.Context, j *job) error {
	runs, err := s.store.JobRuns(ctx, j.Name, 0, lookBack)
	if err != nil || len(runs) == 0 {
		return err
	}
	for i := range runs {
		if r := &runs[i]; r.State == ledger.RunRunning {
			r.State, r.Ended = ledger.RunInterrupted, s.now()
			if err := s.store.EndRun(ctx, r); err != nil {
				return err
			}
		}
	}
	state := ledger.RunMissed
	if s.pauses[j.Name] {
		state = ledger.RunPaused
	}
	last := runs[0].Tick
	if !runs[0].Ran() {
		last = runs[0].Ended // the last of the ticks that it stands for
	}
	return s.passed(ctx, j, last, s.now(), state)
}

// Pause keeps a job from its ticks until it is resumed, over restarts too.
func (s *Scheduler) Pause(ctx context.Context, name, who, why string) error {
	return s.turn(name, true, func() error {
		return s.store.PauseJob(ctx, ledger.JobPause{Job: name, Who: who, Why: why, Since: s.now()})
	})
}

// Resume lets a paused job run at its ticks again.
func (s *Scheduler) Resume(ctx context.Context, name string) error {
	return s.turn(name, false, func() error {
		_, err := s.store.ResumeJob(ctx, name)
		return err
	})
}

func (s *Scheduler) turn(name string, paused bool, write func() error) error {
	s.mu.Lock()
	known := s.jobs[name] != nil
	s.mu.Unlock()
	if !known {
		return fmt.Errorf("there is no job %q", name)
	}
	if err := write(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses[name] = paused
	return nil
}
