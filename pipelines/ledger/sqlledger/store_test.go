package sqlledger_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// exec runs a statement in a closed store, as somebody with a database tool would.
func (st store) exec(t *testing.T, text string) {
	t.Helper()
	if path, ok := strings.CutPrefix(st.url, "sqlite:"); ok {
		c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := sqlitex.ExecuteScript(c, text, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	c := st.connect(t)
	if _, err := c.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// connect opens a connection of its own to the schema of a PostgreSQL store.
func (st store) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), strings.Replace(st.url, "schema=", "search_path=", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func intake(t testing.TB, l ledger.Ledger, key string) *ledger.IntakeItem {
	t.Helper()
	it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, Body: []byte("body of " + key)}
	if err := l.Commit(context.Background(), &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
		t.Fatal(err)
	}
	return it
}

func TestReopen(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		ctx := t.Context()
		s, err := sqlledger.Open(ctx, sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		name := s.Name()
		it := intake(t, s, "a")
		dep := ledger.Dep{Kind: ledger.DepLookup, Key: ledger.LookupKey("t", "k")}
		d := &ledger.NewDelivery{Flow: "f", Connection: "erp", Operation: "push", RemoteKey: "a", Claim: true, State: ledger.Blocked,
			Deps: []ledger.Dep{dep}, Payload: []byte("doc")}
		if err := s.Commit(ctx, &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Label: "A-1", Deliveries: []*ledger.NewDelivery{d},
			Keys: []ledger.SearchKey{{Kind: "order_no", Value: "A-1"}}}); err != nil {
			t.Fatal(err)
		}
		before, err := s.Delivery(ctx, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = st.open(t)
		if s.Name() != name || len(name) < 20 {
			t.Fatalf("the store is called %q and was called %q", s.Name(), name)
		}
		after, err := s.Delivery(ctx, d.ID)
		if err != nil || fmt.Sprint(*after) != fmt.Sprint(*before) {
			t.Fatalf("delivery %+v, %v; was %+v", after, err, before)
		}
		if hits, err := s.Find(ctx, "a-1", nil, 0); err != nil || len(hits) != 1 || hits[0].Label != "A-1" {
			t.Fatal(hits, err)
		}
		put := &ledger.PutLookup{Table: "t", Key: "k", Value: "v"}
		if err := s.Commit(ctx, put); err != nil || len(put.Released) != 1 {
			t.Fatalf("released %v, %v", put.Released, err)
		}
		if next := intake(t, s, "b"); next.ID <= it.ID {
			t.Fatalf("record %d after %d", next.ID, it.ID)
		}
		if body, err := s.Payload(ctx, before.Payload); err != nil || string(body) != "doc" {
			t.Fatalf("payload %q, %v", body, err)
		}
		// Attempts of two lives of the store stay in order.
		for range 2 {
			u := &ledger.Settle{Delivery: d.ID, To: ledger.Ready, CountTry: true, Attempt: &ledger.Attempt{Kind: "send"}}
			if err := s.Commit(ctx, u); err != nil || !u.Applied {
				t.Fatal(u.Applied, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = st.open(t)
		}
		as, err := s.Attempts(ctx, d.ID)
		if err != nil || len(as) != 2 || as[0].N != 1 || as[1].N != 2 {
			t.Fatal(as, err)
		}
	})
}

func TestRefusesAnotherStore(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		first := st.open(t)
		stats, err := first.Stats(t.Context())
		if err := errors.Join(err, first.Close()); err != nil {
			t.Fatal(err)
		}
		refused := func(name, want string, o sqlledger.Options) {
			s, err := sqlledger.Open(t.Context(), o)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		o := sqlledger.Options{URL: st.url, Secret: secret}
		refused("another secret", "another secret", sqlledger.Options{URL: st.url, Secret: []byte("another one")})
		refused("no secret", "no secret", sqlledger.Options{URL: st.url})
		for key, c := range map[string][2]string{"partitions": {"32", "64"}, "hash": {"crc", "fnv1a64"}, "schema": {"99", strconv.Itoa(stats.Schema)}} {
			st.exec(t, fmt.Sprintf("UPDATE meta SET value = '%s' WHERE key = '%s'", c[0], key))
			refused(key, c[0], o)
			st.exec(t, fmt.Sprintf("UPDATE meta SET value = '%s' WHERE key = '%s'", c[1], key))
			if s, err := sqlledger.Open(t.Context(), o); err != nil {
				t.Fatalf("after %s was mended: %v", key, err)
			} else if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	for _, url := range []string{"", "mysql://x", "sqlite:", "postgres://%zz"} {
		if _, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: url, Secret: secret}); err == nil {
			t.Errorf("URL %q was taken", url)
		}
	}
}

func TestFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(10 << 30)
	var now atomic.Int64
	now.Store(1767000000)
	s := sqliteStore(t).open(t, func(o *sqlledger.Options) {
		o.MinFree = 1 << 30
		o.Free = func() (uint64, bool) { return free.Load(), true }
		o.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	})
	it := intake(t, s, "a")
	free.Store(1 << 20)
	now.Add(2)
	ctx := t.Context()
	refused := &ledger.IntakeItem{Entity: "order", Key: "b", Version: 1, Body: []byte("x")}
	err := s.Commit(ctx, &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{refused}})
	if !errors.Is(err, ledger.ErrFull) || refused.ID != 0 {
		t.Fatalf("intake on a full disk: %v", err)
	}
	r := &ledger.Route{Record: it.ID, To: ledger.RecordNoTarget}
	if err := s.Commit(ctx, r); err != nil || !r.Applied {
		t.Fatalf("an outcome on a full disk: %v", err)
	}
	free.Store(10 << 30)
	now.Add(2)
	intake(t, s, "b")
}

func TestCommitContext(t *testing.T) {
	s := sqliteStore(t).open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Commit(ctx, &ledger.PutLookup{Table: "t", Key: "k", Value: "v"})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a commit nobody waits for: %v", err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatalf("a commit of nothing: %v", err)
	}
}

