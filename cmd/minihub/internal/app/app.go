// Package app wires a deployment into a running hub: ledger, connections, engine,
// scheduler and the two HTTP listeners. Nothing else knows everything.
package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
	"github.com/minihub/minihub/pipelines/schedule"
	"github.com/minihub/minihub/schemas/canonical"
)

// Options is what a hub is started with.
type Options struct {
	Dir       string
	Registry  *connectors.Registry
	Log       *zap.Logger
	Transport http.RoundTripper // under every connection; nil = each its own
	Settle    float64           // multiplies declared settle times; 0 = 1
	WaitOwner time.Duration     // how long to stand by while another process owns the store
	NoJobs    bool              // do not start the scheduler: jobs are run by hand
	// Applied runs what was applied last, even if the directory has changed since.
	Applied bool
	// Local is a command beside no running hub: what it does is no new revision.
	Local bool
	Env   func(string) (string, bool)
}

// App is a hub. Start runs it, Stop drains it.
type App struct {
	opt       Options
	hub       config.Hub // as it was at the start: store, listeners, keys
	ledger    ledger.Ledger
	history   plan.Store // the ledger, for the revisions
	engine    *pipelines.Engine
	scheduler *schedule.Scheduler
	bulks     *pipelines.Bulks
	backfills *pipelines.Backfills
	events    *api.Live
	overlay   *overlay
	live      atomic.Pointer[running] // what every root takes, but for a canary's share
	api       atomic.Pointer[api.API]
	token     string
	metrics   *metrics
	alarms    *alarm.Center
	levels    *levels
	flowing   flowing
	attempts  *attempts
	spans     *spans // nil = nothing is traced
	servers   []*http.Server
	admin     net.Listener
	intake    net.Listener
	started   time.Time
	untune    context.CancelFunc

	changing sync.Mutex     // one apply at a time
	canary   *running       // beside live; nil = none
	last     *plan.Entry    // newest of the history; nil = none yet
	pending  *plan.Entry    // to be written when the hub starts
	left     []*opened      // of connections that were taken away and may have work left
	closing  sync.WaitGroup // connections that wait for their last call
	ending   chan struct{}  // closed when the hub closes: nothing waits any longer
	ended    sync.Once
	noticed  map[string]bool
	watching sync.WaitGroup
}

// New reads the deployment, opens the store and every connection. Nothing is pulled,
// sent or listened to before Start.
func New(ctx context.Context, opt Options) (*App, error) {
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	a := &App{opt: opt, overlay: newOverlay(), noticed: map[string]bool{}, ending: make(chan struct{})}
	dir, err := a.loadDirectory()
	if err != nil {
		return nil, err
	}
	a.hub = dir.dep.Hub
	if err := a.open(ctx, dir); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, dir *loaded) (err error) {
	a.ledger, err = OpenLedger(ctx, dir.dep, a.opt.Log, a.opt.WaitOwner)
	if err != nil {
		return err
	}
	a.attempts = newAttempts()
	a.ledger = a.attempts.counted(a.ledger)
	a.history = a.ledger
	base, canary, err := a.choose(ctx, dir)
	if err != nil {
		return err
	}
	a.live.Store(base)
	traces, err := a.openTraces(ctx)
	if err != nil {
		return err
	}
	h := a.hub
	a.engine, err = pipelines.New(pipelines.Options{Ledger: a.ledger, Connections: base.program.Connections, Flows: base.program.Flows,
		Tables: base.tables, Revision: base.program.Revision, Retired: base.program.Retired, Gone: base.program.Gone,
		Checks:     map[string]func(any) error{"order": canonical.CheckTotalsTree},
		Retry:      pipelines.Retry{Base: h.Retry.Base, Max: h.Retry.Max, Age: h.Retry.Age, FirstProbe: h.Retry.Probe, Settle: a.opt.Settle},
		MaxBacklog: h.Backlog, MaxBody: h.MaxBody, Traces: traces, Log: a.opt.Log})
	if err != nil {
		return err
	}
	if a.bulks, err = pipelines.NewBulks(a.engine); err != nil {
		return err
	}
	a.backfills = pipelines.NewBackfills(a.engine)
	a.events = api.NewLive(a.ledger)
	if canary != nil {
		a.canary = canary
		if _, err := a.engine.Swap(ctx, canary.program, a.last.Share, nil); err != nil {
			return err
		}
	}
	a.scheduler, err = schedule.New(a.ledger, a.jobs(base.dep), a.opt.Log, nil)
	a.openAlarms(ctx)
	a.metrics = newMetrics(a)
	return err
}

