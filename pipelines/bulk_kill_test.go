package pipelines_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// The rows of the test below; MINIHUB_BULK_ROWS=100000 is the large run.
const killRows = 900

func rowsToKill(t testing.TB) int {
	s, given := os.LookupEnv("MINIHUB_BULK_ROWS")
	if !given {
		return killRows
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 30 {
		t.Fatalf("MINIHUB_BULK_ROWS=%q is no number of rows", s)
	}
	return n
}

// strict is a target that outlives the hub, keeps what reached it in its order, and
// refuses every call of a second that has had its number, whatever the hub says of itself.
type strict struct {
	most int // calls a second

	mu      sync.Mutex
	calls   []time.Time // of the last second
	docs    map[string]string
	taken   []string // documents in the order they came
	refused int
	doubles int
	looks   int
	busy    time.Duration // between two documents that came close together
	last    time.Time
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.calls) > 0 && now.Sub(s.calls[0]) >= time.Second {
		s.calls = s.calls[1:]
	}
	if len(s.calls) >= s.most {
		s.refused++
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	s.calls = append(s.calls, now)
	key := r.URL.Query().Get("key")
	if r.Method == http.MethodGet {
		s.looks++
		doc, ok := s.docs[key]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, doc)
		return
	}
	if _, had := s.docs[key]; had {
		s.doubles++
	}
	s.docs[key] = string(body)
	s.taken = append(s.taken, string(body))
	if gap := now.Sub(s.last); gap < 2*time.Second {
		s.busy += gap
	}
	s.last = now
}

func (s *strict) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

// far is a connection to a strict target.
type far struct{ url string }

func (far) Close() error { return nil }