// TestGenerations fills several generations of search keys and finds old and new ones.
func TestGenerations(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		ctx := t.Context()
		s := st.open(t)
		const docs, each = 20, 8000 // 160,000 keys
		for n := range docs {
			it := intake(t, s, fmt.Sprint(n))
			r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Keys: []ledger.SearchKey{{Kind: "sku", Value: "common"}}}
			for i := range each {
				r.Keys = append(r.Keys, ledger.SearchKey{Kind: "order_no", Value: fmt.Sprintf("%d-%d", n, i)})
			}
			if err := s.Commit(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		look := func() {
			for n := range docs {
				for _, i := range []int{0, each / 2, each - 1} {
					hits, err := s.Find(ctx, fmt.Sprintf("%d-%d", n, i), nil, 0)
					if err != nil || len(hits) != 1 || hits[0].DocKey.Key != fmt.Sprint(n) {
						t.Fatalf("key %d of document %d finds %v, %v", i, n, hits, err)
					}
				}
			}
			if hits, err := s.Find(ctx, "common", []string{"sku"}, 100); err != nil || len(hits) != docs {
				t.Fatalf("the common key finds %d documents, %v", len(hits), err)
			}
			if hits, err := s.Find(ctx, "none", nil, 0); err != nil || len(hits) != 0 {
				t.Fatal(hits, err)
			}
		}
		look()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = st.open(t)
		look()
	})
}

// TestColdRows reads everything from the tables: no cache holds a row.
func TestColdRows(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t, func(o *sqlledger.Options) { o.CacheRows, o.CacheBytes = 1, 1 })
		if err := tryModel(t.Context(), s, "cold", 10); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStats(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t)
		intake(t, s, "a")
		got, err := s.Stats(t.Context())
		if err != nil || got.Engine != st.name || got.Schema < 1 || got.Bytes == 0 || got.Commits != 1 || got.Units != 1 || got.LastFsync <= 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestRelativeSQLitePath(t *testing.T) {
	t.Chdir(t.TempDir())
	st := store{"sqlite", "sqlite:" + filepath.Join("data", "ledger.db")}
	intake(t, st.open(t), "a")
}
