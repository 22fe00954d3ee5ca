package pipelines

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/ledger"
)

// gates are the closed states of one connection: of the whole ("") or of operations.
type gates struct {
	change sync.Mutex // held while a gate closes or opens: memory, queue and ledger agree

	mu     sync.Mutex
	states map[string]*gateState
}

type gateState struct {
	gate    ledger.Gate
	closes  int // how often in a row; probes wait longer each time
	probing bool
}

const (
	firstProbe = time.Second
	lastProbe  = 5 * time.Minute
	// breakAfter is how many connection-wide failures in a row close the gate.
	breakAfter = 5
)

// Reasons of a closed gate.
const (
	ReasonOutage = "outage"
	ReasonAuth   = "auth"
	ReasonQuota  = "quota"
	ReasonPause  = "pause"
)

// closed returns the gate that keeps an operation back now. When its probe is due, one
// caller is let through with probe set: it ends in shut, open or probeEnded.
func (g *gates) closed(operation string, now time.Time) (gate ledger.Gate, shut, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.states[operation]
	if s == nil {
		return ledger.Gate{}, false, false
	}
	if !s.gate.Until.IsZero() && !s.probing && !now.Before(s.gate.Until) {
		s.probing = true
		return ledger.Gate{}, false, true
	}
	return s.gate, true, false
}

// isClosed reports a closed gate without taking its probe.
func (g *gates) isClosed(operation string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.states[operation] != nil
}

// shut closes a gate; wait is what the vendor asked for. It returns the stored form, and
// whether there is anything new about it: a pause is lifted by a person only, and what
// was in flight when the gate closed is no failed probe.
func (g *gates) shut(gate ledger.Gate, wait, first time.Duration, now time.Time) (ledger.Gate, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.states[gate.Operation]
	gate.Since = now
	switch {
	case s == nil:
		s = &gateState{}
		g.states[gate.Operation] = s
	case gate.Reason == ReasonPause:
		gate.Since = s.gate.Since
	case s.gate.Reason == ReasonPause, now.Before(s.gate.Until) && !now.Add(wait).After(s.gate.Until):
		return s.gate, false
	default:
		gate.Since = s.gate.Since
	}
	if gate.Reason != ReasonPause {
		gate.Until = now.Add(max(wait, min(lastProbe, first<<min(s.closes, 12))))
		s.closes++
	}
	s.gate, s.probing = gate, false
	return gate, true
}

// open forgets a closed gate and reports whether there was one. A pause is opened by a
// person only.
func (g *gates) open(operation string, person bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.states[operation]
	if s == nil || !person && s.gate.Reason == ReasonPause {
		return false
	}
	delete(g.states, operation)
	return true
}

func (g *gates) probeEnded(operation string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.states[operation]; s != nil {
		s.probing = false
	}
}

// closeGate stops sending to a connection or one of its operations; rows stay as they
// are and no attempt burns (Invariant 7).
func (e *Engine) closeGate(ctx context.Context, c *connection, g ledger.Gate, wait time.Duration) error {
	c.gates.change.Lock()
	defer c.gates.change.Unlock()
	g.Connection, g.Code, g.Text = c.Name, storable(g.Code), storable(g.Text)
	g, changed := c.gates.shut(g, wait, e.opt.Retry.FirstProbe, e.opt.Now())
	if !changed {
		return nil
	}
	if g.Operation == "" {
		e.bus.Queue(bus.Topic(bus.Deliveries, c.Name)).CloseGate(g.Until)
		e.bus.Queue(bus.Topic(bus.Hints, c.Name)).CloseGate(g.Until)
	}
	e.opt.Log.Warn("gate closed", zap.String("connection", c.Name), zap.String("operation", g.Operation),
		zap.String("reason", g.Reason), zap.String("code", g.Code), zap.Time("until", g.Until))
	return e.opt.Ledger.Commit(ctx, &ledger.PutGate{Gate: g})
}

