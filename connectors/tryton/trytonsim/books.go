package trytonsim

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Book is what the server's books say of one reference, returns of its sales included.
type Book struct {
	// Alive are the sales that count: neither cancelled nor taken back, returns left out. A
	// draft counts, too.
	Alive []int
	// TakenBack are the sales that were confirmed and of which confirmed returns leave nothing.
	TakenBack []int
	// Unfinished are the returns that are drafts or quotations.
	Unfinished []int
	// Amount is the total of all confirmed sales and returns: the turnover.
	Amount string
	// Pieces are what those sold, by article or text; what came to nothing is left out.
	Pieces map[string]string
	// Billed is the total of the invoices that are not cancelled.
	Billed string
	// ToShip counts the shipments that have not left and are not cancelled.
	ToShip int
}

// Zero reports whether the books show nothing: no sale that counts, no turnover, no
// goods, no invoice, and nothing that is half done.
func (b Book) Zero() bool {
	return len(b.Alive) == 0 && len(b.Unfinished) == 0 && b.Amount == "0.00" && len(b.Pieces) == 0 && b.Billed == "0.00" && b.ToShip == 0
}

// Books adds sales up by reference. of turns a reference into what is counted as one,
// such as a key without its generation; nil takes it as it is.
func Books(sales []Sale, of func(reference string) string) map[string]Book {
	if of == nil {
		of = func(reference string) string { return reference }
	}
	byID, sums := map[int]*Sale{}, map[string]*sum{}
	for i := range sales {
		byID[sales[i].ID] = &sales[i]
	}
	for i := range sales {
		s := &sales[i]
		reference := s.Reference
		if sold := byID[s.ReturnOf]; sold != nil {
			reference = sold.Reference // a return is its sale's, whatever people wrote on it
		}
		key := of(reference)
		if sums[key] == nil {
			sums[key] = &sum{amount: new(big.Rat), billed: new(big.Rat), pieces: map[string]*big.Rat{}}
		}
		sums[key].add(s)
	}
	out := map[string]Book{}
	for key, n := range sums {
		out[key] = n.close()
	}
	return out
}

// Confirmed tells a sale, or a return, that counts in the turnover.
func (s Sale) Confirmed() bool {
	return slices.Contains([]string{"confirmed", "processing", "done"}, s.State)
}

type sum struct {
	book           Book
	amount, billed *big.Rat
	pieces         map[string]*big.Rat
}

func (n *sum) add(s *Sale) {
	b := &n.book
	switch {
	case s.State == "cancelled":
	case s.ReturnOf != 0 && !s.Confirmed():
		b.Unfinished = append(b.Unfinished, s.ID)
	case s.ReturnOf != 0:
	case s.TakenBack:
		b.TakenBack = append(b.TakenBack, s.ID)
	default:
		b.Alive = append(b.Alive, s.ID)
	}
	if s.Confirmed() {
		plus(n.amount, s.Total)
		for _, l := range s.Lines {
			if l.Type == "line" {
				what := l.SKUCode
				if what == "" {
					what = l.Description
				}
				if n.pieces[what] == nil {
					n.pieces[what] = new(big.Rat)
				}
				plus(n.pieces[what], l.Quantity)
			}
		}
	}
	for _, i := range s.Invoices {
		if i.State != "cancelled" {
			plus(n.billed, i.Total)
		}
	}
	for _, sh := range s.Shipments {
		if sh.State != "done" && sh.State != "cancelled" {
			b.ToShip++
		}
	}
}

func plus(to *big.Rat, text string) {
	if r, err := parseDecimal(text); err == nil {
		to.Add(to, r)
	}
}

func (n *sum) close() Book {
	n.book.Amount, n.book.Billed = round(n.amount, currencyDigits), round(n.billed, currencyDigits)
	n.book.Pieces = map[string]string{}
	for what, qty := range n.pieces {
		if qty.Sign() != 0 {
			n.book.Pieces[what] = strings.TrimRight(strings.TrimRight(qty.FloatString(4), "0"), ".")
		}
	}
	return n.book
}

// returnTruth fills in what a sale takes back, or what takes it back.
func (s *Sim) returnTruth(r *row, out *Sale) {
	if of, is := strings.CutPrefix(out.Origin, "sale.sale,"); is {
		out.ReturnOf, _ = strconv.Atoi(of)
		return
	}
	left := map[string]*big.Rat{}
	add := func(sale *row) {
		for _, l := range s.linesOf(sale) {
			if qty, ok := number(l.v["quantity"]); ok && l.text("type") == "line" {
				what := fmt.Sprint(l.ref("product"), " ", l.v["unit_price"])
				if left[what] == nil {
					left[what] = new(big.Rat)
				}
				left[what].Add(left[what], qty)
			}
		}
	}
	add(r)
	for _, id := range s.where("sale.sale", "origin", "sale.sale,"+itoa(r.id)) {
		back := s.tables["sale.sale"].rows[id]
		if (Sale{State: back.text("state")}).Confirmed() {
			out.ReturnedBy = append(out.ReturnedBy, id)
			add(back)
		}
	}
	out.TakenBack = out.Confirmed() && len(out.ReturnedBy) > 0
	for _, qty := range left {
		out.TakenBack = out.TakenBack && qty.Sign() == 0
	}
}
