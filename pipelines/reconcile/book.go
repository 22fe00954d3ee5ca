package reconcile

import (
	"cmp"
	"slices"
	"time"
)

// book gathers a report.
type book struct {
	rep    *Report
	zone   *time.Location
	totals map[totalKey]*Total
	states map[stateKey]int
	look   map[stateKey]int
	sides  map[Place]*Side
	not    map[notKey]int // index in rep.NotCompared
}

type totalKey struct {
	Place
	store, day, currency string
}

type stateKey struct {
	Place
	state string
}

type notKey struct {
	Place
	what, code, reason string
}

func newBook(rep *Report, zone *time.Location) *book {
	// Empty lists, not null, in the JSON.
	rep.Sides, rep.Totals, rep.Kinds = []Side{}, []Total{}, []KindCount{}
	rep.InFlight, rep.LookAlikes, rep.NotCompared, rep.Findings = []StateCount{}, []StateCount{}, []NotCompared{}, []Finding{}
	return &book{rep: rep, zone: zone, totals: map[totalKey]*Total{}, states: map[stateKey]int{}, look: map[stateKey]int{},
		sides: map[Place]*Side{}, not: map[notKey]int{}}
}

func (b *book) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(b.zone).Format(time.DateOnly)
}

func (b *book) side(p Place) *Side {
	s := b.sides[p]
	if s == nil {
		s = &Side{Place: p}
		b.sides[p] = s
	}
	return s
}

func (b *book) inFlight(p Place, state string)  { b.states[stateKey{p, state}]++ }
func (b *book) lookAlike(p Place, state string) { b.look[stateKey{p, state}]++ }

// notCompared adds n to what could not be compared for one reason; n 0 is all of it.
func (b *book) notCompared(p Place, what string, n int, code, reason string) {
	k := notKey{p, what, code, reason}
	if i, ok := b.not[k]; ok {
		b.rep.NotCompared[i].Count += n
		return
	}
	b.not[k] = len(b.rep.NotCompared)
	b.rep.NotCompared = append(b.rep.NotCompared, NotCompared{Place: p, What: what, Count: n, Code: code, Reason: reason})
}

// both counts a document of both sides.
func (b *book) both(p Place, f facts, store string) *Total {
	k := totalKey{p, store, b.day(f.at), f.currency}
	t := b.totals[k]
	if t == nil {
		t = &Total{Place: p, Store: store, Day: k.day, Currency: f.currency}
		b.totals[k] = t
	}
	return t
}

func (b *book) find(f Finding) { b.rep.Findings = append(b.rep.Findings, f) }

// close writes what was gathered into the report, in a stable order.
func (b *book) close() *Report {
	for _, s := range b.sides {
		b.rep.Sides = append(b.rep.Sides, *s)
	}
	slices.SortFunc(b.rep.Sides, func(x, y Side) int { return comparePlaces(x.Place, y.Place) })
	b.rep.InFlight = stateCounts(b.states)
	b.rep.LookAlikes = stateCounts(b.look)
	slices.SortFunc(b.rep.NotCompared, func(x, y NotCompared) int {
		return cmp.Or(comparePlaces(x.Place, y.Place), cmp.Compare(x.What, y.What), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Reason, y.Reason))
	})
	slices.SortFunc(b.rep.Findings, func(x, y Finding) int {
		return cmp.Or(comparePlaces(x.Place, y.Place), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Store, y.Store), cmp.Compare(x.Day, y.Day),
			cmp.Compare(x.SourceKey, y.SourceKey), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Why, y.Why))
	})
	return b.rep
}

// tally counts the findings, once it is known which are new.
func (b *book) tally() {
	type key struct {
		Place
		kind     Kind
		currency string
	}
	counts := map[key]*KindCount{}
	for i := range b.rep.Findings {
		f := &b.rep.Findings[i]
		k := key{f.Place, f.Kind, f.Currency}
		c := counts[k]
		if c == nil {
			c = &KindCount{Place: f.Place, Kind: f.Kind, Currency: f.Currency}
			counts[k] = c
		}
		c.Count++
		c.Amount += f.Amount
		if f.New {
			c.New++
		}
		if f.Kind == Parked {
			continue
		}
		b.rep.Drift++
		if f.New {
			b.rep.New++
		}
		b.total(f).Drift++
	}
	for _, c := range counts {
		b.rep.Kinds = append(b.rep.Kinds, *c)
	}
	slices.SortFunc(b.rep.Kinds, func(x, y KindCount) int {
		return cmp.Or(comparePlaces(x.Place, y.Place), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Currency, y.Currency))
	})
	for _, t := range b.totals {
		b.rep.Totals = append(b.rep.Totals, *t)
	}
	slices.SortFunc(b.rep.Totals, func(x, y Total) int {
		return cmp.Or(comparePlaces(x.Place, y.Place), cmp.Compare(x.Store, y.Store), cmp.Compare(x.Day, y.Day), cmp.Compare(x.Currency, y.Currency))
	})
}

// total is the row a finding belongs to. A target that shows no amounts has one without a
// currency, although the finding says what the document is worth.
func (b *book) total(f *Finding) *Total {
	k := totalKey{f.Place, f.Store, f.Day, f.Currency}
	if t := b.totals[k]; t != nil {
		return t
	}
	if t := b.totals[totalKey{f.Place, f.Store, f.Day, ""}]; t != nil {
		return t
	}
	t := &Total{Place: f.Place, Store: f.Store, Day: f.Day, Currency: f.Currency}
	b.totals[k] = t
	return t
}

func stateCounts(m map[stateKey]int) []StateCount {
	out := []StateCount{}
	for k, n := range m {
		out = append(out, StateCount{Place: k.Place, State: k.state, Count: n})
	}
	slices.SortFunc(out, func(x, y StateCount) int {
		return cmp.Or(comparePlaces(x.Place, y.Place), cmp.Compare(x.State, y.State))
	})
	return out
}

// comparePlaces puts sources before targets.
func comparePlaces(x, y Place) int {
	return cmp.Or(cmp.Compare(x.Role, y.Role), cmp.Compare(x.Flow, y.Flow), cmp.Compare(x.Step, y.Step),
		cmp.Compare(x.Connection, y.Connection), cmp.Compare(x.Name, y.Name))
}
