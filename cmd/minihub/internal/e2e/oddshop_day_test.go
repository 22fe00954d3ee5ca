package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/racetest"
	"github.com/minihub/minihub/connectors/manifest/oddshop"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas/canonical"
)

// TestADayOfTheOddShop plays a scripted day of 2,000 orders with edits, cancels, deletes and shifting
// lists, two spells in which the shop does not know its token and answers empty lists,
// notices before answers, and some plain faults. At the end the receiver's own record is
// held against the shop's own truth.
func TestADayOfTheOddShop(t *testing.T) {
	t.Parallel()
	orders := 2000
	if testing.Short() || racetest.On {
		orders = 300
	}
	w := newOddWorld(t, 20261121)
	w.open()
	day := oddshop.NewDay(w.shop, oddshop.DayOptions{Seed: 20261121, Orders: orders})
	w.play(day)
	cut := w.garbled()
	w.faults.Clear()
	// Operators have gone home; what they did while the last pages were turned is seen now.
	for rounds := 0; w.shop.Queued() > 0; rounds++ {
		if rounds > 200 {
			t.Fatalf("%d acts still wait for somebody to turn a page", w.shop.Queued())
		}
		w.mustPull()
	}
	w.mustPull()
	w.judge(orders, cut)
}

// play runs the day step by step.
func (w *oddWorld) play(day *oddshop.Day) {
	w.t.Helper()
	for step := 0; ; step++ {
		more, err := day.Step()
		if err != nil {
			w.t.Fatal(err)
		}
		if !more {
			return
		}
		w.trouble(step)
		if !day.Spell() {
			w.mustPull()
			continue
		}
		// The shop answers empty lists: nobody has deleted anything.
		before := len(w.tombstones())
		for range 3 {
			if err := w.pull(); err == nil {
				w.t.Fatalf("step %d: the shop does not know the token, and the pull ended well", step)
			}
		}
		w.rest()
		if after := len(w.tombstones()); after != before {
			w.t.Fatalf("step %d: %d orders are taken for deleted because the token was not known", step, after-before)
		}
	}
}

// trouble adds plain faults now and then.
func (w *oddWorld) trouble(step int) {
	w.t.Helper()
	kinds := []simkit.Kind{simkit.BadGateway, simkit.Garble, simkit.RateLimit, simkit.ErrorBody, simkit.DropAnswer, simkit.Status}
	if step%4 != 3 {
		return
	}
	if _, err := w.faults.Add(simkit.Fault{Kind: kinds[step/4%len(kinds)], Count: 1, Skip: step % 3}); err != nil {
		w.t.Fatal(err)
	}
}

// garbled counts the answers that were cut off.
func (w *oddWorld) garbled() (n int) {
	for _, f := range w.faults.List() {
		if f.Kind == simkit.Garble {
			n += f.Hits
		}
	}
	return n
}

// oddStates are the hub's words for the shop's states.
var oddStates = map[oddshop.State]string{oddshop.Unpaid: "pending_payment", oddshop.Paid: "paid", oddshop.Shipped: "shipped",
	oddshop.Done: "completed", oddshop.Cancelled: "cancelled"}

// judge compares the receiver's record with the shop's truth; cut is how many answers were cut off.
func (w *oddWorld) judge(orders, cut int) {
	w.t.Helper()
	truth, told, gone := w.shop.Truth(), w.told(), w.tombstones()
	if len(truth) != orders {
		w.t.Fatalf("the shop sold %d orders, want %d", len(truth), orders)
	}
	count := map[string]int{}
	for id, tr := range truth {
		key := strconv.FormatInt(id, 10)
		events := told["odd-"+key]
		delete(told, "odd-"+key)
		switch {
		case tr.Deleted && (tr.Shown == 0 && !w.unasked || len(events) == 0 && w.unasked):
			// Sold and deleted between two looks: nobody could know of it.
			count["never shown"]++
			if len(events) != 0 || gone[key] {
				w.t.Errorf("order %d was never shown, and yet %d events tell of it", id, len(events))
			}
			continue
		case len(events) == 0:
			w.t.Errorf("order %d (state %d, deleted %v) is missing", id, tr.Order.State, tr.Deleted)
			continue
		}
		count["events"] += len(events)
		history := events
		if tr.Deleted {
			history = events[:len(events)-1]
		}
		w.inOrder(id, tr, history)
		if gone[key] != tr.Deleted {
			w.t.Errorf("order %d: deleted is %v at the shop and %v at the hub", id, tr.Deleted, gone[key])
		}
		if tr.Deleted {
			// The receiver was told of it once, as it was when the hub saw it last.
			count["deleted"]++
			if last := events[len(events)-1]; last.Status != "cancelled" || last.StatusRaw == "90" {
				w.t.Errorf("order %d was deleted, and the receiver's last word is %s", id, last.Status)
			}
			continue
		}
		count[oddStates[tr.Order.State]]++
		if tr.Order.Edits > 0 {
			count["edited"]++
		}
		if diff := oddDifference(tr.Order, events[len(events)-1]); diff != "" {
			w.t.Errorf("order %d: the receiver's last word is wrong: %s", id, diff)
		}
	}
	for key := range told {
		w.t.Errorf("the receiver was told of %s, which the shop never had", key)
	}
	if s := w.sink.Stats(); s.Duplicates != 0 || s.Conflicts != 0 || len(w.sink.Refusals()) != 0 {
		w.t.Errorf("the receiver counts %+v and %d refusals", s, len(w.sink.Refusals()))
	}
	// What was cut off on the way is kept as it came, for a person to look at; nothing else is left.
	for _, c := range w.troubled() {
		if c.Kind != "record" || c.Code != "record.unreadable" || c.N > int64(cut) {
			w.t.Errorf("%d answers were cut off, and this is left for people: %+v", cut, c)
		}
	}
	if p := w.shop.Problems(); len(p) != 0 {
		w.t.Errorf("acts of the script failed: %v", p)
	}
	for _, what := range []string{"deleted", "edited", "cancelled", "completed"} {
		if count[what] < orders/50 {
			w.t.Errorf("only %d orders were %s: the day proves little", count[what], what)
		}
	}
	w.t.Logf("%d orders: %v; the shop was asked %d times", orders, count, len(w.shop.Asked()))
}

