package oddshop

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// DayOptions shape a day.
type DayOptions struct {
	Seed   int64
	Orders int       // sold over the day; 0 means 2000
	Steps  int       // the day is cut into; 0 means 48
	Open   time.Time // when the day begins; zero means 00:00 of the shop's today
	// Paging is the share of a step's acts that wait for the pages of a list; 0 means one
	// in six, below zero none.
	Paging float64
	// Spells are the steps in which the shop does not know the token; nil means two, in
	// the morning and in the evening.
	Spells []int
}

// Day is a scripted day of a shop. The caller drives it: no time passes by itself.
type Day struct {
	shop *Sim
	opt  DayOptions
	rng  *rand.Rand
	step int
	sold int
	// Did counts what the steps asked for, by act.
	Did map[string]int
}

// NewDay returns a day that is still to be played. The same seeds give the same acts;
// which orders they are for depends on when pages are turned too.
func NewDay(shop *Sim, o DayOptions) *Day {
	if o.Orders == 0 {
		o.Orders = 2000
	}
	if o.Steps == 0 {
		o.Steps = 48
	}
	if o.Open.IsZero() {
		y, m, d := shop.opt.Now().In(Zone).Date()
		o.Open = time.Date(y, m, d, 0, 0, 0, 0, Zone)
	}
	if o.Paging == 0 {
		o.Paging = 1. / 6
	}
	if o.Spells == nil {
		o.Spells = []int{o.Steps / 3, o.Steps/3 + 1, o.Steps * 4 / 5}
	}
	return &Day{shop: shop, opt: o, rng: rand.New(rand.NewPCG(uint64(o.Seed), 1)), Did: map[string]int{}}
}

// Spell says whether the shop does not know the token in the step played last.
func (d *Day) Spell() bool { return d.spell(d.step - 1) }

func (d *Day) spell(step int) bool {
	for _, s := range d.opt.Spells {
		if s == step {
			return true
		}
	}
	return false
}

// Step plays the next step: the shop's clock moves on, some acts are done at once, others
// wait for the pages that will be turned. It returns false when the day is over; then the token is
// known again.
func (d *Day) Step() (bool, error) {
	if d.step == d.opt.Steps {
		_, err := d.shop.Do(Act{Do: FindTokens})
		return false, err
	}
	d.shop.SetNow(d.opt.Open.Add(24 * time.Hour / time.Duration(d.opt.Steps) * time.Duration(d.step)))
	token := FindTokens
	if d.spell(d.step) {
		token = LoseToken
	}
	if _, err := d.shop.Do(Act{Do: token}); err != nil {
		return false, err
	}
	d.step++
	for _, do := range d.plan() {
		a := Act{Do: do, Paging: d.rng.Float64() < d.opt.Paging}
		d.Did[do]++
		if a.Paging {
			d.shop.Queue(a)
			continue
		}
		// Early in the day nobody may be there to ship to.
		if _, err := d.shop.Do(a); err != nil && !errors.Is(err, ErrNobody) {
			return false, fmt.Errorf("step %d of the day: %w", d.step, err)
		}
	}
	return true, nil
}

// plan is what happens in one step, shuffled: for each order sold, the chances that
// something else happens in the shop meanwhile.
func (d *Day) plan() []string {
	sales := d.opt.Orders*d.step/d.opt.Steps - d.sold
	d.sold += sales
	var acts []string
	for range sales {
		acts = append(acts, Sell)
		for _, c := range []struct {
			do     string
			chance float64
		}{{Pay, 0.75}, {EditPrice, 0.2}, {Cancel, 0.12}, {Delete, 0.05}, {Ship, 0.5}, {Finish, 0.3}} {
			if d.rng.Float64() < c.chance {
				acts = append(acts, c.do)
			}
		}
	}
	d.rng.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	return acts
}
