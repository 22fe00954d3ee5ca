package oddshop

import (
	"slices"
	"time"
)

// State is where an order stands. Done and Cancelled orders never change any more.
type State int

// The states, as the API writes them.
const (
	Unpaid    State = 0
	Paid      State = 10
	Shipped   State = 20
	Done      State = 30
	Cancelled State = 90
)

// Final says that the order will never change again.
func (s State) Final() bool { return s == Done || s == Cancelled }

// Order is one order as the shop knows it. Money is fen; a zero time is "never".
type Order struct {
	ID        int64     `json:"oid"` // never changes, beyond 2^53
	Number    string    `json:"order_sn"`
	State     State     `json:"state"`
	PlacedAt  time.Time `json:"placed_at"`
	PaidAt    time.Time `json:"paid_at,omitzero"`
	ShippedAt time.Time `json:"shipped_at,omitzero"`
	Buyer     Member    `json:"buyer"`
	Receiver  Receiver  `json:"receiver"`
	Freight   int64     `json:"freight_fen"`
	Total     int64     `json:"total_fen"` // what the buyer owes: lines and freight
	Note      string    `json:"buyer_msg"`
	Waybill   string    `json:"waybill"`
	Lines     []Line    `json:"lines"`
	Edits     int       `json:"edits"` // how often its price was edited
}

// Member is a buyer.
type Member struct {
	ID   int64  `json:"uid"`
	Nick string `json:"nick"`
}

// Receiver is who gets the parcel; the regions are ids of the region table.
type Receiver struct {
	Name     string `json:"name"`
	Phone    string `json:"tel"`
	Province int    `json:"province"`
	City     int    `json:"city"`
	District int    `json:"district"`
	Address  string `json:"address"`
}

// Line is one article of an order. Price is fen for one unit.
type Line struct {
	ID    int64  `json:"rec_id"`
	SKU   string `json:"goods_sn"`
	Title string `json:"title"`
	Price int64  `json:"price_fen"`
	Qty   int64  `json:"num"`
}

func (o *Order) copy() Order {
	c := *o
	c.Lines = slices.Clone(o.Lines)
	return c
}

func (o *Order) goods() int64 {
	var sum int64
	for _, l := range o.Lines {
		sum += l.Price * l.Qty
	}
	return sum
}

func (o *Order) add() { o.Total = o.goods() + o.Freight }
