package mappings_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas/codec"
)

// open connects a shipped connector to a simulator.
func open(t *testing.T, vendor string, sim interface {
	http.Handler
	Credentials() map[string]string
}) connectors.Connection {
	t.Helper()
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := registry.Get(vendor)
	v := connectors.Values{Text: map[string]string{}, Secrets: map[string]connectors.Secret{}}
	for _, f := range c.Config {
		value, given := sim.Credentials()[f.Name]
		switch {
		case f.Name == "base_url" || f.Name == "url":
			v.Text[f.Name] = server.URL
		case given && f.Kind == connectors.FieldSecret:
			v.Secrets[f.Name] = connectors.NewSecret(value)
		case given:
			v.Text[f.Name] = value
		}
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: vendor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestShipmentsComeBack sends an order with a masked receiver to the OMS, which ships it
// in two parcels together with another order, and brings the parcels into the shop.
func TestShipmentsComeBack(t *testing.T) {
	t.Parallel()
	known, shapes := schemaSet(t)
	set, err := mappings.Load(mappings.Options{Shapes: shapes})
	if err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(name, schema string, doc any, ctx mapper.Context) any {
		t.Helper()
		p, err := set.Program(name)
		do(err)
		out, err := p.Run(doc, ctx)
		do(err)
		s, _ := known.Get(schema)
		if v := s.Validate(out); len(v) > 0 {
			t.Fatalf("%s: %v", name, v)
		}
		return out
	}
	deliver := func(conn connectors.Connection, op, key string, doc any) {
		t.Helper()
		body, err := codec.Encode(doc)
		do(err)
		r, err := conn.(connectors.Sink).Deliver(t.Context(), op, []connectors.Delivery{{ID: "1", Key: key, Base: key, Document: body}})
		if err != nil || r[0].Outcome != connectors.Done {
			t.Fatalf("%s %s: %+v %v", op, key, r, err)
		}
	}
	opt := simkit.Options{Seed: 7, LimitScale: 1000}
	shop, oms := wechatshopsim.New(wechatshopsim.Options{Options: opt}), jushuitansim.New(jushuitansim.Options{Options: opt})
	t.Cleanup(shop.Close)
	store, erp := open(t, "wechatshop", shop), open(t, "jushuitan", oms)
	settings := mapper.Context{Store: map[string]any{"code": "shop-a", "jst_shop_id": oms.Credentials()["shop_id"], "shipped_by": "oms"}}

	ids := make([]string, 2)
	for n := range ids {
		ids[n], err = shop.PlaceOrder(wechatshopsim.OrderSpec{OpenID: "oINVENTED00000000000000000001", Lines: []wechatshopsim.LineSpec{{SKUCode: "TEE-RED-M", Qty: 2}, {SKUCode: "SKU-MUG-01", Qty: 1}}})
		do(err)
		do(shop.Pay(ids[n]))
		items, err := store.(connectors.Fetcher).Fetch(t.Context(), "orders", []string{ids[n]})
		do(err)
		raw, err := codec.Decode(items[0].Body)
		do(err)
		order := run("wechatshop/in/order.yaml", "canonical/order", raw, settings)
		ctx := settings
		ctx.Key = "shop-a-" + ids[n]
		deliver(erp, "order.push", ctx.Key, run("jushuitan/out/order.yaml", "vendors/jushuitan/order.push", order, ctx))
	}
	for _, id := range ids {
		sold, _ := shop.Order(id)
		if got, _ := oms.Order("", "shop-a-"+id); got.Receiver.Name != sold.Receiver.Name || got.Receiver.Mobile != sold.Receiver.Phone {
			t.Errorf("the OMS has %+v, want %+v", got.Receiver, sold.Receiver)
		}
	}
	// One order in two parcels, the other in one.
	first, _ := oms.Order("", "shop-a-"+ids[0])
	_, err = oms.ShipPart("", "shop-a-"+ids[0], "SF1", map[string]int64{first.Items[0].OuterOiID: 1})
	do(err)
	_, err = oms.ShipPart("", "shop-a-"+ids[0], "SF2", nil)
	do(err)
	_, err = oms.Ship("shop-a-" + ids[1])
	do(err)

	now := time.Now().UTC().Truncate(time.Second)
	page, err := erp.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "shipments", Window: connectors.Window{From: now.Add(-time.Hour), To: now.Add(time.Minute)}})
	do(err)
	for _, it := range page.Items {
		raw, err := codec.Decode(it.Body)
		do(err)
		shipment := run("jushuitan/in/shipment.yaml", "canonical/shipment", raw, mapper.Context{Source: map[string]any{"key": it.Key}})
		deliver(store, "shipment.upload", it.Key, run("wechatshop/out/shipment.yaml", "vendors/wechatshop/shipment.upload", shipment, mapper.Context{}))
	}
	for n, want := range [][]int64{{1, 2}, {3}} {
		o, _ := shop.Order(ids[n])
		var units []int64
		for _, p := range o.Parcels {
			units = append(units, p.Units)
		}
		slices.Sort(units)
		if d := cmp.Diff(want, units); d != "" || o.Status != wechatshopsim.StatusShipped {
			t.Errorf("order %d: status %d, units in parcels %s", n, o.Status, d)
		}
	}
}
