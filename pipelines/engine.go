package pipelines

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/limits"
	"github.com/minihub/minihub/pipelines/tracing"
)

// Options is what an engine is built from.
type Options struct {
	Ledger      ledger.Ledger
	Connections []Connection
	Flows       []*flow.Flow
	Tables      mapper.Tables // lookup tables: files with the ledger's entries over them
	// Revision is the number of the program that Connections, Flows and Tables make; every
	// document that it maps says so. 0 = none is kept.
	Revision int64
	// Retired are flows that revisions before this one had, whose deliveries drain.
	Retired []*flow.Flow
	// Gone are connections that revisions before this one had, whose work drains.
	Gone []Connection
	// Checks are further rules of canonical documents by entity: totals that add up.
	Checks map[string]func(doc any) error
	Retry  Retry
	// MaxBacklog is how many records and hints may wait before pulls slow down and
	// webhooks are told to come later; 0 = 20,000.
	MaxBacklog int
	// MaxBody bounds an inbound body; 0 = 2 MiB.
	MaxBody int64
	// Traces tells the way of every message; nil = nothing is traced.
	Traces *tracing.Tracer
	Log    *zap.Logger
	Now    func() time.Time
}

// Engine moves messages from sources to targets. What New returns runs whichever program
// is in force; inside, the same type stands for one immutable program (see swap.go).
type Engine struct {
	opt Options
	bus *bus.Bus
	*core
	*program // nil in what New returned
	// trial: what is mapped is only looked at and says nothing about the mapping.
	trial bool
}

// core is what all programs of an engine share.
type core struct {
	stand atomic.Pointer[stand]

	mu       sync.Mutex
	patterns map[string]*regexp.Regexp
	lasting  map[string]*lasting    // by connection
	accounts map[string]*limits.Set // by vendor account
	handling map[string]bool        // topics with a handler
	router   *message.Router
	done     chan struct{}
	runErr   error

	swapping sync.Mutex
}

// New builds an engine; Start runs it.
func New(opt Options) (*Engine, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	if opt.MaxBacklog == 0 {
		opt.MaxBacklog = 20_000
	}
	if opt.MaxBody == 0 {
		opt.MaxBody = 2 << 20
	}
	opt.Retry = opt.Retry.withDefaults()
	first := Program{Revision: opt.Revision, Connections: opt.Connections, Flows: opt.Flows, Tables: opt.Tables, Retired: opt.Retired, Gone: opt.Gone}
	opt.Connections, opt.Flows, opt.Retired, opt.Gone = nil, nil, nil, nil
	e := &Engine{opt: opt, core: &core{patterns: map[string]*regexp.Regexp{}, lasting: map[string]*lasting{}, accounts: map[string]*limits.Set{},
		handling: map[string]bool{}, done: make(chan struct{})}}
	e.bus = bus.New(bus.Options{Ledger: opt.Ledger, Log: opt.Log, Now: opt.Now, Slots: e.slots,
		Holds: func(connection, operation string) bool { return e.current().keepsOrder(connection, operation) }})
	v, err := e.programOf(first)
	if err != nil {
		return nil, err
	}
	e.stand.Store(&stand{base: v})
	return e, nil
}

// slots bounds what is in flight. A mapping is quick, but its slot also waits for the
// group commit, so there are more of them than processors; the others wait for a vendor.
func (e *Engine) slots(topic string) int {
	kind, name, _ := strings.Cut(topic, "/")
	for _, v := range e.stand.Load().programs() {
		switch c := v.conns[name]; {
		case c == nil:
		case kind == bus.Records:
			return 128
		default:
			return c.Slots
		}
	}
	return 1
}

func (e *Engine) batchers(c *connection) {
	for i := range c.Connector.Operations {
		op := &c.Connector.Operations[i]
		c.sends[op.Name] = newBatcher(op.Batch, op.Linger, e.sendBatch(c, op))
	}
	for i := range c.Connector.Streams {
		s := &c.Connector.Streams[i]
		if s.Hints || s.Complete {
			c.fetches[s.Name] = newBatcher(s.FetchBatch, 2*time.Millisecond, e.fetchBatch(c, s))
		}
	}
}

// Start loads what is unfinished and runs the stages until Stop.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.restoreGates(ctx); err != nil {
		return fmt.Errorf("reading the gates: %w", err)
	}
	n, err := e.bus.Load(ctx)
	if err != nil {
		return fmt.Errorf("reading what is unfinished: %w", err)
	}
	e.opt.Log.Info("unfinished work loaded", zap.Int("rows", n))
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Minute}, bus.Logger(e.opt.Log))
	if err != nil {
		return err
	}
	router.AddMiddleware(middleware.CorrelationID, middleware.Recoverer)
	e.mu.Lock()
	e.router = router
	e.mu.Unlock()
	for _, v := range e.stand.Load().programs() {
		e.handle(v.conns)
	}
	go func() {
		defer close(e.done)
		e.runErr = router.Run(context.WithoutCancel(ctx))
	}()
	select {
	case <-router.Running():
		return nil
	case <-e.done:
		return e.runErr
	}
}

