package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func minihub(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func TestInitThenCheck(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "hub")
	if code, out, errs := minihub(t, "init", dir); code != Fine || !strings.Contains(out, "minihub check "+dir) {
		t.Fatalf("init: %d %s%s", code, out, errs)
	}
	if code, out, errs := minihub(t, "check", dir); code != Fine || !strings.Contains(out, "SHOP_A_APP_SECRET is not set") {
		t.Errorf("check: %d %s%s; want no problem, and a warning for what is to be set", code, out, errs)
	}
	if code, _, errs := minihub(t, "init", dir); code != Input || !strings.Contains(errs, "--force") {
		t.Errorf("init again: %d %s; want %d and a way out", code, errs, Input)
	}
	if code, _, errs := minihub(t, "init", dir, "--force", "--start", "soon"); code != Input || !strings.Contains(errs, "--start") {
		t.Errorf("init with a start that is no time: %d %s", code, errs)
	}
}

func TestDemoExitCodes(t *testing.T) {
	t.Parallel()
	code, out, errs := minihub(t, "demo", "--orders", "2", "--members", "1", "--exit", "--json")
	var result struct {
		OK     bool `json:"ok"`
		Orders int  `json:"orders"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != Fine || !result.OK || result.Orders != 8 {
		t.Errorf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if code, _, errs := minihub(t, "demo", "--orders", "0"); code != Input {
		t.Errorf("no orders: exit %d %s, want %d", code, errs, Input)
	}
	dir := t.TempDir()
	if code, _, errs := minihub(t, "demo", "--keep", filepath.Dir(dir)); code != Input {
		t.Errorf("a directory that is not empty: exit %d %s, want %d", code, errs, Input)
	}
}

func TestSimServesUntilInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"sim", "--members", "1", "--orders", "2"}, Streams{In: strings.NewReader(""), Out: writer, Err: io.Discard})
	}()
	var line struct {
		Control string `json:"control"`
		Systems []struct {
			System      string            `json:"system"`
			URL         string            `json:"url"`
			Credentials map[string]string `json:"credentials"`
		} `json:"systems"`
	}
	if err := json.NewDecoder(reader).Decode(&line); err != nil {
		t.Fatal(err)
	}
	if len(line.Systems) != 8 {
		t.Errorf("%d systems, want 8", len(line.Systems))
	}
	for _, s := range line.Systems {
		if s.URL == "" || len(s.Credentials) == 0 {
			t.Errorf("%s has no address or no credentials", s.System)
		}
		if body := fetch(t, http.MethodGet, line.Control+"/_sim/record/"+s.System, ""); !strings.HasPrefix(body, "{") {
			t.Errorf("the record of %s is %.40q", s.System, body)
		}
	}
	fetch(t, http.MethodPost, line.Control+"/_sim/faults", `{"system":"qimen","kind":"status","count":1}`)
	if list := fetch(t, http.MethodGet, line.Control+"/_sim/faults", ""); !strings.Contains(list, "qimen") {
		t.Errorf("the fault is not switched on: %s", list)
	}
	interrupt()
	select {
	case code := <-ended:
		if code != Fine {
			t.Errorf("exit %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not stop")
	}
}

func fetch(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s (%v)", method, url, resp.StatusCode, b, err)
	}
	return string(b)
}
