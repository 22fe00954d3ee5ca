package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Reader reads a store that another process may own and write at the same time. It
// takes neither lock nor lease and changes nothing. Every call sees what was durable
// when it began.
type Reader struct{ s *Store }

// OpenReader opens the store at a URL of [Options] for reading by up to readers
// goroutines at once; 0 is four. It needs no secret: it finds nothing by search keys.
func OpenReader(ctx context.Context, url string, readers int) (*Reader, error) {
	if readers <= 0 {
		readers = sqliteReaders
	}
	s := &Store{t: newTables(), blocks: newBlockCache(16 << 20)}
	var err error
	if s.codec, err = newCodec(); err != nil {
		return nil, err
	}
	switch engine, rest, _ := strings.Cut(url, ":"); engine {
	case "sqlite":
		s.drv, err = readSQLite(rest, readers)
	case "postgres", "postgresql":
		s.drv, err = readPostgres(ctx, url, readers)
	default:
		err = fmt.Errorf(`ledger: URL begins with %q; "sqlite:" and "postgres:" are known`, engine)
	}
	if err != nil {
		s.codec.close()
		return nil, err
	}
	r := &Reader{s}
	if err := r.check(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func readSQLite(path string, readers int) (driver, error) {
	path = strings.TrimPrefix(path, "//")
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: there is no store at %s yet", ledger.ErrNotFound, path)
		}
		return nil, fmt.Errorf("ledger: %w", err)
	}
	d := &sqliteDriver{path: path, readers: make(chan *sqlite.Conn, readers), stop: make(chan struct{}), stopped: make(chan struct{})}
	close(d.stopped) // no checkpointer
	for range readers {
		c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("ledger: open %s for reading: %w", path, err), d.closeReaders())
		}
		d.readers <- c
		d.opened++
		for _, p := range []string{"query_only = 1", "cache_size = -8192", "temp_store = memory", "busy_timeout = 5000"} {
			if err := sqlitex.ExecuteTransient(c, "PRAGMA "+p, nil); err != nil {
				return nil, errors.Join(fmt.Errorf("ledger: %s: pragma %s: %w", path, p, err), d.closeReaders())
			}
		}
	}
	return d, nil
}

// closeReaders waits for reads that are under way.
func (d *sqliteDriver) closeReaders() error {
	close(d.stop)
	var errs []error
	for range d.opened {
		c := <-d.readers
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func readPostgres(ctx context.Context, url string, readers int) (driver, error) {
	dsn, schema, err := splitDSN(url)
	if err != nil {
		return nil, err
	}
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("ledger: PostgreSQL URL: %w", err)
	}
	pc.MaxConns = int32(min(readers, 64))
	maps.Copy(pc.ConnConfig.RuntimeParams, readPlans)
	maps.Copy(pc.ConnConfig.RuntimeParams, map[string]string{"search_path": pgx.Identifier{schema}.Sanitize(), "application_name": "minihub reader " + schema,
		"default_transaction_read_only": "on"})
	d := &postgresDriver{schema: schema}
	if d.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, fmt.Errorf("ledger: connect: %w", err)
	}
	return d, nil
}

// check refuses a store of another schema: its rows would be misread.
func (r *Reader) check(ctx context.Context) error {
	v, err := readMeta(ctx, r.s.drv, metaSchema)
	if err != nil {
		return err
	}
	if have, _ := strconv.Atoi(v); have != latestSchema() {
		return fmt.Errorf("ledger: the store has schema %q and this program reads %d: run the hub of this version on it once", v, latestSchema())
	}
	return nil
}

// Close ends the reader.
func (r *Reader) Close() error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.closed {
		return nil
	}
	r.s.closed = true
	r.s.codec.close()
	switch d := r.s.drv.(type) {
	case *sqliteDriver:
		return d.closeReaders()
	case *postgresDriver:
		d.pool.Close()
	}
	return nil
}

// Record is as in [ledger.Ledger].
func (r *Reader) Record(ctx context.Context, id int64) (*ledger.Record, error) {
	return r.s.Record(ctx, id)
}

// Payload is as in [ledger.Ledger].
func (r *Reader) Payload(ctx context.Context, ref ledger.Ref) ([]byte, error) {
	return r.s.Payload(ctx, ref)
}

// LinksByDoc is as in [ledger.Ledger].
func (r *Reader) LinksByDoc(ctx context.Context, doc int64) ([]ledger.Link, error) {
	return r.s.LinksByDoc(ctx, doc)
}

// Lookups is as in [ledger.Ledger].
func (r *Reader) Lookups(ctx context.Context, table string) (map[string]string, error) {
	return r.s.Lookups(ctx, table)
}

