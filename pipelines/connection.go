package pipelines

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/limits"
	"github.com/minihub/minihub/schemas/codec"
)

// Connection is an opened connection as the engine is given it.
type Connection struct {
	Name      string
	Connector *connectors.Connector
	Conn      connectors.Connection
	Account   string // connections of one vendor account share limits; empty = the name
	Store     map[string]any
	Mode      flow.Mode
	// Limits multiplies the declared request counts, for accounts with a larger
	// allowance; 0 = 1.
	Limits float64
	// Start is where a pull of a stream begins when there is no cursor yet.
	Start time.Time
	// Slots is how many deliveries, fetches or mappings may be in flight; 0 = 32, or
	// two of the largest batch.
	Slots int
	// Recheck asks the target before any send of an ask-first operation: go-live over
	// old data, or after a restore.
	Recheck bool
}

// connection is a Connection at run time.
type connection struct {
	Connection
	limits *limits.Set

	source   connectors.Source
	fetcher  connectors.Fetcher
	acker    connectors.Acker
	decoder  connectors.Decoder
	receiver connectors.Receiver
	sink     connectors.Sink
	looker   connectors.Looker
	poller   connectors.Poller
	querier  connectors.Querier

	sends   map[string]*batcher[*outgoing] // by operation
	fetches map[string]*batcher[*fetching] // by stream
	// gone says that the running program no longer has the connection: what is left of it
	// drains, nothing new is taken in.
	gone bool
	*lasting
}

// lasting is what a name keeps when a swap replaces its connection.
type lasting struct {
	gates    gates
	intake   intakeCounts
	health   health
	mu       sync.Mutex
	failures int                      // connection-wide failures in a row
	pulls    map[string]chan struct{} // whose turn it is to move a cursor
}

func newLasting() *lasting {
	return &lasting{gates: gates{states: map[string]*gateState{}}, pulls: map[string]chan struct{}{}}
}

func newConnection(c Connection, set *limits.Set, keeps *lasting) *connection {
	if c.Account == "" {
		c.Account = c.Name
	}
	if c.Slots == 0 {
		c.Slots = 32
		for i := range c.Connector.Operations {
			// One batch is under way while the next one fills.
			c.Slots = max(c.Slots, min(2*c.Connector.Operations[i].Batch, 1024))
		}
	}
	if c.Mode == "" {
		c.Mode = flow.On
	}
	out := &connection{Connection: c, limits: set, sends: map[string]*batcher[*outgoing]{}, fetches: map[string]*batcher[*fetching]{}, lasting: keeps}
	out.source, _ = c.Conn.(connectors.Source)
	out.fetcher, _ = c.Conn.(connectors.Fetcher)
	out.acker, _ = c.Conn.(connectors.Acker)
	out.decoder, _ = c.Conn.(connectors.Decoder)
	out.receiver, _ = c.Conn.(connectors.Receiver)
	out.sink, _ = c.Conn.(connectors.Sink)
	out.looker, _ = c.Conn.(connectors.Looker)
	out.poller, _ = c.Conn.(connectors.Poller)
	out.querier, _ = c.Conn.(connectors.Querier)
	return out
}

// succeeded resets the run of failures.
func (c *connection) succeeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = 0
}

// failed counts a connection-wide failure and returns how many there were in a row.
func (c *connection) failed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures++
	return c.failures
}

// pulling waits until nobody else in this process moves the cursor: a job and a person may
// pull the same stream at once.
func (c *connection) pulling(ctx context.Context, cursor string) (free func(), err error) {
	c.mu.Lock()
	turn := c.pulls[cursor]
	if turn == nil {
		turn = make(chan struct{}, 1)
		c.pulls[cursor] = turn
	}
	c.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// decode reads a stored document of a stream as a tree.
func (c *connection) decode(stream string, body []byte) (any, error) {
	if c != nil && c.decoder != nil {
		return c.decoder.Decode(stream, body)
	}
	return codec.Decode(body)
}
