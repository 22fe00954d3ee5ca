package wechatshop

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// The vendor's published example ("消息推送", safe mode).
const (
	vectorEncrypt = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
	vectorMessage = `{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}`
	vectorApp     = "wxba5fad812f8e6fb9"
)

func vectorPush(t testing.TB) *push {
	key, err := decodeAESKey(connectors.NewSecret(strings.Repeat("A", 43)))
	if err != nil {
		t.Fatal(err)
	}
	return &push{token: connectors.NewSecret("AAAAA"), key: key, appID: vectorApp}
}

func TestPublishedVectors(t *testing.T) {
	p := vectorPush(t)
	if !p.signed("f464b24fc39322e44b38aa78f5edd27bd1441696", "1714036504", "1514711492") {
		t.Error("URL verification")
	}
	if !p.signed("046e02f8204d34f8ba5fa3b1db94908f3df2e9b3", "1714112445", "415670741", vectorEncrypt) {
		t.Error("msg_signature")
	}
	msg, err := p.open(vectorEncrypt)
	if err != nil || string(msg) != vectorMessage {
		t.Errorf("got %s, %v", msg, err)
	}
}

func get(query string) connectors.Request {
	q, _ := url.ParseQuery(query)
	return connectors.Request{Method: http.MethodGet, Query: q}
}

func post(query, body string) connectors.Request {
	q, _ := url.ParseQuery(query)
	return connectors.Request{Method: http.MethodPost, Query: q, Body: []byte(body)}
}

