package e2e

import (
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
)

// wants runs a command line and holds its exit code and what it says against the
// expected ones, for people and as JSON.
func wants(t *testing.T, code int, says []string, args ...string) {
	t.Helper()
	got, out, errs := run(t, args...)
	if got != code {
		t.Errorf("minihub %s: exit %d, want %d: %s%s", strings.Join(args, " "), got, code, out, errs)
	}
	for _, s := range says {
		if !strings.Contains(out+errs, s) {
			t.Errorf("minihub %s does not say %q: %s%s", strings.Join(args, " "), s, out, errs)
		}
	}
	got, out, errs = run(t, append(args, "--json")...)
	var v struct {
		Exit int
	}
	if got != code || json.Unmarshal([]byte(out), &v) != nil || code != cli.Fine && v.Exit != code {
		t.Errorf("minihub %s --json: exit %d, want %d and JSON that says so: %s%s", strings.Join(args, " "), got, code, out, errs)
	}
}

// What is wrong around the hub ends with exit code 3 and says what it is.
func TestBadInputEnvironment(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	base := notes()

	admin := base.with(t, "hub.yaml", "listen: 127.0.0.1:0\nintake", "listen: "+taken.Addr().String()+"\nintake").write(t)
	wants(t, cli.Environment, []string{"hub.yaml listen:", taken.Addr().String(), "another program listens there"}, "serve", "-c", admin)
	intake := base.with(t, "hub.yaml", "{listen: 127.0.0.1:0}", "{listen: '"+taken.Addr().String()+"'}").write(t)
	wants(t, cli.Environment, []string{"hub.yaml intake.listen:", taken.Addr().String()}, "serve", "-c", intake)

	away := base.with(t, "hub.yaml", "sqlite:hub.db", "postgres://hub@127.0.0.1:1/hub").write(t)
	wants(t, cli.Environment, []string{"opening the store", "127.0.0.1:1"}, "serve", "-c", away)
	wants(t, cli.Environment, []string{"opening the store", "127.0.0.1:1"}, "messages", "list", "-c", away)

	other := base.write(t)
	wants(t, cli.Fine, nil, "messages", "list", "-c", other)
	put(t, filepath.Join(other, "secrets/key"), "another key\n")
	wants(t, cli.Environment, []string{"made with another secret for its search keys"}, "serve", "-c", other)

	none := base.with(t, "hub.db", "", strings.Repeat("this is no database. ", 300)).write(t)
	wants(t, cli.Environment, []string{"opening the store", "not a database"}, "serve", "-c", none)

	wants(t, cli.Environment, []string{"cannot be read"}, "check", "-c", filepath.Join(other, "hub.yaml", "below"))
	wants(t, cli.Input, []string{"there is no such directory", "minihub init"}, "check", "-c", filepath.Join(other, "nowhere"))
	wants(t, cli.Input, []string{"name the directory that holds hub.yaml"}, "serve", "-c", filepath.Join(other, "hub.yaml"))
	folder := base.with(t, "jobs.yaml/x", "", "")
	delete(folder, "jobs.yaml")
	wants(t, cli.Input, []string{"jobs.yaml", "cannot be read"}, "check", "-c", folder.write(t))
}

// A store belongs to one process; commands find the hub that has it, and say what is
// wrong when they cannot.
func TestBadInputOwnedStore(t *testing.T) {
	h := newNoteHub(t, notes())
	h.post(note("n1", ""))
	wants(t, cli.Environment, []string{"another process owns the store", "hub.db.lock", "--standby"}, "serve", "-c", h.dir)
	wants(t, cli.Fine, []string{"n1"}, "messages", "find", "n1", "-c", h.dir)
	endpoint := filepath.Join(h.dir, ".minihub.json")
	put(t, endpoint, "{")
	wants(t, cli.Environment, []string{endpoint, "cannot be read", "restart the hub"}, "messages", "find", "n1", "-c", h.dir)
	put(t, endpoint, `{"url":"`+h.app.AdminURL()+`","token":"wrong"}`)
	wants(t, cli.Input, []string{"no valid token"}, "messages", "find", "n1", "-c", h.dir)
	put(t, endpoint, `{"url":"http://127.0.0.1:1","token":"old"}`)
	wants(t, cli.Environment, []string{"another process owns the store"}, "messages", "find", "n1", "-c", h.dir)
	h.stop()
	put(t, endpoint, "{")
	wants(t, cli.Fine, []string{"n1"}, "messages", "find", "n1", "-c", h.dir)
}

// A secret that is not set here is a warning for check, which may run elsewhere, and a
// refusal for serve.
func TestBadInputUnsetSecret(t *testing.T) {
	env := notes().with(t, "hub.yaml", "${file:secrets/key}", "${env:MINIHUB_NOT_SET_ANYWHERE}").write(t)
	wants(t, cli.Fine, []string{"warning: hub.yaml:5", "MINIHUB_NOT_SET_ANYWHERE is not set", "ok: "}, "check", "-c", env)
	wants(t, cli.Input, []string{"hub.yaml:5", "MINIHUB_NOT_SET_ANYWHERE is not set"}, "serve", "-c", env)
	file := notes().with(t, "connections/sink.yaml", "${file:secrets/hook}", "${file:secrets/none}").write(t)
	wants(t, cli.Fine, []string{"warning: connections/sink.yaml:4", "secrets/none cannot be read"}, "check", "-c", file)
	wants(t, cli.Input, []string{"connections/sink.yaml:4", "secrets/none cannot be read"}, "serve", "-c", file)
}
