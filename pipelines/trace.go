package pipelines

import (
	"context"
	"regexp"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/tracing"
)

// What spans say. The remote key and the label stay out of them: they may be an order's or
// a member's number, and traces leave the hub (Invariant 8). The ids of the message and
// the delivery lead back to them.
const (
	aboutConnection = "minihub.connection"
	aboutStream     = "minihub.stream"
	aboutEntity     = "minihub.entity"
	aboutFlow       = "minihub.flow"
	aboutStep       = "minihub.step"
	aboutOperation  = "minihub.operation"
	aboutState      = "minihub.state"
	aboutCode       = "minihub.code"
	aboutAttempt    = "minihub.attempt"
	aboutMessage    = "minihub.message"
	aboutDelivery   = "minihub.delivery"
	aboutItems      = "minihub.items"
	aboutNew        = "minihub.new"
	aboutFrom       = "minihub.from"
)

// The works that take something in.
const (
	workPull    = "pull"
	workReceive = "receive"
	workFetch   = "fetch"
)

// TraceID is the id of the trace that tells a message's way; empty when nothing is traced.
func (e *Engine) TraceID(record int64) string {
	if e.opt.Traces == nil {
		return ""
	}
	return e.opt.Traces.Message(record).TraceID().String()
}

// work is something that the hub does and a trace tells. A nil one tells nothing: then
// tracing is off.
type work struct {
	tr      *tracing.Tracer
	as      trace.SpanContext // set where it is known before the end
	parent  trace.SpanContext
	name    string
	about   []attribute.KeyValue
	links   []trace.SpanContext
	started time.Time

	mu    sync.Mutex
	calls []connectors.Made
	over  bool

	asked   []trace.SpanContext  // the hints that a fetch answers
	records []*ledger.IntakeItem // brought by it,
	streams []string             // and the stream of each
	hints   []*ledger.NewHint
}

type workKey struct{}

// begin starts a work and gives the context that its calls are made under.
func (e *Engine) begin(ctx context.Context, name string, started time.Time) (context.Context, *work) {
	if e.opt.Traces == nil {
		return ctx, nil
	}
	w := &work{tr: e.opt.Traces, name: name, started: started}
	return connectors.WatchCalls(context.WithValue(ctx, workKey{}, w), w.see), w
}

func workOf(ctx context.Context) *work {
	w, _ := ctx.Value(workKey{}).(*work)
	return w
}

func (w *work) see(m connectors.Made) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.calls = append(w.calls, m)
	}
}

// brought notes what an intake of this work made durable.
func (w *work) brought(in *ledger.Intake) {
	if w == nil {
		return
	}
	for _, it := range in.Items {
		w.records, w.streams = append(w.records, it), append(w.streams, in.Stream)
	}
	w.hints = append(w.hints, in.Hints...)
}

// tell ends the work: its span, and one for each call that it made.
func (w *work) tell(ended time.Time, kind trace.SpanKind, failed bool) {
	w.mu.Lock()
	calls := w.calls
	w.over = true
	w.mu.Unlock()
	w.tr.Tell(tracing.Span{As: w.as, Parent: w.parent, Name: w.name, Kind: kind, Started: w.started, Ended: ended, Links: w.links, About: w.about, Failed: failed})
	for _, m := range calls {
		about := []attribute.KeyValue{attribute.String("http.request.method", m.Method), attribute.String("server.address", m.Host)}
		if m.Status != 0 {
			about = append(about, attribute.Int("http.response.status_code", m.Status))
		}
		if m.Code != "" {
			about = append(about, attribute.String("error.type", tellable(m.Code)))
		}
		w.tr.Tell(tracing.Span{As: w.tr.Below(w.as), Parent: w.as, Name: m.Method, Kind: trace.SpanKindClient, Started: m.Started, Ended: m.Ended,
			About: about, Failed: m.Code != "" || m.Status >= 400})
	}
}

