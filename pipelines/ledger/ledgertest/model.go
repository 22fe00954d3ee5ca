package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// model is what the rows must be, written down as plainly as possible: after every
// change of state it looks at all blocked deliveries anew until nothing moves, where a
// store follows the edges of what has changed.
type model struct {
	docs       map[string]*modelDoc
	records    map[int64]*ledger.Record
	deliveries map[int64]*modelDelivery
	links      map[string]*ledger.Link
	hints      map[string]*ledger.Hint
	budgets    map[string]int
	lookups    map[string]bool
	cursor     string
	vault      int64
	ticks      map[int]bool
	attempts   map[int64]int
	byHand     map[int64]bool // made ready by a unit that names them: not released
}

type modelDoc struct {
	version int64
	body    string
	fetched time.Time
	newest  int64
	bodies  map[int64]string // by record
}

type modelDelivery struct {
	ledger.Delivery
	deps []ledger.Dep
}

func newModel() *model {
	return &model{docs: map[string]*modelDoc{}, records: map[int64]*ledger.Record{}, deliveries: map[int64]*modelDelivery{},
		links: map[string]*ledger.Link{}, hints: map[string]*ledger.Hint{}, budgets: map[string]int{}, lookups: map[string]bool{},
		ticks: map[int]bool{}, attempts: map[int64]int{},
		byHand: map[int64]bool{}}
}

