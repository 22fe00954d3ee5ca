package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// ErrNoCanary is answered when there is no canary to end.
var ErrNoCanary = errors.New("no canary is running")

// Swapped says what a swap did.
type Swapped struct {
	// Drained is closed when no stage uses what was replaced any more: what only that
	// used may be closed then.
	Drained <-chan struct{}
	Took    time.Duration // from the call until the new program was in force
}

// Swap puts a program in force in place of the one that runs, without a pause: what a
// stage has begun it ends with the program it began with. commit makes the swap durable
// and comes before anything uses it; when it fails nothing has changed. With share above
// 0 the program runs beside the other one as a canary, for that many of 10,000 roots.
func (e *Engine) Swap(ctx context.Context, p Program, share int, commit func() error) (Swapped, error) {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	began := time.Now()
	s := e.stand.Load()
	if share < 0 || share >= shares {
		return Swapped{}, fmt.Errorf("a canary takes between 1 and %d of %d roots, not %d", shares-1, shares, share)
	}
	if s.canary != nil {
		return Swapped{}, errors.New("a canary is running; promote it or take it back first")
	}
	v, err := e.programOf(p)
	if err != nil {
		return Swapped{}, err
	}
	if err := e.inherit(ctx, v, s.base); err != nil {
		return Swapped{}, err
	}
	next := &stand{base: v, before: s.base.tally}
	if share > 0 {
		next = &stand{base: s.base, canary: v, share: uint64(share), before: s.before}
	}
	return e.put(ctx, next, began, commit)
}

// Promote makes the canary the program of every root.
func (e *Engine) Promote(ctx context.Context, commit func() error) (Swapped, error) {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	began := time.Now()
	s := e.stand.Load()
	if s.canary == nil {
		return Swapped{}, ErrNoCanary
	}
	return e.put(ctx, &stand{base: s.canary, before: s.base.tally}, began, commit)
}

// Withdraw ends the canary: every root takes the base program again. What the canary
// routed to flows and connections of its own drains.
func (e *Engine) Withdraw(ctx context.Context, commit func() error) (Swapped, error) {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	began := time.Now()
	s := e.stand.Load()
	if s.canary == nil {
		return Swapped{}, ErrNoCanary
	}
	v, err := e.programOf(s.base.made)
	if err != nil {
		return Swapped{}, err
	}
	v.tally = s.base.tally
	if err := e.inherit(ctx, v, s.base, s.canary); err != nil {
		return Swapped{}, err
	}
	return e.put(ctx, &stand{base: v, before: s.before}, began, commit)
}

// put publishes a stand: durable first, then one store to memory.
func (e *Engine) put(ctx context.Context, next *stand, began time.Time, commit func() error) (Swapped, error) {
	if commit != nil {
		if err := commit(); err != nil {
			return Swapped{}, err
		}
	}
	old := e.stand.Swap(next)
	took := time.Since(began)
	newest := next.base
	if next.canary != nil {
		newest = next.canary
	}
	e.relimit(newest.made.Connections)
	e.mu.Lock()
	router := e.router
	e.mu.Unlock()
	if router != nil && e.handle(newest.conns) {
		if err := router.RunHandlers(context.WithoutCancel(ctx)); err != nil {
			e.opt.Log.Error("a new connection's stages did not start", zap.Error(err))
		}
	}
	drained := make(chan struct{})
	var wait []<-chan struct{}
	for _, v := range old.programs() {
		if v != next.base && v != next.canary {
			v.retire()
			wait = append(wait, v.drained)
		}
	}
	go func() {
		for _, c := range wait {
			<-c
		}
		close(drained)
	}()
	return Swapped{Drained: drained, Took: took}, nil
}

// relimit puts the limits of the connections in force; the first of an account decides.
func (e *Engine) relimit(list []Connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := map[string]bool{}
	for _, c := range list {
		if account := accountOf(c); !seen[account] {
			seen[account] = true
			e.accounts[account].Change(c.Connector.Limits, c.Limits)
		}
	}
}

// inherit gives a program what earlier ones still have under way: flows and steps that it
// lacks keep their deliveries, connections that it lacks end what they hold. Nothing new
// comes to them. What had drained before is left behind.
func (e *Engine) inherit(ctx context.Context, v *Engine, from ...*Engine) error {
	for _, old := range from {
		for _, f := range old.flows {
			if !covers(v.flows[f.Name], f) {
				v.retired = append([]*flow.Flow{f}, v.retired...)
			}
		}
		for _, f := range old.retired {
			open, err := e.open(ctx, ledger.Filter{Flow: f.Name})
			if err != nil {
				return err
			}
			if open && !covers(v.flows[f.Name], f) && !slices.Contains(v.retired, f) {
				v.retired = append(v.retired, f)
			}
		}
		for name, c := range old.conns {
			if v.conns[name] != nil {
				continue
			}
			if c.gone {
				open, err := e.open(ctx, ledger.Filter{Connection: name})
				if err != nil {
					return err
				}
				if !open && e.queued(name) == 0 {
					continue
				}
			}
			left := *c
			left.gone = true
			v.conns[name] = &left
		}
	}
	v.tally.add(v.retired)
	return nil
}

// covers reports whether a flow has every step of an older one.
func covers(f, old *flow.Flow) bool {
	return f != nil && !slices.ContainsFunc(old.Steps, func(s *flow.Step) bool { return f.StepNamed(s.Name) == nil })
}

// unfinished are the states in which a delivery still has something before it.
var unfinished = []string{string(ledger.Blocked), string(ledger.Ready), string(ledger.Sending), string(ledger.Waiting), string(ledger.Unknown),
	string(ledger.Accepted), string(ledger.Parked)}

// open reports whether an unfinished delivery fits the filter.
func (e *Engine) open(ctx context.Context, f ledger.Filter) (bool, error) {
	f.States, f.Limit = unfinished, 1
	rows, err := e.opt.Ledger.Deliveries(ctx, f)
	return len(rows) > 0, err
}

// queued is how much waits in memory for a connection.
func (e *Engine) queued(connection string) int {
	n := 0
	for _, kind := range []string{"records", "hints", "deliveries"} {
		n += e.bus.Queue(kind + "/" + connection).Len()
	}
	return n
}

// Draining names the flows and connections that the program in force no longer has and
// that have work left.
func (e *Engine) Draining() (flows, connections []string) {
	p := e.current()
	for _, f := range p.retired {
		if !slices.Contains(flows, f.Name) {
			flows = append(flows, f.Name)
		}
	}
	for name, c := range p.conns {
		if c.gone {
			connections = append(connections, name)
		}
	}
	slices.Sort(flows)
	slices.Sort(connections)
	return flows, connections
}
