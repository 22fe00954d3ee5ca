// Package oidcsim plays an OpenID provider for tests, strictly: what a real one need not
// forgive it refuses. It is written from OpenID Connect Core 1.0, RFC 6749, 7636 and 9207
// with the standard library alone, so that it agrees with no library by accident.
package oidcsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Client is the one client that the provider knows.
type Client struct {
	ID, Secret string
	Redirect   string // the one address that people are sent back to
	After      string // and the one after signing out
}

// The ways of signing an ID token. Only the first two are right.
const (
	RS256   = "RS256"
	ES256   = "ES256"
	RS384   = "RS384"    // by the provider's key
	None    = "none"     // not signed
	Cut     = "cut"      // RS256 without its signature
	Foreign = "foreign"  // RS256 by a key that is not the provider's, under its id
	ByName  = "HS256"    // by the client's secret
	ByKey   = "HS256key" // by the provider's public key taken for a secret
	Altered = "altered"  // RS256, and a claim changed afterwards
)

// Provider is an http.Handler. Its exported fields are set before a sign-in.
type Provider struct {
	Issuer string
	Client Client

	mu     sync.Mutex
	key    *keySet
	codes  map[string]*grant
	access map[string]*grant
	set    Settings
	now    func() time.Time
}

// Settings are what a test changes.
type Settings struct {
	Claims   map[string]any // of whoever signs in; sub among them
	UserInfo map[string]any // what userinfo adds; its sub replaces the true one
	Sign     string         // empty = RS256
	Token    func(claims map[string]any)
	Deny     string         // error code instead of a code
	Says     map[string]any // replaces members of the discovery document; nil removes one
	Down     bool
}

type grant struct {
	nonce, challenge, redirect string
	used                       bool
}

// Keys take long to find: one set serves all providers of a program.
var keys = sync.OnceValues(func() (*keySet, error) {
	right, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &keySet{rsa: right, foreign: foreign, ec: ec}, err
})

type keySet struct {
	rsa, foreign *rsa.PrivateKey
	ec           *ecdsa.PrivateKey
}

// New returns a provider; its issuer is where it is served.
func New(c Client) (*Provider, error) {
	k, err := keys()
	if err != nil {
		return nil, err
	}
	return &Provider{Client: c, key: k, codes: map[string]*grant{}, access: map[string]*grant{}, now: time.Now}, nil
}

// Set replaces the settings.
func (p *Provider) Set(s Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = s
}

// Answer is where a browser that is sent to an address is sent back to.
func (p *Provider) Answer(address string) (url.Values, error) {
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	to, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("the provider answers %s and sends nobody back", resp.Status)
	}
	if got := to.Scheme + "://" + to.Host + to.Path; got != p.Client.Redirect {
		return nil, fmt.Errorf("the provider sends people to %s", got)
	}
	return to.Query(), nil
}

