package sqlledger

import (
	"slices"

	"github.com/minihub/minihub/pipelines/ledger"
)

type routeOp struct {
	u     *ledger.Route
	new   newDeliveries
	keys  []int64
	kinds []string
}

func (s *Store) prepareRoute(u *ledger.Route) (op, error) {
	c := &checker{what: "route"}
	switch u.To {
	case ledger.RecordReceived, ledger.RecordRouted, ledger.RecordNoTarget, ledger.RecordParked, ledger.RecordSuperseded:
	default:
		c.fail("%q is not a state of a record", u.To)
	}
	for _, t := range []string{u.Code, u.Text, u.Label, u.Amount.Currency} {
		c.text("code, text or label", t)
	}
	c.edit(u.Edit)
	o := &routeOp{u: u}
	o.new = c.deliveries(u.Deliveries)
	c.moves(u.Moves, len(u.Deliveries))
	o.keys, o.kinds = s.search.hash(c, u.Keys)
	return o, c.err
}

// newDeliveries are the deliveries a unit creates. What was asked is kept apart from
// the unit: the results overwrite that, and a batch may be tried again.
type newDeliveries struct {
	units []*ledger.NewDelivery
	asked []ledger.NewDelivery
	deps  [][]target
}

func (c *checker) deliveries(ns []*ledger.NewDelivery) newDeliveries {
	nd := newDeliveries{ns, make([]ledger.NewDelivery, len(ns)), make([][]target, len(ns))}
	for i, n := range ns {
		nd.asked[i] = *n
		c.key("delivery's connection", n.Connection)
		c.key("delivery's operation", n.Operation)
		c.key("delivery's remote key", n.RemoteKey)
		for _, t := range []string{n.Flow, n.Step, n.Code, n.Text, n.MapVersion, n.Undoes} {
			c.text("delivery", t)
		}
		switch n.State {
		case ledger.Blocked, ledger.Ready, ledger.Parked, ledger.Filtered, ledger.Superseded:
		default:
			c.fail("a delivery cannot be created as %q", n.State)
		}
		nd.deps[i] = c.deps(n.Deps, len(ns))
	}
	return nd
}

func (c *checker) moves(ms []*ledger.Move, created int) {
	for _, m := range ms {
		c.state("move to", m.To)
		c.text("move's code", m.Code)
		c.text("move's text", m.Text)
		c.text("move's person", m.Who)
		if m.CauseNew >= created && created > 0 {
			c.fail("move: CauseNew %d, and the unit has %d new deliveries", m.CauseNew, created)
		}
	}
}

func (o *routeOp) want(w *work) {
	w.records.want(o.u.Record)
	o.new.want(w)
	wantMoves(w, o.u.Moves)
}

func (nd newDeliveries) want(w *work) {
	for i, n := range nd.units {
		if n.Claim && n.RemoteKey != "" {
			w.links.want(linkKey{n.Connection, n.Operation, n.RemoteKey})
		}
		for _, t := range nd.deps[i] {
			w.wantDep(t)
		}
	}
}

func wantMoves(w *work, ms []*ledger.Move) {
	for _, m := range ms {
		w.deliveries.want(m.Delivery)
		if m.To.Final() {
			w.deps.wantTarget(predecessor(m.Delivery))
		}
	}
}

func (o *routeOp) more(w *work) { moreMoves(w, o.u.Moves) }

func moreMoves(w *work, ms []*ledger.Move) {
	for _, m := range ms {
		if d := w.deliveries.get(m.Delivery); d != nil {
			if d.State == ledger.Blocked {
				w.deps.wantDelivery(d.ID)
			}
			if m.To == ledger.Withdrawn && d.RemoteKey != "" {
				w.links.want(linkKey{d.Connection, d.Operation, d.RemoteKey})
			}
		}
	}
}

func (o *routeOp) apply(w *work) {
	u := o.u
	u.Applied, u.Released = false, nil
	from := u.From
	if len(from) == 0 {
		from = []ledger.RecordState{ledger.RecordReceived}
	}
	r := w.records.get(u.Record)
	if r == nil || !w.guard("route.state", slices.Contains(from, r.State)) ||
		!w.guard("route.revision", u.IfRevision == nil || *u.IfRevision == r.Revision) {
		return
	}
	r = w.records.edit(u.Record)
	r.State, r.Code, r.Text = u.To, u.Code, u.Text
	if u.Label != "" {
		r.Label = u.Label
	}
	if u.Amount.Currency != "" {
		r.Amount = u.Amount
	}
	if u.Replay {
		r.Revision++
	}
	if u.Edit != nil {
		w.keepEdit(ledger.Edit{Record: r.ID, Revision: r.Revision, After: w.pack.put(r.DocKey.Connection, "record", u.Edit.Document)}, u.Edit)
	}
	w.addKeys(r.Doc, o.keys, o.kinds)
	w.create(*r, o.new)
	for _, m := range u.Moves {
		cause := m.Cause
		if cause == 0 && m.CauseNew >= 0 && m.CauseNew < len(u.Deliveries) {
			cause = u.Deliveries[m.CauseNew].ID
		}
		w.applyMove(m, cause)
	}
	w.report(u.Deliveries)
	u.Released = w.takeReleased(u.Deliveries...)
	u.Applied = true
}

