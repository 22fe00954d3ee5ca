package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/tracing"
)

const (
	spanQueue   = 8192 // spans that wait for the collector; more are dropped and counted
	spanBatch   = 512
	spanLinger  = 2 * time.Second
	spanTimeout = 10 * time.Second
)

// spans hands what was traced to the collector. A delivery never waits for it: a full
// queue drops spans, and counts them.
type spans struct {
	out   sdk.SpanExporter
	log   *zap.Logger
	count *prometheus.CounterVec
	queue chan sdk.ReadOnlySpan
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once
	ill   bool // the last request failed: said once
}

// openTraces returns the tracer that the deployment asks for; nil when it asks for none.
func (a *App) openTraces(ctx context.Context) (*tracing.Tracer, error) {
	c := a.hub.Traces
	if c.Endpoint == "" {
		return nil, nil
	}
	headers := map[string]string{}
	for name, v := range c.Headers {
		headers[name] = v.Reveal()
	}
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint), otlptracehttp.WithHeaders(headers), otlptracehttp.WithTimeout(spanTimeout),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true,
			InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: spanTimeout}))
	if err != nil {
		return nil, err
	}
	a.spans = newSpans(out, a.opt.Log)
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(a.spans), sdk.WithIDGenerator(tracing.IDs{}), sdk.WithSampler(sdk.TraceIDRatioBased(c.Sample)),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "minihub"), attribute.String("service.instance.id", a.ledger.Name()))))
	return tracing.New(provider.Tracer("github.com/minihub/minihub"), a.ledger.Name()), nil
}

func newSpans(out sdk.SpanExporter, log *zap.Logger) *spans {
	s := &spans{out: out, log: log, queue: make(chan sdk.ReadOnlySpan, spanQueue), stop: make(chan struct{}), done: make(chan struct{}),
		count: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minihub_trace_spans_total",
			Help: "Spans by what became of them: exported, dropped because the queue was full, or failed at the collector."}, []string{"outcome"})}
	for _, outcome := range []string{"exported", "dropped", "failed"} {
		s.count.WithLabelValues(outcome)
	}
	go s.run()
	return s
}

// OnStart implements the SDK's SpanProcessor.
func (s *spans) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd queues a span, or drops it.
func (s *spans) OnEnd(span sdk.ReadOnlySpan) {
	select {
	case s.queue <- span:
	default:
		s.count.WithLabelValues("dropped").Inc()
	}
}

// ForceFlush implements the SDK's SpanProcessor; spans are flushed at the end only.
func (s *spans) ForceFlush(context.Context) error { return nil }

// Shutdown sends what waits, as long as ctx allows. Running it twice is safe.
func (s *spans) Shutdown(ctx context.Context) error {
	s.once.Do(func() { close(s.stop) })
	select {
	case <-s.done:
		return s.out.Shutdown(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *spans) run() {
	defer close(s.done)
	var batch []sdk.ReadOnlySpan
	tick := time.NewTicker(spanLinger)
	defer tick.Stop()
	for {
		full := false
		select {
		case span := <-s.queue:
			batch = append(batch, span)
			full = len(batch) >= spanBatch
		case <-tick.C:
			full = true
		case <-s.stop:
			s.drain(batch)
			return
		}
		if full {
			s.send(batch)
			batch = batch[:0]
		}
	}
}

// drain sends what is left. A collector that does not answer is not asked twice.
func (s *spans) drain(batch []sdk.ReadOnlySpan) {
	for {
		select {
		case span := <-s.queue:
			if batch = append(batch, span); len(batch) < spanBatch {
				continue
			}
		default:
		}
		if len(batch) == 0 {
			return
		}
		if s.send(batch); s.ill {
			s.count.WithLabelValues("dropped").Add(float64(len(s.queue)))
			return
		}
		batch = batch[:0]
	}
}

func (s *spans) send(batch []sdk.ReadOnlySpan) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), spanTimeout)
	defer cancel()
	err := s.out.ExportSpans(ctx, batch)
	if err != nil {
		s.count.WithLabelValues("failed").Add(float64(len(batch)))
		if !s.ill {
			s.log.Warn("the collector of traces does not take them; deliveries go on without", zap.Error(err))
		}
	} else {
		s.count.WithLabelValues("exported").Add(float64(len(batch)))
	}
	s.ill = err != nil
}
