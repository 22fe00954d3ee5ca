package canonical

import (
	"encoding/json"
	"fmt"

	"github.com/minihub/minihub/schemas/codec"
)

// amountsOf reads from an order's tree only what CheckTotals looks at: a tenth
// of the work of decoding the whole type, and the check runs for every order.
func amountsOf(doc any) (*Order, error) {
	r := reader{}
	m := r.object("", doc)
	o := &Order{Currency: r.text("/currency", m["currency"])}
	o.TaxInclusive, _ = m["tax_inclusive"].(bool)
	a := r.object("/amounts", m["amounts"])
	o.Amounts = OrderAmounts{
		Goods: r.must("/amounts/goods", a["goods"]), Discount: r.money("/amounts/discount", a["discount"]),
		Freight: r.money("/amounts/freight", a["freight"]), Tax: r.money("/amounts/tax", a["tax"]),
		Rounding: r.money("/amounts/rounding", a["rounding"]), Total: r.must("/amounts/total", a["total"]),
		Paid: r.money("/amounts/paid", a["paid"]),
	}
	for i, item := range r.list("/lines", m["lines"]) {
		at := fmt.Sprintf("/lines/%d", i)
		l := r.object(at, item)
		line := OrderLine{
			UnitPrice: r.money(at+"/unit_price", l["unit_price"]), Discount: r.money(at+"/discount", l["discount"]),
			NetTotal: r.must(at+"/net_total", l["net_total"]), QtyDecimal: r.text(at+"/qty_decimal", l["qty_decimal"]),
			QtyCancelled: r.integer(at+"/qty_cancelled", l["qty_cancelled"]), QtyShipped: r.integer(at+"/qty_shipped", l["qty_shipped"]),
		}
		if qty := r.integer(at+"/qty", l["qty"]); qty != nil {
			line.Qty = *qty
		}
		o.Lines = append(o.Lines, line)
	}
	for i, item := range r.list("/payments", m["payments"]) {
		at := fmt.Sprintf("/payments/%d", i)
		p := r.object(at, item)
		o.Payments = append(o.Payments, OrderPayment{Status: r.text(at+"/status", p["status"]), Amount: r.must(at+"/amount", p["amount"])})
	}
	if r.err != nil {
		return nil, r.err
	}
	return o, nil
}

// reader keeps the first thing that has the wrong type. What is missing reads
// as nothing: that the order is complete is the schema's business.
type reader struct{ err *codec.Error }

func (r *reader) fail(at, want string) {
	if r.err == nil {
		r.err = &codec.Error{Code: codec.CodeType, Pointer: at, Text: "is no " + want + "; check the order against its schema first"}
	}
}

func (r *reader) object(at string, v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		r.fail(at, "object")
	}
	return m
}

func (r *reader) list(at string, v any) []any {
	l, ok := v.([]any)
	if !ok && v != nil {
		r.fail(at, "array")
	}
	return l
}

func (r *reader) text(at string, v any) string {
	s, ok := v.(string)
	if !ok && v != nil {
		r.fail(at, "string")
	}
	return s
}

func (r *reader) integer(at string, v any) *int64 {
	if v == nil {
		return nil
	}
	number, _ := v.(json.Number)
	n, err := number.Int64()
	if err != nil {
		r.fail(at, "integer")
		return nil
	}
	return &n
}

func (r *reader) money(at string, v any) *Money {
	if v == nil {
		return nil
	}
	m := r.object(at, v)
	minor := r.integer(at+"/minor", m["minor"])
	if minor == nil {
		r.fail(at+"/minor", "integer")
		return nil
	}
	return &Money{Minor: *minor, Currency: r.text(at+"/currency", m["currency"])}
}

func (r *reader) must(at string, v any) Money {
	if m := r.money(at, v); m != nil {
		return *m
	}
	r.fail(at, "amount")
	return Money{}
}
