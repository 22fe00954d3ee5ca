// Package tracing tells OpenTelemetry the way of a message, from pull to receipt.
//
// A message's trace id, and the ids of the spans that others stand below, are made from
// the store's name and the ids of its rows. Nothing of a trace is kept: what goes on after
// a restart, or is replayed a year later, is told in the same trace. A span is told when
// it has ended and what it did is durable, so a trace never shows what did not happen.
//
// The package knows the API of OpenTelemetry only; the hub brings the SDK, whose
// generator of ids must be IDs and whose sampler must judge by the trace id alone, so that
// a message is told whole or not at all.
package tracing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Tracer tells the spans of one store. A nil one tells nothing.
type Tracer struct {
	otel  trace.Tracer
	store string
}

// New returns a tracer for the messages of a store; nil without a tracer to tell.
func New(otel trace.Tracer, store string) *Tracer {
	if otel == nil {
		return nil
	}
	return &Tracer{otel: otel, store: store}
}

// What ids are made of.
const (
	ofMessage  = 'm'
	ofDelivery = 'd'
	ofHint     = 'h'
)

func (t *Tracer) made(of byte, ids ...int64) (id trace.TraceID, span trace.SpanID) {
	b := append(make([]byte, 0, 64), t.store...)
	b = append(b, 0, of)
	for _, n := range ids {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	sum := sha256.Sum256(b)
	copy(id[:], sum[:16])
	copy(span[:], sum[16:24])
	return id, span
}

func spanContext(id trace.TraceID, span trace.SpanID) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled})
}

// Message is the first span of a message's trace, by the id of its record.
func (t *Tracer) Message(record int64) trace.SpanContext {
	return spanContext(t.made(ofMessage, record))
}

// Delivery is the span that the tries of a delivery stand below.
func (t *Tracer) Delivery(record, delivery int64) trace.SpanContext {
	id, _ := t.made(ofMessage, record)
	_, span := t.made(ofDelivery, delivery)
	return spanContext(id, span)
}

// Hint is the first span of a hint's trace: the key of a document that nobody has fetched
// belongs to no message yet. asked counts how often it came.
func (t *Tracer) Hint(hint, asked int64) trace.SpanContext {
	return spanContext(t.made(ofHint, hint, asked))
}

// New is a span of a trace that has no other way to be known.
func (t *Tracer) New() trace.SpanContext {
	var id trace.TraceID
	rand.Read(id[:])
	return t.Below(spanContext(id, trace.SpanID{1}))
}

// Below is a new span in the trace of another one.
func (t *Tracer) Below(of trace.SpanContext) trace.SpanContext {
	var span trace.SpanID
	rand.Read(span[:])
	return of.WithSpanID(span)
}

// Span is something that has ended.
type Span struct {
	As      trace.SpanContext
	Parent  trace.SpanContext // in the same trace; none = the first of its trace
	Name    string
	Kind    trace.SpanKind
	Started time.Time
	Ended   time.Time
	Links   []trace.SpanContext
	About   []attribute.KeyValue
	Failed  bool
}

// mostLinks is what the SDK keeps of them.
const mostLinks = 128

// Tell hands a span over. It never waits for anybody.
func (t *Tracer) Tell(s Span) {
	ctx := context.WithValue(context.Background(), idsKey{}, s.As)
	opts := []trace.SpanStartOption{trace.WithTimestamp(s.Started), trace.WithSpanKind(s.Kind), trace.WithAttributes(s.About...)}
	if s.Parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, s.Parent)
	} else {
		opts = append(opts, trace.WithNewRoot())
	}
	if len(s.Links) > 0 {
		links := make([]trace.Link, min(len(s.Links), mostLinks))
		for i := range links {
			links[i].SpanContext = s.Links[i]
		}
		opts = append(opts, trace.WithLinks(links...))
	}
	_, span := t.otel.Start(ctx, s.Name, opts...)
	if s.Failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(s.Ended))
}

type idsKey struct{}

// IDs gives the SDK the ids that a span was made with. It implements the SDK's
// IDGenerator.
type IDs struct{}

// NewIDs gives the ids of the first span of a trace.
func (IDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	as, _ := ctx.Value(idsKey{}).(trace.SpanContext)
	return as.TraceID(), as.SpanID()
}

// NewSpanID gives the id of a further span.
func (IDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	as, _ := ctx.Value(idsKey{}).(trace.SpanContext)
	return as.SpanID()
}