// inOrder holds that every event is a moment of the order's history, each later than the
// one before: nothing doubled, nothing turned around, nothing invented.
func (w *oddWorld) inOrder(id int64, tr oddshop.Truth, events []canonical.Order) {
	w.t.Helper()
	at := 0
	for n, e := range events {
		was := at
		for at < len(tr.History) && oddDifference(tr.History[at].Order, e) != "" {
			at++
		}
		if at == len(tr.History) {
			w.t.Errorf("order %d: event %d of %d (%s %s) is no moment after entry %d of its history", id, n+1, len(events), e.OrderNo, e.Status, was)
			return
		}
		at++
	}
}

// oddDifference names what differs between the shop's order and the hub's.
func oddDifference(want oddshop.Order, got canonical.Order) string {
	zero := func(t canonical.Time) time.Time {
		at, err := time.Parse(time.RFC3339, string(t))
		if err != nil {
			return time.Time{}
		}
		return at
	}
	lines, wantLines := "", ""
	for _, l := range got.Lines {
		if l.UnitPrice != nil {
			lines += fmt.Sprintln(l.LineID, l.SKUCode, l.Qty, l.UnitPrice.Minor, l.NetTotal.Minor)
		}
	}
	for _, l := range want.Lines {
		wantLines += fmt.Sprintln(l.ID, l.SKU, l.Qty, l.Price, l.Price*l.Qty)
	}
	waybill := ""
	if len(got.Parcels) > 0 {
		waybill = got.Parcels[0].TrackingNo
	}
	switch {
	case got.OrderNo != want.Number:
		return fmt.Sprintf("number %s, want %s", got.OrderNo, want.Number)
	case got.SourceID != strconv.FormatInt(want.ID, 10):
		return fmt.Sprintf("id %s, want %d", got.SourceID, want.ID)
	case got.Status != oddStates[want.State]:
		return fmt.Sprintf("status %s, want %s", got.Status, oddStates[want.State])
	case got.Amounts.Total.Minor != want.Total || got.Amounts.Total.Currency != "CNY":
		return fmt.Sprintf("total %v, want %d fen", got.Amounts.Total, want.Total)
	case lines != wantLines:
		return fmt.Sprintf("lines %q, want %q", lines, wantLines)
	case !zero(got.PlacedAt).Equal(want.PlacedAt) || !zero(got.PaidAt).Equal(want.PaidAt) || !zero(got.ShippedAt).Equal(want.ShippedAt):
		return fmt.Sprintf("times %s %s %s, want %s %s %s", got.PlacedAt, got.PaidAt, got.ShippedAt, want.PlacedAt, want.PaidAt, want.ShippedAt)
	case got.Buyer == nil || got.Buyer.Nickname != want.Buyer.Nick:
		return "nickname, want " + want.Buyer.Nick
	case got.ShipTo == nil || got.ShipTo.Recipient != want.Receiver.Name || got.ShipTo.Line1 != want.Receiver.Address:
		return "receiver, want " + want.Receiver.Name
	case waybill != want.Waybill:
		return fmt.Sprintf("waybill %s, want %s", waybill, want.Waybill)
	}
	return ""
}