// Report is as in [ledger.Ledger].
func (r *Reader) Report(ctx context.Context, kind string, id int64) (body []byte, at time.Time, err error) {
	return r.s.Report(ctx, kind, id)
}

// RecordDeliveries returns the deliveries of one record in order of id.
func (r *Reader) RecordDeliveries(ctx context.Context, record int64) ([]ledger.Delivery, error) {
	return selects(ctx, r.s, r.s.t.deliveries, "deliveries of a record", "WHERE t.record = ? ORDER BY t.id", record)
}

// MapVersion returns the mapping version of a step's newest delivery among the last
// 100,000 of the store; empty when none of them has one.
func (r *Reader) MapVersion(ctx context.Context, flow, step string) (string, error) {
	version := ""
	err := r.s.read(ctx, "the mapping version", "SELECT map_version FROM delivery WHERE id > (SELECT COALESCE(max(id), 0) FROM delivery) - 100000 "+
		"AND flow = ? AND step = ? AND map_version <> '' ORDER BY id DESC LIMIT 1", []any{flow, step}, func(r row) error {
		version = r.Text(0)
		return nil
	})
	return version, err
}

// Span is the ids of the records that became durable at a time or later: all of them
// lie in [From, To], and a record in it may be up to an hour older, for clocks go back.
type Span struct{ From, To int64 }

// Records is how many ids the span holds.
func (s Span) Records() int64 { return max(0, s.To-s.From+1) }

// Since finds the span of the records since a time, without reading them all: ids rise
// with time.
func (r *Reader) Since(ctx context.Context, at time.Time) (Span, error) {
	var s Span
	err := r.s.read(ctx, "the records' ids", "SELECT COALESCE(min(id), 1), COALESCE(max(id), 0) FROM record", nil, func(r row) error {
		s = Span{r.Int(0), r.Int(1)}
		return nil
	})
	if err != nil {
		return s, err
	}
	wanted := micros(at.Add(-time.Hour))
	lo, hi := s.From, s.To+1
	for lo < hi {
		mid := lo + (hi-lo)/2
		when, found := int64(0), int64(0)
		err := r.s.read(ctx, "a record's time", "SELECT id, at FROM record WHERE id >= ? ORDER BY id LIMIT 1", []any{mid}, func(r row) error {
			found, when = r.Int(0), r.Int(1)
			return nil
		})
		switch {
		case err != nil:
			return s, err
		case found == 0 || when >= wanted:
			hi = mid
		default:
			lo = found + 1
		}
	}
	s.From = lo
	return s, nil
}

// Page calls fn for the records of a span that became durable at since or later, in
// order of id, every nth of them by id. Of a record it fills what mapping it takes: ID, Doc,
// DocKey, Stream, Root, RootKey, Version, At, Headers, Deleted, State, Label and Payload.
// fn must not use the reader; Payload reads the bytes afterwards.
func (r *Reader) Page(ctx context.Context, span Span, since time.Time, nth int64, fn func(ledger.Record) error) error {
	const text = "SELECT t.id, t.doc, t.stream, t.root, t.root_key, t.version, t.at, t.headers, t.deleted, t.state, t.label, t.blk, t.idx, " +
		"d.connection, d.entity, d.key FROM record t JOIN doc d ON d.id = t.doc WHERE t.id >= ? AND t.id <= ? AND t.at >= ? AND t.id % ? = 0 ORDER BY t.id"
	return r.s.read(ctx, "records", text, []any{span.From, span.To, micros(since), max(1, nth)}, func(r row) error {
		return fn(ledger.Record{ID: r.Int(0), Doc: r.Int(1), Stream: r.Text(2), Root: r.Int(3), RootKey: r.Text(4), Version: r.Int(5),
			At: instant(r.Int(6)), Headers: decodeMap(r.Text(7)), Deleted: r.Int(8) != 0, State: ledger.RecordState(r.Text(9)), Label: r.Text(10),
			Payload: ledger.Ref{Block: r.Int(11), Index: int(r.Int(12))}, DocKey: ledger.DocKey{Connection: r.Text(13), Entity: r.Text(14), Key: r.Text(15)}})
	})
}

// Counted returns how many records each stream of each connection has in the whole
// store, and how many there are together.
func (r *Reader) Counted(ctx context.Context) (by map[string]int64, all int64, err error) {
	by = map[string]int64{}
	err = r.s.read(ctx, "counts", "SELECT connection, name, CAST(sum(n) AS BIGINT) FROM tally WHERE kind = 'record' GROUP BY connection, name", nil, func(r row) error {
		by[r.Text(0)+"."+r.Text(1)] = r.Int(2)
		all += r.Int(2)
		return nil
	})
	return by, all, err
}
