package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/pipelines/ledger"
)

// The bars of a store with a million messages.
const (
	searchBar = 50 * time.Millisecond
	screenBar = 150 * time.Millisecond
)

// TestSearchScale fills a ledger with a crowd's history and asks the desk's questions of
// it, on SQLite and on PostgreSQL. The small edition holds the answers; MINIHUB_SCALE says
// how many messages a big one has ("1" = 1,000,000): it prints how long they take and
// holds them against the bars. MINIHUB_SCALE_KEEP names a folder in which the ledgers stay
// for the next run.
func TestSearchScale(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("MINIHUB_SCALE"))
	switch n {
	case 0:
		n = 4000
	case 1:
		n = 1_000_000
	}
	keep := os.Getenv("MINIHUB_SCALE_KEEP")
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			w := newScaleWorld(t, engine, keep, n)
			w.answers(t)
			w.times(t, n)
		})
	}
}

// scaleWorld is a hub with a crowd behind it.
type scaleWorld struct {
	*crowd
	hub   *app.App
	token string
	id    int64 // of the incident that one order in ten belongs to
}

func newScaleWorld(t *testing.T, engine, keep string, n int) *scaleWorld {
	t.Helper()
	vendors, err := sims.Start(sims.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendors.Close() })
	dir := filepath.Join(t.TempDir(), "hub")
	if err := starter.ForWorld(dir, vendors, starter.WorldOptions{Start: "now", LimitsX: 1}); err != nil {
		t.Fatal(err)
	}
	// The secrets of a deployment are its own, and a kept ledger knows those it was made with.
	if err := os.WriteFile(filepath.Join(dir, "secrets", "search_key"), []byte(searchKey), 0o600); err != nil {
		t.Fatal(err)
	}
	configured := filepath.Join(dir, "hub.yaml")
	text, err := os.ReadFile(configured)
	if err != nil {
		t.Fatal(err)
	}
	if text = bytes.Replace(text, []byte("sqlite:data/hub.db"), []byte(scaleStore(t, engine, keep)), 1); !bytes.Contains(text, []byte(scaleName)) {
		t.Fatal("the store of the deployment could not be named")
	}
	if err := os.WriteFile(configured, text, 0o600); err != nil {
		t.Fatal(err)
	}
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	w := &scaleWorld{crowd: &crowd{orders: n * 5 / 8, body: order(t), target: order(t)[:1000]}}
	if w.hub, err = app.New(t.Context(), app.Options{Dir: dir, Registry: registry, NoJobs: true}); err != nil {
		t.Fatal(err)
	}
	for name, f := range w.hub.Engine().Flows() {
		for _, s := range f.Steps {
			if f.Entity == "order" && len(w.steps) < 4 {
				w.steps, w.flows = append(w.steps, s), append(w.flows, name)
			}
		}
	}
	w.filled(t)
	start := time.Now()
	if err := w.hub.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(start).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := w.hub.Stop(); err != nil {
			t.Error(err)
		}
	})
	b, err := os.ReadFile(app.EndpointFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	var at app.Endpoint
	if err := json.Unmarshal(b, &at); err != nil {
		t.Fatal(err)
	}
	w.token = at.Token
	return w
}

// scaleName names the stores of the test.
const scaleName = "scale"

