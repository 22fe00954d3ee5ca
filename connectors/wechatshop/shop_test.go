package wechatshop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a simulated shop and a connection to it.
type shop struct {
	*conn
	sim    *wechatshopsim.Sim
	faults *simkit.Faults
	url    string
	creds  map[string]string
}

func newShop(t *testing.T, o wechatshopsim.Options) *shop {
	t.Helper()
	faults := simkit.NewFaults(1)
	o.Faults, o.Seed = faults, 7
	sim := wechatshopsim.New(o)
	server := httptest.NewServer(sim)
	s := &shop{sim: sim, faults: faults, url: server.URL, creds: sim.Credentials()}
	s.conn = connect(t, server.URL, s.creds)
	t.Cleanup(func() {
		_ = s.Close()
		server.Close()
		sim.Close()
	})
	return s
}

// connect opens a connection with the credentials of a simulator.
func connect(t testing.TB, url string, creds map[string]string) *conn {
	t.Helper()
	c := Connector()
	v := connectors.Values{Text: map[string]string{"base_url": url, "store": "shop-a"}, Secrets: map[string]connectors.Secret{}}
	for _, f := range c.Config {
		if value, ok := creds[f.Name]; ok && f.Kind == connectors.FieldSecret {
			v.Secrets[f.Name] = connectors.NewSecret(value)
		} else if ok {
			v.Text[f.Name] = value
		}
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	opened, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*conn)
}

// stub opens a connection to a handler; the token call is answered for it.
func stub(t testing.TB, h http.HandlerFunc) *conn {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "stable_token") {
			_, _ = w.Write([]byte(`{"access_token":"invented-token","expires_in":7200}`))
			return
		}
		h(w, r)
	}))
}

func answers(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

// week is a window that holds everything a new shop has.
func week() connectors.Window {
	now := time.Now().UTC().Truncate(time.Second)
	return connectors.Window{From: now.Add(-7*24*time.Hour + time.Minute), To: now.Add(time.Minute)}
}

// pullAll pulls a stream to the end of its window and counts the pages.
func pullAll(t *testing.T, c *conn, stream string, w connectors.Window) (keys []string, pages int) {
	t.Helper()
	cursor := ""
	for {
		page, err := c.Pull(t.Context(), connectors.PullRequest{Stream: stream, Cursor: cursor, Window: w})
		if err != nil {
			t.Fatalf("page %d: %v", pages, err)
		}
		pages++
		for _, item := range page.Items {
			if item.Body != nil || item.Stream != stream {
				t.Fatalf("want a hint of %s, got %+v", stream, item)
			}
			keys = append(keys, item.Key)
		}
		if !page.More {
			slices.Sort(keys)
			return keys, pages
		}
		if cursor = page.Cursor; cursor == "" || pages > 500 {
			t.Fatalf("more pages but cursor %q after %d", cursor, pages)
		}
	}
}

func fetchOne(t *testing.T, c *conn, stream, key string) connectors.Item {
	t.Helper()
	items, err := c.Fetch(t.Context(), stream, []string{key})
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 {
		t.Fatalf("fetched %d items, want 1", len(items))
	}
	return items[0]
}

func (s *shop) fault(t *testing.T, f simkit.Fault) {
	t.Helper()
	if _, err := s.faults.Add(f); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) calls(name string) simkit.CallCount {
	for _, c := range s.sim.Calls() {
		if c.Call == name {
			return c
		}
	}
	return simkit.CallCount{}
}

// paid places and pays an order and returns it as the shop has it.
func (s *shop) paid(t *testing.T, lines ...wechatshopsim.LineSpec) wechatshopsim.SoldOrder {
	t.Helper()
	if len(lines) == 0 {
		lines = []wechatshopsim.LineSpec{{SKUCode: wechatshopsim.DefaultCatalog()[0].SKUs[0].Code, Qty: 2}}
	}
	id, err := s.sim.PlaceOrder(wechatshopsim.OrderSpec{Lines: lines, FreightFen: 600})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sim.Pay(id); err != nil {
		t.Fatal(err)
	}
	o, _ := s.sim.Order(id)
	return o
}

// want checks what a call failed with.
func want(t *testing.T, err error, kind connectors.Kind, scope connectors.Scope) *connectors.Error {
	t.Helper()
	e := connectors.AsError(err)
	if e == nil || e.Kind != kind || e.Scope != scope {
		t.Fatalf("got %#v (%v), want kind %s of the %s", e, err, kind, scope)
	}
	return e
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
