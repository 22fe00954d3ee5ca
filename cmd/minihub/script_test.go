package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/cmd/minihub/internal/racetest"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"minihub": main})
}

// TestScript runs the transcripts: what people type, and what they read. Each has a
// deployment of its own in $WORK/hub, with a receiver behind it. MINIHUB_UPDATE=1
// go test rewrites what they expect.
func TestScript(t *testing.T) {
	if racetest.On {
		t.Skip("every command is a program of its own, whose start takes seconds under the race detector; .ci/run runs this without it")
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		Setup:         setup,
		UpdateScripts: os.Getenv("MINIHUB_UPDATE") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "ready": ready, "post": post, "rest": rest, "scrub": scrub, "isjson": isJSON, "received": received, "grab": grab,
		},
	})
}

// hookSecret is invented: it signs what the transcripts post.
const hookSecret = "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM="

type sinkKey struct{}

func setup(env *testscript.Env) error {
	sink := webhooksim.New(webhooksim.Options{Secret: hookSecret})
	server := httptest.NewServer(sink)
	env.Defer(server.Close)
	env.Values[sinkKey{}] = sink
	admin, intake := porttest.Free(), porttest.Free()
	env.Vars = append(env.Vars, "ADMIN="+admin, "INTAKE="+intake, "LC_ALL=C", "TZ=Asia/Shanghai")
	values := strings.NewReplacer("@ADMIN@", admin, "@INTAKE@", intake, "@SINK@", server.URL, "@SECRET@", hookSecret)
	const from = "testdata/deployment"
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(env.WorkDir, "hub", rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(values.Replace(string(b))), 0o600)
	})
}

// exits CODE COMMAND... runs a command and wants its exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		got = failed.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit %d, want %d", got, want)
	}
}

// until polls what a hub in the background will soon say.
func until(ts *testscript.TestScript, what string, done func() bool) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			ts.Fatalf("%s: it takes too long", what)
		}
	}
}

// ready waits until the hub of the folder takes messages.
func ready(ts *testscript.TestScript, _ bool, _ []string) {
	until(ts, "the hub", func() bool {
		resp, err := http.Get("http://" + ts.Getenv("ADMIN") + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// post BODY [STATUS] posts a signed event and wants a status, 200 by default.
func post(ts *testscript.TestScript, _ bool, args []string) {
	s := webhooksim.Sender{URL: "http://" + ts.Getenv("INTAKE") + "/in/shop", Secret: hookSecret}
	a, err := s.Send(context.Background(), webhooksim.Outgoing{ID: fmt.Sprintf("msg_%d", time.Now().UnixNano()), Body: []byte(args[0])})
	ts.Check(err)
	want := "200"
	if len(args) > 1 {
		want = args[1]
	}
	if strconv.Itoa(a.Status) != want {
		ts.Fatalf("answered %d %s, want %s", a.Status, a.Body, want)
	}
}

// rest waits until nothing moves by itself any more.
func rest(ts *testscript.TestScript, _ bool, _ []string) {
	var e app.Endpoint
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(app.EndpointFile("hub"))), &e))
	until(ts, "coming to rest", func() bool {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, e.URL+"/api/v1/counts", nil)
		ts.Check(err)
		req.Header.Set("Authorization", "Bearer "+e.Token)
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		ts.Check(err)
		return !regexp.MustCompile(`"state":"(received|ready|sending|waiting|unknown|accepted|pending)"`).Match(b)
	})
}

// received KEY N wants the receiver to hold a key N times.
func received(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	for _, e := range ts.Value(sinkKey{}).(*webhooksim.Sim).Events() {
		if e.Key == args[0] {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("the receiver holds %s %d times, want %s", args[0], n, args[1])
	}
}

// grab NAME PATTERN sets $NAME to the first group that the pattern finds in the last output.
func grab(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("nothing in the output matches %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}

var changing = []struct{ from, to string }{
	{`\d\d-\d\d \d\d:\d\d:\d\d`, "MM-DD hh:mm:ss"},
	{`\b\d+(\.\d+)?(ms|µs|s)\b`, "TIME"},
	{`127\.0\.0\.1:\d+`, "HOST:PORT"},
	{`\b[0-9a-f]{12}\b`, "HASH"},
	{`/tmp/[^ :]*/hub`, "HUB"},
}

// scrub stdout|stderr FILE writes the last output to a file, with what changes from run
// to run made equal, for cmp.
func scrub(ts *testscript.TestScript, _ bool, args []string) {
	out := ts.ReadFile(args[0])
	for _, c := range changing {
		out = regexp.MustCompile(c.from).ReplaceAllString(out, c.to)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out), 0o600))
}

// isjson [KEY...] wants the last output to be one JSON document with these keys.
func isJSON(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	m, _ := v.(map[string]any)
	for _, key := range args {
		if _, ok := m[key]; !ok {
			ts.Fatalf("the output has no %s", key)
		}
	}
}
