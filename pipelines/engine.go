package pipelines

import (
	"context"
	"fmt"
	"regexp"
	"sync"
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
)

// Options is what an engine is built from.
type Options struct {
	Ledger      ledger.Ledger
	Connections []Connection
	Flows       []*flow.Flow
	Tables      mapper.Tables // lookup tables: files with the ledger's entries over them
	// Checks are further rules of canonical documents by entity: totals that add up.
	Checks map[string]func(doc any) error
	Retry  Retry
	// MaxBacklog is how many records and hints may wait before pulls slow down and
	// webhooks are told to come later; 0 = 20,000.
	MaxBacklog int
	// MaxBody bounds an inbound body; 0 = 2 MiB.
	MaxBody int64
	Log     *zap.Logger
	Now     func() time.Time
}

// Engine moves messages from sources to targets.
type Engine struct {
	opt   Options
	bus   *bus.Bus
	conns map[string]*connection
	flows map[string]*flow.Flow
	takes map[flow.Source][]*flow.Flow

	mu       sync.Mutex
	patterns map[string]*regexp.Regexp
	router   *message.Router
	done     chan struct{}
	runErr   error
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
	e := &Engine{opt: opt, conns: map[string]*connection{}, flows: map[string]*flow.Flow{}, takes: map[flow.Source][]*flow.Flow{},
		patterns: map[string]*regexp.Regexp{}, done: make(chan struct{})}
	accounts := map[string]*limits.Set{}
	for _, c := range opt.Connections {
		if e.conns[c.Name] != nil {
			return nil, fmt.Errorf("connection %s is there twice", c.Name)
		}
		account := c.Connector.Name + "/" + c.Account
		if c.Account == "" {
			account += c.Name
		}
		if accounts[account] == nil {
			accounts[account] = limits.New(c.Connector.Limits, c.Limits, opt.Now)
		}
		e.conns[c.Name] = newConnection(c, accounts[account])
	}
	for _, f := range opt.Flows {
		e.flows[f.Name] = f
		for _, s := range f.Sources {
			e.takes[s] = append(e.takes[s], f)
		}
	}
	e.bus = bus.New(bus.Options{Ledger: opt.Ledger, Log: opt.Log, Now: opt.Now, Slots: e.slots, Holds: e.keepsOrder})
	for _, c := range e.conns {
		e.batchers(c)
	}
	return e, nil
}

// slots bounds what is in flight. A mapping is quick, but its slot also waits for the
// group commit, so there are more of them than processors; the others wait for a vendor.
func (e *Engine) slots(topic string) int {
	for name, c := range e.conns {
		switch topic {
		case bus.Topic(bus.Records, name):
			return 128
		case bus.Topic(bus.Hints, name), bus.Topic(bus.Deliveries, name):
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
		if s.Hints {
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
	for name, c := range e.conns {
		add := func(kind string, h message.NoPublishHandlerFunc) {
			router.AddConsumerHandler(kind+"-"+name, bus.Topic(kind, name), e.bus, h)
		}
		add(bus.Records, e.handleRecord(c))
		if c.fetcher != nil {
			add(bus.Hints, e.handleHint(c))
		}
		if c.sink != nil {
			add(bus.Deliveries, e.handleDelivery(c))
		}
	}
	e.router = router
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

// Stop ends intake of new work, drains what is in flight and closes the stages. What is
// waiting stays in the ledger.
func (e *Engine) Stop() error {
	if e.router == nil {
		return nil
	}
	err := e.router.Close()
	<-e.done
	return err
}

func (e *Engine) connection(name string) (*connection, error) {
	c := e.conns[name]
	if c == nil {
		return nil, fmt.Errorf("there is no connection %q", name)
	}
	return c, nil
}

func (e *Engine) flow(name string) *flow.Flow { return e.flows[name] }

func (e *Engine) flowsOf(connection, stream string) []*flow.Flow {
	return e.takes[flow.Source{Connection: connection, Stream: stream}]
}

func (e *Engine) step(d *ledger.Delivery) *flow.Step {
	f := e.flows[d.Flow]
	if f == nil {
		return nil
	}
	return f.StepNamed(d.Step)
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
	for name := range e.conns {
		n += e.bus.Queue(bus.Topic(bus.Records, name)).Len() + e.bus.Queue(bus.Topic(bus.Hints, name)).Len()
	}
	return n
}

// Depth is how many ids wait under each topic.
func (e *Engine) Depth() map[string]int { return e.bus.Depth() }

// Connections names the engine's connections and whether each one's gate is closed.
func (e *Engine) Connections() map[string]bool {
	out := map[string]bool{}
	for name, c := range e.conns {
		out[name] = c.gates.isClosed("")
	}
	return out
}

// Conn returns an opened connection, for reconciliation and health checks.
func (e *Engine) Conn(name string) (connectors.Connection, *connectors.Connector, bool) {
	c := e.conns[name]
	if c == nil {
		return nil, nil, false
	}
	return c.Conn, c.Connector, true
}

// Flows returns the flows by name.
func (e *Engine) Flows() map[string]*flow.Flow { return e.flows }

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
