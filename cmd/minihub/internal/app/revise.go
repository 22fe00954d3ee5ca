package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/pipelines"
)

// choose decides what a start runs: what is in force, as long as the directory is the one
// that it was decided for (after `--back` that is not the directory's content); else what
// the directory says now, as a revision of its own.
func (a *App) choose(ctx context.Context, dir *loaded) (base, canary *running, err error) {
	if a.last, err = plan.Latest(ctx, a.history); err != nil {
		return nil, nil, fmt.Errorf("reading what was applied last: %w", err)
	}
	if a.last == nil || !a.opt.Applied && a.last.Directory != dir.snap.Hash() {
		e := &plan.Entry{Act: plan.Started, Directory: dir.snap.Hash(), Base: plan.Revision{Number: 1, Hash: dir.snap.Hash()}}
		if a.last != nil {
			e.Base.Number, e.Drains = a.last.Highest+1, drains(a.last, true)
		}
		a.pending = e
		if base, err = a.openAll(ctx, dir, e.Base); err != nil {
			return nil, nil, err
		}
		a.retired(ctx, base, e.Drains)
		if a.opt.Local {
			base.program.Revision = 0
		}
		return base, nil, nil
	}
	if base, err = a.resume(ctx, dir, a.last.Base); err != nil {
		return nil, nil, err
	}
	a.retired(ctx, base, a.last.Drains)
	if a.last.Canary != nil {
		a.live.Store(base) // what both have is opened once
		canary, err = a.resume(ctx, dir, *a.last.Canary)
	}
	return base, canary, err
}

// resume opens a revision, from the directory where that has the same files.
func (a *App) resume(ctx context.Context, dir *loaded, r plan.Revision) (*running, error) {
	if r.Hash == dir.snap.Hash() {
		return a.openAll(ctx, dir, r)
	}
	l, err := a.loadRevision(ctx, r)
	if err != nil {
		return nil, err
	}
	return a.openAll(ctx, l, r)
}

// drains are the revisions that may have left work behind: the newest few.
func drains(last *plan.Entry, replaced bool) []int64 {
	const most = 4
	out := slices.Clone(last.Drains)
	if replaced {
		out = append(out, last.Base.Number)
		if last.Canary != nil {
			out = append(out, last.Canary.Number)
		}
	}
	return out[max(0, len(out)-most):]
}

// begin writes what this start runs, if that is something new.
func (a *App) begin(ctx context.Context) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	e := a.pending
	if e == nil {
		return nil
	}
	r := a.live.Load()
	files, err := plan.PutFiles(ctx, a.history, r.snap)
	if err != nil {
		return fmt.Errorf("keeping the files of this revision: %w", err)
	}
	e.At, e.Base.At, e.Base.Files = time.Now(), time.Now(), files
	if err := plan.Append(ctx, a.history, a.last, e); err != nil {
		return fmt.Errorf("keeping this revision: %w", err)
	}
	r.rev, a.last, a.pending = e.Base, e, nil
	a.opt.Log.Info("a new revision runs", zap.Int64("revision", e.Base.Number), zap.String("content", plan.Short(e.Base.Hash)))
	return nil
}

// base is what a plan stands on.
func (a *App) base() plan.Base {
	b := plan.Base{Running: !a.started.IsZero()}
	switch {
	case a.pending != nil && a.last == nil:
		return b // nothing was ever applied
	case a.last != nil:
		b.Revision, b.Hash = a.last.Base.Number, a.last.Base.Hash
		if a.last.Canary != nil {
			b.Canary = a.last.Canary.Number
		}
	}
	return b
}