// openGate lets everything through again: after a probe, or because a person says so.
func (e *Engine) openGate(ctx context.Context, c *connection, operation string, person bool) error {
	c.gates.change.Lock()
	defer c.gates.change.Unlock()
	if !c.gates.open(operation, person) {
		return nil
	}
	c.succeeded()
	q := e.bus.Queue(bus.Topic(bus.Deliveries, c.Name))
	if operation == "" {
		q.OpenGate()
		e.bus.Queue(bus.Topic(bus.Hints, c.Name)).OpenGate()
	} else {
		q.WakeAll()
	}
	e.opt.Log.Info("gate opened", zap.String("connection", c.Name), zap.String("operation", operation))
	return e.opt.Ledger.Commit(ctx, &ledger.PutGate{Gate: ledger.Gate{Connection: c.Name, Operation: operation}, Open: true})
}

// Pause holds a connection or one operation until Resume: hold, never drop.
func (e *Engine) Pause(ctx context.Context, connection, operation, who, why string) error {
	c, err := e.connection(connection)
	if err != nil {
		return err
	}
	return e.closeGate(ctx, c, ledger.Gate{Operation: operation, Reason: ReasonPause, Text: why, Who: who}, 0)
}

// Resume opens what Pause or a fault closed.
func (e *Engine) Resume(ctx context.Context, connection, operation string) error {
	c, err := e.connection(connection)
	if err != nil {
		return err
	}
	return e.openGate(ctx, c, operation, true)
}

// restoreGates puts the stored gates back in force at start.
func (e *Engine) restoreGates(ctx context.Context) error {
	list, err := e.opt.Ledger.Gates(ctx)
	if err != nil {
		return err
	}
	for _, g := range list {
		// Of connections that the program lacks too: a swap may bring them back.
		e.lastingOf(g.Connection).gates.states[g.Operation] = &gateState{gate: g}
		if g.Operation == "" {
			e.bus.Queue(bus.Topic(bus.Deliveries, g.Connection)).CloseGate(g.Until)
			e.bus.Queue(bus.Topic(bus.Hints, g.Connection)).CloseGate(g.Until)
		}
	}
	return nil
}

// fault decides what an error means for the connection: the one switch from kind and
// scope to a gate (Invariant 7). It reports whether a gate is closed for it now, and
// which: an operation's, or the connection's ("").
func (e *Engine) fault(ctx context.Context, c *connection, operation string, err *connectors.Error) (closed string, shut bool, _ error) {
	g := ledger.Gate{Operation: operation, Code: err.Code, Text: err.Text}
	if err.Scope != connectors.OfOperation {
		g.Operation = ""
	}
	switch err.Kind {
	case connectors.Unauthorized, connectors.Forbidden:
		if err.Scope == connectors.OfDocument {
			c.succeeded() // it answers
			return "", false, nil
		}
		g.Reason = ReasonAuth
	case connectors.Quota:
		g.Reason = ReasonQuota
	case connectors.Unavailable, connectors.Unreadable:
		if err.Scope != connectors.OfConnection {
			return "", false, nil
		}
		g.Reason = ReasonOutage
		// A closed gate does not open for a probe that failed, however short the run is.
		if n := c.failed(); n < breakAfter && (err.Sent || n < 2) && !c.gates.isClosed("") {
			return "", false, nil
		}
	case connectors.NotFound, connectors.Invalid, connectors.Conflict:
		if err.Scope != connectors.OfOperation && err.Scope != connectors.OfConnection {
			c.succeeded()
			return "", false, nil
		}
		g.Reason = ReasonOutage
	case connectors.RateLimited:
		if err.Scope != connectors.OfConnection || err.Wait < 30*time.Second {
			return "", false, nil
		}
		g.Reason = ReasonQuota
	default:
		return "", false, nil
	}
	return g.Operation, true, e.closeGate(ctx, c, g, err.Wait)
}