func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set.Down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /.well-known/openid-configuration":
		p.discovery(w)
	case "GET /authorize":
		p.authorize(w, r)
	case "POST /token":
		p.token(w, r)
	case "GET /userinfo":
		p.userinfo(w, r)
	case "GET /keys":
		p.jwks(w)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (p *Provider) discovery(w http.ResponseWriter) {
	d := map[string]any{"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.Issuer + "/keys", "userinfo_endpoint": p.Issuer + "/userinfo", "end_session_endpoint": p.Issuer + "/leave?from=here",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "authorization_response_iss_parameter_supported": true}
	for name, v := range p.set.Says {
		if d[name] = v; v == nil {
			delete(d, name)
		}
	}
	answer(w, http.StatusOK, d)
}

func random() string {
	var b [18]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// authorize lets in whoever comes, when the request is as it must be.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.Client.ID || q.Get("redirect_uri") != p.Client.Redirect {
		http.Error(w, "no such client or address", http.StatusBadRequest) // nobody is sent to an unknown address
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer}}
	switch {
	case q.Get("response_type") != "code" || !strings.Contains(" "+q.Get("scope")+" ", " openid ") || len(q.Get("state")) < 40 || len(q.Get("nonce")) < 40 ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		back.Set("error", "invalid_request")
	case p.set.Deny != "":
		back.Set("error", p.set.Deny)
		back.Set("error_description", "<script>alert(1)</script>")
	default:
		code := random()
		p.codes[code] = &grant{nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri")}
		back.Set("code", code)
	}
	http.Redirect(w, r, p.Client.Redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	id, secret = unescape(id), unescape(secret)
	if err := r.ParseForm(); err != nil || !ok || id != p.Client.ID || secret != p.Client.Secret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "the secret that was sent is " + secret})
		return
	}
	f := r.PostForm
	g := p.codes[f.Get("code")]
	sum := sha256.Sum256([]byte(f.Get("code_verifier")))
	if g == nil || g.used || f.Get("grant_type") != "authorization_code" || f.Get("redirect_uri") != g.redirect ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	g.used = true
	access := random()
	p.access[access] = g
	now := p.now()
	claims := map[string]any{"iss": p.Issuer, "aud": p.Client.ID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": g.nonce}
	half := sha256.Sum256([]byte(access))
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(half[:16])
	maps.Copy(claims, p.set.Claims)
	if p.set.Token != nil {
		p.set.Token(claims)
	}
	out := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300}
	if jwt := p.sign(claims); jwt != "" {
		out["id_token"] = jwt
	}
	answer(w, http.StatusOK, out)
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || p.access[token] == nil {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	out := map[string]any{"sub": p.set.Claims["sub"]}
	maps.Copy(out, p.set.UserInfo)
	answer(w, http.StatusOK, out)
}

var b64 = base64.RawURLEncoding.EncodeToString

func (p *Provider) jwks(w http.ResponseWriter) {
	x, y := make([]byte, 32), make([]byte, 32)
	point, err := p.key.ec.PublicKey.Bytes()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	copy(x, point[1:33])
	copy(y, point[33:])
	answer(w, http.StatusOK, map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r", "use": "sig", "n": b64(p.key.rsa.N.Bytes()), "e": b64(big.NewInt(int64(p.key.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "e", "use": "sig", "crv": "P-256", "x": b64(x), "y": b64(y)},
	}})
}

// sign makes a JWT of claims, in the way that is set.
func (p *Provider) sign(claims map[string]any) string {
	how := p.set.Sign
	head := map[string]string{"alg": "RS256", "kid": "r", "typ": "JWT"}
	switch how {
	case ES256:
		head["alg"], head["kid"] = "ES256", "e"
	case RS384:
		head["alg"] = "RS384"
	case None:
		head = map[string]string{"alg": "none"}
	case ByName, ByKey:
		head["alg"] = "HS256"
	}
	text := part(head) + "." + part(claims)
	switch how {
	case None, Cut:
		return text + "."
	case ES256:
		sum := sha256.Sum256([]byte(text))
		r, s, err := ecdsa.Sign(rand.Reader, p.key.ec, sum[:])
		if err != nil {
			return ""
		}
		return text + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	case ByName:
		return text + "." + mac(text, []byte(p.Client.Secret))
	case ByKey:
		return text + "." + mac(text, p.key.rsa.N.Bytes())
	case RS384:
		sum := sha512.Sum384([]byte(text))
		return text + "." + p.byRSA(p.key.rsa, crypto.SHA384, sum[:])
	case Foreign:
		sum := sha256.Sum256([]byte(text))
		return text + "." + p.byRSA(p.key.foreign, crypto.SHA256, sum[:])
	}
	sum := sha256.Sum256([]byte(text))
	signature := p.byRSA(p.key.rsa, crypto.SHA256, sum[:])
	if how == Altered {
		claims["sub"] = "somebody else"
		text = part(head) + "." + part(claims)
	}
	return text + "." + signature
}

func (p *Provider) byRSA(key *rsa.PrivateKey, hash crypto.Hash, sum []byte) string {
	s, err := rsa.SignPKCS1v15(rand.Reader, key, hash, sum)
	if err != nil {
		return ""
	}
	return b64(s)
}

func mac(text string, key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return b64(m.Sum(nil))
}

func part(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return b64(b)
}
