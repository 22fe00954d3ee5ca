package tryton

import (
	"context"
	"encoding/json"

	"github.com/minihub/minihub/connectors"
)

// takeBack undoes a processed sale of which no goods and no money have moved. Tryton
// cancels no such sale; what it offers is to cancel its shipments and draft invoices, to
// say that they shall not be made anew (wizards sale.handle.shipment.exception and
// sale.handle.invoice.exception), and to return the sale (wizard sale.return_sale).
//
// A return alone would leave both invoices and both shipments open; the papers alone
// would leave the sale in the turnover. Together they leave nothing: the return is told to
// make no papers of its own, since those that it would answer to are gone. It comes
// last: from its confirmation on the sale counts as taken back.
//
// Every step looks first at what is there, so that an attempt goes on where an earlier
// one ended, and nothing is returned twice.
func (r *run) takeBack(ctx context.Context, d connectors.Delivery, s *saleRow) (*saleRow, *connectors.Error) {
	if s.returned() {
		return nil, conflict("return", "the sale with id %s is itself a return", s.ID)
	}
	p, err := r.papers(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if err := p.stuck(); err != nil {
		return nil, err
	}
	back, err := r.unfinishedReturn(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := r.cancelPapers(ctx, d, s, p); err != nil {
		return nil, err
	}
	if back == nil {
		if err := r.wizard(ctx, s.ID, "sale.return_sale", "return_", map[string]any{"start": map[string]any{}}); err != nil {
			return nil, err
		}
		if back, err = r.unfinishedReturn(ctx, s); err != nil {
			return nil, err
		}
		if back == nil {
			return nil, conflict("return", "Tryton made no return of the sale")
		}
	}
	if err := save(ctx, d, progress{Sale: s.ID, Return: back.ID}); err != nil {
		return nil, err
	}
	if err := r.confirmReturn(ctx, d, s, back); err != nil {
		return nil, err
	}
	now, err := r.sale(ctx, s.ID)
	if err == nil && (now == nil || !now.Undone) {
		err = conflict("return", "the return %s is confirmed and does not take all of the sale back", back.display())
	}
	return now, err
}

// unfinishedReturn finds the return that an earlier attempt began. One that people made
// or confirmed is theirs: nobody but they know what it is to become.
func (r *run) unfinishedReturn(ctx context.Context, s *saleRow) (*saleRow, *connectors.Error) {
	backs, err := r.returns(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	for i := range backs {
		if !backs[i].ours(r.who().id) {
			e := conflict("return", "the sale has a return, %s in state %s, that is not the hub's to finish", backs[i].display(), backs[i].State)
			e.Hint = "finish the return in Tryton, or cancel it and replay"
			return nil, e
		}
	}
	if len(backs) > 1 {
		// Two requests crossed: one return is enough.
		var spare []id
		for _, b := range backs[1:] {
			spare = append(spare, b.ID)
		}
		if err := r.act(ctx, "model.sale.sale.cancel", ids(spare...)); err != nil {
			return nil, err
		}
	}
	return first(backs), nil
}

func (s *saleRow) display() string {
	return "number " + or(s.Number, "none") + " (id " + s.ID.String() + ")"
}

// cancelPapers cancels shipments first, so that nothing leaves meanwhile, then invoices,
// and settles the exceptions that this leads to.
func (r *run) cancelPapers(ctx context.Context, d connectors.Delivery, s *saleRow, p *papers) *connectors.Error {
	for _, step := range []struct {
		these func(*papers) []id
		do    func([]id) *connectors.Error
		what  string
	}{
		{(*papers).toShip, func(list []id) *connectors.Error {
			return r.act(ctx, "model.stock.shipment.out.cancel", ids(list...))
		}, "a shipment cannot be cancelled"},
		{(*papers).undecidedMoves, func(list []id) *connectors.Error {
			return r.wizard(ctx, s.ID, "sale.handle.shipment.exception", "handle",
				map[string]any{"ask": map[string]any{"recreate_moves": []any{}, "domain_moves": ids(list...)}})
		}, "Tryton does not give the goods up"},
		{(*papers).toBill, func(list []id) *connectors.Error {
			return r.act(ctx, "model.account.invoice.cancel", ids(list...))
		}, "an invoice cannot be cancelled"},
		{(*papers).undecidedInvoices, func(list []id) *connectors.Error {
			return r.wizard(ctx, s.ID, "sale.handle.invoice.exception", "handle",
				map[string]any{"ask": map[string]any{"recreate_invoices": []any{}, "domain_invoices": ids(list...)}})
		}, "Tryton does not give the invoice up"},
	} {
		list := step.these(p)
		if len(list) == 0 {
			continue
		}
		if err := step.do(list); err != nil {
			return err
		}
		if err := save(ctx, d, progress{Sale: s.ID}); err != nil {
			return err
		}
		now, err := r.papers(ctx, s.ID)
		if err != nil {
			return err
		}
		if err := now.stuck(); err != nil {
			return err
		}
		if len(step.these(now)) > 0 {
			return conflict("state", "%s", step.what)
		}
		*p = *now
	}
	return nil
}

// confirmReturn checks that the return leaves nothing of the sale and takes it to its
// confirmation.
func (r *run) confirmReturn(ctx context.Context, d connectors.Delivery, s, back *saleRow) *connectors.Error {
	if !settles(s, []saleRow{*back}) {
		e := conflict("return", "the return %s does not have the lines of the sale", back.display())
		e.Hint = "cancel the return in Tryton, and replay"
		return e
	}
	step := func(method string, params ...any) *connectors.Error {
		if err := r.act(ctx, "model.sale.sale."+method, append([]any{ids(back.ID)}, params...)...); err != nil {
			return err
		}
		now, err := r.head(ctx, back.ID)
		if err != nil {
			return err
		}
		if now == nil {
			return conflict("gone", "the return vanished at %s", method)
		}
		back = now
		return save(ctx, d, progress{Sale: s.ID, Return: back.ID})
	}
	if back.State == quotation { // perhaps not with the methods that are written below
		if err := step("draft"); err != nil {
			return err
		}
	}
	if back.State == draft {
		if err := step("write", map[string]any{"invoice_method": "manual", "shipment_method": "manual"}); err != nil {
			return err
		}
		if err := step("quote"); err != nil {
			return err
		}
	}
	if back.State == quotation {
		if err := step("confirm"); err != nil {
			return err
		}
	}
	if back.State == confirmed { // with a queue of its own the server processes later
		if err := step("process"); err != nil {
			return err
		}
	}
	if !back.confirmed() {
		return conflict("state", "after confirm the return is in state %s", back.State)
	}
	return nil
}

// wizard takes one step of a wizard on a sale.
func (r *run) wizard(ctx context.Context, sale id, name, state string, data map[string]any) *connectors.Error {
	var opened []json.RawMessage // the session's id, the first state and the last
	var session id
	if err := r.callOn(ctx, sale, &opened, "wizard."+name+".create"); err != nil {
		return err
	}
	if len(opened) == 0 || json.Unmarshal(opened[0], &session) != nil {
		return unreadable(nil, "the wizard "+name+" gave no session")
	}
	if err := r.callOn(ctx, sale, nil, "wizard."+name+".execute", int64(session), data, state); err != nil {
		return err
	}
	r.wrote = true
	return r.callOn(ctx, sale, nil, "wizard."+name+".delete", int64(session))
}