func TestHandshake(t *testing.T) {
	c := &conn{push: vectorPush(t)}
	rcv, err := c.Receive(t.Context(), get("signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492&echostr=4375120948345356249"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Reply(connectors.Stored, rcv, nil); got.Status != 200 || string(got.Body) != "4375120948345356249" {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	_, err = c.Receive(t.Context(), get("signature=0&timestamp=1714036504&nonce=1514711492&echostr=1"))
	want(t, err, connectors.Unauthorized, connectors.OfDocument)
}

const vectorQuery = "signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=415670741&encrypt_type=aes&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"

func TestForgedPushes(t *testing.T) {
	c := &conn{push: vectorPush(t)}
	body := `{"ToUserName":"gh_97417a04a28d","Encrypt":"` + vectorEncrypt + `"}`
	if rcv, err := c.Receive(t.Context(), post(vectorQuery, body)); err != nil || len(rcv.Items) != 0 {
		t.Fatalf("the vendor's own example: %v, %v", rcv, err)
	}
	other := &conn{push: vectorPush(t)}
	other.push.appID = "wx0000000000000000"
	for name, try := range map[string]struct {
		c   *conn
		req connectors.Request
	}{
		"another body under the same signature": {c, post(vectorQuery, strings.Replace(body, "+qdx", "+qdy", 1))},
		"only the plain signature":              {c, post(strings.Split(vectorQuery, "&msg_")[0], body)},
		"plain mode":                            {c, post(vectorQuery, vectorMessage)},
		"no JSON":                               {c, post(vectorQuery, "<xml/>")},
		"another app":                           {other, post(vectorQuery, body)},
		"no push configured":                    {&conn{}, post(vectorQuery, body)},
	} {
		t.Run(name, func(t *testing.T) {
			rcv, err := try.c.Receive(t.Context(), try.req)
			want(t, err, connectors.Unauthorized, connectors.OfDocument)
			if got := try.c.Reply(connectors.Bad, rcv, err); got.Status != http.StatusForbidden || len(rcv.Items) > 0 {
				t.Errorf("answered %d with %v", got.Status, rcv.Items)
			}
		})
	}
}

func TestOpenRefusesBrokenMessages(t *testing.T) {
	p := vectorPush(t)
	for name, plain := range map[string][]byte{
		"padding 0":          append(make([]byte, 31), 0),
		"padding 33":         append(make([]byte, 31), 33),
		"shorter than head":  pad(make([]byte, 10)),
		"length too large":   pad(frame(9999, "{}", vectorApp)),
		"length too small":   pad(frame(1, "{}", vectorApp)),
		"trailing app id":    pad(frame(2, "{}", vectorApp+"x")),
		"no app id":          pad(frame(2, "{}", "")),
		"length beyond int":  pad(frame(0xffffffff, "{}", vectorApp)),
		"pad beyond message": append(make([]byte, 15), 32),
	} {
		if msg, err := p.open(seal(p, plain)); err == nil {
			t.Errorf("%s: opened %q", name, msg)
		}
	}
	for _, bad := range []string{"", "!", "AAAA"} {
		if _, err := p.open(bad); err == nil {
			t.Errorf("opened %q", bad)
		}
	}
	// A message whose padding is a whole block of 32.
	body := strings.Repeat("x", 64-20-len(vectorApp))
	if msg, err := p.open(seal(p, pad(frame(uint32(len(body)), body, vectorApp)))); err != nil || string(msg) != body {
		t.Errorf("a whole block of padding: %q, %v", msg, err)
	}
}

func frame(size uint32, msg, app string) []byte {
	b := make([]byte, 16, 64)
	b = binary.BigEndian.AppendUint32(b, size)
	return append(append(b, msg...), app...)
}

func pad(b []byte) []byte {
	n := 32 - len(b)%32
	for range n {
		b = append(b, byte(n))
	}
	return b
}

func seal(p *push, b []byte) string {
	c, err := aes.NewCipher(p.key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(b))
	cipher.NewCBCEncrypter(c, p.key[:16]).CryptBlocks(out, b)
	return base64.StdEncoding.EncodeToString(out)
}

func TestEventsBecomeHints(t *testing.T) {
	for name, c := range map[string]struct {
		msg  string
		want []connectors.Item
	}{
		"number id": {`{"Event":"channels_ec_order_new","order_info":{"order_id":3729000000000000517}}`, []connectors.Item{{Stream: "orders", Key: "3729000000000000517"}}},
		"text id":   {`{"Event":"channels_ec_order_pay","order_info":{"order_id":"3729000000000000517","pay_time":"1"}}`, []connectors.Item{{Stream: "orders", Key: "3729000000000000517"}}},
		"status":    {`{"Event":"product_order_status_update","ProductOrderStatusUpdate":{"order_id":5,"status":20}}`, []connectors.Item{{Stream: "orders", Key: "5"}}},
		"after-sale": {`{"Event":"channels_ec_aftersale_update","FromUserName":"OpenID","finder_shop_aftersale_status_update":{"after_sale_order_id":"20","order_id":"37"}}`,
			[]connectors.Item{{Stream: "after_sales", Key: "20", Root: "37"}}},
		"complaint without after-sale": {`{"Event":"channels_ec_complaint_update","finder_shop_complaint":{"complaint_id":"1","order_id":"37"}}`, []connectors.Item{{Stream: "orders", Key: "37"}}},
		"member":                       {`{"Event":"channels_ec_vip_join","FromUserName":"oX","user_info":{"join_time":1}}`, []connectors.Item{{Stream: "members", Key: "oX"}}},
		"member in the payload":        {`{"Event":"channels_ec_vip_close","FromUserName":"OpenID","user_info":{"openid":"oY"}}`, []connectors.Item{{Stream: "members", Key: "oY"}}},
		"member of nobody":             {`{"Event":"channels_ec_vip_user_info_get","FromUserName":"OpenID","info":{}}`, nil},
		"something else":               {`{"Event":"channels_ec_coupon_receive","receive_info":{"coupon_id":"1"}}`, nil},
	} {
		got, err := hints([]byte(c.msg))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, msg := range []string{``, `[]`, `{}{}`, `{"order_info":{"order_id":3.7e18}}`, `{"order_info":{}}`} {
		if items, err := hints([]byte(msg)); err == nil || err.Kind != connectors.Unreadable || string(err.Raw) != msg {
			t.Errorf("%q: %v, %+v", msg, items, err)
		}
	}
	c := &conn{}
	if got := c.Reply(connectors.Bad, connectors.Received{}, &connectors.Error{Kind: connectors.Unreadable}); got.Status != http.StatusBadRequest {
		t.Errorf("answered %d", got.Status)
	}
	if got := c.Reply(connectors.Bad, connectors.Received{}, errors.New("x")); got.Status != http.StatusBadRequest {
		t.Errorf("answered %d", got.Status)
	}
}

// intake is a hub that stores hints, or is busy for the first few.
type intake struct {
	c    *conn
	mu   sync.Mutex
	busy int
	got  map[string]int
	bad  int
}

func (in *intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rcv, err := in.c.Receive(r.Context(), connectors.Request{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body})
	in.mu.Lock()
	defer in.mu.Unlock()
	verdict := connectors.Stored
	switch {
	case err != nil:
		verdict = connectors.Bad
		in.bad++
	case rcv.Answer == nil && in.busy > 0:
		verdict = connectors.Busy
		in.busy--
	default:
		for _, item := range rcv.Items {
			in.got[item.Stream+" "+item.Key]++
		}
	}
	resp := in.c.Reply(verdict, rcv, err)
	w.WriteHeader(resp.Status)
	_, _ = w.Write(resp.Body)
}

func TestThePushOfAShop(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{Push: wechatshopsim.PushOptions{Waits: []time.Duration{time.Millisecond, time.Millisecond}}})
	in := &intake{c: s.conn, busy: 2, got: map[string]int{}}
	server := httptest.NewServer(in)
	defer server.Close()
	if err := s.sim.Subscribe(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
	o := s.paid(t)
	after, err := s.sim.PartialRefund(o.OrderID, 0, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	openID, err := s.sim.Join(wechatshopsim.Member{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.sim.DrainPushes(ctx); err != nil {
		t.Fatal(err)
	}
	in.mu.Lock()
	for _, key := range []string{"orders " + o.OrderID, "after_sales " + after, "members " + openID} {
		if in.got[key] == 0 {
			t.Errorf("no hint of %s in %v", key, in.got)
		}
	}
	bad := in.bad
	in.mu.Unlock()
	stats := s.sim.Pushes()
	if bad != 0 || stats.Failed != 2 || stats.Delivered != stats.Emitted || stats.GivenUp != 0 {
		t.Errorf("%d bad, %+v: want two busy answers and every event delivered in the end", bad, stats)
	}
	// A push whose signature does not fit is refused.
	s.fault(t, simkit.Fault{Call: "push", Kind: simkit.Garble, Count: 1})
	if err := s.sim.Confirm(s.shipped(t)); err != nil {
		t.Fatal(err)
	}
	if err := s.sim.DrainPushes(ctx); err != nil {
		t.Fatal(err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.bad == 0 {
		t.Error("a forged push was taken")
	}
}

func (s *shop) shipped(t *testing.T) string {
	o := s.paid(t)
	if err := s.sim.Ship(o.OrderID, "", ""); err != nil {
		t.Fatal(err)
	}
	return o.OrderID
}

func FuzzReceive(f *testing.F) {
	f.Add(vectorQuery, `{"Encrypt":"`+vectorEncrypt+`"}`)
	f.Add("msg_signature=&timestamp=&nonce=", `{"Encrypt":""}`)
	f.Add("", vectorMessage)
	c := &conn{push: vectorPush(f)}
	f.Fuzz(func(t *testing.T, query, body string) {
		rcv, err := c.Receive(t.Context(), post(query, body))
		if err != nil && len(rcv.Items) > 0 {
			t.Fatal("items beside an error")
		}
		_, _ = c.push.open(body)
		if items, err := hints([]byte(body)); err == nil {
			for _, item := range items {
				if item.Key == "" || item.Stream == "" {
					t.Fatalf("a hint without a key: %+v", item)
				}
			}
		}
	})
}

// A trace of a platform waybill is about nothing that a stream carries: it is answered so
// that the shop does not come again.
func TestTracesOfPlatformWaybillsAreAnswered(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	var seen atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.Add(1)
		rcv, err := s.Receive(r.Context(), connectors.Request{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body})
		if err != nil || len(rcv.Items) != 0 {
			t.Errorf("got %+v, %v", rcv, err)
		}
		answer := s.Reply(connectors.Stored, rcv, nil)
		w.WriteHeader(answer.Status)
		_, _ = w.Write(answer.Body)
	}))
	defer server.Close()
	s.sim.SetPushURL(server.URL)
	s.sim.Push("ewaybill_push_path", "OpenID", "waybill_info", map[string]any{
		"ewaybill_order_id": json.Number("3729000000000000999"), "waybill_id": "SF0000000000001", "update_time": 1767190062, "status": 5, "desc": "已签收",
	})
	if err := s.sim.DrainPushes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.sim.Pushes(); seen.Load() != 1 || n.Delivered != 1 || n.Failed != 0 {
		t.Errorf("seen %d times, %+v", seen.Load(), n)
	}
}
