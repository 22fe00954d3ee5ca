package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// StateName is under which name the store keeps the book. Names of the vault that belong
// to a connection begin with the connection's, which has no dot: none can be this one.
const StateName = ".alarms/state"

// Store keeps one small document by name and rewrites it in place: the ledger's vault
// entries do, by compare-and-set. It holds nothing secret and nobody's data.
type Store interface {
	VaultGet(ctx context.Context, name string) (value []byte, version int64, err error)
	VaultSwap(ctx context.Context, name string, version int64, value []byte) error
}

// book is what survives a restart.
type book struct {
	Number int64                `json:"number"`
	Open   map[string]*Incident `json:"open"`
	// Closed are incidents whose end not every receiver knows yet, oldest first.
	Closed []*Incident `json:"closed,omitempty"`
	// Past are the last ones that everybody knows to be over, oldest first.
	Past  []*Incident `json:"past,omitempty"`
	Usual usual       `json:"usual,omitzero"`

	pending map[string]time.Time
	version int64
}

// mostPast bounds what is kept for people to look back at.
const mostPast = 50

func newBook() *book {
	return &book{Open: map[string]*Incident{}, pending: map[string]time.Time{}}
}

func incidentID(at time.Time, n int64) string {
	return fmt.Sprintf("%s-%d", at.UTC().Format("20060102"), n)
}

// readBook reads what an earlier process left.
func readBook(ctx context.Context, s Store) (*book, error) {
	b := newBook()
	body, version, err := s.VaultGet(ctx, StateName)
	switch {
	case errors.Is(err, ledger.ErrNotFound) || err == nil && version == 0:
		return b, nil
	case err != nil:
		return nil, fmt.Errorf("reading the alarms' state: %w", err)
	}
	if err := json.Unmarshal(body, b); err != nil {
		return nil, fmt.Errorf("the alarms' state cannot be read: %w", err)
	}
	if b.Open == nil {
		b.Open = map[string]*Incident{}
	}
	for _, list := range [][]*Incident{b.Closed, b.Past} {
		if slices.Contains(list, nil) {
			return nil, errors.New("the alarms' state cannot be read: an incident is null")
		}
	}
	for cause, i := range b.Open {
		if i == nil {
			return nil, fmt.Errorf("the alarms' state cannot be read: incident %s is null", cause)
		}
		if i.Told == nil {
			i.Told = map[string]Told{}
		}
	}
	b.version = version
	return b, nil
}

// write keeps the book.
func (b *book) write(ctx context.Context, s Store) error {
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := s.VaultSwap(ctx, StateName, b.version, body); err != nil {
		return fmt.Errorf("keeping the alarms' state: %w", err)
	}
	b.version++
	return nil
}

// file moves incidents that everybody knows to be over into the past.
func (b *book) file(receivers []string, now time.Time) (changed bool) {
	b.Closed = slices.DeleteFunc(b.Closed, func(i *Incident) bool {
		for _, r := range receivers {
			if i.due(r, 0, now) != "" && now.Sub(i.ClosedAt) < forget {
				return false
			}
		}
		changed = true
		b.Past = append(b.Past, i)
		return true
	})
	b.Past = b.Past[max(0, len(b.Past)-mostPast):]
	return changed
}
