package flows_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/mappings/mapper"
)

// TestSaleAddsUp: whatever the amounts, the quantities and the rate, what Tryton adds up is
// the total of the order, and nothing but a few cents goes into the rounding line.
func TestSaleAddsUp(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	sale, err := h.mappings.Program("tryton/out/sale.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fen := func(n int) map[string]any {
		return map[string]any{"minor": json.Number(fmt.Sprint(n)), "currency": "CNY"}
	}
	rapid.Check(t, func(r *rapid.T) {
		total := rapid.IntRange(0, 5000).Draw(r, "freight")
		amounts := map[string]any{"freight": fen(total)}
		var lines []any
		for i := range rapid.IntRange(1, 8).Draw(r, "lines") {
			net := rapid.IntRange(0, 1_000_000).Draw(r, "net")
			total += net
			lines = append(lines, map[string]any{"line_no": json.Number(fmt.Sprint(i + 1)), "kind": "goods", "sku_code": "SKU-MUG-01",
				"qty": json.Number(fmt.Sprint(rapid.IntRange(1, 99).Draw(r, "qty"))), "net_total": fen(net)})
		}
		amounts["total"] = fen(total)
		bp := rapid.SampledFrom([]int{0, 100, 300, 600, 900, 1300}).Draw(r, "rate")
		s := store("shop-a")
		s["erp_tax_bp"] = json.Number(fmt.Sprint(bp))
		out, err := sale.Run(map[string]any{"order_no": "1", "store": map[string]any{"code": "shop-a"}, "status": "paid", "currency": "CNY",
			"placed_at": "2026-01-01T10:00:00+08:00", "amounts": amounts, "lines": lines}, mapper.Context{Key: "shop-a-1", Store: s})
		if err != nil {
			r.Fatal(err)
		}
		doc := out.(map[string]any)
		if got, want := trytonTotal(r, doc, bp).StringFixed(2), doc["expected_total"]; got != want {
			r.Fatalf("Tryton adds up to %s, the order says %s: %v", got, want, doc["lines"])
		}
	})
}

// trytonTotal is how sale.sale adds up: a line is rounded, a tax is taken once of all the
// unrounded lines that carry it, both half to even.
func trytonTotal(r *rapid.T, doc map[string]any, bp int) decimal.Decimal {
	var untaxed, base decimal.Decimal
	for _, l := range doc["lines"].([]any) {
		line := l.(map[string]any)
		price, err := decimal.NewFromString(line["unit_price"].(string))
		if err != nil {
			r.Fatal(err)
		}
		qty, err := decimal.NewFromString(fmt.Sprint(line["quantity"]))
		if err != nil {
			r.Fatal(err)
		}
		value := price.Mul(qty)
		untaxed = untaxed.Add(value.RoundBank(2))
		if line["taxes"] != nil {
			base = base.Add(value)
		} else if value.Abs().GreaterThan(decimal.RequireFromString("0.10")) {
			r.Fatalf("%s went into the rounding line", value)
		}
	}
	return untaxed.Add(base.Mul(decimal.New(int64(bp), -4)).RoundBank(2))
}
