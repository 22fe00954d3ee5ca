package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/reconcile"
)

// china is the zone of the days in a report.
var china = time.FixedZone("CST", 8*60*60)

// grace is how long the hub may take before a comparison; small, because the test waits
// until the hub is at rest.
const grace = time.Second

// reconcileWorld is a hub over simulated vendors, in one process.
type reconcileWorld struct {
	t    *testing.T
	ed   reconcileEdition
	rng  *rand.Rand
	sims *sims.World
	hub  *app.App
	dir  string
	from time.Time // of the window: a midnight at +08:00
}

func newReconcileWorld(t *testing.T, ed reconcileEdition) *reconcileWorld {
	t.Helper()
	w := &reconcileWorld{t: t, ed: ed, rng: rand.New(rand.NewPCG(uint64(ed.seed), 1)), dir: filepath.Join(t.TempDir(), "hub")}
	var err error
	w.sims, err = sims.Start(sims.Options{Seed: ed.seed, LimitsX: ed.limitsX, Orders: ed.orders / 2, Members: ed.members,
		PushWaits: []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sims.Close() })
	now := time.Now()
	if err := starter.ForWorld(w.dir, w.sims, starter.WorldOptions{Start: now.AddDate(0, 0, -7).Format(time.RFC3339), LimitsX: ed.limitsX}); err != nil {
		t.Fatal(err)
	}
	day := now.In(china).AddDate(0, 0, -5)
	w.from = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, china)
	return w
}

// open starts the hub. Nothing is pulled but what the test asks for: a pull would mend
// what the script breaks.
func (w *reconcileWorld) open() {
	w.t.Helper()
	w.hub = openHub(w.t, app.Options{Dir: w.dir, NoJobs: true, Settle: w.ed.settle, Log: zaptest.NewLogger(w.t, zaptest.Level(zap.ErrorLevel))})
	w.t.Cleanup(func() {
		if err := w.hub.Stop(); err != nil {
			w.t.Errorf("stopping the hub: %v", err)
		}
	})
	if err := w.sims.PointAt(w.t.Context(), w.hub.IntakeURL()); err != nil {
		w.t.Fatal(err)
	}
}

// pull catches up with the shops' past.
func (w *reconcileWorld) pull() {
	w.t.Helper()
	g, ctx := errgroup.WithContext(w.t.Context())
	for _, shop := range []string{"shop-a", "shop-b"} {
		for _, stream := range []string{"members", "orders", "after_sales"} {
			g.Go(func() error {
				_, err := w.hub.Engine().Pull(ctx, shop, stream, nil)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		w.t.Fatalf("pulling the shops' past: %v", err)
	}
	w.rest()
}

// moving counts what the hub will still do by itself; idle states may wait for a timer.
func (w *reconcileWorld) moving(idle ...ledger.State) (n int64, what string) {
	w.t.Helper()
	counts, err := w.hub.Ledger().Counts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range counts {
		s := ledger.State(c.State)
		switch {
		case c.Kind == "record" && c.State != string(ledger.RecordReceived), c.Kind == "hint" && c.State != "pending":
			continue
		case c.Kind == "delivery" && (s.Final() || s == ledger.Parked || s == ledger.Blocked):
			continue
		}
		stays := false
		for _, i := range idle {
			stays = stays || s == i
		}
		if !stays {
			n += c.N
			what += fmt.Sprintf("\n%d %s %s.%s %s %s", c.N, c.Kind, c.Connection, c.Name, c.State, c.Code)
		}
	}
	return n, what
}

// rest waits until every push has arrived and nothing moves any more.
func (w *reconcileWorld) rest(idle ...ledger.State) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), w.ed.wait)
	defer cancel()
	for _, shop := range w.shops() {
		if err := shop.DrainPushes(ctx); err != nil {
			w.t.Fatalf("pushes of %s: %v", shop.System(), err)
		}
	}
	tick := time.NewTicker(w.ed.look) // counting a large ledger is work for the hub too
	defer tick.Stop()
	for still := 0; still < 8; {
		n, what := w.moving(idle...)
		if n == 0 {
			still++ // what is blocked is let go by the commit of another row
		} else {
			still = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatalf("the hub did not come to rest within %s:%s", w.ed.wait, what)
		}
	}
}

// until waits for a time: a window that ends later than now minus the grace is cut.
func (w *reconcileWorld) until(at time.Time) {
	w.t.Helper()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.t.Context().Done():
		w.t.Fatal(w.t.Context().Err())
	}
}

func (w *reconcileWorld) shops() []*wechatshopsim.Sim {
	return []*wechatshopsim.Sim{w.sims.ShopA, w.sims.ShopB}
}

func (w *reconcileWorld) shop(name string) *wechatshopsim.Sim {
	if name == "shop-a" {
		return w.sims.ShopA
	}
	return w.sims.ShopB
}

type body map[string]any

// sim sends one command to a simulator's control interface.
func (w *reconcileWorld) sim(system, command string, in body) body {
	w.t.Helper()
	var out body
	w.post("simulator "+system, w.sims.ControlURL()+"/_sim/"+system+"/"+command, "", in, &out)
	return out
}

func (w *reconcileWorld) fault(f simkit.Fault) {
	w.t.Helper()
	w.post("the faults", w.sims.ControlURL()+"/_sim/faults", "", f, nil)
}

func (w *reconcileWorld) clearFaults() {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, w.sims.ControlURL()+"/_sim/faults", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.send("the faults", req, nil)
}

// reconcile compares through the API, as the command does.
func (w *reconcileWorld) reconcile(to time.Time) *reconcile.Report {
	w.t.Helper()
	var rep reconcile.Report
	w.api("/api/v1/reconcile", api.ReconcileRequest{Flows: []string{"orders", "after_sales", "members"}, From: w.from, To: to, Grace: grace.String()}, &rep)
	return &rep
}

func (w *reconcileWorld) heal(id int64) *reconcile.Healed {
	w.t.Helper()
	var out reconcile.Healed
	w.api(fmt.Sprintf("/api/v1/reconcile/%d/heal", id), body{"who": "test"}, &out)
	return &out
}

func (w *reconcileWorld) api(path string, in, out any) {
	w.t.Helper()
	if err := ask(w.t.Context(), w.dir, http.MethodPost, path, in, out); err != nil {
		w.t.Fatal(err)
	}
}

func (w *reconcileWorld) post(who, url, token string, in, out any) {
	w.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w.send(who, req, out)
}

func (w *reconcileWorld) send(who string, req *http.Request, out any) {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s answered %d to %s: %s", who, resp.StatusCode, req.URL.Path, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			w.t.Fatalf("%s answered no JSON to %s: %v", who, req.URL.Path, err)
		}
	}
}
