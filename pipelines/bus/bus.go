// Package bus is Watermill's Publisher and Subscriber over the ledger. The ledger's
// unfinished rows are the queue; a topic holds their ids in lanes. Publishing commits
// a record before it returns, an ack moves the lane only after the stage's result is
// committed, a nack gives the same message again (Invariant 2).
//
// Topics are records/CONNECTION, hints/CONNECTION and deliveries/CONNECTION.
package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/lanes"
	"github.com/minihub/minihub/pipelines/ledger"
)

// The kinds of a topic.
const (
	Records    = "records"
	Hints      = "hints"
	Deliveries = "deliveries"
)

// Topic names the topic of a kind and a connection.
func Topic(kind, connection string) string { return kind + "/" + connection }

// Metadata keys that the bus sets on a message.
const (
	metaID     = "minihub_id"
	metaBehind = "minihub_behind"
	metaProbe  = "minihub_probe"
	metaNext   = "minihub_next"
)

const (
	nextSettled = "settled"
	nextHold    = "hold"
)

// Options of a Bus.
type Options struct {
	Ledger ledger.Ledger
	Log    *zap.Logger
	Now    func() time.Time
	// Slots is how many messages of a topic may be in flight; nil means 32 for each.
	Slots func(topic string) int
	// Holds says which operation's blocked deliveries keep their lane closed; nil means
	// none.
	Holds func(connection, operation string) bool
	// Drain is how long a close, or the end of a subscription, waits for what is in
	// flight before the messages' contexts end; 0 = 1 min.
	Drain time.Duration
	// Backoff is the wait after the n-th nack of a message; nil doubles from 50 ms to 30 s.
	Backoff func(n int) time.Duration
}

// Bus is safe for concurrent use.
type Bus struct {
	opt Options

	enqueued atomic.Int64 // how often; see Idle

	mu     sync.Mutex
	topics map[string]*topic
	closed bool
	ending context.Context
	end    context.CancelFunc
	wg     sync.WaitGroup
}

type topic struct {
	name, kind, connection string
	queue                  *lanes.Queue

	mu    sync.Mutex
	nacks map[int64]int
}

// New returns a bus without subscribers; what Enqueue is given before a subscriber
// comes waits in memory.
func New(opt Options) *Bus {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Slots == nil {
		opt.Slots = func(string) int { return 32 }
	}
	if opt.Backoff == nil {
		opt.Backoff = func(n int) time.Duration { return min(30*time.Second, 50*time.Millisecond<<min(n, 10)) }
	}
	if opt.Drain == 0 {
		opt.Drain = time.Minute
	}
	if opt.Holds == nil {
		opt.Holds = func(string, string) bool { return false }
	}
	b := &Bus{opt: opt, topics: map[string]*topic{}}
	b.ending, b.end = context.WithCancel(context.Background())
	return b
}

// Load puts everything unfinished into its lanes: before the bus is subscribed to, and
// now and then as a safety net. It returns how much there is.
func (b *Bus) Load(ctx context.Context) (n int, err error) {
	err = b.opt.Ledger.Unfinished(ctx, func(p ledger.Pending) error {
		n++
		b.Enqueue(p)
		return nil
	})
	if err != nil {
		return n, err
	}
	return n, b.loadBlocked(ctx)
}

// loadBlocked puts the blocked deliveries that keep their lanes closed into them.
func (b *Bus) loadBlocked(ctx context.Context) error {
	const page = 1000
	f := ledger.Filter{States: []string{string(ledger.Blocked)}, Limit: page}
	for {
		rows, err := b.opt.Ledger.Deliveries(ctx, f)
		if err != nil {
			return err
		}
		for i := range rows {
			d := &rows[i]
			if b.opt.Holds(d.Connection, d.Operation) {
				b.Enqueue(ledger.Pending{Kind: "delivery", ID: d.ID, Connection: d.Connection, Source: d.Source, Root: d.Root, State: d.State})
			}
			f.After = d.ID
		}
		if len(rows) < page {
			return nil
		}
	}
}

