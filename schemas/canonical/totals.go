package canonical

import (
	"fmt"
	"math/bits"
	"strings"
)

// TotalsError lists everything in an order that does not add up.
type TotalsError struct{ Problems []TotalsProblem }

// TotalsProblem is one sum that is wrong. Pointer is the JSON pointer of the
// amount that should change; Text gives both figures in minor units.
type TotalsProblem struct{ Pointer, Text, Hint string }

func (e *TotalsError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s: %s; %s", p.Pointer, p.Text, p.Hint)
	}
	return strings.Join(lines, "\n")
}

// CheckTotals checks the arithmetic that a schema cannot express:
//
//   - goods - discount + freight + rounding (+ tax when prices exclude it) = total
//   - the net_total of the lines add up to goods - discount
//   - a line with a unit_price costs unit_price x qty - discount (weighed goods excepted)
//   - succeeded payments, where listed, add up to paid
//   - every amount is in the currency of the order
//   - quantities cancelled and shipped fit into the quantity ordered
//
// The order must fit its schema. The error is a *TotalsError.
func CheckTotals(o *Order) error {
	c := checker{currency: o.Currency}
	a := o.Amounts
	goods, discount := c.money("/amounts/goods", &a.Goods), c.money("/amounts/discount", a.Discount)
	want := goods - discount + c.money("/amounts/freight", a.Freight) + c.money("/amounts/rounding", a.Rounding)
	identity := "goods - discount + freight + rounding"
	if tax := c.money("/amounts/tax", a.Tax); !o.TaxInclusive {
		want += tax
		identity += " + tax"
	}
	if total := c.money("/amounts/total", &a.Total); total != want {
		c.add("/amounts/total", fmt.Sprintf("total is %d, but %s is %d", total, identity, want),
			"map the amount that is missing, or put the difference into rounding")
	}
	var net int64
	for i := range o.Lines {
		net += c.line(fmt.Sprintf("/lines/%d", i), &o.Lines[i])
	}
	if net != goods-discount {
		c.add("/amounts/goods", fmt.Sprintf("goods - discount is %d, but the net_total of the lines add up to %d", goods-discount, net),
			"share discounts on the whole order out to the lines, and leave freight out of the lines")
	}
	c.payments(o)
	if len(c.problems) > 0 {
		return &TotalsError{Problems: c.problems}
	}
	return nil
}

// CheckTotalsTree is CheckTotals for an order as a tree of the codec package;
// a tree that is no order gives a *codec.Error.
func CheckTotalsTree(doc any) error {
	o, err := amountsOf(doc)
	if err != nil {
		return err
	}
	return CheckTotals(o)
}

type checker struct {
	currency string
	problems []TotalsProblem
}

func (c *checker) add(pointer, text, hint string) {
	c.problems = append(c.problems, TotalsProblem{Pointer: pointer, Text: text, Hint: hint})
}

// money gives the amount, nothing for one that is left out.
func (c *checker) money(pointer string, m *Money) int64 {
	if m == nil {
		return 0
	}
	if m.Currency != c.currency {
		c.add(pointer+"/currency", "the currency differs from that of the order", "one order has one currency; convert before mapping")
	}
	return m.Minor
}

func (c *checker) line(at string, l *OrderLine) (net int64) {
	net = c.money(at+"/net_total", &l.NetTotal)
	discount := c.money(at+"/discount", l.Discount)
	if price := c.money(at+"/unit_price", l.UnitPrice); l.UnitPrice != nil && l.QtyDecimal == "" {
		gross, ok := times(price, l.Qty)
		if !ok || gross-discount != net {
			c.add(at+"/net_total", fmt.Sprintf("net_total is %d, but unit_price x qty - discount is %d x %d - %d", net, price, l.Qty, discount),
				"net_total and discount are totals of the line, unit_price is the price of one")
		}
	}
	var used int64
	for _, q := range []*int64{l.QtyCancelled, l.QtyShipped} {
		if q != nil {
			used += *q
		}
	}
	if used > l.Qty {
		c.add(at+"/qty", fmt.Sprintf("qty is %d, but %d are cancelled or shipped", l.Qty, used), "qty is what was ordered at first")
	}
	return net
}

func (c *checker) payments(o *Order) {
	var paid int64
	for i := range o.Payments {
		if amount := c.money(fmt.Sprintf("/payments/%d/amount", i), &o.Payments[i].Amount); o.Payments[i].Status == "succeeded" {
			paid += amount
		}
	}
	if o.Amounts.Paid == nil || len(o.Payments) == 0 {
		return
	}
	if want := c.money("/amounts/paid", o.Amounts.Paid); want != paid {
		c.add("/amounts/paid", fmt.Sprintf("paid is %d, but the succeeded payments add up to %d", want, paid),
			"list every payment, points and gift cards too, or leave the payments out")
	}
}

// times multiplies two amounts that are not negative; ok is false beyond int64.
func times(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return int64(lo), a >= 0 && b >= 0 && hi == 0 && lo <= 1<<63-1
}
