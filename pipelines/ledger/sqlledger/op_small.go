package sqlledger

import "github.com/minihub/minihub/pipelines/ledger"

type startOp struct{ u *ledger.Start }

func (o *startOp) want(w *work) {
	w.deliveries.want(o.u.Delivery)
	if b := o.u.Budget; b != nil {
		w.budgets.want(budgetKey{b.Connection, b.Operation, b.Key})
	}
}

func (o *startOp) more(*work) {}

// Invariant 3: an attempt is durable, and its budget spent, before its first byte.
func (o *startOp) apply(w *work) {
	u := o.u
	u.Applied, u.OverBudget = false, false
	d := w.deliveries.get(u.Delivery)
	if d == nil || !w.guard("start.state", ledger.CanMove(d.State, ledger.Sending)) ||
		!w.guard("start.attempt", d.Attempts+1 == u.Attempt) {
		return
	}
	if b := u.Budget; b != nil {
		k := budgetKey{b.Connection, b.Operation, b.Key}
		used := w.budgets.get(k)
		switch {
		case used == nil && b.Max > 0:
			w.budgets.add(k, 1)
		case used != nil && w.guard("start.budget", *used < int64(b.Max)):
			*w.budgets.edit(k)++
		default:
			u.OverBudget = true
			return
		}
	}
	d = w.deliveries.edit(u.Delivery)
	d.Attempts++
	w.move(d.ID, ledger.Sending, moved{})
	d.Clean = w.guard("start.clean", false)
	u.Applied = true
}

type progressOp struct{ u *ledger.Progress }

func (o *progressOp) want(w *work) { w.deliveries.want(o.u.Delivery) }
func (o *progressOp) more(*work)   {}

func (o *progressOp) apply(w *work) {
	d := w.deliveries.get(o.u.Delivery)
	o.u.Applied = d != nil && w.guard("progress.state", d.State == ledger.Sending)
	if o.u.Applied {
		w.deliveries.edit(d.ID).Progress = o.u.Progress
	}
}

type lookupOp struct{ u *ledger.PutLookup }

func (o *lookupOp) key() lookupKey { return lookupKey{o.u.Table, o.u.Key} }

func (o *lookupOp) want(w *work) {
	w.lookups.want(o.key())
	w.deps.wantTarget(lookupEntry(o.key()))
}

func (o *lookupOp) more(*work) {}

func (o *lookupOp) apply(w *work) {
	u := o.u
	u.Released = nil
	old := w.lookups.get(o.key())
	switch {
	case u.Delete:
		w.lookups.remove(o.key())
	case old == nil:
		w.lookups.add(o.key(), u.Value)
	default:
		*w.lookups.edit(o.key()) = u.Value
	}
	w.history = append(w.history, historyRow{w.s.ids.history.next(), ledger.LookupChange{Table: u.Table, Key: u.Key,
		Value: u.Value, Deleted: u.Delete, Who: u.Who, Why: u.Why, At: w.now}})
	if !u.Delete {
		w.changed(lookupEntry(o.key()))
		w.rest()
	}
	u.Released = w.takeReleased()
}

type gateOp struct{ u *ledger.PutGate }

func (o *gateOp) key() gateKey { return gateKey{o.u.Gate.Connection, o.u.Gate.Operation} }

func (o *gateOp) want(w *work) { w.gates.want(o.key()) }
func (o *gateOp) more(*work)   {}

func (o *gateOp) apply(w *work) {
	g := o.u.Gate
	g.Since, g.Until = trunc(g.Since), trunc(g.Until)
	old := w.gates.get(o.key())
	switch {
	case o.u.Open:
		w.gates.remove(o.key())
	case old == nil:
		w.gates.add(o.key(), g)
	default:
		*w.gates.edit(o.key()) = g
	}
}
