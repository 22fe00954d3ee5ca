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
	JobRuns(ctx context.Context, job string, before int64, limit int) ([]ledger.JobRun, error)
	PauseJob(ctx context.Context, p ledger.JobPause) error
	ResumeJob(ctx context.Context, job string) (bool, error)
	JobPauses(ctx context.Context) ([]ledger.JobPause, error)
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
	Job      string         `json:"job"`
	Text     string         `json:"text"`
	Spec     string         `json:"schedule"`
	Zone     string         `json:"time_zone"`
	Next     time.Time      `json:"next"`
	Upcoming []time.Time    `json:"upcoming"`       // the next few ticks; a paused job does not run at them
	Last     *ledger.JobRun `json:"last,omitempty"` // the last run
	// Lost are the ticks since the last run that began none.
	Lost    *ledger.JobRun   `json:"lost,omitempty"`
	Running bool             `json:"running"`
	Paused  bool             `json:"paused"`
	Pause   *ledger.JobPause `json:"pause,omitempty"`
}

const (
	upcoming = 5  // ticks told ahead
	lookBack = 20 // rows of a job's history in which its last run is looked for
)

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
	pauses  map[string]bool
	started bool
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

type job struct {
	Job
	schedule cron.Schedule
	running  bool
	end      context.CancelFunc // of its timer, once started
	before   *job               // what it replaced

	losing sync.Mutex
	lost   *ledger.JobRun // the row that counts the ticks lost now
}

// New checks the jobs, all of them at once.
func New(store Store, jobs []Job, log *zap.Logger, now func() time.Time) (*Scheduler, error) {
	if now == nil {
		now = time.Now
	}
	s := &Scheduler{store: store, log: log, now: now, pauses: map[string]bool{}}
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

// Start runs each job at its ticks, one timer a job. Ticks that passed since the last one
// in the history are not made up, since pulls go on from their cursor anyway: they are
// written down.
func (s *Scheduler) Start(ctx context.Context) error {
	list, err := s.store.JobPauses(ctx)
	if err != nil {
		return fmt.Errorf("reading the paused jobs: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range list {
		s.pauses[p.Job] = true
	}
	for _, j := range s.jobs {
		if err := s.takeUp(ctx, j); err != nil {
			return fmt.Errorf("reading the history of job %s: %w", j.Name, err)
		}
	}
	s.started = true
	for _, j := range s.jobs {
		s.arm(j)
	}
	return nil
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
			now := s.now()
			s.wg.Go(func() {
				// Where the clock jumped, further ticks have passed unseen.
				if err := s.passed(s.ctx, j, tick, now, ledger.RunMissed); err != nil {
					s.log.Warn("missed ticks could not be written down", zap.String("job", j.Name), zap.Error(err))
				}
				s.tick(j, tick)
			})
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// tick claims the tick and runs the job, unless it is paused or still running.
func (s *Scheduler) tick(j *job, tick time.Time) {
	s.mu.Lock()
	paused, running := s.pauses[j.Name], j.busy()
	if !paused && !running {
		j.running = true
	}
	s.mu.Unlock()
	switch {
	case paused:
		s.lose(j, tick, ledger.RunPaused)
		return
	case running:
		s.log.Warn("a job's tick was skipped: its last run has not ended", zap.String("job", j.Name))
		s.lose(j, tick, ledger.RunSkipped)
		return
	}
	defer s.ended(j)
	if _, err := s.run(s.ctx, j, tick); err != nil {
		s.log.Warn("a job failed", zap.String("job", j.Name), zap.Error(err))
	}
}

func (s *Scheduler) ended(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.running = false
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
	j.losing.Lock()
	j.lost = nil // what is lost from here on is a row of its own
	j.losing.Unlock()
	s.mu.Lock()
	work := j.Run
	s.mu.Unlock()
	run.Counts, err = safely(ctx, work)
	run.Ended, run.State = s.now(), ledger.RunDone
	if err != nil {
		run.State, run.Text = ledger.RunFailed, err.Error()
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

// RunNow runs a job at once, outside its ticks and even while it is paused, and waits for
// its end.
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
	defer s.ended(j)
	run, err := s.run(ctx, j, s.now())
	if run == nil && err == nil {
		err = errClaimed
	}
	return run, err
}

// List returns every job with its last run and next ticks.
func (s *Scheduler) List(ctx context.Context) ([]Status, error) {
	pauses, err := s.store.JobPauses(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	list := make([]Status, 0, len(s.jobs))
	for _, j := range s.jobs {
		st := Status{Job: j.Name, Text: j.Text, Spec: j.Spec, Zone: j.Zone.String(), Running: j.busy(), Upcoming: []time.Time{}}
		for at := s.now().In(j.Zone); len(st.Upcoming) < upcoming; {
			if at = j.schedule.Next(at); at.IsZero() {
				break
			}
			st.Upcoming = append(st.Upcoming, at)
		}
		if len(st.Upcoming) > 0 {
			st.Next = st.Upcoming[0]
		}
		list = append(list, st)
	}
	s.mu.Unlock()
	sort.Slice(list, func(a, b int) bool { return list[a].Job < list[b].Job })
	for i := range list {
		st := &list[i]
		for _, p := range pauses {
			if p.Job == st.Job {
				st.Paused, st.Pause = true, &p
			}
		}
		runs, err := s.store.JobRuns(ctx, st.Job, 0, lookBack)
		if err != nil {
			return nil, err
		}
		for n := range runs {
			if runs[n].Ran() {
				st.Last = &runs[n]
				break
			}
			if st.Lost == nil {
				st.Lost = &runs[n]
			}
		}
	}
	return list, nil
}

// Stop ends the jobs that run and waits for them.
func (s *Scheduler) Stop() {
	s.cancel()
	s.wg.Wait()
}
