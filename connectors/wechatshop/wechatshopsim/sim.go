package wechatshopsim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// Options shape one shop.
type Options struct {
	simkit.Options
	// Name is what System answers; default "wechatshop". Give each shop of one
	// run its own.
	Name string
	// ShopName is the shop's nickname and makes its credentials differ from
	// another shop's; default "shop-a".
	ShopName string
	// AppID overrides the invented one.
	AppID string
	// FirstOrderID is the first order id; the next is 257 more, and so on. Two
	// shops with the same value sell orders with the same ids.
	FirstOrderID int64
	// Orders and Members are how many exist from the start, spread over the six
	// days before; they were pushed to nobody. Members default to 20.
	Orders, Members int
	// Catalog is what the shop sells; default DefaultCatalog.
	Catalog []Product
	// Unmasked lets order/get show receivers in the clear.
	Unmasked bool
	// AfterSaleTouchesOrder moves the order's update_time with its after-sales.
	AfterSaleTouchesOrder bool
	// MaxWindow is how many orders a window may hold before 31042; default 20000.
	MaxWindow int
	// DecodeQuota is how many addresses may be decoded in a day; 0 is no limit.
	DecodeQuota int
	// TokenLife is how long an access token lives; default 7200 s.
	TokenLife time.Duration
	// Push says where events go.
	Push PushOptions
}

const firstOrderID = 3729000000000000517

// Sim is one shop.
type Sim struct {
	opts    Options
	gate    *simkit.Gate
	handler http.Handler
	secret  string
	push    *pusher

	mu       sync.Mutex
	rng      *rand.Rand
	live     bool // false while the world is seeded: nothing is pushed
	tokens   tokenStore
	stable   tokenStore
	forced   []time.Time
	usage    map[string]*usage
	orders   map[string]*order
	byUpdate timeline
	byCreate timeline
	nextID   int64
	after    map[string]*afterSale
	afterUpd timeline
	afterCre timeline
	requests map[string]string // genaftersaleorder and score request_id -> result
	members  []*Member
	byOpenID map[string]*Member
	products []*Product
	skus     map[string]*SKU // by sku id
	decoded  usage
	history  []Write
	refused  []Refusal
}

// New opens a shop.
func New(o Options) *Sim {
	o.Options = o.Options.WithDefaults()
	o.Name = cmp.Or(o.Name, "wechatshop")
	o.ShopName = cmp.Or(o.ShopName, "shop-a")
	o.AppID = cmp.Or(o.AppID, "wxfake"+digest("appid", o.ShopName)[:12])
	o.FirstOrderID = cmp.Or(o.FirstOrderID, firstOrderID)
	o.Members = cmp.Or(o.Members, 20)
	o.MaxWindow = cmp.Or(o.MaxWindow, 20000)
	o.TokenLife = cmp.Or(o.TokenLife, 7200*time.Second)
	if o.Catalog == nil {
		o.Catalog = DefaultCatalog()
	}
	s := &Sim{
		opts:     o,
		secret:   "fake" + digest("secret", o.ShopName)[:28],
		rng:      rand.New(rand.NewSource(o.Seed)),
		usage:    map[string]*usage{},
		orders:   map[string]*order{},
		nextID:   o.FirstOrderID,
		after:    map[string]*afterSale{},
		requests: map[string]string{},
		byOpenID: map[string]*Member{},
		skus:     map[string]*SKU{},
	}
	o.Push = o.Push.withDefaults(o.ShopName)
	s.opts.Push = o.Push
	s.push = newPusher(o.Push, o.AppID, o.Name, o.Faults, o.Now)
	s.gate = &simkit.Gate{System: o.Name, Faults: o.Faults, Call: callName, Refusals: simkit.Refusals{
		RateLimit: func(w http.ResponseWriter, _ string) { s.writeFail(w, refuse(codeMinuteLimit, "")) },
		ErrorBody: func(w http.ResponseWriter, _, code string) { s.writeFail(w, refuseText(code)) },
		TokenExpiry: func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tokens.expireAll()
			s.stable.expireAll()
		},
	}}
	s.handler = s.gate.Wrap(http.HandlerFunc(s.serve))
	s.seed()
	s.live = true
	return s
}

// ServeHTTP speaks the vendor's protocol.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// System is the name under which faults and records are filed.
func (s *Sim) System() string { return s.opts.Name }

// AppID is the shop's app id.
func (s *Sim) AppID() string { return s.opts.AppID }

// Credentials returns what a connection needs: app_id, app_secret, push_token
// and encoding_aes_key (the last two verify and decrypt pushes).
func (s *Sim) Credentials() map[string]string {
	return map[string]string{
		"app_id": s.opts.AppID, "app_secret": s.secret,
		"push_token": s.opts.Push.Token, "encoding_aes_key": s.opts.Push.AESKey,
	}
}

// Close stops the pushes; the API goes on answering.
func (s *Sim) Close() { s.push.close() }

func (s *Sim) now() time.Time { return s.opts.Now() }

func digest(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:])
}

// Refusal is one request refused by the shop's own rules.
type Refusal struct {
	Call string    `json:"call"`
	Code int       `json:"code"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Write is one write that the shop accepted.
type Write struct {
	At     time.Time `json:"at"`
	Call   string    `json:"call"`
	Key    string    `json:"key"`
	Digest string    `json:"digest"` // of the request's body
	Effect string    `json:"effect"` // created, updated, unchanged, cancelled
}

const maxRefusals = 200

// Record returns what the shop holds and what reached it.
func (s *Sim) Record() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs := make(map[string]SoldOrder, len(s.orders))
	for _, o := range s.sortedOrders() {
		docs[o.id] = s.sold(o)
	}
	return map[string]any{
		"documents":   docs,
		"after_sales": s.afterSales(),
		"members":     s.memberList(),
		"history":     append([]Write{}, s.history...),
		"calls":       s.gate.Counts(),
		"refusals":    append([]Refusal{}, s.refused...),
		"pushes":      s.push.stats(),
	}
}

// Calls returns the calls so far, by name.
func (s *Sim) Calls() []simkit.CallCount { return s.gate.Counts() }

// History returns the writes that came in over the API, oldest first.
func (s *Sim) History() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Write{}, s.history...)
}

func (s *Sim) wrote(call, key string, body []byte, effect string) {
	s.history = append(s.history, Write{At: s.now(), Call: call, Key: key, Digest: digest(string(body))[:16], Effect: effect})
}

var _ simkit.Sim = (*Sim)(nil)

func (s *Sim) rid() string {
	return fmt.Sprintf("%08x-%08x-%08x", s.rng.Uint32(), s.rng.Uint32(), s.rng.Uint32())
}
