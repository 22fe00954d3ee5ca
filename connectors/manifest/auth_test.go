package manifest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
)

// head is the start of a manifest with the settings that the tests of auth use.
const head = `name: host
title: t
role: any
text: t
docs: d
config:
  url: {kind: url, required: true, text: u}
  user: {text: u}
  password: {kind: secret, text: p}
  refresh: {kind: secret, text: r}
request: {url: "{{ config.url }}"}
`

const tail = `
errors: {ok: body.code == 0, code: body.code, text: body.msg}
streams:
  orders:
    entity: order
    key: row.id
    list: {get: /orders, rows: body.rows}
    unlisted: none
`

// gatekeeper is a server with sessions: tokens are T1, T2, ...; only the last lives.
type gatekeeper struct {
	mu       sync.Mutex
	logins   int
	forms    []string
	valid    string // what an order call must show, made by show
	show     func(r *http.Request) string
	grant    func(n int) string // the answer to the nth login
	cookie   bool
	denied   int
	over     string // answer to an order call without a live session
	overCode int
}

func (g *gatekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/login" {
		g.logins++
		_ = r.ParseForm()
		g.forms = append(g.forms, r.Form.Encode())
		g.valid = fmt.Sprintf("Token-%d", g.logins)
		if g.cookie {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: g.valid})
		}
		_, _ = fmt.Fprint(w, g.grant(g.logins))
		return
	}
	if g.show(r) != g.valid || g.valid == "" {
		g.denied++
		w.WriteHeader(max(200, g.overCode))
		_, _ = fmt.Fprint(w, g.over)
		return
	}
	_, _ = fmt.Fprintf(w, `{"code":0,"rows":[{"id":1,"echo":%q}]}`, g.valid)
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func serve(t *testing.T, src string, h http.Handler, env connectors.Env) connectors.Connection {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c := load(t, "host.yaml", []byte(src))
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{Text: map[string]string{"url": srv.URL, "user": "hub"},
		Secrets: map[string]connectors.Secret{"password": connectors.NewSecret("invented-password"), "refresh": connectors.NewSecret("invented-refresh")}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func pullOrders(t *testing.T, conn connectors.Connection) error {
	t.Helper()
	_, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
	return err
}

func TestSimpleAuth(t *testing.T) {
	for auth, check := range map[string]func(r *http.Request) bool{
		`auth: {kind: none}`: func(r *http.Request) bool { return r.Header.Get("Authorization") == "" },
		`auth: {kind: basic, user: "{{ config.user }}", password: "{{ secret.password }}"}`: func(r *http.Request) bool {
			u, p, ok := r.BasicAuth()
			return ok && u == "hub" && p == "invented-password"
		},
		`auth: {kind: header, put: {headers: {X-Key: "k {{ secret.password }}"}, query: {user: "{{ config.user }}"}}}`: func(r *http.Request) bool {
			return r.Header.Get("X-Key") == "k invented-password" && r.FormValue("user") == "hub"
		},
	} {
		ok := false
		conn := serve(t, head+auth+tail, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ok = check(r)
			_, _ = fmt.Fprint(w, `{"code":0,"rows":[]}`)
		}), connectors.Env{})
		if err := pullOrders(t, conn); err != nil || !ok {
			t.Errorf("%s: %v, shown %t", auth, err, ok)
		}
	}
}

const login = `
auth:
  kind: login
  login: {post: /login, format: form, body: {user: "{{ config.user }}", password: "{{ secret.password }}"}}
  take: {token: body.token}
  life: body.life
`