// handle adds the stages of connections that have none yet. A handler takes the program
// in force for its message once (see swap.go), so it outlives every program.
func (e *Engine) handle(conns map[string]*connection) (added bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	add := func(kind, name string, root func(ctx context.Context, id int64) (int64, error), h func(*Engine, *connection) message.NoPublishHandlerFunc) {
		if e.handling[kind+"-"+name] {
			return
		}
		e.handling[kind+"-"+name], added = true, true
		e.router.AddConsumerHandler(kind+"-"+name, bus.Topic(kind, name), e.bus, func(msg *message.Message) error {
			r, err := root(msg.Context(), bus.ID(msg))
			if err != nil {
				return err
			}
			v, leave := e.enter(r)
			defer leave()
			c := v.conns[name]
			if c == nil {
				return fmt.Errorf("no program has the connection %s any more", name)
			}
			return h(v, c)(msg)
		})
	}
	for name, c := range conns {
		add(bus.Records, name, e.rootOfRecord, (*Engine).handleRecord)
		if c.fetcher != nil {
			// A fetch belongs to no program but the one in force: nothing is mapped yet.
			add(bus.Hints, name, func(context.Context, int64) (int64, error) { return noRoot, nil }, (*Engine).handleHint)
		}
		if c.sink != nil {
			add(bus.Deliveries, name, e.rootOfDelivery, (*Engine).handleDelivery)
		}
	}
	return added
}

func (e *Engine) rootOfRecord(ctx context.Context, id int64) (int64, error) {
	r, err := e.opt.Ledger.Record(ctx, id)
	if err != nil {
		return 0, err
	}
	return r.Root, nil
}

func (e *Engine) rootOfDelivery(ctx context.Context, id int64) (int64, error) {
	d, err := e.opt.Ledger.Delivery(ctx, id)
	if err != nil {
		return 0, err
	}
	return d.Root, nil
}

// Stop ends intake of new work, drains what is in flight and closes the stages. What is
// waiting stays in the ledger.
func (e *Engine) Stop() error {
	e.mu.Lock()
	router := e.router
	e.mu.Unlock()
	if router == nil {
		return nil
	}
	err := router.Close()
	<-e.done
	return err
}

func (e *Engine) connection(name string) (*connection, error) {
	c := e.connections()[name]
	if c == nil {
		return nil, fmt.Errorf("there is no connection %q", name)
	}
	return c, nil
}

// flowOf returns the flow that a step belongs to: two of one name may stand side by side
// while the older one drains.
func (e *Engine) flowOf(s *flow.Step) *flow.Flow {
	p := e.current()
	of := func(f *flow.Flow) bool { return f != nil && s.Index < len(f.Steps) && f.Steps[s.Index] == s }
	if f := p.flows[s.Flow]; of(f) {
		return f
	}
	for _, f := range p.retired {
		if of(f) {
			return f
		}
	}
	return nil
}

func (e *Engine) flowsOf(connection, stream string) []*flow.Flow {
	return e.current().takes[flow.Source{Connection: connection, Stream: stream}]
}

// step returns the step that a delivery was made by, or the one that stands for it now.
func (e *Engine) step(d *ledger.Delivery) *flow.Step {
	p := e.current()
	if f := p.flows[d.Flow]; f != nil {
		if s := f.StepNamed(d.Step); s != nil {
			return s
		}
	}
	for _, f := range p.retired {
		if f.Name != d.Flow {
			continue
		}
		if s := f.StepNamed(d.Step); s != nil {
			return s
		}
	}
	return nil
}

// left takes a delivery that another unit ended out of its lane.
func (e *Engine) left(connection string, root, delivery int64) {
	e.bus.Queue(bus.Topic(bus.Deliveries, connection)).Done(ledger.LaneHash(connection, root), delivery)
}

// leftAnywhere is left for a delivery whose connection is not at hand.
func (e *Engine) leftAnywhere(ctx context.Context, root, delivery int64) {
	d, err := e.opt.Ledger.Delivery(ctx, delivery)
	if err != nil {
		return // it stays in its lane and leaves it at its turn
	}
	e.left(d.Connection, root, delivery)
}

// Backlog is how much waits to be fetched or mapped.
func (e *Engine) Backlog() int {
	n := 0
	for name := range e.connections() {
		n += e.bus.Queue(bus.Topic(bus.Records, name)).Len() + e.bus.Queue(bus.Topic(bus.Hints, name)).Len()
	}
	return n
}

// Depth is how many ids wait under each topic.
func (e *Engine) Depth() map[string]int { return e.bus.Depth() }

// Connections names the engine's connections and whether each one's gate is closed.
func (e *Engine) Connections() map[string]bool {
	out := map[string]bool{}
	for name, c := range e.connections() {
		if !c.gone {
			out[name] = c.gates.isClosed("")
		}
	}
	return out
}

// Conn returns an opened connection, for reconciliation and health checks.
func (e *Engine) Conn(name string) (connectors.Connection, *connectors.Connector, bool) {
	c := e.connections()[name]
	if c == nil {
		return nil, nil, false
	}
	return c.Conn, c.Connector, true
}

// Flows returns the flows by name.
func (e *Engine) Flows() map[string]*flow.Flow { return e.current().flows }

// Take waits for the limits of a connection's vendor account, so that whoever else calls
// the vendor (reconciliation) counts with the engine.
func (e *Engine) Take(ctx context.Context, connection string, uses []connectors.Use) (release func(), err error) {
	c, err := e.connection(connection)
	if err != nil {
		return nil, err
	}
	release, wait, err := c.limits.Take(ctx, uses, 10*time.Minute)
	if err == nil && release == nil {
		err = fmt.Errorf("the vendor's limit is used up for another %s", wait.Round(time.Second))
	}
	return release, err
}
