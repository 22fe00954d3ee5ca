package alarm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/connectors"
)

// bench is a center with a fake clock, a store and a webhook that hears it.
type bench struct {
	t     *testing.T
	at    time.Time
	cfg   alarm.Config
	store *memory
	hook  *robot
	c     *alarm.Center
	s     alarm.Sample
}

var shanghai = time.FixedZone("+08", 8*3600)

func setup(t *testing.T) *bench {
	b := &bench{t: t, at: time.Date(2026, 11, 9, 8, 0, 0, 0, shanghai), store: &memory{}}
	hook, server := newRobot(t, "webhook", func() time.Time { return b.at })
	b.hook = hook
	b.cfg = alarm.Config{Rules: alarm.Defaults(), Language: "en", PublicURL: "https://hub.example.com/", Remind: 4 * time.Hour, Zone: shanghai,
		Receivers: []alarm.Target{{Name: "ops", Kind: "webhook", URL: connectors.NewSecret(hook.address(server.URL)), Secret: connectors.NewSecret(hookSecret)}}}
	b.s.Free = 100 << 30
	b.start()
	return b
}

// start begins a process on what the one before has kept.
func (b *bench) start() {
	b.t.Helper()
	b.c = alarm.New(b.cfg, alarm.Options{Store: b.store, Now: func() time.Time { return b.at }})
	if err := b.c.Load(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// step lets time pass, judges the sample and tells what is due.
func (b *bench) step(d time.Duration) {
	b.at = b.at.Add(d)
	b.s.At = b.at
	b.c.Observe(b.t.Context(), b.s)
	b.c.Deliver(b.t.Context())
}

// run steps every five seconds.
func (b *bench) run(d time.Duration) {
	for end := b.at.Add(d); b.at.Before(end); {
		b.step(5 * time.Second)
	}
}

func (b *bench) heard(want ...string) {
	b.t.Helper()
	got := b.hook.taken()
	if len(got) != len(want) {
		b.t.Fatalf("heard %d messages, want %d:\n%s", len(got), len(want), strings.Join(got, "\n---\n"))
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			b.t.Fatalf("message %d is\n%s\nwant it to say %q", i, got[i], w)
		}
	}
}

// set puts a count into the sample.
func (b *bench) set(kind, connection, name, state, code string, n int64, oldest time.Time) {
	for i, c := range b.s.Counts {
		if c.Kind == kind && c.Connection == connection && c.Name == name && c.State == state && c.Code == code {
			b.s.Counts[i].N, b.s.Counts[i].Oldest = n, oldest
			return
		}
	}
	b.s.Counts = append(b.s.Counts, alarm.Count{Kind: kind, Connection: connection, Name: name, State: state, Code: code, N: n, Oldest: oldest})
}

func TestTenThousandFailuresOfOneCauseAreOneAlarm(t *testing.T) {
	b := setup(t)
	b.set("delivery", "erp", "sale.push", "delivered", "", 50_000, time.Time{})
	b.set("delivery", "erp", "sale.push", "parked", "erp.product", 3, time.Time{}) // from last week
	b.run(20 * time.Minute)
	b.heard()
	began := b.at
	for n := int64(0); n <= 10_000; n += 50 { // over about 17 minutes
		b.set("delivery", "erp", "sale.push", "parked", "erp.product", 3+n, time.Time{})
		b.set("delivery", "erp", "sale.push", "ready", "", 40, b.at)
		b.step(5 * time.Second)
		if n == 50 {
			if late := b.at.Sub(began); len(b.hook.taken()) != 1 || late > 30*time.Second {
				t.Fatalf("%s after the first failures %d alarms were raised", late, len(b.hook.taken()))
			}
		}
	}
	b.set("delivery", "erp", "sale.push", "ready", "", 0, time.Time{})
	b.run(3 * time.Hour) // nobody does anything: the rule's window is long past
	b.heard("[ALARM] 50 messages fail at erp.sale.push [erp.product]")
	if open := b.c.List("").Open; len(open) != 1 || open[0].Peak != 10_000 {
		t.Fatalf("open: %+v", open)
	}
	b.set("delivery", "erp", "sale.push", "parked", "erp.product", 3, time.Time{}) // replayed
	b.set("delivery", "erp", "sale.push", "delivered", "", 60_000, time.Time{})
	b.run(30 * time.Second)
	b.heard("[ALARM]", "[RECOVERED]")
	if last := b.hook.taken()[1]; !strings.Contains(last, "At most 10000 messages") || !strings.Contains(last, "for 3 h") {
		t.Errorf("the end is told as\n%s", last)
	}
}

func TestEverydayFailuresRaiseNothing(t *testing.T) {
	b := setup(t)
	delivered, parked := int64(0), int64(0)
	for i := range 12 * 60 * 8 { // eight hours: 2 % of 7,200 an hour park
		delivered += 10
		if i%5 == 0 {
			parked++
		}
		b.set("delivery", "oms", "order.push", "delivered", "", delivered, time.Time{})
		b.set("delivery", "oms", "order.push", "parked", "oms.address", parked, time.Time{})
		b.step(5 * time.Second)
	}
	b.heard()
}

func TestWhatCannotWaitIsToldAtTheFirstMessage(t *testing.T) {
	b := setup(t)
	b.set("delivery", "wms", "order.cancel", "delivered", "", 1000, time.Time{})
	b.run(time.Minute)
	b.set("delivery", "wms", "order.cancel", "parked", "undo.refused", 1, time.Time{})
	b.run(10 * time.Second)
	b.heard("[ALARM] 1 messages fail at wms.order.cancel [undo.refused]")
}

func TestAClosedGateSpeaksForAllThatFollows(t *testing.T) {
	b := setup(t)
	b.set("delivery", "erp", "sale.push", "delivered", "", 5000, time.Time{})
	b.run(time.Minute)
	b.s.Gates = []alarm.Gate{{Connection: "erp", Reason: "outage", Code: "erp.http_502", Since: b.at}}
	began := b.at
	b.run(30 * time.Second)
	b.heard("[ALARM] erp takes nothing since 11-09 08:01:00 [erp.http_502]")
	for n := range int64(200) {
		b.set("delivery", "erp", "sale.push", "waiting", "erp.http_502", 100*(n+1), began)
		b.step(30 * time.Second)
	}
	b.s.Jobs = []alarm.Job{{Name: "erp-products", Last: b.at, Failed: 5, Connections: []string{"erp"}, Next: every(time.Hour)}}
	b.run(time.Minute)
	b.heard("[ALARM]")
	if open := b.c.List("").Open; len(open) != 1 || len(open[0].More) != 3 {
		t.Fatalf("open: %+v", open)
	}
	b.s.Gates, b.s.Jobs = nil, nil
	b.set("delivery", "erp", "sale.push", "waiting", "erp.http_502", 0, time.Time{})
	b.run(30 * time.Second)
	b.heard("[ALARM]", "[RECOVERED] erp takes nothing")
}

func TestAShortCloseAndAPauseAreNoAlarm(t *testing.T) {
	b := setup(t)
	for range 50 {
		b.s.Gates = []alarm.Gate{{Connection: "erp", Reason: "outage", Since: b.at}}
		b.run(10 * time.Second)
		b.s.Gates = nil
		b.run(5 * time.Second)
	}
	b.s.Gates = []alarm.Gate{{Connection: "erp", Reason: "pause", Since: b.at}}
	b.set("delivery", "erp", "sale.push", "ready", "", 60_000, b.at)
	b.run(20 * time.Hour)
	b.heard()
	b.run(5 * time.Hour)
	b.heard("[ALARM] erp has been paused by a person")
}

func TestARestartTellsNothingTwiceAndForgetsNothing(t *testing.T) {
	b := setup(t)
	b.set("delivery", "erp", "sale.push", "parked", "erp.product", 10, time.Time{})
	b.s.Jobs = []alarm.Job{{Name: "pull", Last: b.at, Next: every(time.Minute)}}
	b.run(time.Minute)
	b.set("delivery", "erp", "sale.push", "parked", "erp.product", 500, time.Time{})
	b.run(20 * time.Minute) // the job does not run either
	b.heard("erp.sale.push", "job pull should have run")
	b.at = b.at.Add(10 * time.Minute)
	b.start()
	b.run(time.Hour)
	b.heard("erp.sale.push", "job pull should have run")
	if n := len(b.c.List("").Open); n != 2 {
		t.Fatalf("%d are open after the restart, want 2", n)
	}
	b.set("delivery", "erp", "sale.push", "parked", "erp.product", 10, time.Time{})
	b.s.Jobs[0].Last = b.at
	b.start()
	b.run(30 * time.Second)
	b.heard("erp.sale.push", "job pull", "[RECOVERED]")
	if last := b.hook.taken()[2]; strings.Count(last, "[RECOVERED]") != 2 {
		t.Errorf("two ends at once are told as\n%s", last)
	}
}

func TestWhatStaysOpenIsToldAgainSeldom(t *testing.T) {
	b := setup(t)
	b.s.Free = 1 << 30
	b.run(9 * time.Hour)
	b.heard("[ALARM] only 1024 MiB are free", "[STILL OPEN]", "[STILL OPEN]")
}

func TestAReceiverThatFailsIsTriedAgainAndHoldsNobodyUp(t *testing.T) {
	b := setup(t)
	wecom, server := newRobot(t, "wecom", func() time.Time { return b.at })
	b.cfg.Receivers = append(b.cfg.Receivers, alarm.Target{Name: "robot", Kind: "wecom", URL: connectors.NewSecret(wecom.address(server.URL))})
	b.c.Set(b.cfg)
	b.hook.refuse = func(n int) (int, http.Header, string) {
		if n <= 4 {
			return 503, nil, "later"
		}
		return 0, nil, ""
	}
	b.s.Free = 1 << 30
	b.run(15 * time.Second)
	if got := wecom.taken(); len(got) != 1 {
		t.Fatalf("the robot heard %d messages while the webhook failed", len(got))
	}
	if r := b.c.List("").Receivers[0]; r.Error != "HTTP 503 later" || !r.Next.After(b.at.Add(-time.Minute)) {
		t.Errorf("the failing receiver is listed as %+v", r)
	}
	b.s.Free = 100 << 30
	b.run(3 * time.Minute)
	b.heard("[RECOVERED]") // the beginning is no news any more
	if b.hook.tries != 5 {
		t.Errorf("it was tried %d times, want 5", b.hook.tries)
	}
	if got := wecom.taken(); len(got) != 2 {
		t.Errorf("the robot heard %d messages, want 2", len(got))
	}
}

func TestAReceiverIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	b := setup(t)
	b.hook.refuse = func(n int) (int, http.Header, string) {
		if n == 1 {
			return 429, http.Header{"Retry-After": {"600"}}, ""
		}
		return 0, nil, ""
	}
	b.s.Free = 1 << 30
	b.run(9 * time.Minute)
	if b.hook.tries != 1 {
		t.Fatalf("tried %d times within the wait", b.hook.tries)
	}
	b.run(2 * time.Minute)
	b.heard("[ALARM]")
}

