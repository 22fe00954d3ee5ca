package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
)

// load loads a manifest that must be whole.
func load(t testing.TB, name string, src []byte) *connectors.Connector {
	t.Helper()
	c, problems := Load(name, src)
	for _, p := range problems {
		t.Error(p)
	}
	if c == nil {
		t.FailNow()
	}
	return c
}

func file(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// connect opens a connection to a server.
func connect(t testing.TB, c *connectors.Connector, values map[string]string, secrets map[string]string) connectors.Connection {
	t.Helper()
	v := connectors.Values{Text: values, Secrets: map[string]connectors.Secret{}}
	for name, s := range secrets {
		v.Secrets[name] = connectors.NewSecret(s)
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Vault: &connectortest.Vault{}, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// teashop is the shop of testdata/teashop.yaml: it answers 200 to everything, and an
// unknown key with an empty list.
type teashop struct {
	mu     sync.Mutex
	orders []string // newest first
	asked  int
	before func(s *teashop) // runs before each list
	tail   string           // after each answer
}

func (s *teashop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := r.Header.Get("X-Api-Key") == "invented-key" && r.FormValue("store") == "12"
	say := func(data string) { _, _ = fmt.Fprintf(w, `{"errno":0,"errmsg":"","data":%s}%s`, data, s.tail) }
	order := func(id string) string {
		return fmt.Sprintf(`{"id": %s, "no":"T%s","status":"open", "total":18.20,"name":"茶`+"\x00\x00"+`"}`, id, id)
	}
	switch {
	case r.URL.Path == "/store" && known:
		say(`{"id":"12"}`)
	case r.URL.Path == "/store":
		say(`{}`)
	case r.URL.Path == "/orders":
		s.asked++
		if s.before != nil {
			s.before(s)
		}
		page, _ := strconv.Atoi(r.FormValue("page"))
		size, _ := strconv.Atoi(r.FormValue("size"))
		var rows []string
		for i := (page - 1) * size; i < page*size && i < len(s.orders) && known; i++ {
			rows = append(rows, order(s.orders[i]))
		}
		say(`{"list":[` + strings.Join(rows, ",") + `]}`)
	default:
		id := strings.TrimPrefix(r.URL.Path, "/orders/")
		if !known || !slices.Contains(s.orders, id) {
			_, _ = fmt.Fprint(w, `{"errno":404,"errmsg":"no such order"}`)
			return
		}
		say(order(id))
	}
}

func openTeashop(t *testing.T, s *teashop, key string) connectors.Connection {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return connect(t, load(t, "connectors/teashop.yaml", file(t, "testdata/teashop.yaml")), map[string]string{"url": srv.URL, "store_id": "12"}, map[string]string{"key": key})
}

func pullAll(t *testing.T, conn connectors.Connection, req connectors.PullRequest) []connectors.Item {
	t.Helper()
	var items []connectors.Item
	for range 1000 {
		p, err := conn.(connectors.Source).Pull(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, p.Items...)
		if !p.More {
			return items
		}
		req.Cursor = p.Cursor
	}
	t.Fatal("the pull does not end")
	return nil
}

func keysOf(items []connectors.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.Key)
	}
	return out
}

func numbered(from, to int) []string {
	var out []string
	for i := from; i >= to; i-- {
		out = append(out, strconv.Itoa(9007199254740993+i)) // beyond 2^53
	}
	return out
}

func TestPullGivesEachRowOnceWithItsBytes(t *testing.T) {
	for n := range 24 {
		shop := &teashop{orders: numbered(n, 1), tail: "\x00\n{\"errno\":0,\"data\":null}"}
		items := pullAll(t, openTeashop(t, shop, "invented-key"), connectors.PullRequest{Stream: "orders"})
		if got := keysOf(items); !slices.Equal(got, shop.orders) {
			t.Errorf("%d orders: %v, want %v", n, got, shop.orders)
		}
		for _, it := range items {
			want := fmt.Sprintf(`{"id": %s, "no":"T%s","status":"open", "total":18.20,"name":"茶"}`, it.Key, it.Key)
			if string(it.Body) != want {
				t.Errorf("body %s, want %s", it.Body, want)
			}
		}
	}
}

func TestListThatShiftsIsReadWhole(t *testing.T) {
	for name, before := range map[string]func(s *teashop){
		"new on top": func(s *teashop) { s.orders = append([]string{strconv.Itoa(100000 + s.asked)}, s.orders...) },
		"seven new": func(s *teashop) {
			if s.asked == 2 {
				s.orders = append(numbered(1007, 1001), s.orders...)
			}
		},
		"one leaves": func(s *teashop) {
			if s.asked%3 == 2 && s.asked < 15 {
				s.orders = slices.Delete(s.orders, 0, 1)
			}
		},
		"one leaves, one comes": func(s *teashop) {
			if s.asked == 3 {
				s.orders = append([]string{"5"}, slices.Delete(s.orders, 2, 3)...)
			}
		},
		"the anchor leaves": func(s *teashop) {
			if s.asked == 2 {
				s.orders = slices.Delete(s.orders, 4, 5)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			shop := &teashop{orders: numbered(30, 1), before: before}
			got := keysOf(pullAll(t, openTeashop(t, shop, "invented-key"), connectors.PullRequest{Stream: "orders"}))
			for _, k := range numbered(30, 1) { // what came on top meanwhile, the next pull shows
				if slices.Contains(shop.orders, k) && !slices.Contains(got, k) {
					t.Errorf("%s was missed", k)
				}
			}
			if shop.asked < 8 {
				t.Errorf("only %d pages were read: the test proved nothing", shop.asked)
			}
		})
	}
}

func TestEmptyCountsOnlyWithTheProbe(t *testing.T) {
	shop := &teashop{orders: numbered(7, 1)}
	good, bad := openTeashop(t, shop, "invented-key"), openTeashop(t, shop, "wrong-key")
	_, err := bad.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unauthorized || e.Scope != connectors.OfConnection {
		t.Errorf("an empty list for a bad key: %v", err)
	}
	items, err := bad.(connectors.Fetcher).Fetch(t.Context(), "orders", shop.orders[:1])
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unauthorized || len(items) > 0 {
		t.Errorf("an absent order for a bad key: %v %v", items, err)
	}
	items, err = good.(connectors.Fetcher).Fetch(t.Context(), "orders", []string{shop.orders[3], "77"})
	if err != nil || len(items) != 2 || items[0].Deleted || !items[1].Deleted || items[1].Key != "77" {
		t.Errorf("%+v %v", items, err)
	}
	shop.orders = nil
	if items := pullAll(t, good, connectors.PullRequest{Stream: "orders"}); len(items) != 0 {
		t.Errorf("%v", items)
	}
}

func TestErrorsInsideHTTP200(t *testing.T) {
	var answer string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, answer) }))
	t.Cleanup(srv.Close)
	conn := connect(t, load(t, "teashop.yaml", file(t, "testdata/teashop.yaml")), map[string]string{"url": srv.URL, "store_id": "12"}, map[string]string{"key": "invented-key"})
	for _, tc := range []struct{ answer, want string }{
		{`{"errno":429,"errmsg":"slow"}`, "rate_limited connection 429 30s false"},
		{`{"errno":"429","errmsg":"slow"}`, "rate_limited connection 429 30s false"},
		{`{"errno":401}`, "unauthorized connection 401 0s false"},
		{`{"errno":500}`, "unavailable connection 500 10s true"},
		{`{"errno":77,"errmsg":"odd"}`, "unclassified document 77 0s true"},
		{`{"errmsg":"odd"}`, "unclassified document teashop.answer 0s true"},
		{`{"errno":0,"data":{"rows":[]}}`, "unauthorized connection teashop.empty 0s false"},
		{`{"errno":0,"data":{"list":"x"}}`, "unreadable document teashop.answer 0s true"},
		{`{"errno":0`, "unreadable document teashop.answer 0s true"},
		{`<html>busy</html>`, "unreadable document teashop.answer 0s true"},
		{``, "unreadable document teashop.answer 0s true"},
		{`{"errno":0,"data":{"list":[{"no":"x"}]}}`, "unreadable document teashop.answer 0s true"},
	} {
		answer = tc.answer
		_, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
		var e *connectors.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", tc.answer, err)
			continue
		}
		if got := fmt.Sprint(e.Kind, " ", e.Scope, " ", e.Code, " ", e.Wait, " ", e.Sent); got != tc.want {
			t.Errorf("%s: %s, want %s (%v)", tc.answer, got, tc.want, e)
		}
		if b, _ := json.Marshal(e); strings.Contains(string(b), "invented-key") {
			t.Errorf("the key is shown: %s", b)
		}
	}
}
