package pipelines

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/limits"
)

// Program is everything that an apply replaces as a whole. Lanes, ledger, limits and
// gates are the engine's and outlive it.
type Program struct {
	Revision int64 // every document it maps says so
	// Connections whose Conn is the one that runs are not reopened.
	Connections []Connection
	Flows       []*flow.Flow
	Tables      mapper.Tables
	// Retired are flows of earlier revisions whose deliveries still drain. A swap adds
	// what it takes away itself.
	Retired []*flow.Flow
	// Gone are connections of earlier revisions that still have work; they take in nothing
	// new. A swap adds those too.
	Gone []Connection
}

// program is a Program in force. It never changes; a message takes it once at each stage
// and keeps it to the stage's end.
type program struct {
	made     Program
	revision int64
	conns    map[string]*connection
	flows    map[string]*flow.Flow
	takes    map[flow.Source][]*flow.Flow
	retired  []*flow.Flow // newest first
	tally    *tally

	users   atomic.Int64
	leaving atomic.Bool
	once    sync.Once
	drained chan struct{} // closed when nobody uses it any more
}

// stand is what is in force: one program, or two while a canary runs.
type stand struct {
	base   *Engine
	canary *Engine
	share  uint64 // of 10,000 roots
	before *tally // of the program that base replaced
}

// noRoot is what belongs to no root: it takes the base program.
const noRoot = 0

// shares is how finely roots are divided.
const shares = 10_000

// inShare says on which side of a canary a root stands. It depends on the root alone, so
// that one order stays on one side; the bits are mixed because partitions use them too.
func inShare(root int64, share uint64) bool {
	x := uint64(root) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x^x>>31)%shares < share
}

// pick returns the program for a root.
func (s *stand) pick(root int64) *Engine {
	if s.canary != nil && root != noRoot && inShare(root, s.share) {
		return s.canary
	}
	return s.base
}

// programs are what is in force, the base first.
func (s *stand) programs() []*Engine {
	if s.canary == nil {
		return []*Engine{s.base}
	}
	return []*Engine{s.base, s.canary}
}

// enter takes the program in force for a root; leave gives it back. Until then it is not
// torn down.
func (e *Engine) enter(root int64) (v *Engine, leave func()) {
	if e.program != nil {
		return e, func() {} // it was entered already
	}
	for {
		s := e.stand.Load()
		v = s.pick(root)
		v.users.Add(1)
		if e.stand.Load() == s {
			return v, v.leave
		}
		v.leave() // swapped in between
	}
}

func (p *program) leave() {
	if p.users.Add(-1) == 0 && p.leaving.Load() {
		p.once.Do(func() { close(p.drained) })
	}
}

// retire says that no stage takes the program any more.
func (p *program) retire() {
	p.leaving.Store(true)
	p.users.Add(1)
	p.leave()
}

// current is the program a call works with: its own, or the base in force.
func (e *Engine) current() *Engine {
	if e.program != nil {
		return e
	}
	return e.stand.Load().base
}

func (e *Engine) connections() map[string]*connection { return e.current().conns }

// programOf makes a program ready to be put in force. It changes nothing that runs.
func (e *Engine) programOf(p Program) (*Engine, error) {
	out := &program{made: p, revision: p.Revision, conns: map[string]*connection{}, flows: map[string]*flow.Flow{}, takes: map[flow.Source][]*flow.Flow{},
		retired: p.Retired, drained: make(chan struct{})}
	for _, c := range p.Connections {
		if out.conns[c.Name] != nil {
			return nil, fmt.Errorf("connection %s is there twice", c.Name)
		}
		out.conns[c.Name] = e.connectionOf(c)
	}
	for _, c := range p.Gone {
		if out.conns[c.Name] == nil {
			left := *e.connectionOf(c)
			left.gone = true
			out.conns[c.Name] = &left
		}
	}
	for _, f := range p.Flows {
		out.flows[f.Name] = f
		for _, s := range f.Sources {
			out.takes[s] = append(out.takes[s], f)
		}
	}
	out.tally = newTally(p.Revision, append(slices.Clone(p.Flows), p.Retired...))
	v := &Engine{opt: e.opt, bus: e.bus, core: e.core, program: out}
	v.opt.Tables = p.Tables
	return v, nil
}

// accountOf names the vendor account whose limits a connection takes.
func accountOf(c Connection) string {
	if c.Account == "" {
		return c.Connector.Name + "/" + c.Name
	}
	return c.Connector.Name + "/" + c.Account
}

// connectionOf returns the connection that runs when nothing about it has changed, else
// a new one that keeps gates, limits and turns.
func (e *Engine) connectionOf(c Connection) *connection {
	keeps := e.lastingOf(c.Name)
	e.mu.Lock()
	account := accountOf(c)
	set := e.accounts[account]
	if set == nil {
		set = limits.New(c.Connector.Limits, c.Limits, e.opt.Now)
		e.accounts[account] = set
	}
	e.mu.Unlock()
	out := newConnection(c, set, keeps)
	if s := e.stand.Load(); s != nil {
		for _, v := range s.programs() {
			if v.conns[c.Name] == nil {
				continue
			}
			if runs := v.conns[c.Name]; runs.limits == set && !runs.gone && sameConnection(runs.Connection, out.Connection) {
				return runs
			}
		}
	}
	e.batchers(out)
	return out
}

// lastingOf is what a connection's name keeps over every swap.
func (e *Engine) lastingOf(name string) *lasting {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lasting[name] == nil {
		e.lasting[name] = newLasting()
	}
	return e.lasting[name]
}

// sameConnection reports whether a connection may go on as it runs.
func sameConnection(a, b Connection) bool {
	if a.Conn != nil && b.Conn != nil {
		if t := reflect.TypeOf(a.Conn); t != reflect.TypeOf(b.Conn) || !t.Comparable() || a.Conn != b.Conn {
			return false
		}
	}
	a.Conn, b.Conn = nil, nil
	same := a.Connector == b.Connector
	a.Connector, b.Connector = nil, nil
	return same && reflect.DeepEqual(a, b)
}
