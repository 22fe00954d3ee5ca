package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// oauth is the call of the OAuth2 token endpoint for a grant.
func (s *authSpec) oauth(grant string) *callSpec {
	c := &callSpec{Post: s.URL, Format: "form"}
	c.Body.kind = yaml.MappingNode
	add := func(name string, t tmpl) {
		if t.t != nil {
			c.Body.names, c.Body.items = append(c.Body.names, name), append(c.Body.items, tree{kind: yaml.ScalarNode, text: t})
		}
	}
	add("grant_type", fixed(grant))
	add("client_id", s.ClientID)
	add("client_secret", s.ClientSecret)
	switch grant {
	case "password":
		add("username", s.User)
		add("password", s.Password)
	case "refresh_token":
		add("refresh_token", fixed("{{ session.refresh_token }}"))
	}
	if grant != "refresh_token" {
		add("scope", s.Scope)
	}
	return c
}

// fixed compiles a template of ours.
func fixed(source string) tmpl {
	t, err := formula.CompileTemplate(source, secretVars)
	if err != nil {
		panic("manifest: " + source + ": " + strings.TrimSpace(err.Error()))
	}
	return tmpl{source: source, t: t}
}
