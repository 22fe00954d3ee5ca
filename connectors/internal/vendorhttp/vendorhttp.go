// Package vendorhttp is the one HTTP client of the connectors: go-retryablehttp that
// never repeats a request (Invariant 7: the ledger owns retry), bounded answers,
// knowledge of whether the first byte left, and a masked capture of each call.
package vendorhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/minihub/minihub/connectors"
)

// Options of a Client; zero values have defaults.
type Options struct {
	Transport  http.RoundTripper // nil: a pooled transport of its own
	Timeout    time.Duration     // of one call; 0 = 30 s. The caller's context may end it earlier
	MaxBody    int64             // bytes of an answer; 0 = 16 MiB
	ShowParams []string          // query parameters whose values may be shown; all others are masked
	Idle       int               // idle connections kept per host; 0 = 32
}

// Client makes calls to one vendor account.
type Client struct {
	http *retryablehttp.Client
	own  *http.Transport // to close, when Transport was nil
	opt  Options
}

// New returns a client.
func New(opt Options) *Client {
	if opt.Timeout == 0 {
		opt.Timeout = 30 * time.Second
	}
	if opt.MaxBody == 0 {
		opt.MaxBody = 16 << 20
	}
	if opt.Idle == 0 {
		opt.Idle = 32
	}
	c := &Client{opt: opt}
	rt := opt.Transport
	if rt == nil {
		c.own = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			MaxIdleConns:          4 * opt.Idle,
			MaxIdleConnsPerHost:   opt.Idle,
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			ForceAttemptHTTP2:     true,
		}
		rt = c.own
	}
	c.http = &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: rt,
			// A redirect would repeat a write somewhere else: hand it back as the answer.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Logger:       nil, // it would log URLs with their tokens
		RetryMax:     0,
		CheckRetry:   func(context.Context, *http.Response, error) (bool, error) { return false, nil },
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return c
}

// Close drops idle connections.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Call is one request.
type Call struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// Shown is captured in place of Body, for bodies that carry tokens or signatures.
	Shown []byte
	// Reads says that the call changes nothing at the vendor, whatever becomes of it: a
	// dry run may make it.
	Reads bool
	// Quiet leaves bodies out of the capture: token calls.
	Quiet bool
}

// Answer is a whole answer.
type Answer struct {
	Status   int
	Header   http.Header
	Body     []byte
	Exchange connectors.Exchange
}

// captureLimit bounds a captured body.
const captureLimit = 16 << 10

// Do makes one call. The error is nil whenever a whole answer was read, whatever its
// status. On an error the answer still carries the Exchange.
func (c *Client) Do(ctx context.Context, call Call) (*Answer, *connectors.Error) {
	see := connectors.CallWatcher(ctx)
	if see == nil {
		return c.do(ctx, call)
	}
	started := time.Now()
	ans, err := c.do(ctx, call)
	m := connectors.Made{Method: call.Method, Host: host(call.URL), Status: ans.Status, Started: started, Ended: time.Now()}
	if err != nil {
		m.Code = err.Code
	}
	see(m)
	return ans, err
}

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func (c *Client) do(ctx context.Context, call Call) (*Answer, *connectors.Error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { left.Store(true) },
		WroteHeaders:     func() { left.Store(true) },
	})
	start := time.Now()
	ans := &Answer{Exchange: connectors.Exchange{Method: call.Method, URL: c.maskURL(call.URL)}}
	if !call.Quiet {
		shown := call.Body
		if call.Shown != nil {
			shown = call.Shown
		}
		ans.Exchange.Request = capture(shown)
	}
	fail := func(e *connectors.Error) (*Answer, *connectors.Error) {
		ans.Exchange.Took = time.Since(start)
		ans.Exchange.Err = e.Error()
		return ans, e
	}
	if dry := connectors.DryRunOf(ctx); dry != nil {
		if e := dry.Pass(ctx, ans.Exchange, call.Reads); e != nil {
			return fail(e)
		}
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, call.Method, call.URL, call.Body)
	if err != nil {
		return fail(&connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: "http.request",
			Text: "the request could not be built; check the base URL"})
	}
	for k, v := range call.Header {
		req.Header[k] = v
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fail(transportError(err, left.Load()))
	}
	defer func() { _ = resp.Body.Close() }()
	ans.Status, ans.Header = resp.StatusCode, resp.Header
	ans.Exchange.Status = resp.StatusCode
	ans.Body, err = io.ReadAll(io.LimitReader(resp.Body, c.opt.MaxBody+1))
	ans.Exchange.Took = time.Since(start)
	if !call.Quiet {
		ans.Exchange.Response = capture(ans.Body)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		// Out of time in the middle: the answer itself may be sound, so it is not unreadable.
		return fail(transportError(ctx.Err(), true))
	case err != nil:
		return fail(&connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "http.truncated",
			Text: "the answer was cut off", Sent: true, Raw: ans.Body})
	case int64(len(ans.Body)) > c.opt.MaxBody:
		return fail(&connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "http.too_large",
			Text: fmt.Sprintf("the answer is larger than %d bytes", c.opt.MaxBody), Sent: true})
	}
	return ans, nil
}

