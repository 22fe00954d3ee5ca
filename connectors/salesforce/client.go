package salesforce

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// client calls one organisation. A token answer has no expires_in: a session lives
// until the organisation's session timeout, so it is kept until a call answers 401.
type client struct {
	http    *vendorhttp.Client
	login   *url.URL
	id      string
	secret  connectors.Secret
	data    string // "/services/data/v67.0"
	tokens  *token.Cache
	log     *zap.Logger
	mu      sync.Mutex
	address string // instance_url of the last token answer
	warned  bool   // that the allowance of calls is nearly used up
}

func newClient(base *url.URL, cfg connectors.Config, rt http.RoundTripper, now func() time.Time, log *zap.Logger) *client {
	c := &client{
		// Longer than any declared time-out: the caller's context ends a call.
		http:   vendorhttp.New(vendorhttp.Options{Transport: rt, Timeout: 3 * time.Minute}),
		login:  base,
		id:     cfg.String("client_id"),
		secret: cfg.Secret("client_secret"),
		data:   "/services/data/" + cfg.String("api_version"),
		log:    log,
	}
	c.tokens = token.New(c.fetchToken, 0, now)
	return c
}

// CredentialEnds implements connectors.Expirer: a session has no end that is told.
func (c *conn) CredentialEnds() []connectors.Credential {
	t, ok := c.tokens.Current()
	if !ok {
		return nil
	}
	return []connectors.Credential{{Name: "session", Ends: t.Expires, Renews: true}}
}

// run is the calls of one delivery, batch, look-up or page.
type run struct {
	*conn
	made []connectors.Exchange
}

func (c *conn) run() *run { return &run{conn: c} }

// last is the exchange of the latest call.
func (r *run) last() connectors.Exchange {
	if len(r.made) == 0 {
		return connectors.Exchange{}
	}
	return r.made[len(r.made)-1]
}

// call makes one call below the instance. A session that has ended is replaced and the
// call repeated once: it was refused before execution.
func (r *run) call(ctx context.Context, method, path string, body any, header http.Header) (*vendorhttp.Answer, *problem) {
	var raw []byte
	h := http.Header{"Accept": {"application/json"}}
	if body != nil {
		var err error
		if raw, err = codec.Encode(body); err != nil {
			return nil, &problem{err: &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "salesforce.document",
				Text: "the document cannot be written as JSON", Err: err}}
		}
		h.Set("Content-Type", "application/json; charset=UTF-8")
	}
	for k, v := range header {
		h[k] = v
	}
	for again := false; ; again = true {
		tok, err := r.tokens.Get(ctx)
		if err != nil {
			return nil, &problem{err: tokenError(err)}
		}
		h.Set("Authorization", "Bearer "+tok.Value.Reveal())
		ans, verr := r.http.Do(ctx, vendorhttp.Call{Method: method, URL: r.instance() + path, Header: h, Body: raw, Reads: method == http.MethodGet})
		r.made = append(r.made, ans.Exchange)
		if verr != nil {
			return nil, &problem{err: verr}
		}
		r.watch(ans)
		if ans.Status == http.StatusUnauthorized {
			r.tokens.Drop(tok)
			if !again {
				continue
			}
		}
		return ans, callProblem(ans)
	}
}

func (c *client) instance() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.address == "" { // a dry run without a session
		return strings.TrimRight(c.login.String(), "/")
	}
	return c.address
}

// fetchToken asks for a session (OAuth 2.0 Client Credentials Flow for Server-to-Server
// Integration).
func (c *client) fetchToken(ctx context.Context, _ bool) (token.Token, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {c.secret.Reveal()}}
	ans, verr := c.http.Do(ctx, vendorhttp.Call{
		Method: http.MethodPost, URL: c.login.JoinPath("/services/oauth2/token").String(), Quiet: true, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}},
	})
	if verr != nil {
		verr.Sent, verr.Raw = false, nil
		return token.Token{}, verr
	}
	var got struct {
		AccessToken string `json:"access_token"`
		InstanceURL string `json:"instance_url"`
		Error       string `json:"error"`
	}
	decoded := codec.Unmarshal(ans.Body, &got) == nil
	switch {
	case ans.Status != http.StatusOK:
		return token.Token{}, grantError(ans, got.Error)
	case !decoded || got.AccessToken == "":
		return token.Token{}, &connectors.Error{Kind: connectors.Unreadable, Scope: all, Code: "salesforce.token", Text: "the token answer holds no token"}
	}
	u, err := url.Parse(got.InstanceURL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != c.login.Scheme {
		// The token would be sent there.
		return token.Token{}, &connectors.Error{Kind: connectors.Unreadable, Scope: all, Code: "salesforce.token",
			Text: "the token answer names no instance_url that a token may be sent to"}
	}
	c.mu.Lock()
	c.address = strings.TrimRight(got.InstanceURL, "/")
	c.mu.Unlock()
	return token.Token{Value: connectors.NewSecret(got.AccessToken)}, nil
}

// tokenError says why there is no session. The call itself never left.
func tokenError(err error) *connectors.Error {
	var known *connectors.Error
	if !errors.As(err, &known) {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: all, Code: "salesforce.token", Text: "no session in time", Err: err}
	}
	e := *known
	return &e
}

var usagePart = regexp.MustCompile(`(?:^|[;,\s])api-usage=([0-9]{1,15})/([0-9]{1,15})`)

// usage reads Sforce-Limit-Info: calls used and allowed in 24 hours.
func usage(h http.Header) (used, allowed int64, ok bool) {
	m := usagePart.FindStringSubmatch(h.Get("Sforce-Limit-Info"))
	if m == nil {
		return 0, 0, false
	}
	used, _ = strconv.ParseInt(m[1], 10, 64)
	allowed, _ = strconv.ParseInt(m[2], 10, 64)
	return used, allowed, allowed > 0
}

// watch warns once each time the organisation's calls pass nine tenths.
func (c *client) watch(ans *vendorhttp.Answer) {
	used, allowed, ok := usage(ans.Header)
	if !ok {
		return
	}
	near := used >= allowed/10*9
	c.mu.Lock()
	first := near && !c.warned
	c.warned = near
	c.mu.Unlock()
	if first {
		c.log.Warn("the organisation's calls of 24 hours are nearly used up", zap.Int64("used", used), zap.Int64("allowed", allowed))
	}
}

// Ping gets a session and asks for the organisation's limits.
func (c *conn) Ping(ctx context.Context) error {
	if _, p := c.run().call(ctx, http.MethodGet, c.data+"/limits", nil, nil); p != nil {
		return p.err
	}
	return nil
}

var _ connectors.Pinger = (*conn)(nil)
