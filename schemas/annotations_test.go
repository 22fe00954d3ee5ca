package schemas

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/schemas/codec"
)

const annotated = `{` + head + `, "type": "object",
	"definitions": {"mail": {"type": "string", "x-pii": "email"}, "person": {"type": "object", "properties": {"name": {"type": "string", "x-pii": "name"}}}},
	"properties": {
		"no": {"type": "string", "x-search": "order_no"},
		"phone": {"type": "string", "x-pii": "phone", "x-search": "phone"},
		"mail": {"$ref": "#/definitions/mail", "x-search": "email"},
		"note": {"type": "string", "x-pii": true},
		"plain": {"type": "string", "x-pii": false},
		"tax_no": {"type": "string", "x-pii": "id"},
		"both": {"allOf": [{"$ref": "#/definitions/person"}, {"properties": {"waybills": {"type": "array", "items": {"type": "string"}, "x-search": "waybill"}}}]},
		"one": {"oneOf": [{"type": "integer", "x-pii": "id"}, {"$ref": "#/definitions/person"}]},
		"address": {"type": "object", "x-pii": "address", "properties": {"tel": {"type": "string", "x-pii": "phone"}}},
		"skus": {"type": "array", "items": {"type": "object", "properties": {"code": {"type": "string", "x-search": "sku"}}}},
		"byname": {"type": "object", "patternProperties": {"^p_": {"type": "string", "x-pii": "name"}}, "additionalProperties": {"type": "object", "properties": {"who": {"type": "string", "x-pii": "name"}}}},
		"pair": {"type": "array", "items": [{"type": "string"}, {"type": "string", "x-pii": "text"}], "additionalItems": {"type": "string", "x-pii": "name"}}
	}}`

const annotatedDoc = `{"no": " WX1 ", "phone": "+86 138-0000-5678", "mail": "Zhou@Example.test", "note": "请尽快", "plain": "x", "tax_no": "91330000INVENTED01",
	"both": {"name": "张三丰", "waybills": ["sf1", "SF1", "sf2"]}, "one": 12345678901, "address": {"tel": "13900001234", "street": {"a": "示例路1号", "n": 7}, "ok": true},
	"skus": [{"code": "A"}, {"code": "B"}, {"code": "A"}, {"code": ""}], "byname": {"p_x": "李四", "q": {"who": "王"}}, "pair": ["a", "b", "陈五"], "other": "y"}`

func TestPII(t *testing.T) {
	want := []string{"13900001234", "示例路1号", "7", "张三丰", "李四", "王", "Zhou@Example.test", "请尽快", "12345678901", "b", "陈五", "+86 138-0000-5678", "91330000INVENTED01"}
	if d := cmp.Diff(want, load(t, annotated).PII(decode(t, annotatedDoc))); d != "" {
		t.Error(d)
	}
}

func TestMask(t *testing.T) {
	s := load(t, annotated)
	doc := decode(t, annotatedDoc)
	got := s.Mask(doc)
	want := decode(t, `{"no": " WX1 ", "phone": "+86****5678", "mail": "Z***@Example.test", "note": "***", "plain": "x", "tax_no": "****ED01",
	"both": {"name": "张**", "waybills": ["sf1", "SF1", "sf2"]}, "one": "****8901", "address": {"tel": "139****1234", "street": {"a": "***", "n": "***"}, "ok": true},
	"skus": [{"code": "A"}, {"code": "B"}, {"code": "A"}, {"code": ""}], "byname": {"p_x": "李**", "q": {"who": "*"}}, "pair": ["a", "***", "陈**"], "other": "y"}`)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(decode(t, annotatedDoc), doc); d != "" {
		t.Errorf("Mask changed its argument: %s", d)
	}
	hidden := []string{"/address/street/a", "/address/street/n", "/address/tel", "/both/name", "/byname/p_x", "/byname/q/who", "/mail", "/note", "/one", "/pair/1", "/pair/2", "/phone", "/tax_no"}
	if d := cmp.Diff(hidden, s.Hidden(doc)); d != "" {
		t.Error(d)
	}
	if again := s.Hidden(got); len(again) != 0 {
		t.Errorf("a masked document hides %q", again)
	}
}

func TestADocumentThatIsItselfPersonal(t *testing.T) {
	s := load(t, `{`+head+`, "type": "string", "x-pii": "phone", "x-search": "phone"}`)
	if got := s.Mask("13800005678"); got != "138****5678" {
		t.Error(got)
	}
	if d := cmp.Diff([]SearchKey{{KindPhone, "13800005678"}}, s.SearchKeys("13800005678")); d != "" {
		t.Error(d)
	}
	for _, odd := range []any{nil, true, map[string]any{}, []any{"x"}} {
		s.PII(odd)
		s.SearchKeys(odd)
		s.Mask(odd)
	}
}

func TestMaskingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(maskKinds).Draw(t, "kind")
		once := mask(kind, rapid.StringMatching(`[a-z0-9@+*张三 ]{0,20}`).Draw(t, "text"))
		if twice := mask(kind, once); twice != once {
			t.Fatalf("%s: %q then %q", kind, once, twice)
		}
	})
}