// Enqueue puts a committed row into its lane.
func (b *Bus) Enqueue(p ledger.Pending) {
	b.enqueued.Add(1)
	switch p.Kind {
	case "hint":
		b.topic(Topic(Hints, p.Connection)).queue.Add(p.Connection, uint64(p.ID), p.ID, p.NextAt, false)
	case "record":
		b.topic(Topic(Records, p.Connection)).queue.Add(p.Connection, uint64(p.Root), p.ID, p.NextAt, false)
	case "delivery":
		q := b.topic(Topic(Deliveries, p.Connection)).queue
		lane := ledger.LaneHash(p.Connection, p.Root)
		if !ordered {
			lane += uint64(p.ID)
		}
		at := p.NextAt
		switch p.State {
		case ledger.Ready, ledger.Parked, ledger.Blocked:
			// What holds its lane takes its place in it by id, and says so at its turn.
			at = time.Time{}
		}
		begun := p.State == ledger.Sending || p.State == ledger.Unknown || p.State == ledger.Accepted
		q.Add(p.Source, lane, p.ID, at, begun)
	}
}

// Queue returns the lanes of a topic, for gates and depth.
func (b *Bus) Queue(name string) *lanes.Queue { return b.topic(name).queue }

// Depth returns how many ids wait under each topic.
func (b *Bus) Depth() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]int, len(b.topics))
	for name, t := range b.topics {
		out[name] = t.queue.Len()
	}
	return out
}

// Idle reports whether nothing waits under any topic. What moves from one topic to the
// next enters that before it leaves the one: a count without an entry meanwhile has
// missed nothing.
func (b *Bus) Idle() bool {
	before := b.enqueued.Load()
	for _, n := range b.Depth() {
		if n > 0 {
			return false
		}
	}
	return b.enqueued.Load() == before
}

func (b *Bus) topic(name string) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[name]
	if t == nil {
		kind, connection, _ := strings.Cut(name, "/")
		t = &topic{name: name, kind: kind, connection: connection, queue: lanes.New(b.opt.Now), nacks: map[int64]int{}}
		b.topics[name] = t
	}
	return t
}

// Publish stores messages as records of the topic's connection, one by one key: UUID
// is the record key, the payload its exact bytes, the metadata its headers. It returns
// when all are durable.
func (b *Bus) Publish(name string, msgs ...*message.Message) error {
	t := b.topic(name)
	if t.kind != Records {
		return fmt.Errorf("bus: messages can be published to %s topics only, not to %q: deliveries are made by flows", Records, name)
	}
	in := &ledger.Intake{Connection: t.connection, Stream: "messages"}
	now := b.opt.Now()
	for _, m := range msgs {
		in.Items = append(in.Items, &ledger.IntakeItem{
			Entity: "message", Key: m.UUID, RootEnt: "message", RootKey: m.UUID,
			FetchedAt: now, Body: m.Payload, Headers: m.Metadata,
		})
	}
	ctx := b.ending
	if len(msgs) > 0 {
		ctx = msgs[0].Context()
	}
	if err := b.opt.Ledger.Commit(ctx, in); err != nil {
		return fmt.Errorf("bus: publish to %s: %w", name, err)
	}
	for _, it := range in.Items {
		if it.Outcome == "new" {
			b.Enqueue(ledger.Pending{Kind: "record", ID: it.ID, Connection: t.connection,
				Root: ledger.RootHash(t.connection, it.RootEnt, it.RootKey)})
		}
	}
	return nil
}

// Subscribe hands out the topic's messages until ctx ends or the bus is closed. The
// messages have a context of their own: a close drains what is in flight, for as long as
// Options.Drain.
func (b *Bus) Subscribe(ctx context.Context, name string) (<-chan *message.Message, error) {
	t := b.topic(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errors.New("bus: closed")
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.ending, cancel)
	out := make(chan *message.Message)
	var workers sync.WaitGroup
	for range b.opt.Slots(name) {
		workers.Go(func() { b.work(ctx, t, out) })
	}
	b.wg.Go(func() { // Close waits for the channel's end, too
		workers.Wait()
		stop()
		cancel()
		close(out)
	})
	return out, nil
}

// work hands out one message at a time and waits for its end: a slot.
func (b *Bus) work(ctx context.Context, t *topic, out chan<- *message.Message) {
	for {
		task, ok := t.queue.Next(ctx)
		if !ok {
			return
		}
		msg, err := b.message(t, task)
		if err != nil {
			b.opt.Log.Error("cannot read a queued row", zap.String("topic", t.name), zap.Int64("id", task.ID), zap.Error(err))
			b.again(t, task)
			continue
		}
		msgCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		msg.SetContext(msgCtx)
		select {
		case out <- msg:
		case <-ctx.Done():
			cancel()
			t.queue.Wait(task.Lane, task.ID, time.Time{})
			return
		}
		ended := b.await(ctx, t, task, msg)
		cancel()
		if !ended {
			return
		}
	}
}

