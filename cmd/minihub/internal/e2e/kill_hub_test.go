package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/racetest"
)

// process is the hub as a user runs it: a program that can be killed.
type process struct {
	t      testing.TB
	binary string
	dir    string
	args   []string

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	log   bytes.Buffer
	kills int
}

// buildHub builds the program without the race detector: killed programs cannot report
// races, and the kills should fall into real timings.
func buildHub(t testing.TB, tags string) string {
	t.Helper()
	if racetest.On {
		t.Skip("the hub is a program of its own here, built without the race detector, which would only slow the simulators down; .ci/run runs this without it")
	}
	out := filepath.Join(t.TempDir(), "minihub")
	cmd := exec.Command("go", "build", "-tags", tags, "-o", out, "github.com/minihub/minihub/cmd/minihub")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the hub: %v\n%s", err, b)
	}
	return out
}

// start runs the hub and waits until it is ready.
func (p *process) start() {
	p.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		p.launch()
		if p.ready(deadline) {
			return
		}
		if code := p.cmd.ProcessState.ExitCode(); code == 2 {
			p.t.Fatalf("the hub refuses its deployment:\n%s", p.tail())
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the hub did not get ready:\n%s", p.tail())
		}
	}
}

func (p *process) launch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := exec.Command(p.binary, append([]string{"serve", "-c", p.dir}, p.args...)...)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended
}

// ready polls until the hub answers, or it has ended.
func (p *process) ready(deadline time.Time) bool {
	for time.Now().Before(deadline) {
		if e, err := endpointOf(p.dir); err == nil && e.PID == p.pid() {
			if resp, err := http.Get(e.URL + "/readyz"); err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					return true
				}
			}
		}
		select {
		case <-p.ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// kill ends the program without a chance to say goodbye.
func (p *process) kill() {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.kills++
	p.mu.Unlock()
	_ = cmd.Process.Kill()
	<-ended
}

// killNow is kill for a simulator in the middle of a call: it does not wait.
func (p *process) killNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kills++
	_ = p.cmd.Process.Kill()
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) stop() {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(os.Interrupt)
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		_ = cmd.Process.Kill()
		<-ended
	}
}

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.log.String()
	if len(s) > 6000 {
		s = s[len(s)-6000:]
	}
	return s
}

// get makes an API call to the running hub.
func (p *process) get(path string, out any) error {
	return ask(context.Background(), p.dir, http.MethodGet, path, nil, out)
}

type countRow struct {
	Kind, Connection, Name, State, Code string
	Count                               int64
}

// unfinished sums what the hub still has to do by itself.
func (p *process) unfinished() (int64, []countRow, error) {
	var out struct {
		Counts []countRow `json:"counts"`
	}
	if err := p.get("/api/v1/counts", &out); err != nil {
		return 0, nil, err
	}
	var n int64
	for _, c := range out.Counts {
		switch c.State {
		case "received", "pending", "ready", "sending", "waiting", "unknown", "accepted":
			n += c.Count
		}
	}
	return n, out.Counts, nil
}

// drain waits until nothing is unfinished for a while.
func (p *process) drain(limit time.Duration) []countRow {
	p.t.Helper()
	rows, done := p.drained(limit)
	if !done {
		p.t.Fatalf("still unfinished after %s: %v\n%s", limit, compact(rows), p.tail())
	}
	return rows
}

// drained reports whether nothing is unfinished within limit.
func (p *process) drained(limit time.Duration) (rows []countRow, done bool) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	calm := 0
	for {
		n, rows, err := p.unfinished()
		switch {
		case err != nil && !p.alive():
			p.t.Fatalf("the hub ended while draining:\n%s", p.tail())
		case err == nil && n == 0:
			if calm++; calm > 20 {
				return rows, true
			}
		default:
			calm = 0
		}
		if time.Now().After(deadline) {
			return rows, false
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// history is what the commands show of the order behind a target's key, STORE-NUMBER.
func (p *process) history(key string) string {
	run := func(args ...string) []byte {
		out, err := exec.Command(p.binary, append([]string{"-c", p.dir}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Appendf(out, "%v", err)
		}
		return out
	}
	dash := strings.LastIndex(key, "-")
	var found struct {
		Messages []struct {
			Message    int64  `json:"message"`
			Connection string `json:"connection"`
		} `json:"messages"`
	}
	if out := run("messages", "find", key[dash+1:], "--json"); json.Unmarshal(out, &found) != nil {
		return string(out)
	}
	for _, m := range found.Messages {
		if m.Connection == key[:dash] {
			return string(run("messages", "show", strconv.FormatInt(m.Message, 10)))
		}
	}
	return "nothing"
}

// post makes an API call that changes something.
func (p *process) post(path string) error {
	e, err := endpointOf(p.dir)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, e.URL+path, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+e.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("the hub answered %d: %s", resp.StatusCode, b)
	}
	return nil
}

// parked lists what waits for a person or for something else, with its cause.
func (p *process) parked() []string {
	var out struct {
		Deliveries []struct {
			Connection, Operation, Key, State, Code, Text string
		} `json:"deliveries"`
	}
	if err := p.get("/api/v1/deliveries?state=parked,blocked,unknown&limit=1000", &out); err != nil {
		return []string{err.Error()}
	}
	seen := map[string]int{}
	var lines []string
	for _, d := range out.Deliveries {
		cause := d.Connection + "." + d.Operation + " " + d.State + " " + d.Code
		if seen[cause]++; seen[cause] <= 3 {
			lines = append(lines, cause+" "+d.Key+": "+d.Text)
		}
	}
	return lines
}

func compact(rows []countRow) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "\n  %s %s.%s %s %s: %d", r.Kind, r.Connection, r.Name, r.State, r.Code, r.Count)
	}
	return b.String()
}
