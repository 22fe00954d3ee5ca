package sqlledger

import (
	"slices"

	"github.com/minihub/minihub/pipelines/ledger"
)

type settleOp struct {
	u     *ledger.Settle
	deps  []target
	spawn newDeliveries
	keys  []int64
	kinds []string
}

func (s *Store) prepareSettle(u *ledger.Settle) (op, error) {
	c := &checker{what: "settle"}
	c.state("settle to", u.To)
	for _, t := range []string{u.Code, u.Text, u.Ticket, u.Who} {
		c.text("code, text, ticket or person", t)
	}
	if a := u.Attempt; a != nil {
		for _, t := range []string{a.Kind, a.Code, a.Text, a.MapVersion, a.Who} {
			c.text("attempt", t)
		}
	}
	if l := u.Link; l != nil {
		for _, t := range []string{l.Connection, l.Operation, l.RemoteKey} {
			c.key("link", t)
		}
		for _, id := range l.RemoteIDs {
			c.text("remote id's kind", id.Kind)
			c.text("remote id", id.Value)
		}
	}
	if r := u.Revise; r != nil {
		c.key("revision's remote key", r.RemoteKey)
		c.text("revision's mapping version", r.MapVersion)
	}
	c.edit(u.Edit)
	c.budget(u.Refund)
	o := &settleOp{u: u, deps: c.deps(u.Deps, len(u.Spawn)), spawn: c.deliveries(u.Spawn)}
	c.moves(u.Moves, len(u.Spawn))
	o.keys, o.kinds = s.search.hash(c, u.Keys)
	return o, c.err
}

func linkKeyOf(l *ledger.LinkChange) linkKey {
	return linkKey{l.Connection, l.Operation, l.RemoteKey}
}

func (o *settleOp) want(w *work) {
	u := o.u
	w.deliveries.want(u.Delivery)
	if u.To.Final() {
		w.deps.wantTarget(predecessor(u.Delivery))
	}
	if u.Link != nil {
		w.links.want(linkKeyOf(u.Link))
		w.deps.wantTarget(reference(linkKeyOf(u.Link)))
	}
	if u.To == ledger.Blocked {
		for _, t := range o.deps {
			w.wantDep(t)
		}
	}
	if b := u.Refund; b != nil {
		w.budgets.want(budgetKey{b.Connection, b.Operation, b.Key})
	}
	o.spawn.want(w)
	wantMoves(w, u.Moves)
}

func (o *settleOp) more(w *work) {
	u := o.u
	if d := w.deliveries.get(u.Delivery); d != nil {
		if d.State == ledger.Blocked {
			w.deps.wantDelivery(d.ID)
		}
		if u.To == ledger.Withdrawn && d.RemoteKey != "" {
			w.links.want(linkKey{d.Connection, d.Operation, d.RemoteKey})
		}
		if u.Revise != nil && u.Revise.RemoteKey != "" {
			w.links.want(linkKey{d.Connection, d.Operation, u.Revise.RemoteKey})
		}
		if len(u.Spawn) > 0 {
			w.records.want(d.Record)
		}
	}
	moreMoves(w, u.Moves)
}

func (o *settleOp) apply(w *work) {
	u := o.u
	u.Applied, u.Released = false, nil
	d := w.deliveries.get(u.Delivery)
	if d == nil || !w.guard("settle.from", len(u.From) == 0 || slices.Contains(u.From, d.State)) ||
		!w.guard("settle.can", ledger.CanMove(d.State, u.To)) ||
		!w.guard("settle.revision", u.IfRevision == nil || *u.IfRevision == d.Revision) || !o.rekey(w, d) {
		return
	}
	d = w.deliveries.edit(u.Delivery)
	d.Clean, d.Absent = u.Clean, u.Absent
	if u.Ticket != "" {
		d.Ticket = u.Ticket
	}
	if u.Progress != nil {
		d.Progress = u.Progress
	}
	if u.CountTry {
		d.Attempts++
	}
	if u.Revise != nil {
		before := d.Payload
		w.revise(d, u.Revise)
		if u.Edit != nil {
			w.keepEdit(ledger.Edit{Delivery: d.ID, Revision: d.Revision, Before: before, After: d.Payload}, u.Edit)
		}
	}
	o.refund(w)
	w.addKeys(d.Doc, o.keys, o.kinds)
	o.attempt(w, d)
	if u.Link != nil {
		w.link(d, u.Link)
	}
	if u.To == ledger.Withdrawn {
		w.remember(*d, u.Cause)
	}
	if len(u.Spawn) > 0 {
		if r := w.records.get(d.Record); r != nil {
			w.create(*r, o.spawn)
		}
	}
	d.NextAt = trunc(u.NextAt)
	w.move(d.ID, u.To, moved{u.Code, u.Text, u.Cause, u.Holds})
	if u.To == ledger.Blocked {
		w.block(d.ID, settleLocal(o.deps, u.Spawn))
	}
	w.rest()
	for _, m := range u.Moves {
		cause := m.Cause
		if cause == 0 {
			cause = d.ID
		}
		w.applyMove(m, cause)
	}
	w.report(u.Spawn)
	u.Released = w.takeReleased(u.Spawn...)
	u.Applied = true
}

