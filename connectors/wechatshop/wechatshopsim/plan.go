package wechatshopsim

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// PlanOptions shape a scenario.
type PlanOptions struct {
	// Versions is how often each order's document changes, from placing on
	// (default 3): 1 is an order placed and paid in one step, 2 placed then paid,
	// 3 and more add edits, notes, refunds and cancellations. A coupon, freight
	// and remark come with the placing.
	Versions int
	// Bad plants one order of each kind; see BadKinds.
	Bad []string
	// Interleave is how many orders are in hand at a time; default 20.
	Interleave int
}

// Plan is a scenario: the steps of many orders, interleaved. The same seed and
// options deal the same plan to shops of the same catalogue and members.
type Plan struct {
	s     *Sim
	mu    sync.Mutex
	next  int
	steps []*step
	ids   []string
}

type step struct {
	kind  string // place, pay, edit, note, cancel, refund, bad
	order func() string
	run   func(at int64) error
	sort  int
}

// Plan deals n orders. Of ten one is cancelled (before or after payment), one is
// edited (address, or price before payment) and one is refunded in part.
func (s *Sim) Plan(seed int64, n int, o PlanOptions) *Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deal(seed, n, o)
}

func (s *Sim) deal(seed int64, n int, o PlanOptions) *Plan {
	if o.Versions == 0 {
		o.Versions = 3
	}
	if o.Interleave == 0 {
		o.Interleave = 20
	}
	p := &Plan{s: s, ids: make([]string, n)}
	r := rand.New(rand.NewSource(seed))
	for i := range n {
		at := i * 10
		for _, st := range p.dealOne(i, r, o.Versions) {
			st.sort = at
			at += 1 + r.Intn(10*o.Interleave)
			p.steps = append(p.steps, st)
		}
	}
	for i, kind := range o.Bad {
		spec := BadOrder(kind)
		p.steps = append(p.steps, &step{kind: "bad", sort: 10 * (i + 1) * max(n, 1) / (len(o.Bad) + 1), order: func() string { return "" }, run: func(at int64) error {
			_, err := s.placeBad(kind, spec, at)
			return err
		}})
	}
	sort.SliceStable(p.steps, func(i, j int) bool { return p.steps[i].sort < p.steps[j].sort })
	return p
}

// dealOne is the life of order i.
func (p *Plan) dealOne(i int, r *rand.Rand, versions int) []*step {
	spec := p.s.dealSpec(i, r)
	on := func(kind string, change func(*order, int64) error) *step {
		order := func() string { return p.ids[i] }
		return &step{kind: kind, order: order, run: func(at int64) error {
			o, err := p.s.find(p.ids[i])
			if err != nil {
				return err
			}
			return change(o, at)
		}}
	}
	place := &step{kind: "place", order: func() string { return p.ids[i] }, run: func(at int64) error {
		o, err := p.s.place(spec, at)
		if err == nil {
			p.ids[i] = o.id
		}
		return err
	}}
	pay := on("pay", p.s.pay)
	if versions == 1 {
		placed := place.run
		place.run = func(at int64) error { return errors.Join(placed(at), pay.run(at)) }
		return []*step{place}
	}
	steps := []*step{place}
	last := p.lastStep(i, r, on)
	if versions >= 3 && last != nil && last.kind == "price" {
		steps = append(steps, last)
		last = nil
	}
	if versions >= 3 && last != nil && last.kind == "cancel" && i%20 == 3 {
		return append(steps, last)
	}
	steps = append(steps, pay)
	for len(steps) < versions-1 {
		n := len(steps)
		text := fmt.Sprintf("备注 %d", n)
		steps = append(steps, on("note", func(o *order, at int64) error { return p.s.edit(o, Edit{MerchantNotes: &text}, at) }))
	}
	if len(steps) < versions && last != nil {
		steps = append(steps, last)
	}
	return steps
}

