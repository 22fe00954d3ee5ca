package manifest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

// written is a manifest with one operation.
func written(sections string) string {
	return head + `errors:
  ok: body.code == 0
  code: body.code
  text: body.msg
  rules:
    - {when: body.code == 10, kind: invalid}
    - {when: body.code == 11, kind: unavailable}
    - {when: body.code == 12, kind: unavailable, sent: false, wait: 7s}
    - {when: body.code == 13, outcome: duplicate}
    - {when: body.code == 14, outcome: done}
    - {when: body.code == 15, kind: conflict}
    - {when: body.code == 16, kind: quota, wait: "{{ body.seconds }}"}
operations:
  order.push:
    entity: order
    carries: state
    changes: create-only
    unlisted: none
` + sections + `
  order.cancel:
    entity: order
    carries: state
    changes: upsert
    repeat: idempotent
    unlisted: none
    send: {delete: "/orders/{{ ids.order_id }}"}
`
}

func deliver(t *testing.T, conn connectors.Connection, op string, docs ...string) []connectors.Result {
	t.Helper()
	var batch []connectors.Delivery
	for i, d := range docs {
		key := fmt.Sprintf("K%d", i+1)
		batch = append(batch, connectors.Delivery{ID: fmt.Sprint(i + 1), Key: key, Base: key, Document: []byte(d), RemoteIDs: []connectors.RemoteID{{Kind: "order_id", Value: "a/../b"}}})
	}
	res, err := conn.(connectors.Sink).Deliver(t.Context(), op, batch)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestOutcomesOfAWrite(t *testing.T) {
	var answer string
	var status int
	conn := serve(t, written(`    repeat: idempotent
    send: {post: /orders, body: "{{ doc }}", errors: [{when: body.code == 20, outcome: missing, missing: {operation: order.push, key: doc.parent}}, {when: status == 409, outcome: duplicate}]}
    ids: {order_id: body.id, other: body.none}
    key: {field: doc.no}`), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, answer)
	}), connectors.Env{})
	for _, tc := range []struct {
		status int
		answer string
		want   connectors.Outcome
		kind   connectors.Kind
		wait   time.Duration
	}{
		{200, `{"code":0,"id":9007199254740993}`, connectors.Done, "", 0},
		{200, `{"code":10}`, connectors.Refused, connectors.Invalid, 0},
		{200, `{"code":11}`, connectors.Unknown, connectors.Unavailable, 0},
		{200, `{"code":12}`, connectors.NotSent, connectors.Unavailable, 7 * time.Second},
		{200, `{"code":13}`, connectors.Duplicate, connectors.Conflict, 0},
		{200, `{"code":14}`, connectors.Done, "", 0},
		{200, `{"code":15}`, connectors.Refused, connectors.Conflict, 0},
		{200, `{"code":16,"seconds":90}`, connectors.NotSent, connectors.Quota, 90 * time.Second},
		{200, `{"code":20}`, connectors.MissingReference, connectors.NotFound, 0},
		{200, `{"code":99}`, connectors.Unknown, connectors.Unclassified, 0},
		{409, `{}`, connectors.Duplicate, connectors.Conflict, 0},
		{409, `<html>`, connectors.Duplicate, connectors.Conflict, 0},
		{400, `{}`, connectors.Refused, connectors.Invalid, 0},
		{401, `{}`, connectors.NotSent, connectors.Unauthorized, 0},
		{500, `{"code":0}`, connectors.Unknown, connectors.Unavailable, 0},
		{502, `<html>`, connectors.Unknown, connectors.Unavailable, 0},
		{200, `{"code":0`, connectors.Unknown, connectors.Unreadable, 0},
		{200, ``, connectors.Unknown, connectors.Unreadable, 0},
	} {
		status, answer = tc.status, tc.answer
		res := deliver(t, conn, "order.push", `{"no":"K1","parent":"P1"}`)[0]
		switch {
		case res.Outcome != tc.want:
			t.Errorf("%d %s: outcome %d, want %d: %v", tc.status, tc.answer, res.Outcome, tc.want, res.Err)
		case tc.kind != "" && (res.Err == nil || res.Err.Kind != tc.kind || res.Err.Wait != tc.wait || (res.Outcome == connectors.Unknown) != res.Err.Sent):
			t.Errorf("%d %s: %+v", tc.status, tc.answer, res.Err)
		case res.Outcome == connectors.MissingReference && *res.Missing != connectors.Missing{Operation: "order.push", Key: "P1"}:
			t.Errorf("%+v", res.Missing)
		case strings.Contains(tc.answer, `"id"`) && (len(res.RemoteIDs) != 1 || res.RemoteIDs[0].Value != "9007199254740993"):
			t.Errorf("%+v", res.RemoteIDs)
		}
	}
	for doc, code := range map[string]string{`{"no":"other"}`: "host.key", `{`: "host.document"} {
		if res := deliver(t, conn, "order.push", doc)[0]; res.Outcome != connectors.Refused || res.Err.Code != code {
			t.Errorf("%s: %+v %v", doc, res, res.Err)
		}
	}
}

