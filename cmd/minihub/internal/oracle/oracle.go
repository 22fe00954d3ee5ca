// Package oracle says what every target must hold, judged by what the shops really sold,
// and finds what differs. It shares nothing with the mappings: each rule here is a second,
// independent reading, so that a wrong mapping cannot agree with itself.
//
// # Rules of truth
//
//   - A paid order is alive exactly once at OMS, ERP, carrier, warehouse and CRM, under its
//     store's code: two shops may use the same order number.
//   - An order cancelled or wholly refunded before it shipped is alive nowhere but in the
//     CRM, which keeps it with that status; an unpaid one is only in the CRM.
//   - An order that the shop itself had shipped before is not shipped again.
//   - A target holds the last content of an edited document, not an earlier one.
//   - Carrier and warehouse get what is left after refunds; every other amount is that of
//     the sale, to the fen.
//   - No order has two waybills alive, and the warehouse has the one that is.
//   - A receiver is told in clear where a parcel is to go. Of other orders a target may have
//     what the shop shows, which is masked.
//   - Targets that keep a history got the versions in order, and each once.
package oracle

import (
	"cmp"
	"slices"
	"strings"
)

// Report is the result of a comparison.
type Report struct {
	Targets     map[string]*Count `json:"targets"`
	Differences []Difference      `json:"differences"` // the first of them
	Excluded    map[string]string `json:"excluded"`    // planted bad orders -> why they are left out
}

// Count sums one target up.
type Count struct {
	Expected  int `json:"expected"`
	Present   int `json:"present"`
	Missing   int `json:"missing"`
	Duplicate int `json:"duplicate"`
	Different int `json:"different"` // other content, alive though cancelled, or known to no shop
}

// Difference is one field that is not as it must be. Personal values are masked.
type Difference struct {
	Target string `json:"target"`
	Key    string `json:"key"`
	Field  string `json:"field"`
	Want   string `json:"want"`
	Got    string `json:"got"`
}

// OK reports whether every target holds every document exactly once with equal content.
func (r *Report) OK() bool {
	for _, c := range r.Targets {
		if c.Missing+c.Duplicate+c.Different > 0 || c.Present != c.Expected {
			return false
		}
	}
	return true
}

