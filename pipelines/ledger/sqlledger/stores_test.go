package sqlledger_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// secret is invented.
var secret = []byte("not a real secret, only for tests")

// store is a place for a ledger that several processes could open one after another.
type store struct {
	name string
	url  string
}

func sqliteStore(t testing.TB) store {
	return store{"sqlite", "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")}
}

// postgresStore makes a schema of its own in MINIHUB_TEST_POSTGRES, or in the server of
// this machine; without one the test is skipped, or fails where CI=true.
func postgresStore(t testing.TB) store {
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
	defer conn.Close(ctx)
	var b [8]byte
	rand.Read(b[:])
	schema := "minihub_" + hex.EncodeToString(b[:])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Errorf("drop schema: %v", err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			t.Errorf("drop schema: %v", err)
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("MINIHUB_TEST_POSTGRES is not a URL")
	}
	q := u.Query()
	q.Set("schema", schema)
	u.RawQuery = q.Encode()
	return store{"postgres", u.String()}
}

// eachStore runs a test on both stores.
func eachStore(t *testing.T, test func(t *testing.T, st store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteStore(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresStore(t)) })
}

// open opens a store and closes it with the test.
func (st store) open(t testing.TB, change ...func(*sqlledger.Options)) *sqlledger.Store {
	t.Helper()
	o := sqlledger.Options{URL: st.url, Secret: secret}
	for _, c := range change {
		c(&o)
	}
	s, err := sqlledger.Open(context.Background(), o)
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

// undo takes a schema's changes back; a later one is undone before.
var undo = map[int][]string{
	2: {"DROP TABLE person", "DROP TABLE api_token", "DROP TABLE session", "DROP TABLE invite", "DROP TABLE sign_in_try", "DROP TABLE audit"},
	3: {"DROP TABLE incident", "DROP TABLE incident_row", "DROP TABLE bulk", "DROP TABLE bulk_item", "DELETE FROM meta WHERE key = 'incidents'"},
	4: {"DROP TABLE incident_money", "ALTER TABLE record DROP COLUMN amount", "ALTER TABLE record DROP COLUMN currency",
		"ALTER TABLE delivery DROP COLUMN amount", "ALTER TABLE delivery DROP COLUMN currency"},
	5: {"DROP TABLE job_pause"},
	6: {"DROP INDEX bulk_state", "ALTER TABLE bulk DROP COLUMN total", "ALTER TABLE bulk DROP COLUMN counts", "ALTER TABLE bulk DROP COLUMN summed_at",
		"ALTER TABLE bulk ADD COLUMN text TEXT NOT NULL DEFAULT ''"},
	7: {"DROP TABLE edit"},
	8: {"DROP INDEX skey_first", "CREATE INDEX skey_first ON skey (gen, first)", "DROP INDEX delivery_desk", "DROP INDEX record_desk", "DROP INDEX hint_desk",
		"DROP INDEX dep_lookup", "DROP INDEX incident_open", "DROP INDEX incident_code"},
	9:  {"DROP INDEX session_person", "ALTER TABLE person DROP COLUMN signed_in_at"},
	10: {"DROP TABLE backfill"},
	11: {"DROP INDEX person_subject", "ALTER TABLE person DROP COLUMN subject"},
	12: {"CREATE INDEX bulk_item_pending ON bulk_item (bulk, row_id) WHERE state = 'pending'"},
}

// age makes a closed store one of an older schema.
func (st store) age(t *testing.T, schema int) {
	t.Helper()
	for version := len(undo) + 1; version > schema; version-- {
		for _, text := range undo[version] {
			st.exec(t, text)
		}
	}
	st.exec(t, fmt.Sprintf("UPDATE meta SET value = '%d' WHERE key = 'schema'", schema))
}
