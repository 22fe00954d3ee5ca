package app

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/pipelines/ledger"
)

// levels reads how many rows are in which state, cheaply enough for every few seconds:
// the numbers come from the store's tallies, the ages from a look at all unfinished rows,
// which is taken more seldom the longer it takes.
type levels struct {
	ledger ledger.Ledger

	mu     sync.Mutex
	next   time.Time // no look at the ages before
	oldest map[levelKey]time.Time
}

type levelKey struct{ kind, connection, name, state, code string }

// tallier is a store that counts without looking at rows.
type tallier interface {
	Tallies(ctx context.Context) ([]ledger.Count, error)
}

// A look at the ages may take a twentieth of the time.
const (
	agesEvery = 10 * time.Second
	agesShare = 20
)

func newLevels(l ledger.Ledger) *levels { return &levels{ledger: l} }

// read returns the counts; Oldest is as of the last look.
func (v *levels) read(ctx context.Context, now time.Time) ([]alarm.Count, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, can := v.ledger.(tallier)
	var list []ledger.Count
	var err error
	if can && now.Before(v.next) {
		list, err = t.Tallies(ctx)
	} else {
		began := time.Now()
		list, err = v.ledger.Counts(ctx)
		if err == nil {
			v.next = now.Add(max(agesEvery, agesShare*time.Since(began)))
			v.oldest = map[levelKey]time.Time{}
			for _, c := range list {
				if !c.Oldest.IsZero() {
					v.oldest[keyOf(c)] = c.Oldest
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	out := make([]alarm.Count, len(list))
	for i, c := range list {
		out[i] = alarm.Count{Kind: c.Kind, Connection: c.Connection, Name: c.Name, State: c.State, Code: c.Code, N: c.N, Oldest: v.oldest[keyOf(c)]}
	}
	return out, nil
}

func keyOf(c ledger.Count) levelKey {
	return levelKey{c.Kind, c.Connection, c.Name, c.State, c.Code}
}
