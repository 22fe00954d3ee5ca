package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// org is a simulated organisation and a connection to it.
type org struct {
	*conn
	sim    *salesforcesim.Sim
	faults *simkit.Faults
	proxy  *proxy
}

// proxy counts token calls and keeps the tokens it sees.
type proxy struct {
	next http.Handler

	mu       sync.Mutex
	calls    map[string]int
	renewals int
	tokens   []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.HasSuffix(r.URL.Path, "/oauth2/token")
	p.mu.Lock()
	if token {
		p.renewals++
	}
	p.calls[r.Method+" "+r.URL.Path]++
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && len(p.tokens) < 100 {
		p.tokens = append(p.tokens, t)
	}
	p.mu.Unlock()
	p.next.ServeHTTP(w, r)
}

func (p *proxy) tokenCalls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.renewals
}

func (p *proxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tokens...)
}

// count is how many calls had a path ending in suffix.
func (p *proxy) count(suffix string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for path, calls := range p.calls {
		if strings.HasSuffix(path, suffix) {
			n += calls
		}
	}
	return n
}

func newOrg(t *testing.T, o salesforcesim.Options) *org {
	t.Helper()
	out := &org{faults: simkit.NewFaults(1)}
	o.Faults, o.Seed = out.faults, 7
	out.sim = salesforcesim.New(o)
	out.proxy = &proxy{next: out.sim, calls: map[string]int{}}
	server := httptest.NewServer(out.proxy)
	t.Cleanup(server.Close)
	out.conn = connect(t, values(server.URL, out.sim.Credentials()), nil)
	return out
}

// stub is a connection to a handler; the token call is answered for it.
func stub(t *testing.T, h http.HandlerFunc) *conn {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
			_, _ = fmt.Fprintf(w, `{"access_token":"invented-token","instance_url":%q,"token_type":"Bearer"}`, server.URL)
			return
		}
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return connect(t, values(server.URL, map[string]string{"client_id": "invented-id", "client_secret": "invented-secret"}), nil)
}

func values(url string, creds map[string]string) connectors.Values {
	return connectors.Values{
		Text:    map[string]string{"base_url": url, "client_id": creds["client_id"], "store": "shop-a"},
		Secrets: map[string]connectors.Secret{"client_secret": connectors.NewSecret(creds["client_secret"])},
		Maps:    map[string]map[string]string{},
	}
}

func connect(t *testing.T, v connectors.Values, log *zap.Logger) *conn {
	t.Helper()
	c := Connector()
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	opened, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Log: log, Name: "crm"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened.(*conn)
}

func delivery(key string, document string) connectors.Delivery {
	return connectors.Delivery{ID: "D-" + key, Key: key, Base: key, Document: json.RawMessage(document), Attempt: 1,
		Save: func(context.Context, json.RawMessage) error { return nil }}
}

// push delivers and returns the results by key.
func (o *org) push(t *testing.T, operation string, batch ...connectors.Delivery) map[string]connectors.Result {
	t.Helper()
	return pushTo(t, o.conn, operation, batch...)
}

func pushTo(t *testing.T, c *conn, operation string, batch ...connectors.Delivery) map[string]connectors.Result {
	t.Helper()
	list, err := c.Deliver(t.Context(), operation, batch)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]connectors.Result{}
	for _, res := range list {
		out[strings.TrimPrefix(res.ID, "D-")] = res
	}
	return out
}

func want(t *testing.T, res connectors.Result, o connectors.Outcome, code string) {
	t.Helper()
	got := ""
	if res.Err != nil {
		got = res.Err.Code
	}
	if res.Outcome != o || got != code {
		t.Errorf("outcome %d code %q, want %d %q: %v", res.Outcome, got, o, code, res.Err)
	}
}

func (o *org) fault(t *testing.T, f simkit.Fault) {
	t.Helper()
	f.System = salesforcesim.System
	if _, err := o.faults.Add(f); err != nil {
		t.Fatal(err)
	}
}

func contactDocument(key, name, more string) string {
	return fmt.Sprintf(`{"external_id":%q,"LastName":%q%s}`, key, name, more)
}

func transactionDocument(key, amount, more string, lines ...string) string {
	return fmt.Sprintf(`{"external_id":%q,"Status":"paid","Amount":%q,"Currency":"CNY"%s,"Lines":[%s]}`, key, amount, more, strings.Join(lines, ","))
}

func lineOf(id, quantity, net string) string {
	return fmt.Sprintf(`{"line_id":%q,"Sku":"TEE-RED-M","Quantity":%q,"UnitPrice":"90.00","NetAmount":%q}`, id, quantity, net)
}

func summer() time.Time { return time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC) }
