package token

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

func TestGetFetchesOnceForManyCallers(t *testing.T) {
	var mu sync.Mutex
	fetches := 0
	gate := make(chan struct{})
	c := New(func(context.Context, bool) (Token, error) {
		<-gate
		mu.Lock()
		defer mu.Unlock()
		fetches++
		return Token{Value: connectors.NewSecret("t")}, nil
	}, 0, nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.Get(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if fetches != 1 {
		t.Fatalf("fetched %d times, want once", fetches)
	}
}

func TestRenewalDropAndFailure(t *testing.T) {
	now := time.Unix(1000, 0)
	n := 0
	var sawDropped []bool
	c := New(func(_ context.Context, dropped bool) (Token, error) {
		n++
		sawDropped = append(sawDropped, dropped)
		if n == 3 {
			return Token{}, errors.New("down")
		}
		return Token{Value: connectors.NewSecret(fmt.Sprint(n)), Expires: now.Add(100 * time.Second)}, nil
	}, 10*time.Second, func() time.Time { return now })
	get := func() string {
		tok, err := c.Get(t.Context())
		if err != nil {
			return err.Error()
		}
		return tok.Value.Reveal()
	}
	first, _ := c.Get(t.Context())
	now = now.Add(89 * time.Second)
	if got := get(); got != "1" {
		t.Fatalf("before the early mark: %s", got)
	}
	now = now.Add(2 * time.Second)
	if got := get(); got != "2" {
		t.Fatalf("after the early mark: %s", got)
	}
	c.Drop(first) // an old token must not drop the new one
	if got := get(); got != "2" {
		t.Fatalf("an old token dropped the new one: %s", got)
	}
	second, _ := c.Get(t.Context())
	c.Drop(second)
	if got := get(); got != "down" {
		t.Fatalf("want the fetch's error, got %s", got)
	}
	if got := get(); got != "4" {
		t.Fatalf("after a failure: %s", got)
	}
	if want := "[false false true true]"; fmt.Sprint(sawDropped) != want {
		t.Fatalf("dropped flags %v, want %s", sawDropped, want)
	}
}

func TestADryRunFetchesNothing(t *testing.T) {
	fetches := 0
	c := New(func(context.Context, bool) (Token, error) {
		fetches++
		return Token{Value: connectors.NewSecret("live")}, nil
	}, 0, nil)
	dry := &connectors.DryRun{}
	ctx := connectors.WithDryRun(t.Context(), dry)
	if tok, err := c.Get(ctx); err != nil || tok.Value.Reveal() != Placeholder || fetches != 0 {
		t.Fatalf("%q %v after %d fetches", tok.Value.Reveal(), err, fetches)
	}
	if _, err := c.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tok, err := c.Get(ctx); err != nil || tok.Value.Reveal() != "live" || fetches != 1 {
		t.Fatalf("%q %v after %d fetches", tok.Value.Reveal(), err, fetches)
	}
}
