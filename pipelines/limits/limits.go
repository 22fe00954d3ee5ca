// Package limits keeps calls within a vendor's limits, counted per vendor account
// however many connections share it. A call counts from when it starts until its span
// after it ended, because nobody knows when in between the vendor counted it: so no
// span of the vendor's clock can hold more than the limit.
package limits

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Set is the limits of one vendor account.
type Set struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	changed chan struct{}
}

type bucket struct {
	limit  connectors.Limit
	flying int
	// ended is a ring of the times calls ended within the span, oldest first.
	ended []time.Time
	first int
	until time.Time // the vendor said: not before
}

// brief is how long a span may be for New to wait it out.
const brief = 5 * time.Second

// New returns the limits of an account; scale multiplies the request counts. A process
// that was killed just before may have used a span up, and nobody wrote it down: a brief
// span is waited out. One that is longer is not, and the vendor may refuse a call of it;
// that is a wait like any other.
func New(list []connectors.Limit, scale float64, now func() time.Time) *Set {
	if now == nil {
		now = time.Now
	}
	s := &Set{now: now, buckets: map[string]*bucket{}, changed: make(chan struct{})}
	for _, l := range list {
		b := &bucket{limit: scaled(l, scale)}
		if l.Requests > 0 && l.Per <= brief {
			b.until = now().Add(l.Per)
		}
		s.buckets[l.Name] = b
	}
	return s
}

// Take waits until every use fits and takes them; release must be called when the call
// ended. If the wait is known to be longer than most, nothing is taken and the wait
// returned, so that the caller can put the work back without holding a slot.
func (s *Set) Take(ctx context.Context, uses []connectors.Use, most time.Duration) (release func(), wait time.Duration, err error) {
	return s.TakeLeaving(ctx, uses, most, 0)
}

// TakeLeaving is Take for what is not urgent: it leaves a share of every limit, from 0 to
// 1, to whoever calls Take.
func (s *Set) TakeLeaving(ctx context.Context, uses []connectors.Use, most time.Duration, leave float64) (release func(), wait time.Duration, err error) {
	if len(uses) == 0 {
		return func() {}, 0, nil
	}
	start := s.now()
	for {
		s.mu.Lock()
		wait = s.waitFor(uses, leave)
		if wait == 0 {
			s.take(uses)
			s.mu.Unlock()
			var once sync.Once
			return func() { once.Do(func() { s.release(uses) }) }, 0, nil
		}
		changed := s.changed
		s.mu.Unlock()
		if s.now().Add(wait).Sub(start) > most {
			return nil, wait, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			return nil, 0, ctx.Err()
		}
		timer.Stop()
	}
}

// Penalty keeps every use of the buckets back for d: the vendor said "not before".
func (s *Set) Penalty(uses []connectors.Use, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := s.now().Add(d)
	for _, u := range uses {
		if b := s.buckets[u.Limit]; b != nil && b.until.Before(until) {
			b.until = until
		}
	}
}

// Used returns how much of a limit the last span holds, for the health page.
func (s *Set) Used(name string) (used, allowed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return 0, 0
	}
	b.forget(s.now())
	return b.flying + b.recent(), b.limit.Requests
}

// Room is how long to wait until every use would fit and still leave a share free; 0 = it
// fits now. Nothing is taken.
func (s *Set) Room(uses []connectors.Use, leave float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waitFor(uses, leave)
}

const busyWait = 50 * time.Millisecond // while calls in flight hold the limit; a release wakes earlier

func (s *Set) waitFor(uses []connectors.Use, leave float64) time.Duration {
	now := s.now()
	var wait time.Duration
	for _, u := range uses {
		b := s.buckets[u.Limit]
		if b == nil {
			continue
		}
		b.forget(now)
		cost := max(1, u.Cost)
		if now.Before(b.until) {
			wait = max(wait, b.until.Sub(now))
		}
		requests, concurrent := within(b.limit.Requests, leave), within(b.limit.Concurrent, leave)
		if concurrent > 0 && b.flying+cost > max(concurrent, cost) {
			wait = max(wait, busyWait)
		}
		if requests <= 0 {
			continue
		}
		over := b.flying + b.recent() + cost - max(requests, cost)
		if over <= 0 {
			continue
		}
		if over > b.recent() {
			wait = max(wait, busyWait)
			continue
		}
		wait = max(wait, b.ended[b.first+over-1].Add(b.limit.Per).Sub(now)+time.Millisecond)
	}
	return wait
}

// within is what is left of a limit when a share stays free; never nothing.
func within(n int, leave float64) int {
	if n <= 0 || leave <= 0 {
		return n
	}
	return max(1, int(float64(n)*(1-leave)))
}

func (s *Set) take(uses []connectors.Use) {
	for _, u := range uses {
		if b := s.buckets[u.Limit]; b != nil {
			b.flying += max(1, u.Cost)
		}
	}
}

func (s *Set) release(uses []connectors.Use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, u := range uses {
		b := s.buckets[u.Limit]
		if b == nil {
			continue
		}
		cost := max(1, u.Cost)
		b.flying -= cost
		if b.limit.Requests > 0 {
			for range cost {
				b.ended = append(b.ended, now)
			}
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

func (b *bucket) recent() int { return len(b.ended) - b.first }

func (b *bucket) forget(now time.Time) {
	for b.first < len(b.ended) && now.Sub(b.ended[b.first]) > b.limit.Per {
		b.first++
	}
	if b.first > 256 && b.first > len(b.ended)/2 {
		b.ended = append(b.ended[:0], b.ended[b.first:]...)
		b.first = 0
	}
}
