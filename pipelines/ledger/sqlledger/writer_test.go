package sqlledger

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/minihub/minihub/pipelines/ledger"
)

// faulty is a driver whose commits fail when they write a gate of the given connection.
type faulty struct {
	driver
	connection string
	err        error
	commits    int
}

type seen struct{ texts []string }

func (*seen) Int(int64)       {}
func (s *seen) Text(v string) { s.texts = append(s.texts, v) }
func (*seen) Blob([]byte)     {}

func (f *faulty) commit(ctx context.Context, cs []change) error {
	f.commits++
	for _, c := range cs {
		for i := range c.n {
			var s seen
			c.bind(i, &s)
			if strings.Contains(strings.Join(s.texts, " "), f.connection) {
				return f.err
			}
		}
	}
	return f.driver.commit(ctx, cs)
}

func openTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), Secret: []byte("for tests only")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func gate(connection string) *ledger.PutGate {
	return &ledger.PutGate{Gate: ledger.Gate{Connection: connection, Reason: "pause"}}
}

// openUnmerged opens a store whose search keys are no longer merged: that reads the driver
// that a test replaces.
func openUnmerged(t *testing.T) *Store {
	t.Helper()
	s := openTest(t)
	s.merges.close()
	return s
}

// TestOneBadCall commits many calls at once, one of which the database refuses.
func TestOneBadCall(t *testing.T) {
	s := openUnmerged(t)
	refused := errors.New("the database does not like it")
	f := &faulty{driver: s.drv, connection: "bad", err: refused}
	s.drv = f
	names := []string{"a", "b", "bad", "c", "d"}
	errs := make([]error, len(names))
	calls := make([]*call, len(names))
	for i, n := range names {
		o, err := s.prepare(gate(n))
		if err != nil {
			t.Fatal(err)
		}
		calls[i] = &call{ops: []op{o}, done: make(chan error, 1)}
	}
	// The writer goroutine waits for the queue; this batch is written beside it.
	s.write(calls)
	for i := range calls {
		errs[i] = <-calls[i].done
		if bad := names[i] == "bad"; bad != errors.Is(errs[i], refused) || !bad && errs[i] != nil {
			t.Errorf("call %s: %v", names[i], errs[i])
		}
	}
	if f.commits != 1+len(names) {
		t.Errorf("%d commits were tried", f.commits)
	}
	gs, err := s.Gates(t.Context())
	if err != nil || len(gs) != 4 {
		t.Fatal(gs, err)
	}
}

// TestUnknownOutcome stops the store when nobody knows whether a commit took place.
func TestUnknownOutcome(t *testing.T) {
	s := openUnmerged(t)
	broken := errors.New("the disk is gone")
	s.drv = &faulty{driver: s.drv, connection: "bad", err: lost(broken)}
	if err := s.Commit(t.Context(), gate("bad")); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.Commit(t.Context(), gate("good")); !errors.Is(err, broken) {
				t.Errorf("a commit after it: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestTriedAgain repeats a batch whose connection broke before the commit; what the
// first try gave to the units is overwritten.
func TestTriedAgain(t *testing.T) {
	s := openUnmerged(t)
	it := &ledger.IntakeItem{Entity: "order", Key: "1", Version: 1, Body: []byte("x")}
	if err := s.Commit(t.Context(), &ledger.Intake{Connection: "shop", Items: []*ledger.IntakeItem{it}}); err != nil {
		t.Fatal(err)
	}
	f := &faulty{driver: s.drv, connection: "erp", err: errAgain}
	s.drv = f
	d := &ledger.NewDelivery{Connection: "erp", Operation: "push", RemoteKey: "k", Claim: true, State: ledger.Blocked}
	r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}}
	if err := s.Commit(t.Context(), r); !errors.Is(err, errAgain) || f.commits != 4 {
		t.Fatalf("after %d tries: %v", f.commits, err)
	}
	f.connection = "nothing any more"
	d.State = ledger.Blocked
	if err := s.Commit(t.Context(), r); err != nil || !r.Applied || d.State != ledger.Ready {
		t.Fatal(r.Applied, d.State, err)
	}
	if row, err := s.Delivery(t.Context(), d.ID); err != nil || row.State != ledger.Ready {
		t.Fatal(row, err)
	}
}

// TestAttemptsAreAppended looks at every statement that writes: none but an INSERT is
// about attempts.
func TestAttemptsAreAppended(t *testing.T) {
	about := regexp.MustCompile(`(?i)\b(update|delete from)\s+attempt\b`)
	n := 0
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.String:
			n++
			if about.MatchString(v.String()) {
				t.Errorf("attempts are not appended only: %s", v.String())
			}
		}
	}
	walk(reflect.ValueOf(newTables()))
	if n < 50 {
		t.Fatalf("only %d texts found", n)
	}
}

// TestMigrate upgrades a store, and leaves it alone when a script fails.
func TestMigrate(t *testing.T) {
	s := openUnmerged(t)
	ctx := t.Context()
	have := func() string {
		v, err := readMeta(ctx, s.drv, metaSchema)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	next := append(migrations(), "CREATE TABLE extra (id {{id}}, body {{blob}} NOT NULL);")
	first := have()
	if err := migrate(ctx, s.drv, append(next, "CREATE TABLE more (id {{id}}); CREATE TABLE extra (id {{id}});")); err == nil {
		t.Fatal("a migration that cannot be was made")
	}
	second := have()
	if latest := latestSchema(); first != strconv.Itoa(latest) || second != strconv.Itoa(latest+1) {
		t.Fatalf("schema %s, then %s", first, second)
	}
	if err := s.drv.query(ctx, "SELECT id FROM more", nil, func(row) error { return nil }); err == nil {
		t.Fatal("half a migration stayed")
	}
	if err := migrate(ctx, s.drv, next); err != nil || have() != second {
		t.Fatalf("a second time: %v", err)
	}
	if err := migrate(ctx, s.drv, migrations()); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Fatalf("an older program: %v", err)
	}
}
