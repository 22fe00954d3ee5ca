// Package oidc signs people in through an OpenID provider: the authorization code flow
// with PKCE, state and nonce. It says who somebody is and which roles their claims give;
// what becomes of that is package people's.
package oidc

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/connectors"
)

// Config is `people.oidc` of hub.yaml.
type Config struct {
	// URL is where people's browsers reach the hub, with a slash at its end.
	URL      string
	Issuer   string
	ClientID string
	Secret   connectors.Secret
	Scopes   []string
	// Name is the provider's, for the button; Label replaces the button's text, by language.
	Name  string
	Label map[string]string
	// Domains are those that a verified e-mail address must be of; none: any, or no address.
	Domains []string
	Roles   Roles
}

// Roles says which roles claims give.
type Roles struct {
	Claim   string            // name of the claim, or a path of names with dots between them
	Map     map[string]string // value of the claim -> role
	Default string            // role of whoever has no value that is mapped; empty: they are refused
}

// Console is the address of the console, to which a sign-out at the provider returns.
func (c *Config) Console() string { return c.URL + "console/" }

// Redirect is the one address to which the provider sends people back. It must be
// registered there, letter by letter.
func (c *Config) Redirect() string { return c.URL + "console/oidc" }

// of returns what claims give, in the order of the roles, each once.
func (r *Roles) of(c claims) []string {
	given := map[string]bool{}
	for _, v := range c.texts(r.Claim) {
		given[r.Map[v]] = true
	}
	delete(given, "")
	if len(given) == 0 && r.Default != "" {
		given[r.Default] = true
	}
	var out []string
	for _, role := range people.Roles() {
		if given[string(role)] {
			out = append(out, string(role))
		}
	}
	return out
}

// claims are what a provider says of somebody.
type claims map[string]json.RawMessage

// find returns the claim of a name, which may hold dots, or else what a path of names
// leads to.
func (c claims) find(name string) json.RawMessage {
	if v, ok := c[name]; ok {
		return v
	}
	first, rest, more := strings.Cut(name, ".")
	if !more {
		return nil
	}
	var inner claims
	if json.Unmarshal(c[first], &inner) != nil {
		return nil
	}
	return inner.find(rest)
}

func (c claims) text(name string) string {
	var s string
	_ = json.Unmarshal(c.find(name), &s) // another type is no text
	return s
}

// texts is a claim of one text or a list of them.
func (c claims) texts(name string) []string {
	var list []string
	if json.Unmarshal(c.find(name), &list) == nil {
		return list
	}
	if s := c.text(name); s != "" {
		return []string{s}
	}
	return nil
}

// yes is a claim that is true; some providers write it as a text.
func (c claims) yes(name string) bool {
	var b bool
	return json.Unmarshal(c.find(name), &b) == nil && b || c.text(name) == "true"
}

// inDomain reports whether the e-mail address is verified and of an allowed domain.
func (c *Config) inDomain(of claims) bool {
	if len(c.Domains) == 0 {
		return true
	}
	name, domain, ok := strings.Cut(of.text("email"), "@")
	return ok && name != "" && of.yes("email_verified") && slices.Contains(c.Domains, strings.ToLower(domain))
}
