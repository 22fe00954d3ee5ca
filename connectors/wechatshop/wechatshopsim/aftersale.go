package wechatshopsim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

type afterSale struct {
	id, orderID, openID string
	status, kind        string
	line                *orderLine
	qty, fen, freight   int64 // fen without the freight
	created, updated    int64
	reason, text, desc  string
	rejectReason        string
	refundReason        int
	scene               string
	beforeShip          bool
}

// statusNumber is the number that order.aftersale_detail shows for a status.
var statusNumber = map[string]int{
	"USER_CANCELD": 1, "MERCHANT_PROCESSING": 2, "MERCHANT_REJECT_REFUND": 4, "MERCHANT_REJECT_RETURN": 5,
	"USER_WAIT_RETURN": 6, "RETURN_CLOSED": 7, "MERCHANT_WAIT_RECEIPT": 8, "MERCHANT_OVERDUE_REFUND": 12,
	"MERCHANT_REFUND_SUCCESS": 13, "MERCHANT_RETURN_SUCCESS": 14, "PLATFORM_REFUNDING": 15,
	"PLATFORM_REFUND_FAIL": 16, "USER_WAIT_CONFIRM": 17, "MERCHANT_REFUND_RETRY_FAIL": 18, "MERCHANT_FAIL": 19,
}

func (a *afterSale) open() bool {
	return slices.Contains([]string{"MERCHANT_PROCESSING", "USER_WAIT_RETURN", "MERCHANT_WAIT_RECEIPT", "PLATFORM_REFUNDING"}, a.status)
}

const maxAfterSalesPerLine = 5

func (s *Sim) openAfterSale(o *order, l *orderLine, qty, fen, freight int64, kind string, at int64) (*afterSale, error) {
	if o.paid == 0 || o.status == StatusRefunded || o.status == StatusCancelled {
		return nil, stateError(o, "open an after-sale of")
	}
	if qty <= 0 || qty > l.qty-l.finished-l.onAfter || fen < 0 || fen > l.real()-l.refunded-l.refunding {
		return nil, fmt.Errorf("order %s: %d units for %d fen is more than what is left of the line", o.id, qty, fen)
	}
	n := 0
	for _, id := range o.after {
		if s.after[id].line == l {
			n++
		}
	}
	if n == maxAfterSalesPerLine {
		return nil, fmt.Errorf("order %s: a line has at most %d after-sales", o.id, maxAfterSalesPerLine)
	}
	a := &afterSale{
		id: strconv.FormatInt(2000000000000001+int64(len(s.after))*31+s.opts.FirstOrderID%1000, 10), orderID: o.id, openID: o.openID,
		status: "MERCHANT_PROCESSING", kind: kind, line: l, qty: qty, fen: fen, freight: freight, created: at,
		reason: "NO_LONGER_WANT", text: "不想要了", desc: "发明的说明", scene: "USER", beforeShip: l.shipped == 0,
	}
	for s.after[a.id] != nil {
		next, _ := strconv.ParseInt(a.id, 10, 64)
		a.id = strconv.FormatInt(next+1, 10)
	}
	l.onAfter += qty
	l.refunding += fen
	s.after[a.id] = a
	o.after = append(o.after, a.id)
	s.afterCre.put(a.id, at)
	s.moveAfterSale(a, a.status, at)
	return a, nil
}

// moveAfterSale sets a status, shows it in the order, and pushes it.
func (s *Sim) moveAfterSale(a *afterSale, status string, at int64) {
	a.status, a.updated = status, at
	s.afterUpd.put(a.id, at)
	o := s.orders[a.orderID]
	if s.opts.AfterSaleTouchesOrder {
		s.touch(o, at)
	} else {
		o.versions++
	}
	s.emit(at, "OpenID", "channels_ec_aftersale_update", "finder_shop_aftersale_status_update", map[string]any{
		"status": a.status, "after_sale_order_id": a.id, "order_id": a.orderID, "wxa_vip_discounted_price": 0,
	})
}

