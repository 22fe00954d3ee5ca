package demo

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// past is how many orders each shop has before the hub starts; the rest is sold live.
func (d *Demo) past() int { return d.opt.Orders / 10 }

// sellFor is how long the shops take to sell, however many orders.
const sellFor = 6 * time.Second

// planted are the bad orders of each shop.
func (d *Demo) planted(shop int) []string {
	switch {
	case d.opt.NoBad:
		return nil
	case shop == 0:
		return []string{wechatshopsim.BadUnknownSKU, wechatshopsim.BadEmptyName}
	default:
		return []string{wechatshopsim.BadUnknownStatus, wechatshopsim.BadLongReceiver}
	}
}

// sell plays both shops while the hub catches up with their past, then waits until every
// push has arrived.
func (d *Demo) sell(ctx context.Context) error {
	g, inner := errgroup.WithContext(ctx)
	live := d.opt.Orders - 2*d.past()
	for i, shop := range d.shops() {
		n := (live + 1 - i) / 2
		g.Go(func() error {
			// Another seed, the same numbers: what the shops sell under one number differs.
			plan := shop.Plan(d.opt.Seed+100+int64(i), n, wechatshopsim.PlanOptions{Versions: 3, Bad: d.planted(i)})
			return plan.Run(inner, max(20, float64(plan.Left())/sellFor.Seconds()))
		})
	}
	g.Go(func() error { return d.pull(inner) })
	if err := g.Wait(); err != nil {
		return err
	}
	for _, shop := range d.shops() {
		// One that stays unpaid, and a member who joins late.
		if _, err := shop.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: knownSKU, Qty: 1}}}); err != nil {
			return err
		}
		if _, err := shop.Join(wechatshopsim.Member{}); err != nil {
			return err
		}
	}
	return d.drain(ctx)
}

func (d *Demo) shops() []*wechatshopsim.Sim {
	return []*wechatshopsim.Sim{d.world.ShopA, d.world.ShopB}
}

// drain waits until the hub has taken every push, or for as long as rest may take.
func (d *Demo) drain(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, d.opt.Wait)
	defer cancel()
	for _, shop := range d.shops() {
		if err := shop.DrainPushes(limited); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
