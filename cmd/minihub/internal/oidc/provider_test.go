package oidc_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/oidc/oidcsim"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/connectors"
)

const hubURL = "https://hub.example.com/"

// world is a hub's side of a provider that is played.
type world struct {
	*testing.T
	sim    *oidcsim.Provider
	config oidc.Config
	oidc   *oidc.Provider
	now    time.Time
}

func newWorld(t *testing.T, change func(*oidc.Config)) *world {
	t.Helper()
	client := oidcsim.Client{ID: "hub+1", Secret: "an invented/secret +%", Redirect: hubURL + "console/oidc"}
	sim, err := oidcsim.New(client)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(sim)
	t.Cleanup(s.Close)
	sim.Issuer = s.URL
	w := &world{T: t, sim: sim, now: time.Now(), config: oidc.Config{URL: hubURL, Issuer: s.URL, ClientID: client.ID, Secret: connectors.NewSecret(client.Secret),
		Scopes: []string{"openid", "groups"}, Roles: oidc.Roles{Claim: "groups", Map: map[string]string{"hub-ops": "ops", "hub-support": "support"}}}}
	if change != nil {
		change(&w.config)
	}
	w.oidc = oidc.New(w.config, func() time.Time { return w.now })
	w.claims(nil)
	return w
}

// claims sets who signs in, beside the settings.
func (w *world) claims(change func(*oidcsim.Settings)) {
	s := oidcsim.Settings{Claims: map[string]any{"sub": "u-1", "preferred_username": "mei", "groups": []string{"all", "hub-ops"}}}
	if change != nil {
		change(&s)
	}
	w.sim.Set(s)
}

