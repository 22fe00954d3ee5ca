package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/minihub/minihub/pipelines/ledger"
)

// plant makes one order of a script and says what a run must find of it; mend is what a
// person does about what is only proposed.
type plant struct {
	name  string
	where string
	do    func(w *world, p paper) (want []string)
	mend  func(w *world, p paper)
}

func (w *world) at1(p paper, after time.Duration, do func()) {
	w.at(time.Unix(p.At, 0).Add(after), do)
}

func plants() []plant {
	sync := func(w *world, p paper) { w.deliver(p, time.Unix(p.At, 0).Add(time.Minute)) }
	later := func(w *world, p paper, change func(*paper)) paper {
		p.At += 30
		change(&p)
		w.shopHas(p)
		return p
	}
	drop := func(w *world, p paper) { w.oms.drop(push, keyFor(p)) }
	return []plant{
		// The eight kinds of drift.
		{"missing_in_ledger", "source", func(w *world, p paper) []string { return []string{"missing_in_ledger source"} }, nil},
		{"gone after receipt", "target", func(w *world, p paper) []string {
			sync(w, p)
			drop(w, p)
			return []string{"missing_at_target target"}
		}, func(w *world, p paper) { w.omsHas(p, w.now) }},
		{"never delivered", "target", func(w *world, p paper) []string {
			w.at1(p, time.Minute, func() { w.commit(&ledger.Route{Record: w.pull(p), To: ledger.RecordNoTarget}) })
			return []string{"missing_at_target target"}
		}, nil},
		{"missing_at_source", "source", func(w *world, p paper) []string {
			sync(w, p)
			w.shops[p.Store].drop(orders, p.ID)
			return []string{"missing_at_source source", "missing_at_source target"}
		}, drop},
		{"double", "target", func(w *world, p paper) []string {
			sync(w, p)
			w.omsHas(p, time.Unix(p.At, 0).Add(2*time.Minute))
			return []string{"double target"}
		}, func(w *world, p paper) { drop(w, p); w.omsHas(p, w.now) }},
		{"differs at the target", "target", func(w *world, p paper) []string {
			sync(w, p)
			w.oms.find(push, keyFor(p)).Lines += 5
			return []string{"differs target"}
		}, func(w *world, p paper) { w.oms.find(push, keyFor(p)).Lines -= 5 }},
		{"differs at the source", "source", func(w *world, p paper) []string {
			sync(w, p)
			later(w, p, func(p *paper) { p.Amount += 100 })
			return []string{"differs source"}
		}, nil},
		{"orphan", "target", func(w *world, p paper) []string {
			w.shops[p.Store].drop(orders, p.ID)
			w.omsHas(p, time.Unix(p.At, 0))
			return []string{"orphan target"}
		}, drop},
		{"unknown_resolved", "target", func(w *world, p paper) []string {
			w.at1(p, time.Minute, func() {
				w.settle(w.routed(p, w.pull(p), nil), ledger.Parked, func(s *ledger.Settle) { s.Holds = true })
			})
			w.omsHas(p, time.Unix(p.At, 0).Add(time.Minute))
			return []string{"unknown_resolved target"}
		}, nil},
		{"cancelled_alive", "target", func(w *world, p paper) []string {
			sync(w, p)
			later(w, p, func(p *paper) { p.Status = cancelled })
			return []string{"cancelled_alive target", "differs source"}
		}, nil},
		// What only looks like it.
		{"in flight", "", func(w *world, p paper) []string {
			w.at1(p, time.Minute, func() { w.routed(p, w.pull(p), nil) })
			return nil
		}, nil},
		{"cancelled late", "", func(w *world, p paper) []string {
			sync(w, p)
			later(w, p, func(p *paper) { p.Status, p.At = cancelled, day1.Add(time.Minute).Unix() })
			return nil
		}, nil},
		{"given up", "", func(w *world, p paper) []string {
			w.at1(p, time.Minute, func() {
				d := w.routed(p, w.pull(p), nil)
				w.settle(d, ledger.Parked, func(s *ledger.Settle) { s.Clean = true })
				w.settle(d, ledger.Discarded, func(s *ledger.Settle) { s.Who = "li" })
			})
			return nil
		}, nil},
		{"shipped", "", func(w *world, p paper) []string {
			sync(w, p)
			w.oms.find(push, keyFor(p)).Status = closed
			return nil
		}, nil},
		{"border", "", func(w *world, p paper) []string {
			p = later(w, p, func(p *paper) { p.At = day1.Add(-time.Second).Unix() })
			w.deliver(p, day1.Add(20*time.Minute))
			return nil
		}, nil},
		{"cancelled on both sides", "", func(w *world, p paper) []string {
			sync(w, p)
			w.cancelAtOMS(later(w, p, func(p *paper) { p.Status = cancelled }), time.Unix(p.At, 0).Add(time.Hour))
			return nil
		}, nil},
	}
}

