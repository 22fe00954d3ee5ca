package alarm_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
)

// shop is a store's traffic by the hour of the day: busy evenings, quiet nights.
var shop = [24]float64{6, 2, 1, 0.5, 0.5, 1, 4, 12, 30, 50, 60, 70, 80, 60, 55, 60, 65, 70, 90, 130, 160, 140, 80, 25}

// traffic lets a day's worth of things happen in steps of a minute: orders by chance, a
// batch at night, a busy peak, gates that close for a moment, quotas that fill.
type traffic struct {
	*bench
	rng     *rand.Rand
	orders  int64
	members int64
	parked  int64
	waits   int64
	stopped bool // no orders come
}

func newTraffic(t *testing.T) *traffic {
	return &traffic{bench: setup(t), rng: rand.New(rand.NewPCG(1, 2))}
}

func (x *traffic) minute() {
	if !x.stopped {
		rate := shop[x.at.Hour()] / 60
		if x.at.Weekday() == time.Sunday {
			rate *= 0.6
		}
		for p := rate; p > 0; p-- {
			if x.rng.Float64() < p {
				x.orders++
			}
		}
	}
	if x.at.Hour() == 3 && x.at.Minute() == 10 {
		x.members += 5000
	}
	if x.rng.IntN(500) == 0 {
		x.parked++
	}
	x.waits = (x.waits + x.rng.Int64N(200)) % 3000
	oldest := x.at.Add(-time.Duration(x.rng.IntN(600)) * time.Second)
	x.s.Intake = map[string]int64{"shop.orders": x.orders, "crm.members": x.members}
	x.s.Counts = nil
	x.set("record", "shop", "orders", "routed", "", x.orders, time.Time{})
	x.set("delivery", "oms", "order.push", "delivered", "", x.orders-x.parked, time.Time{})
	x.set("delivery", "oms", "order.push", "parked", "oms.address", x.parked, time.Time{})
	x.set("delivery", "crm", "member.save", "waiting", "", x.waits, oldest)
	x.set("delivery", "wms", "order.cancel", "blocked", "blocked.predecessor", 400, x.at.Add(-50*time.Hour))
	x.s.Limits = []alarm.Limit{{Connection: "oms", Name: "minute", Used: 100, Allowed: 100, Per: time.Minute}, {Connection: "oms", Name: "day", Used: x.at.Hour() * 30, Allowed: 1000, Per: 24 * time.Hour}}
	x.s.Jobs = []alarm.Job{{Name: "orders", Last: x.at.Add(-20 * time.Second), Next: every(30 * time.Second)}}
	x.s.Gates = nil
	if x.rng.IntN(120) == 0 {
		x.s.Gates = []alarm.Gate{{Connection: "oms", Reason: "outage", Since: x.at}}
		x.step(8 * time.Second)
		x.s.Gates = nil
		x.step(52 * time.Second)
		return
	}
	x.step(time.Minute)
}

func (x *traffic) until(t time.Time) {
	for x.at.Before(t) {
		x.minute()
	}
}

func TestNineHealthyDaysRaiseNothing(t *testing.T) {
	x := newTraffic(t)
	x.until(x.at.Add(9 * 24 * time.Hour))
	x.heard()
	if n := len(x.store.value); n > 4096 {
		t.Errorf("what is usual of two streams takes %d bytes", n)
	}
}

func TestASilentSourceIsNoticedByTheHour(t *testing.T) {
	x := newTraffic(t)
	x.until(time.Date(2026, 11, 17, 20, 0, 0, 0, shanghai))
	x.stopped = true
	x.until(x.at.Add(40 * time.Minute)) // at the busiest hour
	x.heard("[ALARM] nothing new came from shop.orders since 11-17 20:00:00 (1")
	x.start() // the silence goes on over a restart
	x.until(x.at.Add(time.Hour))
	x.stopped = false
	x.until(x.at.Add(5 * time.Minute))
	x.heard("[ALARM]", "[RECOVERED] nothing new came from shop.orders")

	x.until(time.Date(2026, 11, 18, 1, 30, 0, 0, shanghai))
	x.stopped = true
	x.until(time.Date(2026, 11, 18, 6, 30, 0, 0, shanghai)) // at night five hours are nothing
	x.heard("[ALARM]", "[RECOVERED]")
	x.until(time.Date(2026, 11, 18, 9, 0, 0, 0, shanghai))
	x.heard("[ALARM]", "[RECOVERED]", "[ALARM] nothing new came from shop.orders since 11-18 01:")
}

func TestANewHubKnowsNothingUsual(t *testing.T) {
	x := newTraffic(t)
	x.until(x.at.Add(24 * time.Hour))
	x.stopped = true
	x.until(x.at.Add(24 * time.Hour))
	x.heard()
}

func TestHoursThatNobodySawTeachNothing(t *testing.T) {
	x := newTraffic(t)
	x.until(x.at.Add(8 * 24 * time.Hour))
	x.at = x.at.Add(30 * time.Hour) // the machine was off
	x.start()
	x.until(x.at.Add(2 * time.Hour))
	x.heard()
}

func TestMessagesSpeakChinese(t *testing.T) {
	b := setup(t)
	b.cfg.Language = "zh"
	b.c.Set(b.cfg)
	b.s.Free = 1 << 30
	b.run(time.Minute)
	b.s.Free = 9 << 30
	b.run(time.Minute)
	b.heard("[告警] 数据存储所在磁盘只剩 1024 MiB", "[已恢复]")
	for _, said := range b.hook.taken() {
		if strings.Contains(said, "alarm.") && !strings.Contains(said, "?alarm=") || strings.Contains(said, "%[") {
			t.Errorf("it says\n%s", said)
		}
	}
}
