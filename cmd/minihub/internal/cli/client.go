package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines/ledger"
)

// client speaks to the running hub of a deployment, or to one elsewhere, or opens the store
// itself when no hub runs: one set of commands either way.
type client struct {
	r        *root
	endpoint app.Endpoint
	http     *http.Client
	local    *app.App
}

func (r *root) client(ctx context.Context) (*client, error) {
	c := &client{r: r, http: &http.Client{}}
	if r.url != "" {
		var err error
		c.endpoint, err = r.endpoint()
		return c, err
	}
	file := app.EndpointFile(r.dir)
	b, broken := os.ReadFile(file)
	if broken == nil {
		broken = json.Unmarshal(b, &c.endpoint)
		if broken == nil && c.alive(ctx) {
			return c, nil
		}
	}
	a, err := app.New(ctx, app.Options{Dir: r.dir, Registry: r.registry, Local: true})
	switch {
	case errors.Is(err, ledger.ErrOwned) && broken != nil && !errors.Is(broken, fs.ErrNotExist):
		// A hub runs and cannot be reached: say why, rather than that its store is taken.
		return nil, environmentError{errors.New(r.texts.Say(text.EndpointBroken, file, broken))}
	case err != nil:
		return nil, err
	}
	c.local = a
	return c, nil
}

func (c *client) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint.URL+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (c *client) close() error {
	if c.local != nil {
		return c.local.Stop()
	}
	return nil
}

// callError is what the API refused, with its code.
type callError struct {
	code string
	text string
}

func (e *callError) Error() string { return e.text }

// do makes one API call; a 4xx is the caller's input.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	status, answer, err := c.send(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return c.refused(status, answer)
	}
	return json.Unmarshal(answer, out)
}

func (c *client) refused(status int, answer []byte) error {
	var e struct {
		Error api.Error `json:"error"`
	}
	if json.Unmarshal(answer, &e) != nil || e.Error.Text == "" {
		return errors.New(c.r.texts.Say(text.HubAnswered, status))
	}
	if len(e.Error.Problems) > 0 {
		return e.Error.Problems
	}
	said := e.Error.Text
	if e.Error.Hint != "" {
		said += " (" + e.Error.Hint + ")"
	}
	if zh := c.r.texts.Code(e.Error.Code, said); zh != said {
		said = zh + ": " + said
	}
	call := &callError{code: e.Error.Code, text: said}
	if status == http.StatusUnprocessableEntity {
		return call
	}
	return inputError{call}
}

func (c *client) send(req *http.Request) (int, []byte, error) {
	if c.local != nil {
		w := httptest.NewRecorder()
		c.local.Handler("").ServeHTTP(w, req)
		return w.Code, w.Body.Bytes(), nil
	}
	resp, err := c.reach(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, c.gone(err)
	}
	return resp.StatusCode, answer, nil
}

// reach sends a request to a hub that runs elsewhere.
func (c *client) reach(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer "+c.endpoint.Token)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.gone(err)
	}
	return resp, nil
}

func (c *client) gone(err error) error {
	return environmentError{errors.New(c.r.texts.Say(text.HubGone, c.endpoint.URL, err))}
}

// with runs f with a client and closes it.
func (r *root) with(ctx context.Context, f func(*client) error) error {
	c, err := r.client(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.close())
}
