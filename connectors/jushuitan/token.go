package jushuitan

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// early is how long before its end a token is renewed.
const early = 10 * time.Minute

// pair is what the vendor gives out and the vault keeps.
type pair struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
	Expires int64  `json:"expires"` // unix seconds; 0 = not known
	// Renewed: it came of a refresh token. Apps of service providers whose refresh the
	// vendor refuses never have one that did.
	Renewed bool `json:"renewed,omitempty"`
}

func (p pair) token() token.Token {
	t := token.Token{Value: connectors.NewSecret(p.Access)}
	if p.Expires > 0 {
		t.Expires = time.Unix(p.Expires, 0)
	}
	return t
}

// keeper gets, renews and keeps the pair. The token cache calls it once at a time.
type keeper struct {
	conn  *connection
	vault connectors.Vault
	name  string
	own   bool

	pair    pair  // the newest known here
	version int64 // of the pair in the vault; 0 = none
	told    atomic.Pointer[connectors.Credential]
}

// CredentialEnds implements connectors.Expirer. The authorisation of a service provider's
// app is the merchant's to renew, until a refresh token has shown that the hub can.
func (c *connection) CredentialEnds() []connectors.Credential {
	if t := c.keeper.told.Load(); t != nil {
		return []connectors.Credential{*t}
	}
	return nil
}

func (k *keeper) tell() {
	if k.pair.Access != "" {
		k.told.Store(&connectors.Credential{Name: "access token", Ends: k.pair.token().Expires, Renews: k.own || k.pair.Renewed})
	}
}

// fetch is the cache's source of tokens.
func (k *keeper) fetch(ctx context.Context, dropped bool) (token.Token, error) {
	before := k.pair.Access
	defer k.tell()
	if err := k.read(ctx); err != nil {
		return token.Token{}, err
	}
	// Another process may have renewed since: then its token is the one to use.
	fresh := k.pair.Access != "" && (!dropped || k.pair.Access != before)
	if fresh && (k.pair.Expires == 0 || k.conn.now().Before(time.Unix(k.pair.Expires, 0).Add(-early))) {
		return k.pair.token(), nil
	}
	next, err := k.renew(ctx)
	if err != nil {
		return token.Token{}, err
	}
	if err := k.keep(ctx, next); err != nil {
		return token.Token{}, err
	}
	return k.pair.token(), nil
}

// read takes over the vault's pair, if there is one.
func (k *keeper) read(ctx context.Context) error {
	if k.vault == nil {
		return nil
	}
	s, version, err := k.vault.Get(ctx, k.name)
	if err != nil {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "jushuitan.vault", Text: "the vault cannot be read", Err: err}
	}
	if version == 0 || version == k.version {
		return nil
	}
	var p pair
	if err := codec.Unmarshal([]byte(s.Reveal()), &p); err != nil {
		return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: "jushuitan.vault", Text: "what the vault keeps is no token pair",
			Hint: "remove the entry; the next call gets a new pair"}
	}
	k.pair, k.version = p, version
	return nil
}

// keep stores the new pair. If another process was faster, its pair is taken: the
// vault holds the one that everybody uses.
func (k *keeper) keep(ctx context.Context, next pair) error {
	k.pair = next
	if k.vault == nil {
		return nil
	}
	b, err := json.Marshal(next)
	if err != nil {
		return tokenError(err)
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
	// The pair works; without the vault only a restart would have to get another.
	k.conn.log.Warn("the renewed token pair could not be kept", zap.Error(err))
	return nil
}

// renew asks for the next pair: by the refresh token, or, for an own app, anew.
func (k *keeper) renew(ctx context.Context) (pair, *connectors.Error) {
	var last *connectors.Error
	if k.pair.Refresh != "" {
		p, err := k.ask(ctx, pathRefresh, map[string]string{"grant_type": "refresh_token", "refresh_token": k.pair.Refresh, "scope": "all"})
		if err == nil || err.Kind != connectors.Unauthorized {
			p.Renewed = err == nil
			return p, err
		}
		last = err
	}
	if k.own {
		// Any six random characters serve as the code of a self-built app.
		return k.ask(ctx, pathInitToken, map[string]string{"grant_type": "authorization_code", "code": rand.Text()[:6]})
	}
	if last == nil {
		last = &connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfConnection, Code: codeToken, Text: "the access token is no longer valid and there is no refresh token"}
	}
	last.Hint = "have the merchant authorise the app anew and put the new pair into access_token and refresh_token"
	return pair{}, last
}

func (k *keeper) ask(ctx context.Context, path string, form map[string]string) (pair, *connectors.Error) {
	c := k.conn
	for try := 0; ; try++ {
		form["app_key"], form["charset"], form["timestamp"] = c.appKey, "utf-8", c.clock.stamp(c.now())
		ans, err := c.http.Do(ctx, vendorhttp.Call{Method: http.MethodPost, URL: c.url + path, Header: formHeader(), Body: encode(c.secret.Reveal(), form), Quiet: true})
		if err != nil {
			err.Raw = nil
			return pair{}, err
		}
		data, err := c.open(ans)
		if err != nil {
			err.Raw = nil // it may hold a token
			if err.Code == codeClock && try == 0 && c.clock.learn(c.now(), ans.Header) {
				continue
			}
			return pair{}, err
		}
		m := object(data)
		p := pair{Access: text(m["access_token"]), Refresh: text(m["refresh_token"])}
		if p.Access == "" {
			return pair{}, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: "jushuitan.token", Text: "the answer of the token call holds no access_token"}
		}
		if p.Refresh == "" {
			p.Refresh = k.pair.Refresh
		}
		if life, err := strconv.ParseInt(text(m["expires_in"]), 10, 64); err == nil && life > 0 {
			p.Expires = c.now().Unix() + life
		}
		return p, nil
	}
}
