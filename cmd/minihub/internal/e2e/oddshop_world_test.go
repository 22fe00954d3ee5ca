package e2e

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/connectors/manifest/oddshop"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/canonical"
)

// oddshopFiles is what a newcomer wrote for the made-up shop: manifest, mapping, lookup table
// and flow.
const oddshopFiles = "../../../../connectors/manifest/oddshop/testdata/hub"

// oddWorld is the made-up shop, a hub that knows it by its manifest only, and a receiver
// of events that keeps its own record.
type oddWorld struct {
	t      *testing.T
	shop   *oddshop.Sim
	faults *simkit.Faults
	sink   *webhooksim.Sim
	dir    string
	hub    *app.App
	// unasked: nobody asks the shop itself, so it cannot say what it showed.
	unasked bool
}

func newOddWorld(t *testing.T, seed int64) *oddWorld {
	t.Helper()
	w := &oddWorld{t: t, faults: simkit.NewFaults(seed), dir: filepath.Join(t.TempDir(), "hub")}
	// The documented 200 calls a second would make a day of minutes.
	w.shop = oddshop.New(oddshop.Options{Options: simkit.Options{Seed: seed, Faults: w.faults, LimitScale: 50}})
	w.sink = webhooksim.New(webhooksim.Options{Secret: hookSecret})
	shop, sink := httptest.NewServer(w.shop), httptest.NewServer(w.sink)
	t.Cleanup(shop.Close)
	t.Cleanup(sink.Close)
	if err := os.CopyFS(w.dir, os.DirFS(oddshopFiles)); err != nil {
		t.Fatal(err)
	}
	at, files := w.shop.Credentials(), oddFiles(sink.URL)
	files["token"] = at["token"]
	files["connections/odd.yaml"] = "connection: odd\nconnector: oddshop\nlimits_x: 50\nstart: 2020-01-01T00:00:00Z\nstore: { code: odd, name: 怪铺 }\n" +
		"config:\n  base_url: " + shop.URL + "\n  shop_id: \"" + at["shop_id"] + "\"\n  token: '${file:token}'\n"
	w.write(files)
	return w
}

// oddFiles are the files of a hub that do not depend on how it reads the shop.
func oddFiles(sink string) map[string]string {
	return map[string]string{
		"hub.yaml": "store: sqlite:hub.db\nlisten: 127.0.0.1:0\nintake: { listen: 127.0.0.1:0 }\nretry: { base: 5ms, max: 50ms, probe: 5ms }\n" +
			"secrets: { search_key: '${file:secret}', vault_key: '${file:secret}' }\n",
		"jobs.yaml":               "jobs: []\n",
		"secret":                  "an invented secret of 32 bytes..",
		"connections/events.yaml": "connection: events\nconnector: webhook\nconfig:\n  url: " + sink + "/hook\n  secret: '${file:hook}'\n",
		"hook":                    hookSecret,
	}
}

// write puts files into the hub's directory.
func (w *oddWorld) write(files map[string]string) {
	w.t.Helper()
	for name, text := range files {
		file := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// open starts the hub. It pulls when the test says so.
func (w *oddWorld) open() {
	w.t.Helper()
	w.hub = openHub(w.t, app.Options{Dir: w.dir, NoJobs: true, Log: zaptest.NewLogger(w.t, zaptest.Level(zap.ErrorLevel))})
	w.t.Cleanup(w.close)
}

func (w *oddWorld) close() {
	if w.hub == nil {
		return
	}
	if err := w.hub.Stop(); err != nil {
		w.t.Errorf("stopping the hub: %v", err)
	}
	w.hub = nil
}

// pull reads the shop once, as the job does.
func (w *oddWorld) pull() error {
	_, err := w.hub.Engine().Pull(w.t.Context(), "odd", "orders", nil)
	return err
}

// mustPull pulls until it works: after a fault the gate of the connection waits a moment
// before it lets a probe through.
func (w *oddWorld) mustPull() {
	w.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		err := w.pull()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the shop is well again and cannot be pulled: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	w.rest()
}

// rest waits until the hub has nothing left to do.
func (w *oddWorld) rest() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.hub.Engine().Settled(ctx, time.Millisecond); err != nil {
		w.t.Fatalf("the hub did not come to rest: %v, depth %v", err, w.hub.Engine().Depth())
	}
}

// tombstones are the ids of the orders of which the hub says that the shop has deleted them.
func (w *oddWorld) tombstones() map[string]bool {
	w.t.Helper()
	rows, err := w.hub.Ledger().Records(w.t.Context(), ledger.Filter{Limit: 100000})
	if err != nil {
		w.t.Fatal(err)
	}
	gone := map[string]bool{}
	for _, r := range rows {
		if r.Deleted {
			gone[r.DocKey.Key] = true
		}
	}
	return gone
}

// wantNoneGone fails when any order is taken for deleted.
func (w *oddWorld) wantNoneGone(why string) {
	w.t.Helper()
	if n := len(w.tombstones()); n != 0 {
		w.t.Errorf("%s: %d orders are taken for deleted", why, n)
	}
}

// until waits for a condition.
func (w *oddWorld) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// troubled are the records and deliveries that need a person.
func (w *oddWorld) troubled() (out []ledger.Count) {
	w.t.Helper()
	counts, err := w.hub.Ledger().Counts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range counts {
		switch c.State {
		case string(ledger.RecordRouted), string(ledger.RecordNoTarget), string(ledger.Delivered), string(ledger.Superseded), "done":
		default:
			out = append(out, c)
		}
	}
	return out
}

// told are the orders that the receiver was told of under a key, in order of arrival.
func (w *oddWorld) told() map[string][]canonical.Order {
	w.t.Helper()
	out := map[string][]canonical.Order{}
	for _, e := range w.sink.Events() {
		var body struct {
			Data canonical.Order `json:"data"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			w.t.Fatal(err)
		}
		out[e.Key] = append(out[e.Key], body.Data)
	}
	return out
}
