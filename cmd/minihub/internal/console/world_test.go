package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines/ledger"
)

// world is a small hub over simulators, with one order of each trouble.
type world struct {
	hub   *app.App
	sims  *sims.World
	token string
	dir   string // of the deployment
	// Number of the order that the OMS refuses.
	refused string

	pager *httptest.Server // takes alarms
	mu    sync.Mutex
	pages []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{}
	var err error
	if w.sims, err = sims.Start(sims.Options{Seed: 1, LimitsX: 50, PushWaits: []time.Duration{50 * time.Millisecond, 200 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sims.Close() })
	dir := filepath.Join(t.TempDir(), "hub")
	if err := starter.ForWorld(dir, w.sims, starter.WorldOptions{Start: time.Now().AddDate(0, 0, -1).Format(time.RFC3339), LimitsX: 50}); err != nil {
		t.Fatal(err)
	}
	w.pager = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pages = append(w.pages, string(b))
		_, _ = io.WriteString(rw, "noted")
	}))
	t.Cleanup(w.pager.Close)
	hubFile := filepath.Join(dir, "hub.yaml")
	conf, err := os.ReadFile(hubFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hubFile, fmt.Appendf(conf, "alarms:\n  receivers:\n    - { receiver: pager, kind: webhook, url: '%s' }\n", w.pager.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	if w.hub, err = app.New(ctx, app.Options{Dir: dir, Registry: registry, Log: zap.NewNop(), Settle: 0.02}); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Start(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.hub.Stop() })
	b, err := os.ReadFile(app.EndpointFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	var at app.Endpoint
	if err := json.Unmarshal(b, &at); err != nil {
		t.Fatal(err)
	}
	w.token, w.dir = at.Token, dir
	w.sell(t)
	return w
}

// sell places an order whose document the OMS refuses once, one with a code that no lookup
// table has, and one with a status that no mapping knows.
func (w *world) sell(t *testing.T) {
	t.Helper()
	for _, kind := range []string{wechatshopsim.BadUnknownSKU, wechatshopsim.BadUnknownStatus} {
		if _, err := w.sims.ShopA.PlaceBad(kind); err != nil {
			t.Fatal(err)
		}
	}
	w.pull(t)
	w.until(t, "the lookup is missed", func() bool { return w.count(ledger.Filter{States: []string{"blocked"}, Code: "blocked.lookup"}) > 0 })
	w.refuse(t)
}

// refuse places an order whose document the OMS refuses once.
func (w *world) refuse(t *testing.T) {
	t.Helper()
	if _, err := w.sims.Faults.Add(simkit.Fault{System: "jushuitan", Call: "orders/upload", Kind: simkit.ErrorBody, Code: "130", Count: 1}); err != nil {
		t.Fatal(err)
	}
	o, err := w.sims.ShopA.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-MUG-01", Qty: 2}}, Remark: "轻放"})
	if err != nil {
		t.Fatal(err)
	}
	w.refused = o
	if err := w.sims.ShopA.Pay(o); err != nil {
		t.Fatal(err)
	}
	w.pull(t)
	w.until(t, "the OMS refuses", func() bool { return w.count(ledger.Filter{States: []string{"parked"}, Connection: "oms"}) > 0 })
}

func (w *world) pull(t *testing.T) {
	t.Helper()
	if _, err := w.hub.Engine().Pull(t.Context(), "shop-a", "orders", nil); err != nil {
		t.Fatal(err)
	}
}

func (w *world) count(f ledger.Filter) int {
	f.Limit = 100
	rows, err := w.hub.Ledger().Deliveries(context.Background(), f)
	if err != nil {
		return -1
	}
	return len(rows)
}

// until polls the hub with a deadline.
func (w *world) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			rows, _ := w.hub.Ledger().Counts(context.Background())
			t.Fatalf("%s: not within two minutes; the ledger holds %+v", what, rows)
		}
	}
}

// parked is the message whose status no mapping knows.
func (w *world) parked(t *testing.T) int64 {
	t.Helper()
	var found struct {
		Messages []struct {
			ID int64 `json:"id"`
		} `json:"messages"`
	}
	w.ask(t, http.MethodGet, "records?state=parked&code=mapping.enum", nil, &found)
	if len(found.Messages) == 0 {
		t.Fatal("the order with the unknown status is not parked")
	}
	return found.Messages[0].ID
}

