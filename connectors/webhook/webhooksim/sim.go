package webhooksim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

const (
	system       = "webhook"
	callHook     = "hook"
	callEvents   = "events"
	maxBody      = 4 << 20
	maxID        = 256
	maxRefusals  = 200
	defaultRetry = time.Second
)

// Options configures a receiver.
type Options struct {
	simkit.Options
	// Secret is the signing secret ("whsec_" and 24 to 64 bytes in base64); empty means an invented one.
	Secret string
	// OldSecret is accepted beside Secret, as while a secret is being replaced.
	OldSecret string
	// LookupToken, if set, is the bearer token that GET /events asks for.
	LookupToken string
	// NoDedupe makes every accepted POST a new effect.
	NoDedupe bool
	// StrictRepeat answers 422 to a known webhook-id that comes with another body.
	StrictRepeat bool
	// CountOnly keeps no body and no history: signatures are checked, webhook-ids are
	// remembered by hash, and requests skip the fault gate while no fault is set.
	CountOnly bool
	// PerSecond limits POSTs per second, times LimitScale; 0 means no limit.
	PerSecond int
	// RetryAfter is what a 429 asks for, in whole seconds; 0 means one second.
	RetryAfter time.Duration
	// KeyPaths and VersionPaths are dotted paths into the body; nil means the defaults
	// "key", "data.key", "subject", "data.order_no" and "version", "data.version".
	KeyPaths, VersionPaths []string
}

// Sim is the receiver. All its methods are safe for concurrent use.
type Sim struct {
	opt     Options
	keys    []signingKey
	keyErr  error
	gate    *simkit.Gate
	gated   http.Handler
	counted counted

	mu       sync.Mutex
	store    store
	disabled bool
	window   int64
	used     int
	refusals []Refusal
}

var _ simkit.Sim = (*Sim)(nil)

