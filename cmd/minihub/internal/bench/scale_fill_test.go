package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// crowd is an invented history of a busy shop. Order i has always the same numbers, so
// that whoever measures knows what to look for.
type crowd struct {
	orders int
	steps  []*flow.Step // of the flows that take orders
	flows  []string     // their names
	body   []byte       // a real order, numbered anew for each
	target []byte       // what a step sends
}

// The shares of a crowd: one order in ten fails for one cause, one in fifty waits for a
// lookup entry, and so on.
const (
	perFailed  = 10
	perBlocked = 50
	perWaiting = 100
	perParked  = 500 // of causes that are rare
	perHotSKU  = 10
	members    = 50_000
	missing    = 500 // SKUs without an entry
	hotSKU     = "SKU-HOT-01"
)

func orderNo(i int) string     { return fmt.Sprintf("37%017d", i) }
func transaction(i int) string { return fmt.Sprintf("42000%023d", i*104729) }
func phoneOf(i int) string     { return fmt.Sprintf("138%08d", i*7919%100_000_000) }
func memberNo(i int) string    { return fmt.Sprintf("M%08d", i%members) }
func skuOf(i int) string       { return fmt.Sprintf("SKU-%06d", i*31%100_000) }
func waybillOf(i int) string   { return fmt.Sprintf("SF%013d", i) }
func remoteID(step string, i int) string {
	return fmt.Sprintf("%s%d", step, 10_000_000+i)
}

// messages is how many records a crowd has: every order one, two in five a second
// version, one in five a shipment.
func (c *crowd) messages() int { return c.orders + 2*((c.orders+4)/5) + (c.orders+1)/5 }

