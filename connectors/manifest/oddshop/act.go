package oddshop

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The operators' and buyers' actions.
const (
	Sell       = "sell"        // a buyer places an order
	Pay        = "pay"         // the buyer pays
	EditPrice  = "edit_price"  // an operator changes a line's price: a new order number
	Cancel     = "cancel"      // moves no timestamp
	Delete     = "delete"      // the order is gone, without a trace
	Ship       = "ship"        // a waybill
	Finish     = "finish"      // the buyer has the parcel
	LoseToken  = "lose_token"  // the shop no longer knows the token: lists are empty
	FindTokens = "find_tokens" // it knows it again
)

var actNames = []string{Sell, Pay, EditPrice, Cancel, Delete, Ship, Finish, LoseToken, FindTokens}

// from says in which states an order can be acted on.
var from = map[string][]State{
	Pay:       {Unpaid},
	EditPrice: {Unpaid},
	Cancel:    {Unpaid, Paid},
	Delete:    {Unpaid, Paid, Shipped},
	Ship:      {Paid},
	Finish:    {Shipped},
}

// ErrNobody says that no order is in a state for the act.
var ErrNobody = errors.New("no order is in a state for this")

// Act is one action. Without an OID the shop chooses an order that can be acted on; a sale
// takes none.
type Act struct {
	Do  string `json:"do"`
	OID int64  `json:"oid,omitempty"`
	// Line and Price (fen for one unit) are what an edited price changes; without a Price the shop
	// invents one. Line counts from 0.
	Line  int   `json:"line,omitempty"`
	Price int64 `json:"price_fen,omitempty"`
	// Paging keeps the act until the next page of a list was answered; see Queue.
	Paging bool `json:"paging,omitempty"`
}

// Entry is one line of the history of an order: what was done and what it was then.
type Entry struct {
	Seq     int64     `json:"seq"` // over all orders
	At      time.Time `json:"at"`
	Do      string    `json:"do"`
	Order   Order     `json:"order"`
	Deleted bool      `json:"deleted,omitempty"`
}

// Do does one act and returns the order as it is then (as it was, for a delete).
func (s *Sim) Do(a Act) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.do(a)
}

// Queue keeps acts for the pages of a list: after each page with rows the next few of them
// are done, so that the list shifts under whoever turns the pages.
func (s *Sim) Queue(acts ...Act) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, acts...)
}

// Queued returns how many acts still wait for a page.
func (s *Sim) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

func (s *Sim) do(a Act) (Order, error) {
	switch a.Do {
	case LoseToken, FindTokens:
		s.lost = a.Do == LoseToken
		return Order{}, nil
	case Sell:
		o := s.invent()
		s.byID[o.ID] = o
		s.orders = append(s.orders, o)
		return s.note(a.Do, o, false)
	}
	states, known := from[a.Do]
	if !known {
		return Order{}, fmt.Errorf("act %q is unknown; known: %v", a.Do, actNames)
	}
	o, err := s.choose(a, states)
	if err != nil {
		return Order{}, err
	}
	switch a.Do {
	case Pay:
		o.State, o.PaidAt = Paid, s.clock()
	case EditPrice:
		if err := s.edit(o, a); err != nil {
			return Order{}, err
		}
	case Cancel:
		o.State = Cancelled
	case Ship:
		o.State, o.ShippedAt = Shipped, s.clock()
		o.Waybill = fmt.Sprintf("OX%010d", s.next(&s.waybills))
	case Finish:
		o.State = Done
	case Delete:
		delete(s.byID, o.ID)
		s.orders = slices.DeleteFunc(s.orders, func(other *Order) bool { return other == o })
	}
	return s.note(a.Do, o, a.Do == Delete)
}

// choose returns the order an act is for.
func (s *Sim) choose(a Act, states []State) (*Order, error) {
	if a.OID != 0 {
		o := s.byID[a.OID]
		switch {
		case o == nil:
			return nil, fmt.Errorf("%s: order %d is not there", a.Do, a.OID)
		case !slices.Contains(states, o.State):
			return nil, fmt.Errorf("%s: order %d is in state %d, not in one of %v", a.Do, a.OID, o.State, states)
		}
		return o, nil
	}
	var can []*Order
	for _, o := range s.orders {
		if slices.Contains(states, o.State) {
			can = append(can, o)
		}
	}
	if len(can) == 0 {
		return nil, fmt.Errorf("%s: %w", a.Do, ErrNobody)
	}
	return can[s.rng.IntN(len(can))], nil
}

// maxPrice is what fits the shop's DECIMAL(10,2) with room for the quantity.
const maxPrice = 1_000_000_000

// edit changes one line's price. The number is made anew; the id and every time stay.
func (s *Sim) edit(o *Order, a Act) error {
	if a.Line < 0 || a.Line >= len(o.Lines) || a.Price < 0 || a.Price > maxPrice {
		return fmt.Errorf("edit_price: order %d has %d lines and no line %d, or the price %d is not within 0 and %d fen", o.ID, len(o.Lines), a.Line, a.Price, maxPrice)
	}
	l := &o.Lines[a.Line]
	if a.Price == 0 {
		// Never the old price again: an edit is an edit.
		a.Price = l.Price + 1 + s.rng.Int64N(1000)
		if down := l.Price - 1 - s.rng.Int64N(l.Price/4+1); down > 0 && s.rng.IntN(4) > 0 {
			a.Price = down
		}
	}
	l.Price = a.Price
	o.Edits++
	o.Number = s.number(o.PlacedAt)
	o.add()
	return nil
}

// note writes the history, and the tables when there is a mirror.
func (s *Sim) note(do string, o *Order, deleted bool) (Order, error) {
	s.seq++
	delete(s.wired, o.ID)
	s.history[o.ID] = append(s.history[o.ID], Entry{Seq: s.seq, At: s.clock(), Do: do, Order: o.copy(), Deleted: deleted})
	if s.mirror == nil {
		return o.copy(), nil
	}
	if err := s.reflect(do, o); err != nil {
		return Order{}, fmt.Errorf("%s: writing order %d to the mirror: %w", do, o.ID, err)
	}
	return o.copy(), nil
}

// perPage is how many queued acts are done while somebody reads a page.
const perPage = 4

// turned does the next queued acts, after a page with rows.
func (s *Sim) turned() {
	now := s.queue[:min(perPage, len(s.queue))]
	s.queue = s.queue[len(now):]
	for _, a := range now {
		if _, err := s.do(a); err != nil && !errors.Is(err, ErrNobody) {
			s.problems = append(s.problems, err.Error())
		}
	}
}

func knownAct(do string) bool { return slices.Contains(actNames, do) }