// Refusal is a request refused through the caller's own fault.
type Refusal struct {
	Call string    `json:"call"`
	Code string    `json:"code"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

type refusal struct {
	status int
	text   string
}

// New returns a receiver. An unusable secret makes it answer 500 to everything.
func New(o Options) *Sim {
	o.Options = o.Options.WithDefaults()
	if o.Secret == "" {
		o.Secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("invented-webhook-secret-for-simulation"))
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = defaultRetry
	}
	if o.KeyPaths == nil {
		o.KeyPaths = []string{"key", "data.key", "subject", "data.order_no"}
	}
	if o.VersionPaths == nil {
		o.VersionPaths = []string{"version", "data.version"}
	}
	s := &Sim{opt: o, store: newStore()}
	for _, secret := range []string{o.Secret, o.OldSecret} {
		if secret == "" {
			continue
		}
		key, err := parseSecret(secret)
		if err != nil {
			s.keyErr = err
			break
		}
		s.keys = append(s.keys, key)
	}
	s.gate = &simkit.Gate{
		System: system,
		Faults: o.Faults,
		Refusals: simkit.Refusals{
			RateLimit: func(w http.ResponseWriter, _ string) { s.tooMany(w) },
			ErrorBody: func(w http.ResponseWriter, _, code string) {
				status, err := strconv.Atoi(code)
				if err != nil || status < 400 || status > 599 {
					status = http.StatusBadRequest
				}
				answer(w, status, "error", "simulated failure")
			},
		},
		Call: func(r *http.Request, _ []byte) string { return callOf(r) },
	}
	s.gated = s.gate.Wrap(http.HandlerFunc(s.route))
	return s
}

// System implements simkit.Sim.
func (s *Sim) System() string { return system }

// Credentials implements simkit.Sim: secret, and lookup_token if one is asked for.
func (s *Sim) Credentials() map[string]string {
	c := map[string]string{"secret": s.opt.Secret}
	if s.opt.LookupToken != "" {
		c["lookup_token"] = s.opt.LookupToken
	}
	return c
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opt.CountOnly && r.Method == http.MethodPost && callOf(r) == callHook && len(s.opt.Faults.List()) == 0 {
		s.hook(w, r)
		return
	}
	s.gated.ServeHTTP(w, r)
}

func callOf(r *http.Request) string {
	switch {
	case strings.HasSuffix(r.URL.Path, "/hook"):
		return callHook
	case strings.HasSuffix(r.URL.Path, "/events"):
		return callEvents
	}
	return "unknown"
}

func (s *Sim) route(w http.ResponseWriter, r *http.Request) {
	call := callOf(r)
	want := map[string]string{callHook: http.MethodPost, callEvents: http.MethodGet}[call]
	switch {
	case want == "":
		s.refuse(w, call, refusal{http.StatusNotFound, "no such path; known: POST /hook, GET /events"})
	case r.Method != want:
		s.refuse(w, call, refusal{http.StatusMethodNotAllowed, "use " + want})
	case call == callHook:
		s.hook(w, r)
	default:
		s.events(w, r)
	}
}

func (s *Sim) hook(w http.ResponseWriter, r *http.Request) {
	buf := s.counted.buffer()
	defer s.counted.release(buf)
	n, err := io.Copy(buf, io.LimitReader(r.Body, maxBody+1))
	switch {
	case s.keyErr != nil:
		answer(w, http.StatusInternalServerError, "error", "receiver is misconfigured: "+s.keyErr.Error())
		return
	case err != nil:
		s.refuse(w, callHook, refusal{http.StatusBadRequest, "the body could not be read"})
		return
	case n > maxBody:
		s.refuse(w, callHook, refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", maxBody)})
		return
	}
	body := buf.Bytes()
	sent, bad := s.verify(r.Header, body)
	if bad != nil {
		s.refuse(w, callHook, *bad)
		return
	}
	if s.isDisabled() {
		s.refuse(w, callHook, refusal{http.StatusGone, "this endpoint was disabled; stop sending"})
		return
	}
	if !s.take() {
		s.gate.Refuse(callHook, true)
		s.remember(callHook, http.StatusTooManyRequests, "over the limit")
		s.tooMany(w)
		return
	}
	if s.opt.CountOnly {
		w.Header().Set("Content-Type", "application/json")
		if s.counted.add(r.Header.Get(headerID), len(body), s.opt.NoDedupe) {
			_, _ = io.WriteString(w, `{"status":"accepted"}`)
		} else {
			_, _ = io.WriteString(w, `{"status":"already"}`)
		}
		return
	}
	s.keep(w, r, sent, body)
}

// keep files one authentic event.
func (s *Sim) keep(w http.ResponseWriter, r *http.Request, sent time.Time, body []byte) {
	if bad := checkBody(r.Header, body); bad != nil {
		s.refuse(w, callHook, *bad)
		return
	}
	e := Event{
		ID: r.Header.Get(headerID), Timestamp: sent, ReceivedAt: s.opt.Now(),
		Body: append(json.RawMessage(nil), body...), Digest: digest(body), Headers: cloudHeaders(r.Header),
	}
	e.Type, e.Key, e.Version = s.read(body)
	if e.Key == "" {
		e.Key = e.ID
	}
	s.mu.Lock()
	effect := s.store.accept(e, s.opt.NoDedupe)
	s.mu.Unlock()
	switch {
	case effect == Created:
		answer(w, http.StatusOK, "status", "accepted")
	case effect == Conflict && s.opt.StrictRepeat:
		s.refuse(w, callHook, refusal{http.StatusUnprocessableEntity, "this webhook-id was received before with another body"})
	default:
		answer(w, http.StatusOK, "status", "already")
	}
}

func (s *Sim) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	key, id := q.Get("key"), q.Get("id")
	switch {
	case s.opt.LookupToken != "" && r.Header.Get("Authorization") != "Bearer "+s.opt.LookupToken:
		s.refuse(w, callEvents, refusal{http.StatusUnauthorized, "the bearer token is wrong or missing"})
		return
	case s.opt.CountOnly:
		s.refuse(w, callEvents, refusal{http.StatusNotImplemented, "this receiver only counts"})
		return
	case key == "" && id == "":
		s.refuse(w, callEvents, refusal{http.StatusBadRequest, "give key or id"})
		return
	}
	before := s.opt.Now().Add(-s.opt.Faults.LagOf(system, callEvents))
	s.mu.Lock()
	found := s.store.find(key, id, before)
	s.mu.Unlock()
	if _, hit := s.opt.Faults.Hit(system, callEvents, simkit.Reorder); hit {
		for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
			found[i], found[j] = found[j], found[i]
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"events": found})
}

func (s *Sim) isDisabled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disabled
}

// take draws one POST from the current second's allowance.
func (s *Sim) take() bool {
	if s.opt.PerSecond == 0 {
		return true
	}
	now := s.opt.Now().Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window != now {
		s.window, s.used = now, 0
	}
	s.used++
	return float64(s.used) <= float64(s.opt.PerSecond)*s.opt.LimitScale
}

func (s *Sim) tooMany(w http.ResponseWriter) {
	seconds := int((s.opt.RetryAfter + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	answer(w, http.StatusTooManyRequests, "error", "too many requests")
}

func (s *Sim) refuse(w http.ResponseWriter, call string, bad refusal) {
	s.gate.Refuse(call, false)
	s.remember(call, bad.status, bad.text)
	answer(w, bad.status, "error", bad.text)
}

func (s *Sim) remember(call string, status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refusals) == maxRefusals {
		s.refusals = append(s.refusals[:0], s.refusals[1:]...)
	}
	s.refusals = append(s.refusals, Refusal{call, strconv.Itoa(status), text, s.opt.Now()})
}

// answer writes {name: text}.
func answer(w http.ResponseWriter, status int, name, text string) {
	writeJSON(w, status, map[string]string{name: text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func mediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}
