package jushuitansim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestSignVectors(t *testing.T) {
	order := `[{"shop_id":10001,"so_id":"WX202501010001","order_date":"2025-01-01 10:00:00","shop_status":"WAIT_SELLER_SEND_GOODS","shop_buyer_id":"买家A"}]`
	for want, form := range map[string]map[string]string{
		"d6f4e7af09bc33318d17ef497d1d3636": {"app_key": "demoAppKey", "access_token": "demoToken", "timestamp": "1735696800", "charset": "utf-8", "version": "2", "biz": order},
		"14489f0bb040f66da98914e482b7e71d": {"app_key": "demoAppKey", "charset": "utf-8", "code": "a1b2c3", "grant_type": "authorization_code", "timestamp": "1735696800", "sign": "ignored", "empty": ""},
	} {
		if got := sign("demoSecret0001", form); got != want {
			t.Errorf("sign = %s, want %s", got, want)
		}
	}
	q := url.Values{"method": {"logistics.upload"}, "partnerid": {"demoPartner"}, "ts": {"1735696800"}, "token": {"demoToken"}}
	if got := callbackSign(q, "erp"); got != "edb45483d0bb6a15e20f96a98cab08ed" {
		t.Errorf("callback sign = %s", got)
	}
}

func TestRefusalsBeforeTheBody(t *testing.T) {
	shift := func(d time.Duration) func(map[string]string) {
		return func(f map[string]string) {
			f["timestamp"] = fmt.Sprint(time.Date(2025, 1, 2, 3, 0, 0, 0, time.UTC).Add(d).Unix())
		}
	}
	set := func(k, v string) func(map[string]string) { return func(f map[string]string) { f[k] = v } }
	drop := func(k string) func(map[string]string) { return func(f map[string]string) { delete(f, k) } }
	for _, tc := range []struct {
		name string
		edit func(map[string]string)
		code int
	}{
		{"late", shift(-15*time.Minute - time.Second), 140},
		{"early", shift(15*time.Minute + time.Second), 140},
		{"just in time", shift(-15 * time.Minute), 0},
		{"milliseconds", set("timestamp", "1735786800000"), 140},
		{"unknown app", set("app_key", "somebody"), 10},
		{"wrong token", set("access_token", "stale"), 100},
		{"no token", drop("access_token"), 130},
		{"no biz", drop("biz"), 130},
		{"unknown form field", set("format", "json"), 130},
		{"wrong charset", set("charset", "gbk"), 130},
		{"wrong version", set("version", "1"), 130},
		{"biz not JSON", set("biz", "{"), 130},
		{"two documents", set("biz", "{}{}"), 130},
		{"biz not an object", set("biz", "[]"), 130},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := start(t, Options{})
			if a := b.post("/open/shops/query", b.form("{}", tc.edit)); a.Code != tc.code || a.http != 200 {
				t.Fatalf("code %d (HTTP %d) %s, want %d", a.Code, a.http, a.Msg, tc.code)
			}
			if n := b.count("shops/query").Refused; (n == 1) != (tc.code != 0) {
				t.Errorf("refused %d times", n)
			}
		})
	}
}

func TestWrongSignatureComesBeforeWrongToken(t *testing.T) {
	b := start(t, Options{})
	f := b.form("{}", func(f map[string]string) { f["access_token"] = "stale" })
	f.Set("sign", strings.ToUpper(f.Get("sign")))
	if a := b.post("/open/shops/query", f); a.Code != 10 {
		t.Fatalf("code %d", a.Code)
	}
}

func TestHTTPShape(t *testing.T) {
	b := start(t, Options{})
	if a := b.post("/open/nothing", b.form("{}")); a.http != http.StatusNotFound {
		t.Errorf("unknown path: HTTP %d", a.http)
	}
	res, err := http.Get(b.url + "/open/shops/query?" + b.form("{}").Encode())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: HTTP %d", res.StatusCode)
	}
	res, err = http.Post(b.url+"/open/shops/query", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("JSON body: HTTP %d", res.StatusCode)
	}
	twice := b.form("{}")
	twice.Add("version", "2")
	if a := b.post("/open/shops/query", twice); a.Code != 130 {
		t.Errorf("field twice: code %d", a.Code)
	}
}

func TestDenied(t *testing.T) {
	b := start(t, Options{Denied: []string{"shops/query"}})
	if a := b.call("/open/shops/query", "{}"); a.Code != 190 {
		t.Fatalf("code %d", a.Code)
	}
}

// At K=1 the sixth call of a second and the 101st of a minute are refused, and
// counted as the caller's own fault.
func TestLimits(t *testing.T) {
	b := start(t, Options{Options: simkit.Options{LimitScale: 1}})
	ask := func() int { return b.call("/open/shops/query", "{}").Code }
	for i := range 5 {
		if c := ask(); c != 0 {
			t.Fatalf("call %d: code %d", i, c)
		}
	}
	if c := ask(); c != 199 {
		t.Fatalf("sixth call: code %d", c)
	}
	b.clock.add(time.Second)
	for i := range 95 {
		if i%5 == 0 {
			b.clock.add(time.Second)
		}
		if c := ask(); c != 0 {
			t.Fatalf("call %d of the minute: code %d", i+6, c)
		}
	}
	b.clock.add(time.Second)
	if c := ask(); c != 200 {
		t.Fatalf("101st call: code %d", c)
	}
	if n := b.count("shops/query"); n.RateLimited != 2 || n.Refused != 2 {
		t.Errorf("counted %+v", n)
	}
	b.clock.add(time.Minute)
	if c := ask(); c != 0 {
		t.Fatalf("next minute: code %d", c)
	}
}

