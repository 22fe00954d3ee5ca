package tryton

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestErrorsOfTheServer(t *testing.T) {
	for _, c := range []struct {
		body    string
		kind    connectors.Kind
		scope   connectors.Scope
		outcome connectors.Outcome
		text    string
	}{
		{`["UserError",["The code on party must be unique.","",null]]`, connectors.Invalid, connectors.OfDocument, connectors.Refused, "The code on party must be unique."},
		{`["UserError",["Bad.","Because.",[["x","=",1],["y"]]]]`, connectors.Invalid, connectors.OfDocument, connectors.Refused, "Bad. Because."},
		{`["UserWarning",["232afde.done","Stock moves have no origin.",""]]`, connectors.Conflict, connectors.OfDocument, connectors.Refused, "232afde.done Stock moves have no origin."},
		{`["ConcurrencyException","Records were modified in the meanwhile"]`, connectors.Unavailable, connectors.OfDocument, connectors.NotSent, "Records were modified in the meanwhile"},
		{`["LoginException",["password","Password for admin","password"]]`, connectors.Unauthorized, connectors.OfConnection, connectors.NotSent, "password Password for admin"},
		{`["could not serialize access due to concurrent update\n",""]`, connectors.Unavailable, connectors.OfDocument, connectors.NotSent, "could not serialize access due to concurrent update"},
		{`["'nofield'",""]`, connectors.Unclassified, connectors.OfDocument, connectors.Unknown, "'nofield'"},
		{`[]`, connectors.Unreadable, connectors.OfDocument, connectors.Unknown, ""},
		{`{"a":1}`, connectors.Unreadable, connectors.OfDocument, connectors.Unknown, ""},
		{`[5]`, connectors.Unreadable, connectors.OfDocument, connectors.Unknown, ""},
		{`["UserError"]`, connectors.Invalid, connectors.OfDocument, connectors.Refused, ""},
		{`["UserError",5]`, connectors.Invalid, connectors.OfDocument, connectors.Refused, ""},
	} {
		e := rpcError(json.RawMessage(c.body))
		if e.Kind != c.kind || e.Scope != c.scope || outcome(e) != c.outcome || c.text != "" && e.Text != c.text {
			t.Errorf("%s: %s of %s, outcome %d, %q", c.body, e.Kind, e.Scope, outcome(e), e.Text)
		}
	}
	long := rpcError(json.RawMessage(`["UserError",["` + strings.Repeat("长", 5000) + `",""]]`))
	if n := len([]rune(long.Text)); n > 500 {
		t.Errorf("a text of %d characters was kept", n)
	}
}

// faults of the server at each step of a sale: the outcome is never better than what is
// known, and in the end there is one sale.
func TestFaultsAtEveryStepOfASale(t *testing.T) {
	steps := []string{"model.party.party.create", "model.sale.sale.create", "model.sale.sale.quote", "model.sale.sale.confirm"}
	for _, step := range steps {
		for _, kind := range []simkit.Kind{simkit.DropAnswer, simkit.BadGateway, simkit.Garble, simkit.DropRequest, simkit.Status} {
			t.Run(step+" "+string(kind), func(t *testing.T) {
				e := simulated(t)
				key := e.key("fault")
				d, k := delivery(t, key, saleDocument(key, e.key("party")))
				e.fault(t, simkit.Fault{Call: step, Kind: kind, Count: 1})
				r := e.deliver(t, opSale, d)
				if r.Outcome != connectors.Unknown || r.Err == nil || !r.Err.Sent {
					t.Fatalf("got %d, %v", r.Outcome, r.Err)
				}
				f := e.lookup(t, opSale, d)
				switch f.Presence {
				case connectors.Same:
				case connectors.Absent:
					e.done(t, opSale, d)
				case connectors.Other:
					if len(f.Fields) > 0 || f.Progress == nil {
						t.Fatalf("unfinished work must be carried on: %+v", f)
					}
					d.Progress = f.Progress
					e.done(t, opSale, d)
				default:
					t.Fatalf("got %+v", f)
				}
				rows := e.alive(t, key)
				if len(rows) != 1 || rows[0].State != processing {
					t.Fatalf("the server has %+v after progress %v", rows, k.kept)
				}
				if f := e.lookup(t, opSale, d); f.Presence != connectors.Same {
					t.Errorf("in the end: %+v", f)
				}
			})
		}
	}
}

