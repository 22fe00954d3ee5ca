package vendorhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func client(t *testing.T, opt Options) *Client {
	t.Helper()
	c := New(opt)
	t.Cleanup(c.Close)
	return c
}

// cut reads the whole request and closes the connection without an answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// hang never answers. A server notices a lost caller only once it has read the body.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// roundTrip is a transport that answers without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestErrorsSayWhetherTheFirstByteLeft(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	partial := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"half":`))
	}
	hangInBody := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(`{"half":`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	cases := []struct {
		name string
		ctx  context.Context
		url  string
		opt  Options
		code string
		kind connectors.Kind
		sent bool
		raw  string
	}{
		{"refused", t.Context(), closed.URL, Options{}, "http.connect", connectors.Unavailable, false, ""},
		{"unknown host", t.Context(), "http://store.invalid/", Options{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "store.invalid", IsNotFound: true}}
		})}, "http.dns", connectors.Unavailable, false, ""},
		{"cut without an answer", t.Context(), serve(t, cut), Options{}, "http.cut", connectors.Unavailable, true, ""},
		{"cut in the answer", t.Context(), serve(t, partial), Options{}, "http.truncated", connectors.Unreadable, true, `{"half":`},
		{"too large", t.Context(), serve(t, partial), Options{MaxBody: 4}, "http.too_large", connectors.Unreadable, true, ""},
		{"no answer in time", t.Context(), serve(t, hang), Options{Timeout: 50 * time.Millisecond}, "http.timeout", connectors.Unavailable, true, ""},
		{"half an answer in time", t.Context(), serve(t, hangInBody), Options{Timeout: 50 * time.Millisecond}, "http.timeout", connectors.Unavailable, true, ""},
		{"cancelled before", gone, serve(t, hang), Options{}, "http.cancelled", connectors.Unavailable, false, ""},
		{"no address", t.Context(), "http://[bad/", Options{}, "http.request", connectors.Invalid, false, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			ans, err := client(t, tc.opt).Do(tc.ctx, Call{Method: http.MethodPost, URL: tc.url, Body: []byte(`{}`)})
			if err == nil {
				t.Fatalf("no error, status %d", ans.Status)
			}
			if err.Code != tc.code || err.Kind != tc.kind || err.Sent != tc.sent || string(err.Raw) != tc.raw {
				t.Errorf("code %s kind %s sent %t raw %q, want %s %s %t %q (%v)", err.Code, err.Kind, err.Sent, err.Raw, tc.code, tc.kind, tc.sent, tc.raw, err)
			}
			if ans == nil || ans.Exchange.Method != http.MethodPost || ans.Exchange.Err == "" {
				t.Errorf("the exchange of a failed call is missing: %+v", ans)
			}
		})
	}
}

func TestCancellationEndsACall(t *testing.T) {
	arrived := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		hang(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := client(t, Options{}).Do(ctx, Call{Method: http.MethodGet, URL: url})
	if err == nil || err.Code != "http.cancelled" || !err.Sent {
		t.Fatalf("error %+v", err)
	}
}

func TestNothingIsRepeatedOrFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.Header().Set("Location", other)
			w.WriteHeader(status)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"302": answer(302), "307": answer(307), "308": answer(308), "429": answer(429), "500": answer(500), "502": answer(502), "503": answer(503), "cut": cut,
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch} {
			var n atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				n.Add(1)
				h(w, r)
			})
			ans, err := client(t, Options{}).Do(t.Context(), Call{Method: method, URL: url, Body: []byte(`{}`)})
			if n.Load() != 1 {
				t.Errorf("%s %s: sent %d times", method, name, n.Load())
			}
			if name != "cut" && (err != nil || fmt.Sprint(ans.Status) != name) {
				t.Errorf("%s %s: status %d, error %v", method, name, ans.Status, err)
			}
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("a redirect was followed %d times", elsewhere.Load())
	}
}

