package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minihub/minihub/cmd/minihub/internal/oracle"
	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/mappings"
)

// edition says how long the kill test is; MINIHUB_KILL=long runs the whole.
type edition struct {
	orders  int // of each shop
	kills   int
	settle  string
	lagMS   int
	drain   time.Duration
	perSec  float64
	limitsX float64
}

func editionOf(t testing.TB) edition {
	if os.Getenv("MINIHUB_KILL") == "long" {
		return edition{orders: 2500, kills: 24, settle: "1", lagMS: 3000, drain: 30 * time.Minute, perSec: 250, limitsX: 300}
	}
	if testing.Short() {
		t.Skip("kills a real process several times; -short leaves it out")
	}
	return edition{orders: 60, kills: 6, settle: "0.05", lagMS: 150, drain: 4 * time.Minute, perSec: 60, limitsX: 300}
}

// TestKillSQLite kills the hub in the middle of everything and asks the simulators
// afterwards what reached them.
func TestKillSQLite(t *testing.T) {
	w := newKillWorld(t, editionOf(t), "", "")
	w.run()
	w.mustAgree()
}

func TestKillPostgres(t *testing.T) {
	w := newKillWorld(t, editionOf(t), postgres(t), "")
	w.run()
	w.mustAgree()
}

// TestKillNoticesMissingMarks: without the attempt-started mark a kill between the work
// and its answer sends again what has taken effect.
func TestKillNoticesMissingMarks(t *testing.T) {
	mustDisagree(t, "minihub_without_marks", "without the attempt-started mark")
}

// TestKillNoticesMissingLanes: without lanes versions pass each other.
func TestKillNoticesMissingLanes(t *testing.T) {
	mustDisagree(t, "minihub_without_lanes", "without the lane lock")
}

func mustDisagree(t *testing.T, tag, what string) {
	w := newKillWorld(t, editionOf(t), "", tag)
	w.sell()
	// A program that lacks a guard may never finish, too.
	if rows, done := w.hub.drained(w.ed.drain / 4); !done {
		t.Logf("%s it does not come to rest:%s", what, compact(rows))
	}
	if rep := w.compare(); rep.OK() {
		t.Fatalf("%s nothing was lost, doubled or out of order: this test would not notice", what)
	} else {
		t.Logf("%s the test fails, as it must: %d differences, first %+v", what, len(rep.Differences), rep.Differences[0])
	}
}

