package reconcile

import (
	"context"
	"errors"

	"github.com/minihub/minihub/pipelines/ledger"
)

// expectation is what the ledger says the target should have of one document.
type expectation struct {
	st         *targetStep
	doc        *document
	state      expected
	why        string // look-alike, kind of never, state in flight
	base       string // remote key
	key        string // with its generation, as the target knows it
	generation int
	applied    *ledger.Delivery // whose document the target should hold
	row        *ledger.Delivery // the delivery that decides
	counted    bool             // belongs to the totals of the window
	hub        facts            // what was applied, as the target would hold it
	moneyless  bool             // the target shows no amounts
}

// expected is the ledger's verdict.
type expected int

const (
	nothing   expected = iota // the target needs nothing: why says so
	inFlight                  // not finished
	parked                    // waits for a person
	unsure                    // unknown, or parked after an unsure attempt
	never                     // should have been delivered and was not
	delivered                 // applied
	withdrawn                 // undone with a receipt, or before it started
)

func (e *expectation) needsRows() bool {
	switch e.state {
	case unsure, delivered, withdrawn, never:
		return e.key != ""
	}
	return false
}

// provenAbsent reports whether the target's list alone proves that a document is not
// there: it would have to be in it.
func (e *expectation) provenAbsent(v *view) bool {
	if !v.complete || e.applied == nil {
		return false
	}
	at := e.applied.UpdatedAt
	if at.Before(v.from) || !at.Before(v.to) {
		return false
	}
	// Later changes move a document out of a list by change, unless the list reaches now.
	return v.listing.By == "created" || !v.to.Before(v.run.now)
}

// undecided counts a document that could be neither found nor missed.
func (e *expectation) undecided(b *book) {
	if e.state == unsure {
		e.unresolved(b)
	}
}

// unresolved is an unsure delivery whose document was not seen.
func (e *expectation) unresolved(b *book) {
	if e.row.State == ledger.Parked {
		b.find(e.parkedRow())
		return
	}
	b.inFlight(e.st.place, string(e.row.State))
}

func (e *expectation) finding(kind Kind, why, heal, text string) Finding {
	f := e.doc.finding(e.st.place, kind, why, heal, text)
	f.Key = e.key
	if e.hub.currency != "" {
		f.Amount, f.Currency = e.hub.amount, e.hub.currency
	}
	if r := e.row; r != nil {
		f.Delivery, f.State, f.Code = r.ID, string(r.State), r.Code
	}
	return f
}

func (e *expectation) parkedRow() Finding {
	return e.finding(Parked, WhyDelivery, "", e.row.Text)
}

// judge reads a document's deliveries to one step and their link.
func (t *target) judge(ctx context.Context, st *targetStep, d *document) (*expectation, error) {
	e := &expectation{st: st, doc: d}
	rows, err := t.r.opt.Ledger.RootDeliveries(ctx, d.rec.root)
	if err != nil {
		return nil, err
	}
	var last *ledger.Delivery // newest that was not merely overtaken
	unfinished, waits, doubt := (*ledger.Delivery)(nil), (*ledger.Delivery)(nil), (*ledger.Delivery)(nil)
	for i := len(rows) - 1; i >= 0; i-- {
		r := &rows[i]
		if r.Doc != d.rec.doc || r.Connection != t.connection {
			continue
		}
		undo := r.Undoes == t.operation
		if !undo && (r.Operation != t.operation || !t.deliveredBy(st, r)) {
			continue
		}
		if !undo {
			if last == nil && r.State != ledger.Superseded {
				last = r
			}
			if e.base == "" {
				e.base, e.generation = r.RemoteKey, r.Generation
			}
		}
		switch {
		case !undo && doubt == nil && (r.State == ledger.Unknown || r.State == ledger.Parked && !r.Clean && r.Attempts > 0):
			doubt = r
		case waits == nil && r.State == ledger.Parked:
			waits = r
		case unfinished == nil && !r.State.Final():
			unfinished = r
		}
	}
	link, err := t.linkOf(ctx, e)
	if err != nil {
		return nil, err
	}
	e.row = last
	switch {
	case doubt != nil:
		e.state, e.row, e.generation = unsure, doubt, doubt.Generation
	case unfinished != nil:
		e.state, e.row, e.why = inFlight, unfinished, string(unfinished.State)
	case waits != nil:
		e.state, e.row = parked, waits
	case d.rec.state == ledger.RecordReceived && link == nil:
		e.state, e.why = inFlight, string(d.rec.state)
	case last != nil && last.State == ledger.Discarded:
		e.why = "discarded"
	case link != nil && link.Withdrawn:
		e.state = withdrawn
	case link != nil && link.Applied != 0:
		e.state = delivered
	default:
		e.unsent(last)
	}
	if e.base != "" {
		e.key = keyOf(t.decl, e.base, e.generation)
	}
	if link != nil && link.Applied != 0 {
		if e.applied, err = t.r.opt.Ledger.Delivery(ctx, link.Applied); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// deliveredBy reports whether a step made a delivery, under its name or one that the
// flows no longer have.
func (t *target) deliveredBy(st *targetStep, r *ledger.Delivery) bool {
	if r.Flow == st.flow.Name && r.Step == st.step.Name {
		return true
	}
	f := t.r.opt.Engine.Flows()[r.Flow]
	return f == nil || f.StepNamed(r.Step) == nil
}

func (t *target) linkOf(ctx context.Context, e *expectation) (*ledger.Link, error) {
	if e.base == "" {
		return nil, nil
	}
	l, err := t.r.opt.Ledger.Link(ctx, t.connection, t.operation, e.base)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil || l.Doc != e.doc.rec.doc {
		return nil, err
	}
	e.generation = max(e.generation, l.Generation)
	return l, nil
}

// The engine's codes of deliveries that were filtered because nothing was sent to the
// target at the time; they are stored and stable.
const (
	codeTargetOff = "target.off"
	codeShadow    = "target.shadow"
)

// unsent is the verdict on a document of which nothing was ever applied.
func (e *expectation) unsent(last *ledger.Delivery) {
	rec := e.doc.rec
	switch {
	case e.doc.gone():
		e.why = "gone_unsent"
	case last == nil && rec.state == ledger.RecordParked:
		e.why = "record_parked" // said of the source
	case last == nil && e.st.flow.When != nil:
		e.why = "not_routed" // the flow's condition may have said no
	case last == nil:
		e.state, e.why = never, WhyNotRouted
	case last.State == ledger.Filtered && (last.Code == codeTargetOff || last.Code == codeShadow):
		e.state, e.why = never, WhyNotSent
	default:
		e.why = string(last.State)
	}
}
