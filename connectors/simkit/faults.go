package simkit

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Kind names a fault.
type Kind string

// The faults. Those marked "vendor" answer in the vendor's own words, through the
// simulator's Refusals.
const (
	Delay       Kind = "delay"        // wait DelayMS before doing the work
	Status      Kind = "status"       // answer Status (default 503) with an HTML page, work not done
	BadGateway  Kind = "bad_gateway"  // do the work, then answer 502 with an HTML page
	DropAnswer  Kind = "drop_answer"  // do the work, then cut the connection without an answer
	DropRequest Kind = "drop_request" // cut the connection without doing the work
	Duplicate   Kind = "duplicate"    // do the work twice, as if the network had repeated the request
	RateLimit   Kind = "rate_limit"   // vendor: refuse as over the limit
	ErrorBody   Kind = "error_body"   // vendor: HTTP 200 with an error inside
	TokenExpiry Kind = "token_expiry" // vendor: the token is suddenly no longer valid
	Lag         Kind = "lag"          // look-ups do not see documents younger than DelayMS
	Reorder     Kind = "reorder"      // lists and pushes come in another order
	Garble      Kind = "garble"       // the answer is cut off in the middle
)

var kinds = []Kind{Delay, Status, BadGateway, DropAnswer, DropRequest, Duplicate, RateLimit, ErrorBody, TokenExpiry, Lag, Reorder, Garble}

// Fault is one rule. A call is hit when System and Call match (empty matches
// all), with probability Rate (0 means 1), at most Count times (0 means always).
type Fault struct {
	ID      int     `json:"id,omitempty"`
	System  string  `json:"system,omitempty"`
	Call    string  `json:"call,omitempty"`
	Kind    Kind    `json:"kind"`
	Rate    float64 `json:"rate,omitempty"`
	Count   int     `json:"count,omitempty"`
	Skip    int     `json:"skip,omitempty"` // let the first Skip matching calls pass
	DelayMS int     `json:"delay_ms,omitempty"`
	Status  int     `json:"status,omitempty"`
	Code    string  `json:"code,omitempty"` // the vendor's code for error_body
	Hits    int     `json:"hits"`
}

// Faults is a set of rules that can change while simulators run.
type Faults struct {
	mu    sync.Mutex
	rng   *rand.Rand
	next  int
	rules []*Fault
	// onWork is called after the work of a call was done and before it is answered.
	onWork func(system, call string)
}

// NewFaults returns an empty set whose chances follow seed.
func NewFaults(seed int64) *Faults { return &Faults{rng: rand.New(rand.NewSource(seed))} }

// Add switches a rule on and returns its id.
func (f *Faults) Add(r Fault) (int, error) {
	if !slices.Contains(kinds, r.Kind) {
		return 0, fmt.Errorf("fault kind %q is unknown; known: %v", r.Kind, kinds)
	}
	if r.Rate < 0 || r.Rate > 1 || r.Count < 0 || r.Skip < 0 || r.DelayMS < 0 {
		return 0, fmt.Errorf("fault %s: rate must be within 0..1, count, skip and delay_ms not negative", r.Kind)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	r.ID, r.Hits = f.next, 0
	f.rules = append(f.rules, &r)
	return r.ID, nil
}

// Remove switches one rule off.
func (f *Faults) Remove(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = slices.DeleteFunc(f.rules, func(r *Fault) bool { return r.ID == id })
}

// Clear switches every rule off.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// List returns the rules with their hits.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Fault, len(f.rules))
	for i, r := range f.rules {
		out[i] = *r
	}
	return out
}

// OnWork installs a hook that runs between doing the work of a call and
// answering it: the place where a test kills the hub.
func (f *Faults) OnWork(hook func(system, call string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onWork = hook
}

// Hit tells whether a fault of the kind strikes this call now, and counts it.
func (f *Faults) Hit(system, call string, kind Kind) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.Kind != kind || r.System != "" && r.System != system || r.Call != "" && r.Call != call {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		if r.Count > 0 && r.Hits >= r.Count || r.Rate > 0 && f.rng.Float64() >= r.Rate {
			continue
		}
		r.Hits++
		return *r, true
	}
	return Fault{}, false
}

// LagOf returns how long new documents stay invisible to look-ups of this call.
func (f *Faults) LagOf(system, call string) time.Duration {
	r, ok := f.Hit(system, call, Lag)
	if !ok {
		return 0
	}
	return time.Duration(r.DelayMS) * time.Millisecond
}

func (f *Faults) worked(system, call string) {
	f.mu.Lock()
	hook := f.onWork
	f.mu.Unlock()
	if hook != nil {
		hook(system, call)
	}
}

// ServeHTTP is `/_sim/faults`: GET lists the rules, POST adds one or a list,
// DELETE removes all.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		f.Clear()
	case http.MethodPost:
		if err := f.addJSON(io.LimitReader(r.Body, 1<<20)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		http.Error(w, "use GET, POST or DELETE", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(f.List())
}

func (f *Faults) addJSON(body io.Reader) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var list []Fault
	if err := json.Unmarshal(raw, &list); err != nil {
		var one Fault
		if err := json.Unmarshal(raw, &one); err != nil {
			return fmt.Errorf("want a fault object or a list of them: %w", err)
		}
		list = []Fault{one}
	}
	for _, r := range list {
		if _, err := f.Add(r); err != nil {
			return err
		}
	}
	return nil
}
