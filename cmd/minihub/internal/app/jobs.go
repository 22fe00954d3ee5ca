package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/pipelines/schedule"
)

// jobs turns jobs.yaml into runnable jobs.
func (a *App) jobs(dep *config.Deployment) []schedule.Job {
	var out []schedule.Job
	for _, j := range dep.Jobs {
		out = append(out, schedule.Job{Name: j.Name, Spec: j.Every, Zone: j.Zone, Text: describe(j), Run: a.job(j)})
	}
	return out
}

func (a *App) job(j config.Job) func(context.Context) (map[string]int64, error) {
	switch {
	case len(j.Pulls) > 0:
		return func(ctx context.Context) (map[string]int64, error) {
			counts := map[string]int64{}
			var errs []error
			for _, p := range j.Pulls {
				c, err := a.engine.Pull(ctx, p.Connection, p.Stream, nil)
				for k, n := range c.Map() {
					counts[k] += n
				}
				if err != nil {
					errs = append(errs, fmt.Errorf("%s.%s: %w", p.Connection, p.Stream, err))
				}
			}
			return counts, errors.Join(errs...)
		}
	case j.Sweep:
		return func(ctx context.Context) (map[string]int64, error) {
			n, err := a.engine.Sweep(ctx)
			return map[string]int64{"unfinished": int64(n)}, err
		}
	case j.Retention:
		return func(ctx context.Context) (map[string]int64, error) {
			before := time.Now().Add(-a.live.Load().dep.Hub.Retention)
			n, err := a.ledger.Retain(ctx, before)
			if err != nil {
				return map[string]int64{"blocks": int64(n)}, err
			}
			replays, err := a.bulks.Retain(ctx, before)
			return map[string]int64{"blocks": int64(n), "replays": int64(replays)}, err
		}
	default:
		return func(ctx context.Context) (map[string]int64, error) { return a.reconcileJob(ctx, j.Reconcile) }
	}
}

func describe(j config.Job) string {
	if j.Text != "" {
		return j.Text
	}
	switch {
	case len(j.Pulls) > 0:
		s := "pull"
		for _, p := range j.Pulls {
			s += " " + p.Connection + "." + p.Stream
		}
		return s
	case j.Sweep:
		return "put unfinished rows back into their lanes"
	case j.Retention:
		return "drop documents and results past their age"
	default:
		return "compare sources, ledger and targets"
	}
}
