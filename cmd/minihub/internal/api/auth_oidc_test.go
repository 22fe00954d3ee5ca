package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/oidc/oidcsim"
	"github.com/minihub/minihub/connectors"
)

// oidcHub is a hub with a provider that is played, and what a browser keeps of it.
type oidcHub struct {
	*hub
	sim     *oidcsim.Provider
	url     string
	cookies map[string]*http.Cookie
	csrf    string
}

func newOIDCHub(t *testing.T) *oidcHub {
	t.Helper()
	o := &oidcHub{hub: newHub(t), cookies: map[string]*http.Cookie{}}
	var served http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	o.url = s.URL
	client := oidcsim.Client{ID: "minihub", Secret: "an invented secret", Redirect: s.URL + "/console/oidc"}
	var err error
	if o.sim, err = oidcsim.New(client); err != nil {
		t.Fatal(err)
	}
	p := httptest.NewServer(o.sim)
	t.Cleanup(p.Close)
	o.sim.Issuer = p.URL
	served = api.New(api.Options{Ledger: o.app.Ledger(), Token: "invented", OIDC: oidc.New(oidc.Config{URL: s.URL + "/", Issuer: p.URL, ClientID: client.ID,
		Secret: connectors.NewSecret(client.Secret), Scopes: []string{"openid"}, Name: "Keycloak", Label: map[string]string{"zh": "公司账号"},
		Roles: oidc.Roles{Claim: "groups", Map: map[string]string{"hub-ops": "ops", "hub-support": "support"}}}, nil)})
	o.is("u-1", "mei", "hub-support")
	return o
}

func (o *oidcHub) is(sub, name string, groups ...string) {
	o.sim.Set(oidcsim.Settings{Claims: map[string]any{"sub": sub, "preferred_username": name, "groups": groups}})
}

// ask makes a call as a page in the browser does, and keeps the cookies.
func (o *oidcHub) ask(method, path string, in any, change ...func(*http.Request)) answer {
	o.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		o.Fatal(err)
	}
	req, err := http.NewRequestWithContext(o.Context(), method, o.url+path, bytes.NewReader(b))
	if err != nil {
		o.Fatal(err)
	}
	for _, c := range o.cookies {
		req.AddCookie(c)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("X-CSRF-Token", o.csrf)
	for _, c := range change {
		c(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, cookies: resp.Cookies()}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		o.Fatal(err)
	}
	var e struct {
		Error *api.Error `json:"error"`
	}
	if json.Unmarshal(a.body, &e) == nil && e.Error != nil {
		a.code = e.Error.Code
	}
	for _, c := range a.cookies {
		if o.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(o.cookies, c.Name)
		}
	}
	return a
}

// goes begins a sign-in, and returns what the page then hands in.
func (o *oidcHub) goes() api.OIDCAnswer {
	o.Helper()
	var begun api.OIDCBegun
	o.into(o.ask("POST", "/api/v1/session/oidc", struct{}{}), &begun)
	back, err := o.sim.Answer(begun.URL)
	if err != nil {
		o.Fatal(err)
	}
	return api.OIDCAnswer{State: back.Get("state"), Code: back.Get("code"), Error: back.Get("error"), Issuer: back.Get("iss")}
}

const finish = "/api/v1/session/oidc/finish"

// signs goes the whole way, and is signed in.
func (o *oidcHub) signs() api.Me {
	o.Helper()
	var me api.Me
	o.into(o.ask("POST", finish, o.goes()), &me)
	o.csrf = me.CSRF
	return me
}