func TestAReadThatFailsHasNoEffect(t *testing.T) {
	e := simulated(t)
	key := e.key("read")
	d, _ := delivery(t, key, saleDocument(key, e.key("party")))
	for _, kind := range []simkit.Kind{simkit.DropAnswer, simkit.Status, simkit.BadGateway} {
		e.fault(t, simkit.Fault{Call: "model.sale.sale.search_read", Kind: kind, Count: 1})
		if r := e.deliver(t, opSale, d); r.Outcome != connectors.NotSent || r.Err.Kind != connectors.Unavailable {
			t.Errorf("%s: %d, %v", kind, r.Outcome, r.Err)
		}
		e.fault(t, simkit.Fault{Call: "model.sale.sale.search_read", Kind: kind, Count: 1})
		if f := e.lookup(t, opSale, d); f.Presence != connectors.CannotTell || f.Err == nil {
			t.Errorf("%s: %+v", kind, f)
		}
	}
	e.fault(t, simkit.Fault{Call: "model.sale.sale.create", Kind: simkit.ErrorBody, Code: "ConcurrencyException", Count: 1})
	if r := e.deliver(t, opSale, d); r.Outcome != connectors.NotSent || r.Err.Wait <= 0 {
		t.Errorf("got %d, %v", r.Outcome, r.Err)
	}
	e.done(t, opSale, d)
}

// Once there is a draft, a failure that had no effect of its own does not mean that
// nothing happened: a cancellation must not pass it.
func TestAFailureAfterTheDraftIsUnknown(t *testing.T) {
	e := simulated(t)
	key := e.key("half")
	d, k := delivery(t, key, saleDocument(key, e.key("party")))
	e.fault(t, simkit.Fault{Call: "model.sale.sale.quote", Kind: simkit.ErrorBody, Code: "ConcurrencyException", Count: 2})
	for range 2 {
		if r := e.deliver(t, opSale, d); r.Outcome != connectors.Unknown || r.Err.Kind != connectors.Unavailable {
			t.Fatalf("got %d, %v", r.Outcome, r.Err)
		}
		d.Progress = k.last()
	}
	e.done(t, opSale, d)
	if rows := e.alive(t, key); len(rows) != 1 {
		t.Errorf("%d sales", len(rows))
	}
}

func TestASessionThatEndsIsReplacedOnce(t *testing.T) {
	e := simulated(t)
	if err := e.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := e.calls("common.db.login").Requests
	e.fault(t, simkit.Fault{Call: "model.party.party.search_read", Kind: simkit.TokenExpiry, Count: 1})
	var wg sync.WaitGroup
	for i := range 20 {
		d, _ := delivery(t, e.key(fmt.Sprint(i)), map[string]any{"name": "x"})
		wg.Go(func() {
			results, err := e.Deliver(context.WithoutCancel(t.Context()), opParty, []connectors.Delivery{d})
			if err != nil || results[0].Outcome != connectors.Done {
				t.Errorf("got %+v, %v", results, err)
			}
		})
	}
	wg.Wait()
	if n := e.calls("common.db.login").Requests - before; n != 1 {
		t.Errorf("%d logins for one lost session", n)
	}
}

