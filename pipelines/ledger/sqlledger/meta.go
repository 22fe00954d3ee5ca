package sqlledger

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// The keys of meta.
const (
	metaSchema     = "schema"
	metaPartitions = "partitions"
	metaHash       = "hash"
	metaSearch     = "search"
	metaBlock      = "block" // no block id up to it is used again
	metaName       = "name"
)

const createMeta = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"

// migrations returns the scripts in order; the first is version 1.
func migrations() []string {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		panic(err) // they are compiled in
	}
	scripts := make([]string, len(entries))
	for i, e := range entries {
		b, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			panic(err)
		}
		scripts[i] = string(b)
	}
	return scripts
}

func latestSchema() int { return len(migrations()) }

// schemaStore is what migrate needs of a driver, before anything else works.
type schemaStore interface {
	// script runs statements in one transaction.
	script(ctx context.Context, text string) error
	// query runs one statement on a reader's connection. Placeholders are `?`.
	query(ctx context.Context, text string, args []any, scan func(row) error) error
	// dialect replaces {{...}} in a migration.
	dialect() *strings.Replacer
}

// migrate brings the schema to the newest version.
func migrate(ctx context.Context, db schemaStore, scripts []string) error {
	if err := db.script(ctx, createMeta); err != nil {
		return fmt.Errorf("ledger: make table meta: %w", err)
	}
	have := 0
	v, err := readMeta(ctx, db, metaSchema)
	if err != nil {
		return err
	}
	if v != "" {
		if have, err = strconv.Atoi(v); err != nil {
			return fmt.Errorf("ledger: meta says schema %q, which is no number", v)
		}
	}
	if have > len(scripts) {
		return fmt.Errorf("ledger: the store has schema %d and this program knows %d: use the newer program that wrote it",
			have, len(scripts))
	}
	for i := have; i < len(scripts); i++ {
		text := db.dialect().Replace(scripts[i]) + fmt.Sprintf(
			"\nINSERT INTO meta (key, value) VALUES ('%s', '%d') ON CONFLICT (key) DO UPDATE SET value = excluded.value;",
			metaSchema, i+1)
		if err := db.script(ctx, text); err != nil {
			return fmt.Errorf("ledger: migrate to schema %d: %w", i+1, err)
		}
	}
	return nil
}

func readMeta(ctx context.Context, db interface {
	query(ctx context.Context, text string, args []any, scan func(row) error) error
}, key string) (string, error) {
	var value string
	err := db.query(ctx, "SELECT value FROM meta WHERE key = ?", []any{key}, func(r row) error {
		value = r.Text(0)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("ledger: read meta %s: %w", key, err)
	}
	return value, nil
}

// checkMeta writes what a new store is made with, and refuses an old one that was made
// with something else.
func (s *Store) checkMeta(ctx context.Context) error {
	want := map[string]string{
		metaPartitions: strconv.Itoa(ledger.Partitions),
		metaHash:       ledger.HashName,
		metaSearch:     s.search.print(),
	}
	for key, value := range want {
		have, err := readMeta(ctx, s.drv, key)
		if err != nil {
			return err
		}
		switch {
		case have == value:
		case have == "":
			if err := s.drv.script(ctx, fmt.Sprintf("INSERT INTO meta (key, value) VALUES ('%s', '%s')", key, value)); err != nil {
				return fmt.Errorf("ledger: write meta %s: %w", key, err)
			}
		case key == metaSearch:
			return fmt.Errorf("ledger: the store was made with another secret for its search keys; give the one it was made with")
		default:
			return fmt.Errorf("ledger: the store was made with %s %s and this program has %s: they cannot work together",
				key, have, value)
		}
	}
	if err := s.readName(ctx); err != nil {
		return err
	}
	return s.rebuildIncidents(ctx)
}

// readName reads what tells the store from every other one; a new store is given a name.
func (s *Store) readName(ctx context.Context) (err error) {
	err = s.drv.script(ctx, fmt.Sprintf("INSERT INTO meta (key, value) VALUES ('%s', '%s') ON CONFLICT (key) DO NOTHING", metaName, rand.Text()))
	if err != nil {
		return fmt.Errorf("ledger: write meta %s: %w", metaName, err)
	}
	s.name, err = readMeta(ctx, s.drv, metaName)
	return err
}

// Name tells the store from every other one, for as long as it lives.
func (s *Store) Name() string { return s.name }
