package trytonsim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBooksOfASaleAndItsReturns follows one reference from its sale to the day when
// nothing of it is left.
func TestBooksOfASaleAndItsReturns(t *testing.T) {
	sim, c := open(t, Options{})
	party, address := c.party("BOOKS")
	id := c.id("sale.sale.create", []any{saleOf(party, address, "S-1-g1", line(nil))})
	book := func() Book {
		return Books(sim.Sales(), func(r string) string { return strings.TrimSuffix(r, "-g1") })["S-1"]
	}
	want := func(when string, b Book) {
		t.Helper()
		if diff := cmp.Diff(b, book()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	none := map[string]string{}
	want("draft", Book{Alive: []int{id}, Amount: "0.00", Billed: "0.00", Pieces: none})
	c.must("sale.sale.quote", []any{id})
	c.must("sale.sale.confirm", []any{id})
	sold := sim.SalesByReference("S-1-g1")[0]
	piece := map[string]string{sold.Lines[0].SKUCode: sold.Lines[0].Quantity}
	want("processed", Book{Alive: []int{id}, Amount: sold.Total, Billed: sold.Total, Pieces: piece, ToShip: 1})

	act := object{"company": 1, "active_model": "sale.sale", "active_id": id, "active_ids": []any{id}}
	session := c.plain("wizard.sale.return_sale.create", object{"company": 1}).Result.([]any)
	c.plain("wizard.sale.return_sale.execute", session[0], object{"start": object{}}, "return_", act)
	back, _ := asInt(c.must("sale.sale.search", []any{[]any{"origin", "=", "sale.sale," + itoa(id)}}, 0, nil, nil).([]any)[0])
	want("a return begun", Book{Alive: []int{id}, Unfinished: []int{back}, Amount: sold.Total, Billed: sold.Total, Pieces: piece, ToShip: 1})
	c.must("sale.sale.write", []any{back}, object{"invoice_method": "manual", "shipment_method": "manual", "reference": "somebody's"})
	c.must("sale.sale.quote", []any{back})
	c.must("sale.sale.confirm", []any{back})
	want("returned, its papers open", Book{TakenBack: []int{id}, Amount: "0.00", Billed: sold.Total, Pieces: none, ToShip: 1})
	if book().Zero() {
		t.Error("an open invoice passes for nothing")
	}
	s := sim.SalesByReference("S-1-g1")[0]
	c.must("account.invoice.cancel", []any{s.Invoices[0].ID})
	c.must("stock.shipment.out.cancel", []any{s.Shipments[0].ID})
	if want("nothing left", Book{TakenBack: []int{id}, Amount: "0.00", Billed: "0.00", Pieces: none}); !book().Zero() {
		t.Error("nothing passes for something")
	}
	if r := sim.SalesByReference("somebody's")[0]; r.ReturnOf != id || s.ReturnedBy[0] != back || !s.TakenBack || r.TakenBack {
		t.Errorf("the sale is %+v, its return %+v", s, r)
	}
}

// TestAWizardAsksAboutWhatIsUndecided: it makes anew what it is told to, once.
func TestAWizardAsksAboutWhatIsUndecided(t *testing.T) {
	_, c := open(t, Options{})
	party, address := c.party("ASKS")
	id := c.id("sale.sale.create", []any{saleOf(party, address, "S-2", line(nil))})
	c.must("sale.sale.quote", []any{id})
	c.must("sale.sale.confirm", []any{id})
	invoices := c.must("account.invoice.search", []any{[]any{"sales", "=", id}}, 0, nil, nil)
	c.must("account.invoice.cancel", invoices)
	act := object{"company": 1, "active_model": "sale.sale", "active_id": id, "active_ids": []any{id}}
	session := c.plain("wizard.sale.handle.invoice.exception.create", object{"company": 1}).Result.([]any)
	asked := func() int {
		view := c.plain("wizard.sale.handle.invoice.exception.execute", session[0], object{}, "ask", act).Result.(map[string]any)["view"].(map[string]any)
		return len(view["defaults"].(map[string]any)["domain_invoices"].([]any))
	}
	if n := asked(); n != 1 {
		t.Errorf("asked about %d invoices", n)
	}
	again := object{"ask": object{"recreate_invoices": invoices, "domain_invoices": invoices}}
	for range 2 {
		c.plain("wizard.sale.handle.invoice.exception.execute", session[0], again, "handle", act)
	}
	if n := asked(); n != 0 {
		t.Errorf("asked again about %d invoices", n)
	}
	if all := c.must("account.invoice.search", []any{[]any{"sales", "=", id}}, 0, nil, nil).([]any); len(all) != 2 {
		t.Errorf("%d invoices", len(all))
	}
	a := c.plain("wizard.sale.handle.invoice.exception.execute", session[0], object{"ask": object{}}, "handle", act)
	if a.Error == nil {
		t.Error("an answer without invoices was taken")
	}
}
