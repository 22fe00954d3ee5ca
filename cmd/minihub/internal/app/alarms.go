package app

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/doctor"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/schedule"
)

// alarmEvery is how often the hub looks whether something is wrong: often enough that
// people hear of it, and of its end, within half a minute.
const alarmEvery = 5 * time.Second

// watchAlarms judges the hub until ctx ends. Telling people holds nothing up.
func (a *App) watchAlarms(ctx context.Context) {
	tick := time.NewTicker(alarmEvery)
	defer tick.Stop()
	in := a.live.Load().dep
	for {
		if dep := a.live.Load().dep; dep != in {
			in = dep
			a.alarms.Set(dep.Hub.Alarms)
		}
		sample := a.sample(ctx, time.Now())
		if ctx.Err() != nil { // what a closing hub looks like says nothing
			break
		}
		a.alarms.Observe(ctx, sample)
		a.watching.Go(func() { a.alarms.Deliver(ctx) })
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	a.alarms.Flush(context.WithoutCancel(ctx))
}

// sample is what the hub looks like now.
func (a *App) sample(ctx context.Context, now time.Time) alarm.Sample {
	s := alarm.Sample{At: now, Intake: map[string]int64{}, Free: a.free()}
	counts, err := a.levels.read(ctx, now)
	if err != nil {
		s.Broken = err.Error()
		return s
	}
	dep := a.live.Load().dep
	s.Counts = counts
	a.flowing.observe(counts, now)
	for _, c := range counts {
		if c.Kind == "record" && hasStream(dep, c.Connection, c.Name) {
			s.Intake[c.Connection+"."+c.Name] += c.N
		}
	}
	gates, err := a.ledger.Gates(ctx)
	if err != nil {
		s.Broken = err.Error()
		return s
	}
	for _, g := range gates {
		if _, _, known := a.engine.Conn(g.Connection); known {
			s.Gates = append(s.Gates, alarm.Gate{Connection: g.Connection, Operation: g.Operation, Reason: g.Reason, Code: g.Code, Since: g.Since})
		}
	}
	s.Limits = a.quotas()
	s.Tokens = a.credentials()
	if !a.opt.NoJobs {
		if s.Jobs, err = a.jobStates(ctx, dep); err != nil {
			s.Broken = err.Error()
		}
	}
	return s
}

// hasStream reports whether the deployment still has the stream: what was taken away is
// silent for good.
func hasStream(dep *config.Deployment, connection, stream string) bool {
	for _, c := range dep.Connections {
		if c.Name == connection {
			_, ok := c.Connector.Stream(stream)
			return ok
		}
	}
	return false
}

// free is how many bytes of the store's disk are left; 0 = not known.
func (a *App) free() uint64 {
	folder := a.opt.Dir
	if file, ok := strings.CutPrefix(a.hub.Store, "sqlite:"); ok {
		folder = filepath.Dir(file)
	}
	n, _ := doctor.Free(folder)
	return n
}

func (a *App) quotas() (out []alarm.Limit) {
	for _, u := range a.engine.Limits() {
		_, c, ok := a.engine.Conn(u.Connection)
		if !ok {
			continue
		}
		for _, l := range c.Limits {
			if l.Name == u.Limit {
				out = append(out, alarm.Limit{Connection: u.Connection, Name: u.Limit, Used: u.Used, Allowed: u.Allowed, Per: l.Per})
			}
		}
	}
	return out
}

// credentials are those that a person must renew: what renews itself is nobody's worry.
func (a *App) credentials() (out []alarm.Token) {
	for name := range a.engine.Connections() {
		conn, _, _ := a.engine.Conn(name)
		e, can := conn.(connectors.Expirer)
		if !can {
			continue
		}
		for _, c := range e.CredentialEnds() {
			if !c.Renews && !c.Ends.IsZero() {
				out = append(out, alarm.Token{Connection: name, Until: c.Ends})
			}
		}
	}
	return out
}

// latestRows is how many rows of a job's history are looked at.
const latestRows = 20

// latestRuns are the last runs of a job, without ticks that began none.
func (a *App) latestRuns(ctx context.Context, job string) ([]ledger.JobRun, error) {
	rows, err := a.ledger.JobRuns(ctx, job, 0, latestRows)
	return slices.DeleteFunc(rows, func(r ledger.JobRun) bool { return !r.Ran() }), err
}

func (a *App) jobStates(ctx context.Context, dep *config.Deployment) ([]alarm.Job, error) {
	list, err := a.scheduler.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []alarm.Job
	for _, st := range list {
		spec, err := schedule.Parse(st.Spec)
		if err != nil {
			continue // the scheduler would not have taken it
		}
		zone, err := time.LoadLocation(st.Zone)
		if err != nil {
			zone = time.UTC
		}
		j := alarm.Job{Name: st.Job, Running: st.Running, Paused: st.Paused, Next: func(t time.Time) time.Time { return spec.Next(t.In(zone)) }}
		if st.Pause != nil {
			j.Since = st.Pause.Since
		}
		runs, err := a.latestRuns(ctx, st.Job)
		if err != nil {
			return nil, err
		}
		for i, r := range runs {
			if i == 0 {
				j.Last = r.Started
			}
			if r.State == ledger.RunFailed && j.Failed == i {
				j.Failed++
			}
		}
		for _, d := range dep.Jobs {
			if d.Name == st.Job {
				for _, p := range d.Pulls {
					j.Connections = append(j.Connections, p.Connection)
				}
			}
		}
		slices.Sort(j.Connections)
		j.Connections = slices.Compact(j.Connections)
		out = append(out, j)
	}
	return out, nil
}

// openAlarms reads the incidents that an earlier process left open.
func (a *App) openAlarms(ctx context.Context) {
	a.alarms = alarm.New(a.live.Load().dep.Hub.Alarms, alarm.Options{Store: a.ledger, Log: a.opt.Log})
	a.levels = newLevels(a.ledger)
	if err := a.alarms.Load(ctx); err != nil {
		// The hub runs all the same: alarms begin anew.
		a.opt.Log.Warn("the alarms of the last run are not known", zap.Error(err))
	}
}