// begin begins a sign-in and goes to the provider.
func (w *world) begin() (kept string, back url.Values) {
	w.Helper()
	address, kept, err := w.oidc.Begin(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	if back, err = w.sim.Answer(address); err != nil {
		w.Fatal(err)
	}
	return kept, back
}

func (w *world) finish(kept string, back url.Values) (*people.External, error) {
	return w.oidc.Finish(w.Context(), kept, oidc.Answer{State: back.Get("state"), Code: back.Get("code"), Error: back.Get("error"), Issuer: back.Get("iss")})
}

// refused is the code and the cause of a refusal.
func refused(err error) (code, cause string) {
	var no *oidc.Refusal
	if errors.As(err, &no) {
		return no.Code, no.Cause
	}
	return "", ""
}

func TestAProviderSaysWhoSomebodyIs(t *testing.T) {
	for _, sign := range []string{oidcsim.RS256, oidcsim.ES256} {
		w := newWorld(t, nil)
		w.claims(func(s *oidcsim.Settings) { s.Sign = sign })
		kept, back := w.begin()
		who, err := w.finish(kept, back)
		if err != nil || who.Subject != w.config.Issuer+" u-1" || who.Name != "mei" || !slices.Equal(who.Roles, []string{"ops"}) {
			t.Errorf("%s: %+v %v", sign, who, err)
		}
	}
}

// Each is a way in for somebody who has no business here; all are refused, and the cause
// that the audit gets tells them apart.
func TestForgedAndStolenAnswersAreRefused(t *testing.T) {
	claim := func(name string, v any) func(*oidcsim.Settings) {
		return func(s *oidcsim.Settings) {
			s.Token = func(c map[string]any) {
				if c[name] = v; v == nil {
					delete(c, name)
				}
			}
		}
	}
	signed := func(how string) func(*oidcsim.Settings) { return func(s *oidcsim.Settings) { s.Sign = how } }
	for name, c := range map[string]struct {
		set         func(*oidcsim.Settings)
		change      func(w *world, kept *string, back url.Values)
		code, cause string
	}{
		"a wrong nonce":             {set: claim("nonce", "x"), code: oidc.CodeAnswer, cause: "nonce"},
		"no nonce":                  {set: claim("nonce", nil), code: oidc.CodeAnswer, cause: "nonce"},
		"another audience":          {set: claim("aud", "another"), code: oidc.CodeAnswer, cause: "audience"},
		"several audiences, no azp": {set: claim("aud", []string{"hub+1", "another"}), code: oidc.CodeAnswer, cause: "another client"},
		"made for another client":   {set: claim("azp", "another"), code: oidc.CodeAnswer, cause: "another client"},
		"another issuer":            {set: claim("iss", "https://evil.example.com"), code: oidc.CodeAnswer, cause: "different provider"},
		"expired":                   {set: claim("exp", time.Now().Add(-time.Second).Unix()), code: oidc.CodeAnswer, cause: "expired"},
		"never expiring":            {set: claim("exp", nil), code: oidc.CodeAnswer, cause: "expired"},
		"not yet":                   {set: claim("nbf", time.Now().Add(time.Hour).Unix()), code: oidc.CodeAnswer, cause: "nbf"},
		"nobody":                    {set: claim("sub", ""), code: oidc.CodeAnswer, cause: "subject"},
		"another access token":      {set: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), code: oidc.CodeAnswer, cause: "access token"},
		"alg none":                  {set: signed(oidcsim.None), code: oidc.CodeAnswer, cause: "malformed jwt"},
		"unsigned":                  {set: signed(oidcsim.Cut), code: oidc.CodeAnswer, cause: "verify signature"},
		"a foreign key":             {set: signed(oidcsim.Foreign), code: oidc.CodeAnswer, cause: "verify signature"},
		"altered":                   {set: signed(oidcsim.Altered), code: oidc.CodeAnswer, cause: "verify signature"},
		"signed by the secret":      {set: signed(oidcsim.ByName), code: oidc.CodeAnswer, cause: "malformed jwt"},
		"signed by the public key":  {set: signed(oidcsim.ByKey), code: oidc.CodeAnswer, cause: "malformed jwt"},
		"an algorithm of no list":   {set: signed(oidcsim.RS384), code: oidc.CodeAnswer, cause: "malformed jwt"},
		"userinfo of somebody else": {set: func(s *oidcsim.Settings) {
			delete(s.Claims, "groups")
			s.UserInfo = map[string]any{"sub": "u-2", "groups": "hub-ops"}
		}, code: oidc.CodeAnswer, cause: "somebody else"},
		"denied":           {set: func(s *oidcsim.Settings) { s.Deny = "access_denied" }, code: oidc.CodeDenied, cause: "access_denied"},
		"denied in markup": {set: func(s *oidcsim.Settings) { s.Deny = "<b>no</b>" }, code: oidc.CodeDenied, cause: "no reason"},
		"a state of another browser": {change: func(w *world, _ *string, back url.Values) {
			_, other := w.begin()
			back.Set("state", other.Get("state"))
		}, code: oidc.CodeState},
		"a sign-in of another browser, whole": {change: func(w *world, kept *string, _ url.Values) { *kept, _ = w.begin() }, code: oidc.CodeState},
		"no state":                            {change: func(_ *world, _ *string, back url.Values) { back.Del("state") }, code: oidc.CodeState},
		"no cookie":                           {change: func(_ *world, kept *string, _ url.Values) { *kept = "" }, code: oidc.CodeState},
		"a cookie of one's own":               {change: func(_ *world, kept *string, _ url.Values) { *kept = "x.y" }, code: oidc.CodeState},
		"a cookie made younger": {change: func(w *world, kept *string, _ url.Values) {
			_, secret, _ := strings.Cut(*kept, ".")
			w.now = w.now.Add(time.Hour)
			*kept = "99999999999." + secret
		}, code: oidc.CodeState},
		"too late":                  {change: func(w *world, _ *string, _ url.Values) { w.now = w.now.Add(oidc.FlowLife) }, code: oidc.CodeState},
		"a code of another sign-in": {change: func(w *world, _ *string, back url.Values) { _, other := w.begin(); back.Set("code", other.Get("code")) }, code: oidc.CodeAnswer, cause: "invalid_grant"},
		"a replayed code": {change: func(w *world, kept *string, back url.Values) {
			if _, err := w.finish(*kept, back); err != nil {
				w.Fatal(err)
			}
		}, code: oidc.CodeAnswer, cause: "invalid_grant"},
		"an invented code":                     {change: func(_ *world, _ *string, back url.Values) { back.Set("code", "invented") }, code: oidc.CodeAnswer, cause: "invalid_grant"},
		"no code":                              {change: func(_ *world, _ *string, back url.Values) { back.Del("code") }, code: oidc.CodeAnswer, cause: "no code"},
		"mixed up with another provider":       {change: func(_ *world, _ *string, back url.Values) { back.Set("iss", "https://evil.example.com") }, code: oidc.CodeAnswer, cause: "another issuer"},
		"without the issuer that was promised": {change: func(_ *world, _ *string, back url.Values) { back.Del("iss") }, code: oidc.CodeAnswer, cause: "another issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.claims(c.set)
			kept, back := w.begin()
			if c.change != nil {
				c.change(w, &kept, back)
			}
			who, err := w.finish(kept, back)
			code, cause := refused(err)
			if who != nil || code != c.code || !strings.Contains(cause, c.cause) {
				t.Errorf("%+v: %q %q, want %q %q", who, code, cause, c.code, c.cause)
			}
			if err != nil && (strings.Contains(cause, w.config.Secret.Reveal()) || strings.Contains(err.Error()+cause, back.Get("code")) && back.Get("code") != "") {
				t.Errorf("the cause tells too much: %s", cause)
			}
		})
	}
}