func TestSearchKeys(t *testing.T) {
	want := []SearchKey{{KindWaybill, "SF1"}, {KindWaybill, "SF2"}, {KindEmail, "zhou@example.test"}, {KindOrderNo, "WX1"},
		{KindPhone, "13800005678"}, {KindSKU, "A"}, {KindSKU, "B"}}
	if d := cmp.Diff(want, load(t, annotated).SearchKeys(decode(t, annotatedDoc))); d != "" {
		t.Error(d)
	}
}

func TestSearchValueMeetsWhatPeopleType(t *testing.T) {
	cases := []struct{ kind, in, want string }{
		{KindPhone, "13800005678", "13800005678"}, {KindPhone, "+8613800005678", "13800005678"}, {KindPhone, "0086 138 0000 5678", "13800005678"},
		{KindPhone, "(021) 5555-0000", "02155550000"}, {KindPhone, "+4915200000000", "4915200000000"}, {KindPhone, "138****5678", ""}, {KindPhone, "8613", ""},
		{KindWaybill, " sf0001 ", "SF0001"}, {KindOrderNo, " a1 ", "a1"}, {KindEmail, "A@B.test", "a@b.test"}, {KindSKU, "", ""},
	}
	for _, c := range cases {
		if got := SearchValue(c.kind, c.in); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.kind, c.in, got, c.want)
		}
	}
	if !Personal(KindPhone) || Personal(KindOrderNo) {
		t.Error("a phone is personal, an order number is not")
	}
}

func TestShape(t *testing.T) {
	root := load(t, annotated).Shape()
	at := func(path ...string) Shape {
		t.Helper()
		s := Shape(root)
		for _, name := range path {
			var ok bool
			if name == "*" {
				s, ok = s.Elem()
			} else {
				s, ok = s.Field(name)
			}
			if !ok {
				t.Fatalf("%v: no %s", path, name)
			}
		}
		return s
	}
	if d := cmp.Diff([]string{"name", "waybills"}, at("both").Fields()); d != "" {
		t.Error(d)
	}
	for _, c := range []struct {
		shape Shape
		kind  string
		open  bool
	}{
		{root, "object", true}, {at("mail"), "string", false}, {at("both", "waybills", "*"), "string", false}, {at("skus", "*", "code"), "string", false},
		{at("byname", "p_x"), "string", false}, {at("byname", "anything", "who"), "string", false}, {at("one"), "", true}, {at("pair", "*"), "string", false},
	} {
		if c.shape.Type() != c.kind || c.shape.Open() != c.open {
			t.Errorf("got %s %v, want %s %v", c.shape.Type(), c.shape.Open(), c.kind, c.open)
		}
	}
	if _, ok := root.Field("nothing"); ok {
		t.Error("an open object does not know a field it does not list")
	}
	if _, ok := at("no").Elem(); ok {
		t.Error("a string has no items")
	}
}

func TestShapeOfAlternatives(t *testing.T) {
	s := load(t, `{`+head+`, "properties": {
		"maybe": {"oneOf": [{"type": "null"}, {"type": "string"}]}, "nothing": {"type": "null"}, "list": {"type": ["array", "null"], "items": {"enum": [1, "a"]}},
		"closed": {"oneOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}, "additionalProperties": false}]},
		"half": {"anyOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}}]}}}`).Shape()
	for name, want := range map[string]string{"maybe": "string false []", "nothing": "null false []", "list": "array false []", "closed": " false [a b]", "half": " true [a b]"} {
		field, _ := s.Field(name)
		if got := fmt.Sprint(field.Type(), " ", field.Open(), " ", field.Fields()); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	list, _ := s.Field("list")
	item, _ := list.Elem()
	if d := cmp.Diff([]string{"1", "a"}, item.Enum()); d != "" {
		t.Error(d)
	}
}

func TestShapeOfTheOrder(t *testing.T) {
	order := builtinSchema(t, "canonical/order").Shape()
	if order.Open() || order.Type() != "object" {
		t.Error("an order is a closed object")
	}
	want := []string{"amounts", "currency", "lines", "open_after_sale", "order_no", "placed_at", "status", "store", "tax_inclusive"}
	if d := cmp.Diff(want, order.Required()); d != "" {
		t.Error(d)
	}
	status, _ := order.Field("status")
	if d := cmp.Diff([]string{"pending_payment", "paid", "accepted", "partially_shipped", "shipped", "completed", "cancelled", "closed"}, status.Enum()); d != "" {
		t.Error(d)
	}
	lines, _ := order.Field("lines")
	line, _ := lines.Elem()
	price, _ := line.Field("unit_price")
	minor, ok := price.Field("minor")
	if !ok || minor.Type() != "integer" || price.Open() {
		t.Error("unit_price is a closed object with an integer")
	}
	extra, _ := order.Field("extra")
	if !extra.Open() {
		t.Error("extra is open")
	}
}

func TestAScrubbedOrderHoldsNobody(t *testing.T) {
	s := builtinSchema(t, "canonical/order")
	doc := example(t, s)
	masked, err := codec.Encode(s.Mask(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range s.PII(doc) {
		if contains(s.PII(decode(t, string(masked))), value) {
			t.Errorf("%q survived the mask", value)
		}
	}
	if len(s.PII(doc)) < 20 {
		t.Errorf("only %d personal values found", len(s.PII(doc)))
	}
}
