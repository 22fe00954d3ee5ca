package external

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// The times of a program's life.
const (
	startWithin = 20 * time.Second // for initialize and open together
	closeWithin = 5 * time.Second  // for the answer to close
	cancelGrace = time.Second      // for the true answer of a call that was cancelled
	backoffBase = 100 * time.Millisecond
	backoffMost = 30 * time.Second
	settled     = time.Minute // a program that lived this long starts anew without a wait
	mostUnread  = 1000        // calls nobody waits for any more and that have no answer
)

// connection is one opened account, served by a program that is started again when it
// has ended.
type connection struct {
	program *program
	open    wire.Open
	log     *zap.Logger
	vault   connectors.Vault
	scrub   scrubber
	turn    chan struct{} // whoever holds it may start the program
	closing context.Context
	stop    context.CancelFunc
	others  sync.WaitGroup // callbacks and watchers

	seq    atomic.Int64
	unread atomic.Int64

	mu        sync.Mutex
	current   *process
	able      []string
	failures  int
	startedAt time.Time
	notBefore time.Time
	lastWhy   string
	shut      bool            // nothing is spawned any more
	batches   map[int64]batch // by the id of their deliver
}

// batch is a deliver under way, for the progress of its deliveries.
type batch struct {
	ctx        context.Context
	deliveries []connectors.Delivery
}

func newConnection(p *program, cfg connectors.Config, env connectors.Env) *connection {
	c := &connection{program: p, log: env.Log, vault: env.Vault, turn: make(chan struct{}, 1), batches: map[int64]batch{}}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	c.closing, c.stop = context.WithCancel(context.Background())
	c.open = wire.Open{Connection: env.Name, LogLevel: min(c.log.Level(), zapcore.ErrorLevel).String(), Config: wire.Values{
		Text: map[string]string{}, Secrets: map[string]string{}, Maps: map[string]map[string]string{}}}
	for _, f := range p.connector.Config {
		switch f.Kind {
		case connectors.FieldSecret:
			if s := cfg.Secret(f.Name); !s.Empty() {
				c.open.Config.Secrets[f.Name] = s.Reveal()
				c.scrub.learn(s.Reveal())
			}
		case connectors.FieldMap:
			if m := cfg.Map(f.Name); m != nil {
				c.open.Config.Maps[f.Name] = m
			}
		default:
			if s := cfg.String(f.Name); s != "" {
				c.open.Config.Text[f.Name] = s
			}
		}
	}
	return c
}

// running returns a program that takes calls, starting one if need be.
func (c *connection) running(ctx context.Context) (*process, *connectors.Error) {
	if p := c.alive(); p != nil {
		return p, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, before(CodeCancelled, "the call ended while the program was being started", 0, nil)
	}
	if p := c.alive(); p != nil {
		return p, nil
	}
	if c.closing.Err() != nil {
		return nil, before(CodeClosed, "the connection is closed", 0, nil)
	}
	if e := c.bury(ctx); e != nil {
		return nil, e
	}
	c.mu.Lock()
	wait, why := time.Until(c.notBefore), c.lastWhy
	c.mu.Unlock()
	if wait > 0 {
		e := before(CodeDown, "the program ended and is started again after a wait: "+why, wait, nil)
		e.Hint = "its standard error is in the hub's log"
		return nil, e
	}
	p, err := c.begin(ctx)
	if err != nil {
		c.failed(err.Error(), time.Now())
		return nil, err
	}
	return p, nil
}

func (c *connection) alive() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.current.alive() {
		return c.current
	}
	return nil
}

// bury waits for the end of a program that takes no more calls, and notes why it ended.
func (c *connection) bury(ctx context.Context) *connectors.Error {
	c.mu.Lock()
	p := c.current
	c.mu.Unlock()
	if p == nil {
		return nil
	}
	select {
	case <-p.gone:
	case <-ctx.Done():
		return before(CodeDown, "the program is ending", backoffBase, nil)
	}
	c.failed(p.reason(), p.died)
	c.mu.Lock()
	c.current = nil
	c.mu.Unlock()
	return nil
}

// failed notes an end of the program and sets when it may be started again.
func (c *connection) failed(why string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.startedAt.IsZero() && at.Sub(c.startedAt) > settled {
		c.failures = 0
	}
	c.startedAt = time.Time{}
	c.lastWhy = c.scrub.text(cut(why))
	c.notBefore = at.Add(min(backoffMost, backoffBase<<min(c.failures, 20)))
	c.failures++
}

