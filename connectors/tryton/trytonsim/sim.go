package trytonsim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand"
	"net/http"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// Options shape one server.
type Options struct {
	simkit.Options
	// Name is what System answers; default "tryton".
	Name string
	// Database is the first part of the path; default "tryton".
	Database string
	// Products are what the company sells; default DefaultProducts.
	Products []Product
	// WebShop adds the unique field sale.web_id.
	WebShop bool
}

// Product is one article to begin with.
type Product struct {
	Code, Name string
	ListPrice  string // decimal text
	Stock      int64
}

// DefaultProducts are sold when nothing else is said.
func DefaultProducts() []Product {
	return []Product{
		{"SKU-TEA-100", "龙井茶 100g", "88.50", 1000}, {"SKU-MUG-01", "马克杯", "39.00", 1000}, {"SKU-BAG-07", "帆布袋", "25.90", 1000},
		{"TEE-RED-M", "发明牌纯棉T恤 红 M", "69.00", 1000}, {"TEE-RED-L", "发明牌纯棉T恤 红 L", "69.00", 1000},
		{"TEE-BLU-M", "发明牌纯棉T恤 蓝 M", "69.00", 1000}, {"SKU-NOTE-A5", "手账本", "19.99", 1000}, {"SKU-GIFT-XL", "礼盒, 大号", "199.00", 1000},
	}
}

const (
	login    = "admin"
	password = "fake-Tryton-pass-1"
	userID   = 1
)

// Sim is one server with one database.
type Sim struct {
	opts    Options
	gate    *simkit.Gate
	handler http.Handler

	mu       sync.Mutex
	rng      *rand.Rand
	sessions map[string]bool
	failures []time.Time
	models   map[string]*model
	tables   map[string]*table
	undo     []func()
	numbers  map[string]int
	stock    map[int]int64 // product id -> on hand
	wizards  map[int]bool
	history  []Write
	refused  []Refusal
}

// New starts a server.
func New(o Options) *Sim {
	o.Options = o.Options.WithDefaults()
	o.Name, o.Database = cmp.Or(o.Name, "tryton"), cmp.Or(o.Database, "tryton")
	if o.Products == nil {
		o.Products = DefaultProducts()
	}
	s := &Sim{opts: o, rng: rand.New(rand.NewSource(o.Seed)), sessions: map[string]bool{}, models: schema(o.WebShop), tables: map[string]*table{},
		numbers: map[string]int{}, stock: map[int]int64{}, wizards: map[int]bool{}}
	for name, m := range s.models {
		s.tables[name] = &table{model: m, rows: map[int]*row{}, index: map[string][]int{}}
	}
	s.seed()
	s.gate = &simkit.Gate{System: o.Name, Faults: o.Faults, Call: callName, Refusals: simkit.Refusals{
		ErrorBody: errorBody,
		TokenExpiry: func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			clear(s.sessions)
		},
	}}
	inner := s.gate.Wrap(http.HandlerFunc(s.serve))
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(withID(w, r), r) })
	return s
}

// ServeHTTP speaks the server's protocol.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// System is the name under which faults and records are filed.
func (s *Sim) System() string { return s.opts.Name }

// Credentials returns what a connection needs: database, username, password.
func (s *Sim) Credentials() map[string]string {
	return map[string]string{"database": s.opts.Database, "username": login, "password": password}
}

// Refusal is one call refused by the server's own rules.
type Refusal struct {
	Call string    `json:"call"`
	Code string    `json:"code"` // UserError, ..., HTTP status
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Write is one write that the server accepted.
type Write struct {
	At     time.Time `json:"at"`
	Call   string    `json:"call"`
	Model  string    `json:"model"`
	ID     int       `json:"id"`
	Key    string    `json:"key"` // a sale's reference, a party's code
	Digest string    `json:"digest"`
	Effect string    `json:"effect"` // created, updated, unchanged, cancelled, deleted
}

// Record returns what the server holds and what reached it.
func (s *Sim) Record() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs := map[string]Sale{}
	for _, sale := range s.sales() {
		docs[fmt.Sprintf("%s#%d", sale.Reference, sale.ID)] = sale
	}
	return map[string]any{
		"documents": docs, "parties": s.parties(), "history": append([]Write{}, s.history...),
		"calls": s.gate.Counts(), "refusals": append([]Refusal{}, s.refused...),
	}
}

// Calls returns the calls so far, by method.
func (s *Sim) Calls() []simkit.CallCount { return s.gate.Counts() }

// History returns the writes that came in over the interface, oldest first.
func (s *Sim) History() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Write{}, s.history...)
}

const maxRefusals = 200

func (s *Sim) refuse(call string, f *fail) {
	s.gate.Refuse(call, false)
	if len(s.refused) == maxRefusals {
		s.refused = s.refused[1:]
	}
	s.refused = append(s.refused, Refusal{Call: call, Code: f.kind(), Text: f.text(), At: s.opts.Now()})
}

func digest(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

var _ simkit.Sim = (*Sim)(nil)
