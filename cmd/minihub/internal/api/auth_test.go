package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// hookSecret is invented: it signs what the tests post.
const hookSecret = "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM="

// hub is a running hub on the transcripts' deployment.
type hub struct {
	*testing.T
	app   *app.App
	token string
}

func newHub(t *testing.T) *hub {
	t.Helper()
	sink := httptest.NewServer(webhooksim.New(webhooksim.Options{Secret: hookSecret}))
	t.Cleanup(sink.Close)
	dir := t.TempDir()
	const from = "../../testdata/deployment"
	values := strings.NewReplacer("@ADMIN@", "127.0.0.1:0", "@INTAKE@", "127.0.0.1:0", "@SINK@", sink.URL, "@SECRET@", hookSecret)
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(values.Replace(string(b))), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Dir: dir, Registry: registry, NoJobs: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	h := &hub{T: t, app: a}
	b, err := os.ReadFile(app.EndpointFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	var e app.Endpoint
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	h.token = e.Token
	return h
}

// answer is what the hub said.
type answer struct {
	status  int
	code    string // of the error
	body    []byte
	cookies []*http.Cookie
}

// call makes a call; change adds what it is made with.
func (h *hub) call(method, path, body string, change ...func(*http.Request)) answer {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, h.app.AdminURL()+path, bytes.NewReader([]byte(body)))
	if err != nil {
		h.Fatal(err)
	}
	for _, c := range change {
		c(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, cookies: resp.Cookies()}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return a // it never ends
	}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		h.Fatal(err)
	}
	if a.status >= 400 {
		var e struct {
			Error *api.Error `json:"error"`
		}
		if err := json.Unmarshal(a.body, &e); err != nil || e.Error == nil || e.Error.Code == "" || e.Error.Text == "" {
			h.Fatalf("%s %s answers %d not in the one shape of errors: %s", method, path, a.status, a.body)
		}
		a.code = e.Error.Code
	}
	return a
}

func (h *hub) into(a answer, v any) {
	h.Helper()
	if a.status != http.StatusOK {
		h.Fatalf("%d %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		h.Fatal(err)
	}
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// newToken makes a token with roles.
func (h *hub) newToken(roles ...string) string {
	h.Helper()
	b, _ := json.Marshal(api.TokenRequest{Name: strings.Join(roles, "-"), Roles: roles})
	var row api.TokenRow
	h.into(h.call("POST", "/api/v1/tokens", string(b), bearer(h.token)), &row)
	return row.Token
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// TestEveryRoleAtEveryEndpoint walks what the mux serves, with every role and without:
// who may is as the table of rights says, and nobody is a 401, too little a 403.
func TestEveryRoleAtEveryEndpoint(t *testing.T) {
	h := newHub(t)
	served := h.app.Handler("x").Endpoints()
	if len(served) < 35 {
		t.Fatalf("only %d endpoints", len(served))
	}
	tokens := map[people.Role]string{}
	for _, r := range people.Roles() {
		tokens[r] = h.newToken(string(r))
	}
	seen := map[people.Right]int{}
	for _, pattern := range served {
		right, ok := api.RightTo(pattern)
		if !ok {
			t.Errorf("%s has no row in the table of rights", pattern)
			continue
		}
		seen[right]++
		method, path, both := strings.Cut(pattern, " ")
		if !both {
			method, path = "GET", pattern+"nothing"
		}
		path = placeholder.ReplaceAllString(path, "999999")
		for name, change := range map[string]func(*http.Request){"nobody": func(*http.Request) {}, "a wrong token": bearer("wrong"), "another scheme": func(r *http.Request) { r.SetBasicAuth("a", "b") },
			"a wrong cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "minihub", Value: "wrong"}) }} {
			got := h.call(method, path, "{}", change)
			if refused := got.status == http.StatusUnauthorized && got.code == "api.token"; refused != (right != people.Public) {
				t.Errorf("%s as %s: %d %s", pattern, name, got.status, got.code)
			}
		}
		for _, role := range people.Roles() {
			may := right == people.Public || right == people.Self || slices.Contains(people.RightsOf([]string{string(role)}), right)
			got := h.call(method, path, "{}", bearer(tokens[role]))
			refused := got.status == http.StatusForbidden
			if refused == may || refused && got.code != "api.forbidden" || got.code == "api.token" {
				t.Errorf("%s as %s: %d %s, may %v", pattern, role, got.status, got.code, may)
			}
		}
	}
	for _, r := range []people.Right{people.Public, people.Self, people.See, people.Repair, people.Lookup, people.Reveal, people.Operate, people.Change, people.Audit, people.Manage} {
		if seen[r] == 0 {
			t.Errorf("no endpoint needs %s", r)
		}
	}
}

// What the hub serves with another method, or under a path that is not clean, is no way
// around the table.
func TestNoWayAroundTheTable(t *testing.T) {
	h := newHub(t)
	for _, c := range [][2]string{{"PUT", "/api/v1/people"}, {"HEAD", "/api/v1/people"}, {"OPTIONS", "/api/v1/people"}, {"GET", "/api/v1//people"}, {"GET", "/api/v1/./people"},
		{"GET", "/api/v1/messages/../people"}, {"GET", "/api/v1/%70eople"}, {"GET", "/api/v1/people/"}, {"GET", "/api/v1/"}, {"POST", "/api/v1/session/../people"}} {
		req, err := http.NewRequestWithContext(t.Context(), c[0], h.app.AdminURL()+c[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if s := resp.StatusCode; s < 300 || s >= 500 {
			t.Errorf("%s %s: %d", c[0], c[1], s)
		}
	}
}

// TestTheMappingPageIsForThoseWhoChangeMappings: the page stands outside the API, its guard
// is the same.
func TestTheMappingPageIsForThoseWhoChangeMappings(t *testing.T) {
	h := newHub(t)
	for role, want := range map[string]int{"viewer": 403, "support": 403, "ops": 403, "integrator": 200, "admin": 200} {
		token := bearer(h.newToken(role))
		for _, path := range []string{"/console/map/", "/console/map/api/workshop"} {
			if got := h.call("GET", path, "", token); got.status != want {
				t.Errorf("%s at %s: %d, want %d", role, path, got.status, want)
			}
		}
	}
	if got := h.call("POST", "/console/map/api/try", "{}"); got.status != 401 {
		t.Errorf("nobody tries a mapping: %d", got.status)
	}
	if got := h.call("GET", "/console/map/", ""); strings.Contains(string(got.body), "api/workshop") {
		t.Errorf("nobody was given the page: %d", got.status)
	}
}