// atStake asks what the order that no mapping understands is about: its source tells.
func (w *world) atStake(t *testing.T) {
	t.Helper()
	var out struct {
		Incidents []struct {
			Code  string `json:"code"`
			Money []struct {
				Currency string `json:"currency"`
				Minor    int64  `json:"amount_minor"`
				Rows     int64  `json:"rows"`
			} `json:"money"`
		} `json:"incidents"`
	}
	w.ask(t, http.MethodGet, "incidents", nil, &out)
	for _, i := range out.Incidents {
		if i.Code == "mapping.enum" && len(i.Money) == 1 && i.Money[0].Currency == "CNY" && i.Money[0].Minor > 0 && i.Money[0].Rows == 1 {
			return
		}
	}
	t.Errorf("the incidents tell %+v", out.Incidents)
}

// preview asks twice what a replay would send, in both ways; nothing is stored by it.
func (w *world) preview(t *testing.T) {
	t.Helper()
	type rows struct {
		Deliveries []map[string]any `json:"deliveries"`
	}
	var before, after rows
	w.ask(t, http.MethodGet, "deliveries?state=parked&connection=oms", nil, &before)
	if len(before.Deliveries) != 1 {
		t.Fatalf("%d deliveries are parked at the OMS, want 1", len(before.Deliveries))
	}
	docs := map[string]string{}
	for _, mode := range []string{"as-sent", "re-map"} {
		var got struct {
			Rows []struct {
				Operation string          `json:"operation"`
				State     string          `json:"state"`
				Document  json.RawMessage `json:"document"`
			} `json:"rows"`
		}
		w.ask(t, http.MethodGet, fmt.Sprintf("deliveries/%.0f/preview?mode=%s", before.Deliveries[0]["id"], mode), nil, &got)
		if len(got.Rows) != 1 || got.Rows[0].Operation != "order.push" || got.Rows[0].State != "ready" {
			t.Fatalf("%s: %+v", mode, got)
		}
		docs[mode] = string(got.Rows[0].Document)
	}
	if docs["as-sent"] != docs["re-map"] || !strings.Contains(docs["re-map"], w.refused) || !strings.Contains(docs["re-map"], "****") {
		t.Errorf("the same mapping over the same record makes %s and %s", docs["as-sent"], docs["re-map"])
	}
	w.ask(t, http.MethodGet, "deliveries?state=parked&connection=oms", nil, &after)
	if !reflect.DeepEqual(before, after) {
		t.Errorf("a preview changed %v to %v", before, after)
	}
}

// phone is a whole phone number in a document of the refused order, and the field of the
// delivery that holds it.
func (w *world) phone(t *testing.T) (number, pointer string) {
	t.Helper()
	var found struct {
		Messages []struct {
			Message int64 `json:"message"`
		} `json:"messages"`
	}
	w.ask(t, http.MethodGet, "messages?key="+w.refused, nil, &found)
	for _, f := range found.Messages {
		var m api.Message
		w.ask(t, http.MethodGet, fmt.Sprint("messages/", f.Message), nil, &m)
		for _, d := range m.Deliveries {
			for _, pointer := range d.Masked {
				var out struct {
					Value any `json:"value"`
				}
				w.ask(t, http.MethodPost, fmt.Sprintf("messages/%d/reveal", d.Message), api.RevealRequest{Pointer: pointer, Reason: "a test", Delivery: d.ID}, &out)
				if s, _ := out.Value.(string); wholePhone.MatchString(s) {
					return s, pointer
				}
			}
		}
	}
	t.Fatal("no document of the order has a whole phone number")
	return "", ""
}

var wholePhone = regexp.MustCompile(`^1\d{10}$`)

// add makes a person.
func (w *world) add(t *testing.T, name, password, role string) {
	t.Helper()
	var out struct {
		Person string `json:"person"`
	}
	w.ask(t, http.MethodPost, "people", map[string]any{"name": name, "password": password, "roles": []string{role}}, &out)
}

// send calls the API with a token.
func (w *world) send(t *testing.T, token, method, path string, body any) *http.Response {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.hub.AdminURL()+"/api/v1/"+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// ask calls the API with the hub's own token.
func (w *world) ask(t *testing.T, method, path string, body, into any) {
	t.Helper()
	resp := w.send(t, w.token, method, path, body)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
