package wechatshop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

func TestVendorCodes(t *testing.T) {
	// 2026-01-01 23:59:30 in Beijing.
	now := time.Date(2026, 1, 1, 15, 59, 30, 0, time.UTC)
	for _, c := range []struct {
		code    int64
		kind    connectors.Kind
		scope   connectors.Scope
		wait    time.Duration
		outcome connectors.Outcome
	}{
		{-1, connectors.Unavailable, connectors.OfDocument, time.Second, connectors.Unknown},
		{40001, connectors.Unauthorized, connectors.OfConnection, 0, connectors.NotSent},
		{40014, connectors.Unauthorized, connectors.OfConnection, 0, connectors.NotSent},
		{42001, connectors.Unauthorized, connectors.OfConnection, 0, connectors.NotSent},
		{40013, connectors.Unauthorized, connectors.OfConnection, 0, connectors.NotSent},
		{40125, connectors.Unauthorized, connectors.OfConnection, 0, connectors.NotSent},
		{40164, connectors.Forbidden, connectors.OfConnection, 0, connectors.NotSent},
		{48001, connectors.Forbidden, connectors.OfOperation, 0, connectors.NotSent},
		{606034, connectors.Forbidden, connectors.OfDocument, 0, connectors.Refused},
		{44990, connectors.RateLimited, connectors.OfOperation, time.Second, connectors.NotSent},
		{45011, connectors.RateLimited, connectors.OfOperation, 30 * time.Second, connectors.NotSent},
		{45009, connectors.Quota, connectors.OfOperation, 30 * time.Second, connectors.NotSent},
		{47001, connectors.Invalid, connectors.OfDocument, 0, connectors.Refused},
		{100002, connectors.NotFound, connectors.OfDocument, 0, connectors.Refused},
		{108009, connectors.Conflict, connectors.OfDocument, 0, connectors.Refused},
		{109000, connectors.Conflict, connectors.OfDocument, 0, connectors.Refused},
		{77777, connectors.Unclassified, connectors.OfDocument, 0, connectors.Unknown},
	} {
		e := vendorError(c.code, "words rid: 1-2-3", now)
		if e.Kind != c.kind || e.Scope != c.scope || e.Wait != c.wait || outcome(e) != c.outcome {
			t.Errorf("%d: got %s of %s, wait %s, outcome %d; want %+v", c.code, e.Kind, e.Scope, e.Wait, outcome(e), c)
		}
		if e.Code != strconv.FormatInt(c.code, 10) || !strings.Contains(e.Text, "rid: 1-2-3") {
			t.Errorf("%d: code %q, text %q", c.code, e.Code, e.Text)
		}
	}
	// A whole day is left just after midnight in Beijing.
	if e := vendorError(45009, "", time.Date(2026, 1, 1, 16, 0, 0, 0, time.UTC)); e.Wait != 24*time.Hour {
		t.Errorf("quota at midnight waits %s", e.Wait)
	}
}

func TestADeadTokenIsRenewedOnceUnderConcurrency(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	fetchOne(t, s.conn, streamOrders, o.OrderID)
	before := s.calls("cgi-bin/stable_token").Requests
	s.fault(t, simkit.Fault{Call: "order/get", Kind: simkit.TokenExpiry, Count: 1})
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if items, err := s.Fetch(t.Context(), streamOrders, []string{o.OrderID}); err != nil || len(items) != 1 {
				t.Errorf("got %v, %v", items, err)
			}
		})
	}
	wg.Wait()
	// One plain request, and one that forces a renewal if the shop named the dead token again.
	if n := s.calls("cgi-bin/stable_token").Requests - before; n < 1 || n > 2 {
		t.Errorf("%d token requests for one dead token", n)
	}
}

// tokenServer counts token requests and calls a token dead while dead says so.
type tokenServer struct {
	mu     sync.Mutex
	plain  int
	forced int
	given  string
	alive  string
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "stable_token") {
		var ask struct {
			Force bool `json:"force_refresh"`
		}
		_ = json.NewDecoder(r.Body).Decode(&ask)
		if ask.Force {
			s.forced++
			s.given = fmt.Sprintf("forced-%d", s.forced)
		} else {
			s.plain++
		}
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":7200}`, s.given)
		return
	}
	if r.URL.Query().Get("access_token") != s.alive {
		_, _ = w.Write([]byte(`{"errcode":40001,"errmsg":"invalid credential"}`))
		return
	}
	_, _ = w.Write([]byte(`{"order":{"order_id":"1","update_time":5}}`))
}

