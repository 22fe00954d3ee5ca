package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Revision is a numbered content.
type Revision struct {
	Number   int64     `json:"number"`
	Hash     string    `json:"hash"` // of the files
	Files    int64     `json:"files"`
	At       time.Time `json:"at"`
	Who      string    `json:"who,omitempty"`
	Why      string    `json:"why,omitempty"`
	Restores int64     `json:"restores,omitempty"` // the revision whose content it has again
}

// The acts of the history.
const (
	Started  = "start"   // the directory had changed when the hub started
	Applied  = "apply"   //
	Canaried = "canary"  //
	Promoted = "promote" //
	Back     = "back"    // to the revision before, or the canary taken back
)

// Entry is one act of the history: who did what when, and what is in force since.
type Entry struct {
	ID       int64     `json:"-"`        // in the store
	Previous int64     `json:"previous"` // the entry before; 0 = none
	Act      string    `json:"act"`
	At       time.Time `json:"at"`
	Who      string    `json:"who,omitempty"`
	Why      string    `json:"why,omitempty"`
	Base     Revision  `json:"base"`
	Canary   *Revision `json:"canary,omitempty"`
	Share    int       `json:"share,omitempty"` // of 10,000 roots
	// Directory is the hash of the directory when this was written: a start with the same
	// directory goes on with what is in force, one with another has something new to run.
	Directory string `json:"directory"`
	// Drains are revisions that had flows or connections with work left when they were
	// taken away.
	Drains []int64 `json:"drains,omitempty"`
	// Highest is the highest number given so far.
	Highest int64 `json:"highest"`
	// Failing are the mappings that were noticed to fail more often than before.
	Failing []string `json:"failing,omitempty"`
}

// Store is what the history needs of a ledger.
type Store interface {
	PutReport(ctx context.Context, kind string, at time.Time, body []byte) (int64, error)
	Report(ctx context.Context, kind string, id int64) (body []byte, at time.Time, err error)
}

// The kinds of report that the history is kept as.
const (
	kindEntry = "revision"
	kindFiles = "revision-files"
	// kindHead names the newest entry: an entry counts from when its head is written, so
	// that a crash between the two leaves the one before in force.
	kindHead = "revision-head"
)

// Latest returns the newest entry, nil when there is none.
func Latest(ctx context.Context, s Store) (*Entry, error) {
	b, _, err := s.Report(ctx, kindHead, 0)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the history's newest entry cannot be read: %w", err)
	}
	return entry(ctx, s, id)
}

func entry(ctx context.Context, s Store, id int64) (*Entry, error) {
	b, _, err := s.Report(ctx, kindEntry, id)
	if err != nil {
		return nil, err
	}
	e := &Entry{ID: id}
	if err := json.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("the history's entry %d cannot be read: %w", id, err)
	}
	return e, nil
}

// History returns entries, newest first, at most so many (0 = all).
func History(ctx context.Context, s Store, limit int) ([]*Entry, error) {
	var out []*Entry
	e, err := Latest(ctx, s)
	for e != nil && err == nil {
		out = append(out, e)
		if len(out) == limit || e.Previous == 0 {
			return out, nil
		}
		e, err = entry(ctx, s, e.Previous)
	}
	return out, err
}

// Append writes an entry after another one (nil: the first).
func Append(ctx context.Context, s Store, after *Entry, e *Entry) error {
	e.Previous, e.Highest = 0, max(e.Highest, e.Base.Number)
	if e.Canary != nil {
		e.Highest = max(e.Highest, e.Canary.Number)
	}
	if after != nil {
		e.Previous, e.Highest = after.ID, max(e.Highest, after.Highest)
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if e.ID, err = s.PutReport(ctx, kindEntry, e.At, b); err != nil {
		return err
	}
	_, err = s.PutReport(ctx, kindHead, e.At, strconv.AppendInt(nil, e.ID, 10))
	return err
}

// PutFiles keeps a content and returns where.
func PutFiles(ctx context.Context, s Store, snap *Snapshot) (int64, error) {
	packed, err := snap.Pack()
	if err != nil {
		return 0, err
	}
	return s.PutReport(ctx, kindFiles, time.Now(), packed)
}

// Snapshot reads a revision's content and holds it against its hash.
func (r Revision) Snapshot(ctx context.Context, s Store) (*Snapshot, error) {
	b, _, err := s.Report(ctx, kindFiles, r.Files)
	if err != nil {
		return nil, fmt.Errorf("reading the files of revision %d: %w", r.Number, err)
	}
	snap, err := Unpack(b)
	if err != nil {
		return nil, fmt.Errorf("revision %d: %w", r.Number, err)
	}
	if snap.Hash() != r.Hash {
		return nil, fmt.Errorf("the files of revision %d are not those that were kept", r.Number)
	}
	return snap, nil
}

// Find returns the revision of a number; ledger.ErrNotFound when there is none.
func Find(list []*Entry, number int64) (Revision, error) {
	for _, e := range list {
		for _, r := range e.revisions() {
			if r.Number == number {
				return r, nil
			}
		}
	}
	return Revision{}, fmt.Errorf("there is no revision %d: %w", number, ledger.ErrNotFound)
}

func (e *Entry) revisions() []Revision {
	if e.Canary != nil {
		return []Revision{*e.Canary, e.Base}
	}
	return []Revision{e.Base}
}

// Before returns the revision that was in force before the current one and has another
// content; one that restored an older content is followed back from there.
func Before(list []*Entry) (Revision, error) {
	if len(list) == 0 {
		return Revision{}, errors.New("nothing was applied yet")
	}
	now := list[0].Base
	below := now.Number
	if now.Restores > 0 {
		below = now.Restores
	}
	for _, e := range list {
		if e.Base.Number < below && e.Base.Hash != now.Hash {
			return e.Base, nil
		}
	}
	return Revision{}, fmt.Errorf("there is no revision before %d", now.Number)
}