var codeWord = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// tellable is a code that may leave the hub. A vendor's code comes from its answer: what
// is no word, or holds digits as long as a phone number's, is withheld (Invariant 8).
func tellable(code string) string {
	run := 0
	for _, r := range code {
		if r < '0' || r > '9' {
			run = 0
			continue
		}
		if run++; run > 8 {
			return "withheld"
		}
	}
	if code != "" && !codeWord.MatchString(code) {
		return "withheld"
	}
	return code
}

// said is an attribute, unless it has nothing to say.
func said(key, value string) []attribute.KeyValue {
	if value == "" {
		return nil
	}
	return []attribute.KeyValue{attribute.String(key, value)}
}

// took ends a work that took something in: a page, a push, a fetch. One that brought a
// single message is told in that message's trace; any other has a trace of its own, linked
// with the traces of what it brought.
func (w *work) took(c *connection, stream string, ended time.Time, err *connectors.Error) {
	if w == nil {
		return
	}
	from := w.name
	fresh := 0
	own := w.place()
	for i, it := range w.records {
		root := w.tr.Message(it.ID)
		if it.Outcome != "repeat" {
			fresh++
			w.intake(c, w.streams[i], from, it, ended, own)
		}
		if own && it.Outcome != "repeat" {
			w.links = append(w.links, root)
		}
	}
	for _, h := range w.hints {
		as := w.tr.Hint(h.ID, h.Asked)
		if as.SpanID() == w.as.SpanID() {
			continue
		}
		w.tr.Tell(tracing.Span{As: as, Name: "hint " + h.Stream, Kind: trace.SpanKindProducer, Started: w.started, Ended: ended, Links: []trace.SpanContext{w.as},
			About: []attribute.KeyValue{attribute.String(aboutConnection, c.Name), attribute.String(aboutStream, h.Stream)}})
		w.links = append(w.links, as)
	}
	w.name += " " + stream
	w.about = append(w.about, attribute.String(aboutConnection, c.Name), attribute.String(aboutStream, stream),
		attribute.Int(aboutItems, len(w.records)+len(w.hints)), attribute.Int(aboutNew, fresh))
	if err != nil {
		w.about = append(w.about, said(aboutCode, tellable(err.Code))...)
	}
	w.tell(ended, trace.SpanKindConsumer, err != nil)
}

// received ends a push that was stored; one that carried nothing is not told.
func (w *work) received(c *connection, ended time.Time) {
	switch {
	case w == nil:
	case len(w.records) > 0:
		w.took(c, w.streams[0], ended, nil)
	case len(w.hints) > 0:
		w.took(c, w.hints[0].Stream, ended, nil)
	}
}

// answers links a fetch with the hints that it answers.
func (w *work) answers(batch []*fetching) {
	if w == nil {
		return
	}
	for _, f := range batch {
		w.asked = append(w.asked, w.tr.Hint(f.hint.ID, f.asked))
	}
	w.links = append(w.links, w.asked...)
}

// asksAgain links the asking for a message's document with that message.
func (w *work) asksAgain(rec *ledger.Record) {
	if w != nil {
		w.links = append(w.links, w.tr.Message(rec.ID))
	}
}

// place finds the trace of a work that took something in; own says that it is nobody
// else's.
func (w *work) place() (own bool) {
	switch {
	case w.name != workPull && len(w.records) == 1:
		w.parent = w.tr.Message(w.records[0].ID)
		w.as = w.tr.Below(w.parent)
		return false
	case len(w.records) == 0 && len(w.asked) == 1: // a fetch that failed
		w.parent = w.asked[0]
		w.as = w.tr.Below(w.parent)
		return false
	case w.name != workPull && len(w.records) == 0 && len(w.hints) == 1:
		w.as = w.tr.Hint(w.hints[0].ID, w.hints[0].Asked)
		return true
	}
	w.as = w.tr.New()
	return true
}

