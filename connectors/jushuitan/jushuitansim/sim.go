package jushuitansim

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// System is the name under which faults, calls and records are filed.
const System = "jushuitan"

// cst is the vendor's clock: plain times are UTC+8 without an offset.
var cst = time.FixedZone("CST", 8*3600)

// Shop is one store of the merchant.
type Shop struct {
	ID   int64
	Name string
}

// Item is one product of the ERP with its stock.
type Item struct {
	SkuID, IID, Name string
	Qty              int64
}

// Carrier is one logistics company as the merchant numbered it.
type Carrier struct{ LcID, Name string }

// Options configures a simulator. The zero value is a merchant with one shop.
type Options struct {
	simkit.Options
	AppKey, AppSecret string
	// ISV makes the app a service provider's: redirect codes only, no refresh.
	ISV bool
	// TokenTTL is the life of an access token; 0 means 30 days.
	TokenTTL time.Duration
	// MaxBatch is the most elements of one upload; 0 means 50.
	MaxBatch int
	// ArchiveBefore refuses orders dated earlier; zero means none.
	ArchiveBefore time.Time
	// Intercept lets an after-sale before shipping stop the order's lines.
	Intercept bool
	// Denied lists calls ("orders/upload") the app was not granted: code 190.
	Denied   []string
	Shops    []Shop
	Items    []Item
	Carriers []Carrier
}

func (o Options) withDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.AppKey == "" {
		o.AppKey = "sim-jst-app-key"
	}
	if o.AppSecret == "" {
		o.AppSecret = "sim-jst-app-secret-not-real"
	}
	if o.TokenTTL == 0 {
		o.TokenTTL = 30 * 24 * time.Hour
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = 50
	}
	if len(o.Shops) == 0 {
		o.Shops = []Shop{{ID: 10001, Name: "示例小程序商城"}}
	}
	if len(o.Items) == 0 {
		o.Items = []Item{
			{SkuID: "TEE-RED-L", IID: "TEE", Name: "Ｔ恤 红 Ｌ", Qty: 500},
			{SkuID: "TEE-RED-M", IID: "TEE", Name: "Ｔ恤 红 Ｍ", Qty: 500},
			{SkuID: "CUP-JX", IID: "CUP", Name: "𠮷祥杯", Qty: 80},
		}
	}
	if len(o.Carriers) == 0 {
		o.Carriers = []Carrier{{"SF", "顺丰速运"}, {"YTO", "圆通速递"}, {"ZTO", "中通快递"}}
	}
	return o
}

// Sim is the simulated vendor. It is safe for concurrent use.
type Sim struct {
	opts Options
	gate *simkit.Gate
	http http.Handler

	mu         sync.Mutex
	token      tokens
	limit      limiter
	nextID     int64
	ts         int64
	orders     []*order // in the order they came to be
	byOID      map[string]*order
	bySo       map[string][]*order
	merges     []*order
	afterSales []*afterSale
	afterByKey map[string]*afterSale
	stock      []*stockRow
	history    []Entry
	refusals   []Refusal
}

// New returns a simulator with an access token already given out.
func New(o Options) *Sim {
	s := &Sim{opts: o.withDefaults(), nextID: 5550000, byOID: map[string]*order{}, bySo: map[string][]*order{}, afterByKey: map[string]*afterSale{}}
	s.token.issue(s)
	for _, it := range s.opts.Items {
		s.stock = append(s.stock, &stockRow{Item: it, modified: s.now(), created: s.now(), ts: s.nextTS()})
	}
	s.limit = limiter{perSecond: scaled(5, s.opts.LimitScale), perMinute: scaled(100, s.opts.LimitScale)}
	s.gate = &simkit.Gate{
		System: System, Faults: s.opts.Faults,
		Call: func(r *http.Request, _ []byte) string { return callName(r.URL.Path) },
		Refusals: simkit.Refusals{
			RateLimit:   func(w http.ResponseWriter, _ string) { writeRefusal(w, refuse(199, msgSecond)) },
			ErrorBody:   func(w http.ResponseWriter, _, code string) { writeRefusal(w, faultRefusal(code)) },
			TokenExpiry: s.ExpireToken,
		},
	}
	s.http = s.gate.Wrap(http.HandlerFunc(s.serve))
	return s
}

var _ simkit.Sim = (*Sim)(nil)

// ServeHTTP speaks the vendor's protocol.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// System returns "jushuitan".
func (s *Sim) System() string { return System }

// Credentials returns what a connection needs: the app, a live token pair and the first shop.
func (s *Sim) Credentials() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]string{
		"app_key":       s.opts.AppKey,
		"app_secret":    s.opts.AppSecret,
		"access_token":  s.token.access,
		"refresh_token": s.token.refresh,
		"shop_id":       fmt.Sprint(s.opts.Shops[0].ID),
	}
}

// ExpireToken forgets the access token; the refresh token stays good.
func (s *Sim) ExpireToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token.expires = time.Time{}
}

func (s *Sim) now() time.Time { return s.opts.Now().In(cst) }

func (s *Sim) nextTS() int64 { s.ts++; return s.ts }

func (s *Sim) newID() int64 { s.nextID++; return s.nextID }

func (s *Sim) shop(id string) (Shop, bool) {
	for _, sh := range s.opts.Shops {
		if fmt.Sprint(sh.ID) == id {
			return sh, true
		}
	}
	return Shop{}, false
}
