package app

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/pipelines/ledger"
)

// levels reads how many rows are in which state, cheaply enough for every few seconds:
// the numbers come from the store's tallies, the ages from a look at all unfinished rows
// while they are few, and at the oldest ones where they are many.
type levels struct {
	ledger ledger.Ledger

	mu     sync.Mutex
	next   time.Time // no look at the ages before
	oldest map[levelKey]time.Time
}

type levelKey struct{ kind, connection, name, state, code string }

// tallier is a store that counts without looking at rows, and finds the oldest ones
// without looking at all.
type tallier interface {
	Tallies(ctx context.Context) ([]ledger.Count, error)
	Heads(ctx context.Context) ([]ledger.Count, error)
}

const (
	// A look at the ages may take a twentieth of the time.
	agesEvery = 10 * time.Second
	agesShare = 20
	// fewRows are looked at one by one: over a million that takes seconds.
	fewRows = 20_000
)

func newLevels(l ledger.Ledger) *levels { return &levels{ledger: l} }

// read returns the counts; Oldest is as of the last look.
func (v *levels) read(ctx context.Context, now time.Time) ([]alarm.Count, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, can := v.ledger.(tallier)
	tallies := v.ledger.Counts
	if can {
		tallies = t.Tallies
	}
	list, err := tallies(ctx)
	if err != nil {
		return nil, err
	}
	if !now.Before(v.next) {
		ages := v.ledger.Counts
		if can && open(list) > fewRows {
			ages = t.Heads
		}
		began := time.Now()
		looked, err := ages(ctx)
		if err != nil {
			return nil, err
		}
		v.next = now.Add(max(agesEvery, agesShare*time.Since(began)))
		v.oldest = map[levelKey]time.Time{}
		for _, c := range looked {
			if !c.Oldest.IsZero() {
				v.oldest[keyOf(c)] = c.Oldest
			}
		}
	}
	out := make([]alarm.Count, len(list))
	for i, c := range list {
		out[i] = alarm.Count{Kind: c.Kind, Connection: c.Connection, Name: c.Name, State: c.State, Code: c.Code, N: c.N, Oldest: v.oldest[keyOf(c)]}
	}
	return out, nil
}

// open is how many rows may have something before them.
func open(list []ledger.Count) (n int64) {
	for _, c := range list {
		if unfinished(c) || c.State == "parked" {
			n += c.N
		}
	}
	return n
}

func keyOf(c ledger.Count) levelKey {
	return levelKey{c.Kind, c.Connection, c.Name, c.State, c.Code}
}
