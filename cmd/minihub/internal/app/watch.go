package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/pipelines"
)

// watchEvery is how often the mappings' failures are compared with those before.
const watchEvery = time.Second

// watch notices mappings that fail more often since a swap, until ctx ends.
func (a *App) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.notice(ctx, a.engine.Standing().Suspects)
		case <-ctx.Done():
			return
		}
	}
}

// failing is the act of an entry that names mappings which fail since the one before.
const failing = "failing"

// notice names each suspect once: in the log, with the way back, and in the history.
func (a *App) notice(ctx context.Context, list []pipelines.Suspect) {
	a.changing.Lock()
	defer a.changing.Unlock()
	var names []string
	for _, s := range list {
		key := fmt.Sprintf("%d %s", s.Revision, s.Now.Mapping)
		if a.noticed[key] || a.last == nil {
			continue
		}
		a.noticed[key] = true
		names = append(names, s.Now.Mapping)
		a.opt.Log.Error("a mapping fails more often since it was applied", zap.String("mapping", s.Now.Mapping),
			zap.Int64("revision", s.Revision), zap.Int64("failed", s.Now.Failed), zap.Int64("refused", s.Now.Refused), zap.Int64("of", s.Now.Mapped),
			zap.Int64("before_revision", s.Before), zap.Int64("before_failed", s.Then.Failed+s.Then.Refused), zap.Int64("before_of", s.Then.Mapped),
			zap.String("back", "minihub apply --back"))
	}
	if len(names) == 0 {
		return
	}
	e := *a.last
	e.Act, e.At, e.Who, e.Why, e.Drains = failing, time.Now(), "hub", "", slices.Clone(a.last.Drains)
	e.Failing = append(slices.Clone(names), e.Failing...)
	if err := plan.Append(ctx, a.history, a.last, &e); err != nil {
		a.opt.Log.Warn("what was noticed could not be kept", zap.Error(err))
		return
	}
	a.last = &e
}
