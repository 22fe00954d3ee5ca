package manifest

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

var (
	fence  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	titled = regexp.MustCompile(`^# (connectors/\w+\.yaml)\n`)
)

// examples gives the whole manifests of the guide by file, and its fragments.
func examples(t testing.TB) (whole map[string]string, fragments []string) {
	whole = map[string]string{}
	for _, m := range fence.FindAllStringSubmatch(string(file(t, "GUIDE.md")), -1) {
		if name := titled.FindStringSubmatch(m[1]); name != nil {
			whole[name[1]] = m[1]
			continue
		}
		fragments = append(fragments, m[1])
	}
	if len(whole) < 2 || len(fragments) == 0 {
		t.Fatalf("the guide has %d manifests and %d fragments", len(whole), len(fragments))
	}
	return whole, fragments
}

func TestGuideLoads(t *testing.T) {
	whole, fragments := examples(t)
	for name, src := range whole {
		load(t, name, []byte(src))
	}
	for _, f := range fragments {
		section := strings.SplitN(strings.TrimSpace(f), ":", 2)[0]
		host := strings.Replace(hosts[section], "HERE\n", f, 1)
		if host == "" {
			t.Errorf("no manifest to try the fragment %q in", section)
			continue
		}
		load(t, "connectors/host.yaml", []byte(host))
	}
}

// hosts are manifests around the guide's fragments, by the fragment's first key.
var hosts = map[string]string{
	"window": `name: host
title: t
role: store
text: t
docs: d
request: {url: "https://example.com"}
streams:
  orders:
    entity: order
    list:
      get: /orders
      query: {from: "{{ window.from }}", to: "{{ window.to }}"}
      rows: body.data
HERE
    key: row.id
    unlisted: none
`,
	"auth": around,
	"sign": around,
}

const around = `name: host
title: t
role: store
text: t
docs: d
config:
  client_id: {text: t}
  user: {text: t}
  client_secret: {kind: secret, text: t}
  password: {kind: secret, text: t}
  app_secret: {kind: secret, text: t}
request: {url: "https://example.com"}
HERE
streams:
  orders:
    entity: order
    list: {get: /orders, rows: body.data}
    key: row.id
    unlisted: none
`

// depot is the warehouse of the guide's longest example.
func depot(t *testing.T, orders *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		text := "invented-secretapp_key" + q.Get("app_key")
		for _, n := range []string{"from", "order_no", "page", "timestamp", "to"} {
			if q.Has(n) {
				text += n + q.Get(n)
			}
		}
		if sum := md5.Sum([]byte(text + string(body) + "invented-secret")); hex.EncodeToString(sum[:]) != q.Get("sign") {
			_, _ = io.WriteString(w, `{"success":false,"code":"SIGN"}`)
			return
		}
		switch {
		case r.URL.Path == "/orders/cancel":
			*orders = []string{strings.Replace((*orders)[0], `"new"`, `"cancelled"`, 1)}
			_, _ = io.WriteString(w, `{"success":true}`)
		case r.Method == http.MethodPost:
			*orders = append(*orders, `{"order_no":"A1","id":900,"status":"new","receiver":"王*","total":"18.20","lines":[{"sku":"x"}]}`)
			_, _ = io.WriteString(w, `{"success":true,"data":{"id":900}}`)
		case strings.HasPrefix(r.URL.Path, "/shipments/"):
			_, _ = io.WriteString(w, `{"success":true,"data":{"id":"S1","order_no":"A1"}}`)
		case q.Get("page") == "2":
			_, _ = io.WriteString(w, `{"success":true,"data":{"orders":[]}}`)
		default:
			_, _ = io.WriteString(w, `{"success":true,"data":{"orders":[`+strings.Join(*orders, ",")+`]}}`)
		}
	}
}

