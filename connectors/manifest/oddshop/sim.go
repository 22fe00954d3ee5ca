package oddshop

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

const (
	system      = "oddshop"
	apiPath     = "/api.php"
	callWhoami  = "shop.whoami"
	callList    = "order.list"
	callGet     = "order.get"
	callRegions = "region.list"

	maxPage     = 100 // rows of a page
	maxKeys     = 20  // ids of one order.get
	perSecond   = 200 // calls of one token
	maxControl  = 8 << 20
	noticeEvery = 7
)

// Options configures the shop. Zero values mean invented defaults.
type Options struct {
	simkit.Options
	Token  string
	ShopID int64
	// NoticeEvery puts a notice before every n-th answer of order calls; 0 means 7, below
	// zero never.
	NoticeEvery int
	// PerSecond limits the calls of a token, times LimitScale; 0 means the documented 200, below
	// zero none.
	PerSecond int
}

// Sim is the shop. All its methods are safe for concurrent use.
type Sim struct {
	opt   Options
	gate  *simkit.Gate
	gated http.Handler

	mu       sync.Mutex
	rng      *rand.Rand
	now      time.Time // the shop's own clock; zero = the Now of the options
	orders   []*Order  // oldest first
	byID     map[int64]*Order
	wired    map[int64]string // orders as the API writes them
	lost     bool             // the token is not known for now
	queue    []Act
	problems []string // acts of the queue that could not be done

	ids, numbers, lines, waybills, seq int64

	history map[int64][]Entry
	asked   []Asked
	answers int // of order calls, for the notices
	second  int64
	used    int

	mirror Mirror
	prefix string // of its tables
}

var _ simkit.Sim = (*Sim)(nil)

// New returns an empty shop.
func New(o Options) *Sim {
	o.Options = o.Options.WithDefaults()
	if o.Token == "" {
		o.Token = "odd-token-invented-0123456789"
	}
	if o.ShopID == 0 {
		o.ShopID = 88012
	}
	if o.NoticeEvery == 0 {
		o.NoticeEvery = noticeEvery
	}
	if o.PerSecond == 0 {
		o.PerSecond = perSecond
	}
	s := &Sim{opt: o, rng: rand.New(rand.NewPCG(uint64(o.Seed), 1)), byID: map[int64]*Order{}, wired: map[int64]string{}, history: map[int64][]Entry{}}
	s.gate = &simkit.Gate{
		System: system,
		Faults: o.Faults,
		Refusals: simkit.Refusals{
			RateLimit: func(w http.ResponseWriter, _ string) { refuse(w, tooFast(time.Second)) },
			ErrorBody: func(w http.ResponseWriter, _, code string) {
				if code == "" {
					code = "1500"
				}
				reply(w, fmt.Sprintf(`{"errno":%s,"errmsg":"系统繁忙","data":[]}`, code))
			},
			TokenExpiry: func() { _, _ = s.Do(Act{Do: LoseToken}) },
		},
		Call: func(r *http.Request, _ []byte) string { return callOf(r) },
	}
	s.gated = s.gate.Wrap(http.HandlerFunc(s.serve))
	return s
}

// System implements simkit.Sim.
func (s *Sim) System() string { return system }

// Credentials implements simkit.Sim.
func (s *Sim) Credentials() map[string]string {
	return map[string]string{"token": s.opt.Token, "shop_id": fmt.Sprint(s.opt.ShopID)}
}

// SetNow sets the shop's own clock, which then stands still; the zero time lets it run again.
func (s *Sim) SetNow(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = t
}

// clock is the shop's time, to the second as all its times are.
func (s *Sim) clock() time.Time {
	now := s.now
	if now.IsZero() {
		now = s.opt.Now()
	}
	return now.Truncate(time.Second).In(Zone)
}

// ServeHTTP implements http.Handler: the API, and the operators' desk below /_sim/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.ControlHTTP(w, r)
		return
	}
	s.gated.ServeHTTP(w, r)
}

func callOf(r *http.Request) string {
	switch m := r.URL.Query().Get("m"); m {
	case callWhoami, callList, callGet, callRegions:
		return m
	}
	return "unknown"
}
