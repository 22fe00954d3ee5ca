package sqlledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// TestFence lets a process miss its renewals: another takes the store over, and the
// first cannot write any more.
func TestFence(t *testing.T) {
	st := postgresStore(t)
	ctx := t.Context()
	first := st.open(t, func(o *sqlledger.Options) { o.LeaseTTL = time.Hour })
	it := intake(t, first, "a")
	c := st.connect(t)
	if _, err := c.Exec(ctx, "UPDATE lease SET until = 0"); err != nil {
		t.Fatal(err)
	}
	second := st.open(t)
	intake(t, second, "b")
	d := &ledger.NewDelivery{Flow: "f", Connection: "erp", Operation: "push", State: ledger.Ready}
	late := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}}
	if err := first.Commit(ctx, late); !errors.Is(err, ledger.ErrLost) {
		t.Fatalf("a late write: %v", err)
	}
	if err := first.Commit(ctx, &ledger.PutGate{Gate: ledger.Gate{Connection: "erp"}}); !errors.Is(err, ledger.ErrLost) {
		t.Fatalf("the next write: %v", err)
	}
	if r, err := second.Record(ctx, it.ID); err != nil || r.State != ledger.RecordReceived {
		t.Fatalf("the late write took effect: %+v, %v", r, err)
	}
	// A unit that reads nothing goes out in one pipeline with its commit.
	var gates int
	if err := c.QueryRow(ctx, "SELECT count(*) FROM gate").Scan(&gates); err != nil || gates != 0 {
		t.Fatalf("%d gates, %v", gates, err)
	}
}

// TestFenceOfBlindWrites fences a first write that reads nothing before it commits.
func TestFenceOfBlindWrites(t *testing.T) {
	st := postgresStore(t)
	first := st.open(t, func(o *sqlledger.Options) { o.LeaseTTL = time.Hour })
	c := st.connect(t)
	if _, err := c.Exec(t.Context(), "UPDATE lease SET owner = 'somebody else' WHERE part = 7"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.PutReport(t.Context(), "x", time.Now(), []byte("{}")); !errors.Is(err, ledger.ErrLost) {
		t.Fatalf("a blind write with 63 of 64 leases: %v", err)
	}
	var reports int
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM report").Scan(&reports); err != nil || reports != 0 {
		t.Fatalf("%d reports, %v", reports, err)
	}
}

// TestTakeOverWaitsForCommit shows that the fence locks: the leases cannot be taken
// between the first statement of a commit and its end.
func TestTakeOverWaitsForCommit(t *testing.T) {
	st := postgresStore(t)
	ctx := t.Context()
	st.open(t, func(o *sqlledger.Options) { o.LeaseTTL = time.Hour })
	commit, thief := st.connect(t), st.connect(t)
	if _, err := commit.Exec(ctx, "BEGIN; SELECT 1 FROM lease FOR SHARE"); err != nil {
		t.Fatal(err)
	}
	if _, err := thief.Exec(ctx, "SET lock_timeout = '100ms'"); err != nil {
		t.Fatal(err)
	}
	if _, err := thief.Exec(ctx, "UPDATE lease SET owner = 'thief'"); err == nil {
		t.Fatal("the leases were taken during a commit")
	}
	if _, err := commit.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if _, err := thief.Exec(ctx, "UPDATE lease SET owner = 'thief'"); err != nil {
		t.Fatal(err)
	}
}

// TestReconnect breaks the writer's connection: the next commit finds a new one.
func TestReconnect(t *testing.T) {
	st := postgresStore(t)
	s := st.open(t)
	c := st.connect(t)
	for i := range 5 {
		intake(t, s, string(rune('a'+i)))
		var n int
		err := c.QueryRow(t.Context(), "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "+
			"WHERE application_name = 'minihub writer ' || current_schema()").Scan(&n)
		if err != nil || n == 0 { // the one that was broken before may still be listed
			t.Fatalf("%d connections broken, %v", n, err)
		}
	}
	if rs, err := s.Records(t.Context(), ledger.Filter{}); err != nil || len(rs) != 5 {
		t.Fatalf("%d records, %v", len(rs), err)
	}
}