// Plan compares the directory with what runs; it looks at that many stored messages.
func (a *App) Plan(ctx context.Context, sample int) (*plan.Plan, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	began := time.Now()
	base := a.base()
	if snap, err := plan.Read(os.DirFS(a.opt.Dir)); err == nil && snap.Hash() == base.Hash {
		return plan.Make(base, snap, snap), nil // these files were checked when they were applied
	}
	dir, err := a.loadDirectory()
	if err != nil {
		return nil, err
	}
	old, runs := plan.New(nil), a.live.Load().loaded
	switch {
	case base.Revision == 0:
		runs = nil
	case base.Hash == runs.snap.Hash():
		old = runs.snap
	default: // nothing runs, and the directory has changed since
		if runs, err = a.loadRevision(ctx, a.last.Base); err != nil {
			return nil, err
		}
		old = runs.snap
	}
	p := plan.Make(base, old, dir.snap)
	if sample > 0 && runs != nil && remaps(p.Changes) {
		p.Impact = a.impact(ctx, runs, dir, sample)
	}
	p.Took = time.Since(began).Round(time.Millisecond).String()
	return p, nil
}

// remaps reports whether changes can alter what mappings make.
func remaps(changes []plan.Change) bool {
	return slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Kind != "job" && c.Kind != "hub" })
}

func conflict(code, text, hint string) error {
	return &api.Error{Status: http.StatusConflict, Code: code, Text: text, Hint: hint}
}

// Apply puts the directory in force, all of it or nothing, if it is what was planned over
// what runs. With a share it runs beside the other as a canary.
func (a *App) Apply(ctx context.Context, req api.ApplyRequest) (*api.Applied, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.started.IsZero() {
		return nil, conflict("apply.not_running", "no hub runs here: there is nothing to swap", "`minihub serve` starts with the directory as it is")
	}
	if a.canary != nil {
		return nil, conflict("apply.canary", fmt.Sprintf("revision %d is a canary", a.last.Canary.Number), "`minihub apply --promote` or `minihub apply --back` first")
	}
	dir, err := a.loadDirectory()
	if err != nil {
		return nil, err
	}
	base := a.base()
	if want := plan.HashOf(dir.snap.Hash(), base); want != req.Plan {
		return nil, conflict("apply.moved", fmt.Sprintf("the plan %s does not hold: the directory or what runs has changed since", req.Plan),
			"run `minihub plan` again, read it, and apply what it names")
	}
	if dir.snap.Hash() == base.Hash {
		return nil, conflict("apply.same", fmt.Sprintf("revision %d has these files already", base.Revision), "")
	}
	e := &plan.Entry{Act: plan.Applied, Directory: dir.snap.Hash()}
	return a.put(ctx, dir, e, req)
}

// put opens a content and swaps to it.
func (a *App) put(ctx context.Context, l *loaded, e *plan.Entry, req api.ApplyRequest) (*api.Applied, error) {
	next := plan.Revision{Number: a.last.Highest + 1, Hash: l.snap.Hash(), At: time.Now(), Who: req.Who, Why: req.Why, Restores: e.Base.Restores}
	r, err := a.openAll(ctx, l, next)
	if err != nil {
		return nil, err
	}
	if next.Files, err = plan.PutFiles(ctx, a.history, l.snap); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping the files: %w", err), a.closeUnused(r))
	}
	r.rev = next
	e.At, e.Who, e.Why, e.Base, e.Drains = next.At, req.Who, req.Why, next, drains(a.last, true)
	if req.Share > 0 {
		e.Act, e.Base, e.Canary, e.Share, e.Drains = plan.Canaried, a.last.Base, &next, req.Share, drains(a.last, false)
	}
	swapped, err := a.engine.Swap(ctx, r.program, req.Share, func() error { return plan.Append(ctx, a.history, a.last, e) })
	if err != nil {
		return nil, errors.Join(err, a.closeUnused(r))
	}
	old := a.standing()
	if req.Share > 0 {
		a.canary = r
	} else {
		a.live.Store(r)
	}
	return a.after(e, old, swapped)
}

