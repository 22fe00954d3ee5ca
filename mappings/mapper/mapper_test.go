package mapper

import (
	"bytes"
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// form is a Shape written as a literal: an object's fields, a list's items or
// a type.
type form struct {
	typ      string
	fields   map[string]form
	elem     *form
	required []string
	enum     []string
	open     bool
}

func (f form) Field(name string) (Shape, bool) { c, ok := f.fields[name]; return c, ok }
func (f form) Elem() (Shape, bool) {
	if f.elem == nil {
		return nil, false
	}
	return *f.elem, true
}
func (f form) Fields() []string {
	names := make([]string, 0, len(f.fields))
	for name := range f.fields {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
func (f form) Open() bool         { return f.open }
func (f form) Type() string       { return f.typ }
func (f form) Required() []string { return f.required }
func (f form) Enum() []string     { return f.enum }

func object(fields map[string]form, required ...string) form {
	return form{typ: "object", fields: fields, required: required}
}
func listOf(elem form) form { return form{typ: "array", elem: &elem} }
func enum(values ...string) form {
	return form{typ: "string", enum: values}
}

var (
	str, integer, boolean = form{typ: "string"}, form{typ: "integer"}, form{typ: "boolean"}
	moneyForm             = object(map[string]form{"minor": integer, "currency": str})
	orderForm             = object(map[string]form{
		"order_no": str, "status": enum("paid", "accepted", "closed"), "placed_at": str, "gift": boolean,
		"store": object(map[string]form{"code": str}), "buyer_note": str,
		"ship_to": object(map[string]form{"recipient": str, "phone": str, "city": str}),
		"amounts": object(map[string]form{"goods": moneyForm, "freight": moneyForm, "total": moneyForm}),
		"lines":   listOf(object(map[string]form{"line_no": integer, "sku_code": str, "qty": integer, "kind": enum("goods", "gift"), "net_total": moneyForm})),
	})
	saleForm = object(map[string]form{
		"reference": str, "state": enum("WAIT", "DONE"), "sale_date": str, "comment": str, "total": {typ: "number"},
		"party": object(map[string]form{"name": str, "phone": str}, "name"),
		"lines": listOf(object(map[string]form{"product": {}, "quantity": integer, "unit_price": str, "note": str}, "quantity")),
	}, "reference", "lines")
)

const orderJSON = `{"order_no":"9007199254740993","status":"paid","placed_at":"2026-01-01T16:30:00Z",
"store":{"code":"shop-a"},"ship_to":{"recipient":"张三","phone":"13800000000"},
"amounts":{"goods":{"minor":10000,"currency":"CNY"},"freight":{"minor":800,"currency":"CNY"},"total":{"minor":10800,"currency":"CNY"}},
"lines":[{"line_no":1,"sku_code":"TEE","qty":3,"kind":"goods","net_total":{"minor":10000,"currency":"CNY"}},
{"line_no":2,"sku_code":"BAG","qty":1,"kind":"gift","net_total":{"minor":0,"currency":"CNY"}}]}`

func tree(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func jsonText(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func mustCompile(t testing.TB, src string, opt Options) *Program {
	t.Helper()
	p, err := Compile("test.yaml", []byte(src), opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rowsFile puts rows under the head every mapping has.
func rowsFile(rows string) string { return "mapping: test\nfields:\n" + rows }

func TestRun(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, rows, want string }{
		{"paths", "- {to: a, from: order_no}\n- {to: b.c, from: 'lines[0].sku_code'}\n- {to: b.d, from: '$.store.code'}\n- {to: e, from: 'lines[-1].line_no'}",
			`{"a":"9007199254740993","b":{"c":"TEE","d":"shop-a"},"e":2}`},
		{"context", "- {to: key, from: '@key'}\n- {to: zone, from: '@store.time_zone'}\n- {to: conn, expr: 'source.connection'}\n- {to: id, from: '@links.sale.id'}",
			`{"conn":"shop-a","id":77,"key":"shop-a-1","zone":"Asia/Shanghai"}`},
		{"absent values leave the target out", "- {to: a, from: buyer_note}\n- {to: b, from: buyer_note, default: none}\n- {to: c, from: buyer_note, default: null}\n- {to: d, value: null}",
			`{"b":"none","c":null,"d":null}`},
		{"constants keep their digits", "- {to: a, value: 9007199254740993}\n- {to: b, value: 1.10}\n- {to: c, value: {x: [1, true, null, 2026-01-01]}}",
			`{"a":9007199254740993,"b":1.10,"c":{"x":[1,true,null,"2026-01-01"]}}`},
		{"converters in a chain", "- {to: a, from: ship_to.phone, convert: [digits, right(4), 'pad(6, \"*\")']}\n- {to: b, from: placed_at, convert: date(Asia/Shanghai)}\n- {to: c, from: amounts.total, convert: [decimal, number]}",
			`{"a":"**0000","b":"2026-01-02","c":108.00}`},
		{"lookup as a converter", "- {to: a, value: SF, when: 'true'}\n- {to: b, expr: '\"SF\"', convert: [lookup(carriers), upper]}",
			`{"a":"SF","b":"SHUNFENG"}`},
		{"map", "- {to: a, from: status, map: {paid: WAIT, accepted: DONE, closed: DONE}}\n- {to: b, from: 'lines[0].qty', map: {3: three}, else: other}\n- {to: c, from: gift, map: {true: Y}, default: N}",
			`{"a":"WAIT","b":"three","c":"N"}`},
		{"alternatives", "- {to: a, when: 'status == \"closed\"', value: X}\n- {to: a, when: 'status == \"paid\"', value: Y}\n- {to: a, value: Z}\n- {to: b, when: gift, value: X}\n- {to: b, value: Z}",
			`{"a":"Y","b":"Z"}`},
		{"each with parents", "- to: lines\n  each: lines\n  when: kind == \"goods\"\n  fields:\n  - {to: no, from: line_no}\n  - {to: order, from: ^.order_no}\n  - {to: store, from: $.store.code}\n  - {to: at, expr: 'index * 10 + position'}\n  - {to: city, expr: 'root.ship_to.recipient + \"/\" + parent.store.code'}",
			`{"lines":[{"at":1,"city":"张三/shop-a","no":1,"order":"9007199254740993","store":"shop-a"}]}`},
		{"each of values", "- {to: skus, each: lines, from: sku_code}\n- {to: all, each: 'pluck(lines, \"qty\")', convert: text}",
			`{"all":["3","1"],"skus":["TEE","BAG"]}`},
		{"one list from several rows", "- {to: lines, append: true, each: lines, when: kind == \"goods\", fields: [{to: p, from: sku_code}, {to: n, expr: position}]}\n" +
			"- {to: lines, append: true, when: amounts.freight.minor > 0, fields: [{to: p, value: FREIGHT}, {to: n, expr: position}, {to: price, from: amounts.freight, convert: decimal}]}\n" +
			"- {to: lines, append: true, when: amounts.freight.minor > 100000, fields: [{to: p, value: NEVER}]}\n" +
			"- {to: tags, append: true, value: a}\n- {to: tags, append: true, from: status}",
			`{"lines":[{"n":1,"p":"TEE"},{"n":2,"p":"FREIGHT","price":"8.00"}],"tags":["a","paid"]}`},
		{"nested documents", "- {to: to, from: ship_to, fields: [{to: name, from: recipient}, {to: no, from: ^.order_no}]}\n- {to: gone, from: buyer, fields: [{to: name, from: .}]}\n- {to: head, fields: [{to: no, from: order_no}]}\n- {to: head.extra, value: 1}\n- {to: empty, fields: [{to: x, from: buyer_note}]}",
			`{"head":{"extra":1,"no":"9007199254740993"},"to":{"name":"张三","no":"9007199254740993"}}`},
		{"omit_empty", "- {to: a, expr: '\"\"', omit_empty: true}\n- {to: b, expr: '\"\"'}\n- {to: c, expr: '[]', omit_empty: true}\n- {to: d, expr: '\"\"', omit_empty: true, default: x}\n- {to: e, value: 0, omit_empty: true}\n- {to: f, each: lines, when: 'false', omit_empty: true, from: sku_code}\n- {to: g, each: lines, when: 'false', from: sku_code}",
			`{"b":"","d":"x","e":0,"g":[]}`},
		{"expressions", "- {to: a, expr: 'sum(map(lines, .qty)) * 2'}\n- {to: b, expr: 'any(lines, .kind == \"gift\") ? \"has gift\" : \"none\"'}\n- {to: c, expr: 'let x = filter(lines, .qty > 1); count(x)'}\n- {to: d, expr: 'it[\"order_no\"] ?? \"none\"'}\n- {to: e, expr: 'find(lines, .kind == \"gift\").sku_code'}\n- {to: f, expr: 'lines | pluck(\"sku_code\") | join(\",\")'}\n- {to: g, expr: 'status not in [\"closed\"] and not (gift == true)'}\n- {to: h, expr: 'map(lines, {{sku: .sku_code, n: #index}})'}\n- {to: i, expr: 'lines[index].qty + lines[-1].qty'}",
			`{"a":8,"b":"has gift","c":1,"d":"9007199254740993","e":"BAG","f":"TEE,BAG","g":true,"h":[{"n":0,"sku":"TEE"},{"n":1,"sku":"BAG"}],"i":4}`},
		{"a whole part of the document", "- {to: a, from: ship_to}\n- {to: b, from: .}",
			`{"a":{"phone":"13800000000","recipient":"张三"},"b":` + jsonText(t, tree(t, orderJSON)) + `}`},
		{"lookups that may miss", "- {to: a, value: SF, when: 'false'}\n- {to: b, from: status, lookup: carriers, default: none}\n- {to: c, from: status, lookup: carriers, on_missing: null}",
			`{"b":"none"}`},
	}
	ctx := Context{Key: "shop-a-1", Store: map[string]any{"time_zone": "Asia/Shanghai"}, Source: map[string]any{"connection": "shop-a"},
		Links: map[string]any{"sale": map[string]any{"id": json.Number("77")}}}
	shape := orderForm
	shape.open = true
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := mustCompile(t, rowsFile(c.rows), Options{Input: shape, Lookups: carriers})
			in := tree(t, orderJSON)
			got, err := p.Run(in, ctx)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree(t, c.want), got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tree(t, orderJSON), in); diff != "" {
				t.Errorf("the input was changed: %s", diff)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, rows, code, target, source, has string }{
		{"required", "- {to: a.b, from: buyer_note, required: true}", CodeRequired, "a.b", "buyer_note", "missing"},
		{"required list", "- {to: a, each: 'filter(lines, .qty > 99)', required: true, from: sku_code}", CodeRequired, "a", "filter(lines, .qty > 99)", "empty"},
		{"enum", "- {to: a, from: 'lines[0].sku_code', map: {A: 1, B: 2}}", CodeEnum, "a", "lines[0].sku_code", "A, B"},
		{"lookup", "- {to: a, from: order_no, lookup: carriers}", CodeLookupMissing, "a", "order_no", "carriers"},
		{"lookup parked", "- {to: a, from: order_no, lookup: carriers, on_missing: park}", CodeLookupMissing, "a", "order_no", "carriers"},
		{"converter", "- {to: a, from: ship_to.recipient, convert: phone_cn}", CodeValue, "a", "ship_to.recipient", "phone_cn"},
		{"place in a list", "- {to: l, each: lines, fields: [{to: x, from: sku_code, convert: int}]}", CodeValue, "l[0].x", "sku_code", "int"},
		{"add of nothing", "- {to: a, expr: 'add(buyer_note, 1)'}", CodeValue, "a", "add(buyer_note, 1)", "coalesce"},
		{"overflow", "- {to: a, expr: '9223372036854775807 + lines[0].qty'}", CodeValue, "a", "9223372036854775807 + lines[0].qty", "64 bits"},
		{"condition", "- {to: a, when: it.order_no, value: 1}", CodeValue, "a", "it.order_no", "true or false"},
		{"a float in the document", "- {to: a, from: float}", CodeValue, "a", "float", "float"},
		{"each over an object", "- {to: a, each: ship_to, from: .}", CodeValue, "a", "ship_to", "list"},
		{"a decimal in +", "- {to: a, expr: 'it.weight + 1'}", CodeValue, "a", "it.weight + 1", "add("},
		{"work", "- {to: a, expr: 'all(it.many, all(it.many, all(it.many, true)))'}", CodeLimit, "a", "", "work"},
		{"long lists", "- {to: a, expr: 'count(map(it.wide, 1))'}", CodeLimit, "a", "", "too long"},
		{"text and number", "- {to: a, expr: 'it.order_no == 1'}", CodeValue, "a", "it.order_no == 1", "compare"},
	}
	in := tree(t, orderJSON).(map[string]any)
	in["float"], in["weight"] = 1.5, json.Number("1.5")
	many := make([]any, 2000)
	in["many"], in["wide"] = many, make([]any, maxExprMemory)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			shape := form{typ: "object", open: true, fields: map[string]form{"lines": {}, "buyer_note": {}, "order_no": {}, "ship_to": {}}}
			p := mustCompile(t, rowsFile(c.rows), Options{Input: shape, Lookups: carriers})
			_, err := p.Run(in, Context{})
			var es *RunErrors
			if !errors.As(err, &es) {
				t.Fatalf("error is %v", err)
			}
			e := es.Errors[0]
			if e.Code != c.code || e.Target != c.target || (c.source != "" && e.Source != c.source) || e.Line < 3 {
				t.Errorf("got %+v", e)
			}
			if !strings.Contains(e.Error(), c.has) {
				t.Errorf("%q lacks %q", e.Error(), c.has)
			}
			if strings.Contains(err.Error(), "张三") || strings.Contains(err.Error(), "13800000000") {
				t.Errorf("the error quotes a person: %v", err)
			}
		})
	}
}

func TestMissingLookups(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, rowsFile("- {to: a, each: lines, fields: [{to: p, from: sku_code, lookup: carriers}]}\n- {to: b, each: lines, from: sku_code, lookup: carriers}"),
		Options{Input: orderForm, Lookups: carriers})
	_, err := p.Run(tree(t, orderJSON), Context{})
	missing, only := MissingLookups(err)
	want := []MissingLookup{{"carriers", "TEE"}, {"carriers", "BAG"}}
	if diff := cmp.Diff(want, missing); diff != "" || !only {
		t.Errorf("only %v: %s", only, diff)
	}
	// Filled entries take effect without compiling again.
	got, err := p.Run(tree(t, orderJSON), Context{Lookups: tables{"carriers": {"TEE": 1, "BAG": 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"a":[{"p":1},{"p":2}],"b":[1,2]}`, jsonText(t, got)); diff != "" {
		t.Error(diff)
	}
	mixed := mustCompile(t, rowsFile("- {to: a, from: order_no, lookup: carriers}\n- {to: b, from: buyer_note, required: true}"), Options{Input: orderForm, Lookups: carriers})
	_, err = mixed.Run(tree(t, orderJSON), Context{})
	if missing, only := MissingLookups(err); only || len(missing) != 1 {
		t.Errorf("a required value is missing too, yet only is %v with %v", only, missing)
	}
}

func TestRunErrorsAreBounded(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, rowsFile("- {to: a, each: it, fields: [{to: x, from: y, required: true}]}"), Options{})
	items := make([]any, 50)
	for i := range items {
		items[i] = map[string]any{}
	}
	_, err := p.Run(items, Context{})
	var es *RunErrors
	if !errors.As(err, &es) || len(es.Errors) != 20 || es.More != 30 {
		t.Fatalf("got %v", err)
	}
}

func TestProgramDescribesItself(t *testing.T) {
	t.Parallel()
	src := "mapping: order -> sale\ninput: canonical/order\noutput: vendors/tryton/sale\nlookups: [carriers]\nfields:\n" +
		"- {to: reference, from: '@key'}\n- {to: lines, each: lines, fields: [{to: product, from: sku_code, lookup: carriers}, {to: quantity, expr: 'qty + parent.amounts.total.minor'}]}\n"
	opt := Options{Lookups: carriers, Shapes: func(name string) (Shape, bool) {
		return map[string]Shape{"canonical/order": orderForm, "vendors/tryton/sale": saleForm}[name], true
	}}
	p := mustCompile(t, src, opt)
	got := [][]string{{p.Name(), p.Title(), p.Input(), p.Output()}, p.Targets(), p.Sources(), p.Tables()}
	want := [][]string{{"test.yaml", "order -> sale", "canonical/order", "vendors/tryton/sale"},
		{"lines[]", "lines[].product", "lines[].quantity", "reference"},
		{"@key", "amounts.total.minor", "lines", "lines[].qty", "lines[].sku_code"}, {"carriers"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.Version()) != 12 || p.Version() == mustCompile(t, src+"# changed\n", opt).Version() {
		t.Errorf("version %q does not follow the content", p.Version())
	}
}
