package wechatshopsim

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The vectors of the vendor's page "消息推送".
func TestPublishedVectors(t *testing.T) {
	const token = "AAAAA"
	if got := sign(token, "1714036504", "1514711492"); got != "f464b24fc39322e44b38aa78f5edd27bd1441696" {
		t.Errorf("URL verification: %s", got)
	}
	if got := sign(token, "1714037059", "486452656"); got != "899cf89e464efb63f54ddac96b0a0a235f53aa78" {
		t.Errorf("plain POST: %s", got)
	}
	key, err := pushKey("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ random, msg, stamp, nonce, secret, signature string }{
		{
			"a8eedb185eb2fecf", `{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}`,
			"1714112445", "415670741",
			"+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=",
			"046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
		},
		{
			"707722b803182950", `{"demo_resp":"good luck"}`, "1713424427", "415670741",
			"ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==", "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",
		},
	} {
		got, err := seal(key, []byte(v.random), v.msg, "wxba5fad812f8e6fb9")
		if err != nil || got != v.secret {
			t.Errorf("seal: %v\n%s", err, got)
		}
		if got := sign(token, v.stamp, v.nonce, got); got != v.signature {
			t.Errorf("msg_signature: %s", got)
		}
	}
}

// hub receives pushes as a hub would.
type hub struct {
	t     *testing.T
	sim   *Sim
	mu    sync.Mutex
	seen  []map[string]any
	forge int
	fail  int // answer so many requests with 500
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, cred := r.URL.Query(), h.sim.Credentials()
	token, stamp, nonce := cred["push_token"], q.Get("timestamp"), q.Get("nonce")
	if q.Get("signature") != sign(token, stamp, nonce) {
		http.Error(w, "bad signature", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, q.Get("echostr"))
		return
	}
	var body struct{ ToUserName, Encrypt string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		h.t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.Get("msg_signature") != sign(token, stamp, nonce, body.Encrypt) {
		h.forge++
		http.Error(w, "forged", http.StatusForbidden)
		return
	}
	if h.fail > 0 {
		h.fail--
		http.Error(w, "busy", http.StatusInternalServerError)
		return
	}
	msg, err := unseal(cred["encoding_aes_key"], cred["app_id"], body.Encrypt)
	if err != nil {
		h.t.Error(err)
	}
	d := json.NewDecoder(bytes.NewReader(msg))
	d.UseNumber()
	var event map[string]any
	if err := d.Decode(&event); err != nil {
		h.t.Error(err)
	}
	h.seen = append(h.seen, event)
	_, _ = io.WriteString(w, "success")
}

func unseal(aesKey, appID, text string) ([]byte, error) {
	key, err := pushKey(aesKey)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw)%32 != 0 {
		return nil, fmt.Errorf("%d bytes: %w", len(raw), err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(raw, raw)
	raw = raw[:len(raw)-int(raw[len(raw)-1])]
	n := int(binary.BigEndian.Uint32(raw[16:]))
	if got := string(raw[20+n:]); got != appID {
		return nil, errors.New("for another app: " + got)
	}
	return raw[20 : 20+n], nil
}

func (h *hub) events() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, e := range h.seen {
		out = append(out, e["Event"].(string))
	}
	return out
}

func subscribed(t *testing.T, o Options) (*client, *hub) {
	t.Helper()
	o.Push.Workers = 1
	if o.Push.Waits == nil {
		o.Push.Waits = []time.Duration{0, 0, 0}
	}
	c := open(t, o)
	h := &hub{t: t, sim: c.sim}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	if err := c.sim.Subscribe(t.Context(), srv.URL+"/push"); err != nil {
		t.Fatal(err)
	}
	return c, h
}

func (c *client) drain() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	if err := c.sim.DrainPushes(ctx); err != nil {
		c.t.Fatal(err)
	}
}