func TestNoSecretInErrorOrExchange(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	ok := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"invented-token"}`))
	}
	withUser := func(u string) string { return strings.Replace(u, "http://", "http://hub:invented-password@", 1) }
	const query = "/path?access_token=invented-token&invented-flag&method=orders"
	for name, url := range map[string]string{
		"refused": withUser(closed.URL) + query,
		"cut":     withUser(serve(t, cut)) + query,
		"done":    withUser(serve(t, ok)) + query,
		"unread":  "http://hub:invented-password@[bad" + query,
	} {
		c := client(t, Options{ShowParams: []string{"method"}})
		ans, err := c.Do(t.Context(), Call{Method: http.MethodPost, URL: url, Body: []byte("secret=invented-password"), Quiet: true})
		shown, jerr := json.Marshal(ans.Exchange)
		if jerr != nil {
			t.Fatal(jerr)
		}
		text := string(shown)
		if err != nil {
			text += fmt.Sprintf("%+v %v", err, errors.Unwrap(err))
		}
		if strings.Contains(text, "invented-") {
			t.Errorf("%s: a secret is shown: %s", name, text)
		}
		if name == "done" && !strings.Contains(ans.Exchange.URL, "method=orders") {
			t.Errorf("a parameter that may be shown is not: %s", ans.Exchange.URL)
		}
	}
}

func TestExchangeShowsBodiesInBounds(t *testing.T) {
	long := strings.Repeat("字", captureLimit) // three bytes each: the cut falls inside one
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Header.Get("X-Sent"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(long))
	})
	ans, err := client(t, Options{}).Do(t.Context(), Call{Method: http.MethodPost, URL: url, Header: http.Header{"X-Sent": {"1"}},
		Body: []byte("sign=0f0f"), Shown: []byte("sign=****")})
	if err != nil {
		t.Fatal(err)
	}
	if ans.Status != http.StatusTeapot || ans.Header.Get("X-Seen") != "1" || string(ans.Body) != long {
		t.Errorf("answer %d, header %v, %d bytes", ans.Status, ans.Header, len(ans.Body))
	}
	x := ans.Exchange
	if x.Request != "sign=****" || x.Status != http.StatusTeapot || x.Took <= 0 {
		t.Errorf("exchange %q %d %v", x.Request, x.Status, x.Took)
	}
	if !utf8.ValidString(x.Response) || len(x.Response) > captureLimit+len("…") || !strings.HasSuffix(x.Response, "字…") {
		t.Errorf("captured %d bytes, valid %t", len(x.Response), utf8.ValidString(x.Response))
	}
}

func TestStatusErrors(t *testing.T) {
	if e := (&Answer{Status: 204}).StatusError(); e != nil {
		t.Errorf("204: %v", e)
	}
	for status, want := range map[int]string{
		302: "unclassified connection true", 400: "invalid document false", 401: "unauthorized connection false", 403: "forbidden connection false",
		404: "not_found operation false", 408: "unavailable connection true", 422: "invalid document false", 429: "rate_limited connection false",
		500: "unavailable connection true", 502: "unavailable connection true", 599: "unavailable connection true",
	} {
		e := (&Answer{Status: status}).StatusError()
		if got := fmt.Sprint(e.Kind, " ", e.Scope, " ", e.Sent); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "Mon, 01 Jan 2001 00:00:00 GMT": 0} {
		a := &Answer{Header: http.Header{"Retry-After": {value}}}
		if got := a.RetryAfter(); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
	a := &Answer{Header: http.Header{"Retry-After": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}}
	if got := a.RetryAfter(); got < 59*time.Minute || got > time.Hour {
		t.Errorf("a date an hour away: %v", got)
	}
}

func TestIsHTML(t *testing.T) {
	for _, tc := range []struct {
		kind, body string
		want       bool
	}{
		{"text/html; charset=utf-8", "", true},
		{"application/json", "\n<html>", true},
		{"", " <!DOCTYPE html><p>", true},
		{"", "<!doctype HTML>", true},
		{"application/json", `{"a":"<html>"}`, false},
		{"application/xml", `<response><flag>success</flag></response>`, false},
	} {
		if got := (&Answer{Header: http.Header{"Content-Type": {tc.kind}}, Body: []byte(tc.body)}).IsHTML(); got != tc.want {
			t.Errorf("%s %q: %t", tc.kind, tc.body, got)
		}
	}
}

// A dry run keeps the first call that writes; whatever is not marked writes.
func TestADryRunSendsNothingThatWrites(t *testing.T) {
	var got []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.Path)
		_, _ = w.Write([]byte(`{}`))
	})
	c := client(t, Options{})
	permits := 0
	dry := &connectors.DryRun{Permit: func(context.Context) error {
		permits++
		return nil
	}}
	ctx := connectors.WithDryRun(t.Context(), dry)
	call := func(method, path string, reads bool) *connectors.Error {
		_, err := c.Do(ctx, Call{Method: method, URL: url + path + "?token=invented", Body: []byte(path), Reads: reads})
		return err
	}
	if err := errors.Join(asError(call(http.MethodPost, "/search", true)), asError(call(http.MethodGet, "/list", true))); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/unmarked", "/second"} {
		if err := call(http.MethodGet, path, false); err == nil || err.Sent || err.Code != connectors.CodeDryRun {
			t.Errorf("%s: %+v", path, err)
		}
	}
	if err := call(http.MethodGet, "/afterwards", true); err == nil {
		t.Error("a call left after one was kept")
	}
	x, why, ok := dry.Kept()
	if !ok || why != nil || x.Method != http.MethodGet || x.URL != url+"/unmarked?token=****" || x.Request != "/unmarked" {
		t.Errorf("kept %+v %v", x, why)
	}
	if fmt.Sprint(got) != "[POST /search GET /list]" || permits != 1 {
		t.Errorf("%v left after %d permits", got, permits)
	}
}

func TestADryRunWithoutPermitOrTokenAsksNothing(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call left") })
	for name, dry := range map[string]*connectors.DryRun{"no permit": {}, "refused": {Permit: func(context.Context) error { return errors.New("held") }},
		"no token": {Permit: func(context.Context) error { return nil }}} {
		if name == "no token" {
			dry.NoToken()
		}
		_, err := client(t, Options{}).Do(connectors.WithDryRun(t.Context(), dry), Call{Method: http.MethodGet, URL: url, Reads: true})
		if _, why, ok := dry.Kept(); err == nil || !ok || why == nil {
			t.Errorf("%s: %v, kept %t for %v", name, err, ok, why)
		}
	}
}

func asError(e *connectors.Error) error {
	if e == nil {
		return nil
	}
	return e
}
