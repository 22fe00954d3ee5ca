package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/zap"
)

// gated is a collector that answers when it is let.
type gated struct {
	let  chan struct{}
	err  error
	mu   sync.Mutex
	took int
}

func (g *gated) ExportSpans(ctx context.Context, list []sdk.ReadOnlySpan) error {
	select {
	case <-g.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took += len(list)
	return g.err
}

func (g *gated) Shutdown(context.Context) error { return nil }

// A collector that does not answer fills the queue and no more: what does not fit is
// dropped at once, and every span is counted once.
func TestSpansAreDroppedNotWaitedFor(t *testing.T) {
	g := &gated{let: make(chan struct{})}
	s := newSpans(g, zap.NewNop())
	const n = 2*spanQueue + spanBatch
	span := tracetest.SpanStub{Name: "x"}.Snapshot()
	began := time.Now()
	for range n {
		s.OnEnd(span)
	}
	if took := time.Since(began); took > spanTimeout/2 {
		t.Fatalf("%d spans held their callers up for %s", n, took)
	}
	dropped := testutil.ToFloat64(s.count.WithLabelValues("dropped"))
	if dropped < n-spanQueue-2*spanBatch {
		t.Fatalf("%v of %d spans were dropped, and the queue holds %d", dropped, n, spanQueue)
	}
	close(g.let)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatalf("shut down twice: %v", err)
	}
	if exported := testutil.ToFloat64(s.count.WithLabelValues("exported")); int(exported) != g.took || exported+dropped != n {
		t.Fatalf("%v exported and %v dropped of %d; the collector took %d", exported, dropped, n, g.took)
	}
}

// A collector that is down when the hub stops is asked once, not once for every batch.
func TestStoppingDoesNotWaitForADeadCollector(t *testing.T) {
	g := &gated{let: make(chan struct{}), err: errors.New("refused")}
	close(g.let)
	s := newSpans(g, zap.NewNop())
	const n = 4 * spanBatch
	for range n {
		s.OnEnd(tracetest.SpanStub{Name: "x"}.Snapshot())
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	failed, dropped := testutil.ToFloat64(s.count.WithLabelValues("failed")), testutil.ToFloat64(s.count.WithLabelValues("dropped"))
	if failed == 0 || failed+dropped != n {
		t.Fatalf("%v failed and %v dropped of %d", failed, dropped, n)
	}
}
