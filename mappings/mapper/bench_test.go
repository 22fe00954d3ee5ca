package mapper

import (
	"testing"
)

// benchMapping turns an order of three lines into a document of 23 fields.
const benchMapping = `mapping: order -> sale
fields:
- {to: reference, from: '@key'}
- {to: channel, value: wechat}
- {to: sale_date, from: placed_at, convert: date(Asia/Shanghai)}
- {to: placed, from: placed_at, convert: 'time(datetime, Asia/Shanghai)'}
- {to: currency, from: amounts.total.currency}
- {to: state, from: status, map: {paid: quotation, accepted: quotation, closed: cancelled}}
- {to: total, from: amounts.total, convert: decimal}
- {to: freight, from: amounts.freight, convert: decimal}
- {to: goods, from: amounts.goods, convert: decimal}
- {to: gift, expr: 'gift == true'}
- {to: store, from: store.code}
- {to: note, from: buyer_note, default: ''}
- {to: party.name, from: ship_to.recipient}
- {to: party.phone, from: ship_to.phone}
- {to: party.city, from: ship_to.city, default: none}
- {to: carrier, value: SF, when: 'status in ["paid", "accepted"]'}
- {to: count, expr: 'count(lines)'}
- to: lines
  each: lines
  when: kind == "goods"
  fields:
  - {to: product, from: sku_code, lookup: products}
  - {to: quantity, from: qty}
  - {to: unit_price, expr: 'unit_price(net_total, qty, 4)'}
  - {to: sequence, from: line_no}
  - {to: kind, from: kind}
  - {to: total, from: net_total.minor}
`

func benchOrder(t testing.TB) (*Program, map[string]any) {
	p := mustCompile(t, benchMapping, Options{Input: orderForm, Lookups: tables{"products": {"TEE": 101}}})
	in := tree(t, orderJSON).(map[string]any)
	line := in["lines"].([]any)[0]
	in["lines"] = []any{line, line, line}
	return p, in
}

func BenchmarkRun(b *testing.B) {
	p, in := benchOrder(b)
	ctx := Context{Key: "shop-a-1"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(in, ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile("bench.yaml", []byte(benchMapping), Options{Input: orderForm}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCondition(b *testing.B) {
	c, err := CompileCondition(`order.status in ["paid", "accepted"]`, Position{}, Env{Name: "order", Doc: orderForm})
	if err != nil {
		b.Fatal(err)
	}
	doc := tree(b, orderJSON)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := c.Eval(doc, Context{}); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}
