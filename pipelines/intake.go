package pipelines

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// IntakePrefix is where webhooks come in: IntakePrefix + connection + further path.
const IntakePrefix = "/in/"

// ServeIntake takes the webhook of a connection: authentic, within bounds and durable
// before it is answered, in the vendor's own words (Invariants 1 and 2).
func (e *Engine) ServeIntake(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, IntakePrefix), "/")
	e, leave := e.enter(noRoot)
	defer leave()
	c := e.conns[name]
	if c == nil || c.gone || c.receiver == nil {
		refuse(w, http.StatusNotFound, CodeIntakeUnknown, "there is no connection of this name that takes pushes")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.opt.MaxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			refuse(w, http.StatusRequestEntityTooLarge, CodeIntakeTooLarge, "the body is larger than the hub takes; raise intake.max_body in hub.yaml")
			return
		}
		// Not 200: nothing is stored.
		refuse(w, http.StatusBadRequest, CodeIntakeBroken, "the body ended before its end")
		return
	}
	began := e.opt.Now()
	rcv, rerr := e.receiveSafely(r.Context(), c, connectors.Request{Method: r.Method, Path: "/" + rest, Query: r.URL.Query(),
		Header: r.Header, Body: body, At: began})
	ctx, tr := e.begin(r.Context(), workReceive, began)
	switch {
	case rerr != nil && rerr.Kind == connectors.Unreadable && len(rerr.Raw) > 0:
		// Authentic, and nobody can read it: kept as it came, for a person (Invariant 1).
		answer(w, c.receiver.Reply(e.keepUnreadable(ctx, c, rerr, began), rcv, rerr))
		tr.received(c, e.opt.Now())
	case rerr != nil:
		c.intake.bad.Add(1)
		e.opt.Log.Info("a push was refused", zap.String("connection", c.Name), zap.String("code", code(rerr, "")))
		answer(w, c.receiver.Reply(connectors.Bad, rcv, rerr))
	case rcv.Answer != nil:
		answer(w, *rcv.Answer)
	default:
		verdict := connectors.Stored
		if err := e.accept(ctx, c, rcv.Items, began); err != nil {
			e.opt.Log.Warn("a push was put off", zap.String("connection", c.Name), zap.Error(err))
			verdict = connectors.Busy
			c.intake.busy.Add(1)
		} else {
			c.intake.stored.Add(1)
		}
		answer(w, c.receiver.Reply(verdict, rcv, nil))
		tr.received(c, e.opt.Now())
	}
}

// keepUnreadable parks the bytes of an authentic push that cannot be decoded. The same
// bytes again are a repeat.
func (e *Engine) keepUnreadable(ctx context.Context, c *connection, rerr *connectors.Error, began time.Time) connectors.Verdict {
	for i := range c.Connector.Streams {
		s := &c.Connector.Streams[i]
		if !s.Push {
			continue
		}
		sum := digest(rerr.Raw)
		key := "unreadable " + hex.EncodeToString(sum[:])
		in := &ledger.Intake{Connection: c.Name, Stream: s.Name, Items: []*ledger.IntakeItem{{Entity: s.Entity, Key: key, RootEnt: rootEntity(s), RootKey: key,
			Version: 1, FetchedAt: began, Body: rerr.Raw, Code: CodeUnreadable, Text: storable(text(rerr))}}}
		if err := e.commitIntake(ctx, c, in, nil); err != nil {
			e.opt.Log.Warn("an unreadable push was put off", zap.String("connection", c.Name), zap.Error(err))
			c.intake.busy.Add(1)
			return connectors.Busy
		}
		c.intake.bad.Add(1)
		return connectors.Stored
	}
	return connectors.Bad
}

var errBusy = errors.New("too much waits to be fetched and mapped")

// accept makes what a push carried durable.
func (e *Engine) accept(ctx context.Context, c *connection, items []connectors.Item, began time.Time) error {
	if e.backlogOf(c) > 2*e.opt.MaxBacklog {
		return errBusy
	}
	if len(items) == 0 {
		return nil
	}
	s, ok := c.Connector.Stream(items[0].Stream)
	if !ok {
		return errors.New("the connector yielded an item of a stream it does not declare")
	}
	in, others, err := e.intakes(c, s, items, began)
	if err != nil {
		return err
	}
	return e.commitIntake(ctx, c, in, nil, others...)
}

// IntakeCounts says what became of a connection's pushes since the start.
type IntakeCounts struct{ Stored, Busy, Bad int64 }

// intakeCounts are counted for pushes that leave no row: an unsigned one is counted, not
// stored (Invariant 1).
type intakeCounts struct{ stored, busy, bad atomic.Int64 }

// IntakeCounts returns the counts by connection.
func (e *Engine) IntakeCounts() map[string]IntakeCounts {
	out := map[string]IntakeCounts{}
	for name, c := range e.connections() {
		if c.receiver != nil {
			out[name] = IntakeCounts{Stored: c.intake.stored.Load(), Busy: c.intake.busy.Load(), Bad: c.intake.bad.Load()}
		}
	}
	return out
}

func (e *Engine) receiveSafely(ctx context.Context, c *connection, req connectors.Request) (rcv connectors.Received, rerr *connectors.Error) {
	defer func() {
		if r := recover(); r != nil {
			e.opt.Log.Error("a connector panicked", zap.String("connection", c.Name), zap.Stack("stack"))
			rerr = &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: CodePanic, Text: "the connector broke while receiving"}
		}
	}()
	rcv, err := c.receiver.Receive(ctx, req)
	if err != nil {
		return rcv, connectors.AsError(err)
	}
	return rcv, nil
}

func answer(w http.ResponseWriter, r connectors.Response) {
	for k, v := range r.Header {
		w.Header()[k] = v
	}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body)
}

func refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, code+": "+text+"\n")
}
