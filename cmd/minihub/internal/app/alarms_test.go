package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// pager takes alarms as they come.
type pager struct {
	mu     sync.Mutex
	titles []string
	status int
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Title string `json:"title"`
	}
	b, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	if json.Unmarshal(b, &m) == nil {
		p.titles = append(p.titles, m.Title)
	}
	_, _ = io.WriteString(w, "noted")
}

func (p *pager) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.titles...)
}

// pagedHub is a hub whose alarms go to a pager.
func pagedHub(t *testing.T, sink string) (*App, *pager) {
	t.Helper()
	p := &pager{}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	dir := hubDirFor(t, sink)
	b, err := os.ReadFile(filepath.Join(dir, "hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "hub.yaml", string(b)+fmt.Sprintf("alarms:\n  rules: { disk: off }\n  receivers:\n    - { receiver: pager, kind: webhook, url: '%s' }\n", s.URL))
	a := hub(t, dir)
	a.untune() // the test lets time pass
	a.watching.Wait()
	return a, p
}

// watchFor judges what the hub is like as if time passed.
func watchFor(t *testing.T, a *App, from time.Time, d time.Duration) time.Time {
	t.Helper()
	end := from.Add(d)
	for ; from.Before(end); from = from.Add(alarmEvery) {
		s := a.sample(t.Context(), from)
		if s.Broken != "" {
			t.Fatal(s.Broken)
		}
		a.alarms.Observe(t.Context(), s)
		a.alarms.Deliver(t.Context())
	}
	return from
}

func TestRefusedMessagesRaiseOneAlarmAndReplayEndsIt(t *testing.T) {
	var mu sync.Mutex
	refuses := true
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if refuses {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(sink.Close)
	a, p := pagedHub(t, sink.URL)
	at := watchFor(t, a, time.Now(), 10*time.Second)
	const n = 120
	for i := range n {
		post(t, a.IntakeURL(), fmt.Sprintf("F%d", i))
	}
	parked := func() (n int64) {
		counts, err := a.ledger.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			if c.Kind == "delivery" && c.State == "parked" {
				n += c.N
			}
		}
		return n
	}
	until(t, "all to be refused", func() bool { return parked() == n })
	at = watchFor(t, a, at, 30*time.Second)
	if got := p.heard(); len(got) != 1 || !strings.HasPrefix(got[0], "[ALARM] 120 messages fail at crm.event.push [http.400]") {
		t.Fatalf("heard %q", got)
	}
	mu.Lock()
	refuses = false
	mu.Unlock()
	working, stop := context.WithCancel(t.Context())
	var worker sync.WaitGroup
	worker.Go(func() { a.bulks.Run(working) })
	defer func() { stop(); worker.Wait() }()
	job, err := a.bulks.Plan(t.Context(), ledger.Bulk{Kind: "delivery", Connection: "crm", Who: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{pipelines.BulkPlanned, pipelines.BulkAsking} {
		until(t, "the replay to be "+from, func() bool {
			at, err := a.bulks.Look(t.Context(), job.Job.ID)
			return err == nil && at.Job.State == from
		})
		if _, err := a.bulks.Act(t.Context(), job.Job.ID, pipelines.BulkAct{Act: "start"}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all to be delivered", func() bool { return parked() == 0 })
	watchFor(t, a, at, 30*time.Second)
	until(t, "the end to be told", func() bool { // the pager is left alone for some seconds
		a.alarms.Deliver(t.Context())
		return len(p.heard()) > 1
	})
	if got := p.heard(); len(got) != 2 || !strings.HasPrefix(got[1], "[RECOVERED] ") {
		t.Fatalf("heard %q", got)
	}
}

func TestAlarmCallsListAndTry(t *testing.T) {
	a, p := pagedHub(t, "http://127.0.0.1:1")
	call := func(method, path, body string, out any) int {
		t.Helper()
		w := httptest.NewRecorder()
		a.Handler("").ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			t.Fatal(err)
		}
		return w.Code
	}
	var tried api.AlarmTested
	if code := call(http.MethodPost, "/api/v1/alarms/test", `{"receiver":"pager"}`, &tried); code != http.StatusOK || len(tried.Results) != 1 || !tried.Results[0].OK || tried.Results[0].Answer != "HTTP 200 noted" || tried.Results[0].Recovered != "HTTP 200 noted" {
		t.Fatalf("%d %+v", code, tried)
	}
	if got := p.heard(); len(got) != 2 || got[0] != "[TEST] minihub's alarms reach you" || !strings.HasPrefix(got[1], "[TEST RECOVERED] ") {
		t.Fatalf("heard %q", got)
	}
	p.mu.Lock()
	p.status = http.StatusForbidden
	p.mu.Unlock()
	if code := call(http.MethodPost, "/api/v1/alarms/test", `{}`, &tried); code != http.StatusOK || tried.Results[0].OK || tried.Results[0].Answer != "HTTP 403" {
		t.Fatalf("%d %+v", code, tried)
	}
	var refused struct{ Error api.Error }
	if code := call(http.MethodPost, "/api/v1/alarms/test", `{"receiver":"pagr"}`, &refused); code != http.StatusNotFound || !strings.Contains(refused.Error.Hint, "pager") {
		t.Fatalf("%d %+v", code, refused)
	}
	var list alarm.Listing
	if code := call(http.MethodGet, "/api/v1/alarms?language=zh", "", &list); code != http.StatusOK || list.Open == nil || len(list.Receivers) != 1 {
		t.Fatalf("%d %+v", code, list)
	}
}

func TestAHubThatIsFineSaysNothing(t *testing.T) {
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	a, p := pagedHub(t, sink.URL)
	for i := range 50 {
		post(t, a.IntakeURL(), fmt.Sprintf("G%d", i))
	}
	watchFor(t, a, time.Now(), 5*time.Minute)
	if got := p.heard(); len(got) != 0 {
		t.Fatalf("heard %q", got)
	}
}
