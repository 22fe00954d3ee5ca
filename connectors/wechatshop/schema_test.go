package wechatshop

import (
	"os"
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

func check(t *testing.T, name string, document []byte, valid bool) {
	t.Helper()
	schema, err := os.ReadFile("../../schemas/vendors/wechatshop/" + name + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(schema), gojsonschema.NewBytesLoader(document))
	if err != nil {
		t.Fatal(err)
	}
	if result.Valid() != valid {
		t.Errorf("%s: valid is %v: %v: %s", name, result.Valid(), result.Errors(), document)
	}
}

func TestRecordsFitTheirSchemas(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{Orders: 30})
	o := s.paid(t)
	if _, err := s.sim.PartialRefund(o.OrderID, 0, 1, 0); err != nil {
		t.Fatal(err)
	}
	s.shipped(t)
	for _, o := range s.sim.Sold() {
		check(t, "order", fetchOne(t, s.conn, streamOrders, o.OrderID).Body, true)
	}
	for _, a := range s.sim.AfterSales() {
		check(t, "after_sale", fetchOne(t, s.conn, streamAfterSales, a.AfterSaleID).Body, true)
	}
	for _, m := range s.sim.Members() {
		check(t, "member", fetchOne(t, s.conn, streamMembers, m.OpenID).Body, true)
	}
	check(t, "order", []byte(`{"order_id":"1"}`), false)
	check(t, "after_sale", []byte(`{"after_sale_order_id":"1"}`), false)
	check(t, "member", []byte(`{"unionid":"u"}`), false)
}

func TestShipmentsFitTheirSchema(t *testing.T) {
	o := wechatshopsim.SoldOrder{OrderID: "3729000000000000517", Lines: []wechatshopsim.SoldLine{{ProductID: "1", SKUID: "2"}}}
	check(t, "shipment.upload", parcelOf(o, "SF0001", 2).Document, true)
	check(t, "shipment.upload", parcelOf(o, "", 2).Document, false)
	check(t, "shipment.upload", parcelOf(o, "SF0001", 0).Document, false)
	check(t, "shipment.upload", []byte(`{"order_id":"1","delivery_list":[{"deliver_type":3,"product_infos":[{"product_id":"1","sku_id":"2","product_cnt":1}]}]}`), true)
	check(t, "shipment.upload", []byte(`{"order_id":"1","delivery_list":[{"deliver_type":1,"product_infos":[{"product_id":"1","sku_id":"2","product_cnt":1}]}]}`), false)
	for _, op := range Connector().Operations {
		if _, err := os.Stat("../../schemas/" + op.Schema + ".schema.json"); err != nil {
			t.Error(err)
		}
	}
	for _, st := range Connector().Streams {
		if _, err := os.Stat("../../schemas/" + st.Schema + ".schema.json"); err != nil {
			t.Error(err)
		}
	}
}
