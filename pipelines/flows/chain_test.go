package flows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/schemas/codec"
)

// world is a shop and every target, simulated, with a connection to each.
type world struct {
	*hub
	shop  *wechatshopsim.Sim
	oms   *jushuitansim.Sim
	wms   *qimensim.Sim
	erp   *trytonsim.Sim
	sf    *sfexpresssim.Sim
	crm   *salesforcesim.Sim
	hook  *webhooksim.Sim
	conns map[string]connectors.Connection
}

func newWorld(t *testing.T) *world {
	t.Helper()
	opt := simkit.Options{Seed: 7, LimitScale: 1e6}
	w := &world{
		hub:  newHub(t),
		shop: wechatshopsim.New(wechatshopsim.Options{Options: opt}),
		oms:  jushuitansim.New(jushuitansim.Options{Options: opt}),
		wms:  qimensim.New(qimensim.Options{Options: opt, CheckTotals: true}),
		erp:  trytonsim.New(trytonsim.Options{Options: opt}),
		sf:   sfexpresssim.New(sfexpresssim.Options{Options: opt}),
		crm:  salesforcesim.New(salesforcesim.Options{Options: opt}),
		hook: webhooksim.New(webhooksim.Options{Options: opt}),
	}
	t.Cleanup(w.shop.Close)
	w.conns = map[string]connectors.Connection{}
	for name, sim := range map[string]interface {
		http.Handler
		Credentials() map[string]string
	}{"shop-a=wechatshop": w.shop, "oms=jushuitan": w.oms, "wms=qimen": w.wms, "erp=tryton": w.erp, "sf=sfexpress": w.sf, "crm=salesforce": w.crm, "events=webhook": w.hook} {
		name, vendor, _ := strings.Cut(name, "=")
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		url := server.URL
		if vendor == "webhook" {
			url += "/hook"
		}
		w.conns[name] = connect(t, vendor, name, url, sim.Credentials())
	}
	return w
}

