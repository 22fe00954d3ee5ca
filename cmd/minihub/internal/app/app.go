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
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
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
	Env       func(string) (string, bool)
}

// App is a hub. Start runs it, Stop drains it.
type App struct {
	opt       Options
	dep       *config.Deployment
	ledger    ledger.Ledger
	engine    *pipelines.Engine
	scheduler *schedule.Scheduler
	conns     []connectors.Connection
	tables    *tables
	metrics   *metrics
	servers   []*http.Server
	admin     net.Listener
	intake    net.Listener
	started   time.Time
	untune    context.CancelFunc
}

// New reads the deployment, opens the store and every connection. Nothing is pulled,
// sent or listened to before Start.
func New(ctx context.Context, opt Options) (*App, error) {
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	a := &App{opt: opt}
	dep, err := config.Load(opt.Dir, config.Options{Registry: opt.Registry, Env: opt.Env, Secrets: true,
		Tables: func(files *mappings.Lookups) mapper.Tables {
			a.tables = newTables(files)
			return a.tables
		}})
	if err != nil {
		return nil, err
	}
	a.dep = dep
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) (err error) {
	a.ledger, err = OpenLedger(ctx, a.dep, a.opt.Log, a.opt.WaitOwner)
	if err != nil {
		return err
	}
	if err := a.tables.load(ctx, a.ledger); err != nil {
		return fmt.Errorf("reading the lookup entries: %w", err)
	}
	var list []pipelines.Connection
	for i := range a.dep.Connections {
		c := &a.dep.Connections[i]
		conn, err := a.connect(ctx, c)
		if err != nil {
			return fmt.Errorf("opening connection %s: %w", c.Name, err)
		}
		a.conns = append(a.conns, conn)
		list = append(list, pipelines.Connection{Name: c.Name, Connector: c.Connector, Conn: conn, Account: c.Account, Store: c.Store,
			Mode: c.Mode, Limits: c.Limits, Start: c.Start, Slots: c.Slots, Recheck: c.Recheck})
	}
	h := a.dep.Hub
	a.engine, err = pipelines.New(pipelines.Options{Ledger: a.ledger, Connections: list, Flows: a.dep.Flows, Tables: a.tables,
		Checks:     map[string]func(any) error{"order": canonical.CheckTotalsTree},
		Retry:      pipelines.Retry{Base: h.Retry.Base, Max: h.Retry.Max, Age: h.Retry.Age, FirstProbe: h.Retry.Probe, Settle: a.opt.Settle},
		MaxBacklog: h.Backlog, MaxBody: h.MaxBody, Log: a.opt.Log})
	if err != nil {
		return err
	}
	a.scheduler, err = schedule.New(a.ledger, a.jobs(), a.opt.Log, nil)
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
	v, err := newVault(a.ledger, a.dep.Hub.VaultKey, c.Name)
	if err != nil {
		return nil, err
	}
	return c.Connector.OpenConnection(ctx, c.Config, connectors.Env{Log: a.opt.Log.With(zap.String("connection", c.Name)), Now: time.Now,
		Transport: a.opt.Transport, Vault: v, Name: c.Name})
}

// Start loads unfinished work, starts stages and jobs, and listens.
func (a *App) Start(ctx context.Context) error {
	a.started = time.Now()
	if err := a.engine.Start(ctx); err != nil {
		return errors.Join(err, a.close())
	}
	if err := a.listen(); err != nil {
		return errors.Join(err, a.Stop())
	}
	if !a.opt.NoJobs {
		a.scheduler.Start()
	}
	tuned, untune := context.WithCancel(context.WithoutCancel(ctx))
	a.untune = untune
	go tuneMemory(tuned)
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
	}
	a.scheduler.Stop()
	for _, s := range a.servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	a.servers = nil
	errs = append(errs, a.engine.Stop())
	return errors.Join(append(errs, a.close())...)
}

func (a *App) close() error {
	var errs []error
	for _, c := range a.conns {
		errs = append(errs, c.Close())
	}
	a.conns = nil
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

// Deployment returns what was loaded.
func (a *App) Deployment() *config.Deployment { return a.dep }

// Scheduler returns the jobs.
func (a *App) Scheduler() *schedule.Scheduler { return a.scheduler }

// AdminURL is where the API, health, metrics and the status page are.
func (a *App) AdminURL() string { return "http://" + a.admin.Addr().String() }

// IntakeURL is where webhooks come in.
func (a *App) IntakeURL() string { return "http://" + a.intake.Addr().String() }
