package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// stream writes what a GET answers to out as it comes.
func (c *client) stream(ctx context.Context, path string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint.URL+path, nil)
	if err != nil {
		return err
	}
	if c.local != nil {
		w := &through{out: out, header: http.Header{}, status: http.StatusOK}
		if err := w.serve(c.local.Handler(""), req); err != nil {
			return err
		}
		if w.status != http.StatusOK {
			return c.refused(w.status, w.said.Bytes())
		}
		return w.err
	}
	resp, err := c.reach(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			return c.gone(err)
		}
		return c.refused(resp.StatusCode, said)
	}
	if _, err := io.Copy(out, resp.Body); err != nil {
		return c.gone(err)
	}
	return nil
}

// through is the answer of a handler in this process on its way to a writer.
type through struct {
	out    io.Writer
	header http.Header
	status int
	said   bytes.Buffer // of a refusal
	err    error
}

func (w *through) Header() http.Header { return w.header }

func (w *through) WriteHeader(status int) { w.status = status }

func (w *through) Write(b []byte) (int, error) {
	if w.status != http.StatusOK {
		return w.said.Write(b)
	}
	n, err := w.out.Write(b)
	if err != nil {
		w.err = err
	}
	return n, err
}

// serve runs a handler; one that cuts its answer short says so by a panic.
func (w *through) serve(h http.Handler, req *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if cut, ok := p.(error); !ok || !errors.Is(cut, http.ErrAbortHandler) {
				panic(p)
			}
			err = io.ErrUnexpectedEOF
		}
	}()
	h.ServeHTTP(w, req)
	return nil
}

// lastLine keeps the last line of what goes through it.
type lastLine struct {
	out  io.Writer
	line []byte
}

func (l *lastLine) Write(b []byte) (int, error) {
	for _, part := range bytes.SplitAfter(b, []byte("\n")) {
		if bytes.HasSuffix(l.line, []byte("\n")) && len(part) > 0 {
			l.line = l.line[:0]
		}
		l.line = append(l.line, part...)
	}
	return l.out.Write(b)
}
