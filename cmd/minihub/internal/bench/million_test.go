package bench

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// TestMillionWaiting fills a ledger with waiting deliveries, one to a lane, starts the hub
// on it, prints what it weighs, lets the target return and waits until all have gone.
// MINIHUB_MILLION says how many ("1" = 1,000,000).
func TestMillionWaiting(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("MINIHUB_MILLION"))
	if n == 0 {
		t.Skip("takes minutes; MINIHUB_MILLION=1 runs it")
	}
	if n == 1 {
		n = 1_000_000
	}
	sim := webhooksim.New(webhooksim.Options{CountOnly: true})
	addr := porttest.Free()
	s := &sink{url: "http://" + addr, secret: sim.Credentials()["secret"]}
	dir := deployment(t, s)
	wake := time.Now().Add(time.Duration(n/3000+60) * time.Second)
	start := time.Now()
	fill(t, dir, n, wake)
	t.Logf("%d waiting deliveries written in %s", n, time.Since(start).Round(time.Second))

	hub := filepath.Join(t.TempDir(), "minihub")
	if out, err := exec.Command("go", "build", "-o", hub, "github.com/minihub/minihub/cmd/minihub").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(hub, "serve", "-c", dir)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	start = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	for !exists(filepath.Join(dir, ".minihub.json")) {
		if time.Since(start) > time.Minute {
			t.Fatal("the hub did not start")
		}
		time.Sleep(20 * time.Millisecond)
	}
	loaded := time.Since(start)
	time.Sleep(3 * time.Second)
	t.Logf("loaded in %s; RSS %.0f MB, highest %.0f MB with %d waiting lanes", loaded.Round(time.Millisecond), rss(t, cmd.Process.Pid, "VmRSS"),
		rss(t, cmd.Process.Pid, "VmHWM"), n)
	if got := rss(t, cmd.Process.Pid, "VmRSS"); n >= 1_000_000 && got > 200 {
		t.Errorf("the hub weighs %.0f MB with %d waiting deliveries; the bar is 200", got, n)
	}

	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: sim}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()
	start = time.Now()
	for int(sim.Stats().Accepted) < n {
		if time.Since(start) > 40*time.Minute {
			t.Fatalf("only %d of %d arrived", sim.Stats().Accepted, n)
		}
		time.Sleep(time.Second)
	}
	since := time.Since(start)
	if wake.After(start) {
		since = time.Since(wake)
	}
	st := sim.Stats()
	t.Logf("all %d arrived, %d repeats, %.0f a second; RSS %.0f MB, highest %.0f MB", st.Accepted, st.Duplicates, float64(n)/since.Seconds(),
		rss(t, cmd.Process.Pid, "VmRSS"), rss(t, cmd.Process.Pid, "VmHWM"))
}

// fill writes n routed records with one waiting delivery each.
func fill(t *testing.T, dir string, n int, wake time.Time) {
	t.Helper()
	sum := sha256.Sum256([]byte(searchKey))
	l, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: "sqlite:" + filepath.Join(dir, "hub.db"), Secret: sum[:]})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	const page = 500
	var wg sync.WaitGroup
	next := make(chan int)
	for range 8 {
		wg.Go(func() {
			for first := range next {
				fillPage(t, l, first, min(page, n-first), wake)
			}
		})
	}
	for first := 0; first < n; first += page {
		next <- first
	}
	close(next)
	wg.Wait()
}

func fillPage(t *testing.T, l ledger.Ledger, first, n int, wake time.Time) {
	in := &ledger.Intake{Connection: "shop", Stream: "events"}
	for i := first; i < first+n; i++ {
		key := fmt.Sprintf("37%017d", i)
		in.Items = append(in.Items, &ledger.IntakeItem{Entity: "event", Key: key, RootEnt: "event", RootKey: key, Version: 1,
			FetchedAt: time.Now(), Body: []byte(`{"order_id":"` + key + `"}`)})
	}
	if err := l.Commit(t.Context(), in); err != nil {
		t.Error(err)
		return
	}
	var routes, waits []ledger.Unit
	for _, it := range in.Items {
		key := "shop-a-" + it.Key
		routes = append(routes, &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{{
			Flow: "orders", Step: "sink.event.push", Connection: "sink", Operation: "event.push", RemoteKey: key, State: ledger.Ready,
			Payload: []byte(`{"type":"order.paid","timestamp":"2026-11-11T00:00:00+08:00","key":"` + key + `","version":"1","data":{"order_no":"` + it.Key + `"}}`),
			Claim:   true, Event: true,
		}}})
	}
	if err := l.Commit(t.Context(), routes...); err != nil {
		t.Error(err)
		return
	}
	for i, r := range routes {
		d := r.(*ledger.Route).Deliveries[0]
		waits = append(waits, &ledger.Settle{Delivery: d.ID, From: []ledger.State{ledger.Ready}, To: ledger.Waiting, Code: "http.connect", Clean: true,
			NextAt: wake.Add(time.Duration((first+i)%30000) * time.Millisecond)})
	}
	if err := l.Commit(t.Context(), waits...); err != nil {
		t.Error(err)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

var statusLine = regexp.MustCompile(`(?m)^(\w+):\s+(\d+) kB$`)

// rss reads a memory figure of a process in MB.
func rss(t *testing.T, pid int, name string) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range statusLine.FindAllStringSubmatch(string(b), -1) {
		if strings.EqualFold(m[1], name) {
			kb, _ := strconv.Atoi(m[2])
			return float64(kb) / 1024
		}
	}
	t.Fatalf("no %s in the status of process %d", name, pid)
	return 0
}
