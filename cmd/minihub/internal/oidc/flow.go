package oidc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// FlowLife is how long somebody may take at the provider.
const FlowLife = 10 * time.Minute

// flow is one sign-in under way. The browser keeps its secret and its beginning in a
// cookie; state, nonce and PKCE verifier follow from the two, so that nobody else knows
// them, a time that was altered fits no state, and the hub has nothing to remember.
type flow struct {
	secret string
	began  string
}

func newFlow(now time.Time) flow {
	var b [32]byte
	rand.Read(b[:])
	return flow{secret: base64.RawURLEncoding.EncodeToString(b[:]), began: strconv.FormatInt(now.Unix(), 10)}
}

// kept is what the browser keeps.
func (f flow) kept() string { return f.began + "." + f.secret }

// readFlow reads what a browser kept; false when it is nothing, or too old.
func readFlow(kept string, now time.Time) (flow, bool) {
	began, secret, ok := strings.Cut(kept, ".")
	at, err := strconv.ParseInt(began, 10, 64)
	age := now.Sub(time.Unix(at, 0))
	return flow{secret: secret, began: began}, ok && err == nil && len(secret) == 43 && age > -time.Minute && age < FlowLife
}

func (f flow) derived(what string) string {
	m := hmac.New(sha256.New, []byte(f.secret))
	m.Write([]byte("minihub oidc " + what + " " + f.began))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (f flow) state() string    { return f.derived("state") }
func (f flow) nonce() string    { return f.derived("nonce") }
func (f flow) verifier() string { return f.derived("verifier") }

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
