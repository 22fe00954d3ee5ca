package pipelines_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
	if err != nil || n < 3 {
		t.Fatalf("MINIHUB_BULK_ROWS=%q is no number of rows", s)
	}
	return n
}

// taken reads what reached the target: "key document" a line.
func taken(t testing.TB, file string) (lines []string) {
	t.Helper()
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		lines = append(lines, sc.Text())
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// A bulk replay whose process is killed twice goes on where it was: nothing is lost,
// nothing is sent twice, and lanes keep their order.
func TestABulkReplaySurvivesKills(t *testing.T) {
	dir := t.TempDir()
	store, file := "sqlite:"+filepath.Join(dir, "hub.db"), filepath.Join(dir, "target")
	n := rowsToKill(t)
	led, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: store, Secret: []byte("test secret of 32 bytes, invented")})
	if err != nil {
		t.Fatal(err)
	}
	want := parkMany(t, led, "create", n/3, 3)
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
	for what, job := range map[string]ledger.Bulk{"an incident": {Incident: list[0].ID}, "a filter": {Kind: "delivery", Connection: "oms", Code: "test.refused"}} {
		job.Mode, job.Who = "as-sent", "anna"
		began := time.Now()
		p, err := b.Plan(t.Context(), job)
		took := time.Since(began)
		if err != nil || p.Job.Total != int64(n/3*3) {
			t.Fatalf("the plan of %s is %+v, %v", what, p, err)
		}
		t.Logf("%d parked rows of %s planned in %s", p.Job.Total, what, took.Round(time.Millisecond))
		if job.Incident == 0 {
			act(t, b, p.Job.ID, "cancel")
			continue
		}
		act(t, b, p.Job.ID, "start")
	}
	for page, began := int64(0), time.Now(); page == 0; page++ {
		if _, err := led.IncidentRows(t.Context(), list[0].ID, int64(n/2), 50); err != nil {
			t.Fatal(err)
		}
		t.Logf("a page of an incident of %d rows read in %s", list[0].Now, time.Since(began).Round(time.Microsecond))
	}
	if err := led.Close(); err != nil {
		t.Fatal(err)
	}
	total := n / 3 * 3
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBulkChild$", "-test.timeout=30m")
		cmd.Env = append(os.Environ(), "MINIHUB_BULK_CHILD="+store, "MINIHUB_BULK_TARGET="+file)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if round == 2 {
			if err := <-ended; err != nil {
				t.Fatalf("the last run: %v\n%s", err, said.String())
			}
			break
		}
		tick := time.NewTicker(5 * time.Millisecond)
		for len(taken(t, file)) < total*(round+1)/4 {
			select {
			case err := <-ended:
				t.Fatalf("run %d ended by itself: %v\n%s", round, err, said.String())
			case <-tick.C:
			}
		}
		tick.Stop()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		if had := len(taken(t, file)); had >= total {
			t.Fatalf("the kill came too late: %d rows were sent", had)
		}
	}
	got := map[string][]string{}
	for _, line := range taken(t, file) {
		_, doc, _ := strings.Cut(line, " ")
		var d struct{ Root string }
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			t.Fatalf("the target has %q: %v", line, err)
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

// TestBulkChild is the hub that the test above kills. It ends when everything is
// delivered.
func TestBulkChild(t *testing.T) {
	store := os.Getenv("MINIHUB_BULK_CHILD")
	if store == "" {
		t.Skip("run by TestABulkReplaySurvivesKills")
	}
	file := os.Getenv("MINIHUB_BULK_TARGET")
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, flowTo("push"), nil, func(w *world) {
		w.store = store
		for _, line := range taken(t, file) {
			key, doc, _ := strings.Cut(line, " ")
			w.target.docs["create "+key] = json.RawMessage(doc)
		}
		w.target.answer(func(_ string, d connectors.Delivery) (connectors.Result, bool) {
			if _, err := fmt.Fprintf(out, "%s %s\n", d.Key, d.Document); err != nil {
				t.Error(err)
			}
			return connectors.Result{}, false
		})
	})
	b, _ := bulks(t, w)
	for {
		list, err := b.List(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		open := 0
		for i := range list {
			switch list[i].State {
			case pipelines.BulkAsking:
				act(t, b, list[i].ID, "start")
				open++
			case pipelines.BulkCanary, pipelines.BulkRunning:
				open++
			}
		}
		left, err := w.led.Deliveries(context.Background(), ledger.Filter{States: []string{"parked", "ready", "sending", "waiting", "unknown"}, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if open == 0 && len(left) == 0 {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
