package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/flow"
)

// loaded is a deployment that was read and checked, with the files it was read from.
type loaded struct {
	dep    *config.Deployment
	tables *tables
	snap   *plan.Snapshot
}

// running is a deployment whose connections are open.
type running struct {
	*loaded
	rev     plan.Revision
	opened  map[string]*opened
	program pipelines.Program
}

// opened is an open connection; one may stand in several programs.
type opened struct {
	name  string
	print string // of everything it was opened with
	conn  connectors.Connection
	decl  *connectors.Connector
}

func (a *App) load(files fs.FS) (*config.Deployment, *tables, error) {
	var t *tables
	dep, err := config.Load(a.opt.Dir, config.Options{Registry: a.opt.Registry, Env: a.opt.Env, Secrets: true, Files: files,
		Tables: func(files *mappings.Lookups) mapper.Tables {
			t = newTables(files, a.overlay)
			return t
		}})
	return dep, t, err
}

// loadDirectory reads the directory as it is now. What is loaded and what is kept are the
// same files, even while somebody writes them.
func (a *App) loadDirectory() (*loaded, error) {
	const tries = 5
	for range tries {
		first, ferr := plan.Read(os.DirFS(a.opt.Dir))
		dep, t, err := a.load(nil)
		if err != nil {
			return nil, err
		}
		if ferr != nil {
			return nil, ferr
		}
		second, err := plan.Read(os.DirFS(a.opt.Dir))
		if err != nil {
			return nil, err
		}
		if first.Hash() == second.Hash() {
			return &loaded{dep, t, first}, nil
		}
	}
	return nil, errors.New("the directory's files change while they are read; try again when they are written")
}

// loadRevision reads a kept content.
func (a *App) loadRevision(ctx context.Context, r plan.Revision) (*loaded, error) {
	snap, err := r.Snapshot(ctx, a.ledger)
	if err != nil {
		return nil, err
	}
	files, err := snap.FS()
	if err != nil {
		return nil, err
	}
	dep, t, err := a.load(files)
	if err != nil {
		return nil, fmt.Errorf("revision %d does not load any more: %w", r.Number, err)
	}
	return &loaded{dep, t, snap}, nil
}

// openAll opens the connections of a deployment. Those that stand open with the same
// settings are taken as they are.
func (a *App) openAll(ctx context.Context, l *loaded, rev plan.Revision) (*running, error) {
	if err := l.tables.load(ctx, a.ledger); err != nil {
		return nil, fmt.Errorf("reading the lookup entries: %w", err)
	}
	r := &running{loaded: l, rev: rev, opened: map[string]*opened{}}
	for i := range l.dep.Connections {
		c := &l.dep.Connections[i]
		o, err := a.openOne(ctx, l, c)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening connection %s: %w", c.Name, err), a.closeUnused(r))
		}
		r.opened[c.Name] = o
		r.program.Connections = append(r.program.Connections, pipelines.Connection{Name: c.Name, Connector: o.decl, Conn: o.conn, Account: c.Account,
			Store: c.Store, Mode: c.Mode, Limits: c.Limits, Start: c.Start, Slots: c.Slots, Recheck: c.Recheck})
	}
	r.program.Revision, r.program.Flows, r.program.Tables = rev.Number, l.dep.Flows, l.tables
	return r, nil
}

func (a *App) openOne(ctx context.Context, l *loaded, c *config.Connection) (*opened, error) {
	print := fingerprint(l, c)
	for _, r := range a.standing() {
		if o := r.opened[c.Name]; o != nil && o.print == print {
			return o, nil
		}
	}
	conn, err := a.connect(ctx, c)
	if err != nil {
		return nil, err
	}
	return &opened{name: c.Name, print: print, conn: conn, decl: c.Connector}, nil
}

// fingerprint is a hash of everything that a connection is opened with: its connector's
// description and its configuration with the secrets' values. It never leaves memory.
func fingerprint(l *loaded, c *config.Connection) string {
	h := sha256.New()
	described, _ := l.snap.File("connectors/" + c.Connector.Name + ".yaml")
	fmt.Fprintf(h, "%q %q\n", c.Connector.Name, described)
	for _, k := range slices.Sorted(maps.Keys(c.Values.Text)) {
		fmt.Fprintf(h, "%q %q\n", k, c.Values.Text[k])
	}
	for _, k := range slices.Sorted(maps.Keys(c.Values.Secrets)) {
		fmt.Fprintf(h, "%q %q\n", k, c.Values.Secrets[k].Reveal())
	}
	for _, k := range slices.Sorted(maps.Keys(c.Values.Maps)) {
		fmt.Fprintf(h, "%q %q\n", k, c.Values.Maps[k]) // maps are printed in order of key
	}
	return hex.EncodeToString(h.Sum(nil))
}