// scaleStore is the URL of a store that goes with the test, or of the kept one.
func scaleStore(t *testing.T, engine, keep string) string {
	t.Helper()
	if engine == "sqlite" {
		if keep != "" {
			return "sqlite:" + filepath.Join(keep, scaleName+".db")
		}
		return "sqlite:" + scaleName + ".db"
	}
	dsn := os.Getenv("MINIHUB_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/test"
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skip("no PostgreSQL answers; set MINIHUB_TEST_POSTGRES")
	}
	schema := fmt.Sprintf("%s_%d", scaleName, time.Now().UnixNano())
	if keep != "" {
		schema = scaleName + "_" + strings.ToLower(filepath.Base(keep))
	}
	t.Cleanup(func() {
		if keep == "" {
			_, _ = conn.Exec(context.Background(), "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		}
		_ = conn.Close(context.Background())
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("MINIHUB_TEST_POSTGRES is not a URL")
	}
	q := u.Query()
	q.Set("schema", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// filled makes the history unless a kept ledger has it.
func (w *scaleWorld) filled(t *testing.T) {
	t.Helper()
	last := orderNo(w.orders - 1)
	if _, err := w.hub.Ledger().Latest(t.Context(), ledger.DocKey{Connection: "shop-a", Entity: "order", Key: last}); err == nil {
		return
	}
	start := time.Now()
	w.fill(t, w.hub.Ledger())
	st, err := w.hub.Ledger().Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages written in %s, %d MB", w.messages(), time.Since(start).Round(time.Second), (st.Bytes+st.WAL)>>20)
}

// get asks the API and reads its answer.
func (w *scaleWorld) get(t testing.TB, path string, into any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.hub.AdminURL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %d: %s", path, resp.StatusCode, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v in %.200s", path, err, b)
		}
	}
}

type found struct {
	Messages []struct {
		Message int64    `json:"message"`
		Key     string   `json:"key"`
		Matched []string `json:"matched"`
	} `json:"messages"`
}

func search(value string) string { return "/api/v1/messages?key=" + url.QueryEscape(value) }

// question is what a person asks, by number of the order it is about.
type question struct {
	name  string
	path  func(i int) string
	bar   time.Duration
	finds bool // the order must be among what is found
}

func (w *scaleWorld) searches() []question {
	find := func(name string, finds bool, value func(i int) string) question {
		return question{"search " + name, func(i int) string { return search(value(i)) }, searchBar, finds}
	}
	// Some keys belong to some orders only.
	settled := func(i int) int { return i/perFailed*perFailed + 1 }
	return []question{
		find("order no.", true, orderNo),
		find("transaction id", true, transaction),
		find("phone", true, phoneOf),
		find("phone, last four", w.orders < 500_000, func(i int) string { return phoneOf(i)[7:] }),
		find("member", true, memberNo),
		find("SKU", w.orders < 500_000, func(i int) string { return skuOf(i + 7) }),
		find("SKU of every tenth order", false, func(int) string { return hotSKU }),
		find("store of all orders", false, func(int) string { return "shop-a" }),
		find("remote id", false, func(i int) string { return remoteID(w.steps[0].Connection, settled(i)) }),
		find("waybill", false, func(i int) string { return waybillOf(i/5*5 + 3) }),
		find("nothing known", false, func(i int) string { return "XX" + orderNo(i) }),
	}
}

func (w *scaleWorld) screens(t *testing.T) []question {
	t.Helper()
	always := func(name, path string) question {
		return question{name, func(int) string { return path }, screenBar, false}
	}
	incident := fmt.Sprintf("/api/v1/incidents/%d", w.id)
	var page struct{ Next string }
	w.get(t, incident+"?limit=1000", &page)
	c := w.steps[0].Connection
	return []question{
		{"one order, one screen", func(i int) string { return fmt.Sprintf("/api/v1/messages/%d", w.latest(t, i)) }, screenBar, false},
		always("counts", "/api/v1/counts"),
		always("incidents", "/api/v1/incidents"),
		always("incident of every tenth order", incident),
		always("its rows further down", incident+"?cursor="+page.Next),
		always("waiting for a mapping", "/api/v1/waiting"),
		always("deliveries parked", "/api/v1/deliveries?state=parked&connection="+c),
		always("deliveries parked, one rare code", "/api/v1/deliveries?state=parked&connection="+c+"&code=refused.139"),
		always("deliveries waiting", "/api/v1/deliveries?state=waiting"),
		always("deliveries blocked on a lookup", "/api/v1/deliveries?state=blocked&code=blocked.lookup"),
		always("deliveries unknown (none)", "/api/v1/deliveries?state=unknown"),
		always("deliveries withdrawn (none)", "/api/v1/deliveries?state=withdrawn"),
		always("deliveries of a connection", "/api/v1/deliveries?state=delivered&connection="+w.steps[len(w.steps)-1].Connection),
		always("deliveries with a code nobody has", "/api/v1/deliveries?code=no.such"),
		always("messages parked (none)", "/api/v1/records?state=parked"),
		always("messages of a stream", "/api/v1/records?connection=wms&stream=shipments"),
		always("state for live views", "/api/v1/live"),
		always("status page", "/"),
	}
}

func (w *scaleWorld) latest(t testing.TB, i int) int64 {
	t.Helper()
	r, err := w.hub.Ledger().Latest(t.Context(), ledger.DocKey{Connection: "shop-a", Entity: "order", Key: orderNo(i)})
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// answers holds what the desk finds against what was written.
func (w *scaleWorld) answers(t *testing.T) {
	t.Helper()
	for _, q := range w.searches() {
		for _, i := range []int{1, w.orders / 3, w.orders - 2} {
			var got found
			w.get(t, q.path(i), &got)
			if none := strings.HasSuffix(q.name, "nothing known"); none != (len(got.Messages) == 0) {
				t.Errorf("%s: %d results for %s", q.name, len(got.Messages), q.path(i))
			}
			keys := map[string]bool{}
			for _, m := range got.Messages {
				keys[m.Key] = true
			}
			if q.finds && !keys[orderNo(i)] {
				t.Errorf("%s: order %s is not among %v", q.name, orderNo(i), got.Messages)
			}
		}
	}
	var list struct {
		Incidents []struct {
			ID   int64  `json:"id"`
			Code string `json:"code"`
			Now  int64  `json:"now"`
		} `json:"incidents"`
	}
	w.get(t, "/api/v1/incidents?limit=1000", &list)
	for _, i := range list.Incidents {
		if i.Code == "mapping.enum" {
			w.id = i.ID
			// A second version parks once more; nothing replaces the first here.
			if want := int64(0); i.Now <= want {
				t.Errorf("the incident has %d rows", i.Now)
			}
		}
	}
	if w.id == 0 {
		t.Fatal("no incident of the cause that every tenth order fails for")
	}
}

// times prints how long every question takes, and holds the big edition to the bars.
func (w *scaleWorld) times(t *testing.T, n int) {
	t.Helper()
	rounds := 20
	if n >= 100_000 {
		rounds = 200
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-36s %9s %9s %9s\n", "", "p50 ms", "p99 ms", "max ms")
	for _, q := range append(w.searches(), w.screens(t)...) {
		var took []time.Duration
		spent := time.Now()
		for r := 0; r < rounds && (r < 3 || time.Since(spent) < 8*time.Second); r++ {
			path := q.path(r * 7919 % w.orders)
			start := time.Now()
			w.get(t, path, nil)
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		p99 := took[len(took)*99/100]
		fmt.Fprintf(&table, "%-36s %9.2f %9.2f %9.2f\n", q.name, ms(took[len(took)/2]), ms(p99), ms(took[len(took)-1]))
		if n >= 1_000_000 && p99 > q.bar {
			t.Errorf("%s: p99 %s; the bar is %s", q.name, p99, q.bar)
		}
	}
	t.Logf("%d messages\n%s", w.messages(), table.String())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