// Names returns the targets in order.
func (r *Report) Names() []string {
	names := make([]string, 0, len(r.Targets))
	for name := range r.Targets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Options say what the oracle cannot know from the shops.
type Options struct {
	// SKU maps a store's SKU code to that of the back ends; a code that is missing is the same.
	SKU map[string]string
	// Receiver is the name that an order's was mended to, by key.
	Receiver map[string]string
	// Excluded are orders that cannot be delivered, by key, with the reason.
	Excluded map[string]string
	// TaxBP is the ERP's sales tax in basis points, contained in the shops' prices.
	TaxBP int64
	// Differences is how many are listed; 0 = 50. All are counted.
	Differences int
}

// Compare holds what the targets have against what the shops sold.
func Compare(truth Truth, have Systems, opt Options) *Report {
	c := &comparison{opt: opt, report: &Report{Targets: map[string]*Count{}, Differences: []Difference{}, Excluded: map[string]string{}}}
	if c.opt.Differences == 0 {
		c.opt.Differences = 50
	}
	c.read(truth)
	c.oms(have)
	c.erp(have)
	c.carrier(have)
	c.warehouse(have)
	c.crm(have)
	c.events(have)
	return c.report
}

// need says how a document must stand at a target.
type need int

const (
	must  need = iota // alive once, with this content
	may               // if alive, then once and with this content
	never             // not alive
)

// field is one value to compare.
type field struct {
	name, value string
	personal    bool
	masked      bool // the value as the shop masks it will do
}

// holds reports whether a target's value is the right one.
func (f field) holds(got string) bool {
	if got == f.value {
		return true
	}
	first, last := strings.IndexByte(got, '*'), strings.LastIndexByte(got, '*')
	return f.masked && first >= 0 && strings.HasPrefix(f.value, got[:first]) && strings.HasSuffix(f.value, got[last+1:])
}

// line is one line of goods; amount is fen for all of it, off by at most tolerance.
type line struct {
	name              string
	qty, back         int64
	amount, tolerance int64
}

// expected is a document as it must be.
type expected struct {
	key    string
	need   need
	fields []field
	lines  []line
}

// found is a document as a target has it. copies counts what of it is alive: one waybill
// too many, one event sent twice.
type found struct {
	key    string
	alive  bool
	copies int
	values map[string]string
	lines  []line
}

type comparison struct {
	opt    Options
	report *Report
	orders []*order
	byKey  map[string]*order
	refund []*refund
	people []*person
}

// compare judges one target.
func (c *comparison) compare(target string, want []expected, have []found) {
	count := &Count{}
	c.report.Targets[target] = count
	there := map[string][]found{}
	for _, f := range have {
		there[f.key] = append(there[f.key], f)
	}
	for _, e := range want {
		alive := slices.DeleteFunc(slices.Clone(there[e.key]), func(f found) bool { return !f.alive })
		delete(there, e.key)
		if c.excluded(e.key) {
			continue
		}
		c.document(target, count, e, alive)
	}
	unknown := make([]string, 0, len(there))
	for key, list := range there {
		if !c.excluded(key) && slices.ContainsFunc(list, func(f found) bool { return f.alive }) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		count.Different++
		c.differ(target, key, field{name: "document", value: "none"}, "one that no shop knows")
	}
}

func (c *comparison) document(target string, count *Count, e expected, alive []found) {
	copies := 0
	for _, f := range alive {
		copies += f.copies
	}
	switch {
	case e.need == never && copies > 0:
		count.Different++
		c.differ(target, e.key, field{name: "alive", value: "no"}, "yes")
		return
	case e.need == never, e.need == may && copies == 0:
		return
	}
	count.Expected++
	if copies == 0 {
		count.Missing++
		c.differ(target, e.key, field{name: "document", value: "one"}, "none")
		return
	}
	count.Present++
	if copies > 1 {
		count.Duplicate++
		c.differ(target, e.key, field{name: "copies", value: "1"}, number(int64(copies)))
	}
	if c.content(target, e, alive[len(alive)-1]) {
		count.Different++
	}
}

// content compares one document and reports whether anything differs.
func (c *comparison) content(target string, e expected, f found) bool {
	different := false
	for _, want := range e.fields {
		if got := f.values[want.name]; !want.holds(got) {
			different = true
			c.differ(target, e.key, want, got)
		}
	}
	if e.lines != nil && !sameLines(e.lines, f.lines) {
		different = true
		c.differ(target, e.key, field{name: "lines", value: describe(e.lines)}, describe(f.lines))
	}
	return different
}

func (c *comparison) differ(target, key string, want field, got string) {
	if len(c.report.Differences) >= c.opt.Differences {
		return
	}
	if want.personal {
		want.value, got = mask(want.value), mask(got)
	}
	c.report.Differences = append(c.report.Differences, Difference{Target: target, Key: key, Field: want.name, Want: want.value, Got: got})
}

func (c *comparison) excluded(key string) bool {
	why, ok := c.opt.Excluded[key]
	if ok {
		c.report.Excluded[key] = why
	}
	return ok
}

func sameLines(want, got []line) bool {
	if len(want) != len(got) {
		return false
	}
	want, got = sorted(want), sorted(got)
	for i, w := range want {
		g := got[i]
		if w.name != g.name || w.qty != g.qty || w.back != g.back || max(w.amount-g.amount, g.amount-w.amount) > w.tolerance {
			return false
		}
	}
	return true
}

func sorted(lines []line) []line {
	return slices.SortedFunc(slices.Values(lines), func(a, b line) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.qty, b.qty), cmp.Compare(a.amount, b.amount))
	})
}

func describe(lines []line) string {
	var parts []string
	for _, l := range sorted(lines) {
		text := l.name + " x" + number(l.qty) + " = " + yuan(l.amount)
		if l.back > 0 {
			text += " (" + number(l.back) + " back)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