// postgres returns a store of its own on the server that is there; in CI there must be one.
func postgres(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("MINIHUB_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/test"
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatalf("MINIHUB_TEST_POSTGRES: %v", err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL answers at %s; set MINIHUB_TEST_POSTGRES", u.Host)
	}
	schema := fmt.Sprintf("kill_%d", time.Now().UnixNano())
	t.Cleanup(func() {
		_, _ = conn.Exec(context.Background(), "drop schema if exists "+schema+" cascade")
		_ = conn.Close(context.Background())
	})
	q := u.Query()
	q.Set("schema", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

type killWorld struct {
	t     testing.TB
	ed    edition
	sims  *sims.World
	hub   *process
	rng   *rand.Rand
	mu    sync.Mutex
	armed bool
}

// newKillWorld writes a deployment for a world of simulators; store "" is SQLite.
func newKillWorld(t testing.TB, ed edition, store, tags string) *killWorld {
	t.Helper()
	w := &killWorld{t: t, ed: ed, rng: rand.New(rand.NewPCG(1, 2))}
	var err error
	w.sims, err = sims.Start(sims.Options{Seed: 7, LimitsX: ed.limitsX, Members: 20, NoDedupe: true,
		PushWaits: []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sims.Close() })
	dir := filepath.Join(t.TempDir(), "hub")
	intake := porttest.Free()
	start := time.Now().Add(-time.Hour).Format(time.RFC3339)
	if err := starter.ForWorld(dir, w.sims, starter.WorldOptions{Start: start, LimitsX: ed.limitsX, Log: "warn", Intake: intake}); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "flows", "orders.yaml"), "events.event.push", "events.event.push.asked")
	edit(t, filepath.Join(dir, "flows", "after_sales.yaml"), "events.event.push", "events.event.push.asked")
	for _, name := range []string{"webhook/out/order.yaml", "webhook/out/after_sale.yaml"} {
		overlay(t, dir, name, "vendors/webhook/event.push", "vendors/webhook/event.push.asked")
	}
	edit(t, filepath.Join(dir, "connections", "events.yaml"), "config:\n", "config:\n  lookup_url: "+w.sims.System("webhook").URL+"/events\n")
	if store != "" {
		edit(t, filepath.Join(dir, "hub.yaml"), `store: "sqlite:data/hub.db"`, "store: "+store)
	}
	w.hub = &process{t: t, binary: buildHub(t, tags), dir: dir, args: []string{"--settle-x", ed.settle}}
	t.Cleanup(w.hub.stop)
	w.hub.start()
	if err := w.sims.PointAt(t.Context(), "http://"+intake); err != nil {
		t.Fatal(err)
	}
	return w
}

// edit replaces text in a file and fails when it is not there.
func edit(t testing.TB, file, from, to string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), from) {
		t.Fatalf("%s does not hold %q", file, from)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(b), from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// overlay lays a shipped mapping with one text replaced over the deployment.
func overlay(t testing.TB, dir, name, from, to string) {
	t.Helper()
	b, err := fs.ReadFile(mappings.Shipped(), name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "mappings", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, file, from, to)
}

// run sells under faults and kills, and waits until everything is finished.
func (w *killWorld) run() {
	w.t.Helper()
	w.sell()
	rows := w.hub.drain(w.ed.drain)
	w.t.Logf("drained:%s", compact(rows))
}

// sell sells under faults and kills the hub: half of the kills between the work of a call
// and its answer, half at any moment.
func (w *killWorld) sell() {
	w.faults()
	w.sims.Faults.OnWork(func(system, call string) {
		w.mu.Lock()
		shoot := w.armed && !strings.HasPrefix(call, "push")
		w.armed = w.armed && !shoot
		w.mu.Unlock()
		if shoot {
			w.t.Logf("killed between %s %s and its answer", system, call)
			w.hub.killNow()
		}
	})
	var sold sync.WaitGroup
	for i, shop := range []*wechatshopsim.Sim{w.sims.ShopA, w.sims.ShopB} {
		plan := shop.Plan(int64(11+i), w.ed.orders, wechatshopsim.PlanOptions{Versions: 4})
		sold.Go(func() {
			if err := plan.Run(w.t.Context(), w.ed.perSec); err != nil {
				w.t.Errorf("selling: %v", err)
			}
		})
	}
	for i := range w.ed.kills {
		time.Sleep(time.Duration(500+w.rng.IntN(1500)) * time.Millisecond)
		if i%2 == 0 {
			w.mu.Lock()
			w.armed = true
			w.mu.Unlock()
			w.waitDead()
		} else {
			w.t.Log("killed at any moment")
			w.hub.kill()
		}
		w.hub.start()
	}
	sold.Wait()
	w.t.Logf("sold everything under %d kills; draining", w.hub.kills)
	w.sims.Faults.Clear()
	for _, job := range []string{"pull-orders", "pull-members"} {
		w.runJob(job)
	}
}

// runJob runs a job to its end; the scheduler may be running it at the moment.
func (w *killWorld) runJob(name string) {
	w.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := w.hub.post("/api/v1/jobs/" + name + "/run")
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "running") || time.Now().After(deadline) {
			w.t.Fatalf("running the job %s: %v", name, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (w *killWorld) waitDead() {
	deadline := time.Now().Add(2 * time.Minute)
	for w.hub.alive() {
		if time.Now().After(deadline) {
			w.mu.Lock()
			w.armed = false
			w.mu.Unlock()
			w.hub.kill()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// faults are those of a bad day, at every target.
func (w *killWorld) faults() {
	for _, system := range []string{"jushuitan", "qimen", "tryton", "salesforce", "sfexpress", "webhook"} {
		for _, f := range []simkit.Fault{
			{Kind: simkit.DropAnswer, Rate: 0.05},
			{Kind: simkit.Duplicate, Rate: 0.05},
			{Kind: simkit.Status, Rate: 0.05, Status: 503},
			{Kind: simkit.TokenExpiry, Rate: 0.005},
			{Kind: simkit.Lag, DelayMS: w.ed.lagMS},
		} {
			f.System = system
			// A network that repeats a request to a target which cannot dedupe makes a second
			// effect that no sender can prevent.
			if f.Kind == simkit.Duplicate && (system == "webhook" || system == "tryton") {
				continue
			}
			// One transactional database answers the ERP's look-ups: it reads what it wrote.
			if f.Kind == simkit.Lag && system == "tryton" {
				continue
			}
			if _, err := w.sims.Faults.Add(f); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// compare asks the systems themselves what they hold.
func (w *killWorld) compare() *oracle.Report {
	truth, have := oracle.Observe(w.sims, starter.StoreNames())
	return oracle.Compare(truth, have, oracle.Options{TaxBP: starter.ERPTax})
}

// mustAgree: nothing missing, doubled, out of order, alive although withdrawn, or over
// budget.
func (w *killWorld) mustAgree() {
	w.t.Helper()
	rep := w.compare()
	for _, name := range rep.Names() {
		c := rep.Targets[name]
		w.t.Logf("%-20s expected %5d present %5d missing %d duplicate %d different %d", name, c.Expected, c.Present, c.Missing, c.Duplicate, c.Different)
	}
	for _, d := range rep.Differences {
		w.t.Errorf("%s %s %s: want %s, got %s", d.Target, d.Key, d.Field, d.Want, d.Got)
	}
	for _, d := range rep.Differences[:min(3, len(rep.Differences))] {
		w.t.Logf("what the hub knows of %s:\n%s", d.Key, w.hub.history(d.Key))
	}
	if !rep.OK() {
		for _, line := range w.hub.parked() {
			w.t.Log(line)
		}
		w.t.Errorf("the targets do not hold what was sold, after %d kills", w.hub.kills)
	}
}