func TestClaimsGiveRoles(t *testing.T) {
	for name, c := range map[string]struct {
		roles oidc.Roles
		set   func(*oidcsim.Settings)
		want  string
	}{
		"several, each once, in their order": {set: func(s *oidcsim.Settings) { s.Claims["groups"] = []string{"hub-support", "hub-ops", "hub-ops"} }, want: "support ops"},
		"one text":                           {set: func(s *oidcsim.Settings) { s.Claims["groups"] = "hub-ops" }, want: "ops"},
		"none":                               {set: func(s *oidcsim.Settings) { s.Claims["groups"] = []string{"all", "admin", "hub-OPS"} }},
		"no such claim":                      {set: func(s *oidcsim.Settings) { delete(s.Claims, "groups") }},
		"not even texts":                     {set: func(s *oidcsim.Settings) { s.Claims["groups"] = []any{"hub-ops", 7} }},
		"told when asked": {set: func(s *oidcsim.Settings) {
			delete(s.Claims, "groups")
			s.UserInfo = map[string]any{"groups": []string{"hub-ops"}}
		}, want: "ops"},
		"what is signed holds": {set: func(s *oidcsim.Settings) {
			delete(s.Claims, "preferred_username")
			s.Claims["groups"] = "all"
			s.UserInfo = map[string]any{"groups": []string{"hub-ops"}}
		}},
		"along a path":             {roles: oidc.Roles{Claim: "realm_access.roles", Map: map[string]string{"a": "viewer"}}, set: func(s *oidcsim.Settings) { s.Claims["realm_access"] = map[string]any{"roles": []string{"a"}} }, want: "viewer"},
		"under a name with dots":   {roles: oidc.Roles{Claim: "https://example.com/roles", Map: map[string]string{"a": "viewer"}}, set: func(s *oidcsim.Settings) { s.Claims["https://example.com/roles"] = []string{"a"} }, want: "viewer"},
		"the default":              {roles: oidc.Roles{Default: "viewer"}, want: "viewer"},
		"the default stands aside": {roles: oidc.Roles{Claim: "groups", Map: map[string]string{"hub-ops": "ops"}, Default: "viewer"}, want: "ops"},
	} {
		w := newWorld(t, func(o *oidc.Config) {
			if c.roles.Claim != "" || c.roles.Default != "" {
				o.Roles = c.roles
			}
		})
		w.claims(c.set)
		kept, back := w.begin()
		who, err := w.finish(kept, back)
		if err != nil || strings.Join(who.Roles, " ") != c.want {
			t.Errorf("%s: %+v %v, want %q", name, who, err, c.want)
		}
	}
}

