package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// trytonShot is a moment within a sale.
type trytonShot struct {
	name, method string
	worked       bool   // the server has done the call, its answer is lost; else the call never arrives
	state        string // of the sale at that moment
}

var trytonShots = []trytonShot{
	{"created, the answer lost", "model.sale.sale.create", true, "draft"},
	{"created and answered, not yet quoted", "model.sale.sale.quote", false, "draft"},
	{"quoted and answered, not yet confirmed", "model.sale.sale.confirm", false, "quotation"},
	{"confirmed, the answer lost", "model.sale.sale.confirm", true, "processing"},
}

// trytonProxy stands between hub and server and kills the hub at a chosen moment.
type trytonProxy struct {
	target string
	kill   func()

	mu        sync.Mutex
	shot      *trytonShot
	after     int // sales created before the shot may fall
	created   int
	open      int // calls that the server works on
	hits      chan json.Number
	confirmed []time.Time
}

func (p *trytonProxy) arm(shot trytonShot, after int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shot, p.after, p.hits = &shot, after, make(chan json.Number, 1)
}

// hit waits for the shot and returns the sale that it fell into.
func (p *trytonProxy) hit(limit time.Duration) (json.Number, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	p.mu.Lock()
	hits := p.hits
	p.mu.Unlock()
	select {
	case sale := <-hits:
		return sale, nil
	case <-timer.C:
		return "", fmt.Errorf("no sale came to this step within %s", limit)
	}
}

// quiet waits until the server has answered everything.
func (p *trytonProxy) quiet(limit time.Duration) error {
	tick, deadline := time.NewTicker(10*time.Millisecond), time.Now().Add(limit)
	defer tick.Stop()
	for calm := 0; calm < 5; <-tick.C {
		p.mu.Lock()
		open := p.open
		p.mu.Unlock()
		if calm++; open > 0 {
			calm = 0
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server still works on %d calls after %s", open, limit)
		}
	}
	return nil
}

// best is the most sales a second that were confirmed in any span.
func (p *trytonProxy) best(span time.Duration) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := 0
	for i, at := range p.confirmed {
		n := slices.IndexFunc(p.confirmed[i:], func(t time.Time) bool { return t.Sub(at) > span })
		if n < 0 {
			n = len(p.confirmed) - i
		}
		most = max(most, n)
	}
	return float64(most) / span.Seconds()
}

type trytonCall struct {
	Method string
	Params []json.RawMessage
}

func (p *trytonProxy) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var call trytonCall
	if err != nil || json.Unmarshal(body, &call) != nil {
		panic(http.ErrAbortHandler) // cut by the kill
	}
	if p.shoots(call, false) {
		p.hitSale(firstID(call.Params))
		panic(http.ErrAbortHandler)
	}
	answer, head, status, err := p.forward(r, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.note(call)
	if p.shoots(call, true) {
		sale := firstID(call.Params)
		if strings.HasSuffix(call.Method, ".create") {
			var made struct{ Result []json.Number }
			if json.Unmarshal(answer, &made) == nil && len(made.Result) == 1 {
				sale = made.Result[0]
			}
		}
		p.hitSale(sale)
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		if v := head.Get(name); v != "" {
			rw.Header().Set(name, v)
		}
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(answer)
}

// forward makes the call to its end, whatever becomes of the hub meanwhile.
func (p *trytonProxy) forward(r *http.Request, body []byte) ([]byte, http.Header, int, error) {
	p.count(1)
	defer p.count(-1)
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, p.target+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, 0, err
	}
	for _, name := range []string{"Authorization", "Content-Type", "Accept", "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, 0, err
	}
	answer, err := io.ReadAll(resp.Body)
	return answer, resp.Header, resp.StatusCode, errors.Join(err, resp.Body.Close())
}

func (p *trytonProxy) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open += n
}

func (p *trytonProxy) note(call trytonCall) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch call.Method {
	case "model.sale.sale.create":
		p.created++
	case "model.sale.sale.confirm":
		p.confirmed = append(p.confirmed, time.Now())
	}
}

// shoots tells whether the armed shot falls now, and disarms and fires it.
func (p *trytonProxy) shoots(call trytonCall, worked bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shot == nil || p.shot.method != call.Method || p.shot.worked != worked || p.created < p.after {
		return false
	}
	p.shot = nil
	p.kill()
	return true
}

func (p *trytonProxy) hitSale(sale json.Number) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits <- sale
}

// firstID is the id in a call such as quote([7], context).
func firstID(params []json.RawMessage) json.Number {
	var ids []json.Number
	if len(params) == 0 || json.Unmarshal(params[0], &ids) != nil || len(ids) == 0 {
		return ""
	}
	return ids[0]
}
