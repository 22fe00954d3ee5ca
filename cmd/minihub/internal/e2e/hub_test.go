package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/connectors/builtin"
)

// openHub starts a hub in this process with the connectors of the program; its owner
// stops it.
func openHub(t *testing.T, opt app.Options) *app.App {
	t.Helper()
	var err error
	if opt.Registry, err = builtin.Registry(); err != nil {
		t.Fatal(err)
	}
	hub, err := app.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return hub
}

// endpointOf is how the API of the hub that runs in a folder is reached.
func endpointOf(dir string) (e app.Endpoint, err error) {
	b, err := os.ReadFile(app.EndpointFile(dir))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(b, &e)
}

// ask calls the API of the hub that runs in a folder, as a command does: in is sent when it
// is something, the answer is read into out.
func ask(ctx context.Context, dir, method, path string, in, out any) error {
	e, err := endpointOf(dir)
	if err != nil {
		return err
	}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+e.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: the hub answered %d: %s", method, path, resp.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: %w in %s", method, path, err, answer)
	}
	return nil
}

// appendTo adds text to a file.
func appendTo(t testing.TB, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