// rekey is the guard of a new remote key: never after the first send, and never one
// that another record key has.
func (o *settleOp) rekey(w *work, d *ledger.Delivery) bool {
	v := o.u.Revise
	if v == nil {
		return true
	}
	v.Clash = false
	if v.RemoteKey == "" || v.RemoteKey == d.RemoteKey {
		return true
	}
	k := linkKey{d.Connection, d.Operation, v.RemoteKey}
	l := w.links.get(k)
	if !w.guard("revise.sent", d.RemoteKey == "" || d.Attempts == 0) || !w.guard("revise.clash", l == nil || l.Doc == d.Doc) {
		v.Clash = true
		return false
	}
	if l == nil {
		w.links.add(k, ledger.Link{Connection: k.connection, Operation: k.operation, RemoteKey: k.remoteKey, Doc: d.Doc,
			Generation: d.Generation, UpdatedAt: w.now})
	}
	return true
}

func (w *work) revise(d *ledger.Delivery, v *ledger.Revision) {
	if v.Payload != nil {
		d.Payload, d.Digest = w.pack.put(d.Connection, "delivery", v.Payload), v.Digest
	}
	if v.MapVersion != "" {
		d.MapVersion = v.MapVersion
	}
	if v.RemoteKey != "" {
		d.RemoteKey = v.RemoteKey
	}
	if v.Generation != 0 {
		d.Generation = v.Generation
	}
	if v.Bump {
		d.Revision++
	}
}

func (o *settleOp) refund(w *work) {
	b := o.u.Refund
	if b == nil {
		return
	}
	k := budgetKey{b.Connection, b.Operation, b.Key}
	if used := w.budgets.get(k); used != nil && *used > 0 {
		*w.budgets.edit(k)--
	}
}

// attempt appends the try, or the act of the person who settled it.
func (o *settleOp) attempt(w *work, d *ledger.Delivery) {
	u := o.u
	if u.Attempt == nil {
		w.person(d.ID, u.Who, u.Code, u.Text, u.To)
		return
	}
	a := *u.Attempt
	a.Delivery = d.ID
	if a.N == 0 {
		a.N = d.Attempts
	}
	if a.State == "" {
		a.State = u.To
	}
	if a.Who == "" {
		a.Who = u.Who
	}
	if len(a.Body) > 0 {
		a.Exchange = w.pack.put(d.Connection, "exchange", a.Body)
	}
	w.attempts = append(w.attempts, attemptRow{w.s.ids.attempt.next(), a})
}

func (w *work) link(d *ledger.Delivery, c *ledger.LinkChange) {
	k := linkKeyOf(c)
	l := w.links.get(k)
	c.Clash = l != nil && !w.guard("link.clash", l.Doc == d.Doc)
	if c.Clash {
		return
	}
	if l == nil {
		l = w.links.add(k, ledger.Link{Connection: k.connection, Operation: k.operation, RemoteKey: k.remoteKey, Doc: d.Doc,
			Generation: c.Generation})
	} else {
		l = w.links.edit(k)
	}
	l.UpdatedAt = w.now
	if c.Reset && c.Generation >= l.Generation {
		l.Applied, l.Version, l.Digest, l.RemoteIDs, l.Generation = 0, 0, ledger.Digest{}, nil, c.Generation
		l.Withdrawn, l.WithdrawnBy = false, 0
		return
	}
	ids := slices.Clone(l.RemoteIDs) // the old slice may be in the cache
	for _, id := range c.RemoteIDs {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	l.RemoteIDs = ids
	if w.guard("link.generation", c.Generation >= l.Generation) {
		if c.Generation > l.Generation {
			l.Generation, l.Withdrawn, l.WithdrawnBy = c.Generation, false, 0
		}
		if c.Applied {
			l.Applied, l.Version, l.Digest = d.ID, c.Version, c.Digest
		}
		if c.Withdrawn != nil {
			l.Withdrawn, l.WithdrawnBy = *c.Withdrawn, 0
			if *c.Withdrawn {
				l.WithdrawnBy = d.ID
			}
		}
	}
	if w.refers(k) || l.Withdrawn {
		w.changed(reference(k))
		w.rest()
	}
}
