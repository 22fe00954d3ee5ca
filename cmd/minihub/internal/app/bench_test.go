package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/pipelines/ledger"
)

// stamped is a receiver that notes when each document came, and how often.
type stamped struct {
	mu   sync.Mutex
	at   []time.Time
	seen map[string]int
}

func (s *stamped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.at = append(s.at, time.Now())
	s.seen[r.Header.Get("Webhook-Id")]++
	s.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}

func (s *stamped) count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.at))
}

// gap is the longest time without a document in a span.
func (s *stamped) gap(from, to time.Time) (longest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.at); i++ {
		if s.at[i].After(from) && s.at[i-1].Before(to) {
			longest = max(longest, s.at[i].Sub(s.at[i-1]))
		}
	}
	return longest
}

// BenchmarkApplyUnderLoad applies a changed mapping b.N times to a hub that takes a
// thousand signed webhooks a second and posts as many: run it with -benchtime 50x. It
// reports the longest gap between deliveries around an apply, from reading the directory
// to the swap; nothing may be lost, doubled or without its revision.
func BenchmarkApplyUnderLoad(b *testing.B) {
	const rate, tick = 1000, 5 * time.Millisecond
	sink := &stamped{seen: map[string]int{}}
	server := httptest.NewServer(sink)
	defer server.Close()
	dir := hubDirFor(b, server.URL)
	noteMapping(b, dir, "v0")
	a := hub(b, dir)
	ctx, stop := context.WithCancel(b.Context())
	var posted atomic.Int64
	var feeding sync.WaitGroup
	feeding.Go(func() {
		due := time.NewTicker(tick)
		defer due.Stop()
		began := time.Now()
		for ctx.Err() == nil {
			// A machine that cannot keep up is not drowned.
			for want := int64(time.Since(began).Seconds() * rate); posted.Load() < want && posted.Load()-sink.count() < rate; {
				no := fmt.Sprintf("B-%d", posted.Add(1))
				feeding.Go(func() { intakeNote(b, a, no) })
			}
			<-due.C
		}
	})
	time.Sleep(time.Second) // under way
	var gaps, took []time.Duration
	began := time.Now()
	before := posted.Load()
	for i := range b.N {
		noteMapping(b, dir, fmt.Sprintf("v%d", i+1))
		p, err := a.Plan(b.Context(), 0)
		if err != nil {
			b.Fatal(err)
		}
		from := time.Now()
		if _, err := a.Apply(b.Context(), api.ApplyRequest{Plan: p.Hash}); err != nil {
			b.Fatal(err)
		}
		to := time.Now()
		time.Sleep(20 * time.Millisecond) // what follows the swap belongs to it
		gaps, took = append(gaps, sink.gap(from, to.Add(20*time.Millisecond))), append(took, to.Sub(from))
	}
	lasted, applied := time.Since(began), posted.Load()-before
	stop()
	feeding.Wait()
	if err := a.Engine().Settled(b.Context(), 5*time.Millisecond); err != nil {
		b.Fatal(err)
	}
	for id, n := range sink.seen {
		if n != 1 {
			b.Fatalf("%s came %d times", id, n)
		}
	}
	if int64(len(sink.seen)) != posted.Load() {
		b.Fatalf("%d were posted and %d came", posted.Load(), len(sink.seen))
	}
	revisions := map[string]int{}
	f := ledger.Filter{Limit: 5000}
	for {
		rows, err := a.Ledger().Deliveries(b.Context(), f)
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range rows {
			_, revision, said := strings.Cut(d.MapVersion, "@")
			if !said || d.State != ledger.Delivered {
				b.Fatalf("delivery %d is %s and says %q", d.ID, d.State, d.MapVersion)
			}
			revisions[revision]++
			f.After = d.ID
		}
		if len(rows) < f.Limit {
			break
		}
	}
	slices.Sort(gaps)
	slices.Sort(took)
	b.ReportMetric(float64(applied)/lasted.Seconds(), "msgs/s")
	b.ReportMetric(float64(gaps[len(gaps)/2].Microseconds())/1000, "p50-gap-ms")
	b.ReportMetric(float64(gaps[len(gaps)-1].Microseconds())/1000, "max-gap-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-apply-ms")
	b.ReportMetric(float64(len(revisions)), "revisions")
	b.ReportMetric(0, "ns/op")
}

// intakeNote pushes a signed note to the hub's intake.
func intakeNote(b *testing.B, a *App, no string) {
	body := []byte(`{"no":"` + no + `","version":1,"kind":"made","title":"t"}`)
	s := webhooksim.Sender{URL: a.IntakeURL() + "/in/shop", Secret: hookSecret}
	for {
		got, err := s.Send(context.Background(), webhooksim.Outgoing{ID: "msg_" + no, Body: body})
		if err != nil {
			b.Error(err)
			return
		}
		if got.Status == http.StatusOK {
			return
		}
		if got.Status != http.StatusServiceUnavailable {
			b.Errorf("%s was answered %d %s", no, got.Status, got.Body)
			return
		}
	}
}
