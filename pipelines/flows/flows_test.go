package flows_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/flows"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/canonical"
	"github.com/minihub/minihub/schemas/codec"
)

// hub is the shipped flows over the shipped mappings, lookups and schemas.
type hub struct {
	mappings *mappings.Set
	schemas  *schemas.Set
	flows    map[string]*flow.Flow
}

func newHub(t testing.TB) *hub {
	t.Helper()
	known, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	shape := func(name string) (mapper.Shape, bool) {
		s, ok := known.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
	set, err := mappings.Load(mappings.Options{Shapes: shape})
	if err != nil {
		t.Fatal(err)
	}
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	env := flow.Env{Schemas: known, Shape: shape, Tables: set.Tables(), Program: set.Program}
	for _, name := range []string{"oms=jushuitan", "erp=tryton", "sf=sfexpress", "wms=qimen", "crm=salesforce", "events=webhook", "shop-a=wechatshop", "shop-b=wechatshop"} {
		name, vendor, _ := strings.Cut(name, "=")
		c, ok := registry.Get(vendor)
		if !ok {
			t.Fatalf("there is no connector %s", vendor)
		}
		env.Connections = append(env.Connections, flow.Connection{Name: name, Connector: c, Mode: flow.On, Labels: map[string]string{"store": vendor}})
	}
	loaded, err := flow.Load(flows.Shipped(), ".", env)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{mappings: set, schemas: known, flows: map[string]*flow.Flow{}}
	for _, f := range loaded {
		h.flows[f.Name] = f
	}
	return h
}

func TestFlowsLoad(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for name, want := range map[string][]flow.Source{
		"orders":      {{Connection: "shop-a", Stream: "orders"}, {Connection: "shop-b", Stream: "orders"}},
		"after_sales": {{Connection: "shop-a", Stream: "after_sales"}, {Connection: "shop-b", Stream: "after_sales"}},
		"members":     {{Connection: "shop-a", Stream: "members"}, {Connection: "shop-b", Stream: "members"}},
	} {
		if f := h.flows[name]; f == nil || !slices.Equal(f.Sources, want) {
			t.Errorf("flow %s: %+v", name, f)
		}
	}
	for _, s := range h.flows["orders"].Steps {
		if s.Decl.Changes == connectors.CreateOnly && s.Decl.Undoes == "" && s.OnChange == "" {
			t.Errorf("%s only creates and the flow does not say what an edited order does", s.Name)
		}
		if s.Decl.Undoes == "" && s.Decl.Changes == connectors.CreateOnly && s.UndoneBy == nil && s.OnChange != flow.Ignore {
			t.Errorf("nothing cancels %s", s.Name)
		}
	}
}

// at is what a store's connection gives to mappings and conditions.
func at(store map[string]any) mapper.Context {
	return mapper.Context{Store: store, Source: map[string]any{"connection": store["code"], "stream": "orders"}}
}

// store is a complete block of store settings, as README.md lists them.
func store(code string) map[string]any {
	return map[string]any{
		"code": code, "name": "示例小程序店", "app_id": "wx0000000000000000", "merchant_id": "1900000001", "jst_shop_id": "10001",
		"wms_warehouse_code": "WH01", "wms_owner_code": "OWN01", "erp_tax_code": "VAT 13%", "erp_tax_bp": "1300", "erp_payment_term": "Direct",
		"sender": map[string]any{"name": "示例仓", "phone": "13900000000", "province": "浙江省", "city": "杭州市", "district": "余杭区", "address": "示例仓1号"},
	}
}

// routed is what a step makes of a document.
type routed struct {
	key  string
	held bool
	doc  map[string]any
	err  error
}

// route runs one vendor document through a flow, as the engine does: canonical document,
// checks, then every step that takes it. Links are those of an earlier waybill.
func (h *hub) route(t testing.TB, name string, raw any, ctx mapper.Context) (doc map[string]any, steps map[string]routed) {
	t.Helper()
	f := h.flows[name]
	out, err := f.Canonical.Run(raw, ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v := f.Schema.Validate(out); len(v) > 0 {
		t.Fatalf("the canonical document: %v", v)
	}
	if f.Entity == "order" {
		if err := canonical.CheckTotalsTree(out); err != nil {
			t.Fatal(err)
		}
	}
	steps = map[string]routed{}
	for _, s := range f.Steps {
		if s.When != nil {
			takes, err := s.When.Eval(out, ctx)
			if err != nil {
				t.Fatalf("%s: when: %v", s.Name, err)
			}
			if !takes {
				continue
			}
		}
		r := routed{}
		if s.Hold != nil {
			if r.held, err = s.Hold.Eval(out, ctx); err != nil {
				t.Fatalf("%s: hold: %v", s.Name, err)
			}
		}
		if r.key, err = s.Key.Eval(out, ctx); err != nil {
			t.Fatalf("%s: key: %v", s.Name, err)
		}
		if limit := s.Decl.Key.MaxLen; limit > 0 && len(r.key) > limit {
			t.Errorf("%s: the key %s is longer than %d", s.Name, r.key, limit)
		}
		mc := ctx
		mc.Key = r.key
		mc.Links = map[string]any{"waybill": map[string]any{"key": r.key, "ids": map[string]any{"waybill": "SF0000000000001"}}}
		made, err := s.Map.Run(out, mc)
		if r.err = err; err == nil {
			r.doc, _ = made.(map[string]any)
			if v := s.Schema.Validate(made); len(v) > 0 {
				t.Errorf("%s: %v", s.Name, v)
			}
		}
		steps[s.Name] = r
	}
	return out.(map[string]any), steps
}

// sample is the input of a case of the mappings.
func sample(t testing.TB, name string) any {
	t.Helper()
	data, err := fs.ReadFile(os.DirFS("../../mappings/wechatshop/cases"), name+".txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(data).Files {
		if f.Name == "input.json" {
			tree, err := codec.Decode(f.Data)
			if err != nil {
				t.Fatal(err)
			}
			return tree
		}
	}
	t.Fatalf("case %s has no input", name)
	return nil
}

// TestWhereOrdersGo: which steps take an order, and which of them wait.
func TestWhereOrdersGo(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	const (
		pushes  = "oms.order.push sale "
		late    = "oms.order.push late_sale "
		parcels = "waybill parcel "
		cancels = "oms.order.cancel erp.sale.cancel wms.delivery.cancel sf.order.cancel "
		always  = "crm.transaction.push events.event.push"
	)
	for _, c := range []struct{ name, want, held string }{
		{"order-presale-three-lines", pushes + parcels + always, ""},
		{"order-virtual-number", pushes + parcels + always, ""},
		{"order-partial-refund", pushes + parcels + always, ""},
		{"order-edited-address", pushes + parcels + always, ""},
		{"order-open-after-sale", pushes + parcels + always, parcels},
		{"order-address-under-review", pushes + parcels + always, parcels},
		{"order-same-sku-as-gift", pushes + parcels + always, ""},
		{"order-refunded-before-shipping", cancels + always, ""},
		{"order-closed", cancels + always, ""},
		{"order-cancelled-unpaid", cancels + always, ""},
		{"order-partly-shipped", pushes + always, ""},
		{"order-completed-old-record", late + always, ""},
		{"order-shipped-masked", late + always, ""},
		{"order-decoded-receiver", pushes + parcels + always, ""},
	} {
		_, steps := h.route(t, "orders", sample(t, c.name), at(store("shop-a")))
		var got, held []string
		for _, s := range h.flows["orders"].Steps {
			r, takes := steps[s.Name]
			if !takes {
				continue
			}
			got = append(got, s.Name)
			if r.held {
				held = append(held, s.Name)
			}
			if r.err != nil {
				t.Errorf("%s: %s: %v", c.name, s.Name, r.err)
			}
		}
		if want := strings.Fields(c.want); !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s goes elsewhere:\n%s", c.name, cmp.Diff(sorted(want), sorted(got)))
		}
		if want := strings.Fields(c.held); !slices.Equal(held, want) {
			t.Errorf("%s: held %v, want %v", c.name, held, want)
		}
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// TestWhoShips: one switch, and never two parcels.
func TestWhoShips(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	raw := sample(t, "order-presale-three-lines")
	hubShips := store("shop-a")
	omsShips := store("shop-a")
	omsShips["shipped_by"] = "oms"
	_, byHub := h.route(t, "orders", raw, at(hubShips))
	_, byOMS := h.route(t, "orders", raw, at(omsShips))
	if byHub["oms.order.push"].doc["question_desc"] == "" || byHub["parcel"].doc == nil || byHub["waybill"].doc == nil {
		t.Error("the hub ships: the OMS must be told not to, and the warehouse and carrier must be asked")
	}
	if byOMS["oms.order.push"].doc["question_desc"] != "" || byOMS["oms.order.push"].doc["labels"] != nil {
		t.Error("the OMS ships: it must be free to")
	}
	for _, step := range []string{"parcel", "waybill"} {
		if _, asked := byOMS[step]; asked {
			t.Errorf("the OMS ships and the hub asks %s as well", step)
		}
	}
}

// TestBadOrders: the hub keeps them, and every target that cannot take one says why.
func TestBadOrders(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for _, c := range []struct{ name, step, code, at string }{
		{"order-empty-receiver", "waybill", mapper.CodeRequired, "contactInfoList[1].contact"},
		{"order-empty-receiver", "parcel", mapper.CodeRequired, "orderLines[0].itemCode"},
		{"order-empty-receiver", "oms.order.push", mapper.CodeRequired, "receiver_name"},
		{"order-paid", "waybill", mapper.CodeRequired, "contactInfoList[1].mobile"}, // masked
		{"order-paid", "parcel", mapper.CodeRequired, "deliveryOrder.receiverInfo.mobile"},
	} {
		_, steps := h.route(t, "orders", sample(t, c.name), at(store("shop-a")))
		var run *mapper.RunErrors
		if !errors.As(steps[c.step].err, &run) || !slices.ContainsFunc(run.Errors, func(e *mapper.RunError) bool { return e.Code == c.code && e.Target == c.at }) {
			t.Errorf("%s: %s: want %s at %s, got %v", c.name, c.step, c.code, c.at, steps[c.step].err)
		}
	}
	for _, name := range []string{"order-bad-status", "order-bad-price"} {
		if _, err := h.flows["orders"].Canonical.Run(sample(t, name), at(store("shop-a"))); err == nil {
			t.Errorf("%s became a canonical order", name)
		}
	}
}

// TestUnknownArticle: it waits for its entry, at every target that needs the code.
func TestUnknownArticle(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	raw := sample(t, "order-virtual-number").(map[string]any)
	line := raw["order_detail"].(map[string]any)["product_infos"].([]any)[0].(map[string]any)
	line["sku_code"] = "NO-SUCH-SKU"
	_, steps := h.route(t, "orders", raw, at(store("shop-a")))
	for _, step := range []string{"oms.order.push", "sale", "parcel"} {
		missing, only := mapper.MissingLookups(steps[step].err)
		if !only || len(missing) != 1 || missing[0].Table != "skus" || missing[0].Key != "NO-SUCH-SKU" {
			t.Errorf("%s: %v", step, steps[step].err)
		}
	}
}

// TestTwoStoresShareNumbers: equal order numbers of two stores are two documents anywhere.
func TestTwoStoresShareNumbers(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	raw := sample(t, "order-presale-three-lines")
	_, a := h.route(t, "orders", raw, at(store("shop-a")))
	_, b := h.route(t, "orders", raw, at(store("shop-b")))
	for step := range a {
		if a[step].key == b[step].key {
			t.Errorf("%s: both stores use the key %s", step, a[step].key)
		}
	}
}

// TestReadmeListsStoreKeys: every store setting that a mapping or flow reads is documented.
func TestReadmeListsStoreKeys(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range h.mappings.Names() {
		p, err := h.mappings.Program(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range p.Sources() {
			key, of := strings.CutPrefix(source, "@store.")
			key, _, _ = strings.Cut(key, ".")
			if of && !strings.Contains(string(readme), "`"+key+"`") {
				t.Errorf("%s reads @store.%s, which README.md does not list", path.Base(name), key)
			}
		}
	}
}
