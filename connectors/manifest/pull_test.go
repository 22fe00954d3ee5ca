package manifest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/minihub/minihub/connectors"
)

// stream is a manifest with one stream.
func stream(sections string) string {
	return head + "errors: {ok: body.code == 0, code: body.code}\nstreams:\n  orders:\n    entity: order\n    key: row.id\n    unlisted: none\n" + sections
}

func ids(from, to int) []string {
	out := []string{}
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf(`{"id":%d}`, i))
	}
	return out
}

func TestPagingKinds(t *testing.T) {
	num := func(r *http.Request, name string) int {
		n, err := strconv.Atoi(r.FormValue(name))
		if err != nil {
			panic(name + " is missing in " + r.URL.String())
		}
		return n
	}
	for _, tc := range []struct {
		name, list string
		calls      int // for seven rows in pages of three
		page       func(r *http.Request) (from int, more string)
	}{
		{"page", `{get: /o, query: {p: "{{ cursor.page }}", s: "{{ cursor.size }}"}, rows: body.rows, paging: {kind: page, size: 3}}`, 3,
			func(r *http.Request) (int, string) { return (num(r, "p") - 1) * num(r, "s"), "" }},
		{"page from 0 with more", `{get: /o, query: {p: "{{ cursor.page }}"}, rows: body.rows, paging: {kind: page, first: 0, more: body.more == "true"}}`, 3,
			func(r *http.Request) (int, string) {
				return num(r, "p") * 3, fmt.Sprintf(`,"more":"%t"`, num(r, "p") < 2)
			}},
		{"until empty", `{get: /o, query: {p: "{{ cursor.page }}"}, rows: body.rows, paging: {kind: until_empty}}`, 4,
			func(r *http.Request) (int, string) { return (num(r, "p") - 1) * 3, "" }},
		{"offset", `{post: /o, body: {from: "{{ cursor.offset }}"}, format: form, rows: body.rows, paging: {kind: offset, size: 3}}`, 3,
			func(r *http.Request) (int, string) { return num(r, "from"), "" }},
		{"cursor", `{get: /o, query: {after: "{{ cursor.next }}"}, rows: body.rows, paging: {kind: cursor, next: body.next}}`, 3,
			func(r *http.Request) (int, string) {
				n := 0
				if r.FormValue("after") != "" {
					n = num(r, "after")
				}
				if n+3 >= 7 {
					return n, `,"next":""`
				}
				return n, fmt.Sprintf(`,"next":%d`, n+3)
			}},
		{"cursor of the last row", `{get: /o, query: {after: "{{ cursor.next ?? -1 }}"}, rows: body.rows, paging: {kind: cursor, next: last(rows).id}}`, 4,
			func(r *http.Request) (int, string) { return num(r, "after") + 1, "" }},
		{"link", `{get: /o, query: {n: 0, keep: x}, rows: body.rows, paging: {kind: link, next: body.next}}`, 3,
			func(r *http.Request) (int, string) {
				n := num(r, "n")
				if n+3 >= 7 {
					return n, ""
				}
				return n, fmt.Sprintf(`,"next":"/o?n=%d"`, n+3)
			}},
		{"backwards", `{get: /o, query: {p: "{{ cursor.page }}"}, rows: body.rows, paging: {kind: page, size: 3, pages: body.pages, backwards: true}}`, 4,
			func(r *http.Request) (int, string) { return (num(r, "p") - 1) * 3, `,"pages":3` }},
		{"shifts by offset", `{get: /o, query: {from: "{{ cursor.offset }}", s: "{{ cursor.size }}"}, rows: body.rows, paging: {kind: offset, size: 3, shifts: true}}`, 4,
			func(r *http.Request) (int, string) { return num(r, "from"), "" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			conn := serve(t, stream("    list: "+tc.list+"\n"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				from, more := tc.page(r)
				size := 3
				_, _ = fmt.Fprintf(w, `{"code":0%s,"rows":[%s]}`, more, strings.Join(ids(min(from, 7), min(from+size, 7)), ","))
			}), connectors.Env{})
			got := keysOf(pullAll(t, conn, connectors.PullRequest{Stream: "orders"}))
			slices.Sort(got)
			if want := []string{"0", "1", "2", "3", "4", "5", "6"}; !slices.Equal(got, want) || calls != tc.calls {
				t.Errorf("%v in %d calls, want %v in %d", got, calls, want, tc.calls)
			}
		})
	}
}

