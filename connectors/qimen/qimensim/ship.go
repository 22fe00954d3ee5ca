package qimensim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxPieces is the most that leaves in one go, far above any retail order.
const maxPieces = 100000

// ShipOptions says how an order leaves the warehouse.
type ShipOptions struct {
	// Packages is the number of parcels, each with a waybill; 0 means 1. More parcels than pieces are not made.
	Packages int `json:"packages"`
	// Intermediate sends one confirm for each parcel, confirmType 1 but for the last.
	Intermediate bool `json:"intermediate"`
	// Short maps order line numbers to pieces that are missing.
	Short map[string]int64 `json:"short"`
	// Silent makes the confirms without sending them; Resend sends them.
	Silent bool `json:"silent"`
}

// Pick begins picking: from here on a cancel is refused.
func (s *Sim) Pick(code string) error { return s.moveTo(code, StepPick) }

// Advance moves an order one step on, up to READY; Ship does the last step.
func (s *Sim) Advance(code string) error {
	s.mu.Lock()
	o := s.orders[code]
	next := ""
	if o != nil {
		if i := slices.Index(steps(), o.Process); i >= 0 && i < slices.Index(steps(), StepReady) {
			next = steps()[i+1]
		}
	}
	s.mu.Unlock()
	if next == "" {
		return fmt.Errorf("order %q is not there, cancelled, or as far as it goes", code)
	}
	return s.moveTo(code, next)
}

func (s *Sim) moveTo(code, step string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.open(code)
	if err != nil {
		return err
	}
	if slices.Index(steps(), step) < slices.Index(steps(), o.Process) {
		return fmt.Errorf("order %q is at %s, past %s", code, o.Process, step)
	}
	o.Process, o.Status = step, StepAccept
	s.noteAs(o, code, step)
	return nil
}

// open returns an order the warehouse may still work on.
func (s *Sim) open(code string) (*DeliveryOrder, error) {
	o := s.orders[code]
	switch {
	case o == nil:
		return nil, fmt.Errorf("order %q is not there", code)
	case o.Cancelled:
		return nil, fmt.Errorf("order %q is cancelled and never ships", code)
	case o.Process == StepDelivered:
		return nil, fmt.Errorf("order %q is shipped", code)
	}
	return o, nil
}

// Ship sends an order out and confirms it to the hub. A cancelled order does not
// ship. The error says that the order could not ship, or that a confirm was not
// acknowledged; the parcels have left in the second case.
func (s *Sim) Ship(ctx context.Context, code string, how ShipOptions) error {
	if err := s.ship(code, how); err != nil {
		return err
	}
	if how.Silent {
		return nil
	}
	return s.flush(ctx, func(c *Confirm) bool { return c.Code == code })
}

// ShipOlder ships every open order received at least age ago and returns how
// many; orders whose confirm failed count too and are in the error.
func (s *Sim) ShipOlder(ctx context.Context, age time.Duration) (int, error) {
	s.mu.Lock()
	limit := s.opt.Now().Add(-age)
	var due []string
	for _, code := range s.codes {
		if o, err := s.open(code); err == nil && !o.ReceivedAt.After(limit) {
			due = append(due, code)
		}
	}
	s.mu.Unlock()
	var all []error
	for _, code := range due {
		all = append(all, s.Ship(ctx, code, ShipOptions{}))
	}
	return len(due), errors.Join(all...)
}

func (s *Sim) ship(code string, how ShipOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.open(code)
	if err != nil {
		return err
	}
	var pieces []int // the line of each piece that leaves
	actual := make([]int64, len(o.Lines))
	for i, l := range o.Lines {
		actual[i] = l.PlanQty - min(max(0, how.Short[l.LineNo]), l.PlanQty)
		if actual[i] > maxPieces-int64(len(pieces)) {
			return fmt.Errorf("order %q: over %d pieces", code, maxPieces)
		}
		for range actual[i] {
			pieces = append(pieces, i)
		}
	}
	if len(pieces) == 0 {
		return fmt.Errorf("order %q: nothing would leave", code)
	}
	for i := range o.Lines {
		o.Lines[i].ActualQty = actual[i]
	}
	for chunk := range chunks(pieces, max(1, how.Packages)) {
		o.Packages = append(o.Packages, s.pack(o, chunk))
	}
	now := s.opt.Now().In(china()).Format(momentLayout)
	o.Process, o.Status, o.confirmTime = StepDelivered, StepDelivered, now
	s.note(o, Shipped)
	if !how.Intermediate {
		s.confirm(o, o.Packages, "0", StepDelivered)
		return nil
	}
	for i, p := range o.Packages {
		if i == len(o.Packages)-1 {
			s.confirm(o, []Package{p}, "0", StepDelivered)
		} else {
			s.confirm(o, []Package{p}, "1", "PARTDELIVERED")
		}
	}
	return nil
}

// chunks cuts pieces into n runs of about the same length, none empty.
func chunks(pieces []int, n int) func(yield func([]int) bool) {
	n = min(n, len(pieces))
	return func(yield func([]int) bool) {
		for i := range n {
			if !yield(pieces[i*len(pieces)/n : (i+1)*len(pieces)/n]) {
				return
			}
		}
	}
}

func (s *Sim) pack(o *DeliveryOrder, pieces []int) Package {
	s.nextID++
	p := Package{
		Code: fmt.Sprintf("PK%d", s.nextID), LogisticsCode: o.LogisticsCode, LogisticsName: o.LogisticsName,
		ExpressCode: fmt.Sprintf("%s%013d", o.LogisticsCode, s.nextID), WeightGrams: int64(300 * len(pieces)),
	}
	for _, i := range pieces {
		last := len(p.Items) - 1
		if last < 0 || p.Items[last].line != i {
			l := o.Lines[i]
			p.Items = append(p.Items, PackageItem{LineNo: l.LineNo, ItemCode: l.ItemCode, ItemID: l.ItemID, line: i})
			last++
		}
		p.Items[last].Quantity++
	}
	return p
}
