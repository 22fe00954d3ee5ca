package alarm

import (
	"sort"
	"time"
)

// Incident is one cause that people are told of once.
type Incident struct {
	// ID is stable while it lasts; receivers tell repeats apart by it.
	ID       string    `json:"id"`
	Cause    string    `json:"cause"`
	Lead     Finding   `json:"lead"`
	More     []Finding `json:"more,omitempty"` // further findings of the cause
	OpenedAt time.Time `json:"opened_at"`
	ClosedAt time.Time `json:"closed_at,omitzero"`
	// Peak is the most messages, calls or runs that the lead finding counted.
	Peak int64 `json:"peak,omitempty"`
	// Base is the level that the count had before; down to it, it is over.
	Base int64 `json:"base,omitempty"`
	// Ack is who looks after it; nobody is reminded of it then.
	Ack *Ack `json:"ack,omitempty"`
	// Told is what each receiver knows of it.
	Told map[string]Told `json:"told,omitempty"`

	gone time.Time // since when no finding has this cause
}

// Told is the last that a receiver was told.
type Told struct {
	What What      `json:"what"`
	At   time.Time `json:"at"`
}

// Ack is a person's word that they look after an incident.
type Ack struct {
	Who  string    `json:"who"`
	Note string    `json:"note"`
	At   time.Time `json:"at"`
}

// What a notice says.
type What string

// The kinds of a notice.
const (
	Opened    What = "opened"
	StillOpen What = "still_open"
	Recovered What = "recovered"
	Trial     What = "test"
	TrialOver What = "test_recovered"
)

// Open reports whether it lasts.
func (i *Incident) Open() bool { return i.ClosedAt.IsZero() }

// settle is how long a cause must be gone before it is over.
const settle = 10 * time.Second

// forget is how long a receiver that takes nothing is owed the end of an incident.
const forget = 24 * time.Hour

// due is what a receiver must be told of the incident now; "" = nothing.
func (i *Incident) due(receiver string, remind time.Duration, now time.Time) What {
	told, knows := i.Told[receiver]
	switch {
	case !i.Open() && told.What == Recovered:
		return ""
	case !i.Open():
		return Recovered // also when it never heard of the beginning: the notice tells both
	case !knows:
		return Opened
	case i.Ack == nil && remind > 0 && now.Sub(told.At) >= remind:
		return StillOpen
	}
	return ""
}

// step takes the findings of a sample into the incidents and reports whether any of them
// opened, ended or changed enough to be kept.
func (b *book) step(found map[string][]Finding, blind bool, now time.Time) (changed bool) {
	for cause, list := range found {
		l := lead(list)
		if i := b.Open[cause]; i != nil {
			changed = i.lasts(l, list) || changed
			continue
		}
		since, pending := b.pending[cause]
		if !pending {
			since, b.pending[cause] = now, now
		}
		if now.Sub(since) >= hold(l.Rule) {
			b.Number++
			i := &Incident{ID: incidentID(now, b.Number), Cause: cause, OpenedAt: now, Base: l.Base, Told: map[string]Told{}}
			i.lasts(l, list)
			b.Open[cause] = i
			delete(b.pending, cause)
			changed = true
		}
	}
	for cause := range b.pending {
		if found[cause] == nil {
			delete(b.pending, cause)
		}
	}
	for cause, i := range b.Open {
		switch {
		case found[cause] != nil:
			i.gone = time.Time{}
		case blind && cause != "store" && cause != "disk":
			// A store that does not answer says nothing about messages.
		case i.gone.IsZero():
			i.gone = now
		case now.Sub(i.gone) >= settle:
			i.ClosedAt = now
			delete(b.Open, cause)
			b.Closed = append(b.Closed, i)
			changed = true
		}
	}
	return changed
}

// lasts takes what is found of an open incident now.
func (i *Incident) lasts(l Finding, list []Finding) (changed bool) {
	if rank(l.Rule) <= rank(i.Lead.Rule) || i.Lead.Rule == "" {
		changed = l.Rule != i.Lead.Rule
		since := i.Lead.Since
		if l.Since.IsZero() {
			l.Since = since
		}
		i.Lead = l
	}
	i.More = nil
	for _, f := range list {
		if f.Rule != i.Lead.Rule {
			i.More = append(i.More, f)
		}
	}
	sort.Slice(i.More, func(a, b int) bool { return rank(i.More[a].Rule) < rank(i.More[b].Rule) })
	for _, f := range list {
		if f.Rule == i.Lead.Rule {
			i.Peak = max(i.Peak, f.N)
		}
	}
	return changed
}
