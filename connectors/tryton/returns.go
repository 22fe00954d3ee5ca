package tryton

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
)

// A return is a sale of negative quantities whose origin is the sale that it takes back
// (module sale, wizard sale.return_sale). It is a copy, so it has the same reference.

const returnOf = "sale.sale,"

// returned tells a return: never a sale of ours, whatever its reference.
func (s *saleRow) returned() bool { return strings.HasPrefix(s.Origin, returnOf) }

// origin is the id of the sale that a return takes back.
func (s *saleRow) origin() id {
	var of id
	if json.Unmarshal([]byte(strings.TrimPrefix(s.Origin, returnOf)), &of) != nil {
		return 0
	}
	return of
}

// stands is the state in words for people.
func (s *saleRow) stands() string {
	if s.Undone {
		return s.State + ", taken back"
	}
	return s.State
}

// returns reads the returns of sales that are not cancelled, oldest first.
func (r *run) returns(ctx context.Context, sales ...id) ([]saleRow, *connectors.Error) {
	var of []string
	for _, s := range sales {
		of = append(of, returnOf+s.String())
	}
	return r.withLines(ctx, domain(is("origin", "in", names(of...)), is("state", "!=", cancelled)), nil)
}

// findUndone marks the sales whose lines all came back by confirmed returns.
func (r *run) findUndone(ctx context.Context, rows []saleRow) *connectors.Error {
	var ask []id
	for i := range rows {
		if s := &rows[i]; s.confirmed() && !s.returned() {
			ask = append(ask, s.ID)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	backs, err := r.returns(ctx, ask...)
	if err != nil || len(backs) == 0 {
		return err
	}
	by := map[id][]saleRow{}
	for _, b := range backs {
		if b.confirmed() {
			by[b.origin()] = append(by[b.origin()], b)
		}
	}
	for i := range rows {
		s := &rows[i]
		if s.returned() || !settles(s, by[s.ID]) {
			continue
		}
		s.Undone = true
		for _, b := range by[s.ID] {
			s.Backs = append(s.Backs, b.ID)
		}
	}
	return nil
}

// settles reports whether returns leave nothing of a sale: of no line a quantity, at its
// own price. A total of zero would not say so: an order may cost nothing.
func settles(s *saleRow, backs []saleRow) bool {
	left := map[string]decimal.Decimal{}
	for _, row := range append([]saleRow{*s}, backs...) {
		for _, l := range row.Lines {
			if l.Type != "line" {
				continue
			}
			what := "text " + strings.TrimSpace(l.Text)
			if l.Product != nil {
				what = "product " + l.Product.Code
			}
			what += " at " + l.Price.String()
			left[what] = left[what].Add(l.Quantity.Decimal)
		}
	}
	for _, n := range left {
		if !n.IsZero() {
			return false
		}
	}
	return len(backs) > 0
}