// OpenLedger opens the deployment's store; it is ledger.ErrOwned when a hub runs on it.
func OpenLedger(ctx context.Context, dep *config.Deployment, log *zap.Logger, wait time.Duration) (ledger.Ledger, error) {
	if file, ok := strings.CutPrefix(dep.Hub.Store, "sqlite:"); ok {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fmt.Errorf("making the folder of the store: %w", err)
		}
	}
	secret := dep.Hub.SearchKey.Reveal()
	if secret == "" {
		return nil, errors.New("hub.yaml gives no secrets.search_key: search keys are kept as keyed hashes only")
	}
	sum := sha256.Sum256([]byte(secret))
	l, err := sqlledger.Open(ctx, sqlledger.Options{URL: dep.Hub.Store, Secret: sum[:], Log: log, WaitOwner: wait})
	if err != nil {
		return nil, &StoreError{err}
	}
	return l, nil
}

// StoreError is a store that does not open: owned by another process, out of reach, or
// not made by this deployment.
type StoreError struct{ Err error }

func (e *StoreError) Error() string { return "opening the store: " + e.Err.Error() }

func (e *StoreError) Unwrap() error { return e.Err }

func (a *App) connect(ctx context.Context, c *config.Connection) (connectors.Connection, error) {
	v, err := newVault(a.ledger, a.hub.VaultKey, c.Name)
	if err != nil {
		return nil, err
	}
	return c.Connector.OpenConnection(ctx, c.Config, connectors.Env{Log: a.opt.Log.With(zap.String("connection", c.Name)), Now: time.Now,
		Transport: a.opt.Transport, Vault: v, Name: c.Name})
}

// Start loads unfinished work, starts stages and jobs, and listens.
func (a *App) Start(ctx context.Context) error {
	a.started = time.Now()
	if err := a.begin(ctx); err != nil {
		return errors.Join(err, a.close())
	}
	if err := a.engine.Start(ctx); err != nil {
		return errors.Join(err, a.close())
	}
	if err := a.listen(); err != nil {
		return errors.Join(err, a.Stop())
	}
	if !a.opt.NoJobs {
		if err := a.scheduler.Start(ctx); err != nil {
			return errors.Join(err, a.Stop())
		}
	}
	tuned, untune := context.WithCancel(context.WithoutCancel(ctx))
	a.untune = untune
	go tuneMemory(tuned)
	a.watching.Go(func() { a.watch(tuned) })
	a.watching.Go(func() { a.bulks.Run(tuned) })
	a.watching.Go(func() { a.backfills.Run(tuned) })
	a.watching.Go(func() { a.events.Run(tuned) })
	a.watching.Go(func() { a.watchAlarms(tuned) })
	a.opt.Log.Info("hub started", zap.String("admin", a.AdminURL()), zap.String("intake", a.IntakeURL()))
	return nil
}

// Stop ends jobs and intake, drains what is in flight and closes the store. Running it
// twice is safe.
func (a *App) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	if a.untune != nil {
		a.untune()
		a.watching.Wait()
	}
	a.scheduler.Stop()
	for _, s := range a.servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	a.servers = nil
	if served := a.api.Load(); served != nil {
		errs = append(errs, served.Flush(ctx))
	}
	errs = append(errs, a.engine.Stop())
	return errors.Join(append(errs, a.close())...)
}

func (a *App) close() error {
	var errs []error
	a.ended.Do(func() { close(a.ending) })
	a.closing.Wait()
	for _, c := range a.allOpened() {
		errs = append(errs, c.conn.Close())
	}
	if a.spans != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := a.spans.Shutdown(ctx); err != nil {
			a.opt.Log.Warn("the last traces were not sent", zap.Error(err))
		}
	}
	if a.ledger != nil {
		errs = append(errs, a.ledger.Close())
		a.ledger = nil
	}
	return errors.Join(errs...)
}

// Engine returns the engine, for the demo and tests.
func (a *App) Engine() *pipelines.Engine { return a.engine }

// Ledger returns the open store.
func (a *App) Ledger() ledger.Ledger { return a.ledger }

// Deployment returns what is in force.
func (a *App) Deployment() *config.Deployment { return a.live.Load().dep }

// Scheduler returns the jobs.
func (a *App) Scheduler() *schedule.Scheduler { return a.scheduler }

// AdminURL is where the API, health, metrics and the status page are.
func (a *App) AdminURL() string { return "http://" + a.admin.Addr().String() }

// IntakeURL is where webhooks come in.
func (a *App) IntakeURL() string { return "http://" + a.intake.Addr().String() }