func TestTheDocumentGoesOutAsItIs(t *testing.T) {
	var path, body string
	conn := serve(t, written("    repeat: idempotent\n    send: {put: '/orders/{{ key }}', body: '{{ doc }}'}"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, body = r.URL.EscapedPath(), string(b)
		_, _ = fmt.Fprint(w, `{"code":0}`)
	}), connectors.Env{})
	const doc = `{"z": 1.50, "a":9007199254740993}`
	if res := deliver(t, conn, "order.push", doc)[0]; res.Outcome != connectors.Done || body != doc || path != "/orders/K1" {
		t.Errorf("%+v %s %s", res, path, body)
	}
	if res := deliver(t, conn, "order.cancel", `{}`)[0]; res.Outcome != connectors.Done || path != "/orders/a%2F..%2Fb" {
		t.Errorf("%+v %s: an id must not leave its place in the path", res, path)
	}
}

// TestAnEmptyIdNeverWidensAPath: DELETE /orders/ would be another request altogether.
func TestAnEmptyIdNeverWidensAPath(t *testing.T) {
	called := false
	conn := serve(t, written("    repeat: idempotent\n    send: {post: /o, body: '{{ doc }}'}"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }), connectors.Env{})
	for _, ids := range [][]connectors.RemoteID{nil, {{Kind: "order_id", Value: ".."}}, {{Kind: "order_id", Value: ""}}} {
		res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.cancel", []connectors.Delivery{{ID: "1", Key: "K", Document: []byte(`{}`), RemoteIDs: ids}})
		if err != nil || len(res) != 1 || res[0].Outcome != connectors.Refused || called {
			t.Errorf("%v: %+v %v, called %t", ids, res, err, called)
		}
	}
}

