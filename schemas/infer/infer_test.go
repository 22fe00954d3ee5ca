package infer_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
	"github.com/minihub/minihub/schemas/infer"
)

const drafted = "vendors/teashop/order"

var (
	lookups = sync.OnceValues(func() (*mappings.Lookups, error) { return mappings.LoadLookups(nil) })
	loaded  sync.Map // drafted schema -> *schemas.Set: loading takes most of the time
)

// schemaSet loads what is shipped with the drafted schema over it, as a deployment does.
func schemaSet(t testing.TB, src []byte) *schemas.Set {
	t.Helper()
	if set, ok := loaded.Load(string(src)); ok {
		return set.(*schemas.Set)
	}
	set, err := schemas.Load(fstest.MapFS{drafted + ".schema.json": {Data: src}})
	if err != nil {
		t.Fatalf("the draft is refused: %v\n%s", err, src)
	}
	loaded.Store(string(src), set)
	return set
}

func shapes(set *schemas.Set) func(string) (mapper.Shape, bool) {
	return func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
}

func read(t testing.TB, samples ...string) *infer.Samples {
	t.Helper()
	s := infer.New()
	for _, text := range samples {
		if err := s.Read(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// draft drafts both, holds the schema to the samples and the mapping to the compiler.
func draft(t testing.TB, to string, docs ...string) (schema, mapping string, p *mapper.Program) {
	t.Helper()
	s := read(t, docs...)
	src := s.Schema("order")
	set := schemaSet(t, src)
	got, _ := set.Get(drafted)
	for _, d := range docs {
		v, err := codec.Decode([]byte(d))
		if err != nil {
			continue // several documents in one sample
		}
		if bad := got.Validate(v); len(bad) > 0 {
			t.Fatalf("the draft refuses its own sample: %v\n%s\n%s", bad, d, src)
		}
	}
	target, ok := set.Get(to)
	if !ok {
		t.Fatalf("there is no %s", to)
	}
	m := s.Mapping(infer.Mapping{Title: "teashop order -> " + to, Input: drafted, Output: to, Shape: target.Shape()})
	tables, err := lookups()
	if err != nil {
		t.Fatal(err)
	}
	p, err = mapper.Compile("draft.yaml", m, mapper.Options{Shapes: shapes(set), Lookups: tables})
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, m, src)
	}
	return string(src), string(m), p
}

// teashop is a made-up order with the habits of the trade.
func teashop(i int) string {
	return fmt.Sprintf(`{"orderNo":"T2026%08d","id":1729382256910270%03d,"status":"%s","create_time":%d,"pay_time":%d,"updateTime":"2026-01-02 10:00:%02d",
	 "orderAmount":"%d.50","goodsAmount":"%d.50","postage":0,"买家留言":"请尽快%d","is_gift":false,
	 "receiver":{"name":"王小%s","mobile":"1380000%04d","province":"浙江省","city":"杭州市","district":"余杭区","address":"示例路%d号"},
	 "sender":{"mobile":"13900000000"},
	 "items":[{"goodsNo":"TEE-RED","num":%d,"商品名称":"T恤","price":"12.25","realPrice":"24.50","sku_id":%d}],"weird":{"a":[1,"x",null]}}`,
		i, i%1000, []string{"paid", "shipped"}[i%2], 1767190000+i, (i%2)*(1767190065+i), i%60, 10+i, 10+i, i, []string{"明", "红"}[i%2], i, i, 1+i%3, 20000000+i)
}

func orders(n int) (docs []string) {
	for i := range n {
		docs = append(docs, teashop(i))
	}
	return docs
}

func TestADraftFromOrders(t *testing.T) {
	t.Parallel()
	schema, mapping, p := draft(t, "canonical/order", orders(30)...)
	for _, want := range []string{`"x-pii": "phone"`, `"x-pii": "name"`, `"x-pii": "address"`, `"x-pii": "text"`, `"x-unit": "Unix seconds"`, `"x-search": "order_no"`,
		"an id, to be kept as text", "money as decimal text", "a time without a zone"} {
		if !strings.Contains(schema, want) {
			t.Errorf("the schema lacks %s\n%s", want, schema)
		}
	}
	for _, want := range []string{
		"{ to: order_no, from: orderNo, required: true }",
		"{ to: source_id, from: id, convert: text }",
		"{ to: status, from: status, required: true }",
		"{ to: placed_at, from: create_time, convert: from_unix(Asia/Shanghai), required: true }",
		"{ to: paid_at, from: pay_time, convert: from_unix(Asia/Shanghai) }",
		"{ to: source_updated_at, from: updateTime, convert: 'parse_time(datetime, Asia/Shanghai)' }",
		"{ to: amounts.total, from: orderAmount, convert: ['minor(2)', 'money(CNY)'], required: true }",
		"{ to: amounts.goods, from: goodsAmount, convert: ['minor(2)', 'money(CNY)'], required: true }",
		"{ to: ship_to.recipient, from: receiver.name }",
		"{ to: ship_to.phone, from: receiver.mobile, convert: phone_e164 }",
		"{ to: ship_to.province, from: receiver.province }",
		"{ to: ship_to.line1, from: receiver.address }",
		`{ to: buyer_note, from: '["买家留言"]' }`,
		"{ to: open_after_sale, expr: 'nil', required: true } # no guess, required: true or false",
		"  - to: lines # likely: the name fits\n    each: items\n    required: true",
		"{ to: line_no, expr: position }",
		"{ to: sku_code, from: goodsNo }",
		`{ to: title, from: '["商品名称"]' }`,
		"{ to: qty, from: num, required: true }",
		"{ to: net_total, from: realPrice, convert: ['minor(2)', 'money(CNY)'], required: true }",
		"# no guess: is_gift (boolean)",
		"# no guess: weird.a (array)",
		"# no guess: sender.mobile (string, as 00000000000)",
	} {
		if !strings.Contains(mapping, want) {
			t.Errorf("the mapping lacks %s\n%s", want, mapping)
		}
	}
	// It stops at what nobody has filled in, and only there.
	doc, err := codec.Decode([]byte(teashop(1)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(doc, mapper.Context{Store: map[string]any{"code": "shop-a"}})
	var errs *mapper.RunErrors
	if !errors.As(err, &errs) {
		t.Fatalf("the unfinished mapping runs: %v", err)
	}
	for _, e := range errs.Errors {
		if e.Code != mapper.CodeRequired {
			t.Errorf("%v", e)
		}
	}
	// Filled in, the result fits the canonical schema.
	done := strings.ReplaceAll(mapping, "{ to: open_after_sale, expr: 'nil', required: true }", "{ to: open_after_sale, value: false }")
	if strings.Contains(done, "'nil'") {
		t.Fatalf("more is open than expected\n%s", done)
	}
	set := schemaSet(t, []byte(schema))
	p, err = mapper.Compile("draft.yaml", []byte(done), mapper.Options{Shapes: shapes(set)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(doc, mapper.Context{Store: map[string]any{"code": "shop-a"}})
	if err != nil {
		t.Fatal(err)
	}
	order, _ := set.Get("canonical/order")
	if bad := order.Validate(out); len(bad) > 0 {
		t.Errorf("%v\n%v", bad, out)
	}
}

// No value of a sample comes out: only forms, and the words of fields that choose.
func TestNoSampleValueComesOut(t *testing.T) {
	t.Parallel()
	schema, mapping, _ := draft(t, "canonical/order", orders(30)...)
	for _, private := range []string{"王小明", "王小", "1380000", "示例路", "T2026", "172938225691", "TEE-RED", "1767190", "请尽快", "余杭"} {
		if strings.Contains(schema, private) || strings.Contains(mapping, private) {
			t.Errorf("%s comes out", private)
		}
	}
	if !strings.Contains(schema, `"shipped"`) {
		t.Error("the words of status are not in the schema")
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	many := func(values ...string) (docs []string) {
		for range 5 {
			docs = append(docs, values...)
		}
		return docs
	}
	tests := []struct {
		name string
		docs []string
		want []string
		not  []string
	}{
		{"null beside text", []string{`{"a":null}`, `{"a":"x"}`}, []string{"\"string\",\n        \"null\"", `"required"`}, nil},
		{"sometimes missing", []string{`{"a":1}`, `{}`}, []string{`"type": "integer"`}, []string{`"required"`}},
		{"whole and decimal", []string{`{"a":1}`, `{"a":1.5}`}, []string{`"type": "number"`}, nil},
		{"milliseconds", []string{`{"t":1767190000123}`, `{"t":0}`}, []string{"Unix milliseconds"}, nil},
		{"a number that is no time", []string{`{"order_no":1767190000}`}, []string{`"x-search": "order_no"`}, []string{"Unix"}},
		{"a time with its zone", []string{`{"t":"2026-01-01T10:00:00+08:00"}`}, []string{`"format": "date-time"`}, nil},
		{"sometimes an empty time", []string{`{"t":"2026-01-01T10:00:00Z"}`, `{"t":""}`}, nil, []string{"date-time\""}},
		{"few words", many(`{"status":"a"}`, `{"status":"b"}`), []string{`"enum"`}, nil},
		{"few codes", many(`{"state":10}`, `{"state":20}`), []string{`"enum"`, "10", "20"}, nil},
		{"few names of people", many(`{"nick":"tom"}`, `{"nick":"ann"}`), []string{`"x-pii": "name"`}, []string{`"enum"`}},
		{"few words in a field that does not choose", many(`{"x":"tom"}`, `{"x":"ann"}`), nil, []string{`"enum"`, "tom"}},
		{"words seldom seen", []string{`{"status":"a"}`, `{"status":"b"}`}, nil, []string{`"enum"`}},
		{"identity numbers", []string{`{"x":"11010119900307109X"}`, `{"x":"110101199003070839"}`}, nil, nil},
		{"phones by value", []string{`{"x":"13800000000"}`, `{"x":"138****0000"}`}, []string{`"x-pii": "phone"`}, nil},
		{"phones as numbers", []string{`{"x":13800000000}`}, []string{`"x-pii": "phone"`}, nil},
		{"keys that are ids", []string{`{"m":{"1":{"q":1},"2":{"q":2},"3":{"q":3},"4":{},"5":{"q":5}}}`}, []string{`"additionalProperties"`}, []string{`"1"`}},
		{"a document that is no object", []string{`3`, `"x"`}, []string{`"string"`, `"integer"`}, nil},
		{"lists in lists", []string{`{"a":[[1,2],[3.5]]}`}, []string{`"items"`, `"number"`}, nil},
		{"an empty list", []string{`{"a":[]}`}, []string{`"array"`}, []string{`"items"`}},
	}
	// All drafts are loaded at once, which takes most of the time.
	overlay := fstest.MapFS{}
	for i, tt := range tests {
		schema := string(read(t, tt.docs...).Schema(tt.name))
		overlay[fmt.Sprintf("vendors/teashop/form%d.schema.json", i)] = &fstest.MapFile{Data: []byte(schema)}
		for _, w := range tt.want {
			if !strings.Contains(schema, w) {
				t.Errorf("%s: lacks %s\n%s", tt.name, w, schema)
			}
		}
		for _, w := range tt.not {
			if strings.Contains(schema, w) {
				t.Errorf("%s: has %s\n%s", tt.name, w, schema)
			}
		}
	}
	set, err := schemas.Load(overlay)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		s, _ := set.Get(fmt.Sprintf("vendors/teashop/form%d", i))
		for _, d := range tt.docs {
			if _, bad := s.ValidateBytes([]byte(d)); len(bad) > 0 {
				t.Errorf("%s: the draft refuses its own sample %s: %v", tt.name, d, bad)
			}
		}
	}
}

// Whatever the canonical document, a draft compiles.
func TestDraftsForEveryDocument(t *testing.T) {
	t.Parallel()
	docs := append(orders(3), `{"会员号":"M1","手机":"13800000001","姓名":"李四","积分":5,"等级":"vip","refund_id":"R1","reason":"x","快递单号":"SF1","物流公司":"顺丰","库存":3,"on":"yes","a b":1,"it's":2,"q\"]x":3,"":4}`)
	for _, name := range schemaSet(t, read(t, `{}`).Schema("x")).Names() {
		if !strings.HasPrefix(name, "canonical/") || name == "canonical/defs" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			_, mapping, _ := draft(t, name, docs...)
			if !strings.Contains(mapping, "# no guess: ") {
				t.Errorf("nothing is left over\n%s", mapping)
			}
		})
	}
}

func TestDraftsAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	schema, mapping, _ := draft(t, "canonical/order", orders(12)...)
	for range 4 {
		s, m, _ := draft(t, "canonical/order", orders(12)...)
		if s != schema || m != mapping {
			t.Fatal("the same samples give other drafts")
		}
	}
}

func TestWaysToHoldDocuments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, " \n": 0, "{}": 1, "{}{}": 2, "{\"a\":1}\n{\"a\":2}\n": 2, "[{},{},{}]": 3, "[]": 0, "[ ] {}": 1, "\xEF\xBB\xBF{}": 1, `1 2 "x" true`: 4, "[[1],[2]]": 2,
		"{\"a\":\"]}\\\"\"}": 1, "[{}]\n[{}]": 2,
	} {
		if got := read(t, text).Documents(); got != want {
			t.Errorf("%q holds %d documents, want %d", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"{\"a\":1}\n{\"a\":": "line 2, column 6", "[{},\n {},]": "line 2, column 5", "[{}": "line 1, column 4", "[{} {}]": "line 1, column 5", "{}\n  nul": "line 2, column 6",
		"{\"一\":1}x": "line 1, column 8", "<html>": "line 1, column 1",
	} {
		err := infer.New().Read(strings.NewReader(text))
		var bad *infer.Error
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want it at %s", text, err, want)
		}
	}
	broken := errors.New("the disk is gone")
	if err := infer.New().Read(io.MultiReader(strings.NewReader("{}"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// generated gives documents without holding them.
type generated struct {
	left, n int
	rest    []byte
	doc     func(i int) string
}

func (g *generated) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.left == 0 {
			return 0, io.EOF
		}
		g.left--
		g.n++
		g.rest = []byte(g.doc(g.n) + "\n")
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// Memory does not grow with the samples, nor with names that are data.
func TestBigSamplesInLittleMemory(t *testing.T) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := infer.New()
	doc := func(i int) string {
		return fmt.Sprintf(`{"no":"%d","m":{"k%d":1,"j%d":{"deep%d":%d}},"note":"%s"}`, i, i, i, i, i, strings.Repeat("x", 100))
	}
	if err := s.Read(&generated{left: 6_000, doc: doc}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); s.Documents() != 6_000 || grown > 2<<20 {
		t.Errorf("%d documents leave %d KiB", s.Documents(), grown>>10)
	}
	if schema := string(s.Schema("x")); len(schema) > 200_000 {
		t.Errorf("the schema has %d bytes", len(schema))
	}
	runtime.KeepAlive(s)
}

func FuzzDraft(f *testing.F) {
	f.Add(teashop(1))
	f.Add(teashop(1) + teashop(2))
	f.Add(`[{"a":[{"b":null}]},{"a":{}}]`)
	f.Add(`{"no":1,"on":"x","status":"paid","items":[{"qty":"2","小计":1.5}]} {"items":[]}`)
	f.Add(`{"下单时间":"2026-01-01 10:00:00","a'b":1,"金额":"1.00","phone":13800000000}`)
	set := schemaSet(f, read(f, `{}`).Schema("x"))
	order, _ := set.Get("canonical/order")
	shape := mapper.ShapeOf(order.Shape())
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		s := infer.New()
		if err := s.Read(strings.NewReader(text)); err != nil {
			var bad *infer.Error
			if !errors.As(err, &bad) || bad.Line < 1 || bad.Column < 1 {
				t.Fatalf("an error without its place: %v", err)
			}
			return
		}
		if s.Documents() == 0 {
			return
		}
		v, err := codec.Decode([]byte(text))
		if _, isList := v.([]any); isList || err != nil {
			v = nil
		}
		// Loading all schemas anew takes most of the time: one input in sixteen has it.
		if v != nil && crc32.ChecksumIEEE([]byte(text))%16 == 0 {
			draft(t, "canonical/order", text)
			return
		}
		loader := gojsonschema.NewSchemaLoader()
		loader.AutoDetect, loader.Draft, loader.Validate = false, gojsonschema.Draft7, true
		src := s.Schema("x")
		compiled, err := loader.Compile(gojsonschema.NewBytesLoader(src))
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		if v != nil {
			if r, err := compiled.Validate(gojsonschema.NewGoLoader(v)); err != nil || !r.Valid() {
				t.Fatalf("the draft refuses its own sample: %v %v\n%s", err, r.Errors(), src)
			}
		}
		m := s.Mapping(infer.Mapping{Title: "x", Input: drafted, Output: "canonical/order", Shape: order.Shape()})
		if _, err := mapper.Compile("draft.yaml", m, mapper.Options{Output: shape}); err != nil {
			t.Fatalf("%v\n%s", err, m)
		}
	})
}