func TestLoginOnceForManyAndAgainWhenItIsOver(t *testing.T) {
	g := &gatekeeper{show: bearer, overCode: 401, grant: func(n int) string { return fmt.Sprintf(`{"code":0,"token":"Token-%d","life":3600}`, n) }}
	now := time.Unix(1_000_000, 0)
	var shift atomic.Int64
	vault := &connectortest.Vault{}
	env := connectors.Env{Now: func() time.Time { return now.Add(time.Duration(shift.Load())) }, Vault: vault, Name: "one"}
	conn := serve(t, head+login+tail, g, env)
	many := func() {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := pullOrders(t, conn); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	many()
	if g.logins != 1 || g.forms[0] != "password=invented-password&user=hub" {
		t.Fatalf("%d logins %v", g.logins, g.forms)
	}
	g.mu.Lock()
	g.valid = "revoked"
	g.mu.Unlock()
	many()
	if g.logins != 2 {
		t.Errorf("%d logins after the session was revoked, want one more", g.logins)
	}
	shift.Store(int64(time.Hour - 30*time.Second)) // within the minute before its end
	many()
	if g.logins != 3 {
		t.Errorf("%d logins after the session's life, want one more", g.logins)
	}
	other := serve(t, head+login+tail, g, env) // a restart: the vault has the session
	if err := pullOrders(t, other); err != nil || g.logins != 3 {
		t.Errorf("after a restart: %v, %d logins", err, g.logins)
	}
}

func TestRefusedSessionEndsAfterOneRenewal(t *testing.T) {
	g := &gatekeeper{show: func(*http.Request) string { return "never" }, over: `{"code":77,"msg":"bad invented-password Token-2"}`, grant: func(n int) string { return fmt.Sprintf(`{"code":0,"token":"Token-%d"}`, n) }}
	conn := serve(t, head+login+"  expired: body.code == 77\n"+tail, g, connectors.Env{})
	err := pullOrders(t, conn)
	e := connectors.AsError(err)
	if e == nil || e.Kind != connectors.Unauthorized || e.Scope != connectors.OfConnection || g.denied != 2 || g.logins != 2 {
		t.Errorf("%v after %d calls and %d logins", err, g.denied, g.logins)
	}
	if strings.Contains(e.Error(), "invented-password") || strings.Contains(e.Error(), "Token-2") {
		t.Errorf("a secret is shown: %v", e)
	}
}

func TestLoginThatFailsWasNeverSent(t *testing.T) {
	for answer, kind := range map[string]connectors.Kind{
		`{"code":5,"msg":"wrong invented-password"}`: connectors.Unclassified, `{"code":0}`: connectors.Unreadable, `<html>`: connectors.Unreadable, `{"code":0,"token":""}`: connectors.Unreadable,
	} {
		g := &gatekeeper{show: bearer, grant: func(int) string { return answer }}
		err := pullOrders(t, serve(t, head+login+tail, g, connectors.Env{}))
		e := connectors.AsError(err)
		if e == nil || e.Kind != kind || e.Sent || e.Scope != connectors.OfConnection || len(e.Raw) > 0 || strings.Contains(fmt.Sprint(e, e.Err), "invented-password") {
			t.Errorf("%s: %+v", answer, e)
		}
		if g.denied != 0 {
			t.Errorf("%s: an order call went out without a session", answer)
		}
	}
}

func TestCookieSession(t *testing.T) {
	g := &gatekeeper{cookie: true, overCode: 401, grant: func(int) string { return `{"code":0}` }, show: func(r *http.Request) string {
		c, err := r.Cookie("sid")
		if err != nil {
			return ""
		}
		return c.Value
	}}
	conn := serve(t, head+`
auth:
  kind: login
  login: {post: /login, body: {user: "{{ config.user }}", password: "{{ secret.password }}"}}
  cookies: [sid]
`+tail, g, connectors.Env{})
	for range 3 {
		if err := pullOrders(t, conn); err != nil {
			t.Fatal(err)
		}
	}
	if g.logins != 1 {
		t.Errorf("%d logins", g.logins)
	}
}

func TestOAuth2(t *testing.T) {
	oauth := func(extra string) string {
		return head + `
auth:
  kind: oauth2
  url: /login
  client_id: "{{ config.user }}"
  client_secret: "{{ secret.password }}"
` + extra + tail
	}
	for name, tc := range map[string]struct {
		src, first, later string
	}{
		"client credentials": {oauth("  scope: read\n"), "client_id=hub&client_secret=invented-password&grant_type=client_credentials&scope=read",
			"client_id=hub&client_secret=invented-password&grant_type=refresh_token&refresh_token=R1"},
		"password": {oauth("  grant: password\n  user: u\n  password: '{{ secret.refresh }}'\n"), "client_id=hub&client_secret=invented-password&grant_type=password&password=invented-refresh&username=u",
			"client_id=hub&client_secret=invented-password&grant_type=refresh_token&refresh_token=R1"},
		"refresh token": {oauth("  grant: refresh_token\n  first: {refresh_token: '{{ secret.refresh }}'}\n"), "client_id=hub&client_secret=invented-password&grant_type=refresh_token&refresh_token=invented-refresh",
			"client_id=hub&client_secret=invented-password&grant_type=refresh_token&refresh_token=R1"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gatekeeper{show: bearer, overCode: 401, grant: func(n int) string {
				return fmt.Sprintf(`{"code":0,"access_token":"Token-%d","refresh_token":"R%d","expires_in":7200}`, n, n)
			}}
			vault := &connectortest.Vault{}
			conn := serve(t, tc.src, g, connectors.Env{Vault: vault, Name: "one"})
			if err := pullOrders(t, conn); err != nil {
				t.Fatal(err)
			}
			g.valid = "revoked"
			if err := pullOrders(t, conn); err != nil {
				t.Fatal(err)
			}
			g.valid = "revoked"
			if err := pullOrders(t, serve(t, tc.src, g, connectors.Env{Vault: vault, Name: "one"})); err != nil { // the rotated token outlives a restart
				t.Fatal(err)
			}
			if g.forms[0] != tc.first || g.forms[1] != tc.later || !strings.HasSuffix(g.forms[2], "refresh_token=R2") {
				t.Errorf("%q", g.forms)
			}
		})
	}
}

