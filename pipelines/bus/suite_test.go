package bus_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// onRecords gives the suite the topics of the engine's own table of records: each of its
// topics is a connection.
type onRecords struct{ *bus.Bus }

func (o onRecords) Publish(topic string, msgs ...*message.Message) error {
	return o.Bus.Publish(bus.Topic(bus.Records, topic), msgs...)
}

func (o onRecords) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	return o.Bus.Subscribe(ctx, bus.Topic(bus.Records, topic))
}

func openLedger(t *testing.T) ledger.Ledger {
	t.Helper()
	led, err := sqlledger.Open(context.Background(), sqlledger.Options{
		URL: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), Secret: []byte("test secret of 32 bytes, invented")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := led.Close(); err != nil {
			t.Error(err)
		}
	})
	return led
}

// newBus is what a start of the hub does: the unfinished rows are what it delivers.
func newBus(t *testing.T, led ledger.Ledger) *bus.Bus {
	t.Helper()
	b := bus.New(bus.Options{Ledger: led, Log: zap.NewNop(), Drain: 10 * time.Millisecond})
	if _, err := b.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWatermillSuite is Watermill's own suite of what a Pub/Sub is. Not promised, and
// therefore waived:
//   - consumer groups, and old messages for new subscribers: a record is mapped once, by
//     one engine;
//   - one order for a whole topic: order is kept within a root, so that lanes need not
//     wait for one another (TestOrderWithinARoot);
//   - exactly-once delivery: a message comes again after a crash, and the stage's mark in
//     the ledger makes that harmless;
//   - several instances at once: one process owns a store;
//   - the publisher's context: a message outlives the process that published it;
//   - reconnecting: there is no broker; a ledger that is lost ends the process.
func TestWatermillSuite(t *testing.T) {
	led := openLedger(t)
	make := func(t *testing.T) (message.Publisher, message.Subscriber) {
		b := onRecords{newBus(t, led)}
		return b, b
	}
	t.Run("suite", func(t *testing.T) {
		tests.TestPubSub(t, tests.Features{Persistent: true, RequireSingleInstance: true, ForceShort: true}, make,
			func(t *testing.T, _ string) (message.Publisher, message.Subscriber) { return make(t) })
	})
}

// TestOrderWithinARoot: versions of one record come one after another, each only when
// the one before is acked, while another record's go their own way.
func TestOrderWithinARoot(t *testing.T) {
	led := openLedger(t)
	b := newBus(t, led)
	topic := bus.Topic(bus.Records, "shop")
	for i := range 5 {
		for _, key := range []string{"a", "b"} {
			if err := b.Publish(topic, message.NewMessage(key, []byte{'0' + byte(i)})); err != nil {
				t.Fatal(err)
			}
		}
	}
	msgs, err := b.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	flying := map[string]*message.Message{}
	got := map[string]string{}
	for len(got["a"])+len(got["b"]) < 10 {
		m := <-msgs
		if flying[m.UUID] != nil {
			t.Fatalf("%s came while its predecessor was in flight", m.UUID)
		}
		flying[m.UUID] = m
		got[m.UUID] += string(m.Payload)
		if len(flying) == 2 || len(got["a"])+len(got["b"]) > 8 {
			for key, m := range flying {
				m.Ack()
				delete(flying, key)
			}
		}
	}
	if got["a"] != "01234" || got["b"] != "01234" {
		t.Fatalf("they came as %v", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsUnfinishedComesAgainAfterACrash(t *testing.T) {
	led := openLedger(t)
	b := newBus(t, led)
	topic := bus.Topic(bus.Records, "shop")
	for _, key := range []string{"a", "b"} {
		if err := b.Publish(topic, message.NewMessage(key, []byte(key))); err != nil {
			t.Fatal(err)
		}
	}
	msgs, err := b.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	first, second := <-msgs, <-msgs
	first.Ack()
	third := make(chan struct{})
	go func() { // the second is never acked: Close gives it up
		<-second.Context().Done()
		close(third)
	}()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	<-third
	again := newBus(t, led)
	msgs, err = again.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if m := <-msgs; m.UUID != second.UUID {
		t.Fatalf("%s came again, want %s", m.UUID, second.UUID)
	} else {
		m.Ack()
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyRecordsCanBePublished(t *testing.T) {
	b := newBus(t, openLedger(t))
	if err := b.Publish(bus.Topic(bus.Deliveries, "oms"), message.NewMessage("a", nil)); err == nil {
		t.Fatal("a delivery was published: flows make them")
	}
}
