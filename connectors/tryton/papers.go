package tryton

import (
	"context"
	"fmt"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// papers is what a processed sale led to: its invoices, its goods movements and the
// shipments that hold those.
type papers struct {
	Invoices  []invoiceRow
	Moves     []moveRow
	Shipments []shipmentRow
	shared    string // a shipment that holds goods of other sales, too
}

// invoiceRow is an account.invoice. Exception tells what was decided about a cancelled
// one: ignored, recreated, or nothing yet.
type invoiceRow struct {
	ID        id     `json:"id"`
	Number    string `json:"number"`
	State     string `json:"state"`
	Exception string `json:"sale_exception_state"`
	Sales     []id   `json:"sales"`
}

type moveRow struct {
	ID        id     `json:"id"`
	State     string `json:"state"`
	Shipment  string `json:"shipment"`
	Exception string `json:"sale_exception_state"`
	Sale      id     `json:"sale"`
}

type shipmentRow struct {
	ID     id     `json:"id"`
	Number string `json:"number"`
	State  string `json:"state"`
}

const shipmentOut = "stock.shipment.out,"

// papers reads them afresh.
func (r *run) papers(ctx context.Context, sale id) (*papers, *connectors.Error) {
	p := &papers{}
	err := r.call(ctx, &p.Invoices, "model.account.invoice.search_read", domain(is("sales", "=", int64(sale))), 0, nil, order,
		names("number", "state", "sale_exception_state", "sales"))
	if err != nil {
		return nil, err
	}
	moveFields := names("state", "shipment", "sale_exception_state", "sale")
	if err := r.call(ctx, &p.Moves, "model.stock.move.search_read", domain(is("sale", "=", int64(sale))), 0, nil, order, moveFields); err != nil {
		return nil, err
	}
	held := p.shipments()
	if len(held) == 0 {
		return p, nil
	}
	var in []string
	for _, sh := range held {
		in = append(in, shipmentOut+sh.String())
	}
	var all []moveRow
	if err := r.call(ctx, &all, "model.stock.move.search_read", domain(is("shipment", "in", names(in...))), 0, nil, order, moveFields); err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.Sale != 0 && m.Sale != sale {
			p.shared = strings.TrimPrefix(m.Shipment, shipmentOut)
		}
	}
	err = r.call(ctx, &p.Shipments, "model.stock.shipment.out.search_read", domain(is("id", "in", ids(held...))), 0, nil, order, names("number", "state"))
	return p, err
}

// shipments are the ids of the customer shipments that the moves are in.
func (p *papers) shipments() []id {
	var out []id
	seen := map[string]bool{}
	for _, m := range p.Moves {
		text, ok := strings.CutPrefix(m.Shipment, shipmentOut)
		if !ok || seen[text] {
			continue
		}
		seen[text] = true
		var sh id
		if _, err := fmt.Sscan(text, &sh); err == nil {
			out = append(out, sh)
		}
	}
	return out
}

// stuck says why a program must not take the sale back: goods or money have moved, or
// others have a part in it.
func (p *papers) stuck() *connectors.Error {
	for _, i := range p.Invoices {
		switch {
		case i.State != "draft" && i.State != "validated" && i.State != cancelled:
			return stuck("invoice "+i.Number+" is "+i.State, "credit the invoice and return the sale in Tryton")
		case i.State != cancelled && len(i.Sales) > 1:
			return stuck("the draft invoice with id "+i.ID.String()+" has lines of other sales, too", "take the lines off the invoice and return the sale in Tryton")
		}
	}
	for _, s := range p.Shipments {
		switch s.State {
		case "draft", "waiting", "assigned", cancelled:
		case "done":
			return stuck("shipment "+s.Number+" has left", "wait for the goods and return the sale in Tryton")
		default:
			return stuck("shipment "+s.Number+" is "+s.State, "stop it in the warehouse, cancel it in Tryton, and replay")
		}
	}
	if p.shared != "" {
		return stuck("the shipment with id "+p.shared+" holds goods of other sales, too", "take the goods out of the shipment and return the sale in Tryton")
	}
	for _, m := range p.Moves {
		switch {
		case m.State == "done":
			return stuck("goods have moved", "return the sale in Tryton")
		case m.State != cancelled && !strings.HasPrefix(m.Shipment, shipmentOut):
			return stuck("a movement of its goods is planned outside of its shipments", "cancel the movement in Tryton, and replay")
		}
	}
	return nil
}

func stuck(why, hint string) *connectors.Error {
	e := conflict("processing", "the sale can no longer be taken back: %s", why)
	e.Hint = hint
	return e
}

// toShip are the shipments to cancel.
func (p *papers) toShip() []id {
	var out []id
	for _, s := range p.Shipments {
		if s.State != cancelled {
			out = append(out, s.ID)
		}
	}
	return out
}

// toBill are the invoices to cancel.
func (p *papers) toBill() []id {
	var out []id
	for _, i := range p.Invoices {
		if i.State != cancelled {
			out = append(out, i.ID)
		}
	}
	return out
}

// undecidedMoves and undecidedInvoices are cancelled, and Tryton waits to be told that
// they shall not be made anew.
func (p *papers) undecidedMoves() []id {
	var out []id
	for _, m := range p.Moves {
		if m.State == cancelled && m.Exception == "" {
			out = append(out, m.ID)
		}
	}
	return out
}

func (p *papers) undecidedInvoices() []id {
	var out []id
	for _, i := range p.Invoices {
		if i.State == cancelled && i.Exception == "" {
			out = append(out, i.ID)
		}
	}
	return out
}