func TestGuideDepotRuns(t *testing.T) {
	whole, _ := examples(t)
	var orders []string
	srv := httptest.NewServer(depot(t, &orders))
	t.Cleanup(srv.Close)
	conn := connect(t, load(t, "connectors/depot.yaml", []byte(whole["connectors/depot.yaml"])), map[string]string{"url": srv.URL, "app_key": "k"}, map[string]string{"app_secret": "invented-secret"})
	d := connectors.Delivery{ID: "1", Key: "A1", Document: []byte(`{"order_no":"A1","receiver":{"name":"王一"},"total":18.2,"lines":[{"sku":"x"}]}`)}
	look := func(want connectors.Presence) {
		t.Helper()
		f, err := conn.(connectors.Looker).Lookup(t.Context(), "order.create", []connectors.Delivery{d})
		if err != nil || len(f) != 1 || f[0].Presence != want {
			t.Fatalf("%+v %v, want %d", f, err, want)
		}
	}
	do := func(op string, want connectors.Outcome) {
		t.Helper()
		res, err := conn.(connectors.Sink).Deliver(t.Context(), op, []connectors.Delivery{d})
		if err != nil || len(res) != 1 || res[0].Outcome != want {
			t.Fatalf("%s: %+v %v, want %d", op, res, err, want)
		}
	}
	look(connectors.Absent)
	do("order.cancel", connectors.Refused)
	do("order.create", connectors.Done)
	look(connectors.Same)
	ours, err := conn.(connectors.Querier).Summarize("order.create", d.Document)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := conn.(connectors.Querier).List(t.Context(), "order.create", connectors.Window{From: time.Unix(0, 0), To: time.Unix(3600, 0)}, "")
	if err != nil || len(listed.Rows) != 1 || !listed.More || listed.Rows[0].Amount != ours.Amount || ours.Amount != 1820 || listed.Rows[0].Lines != ours.Lines || listed.Rows[0].Status != "open" {
		t.Errorf("%+v %v, ours %+v", listed, err, ours)
	}
	do("order.cancel", connectors.Done)
	do("order.cancel", connectors.Done) // already cancelled: nothing is written
	d.Document = []byte(`{"order_no":"A1","receiver":{"name":"王一"},"total":19,"lines":[{"sku":"x"}]}`)
	look(connectors.Other)
	const pushed = `{"id":"S1","order_no":"A1"}`
	sum := md5.Sum([]byte(pushed + "invented-secret"))
	rcv, err := conn.(connectors.Receiver).Receive(t.Context(), connectors.Request{Method: "POST", Path: "/shipped", Body: []byte(pushed), Header: http.Header{"X-Sign": {hex.EncodeToString(sum[:])}}})
	if err != nil || len(rcv.Items) != 1 || rcv.Items[0].Key != "S1" || rcv.Items[0].Root != "A1" || rcv.Items[0].Body != nil {
		t.Fatalf("%+v %v", rcv, err)
	}
	items, err := conn.(connectors.Fetcher).Fetch(t.Context(), "shipments", []string{"S1"})
	if err != nil || len(items) != 1 || string(items[0].Body) != pushed {
		t.Errorf("%+v %v", items, err)
	}
}

func TestGuideShopsRun(t *testing.T) {
	whole, _ := examples(t)
	shop := &teashop{orders: numbered(120, 1)}
	srv := httptest.NewServer(shop)
	t.Cleanup(srv.Close)
	tea := connect(t, load(t, "connectors/teashop.yaml", []byte(whole["connectors/teashop.yaml"])), map[string]string{"url": srv.URL, "store_id": "12"}, map[string]string{"key": "invented-key"})
	if got := keysOf(pullAll(t, tea, connectors.PullRequest{Stream: "orders"})); !slices.Equal(got, shop.orders) {
		t.Errorf("%v", got)
	}
	srv2 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Token invented" || r.FormValue("page") != "1" || r.FormValue("page_size") != "100" {
			_, _ = io.WriteString(w, `{"code":1001}`)
			return
		}
		_, _ = io.WriteString(w, `{"code":0,"data":{"orders":[{"id":5,"updated_at":"2026-03-01 08:00:00"}]}}`)
	}))
	t.Cleanup(srv2.Close)
	books := connect(t, load(t, "connectors/bookshop.yaml", []byte(whole["connectors/bookshop.yaml"])), map[string]string{"url": srv2.URL}, map[string]string{"token": "invented"})
	if items := pullAll(t, books, connectors.PullRequest{Stream: "orders"}); len(items) != 1 || items[0].Key != "5" || items[0].Version != 1772323200000 {
		t.Errorf("%+v", items)
	}
}