func TestLimitRollsOverTheSecond(t *testing.T) {
	l := limiter{perSecond: 5, perMinute: 100}
	at := time.Date(2025, 1, 1, 0, 0, 0, 900e6, time.UTC)
	for range 5 {
		if r := l.take(at); r != nil {
			t.Fatal(r.code)
		}
	}
	if r := l.take(at.Add(200 * time.Millisecond)); r == nil || r.code != 199 {
		t.Fatalf("a new calendar second must not help: %+v", r)
	}
	if r := l.take(at.Add(time.Second)); r != nil {
		t.Fatal("a full second later must be free")
	}
}

func TestTokens(t *testing.T) {
	b := start(t, Options{TokenTTL: time.Hour})
	ask := func(path string, f map[string]string) (answer, string) {
		f["app_key"], f["charset"], f["timestamp"] = b.opts.AppKey, "utf-8", fmt.Sprint(b.clock.now().Unix())
		a := b.post("/openWeb/auth/"+path, b.signed(f))
		return a, b.Credentials()["access_token"]
	}
	first := b.Credentials()["access_token"]
	if a, got := ask("getInitToken", map[string]string{"grant_type": "authorization_code", "code": "a1b2c3"}); a.Code != 0 || got != first || !strings.Contains(string(a.Data), `"expires_in":3600`) {
		t.Fatalf("init token: %+v", a)
	}
	if a, _ := ask("getInitToken", map[string]string{"grant_type": "authorization_code", "code": "12345"}); a.Code != 130 {
		t.Errorf("five characters: code %d", a.Code)
	}
	b.clock.add(time.Hour)
	if a := b.call("/open/shops/query", "{}"); a.Code != 100 || !strings.Contains(a.Msg, "access_token已过期") {
		t.Fatalf("expired: %+v", a)
	}
	old := b.Credentials()["refresh_token"]
	refresh := map[string]string{"grant_type": "refresh_token", "refresh_token": old, "scope": "all"}
	if a, got := ask("refreshToken", refresh); a.Code != 0 || got == first {
		t.Fatalf("refresh: %+v", a)
	}
	if a := b.call("/open/shops/query", "{}"); a.Code != 0 {
		t.Fatalf("after refresh: code %d", a.Code)
	}
	if a, _ := ask("refreshToken", refresh); a.Code != 100 {
		t.Errorf("a refresh token works once: code %d", a.Code)
	}
	if a, _ := ask("accessToken", map[string]string{"grant_type": "authorization_code", "code": AuthCode}); a.Code != 190 {
		t.Errorf("self-built app at accessToken: code %d", a.Code)
	}
}

func TestServiceProviderTokens(t *testing.T) {
	b := start(t, Options{ISV: true})
	f := map[string]string{"app_key": b.opts.AppKey, "charset": "utf-8", "timestamp": fmt.Sprint(b.clock.now().Unix()),
		"grant_type": "refresh_token", "refresh_token": b.Credentials()["refresh_token"], "scope": "all"}
	if a := b.post("/openWeb/auth/refreshToken", b.signed(f)); a.Code != 150 {
		t.Errorf("refresh: code %d", a.Code)
	}
	delete(f, "refresh_token")
	delete(f, "scope")
	delete(f, "sign")
	f["grant_type"], f["code"] = "authorization_code", AuthCode
	if a := b.post("/openWebIsv/auth/accessToken", b.signed(f)); a.Code != 0 {
		t.Errorf("code exchange: %+v", a)
	}
}

func TestFaultsInTheVendorsWords(t *testing.T) {
	b := start(t, Options{})
	b.fault(simkit.Fault{Kind: simkit.RateLimit, Call: "shops/query", Count: 1})
	b.fault(simkit.Fault{Kind: simkit.ErrorBody, Code: "110", Call: "orders/single/query", Count: 1})
	b.fault(simkit.Fault{Kind: simkit.TokenExpiry, Call: "logistic/query", Count: 1})
	if a := b.call("/open/shops/query", "{}"); a.Code != 199 || a.http != 200 {
		t.Errorf("rate limit: %+v", a)
	}
	if a := b.call(queryPath, "{}"); a.Code != 110 || a.http != 200 {
		t.Errorf("error body: %+v", a)
	}
	if a := b.call("/open/logistic/query", `{"so_ids":["x"]}`); a.Code != 100 {
		t.Errorf("token expiry: %+v", a)
	}
	if c := b.count("shops/query"); c.RateLimited != 0 || c.Faulted != 1 {
		t.Errorf("an injected fault is not the caller's own: %+v", c)
	}
}

func FuzzBody(f *testing.F) {
	f.Add("app_key=a&biz=%5B%7B%7D%5D&charset=utf-8")
	f.Add("biz=%5B%7B%22items%22%3A%5B1%5D%2C%22shop_id%22%3A1e9%7D%5D")
	f.Add("a=%zz&&;=")
	s := New(Options{Options: simkit.Options{LimitScale: 1e6}})
	f.Fuzz(func(t *testing.T, body string) {
		form, ref := decodeForm(body)
		if ref != nil {
			return
		}
		v, err := decodeBiz(form["biz"])
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, call := range []func(string, any) (any, *refusal){s.ordersUpload, s.orderCancel, s.ordersQuery, s.afterSaleUpload,
			s.afterSaleQuery, s.inventoryQuery, s.logisticQuery, s.shopsQuery, s.carriersQuery} {
			data, ref := call("fuzz", v)
			if (data == nil) == (ref == nil) {
				t.Fatal("a call answers data or a refusal, never both or neither")
			}
		}
	})
}
