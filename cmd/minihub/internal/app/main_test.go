package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// hubEnv names the directory of a hub that this test binary runs instead of tests, so
// that it can be killed.
const hubEnv = "MINIHUB_APP_TEST_HUB"

func TestMain(m *testing.M) {
	if dir := os.Getenv(hubEnv); dir != "" {
		runHub(dir)
		return
	}
	os.Exit(m.Run())
}

// runHub runs a hub on what was applied last, until it is killed.
func runHub(dir string) {
	registry, err := builtin.Registry()
	if err != nil {
		panic(err)
	}
	a, err := New(context.Background(), Options{Dir: dir, Registry: registry, Log: zap.NewNop(), WaitOwner: 10 * time.Second, Applied: true})
	if err != nil {
		panic(err)
	}
	if err := a.Start(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println("runs")
	select {}
}

// spawn starts such a hub and waits until it runs.
func spawn(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), hubEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "runs\n" {
		t.Fatalf("the hub said %q, %v", line, err)
	}
	return cmd
}

const hookSecret = "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM="

// hubDir writes the transcripts' deployment, with a receiver behind it.
func hubDir(t *testing.T) (string, *webhooksim.Sim) {
	t.Helper()
	sim := webhooksim.New(webhooksim.Options{Secret: hookSecret})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return hubDirFor(t, server.URL), sim
}

// hubDirFor writes it with any receiver.
func hubDirFor(t testing.TB, url string) string {
	t.Helper()
	dir := t.TempDir()
	values := strings.NewReplacer("@ADMIN@", "127.0.0.1:0", "@INTAKE@", "127.0.0.1:0", "@SINK@", url, "@SECRET@", hookSecret)
	const from = "../../testdata/deployment"
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
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
		put(t, dir, rel, values.Replace(string(b)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// noteMapping writes a mapping whose documents say which one made them.
func noteMapping(t testing.TB, dir, subject string) {
	t.Helper()
	put(t, dir, "mappings/own/out/note.yaml", `mapping: note -> event
input: canonical/note
output: vendors/webhook/event.push
fields:
  - { to: type, from: kind }
  - { to: key, from: '@key' }
  - { to: subject, value: `+subject+` }
  - { to: data, from: $ }
`)
}

// hub starts a hub in this process.
func hub(t testing.TB, dir string, more ...*connectors.Connector) *App {
	t.Helper()
	known, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := connectors.NewRegistry(append(known.List(), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{Dir: dir, Registry: registry, Log: zap.NewNop(), NoJobs: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// apply plans and applies what the directory says.
func apply(t *testing.T, a *App, share int) *api.Applied {
	t.Helper()
	p, err := a.Plan(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	done, err := a.Apply(t.Context(), api.ApplyRequest{Plan: p.Hash, Share: share, Who: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func post(t *testing.T, intake, no string) {
	t.Helper()
	s := webhooksim.Sender{URL: intake + "/in/shop", Secret: hookSecret}
	a, err := s.Send(t.Context(), webhooksim.Outgoing{ID: "msg_" + no, Body: []byte(`{"no":"` + no + `","version":1,"kind":"made","title":"t"}`)})
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("posting %s: %d, %v", no, a.Status, err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// subject is what the receiver holds of a note; empty while it has none.
func subject(t *testing.T, sim *webhooksim.Sim, no string) string {
	t.Helper()
	for _, e := range sim.Events() {
		if e.Key != "shop-a-"+no {
			continue
		}
		var v struct {
			Subject string `json:"subject"`
		}
		if err := json.Unmarshal(e.Body, &v); err != nil {
			t.Fatal(err)
		}
		return v.Subject
	}
	return ""
}
