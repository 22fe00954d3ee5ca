package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page is served on this machine only, until the command is interrupted.
func TestMapServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "mappings", "own", "in", "note.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("mapping: note\nfields:\n  - { to: a, from: b }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"map", "serve", "-c", dir, "-f", file, "--listen", "127.0.0.1:0", "--json"}, Streams{In: strings.NewReader(""), Out: in, Err: &errs})
		_ = in.Close()
	}()
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatalf("%v %s", err, errs.String())
	}
	get := func(path, host string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, said.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if status, body := get("", ""); status != http.StatusOK || !strings.Contains(body, "mapping workshop") {
		t.Errorf("the page answers %d", status)
	}
	if status, body := get("api/workshop", ""); status != http.StatusOK || !strings.Contains(body, `"start":"own/in/note.yaml"`) || !strings.Contains(body, `"own":true`) {
		t.Errorf("the workshop answers %d %.300s", status, body)
	}
	if status, _ := get("api/workshop", "shop.example.test"); status != http.StatusMisdirectedRequest {
		t.Errorf("a name that is not this machine's answers %d", status)
	}
	interrupt()
	if code := <-ended; code != Fine {
		t.Errorf("it ended with %d %s", code, errs.String())
	}
}
