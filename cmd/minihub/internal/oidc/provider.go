package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

// Algorithms are those by which an ID token may be signed.
var Algorithms = []string{coreos.RS256, coreos.ES256}

// Metadata is what a provider says of itself.
type Metadata struct {
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Signing       []string `json:"id_token_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	SaysIssuer    bool     `json:"authorization_response_iss_parameter_supported"`
}

// Provider signs people in through one OpenID provider. It asks it nothing before it is
// needed, and remembers what it says of itself; its keys are asked for again when a new
// one is used.
type Provider struct {
	config Config
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex
	found  *coreos.Provider
	said   *Metadata
	lost   error
	asked  time.Time
	asking chan struct{} // closed when the question under way is answered
}

const (
	patience   = 10 * time.Second // of one call
	retryAfter = 3 * time.Second
	mostBytes  = 1 << 20
)

// New returns a provider; now may be nil.
func New(c Config, now func() time.Time) *Provider {
	if now == nil {
		now = time.Now
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true // a few calls a sign-in
	return &Provider{config: c, now: now, client: &http.Client{Transport: limited{t}, Timeout: patience,
		// A redirect would carry the client's secret on to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Config is what the provider was made with.
func (p *Provider) Config() Config { return p.config }

// limited cuts answers that are longer than any true one.
type limited struct{ http.RoundTripper }

type limitedBody struct {
	io.Reader
	io.Closer
}

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = limitedBody{io.LimitReader(resp.Body, mostBytes), resp.Body}
	}
	return resp, err
}

// Discover returns what the provider says of itself.
func (p *Provider) Discover(ctx context.Context) (*Metadata, error) {
	_, said, err := p.discover(ctx)
	return said, err
}

// discover asks once for all who wait; a failure is told for a moment before the next
// question, so that callers cannot make the hub hammer the provider.
func (p *Provider) discover(ctx context.Context) (*coreos.Provider, *Metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.asking != nil {
		wait := p.asking
		p.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			p.mu.Lock()
			return nil, nil, ctx.Err()
		}
		p.mu.Lock()
	}
	switch {
	case p.found != nil:
		return p.found, p.said, nil
	case p.lost != nil && p.now().Sub(p.asked) < retryAfter:
		return nil, nil, p.lost
	}
	done := make(chan struct{})
	p.asking = done
	p.mu.Unlock()
	// Whoever asks first asks for everybody: their leaving does not end it.
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	found, said, err := p.ask(ask)
	cancel()
	p.mu.Lock()
	p.found, p.said, p.lost, p.asked, p.asking = found, said, err, p.now(), nil
	close(done)
	return found, said, err
}

func (p *Provider) ask(ctx context.Context) (*coreos.Provider, *Metadata, error) {
	found, err := coreos.NewProvider(coreos.ClientContext(ctx, p.client), p.config.Issuer)
	var other *coreos.IssuerMismatchError
	switch {
	case errors.As(err, &other):
		return nil, nil, other
	case err != nil:
		return nil, nil, errors.New(cause(err)) // a whole page may stand in it
	}
	var said Metadata
	if err := found.Claims(&said); err != nil {
		return nil, nil, fmt.Errorf("the discovery document is none: %w", err)
	}
	for name, address := range map[string]string{"authorization_endpoint": said.Authorization, "token_endpoint": said.Token, "jwks_uri": said.Keys} {
		if !p.fits(address) {
			return nil, nil, fmt.Errorf("the discovery document has no fitting %s", name)
		}
	}
	for name, address := range map[string]string{"userinfo_endpoint": said.UserInfo, "end_session_endpoint": said.EndSession} {
		if address != "" && !p.fits(address) {
			return nil, nil, fmt.Errorf("the discovery document has no fitting %s", name)
		}
	}
	return found, &said, nil
}

// fits reports whether an endpoint is an address to which secrets may go: one of TLS,
// unless the issuer itself is tried out without.
func (p *Provider) fits(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(p.config.Issuer, "http:"))
}

// as is this hub as the provider's client.
func (p *Provider) as(found *coreos.Provider, said *Metadata) *oauth2.Config {
	to := found.Endpoint()
	to.AuthStyle = oauth2.AuthStyleInHeader
	if len(said.ClientAuth) > 0 && !slices.Contains(said.ClientAuth, "client_secret_basic") && slices.Contains(said.ClientAuth, "client_secret_post") {
		to.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: p.config.ClientID, ClientSecret: p.config.Secret.Reveal(), Endpoint: to, RedirectURL: p.config.Redirect(), Scopes: p.config.Scopes}
}

// Begin returns where the browser goes, and what it keeps meanwhile.
func (p *Provider) Begin(ctx context.Context) (address, kept string, err error) {
	found, said, err := p.discover(ctx)
	if err != nil {
		return "", "", refuse(CodeProvider, cause(err))
	}
	f := newFlow(p.now())
	return p.as(found, said).AuthCodeURL(f.state(), coreos.Nonce(f.nonce()), oauth2.S256ChallengeOption(f.verifier())), f.kept(), nil
}

// Answer is what the provider sent the browser back with.
type Answer struct {
	State, Code, Error, Issuer string
}

// Finish asks the provider who somebody is. Nobody is trusted before state, signature,
// issuer, audience, expiry and nonce have been looked at.
func (p *Provider) Finish(ctx context.Context, kept string, a Answer) (*people.External, error) {
	f, ok := readFlow(kept, p.now())
	switch {
	case !ok:
		return nil, refuse(CodeState, "the browser keeps no sign-in, or one of long ago")
	case !same(a.State, f.state()):
		return nil, refuse(CodeState, "another state")
	case a.Error != "":
		return nil, refuse(CodeDenied, word(a.Error))
	}
	found, said, err := p.discover(ctx)
	if err != nil {
		return nil, refuse(CodeProvider, cause(err))
	}
	switch {
	case a.Issuer != "" && a.Issuer != p.config.Issuer, a.Issuer == "" && said.SaysIssuer:
		return nil, refuse(CodeAnswer, "the answer names another issuer, or none")
	case a.Code == "":
		return nil, refuse(CodeAnswer, "the answer has no code")
	}
	ctx, cancel := context.WithTimeout(coreos.ClientContext(ctx, p.client), 3*patience)
	defer cancel()
	tok, err := p.as(found, said).Exchange(ctx, a.Code, oauth2.VerifierOption(f.verifier()))
	if err != nil {
		return nil, exchanged(err)
	}
	sub, c, err := p.verify(ctx, found, tok, f)
	if err != nil {
		return nil, err
	}
	if err := p.more(ctx, found, tok, sub, c); err != nil {
		return nil, err
	}
	who := &people.External{Subject: p.config.Issuer + " " + sub, Name: c.called()}
	if p.config.inDomain(c) {
		who.Roles = p.config.Roles.of(c)
		return who, nil
	}
	return who, refuse(CodeDomain, "")
}

// verify returns whom an ID token is of and its claims.
func (p *Provider) verify(ctx context.Context, found *coreos.Provider, tok *oauth2.Token, f flow) (string, claims, error) {
	raw, _ := tok.Extra("id_token").(string)
	if raw == "" {
		return "", nil, refuse(CodeAnswer, "the answer has no ID token")
	}
	id, err := found.Verifier(&coreos.Config{ClientID: p.config.ClientID, SupportedSigningAlgs: Algorithms, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return "", nil, refuse(CodeAnswer, cause(err))
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return "", nil, refuse(CodeAnswer, "the ID token's claims are none")
	}
	by := c.text("azp")
	switch {
	case !same(id.Nonce, f.nonce()):
		return "", nil, refuse(CodeAnswer, "the ID token has another nonce")
	case by != "" && by != p.config.ClientID, by == "" && len(id.Audience) > 1:
		return "", nil, refuse(CodeAnswer, "the ID token was made for another client")
	case id.Subject == "" || len(id.Subject) > 255 || strings.ContainsRune(id.Subject, 0):
		return "", nil, refuse(CodeAnswer, "the ID token's subject is none")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(tok.AccessToken) != nil:
		return "", nil, refuse(CodeAnswer, "the ID token is of another access token")
	}
	return id.Subject, c, nil
}

// more adds what the ID token leaves out and the provider tells when asked: many put
// groups and addresses there.
func (p *Provider) more(ctx context.Context, found *coreos.Provider, tok *oauth2.Token, sub string, c claims) error {
	wanted := []string{p.config.Roles.Claim, "preferred_username"}
	if len(p.config.Domains) > 0 {
		wanted = append(wanted, "email")
	}
	if found.UserInfoEndpoint() == "" || !slices.ContainsFunc(wanted, func(name string) bool { return c.find(name) == nil }) {
		return nil
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(tok))
	if err != nil {
		return refuse(CodeProvider, "userinfo cannot be had")
	}
	if info.Subject != sub {
		return refuse(CodeAnswer, "userinfo tells of somebody else")
	}
	var told claims
	if err := info.Claims(&told); err != nil {
		return refuse(CodeAnswer, "userinfo's claims are none")
	}
	for name, v := range told {
		if _, signed := c[name]; !signed {
			c[name] = v
		}
	}
	return nil
}

// called is what somebody likes to be called; it is a name, and never who they are.
func (c claims) called() string {
	for _, name := range []string{"preferred_username", "email", "name"} {
		if s := c.text(name); s != "" {
			return s
		}
	}
	return ""
}

// Leave is the address at which somebody also signs out of the provider; empty where it
// offers none or does not answer at once.
func (p *Provider) Leave(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, said, err := p.discover(ctx)
	if err != nil || said.EndSession == "" {
		return ""
	}
	u, err := url.Parse(said.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.config.ClientID)
	q.Set("post_logout_redirect_uri", p.config.Console())
	u.RawQuery = q.Encode()
	return u.String()
}

// exchanged says why a code was not taken; the answer itself may hold anything.
func exchanged(err error) *Refusal {
	var said *oauth2.RetrieveError
	switch {
	case errors.As(err, &said) && said.Response.StatusCode >= http.StatusInternalServerError:
		return refuse(CodeProvider, fmt.Sprintf("the code cannot be redeemed: status %d", said.Response.StatusCode))
	case errors.As(err, &said):
		return refuse(CodeAnswer, "the provider does not take the code: "+word(said.ErrorCode))
	}
	return refuse(CodeProvider, "the code cannot be redeemed: "+cause(err))
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// word is an error code of the protocol, and nothing else.
func word(code string) string {
	if !plain.MatchString(code) {
		return "no reason is given"
	}
	return code
}

// cause is what went wrong, without the address and short: answers of strangers end up in
// some errors.
func cause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return "the answer is no JSON"
	}
	s := strings.ToValidUTF8(err.Error(), "?")
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s[:min(len(s), 160)])
}
