package webhooksim

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Event is one accepted event. Body holds the exact bytes.
type Event struct {
	ID         string            `json:"id"`
	Type       string            `json:"type,omitempty"`
	Key        string            `json:"key"`
	Version    string            `json:"version,omitempty"`
	Digest     string            `json:"digest"`
	Timestamp  time.Time         `json:"timestamp"`
	ReceivedAt time.Time         `json:"received_at"`
	Headers    map[string]string `json:"headers,omitempty"` // CloudEvents headers, lower case
	Body       json.RawMessage   `json:"body"`
}

// What a POST did.
const (
	Created   = "created"
	Duplicate = "duplicate" // a known webhook-id, the same body: no effect
	Conflict  = "conflict"  // a known webhook-id, another body: no effect
	Deleted   = "deleted"   // through the control surface
	Changed   = "changed"   // through the control surface
)

// Entry is one line of the history of effects.
type Entry struct {
	At      time.Time `json:"at"`
	ID      string    `json:"id"`
	Key     string    `json:"key"`
	Version string    `json:"version,omitempty"`
	Digest  string    `json:"digest"`
	Effect  string    `json:"effect"`
}

// Stats counts what the receiver did. Bytes counts accepted bodies.
type Stats struct {
	Accepted   int64 `json:"accepted"`
	Duplicates int64 `json:"duplicates"`
	Conflicts  int64 `json:"conflicts"`
	Bytes      int64 `json:"bytes"`
}

type store struct {
	events  []*Event
	byID    map[string]*Event
	byKey   map[string][]*Event
	history []Entry
	stats   Stats
}

func newStore() store { return store{byID: map[string]*Event{}, byKey: map[string][]*Event{}} }

func (st *store) accept(e Event, noDedupe bool) string {
	effect := Created
	if known, ok := st.byID[e.ID]; ok && !noDedupe {
		effect = Duplicate
		if known.Digest != e.Digest {
			effect = Conflict
		}
	}
	switch effect {
	case Created:
		st.add(&e)
		st.stats.Accepted++
		st.stats.Bytes += int64(len(e.Body))
	case Conflict:
		st.stats.Conflicts++
		fallthrough
	default:
		st.stats.Duplicates++
	}
	st.note(&e, effect, e.ReceivedAt)
	return effect
}

func (st *store) add(e *Event) {
	st.events = append(st.events, e)
	st.byID[e.ID] = e
	st.byKey[e.Key] = append(st.byKey[e.Key], e)
}

func (st *store) note(e *Event, effect string, at time.Time) {
	st.history = append(st.history, Entry{at, e.ID, e.Key, e.Version, e.Digest, effect})
}

// find returns the events of a key or an id that had arrived before a time.
func (st *store) find(key, id string, before time.Time) []Event {
	from := st.byKey[key]
	if key == "" {
		from = st.events
	}
	out := []Event{}
	for _, e := range from {
		if (id == "" || e.ID == id) && !e.ReceivedAt.After(before) {
			out = append(out, e.copy())
		}
	}
	return out
}

func (st *store) remove(key string, at time.Time) bool {
	gone := st.byKey[key]
	if len(gone) == 0 {
		return false
	}
	delete(st.byKey, key)
	for _, e := range gone {
		delete(st.byID, e.ID)
		st.note(e, Deleted, at)
	}
	st.events = slices.DeleteFunc(st.events, func(e *Event) bool { return e.Key == key })
	return true
}

func (e *Event) copy() Event {
	c := *e
	c.Body = slices.Clone(e.Body)
	return c
}

// Events returns every event held, in order of arrival.
func (s *Sim) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Event, len(s.store.events))
	for i, e := range s.store.events {
		out[i] = e.copy()
	}
	return out
}

// Versions returns the versions received of a key, in order of arrival, repeats
// without effect left out.
func (s *Sim) Versions(key string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(s.store.byKey[key]))
	for i, e := range s.store.byKey[key] {
		out[i] = e.Version
	}
	return out
}

// History returns every effect and every repeat, in order of arrival.
func (s *Sim) History() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.store.history)
}

// Stats returns the counts so far, in count-only mode too.
func (s *Sim) Stats() Stats {
	if s.opt.CountOnly {
		return Stats{Accepted: s.counted.accepted.Load(), Duplicates: s.counted.duplicates.Load(), Bytes: s.counted.bytes.Load()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.stats
}

// Refusals returns the last requests refused through the caller's fault.
func (s *Sim) Refusals() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refusals)
}

// Record implements simkit.Sim. Documents are lists of events by key.
func (s *Sim) Record() any {
	documents := map[string][]Event{}
	for _, e := range s.Events() {
		documents[e.Key] = append(documents[e.Key], e)
	}
	return map[string]any{
		"documents": documents, "history": s.History(), "stats": s.Stats(),
		"calls": s.gate.Counts(), "refusals": s.Refusals(),
	}
}

// counted is the lean side: it remembers webhook-ids by a 64 bit hash, so that
// two different ids are taken for one with a chance of about n²/2^65.
type counted struct {
	accepted, duplicates, bytes atomic.Int64

	buffers sync.Pool
	shards  [64]shard
}

type shard struct {
	mu   sync.Mutex
	seen map[uint64]struct{}
	seed maphash.Seed
}

func (c *counted) add(id string, size int, noDedupe bool) (isNew bool) {
	sh := &c.shards[fold(id)%uint8(len(c.shards))]
	sh.mu.Lock()
	if sh.seen == nil {
		sh.seen, sh.seed = map[uint64]struct{}{}, maphash.MakeSeed()
	}
	h := maphash.String(sh.seed, id)
	_, known := sh.seen[h]
	sh.seen[h] = struct{}{}
	sh.mu.Unlock()
	if known && !noDedupe {
		c.duplicates.Add(1)
		return false
	}
	c.accepted.Add(1)
	c.bytes.Add(int64(size))
	return true
}

// fold spreads ids over the shards.
func fold(id string) uint8 {
	var f uint8
	for i := 0; i < len(id); i++ {
		f = f*31 + id[i]
	}
	return f
}

func (c *counted) buffer() *bytes.Buffer {
	if b, ok := c.buffers.Get().(*bytes.Buffer); ok {
		b.Reset()
		return b
	}
	return new(bytes.Buffer)
}

func (c *counted) release(b *bytes.Buffer) { c.buffers.Put(b) }
