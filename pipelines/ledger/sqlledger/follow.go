package sqlledger

import (
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

// keySep is what ledger.ReferenceKey and LookupKey put between the parts.
const keySep = "\x1f"

func predecessor(id int64) target {
	return target{ledger.DepPredecessor, strconv.FormatInt(id, 10)}
}

func reference(k linkKey) target {
	return target{ledger.DepReference, ledger.ReferenceKey(k.connection, k.operation, k.remoteKey)}
}

func lookupEntry(k lookupKey) target {
	return target{ledger.DepLookup, ledger.LookupKey(k.table, k.key)}
}

// linkOf and lookupOf read the keys of dependencies; prepare has checked their form.
func linkOf(key string) linkKey {
	p := strings.SplitN(key, keySep, 3)
	return linkKey{p[0], p[1], p[2]}
}

func lookupOf(key string) lookupKey {
	table, entry, _ := strings.Cut(key, keySep)
	return lookupKey{table, entry}
}

func deliveryOf(key string) int64 {
	id, _ := strconv.ParseInt(key, 10, 64)
	return id
}

// wantDep asks for what judge reads.
func (w *work) wantDep(t target) {
	switch t.kind {
	case ledger.DepPredecessor:
		w.deliveries.want(deliveryOf(t.key))
	case ledger.DepReference:
		w.links.want(linkOf(t.key))
	case ledger.DepLookup:
		w.lookups.want(lookupOf(t.key))
	}
}

type verdict int

const (
	waits verdict = iota
	satisfied
	dead // it will never be satisfied
)

// judge says how a dependency of x stands, what x waits for now (a superseded
// predecessor stands for the one that took over), and for a dead one the delivery that
// ended it.
func (w *work) judge(x *ledger.Delivery, t target) (target, verdict, *ledger.Delivery) {
	switch t.kind {
	case ledger.DepReference:
		k := linkOf(t.key)
		if w.refers(k) {
			return t, satisfied, nil
		}
		if l := w.links.get(k); l != nil && l.Withdrawn {
			// What it refers to was undone: it will not come any more.
			return t, dead, &ledger.Delivery{ID: l.WithdrawnBy, Connection: k.connection, Operation: k.operation, Clean: true}
		}
		return t, waits, nil
	case ledger.DepLookup:
		if w.lookups.get(lookupOf(t.key)) != nil {
			return t, satisfied, nil
		}
		return t, waits, nil
	case ledger.DepNewer:
		return t, waits, nil
	}
	p := w.deliveries.get(deliveryOf(t.key))
	for range 64 { // a chain of versions; no cycle can be made, but a wrong Cause must not hang the writer
		switch {
		case p == nil:
			return t, waits, nil
		case w.guard("dep.satisfied", p.State.Satisfies()):
			return t, satisfied, nil
		case p.State == ledger.Withdrawn, p.State == ledger.Discarded:
			return t, dead, p
		case p.State != ledger.Superseded:
			return predecessor(p.ID), waits, nil
		}
		next := w.deliveries.get(p.Cause)
		if next == nil || next == p || next.ID == x.ID || next.Connection != p.Connection || next.Operation != p.Operation {
			return t, dead, p
		}
		p = next
	}
	return t, dead, p
}

// refers reports whether a link satisfies a reference.
func (w *work) refers(k linkKey) bool {
	l := w.links.get(k)
	return l != nil && !l.Withdrawn && (l.Applied != 0 || len(l.RemoteIDs) > 0)
}

// touch says that something a blocked delivery waits for has changed; rest sees to it.
func (w *work) touch(id int64, t target) {
	if _, there := w.touched[id]; !there {
		i, _ := slices.BinarySearch(w.touchedIDs, id)
		w.touchedIDs = slices.Insert(w.touchedIDs, i, id)
	}
	w.touched[id] = append(w.touched[id], t)
}

// rest moves blocked deliveries on until nothing moves any more, the oldest first.
func (w *work) rest() {
	for len(w.touchedIDs) > 0 {
		id := w.touchedIDs[0]
		w.touchedIDs = w.touchedIDs[1:]
		ts := w.touched[id]
		delete(w.touched, id)
		if x := w.deliveries.get(id); x != nil && x.State == ledger.Blocked {
			w.follow(x, ts)
		}
	}
}

// block gives a blocked delivery what it waits for.
func (w *work) block(id int64, ts []target) {
	w.touched[id] = nil
	i, _ := slices.BinarySearch(w.touchedIDs, id)
	w.touchedIDs = slices.Insert(w.touchedIDs, i, id)
	for _, t := range ts {
		w.deps.add(id, t)
		w.touch(id, t)
	}
}

// follow judges what has changed for a blocked delivery. Of several ends, the oldest
// predecessor's is the one that is named.
func (w *work) follow(x *ledger.Delivery, ts []target) {
	id := x.ID
	var by *ledger.Delivery
	named := false // by a predecessor, not by a reference
	for _, t := range ts {
		now, v, p := w.judge(x, t)
		predecessor := t.kind == ledger.DepPredecessor
		switch {
		case v == dead && (by == nil || predecessor && !named || predecessor == named && p.ID < by.ID):
			by, named = p, predecessor
		case v == satisfied:
			w.deps.remove(id, t)
		case v == waits && now != t:
			w.deps.remove(id, t)
			w.deps.add(id, now)
		}
	}
	switch {
	case by == nil:
		w.unblock(id)
	case w.guard("dep.withdraw", false):
	default:
		w.end(x, by)
	}
}

// unblock makes a blocked delivery ready when nothing is left to wait for.
func (w *work) unblock(id int64) {
	if w.guard("dep.left", len(w.deps.of(id)) == 0) {
		w.move(id, ledger.Ready, moved{})
		w.released = append(w.released, id)
	}
}

// end withdraws a blocked delivery whose predecessor p will never come; what was to
// undo p is not needed if p never had an effect.
func (w *work) end(x, p *ledger.Delivery) {
	to := ledger.Withdrawn
	if x.Undoes != "" && x.Undoes == p.Operation && x.Connection == p.Connection && p.Clean {
		to = ledger.NotNeeded
	}
	w.move(x.ID, to, moved{cause: p.ID})
}

// changed touches all that wait for a target.
func (w *work) changed(t target) {
	for _, id := range w.deps.waiters(t) {
		w.touch(id, t)
	}
}

type moved struct {
	code, text string
	cause      int64
	holds      bool
}

// move writes a change of state that has been checked; rest does what follows from it.
func (w *work) move(id int64, to ledger.State, m moved) {
	d := w.deliveries.edit(id)
	if d.State == ledger.Blocked {
		for _, t := range w.deps.of(id) {
			w.deps.remove(id, t)
		}
	}
	d.State, d.Code, d.Text = to, m.code, m.text
	d.Holds = to == ledger.Parked && m.holds
	switch to {
	case ledger.Waiting, ledger.Unknown, ledger.Accepted:
	default:
		d.NextAt = instant(0)
	}
	if m.cause != 0 {
		d.Cause = m.cause
	}
	d.UpdatedAt = w.now
	if !to.Final() {
		return
	}
	w.changed(predecessor(id))
}

// remember notes in the link that a delivery was undone before it started, so that a
// late or replayed one ends superseded.
func (w *work) remember(d ledger.Delivery, by int64) {
	if d.RemoteKey == "" || w.guard("undo.remember", false) {
		return
	}
	k := linkKey{d.Connection, d.Operation, d.RemoteKey}
	l := w.links.get(k)
	switch {
	case l == nil:
		w.links.add(k, ledger.Link{Connection: k.connection, Operation: k.operation, RemoteKey: k.remoteKey, Doc: d.Doc,
			Generation: d.Generation, Withdrawn: true, WithdrawnBy: by, UpdatedAt: w.now})
	case l.Doc == d.Doc && d.Generation >= l.Generation:
		l = w.links.edit(k)
		l.Generation, l.Withdrawn, l.WithdrawnBy, l.UpdatedAt = d.Generation, true, by, w.now
	default:
		return
	}
	w.changed(reference(k))
}

// takeReleased returns what became ready through the unit, apart from the deliveries
// it created itself.
func (w *work) takeReleased(created ...*ledger.NewDelivery) []ledger.Pending {
	ids := w.released
	w.released = nil
	slices.Sort(ids)
	var out []ledger.Pending
	for _, id := range slices.Compact(ids) {
		d := w.deliveries.get(id)
		mine := slices.ContainsFunc(created, func(n *ledger.NewDelivery) bool { return n.ID == id })
		if d.State == ledger.Ready && !mine {
			out = append(out, pendingDelivery(d))
		}
	}
	return out
}

func pendingDelivery(d *ledger.Delivery) ledger.Pending {
	return ledger.Pending{Kind: "delivery", ID: d.ID, Connection: d.Connection, Source: d.Source, Operation: d.Operation, Root: d.Root,
		State: d.State, NextAt: d.NextAt, Holds: d.Holds}
}
