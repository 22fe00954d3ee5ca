// Package demo runs the whole product against simulated vendors over real HTTP: shops
// sell, a few bad orders park and are mended, and at the end an independent oracle says
// whether every target holds every document exactly once with equal content.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/oracle"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors"
)

// Options shape a run.
type Options struct {
	Orders  int     // over both shops; planted bad and unpaid ones come on top
	Members int     // of each shop
	Seed    int64   // makes a run repeatable
	LimitsX float64 // multiplies the vendors' rate limits, of simulators and hub alike
	// Dir keeps the deployment; it must be empty or missing. Empty = a temporary folder
	// that Close removes.
	Dir      string
	Registry *connectors.Registry
	Log      *zap.Logger
	Out      io.Writer // progress and results for people; nil = none
	Terminal bool      // Out is a terminal: redraw the progress
	Language string    // as in LANG; zh* is Chinese, anything else English
	// Wait is how long the hub may take to come to rest, Stuck how long nothing may end
	// meanwhile; 0 = ten minutes, and 90 s: a vendor's limit of a minute is no standstill.
	Wait, Stuck time.Duration
	NoDedupe    bool // the webhook target cannot tell repeats
	// NoBad plants no bad orders.
	NoBad bool
	// Before changes the deployment or the simulators before the hub starts.
	Before func(dir string, w *sims.World) error
}

// Result is what came of it.
type Result struct {
	Orders      int                      `json:"orders"`
	Members     int                      `json:"members"`
	Seconds     float64                  `json:"seconds"`
	LimitsX     float64                  `json:"limits_x"`
	Targets     map[string]*oracle.Count `json:"targets"`
	Parked      int                      `json:"parked"`   // rows that needed a person before the mending
	Replayed    int                      `json:"replayed"` // of which went on after it
	Left        []Row                    `json:"left"`     // rows that need a person still
	Excluded    map[string]string        `json:"excluded"` // planted orders that nobody can mend, with the reason
	Differences []oracle.Difference      `json:"differences"`
	OK          bool                     `json:"ok"`
	Problem     string                   `json:"problem,omitempty"` // why the hub did not come to rest
}

// Demo is a run whose hub and simulators are still up.
type Demo struct {
	Result Result

	opt   Options
	dir   string
	kept  bool
	say   *teller
	world *sims.World

	swap sync.RWMutex // held while the hub is opened again
	hub  *app.App
}

// Run plays everything and leaves hub and simulators running until Close. An error means
// that the demo itself could not be played; that targets differ is in Result.
func Run(ctx context.Context, opt Options) (*Demo, error) {
	if opt.Orders < 1 || opt.Members < 1 || opt.LimitsX <= 0 {
		return nil, errors.New("orders and members must be at least 1, and limits-x above 0")
	}
	if opt.Wait == 0 {
		opt.Wait = 10 * time.Minute
	}
	if opt.Stuck == 0 {
		opt.Stuck = 90 * time.Second
	}
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	d := &Demo{opt: opt, say: newTeller(opt.Out, opt.Terminal, opt.Language)}
	if err := d.play(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close stops hub and simulators, and removes the temporary folder.
func (d *Demo) Close() error {
	var errs []error
	if d.hub != nil {
		errs = append(errs, d.hub.Stop())
		d.hub = nil
	}
	if d.world != nil {
		errs = append(errs, d.world.Close())
		d.world = nil
	}
	if d.dir != "" && !d.kept {
		errs = append(errs, os.RemoveAll(filepath.Dir(d.dir)))
	}
	return errors.Join(errs...)
}

// URL is the live status page.
func (d *Demo) URL() string { return d.hub.AdminURL() }

func (d *Demo) play(ctx context.Context) error {
	started := time.Now()
	if err := d.open(ctx); err != nil {
		return err
	}
	d.say.begin(d)
	watch := d.watch(ctx)
	err := d.trade(ctx)
	watch()
	if err != nil {
		return err
	}
	if err := d.judge(ctx); err != nil {
		return err
	}
	d.Result.Seconds = float64(time.Since(started).Milliseconds()) / 1000
	d.say.result(&d.Result)
	return nil
}

// trade sells, rests, and mends what needs a person.
func (d *Demo) trade(ctx context.Context) error {
	if err := d.sell(ctx); err != nil {
		return err
	}
	if err := d.rest(ctx); err != nil || d.Result.Problem != "" {
		return err
	}
	return d.mend(ctx)
}

// open starts simulators and hub.
func (d *Demo) open(ctx context.Context) (err error) {
	d.world, err = sims.Start(sims.Options{Seed: d.opt.Seed, LimitsX: d.opt.LimitsX, Orders: d.past(), Members: d.opt.Members, NoDedupe: d.opt.NoDedupe,
		PushWaits: []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}})
	if err != nil {
		return fmt.Errorf("starting the simulators: %w", err)
	}
	if err := d.folder(); err != nil {
		return err
	}
	// The shops' past week is history that the hub catches up with by pulling.
	start := time.Now().AddDate(0, 0, -7).Format(time.RFC3339)
	if err := starter.ForWorld(d.dir, d.world, starter.WorldOptions{Start: start, LimitsX: d.opt.LimitsX}); err != nil {
		return fmt.Errorf("writing the deployment: %w", err)
	}
	if d.opt.Before != nil {
		if err := d.opt.Before(d.dir, d.world); err != nil {
			return err
		}
	}
	return d.serve(ctx)
}

func (d *Demo) folder() (err error) {
	if d.opt.Dir != "" {
		d.dir, d.kept = d.opt.Dir, true
		return nil
	}
	temp, err := os.MkdirTemp("", "minihub-demo-")
	if err != nil {
		return err
	}
	d.dir = filepath.Join(temp, "hub")
	return nil
}

// serve starts the hub over the deployment and points the vendors' pushes at it.
func (d *Demo) serve(ctx context.Context) error {
	a, err := app.New(ctx, app.Options{Dir: d.dir, Registry: d.opt.Registry, Log: d.opt.Log, Settle: 0.02})
	if err != nil {
		return fmt.Errorf("opening the hub: %w", err)
	}
	if err := a.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the hub: %w", err)
	}
	d.hub = a
	if err := d.world.PointAt(ctx, a.IntakeURL()); err != nil {
		return fmt.Errorf("pointing the shops' pushes at the hub: %w", err)
	}
	return nil
}

// pull catches up with what the shops hold already.
func (d *Demo) pull(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, shop := range []string{"shop-a", "shop-b"} {
		for _, stream := range []string{"members", "orders", "after_sales"} {
			g.Go(func() error {
				_, err := d.hub.Engine().Pull(ctx, shop, stream, nil)
				return err
			})
		}
	}
	return g.Wait()
}

// judge asks the oracle.
func (d *Demo) judge(ctx context.Context) error {
	left, err := d.rows(ctx)
	if err != nil {
		return err
	}
	truth, have := oracle.Observe(d.world, starter.StoreNames())
	excluded := excluded(truth, left)
	report := oracle.Compare(truth, have, oracle.Options{SKU: map[string]string{unknownSKU: knownSKU}, Receiver: cut(truth),
		Excluded: excluded, TaxBP: starter.ERPTax})
	r := &d.Result
	for _, s := range truth.Stores {
		r.Orders += len(s.Orders)
		r.Members += len(s.Members)
	}
	r.LimitsX, r.Targets, r.Differences, r.Excluded, r.Left = d.opt.LimitsX, report.Targets, report.Differences, report.Excluded, left
	r.OK = report.OK() && r.Problem == ""
	return nil
}