// transportError turns a failed round trip into an error without its URL (it may carry
// a token).
func transportError(err error, sent bool) *connectors.Error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	e := &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Sent: sent}
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Code, e.Text = "http.timeout", "no answer in time"
	case errors.Is(err, context.Canceled):
		e.Code, e.Text = "http.cancelled", "the call was cancelled"
	case errors.As(err, &dns):
		e.Code, e.Text = "http.dns", "the host name could not be resolved"
	case errors.As(err, &op) && op.Op == "dial":
		e.Code, e.Text, e.Sent = "http.connect", "no connection could be made", false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Code, e.Text = "http.cut", "the connection was cut without an answer"
	default:
		e.Code, e.Text = "http.transport", "the connection failed: "+err.Error()
	}
	return e
}

// StatusError classifies a status that carries no vendor body: the last resort of a
// connector's error table. It returns nil for 2xx.
func (a *Answer) StatusError() *connectors.Error {
	e := &connectors.Error{Scope: connectors.OfConnection, Code: "http." + strconv.Itoa(a.Status), Sent: true,
		Text: fmt.Sprintf("the vendor answered HTTP %d", a.Status), Wait: a.RetryAfter()}
	switch {
	case a.Status >= 200 && a.Status < 300:
		return nil
	case a.Status == http.StatusUnauthorized:
		e.Kind, e.Sent = connectors.Unauthorized, false
	case a.Status == http.StatusForbidden:
		e.Kind, e.Sent = connectors.Forbidden, false
	case a.Status == http.StatusTooManyRequests:
		e.Kind, e.Sent = connectors.RateLimited, false
	case a.Status == http.StatusNotFound:
		e.Kind, e.Scope, e.Sent = connectors.NotFound, connectors.OfOperation, false
	case a.Status >= 500, a.Status == http.StatusRequestTimeout:
		e.Kind = connectors.Unavailable
	case a.Status >= 400:
		e.Kind, e.Scope, e.Sent = connectors.Invalid, connectors.OfDocument, false
	default:
		e.Kind = connectors.Unclassified
	}
	return e
}

// RetryAfter reads the header of that name, seconds or a date; the ledger caps it.
func (a *Answer) RetryAfter() time.Duration {
	v := a.Header.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

// IsHTML reports a page where a document was expected: a proxy or maintenance page.
func (a *Answer) IsHTML() bool {
	start := bytes.TrimSpace(a.Body)
	start = bytes.ToLower(start[:min(len(start), 16)])
	return strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || bytes.HasPrefix(start, []byte("<html")) ||
		bytes.HasPrefix(start, []byte("<!doctype html"))
}

func (c *Client) maskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(unreadable URL)"
	}
	u.User = nil
	if u.RawQuery == "" {
		return u.String()
	}
	pairs := strings.Split(u.RawQuery, "&")
	for i, p := range pairs {
		name, _, ok := strings.Cut(p, "=")
		switch {
		case slices.Contains(c.opt.ShowParams, name):
		case ok:
			pairs[i] = name + "=****"
		default: // it may be a bare key
			pairs[i] = "****"
		}
	}
	u.RawQuery = strings.Join(pairs, "&")
	return u.String()
}

func capture(b []byte) string {
	if len(b) > captureLimit {
		return strings.ToValidUTF8(string(b[:captureLimit]), "") + "…"
	}
	return strings.ToValidUTF8(string(b), "�")
}