func TestLinkToAnotherHostIsNotFollowed(t *testing.T) {
	conn := serve(t, stream("    list: {get: /o, rows: body.rows, paging: {kind: link, next: body.next}}\n"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"code":0,"rows":[{"id":1}],"next":"https://elsewhere.example/o?n=2"}`)
	}), connectors.Env{})
	src := conn.(connectors.Source)
	p, err := src.Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
	if err != nil || !p.More {
		t.Fatalf("%+v %v", p, err)
	}
	if _, err = src.Pull(t.Context(), connectors.PullRequest{Stream: "orders", Cursor: p.Cursor}); err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("%v", err)
	}
	if _, err = src.Pull(t.Context(), connectors.PullRequest{Stream: "orders", Cursor: "nonsense"}); connectors.AsError(err).Kind != connectors.Invalid {
		t.Errorf("%v", err)
	}
}

func TestPoolShrinksByAcknowledging(t *testing.T) {
	pool := ids(0, 5)
	conn := serve(t, stream(`    list: {get: /o, rows: body.rows, paging: {kind: pool}}
    ack: {post: /ack, body: {ids: "{{ tokens }}"}, token: row.id, batch: 2}
`), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ack" {
			var body struct {
				IDs []string `json:"ids"`
			}
			_ = json.NewDecoder(r.Body).Decode(&body)
			pool = slices.DeleteFunc(pool, func(row string) bool {
				return slices.ContainsFunc(body.IDs, func(id string) bool { return row == `{"id":`+id+`}` })
			})
			_, _ = fmt.Fprint(w, `{"code":0}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"code":0,"rows":[%s]}`, strings.Join(pool[:min(3, len(pool))], ","))
	}), connectors.Env{})
	var got []string
	for range 10 {
		p, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, keysOf(p.Items)...)
		for range 2 {
			if err := conn.(connectors.Acker).Ack(t.Context(), p.Acks); err != nil {
				t.Fatal(err)
			}
		}
		if !p.More {
			break
		}
	}
	if !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("%v", got)
	}
}

func TestWindowsAndVersions(t *testing.T) {
	var asked []string
	conn := serve(t, stream(`    list: {get: /o, query: {from: "{{ window.from }}", to: "{{ window.to }}"}, rows: body.rows}
    window: {by: modified, span: 1d, overlap: 5m, delay: 30s, grain: 1s, end: closed, format: datetime, zone: Asia/Shanghai}
    version: {time: row.at, format: "%Y/%m/%d %H:%M:%S", zone: Asia/Shanghai}
    root: row.parent
    deleted: row.gone == 1
    skip: row.kind == "draft"
`), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("from")+" "+r.FormValue("to"))
		_, _ = fmt.Fprint(w, `{"code":0,"rows":[{"id":1,"at":"2026/03/01 08:00:00","parent":"P"},{"id":2,"at":0,"parent":"P","gone":1},{"id":3,"kind":"draft"}]}`)
	}), connectors.Env{})
	from := time.Unix(1772323200, 0)
	items := pullAll(t, conn, connectors.PullRequest{Stream: "orders", Window: connectors.Window{From: from, To: from.Add(time.Hour)}})
	if len(items) != 2 || items[0].Version != 1772323200000 || items[0].Root != "P" || items[1].Version != 0 || !items[1].Deleted || items[1].Body != nil {
		t.Errorf("%+v", items)
	}
	if !slices.Equal(asked, []string{"2026-03-01 08:00:00 2026-03-01 08:59:59"}) {
		t.Errorf("%q", asked)
	}
}

func TestHintsAreFetchedInBatches(t *testing.T) {
	var asked []string
	conn := serve(t, stream(`    hints: true
    list: {get: /ids, rows: "map(body.ids, ({id: #}))"}
    fetch: {post: /o, body: {ids: "{{ keys }}"}, rows: body.rows, batch: 2}
`), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ids" {
			_, _ = fmt.Fprint(w, `{"code":0,"ids":[1,2,3]}`)
			return
		}
		var body struct {
			IDs []string `json:"ids"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		asked = append(asked, strings.Join(body.IDs, ","))
		_, _ = fmt.Fprint(w, `{"code":0,"rows":[{"id": 1},{"id":3}]}`)
	}), connectors.Env{})
	items := pullAll(t, conn, connectors.PullRequest{Stream: "orders"})
	if !slices.Equal(keysOf(items), []string{"1", "2", "3"}) || items[0].Body != nil || items[0].Deleted {
		t.Errorf("%+v", items)
	}
	items, err := conn.(connectors.Fetcher).Fetch(t.Context(), "orders", []string{"1", "2", "3"})
	if err != nil || len(items) != 3 || string(items[0].Body) != `{"id": 1}` || !items[1].Deleted || items[1].Key != "2" || !slices.Equal(asked, []string{"1,2", "3"}) {
		t.Errorf("%+v %v %q", items, err, asked)
	}
}