// spawn runs f in a goroutine that Close waits for; nothing is begun after it.
func (c *connection) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return false
	}
	c.others.Go(f)
	return true
}

// rest waits for all that was spawned.
func (c *connection) rest() {
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	c.others.Wait()
}

// begin starts the program and opens the connection in it.
func (c *connection) begin(ctx context.Context) (*process, *connectors.Error) {
	ctx, done := context.WithTimeout(ctx, startWithin)
	defer done()
	defer context.AfterFunc(c.closing, done)()
	last := &lastLine{}
	p, err := start(c.program.spec, &callbacks{c: c, slots: make(chan struct{}, 16)}, func(line string) {
		last.keep(c.scrub.text(line))
		c.log.Info("the program says", zap.String("stderr", c.scrub.text(line)))
	})
	if err != nil {
		e := before(CodeStart, "the program cannot be started", 0, errors.New(c.scrub.text(err.Error())))
		e.Hint = "look at command in connectors/" + c.program.connector.Name + ".yaml: relative paths start at the deployment's folder"
		return nil, e
	}
	able, cerr := c.greet(ctx, p)
	if cerr != nil {
		p.end(0, nil)
		<-p.gone
		if cerr.Code == CodeGone {
			cerr.Text += " (" + c.scrub.text(p.reason()) + ")" + last.text()
		}
		cerr.Sent = false // opening has no effect at the vendor's
		return nil, cerr
	}
	c.mu.Lock()
	c.current, c.able, c.startedAt = p, able, time.Now()
	c.mu.Unlock()
	c.unread.Store(0)
	c.spawn(func() {
		<-p.gone
		if c.closing.Err() == nil {
			c.log.Warn("the program ended", zap.String("why", c.scrub.text(p.reason())))
		}
	})
	return p, nil
}

// greet is the handshake: the same protocol, the same declaration, and every ability
// that the declaration needs.
func (c *connection) greet(ctx context.Context, p *process) ([]string, *connectors.Error) {
	var hello wire.Initialized
	if err := c.exchange(ctx, p, wire.MethodInitialize, wire.Initialize{Protocol: wire.Version, Name: c.program.connector.Name}, &hello); err != nil {
		return nil, err
	}
	if hello.Protocol != wire.Version {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: CodeStart,
			Text: "the program speaks protocol " + strconv.Itoa(hello.Protocol) + ", the hub speaks " + strconv.Itoa(wire.Version), Hint: "build the program for this hub"}
	}
	if diff := differences(c.program.connector, &hello.Declaration); len(diff) > 0 {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: CodeDeclaration,
			Text: "the program declares other than its description: " + strings.Join(diff, "; "),
			Hint: "write the description anew with `minihub connectors declare " + c.program.connector.Name + "`, then look at what it changes for the flows"}
	}
	var opened wire.Opened
	if err := c.exchange(ctx, p, wire.MethodOpen, c.open, &opened); err != nil {
		return nil, err
	}
	if lacks := missing(c.program.connector, opened.Abilities); lacks != "" {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: CodeAbility, Text: lacks,
			Hint: "the program names its abilities in its answer to open"}
	}
	return opened.Abilities, nil
}

// can says whether the program named an ability when it opened.
func (c *connection) can(ability string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.able {
		if a == ability {
			return true
		}
	}
	return false
}

// Close asks the program to close and waits for its end, killing it if need be.
func (c *connection) Close() error {
	c.stop()
	c.turn <- struct{}{} // no start is under way
	defer func() { <-c.turn }()
	c.mu.Lock()
	p := c.current
	c.current = nil
	c.mu.Unlock()
	if p == nil {
		c.rest()
		return nil
	}
	if p.alive() {
		ctx, done := context.WithTimeout(context.Background(), closeWithin)
		var nothing struct{}
		// A program that does not answer is ended all the same.
		if err := c.exchange(ctx, p, wire.MethodClose, struct{}{}, &nothing); err != nil && err.Code != CodeGone {
			c.log.Warn("the program did not close", zap.Error(err))
		}
		done()
	}
	p.end(endWithin, nil)
	<-p.gone
	c.rest()
	return nil
}
