package doctor

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/oidc/oidcsim"
)

func TestTheSignInProviderIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		says   map[string]any
		down   bool
		scopes []string
		code   string
		state  State
		holds  string
	}{
		"fine":                    {code: "doctor.sign_in.fine", state: Fine, holds: "https://hub.example.com/console/oidc"},
		"another name":            {says: map[string]any{"issuer": "https://login.example.com/"}, code: "doctor.sign_in.issuer", state: Fail, holds: "https://login.example.com/"},
		"down":                    {down: true, code: "doctor.sign_in.discovery", state: Fail, holds: "503"},
		"half":                    {says: map[string]any{"token_endpoint": nil}, code: "doctor.sign_in.discovery", state: Fail, holds: "token_endpoint"},
		"another algorithm":       {says: map[string]any{"id_token_signing_alg_values_supported": []string{"HS256"}}, code: "doctor.sign_in.signing", state: Fail, holds: "HS256"},
		"plain challenges":        {says: map[string]any{"code_challenge_methods_supported": []string{"plain"}}, code: "doctor.sign_in.challenge", state: Warn, holds: "plain"},
		"a scope it has not":      {says: map[string]any{"scopes_supported": []string{"openid", "email"}}, scopes: []string{"openid", "groups"}, code: "doctor.sign_in.scope", state: Warn, holds: "groups"},
		"scopes it does not name": {scopes: []string{"openid", "groups"}, code: "doctor.sign_in.fine", state: Fine},
	} {
		sim, err := oidcsim.New(oidcsim.Client{ID: "hub"})
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(sim)
		sim.Issuer = s.URL
		sim.Set(oidcsim.Settings{Says: c.says, Down: c.down})
		got := Provider(t.Context(), &oidc.Config{URL: "https://hub.example.com/", Issuer: s.URL, Name: "Acme", Scopes: c.scopes})
		s.Close()
		if len(got) != 1 || got[0].Code != c.code || got[0].State != c.state || got[0].Of != "Acme" || !strings.Contains(got[0].Text, c.holds) || (got[0].Remedy == "") != (c.state == Fine) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if f := Unasked(&oidc.Config{URL: "https://hub.example.com/"}); f.State != Skipped || !strings.Contains(f.Text, "https://hub.example.com/console/oidc") {
		t.Errorf("%+v", f)
	}
}