func TestBodiesAndAnswersInOtherForms(t *testing.T) {
	gbk := func(s string) string {
		b, err := simplifiedchinese.GBK.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tc := range []struct{ name, request, list, want, answer, body string }{
		{"xml", `{url: "{{ config.url }}", format: xml, xml_root: req, answer: {format: xml}}`,
			`{post: /o, body: {"@v": "1", z: "a<b", lines: {line: "{{ [1, 2] }}"}, none: "{{ config.nothing }}"}, rows: list(body.orders.order)}`,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + `<req v="1"><z>a&lt;b</z><lines><line>1</line><line>2</line></lines></req>`,
			`<?xml version="1.0"?><resp><code>0</code><orders><order><id>7</id><name a="b">茶</name></order></orders></resp>`, `<order><id>7</id><name a="b">茶</name></order>`},
		{"graphql", `{url: "{{ config.url }}"}`, `{post: /graphql, graphql: "query($n: Int) { orders(first: $n) { id } }", body: {n: 5}, rows: body.data.orders, ok: body.errors == nil}`,
			`{"query":"query($n: Int) { orders(first: $n) { id } }","variables":{"n":5}}`, `{"data":{"orders":[{"id":7}]}}`, `{"id":7}`},
		{"gbk form", `{url: "{{ config.url }}", format: form, charset: gbk}`, `{post: /o, body: {name: 茶 叶, n: 12345678901234567890, empty: ""}, rows: body.rows}`,
			"name=%B2%E8+%D2%B6&n=12345678901234567890", gbk(`{"code":0,"rows":[{"id":7,"name":"茶"}]}`), `{"id":7,"name":"茶"}`},
		{"envelope", `{url: "{{ config.url }}", envelope: {head: {v: 1}, data: "{{ json(payload) }}"}}`, `{post: /o, body: {page: 1, no: null, gone: "{{ config.user == 'x' ? 1 : nil }}"}, rows: body.rows}`,
			`{"data":"{\"no\":null,\"page\":1}","head":{"v":1}}`, `{"code":0,"rows":[{"id":7}]}`, `{"id":7}`},
		{"rows in a text", `{url: "{{ config.url }}"}`, `{get: /o, rows: from_json(body.data).list}`, "", `{"code":0,"data":"{\"list\":[{\"id\":7}]}"}`, `{"id":7}`},
		{"last of two documents", `{url: "{{ config.url }}", answer: {trailing: last}}`, `{get: /o, rows: body.rows}`, "", `{"code":5} {"code":0,"rows":[{"id":7}]}`, `{"id":7}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			src := strings.Replace(stream("    list: "+tc.list+"\n"), `request: {url: "{{ config.url }}"}`, "request: "+tc.request, 1)
			src = strings.Replace(src, "  user: {text: u}\n", "  user: {text: u}\n  nothing: {text: n, kind: map}\n", 1)
			src = strings.Replace(src, `none: "{{ config.nothing }}"`, `none: "{{ config.nothing.x }}"`, 1)
			conn := serve(t, src, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b := make([]byte, 4096)
				n, _ := r.Body.Read(b)
				got = string(b[:n])
				_, _ = fmt.Fprint(w, tc.answer)
			}), connectors.Env{})
			items := pullAll(t, conn, connectors.PullRequest{Stream: "orders"})
			if got != tc.want {
				t.Errorf("sent %q, want %q", got, tc.want)
			}
			if len(items) != 1 || items[0].Key != "7" || string(items[0].Body) != tc.body {
				t.Fatalf("%+v", items)
			}
			if tree, err := conn.(connectors.Decoder).Decode("orders", items[0].Body); err != nil || fmt.Sprint(tree.(map[string]any)["id"]) != "7" {
				t.Errorf("decoded: %v %v", tree, err)
			}
		})
	}
}

func TestClockIsLearntFromTheVendor(t *testing.T) {
	vendor := time.Unix(1_700_000_000, 0)
	var stamps []string
	conn := serve(t, strings.Replace(stream("    list: {get: /o, query: {t: x}, rows: body.rows}\n"), "errors: {ok: body.code == 0, code: body.code}", `sign: {parts: ["{{ stamp }}"], digest: md5, put: {header: X-Sign}}
auth: {kind: header, put: {headers: {X-Time: "{{ stamp }}"}}}
errors:
  ok: body.code == 0
  rules: [{when: body.code == 9, then: clock, kind: unavailable}]`, 1), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stamps = append(stamps, r.Header.Get("X-Time"))
		w.Header().Set("Date", vendor.UTC().Format(http.TimeFormat))
		if r.Header.Get("X-Time") != strconv.FormatInt(vendor.Unix(), 10) {
			_, _ = fmt.Fprint(w, `{"code":9}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"code":0,"rows":[]}`)
	}), connectors.Env{Now: func() time.Time { return vendor.Add(-time.Hour) }})
	for range 2 {
		if err := pullOrders(t, conn); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(stamps, []string{"1699996400", "1700000000", "1700000000"}) {
		t.Errorf("%v", stamps)
	}
}