func TestAPersonSignsInThroughAProvider(t *testing.T) {
	o := newOIDCHub(t)
	var ways api.Ways
	o.into(o.ask("GET", "/api/v1/session/ways", nil), &ways)
	if ways.OIDC == nil || ways.OIDC.Name != "Keycloak" || ways.OIDC.Label["zh"] != "公司账号" || ways.OIDC.Console != o.url+"/console/" {
		t.Fatalf("%+v", ways.OIDC)
	}
	given := o.goes()
	kept := o.cookies["minihub-oidc"]
	if kept == nil || !kept.HttpOnly || kept.SameSite != http.SameSiteStrictMode || kept.MaxAge != 600 || kept.Path != "/" || kept.Domain != "" {
		t.Fatalf("the cookie of a sign-in under way is %+v", kept)
	}
	// Whoever chose the session's cookie before gains nothing by it.
	o.cookies["minihub"] = &http.Cookie{Name: "minihub", Value: "chosen"}
	var me api.Me
	in := o.ask("POST", finish, given)
	o.into(in, &me)
	if me.Name != "mei" || me.Kind != "person" || !slices.Equal(me.Roles, []string{"support"}) || me.CSRF == "" || o.cookies["minihub-oidc"] != nil {
		t.Fatalf("%+v, cookies %v", me, o.cookies)
	}
	if c := o.cookies["minihub"]; c == nil || c.Value == "chosen" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Fatalf("the session's cookie is %+v", c)
	}
	o.csrf = me.CSRF
	o.into(o.ask("GET", "/api/v1/session", nil), &me)
	if me.Name != "mei" {
		t.Fatalf("%+v", me)
	}
	o.want("without the right", o.ask("GET", "/api/v1/people", nil), 403, "api.forbidden")

	o.want("a password of one's own", o.ask("POST", "/api/v1/session/password", map[string]string{"old": "", "new": password}), 409, "person.provider")
	admin := bearer(o.token)
	o.want("a link to set one", o.call("POST", "/api/v1/people/mei/password", `{}`, admin), 409, "person.provider")
	o.want("a password", o.call("POST", "/api/v1/people/mei/password", `{"password":"`+password+`"}`, admin), 409, "person.provider")
	o.want("other roles", o.call("POST", "/api/v1/people/mei", `{"roles":["admin"]}`, admin), 409, "person.provider")
	var list struct {
		People []api.PersonRow `json:"people"`
	}
	o.into(o.call("GET", "/api/v1/people", "", admin), &list)
	if len(list.People) != 1 || !list.People[0].Provider || list.People[0].Password {
		t.Errorf("%+v", list)
	}

	o.is("u-1", "mei", "hub-ops", "hub-support")
	if me := o.signs(); !slices.Equal(me.Roles, []string{"support", "ops"}) {
		t.Errorf("roles are not renewed: %+v", me)
	}
	var end api.SignedOut
	o.into(o.ask("DELETE", "/api/v1/session", nil), &end)
	if u, err := url.Parse(end.Leave); err != nil || !strings.HasPrefix(end.Leave, o.sim.Issuer+"/leave?") || u.Query().Get("post_logout_redirect_uri") != o.url+"/console/" {
		t.Errorf("signed out to %q", end.Leave)
	}
	o.want("after it", o.ask("GET", "/api/v1/session", nil), 401, "api.token")
	rows := o.audit("sign_in")
	if len(rows) != 2 || rows[0].Who != "mei" || rows[0].Phase != "done" || rows[0].Detail["by"] != "provider" {
		t.Errorf("%+v", rows)
	}
	if rows := o.audit("person.change"); len(rows) != 1 || rows[0].Who != "mei" || rows[0].Detail["roles"] != "support,ops" || rows[0].From != "127.0.0.1" {
		t.Errorf("%+v", rows)
	}
}

