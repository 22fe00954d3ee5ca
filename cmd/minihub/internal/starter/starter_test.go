package starter_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/builtin"
)

func load(t *testing.T, dir string, secrets bool) *config.Deployment {
	t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	dep, err := config.Load(dir, config.Options{Registry: registry, Secrets: secrets, Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	return dep
}

func TestInitWritesWhatCheckAccepts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "hub")
	if err := starter.Init(dir, starter.Options{}); err != nil {
		t.Fatal(err)
	}
	dep := load(t, dir, false)
	if len(dep.Connections) != 8 || len(dep.Flows) != 3 || len(dep.Jobs) != 5 {
		t.Errorf("%d connections, %d flows, %d jobs; want 8, 3, 5", len(dep.Connections), len(dep.Flows), len(dep.Jobs))
	}
	for _, c := range dep.Connections {
		if c.Connector.Name == "wechatshop" && !c.StartNow {
			t.Errorf("%s begins in the past: what was shipped would go out again", c.Name)
		}
	}
	// Only the vendors' secrets are left to be set.
	for _, w := range dep.Warnings {
		if w.Code != config.CodeSecret || !strings.HasPrefix(w.File, "connections/") {
			t.Errorf("warning %s", w.Error())
		}
	}
	for _, name := range []string{"secrets/search_key", "secrets/vault_key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it readable by its owner only", name, info, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err != nil || !strings.Contains(string(b), "secrets/") {
		t.Errorf(".gitignore: %q, %v; want secrets left out", b, err)
	}
}

// What stands there commented out is what the hub reads once the signs are taken away.
func TestTheCommentedPeopleAreRight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := starter.Init(dir, starter.Options{}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "hub.yaml")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, block, ok := strings.Cut(string(b), "\n# people:\n")
	if !ok {
		t.Fatal("hub.yaml says nothing of people")
	}
	if err := os.WriteFile(name, []byte(before+"\npeople:\n"+strings.ReplaceAll("\n"+block, "\n# ", "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := load(t, dir, false).Hub.People
	if p.OIDC == nil || p.OIDC.Redirect() != "https://hub.example.com/console/oidc" || len(p.OIDC.Roles.Map) != 3 || len(p.Proxies) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestInitTakesATimeToStartFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := starter.Init(dir, starter.Options{Start: "2026-11-01T00:00:00+08:00"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range load(t, dir, false).Connections {
		if c.Connector.Name == "wechatshop" && c.Start.Unix() != 1793462400 {
			t.Errorf("%s starts at %s", c.Name, c.Start)
		}
	}
	if err := starter.Init(filepath.Join(t.TempDir(), "x"), starter.Options{Start: "yesterday"}); !errors.Is(err, starter.ErrStart) {
		t.Errorf("a start that is no time: %v", err)
	}
}

func TestInitLeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(own, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := starter.Init(dir, starter.Options{}); !errors.Is(err, starter.ErrNotEmpty) {
		t.Fatalf("into a directory that is not empty: %v", err)
	}
	if err := starter.Init(dir, starter.Options{Force: true}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(own); err != nil || string(b) != "mine" {
		t.Errorf("notes.txt: %q, %v", b, err)
	}
}

func TestADeploymentForSimulatorsIsCompleteAndHidesItsSecrets(t *testing.T) {
	t.Parallel()
	w, err := sims.Start(sims.Options{Seed: 1, Members: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(t.TempDir(), "hub")
	if err := starter.ForWorld(dir, w, starter.WorldOptions{Start: "now", LimitsX: 2.5}); err != nil {
		t.Fatal(err)
	}
	dep := load(t, dir, true)
	for _, c := range dep.Connections {
		if c.Limits != 2.5 {
			t.Errorf("%s: limits_x %g, want 2.5", c.Name, c.Limits)
		}
	}
	secrets := 0
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Base(filepath.Dir(path)) == "secrets" {
			secrets++
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s can be read by others (%v)", path, err)
			}
			return nil
		}
		for _, s := range w.Systems() {
			for _, name := range []string{"app_secret", "secret", "password", "client_secret", "check_word", "push_token", "encoding_aes_key"} {
				if v := s.Credentials[name]; v != "" && strings.Contains(string(b), v) {
					t.Errorf("%s shows the %s of %s", path, name, s.Name)
				}
			}
		}
		return nil
	})
	if err != nil || secrets != 14 {
		t.Errorf("%d files below secrets/, %v; want 14", secrets, err)
	}
	if err := starter.ForWorld(dir, w, starter.WorldOptions{Start: "now", LimitsX: 1}); !errors.Is(err, starter.ErrNotEmpty) {
		t.Errorf("a second time into the same directory: %v", err)
	}
}