func TestLoginsThatFail(t *testing.T) {
	e := simulated(t)
	creds := func(name, value string) map[string]string {
		m := map[string]string{}
		for k, v := range e.creds {
			m[k] = v
		}
		m[name] = value
		return m
	}
	wrong := connect(t, e.url, creds("password", "not-the-password"), nil)
	defer func() { _ = wrong.Close() }()
	err := connectors.AsError(wrong.Ping(t.Context()))
	if err == nil || err.Kind != connectors.Unauthorized || err.Scope != connectors.OfConnection || err.Sent {
		t.Errorf("wrong password: %+v", err)
	}
	if strings.Contains(fmt.Sprintf("%+v", err), "not-the-password") {
		t.Errorf("the password shows: %+v", err)
	}
	for name, more := range map[string]map[string]string{"database": creds("database", "nowhere"), "company": e.creds} {
		c := connect(t, e.url, more, map[string]string{"company": map[string]string{"company": "No Such Company"}[name]})
		err := connectors.AsError(c.Ping(t.Context()))
		if err == nil || err.Scope != connectors.OfConnection || err.Sent {
			t.Errorf("%s: %+v", name, err)
		}
		_ = c.Close()
	}
}

// answering serves one body for every call but the login and the preferences.
func answering(t *testing.T, status int, body string) *conn {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Method string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		switch ask.Method {
		case "common.db.login":
			_, _ = w.Write([]byte(`{"id":1,"result":[7,"invented-session",null]}`))
		case "model.res.user.get_preferences":
			_, _ = w.Write([]byte(`{"id":1,"result":{"company":1}}`))
		default:
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}))
	c := connect(t, server.URL, map[string]string{"database": "db", "username": "hub", "password": "invented"}, nil)
	t.Cleanup(func() {
		_ = c.Close()
		server.Close()
	})
	return c
}

func TestAnswersThatAreNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		kind   connectors.Kind
		scope  connectors.Scope
	}{
		"two documents":   {200, `{"id":1,"result":null}{"id":1}`, connectors.Unreadable, connectors.OfDocument},
		"cut off":         {200, `{"id":1,"resu`, connectors.Unreadable, connectors.OfDocument},
		"NUL":             {200, "{\"id\":1,\"result\":\"\x00\"}", connectors.Unreadable, connectors.OfDocument},
		"nothing":         {200, ``, connectors.Unreadable, connectors.OfDocument},
		"another id":      {200, `{"id":2,"result":[]}`, connectors.Unreadable, connectors.OfDocument},
		"no result":       {200, `{"id":1}`, connectors.Unreadable, connectors.OfDocument},
		"another shape":   {200, `{"id":1,"result":{"a":1}}`, connectors.Unreadable, connectors.OfDocument},
		"a page":          {200, `<!DOCTYPE html><html></html>`, connectors.Unavailable, connectors.OfConnection},
		"session":         {401, ``, connectors.Unauthorized, connectors.OfConnection},
		"not exposed":     {403, `<html/>`, connectors.Forbidden, connectors.OfOperation},
		"no database":     {404, `<html/>`, connectors.Invalid, connectors.OfConnection},
		"too many logins": {429, ``, connectors.RateLimited, connectors.OfConnection},
		"gateway":         {502, `<html/>`, connectors.Unavailable, connectors.OfConnection},
	} {
		t.Run(name, func(t *testing.T) {
			conn := answering(t, c.status, c.body)
			var out []saleRow
			err := conn.run().call(t.Context(), &out, "model.sale.sale.write")
			if err == nil || err.Kind != c.kind || err.Scope != c.scope {
				t.Fatalf("got %v", err)
			}
			if c.kind == connectors.Unreadable && (outcome(err) != connectors.Unknown || string(err.Raw) != c.body) {
				t.Errorf("outcome %d, raw %q", outcome(err), err.Raw)
			}
			if c.kind == connectors.RateLimited && err.Wait < 5*time.Minute {
				t.Errorf("waits %s", err.Wait)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "invented") {
				t.Errorf("a secret shows: %+v", err)
			}
		})
	}
}