func TestSignInsThroughAProviderAreRefused(t *testing.T) {
	o := newOIDCHub(t)
	elsewhere := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	o.want("begun by another site", o.ask("POST", "/api/v1/session/oidc", struct{}{}, elsewhere), 403, "api.csrf")
	given := o.goes()
	o.want("ended by another site", o.ask("POST", finish, given, elsewhere), 403, "api.csrf")
	o.want("a link that somebody else made", o.ask("GET", finish+"?code="+given.Code+"&state="+given.State, nil), 401, "api.token")
	// Another browser: signing somebody in as the attacker needs the attacker's cookie.
	mine := o.cookies
	o.cookies = map[string]*http.Cookie{}
	o.want("in another browser", o.ask("POST", finish, given), 400, "oidc.state")
	other := o.goes()
	o.want("in a browser with a sign-in of its own", o.ask("POST", finish, given), 400, "oidc.state")
	o.want("its own then, after a wrong answer", o.ask("POST", finish, other), 400, "oidc.state")
	if len(o.cookies) != 0 {
		t.Errorf("who was refused keeps %v", o.cookies)
	}
	o.cookies = mine
	replayed := o.cookies["minihub-oidc"]
	o.want("where it began", o.ask("POST", finish, given), 200, "")
	o.cookies = map[string]*http.Cookie{"minihub-oidc": replayed}
	o.want("replayed", o.ask("POST", finish, given), 400, "oidc.state")
	o.cookies = map[string]*http.Cookie{}
	o.want("no body", o.ask("POST", finish, nil), 400, "oidc.state")
	o.want("a strange key", o.ask("POST", finish, map[string]string{"to": "https://evil.example.com"}), 400, "api.body")

	o.is("u-2", "somebody", "all")
	o.want("no role", o.ask("POST", finish, o.goes()), 403, "oidc.role")
	o.sim.Set(oidcsim.Settings{Deny: "access_denied"})
	o.want("denied", o.ask("POST", finish, o.goes()), 403, "oidc.denied")
	o.sim.Set(oidcsim.Settings{Claims: map[string]any{"sub": "u-1"}, Sign: oidcsim.None})
	o.want("unsigned", o.ask("POST", finish, o.goes()), 502, "oidc.answer")
	o.is("u-1", "mei", "hub-ops")
	given = o.goes()
	o.sim.Set(oidcsim.Settings{Down: true})
	o.want("down", o.ask("POST", finish, given), 502, "oidc.provider")
	o.want("disabling", o.call("POST", "/api/v1/people/mei", `{"disabled":true}`, bearer(o.token)), 200, "")
	o.is("u-1", "mei", "hub-ops")
	o.want("disabled here", o.ask("POST", finish, o.goes()), 403, "oidc.blocked")
	var got []string
	for _, r := range o.audit("sign_in") {
		got = append(got, strings.Join([]string{r.Who, r.Phase, r.Code, r.Detail["cause"]}, " | "))
		if b, _ := json.Marshal(r); strings.Contains(string(b), given.Code) || strings.Contains(string(b), "invented") || strings.Contains(string(b), "u-1") {
			t.Errorf("the audit holds %s", b)
		}
	}
	slices.Reverse(got)
	want := []string{"? | refused | oidc.state | the browser keeps no sign-in, or one of long ago", "? | refused | oidc.state | another state",
		"? | refused | oidc.state | the browser keeps no sign-in, or one of long ago", "mei | done |  | ", "? | refused | oidc.state | used before",
		"? | refused | oidc.state | the browser keeps no sign-in, or one of long ago", "? | refused | oidc.role | ", "? | refused | oidc.denied | access_denied",
		"? | refused | oidc.answer | oidc: malformed jwt: unexpected signature algorithm \"none\"; expected [\"RS256\" \"ES256\"]",
		"? | refused | oidc.provider | the code cannot be redeemed: status 503", "mei | refused | oidc.blocked | "}
	if !slices.Equal(got, want) {
		t.Errorf("the audit says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Trying on is slowed down, like guessing passwords.
	for range 60 {
		if got := o.ask("POST", finish, api.OIDCAnswer{State: "x"}); got.status == http.StatusTooManyRequests {
			o.want("too many", got, 429, "session.locked")
			o.want("the right one then", o.ask("POST", finish, o.goes()), 429, "session.locked")
			return
		}
	}
	t.Error("60 tries went through")
}

// Where the browser speaks TLS the cookie is bound to the host, whatever stands between.
func TestTheCookieOfASignInIsBoundToTheHost(t *testing.T) {
	o := newOIDCHub(t)
	a := api.New(api.Options{Ledger: o.app.Ledger(), Token: "invented", OIDC: oidc.New(oidc.Config{URL: "https://hub.example.com/", Issuer: o.sim.Issuer, ClientID: "minihub"}, nil)})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/session/oidc", nil))
	got := w.Result().Cookies()
	if w.Code != http.StatusOK || len(got) != 1 || got[0].Name != "__Host-minihub-oidc" || !got[0].Secure || got[0].Path != "/" || got[0].Domain != "" {
		t.Errorf("%d %+v", w.Code, got)
	}
}

func TestAHubWithoutAProvider(t *testing.T) {
	h := newHub(t)
	if got := h.call("GET", "/api/v1/session/ways", ""); got.status != 200 || strings.TrimSpace(string(got.body)) != "{}" {
		t.Errorf("%d %s", got.status, got.body)
	}
	h.want("beginning", h.call("POST", "/api/v1/session/oidc", ""), 404, "oidc.none")
	h.want("ending", h.call("POST", finish, `{"state":"x"}`), 404, "oidc.none")
}