func TestABrokenStoreIsToldAndEndsNothingElse(t *testing.T) {
	b := setup(t)
	b.set("delivery", "erp", "sale.push", "parked", "x", 0, time.Time{})
	b.run(time.Minute)
	b.set("delivery", "erp", "sale.push", "parked", "x", 400, time.Time{})
	b.run(time.Minute)
	counts := b.s.Counts
	b.s.Counts, b.s.Broken, b.store.broken = nil, "no answer", true
	b.run(30 * time.Second)
	b.heard("erp.sale.push", "[ALARM] the store does not answer")
	b.s.Counts, b.s.Broken, b.store.broken = counts, "", false
	b.run(30 * time.Second)
	b.heard("erp.sale.push", "[ALARM]", "[RECOVERED] the store does not answer")
	b.start()
	b.run(time.Minute)
	b.heard("erp.sale.push", "[ALARM]", "[RECOVERED]")
}

func TestJobs(t *testing.T) {
	b := setup(t)
	job := &alarm.Job{Name: "pull", Last: b.at, Next: every(time.Hour)}
	b.s.Jobs = []alarm.Job{*job}
	b.run(time.Hour + 14*time.Minute) // its tick is 14 minutes ago
	b.heard()
	b.s.Jobs[0].Running = true // and it was busy
	b.run(4 * time.Hour)
	b.heard()
	b.s.Jobs[0] = alarm.Job{Name: "pull", Last: b.at, Next: every(time.Hour), Failed: 2}
	b.run(time.Minute)
	b.heard()
	b.s.Jobs[0].Failed = 3
	b.run(time.Minute)
	b.heard("[ALARM] job pull has failed 3 times in a row")
	b.s.Jobs[0].Failed, b.s.Jobs[0].Last = 0, b.at
	b.run(time.Minute)
	b.s.Jobs[0].Paused, b.s.Jobs[0].Since = true, b.at
	b.run(5 * time.Hour)
	b.heard("[ALARM]", "[RECOVERED]")
	b.run(20 * time.Hour) // a pause of a day is forgotten rather than meant
	b.heard("[ALARM]", "[RECOVERED]", "[ALARM] pull has been paused by a person since")
}