func TestARenewalIsForcedOnlyForATokenTheShopKeepsGivingOut(t *testing.T) {
	vendor := &tokenServer{given: "one", alive: "one"}
	c := serve(t, vendor)
	fetchOne(t, c, streamOrders, "1")
	// Another program renewed the token: asking plainly yields it.
	vendor.given, vendor.alive = "two", "two"
	fetchOne(t, c, streamOrders, "1")
	if vendor.plain != 2 || vendor.forced != 0 {
		t.Errorf("%d plain and %d forced requests, want 2 and 0", vendor.plain, vendor.forced)
	}
	// The shop gives out a token that it calls dead.
	vendor.alive = "forced-1"
	fetchOne(t, c, streamOrders, "1")
	if vendor.plain != 3 || vendor.forced != 1 {
		t.Errorf("%d plain and %d forced requests, want 3 and 1", vendor.plain, vendor.forced)
	}
	// Within 30 seconds a second forced renewal would do nothing.
	vendor.alive = "nobody"
	_, err := c.Fetch(t.Context(), streamOrders, []string{"1"})
	e := want(t, err, connectors.Unauthorized, connectors.OfConnection)
	if e.Code != "wechatshop.force_refresh" || e.Wait <= 0 || e.Wait > forceEvery || e.Sent {
		t.Errorf("got %+v", e)
	}
	if vendor.forced != 1 {
		t.Errorf("%d forced renewals", vendor.forced)
	}
}

func serve(t testing.TB, h http.Handler) *conn {
	t.Helper()
	server := httptest.NewServer(h)
	c := connect(t, server.URL, map[string]string{"app_id": "wx0000000000000000", "app_secret": "invented"})
	t.Cleanup(func() {
		_ = c.Close()
		server.Close()
	})
	return c
}

func TestForcedRenewalsOfADay(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := &client{now: func() time.Time { return now }}
	for i := range forcePerDay {
		if err := c.spendForce(); err != nil {
			t.Fatalf("renewal %d: %v", i, err)
		}
		now = now.Add(forceEvery)
	}
	if err := c.spendForce(); err == nil || err.Wait != 24*time.Hour-forcePerDay*forceEvery {
		t.Fatalf("got %+v", err)
	}
	now = now.Add(24 * time.Hour)
	if err := c.spendForce(); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsOfARead(t *testing.T) {
	for _, c := range []struct {
		fault simkit.Fault
		kind  connectors.Kind
		scope connectors.Scope
		code  string
	}{
		{simkit.Fault{Kind: simkit.RateLimit}, connectors.RateLimited, connectors.OfOperation, ""},
		{simkit.Fault{Kind: simkit.ErrorBody, Code: "45009"}, connectors.Quota, connectors.OfOperation, "45009"},
		{simkit.Fault{Kind: simkit.ErrorBody, Code: "-1"}, connectors.Unavailable, connectors.OfDocument, "-1"},
		{simkit.Fault{Kind: simkit.Garble}, connectors.Unreadable, connectors.OfDocument, ""},
		{simkit.Fault{Kind: simkit.Status, Status: 403}, connectors.Forbidden, connectors.OfConnection, "http.403"},
		{simkit.Fault{Kind: simkit.Status}, connectors.Unavailable, connectors.OfConnection, "http.503"},
		{simkit.Fault{Kind: simkit.BadGateway}, connectors.Unavailable, connectors.OfConnection, "http.502"},
		{simkit.Fault{Kind: simkit.DropRequest}, connectors.Unavailable, connectors.OfConnection, ""},
		{simkit.Fault{Kind: simkit.DropAnswer}, connectors.Unavailable, connectors.OfConnection, ""},
	} {
		t.Run(string(c.fault.Kind)+c.fault.Code, func(t *testing.T) {
			s := newShop(t, wechatshopsim.Options{})
			o := s.paid(t)
			c.fault.Call, c.fault.Count = "order/get", 1
			s.fault(t, c.fault)
			_, err := s.Fetch(t.Context(), streamOrders, []string{o.OrderID})
			e := want(t, err, c.kind, c.scope)
			if c.code != "" && e.Code != c.code {
				t.Errorf("code %q, want %q", e.Code, c.code)
			}
			if c.kind == connectors.RateLimited && e.Wait <= 0 {
				t.Error("no wait")
			}
			s.hides(t, fmt.Sprintf("%v %+v", err, e.Text+e.Hint))
			fetchOne(t, s.conn, streamOrders, o.OrderID) // and it is over
		})
	}
}

// hides checks that a text shows no credential (Invariant 8).
func (s *shop) hides(t *testing.T, text string) {
	t.Helper()
	for _, name := range []string{"app_secret", "push_token", "encoding_aes_key"} {
		if v := s.creds[name]; v != "" && strings.Contains(text, v) {
			t.Errorf("%s shows in %s", name, text)
		}
	}
	tok, err := s.tokens.Get(t.Context())
	if err == nil && strings.Contains(text, tok.Value.Reveal()) {
		t.Errorf("the access token shows in %s", text)
	}
}

func TestTokenEndpointRefusals(t *testing.T) {
	for code, kind := range map[string]connectors.Kind{"40164": connectors.Forbidden, "40001": connectors.Unauthorized, "40125": connectors.Unauthorized, "45011": connectors.RateLimited} {
		s := newShop(t, wechatshopsim.Options{})
		s.fault(t, simkit.Fault{Call: "cgi-bin/stable_token", Kind: simkit.ErrorBody, Code: code})
		_, err := s.Fetch(t.Context(), streamOrders, []string{"1"})
		if e := want(t, err, kind, connectors.OfConnection); e.Sent || e.Code != code {
			t.Errorf("%s: %+v", code, e)
		}
		if n := s.calls("cgi-bin/stable_token").Requests; n != 1 {
			t.Errorf("%s: %d token requests, want 1", code, n)
		}
	}
}

func TestWrongSecret(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	creds := map[string]string{"app_id": s.creds["app_id"], "app_secret": "wrong"}
	c := connect(t, s.url, creds)
	defer func() { _ = c.Close() }()
	want(t, c.Ping(t.Context()), connectors.Unauthorized, connectors.OfConnection)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("with the right secret: %v", err)
	}
}

