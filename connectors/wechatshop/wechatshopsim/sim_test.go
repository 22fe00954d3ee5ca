package wechatshopsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// clock is a clock that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) forward(d time.Duration) { c.t = c.t.Add(d) }

// client is a caller of one shop, with a token of its own.
type client struct {
	t     *testing.T
	sim   *Sim
	clock *clock
	token string
}

func open(t *testing.T, o Options) *client {
	t.Helper()
	c := &clock{time.Unix(1767190000, 0)}
	if o.Now == nil {
		o.Now = c.now
	}
	s := New(o)
	t.Cleanup(s.Close)
	cl := &client{t: t, sim: s, clock: c}
	cl.token = cl.newToken(false)
	return cl
}

func (c *client) newToken(force bool) string {
	c.t.Helper()
	cred := c.sim.Credentials()
	out := c.send(http.MethodPost, "/cgi-bin/stable_token", map[string]any{
		"grant_type": "client_credential", "appid": cred["app_id"], "secret": cred["app_secret"], "force_refresh": force})
	token, _ := out["access_token"].(string)
	return token
}

// send makes a request and decodes the answer.
func (c *client) send(method, target string, body any) map[string]any {
	c.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case string:
		raw = []byte(b)
	case nil:
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			c.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(raw))
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		c.t.Fatalf("%s: HTTP %d %s", target, w.Code, w.Body)
	}
	d := json.NewDecoder(w.Body)
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		c.t.Fatalf("%s: %v", target, err)
	}
	return out
}

// ec calls /channels/ec/ and returns the answer with its errcode.
func (c *client) ec(path string, body any) (map[string]any, string) {
	c.t.Helper()
	out := c.send(http.MethodPost, "/channels/ec/"+path+"?access_token="+c.token, body)
	return out, string(out["errcode"].(json.Number))
}

// must calls /channels/ec/ and wants success.
func (c *client) must(path string, body any) map[string]any {
	c.t.Helper()
	out, code := c.ec(path, body)
	if code != "0" {
		c.t.Fatalf("%s: %v", path, out)
	}
	return out
}

// dig walks into a decoded document.
func dig(doc any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := doc.(map[string]any)
			doc = m[p]
		case int:
			l, _ := doc.([]any)
			if p >= len(l) {
				return nil
			}
			doc = l[p]
		}
	}
	return doc
}

func num(doc any, path ...any) string {
	n, _ := dig(doc, path...).(json.Number)
	return n.String()
}

func mug(qty int64) OrderSpec { return OrderSpec{Lines: []LineSpec{{SKUCode: "SKU-MUG-01", Qty: qty}}} }