func TestEventsOfAnOrder(t *testing.T) {
	c, h := subscribed(t, Options{})
	id := c.place(mug(2), true)
	if _, err := c.sim.PartialRefund(id, 0, 1, 0); err != nil {
		t.Fatal(err)
	}
	if err := c.sim.Ship(id, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := c.sim.Confirm(id); err != nil {
		t.Fatal(err)
	}
	if err := c.sim.Cancel(c.place(mug(1), false)); err != nil {
		t.Fatal(err)
	}
	if err := c.sim.ChangeScore(c.sim.Members()[0].OpenID, 5, "x"); err != nil {
		t.Fatal(err)
	}
	c.drain()
	want := []string{"channels_ec_order_new", "channels_ec_order_pay", "channels_ec_aftersale_update", "channels_ec_aftersale_update",
		"channels_ec_order_deliver", "channels_ec_order_confirm", "channels_ec_order_new", "channels_ec_order_cancel", "channels_ec_vip_score_update"}
	if diff := cmp.Diff(want, h.events()); diff != "" {
		t.Fatal(diff)
	}
	if got := dig(h.seen[0], "order_info", "order_id"); got != json.Number(id) {
		t.Errorf("order_new shows %#v, want a number", got)
	}
	if got := dig(h.seen[1], "order_info", "order_id"); got != id {
		t.Errorf("order_pay shows %#v, want text", got)
	}
	if dig(h.seen[2], "FromUserName") != "OpenID" || dig(h.seen[2], "finder_shop_aftersale_status_update", "status") != "MERCHANT_PROCESSING" {
		t.Errorf("after-sale event: %v", h.seen[2])
	}
}

func TestPushesAreRetriedAndGivenUp(t *testing.T) {
	c, h := subscribed(t, Options{})
	h.fail = 3
	c.place(mug(1), false)
	c.drain()
	if got := c.sim.Pushes(); got.Delivered != 1 || got.Sent != 4 || got.Failed != 3 || got.GivenUp != 0 {
		t.Errorf("after three failures: %+v", got)
	}
	h.mu.Lock()
	h.fail = 100
	h.mu.Unlock()
	c.place(mug(1), false)
	c.drain()
	if got := c.sim.Pushes(); got.GivenUp != 1 || got.Sent != 8 || got.Queued != 0 {
		t.Errorf("after the last retry: %+v", got)
	}
}

func TestPushFaults(t *testing.T) {
	faults := simkit.NewFaults(1)
	c, h := subscribed(t, Options{Options: simkit.Options{Faults: faults}})
	for _, tc := range []struct {
		kind simkit.Kind
		want []string
	}{
		{simkit.Duplicate, []string{"channels_ec_order_new", "channels_ec_order_new", "channels_ec_order_pay"}},
		{simkit.Reorder, []string{"channels_ec_order_pay", "channels_ec_order_new"}},
		{simkit.DropRequest, []string{"channels_ec_order_pay"}},
		{simkit.Garble, []string{"channels_ec_order_pay"}},
	} {
		if _, err := faults.Add(simkit.Fault{Kind: tc.kind, Call: "push", Count: 1}); err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		h.seen = nil
		h.mu.Unlock()
		c.place(mug(1), true)
		c.drain()
		if diff := cmp.Diff(tc.want, h.events()); diff != "" {
			t.Errorf("%s: %s", tc.kind, diff)
		}
	}
	if h.forge != 4 {
		t.Errorf("%d forged requests, want one and three retries", h.forge)
	}
}

func TestSubscribeWantsTheBareEchostr(t *testing.T) {
	c := open(t, Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%q", r.URL.Query().Get("echostr"))
	}))
	defer srv.Close()
	if err := c.sim.Subscribe(t.Context(), srv.URL); err == nil {
		t.Error("a quoted echostr was accepted")
	}
	c.place(mug(1), false)
	if got := c.sim.Pushes(); got.Emitted != 1 || got.Queued != 0 {
		t.Errorf("without a URL nothing is queued: %+v", got)
	}
}
