package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	postgresReaders = 4
	// reconnectFor is how long the writer tries to come back after the connection broke.
	reconnectFor = 30 * time.Second
)

// postgresDriver writes through one connection in pipelined batches and reads through a
// pool. What it may write is decided by the lease rows, which every transaction locks
// before anything else.
type postgresDriver struct {
	log    *zap.Logger
	schema string
	config *pgx.ConnConfig
	lease  *lease

	conn  *pgx.Conn // the writer's
	begun bool      // the transaction is open at the server
	xid   string    // its id, to ask what became of it

	pool  *pgxpool.Pool
	texts sync.Map // query text with ? -> with $n
}

func openPostgres(ctx context.Context, o Options) (driver, int64, error) {
	dsn, schema, err := splitDSN(o.URL)
	if err != nil {
		return nil, 0, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, 0, fmt.Errorf("ledger: PostgreSQL URL: %w", err)
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	config.RuntimeParams["application_name"] = "minihub reader " + schema
	maps.Copy(config.RuntimeParams, readPlans)
	d := &postgresDriver{log: o.Log, schema: schema, config: writerConfig(config, schema, o)}
	epoch, err := d.open(ctx, o, config)
	if err != nil {
		return nil, 0, errors.Join(err, d.close())
	}
	return d, epoch, nil
}

// splitDSN takes the schema out of the URL, for PostgreSQL would not know it.
func splitDSN(raw string) (dsn, schema string, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", "", errors.New(`ledger: the PostgreSQL URL cannot be read; write "postgres://user@host/database"`)
	}
	q := u.Query()
	if schema = q.Get("schema"); schema == "" {
		schema = "minihub"
	}
	q.Del("schema")
	u.RawQuery = q.Encode()
	return u.String(), schema, nil
}

// readPlans keeps what a desk asks for on the indexes that were made for it: the server
// knows little of tables that have just grown, and would then read all of them, in
// parallel, for one order.
var readPlans = map[string]string{"jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off",
	"max_parallel_workers_per_gather": "0"}

// writerConfig keeps the plans of prepared statements on the indexes: a plan made while
// the tables were empty would scan them for ever. A client that stops in the middle of
// a transaction gives its locks up after two seconds.
func writerConfig(base *pgx.ConnConfig, schema string, o Options) *pgx.ConnConfig {
	c := base.Copy()
	c.RuntimeParams["application_name"] = "minihub writer " + schema
	for k, v := range map[string]string{"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"idle_in_transaction_session_timeout": "2000"} {
		c.RuntimeParams[k] = v
	}
	if o.Relaxed {
		c.RuntimeParams["synchronous_commit"] = "off"
	}
	return c
}

func (d *postgresDriver) open(ctx context.Context, o Options, reads *pgx.ConnConfig) (int64, error) {
	var err error
	if d.conn, err = pgx.ConnectConfig(ctx, d.config); err != nil {
		return 0, fmt.Errorf("ledger: connect: %w", err)
	}
	// A DSN with a schema of its own is made before the pool looks for it.
	if err := d.script(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{d.schema}.Sanitize()); err != nil {
		return 0, fmt.Errorf("ledger: make schema %s: %w", d.schema, err)
	}
	pc, err := pgxpool.ParseConfig("")
	if err != nil {
		return 0, fmt.Errorf("ledger: pool: %w", err)
	}
	pc.ConnConfig, pc.MaxConns, pc.MinConns = reads, postgresReaders, 0
	if d.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return 0, fmt.Errorf("ledger: connect readers: %w", err)
	}
	// Two processes that open a new store at once must not both make its tables.
	const key = "hashtext('minihub ledger ' || current_schema())"
	if err := d.script(ctx, "SELECT pg_advisory_lock("+key+")"); err != nil {
		return 0, fmt.Errorf("ledger: wait for another process that migrates: %w", err)
	}
	err = migrate(ctx, d, migrations())
	if unlock := d.script(ctx, "SELECT pg_advisory_unlock("+key+")"); err == nil {
		err = unlock
	}
	if err != nil {
		return 0, err
	}
	d.lease, err = takeLease(ctx, d.pool, o)
	if err != nil {
		return 0, err
	}
	return d.lease.epoch, nil
}

func (d *postgresDriver) engine() string { return "postgres" }

func (d *postgresDriver) dialect() *strings.Replacer {
	// Byte order, as in SQLite: faster, and the same everywhere.
	return strings.NewReplacer("{{id}}", "BIGINT PRIMARY KEY", "{{blob}}", "BYTEA", "{{clustered}}", "",
		"{{hot}}", " WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)",
		" TEXT ", ` TEXT COLLATE "C" `)
}

func (d *postgresDriver) script(ctx context.Context, text string) error {
	_, err := d.conn.PgConn().Exec(ctx, text).ReadAll()
	return err
}

func (d *postgresDriver) probe(ctx context.Context) error {
	return d.script(ctx, "UPDATE lease SET until = until + 1 WHERE part = 0")
}

func (d *postgresDriver) sizes(ctx context.Context) (bytes, wal int64, err error) {
	err = d.query(ctx, "SELECT COALESCE(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "+
		"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind = 'r'", nil,
		func(r row) error {
			bytes = r.Int(0)
			return nil
		})
	return bytes, 0, err
}

func (d *postgresDriver) free() (uint64, bool) { return 0, false }

func (d *postgresDriver) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var errs []error
	if d.lease != nil {
		errs = append(errs, d.lease.release(ctx))
	}
	if d.pool != nil {
		d.pool.Close()
	}
	if d.conn != nil {
		_ = d.conn.Close(ctx) // every commit was answered: a connection already broken loses nothing
	}
	return errors.Join(errs...)
}

func (d *postgresDriver) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	rows, err := d.pool.Query(ctx, d.numbered(text), args...)
	if err != nil {
		return err
	}
	return pgRows(rows, scan)
}

// numbered rewrites the placeholders; no text of ours holds a question mark otherwise.
func (d *postgresDriver) numbered(text string) string {
	if t, ok := d.texts.Load(text); ok {
		return t.(string)
	}
	var b strings.Builder
	n := 0
	for _, c := range text {
		if c == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
		} else {
			b.WriteRune(c)
		}
	}
	d.texts.Store(text, b.String())
	return b.String()
}

func pgRows(rows pgx.Rows, scan func(row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(pgRow(rows.RawValues())); err != nil {
			return err
		}
	}
	return rows.Err()
}

// postgresError names a full disk and a lost lease.
func postgresError(err error) error {
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg):
		return err
	case pg.Code == "53100":
		return fmt.Errorf("%w: %w", ledger.ErrFull, err)
	case pg.Code == fenced:
		return lost(fmt.Errorf("%w: the leases are not ours any more", ledger.ErrLost))
	default:
		return err
	}
}
