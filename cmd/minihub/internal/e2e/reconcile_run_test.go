package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/reconcile"
)

// reconcileEdition says how large the test is; MINIHUB_RECONCILE=long runs the whole.
type reconcileEdition struct {
	seed    int64
	orders  int // over both shops, of which live are sold while the hub runs
	live    int
	members int // of each shop
	limitsX float64
	settle  float64
	wait    time.Duration // for the hub to come to rest
	look    time.Duration // between two looks at it

	// How many of each to plant.
	neverPulled, missedUpdate, missedPrice, missedCancel, goneAtSource int
	deleted, twice, changed, stranger, aliveAgain, unanswered          map[string]int
	afterSalesGone, afterSalesChanged, contacts                        int
	inFlight, movedOn, late, lateHeard, byHand                         int
	drift, lookAlikes                                                  int // what these must add up to
}

func reconcileEditionOf(t *testing.T) reconcileEdition {
	if os.Getenv("MINIHUB_RECONCILE") == "long" {
		return reconcileEdition{seed: 5, orders: 5000, live: 500, members: 200, limitsX: 300, settle: 4, wait: 15 * time.Minute, look: time.Second,
			neverPulled: 8, missedUpdate: 7, missedPrice: 4, missedCancel: 8, goneAtSource: 5,
			deleted:    map[string]int{atOMS: 4, atERP: 4, atCRM: 4, atWMS: 3, atSF: 3},
			twice:      map[string]int{atOMS: 4, atERP: 4},
			changed:    map[string]int{atOMS: 4, atERP: 4, atCRM: 4, atWMS: 3, atSF: 3},
			stranger:   map[string]int{atOMS: 3, atERP: 3, atCRM: 3},
			aliveAgain: map[string]int{atOMS: 2, atWMS: 2, atSF: 2}, unanswered: map[string]int{atWMS: 2, atSF: 2},
			afterSalesGone: 2, afterSalesChanged: 2, contacts: 1,
			inFlight: 3, movedOn: 2, late: 3, lateHeard: 2, byHand: 5, drift: 100, lookAlikes: 20}
	}
	return reconcileEdition{seed: 5, orders: 120, live: 30, members: 10, limitsX: 300, settle: 0.45, wait: time.Minute, look: 50 * time.Millisecond,
		neverPulled: 2, missedUpdate: 2, missedPrice: 1, missedCancel: 2, goneAtSource: 1,
		deleted:    map[string]int{atOMS: 1, atERP: 1, atCRM: 1, atWMS: 1, atSF: 1},
		twice:      map[string]int{atOMS: 1, atERP: 1},
		changed:    map[string]int{atOMS: 1, atERP: 1, atCRM: 1, atWMS: 1, atSF: 1},
		stranger:   map[string]int{atOMS: 1, atERP: 1, atCRM: 1},
		aliveAgain: map[string]int{atOMS: 1, atWMS: 1, atSF: 1}, unanswered: map[string]int{atSF: 1},
		afterSalesGone: 1, afterSalesChanged: 1, contacts: 1,
		inFlight: 1, movedOn: 1, late: 1, lateHeard: 1, byHand: 4, drift: 30, lookAlikes: 13}
}

