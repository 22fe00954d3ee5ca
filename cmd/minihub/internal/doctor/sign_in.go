package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	coreos "github.com/coreos/go-oidc/v3/oidc"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
)

// Unasked says what an OpenID provider must know of the hub; it was not asked.
func Unasked(c *oidc.Config) Finding {
	return find(SignIn, c.Name, Skipped, "offline", c.Redirect(), c.Console())
}

// Provider asks an OpenID provider what it says of itself, and whether people can sign in
// by that. The addresses that must be registered there are told in any case: no provider
// says whether they are.
func Provider(ctx context.Context, c *oidc.Config) []Finding {
	said, err := oidc.New(*c, nil).Discover(ctx)
	var other *coreos.IssuerMismatchError
	switch {
	case errors.As(err, &other):
		return []Finding{find(SignIn, c.Name, Fail, "issuer", other.Discovered, c.Issuer)}
	case err != nil:
		return []Finding{find(SignIn, c.Name, Fail, "discovery", c.Issuer, tail(err))}
	}
	var out []Finding
	if len(said.Signing) > 0 && !slices.ContainsFunc(said.Signing, func(a string) bool { return slices.Contains(oidc.Algorithms, a) }) {
		out = append(out, find(SignIn, c.Name, Fail, "signing", strings.Join(said.Signing, ", "), strings.Join(oidc.Algorithms, ", ")))
	}
	if len(said.Challenges) > 0 && !slices.Contains(said.Challenges, "S256") {
		out = append(out, find(SignIn, c.Name, Warn, "challenge", strings.Join(said.Challenges, ", ")))
	}
	for _, scope := range c.Scopes {
		if len(said.Scopes) > 0 && !slices.Contains(said.Scopes, scope) {
			out = append(out, find(SignIn, c.Name, Warn, "scope", scope, strings.Join(said.Scopes, ", ")))
		}
	}
	if Worst(out) == Fine {
		out = append(out, find(SignIn, c.Name, Fine, "fine", c.Redirect(), c.Console()))
	}
	return out
}
