// Package token caches an access token: one fetch at a time however many callers
// wait, renewal before the end of its life, and a drop when the vendor says that it
// expired.
package token

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Token is an access token and the end of its life; a zero Expires has no known end.
type Token struct {
	Value   connectors.Secret
	Expires time.Time
	// Renew is when the next one is fetched; zero: the cache's span before Expires.
	Renew time.Time
}

func (t Token) stale(now time.Time, early time.Duration) bool {
	switch {
	case !t.Renew.IsZero():
		return !now.Before(t.Renew)
	case t.Expires.IsZero():
		return false
	}
	return !now.Before(t.Expires.Add(-early))
}

// Placeholder is the value of the token that a dry run gets when none is at hand.
const Placeholder = "no-token-at-hand"

// Fetch gets a fresh token from the vendor. dropped says that the vendor refused the
// last one before its time.
type Fetch func(ctx context.Context, dropped bool) (Token, error)

// Cache holds one token.
type Cache struct {
	fetch Fetch
	early time.Duration
	now   func() time.Time

	mu      sync.Mutex
	current Token
	have    bool
	dropped bool
	flight  *flight
}

type flight struct {
	done  chan struct{}
	token Token
	err   error
}

// New returns a cache that renews a token early before it expires.
func New(fetch Fetch, early time.Duration, now func() time.Time) *Cache {
	if now == nil {
		now = time.Now
	}
	return &Cache{fetch: fetch, early: early, now: now}
}

// Get returns a live token, fetching one if need be. All callers that wait share one
// fetch, which goes on even if the caller that began it gives up. A dry run fetches none.
func (c *Cache) Get(ctx context.Context) (Token, error) {
	c.mu.Lock()
	if c.have && !c.current.stale(c.now(), c.early) {
		defer c.mu.Unlock()
		return c.current, nil
	}
	if dry := connectors.DryRunOf(ctx); dry != nil {
		c.mu.Unlock()
		dry.NoToken()
		return Token{Value: connectors.NewSecret(Placeholder)}, nil
	}
	f := c.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flight = f
		go c.run(context.WithoutCancel(ctx), f, c.dropped)
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
}

func (c *Cache) run(ctx context.Context, f *flight, dropped bool) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	f.token, f.err = c.fetch(ctx, dropped)
	c.mu.Lock()
	if f.err == nil {
		c.current, c.have, c.dropped = f.token, true, false
	}
	c.flight = nil
	c.mu.Unlock()
	close(f.done)
}

// Current returns the token in use, without getting one; ok is false while there is none.
func (c *Cache) Current() (t Token, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.have
}

// Drop forgets the token if it is still the current one: a second caller whose call
// failed with an older token must not throw away the new one.
func (c *Cache) Drop(t Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have && c.current.Value == t.Value {
		c.have, c.dropped = false, true
	}
}
