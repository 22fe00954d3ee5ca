package wechatshopsim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// The order states ("订单状态").
const (
	StatusUnpaid    = 10
	StatusToShip    = 20
	StatusPartShip  = 21
	StatusShipped   = 30
	StatusDone      = 100
	StatusRefunded  = 200 // closed: every item was refunded
	StatusCancelled = 250 // cancelled before payment
)

// Address is a receiver.
type Address struct {
	Name     string `json:"name"`
	Phone    string `json:"phone"`
	Province string `json:"province"`
	City     string `json:"city"`
	County   string `json:"county"`
	Detail   string `json:"detail"`
	House    string `json:"house,omitempty"`
	Postcode string `json:"postcode,omitempty"`
}

func (a Address) hash(appID string) string {
	return digest(appID, a.Name, a.Phone, a.Province, a.City, a.County, a.Detail, a.House)[:24]
}

type order struct {
	id             string
	status         int
	openID         string
	created        int64
	updated        int64
	prepaid        int64
	paid           int64
	txn            string
	payMethod      int
	lines          []*orderLine
	freight        int64
	freightChanged bool
	freightBack    int64
	addr           Address
	virtual        *virtualNumber
	review         *Address // an address change the buyer asked for
	reviewAt       int64
	notes          string
	merchantNotes  string
	scene          int
	coupon         string
	parcels        []parcel
	reshipments    int
	shipDone       int64
	confirmed      int64
	after          []string
	versions       int
	edits          int
	bad            string
}

type virtualNumber struct {
	number, extension string
	expires           int64
}

type orderLine struct {
	productID, skuID, outID, code, title string
	attrs                                []Attr
	qty, unit, market                    int64
	storeCut, platformCut                int64 // line totals
	changed                              bool
	change                               int64 // line total after a manual change
	onAfter, finished                    int64 // units
	unshippedBack                        int64 // units refunded before they were shipped
	shipped                              int64
	refunded, refunding                  int64 // fen
	oldSKU                               string
}

func (l *orderLine) gross() int64    { return l.unit * l.qty }
func (l *orderLine) estimate() int64 { return l.gross() - l.storeCut - l.platformCut }

// real is what is due for the line: the lower of the estimate and a manual change.
func (l *orderLine) real() int64 {
	if l.changed {
		return min(l.estimate(), l.change)
	}
	return l.estimate()
}

func (l *orderLine) unshipped() int64 { return l.qty - l.shipped - l.unshippedBack }

type parcel struct {
	Carrier, Waybill string
	Kind             int
	At               int64
	Units            []parcelUnit
}

type parcelUnit struct {
	ProductID string `json:"product_id"`
	SKUID     string `json:"sku_id"`
	Count     int64  `json:"product_cnt"`
}

func (o *order) sum(of func(*orderLine) int64) int64 {
	var n int64
	for _, l := range o.lines {
		n += of(l)
	}
	return n
}

func (o *order) goods() int64    { return o.sum((*orderLine).gross) }
func (o *order) total() int64    { return o.sum((*orderLine).real) + o.freight }
func (o *order) discount() int64 { return o.goods() - o.sum((*orderLine).estimate) }
func (o *order) changeDown() int64 {
	return o.sum((*orderLine).estimate) - o.sum((*orderLine).real)
}
func (o *order) platformCut() int64 {
	return o.sum(func(l *orderLine) int64 { return l.platformCut })
}
func (o *order) storeCut() int64 {
	return o.sum(func(l *orderLine) int64 { return l.storeCut })
}

func (o *order) line(sku string) *orderLine {
	for _, l := range o.lines {
		if l.skuID == sku {
			return l
		}
	}
	return nil
}

// allRefunded: every unit went through an after-sale, for whatever money.
func (o *order) allRefunded() bool {
	return !slices.ContainsFunc(o.lines, func(l *orderLine) bool { return l.finished < l.qty })
}

func (o *order) canShip() bool { return o.status == StatusToShip || o.status == StatusPartShip }

// touch is a change of the document that moves update_time.
func (s *Sim) touch(o *order, at int64) {
	o.versions++
	o.updated = at
	s.byUpdate.put(o.id, at)
}

func (s *Sim) find(id string) (*order, error) {
	o := s.orders[id]
	if o == nil {
		return nil, fmt.Errorf("order %s does not exist in this shop", id)
	}
	return o, nil
}

func (s *Sim) sortedOrders() []*order {
	out := make([]*order, 0, len(s.orders))
	for _, o := range s.orders {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *order) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id))
	})
	return out
}

// takeID returns the next free order id.
func (s *Sim) takeID() string {
	for {
		id := strconv.FormatInt(s.nextID, 10)
		s.nextID += 257
		if s.orders[id] == nil {
			return id
		}
	}
}

// apportion splits total over weights so that the parts add up to it exactly.
func apportion(total int64, weights []int64) []int64 {
	var sum, used int64
	for _, w := range weights {
		sum += w
	}
	out := make([]int64, len(weights))
	if sum == 0 {
		return out
	}
	for i, w := range weights {
		out[i] = total * w / sum
		used += out[i]
	}
	for i := 0; used < total; i = (i + 1) % len(out) {
		if out[i] < weights[i] {
			out[i]++
			used++
		}
	}
	return out
}
