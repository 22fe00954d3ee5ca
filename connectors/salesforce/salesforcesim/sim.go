package salesforcesim

import (
	"net/http"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// System is the name under which faults, calls and records are filed.
const System = "salesforce"

// Options configures a simulator. The zero value is an organisation of DefaultObjects.
type Options struct {
	simkit.Options
	ClientID, ClientSecret string
	// InstanceURL is what the token answer names; empty means the address that was called.
	InstanceURL string
	// SessionTimeout ends a session that was not used for so long; 0 means two hours.
	SessionTimeout time.Duration
	// DailyLimit is the calls allowed in any 24 hours before LimitScale; 0 means 100,000.
	DailyLimit int
	// PageSize is the most rows of one query answer; 0 means the vendor's 2,000.
	PageSize int
	// Schema replaces the objects of DefaultObjects.
	Schema *Schema
}

func (o Options) withDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.ClientID == "" {
		o.ClientID = "sim-sf-client-id"
	}
	if o.ClientSecret == "" {
		o.ClientSecret = "sim-sf-client-secret-not-real"
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = 2 * time.Hour
	}
	if o.DailyLimit == 0 {
		o.DailyLimit = 100_000
	}
	if o.PageSize == 0 {
		o.PageSize = 2000
	}
	if o.Schema == nil {
		o.Schema, _ = NewSchema(DefaultObjects()) // a test holds that they are sound
	}
	return o
}

// Sim is the simulated vendor. It is safe for concurrent use.
type Sim struct {
	opts    Options
	objects map[string]*Object
	gate    *simkit.Gate
	http    http.Handler

	mu       sync.Mutex
	sessions sessions
	usage    usage
	store    *store
	cursors  map[string]*cursor
	serial   int64
	locks    map[string]int // object/key -> writes still to refuse
	history  []Entry
	refusals []Refusal
}

// New returns a simulator without records.
func New(o Options) *Sim {
	s := &Sim{opts: o.withDefaults(), cursors: map[string]*cursor{}, locks: map[string]int{}, sessions: sessions{}}
	s.objects = s.opts.Schema.objects
	s.store = newStore(s.objects)
	s.usage.limit = max(1, int(float64(s.opts.DailyLimit)*s.opts.LimitScale))
	s.gate = &simkit.Gate{
		System: System, Faults: s.opts.Faults,
		Call: func(r *http.Request, _ []byte) string { return callName(r.URL.Path) },
		Refusals: simkit.Refusals{
			RateLimit: func(w http.ResponseWriter, _ string) {
				s.withUsage(faultError("REQUEST_LIMIT_EXCEEDED").reply()).write(w)
			},
			ErrorBody: func(w http.ResponseWriter, _, code string) { s.withUsage(faultError(code).reply()).write(w) },
			TokenExpiry: func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				clear(s.sessions)
			},
		},
	}
	s.http = s.gate.Wrap(http.HandlerFunc(s.serve))
	return s
}

var _ simkit.Sim = (*Sim)(nil)

// ServeHTTP speaks the vendor's protocol.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// System returns "salesforce".
func (s *Sim) System() string { return System }

// Credentials returns the connected app of the client credentials flow.
func (s *Sim) Credentials() map[string]string {
	return map[string]string{"client_id": s.opts.ClientID, "client_secret": s.opts.ClientSecret}
}

// ExpireSessions ends every session, as an administrator may.
func (s *Sim) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

func (s *Sim) now() time.Time { return s.opts.Now().UTC() }