// TestReconcile plants discrepancies of every kind at every target, and things that only
// look like one, through the simulators' control interface. One run finds exactly the
// discrepancies, a heal mends what may be healed, and another run finds nothing new.
func TestReconcile(t *testing.T) {
	if testing.Short() {
		t.Skip("sells, breaks and compares for half a minute; -short leaves it out")
	}
	ed := reconcileEditionOf(t)
	w := newReconcileWorld(t, ed)
	s := &script{w: w}
	began := time.Now()
	stage := func(what string) { t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what) }
	s.border()
	w.open()
	w.pull()
	stage("the past is pulled")
	s.sellLive()
	ready := s.prepare()
	stage("sold")
	before := w.reconcile(s.now())
	if d := cmp.Diff([]string(nil), findings(before)); d != "" || before.Partial {
		t.Fatalf("findings before anything was planted (-want +got), partial %t:\n%s", before.Partial, d)
	}

	stage("compared before")
	s.plant(ready)
	to := s.now()
	w.until(to)
	s.cancelLate()
	w.until(to.Add(grace))
	stage("planted")
	first := w.reconcile(to)
	stage("compared")
	s.checkFirst(first)

	written := map[string]int{}
	for _, p := range s.lookAlikes {
		if p.name != "in flight" { // those are tried again all the time
			written[p.order.key()] = s.writes(p.order)
		}
	}
	healed := w.heal(first.ID)
	stage("healed")
	s.checkHeal(first, healed)
	s.release()
	w.rest()
	for _, p := range s.lookAlikes {
		if n, ok := written[p.order.key()]; ok && n != s.writes(p.order) {
			t.Errorf("the heal reached a look-alike (%s): %s had %d writes and has %d", p.name, p.order.key(), n, s.writes(p.order))
		}
	}
	for _, p := range slices.Concat(s.drift, s.lookAlikes) {
		if p.arrived == nil {
			continue
		}
		if wrong := p.arrived(); wrong != "" {
			t.Errorf("%s: %s was to arrive: %s", p.name, p.order.key(), wrong)
		}
	}

	stage("at rest")
	w.pull() // as the hub does every few minutes
	s.checkSecond(first, w.reconcile(s.now()))
}

// now is an end for a window that holds everything up to now, once it may be asked for.
func (s *script) now() time.Time {
	to := time.Now().Truncate(time.Second).Add(time.Second)
	s.w.until(to.Add(grace))
	return to
}

// sellLive plays a plan with pushes: edits, refunds and cancellations reach targets that
// have the order already.
func (s *script) sellLive() {
	for i, shop := range s.w.shops() {
		plan := shop.Plan(s.w.ed.seed+10+int64(i), s.w.ed.live/2, wechatshopsim.PlanOptions{Versions: 4})
		if err := plan.Run(s.w.t.Context(), max(100, float64(plan.Left())/5)); err != nil {
			s.w.t.Fatal(err)
		}
	}
	s.w.rest()
}

// prepared are orders that the script brought into a state before it breaks anything.
type prepared struct {
	unpaid, cancelled, again []sold // to be edited, deleted by hand, alive again
	members                  []member
}

type member struct{ shop, openID, number string }

func (s *script) prepare() prepared {
	var p prepared
	ed := s.w.ed
	s.gather()
	for range ed.missedPrice {
		p.unpaid = append(p.unpaid, s.place(s.someShop(), "", false))
	}
	for range ed.contacts {
		shop := s.someShop()
		id := s.w.sim(shop, "join", body{})["openid"].(string)
		sum := sha256.Sum256([]byte(id))
		p.members = append(p.members, member{shop, id, shop + "-" + hex.EncodeToString(sum[:])[:20]})
	}
	for range ed.byHand {
		p.cancelled = append(p.cancelled, s.cancel(s.take()))
	}
	for range total(ed.aliveAgain) {
		p.again = append(p.again, s.cancel(s.take()))
	}
	for _, shop := range s.w.shops() {
		// A code that no table has, which waits, and a receiver that nobody takes, which parks.
		for _, kind := range []string{wechatshopsim.BadUnknownSKU, wechatshopsim.BadLongReceiver} {
			s.w.sim(shop.System(), "bad", body{"kind": kind})
		}
	}
	s.w.pull()
	return p
}