// create inserts new deliveries of a record.
func (w *work) create(r ledger.Record, nd newDeliveries) {
	for i := range nd.asked {
		n := &nd.asked[i]
		d := ledger.Delivery{
			ID: w.s.ids.delivery.next(), Record: r.ID, Doc: r.Doc, Source: r.DocKey.Connection, Root: r.Root, Version: r.Version, Flow: n.Flow, Step: n.Step,
			Connection: n.Connection, Operation: n.Operation, RemoteKey: n.RemoteKey, Generation: n.Generation,
			Revision: n.Revision, State: n.State, Code: n.Code, Text: n.Text, Clean: true, Digest: n.Digest,
			MapVersion: n.MapVersion, Cause: n.Cause, Undoes: n.Undoes, Amount: r.Amount, CreatedAt: w.now, UpdatedAt: w.now,
			Payload: w.pack.put(n.Connection, "delivery", n.Payload),
		}
		if n.Claim && n.RemoteKey != "" {
			w.claim(&d, n)
		}
		d.Holds = d.State == ledger.Parked && n.Holds
		w.deps.loadedD[d.ID] = true
		w.deliveries.add(d.ID, d)
		w.roots.delivery(d.Root, d.ID)
		nd.units[i].ID = d.ID
	}
	for i, n := range nd.units {
		if w.deliveries.get(n.ID).State == ledger.Blocked {
			w.block(n.ID, settleLocal(nd.deps[i], nd.units))
		}
	}
	w.rest()
}

// report fills in what the new deliveries have become.
func (w *work) report(ns []*ledger.NewDelivery) {
	for _, n := range ns {
		d := w.deliveries.get(n.ID)
		n.State, n.Code, n.Cause = d.State, d.Code, d.Cause
	}
}

// claim takes the remote key for the delivery's record key, or says in the delivery
// why it cannot go.
func (w *work) claim(d *ledger.Delivery, n *ledger.NewDelivery) {
	k := linkKey{d.Connection, d.Operation, d.RemoteKey}
	l := w.links.get(k)
	live := d.State == ledger.Blocked || d.State == ledger.Ready
	switch {
	case l == nil:
		w.links.add(k, ledger.Link{Connection: k.connection, Operation: k.operation, RemoteKey: k.remoteKey, Doc: d.Doc,
			Generation: d.Generation, UpdatedAt: w.now})
	case !w.guard("claim.clash", l.Doc == d.Doc):
		if live || d.State == ledger.Parked {
			d.State, d.Code = ledger.Parked, ledger.CodeKeyClash
			d.Text = "the remote key belongs to another document of this connection and operation"
		}
	case live && l.Withdrawn && n.Undoes == "" && !n.Event && d.Generation <= l.Generation &&
		!w.guard("claim.withdrawn", false):
		d.State, d.Code, d.Cause = ledger.Superseded, ledger.CodeWithdrawn, l.WithdrawnBy
		d.Text = "it was undone before"
	}
}

func (w *work) applyMove(m *ledger.Move, cause int64) {
	m.Applied = false
	d := w.deliveries.get(m.Delivery)
	switch {
	case d == nil,
		!w.guard("move.from", len(m.From) == 0 || slices.Contains(m.From, d.State)),
		!w.guard("move.can", ledger.CanMove(d.State, m.To)),
		!w.guard("move.clean", !m.NeedClean || d.Clean):
		return
	}
	if m.To == ledger.Withdrawn {
		w.remember(*d, cause)
	}
	w.move(m.Delivery, m.To, moved{m.Code, m.Text, cause, m.Holds})
	w.rest()
	w.person(m.Delivery, m.Who, m.Code, m.Text, m.To)
	m.Applied = true
}

// person appends the act of a person.
func (w *work) person(delivery int64, who, code, text string, to ledger.State) {
	if who != "" {
		w.attempts = append(w.attempts, attemptRow{w.s.ids.attempt.next(), ledger.Attempt{Delivery: delivery,
			N: w.deliveries.get(delivery).Attempts, Kind: "person", StartedAt: w.now, EndedAt: w.now, State: to, Code: code,
			Text: text, Who: who}})
	}
}
