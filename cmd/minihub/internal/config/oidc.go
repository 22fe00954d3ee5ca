package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

type oidcFile struct {
	Issuer   text   `yaml:"issuer"`
	ClientID text   `yaml:"client_id"`
	Secret   text   `yaml:"client_secret"`
	Scopes   []text `yaml:"scopes"`
	Name     text   `yaml:"name"`
	Label    struct {
		English text `yaml:"en"`
		Chinese text `yaml:"zh"`
	} `yaml:"label"`
	Domains []text `yaml:"domains"`
	Roles   struct {
		Claim   text            `yaml:"claim"`
		Map     map[string]text `yaml:"map"`
		Default text            `yaml:"default"`
	} `yaml:"roles"`
}

// given is a key that is there, for the place of what is missing beside it.
func (f *oidcFile) given() text {
	for _, t := range []text{f.Issuer, f.ClientID, f.Secret, f.Name, f.Roles.Claim} {
		if t.Line > 0 {
			return t
		}
	}
	return text{}
}

// reached checks where people's browsers reach the hub, and returns it with a slash at its
// end. Sign-ins carry codes and cookies, so it is one of TLS unless it is this machine.
func (l *loader) reached(t text) string {
	if t.Value == "" {
		return ""
	}
	if !safeURL(t.Value) {
		l.add(t.Problem(CodeValue, hubName, fmt.Sprintf("people.url %q is no address of TLS", t.Value),
			"write where people reach the hub, such as https://hub.example.com; http:// is for 127.0.0.1 and localhost alone"))
	}
	return strings.TrimRight(t.Value, "/") + "/"
}

// safeURL reports whether s is an address without a query that begins with https://, or
// leads to this machine.
func safeURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

var domainRule = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z0-9-]*[a-z0-9]$`)

// oidc reads `people.oidc`; nil without one. The hub is reached at an address that people.url
// gives.
func (l *loader) oidc(f *oidcFile, at text, reached string) *oidc.Config {
	if f == nil {
		return nil
	}
	here := orPlace(f.given(), at)
	c := &oidc.Config{URL: reached, Issuer: f.Issuer.Value, ClientID: f.ClientID.Value, Secret: l.secret(f.Secret, hubName),
		Name: f.Name.Value, Label: map[string]string{}}
	missing := func(t text, key, hint string) {
		if t.Value == "" {
			l.add(orPlace(t, here).Problem(CodeMissing, hubName, "people.oidc."+key+" is not given", hint))
		}
	}
	if at.Value == "" {
		l.add(here.Problem(CodeMissing, hubName, "people.url is not given: the provider sends people back to it", "write where people reach the hub, such as https://hub.example.com"))
	}
	missing(f.Issuer, "issuer", "write the provider's address; ISSUER/.well-known/openid-configuration must answer")
	if f.Issuer.Value != "" && !safeURL(f.Issuer.Value) {
		l.add(f.Issuer.Problem(CodeValue, hubName, fmt.Sprintf("people.oidc.issuer %q is no address of TLS", f.Issuer.Value),
			"write it letter by letter as the provider calls itself, such as https://login.example.com/realms/brand"))
	}
	missing(f.ClientID, "client_id", "the provider gives it when the hub is registered there")
	missing(f.Secret, "client_secret", "write ${env:NAME} or ${file:PATH}; the provider gives it when the hub is registered there")
	if c.Name == "" {
		if u, err := url.Parse(c.Issuer); err == nil {
			c.Name = u.Hostname()
		}
	}
	for language, t := range map[string]text{"en": f.Label.English, "zh": f.Label.Chinese} {
		if t.Value != "" {
			c.Label[language] = t.Value
		}
	}
	c.Scopes = l.scopes(f.Scopes)
	for _, t := range f.Domains {
		domain := strings.ToLower(t.Value)
		if !domainRule.MatchString(domain) {
			l.add(orPlace(t, here).Problem(CodeValue, hubName, fmt.Sprintf("people.oidc.domains: %q is no domain", t.Value), "write what stands behind the @, such as example.com"))
		}
		c.Domains = append(c.Domains, domain)
	}
	l.claimed(f, here, c)
	return c
}

func (l *loader) scopes(given []text) []string {
	if len(given) == 0 {
		return []string{"openid", "profile", "email"}
	}
	var out []string
	for _, t := range given {
		if t.Value == "" || strings.ContainsAny(t.Value, " \"\\") {
			l.add(t.Problem(CodeValue, hubName, fmt.Sprintf("people.oidc.scopes: %q is no scope", t.Value), "write each as an entry of its own: [openid, profile, email]"))
		}
		out = append(out, t.Value)
	}
	if !slices.Contains(out, "openid") {
		l.add(given[0].Problem(CodeValue, hubName, "people.oidc.scopes lacks openid: the provider would not say who somebody is", "add openid"))
	}
	return out
}

// claimed reads which roles claims give.
func (l *loader) claimed(f *oidcFile, here text, c *oidc.Config) {
	c.Roles = oidc.Roles{Claim: f.Roles.Claim.Value, Map: map[string]string{}, Default: f.Roles.Default.Value}
	role := func(t text, what string) {
		if err := people.CheckRoles([]string{t.Value}); err != nil {
			l.add(orPlace(t, here).Problem(CodeValue, hubName, what+": "+err.Error(), "the provider's values stand on the left, the hub's roles on the right: {hub-ops: ops}"))
		}
	}
	for value, t := range f.Roles.Map {
		role(t, "people.oidc.roles.map."+value)
		c.Roles.Map[value] = t.Value
	}
	if c.Roles.Default == "none" {
		c.Roles.Default = ""
	}
	if c.Roles.Default != "" {
		role(f.Roles.Default, "people.oidc.roles.default")
	}
	switch {
	case c.Roles.Claim == "" && len(c.Roles.Map) > 0:
		l.add(here.Problem(CodeMissing, hubName, "people.oidc.roles.claim is not given", "name the claim whose values are mapped, such as groups or realm_access.roles"))
	case c.Roles.Claim != "" && len(c.Roles.Map) == 0:
		l.add(f.Roles.Claim.Problem(CodeMissing, hubName, "people.oidc.roles.map is empty: the claim gives no role", "write which value gives which role: {hub-ops: ops}"))
	case c.Roles.Claim == "" && c.Roles.Default == "":
		l.add(here.Problem(CodeMissing, hubName, "people.oidc.roles is not given: everybody would be refused", "write `roles: {claim: groups, map: {hub-ops: ops}}`"))
	}
}