func (c *client) place(spec OrderSpec, pay bool) string {
	c.t.Helper()
	id, err := c.sim.PlaceOrder(spec)
	if err == nil && pay {
		err = c.sim.Pay(id)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

func TestTokens(t *testing.T) {
	c := open(t, Options{})
	first := c.token
	c.clock.forward(time.Hour)
	if got := c.newToken(false); got != first {
		t.Error("a valid token was replaced")
	}
	cred := c.sim.Credentials()
	ask := map[string]any{"grant_type": "client_credential", "appid": cred["app_id"], "secret": cred["app_secret"]}
	if got := num(c.send("POST", "/cgi-bin/stable_token", ask), "expires_in"); got != "3600" {
		t.Errorf("expires_in = %s, want what remains", got)
	}
	c.clock.forward(56 * time.Minute)
	second := c.newToken(false)
	if second == first {
		t.Error("no successor in the last five minutes")
	}
	for _, token := range []string{first, second} {
		c.token = token
		c.must("order/deliverycompanylist/get", map[string]any{})
	}
	c.clock.forward(5 * time.Minute)
	c.token = first
	if _, code := c.ec("order/deliverycompanylist/get", map[string]any{}); code != "42001" {
		t.Errorf("expired token: %s, want 42001", code)
	}
	third := c.newToken(true)
	c.token = second
	if _, code := c.ec("order/deliverycompanylist/get", map[string]any{}); code != "40001" {
		t.Errorf("superseded token: %s, want 40001", code)
	}
	if again := c.newToken(true); again != third {
		t.Error("a forced refresh within 30 seconds refreshed")
	}
	for range 19 {
		c.clock.forward(31 * time.Second)
		c.newToken(true)
	}
	c.clock.forward(31 * time.Second)
	if got := c.newToken(true); got != "" {
		t.Error("the 21st forced refresh of a day was served")
	}
	ask["secret"] = "wrong"
	if got := num(c.send("POST", "/cgi-bin/stable_token", ask), "errcode"); got != "40125" {
		t.Errorf("wrong secret: %s", got)
	}
}

func TestPlainTokenKeepsTheOldOneFiveMinutes(t *testing.T) {
	c := open(t, Options{})
	cred := c.sim.Credentials()
	target := "/cgi-bin/token?grant_type=client_credential&appid=" + cred["app_id"] + "&secret=" + cred["app_secret"]
	first := c.send("GET", target, nil)["access_token"].(string)
	stable := c.token
	c.send("GET", target, nil)
	c.clock.forward(4 * time.Minute)
	for _, token := range []string{first, stable} {
		c.token = token
		c.must("order/deliverycompanylist/get", map[string]any{})
	}
	c.clock.forward(time.Minute)
	c.token = first
	if _, code := c.ec("order/deliverycompanylist/get", map[string]any{}); code != "42001" {
		t.Errorf("old token after five minutes: %s, want 42001", code)
	}
}

func TestStrictRefusals(t *testing.T) {
	c := open(t, Options{})
	now := c.clock.t.Unix()
	span := func(days int64) map[string]any {
		return map[string]any{"start_time": now - days*86400, "end_time": now}
	}
	for name, tc := range map[string]struct {
		path string
		body any
		want string
	}{
		"no body":              {"order/get", nil, "44002"},
		"no JSON":              {"order/get", "{", "47001"},
		"two documents":        {"order/get", `{"order_id":"1"}{}`, "47001"},
		"id as a number":       {"order/get", `{"order_id":3729000000000000517}`, "47001"},
		"unknown field":        {"order/get", `{"orderid":"1"}`, "40097"},
		"missing id":           {"order/get", `{}`, "40097"},
		"no such order":        {"order/get", `{"order_id":"1"}`, "100002"},
		"no window":            {"order/list/get", map[string]any{"page_size": 10}, "40097"},
		"eight days":           {"order/list/get", map[string]any{"page_size": 10, "update_time_range": span(8)}, "40097"},
		"page too large":       {"order/list/get", map[string]any{"page_size": 101, "update_time_range": span(7)}, "40097"},
		"no page size":         {"order/list/get", map[string]any{"update_time_range": span(7)}, "40097"},
		"200 is no filter":     {"order/list/get", map[string]any{"page_size": 10, "update_time_range": span(7), "status": 200}, "40097"},
		"foreign next_key":     {"order/list/get", map[string]any{"page_size": 10, "update_time_range": span(7), "next_key": "AAAA"}, "606006"},
		"two days":             {"aftersale/getaftersalelist", map[string]any{"begin_update_time": now - 2*86400, "end_update_time": now}, "40097"},
		"half a pair":          {"aftersale/getaftersalelist", map[string]any{"begin_update_time": now - 3600}, "40097"},
		"page size of a list":  {"aftersale/getaftersalelist", map[string]any{"begin_update_time": now - 3600, "end_update_time": now, "page_size": 10}, "40097"},
		"31 products":          {"product/list/get", map[string]any{"page_size": 31}, "9401020"},
		"no such product":      {"product/get", map[string]any{"product_id": "1"}, "9401002"},
		"page 0":               {"vip/user/list/get", map[string]any{"page_num": 0, "page_size": 10}, "40097"},
		"foreign openid":       {"vip/user/info/get", map[string]any{"openid": "nobody"}, "40003"},
		"unknown call":         {"order/nosuch", `{}`, "40066"},
		"a score as a number":  {"vip/user/score/increase", map[string]any{"openid": "x", "score": 5}, "47001"},
		"search without terms": {"order/search", map[string]any{"page_size": 10, "search_condition": map[string]any{}}, "40097"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, code := c.ec(tc.path, tc.body); code != tc.want {
				t.Errorf("got %v, want %s", out, tc.want)
			} else if !strings.Contains(out["errmsg"].(string), " rid: ") {
				t.Errorf("no rid in %v", out)
			}
		})
	}
	refused := 0
	for _, n := range c.sim.Calls() {
		refused += n.Refused
	}
	if refused != 23 {
		t.Errorf("%d refusals counted, want 23", refused)
	}
	if got := num(c.send("GET", "/channels/ec/order/get?access_token="+c.token, nil), "errcode"); got != "43002" {
		t.Errorf("GET on a POST call: %s", got)
	}
	if got := num(c.send("POST", "/channels/ec/basics/info/get?access_token="+c.token, `{}`), "errcode"); got != "43001" {
		t.Errorf("POST on a GET call: %s", got)
	}
	if got := num(c.send("POST", "/channels/ec/order/get", `{}`), "errcode"); got != "41001" {
		t.Errorf("no token: %s", got)
	}
}

func TestLimitsPerMinuteAndDay(t *testing.T) {
	c := open(t, Options{Options: simkit.Options{LimitScale: 0.0003}}) // 3 a minute, 150 a day
	body := map[string]any{}
	for range 3 {
		c.must("order/deliverycompanylist/get", body)
	}
	if _, code := c.ec("order/deliverycompanylist/get", body); code != "45011" {
		t.Errorf("the fourth call of a minute: %s, want 45011", code)
	}
	for range 49 {
		c.clock.forward(time.Minute)
		for range 3 {
			c.must("order/deliverycompanylist/get", body)
		}
	}
	c.clock.forward(time.Minute)
	if _, code := c.ec("order/deliverycompanylist/get", body); code != "45009" {
		t.Errorf("call 151 of a day: %s, want 45009", code)
	}
	if got := c.sim.Calls(); got[1].RateLimited != 2 {
		t.Errorf("rate limited counted %+v, want 2", got[1])
	}
}

func TestFaultsSpeakTheShopsWords(t *testing.T) {
	faults := simkit.NewFaults(1)
	c := open(t, Options{Options: simkit.Options{Faults: faults}})
	for _, tc := range []struct {
		fault simkit.Fault
		want  string
	}{
		{simkit.Fault{Kind: simkit.RateLimit, Call: "order/get", Count: 1}, "45011"},
		{simkit.Fault{Kind: simkit.ErrorBody, Call: "order/get", Count: 1}, "-1"},
		{simkit.Fault{Kind: simkit.ErrorBody, Call: "order/get", Code: "40164", Count: 1}, "40164"},
		{simkit.Fault{Kind: simkit.TokenExpiry, Call: "order/get", Count: 1}, "42001"},
	} {
		if _, err := faults.Add(tc.fault); err != nil {
			t.Fatal(err)
		}
		if out, code := c.ec("order/get", map[string]any{"order_id": "1"}); code != tc.want {
			t.Errorf("%s: %v, want %s", tc.fault.Kind, out, tc.want)
		}
	}
	c.token = c.newToken(false)
	id := c.place(mug(1), true)
	window := map[string]any{"page_size": 10, "update_time_range": map[string]any{"start_time": c.clock.t.Unix(), "end_time": c.clock.t.Unix() + 1}}
	if _, err := faults.Add(simkit.Fault{Kind: simkit.Lag, DelayMS: 5000}); err != nil {
		t.Fatal(err)
	}
	if got := c.must("order/list/get", window)["order_id_list"].([]any); len(got) != 0 {
		t.Errorf("an order younger than the lag is listed: %v", got)
	}
	if _, code := c.ec("order/get", map[string]any{"order_id": id}); code != "100002" {
		t.Errorf("an order younger than the lag is shown: %s", code)
	}
	c.clock.forward(6 * time.Second)
	if got := c.must("order/list/get", window)["order_id_list"].([]any); len(got) != 1 {
		t.Errorf("after the lag: %v", got)
	}
}