func total(of map[string]int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// plant breaks everything. What nobody knows the outcome of comes last: the hub looks it
// up by itself after a while.
func (s *script) plant(p prepared) {
	ed := s.w.ed
	for range ed.inFlight {
		s.inFlight(sold{shop: s.someShop()})
	}
	for range ed.movedOn {
		s.inFlight(s.take())
	}
	byHand := []string{atOMS, atCRM, atWMS, atSF}
	for i, o := range p.cancelled {
		s.deletedByHand(byHand[i%len(byHand)], o)
	}
	each := func(of map[string]int, plant func(at string)) {
		for _, at := range slices.Sorted(keysOf(of)) {
			for range of[at] {
				plant(at)
			}
		}
	}
	each(ed.deleted, s.deleted)
	each(ed.twice, s.twice)
	each(ed.changed, s.changed)
	each(ed.stranger, s.stranger)
	each(ed.aliveAgain, func(at string) {
		s.aliveAgain(at, p.again[0])
		p.again = p.again[1:]
	})
	s.breakAfterSales()
	for _, m := range p.members {
		s.contact(m.shop, m.openID, m.number)
	}
	s.w.rest(ledger.Waiting)

	s.lose(true)
	times := func(n int, plant func()) {
		for range n {
			plant()
		}
	}
	times(ed.neverPulled, s.neverPulled)
	times(ed.missedUpdate, s.missedUpdate)
	for _, o := range p.unpaid {
		s.missedPrice(o)
	}
	times(ed.missedCancel, s.missedCancel)
	times(ed.goneAtSource, s.goneAtSource)
	s.lose(false)

	for _, at := range slices.Sorted(keysOf(ed.unanswered)) {
		s.unanswered(at, ed.unanswered[at])
	}
	s.w.rest(ledger.Waiting, ledger.Unknown)
	if len(s.drift) != ed.drift || len(s.lookAlikes)+ed.late+ed.lateHeard != ed.lookAlikes {
		s.w.t.Fatalf("%d discrepancies and %d look-alikes were planted, want %d and %d", len(s.drift), len(s.lookAlikes)+ed.late+ed.lateHeard, ed.drift, ed.lookAlikes)
	}
}

// breakAfterSales takes after-sales that the OMS holds.
func (s *script) breakAfterSales() {
	held := map[string]bool{}
	for _, a := range s.w.sims.OMS.AfterSales() {
		held[a.OuterAsID] = true
	}
	left := s.w.ed.afterSalesGone + s.w.ed.afterSalesChanged
	for _, shop := range s.w.shops() {
		for _, r := range shop.AfterSales() {
			if left > 0 && held[shop.System()+"-"+r.AfterSaleID] && r.UpdatedAt >= s.w.from.Unix() {
				s.afterSale(r, shop.System(), left <= s.w.ed.afterSalesGone)
				left--
			}
		}
	}
}

// cancelLate cancels after the window has ended: the next run's affair, whether the hub
// heard of it or not.
func (s *script) cancelLate() {
	for range s.w.ed.lateHeard {
		s.alike("cancelled late", s.cancel(s.take()))
	}
	s.w.rest(ledger.Waiting, ledger.Unknown)
	s.lose(true)
	for range s.w.ed.late {
		s.alike("cancelled late", s.cancel(s.take()))
	}
	s.lose(false)
}

// findings are a report's findings of drift, one line each.
func findings(rep *reconcile.Report) []string {
	var out []string
	for i := range rep.Findings {
		if rep.Findings[i].Kind != reconcile.Parked {
			out = append(out, finding(&rep.Findings[i]))
		}
	}
	slices.Sort(out)
	return out
}

func (s *script) checkFirst(rep *reconcile.Report) {
	s.w.t.Helper()
	var all []string
	kinds := map[reconcile.Kind]bool{}
	for _, p := range s.drift {
		all = append(all, p.want...)
	}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		kinds[f.Kind] = true
		if f.Kind == reconcile.Orphan && !strings.HasPrefix(f.Key, f.Store+"-77") {
			s.w.t.Errorf("the orphan %s is shown for the store %s", f.Key, f.Store)
		}
	}
	slices.Sort(all)
	if d := cmp.Diff(all, findings(rep)); d != "" {
		s.w.t.Errorf("the findings are not what was planted (-planted +found):\n%s", d)
	}
	delete(kinds, reconcile.Parked)
	if len(kinds) < 8 || rep.New != rep.Drift || rep.Partial {
		s.w.t.Errorf("%d kinds, want 8; %d new of %d; partial %t", len(kinds), rep.New, rep.Drift, rep.Partial)
	}
	s.w.t.Logf("%d discrepancies and %d look-alikes planted, %d findings of %d kinds", len(s.drift), len(s.lookAlikes), rep.Drift, len(kinds))
	s.checkNotCompared(rep)
	s.checkDays(rep)
}

