package tryton

import (
	"context"
	"encoding/json"

	"github.com/minihub/minihub/connectors"
)

// cancelDoc is a document of sale.cancel.
type cancelDoc struct {
	Reference string `json:"reference"`
}

// cancelSale cancels a sale, or takes it back when it is processed.
func (r *run) cancelSale(ctx context.Context, d connectors.Delivery) connectors.Result {
	s, err := r.cancel(ctx, d)
	res := connectors.Result{ID: d.ID, Exchanges: r.made}
	if err != nil {
		res.Outcome, res.Err = outcome(err), err
		if r.wrote && res.Outcome != connectors.Unknown {
			// It is half done; what is left to do, or why it cannot be done, the next attempt
			// finds before it writes anything.
			res.Outcome, res.Err.Sent = connectors.Unknown, true
		}
		return res
	}
	res.Outcome = connectors.Done
	if s != nil {
		res.RemoteIDs = s.names()
	}
	return res
}

// cancel ends a sale from whatever state it is in. nil is one that is gone.
func (r *run) cancel(ctx context.Context, d connectors.Delivery) (*saleRow, *connectors.Error) {
	s, gone, err := r.toCancel(ctx, d)
	if err != nil || gone {
		return nil, err
	}
	step := func(button string) *connectors.Error {
		if err := r.act(ctx, "model.sale.sale."+button, ids(s.ID)); err != nil {
			return err
		}
		now, err := r.sale(ctx, s.ID)
		if err != nil {
			return err
		}
		if now == nil {
			return conflict("gone", "the sale vanished at %s", button)
		}
		s = now
		return save(ctx, d, progress{Sale: s.ID})
	}
	if s.State == confirmed { // it waits for the server's queue
		if err := step("draft"); err != nil {
			return nil, err
		}
	}
	switch {
	case s.dead():
		return s, nil
	case s.State == draft || s.State == quotation:
		if err := step("cancel"); err != nil {
			return nil, err
		}
	case s.State == processing || s.State == finished:
		return r.takeBack(ctx, d, s)
	}
	if s.State != cancelled {
		return nil, conflict("state", "after cancel the sale is in state %s", s.State)
	}
	return s, nil
}

// sale reads one sale; nil when it is gone.
func (r *run) sale(ctx context.Context, sale id) (*saleRow, *connectors.Error) {
	rows, err := r.sales(ctx, domain(is("id", "=", int64(sale))), 1)
	return first(rows), err
}

// act takes a step: from then on it is not as if nothing had happened.
func (r *run) act(ctx context.Context, method string, params ...any) *connectors.Error {
	err := r.call(ctx, nil, method, params...)
	r.wrote = r.wrote || err == nil
	return err
}

// toCancel finds the sale: by the id that sale.push or an earlier attempt left, else by
// the reference. A sale known by id that is gone has been cancelled: Tryton deletes no
// other.
func (r *run) toCancel(ctx context.Context, d connectors.Delivery) (s *saleRow, gone bool, _ *connectors.Error) {
	var c cancelDoc
	if err := decode(d.Document, "vendors/tryton/sale.cancel", &c); err != nil {
		return nil, false, err
	}
	if known := knownSale(d); known != 0 {
		s, err := r.sale(ctx, known)
		return s, err == nil && s == nil, err
	}
	reference := or(c.Reference, d.Key)
	s, _, err := r.saleByReference(ctx, reference)
	if err == nil && s == nil {
		err = &connectors.Error{Kind: connectors.NotFound, Scope: doc, Code: "tryton.reference", Text: "Tryton has no sale with this reference"}
	}
	return s, false, err
}

func knownSale(d connectors.Delivery) id {
	var p progress
	if len(d.Progress) > 0 && json.Unmarshal(d.Progress, &p) == nil && p.Sale != 0 {
		return p.Sale
	}
	for _, remote := range d.RemoteIDs {
		var sale id
		if remote.Kind == "sale" && json.Unmarshal([]byte(remote.Value), &sale) == nil {
			return sale
		}
	}
	return 0
}

// lookCancel tells whether the sale is cancelled or taken back. A return that an earlier
// attempt left unfinished is handed back as progress: the next one carries it on.
func (r *run) lookCancel(ctx context.Context, d connectors.Delivery) (connectors.Finding, *connectors.Error) {
	s, gone, err := r.toCancel(ctx, d)
	switch {
	case err != nil && err.Kind == connectors.NotFound:
		return connectors.Finding{Presence: connectors.Absent}, nil
	case err != nil:
		return connectors.Finding{}, err
	case gone:
		return connectors.Finding{Presence: connectors.Same}, nil
	case s.dead():
		return connectors.Finding{Presence: connectors.Same, RemoteIDs: s.names()}, nil
	}
	backs, err := r.returns(ctx, s.ID)
	if err != nil {
		return connectors.Finding{}, err
	}
	for i := range backs {
		if !backs[i].ours(r.who().id) {
			continue
		}
		p, jsonErr := json.Marshal(progress{Sale: s.ID, Return: backs[i].ID})
		if jsonErr != nil {
			return connectors.Finding{}, unreadable(nil, "progress cannot be written")
		}
		return connectors.Finding{Presence: connectors.Other, Progress: p, RemoteIDs: s.names()}, nil
	}
	return connectors.Finding{Presence: connectors.Absent, RemoteIDs: s.names()}, nil
}
