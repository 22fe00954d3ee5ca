package habits

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/minihub/minihub/connectors/simkit"
)

// Token is the bearer token that every system here asks for.
const Token = "invented-habits-token"

// The codes of a refusal.
const (
	codeInvalid = "invalid" // the data
	codeUsedUp  = "used_up" // the payment's uploads
	codeBusy    = "busy"    // nothing was done, come again
)

// system is what the three share: the gate for faults, the token, JSON.
type system struct {
	mu   sync.Mutex
	gate *simkit.Gate
	mux  *http.ServeMux
	http http.Handler
}

func (s *system) start(name string, faults *simkit.Faults) {
	if faults == nil {
		faults = simkit.NewFaults(1)
	}
	s.mux = http.NewServeMux()
	s.gate = &simkit.Gate{System: name, Faults: faults,
		Call: func(r *http.Request, _ []byte) string {
			_, pattern := s.mux.Handler(r)
			return pattern
		},
		Refusals: simkit.Refusals{
			RateLimit: func(w http.ResponseWriter, _ string) {
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(http.StatusTooManyRequests)
			},
			ErrorBody: func(w http.ResponseWriter, _, code string) {
				if code == "" {
					code = codeInvalid
				}
				refuse(w, code)
			},
		},
	}
	s.http = s.gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.mux.ServeHTTP(w, r)
	}))
}

// ServeHTTP implements http.Handler.
func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// Calls counts the calls so far.
func (s *system) Calls() []simkit.CallCount { return s.gate.Counts() }

func respond(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code string) {
	respond(w, map[string]any{"error": map[string]string{"code": code, "text": "refused as " + code}})
}

// posted is a write: the caller's key and its document.
type posted struct {
	Key      string          `json:"key"`
	Document json.RawMessage `json:"document"`
}

// Document is what Async and OneShot take. A document without lines is refused.
type Document struct {
	Payment string `json:"payment,omitempty"` // what OneShot counts by
	Total   string `json:"total"`             // decimal text
	Lines   []Line `json:"lines"`
}

// Line is one line of a Document.
type Line struct {
	SKU string `json:"sku"`
	Qty int    `json:"qty"`
}

func readPosted(r *http.Request) (posted, Document, bool) {
	var p posted
	var d Document
	if json.NewDecoder(r.Body).Decode(&p) != nil || p.Key == "" || json.Unmarshal(p.Document, &d) != nil {
		return p, d, false
	}
	return p, d, len(d.Lines) > 0
}