// lastStep is what makes an order special: every tenth is cancelled, every tenth
// edited, every tenth refunded in part; the rest get a note.
func (p *Plan) lastStep(i int, r *rand.Rand, on func(string, func(*order, int64) error) *step) *step {
	s := p.s
	switch i % 10 {
	case 3:
		return on("cancel", s.cancel)
	case 7:
		if i%20 == 7 {
			cut := int64(1 + r.Intn(300))
			return on("price", func(o *order, at int64) error {
				free := max(0, o.lines[0].estimate()-cut)
				return s.edit(o, Edit{LineFen: map[int]int64{0: free}}, at)
			})
		}
		addr := inventAddress(r)
		return on("edit", func(o *order, at int64) error { return s.edit(o, Edit{Address: &addr}, at) })
	case 5:
		return on("refund", func(o *order, at int64) error {
			a, err := s.refundLine(o, 0, 1, 0, "REFUND", at)
			if err == nil {
				s.finishAfterSale(a, at)
			}
			return err
		})
	}
	note := "已核对"
	return on("note", func(o *order, at int64) error { return s.edit(o, Edit{MerchantNotes: &note}, at) })
}

// dealSpec deals an order of 1 to 3 lines; those that will be refunded in part
// have more than one unit on the first line.
func (s *Sim) dealSpec(i int, r *rand.Rand) OrderSpec {
	addr := inventAddress(r)
	spec := OrderSpec{Receiver: &addr, Remark: remarks[r.Intn(len(remarks))], Scene: 1 + r.Intn(6)}
	if n := len(s.members); n > 0 {
		spec.OpenID = s.members[r.Intn(n)].OpenID
	}
	var codes []string
	for _, p := range s.products {
		for _, k := range p.SKUs {
			codes = append(codes, k.Code)
		}
	}
	r.Shuffle(len(codes), func(a, b int) { codes[a], codes[b] = codes[b], codes[a] })
	var goods int64
	for _, code := range codes[:min(len(codes), 1+r.Intn(3))] {
		l := LineSpec{SKUCode: code, Qty: 1 + int64(r.Intn(3))}
		if i%10 == 5 && len(spec.Lines) == 0 {
			l.Qty++
		}
		_, sku := s.skuByCode(code)
		goods += sku.PriceFen * l.Qty
		spec.Lines = append(spec.Lines, l)
	}
	if i%3 == 1 {
		spec.FreightFen = 600 + 100*int64(r.Intn(7))
	}
	if i%4 == 1 {
		spec.StoreCoupon = min(500+int64(r.Intn(777)), goods/2)
	}
	if i%5 == 2 {
		spec.PlatformCoupon = min(300+int64(r.Intn(333)), goods/4)
	}
	return spec
}

// Left returns how many steps are still to be played.
func (p *Plan) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.steps) - p.next
}

// OrderIDs returns the orders placed so far, in the order of the deal.
func (p *Plan) OrderIDs() []string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.ids), func(id string) bool { return id == "" })
}

// Step plays the next step and tells what it was ("pay 3729..."). At the end
// more is false.
func (p *Plan) Step() (what string, more bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == len(p.steps) {
		return "", false, nil
	}
	st := p.steps[p.next]
	p.next++
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if err := st.run(p.s.now().Unix()); err != nil {
		return st.kind, true, fmt.Errorf("play step %d (%s): %w", p.next, st.kind, err)
	}
	return strings.TrimSpace(st.kind + " " + st.order()), true, nil
}

// All plays every step that is left, at once.
func (p *Plan) All() error {
	for {
		if _, more, err := p.Step(); err != nil || !more {
			return err
		}
	}
}

// Run plays the steps that are left at so many a second, until the plan or ctx ends.
func (p *Plan) Run(ctx context.Context, perSecond float64) error {
	if perSecond <= 0 {
		return fmt.Errorf("a rate of %g steps a second is not positive", perSecond)
	}
	start, played := time.Now(), 0
	tick := time.NewTicker(max(time.Millisecond, time.Duration(float64(time.Second)/perSecond)))
	defer tick.Stop()
	for {
		for due := int(time.Since(start).Seconds()*perSecond) + 1; played < due; played++ {
			if _, more, err := p.Step(); err != nil || !more {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