// intake tells the first span of a message: from when it was asked for, or came, until it
// was durable.
func (w *work) intake(c *connection, stream, from string, it *ledger.IntakeItem, ended time.Time, link bool) {
	s := tracing.Span{As: w.tr.Message(it.ID), Name: "intake " + stream, Kind: trace.SpanKindConsumer, Started: w.started, Ended: ended, Failed: it.Code != "",
		About: []attribute.KeyValue{attribute.Int64(aboutMessage, it.ID), attribute.String(aboutConnection, c.Name), attribute.String(aboutStream, stream),
			attribute.String(aboutEntity, it.Entity), attribute.String(aboutFrom, from), attribute.String(aboutState, it.Outcome)}}
	s.About = append(s.About, said(aboutCode, tellable(it.Code))...)
	if link {
		s.Links = []trace.SpanContext{w.as}
	}
	w.tr.Tell(s)
}

// routed ends the mapping of a record: its span, and one for each delivery that came of
// it, which the tries of that delivery stand below.
func (w *work) routed(rec *ledger.Record, r *ledger.Route, ended time.Time) {
	if w == nil {
		return
	}
	w.parent = w.tr.Message(rec.ID)
	w.as = w.tr.Below(w.parent)
	w.name += " " + rec.DocKey.Entity
	w.about = append(w.about, attribute.Int64(aboutMessage, rec.ID), attribute.String(aboutConnection, rec.DocKey.Connection), attribute.String(aboutStream, rec.Stream),
		attribute.String(aboutEntity, rec.DocKey.Entity), attribute.String(aboutState, string(r.To)))
	w.about = append(w.about, said(aboutCode, tellable(r.Code))...)
	w.tell(ended, trace.SpanKindInternal, r.To == ledger.RecordParked)
	for _, d := range r.Deliveries {
		w.made(rec.ID, d, ended)
	}
}

// made tells of a delivery that this work made.
func (w *work) made(record int64, d *ledger.NewDelivery, at time.Time) {
	about := []attribute.KeyValue{attribute.Int64(aboutDelivery, d.ID), attribute.String(aboutFlow, d.Flow), attribute.String(aboutStep, d.Step),
		attribute.String(aboutConnection, d.Connection), attribute.String(aboutOperation, d.Operation), attribute.String(aboutState, string(d.State))}
	about = append(about, said(aboutCode, tellable(d.Code))...)
	w.tr.Tell(tracing.Span{As: w.tr.Delivery(record, d.ID), Parent: w.as, Name: "delivery " + d.Operation, Kind: trace.SpanKindProducer,
		Started: at, Ended: at, About: about, Failed: d.State == ledger.Parked})
}

// try starts a try of the turn's delivery: what the target is asked is told below it.
func (t *turn) try(ctx context.Context, kind string) context.Context {
	t.tried("", nil)
	ctx, t.trying = t.e.begin(ctx, kind, t.e.opt.Now())
	if w := t.trying; w != nil {
		w.parent = w.tr.Delivery(t.d.Record, t.d.ID)
		w.as = w.tr.Below(w.parent)
	}
	return ctx
}

// tried ends the try of the turn. s is what it led to; nil when no row was written: a
// look-up that the send follows at once, a poll that is asked again.
func (t *turn) tried(code string, s *ledger.Settle) {
	w := t.trying
	if w == nil {
		return
	}
	t.trying = nil
	state, failed := string(t.d.State), false
	if s != nil {
		state, code, failed = string(s.To), s.Code, unwell(s)
	}
	t.tellTry(w, state, code, failed, t.e.opt.Now())
}

func unwell(s *ledger.Settle) bool {
	switch s.To {
	case ledger.Parked, ledger.Unknown, ledger.Waiting:
		return true
	case ledger.Ready:
		return s.Attempt.Kind == "send" || s.Attempt.Kind == "recover"
	}
	return false
}

