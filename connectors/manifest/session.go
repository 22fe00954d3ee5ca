package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// keeper gets, renews and keeps the session of an account. The token cache calls it once
// at a time, however many callers wait.
type keeper struct {
	a     *account
	cache *token.Cache
	vault connectors.Vault
	name  string
	early time.Duration // before its end a session is renewed

	kept    kept
	version int64 // of the session in the vault; 0 = none
	told    atomic.Pointer[[]connectors.Credential]
}

// kept is what the vault holds.
type kept struct {
	Values  map[string]string `json:"values"`
	Expires int64             `json:"expires"` // unix seconds; 0 = not known
	// RefreshEnds is when the refresh token ends; Rotates, that renewals bring another one.
	RefreshEnds int64 `json:"refresh_ends,omitempty"`
	Rotates     bool  `json:"rotates,omitempty"`
}

func (k kept) has() bool { return k.Values["token"] != "" || k.Values["cookie"] != "" }

func newKeeper(a *account, env connectors.Env) *keeper {
	k := &keeper{a: a, vault: env.Vault, name: env.Name + "/session"}
	k.kept.Values = map[string]string{}
	for i := range a.m.Auth.First {
		e := &a.m.Auth.First[i]
		if s, err := e.value.t.Text(formula.Env{"config": a.config, "secret": a.secrets}); err == nil && s != "" {
			k.kept.Values[e.name] = s
		}
	}
	if k.early = a.m.Auth.Early.Duration; k.early == 0 {
		k.early = time.Minute
	}
	k.cache = token.New(k.fetch, k.early, a.now)
	return k
}

// CredentialEnds implements connectors.Expirer.
func (a *account) CredentialEnds() []connectors.Credential {
	if a.session == nil {
		return nil
	}
	if told := a.session.told.Load(); told != nil {
		return *told
	}
	return nil
}

// get gives a live session.
func (k *keeper) get(ctx context.Context) (token.Token, map[string]any, *connectors.Error) {
	t, err := k.cache.Get(ctx)
	if err != nil {
		return t, nil, sessionError(k.a, err)
	}
	if t.Value.Reveal() == token.Placeholder { // a dry run
		return t, map[string]any{"token": token.Placeholder, "cookie": "session=" + token.Placeholder}, nil
	}
	var values map[string]string
	if err := codec.Unmarshal([]byte(t.Value.Reveal()), &values); err != nil {
		return t, nil, sessionError(k.a, err)
	}
	return t, anyMap(values), nil
}

func (k *keeper) drop(t token.Token) { k.cache.Drop(t) }

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for n, v := range m {
		out[n] = v
	}
	return out
}

// sessionError is a failure to get a session: the call itself was never sent.
func sessionError(a *account, err error) *connectors.Error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: a.m.Name + ".session", Text: "no session in time", Err: err}
	}
	out := *e
	out.Sent = false
	if out.Scope == connectors.OfDocument {
		out.Scope = connectors.OfConnection
	}
	return &out
}

func (k *keeper) token() token.Token {
	b, _ := codec.Encode(plain(anyMap(k.kept.Values))) // texts always encode
	t := token.Token{Value: connectors.NewSecret(string(b))}
	if k.kept.Expires > 0 {
		t.Expires = time.Unix(k.kept.Expires, 0)
	}
	return t
}

// fetch is the cache's source.
func (k *keeper) fetch(ctx context.Context, dropped bool) (token.Token, error) {
	before := k.token().Value
	if err := k.read(ctx); err != nil {
		return token.Token{}, err
	}
	// Another process may have renewed since: then its session is the one to use.
	fresh := k.kept.has() && (!dropped || k.token().Value != before)
	if fresh && (k.kept.Expires == 0 || k.a.now().Before(time.Unix(k.kept.Expires, 0).Add(-k.early))) {
		k.tell()
		return k.token(), nil
	}
	next, err := k.renew(ctx)
	if err != nil {
		return token.Token{}, err
	}
	if err := k.keep(ctx, next); err != nil {
		return token.Token{}, err
	}
	k.tell()
	return k.token(), nil
}

// ways are the calls that give the next session: by the refresh token, and anew.
func (k *keeper) ways() (refresh, login *callSpec) {
	s := k.a.m.Auth
	refresh, login = s.Refresh, s.Login
	if s.Kind == "oauth2" {
		refresh = s.oauth("refresh_token")
		if s.Grant != "refresh_token" {
			login = s.oauth(first(s.Grant, "client_credentials"))
		}
	}
	return refresh, login
}

// tell says how long what the keeper has lives. A refresh token that renewals do not
// replace ends for good, unless a login gives another.
func (k *keeper) tell() {
	refresh, login := k.ways()
	var out []connectors.Credential
	has := k.kept.Values["refresh_token"] != ""
	if k.kept.has() {
		out = append(out, connectors.Credential{Name: "session", Ends: unix(k.kept.Expires), Renews: login != nil || refresh != nil && has})
	}
	if has && k.kept.RefreshEnds > 0 {
		out = append(out, connectors.Credential{Name: "refresh token", Ends: unix(k.kept.RefreshEnds), Renews: login != nil || k.kept.Rotates})
	}
	k.told.Store(&out)
}