func TestAScriptOfFiveHundredOrders(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t)
			random := rand.New(rand.NewPCG(seed, 500))
			w.oms.page, w.shops["shop-a"].page, w.shops["shop-b"].page = 1+random.IntN(40), 1+random.IntN(40), 1+random.IntN(40)
			w.oms.again = random.IntN(2) == 0
			all, count := plants(), map[string]int{}
			type planted struct {
				plant
				paper
			}
			var made []planted
			var want []string
			for n := range 500 {
				shop := []string{"shop-a", "shop-b"}[random.IntN(2)]
				p := w.order(shop, n, day0.Add(time.Duration(random.IntN(23*3600))*time.Second))
				if random.IntN(100) < 70 {
					w.deliver(p, time.Unix(p.At, 0).Add(time.Duration(random.IntN(300))*time.Second))
					continue
				}
				pl := all[random.IntN(len(all))]
				for _, f := range pl.do(w, p) {
					want = append(want, f+" "+p.ID)
				}
				made = append(made, planted{pl, p})
				count[pl.name]++
			}
			if len(count) != len(all) {
				t.Fatalf("the seed plants only %v", count)
			}

			first := w.run()
			if d := cmp.Diff(want, found(first), cmpopts.SortSlices(strings.Compare)); d != "" {
				t.Fatalf("the first run (-want +got):\n%s", d)
			}
			if first.Partial || first.New != len(want) {
				t.Errorf("partial %t, new %d of %d", first.Partial, first.New, len(want))
			}

			h := w.heal(first)
			if len(h.Failed) > 0 {
				t.Errorf("failed: %+v", h.Failed)
			}
			for _, c := range w.calls {
				for _, m := range made {
					if m.where == "" && c == "refetch "+m.ID {
						t.Errorf("a look-alike was healed: %s (%s)", m.ID, m.name)
					}
				}
			}
			second := w.run()
			if second.New != 0 {
				t.Errorf("the second run finds something new: %v", briefs(second))
			}
			for _, f := range second.Findings {
				if f.Heal != "" {
					t.Errorf("%s %s was to be healed by %s and is still there", f.Kind, f.SourceKey, f.Heal)
				}
			}

			// A person does what was proposed: nothing is left.
			for _, m := range made {
				if m.mend != nil {
					m.mend(w, m.paper)
				}
			}
			if third := w.run(); len(third.Findings) > 0 {
				t.Errorf("the third run finds %v", briefs(third))
			}
		})
	}
}

// found are the findings as "kind role id".
func found(rep *Report) []string {
	var out []string
	for _, f := range rep.Findings {
		id := f.SourceKey
		if id == "" {
			id = f.Key[strings.LastIndexByte(f.Key, '-')+1:]
		}
		out = append(out, fmt.Sprintf("%s %s %s", f.Kind, f.Role, id))
	}
	slices.Sort(out)
	return out
}