// standing are the programs in force.
func (a *App) standing() []*running {
	var out []*running
	if r := a.live.Load(); r != nil {
		out = append(out, r)
	}
	if a.canary != nil {
		out = append(out, a.canary)
	}
	return out
}

// allOpened are all connections that are open.
func (a *App) allOpened() []*opened {
	seen := map[*opened]bool{}
	for _, r := range a.standing() {
		for _, o := range r.opened {
			seen[o] = true
		}
	}
	for _, o := range a.left {
		seen[o] = true
	}
	return slices.Collect(maps.Keys(seen))
}

// closeUnused closes what was opened for a program that did not come into force.
func (a *App) closeUnused(r *running) error {
	kept := a.allOpened()
	var errs []error
	for _, o := range r.opened {
		if !slices.Contains(kept, o) {
			errs = append(errs, o.conn.Close())
		}
	}
	return errors.Join(errs...)
}

// part takes leave of what a swap replaced: what only that used is closed after its last
// call, and what was removed stays open while it has work left.
func (a *App) part(old []*running, drained <-chan struct{}) {
	kept := a.allOpened()
	var replaced []*opened
	for _, r := range old {
		for _, o := range r.opened {
			switch {
			case slices.Contains(kept, o) || slices.Contains(replaced, o):
			case a.live.Load().opened[o.name] == nil && (a.canary == nil || a.canary.opened[o.name] == nil):
				a.left = append(a.left, o)
			default:
				replaced = append(replaced, o)
			}
		}
	}
	_, draining := a.engine.Draining()
	a.left = slices.DeleteFunc(a.left, func(o *opened) bool {
		if slices.Contains(draining, o.name) {
			return false
		}
		replaced = append(replaced, o)
		return true
	})
	if len(replaced) == 0 {
		return
	}
	a.closing.Go(func() {
		select {
		case <-drained:
		case <-a.ending: // a pull of hours may still hold the old program
		}
		for _, o := range replaced {
			if err := o.conn.Close(); err != nil {
				a.opt.Log.Warn("a replaced connection did not close", zap.String("connection", o.name), zap.Error(err))
			}
		}
	})
}

// retired adds to a program what earlier revisions left unfinished: after a restart it
// drains as it did before.
func (a *App) retired(ctx context.Context, r *running, numbers []int64) {
	list, err := plan.History(ctx, a.history, 0)
	if err != nil {
		a.opt.Log.Warn("the history of revisions cannot be read", zap.Error(err))
		return
	}
	for _, n := range numbers {
		rev, err := plan.Find(list, n)
		if err != nil || rev.Hash == r.rev.Hash {
			continue
		}
		old, err := a.loadRevision(ctx, rev)
		if err != nil {
			a.opt.Log.Warn("what a former revision left unfinished stays as it is", zap.Int64("revision", n), zap.Error(err))
			continue
		}
		for _, f := range old.dep.Flows {
			if !hasSteps(r.program.Flows, f) {
				r.program.Retired = append(r.program.Retired, f)
			}
		}
		for i := range old.dep.Connections {
			a.bringBack(ctx, r, old, &old.dep.Connections[i])
		}
	}
}

func hasSteps(flows []*flow.Flow, old *flow.Flow) bool {
	i := slices.IndexFunc(flows, func(f *flow.Flow) bool { return f.Name == old.Name })
	return i >= 0 && !slices.ContainsFunc(old.Steps, func(s *flow.Step) bool { return flows[i].StepNamed(s.Name) == nil })
}

// bringBack opens a connection that was removed while rows of it were unfinished.
func (a *App) bringBack(ctx context.Context, r *running, old *loaded, c *config.Connection) {
	known := slices.ContainsFunc(r.program.Gone, func(g pipelines.Connection) bool { return g.Name == c.Name })
	if r.opened[c.Name] != nil || known {
		return
	}
	o, err := a.openOne(ctx, old, c)
	if err != nil {
		a.opt.Log.Warn("a removed connection with work left does not open", zap.String("connection", c.Name), zap.Error(err))
		return
	}
	a.left = append(a.left, o)
	r.program.Gone = append(r.program.Gone, pipelines.Connection{Name: c.Name, Connector: o.decl, Conn: o.conn, Account: c.Account, Store: c.Store,
		Mode: c.Mode, Limits: c.Limits, Slots: c.Slots, Recheck: c.Recheck})
}