func TestACancelledDelivery(t *testing.T) {
	e := simulated(t)
	if err := e.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	key := e.key("cancelled")
	d, _ := delivery(t, key, saleDocument(key, e.key("party")))
	results, err := e.Deliver(ctx, opSale, []connectors.Delivery{d})
	if err != nil || results[0].Outcome != connectors.NotSent {
		t.Errorf("got %+v, %v", results, err)
	}
	if rows := e.alive(t, key); len(rows) != 0 {
		t.Errorf("the server has %+v", rows)
	}
	if _, err := e.Deliver(t.Context(), "order.push", nil); err == nil {
		t.Error("an operation that is not there was taken")
	}
	if _, err := e.Lookup(t.Context(), "order.push", nil); err == nil {
		t.Error("an operation that is not there was looked up")
	}
}

func TestCodesAreRememberedForAWhile(t *testing.T) {
	e := simulated(t)
	now := time.Now()
	e.codes.now = func() time.Time { return now }
	push := func(name string) {
		key := e.key(name)
		d, _ := delivery(t, key, saleDocument(key, e.key("party")))
		e.done(t, opSale, d)
	}
	asked := func() int { return e.calls("model.product.product.search_read").Requests }
	push("a")
	push("b")
	if n := asked(); n != 1 {
		t.Errorf("the product was asked for %d times", n)
	}
	now = now.Add(keep + time.Second)
	push("c")
	if n := asked(); n != 2 {
		t.Errorf("after the time the product was asked for %d times", n)
	}
	key := e.key("d")
	d, _ := delivery(t, key, with(saleDocument(key, e.key("party")), "lines", []any{with(goodsLine(), "quantity", 1.5)}))
	e.refused(t, opSale, d, "tryton.UserError")
	push("e")
	if n := asked(); n != 3 {
		t.Errorf("after a refusal the product was asked for %d times", n)
	}
}

func TestDeclaration(t *testing.T) {
	if _, err := connectors.NewRegistry(Connector()); err != nil {
		t.Fatal(err)
	}
	if _, errs := connectors.NewConfig(Connector().Config, connectors.Values{}); len(errs) != 4 {
		t.Errorf("want base_url, database, username and password named: %v", errs)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`[{"id":1,"state":"draft","total_amount":{"__class__":"Decimal","decimal":"1.00"},"write_date":null,"create_date":{"__class__":"datetime","year":2026,"month":1,"day":1,"hour":0,"minute":0,"second":0,"microsecond":0},"party.":{"code":"a","id":1}}]`,
		`[{"id":1,"sale":1,"type":"line","quantity":2.0,"unit_price":null,"product.":null}]`, `["UserError",["a","b",null]]`, `null`, `[[]]`, `[{"total_amount":{"decimal":"x"}}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if e := rpcError(b); e.Kind == "" || e.Code == "" {
			t.Fatalf("an error without a kind or code: %+v", e)
		}
		var sales []saleRow
		if json.Unmarshal(b, &sales) == nil {
			for i := range sales {
				_ = differs(saleDoc{Lines: []lineDoc{{}}}, &sales[i], "")
				_, _ = (&conn{}).summary(&sales[i])
			}
		}
		var lines []lineRow
		_ = json.Unmarshal(b, &lines)
		var s saleDoc
		if json.Unmarshal(b, &s) == nil && s.check() == nil && len(s.Lines) == 0 {
			t.Fatal("a sale without lines passes")
		}
	})
}

// A session without a known end is nobody's worry.
func TestHowLongASessionLives(t *testing.T) {
	c := simulated(t)
	if got := c.CredentialEnds(); len(got) != 0 {
		t.Errorf("before any call: %+v", got)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.CredentialEnds(); len(got) != 1 || got[0].Name != "session" || !got[0].Renews || !got[0].Ends.IsZero() {
		t.Errorf("the session is %+v", got)
	}
}
