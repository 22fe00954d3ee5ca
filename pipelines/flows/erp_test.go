package flows_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines/flow"
)

// erpStep delivers what a step for the ERP makes of a document, under a generation of its
// key: "" or "-g1". ids are those of what it undoes.
func (w *world) erpStep(t *testing.T, step string, raw any, generation string, ids []connectors.RemoteID) (key string, _ connectors.Result) {
	t.Helper()
	f, ctx := w.flows["orders"], at(store("shop-a"))
	i := slices.IndexFunc(f.Steps, func(s *flow.Step) bool { return s.Name == step })
	if i < 0 {
		t.Fatalf("the flow has no step %s", step)
	}
	s := f.Steps[i]
	doc, err := f.Canonical.Run(raw, ctx)
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Key.Eval(doc, ctx)
	if err != nil {
		t.Fatal(err)
	}
	ctx.Key = base + generation
	made, err := s.Map.Run(doc, ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v := s.Schema.Validate(made); len(v) > 0 {
		t.Fatal(v)
	}
	document, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	results, err := w.conns[s.Connection].(connectors.Sink).Deliver(t.Context(), s.Operation, []connectors.Delivery{{
		ID: "1", Key: ctx.Key, Base: base, Document: document, RemoteIDs: ids, Attempt: 1,
		Save: func(context.Context, json.RawMessage) error { return nil },
	}})
	if err != nil || len(results) != 1 || results[0].Outcome != connectors.Done {
		t.Fatalf("%s %s: %+v, %v", step, ctx.Key, results, err)
	}
	return base, results[0]
}

// TestAnOrderIsEditedAndCancelledInTheERP: what the ERP has confirmed is taken back and
// booked again, with the last content, and taken back for good.
func TestAnOrderIsEditedAndCancelledInTheERP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order, err := w.shop.PlaceOrder(wechatshopsim.OrderSpec{FreightFen: 701, Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-NOTE-A5", Qty: 7}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.shop.Pay(order); err != nil {
		t.Fatal(err)
	}
	first := w.fetch(t, "orders", order)
	key, booked := w.erpStep(t, "sale", first, "", nil)
	if err := w.shop.EditAddress(order, wechatshopsim.Address{Name: "李四", Phone: "13800000002", Province: "浙江省", City: "杭州市", County: "西湖区", Detail: "示例路2号"}); err != nil {
		t.Fatal(err)
	}
	second := w.fetch(t, "orders", order)
	books := func() trytonsim.Book {
		return trytonsim.Books(w.erp.Sales(), func(reference string) string {
			base, _, _ := strings.Cut(reference, "-g")
			return base
		})[key]
	}
	w.erpStep(t, "erp.sale.cancel", second, "", booked.RemoteIDs)
	if b := books(); !b.Zero() {
		t.Errorf("between the two the books say %+v", b)
	}
	_, again := w.erpStep(t, "sale", second, "-g1", nil)
	b := books()
	sales := w.erp.SalesByReference(key + "-g1")
	if len(b.Alive) != 1 || len(sales) != 1 || b.Alive[0] != sales[0].ID || sales[0].Receiver != "李四" {
		t.Fatalf("the books say %+v, the sale is %+v", b, sales)
	}
	if diff := cmp.Diff(map[string]string{"SKU-NOTE-A5": "7", "运费": "1", "尾差": "1"}, b.Pieces); b.Amount != sales[0].Total || b.Billed != sales[0].Total || diff != "" {
		t.Errorf("an order that was booked twice counts once: %+v %s", b, diff)
	}
	if err := w.shop.Cancel(order); err != nil {
		t.Fatal(err)
	}
	w.erpStep(t, "erp.sale.cancel", w.fetch(t, "orders", order), "-g1", again.RemoteIDs)
	if b := books(); !b.Zero() || len(b.TakenBack) != 2 {
		t.Errorf("after the cancel the books say %+v", b)
	}
}

// TestNoSaleWithoutAReceiver: what was booked is not booked anew because the receiver
// can no longer be had.
func TestNoSaleWithoutAReceiver(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for name, held := range map[string]bool{"order-receiver-refused": true, "order-decoded-receiver": false, "order-address-under-review": false} {
		_, steps := h.route(t, "orders", sample(t, name), at(store("shop-a")))
		if sale, ok := steps["sale"]; !ok || sale.held != held {
			t.Errorf("%s: the sale is held: %v, want %v", name, sale.held, held)
		}
	}
}
