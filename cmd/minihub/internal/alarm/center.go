package alarm

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// Config is what the deployment says about alarms.
type Config struct {
	Rules     Rules
	Receivers []Target
	Language  string        // en or zh
	PublicURL string        // where people reach the hub; empty = no link
	Remind    time.Duration // how often an open incident is told again; 0 = never
	Zone      *time.Location
}

// Options is what a Center stands on.
type Options struct {
	Store  Store
	Log    *zap.Logger
	Client *http.Client
	Now    func() time.Time
}

// Center judges samples, keeps the incidents and tells receivers.
type Center struct {
	opt Options

	mu      sync.Mutex
	cfg     Config
	watch   watcher
	book    *book
	senders map[string]*sender
	saved   time.Time
	unsaved bool
	loaded  bool
}

// New returns a center; Load reads what an earlier one left.
func New(cfg Config, opt Options) *Center {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	if opt.Client == nil {
		opt.Client = &http.Client{Timeout: sendTimeout}
	}
	c := &Center{opt: opt, book: newBook(), senders: map[string]*sender{}}
	c.Set(cfg)
	return c
}

// Load reads the incidents of the process before.
func (c *Center) Load(ctx context.Context) error {
	b, err := readBook(ctx, c.opt.Store)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.book, c.watch.usual, c.loaded = b, b.Usual, true
	}
	return err
}

// Set puts other rules and receivers in force. Incidents stay.
func (c *Center) Set(cfg Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	c.cfg, c.watch.rules = cfg, cfg.Rules
	next := map[string]*sender{}
	for _, t := range cfg.Receivers {
		r, err := NewReceiver(t, c.opt.Client, c.opt.Now)
		if err != nil { // the loader of hub.yaml has refused it before
			c.opt.Log.Error("an alarm receiver cannot be used", zap.String("receiver", t.Name), zap.Error(err))
			continue
		}
		s := c.senders[t.Name]
		if s == nil {
			s = &sender{}
		}
		s.kind, s.receiver = t.Kind, r // what is on its way goes on, so nothing is told twice
		next[t.Name] = s
	}
	c.senders = next
}

// saveEvery is how often what is usual is kept while nothing else changes.
const saveEvery = 15 * time.Minute

// Observe judges a sample. What opened or ended is kept before anybody is told.
func (c *Center) Observe(ctx context.Context, s Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.At = s.At.In(c.cfg.Zone)
	found := c.watch.look(s, func(cause string) *Incident { return c.book.Open[cause] })
	c.unsaved = c.book.step(byCause(found, s.Gates, c.cfg.Rules), s.Broken != "", s.At) || c.unsaved
	c.unsaved = c.book.file(slices.Collect(maps.Keys(c.senders)), s.At) || c.unsaved
	if s.Broken == "" && (c.unsaved || s.At.Sub(c.saved) >= saveEvery) {
		c.save(ctx, s.At)
	}
}

// save keeps the book; c.mu is held. A store that does not answer is tried again with the
// next sample: people are told all the same.
func (c *Center) save(ctx context.Context, now time.Time) {
	if !c.loaded {
		b, err := readBook(ctx, c.opt.Store)
		if err != nil {
			c.opt.Log.Warn("the alarms' state cannot be read", zap.Error(err))
			return
		}
		c.book.version, c.loaded = b.version, true
	}
	c.book.Usual = c.watch.usual
	if err := c.book.write(ctx, c.opt.Store); err != nil {
		c.loaded = false // somebody else wrote it, or nobody knows: take its version again
		c.opt.Log.Warn("the alarms' state was not kept", zap.Error(err))
		return
	}
	c.saved, c.unsaved = now, false
}

// Flush keeps what is not kept yet.
func (c *Center) Flush(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.save(ctx, c.opt.Now())
}

// Listing is what people see of alarms.
type Listing struct {
	Open []Entry `json:"open"`
	// Past are the last ones that are over, newest first.
	Past      []Entry         `json:"past"`
	Receivers []ReceiverState `json:"receivers"`
}

// Entry is an incident in words.
type Entry struct {
	Incident
	Title string `json:"title"`
	Mend  string `json:"mend,omitempty"`
}

// ReceiverState is how a receiver does.
type ReceiverState struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Error string `json:"error,omitempty"` // of the last try
	// Last is when it took a message last, and Answer what it said to that.
	Last   time.Time `json:"last_at,omitzero"`
	Answer string    `json:"answer,omitempty"`
	Next   time.Time `json:"next,omitzero"` // when it is tried again
}

// List returns the incidents in a language; empty = the configured one.
func (c *Center) List(language string) Listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, now := c.writer(language), c.opt.Now()
	entry := func(i *Incident) Entry {
		e := Entry{Incident: i.copy(), Title: w.sentence(i.Lead, now)}
		if i.Open() {
			e.Mend = w.fill(text.ID("alarm." + string(i.Lead.Rule) + ".mend"))
		}
		return e
	}
	out := Listing{Open: []Entry{}, Past: []Entry{}, Receivers: []ReceiverState{}}
	for _, i := range c.book.Open {
		out.Open = append(out.Open, entry(i))
	}
	slices.SortFunc(out.Open, func(a, b Entry) int { return a.OpenedAt.Compare(b.OpenedAt) })
	for _, i := range slices.Concat(c.book.Past, c.book.Closed) {
		out.Past = append(out.Past, entry(i))
	}
	slices.SortStableFunc(out.Past, func(a, b Entry) int { return b.ClosedAt.Compare(a.ClosedAt) })
	for _, t := range c.cfg.Receivers {
		if s := c.senders[t.Name]; s != nil {
			r := ReceiverState{Name: t.Name, Kind: t.Kind, Error: s.fault, Last: s.last, Answer: s.answer}
			if s.tries > 0 {
				r.Next = s.next
			}
			out.Receivers = append(out.Receivers, r)
		}
	}
	return out
}

// ErrNotOpen is an incident that is not open.
var ErrNotOpen = errors.New("there is no such open alarm")

// Ack notes who looks after an open incident.
func (c *Center) Ack(ctx context.Context, id, who, note string) (*Ack, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range c.book.Open {
		if i.ID == id {
			now := c.opt.Now()
			i.Ack = &Ack{Who: who, Note: note, At: now}
			c.unsaved = true
			c.save(ctx, now)
			return i.Ack, nil
		}
	}
	return nil, ErrNotOpen
}

// Count returns how many incidents are open, by rule.
func (c *Center) Count() map[Rule]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[Rule]int{}
	for _, i := range c.book.Open {
		out[i.Lead.Rule]++
	}
	return out
}

// copy is the incident as it is now, for use outside the lock.
func (i *Incident) copy() Incident {
	out := *i
	out.More, out.Told = slices.Clone(i.More), maps.Clone(i.Told)
	return out
}

// writer puts words in a language; c.mu is held.
func (c *Center) writer(language string) writer {
	if language == "" {
		language = c.cfg.Language
	}
	return writer{texts: text.In(language), zone: c.cfg.Zone, link: c.cfg.PublicURL}
}