func (f far) call(ctx context.Context, method, key string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, f.url+"?key="+url.QueryEscape(key), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

func (f far) Deliver(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var out []connectors.Result
	for _, d := range batch {
		r := connectors.Result{ID: d.ID, Outcome: connectors.Done, RemoteIDs: []connectors.RemoteID{{Kind: "id", Value: d.Key}}}
		switch status, _, err := f.call(ctx, http.MethodPost, op+" "+d.Key, d.Document); {
		case err != nil:
			r = lost
		case status == http.StatusTooManyRequests:
			r = busy
		}
		r.ID = d.ID
		out = append(out, r)
	}
	return out, nil
}

func (f far) Lookup(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	var out []connectors.Finding
	for _, d := range batch {
		finding := connectors.Finding{ID: d.ID, Presence: connectors.Other, Fields: []string{"document"}}
		switch status, body, err := f.call(ctx, http.MethodGet, op+" "+d.Key, nil); {
		case err != nil || status == http.StatusTooManyRequests:
			finding = connectors.Finding{ID: d.ID, Presence: connectors.CannotTell}
		case status == http.StatusNotFound:
			finding = connectors.Finding{ID: d.ID, Presence: connectors.Absent}
		case string(body) == string(d.Document):
			finding = connectors.Finding{ID: d.ID, Presence: connectors.Same}
		}
		out = append(out, finding)
	}
	return out, nil
}

// A bulk replay at a target with a strict limit, whose hub is killed twice, held, and
// cancelled for another: nothing is lost, nothing is sent twice, lanes keep their order,
// and the target refuses nothing. The target's own record is the truth.
func TestABulkReplaySurvivesKills(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { survive(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db")) })
	t.Run("postgres", func(t *testing.T) { survive(t, postgres(t)) })
}

// threeLives runs a test of this program as a program of its own, three times: it is killed
// when a quarter of n came, and half of it, and then ends by itself. It returns what each
// life said.
func threeLives(t *testing.T, child string, n int, came func() int, env ...string) (said [3]string) {
	t.Helper()
	for life := range said {
		cmd := exec.Command(os.Args[0], "-test.run=^"+child+"$", "-test.timeout=30m", "-test.v")
		cmd.Env = append(os.Environ(), env...)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if life == len(said)-1 {
			if err := <-ended; err != nil {
				t.Fatalf("the last run: %v\n%s", err, out.String())
			}
		} else {
			tick := time.NewTicker(5 * time.Millisecond)
			for came() < n*(life+1)/4 {
				select {
				case err := <-ended:
					t.Fatalf("run %d ended by itself: %v\n%s", life, err, out.String())
				case <-tick.C:
				}
			}
			tick.Stop()
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
			if had := came(); had >= n {
				t.Fatalf("the kill came too late: %d of %d were there", had, n)
			}
		}
		said[life] = out.String()
	}
	return said
}

func survive(t *testing.T, store string) {
	n := rowsToKill(t) / 3 * 3
	want, incident := planned(t, store, n)
	target := &strict{most: max(300, n/200), docs: map[string]string{}}
	server := httptest.NewServer(target)
	t.Cleanup(server.Close)
	began := time.Now()
	for _, said := range threeLives(t, "TestBulkChild", n, target.count, "MINIHUB_BULK_CHILD="+store, "MINIHUB_BULK_TARGET="+server.URL,
		fmt.Sprintf("MINIHUB_BULK_LIMIT=%d", target.most), fmt.Sprintf("MINIHUB_BULK_CANCEL=%d", n/10)) {
		tell(t, said)
	}
	t.Logf("%d rows replayed in %s with two kills, a hold and a cancel; while it went %.0f a second of %d allowed; %d look-ups, %d refused",
		n, time.Since(began).Round(time.Second/10), float64(len(target.taken))/target.busy.Seconds(), target.most, target.looks, target.refused)
	if target.refused > 0 || target.doubles > 0 {
		t.Errorf("the target refused %d calls and got %d documents twice", target.refused, target.doubles)
	}
	compareLanes(t, want, target.taken)
	led := openStore(t, store)
	if i, err := led.Incident(t.Context(), incident); err != nil || i.Open() {
		t.Errorf("the incident is %+v, %v", i, err)
	}
	jobs, err := led.Bulks(t.Context(), ledger.BulkFilter{})
	if err != nil || len(jobs) != 3 || jobs[0].State != pipelines.BulkDone || jobs[0].Incident != 0 || jobs[1].State != pipelines.BulkCancelled || jobs[1].Incident == 0 {
		t.Errorf("the replays are %+v, %v", jobs, err)
	}
	if err := led.Close(); err != nil {
		t.Fatal(err)
	}
}

// tell repeats what the hub wanted to be known.
func tell(t *testing.T, said string) {
	t.Helper()
	for line := range strings.Lines(said) {
		if _, told, ok := strings.Cut(line, "told: "); ok {
			t.Log(strings.TrimSpace(told))
		}
	}
}

func openStore(t *testing.T, store string) *sqlledger.Store {
	t.Helper()
	led, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: store, Secret: []byte("test secret of 32 bytes, invented"), WaitOwner: 20 * time.Second, LeaseTTL: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return led
}

// planned fills a store with parked rows, plans the replay of their incident and starts it.
func planned(t *testing.T, store string, n int) (want map[string][]string, incident int64) {
	t.Helper()
	led := openStore(t, store)
	want = parkMany(t, led, "create", n/3, 3)
	e, err := pipelines.New(pipelines.Options{Ledger: led})
	if err != nil {
		t.Fatal(err)
	}
	b, err := pipelines.NewBulks(e)
	if err != nil {
		t.Fatal(err)
	}
	list, err := led.Incidents(t.Context(), ledger.IncidentFilter{State: "open"})
	if err != nil || len(list) != 1 {
		t.Fatalf("open are %+v, %v", list, err)
	}
	incident = list[0].ID
	// The second is the one that goes.
	for _, job := range []ledger.Bulk{{Kind: "delivery", Connection: "oms", Code: "test.refused"}, {Incident: incident}} {
		job.Mode, job.Who = "as-sent", "anna"
		began := time.Now()
		p, err := b.Plan(t.Context(), job)
		took := time.Since(began)
		if err != nil || p.Job.Total != int64(n) {
			t.Fatalf("the plan is %+v, %v", p, err)
		}
		t.Logf("%d parked rows planned in %s (by an incident: %v)", p.Job.Total, took.Round(time.Millisecond), job.Incident != 0)
		if took > time.Second && n == killRows { // the large run tells how long on an idle machine
			t.Errorf("a plan of %d rows took %s", n, took)
		}
		act(t, b, p.Job.ID, map[bool]string{true: "start", false: "cancel"}[job.Incident != 0])
	}
	began := time.Now()
	if _, err := led.IncidentRows(t.Context(), incident, int64(n/2), 50); err != nil {
		t.Fatal(err)
	}
	t.Logf("a page of an incident of %d rows read in %s", list[0].Now, time.Since(began).Round(time.Microsecond))
	if err := led.Close(); err != nil {
		t.Fatal(err)
	}
	return want, incident
}

// compareLanes insists that every lane got its documents once and in its order.
func compareLanes(t *testing.T, want map[string][]string, taken []string) {
	t.Helper()
	got := map[string][]string{}
	for _, doc := range taken {
		var d struct{ Root string }
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			t.Fatalf("the target has %q: %v", doc, err)
		}
		got[d.Root] = append(got[d.Root], doc)
	}
	wrong := 0
	for root, docs := range want {
		if fmt.Sprint(got[root]) != fmt.Sprint(docs) {
			if wrong++; wrong < 5 {
				t.Errorf("root %s got %v, want %v", root, got[root], docs)
			}
		}
	}
	if wrong > 0 || len(got) != len(want) {
		t.Fatalf("%d of %d lanes are wrong, %d came", wrong, len(want), len(got))
	}
}

// TestBulkChild is the hub that the test above kills. It holds the replay for a moment,
// cancels it for another of what is left, and ends when everything is delivered.
func TestBulkChild(t *testing.T) {
	store := os.Getenv("MINIHUB_BULK_CHILD")
	if store == "" {
		t.Skip("run by TestABulkReplaySurvivesKills")
	}
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	limit, cancelAt := number("MINIHUB_BULK_LIMIT"), int64(number("MINIHUB_BULK_CANCEL"))
	uses := []connectors.Use{{Limit: "calls"}}
	w := newWorld(t, flowTo("push"), func(o *connectors.Operation) { o.Uses, o.LookupUses, o.Timeout = uses, uses, 5*time.Second }, func(w *world) {
		w.store = store
		w.opt.Connections[1].Conn = far{os.Getenv("MINIHUB_BULK_TARGET")}
		w.tc.Limits = []connectors.Limit{{Name: "calls", Requests: limit, Per: time.Second}}
	})
	b, _ := bulks(t, w)
	for at := range time.NewTicker(20 * time.Millisecond).C {
		list, err := b.List(t.Context(), ledger.BulkFilter{States: pipelines.BulkOpen})
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			drive(t, b, &list[i], cancelAt)
		}
		left, err := w.led.Deliveries(context.Background(), ledger.Filter{States: []string{"parked", "ready", "sending", "waiting", "unknown"}, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 && len(left) == 0 {
			t.Logf("told: all is delivered at %s; the hub's largest memory was %s", at.Format(time.TimeOnly), peak())
			return
		}
	}
}

// drive is the person at the desk.
func drive(t *testing.T, b *pipelines.Bulks, job *ledger.Bulk, cancelAt int64) {
	t.Helper()
	switch job.State {
	case pipelines.BulkAsking:
		act(t, b, job.ID, "start")
	case pipelines.BulkPaused:
		act(t, b, job.ID, "cancel")
		p, err := b.Plan(t.Context(), ledger.Bulk{Kind: "delivery", Connection: "oms", Code: "test.refused", Mode: "as-sent", Who: "anna"})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("told: cancelled with %d rows parked, which were planned anew", p.Job.Total)
		act(t, b, p.Job.ID, "start")
	case pipelines.BulkRunning:
		now, err := b.Progress(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if job.Incident != 0 && now.Items[pipelines.ItemReplayed] >= cancelAt {
			act(t, b, job.ID, "pause")
		}
	}
}

// peak is the largest memory that this process had.
func peak() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "not told here"
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(v)
		}
	}
	return "not told here"
}
