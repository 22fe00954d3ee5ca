package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// hubClock is the time that the alarms of a hub live by.
type hubClock struct{ at atomic.Int64 }

func (c *hubClock) now() time.Time       { return time.UnixMicro(c.at.Load()).UTC() }
func (c *hubClock) pass(d time.Duration) { c.at.Add(d.Microseconds()) }
func (c *hubClock) newCenter(a *App) {
	a.alarms = alarm.New(a.live.Load().dep.Hub.Alarms, alarm.Options{Store: a.ledger, Now: c.now})
}
func (c *hubClock) look(t *testing.T, a *App) {
	t.Helper()
	s := a.sample(t.Context(), c.now())
	if s.Broken != "" {
		t.Fatal(s.Broken)
	}
	a.alarms.Observe(t.Context(), s)
	a.alarms.Deliver(t.Context())
}

// within lets hub time pass, as the hub looks at itself, until done, and returns how long
// that took.
func (c *hubClock) within(t *testing.T, a *App, most time.Duration, what string, done func() bool) time.Duration {
	t.Helper()
	began := c.now()
	for c.look(t, a); !done(); c.look(t, a) {
		if c.pass(alarmEvery); c.now().Sub(began) > most {
			t.Fatalf("%s: not within %s", what, most)
		}
	}
	return c.now().Sub(began)
}

// TestTenThousandFailuresOfOneCauseAreOneIncident: people hear of it once, within half a
// minute of hub time, and of its end within half a minute of the cure.
func TestTenThousandFailuresOfOneCauseAreOneIncident(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	var refuses atomic.Bool
	refuses.Store(true)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if refuses.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(sink.Close)
	a, p := pagedHub(t, sink.URL)
	clock := &hubClock{}
	clock.at.Store(time.Now().UnixMicro())
	clock.newCenter(a)
	clock.look(t, a) // of the healthy hub
	var posts sync.WaitGroup
	for from := range 32 {
		posts.Go(func() {
			for i := from; i < n; i += 32 {
				post(t, a.IntakeURL(), fmt.Sprintf("T%d", i))
			}
		})
	}
	posts.Wait()
	parked := func() (sum int64) {
		counts, err := a.ledger.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			if c.Kind == "delivery" && c.State == "parked" {
				sum += c.N
			}
		}
		return sum
	}
	until(t, "all to be refused", func() bool { return parked() == int64(n) })
	took := clock.within(t, a, 30*time.Second, "the first alarm", func() bool { return len(p.heard()) > 0 })
	t.Logf("the alarm was heard after %s of hub time", took)
	for range 12 { // a minute more tells nothing new
		clock.pass(alarmEvery)
		clock.look(t, a)
	}
	if got := p.heard(); len(got) != 1 || !strings.HasPrefix(got[0], fmt.Sprintf("[ALARM] %d messages fail at crm.event.push [http.400]", n)) {
		t.Fatalf("heard %q", got)
	}
	var list api.IncidentList
	w := httptest.NewRecorder()
	a.Handler("").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/incidents?state=open", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Incidents) != 1 || list.Incidents[0].Now != int64(n) {
		t.Fatalf("%s %v", w.Body, err)
	}
	refuses.Store(false)
	rows, err := a.ledger.Deliveries(t.Context(), ledger.Filter{States: []string{"parked"}, Limit: n})
	if err != nil || len(rows) != n {
		t.Fatal(len(rows), err)
	}
	cure, ctx := errgroup.WithContext(t.Context())
	cure.SetLimit(32)
	for _, d := range rows {
		cure.Go(func() error {
			_, err := a.engine.ReplayDelivery(ctx, d.ID, pipelines.AsSent, "tester", false)
			return err
		})
	}
	if err := cure.Wait(); err != nil {
		t.Fatal(err)
	}
	until(t, "all to be delivered", func() bool { return parked() == 0 })
	took = clock.within(t, a, 30*time.Second, "the end to be told", func() bool { return len(p.heard()) > 1 })
	t.Logf("its end was heard %s of hub time after the cure", took)
	if got := p.heard(); len(got) != 2 || !strings.HasPrefix(got[1], "[RECOVERED] ") {
		t.Fatalf("heard %q", got)
	}
}