func TestRowTextsAreMasked(t *testing.T) {
	conn := serve(t, written(`    repeat: idempotent
    batch: 2
    send: {post: /orders, headers: {X-P: "{{ secret.password }}"}, body: "{{ docs }}"}
    results: {rows: body.rows, key: row.key, ok: row.ok == true, failed: row.ok == false, text: row.text, errors: [{when: row.busy == 1, kind: unavailable, outcome: not_sent}]}`), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"code":0,"rows":[{"key":"K2","ok":false,"text":"%[1]s"},{"key":"K1","ok":false,"busy":1,"text":"%[1]s"},{"key":"K9","ok":true}]}`, r.Header.Get("X-P"))
	}), connectors.Env{})
	want := map[string]connectors.Outcome{"1": connectors.NotSent, "2": connectors.Refused, "3": connectors.Unknown}
	for _, res := range deliver(t, conn, "order.push", `{}`, `{}`, `{}`) {
		if res.Outcome != want[res.ID] || res.Err == nil || strings.Contains(res.Err.Text, "invented") {
			t.Errorf("%s: outcome %d, %v", res.ID, res.Outcome, res.Err)
		}
	}
}

func TestAcceptedIsPolled(t *testing.T) {
	var state string
	conn := serve(t, written(`    repeat: ask-first
    settle: 5s
    send: {post: /orders, body: "{{ doc }}"}
    accepted: {when: body.job != nil, ticket: body.job}
    poll:
      get: /jobs/{{ ticket }}
      every: 2s
      done: body.state == "done"
      pending: body.state == "running"
      errors: [{when: 'body.state == "failed"', kind: invalid}]
      ids: {order_id: body.id}
    lookup:
      get: /orders
      query: {no: "{{ key }}"}
      rows: body.rows
      match: row.no == key
      absent: row.deleted == 1
      ids: {order_id: row.id}
      errors: [{when: body.code == 44, kind: not_found}]
      compare:
        - {name: amount, ours: doc.amount, theirs: row.amount, as: number}
        - {name: phone, ours: doc.phone, theirs: row.phone, masked: "*"}
        - {name: lines, ours: "map(doc.lines, .sku)", theirs: row.skus, as: value}`), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/jobs/J-1":
			_, _ = fmt.Fprint(w, state)
		case r.Method == http.MethodGet:
			_, _ = fmt.Fprint(w, state)
		default:
			_, _ = fmt.Fprint(w, `{"code":0,"job":"J-1"}`)
		}
	}), connectors.Env{})
	res := deliver(t, conn, "order.push", `{}`)[0]
	if res.Outcome != connectors.Took || res.Ticket != "J-1" || res.Wait != 2*time.Second {
		t.Fatalf("%+v", res)
	}
	for answer, want := range map[string]connectors.Outcome{
		`{"code":0,"state":"running"}`: connectors.Took, `{"code":0,"state":"done","id":5}`: connectors.Done, `{"code":0,"state":"failed"}`: connectors.Refused,
		`{"code":0,"state":"odd"}`: connectors.Unknown, `<html>`: connectors.Took, `{"code":11}`: connectors.Took, `{"code":99}`: connectors.Took,
	} {
		state = answer
		list, err := conn.(connectors.Poller).Poll(t.Context(), "order.push", []connectors.Ticket{{ID: "1", Ticket: "J-1", Delivery: connectors.Delivery{ID: "1", Key: "K1", Document: []byte(`{}`)}}})
		if err != nil || len(list) != 1 || list[0].Outcome != want {
			t.Errorf("%s: %+v %v", answer, list, err)
		}
	}
	look := func(answer string) connectors.Finding {
		state = answer
		list, err := conn.(connectors.Looker).Lookup(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "K1", Document: []byte(`{"amount":1.50,"phone":"13800000000","lines":[{"sku":"x"}]}`)}})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		return list[0]
	}
	for answer, want := range map[string]string{
		`{"code":0,"rows":[]}`:                        "1 []",
		`{"code":0,"rows":[{"no":"K2"}]}`:             "1 []",
		`{"code":44}`:                                 "1 []",
		`{"code":0,"rows":[{"no":"K1","deleted":1}]}`: "1 []",
		`{"code":0,"rows":{"no":"K1","amount":"1.5","phone":"138****0000","skus":["x"]}}`: "2 []",
		`{"code":0,"rows":[{"no":"K1","amount":2,"phone":"1","skus":["y"]}]}`:             "3 [amount phone lines]",
		`{"code":0}`:        "0 []",
		`{"code":99}`:       "0 []",
		`{"code":0,"rows":`: "0 []",
	} {
		if f := look(answer); fmt.Sprint(int(f.Presence), " ", f.Fields) != want || (f.Presence == connectors.CannotTell) != (f.Err != nil) {
			t.Errorf("%s: %d %v %v, want %s", answer, f.Presence, f.Fields, f.Err, want)
		}
	}
}

func TestConnectionsHaveOnlyTheAbilitiesTheyDeclare(t *testing.T) {
	plain := serve(t, written("    repeat: one-shot\n    budget: 1\n    send: {post: /o, body: '{{ doc }}'}"), http.NotFoundHandler(), connectors.Env{})
	if _, ok := plain.(connectors.Looker); ok {
		t.Error("an operation without lookup can be looked up: the engine would ask instead of parking a one-shot")
	}
	if _, ok := plain.(connectors.Pinger); ok {
		t.Error("a manifest without ping can be pinged")
	}
}
