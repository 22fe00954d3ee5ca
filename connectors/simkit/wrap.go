package simkit

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"sync"
	"time"
)

// Refusals are a simulator's answers in its vendor's own words. A nil entry
// means the vendor knows no such answer and the fault is passed over.
type Refusals struct {
	RateLimit   func(w http.ResponseWriter, call string)
	ErrorBody   func(w http.ResponseWriter, call, code string)
	TokenExpiry func() // forget the tokens given out; the call then fails by itself
}

// Gate stands before a simulator's handlers: it applies faults and counts calls.
type Gate struct {
	System   string
	Faults   *Faults
	Refusals Refusals
	// Call names the request ("orders/upload") for faults and counts; body is the whole body.
	Call func(r *http.Request, body []byte) string

	mu     sync.Mutex
	counts map[string]*CallCount
}

// CallCount counts one call's requests.
type CallCount struct {
	Call        string `json:"call"`
	Requests    int    `json:"requests"`     // reached the simulator, faults included
	Worked      int    `json:"worked"`       // the work was done
	Refused     int    `json:"refused"`      // refused by the vendor's own rules (Refuse)
	RateLimited int    `json:"rate_limited"` // over the vendor's limit through the caller's own fault
	Faulted     int    `json:"faulted"`      // struck by an injected fault
}

const maxBody = 32 << 20

// Wrap returns next behind the gate.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return
		}
		call := g.Call(r, body)
		g.count(call, func(c *CallCount) { c.Requests++ })
		if g.before(w, r, call) {
			return
		}
		work := func() *httptest.ResponseRecorder {
			req := r.Clone(r.Context())
			req.Body = io.NopCloser(bytes.NewReader(body))
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, req)
			g.count(call, func(c *CallCount) { c.Worked++ })
			return rec
		}
		rec := work()
		if _, hit := g.hit(call, Duplicate); hit {
			rec = work()
		}
		g.Faults.worked(g.System, call)
		g.after(w, rec, call)
	})
}

func (g *Gate) before(w http.ResponseWriter, r *http.Request, call string) (answered bool) {
	if f, hit := g.hit(call, Delay); hit {
		select {
		case <-time.After(time.Duration(f.DelayMS) * time.Millisecond):
		case <-r.Context().Done():
		}
	}
	if _, hit := g.hit(call, DropRequest); hit {
		cut(w)
		return true
	}
	if f, hit := g.hit(call, Status); hit {
		page(w, f.Status, http.StatusServiceUnavailable)
		return true
	}
	if g.Refusals.TokenExpiry != nil {
		if _, hit := g.hit(call, TokenExpiry); hit {
			g.Refusals.TokenExpiry()
		}
	}
	if g.Refusals.RateLimit != nil {
		if _, hit := g.hit(call, RateLimit); hit {
			g.Refusals.RateLimit(w, call)
			return true
		}
	}
	if g.Refusals.ErrorBody != nil {
		if f, hit := g.hit(call, ErrorBody); hit {
			g.Refusals.ErrorBody(w, call, f.Code)
			return true
		}
	}
	return false
}

func (g *Gate) after(w http.ResponseWriter, rec *httptest.ResponseRecorder, call string) {
	if _, hit := g.hit(call, DropAnswer); hit {
		cut(w)
		return
	}
	if _, hit := g.hit(call, BadGateway); hit {
		page(w, http.StatusBadGateway, http.StatusBadGateway)
		return
	}
	body := rec.Body.Bytes()
	if _, hit := g.hit(call, Garble); hit {
		body = body[:len(body)/2]
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

func (g *Gate) hit(call string, kind Kind) (Fault, bool) {
	f, hit := g.Faults.Hit(g.System, call, kind)
	if hit {
		g.count(call, func(c *CallCount) { c.Faulted++ })
	}
	return f, hit
}

// Refuse counts a refusal by the vendor's own rules; limited says it was the rate limit.
func (g *Gate) Refuse(call string, limited bool) {
	g.count(call, func(c *CallCount) {
		c.Refused++
		if limited {
			c.RateLimited++
		}
	})
}

// Counts returns the calls so far, by name.
func (g *Gate) Counts() []CallCount {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]CallCount, 0, len(g.counts))
	for _, c := range g.counts {
		out = append(out, *c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Call < out[j].Call })
	return out
}

func (g *Gate) count(call string, change func(*CallCount)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counts == nil {
		g.counts = map[string]*CallCount{}
	}
	c := g.counts[call]
	if c == nil {
		c = &CallCount{Call: call}
		g.counts[call] = c
	}
	change(c)
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

func page(w http.ResponseWriter, status, fallback int) {
	if status == 0 {
		status = fallback
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html><body><h1>Service unavailable</h1></body></html>")
}