// checkNotCompared: what cannot be listed says so, and why (Invariant 5).
func (s *script) checkNotCompared(rep *reconcile.Report) {
	s.w.t.Helper()
	got := map[string]bool{}
	for _, n := range rep.NotCompared {
		got[n.What+" "+n.Place.String()] = true
		if n.Reason == "" {
			s.w.t.Errorf("%s of %s is not compared for no reason", n.What, n.Place)
		}
	}
	want := map[string]bool{"list shop-a.members": true, "list shop-b.members": true, "list wms.delivery.create": true, "list sf.order.create": true,
		"target events.event.push": true, "orphans erp.party.push": true}
	if d := cmp.Diff(want, got); d != "" {
		s.w.t.Errorf("not compared (-want +got):\n%s", d)
	}
}

// checkDays holds the report's days against the shops', whose days begin at +08:00.
func (s *script) checkDays(rep *reconcile.Report) {
	s.w.t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, shop := range s.w.shops() {
		for _, o := range shop.Sold() {
			if o.UpdatedAt >= s.w.from.Unix() && o.UpdatedAt < rep.To.Unix() {
				want[shop.System()+" "+time.Unix(o.UpdatedAt, 0).In(china).Format(time.DateOnly)]++
			}
		}
	}
	for _, total := range rep.Totals {
		if total.Role == reconcile.RoleSource && total.Name == "orders" && total.There > 0 {
			got[total.Store+" "+total.Day] = total.There
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		s.w.t.Errorf("orders of a day (-shops +report):\n%s", d)
	}
}

func (s *script) checkHeal(rep *reconcile.Report, h *reconcile.Healed) {
	s.w.t.Helper()
	if len(h.Failed) > 0 {
		s.w.t.Errorf("the heal failed for %+v", h.Failed)
	}
	healable := 0
	for i := range rep.Findings {
		if rep.Findings[i].Heal != "" {
			healable++
		}
	}
	if len(h.Done) < healable || len(h.Done)+len(h.Proposed) != rep.Drift {
		s.w.t.Errorf("%d done and %d proposed of %d findings, %d of them healable", len(h.Done), len(h.Proposed), rep.Drift, healable)
	}
	touched := map[string]bool{}
	for _, a := range slices.Concat(h.Done, h.Failed) {
		touched[a.SourceKey], touched[a.Key] = true, true
	}
	for _, p := range h.Proposed {
		touched[p.SourceKey], touched[p.Key] = true, true
	}
	delete(touched, "")
	for _, p := range s.lookAlikes {
		if touched[p.order.OrderID] && !s.sameNumber(p.order) || touched[p.order.key()] {
			s.w.t.Errorf("a look-alike (%s) was healed: %s", p.name, p.order.key())
		}
	}
}

// sameNumber tells an order whose number the other shop has given too.
func (s *script) sameNumber(o sold) bool {
	other := "shop-a"
	if o.shop == other {
		other = "shop-b"
	}
	_, ok := s.w.shop(other).Order(o.OrderID)
	return ok
}

func (s *script) checkSecond(first, second *reconcile.Report) {
	s.w.t.Helper()
	var open []string
	for i := range first.Findings {
		if f := &first.Findings[i]; f.Kind != reconcile.Parked && f.Heal == "" {
			open = append(open, finding(f))
		}
	}
	slices.Sort(open)
	if second.New != 0 || second.Partial {
		s.w.t.Errorf("the second run has %d new findings, partial %t", second.New, second.Partial)
	}
	for _, line := range findings(second) {
		if !slices.Contains(open, line) {
			s.w.t.Errorf("the second run finds %s", line)
		}
	}
}