// connect opens a connection with a simulator's address and credentials.
func connect(t *testing.T, vendor, name, url string, creds map[string]string) connectors.Connection {
	t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := registry.Get(vendor)
	if !ok {
		t.Fatalf("there is no connector %s", vendor)
	}
	v := connectors.Values{Text: map[string]string{}, Secrets: map[string]connectors.Secret{}}
	for _, f := range c.Config {
		value, given := creds[f.Name]
		switch {
		case f.Name == "base_url" || f.Name == "url":
			v.Text[f.Name] = url
		case given && f.Kind == connectors.FieldSecret:
			v.Secrets[f.Name] = connectors.NewSecret(value)
		case given:
			v.Text[f.Name] = value
		}
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", vendor, errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Log: zap.NewNop(), Name: name, Vault: &connectortest.Vault{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// fetch reads a document from the shop.
func (w *world) fetch(t *testing.T, stream, key string) any {
	t.Helper()
	items, err := w.conns["shop-a"].(connectors.Fetcher).Fetch(t.Context(), stream, []string{key})
	if err != nil || len(items) != 1 || items[0].Deleted {
		t.Fatalf("fetch %s %s: %v, %v", stream, key, items, err)
	}
	tree, err := codec.Decode(items[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// send delivers what a flow makes of a document, step by step, and wants every target to
// take it.
func (w *world) send(t *testing.T, name string, raw any) {
	t.Helper()
	_, steps := w.route(t, name, raw, at(store("shop-a")))
	for _, s := range w.flows[name].Steps {
		r, takes := steps[s.Name]
		if !takes || r.held || s.Decl.Undoes != "" {
			continue
		}
		if r.err != nil {
			t.Fatalf("%s %s: %v", s.Name, r.key, r.err)
		}
		document, err := json.Marshal(r.doc)
		if err != nil {
			t.Fatal(err)
		}
		results, err := w.conns[s.Connection].(connectors.Sink).Deliver(t.Context(), s.Operation, []connectors.Delivery{{
			ID: "1", Key: r.key, Base: r.key, Document: document, Attempt: 1,
			Save: func(context.Context, json.RawMessage) error { return nil },
		}})
		if err != nil || len(results) != 1 || results[0].Outcome != connectors.Done {
			t.Fatalf("%s %s: %+v, %v\n%s", s.Name, r.key, results, err, document)
		}
	}
}

// yuan writes fen as a decimal that compares with a target's text.
func yuan(fen int64) decimal.Decimal { return decimal.New(fen, -2) }

func same(t *testing.T, what, got string, fen int64) {
	t.Helper()
	if d, err := decimal.NewFromString(got); err != nil || !d.Equal(yuan(fen)) {
		t.Errorf("%s is %q, the shop says %s", what, got, yuan(fen))
	}
}

// TestSoldOrdersReachEveryTarget sells a hundred orders with freight, coupons, changed
// prices, notes, refunds and a virtual number, their receivers masked by the shop, and
// compares what the targets hold with what was sold, to the cent.
func TestSoldOrdersReachEveryTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, m := range w.shop.Members() {
		w.send(t, "members", w.fetch(t, "members", m.OpenID))
	}
	if err := w.shop.Plan(11, 100, wechatshopsim.PlanOptions{Versions: 3}).All(); err != nil {
		t.Fatal(err)
	}
	virtual, err := w.shop.PlaceOrder(wechatshopsim.OrderSpec{VirtualPhone: true, FreightFen: 701, Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-NOTE-A5", Qty: 7}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.shop.Pay(virtual); err != nil {
		t.Fatal(err)
	}
	shipped := 0
	for _, sold := range w.shop.Sold() {
		w.send(t, "orders", w.fetch(t, "orders", sold.OrderID))
		key := "shop-a-" + sold.OrderID
		if sold.Cancelled || !sold.Paid {
			w.nothing(t, key)
			continue
		}
		shipped++
		w.compare(t, key, sold)
	}
	if shipped < 80 {
		t.Errorf("only %d orders were compared", shipped)
	}
	for _, a := range w.shop.AfterSales() {
		if o, ok := w.oms.Order("10001", "shop-a-"+a.OrderID); !ok || o.Status == "" {
			continue // cancelled before the OMS knew it
		}
		w.send(t, "after_sales", w.fetch(t, "after_sales", a.AfterSaleID))
		key := "shop-a-R" + a.AfterSaleID
		refund, ok := w.crm.Lookup("Transaction__c", key)
		if !ok {
			t.Fatalf("the CRM has no %s", key)
		}
		same(t, "the refund in the CRM", refund.Values["TotalAmount__c"], a.Fen)
	}
}

// nothing is what a cancelled order leaves where it was never sent to.
func (w *world) nothing(t *testing.T, key string) {
	t.Helper()
	_, ordered := w.oms.Order("10001", key)
	_, packed := w.wms.DeliveryOrder(key)
	_, labelled := w.sf.Order(key)
	if ordered || packed || labelled || len(w.erp.SalesByReference(key)) > 0 {
		t.Errorf("%s was cancelled or not paid, and went out", key)
	}
}

func (w *world) compare(t *testing.T, key string, sold wechatshopsim.SoldOrder) {
	t.Helper()
	o, ok := w.oms.Order("10001", key)
	if !ok {
		t.Fatalf("the OMS has no %s", key)
	}
	same(t, key+": pay_amount", o.PayAmount, sold.TotalFen)
	same(t, key+": freight", o.Freight, sold.FreightFen)
	same(t, key+": pay.amount", o.Pay.Amount, sold.TotalFen)
	for i, l := range o.Items {
		same(t, key+": amount of a line", l.Amount, sold.Lines[i].PaidFen)
		if l.SkuID != sold.Lines[i].SKUCode || l.Qty != fmt.Sprint(sold.Lines[i].Qty) {
			t.Errorf("%s: the OMS has %s x %s, sold was %d x %s", key, l.Qty, l.SkuID, sold.Lines[i].Qty, sold.Lines[i].SKUCode)
		}
	}

	sales := w.erp.SalesByReference(key)
	if len(sales) != 1 {
		t.Fatalf("the ERP has %d sales %s", len(sales), key)
	}
	same(t, key+": total of the sale", sales[0].Total, sold.TotalFen)
	if sales[0].Receiver != sold.Receiver.Name {
		t.Errorf("%s: the sale goes to somebody else", key)
	}

	p, ok := w.wms.DeliveryOrder(key)
	if !ok {
		t.Fatalf("the warehouse has no %s", key)
	}
	var planned, left int64
	for _, l := range p.Lines {
		planned += l.PlanQty
	}
	for _, l := range sold.Lines {
		left += l.Qty - l.RefundedQty
	}
	if planned != left || p.Receiver.Name != sold.Receiver.Name {
		t.Errorf("%s: the warehouse packs %d pieces, %d are left to ship", key, planned, left)
	}
	same(t, key+": totalAmount", p.TotalAmount, sold.TotalFen)

	f, ok := w.sf.Order(key)
	if !ok || len(f.Waybills) != 1 {
		t.Fatalf("%s: the carrier made %d waybills", key, len(f.Waybills))
	}
	phone, tel := sold.Receiver.Phone, ""
	if sold.VirtualNumber != "" {
		phone, tel = sold.VirtualNumber, sold.VirtualNumber+"-"+sold.VirtualExt
	}
	if f.Receiver.Mobile != phone || f.Receiver.Tel != tel || f.Receiver.Contact != sold.Receiver.Name || !strings.Contains(f.Receiver.Address, sold.Receiver.Detail) {
		t.Errorf("%s: the label shows another receiver", key)
	}

	tx, ok := w.crm.Lookup("Transaction__c", key)
	if !ok {
		t.Fatalf("the CRM has no %s", key)
	}
	same(t, key+": amount in the CRM", tx.Values["TotalAmount__c"], sold.TotalFen)
}
