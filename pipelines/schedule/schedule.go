// Package schedule runs jobs by cron expressions with seconds and a time zone. A tick
// is claimed in the ledger, so it runs once however many processes there are; a job
// that is still running skips the tick and says so.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Store is what the scheduler needs of the ledger.
type Store interface {
	ClaimTick(ctx context.Context, job string, tick time.Time) (*ledger.JobRun, bool, error)
	EndRun(ctx context.Context, run *ledger.JobRun) error
	JobRuns(ctx context.Context, job string, limit int) ([]ledger.JobRun, error)
}

// Job is a named piece of work.
type Job struct {
	Name string
	Spec string         // cron with seconds: "*/10 * * * * *", or "@every 5s"
	Zone *time.Location // nil = UTC
	Text string         // what it does, in words
	Run  func(ctx context.Context) (counts map[string]int64, err error)
}

// Status is what people see of a job.
type Status struct {
	Job     string         `json:"job"`
	Text    string         `json:"text"`
	Spec    string         `json:"schedule"`
	Zone    string         `json:"time_zone"`
	Next    time.Time      `json:"next"`
	Last    *ledger.JobRun `json:"last,omitempty"`
	Running bool           `json:"running"`
	Paused  bool           `json:"paused"`
}

var parser = cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse checks a cron expression.
func Parse(spec string) (cron.Schedule, error) {
	s, err := parser.Parse(spec)
	if err != nil {
		return nil, fmt.Errorf("%q is not a schedule: %w; write six fields: second minute hour day month weekday", spec, err)
	}
	return s, nil
}

// Scheduler runs jobs until Stop.
type Scheduler struct {
	store Store
	log   *zap.Logger
	now   func() time.Time

	mu      sync.Mutex
	jobs    map[string]*job
	started bool
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

type job struct {
	Job
	schedule cron.Schedule
	running  bool
	paused   bool
	end      context.CancelFunc // of its timer, once started
	before   *job               // what it replaced
}

// New checks the jobs, all of them at once.
func New(store Store, jobs []Job, log *zap.Logger, now func() time.Time) (*Scheduler, error) {
	if now == nil {
		now = time.Now
	}
	s := &Scheduler{store: store, log: log, now: now, jobs: map[string]*job{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	var err error
	s.jobs, err = parsed(jobs)
	return s, err
}

// parsed checks jobs, all of them at once.
func parsed(list []Job) (map[string]*job, error) {
	out := map[string]*job{}
	var errs []error
	for _, j := range list {
		if j.Zone == nil {
			j.Zone = time.UTC
		}
		sched, err := Parse(j.Spec)
		if err != nil {
			errs = append(errs, fmt.Errorf("job %s: %w", j.Name, err))
			continue
		}
		if out[j.Name] != nil {
			errs = append(errs, fmt.Errorf("job %s is there twice", j.Name))
		}
		out[j.Name] = &job{Job: j, schedule: sched}
	}
	return out, errors.Join(errs...)
}

// Start runs each job at its ticks. One timer a job; a tick that was missed while the
// process was down is not made up: pulls go on from their cursor anyway.
func (s *Scheduler) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
	for _, j := range s.jobs {
		s.arm(j)
	}
}

// arm starts a job's timer; s.mu is held.
func (s *Scheduler) arm(j *job) {
	ctx, end := context.WithCancel(s.ctx)
	j.end = end
	s.wg.Go(func() { s.loop(ctx, j) })
}

func (s *Scheduler) loop(ctx context.Context, j *job) {
	for {
		tick := j.schedule.Next(s.now().In(j.Zone))
		if tick.IsZero() {
			return
		}
		timer := time.NewTimer(tick.Sub(s.now()))
		select {
		case <-timer.C:
			s.wg.Go(func() { s.tick(j, tick) })
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// tick claims the tick and runs the job, unless it is paused or still running.
func (s *Scheduler) tick(j *job, tick time.Time) {
	s.mu.Lock()
	paused, running := j.paused, j.busy()
	if !paused && !running {
		j.running = true
	}
	s.mu.Unlock()
	if paused || running {
		if running {
			s.log.Warn("a job's tick was skipped: its last run has not ended", zap.String("job", j.Name))
		}
		return
	}
	defer func() {
		s.mu.Lock()
		j.running = false
		s.mu.Unlock()
	}()
	if _, err := s.run(s.ctx, j, tick); err != nil {
		s.log.Warn("a job failed", zap.String("job", j.Name), zap.Error(err))
	}
}

var errClaimed = errors.New("another process runs this tick")

func (s *Scheduler) run(ctx context.Context, j *job, tick time.Time) (*ledger.JobRun, error) {
	run, mine, err := s.store.ClaimTick(ctx, j.Name, tick)
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, nil
	}
	s.mu.Lock()
	work := j.Run
	s.mu.Unlock()
	run.Counts, err = safely(ctx, work)
	run.Ended, run.State = s.now(), "done"
	if err != nil {
		run.State, run.Text = "failed", err.Error()
	}
	return run, errors.Join(err, s.store.EndRun(context.WithoutCancel(ctx), run))
}

func safely(ctx context.Context, f func(context.Context) (map[string]int64, error)) (counts map[string]int64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the job broke: %v; this is a bug of minihub", r)
		}
	}()
	return f(ctx)
}

// RunNow runs a job at once, outside its ticks, and waits for its end.
func (s *Scheduler) RunNow(ctx context.Context, name string) (*ledger.JobRun, error) {
	s.mu.Lock()
	j := s.jobs[name]
	if j == nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("there is no job %q", name)
	}
	if j.busy() {
		s.mu.Unlock()
		return nil, fmt.Errorf("job %s is running; wait for its end", name)
	}
	j.running = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		j.running = false
		s.mu.Unlock()
	}()
	run, err := s.run(ctx, j, s.now())
	if run == nil && err == nil {
		err = errClaimed
	}
	return run, err
}

// Pause keeps a job from its ticks until it is resumed.
func (s *Scheduler) Pause(name string, paused bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[name]
	if j == nil {
		return fmt.Errorf("there is no job %q", name)
	}
	j.paused = paused
	return nil
}

// List returns every job with its last run and next tick.
func (s *Scheduler) List(ctx context.Context) ([]Status, error) {
	s.mu.Lock()
	list := make([]Status, 0, len(s.jobs))
	for _, j := range s.jobs {
		list = append(list, Status{Job: j.Name, Text: j.Text, Spec: j.Spec, Zone: j.Zone.String(),
			Next: j.schedule.Next(s.now().In(j.Zone)), Running: j.busy(), Paused: j.paused})
	}
	s.mu.Unlock()
	sort.Slice(list, func(a, b int) bool { return list[a].Job < list[b].Job })
	for i := range list {
		runs, err := s.store.JobRuns(ctx, list[i].Job, 1)
		if err != nil {
			return nil, err
		}
		if len(runs) > 0 {
			list[i].Last = &runs[0]
		}
	}
	return list, nil
}

// Stop ends the jobs that run and waits for them.
func (s *Scheduler) Stop() {
	s.cancel()
	s.wg.Wait()
}
