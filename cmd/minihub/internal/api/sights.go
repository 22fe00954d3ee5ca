package api

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
)

// sights remembers what callers have looked at lately, so that the audit tells of it
// once: a page asks for its order again every few seconds.
type sights struct {
	mu    sync.Mutex
	by    map[string]*viewer
	seed  maphash.Seed
	timer *time.Timer // runs while something waits to be noted together
}

// viewer is what one caller looked at since a moment.
type viewer struct {
	since time.Time
	seen  map[string]bool
	alone int      // entries of their own
	more  []string // to be noted together
	from  string
}

// The first sights of a caller within a span have an entry each, which can be found by
// its message, before anything is shown. Who looks at more than people do is noted too,
// many sights an entry: a program that reads everything does not flood the audit.
const (
	sightSpan      = 10 * time.Minute
	sightsAlone    = 60
	sightsTogether = 200
	sightsKept     = 10_000 // that a caller's are told apart from repeats by
	sightsWait     = 2 * time.Second
)

// saw notes that the caller sees what a call is about.
func (a *API) saw(r *http.Request, on string) error {
	e := a.entry(r, "see", ledger.AuditDone)
	e.Target = on
	return a.sight(r, e, on, on)
}

// phoneTail is the kind of a phone's last four digits in the ledger's search.
const phoneTail = "phone_tail"

// searched notes a search that found somebody by a personal value, such as a phone: that
// somebody is a customer is told by its result alone. The value is not kept, nor a hash
// of it: there are few enough phone numbers to try them all (Invariant 8).
func (a *API) searched(r *http.Request, value string, hits []ledger.Hit) error {
	var by []string
	for _, h := range hits {
		for _, kind := range h.Kinds {
			if (kind == phoneTail || schemas.Personal(kind)) && !slices.Contains(by, kind) {
				by = append(by, kind)
			}
		}
	}
	if len(by) == 0 {
		return nil
	}
	slices.Sort(by)
	e := a.entry(r, "find", ledger.AuditDone)
	e.Detail = map[string]string{"by": strings.Join(by, ",")}
	return a.sight(r, e, "find by "+e.Detail["by"], "find "+strconv.FormatUint(maphash.String(a.sights.seed, value), 36))
}

// sight notes an entry, unless the caller has seen the same lately. name stands for it
// where several are noted together.
func (a *API) sight(r *http.Request, e *ledger.AuditEntry, name, same string) error {
	s := &a.sights
	s.mu.Lock()
	v := s.viewer(e.Who, a.now())
	v.from = e.From
	if v.seen[same] {
		s.mu.Unlock()
		return nil
	}
	if len(v.more) >= 2*sightsTogether { // the store takes none
		s.mu.Unlock()
		return unseen(errors.New("it takes nothing now"))
	}
	if len(v.seen) >= sightsKept {
		clear(v.seen)
	}
	v.seen[same] = true
	if v.alone < sightsAlone {
		v.alone++
		s.mu.Unlock()
		if err := a.note(r, e); err != nil {
			s.mu.Lock()
			delete(v.seen, same)
			s.mu.Unlock()
			return unseen(err)
		}
		return nil
	}
	v.more = append(v.more, name)
	full := len(v.more) >= sightsTogether
	if s.timer == nil && !full {
		s.timer = time.AfterFunc(sightsWait, func() { _ = a.Flush(context.Background()) })
	}
	s.mu.Unlock()
	if full {
		if err := a.Flush(context.WithoutCancel(r.Context())); err != nil {
			return unseen(err)
		}
	}
	return nil
}

func unseen(err error) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Code: "audit.unwritable", Text: "the audit cannot be written, so nothing is shown: " + err.Error()}
}

// viewer returns a caller's sights of the present span; s.mu is held.
func (s *sights) viewer(who string, now time.Time) *viewer {
	v := s.by[who]
	if v != nil && now.Sub(v.since) < sightSpan {
		return v
	}
	for name, old := range s.by {
		if now.Sub(old.since) >= sightSpan && len(old.more) == 0 {
			delete(s.by, name)
		}
	}
	next := &viewer{since: now, seen: map[string]bool{}}
	if v != nil {
		next.more = v.more
	}
	s.by[who] = next
	return next
}

// Flush notes the sights that wait to be noted together.
func (a *API) Flush(ctx context.Context) error {
	s := &a.sights
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	var units []ledger.Unit
	taken := map[string][]string{}
	for who, v := range s.by {
		if len(v.more) > 0 {
			units = append(units, &ledger.AddAudit{Entry: ledger.AuditEntry{Who: who, Act: "see", From: v.from, Phase: ledger.AuditDone,
				Detail: map[string]string{"count": strconv.Itoa(len(v.more)), "seen": strings.Join(v.more, ", ")}}})
			taken[who], v.more = v.more, nil
		}
	}
	s.mu.Unlock()
	if len(units) == 0 {
		return nil
	}
	err := a.opt.Ledger.Commit(ctx, units...)
	if err != nil {
		s.mu.Lock()
		for who, names := range taken {
			v := s.viewer(who, a.now())
			v.more = append(names, v.more...)
		}
		s.mu.Unlock()
	}
	return err
}
