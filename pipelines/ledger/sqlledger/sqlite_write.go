package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/minihub/minihub/pipelines/ledger"
)

// sqliteBinder binds parameters in order.
type sqliteBinder struct {
	stmt *sqlite.Stmt
	n    int
}

func (b *sqliteBinder) Int(v int64)   { b.n++; b.stmt.BindInt64(b.n, v) }
func (b *sqliteBinder) Text(v string) { b.n++; b.stmt.BindText(b.n, v) }
func (b *sqliteBinder) Blob(v []byte) { b.n++; b.stmt.BindBytes(b.n, v) }

// sqliteRow reads columns; empty blobs are nil.
type sqliteRow struct{ stmt *sqlite.Stmt }

func (r sqliteRow) Int(c int) int64   { return r.stmt.ColumnInt64(c) }
func (r sqliteRow) Text(c int) string { return r.stmt.ColumnText(c) }
func (r sqliteRow) Blob(c int) []byte {
	n := r.stmt.ColumnLen(c)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	r.stmt.ColumnBytes(c, b)
	return b
}

func (d *sqliteDriver) begin(context.Context) error { return d.step(d.begins) }

func (d *sqliteDriver) step(stmt *sqlite.Stmt) error {
	if _, err := stmt.Step(); err != nil {
		return sqliteError(err)
	}
	return stmt.Reset()
}

func (d *sqliteDriver) fetch(_ context.Context, fs []fetch) error {
	for _, f := range fs {
		stmt := d.keyed[f.q]
		if stmt == nil {
			var err error
			if stmt, err = d.conn.Prepare(f.q.sqlite); err != nil {
				return err
			}
			d.keyed[f.q] = stmt
		}
		for i := range f.n {
			f.bind(i, &sqliteBinder{stmt: stmt})
			if err := rowsOf(stmt, f.row); err != nil {
				return err
			}
		}
	}
	return nil
}

func rowsOf(stmt *sqlite.Stmt, scan func(row) error) error {
	for {
		more, err := stmt.Step()
		if err != nil {
			return sqliteError(err)
		}
		if !more {
			return stmt.Reset()
		}
		if err := scan(sqliteRow{stmt}); err != nil {
			return errors.Join(err, stmt.Reset())
		}
	}
}

func (d *sqliteDriver) commit(_ context.Context, cs []change) error {
	for _, c := range cs {
		stmt := d.writes[c.q]
		if stmt == nil {
			var err error
			if stmt, err = d.conn.Prepare(c.q.sqlite); err != nil {
				return err
			}
			d.writes[c.q] = stmt
		}
		for i := range c.n {
			c.bind(i, &sqliteBinder{stmt: stmt})
			if err := d.step(stmt); err != nil {
				return err
			}
		}
	}
	if err := d.step(d.commits); err != nil {
		if errors.Is(err, ledger.ErrFull) {
			return err
		}
		return lost(err) // whether it is durable is not known
	}
	select {
	case d.wrote <- struct{}{}:
	default:
	}
	d.trim()
	return nil
}

func (d *sqliteDriver) rollback(context.Context) error {
	if d.conn.AutocommitEnabled() {
		return nil // begin failed, or SQLite has rolled back itself
	}
	return d.step(d.rolls)
}

// trim starts the log anew when the checkpointer cannot catch up with a steady writer.
func (d *sqliteDriver) trim() {
	if d.since++; d.since < 64 {
		return
	}
	d.since = 0
	st, err := os.Stat(d.path + "-wal")
	if err != nil || st.Size() < walLimit || time.Since(d.restart) < time.Second {
		return
	}
	d.restart = time.Now()
	d.conn.SetBusyTimeout(100 * time.Millisecond) // a long reader must not hold the writer
	err = sqlitex.ExecuteTransient(d.conn, "PRAGMA wal_checkpoint(RESTART)", nil)
	d.conn.SetBusyTimeout(10 * time.Second)
	if err != nil && sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
		d.log.Warn("ledger: checkpoint", zap.Error(err))
	}
}

// checkpoint moves the log into the database in the background, so that commits do not.
func (d *sqliteDriver) checkpoint(c *sqlite.Conn) {
	defer close(d.stopped)
	defer c.Close()
	t := time.NewTicker(checkpointGap)
	defer t.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-t.C:
		}
		select {
		case <-d.wrote:
		default:
			continue
		}
		err := sqlitex.ExecuteTransient(c, "PRAGMA wal_checkpoint(PASSIVE)", nil)
		if err != nil && sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
			d.log.Warn("ledger: checkpoint", zap.Error(err))
		}
	}
}

func (d *sqliteDriver) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	var c *sqlite.Conn
	select {
	case c = <-d.readers:
	case <-d.stop:
		return ledger.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { d.readers <- c }()
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	stmt, err := c.Prepare(text)
	if err != nil {
		return err
	}
	for i, a := range args {
		switch a := a.(type) {
		case int64:
			stmt.BindInt64(i+1, a)
		case int:
			stmt.BindInt64(i+1, int64(a))
		case string:
			stmt.BindText(i+1, a)
		case []byte:
			stmt.BindBytes(i+1, a)
		default:
			return fmt.Errorf("a parameter of type %T is not known", a)
		}
	}
	err = rowsOf(stmt, scan)
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), stmt.Reset())
	}
	return err
}

// sqliteError names a full disk; a disk that fails otherwise stops the writer.
func sqliteError(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull:
		return fmt.Errorf("%w: %w", ledger.ErrFull, err)
	case sqlite.ResultIOErr, sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return lost(err)
	default:
		return err
	}
}