func (t *turn) tellTry(w *work, state, code string, failed bool, ended time.Time) {
	n := t.d.Attempts
	if w.name == "send" {
		n = attempt(t.d)
	}
	w.name += " " + t.d.Operation
	w.about = append(w.about, attribute.Int64(aboutMessage, t.d.Record), attribute.Int64(aboutDelivery, t.d.ID), attribute.String(aboutFlow, t.d.Flow),
		attribute.String(aboutStep, t.d.Step), attribute.String(aboutConnection, t.d.Connection), attribute.String(aboutOperation, t.d.Operation),
		attribute.String(aboutState, state), attribute.Int(aboutAttempt, n))
	w.about = append(w.about, said(aboutCode, tellable(code))...)
	w.tell(ended, trace.SpanKindProducer, failed)
}

// settled tells what a committed unit says: the try that led to it, the receipt, and the
// deliveries that it made. committing is when the commit began.
func (t *turn) settled(s *ledger.Settle, committing time.Time) {
	if t.e.opt.Traces == nil || s.Attempt == nil {
		return
	}
	w := t.trying
	if kind := s.Attempt.Kind; w == nil || w.name != kind {
		if kind == "job" {
			kind = "settle"
		}
		_ = t.try(context.Background(), kind)
		w = t.trying
		w.started = s.Attempt.StartedAt
	}
	now := t.e.opt.Now()
	t.tried("", s)
	if s.To == ledger.Delivered {
		t.receipt(w, committing, now)
	}
	for _, d := range s.Spawn {
		w.made(t.d.Record, d, now)
	}
}

// receipt tells how long it took to make the target's word durable.
func (t *turn) receipt(w *work, started, ended time.Time) {
	w.tr.Tell(tracing.Span{As: w.tr.Below(w.as), Parent: w.as, Name: "receipt", Kind: trace.SpanKindInternal, Started: started, Ended: ended,
		About: []attribute.KeyValue{attribute.Int64(aboutDelivery, t.d.ID), attribute.String(aboutConnection, t.d.Connection),
			attribute.String(aboutOperation, t.d.Operation), attribute.String(aboutState, string(ledger.Delivered))}})
}

// together starts the call that several deliveries share: it has a trace of its own,
// linked with each try.
func (e *Engine) together(ctx context.Context, batch []*outgoing) (context.Context, *work) {
	if e.opt.Traces == nil || len(batch) < 2 {
		return ctx, nil
	}
	ctx, w := e.begin(ctx, "batch", e.opt.Now())
	w.as = w.tr.New()
	for _, o := range batch {
		if one := workOf(o.ctx); one != nil {
			w.links = append(w.links, one.as)
			one.links = append(one.links, w.as)
		}
	}
	return ctx, w
}

// shared ends such a call.
func (w *work) shared(connection, operation string, size int, ended time.Time, failed bool) {
	if w == nil {
		return
	}
	w.name += " " + operation
	w.about = append(w.about, attribute.String(aboutConnection, connection), attribute.String(aboutOperation, operation), attribute.Int(aboutItems, size))
	w.tell(ended, trace.SpanKindProducer, failed)
}

// replayed tells that a person, or a job, let a delivery go again: the unit says how, and
// never who.
func (e *Engine) replayed(d *ledger.Delivery, s *ledger.Settle, started time.Time) {
	tr := e.opt.Traces
	if tr == nil {
		return
	}
	parent := tr.Delivery(d.Record, d.ID)
	tr.Tell(tracing.Span{As: tr.Below(parent), Parent: parent, Name: "resume " + d.Operation, Kind: trace.SpanKindInternal, Started: started, Ended: e.opt.Now(),
		About: []attribute.KeyValue{attribute.Int64(aboutMessage, d.Record), attribute.Int64(aboutDelivery, d.ID), attribute.String(aboutConnection, d.Connection),
			attribute.String(aboutOperation, d.Operation), attribute.String(aboutCode, tellable(s.Attempt.Code)), attribute.String(aboutState, string(s.To))}})
}