// await waits for the end of a message that is in flight. Its result is in the ledger
// before it is acked, so one that is given up at a close loses nothing: it comes again.
func (b *Bus) await(ctx context.Context, t *topic, task lanes.Task, msg *message.Message) (ended bool) {
	closing := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case <-msg.Acked():
			if err := b.acked(msg.Context(), t, task, msg); err != nil {
				b.opt.Log.Error("an ack could not be committed", zap.String("topic", t.name), zap.Error(err))
				b.again(t, task)
			}
			return true
		case <-msg.Nacked():
			b.again(t, task)
			return true
		case <-closing:
			closing = nil
			timer := time.NewTimer(b.opt.Drain)
			defer timer.Stop()
			late = timer.C
		case <-late:
			t.queue.Wait(task.Lane, task.ID, time.Time{})
			return false
		}
	}
}

func (b *Bus) message(t *topic, task lanes.Task) (*message.Message, error) {
	var msg *message.Message
	switch t.kind {
	case Records:
		rec, err := b.opt.Ledger.Record(b.ending, task.ID)
		if err != nil {
			return nil, err
		}
		body, err := b.opt.Ledger.Payload(b.ending, rec.Payload)
		if err != nil && !rec.Deleted {
			return nil, err
		}
		msg = message.NewMessage(rec.DocKey.Key, body)
		for k, v := range rec.Headers {
			msg.Metadata.Set(k, v)
		}
	default:
		msg = message.NewMessage(t.kind+"-"+strconv.FormatInt(task.ID, 10), nil)
	}
	msg.Metadata.Set(metaID, strconv.FormatInt(task.ID, 10))
	if task.Behind > 0 {
		msg.Metadata.Set(metaBehind, strconv.Itoa(task.Behind))
	}
	if task.Probe {
		msg.Metadata.Set(metaProbe, "1")
	}
	return msg, nil
}

// acked moves the lane as the stage said. A record that nobody settled was consumed by
// a plain Watermill handler: it ends without a target.
func (b *Bus) acked(ctx context.Context, t *topic, task lanes.Task, msg *message.Message) error {
	t.mu.Lock()
	delete(t.nacks, task.ID)
	t.mu.Unlock()
	switch next := msg.Metadata.Get(metaNext); next {
	case nextSettled:
	case nextHold:
		t.queue.Pause(task.Lane, task.ID)
		return nil
	case "":
		if t.kind == Records {
			if err := b.opt.Ledger.Commit(ctx, &ledger.Route{Record: task.ID, To: ledger.RecordNoTarget}); err != nil {
				return err
			}
		}
	default:
		ms, err := strconv.ParseInt(next, 10, 64)
		if err != nil {
			return fmt.Errorf("bus: metadata %s: %w", metaNext, err)
		}
		t.queue.Wait(task.Lane, task.ID, time.UnixMilli(ms))
		return nil
	}
	t.queue.Done(task.Lane, task.ID)
	return nil
}

func (b *Bus) again(t *topic, task lanes.Task) {
	t.mu.Lock()
	t.nacks[task.ID]++
	n := t.nacks[task.ID]
	t.mu.Unlock()
	t.queue.Wait(task.Lane, task.ID, b.opt.Now().Add(b.opt.Backoff(n)))
}

// Close ends intake and waits for what is in flight; it may be called twice.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.wg.Wait()
	return nil
}

// ID returns the ledger id a message stands for.
func ID(msg *message.Message) int64 {
	id, _ := strconv.ParseInt(msg.Metadata.Get(metaID), 10, 64)
	return id
}

// Behind reports how many ids stand behind the message in its lane.
func Behind(msg *message.Message) int {
	n, _ := strconv.Atoi(msg.Metadata.Get(metaBehind))
	return n
}

// Probe reports whether the message is the one let through a closed gate.
func Probe(msg *message.Message) bool { return msg.Metadata.Get(metaProbe) != "" }

// Settled says that the stage's result is committed and the lane may go on.
func Settled(msg *message.Message) { msg.Metadata.Set(metaNext, nextSettled) }

// Later puts the message back to the head of its lane until at.
func Later(msg *message.Message, at time.Time) {
	msg.Metadata.Set(metaNext, strconv.FormatInt(at.UnixMilli(), 10))
}

// Hold keeps the lane closed behind the message until it is woken.
func Hold(msg *message.Message) { msg.Metadata.Set(metaNext, nextHold) }
