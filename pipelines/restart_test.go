package pipelines_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// eachStore runs a test over SQLite and, where it is asked for and there is one, over
// PostgreSQL.
func eachStore(t *testing.T, both bool, test func(t *testing.T, store func(*world))) {
	t.Run("sqlite", func(t *testing.T) { test(t, func(*world) {}) })
	if !both {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		dsn := postgres(t)
		test(t, func(w *world) { w.store = dsn })
	})
}

// postgres makes a schema of its own in MINIHUB_TEST_POSTGRES, or in the server of this
// machine; without one the test is skipped, or fails where CI=true.
func postgres(t *testing.T) string {
	t.Helper()
	dsn, given := os.LookupEnv("MINIHUB_TEST_POSTGRES")
	if !given {
		dsn = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		if given || os.Getenv("CI") == "true" {
			t.Fatalf("PostgreSQL cannot be reached: %v", err)
		}
		t.Skip("no PostgreSQL: set MINIHUB_TEST_POSTGRES to a DSN")
	}
	var b [8]byte
	rand.Read(b[:])
	schema := "minihub_" + hex.EncodeToString(b[:])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			t.Errorf("drop schema: %v", err)
		}
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("MINIHUB_TEST_POSTGRES is not a URL")
	}
	q := u.Query()
	q.Set("schema", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// dying lets the test end the process while the first delivery is out: before its work
// is done, or after.
func dying(w *world, worked bool) (reached, release chan struct{}) {
	reached, release = make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
		if !once.CompareAndSwap(false, true) {
			return connectors.Result{}, false
		}
		if worked {
			w.target.take(op, d)
		}
		close(reached)
		<-release
		return connectors.Result{Outcome: connectors.Done}, true
	})
	return reached, release
}

func TestOneEffectThroughACrash(t *testing.T) {
	for _, c := range []struct {
		name, op string
		worked   bool
		want     string // the state in the end
		effects  int
		both     bool
	}{
		{"idempotent, before the work", "push", false, "delivered ", 1, false},
		{"idempotent, after the work", "push", true, "delivered ", 2, false}, // the target dedupes by the key
		{"ask-first, before the work", "create", false, "delivered ", 1, false},
		{"ask-first, after the work", "create", true, "delivered lookup.same", 1, true},
		{"upsert, after the work", "save", true, "delivered lookup.same", 1, false},
		{"one-shot, before the work", "ship", false, "parked unknown.one_shot", 0, true},
		{"one-shot, after the work", "ship", true, "delivered lookup.same", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachStore(t, c.both, func(t *testing.T, store func(*world)) {
				w := newWorld(t, flowTo(c.op), nil, store)
				reached, release := dying(w, c.worked)
				w.put(paid(1, 100))
				<-reached
				w.crash()
				close(release)
				w.comes(c.op + " T-1 " + c.want)
				w.wantCalls(slices.Repeat([]string{c.op + " T-1"}, c.effects)...)
			})
		})
	}
}

func TestAOneShotThatCannotBeAskedStaysUnknownThroughACrash(t *testing.T) {
	w := newWorld(t, flowTo("ship"), func(o *connectors.Operation) { o.Budget = 2 }, blindTarget)
	reached, release := dying(w, true)
	w.put(paid(1, 100))
	<-reached
	w.crash()
	close(release)
	w.comes("ship T-1 parked unknown.one_shot")
	w.put(paid(2, 200))
	w.comes("ship T-1 parked unknown.one_shot", "ship T-1 ready ")
	w.wantCalls("ship T-1")
}

// dead is a ledger whose process ends before a unit of the kind is written, or after.
type dead struct {
	ledger.Ledger
	die   func(ledger.Unit) bool
	after bool
	died  chan struct{}
	gone  atomic.Bool
}

func (d *dead) Commit(ctx context.Context, units ...ledger.Unit) error {
	if d.gone.Load() {
		return ledger.ErrClosed
	}
	hit := slices.ContainsFunc(units, d.die) && d.gone.CompareAndSwap(false, true)
	if hit && !d.after {
		close(d.died)
		return ledger.ErrClosed
	}
	err := d.Ledger.Commit(ctx, units...)
	if hit {
		close(d.died)
		return ledger.ErrClosed
	}
	return err
}

func unit[T ledger.Unit](u ledger.Unit) bool { _, is := u.(T); return is }

func TestACrashAtEveryCommitLosesAndDoublesNothing(t *testing.T) {
	for _, p := range []struct {
		name  string
		die   func(ledger.Unit) bool
		after bool
		both  bool
	}{
		{"before the hint is durable", unit[*ledger.Intake], false, false},
		{"after the hint is durable", unit[*ledger.Intake], true, false},
		{"before the record is durable", document, false, false},
		{"between intake and map", document, true, true},
		{"before the route is durable", unit[*ledger.Route], false, false},
		{"between map and delivery", unit[*ledger.Route], true, false},
		{"before the start mark", unit[*ledger.Start], false, false},
		{"after the start mark", unit[*ledger.Start], true, true},
		{"after the work, before the outcome", unit[*ledger.Settle], false, true},
		{"after the outcome", unit[*ledger.Settle], true, false},
	} {
		t.Run(p.name, func(t *testing.T) {
			eachStore(t, p.both, func(t *testing.T, store func(*world)) {
				w := newWorld(t, flowTo("create"), nil, store)
				w.stop()
				w.opt.Log = nil // it complains of its end
				d := &dead{die: p.die, after: p.after, died: make(chan struct{})}
				w.startWith(func(l ledger.Ledger) ledger.Ledger { d.Ledger = l; return d })
				w.shop.put(paid(1, 100))
				_, _ = w.eng.Pull(t.Context(), "shop", "orders", nil) // may die under way
				<-d.died
				w.crash()
				w.pull()
				w.until("it to arrive", func() bool { s := w.states(); return len(s) == 1 && w.delivery(1).State == "delivered" })
				w.wantCalls("create T-1")
			})
		})
	}
}

func document(u ledger.Unit) bool {
	in, ok := u.(*ledger.Intake)
	return ok && len(in.Items) > 0
}

func TestAStopDrainsWhatIsInFlight(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	reached, release := dying(w, true)
	w.put(paid(1, 100))
	<-reached
	stopped := make(chan struct{})
	go func() { w.stop(); close(stopped) }()
	close(release)
	<-stopped
	w.start()
	w.comes("push T-1 delivered ")
	w.wantCalls("push T-1")
}