// after follows a swap with everything that stands beside the engine.
func (a *App) after(e *plan.Entry, old []*running, swapped pipelines.Swapped) (*api.Applied, error) {
	a.last = e
	a.part(old, swapped.Drained)
	a.serveAPI()
	err := a.scheduler.Set(a.jobs(a.live.Load().dep))
	a.opt.Log.Info("the program was swapped", zap.String("act", e.Act), zap.Int64("revision", e.Base.Number), zap.Int("share", e.Share),
		zap.Duration("took", swapped.Took))
	return &api.Applied{Entry: e, Took: swapped.Took.String()}, err
}

// Promote makes the canary the revision of every root.
func (a *App) Promote(ctx context.Context, req api.ApplyRequest) (*api.Applied, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.canary == nil {
		return nil, noCanary()
	}
	e := &plan.Entry{Act: plan.Promoted, At: time.Now(), Who: req.Who, Why: req.Why, Base: *a.last.Canary, Directory: a.last.Directory, Drains: drains(a.last, true)}
	swapped, err := a.engine.Promote(ctx, func() error { return plan.Append(ctx, a.history, a.last, e) })
	if err != nil {
		return nil, err
	}
	old := a.standing()
	a.live.Store(a.canary)
	a.canary = nil
	return a.after(e, old, swapped)
}

func noCanary() error {
	return conflict("apply.no_canary", "no canary is running", "`minihub apply --plan HASH --canary 5%` starts one")
}

// Back takes the canary back, or puts an earlier content in force again: the one before,
// or that of the number.
func (a *App) Back(ctx context.Context, number int64, req api.ApplyRequest) (*api.Applied, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.started.IsZero() {
		return nil, conflict("apply.not_running", "no hub runs here: there is nothing to swap", "put the older files back and run `minihub serve`")
	}
	if a.canary != nil && (number == 0 || number == a.last.Base.Number) {
		return a.withdraw(ctx, req)
	}
	if a.canary != nil {
		return nil, conflict("apply.canary", fmt.Sprintf("revision %d is a canary", a.last.Canary.Number), "`minihub apply --back` takes it back first")
	}
	list, err := plan.History(ctx, a.history, 0)
	if err != nil {
		return nil, err
	}
	target, err := plan.Before(list)
	if number > 0 {
		target, err = plan.Find(list, number)
	}
	switch {
	case err != nil:
		return nil, &api.Error{Status: http.StatusNotFound, Code: "apply.unknown_revision", Text: err.Error(), Hint: "`minihub revisions` lists them"}
	case target.Hash == a.last.Base.Hash:
		return nil, conflict("apply.same", fmt.Sprintf("revision %d has these files already", a.last.Base.Number), "")
	}
	l, err := a.loadRevision(ctx, target)
	if err != nil {
		return nil, err
	}
	e := &plan.Entry{Act: plan.Back, Directory: a.directory()}
	e.Base.Restores = target.Number
	req.Share = 0
	return a.put(ctx, l, e, req)
}

func (a *App) withdraw(ctx context.Context, req api.ApplyRequest) (*api.Applied, error) {
	e := &plan.Entry{Act: plan.Back, At: time.Now(), Who: req.Who, Why: req.Why, Base: a.last.Base, Directory: a.directory(), Drains: drains(a.last, true)}
	swapped, err := a.engine.Withdraw(ctx, func() error { return plan.Append(ctx, a.history, a.last, e) })
	if err != nil {
		return nil, err
	}
	old := a.standing()
	a.canary = nil
	return a.after(e, old, swapped)
}

// directory is the hash of the directory as it is now, so that a start does not take what
// somebody has just gone back from for something new.
func (a *App) directory() string {
	snap, err := plan.Read(os.DirFS(a.opt.Dir))
	if err != nil {
		return a.last.Directory
	}
	return snap.Hash()
}

// Revisions returns the history, and how what is in force does.
func (a *App) Revisions(ctx context.Context, limit int) (*api.History, error) {
	list, err := plan.History(ctx, a.history, limit)
	if err != nil {
		return nil, err
	}
	out := &api.History{Entries: list, Standing: a.engine.Standing()}
	out.DrainingFlows, out.DrainingConnections = a.engine.Draining()
	return out, nil
}
