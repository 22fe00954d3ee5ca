package config

import (
	"slices"
	"strings"
	"testing"
)

const oidcHead = `people:
  url: https://hub.example.com/desk
  oidc:
    issuer: https://login.example.com/realms/brand
    client_id: minihub
    client_secret: ${env:SIGN}
`

func TestAnOpenIDProviderIsRead(t *testing.T) {
	if h, ps := readHub("people: {url: 'https://hub.example.com'}\n"); len(ps) > 0 || h.People.OIDC != nil {
		t.Fatalf("without one: %+v %v", h.People.OIDC, ps)
	}
	h, ps := readHub(oidcHead + `    scopes: [openid, groups]
    label: { zh: 公司账号登录 }
    domains: [Example.com, example.cn]
    roles: { claim: groups, map: { hub-ops: ops, hub-admins: admin }, default: none }
`)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	c := h.People.OIDC
	if c.Redirect() != "https://hub.example.com/desk/console/oidc" || c.Console() != "https://hub.example.com/desk/console/" || c.Secret.Reveal() != "SECinvented" ||
		c.Name != "login.example.com" || c.Label["zh"] != "公司账号登录" || c.Label["en"] != "" || !slices.Equal(c.Scopes, []string{"openid", "groups"}) ||
		!slices.Equal(c.Domains, []string{"example.com", "example.cn"}) || c.Roles.Claim != "groups" || c.Roles.Map["hub-admins"] != "admin" || c.Roles.Default != "" {
		t.Errorf("%+v", c)
	}
	h, ps = readHub(oidcHead + "    name: Keycloak\n    roles: { default: viewer }\n")
	if c := h.People.OIDC; len(ps) > 0 || c.Name != "Keycloak" || c.Roles.Default != "viewer" || !slices.Equal(c.Scopes, []string{"openid", "profile", "email"}) {
		t.Errorf("%+v %v", c, ps)
	}
	for _, url := range []string{"http://127.0.0.1:8377", "http://localhost", "http://[::1]:8377/"} {
		if h, ps := readHub(strings.Replace(oidcHead, "https://hub.example.com/desk", url, 1) + "    roles: { default: viewer }\n"); len(ps) > 0 || h.People.OIDC.Redirect() != strings.TrimRight(url, "/")+"/console/oidc" {
			t.Errorf("%s: %v", url, ps)
		}
	}
}

func TestAnOpenIDProviderIsReadStrictly(t *testing.T) {
	const roles = "    roles: { default: viewer }\n"
	for src, want := range map[string]string{
		oidcHead: "hub.yaml:5:13: people.oidc.roles is not given",
		oidcHead + "    roles: { claim: groups }\n":                                                                        "hub.yaml:8:21: people.oidc.roles.map is empty",
		oidcHead + "    roles: { map: { a: ops } }\n":                                                                      "people.oidc.roles.claim is not given",
		oidcHead + "    roles: { claim: groups, map: { a: root } }\n":                                                      `hub.yaml:8:39: people.oidc.roles.map.a: there is no role "root"`,
		oidcHead + "    roles: { claim: groups, map: { a: [ops] } }\n":                                                     "hub.yaml:8",
		oidcHead + "    roles: { default: anybody }\n":                                                                     `there is no role "anybody"`,
		oidcHead + "    roles: { defaults: viewer }\n":                                                                     "defaults",
		oidcHead + roles + "    scopes: [profile]\n":                                                                       "lacks openid",
		oidcHead + roles + "    scopes: ['openid profile']\n":                                                              "is no scope",
		oidcHead + roles + "    domains: ['@example.com']\n":                                                               "is no domain",
		oidcHead + roles + "    domains: [com]\n":                                                                          "is no domain",
		strings.Replace(oidcHead, "${env:SIGN}", "invented", 1) + roles:                                                    "hub.yaml:7:20: a secret stands here as it is",
		strings.Replace(oidcHead, "    client_secret: ${env:SIGN}\n", roles, 1):                                            "people.oidc.client_secret is not given",
		strings.Replace(oidcHead, "  url: https://hub.example.com/desk\n", "", 1) + roles:                                  "hub.yaml:4:13: people.url is not given",
		strings.Replace(oidcHead, "https://hub.example.com/desk", "http://hub.example.com", 1) + roles:                     `hub.yaml:3:8: people.url "http://hub.example.com" is no address of TLS`,
		strings.Replace(oidcHead, "https://hub.example.com/desk", "https://hub.example.com/?a=b", 1) + roles:               "is no address of TLS",
		strings.Replace(oidcHead, "https://hub.example.com/desk", "https://a:b@hub.example.com", 1) + roles:                "is no address of TLS",
		strings.Replace(oidcHead, "https://login.example.com/realms/brand", "http://login.example.com", 1) + roles:         `hub.yaml:5:13: people.oidc.issuer "http://login.example.com" is no address`,
		strings.Replace(oidcHead, "https://login.example.com/realms/brand", "http://localhost.example.com", 1) + roles:     "is no address of TLS",
		strings.Replace(oidcHead, "https://login.example.com/realms/brand", "javascript:alert(1)", 1) + roles:              "is no address of TLS",
		"people: { url: 'ftp://hub.example.com' }\n":                                                                       "hub.yaml:2:16: people.url",
		"people: { oidc: { issuer: 'https://login.example.com', client_id: a, client_secret: '${env:SIGN}', roles: {} } }": "people.oidc.roles is not given",
	} {
		if _, ps := readHub(src); len(ps) == 0 || !strings.Contains(ps.Error(), want) {
			t.Errorf("%s: %v, want %q", src, ps, want)
		}
	}
}
