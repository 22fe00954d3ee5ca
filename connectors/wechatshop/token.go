package wechatshop

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// "获取稳定版接口调用凭据": a forced renewal kills the token that others may use, is
// allowed 20 times a day and does nothing within 30 seconds of the last one.
const (
	forcePerDay = 20
	forceEvery  = 30 * time.Second
	renewEarly  = 5 * time.Minute
)

// fetchToken asks for the current token. When the shop called the last one dead, a
// plain request still comes first: it yields a successor that another program made, or
// one for a token that ran out. Only when it names the dead token again is a renewal
// forced.
func (c *client) fetchToken(ctx context.Context, dropped bool) (token.Token, error) {
	value, life, err := c.askToken(ctx, false)
	if err != nil {
		return token.Token{}, err
	}
	c.mu.Lock()
	dead := dropped && value == c.last
	c.mu.Unlock()
	if dead {
		if err := c.spendForce(); err != nil {
			return token.Token{}, err
		}
		if value, life, err = c.askToken(ctx, true); err != nil {
			return token.Token{}, err
		}
	}
	c.mu.Lock()
	c.last = value
	c.mu.Unlock()
	// The answer tells the life that is left, which may be short.
	now := c.now()
	return token.Token{Value: value, Expires: now.Add(life), Renew: now.Add(life - min(renewEarly, life/2))}, nil
}

// spendForce takes one of the forced renewals, or says how long there is none.
func (c *client) spendForce() *connectors.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for len(c.forced) > 0 && now.Sub(c.forced[0]) >= 24*time.Hour {
		c.forced = c.forced[1:]
	}
	wait := time.Duration(0)
	if n := len(c.forced); n >= forcePerDay {
		wait = 24*time.Hour - now.Sub(c.forced[0])
	} else if n > 0 {
		wait = forceEvery - now.Sub(c.forced[n-1])
	}
	if wait > 0 {
		return &connectors.Error{Kind: connectors.Unauthorized, Scope: all, Code: "wechatshop.force_refresh", Wait: wait,
			Text: "the shop refuses the token that it gives out, and renewals are limited",
			Hint: "see whether another program renews the token of the same app"}
	}
	c.forced = append(c.forced, now)
	return nil
}

// CredentialEnds implements connectors.Expirer.
func (c *conn) CredentialEnds() []connectors.Credential {
	t, ok := c.tokens.Current()
	if !ok {
		return nil
	}
	return []connectors.Credential{{Name: "access token", Ends: t.Expires, Renews: true}}
}

func (c *client) askToken(ctx context.Context, force bool) (connectors.Secret, time.Duration, error) {
	body, err := codec.Encode(map[string]any{
		"grant_type": "client_credential", "appid": c.appID, "secret": c.secret.Reveal(), "force_refresh": force,
	})
	if err != nil {
		return connectors.Secret{}, 0, &connectors.Error{Kind: connectors.Unauthorized, Scope: all, Code: "wechatshop.credentials",
			Text: "app_id or app_secret holds characters that cannot be sent", Err: err}
	}
	ans, verr := c.http.Do(ctx, vendorhttp.Call{
		Method: http.MethodPost, URL: c.base + "/cgi-bin/stable_token", Body: body, Quiet: true,
		Header: http.Header{"Content-Type": {"application/json"}},
	})
	if verr != nil {
		verr.Raw = nil // it may hold the token
		return connectors.Secret{}, 0, verr
	}
	env, verr := read(ans, c.now())
	if verr != nil {
		verr.Raw, verr.Scope = nil, all
		return connectors.Secret{}, 0, verr
	}
	var value string
	life, ok := env.number("expires_in")
	if json.Unmarshal(env["access_token"], &value) != nil || value == "" || !ok || life <= 0 {
		return connectors.Secret{}, 0, &connectors.Error{Kind: connectors.Unreadable, Scope: all, Code: "wechatshop.token",
			Text: "the answer holds no access_token with a life"}
	}
	return connectors.NewSecret(value), time.Duration(life) * time.Second, nil
}

// tokenError says why there is no token. The call itself never left.
func tokenError(err error) *connectors.Error {
	var known *connectors.Error
	if !errors.As(err, &known) {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: all, Code: "wechatshop.token", Text: "no access token in time", Err: err}
	}
	e := *known
	e.Sent = false
	return &e
}