func TestQuotasTokensAndBacklogs(t *testing.T) {
	b := setup(t)
	b.s.Limits = []alarm.Limit{{Connection: "shop", Name: "daily", Used: 899, Allowed: 1000, Per: 24 * time.Hour}, {Connection: "shop", Name: "second", Used: 10, Allowed: 10, Per: time.Second}}
	b.s.Tokens = []alarm.Token{{Connection: "crm", Until: b.at.Add(100 * time.Hour)}}
	b.set("delivery", "oms", "order.push", "ready", "", 9_999, b.at.Add(time.Hour))
	b.run(10 * time.Minute)
	b.heard()
	b.s.Limits[0].Used = 900
	b.run(3 * time.Minute)
	b.heard("[ALARM] 900 of 1000 calls of shop.daily are used")
	b.set("delivery", "oms", "order.push", "ready", "", 10_000, b.at.Add(time.Hour))
	b.run(time.Minute) // a peak
	b.set("delivery", "oms", "order.push", "ready", "", 5_000, b.at.Add(time.Hour))
	b.run(time.Minute)
	b.heard("shop.daily")
	b.set("delivery", "oms", "order.push", "ready", "", 20_000, b.at.Add(time.Hour))
	b.run(3 * time.Minute)
	b.heard("shop.daily", "[ALARM] 20000 messages wait for oms")
	b.s.Tokens[0].Until = b.at.Add(71 * time.Hour)
	b.run(time.Minute)
	b.heard("shop.daily", "oms", "[ALARM] a credential of crm ends at")
}

func every(d time.Duration) func(time.Time) time.Time {
	return func(t time.Time) time.Time { return t.Add(d) }
}

func TestManyAtOnceAreOneMessage(t *testing.T) {
	b := setup(t)
	for i := range 30 {
		b.set("delivery", fmt.Sprintf("target-%02d", i), "push", "parked", "x", 0, time.Time{})
	}
	b.run(time.Minute)
	for i := range 30 {
		b.set("delivery", fmt.Sprintf("target-%02d", i), "push", "parked", "x", 600, time.Time{})
	}
	b.run(time.Minute)
	b.heard("... and 22 more")
	if n := len(b.c.List("").Open); n != 30 {
		t.Errorf("%d are open, want 30", n)
	}
}
