package canonical

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/schemas/codec"
)

// exampleOrder is the example document of the order's schema.
func exampleOrder(t *testing.T) Order {
	t.Helper()
	b, err := os.ReadFile("order.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Examples []Order `json:"examples"`
	}
	if err := codec.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	return schema.Examples[0]
}

func cny(minor int64) *Money { return &Money{Minor: minor, Currency: "CNY"} }

func TestTheExampleOrderAddsUp(t *testing.T) {
	o := exampleOrder(t)
	if err := CheckTotals(&o); err != nil {
		t.Error(err)
	}
}

func TestCheckTotals(t *testing.T) {
	cases := []struct {
		name string
		edit func(*Order)
		want []string // pointers, in order; none when the order adds up
	}{
		{"total", func(o *Order) { o.Amounts.Total.Minor++ }, []string{"/amounts/total"}},
		{"freight forgotten", func(o *Order) { o.Amounts.Freight = nil }, []string{"/amounts/total"}},
		{"rounding down", func(o *Order) { o.Amounts.Rounding = cny(-5); o.Amounts.Total.Minor -= 5 }, nil},
		{"tax on top", func(o *Order) {
			o.TaxInclusive = false
			o.Amounts.Total.Minor += o.Amounts.Tax.Minor
		}, nil},
		{"tax on top forgotten", func(o *Order) { o.TaxInclusive = false }, []string{"/amounts/total"}},
		{"discount not shared out", func(o *Order) { o.Lines[0].Discount = nil; o.Lines[0].NetTotal.Minor = 10000 }, []string{"/amounts/goods"}},
		{"unit price for a line total", func(o *Order) { o.Lines[0].UnitPrice = cny(9000) }, []string{"/lines/0/net_total"}},
		{"no unit price", func(o *Order) { o.Lines[0].UnitPrice = nil }, nil},
		{"weighed goods", func(o *Order) { o.Lines[0].Qty, o.Lines[0].QtyDecimal = 1, "1.8" }, nil},
		{"beyond all numbers", func(o *Order) { o.Lines[0].UnitPrice, o.Lines[0].Qty = cny(999999999999999), 1000000000 }, []string{"/lines/0/net_total"}},
		{"foreign currency", func(o *Order) { o.Lines[1].NetTotal.Currency = "USD" }, []string{"/lines/1/net_total/currency"}},
		{"too much shipped", func(o *Order) { n := int64(3); o.Lines[0].QtyShipped = &n }, []string{"/lines/0/qty"}},
		{"payment missing", func(o *Order) { o.Payments[0].Status = "pending" }, []string{"/amounts/paid"}},
		{"payments left out", func(o *Order) { o.Payments = nil }, nil},
		{"several at once", func(o *Order) { o.Amounts.Total.Minor = 1; o.Amounts.Paid.Minor = 1 }, []string{"/amounts/total", "/amounts/paid"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := exampleOrder(t)
			c.edit(&o)
			err := CheckTotals(&o)
			var got []string
			var bad *TotalsError
			if errors.As(err, &bad) {
				for _, p := range bad.Problems {
					got = append(got, p.Pointer)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s\n%v", d, err)
			}
			tree, terr := codec.Tree(o)
			if terr != nil {
				t.Fatal(terr)
			}
			fromTree := CheckTotalsTree(tree)
			if (fromTree == nil) != (err == nil) || err != nil && fromTree.Error() != err.Error() {
				t.Errorf("as a tree: %v, as a type: %v", fromTree, err)
			}
		})
	}
}

func TestCheckTotalsTreeRefusesWhatIsNoOrder(t *testing.T) {
	for _, doc := range []any{nil, "x", []any{}, map[string]any{"lines": "x"}, map[string]any{"amounts": map[string]any{"total": map[string]any{"minor": "1"}}}} {
		if err := CheckTotalsTree(doc); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: got %v", doc, err)
		}
	}
}

// Any way to share a discount out keeps the sums equal.
func TestSharedDiscountsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Order{Currency: "CNY", TaxInclusive: true}
		var goods, discount int64
		for range rapid.IntRange(1, 6).Draw(t, "lines") {
			price := rapid.Int64Range(0, 1_000_000_000).Draw(t, "price")
			qty := rapid.Int64Range(1, 1000).Draw(t, "qty")
			off := rapid.Int64Range(0, price*qty).Draw(t, "off")
			o.Lines = append(o.Lines, OrderLine{Qty: qty, UnitPrice: cny(price), Discount: cny(off), NetTotal: *cny(price*qty - off)})
			goods, discount = goods+price*qty, discount+off
		}
		freight := rapid.Int64Range(0, 10_000).Draw(t, "freight")
		o.Amounts = OrderAmounts{Goods: *cny(goods), Discount: cny(discount), Freight: cny(freight), Total: *cny(goods - discount + freight)}
		if err := CheckTotals(&o); err != nil {
			t.Fatal(err)
		}
		o.Lines[0].NetTotal.Minor++
		if CheckTotals(&o) == nil {
			t.Fatal("one fen too much passed")
		}
	})
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 1, 1, 10, 0, 0, 500, time.FixedZone("", 8*3600))
	back, err := TimeOf(at).Parse()
	if err != nil || !back.Equal(at) {
		t.Errorf("got %v, %v", back, err)
	}
	if _, err := Time("2026-01-01 10:00:00").Parse(); err == nil {
		t.Error("a time without a zone passed")
	}
}