func TestOnlyAllowedDomainsComeIn(t *testing.T) {
	for email, in := range map[string]bool{"mei@example.com": true, "mei@EXAMPLE.com": true, "mei@sub.example.com": false, "mei@example.com.evil.test": false,
		"mei@evil.test@example.com": false, "@example.com": false, "example.com": false, "": false} {
		for _, verified := range []any{true, "true", false, nil} {
			w := newWorld(t, func(o *oidc.Config) { o.Domains = []string{"example.com"} })
			w.claims(func(s *oidcsim.Settings) {
				s.UserInfo = map[string]any{"email": email}
				if verified != nil {
					s.UserInfo["email_verified"] = verified
				}
			})
			kept, back := w.begin()
			who, err := w.finish(kept, back)
			code, _ := refused(err)
			switch ok := in && (verified == true || verified == "true"); {
			case ok && (err != nil || len(who.Roles) != 1), !ok && (code != oidc.CodeDomain || who == nil || len(who.Roles) != 0):
				t.Errorf("%q, verified %v: %+v %v", email, verified, who, err)
			}
		}
	}
}

// What a provider says of itself is looked at before anybody is sent to it.
func TestADoubtfulProviderIsNotUsed(t *testing.T) {
	for name, says := range map[string]map[string]any{
		"another issuer":            {"issuer": "https://evil.example.com"},
		"no endpoint":               {"token_endpoint": nil},
		"a script":                  {"authorization_endpoint": "javascript:alert(1)"},
		"a password in the address": {"token_endpoint": "http://a:b@127.0.0.1/token"},
		"signing out to a script":   {"end_session_endpoint": "javascript:alert(1)"},
		"keys of no address":        {"jwks_uri": "keys"},
	} {
		w := newWorld(t, nil)
		w.claims(func(s *oidcsim.Settings) { s.Says = says })
		address, kept, err := w.oidc.Begin(t.Context())
		if code, _ := refused(err); code != oidc.CodeProvider || address+kept != "" {
			t.Errorf("%s: %s %v", name, address, err)
		}
	}
	// TLS stays TLS.
	w := newWorld(t, nil)
	tls := httptest.NewTLSServer(w.sim)
	defer tls.Close()
	w.config.Issuer, w.sim.Issuer = tls.URL, tls.URL
	if _, _, err := oidc.New(w.config, nil).Begin(t.Context()); err == nil {
		t.Error("a certificate of nobody was trusted")
	}
}

func TestAProviderThatComesBackIsAskedAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.claims(func(s *oidcsim.Settings) { s.Down = true })
	if _, _, err := w.oidc.Begin(t.Context()); err == nil {
		t.Fatal("a provider that is down")
	}
	w.claims(nil)
	if _, _, err := w.oidc.Begin(t.Context()); err == nil {
		t.Error("it was asked again at once: callers could make the hub hammer it")
	}
	w.now = w.now.Add(5 * time.Second)
	kept, back := w.begin()
	if _, err := w.finish(kept, back); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.oidc.Begin(ctx); err != nil {
		t.Errorf("what is known needs no asking: %v", err)
	}
}

func TestSigningOutGoesOnToTheProvider(t *testing.T) {
	w := newWorld(t, nil)
	u, err := url.Parse(w.oidc.Leave(t.Context()))
	if err != nil || !strings.HasPrefix(u.String(), w.config.Issuer+"/leave?") || u.Query().Get("from") != "here" || u.Query().Get("client_id") != "hub+1" ||
		u.Query().Get("post_logout_redirect_uri") != hubURL+"console/" {
		t.Errorf("%s %v", u, err)
	}
	w = newWorld(t, nil)
	w.claims(func(s *oidcsim.Settings) { s.Says = map[string]any{"end_session_endpoint": nil} })
	if got := w.oidc.Leave(t.Context()); got != "" {
		t.Errorf("%s, though the provider offers nothing", got)
	}
}