func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

func (k *keeper) read(ctx context.Context) error {
	if k.vault == nil {
		return nil
	}
	s, version, err := k.vault.Get(ctx, k.name)
	if err != nil {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: k.a.m.Name + ".vault", Text: "the vault cannot be read", Err: err}
	}
	if version == 0 || version == k.version {
		return nil
	}
	var got kept
	if err := codec.Unmarshal([]byte(s.Reveal()), &got); err != nil || got.Values == nil {
		return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: k.a.m.Name + ".vault", Text: "what the vault keeps is no session",
			Hint: "remove the entry; the next call gets a new one"}
	}
	k.kept, k.version = got, version
	return nil
}

// keep stores the new session. If another process was faster, its session is taken.
func (k *keeper) keep(ctx context.Context, next kept) error {
	k.kept = next
	if k.vault == nil {
		return nil
	}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	err = k.vault.Swap(ctx, k.name, k.version, connectors.NewSecret(string(b)))
	var e *connectors.Error
	switch {
	case err == nil:
		k.version++
		return nil
	case errors.As(err, &e) && e.Kind == connectors.Conflict:
		return k.read(ctx)
	}
	// The session works; without the vault only a restart would have to get another.
	k.a.log.Warn("the renewed session could not be kept", zap.Error(err))
	return nil
}

// renew asks for the next session: by the refresh token, or anew.
func (k *keeper) renew(ctx context.Context) (kept, *connectors.Error) {
	var last *connectors.Error
	refresh, login := k.ways()
	if refresh != nil && k.kept.Values["refresh_token"] != "" {
		next, err := k.ask(ctx, refresh)
		if err == nil || err.Kind != connectors.Unauthorized && err.Kind != connectors.Invalid || login == nil {
			return next, err
		}
		last = err
	}
	if login != nil {
		return k.ask(ctx, login)
	}
	if last == nil {
		last = &connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfConnection, Code: k.a.m.Name + ".session", Text: "the session is over and there is no refresh token"}
	}
	last.Hint = "authorise the connection anew and put the new tokens into its settings"
	return kept{}, last
}

func (k *keeper) ask(ctx context.Context, c *callSpec) (kept, *connectors.Error) {
	s := k.a.m.Auth
	ans, err := k.a.call(ctx, c, formula.Env{"session": anyMap(k.kept.Values)}, options{auth: true})
	if err != nil {
		return kept{}, err
	}
	next := kept{Values: map[string]string{}, RefreshEnds: k.kept.RefreshEnds}
	old := k.kept.Values["refresh_token"]
	if old != "" {
		next.Values["refresh_token"] = old // a vendor that does not rotate it leaves it out
	}
	bad := func(text string) (kept, *connectors.Error) {
		return kept{}, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: k.a.m.Name + ".session", Text: text}
	}
	take := s.Take
	for i := range take {
		v, err := take[i].value.e.Eval(ans.env)
		if err != nil {
			return bad("auth.take." + take[i].name + " cannot be worked out")
		}
		if t := formula.Text(v); t != "" {
			next.Values[take[i].name] = t
		}
	}
	life, rest := any(nil), any(nil)
	if s.Kind == "oauth2" && len(take) == 0 {
		m, _ := ans.body.(map[string]any)
		next.Values["token"] = formula.Text(m["access_token"])
		if r := formula.Text(m["refresh_token"]); r != "" {
			next.Values["refresh_token"] = r
		}
		life, rest = m["expires_in"], m["refresh_token_expires_in"]
	}
	if s.Life.given() {
		v, err := s.Life.e.Eval(ans.env)
		if err != nil {
			return bad("auth.life cannot be worked out")
		}
		life = v
	}
	if s.RefreshLife.given() {
		v, err := s.RefreshLife.e.Eval(ans.env)
		if err != nil {
			return bad("auth.refresh_life cannot be worked out")
		}
		rest = v
	}
	now := k.a.now().Unix()
	next.Rotates = old != "" && next.Values["refresh_token"] != old
	if n, ok := formula.Int(rest); ok && n > 0 {
		next.RefreshEnds = now + n
	}
	if n, ok := formula.Int(life); ok && n > 0 {
		// One that lives hardly longer than early is used for half its life.
		early := int64(k.early / time.Second)
		next.Expires = now + max(n, n/2+early)
	}
	var cookies []string
	for _, want := range s.Cookies {
		for _, c := range ans.cookies {
			if c.Name == want {
				cookies = append(cookies, c.Name+"="+c.Value)
			}
		}
	}
	if len(cookies) < len(s.Cookies) {
		return bad("the answer to the login sets no cookie " + strings.Join(s.Cookies, ", "))
	}
	if len(cookies) > 0 {
		next.Values["cookie"] = strings.Join(cookies, "; ")
	}
	if !next.has() {
		return bad("the answer to the login holds no token")
	}
	return next, nil
}
