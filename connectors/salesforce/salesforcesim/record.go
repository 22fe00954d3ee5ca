package salesforcesim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Effect is what an accepted or refused write did.
type Effect string

// The effects of a write. An unchanged one moves SystemModstamp all the same.
const (
	EffectCreated          Effect = "created"
	EffectUpdated          Effect = "updated"
	EffectUnchanged        Effect = "unchanged"
	EffectDeleted          Effect = "deleted"
	EffectDuplicateRefused Effect = "duplicate_refused"
	EffectRefused          Effect = "refused"
)

// Entry is one write in the history, in the order the vendor saw them.
type Entry struct {
	At      time.Time `json:"at"`
	Call    string    `json:"call"`
	Object  string    `json:"object"`
	Key     string    `json:"key"` // the external id
	ID      string    `json:"id,omitempty"`
	Version string    `json:"version,omitempty"` // value of the object's VersionField in the request
	Digest  string    `json:"digest,omitempty"`  // of the record's values after the write
	Effect  Effect    `json:"effect"`
	Code    string    `json:"code,omitempty"` // of a refusal
}

// Refusal is one refused call or row. Its text leaves out the values the vendor echoes.
type Refusal struct {
	At   time.Time `json:"at"`
	Call string    `json:"call"`
	Code string    `json:"code"`
	Text string    `json:"text"`
}

const maxRefusals = 1000

func (s *Sim) note(call string, in *input, rec *record, key string, effect Effect, err *apiError) {
	e := Entry{At: s.now(), Call: call, Object: in.object.Name, Key: key, Effect: effect}
	if v, ok := in.values[in.object.VersionField]; ok && v != nil {
		e.Version = fmt.Sprint(v)
	}
	if rec != nil {
		e.ID, e.Digest = rec.id, digest(rec.values)
	}
	if err != nil {
		e.Effect, e.Code = EffectRefused, err.code
		if strings.HasPrefix(err.code, "DUPLICATE_") {
			e.Effect = EffectDuplicateRefused
		}
	}
	s.history = append(s.history, e)
}

func digest(values map[string]any) string {
	raw, _ := json.Marshal(values) // texts, numbers and booleans always encode
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// keepRefused drops the rolled back effects that were noted since.
func (s *Sim) keepRefused(since int) {
	kept := s.history[:since]
	for _, e := range s.history[since:] {
		if e.Code != "" {
			kept = append(kept, e)
		}
	}
	s.history = kept
}

func (s *Sim) refused(call string, e *apiError) {
	s.gate.Refuse(call, e.code == "REQUEST_LIMIT_EXCEEDED")
	if len(s.refusals) == maxRefusals {
		s.refusals = s.refusals[1:]
	}
	s.refusals = append(s.refusals, Refusal{At: s.now(), Call: call, Code: e.code, Text: e.safeText()})
}

// Record is one record of an object. Values are the text that was received (numbers
// with their digits, date-times in the vendor's form, booleans as true or false).
type Record struct {
	ID      string            `json:"id"`
	Object  string            `json:"object"`
	Key     string            `json:"key"` // the external id
	Values  map[string]string `json:"values"`
	Parents map[string]string `json:"parents,omitempty"` // reference field -> the parent's external id
	Created time.Time         `json:"created"`
	// Modified is SystemModstamp.
	Modified time.Time `json:"modified"`
	Deleted  bool      `json:"deleted,omitempty"`
}

// Records returns every live record of an object, oldest first.
func (s *Sim) Records(object string) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[strings.ToLower(object)]
	if o == nil {
		return nil
	}
	var out []Record
	for _, id := range s.store.order[o.Name] {
		if r := s.store.byID[id]; !r.deleted {
			out = append(out, s.typed(r))
		}
	}
	return out
}

// Lookup returns the first live record of an object with this external id.
func (s *Sim) Lookup(object, key string) (Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(object, key)
	if err != nil {
		return Record{}, false
	}
	return s.typed(r), true
}

func (s *Sim) typed(r *record) Record {
	out := Record{ID: r.id, Object: r.object.Name, Values: map[string]string{}, Created: r.created, Modified: r.modified, Deleted: r.deleted}
	out.Key, _ = r.values[r.object.key()].(string)
	for name, v := range r.values {
		out.Values[name] = fmt.Sprint(v)
		if f := r.object.field(name); f.Type == Reference {
			if p := s.store.byID[fmt.Sprint(v)]; p != nil {
				if key, ok := p.values[p.object.key()].(string); ok {
					if out.Parents == nil {
						out.Parents = map[string]string{}
					}
					out.Parents[name] = key
				}
			}
		}
	}
	return out
}

// History returns every write, oldest first; empty object or key mean all.
func (s *Sim) History(object, key string) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Entry
	for _, e := range s.history {
		if (object == "" || strings.EqualFold(e.Object, object)) && (key == "" || strings.EqualFold(e.Key, key)) {
			out = append(out, e)
		}
	}
	return out
}

// Effects counts what the writes of one external id did.
func (s *Sim) Effects(object, key string) map[Effect]int {
	out := map[Effect]int{}
	for _, e := range s.History(object, key) {
		out[e.Effect]++
	}
	return out
}

// Refusals returns the latest refusals, oldest first.
func (s *Sim) Refusals() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Refusal(nil), s.refusals...)
}

// Record returns the live records by "<Object>/<id>", the history, the counted calls and the refusals.
func (s *Sim) Record() any {
	docs := map[string]any{}
	for _, o := range s.objects {
		for _, r := range s.Records(o.Name) {
			docs[o.Name+"/"+r.ID] = r
		}
	}
	return map[string]any{"documents": docs, "history": s.History("", ""), "calls": s.gate.Counts(), "refusals": s.Refusals()}
}