// sorted are the ids of the deliveries in order.
func (m *model) sorted() []int64 {
	ids := make([]int64, 0, len(m.deliveries))
	for id := range m.deliveries {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// intake says what an item is and books it under the id the store gave.
func (m *model) intake(it *ledger.IntakeItem, stream string) error {
	want, of := "new", int64(0)
	doc := m.docs[it.Key]
	if doc != nil {
		newest := m.records[doc.newest]
		switch {
		case it.Version > doc.version, it.Version == newest.Version && string(it.Body) != doc.body && !it.FetchedAt.Before(doc.fetched):
		default:
			want = "older"
			for id, body := range doc.bodies {
				if body == string(it.Body) && m.records[id].Version == it.Version && id > of {
					want, of = "repeat", id
				}
			}
			// Several records of one version may have the same bytes: the newest one counts if it
			// is among them, else any.
			if want == "repeat" && doc.bodies[it.ID] == string(it.Body) && m.records[it.ID].Version == it.Version &&
				(doc.version != it.Version || doc.body != string(it.Body) || it.ID == doc.newest) {
				of = it.ID
			}
		}
	}
	if it.Outcome != want || it.First != (doc == nil) {
		return fmt.Errorf("item %s version %d is %q (first %v), want %q (first %v)", it.Key, it.Version, it.Outcome, it.First, want, doc == nil)
	}
	if want == "repeat" {
		if it.ID != of {
			return fmt.Errorf("item %s repeats record %d, want %d", it.Key, it.ID, of)
		}
		m.records[of].Repeats++
		if of == doc.newest && it.FetchedAt.After(doc.fetched) {
			doc.fetched = it.FetchedAt
		}
		return nil
	}
	if m.records[it.ID] != nil {
		return fmt.Errorf("record id %d was given twice", it.ID)
	}
	r := &ledger.Record{ID: it.ID, Version: it.Version, State: ledger.RecordReceived, Stream: stream,
		DocKey: ledger.DocKey{Entity: it.Entity, Key: it.Key}, Root: 0}
	m.records[it.ID] = r
	if doc == nil {
		doc = &modelDoc{bodies: map[int64]string{}}
		m.docs[it.Key] = doc
	}
	doc.bodies[it.ID] = string(it.Body)
	if want == "older" {
		r.State = ledger.RecordSuperseded
		return nil
	}
	doc.version, doc.body, doc.fetched, doc.newest = it.Version, string(it.Body), it.FetchedAt, it.ID
	return nil
}

func (m *model) hint(n *ledger.NewHint) error {
	h := m.hints[n.Key]
	merged := h != nil && h.State == "pending"
	if n.Merged != merged {
		return fmt.Errorf("hint %s merged %v, want %v", n.Key, n.Merged, merged)
	}
	if h == nil {
		h = &ledger.Hint{ID: n.ID, Key: n.Key}
		m.hints[n.Key] = h
	}
	if h.State != "pending" {
		h.Attempts = 0
	}
	h.Asked++
	h.State = "pending"
	return nil
}

func (m *model) answer(key string, a ledger.HintDone) error {
	h := m.hints[key]
	again := h.Asked > a.Asked
	if a.Again != again {
		return fmt.Errorf("hint %s again %v, want %v", key, a.Again, again)
	}
	if a.State == "" {
		h.Done, h.State, h.Attempts = max(h.Done, a.Asked), "done", 0
	} else {
		h.State = a.State
		h.Attempts++
	}
	if again {
		h.State = "pending"
	}
	return nil
}

func linkName(operation, key string) string { return operation + "|" + key }

// fate says how a dependency stands.
func (m *model) fate(x *modelDelivery, d ledger.Dep) (now ledger.Dep, satisfied bool, deadBy *modelDelivery) {
	switch d.Kind {
	case ledger.DepLookup:
		return d, m.lookups[d.Key[strings.LastIndex(d.Key, "\x1f")+1:]], nil
	case ledger.DepReference:
		parts := strings.Split(d.Key, "\x1f")
		l := m.links[linkName(parts[1], parts[2])]
		if l != nil && l.Withdrawn {
			return d, false, &modelDelivery{Delivery: ledger.Delivery{ID: l.WithdrawnBy, Operation: l.Operation, Clean: true}}
		}
		return d, l != nil && !l.Withdrawn && (l.Applied != 0 || len(l.RemoteIDs) > 0), nil
	}
	var id int64
	fmt.Sscan(d.Key, &id)
	p := m.deliveries[id]
	switch {
	case p == nil:
		return d, false, nil
	case p.State == ledger.Superseded:
		c := m.deliveries[p.Cause]
		if c == nil || c == p || c.ID == x.ID || c.Operation != p.Operation {
			return d, false, p
		}
		return m.fate(x, after(c.ID))
	case p.State == ledger.Withdrawn, p.State == ledger.Discarded:
		return d, false, p
	default:
		return after(p.ID), p.State.Satisfies(), nil
	}
}

// rest moves blocked deliveries until nothing moves.
func (m *model) rest() {
	for moved := true; moved; {
		moved = false
		for _, id := range m.sorted() {
			x := m.deliveries[id]
			if x.State != ledger.Blocked {
				continue
			}
			var left []ledger.Dep
			var by *modelDelivery // the oldest predecessor's end is named before a reference's
			named := false
			for _, d := range x.deps {
				now, ok, dead := m.fate(x, d)
				predecessor := d.Kind == ledger.DepPredecessor
				if dead != nil && (by == nil || predecessor && !named || predecessor == named && dead.ID < by.ID) {
					by, named = dead, predecessor
				}
				if dead == nil && !ok && !slices.Contains(left, now) {
					left = append(left, now)
				}
			}
			if by != nil {
				to := ledger.Withdrawn
				if x.Undoes == by.Operation && by.Clean {
					to = ledger.NotNeeded
				}
				m.enter(x, to, "", by.ID, false)
				moved = true
				break
			}
			x.deps = left
			if len(left) == 0 {
				m.enter(x, ledger.Ready, "", 0, false)
				moved = true
				break
			}
		}
	}
}

// enter writes a change of state, without what follows.
func (m *model) enter(d *modelDelivery, to ledger.State, code string, cause int64, holds bool) {
	d.State, d.Code, d.Holds, d.deps = to, code, to == ledger.Parked && holds, nil
	if cause != 0 {
		d.Cause = cause
	}
}

func (m *model) undone(d *modelDelivery, by int64) {
	if d.RemoteKey == "" {
		return
	}
	name := linkName(d.Operation, d.RemoteKey)
	l := m.links[name]
	if l == nil {
		l = &ledger.Link{Operation: d.Operation, RemoteKey: d.RemoteKey, Doc: d.Doc}
		m.links[name] = l
	}
	if l.Doc == d.Doc && d.Generation >= l.Generation {
		l.Generation, l.Withdrawn, l.WithdrawnBy = d.Generation, true, by
	}
}

// create books new deliveries of a record; asked is what was given to the store.
func (m *model) create(r *ledger.Record, asked []ledger.NewDelivery, made []*ledger.NewDelivery) error {
	last := int64(0)
	if ids := m.sorted(); len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	for i, n := range asked {
		id := made[i].ID
		if id <= last {
			return fmt.Errorf("delivery id %d does not rise above %d", id, last)
		}
		last = id
		d := &modelDelivery{Delivery: ledger.Delivery{ID: id, Record: r.ID, Doc: r.Doc, Operation: n.Operation, RemoteKey: n.RemoteKey,
			Generation: n.Generation, State: n.State, Code: n.Code, Cause: n.Cause, Clean: true, Undoes: n.Undoes}}
		if n.Claim && n.RemoteKey != "" {
			name := linkName(n.Operation, n.RemoteKey)
			l := m.links[name]
			live := n.State == ledger.Ready || n.State == ledger.Blocked
			switch {
			case l == nil:
				m.links[name] = &ledger.Link{Operation: n.Operation, RemoteKey: n.RemoteKey, Doc: r.Doc, Generation: n.Generation}
			case l.Doc != r.Doc && (live || n.State == ledger.Parked):
				d.State, d.Code = ledger.Parked, ledger.CodeKeyClash
			case l.Doc == r.Doc && live && l.Withdrawn && n.Undoes == "" && !n.Event && n.Generation <= l.Generation:
				d.State, d.Code, d.Cause = ledger.Superseded, ledger.CodeWithdrawn, l.WithdrawnBy
			}
		}
		d.Holds = d.State == ledger.Parked && n.Holds
		m.deliveries[id] = d
	}
	for i, n := range asked {
		if d := m.deliveries[made[i].ID]; d.State == ledger.Blocked {
			d.deps = localDeps(n.Deps, made)
		}
	}
	m.rest()
	return nil
}

func localDeps(ds []ledger.Dep, made []*ledger.NewDelivery) []ledger.Dep {
	out := slices.Clone(ds)
	for i, d := range out {
		if rest, ok := strings.CutPrefix(d.Key, "#"); ok && d.Kind == ledger.DepPredecessor {
			var n int
			fmt.Sscan(rest, &n)
			out[i] = after(made[n].ID)
		}
	}
	return out
}

func (m *model) move(v *ledger.Move, cause int64) error {
	d := m.deliveries[v.Delivery]
	ok := d != nil && (len(v.From) == 0 || slices.Contains(v.From, d.State)) && ledger.CanMove(d.State, v.To) && (!v.NeedClean || d.Clean)
	if ok != v.Applied {
		return fmt.Errorf("move of %d to %s applied %v, want %v", v.Delivery, v.To, v.Applied, ok)
	}
	if !ok {
		return nil
	}
	if v.To == ledger.Withdrawn {
		m.undone(d, cause)
	}
	if v.To == ledger.Ready { // it may have been blocked before the unit's first move
		m.byHand[d.ID] = true
	}
	m.enter(d, v.To, v.Code, cause, v.Holds)
	if v.Who != "" {
		m.attempts[d.ID]++
	}
	m.rest()
	return nil
}

func (m *model) start(u *ledger.Start) error {
	d := m.deliveries[u.Delivery]
	ok := ledger.CanMove(d.State, ledger.Sending) && d.Attempts+1 == u.Attempt
	over := ok && u.Budget != nil && m.budgets[u.Budget.Key] >= u.Budget.Max
	if u.Applied != (ok && !over) || u.OverBudget != over {
		return fmt.Errorf("start of %d applied %v over budget %v, want %v %v", d.ID, u.Applied, u.OverBudget, ok && !over, over)
	}
	if !u.Applied {
		return nil
	}
	if u.Budget != nil {
		m.budgets[u.Budget.Key]++
	}
	d.Attempts++
	d.Clean = false
	m.enter(d, ledger.Sending, "", 0, false)
	return nil
}

func (m *model) settle(u *ledger.Settle) error {
	d := m.deliveries[u.Delivery]
	ok := (len(u.From) == 0 || slices.Contains(u.From, d.State)) && ledger.CanMove(d.State, u.To) && (u.IfRevision == nil || *u.IfRevision == d.Revision)
	clash := false
	if ok && u.Revise != nil && u.Revise.RemoteKey != "" && u.Revise.RemoteKey != d.RemoteKey {
		l := m.links[linkName(d.Operation, u.Revise.RemoteKey)]
		clash = d.RemoteKey != "" && d.Attempts > 0 || l != nil && l.Doc != d.Doc
	}
	if u.Applied != (ok && !clash) || u.Revise != nil && ok && u.Revise.Clash != clash {
		return fmt.Errorf("settle of %d from %s to %s applied %v (revision %+v), want %v (clash %v)", d.ID, d.State, u.To, u.Applied, u.Revise, ok && !clash, clash)
	}
	if !u.Applied {
		return nil
	}
	if v := u.Revise; v != nil {
		if v.RemoteKey != "" {
			if name := linkName(d.Operation, v.RemoteKey); m.links[name] == nil {
				m.links[name] = &ledger.Link{Operation: d.Operation, RemoteKey: v.RemoteKey, Doc: d.Doc, Generation: d.Generation}
			}
			d.RemoteKey = v.RemoteKey
		}
		if v.Generation != 0 {
			d.Generation = v.Generation
		}
		if v.Bump {
			d.Revision++
		}
	}
	d.Clean = u.Clean
	if u.CountTry {
		d.Attempts++
	}
	if b := u.Refund; b != nil && m.budgets[b.Key] > 0 {
		m.budgets[b.Key]--
	}
	if u.Attempt != nil || u.Who != "" {
		m.attempts[d.ID]++
	}
	if c := u.Link; c != nil {
		m.link(d, c)
		m.rest()
	}
	if u.To == ledger.Withdrawn {
		m.undone(d, u.Cause)
	}
	if d.State == ledger.Blocked && u.To == ledger.Ready {
		m.byHand[d.ID] = true
	}
	m.enter(d, u.To, u.Code, u.Cause, u.Holds)
	if u.To == ledger.Blocked {
		d.deps = slices.Clone(u.Deps)
	}
	m.rest()
	for _, v := range u.Moves {
		cause := v.Cause
		if cause == 0 {
			cause = d.ID
		}
		if err := m.move(v, cause); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) link(d *modelDelivery, c *ledger.LinkChange) {
	name := linkName(c.Operation, c.RemoteKey)
	l := m.links[name]
	if l == nil {
		l = &ledger.Link{Operation: c.Operation, RemoteKey: c.RemoteKey, Doc: d.Doc, Generation: c.Generation}
		m.links[name] = l
	}
	switch {
	case l.Doc != d.Doc:
		return
	case c.Reset && c.Generation >= l.Generation:
		*l = ledger.Link{Operation: c.Operation, RemoteKey: c.RemoteKey, Doc: d.Doc, Generation: c.Generation}
		return
	}
	for _, id := range c.RemoteIDs {
		if !slices.Contains(l.RemoteIDs, id) {
			l.RemoteIDs = append(l.RemoteIDs, id)
		}
	}
	if c.Generation < l.Generation {
		return
	}
	if c.Generation > l.Generation {
		l.Generation, l.Withdrawn, l.WithdrawnBy = c.Generation, false, 0
	}
	if c.Applied {
		l.Applied, l.Version = d.ID, c.Version
	}
	if c.Withdrawn != nil {
		l.Withdrawn, l.WithdrawnBy = *c.Withdrawn, 0
		if l.Withdrawn {
			l.WithdrawnBy = d.ID
		}
	}
}
