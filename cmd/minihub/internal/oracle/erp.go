package oracle

import (
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors/tryton/trytonsim"
)

const freightName = "运费"

// erp compares sales and parties of the ERP. The sale is what was sold: refunds do not
// change it.
func (c *comparison) erp(have Systems) {
	var want []expected
	for _, o := range c.orders {
		e := expected{key: o.key, need: never}
		if o.sold() {
			e.need, e.fields, e.lines = must, c.sale(o), c.saleLines(o)
		}
		want = append(want, e)
	}
	var there []found
	back := takenBack(have.Sales)
	for _, s := range have.Sales {
		if !isReturn(s) {
			there = append(there, c.saleFound(s, back[s.ID]))
		}
	}
	c.compare("erp.sale", want, there)
	c.parties(have)
}

func (c *comparison) sale(o *order) []field {
	masked := o.Status != toShip && o.Status != partShip
	return []field{
		{name: "state", value: "booked"},
		{name: "total", value: yuan(o.TotalFen)},
		{name: "taken back", value: yuan(0)},
		{name: "rounding line", value: "small"},
		{name: "party", value: o.buyer()},
		{name: "party name", value: nameless(o.buyer())},
		{name: "receiver", value: plain(o.Receiver.Name), personal: true, masked: masked},
		{name: "street", value: strings.ReplaceAll(o.street(), " ", ""), personal: true, masked: masked},
		{name: "city", value: o.Receiver.City},
		{name: "postal code", value: o.Receiver.Postcode},
		{name: "sale date", value: day(o.CreatedAt)},
		{name: "store and number", value: o.store.Name + " " + o.OrderID},
		{name: "remark", value: plain(o.Remark), personal: true},
	}
}

// saleLines are goods and freight without the tax that the shops' prices contain.
func (c *comparison) saleLines(o *order) []line {
	net := func(fen int64) int64 { return share(fen, 10_000, 10_000+c.opt.TaxBP) }
	var out []line
	for _, l := range o.lines {
		out = append(out, line{name: l.name, qty: l.qty, amount: net(l.amount), tolerance: 1})
	}
	if o.FreightFen > 0 {
		out = append(out, line{name: freightName, qty: 1, amount: net(o.FreightFen), tolerance: 1})
	}
	return out
}

// isReturn tells a sale that takes another one back: it carries that one's reference.
func isReturn(s trytonsim.Sale) bool { return strings.HasPrefix(s.Origin, "sale.sale,") }

// takenBack sums up, by the id of a sale, what its returns give back.
func takenBack(sales []trytonsim.Sale) map[int]int64 {
	out := map[int]int64{}
	for _, s := range sales {
		if id, err := strconv.Atoi(strings.TrimPrefix(s.Origin, "sale.sale,")); err == nil && isReturn(s) && s.State != "cancelled" {
			n, _ := fen(s.Total)
			out[id] -= n
		}
	}
	return out
}

// saleFound reads a sale; one that was taken back in full is as good as cancelled.
func (c *comparison) saleFound(s trytonsim.Sale, back int64) found {
	key := c.base(s.Reference)
	total, _ := fen(s.Total)
	f := found{key: key, alive: s.State != "cancelled" && (back == 0 || back != total), copies: 1, values: map[string]string{
		"taken back": yuan(back),
		"state":      s.State, "total": amount(s.Total), "rounding line": "small", "party": s.PartyCode, "party name": s.Party,
		"receiver": plain(s.Receiver), "street": s.Street, "city": s.City, "postal code": s.PostalCode, "sale date": s.SaleDate,
		"store and number": s.Description, "remark": plain(s.Comment),
	}}
	// A sale that waits for the accountant counts as booked; a draft is unfinished.
	if slices.Contains([]string{"quotation", "confirmed", "processing", "done"}, s.State) {
		f.values["state"] = "booked"
	}
	if o := c.byKey[key]; o != nil {
		f.values["street"] = street(s.Street, o)
	}
	for _, l := range s.Lines {
		n, _ := fen(l.Amount)
		switch {
		case l.SKUCode != "":
			f.lines = append(f.lines, line{name: l.SKUCode, qty: count(l.Quantity), amount: n})
		case l.Description == freightName:
			f.lines = append(f.lines, line{name: freightName, qty: count(l.Quantity), amount: n})
		case max(n, -n) > 5:
			f.values["rounding line"] = yuan(n)
		}
	}
	return f
}

// street is the street of a sale without the region before it.
func street(text string, o *order) string {
	text = strings.ReplaceAll(plain(text), " ", "")
	for _, region := range []string{o.Receiver.Province, o.Receiver.City, o.Receiver.County} {
		text = strings.TrimPrefix(text, region)
	}
	return text
}

func (c *comparison) parties(have Systems) {
	var want []expected
	for _, p := range c.people {
		want = append(want, expected{key: p.number, fields: []field{
			{name: "name", value: nameless(p.number)},
			{name: "mobile", value: p.Phone, personal: true},
			{name: "active", value: "yes"},
		}})
	}
	var there []found
	for _, p := range have.Parties {
		if c.ours(p.Code) {
			there = append(there, found{key: p.Code, alive: true, copies: 1, values: map[string]string{
				"name": p.Name, "mobile": p.Contacts["mobile"], "active": yes(p.Active)}})
		}
	}
	c.compare("erp.party", want, there)
}

// ours tells a code that begins with a store's: others were there before the hub.
func (c *comparison) ours(code string) bool {
	return slices.ContainsFunc(c.people, func(p *person) bool { return strings.HasPrefix(code, p.store.Code+"-") })
}