func TestACancelledCall(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	fetchOne(t, s.conn, streamOrders, o.OrderID)
	_, err := s.Fetch(cancelled(t), streamOrders, []string{o.OrderID})
	if e := want(t, err, connectors.Unavailable, connectors.OfConnection); e.Code != "http.cancelled" {
		t.Errorf("got %+v", e)
	}
	fresh := connect(t, s.url, s.creds)
	defer func() { _ = fresh.Close() }()
	_, err = fresh.Fetch(cancelled(t), streamOrders, []string{o.OrderID})
	if e := connectors.AsError(err); e.Kind != connectors.Unavailable || e.Sent {
		t.Errorf("without a token: %+v", e)
	}
	// The token's fetch outlives the caller that began it; wait for its end.
	if _, err := fresh.tokens.Get(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfiguration(t *testing.T) {
	c := Connector()
	if _, err := connectors.NewRegistry(c); err != nil {
		t.Fatal(err)
	}
	secret := func(name, value string) connectors.Values {
		return connectors.Values{Text: map[string]string{"app_id": "wx0"},
			Secrets: map[string]connectors.Secret{"app_secret": connectors.NewSecret("s"), name: connectors.NewSecret(value)}}
	}
	both := secret("push_token", "t")
	both.Secrets["encoding_aes_key"] = connectors.NewSecret(strings.Repeat("*", 43))
	short := secret("push_token", "t")
	short.Secrets["encoding_aes_key"] = connectors.NewSecret("short")
	for name, v := range map[string]connectors.Values{
		"token without key": secret("push_token", "t"), "key without token": secret("encoding_aes_key", strings.Repeat("A", 43)),
		"key is no base64": both, "key too short": short,
	} {
		cfg, errs := connectors.NewConfig(c.Config, v)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if _, err := c.OpenConnection(t.Context(), cfg, connectors.Env{}); err == nil || !strings.Contains(err.Error(), "encoding_aes_key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, errs := connectors.NewConfig(c.Config, connectors.Values{}); len(errs) != 2 {
		t.Errorf("want app_id and app_secret named: %v", errs)
	}
}

// A code that no table knows must not look like success.
func TestAnUnknownCode(t *testing.T) {
	c := stub(t, answers(`{"errcode":"918273","errmsg":"who knows rid: 1"}`))
	_, err := c.Fetch(t.Context(), streamOrders, []string{"1"})
	if e := want(t, err, connectors.Unclassified, connectors.OfDocument); e.Code != "918273" {
		t.Errorf("got %+v", e)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"errcode":0,"order":{"order_id":"1","update_time":1}}`, `{"order":null}`, `{"errcode":"-1"}`, `{"order":{"order_id":1e3}}`, `[]`, "\x00", `{"list":[{}],"total_num":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var env envelope
		if json.Unmarshal(body, &env) != nil {
			return
		}
		ans := answer{envelope: env, raw: body}
		for _, member := range []string{"order", "list", "order_id_list", "info"} {
			_, _ = idList(ans, member)
			d := env.object(member)
			if _, ok := d.number("absent"); !ok {
				t.Fatal("a missing number counts as 0")
			}
			if id := d.text("order_id"); strings.ContainsAny(id, ".eE+") && d["order_id"][0] != '"' {
				t.Fatalf("an id that is no whole number: %s", id)
			}
		}
		_, _ = (&conn{}).Summarize(streamOrders, body)
		_, _ = (&conn{}).Summarize(streamAfterSales, body)
		_, _ = parcelsOf(body)
	})
}
