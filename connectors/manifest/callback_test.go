package manifest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

const hooks = `
errors: {ok: body.code == 0}
streams:
  orders:
    entity: order
    key: row.id
    root: row.order
    fetch: {get: "/o/{{ key }}", rows: body.data}
    unlisted: none
callbacks:
  test:
    path: /hello
    unsigned: it only tests the address
    handshake: {when: query.echo != nil, reply: {body: "{{ query.echo }}"}}
    replies: {stored: {body: ok}, busy: {status: 503}, bad: {status: 400}}
  signed:
    when: header["x-kind"] == "order"
    sign:
      parts: [path, "{{ header['x-time'] }}", body]
      join: "\n"
      digest: hmac-sha256
      key: "{{ secret.password }}"
      given: header["x-sign"]
      stamp_given: header["x-time"]
      max_age: 5m
    items: {stream: orders, rows: body.orders}
    replies:
      stored: {body: {code: 0}}
      busy: {status: 503, body: {code: 1}}
      bad: {status: 401, body: {code: 2}, headers: {X-Why: bad}}
  told:
    when: query.token != nil
    format: form
    secret: {given: query.token, want: "{{ secret.refresh }}"}
    items: {stream: orders, key: row.order_id, root: row.order_id, hint: true}
    replies: {stored: {body: success}, busy: {body: fail}, bad: {body: denied}}
`

func TestCallbacks(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	conn := serve(t, head+hooks, http.NotFoundHandler(), connectors.Env{Now: func() time.Time { return now }})
	rc := conn.(connectors.Receiver)
	const body = `{"orders":[{"id": 9007199254740993,"order":"A"},{"id":2,"order":"B"}]}`
	signed := func(body, key string, at int64) connectors.Request {
		h := hmac.New(sha256.New, []byte(key))
		_, _ = fmt.Fprintf(h, "/in\n%d\n%s", at, body)
		return connectors.Request{Method: "POST", Path: "/in", Body: []byte(body), At: now,
			Header: http.Header{"X-Kind": {"order"}, "X-Time": {fmt.Sprint(at)}, "X-Sign": {strings.ToUpper(hex.EncodeToString(h.Sum(nil)))}}}
	}
	good := signed(body, "invented-password", now.Unix()-60)
	rcv, err := rc.Receive(t.Context(), good)
	if err != nil || len(rcv.Items) != 2 || rcv.Items[0].Key != "9007199254740993" || string(rcv.Items[0].Body) != `{"id": 9007199254740993,"order":"A"}` || rcv.Items[1].Root != "B" || rcv.Items[0].Stream != "orders" {
		t.Fatalf("%+v %v", rcv, err)
	}
	if r := rc.Reply(connectors.Stored, rcv, nil); r.Status != 200 || string(r.Body) != `{"code":0}` || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%+v", r)
	}
	if r := rc.Reply(connectors.Busy, rcv, nil); r.Status != 503 {
		t.Errorf("%+v", r)
	}
	for name, req := range map[string]connectors.Request{
		"another key":     signed(body, "x", now.Unix()),
		"an empty key":    signed(body, "", now.Unix()),
		"too old":         signed(body, "invented-password", now.Unix()-301),
		"from the future": signed(body, "invented-password", now.Unix()+301),
		"another body": func() connectors.Request {
			r := signed(body, "invented-password", now.Unix())
			r.Body = []byte(`{"orders":[]}`)
			return r
		}(),
		"no signature": func() connectors.Request {
			r := signed(body, "invented-password", now.Unix())
			r.Header.Del("X-Sign")
			return r
		}(),
		"a wrong token": {Method: "POST", Query: url.Values{"token": {"x"}}, Body: []byte("order_id=5")},
	} {
		rcv, err := rc.Receive(t.Context(), req)
		if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unauthorized || len(rcv.Items) > 0 {
			t.Errorf("%s: %+v %v", name, rcv, err)
		}
		if r := rc.Reply(connectors.Bad, rcv, err); name != "a wrong token" && (r.Status != 401 || r.Header.Get("X-Why") != "bad") || name == "a wrong token" && string(r.Body) != "denied" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	rcv, err = rc.Receive(t.Context(), connectors.Request{Method: "POST", Query: url.Values{"token": {"invented-refresh"}}, Body: []byte("order_id=5&x=%E8%8C%B6")})
	if err != nil || len(rcv.Items) != 1 || rcv.Items[0].Key != "5" || rcv.Items[0].Body != nil || string(rc.Reply(connectors.Stored, rcv, nil).Body) != "success" {
		t.Errorf("%+v %v", rcv, err)
	}
	rcv, err = rc.Receive(t.Context(), connectors.Request{Method: "GET", Path: "/hello", Query: url.Values{"echo": {"abc"}}})
	if err != nil || rcv.Answer == nil || string(rcv.Answer.Body) != "abc" || len(rcv.Items) > 0 {
		t.Errorf("%+v %v", rcv, err)
	}
	for name, req := range map[string]connectors.Request{
		"no such callback": {Method: "POST", Body: []byte(`{}`)}, "not JSON": {Method: "POST", Header: http.Header{"X-Kind": {"order"}}, Body: []byte(`{`)},
		"signed and empty": signed(`{}`, "invented-password", now.Unix()),
	} {
		if rcv, err := rc.Receive(t.Context(), req); err == nil || connectors.AsError(err).Kind == connectors.Unauthorized || len(rcv.Items) > 0 {
			t.Errorf("%s: %+v %v", name, rcv, err)
		}
	}
}

func TestCallbackWithoutItsSecretTakesNothing(t *testing.T) {
	c := load(t, "host.yaml", []byte(head+hooks))
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{Text: map[string]string{"url": "http://127.0.0.1:9"}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.(connectors.Receiver).Receive(t.Context(), connectors.Request{Query: url.Values{"token": {""}}, Body: []byte("order_id=5")})
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unauthorized {
		t.Errorf("%v", err)
	}
}
