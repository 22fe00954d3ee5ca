package pipelines

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/tracing"
)

// waysOfAMessage is everything that the stages say of one message.
func waysOfAMessage(ctx context.Context, e *Engine, c *connection, rec *ledger.Record, in *ledger.Intake, r *ledger.Route, s *ledger.Settle) {
	now := time.Time{}
	pulled, w := e.begin(ctx, workReceive, now)
	workOf(pulled).brought(in)
	w.received(c, now)
	_, w = e.begin(ctx, "map", now)
	w.routed(rec, r, now)
	t := &turn{e: e, c: c, d: &ledger.Delivery{ID: 1, Record: 1, Operation: "push"}}
	sent := t.try(ctx, "send")
	if see := connectors.CallWatcher(sent); see != nil {
		see(connectors.Made{Method: "POST", Host: "vendor.example"})
	}
	t.settled(s, now)
}

func benchmarkWays(b *testing.B, tr *tracing.Tracer) {
	e := &Engine{opt: Options{Traces: tr, Now: time.Now}}
	c := &connection{Connection: Connection{Name: "shop"}}
	rec := &ledger.Record{ID: 1, DocKey: ledger.DocKey{Connection: "shop", Entity: "order"}, Stream: "orders"}
	in := &ledger.Intake{Stream: "orders", Items: []*ledger.IntakeItem{{ID: 1, Entity: "order", Outcome: "new"}}}
	r := &ledger.Route{To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{{ID: 1, Operation: "push", State: ledger.Ready}}}
	s := &ledger.Settle{To: ledger.Delivered, Attempt: &ledger.Attempt{Kind: "send"}}
	b.ReportAllocs()
	for b.Loop() {
		waysOfAMessage(b.Context(), e, c, rec, in, r, s)
	}
}

// BenchmarkTracesOff is what tracing costs a message when nothing is traced.
func BenchmarkTracesOff(b *testing.B) { benchmarkWays(b, nil) }

// BenchmarkTracesOn is what it costs without the SDK's share.
func BenchmarkTracesOn(b *testing.B) {
	benchmarkWays(b, tracing.New(noop.NewTracerProvider().Tracer(""), "store"))
}

// A hub that traces nothing pays nothing for it.
func TestTracesOffCostNoMemory(t *testing.T) {
	e := &Engine{opt: Options{Now: time.Now}}
	c := &connection{}
	rec, in, r := &ledger.Record{}, &ledger.Intake{Items: []*ledger.IntakeItem{{}}}, &ledger.Route{}
	s := &ledger.Settle{Attempt: &ledger.Attempt{Kind: "send"}}
	d := &turn{e: e, c: c, d: &ledger.Delivery{}}
	n := testing.AllocsPerRun(100, func() {
		pulled, w := e.begin(t.Context(), workReceive, time.Time{})
		workOf(pulled).brought(in)
		w.received(c, time.Time{})
		_, w = e.begin(t.Context(), "map", time.Time{})
		w.routed(rec, r, time.Time{})
		d.try(t.Context(), "send")
		d.settled(s, time.Time{})
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCodesThatMayLeaveTheHub(t *testing.T) {
	for code, want := range map[string]string{
		"": "", "130": "130", "http.timeout": "http.timeout", "61024": "61024", "isv.invalid-parameter:x": "isv.invalid-parameter:x", "10000097": "10000097",
		"13800138000": "withheld", "x-13800138000": "withheld", "张三": "withheld", "order 12 of Mr Smith": "withheld",
	} {
		if got := tellable(code); got != want {
			t.Errorf("%q is told as %q, want %q", code, got, want)
		}
	}
}