func TestSecretsAreMasked(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte("hub:invented-password"))
	conn := serve(t, head+`
auth: {kind: basic, user: "{{ config.user }}", password: "{{ secret.password }}"}
operations:
  order.push:
    entity: order
    carries: state
    changes: upsert
    repeat: idempotent
    send: {post: /orders, headers: {X-Password: "{{ secret.password }}"}, body: "{{ doc }}"}
    unlisted: none
`+tail, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"code":9,"msg":"you sent %s and %s"}`, r.Header.Get("X-Password"), r.Header.Get("Authorization"))
	}), connectors.Env{})
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "K", Document: []byte(`{"a":"invented-password"}`)}})
	if err != nil || len(res) != 1 || res[0].Outcome != connectors.Unknown || len(res[0].Exchanges) != 1 {
		t.Fatalf("%+v %v", res, err)
	}
	for _, s := range []string{fmt.Sprintf("%+v", res[0].Exchanges), res[0].Err.Error(), string(res[0].Err.Raw)} {
		if strings.Contains(s, "invented-password") || strings.Contains(s, secret) {
			t.Errorf("a secret is shown: %s", s)
		}
	}
}

func TestHowLongASessionLives(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	oauth := "\nauth:\n  kind: oauth2\n  url: /login\n  client_id: \"{{ config.user }}\"\n  client_secret: \"{{ secret.password }}\"\n"
	person := oauth + "  grant: refresh_token\n  first: {refresh_token: '{{ secret.refresh }}'}\n"
	ends := func(s int64, name string, renews bool) connectors.Credential {
		return connectors.Credential{Name: name, Ends: now.Add(time.Duration(s) * time.Second), Renews: renews}
	}
	for name, tc := range map[string]struct {
		auth, grant string
		want        []connectors.Credential
	}{
		"a login renews itself": {login, `{"code":0,"token":"Token-1","life":3600}`, []connectors.Credential{ends(3600, "session", true)}},
		"no end is told":        {login, `{"code":0,"token":"Token-1"}`, []connectors.Credential{{Name: "session", Renews: true}}},
		"a refresh token that stays ends for good": {person, `{"code":0,"access_token":"Token-1","expires_in":7200,"refresh_token_expires_in":864000}`,
			[]connectors.Credential{ends(7200, "session", true), ends(864000, "refresh token", false)}},
		"one that is replaced does not": {person, `{"code":0,"access_token":"Token-1","expires_in":7200,"refresh_token":"R2","refresh_token_expires_in":864000}`,
			[]connectors.Credential{ends(7200, "session", true), ends(864000, "refresh token", true)}},
		"a login gives another": {oauth, `{"code":0,"access_token":"Token-1","expires_in":7200,"refresh_token":"R2","refresh_token_expires_in":864000}`,
			[]connectors.Credential{ends(7200, "session", true), ends(864000, "refresh token", true)}},
		"by the vendor's own word": {person + "  refresh_life: body.days * 86400\n", `{"code":0,"access_token":"Token-1","expires_in":7200,"days":3}`,
			[]connectors.Credential{ends(7200, "session", true), ends(3*86400, "refresh token", false)}},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gatekeeper{show: bearer, overCode: 401, grant: func(int) string { return tc.grant }}
			vault := &connectortest.Vault{}
			env := connectors.Env{Now: func() time.Time { return now }, Vault: vault, Name: "one"}
			for range 2 { // the second is a restart: the vault tells it
				conn := serve(t, head+tc.auth+tail, g, env)
				e := conn.(connectors.Expirer)
				if got := e.CredentialEnds(); len(got) > 0 {
					t.Fatalf("before any call: %+v", got)
				}
				if err := pullOrders(t, conn); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, e.CredentialEnds()); diff != "" {
					t.Error(diff)
				}
			}
			if g.logins != 1 {
				t.Errorf("%d logins", g.logins)
			}
		})
	}
}
