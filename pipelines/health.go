package pipelines

import (
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
)

// healthSpan is for how many minutes the calls of a connection are counted.
const healthSpan = 60

// Calls counts what a vendor was asked. Refused ones failed for their document: the
// connection is well.
type Calls struct {
	Made    int64 `json:"made"`
	Failed  int64 `json:"failed"`
	Refused int64 `json:"refused"`
}

// Health is how a connection does, by its calls since the process started.
type Health struct {
	Minutes5    Calls     `json:"minutes_5"`
	Hour        Calls     `json:"hour"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	LastCode    string    `json:"last_code,omitempty"` // of the last failure
}

// health counts the calls of one connection in a ring of minutes.
type health struct {
	mu      sync.Mutex
	ring    [healthSpan]minute
	success time.Time
	failure time.Time
	code    string
}

type minute struct {
	at int64
	Calls
}

// called counts a call that ended at now.
func (h *health) called(now time.Time, err *connectors.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := now.Unix() / 60
	m := &h.ring[at%healthSpan]
	if m.at != at {
		*m = minute{at: at}
	}
	m.Made++
	switch {
	case err == nil:
		h.success = now
	case ofItsDocument(err):
		m.Refused++
		h.success = now // it answers
	default:
		m.Failed++
		h.failure, h.code = now, err.Code
	}
}

// ofItsDocument reports whether the fault is the document's, not the connection's.
func ofItsDocument(err *connectors.Error) bool {
	switch err.Kind {
	case connectors.Invalid, connectors.NotFound, connectors.Conflict, connectors.Forbidden:
		return err.Scope == connectors.OfDocument
	}
	return false
}

func (h *health) now(at time.Time) Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := Health{LastSuccess: h.success, LastFailure: h.failure, LastCode: h.code}
	last := at.Unix() / 60
	for _, m := range h.ring {
		age := last - m.at
		if age < 0 || age >= healthSpan {
			continue
		}
		out.Hour.add(m.Calls)
		if age < 5 {
			out.Minutes5.add(m.Calls)
		}
	}
	return out
}

func (c *Calls) add(o Calls) {
	c.Made += o.Made
	c.Failed += o.Failed
	c.Refused += o.Refused
}

// Health returns how the connections in force do.
func (e *Engine) Health() map[string]Health {
	out := map[string]Health{}
	for name, c := range e.connections() {
		if !c.gone {
			out[name] = c.health.now(e.opt.Now())
		}
	}
	return out
}

// worst is the error that says most of the connection among those of a call for several
// documents; nil when none went wrong.
func worst(whole error, results []connectors.Result) *connectors.Error {
	if whole != nil {
		return connectors.AsError(whole)
	}
	var out *connectors.Error
	for i := range results {
		r := &results[i]
		wrong := r.Err != nil && (r.Outcome == connectors.Unknown || r.Outcome == connectors.NotSent || r.Outcome == connectors.Refused)
		if wrong && (out == nil || ofItsDocument(out)) {
			out = r.Err
		}
	}
	return out
}
