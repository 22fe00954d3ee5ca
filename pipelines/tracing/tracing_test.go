package tracing_test

import (
	"slices"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/minihub/minihub/pipelines/tracing"
)

func told(ratio float64) (*tracing.Tracer, *tracetest.SpanRecorder) {
	rec := tracetest.NewSpanRecorder()
	p := sdk.NewTracerProvider(sdk.WithSpanProcessor(rec), sdk.WithIDGenerator(tracing.IDs{}), sdk.WithSampler(sdk.TraceIDRatioBased(ratio)))
	return tracing.New(p.Tracer("test"), "store-1"), rec
}

// What was told yesterday is joined tomorrow: the ids of a row never change.
func TestIDsStay(t *testing.T) {
	tr, _ := told(1)
	m, d, h := tr.Message(42), tr.Delivery(42, 7), tr.Hint(42, 3)
	want := []string{"f6b1a57d186d3ac811d16de7d3766167", "c040646a14a200c6", "3543ba539eff1ced", "e537021fe4ec34e6b61a6192c09dd46d"}
	got := []string{m.TraceID().String(), m.SpanID().String(), d.SpanID().String(), h.TraceID().String()}
	if !slices.Equal(got, want) {
		t.Errorf("the ids are %q, want %q", got, want)
	}
	if d.TraceID() != m.TraceID() || h.TraceID() == m.TraceID() || tr.Hint(42, 4).TraceID() == h.TraceID() {
		t.Error("a delivery is told in its message's trace, and every asking of a hint in its own")
	}
	other := tracing.New(noop.NewTracerProvider().Tracer(""), "store-2")
	if other.Message(42).TraceID() == m.TraceID() {
		t.Error("two stores share a trace")
	}
	if tracing.New(nil, "store-1") != nil {
		t.Error("there is a tracer where nothing is to be told")
	}
}

func TestTellKeepsIDsParentsAndTimes(t *testing.T) {
	tr, rec := told(1)
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	root := tr.Message(1)
	below := tr.Below(root)
	tr.Tell(tracing.Span{As: root, Name: "first", Started: at, Ended: at.Add(time.Second)})
	tr.Tell(tracing.Span{As: below, Parent: root, Name: "second", Started: at, Ended: at.Add(time.Second), Failed: true,
		Links: slices.Repeat([]trace.SpanContext{tr.Hint(1, 1)}, 200)})
	got := rec.Ended()
	if len(got) != 2 {
		t.Fatalf("%d spans", len(got))
	}
	first, second := got[0], got[1]
	if first.SpanContext().TraceID() != root.TraceID() || first.SpanContext().SpanID() != root.SpanID() || first.Parent().IsValid() {
		t.Errorf("the first span is %v below %v", first.SpanContext(), first.Parent())
	}
	if second.SpanContext().SpanID() != below.SpanID() || second.Parent().SpanID() != root.SpanID() || second.SpanContext().TraceID() != root.TraceID() {
		t.Errorf("the second span is %v below %v", second.SpanContext(), second.Parent())
	}
	if !second.StartTime().Equal(at) || !second.EndTime().Equal(at.Add(time.Second)) || len(second.Links()) != 128 || second.DroppedLinks() != 0 {
		t.Errorf("from %s to %s, %d links, %d dropped", second.StartTime(), second.EndTime(), len(second.Links()), second.DroppedLinks())
	}
}

// A message is told whole or not at all, by whichever process and however long after.
func TestSamplingTakesWholeMessages(t *testing.T) {
	const n = 2000
	counts := map[trace.TraceID]int{}
	for range 2 { // before and after a restart
		tr, rec := told(0.25)
		for id := range int64(n) {
			root := tr.Message(id)
			tr.Tell(tracing.Span{As: root, Name: "a"})
			tr.Tell(tracing.Span{As: tr.Delivery(id, id), Parent: root, Name: "b"})
			tr.Tell(tracing.Span{As: tr.Below(root), Parent: tr.Delivery(id, id), Name: "c"})
		}
		for _, s := range rec.Ended() {
			counts[s.SpanContext().TraceID()]++
		}
	}
	for id, got := range counts {
		if got != 6 {
			t.Fatalf("of the six spans of %s %d were told", id, got)
		}
	}
	if share := float64(len(counts)) / n; share < 0.2 || share > 0.3 {
		t.Errorf("%.2f of the messages were told, want a quarter", share)
	}
}