// fill writes the crowd the way the hub does: intake, route, settle.
func (c *crowd) fill(t *testing.T, l ledger.Ledger) {
	t.Helper()
	const page = 250
	var wg sync.WaitGroup
	next := make(chan int)
	for range 6 {
		wg.Go(func() {
			for first := range next {
				if err := c.page(t.Context(), l, first, min(first+page, c.orders)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	start, told := time.Now(), time.Now()
	for first := 0; first < c.orders && !t.Failed(); first += page {
		next <- first
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			t.Logf("%d of %d orders after %s", first, c.orders, time.Since(start).Round(time.Second))
		}
	}
	close(next)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func (c *crowd) page(ctx context.Context, l ledger.Ledger, first, last int) error {
	var all, again, shipped []int
	for i := first; i < last; i++ {
		all = append(all, i)
		if i%5 < 2 {
			again = append(again, i)
		}
		if i%5 == 3 {
			shipped = append(shipped, i)
		}
	}
	for version, some := range [][]int{all, again} {
		if err := c.versions(ctx, l, some, int64(version+1)); err != nil {
			return err
		}
	}
	return c.shipments(ctx, l, shipped)
}

// versions takes a version of each of the orders through its commits.
func (c *crowd) versions(ctx context.Context, l ledger.Ledger, orders []int, version int64) error {
	in := &ledger.Intake{Connection: "shop-a", Stream: "orders"}
	for _, i := range orders {
		in.Items = append(in.Items, &ledger.IntakeItem{Entity: "order", Key: orderNo(i), RootEnt: "order", RootKey: orderNo(i), Version: version,
			FetchedAt: time.Now(), Body: number(c.body, i)})
	}
	if err := commit(ctx, l, in); err != nil {
		return err
	}
	var routes, settles []ledger.Unit
	for n, i := range orders {
		r := &ledger.Route{Record: in.Items[n].ID, To: ledger.RecordRouted, Label: orderNo(i), Keys: orderKeys(i)}
		for s, step := range c.steps {
			r.Deliveries = append(r.Deliveries, c.delivery(i, s, step))
		}
		routes = append(routes, r)
	}
	if err := commit(ctx, l, routes...); err != nil {
		return err
	}
	for n, u := range routes {
		for s, d := range u.(*ledger.Route).Deliveries {
			settles = append(settles, c.settle(orders[n], version, c.steps[s], d)...)
		}
	}
	return commit(ctx, l, settles...)
}

func commit(ctx context.Context, l ledger.Ledger, units ...ledger.Unit) error {
	if len(units) == 0 {
		return nil
	}
	return l.Commit(ctx, units...)
}

func orderKeys(i int) []ledger.SearchKey {
	sku := skuOf(i)
	if i%perHotSKU == 0 {
		sku = hotSKU
	}
	return []ledger.SearchKey{{Kind: "order_no", Value: orderNo(i)}, {Kind: "source_id", Value: orderNo(i)}, {Kind: "transaction_id", Value: transaction(i)},
		{Kind: "phone", Value: phoneOf(i)}, {Kind: "member_no", Value: memberNo(i)}, {Kind: "openid", Value: fmt.Sprintf("o%027d", i)},
		{Kind: "sku", Value: sku}, {Kind: "sku", Value: skuOf(i + 7)}, {Kind: "store_code", Value: "shop-a"}}
}

// delivery is the s-th delivery of order i, as its route makes it.
func (c *crowd) delivery(i, s int, step *flow.Step) *ledger.NewDelivery {
	d := &ledger.NewDelivery{Flow: c.flows[s], Step: step.Name, Connection: step.Connection, Operation: step.Operation, RemoteKey: "shop-a-" + orderNo(i), Claim: true,
		State: ledger.Ready, Payload: number(c.target, i), MapVersion: "m1"}
	if s == 1 && i%perBlocked == 7 {
		key := fmt.Sprintf("SKU-NEW-%d", i/perBlocked%missing)
		d.State, d.Code, d.Text = ledger.Blocked, "blocked.lookup", fmt.Sprintf("out/order.yaml:12:9: lines[0].sku: lookup table products has no entry for %q", key)
		d.Deps = []ledger.Dep{{Kind: ledger.DepLookup, Key: ledger.LookupKey("products", key)}}
	}
	return d
}

// settle ends a delivery: most are delivered, the rest has the shares of a crowd.
func (c *crowd) settle(i int, version int64, step *flow.Step, d *ledger.NewDelivery) []ledger.Unit {
	if d.State != ledger.Ready {
		return nil
	}
	now := time.Now()
	u := &ledger.Settle{Delivery: d.ID, From: []ledger.State{ledger.Ready}, To: ledger.Delivered, CountTry: true,
		Attempt: &ledger.Attempt{Kind: "send", StartedAt: now, EndedAt: now, State: ledger.Delivered, Code: "ok", Body: d.Payload[:min(len(d.Payload), 400)]}}
	first := step == c.steps[0]
	switch {
	case first && i%perFailed == 3:
		u.To, u.Clean, u.Code = ledger.Parked, true, "mapping.enum"
		u.Text = `out/order.yaml:8:5: status: "presale" is none of the values of the target`
	case first && i%perParked == 4:
		u.To, u.Clean, u.Code, u.Text = ledger.Parked, true, fmt.Sprintf("refused.%d", 100+i/perParked%40), "the target refused the document"
	case first && i%perWaiting == 9:
		u.To, u.Clean, u.Code, u.NextAt = ledger.Waiting, true, "http.connect", now.AddDate(0, 1, 0)
	default:
		id := remoteID(step.Connection, i)
		u.Link = &ledger.LinkChange{Connection: step.Connection, Operation: step.Operation, RemoteKey: d.RemoteKey, Applied: true, Version: version,
			RemoteIDs: []ledger.RemoteID{{Kind: "id", Value: id}}}
		u.Keys = []ledger.SearchKey{{Kind: "remote_id", Value: id}}
	}
	u.Attempt.State, u.Attempt.Code = u.To, u.Code
	return []ledger.Unit{u}
}

// shipments are documents of their own under the orders' roots.
func (c *crowd) shipments(ctx context.Context, l ledger.Ledger, orders []int) error {
	in := &ledger.Intake{Connection: "wms", Stream: "shipments"}
	for _, i := range orders {
		in.Items = append(in.Items, &ledger.IntakeItem{Entity: "shipment", Key: waybillOf(i), RootEnt: "order", RootKey: orderNo(i), Version: 1,
			FetchedAt: time.Now(), Body: []byte(`{"waybill":"` + waybillOf(i) + `","order_no":"` + orderNo(i) + `"}`)})
	}
	if err := commit(ctx, l, in); err != nil {
		return err
	}
	var routes []ledger.Unit
	for n, i := range orders {
		routes = append(routes, &ledger.Route{Record: in.Items[n].ID, To: ledger.RecordRouted, Label: waybillOf(i),
			Keys: []ledger.SearchKey{{Kind: "waybill", Value: waybillOf(i)}, {Kind: "order_no", Value: orderNo(i)}}})
	}
	return commit(ctx, l, routes...)
}