// finishAfterSale pays the refund; the order closes when nothing is left of it.
func (s *Sim) finishAfterSale(a *afterSale, at int64) {
	o, l := s.orders[a.orderID], a.line
	l.onAfter -= a.qty
	l.refunding -= a.fen
	l.finished += a.qty
	l.refunded += a.fen
	o.freightBack += a.freight
	a.refundReason = 2
	if a.beforeShip {
		a.refundReason = 4
		l.unshippedBack += a.qty
		s.moveStock(l, a.qty, o.id, at)
	}
	status := "MERCHANT_REFUND_SUCCESS"
	if a.kind == "RETURN" {
		status = "MERCHANT_RETURN_SUCCESS"
	}
	s.moveAfterSale(a, status, at)
	switch {
	case o.allRefunded():
		o.status = StatusRefunded
		s.touch(o, at)
		s.emitOrder(o, at, "channels_ec_order_cancel", map[string]any{"order_id": o.id, "cancel_type": "3"})
	case o.canShip() && len(o.parcels) > 0 && o.sum((*orderLine).unshipped) == 0:
		s.settleShipping(o, at)
		s.touch(o, at)
	}
}

// closeAfterSale ends an after-sale without a refund.
func (s *Sim) closeAfterSale(a *afterSale, status string, at int64) {
	a.line.onAfter -= a.qty
	a.line.refunding -= a.fen
	s.moveAfterSale(a, status, at)
}

// PartialRefund opens an after-sale over qty units of a line (by index) and
// finishes it with a refund of fen (0: the units' share of the line). It returns
// the after-sale's id.
func (s *Sim) PartialRefund(id string, line int, qty, fen int64) (string, error) {
	return s.refund(id, line, qty, fen, "REFUND", true)
}

// RequestAfterSale opens an after-sale of kind REFUND or RETURN and leaves it open.
func (s *Sim) RequestAfterSale(id string, line int, qty, fen int64, kind string) (string, error) {
	return s.refund(id, line, qty, fen, kind, false)
}

func (s *Sim) refund(id string, line int, qty, fen int64, kind string, finish bool) (after string, err error) {
	if kind = cmp.Or(kind, "REFUND"); kind != "REFUND" && kind != "RETURN" {
		return "", fmt.Errorf("after-sale kind %q is neither REFUND nor RETURN", kind)
	}
	err = s.with(id, func(o *order, at int64) error {
		a, err := s.refundLine(o, line, qty, fen, kind, at)
		if err != nil {
			return err
		}
		after = a.id
		if finish {
			s.finishAfterSale(a, at)
		}
		return nil
	})
	return after, err
}

func (s *Sim) refundLine(o *order, line int, qty, fen int64, kind string, at int64) (*afterSale, error) {
	if line < 0 || line >= len(o.lines) {
		return nil, fmt.Errorf("order %s has no line %d", o.id, line)
	}
	l := o.lines[line]
	if fen == 0 {
		fen = l.real() * qty / l.qty
		if qty == l.qty-l.finished-l.onAfter {
			fen = l.real() - l.refunded - l.refunding
		}
	}
	return s.openAfterSale(o, l, qty, fen, 0, kind, at)
}

var errNotOpen = errors.New("the after-sale does not exist or is not open")

// FinishAfterSale refunds an open after-sale.
func (s *Sim) FinishAfterSale(id string) error {
	return s.withOpen(id, func(a *afterSale, at int64) { s.finishAfterSale(a, at) })
}

// CancelAfterSale lets the buyer take an open after-sale back.
func (s *Sim) CancelAfterSale(id string) error {
	return s.withOpen(id, func(a *afterSale, at int64) { s.closeAfterSale(a, "USER_CANCELD", at) })
}

func (s *Sim) withOpen(id string, change func(*afterSale, int64)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.after[id]
	if a == nil || !a.open() {
		return fmt.Errorf("after-sale %s: %w", id, errNotOpen)
	}
	change(a, s.now().Unix())
	return nil
}
