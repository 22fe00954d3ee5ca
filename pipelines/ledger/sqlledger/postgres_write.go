package sqlledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minihub/minihub/pipelines/ledger"
)

// errAgain says that a transaction surely did not happen and may be tried again.
var errAgain = errors.New("ledger: the connection broke before the commit")

// pgRow is one row as sent: integers are int8 in binary, text and bytes are themselves.
type pgRow [][]byte

func (r pgRow) Int(c int) int64 {
	if len(r[c]) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(r[c]))
}
func (r pgRow) Text(c int) string { return string(r[c]) }
func (r pgRow) Blob(c int) []byte {
	if len(r[c]) == 0 {
		return nil
	}
	return append([]byte(nil), r[c]...)
}

// arrayBinder turns rows into one array a column.
type arrayBinder struct {
	cols  []column
	ints  [][]int64
	texts [][]string
	blobs [][][]byte
	next  int
}

func newArrayBinder(cols []column, n int) *arrayBinder {
	a := &arrayBinder{cols: cols, ints: make([][]int64, len(cols)), texts: make([][]string, len(cols)),
		blobs: make([][][]byte, len(cols))}
	for i, c := range cols {
		switch c.kind {
		case 'i':
			a.ints[i] = make([]int64, 0, n)
		case 't':
			a.texts[i] = make([]string, 0, n)
		default:
			a.blobs[i] = make([][]byte, 0, n)
		}
	}
	return a
}

func (a *arrayBinder) column() int {
	c := a.next
	a.next = (a.next + 1) % len(a.cols)
	return c
}

func (a *arrayBinder) Int(v int64)   { c := a.column(); a.ints[c] = append(a.ints[c], v) }
func (a *arrayBinder) Text(v string) { c := a.column(); a.texts[c] = append(a.texts[c], v) }
func (a *arrayBinder) Blob(v []byte) {
	if v == nil {
		v = []byte{} // NULL otherwise
	}
	c := a.column()
	a.blobs[c] = append(a.blobs[c], v)
}

func (a *arrayBinder) args() []any {
	out := make([]any, len(a.cols))
	for i, c := range a.cols {
		switch c.kind {
		case 'i':
			out[i] = a.ints[i]
		case 't':
			out[i] = a.texts[i]
		default:
			out[i] = a.blobs[i]
		}
	}
	return out
}

func arraysOf(cols []column, n int, bind func(i int, b binder)) []any {
	a := newArrayBinder(cols, n)
	for i := range n {
		bind(i, a)
	}
	return a.args()
}

func (d *postgresDriver) begin(ctx context.Context) error {
	d.begun, d.xid = false, ""
	if d.conn.IsClosed() {
		if err := d.reconnect(ctx); err != nil {
			return lost(err)
		}
	}
	return nil
}

// fence divides by zero when a lease is not ours: the rest of the pipeline, with its
// COMMIT, has been sent already and must fail at the server.
const (
	fence = "SELECT 1 / (count(*) / $3), pg_current_xact_id()::text FROM " +
		"(SELECT 1 FROM lease WHERE owner = $1 AND epoch = $2 FOR SHARE) AS mine"
	fenced = "22012" // division_by_zero
)

// start queues the beginning of the transaction: the lock on the lease rows comes first,
// so that nobody can take the store over between here and the commit.
func (d *postgresDriver) start(b *pgx.Batch) {
	if d.begun {
		return
	}
	b.Queue("BEGIN")
	b.Queue(fence, d.lease.owner, d.lease.epoch, int64(ledger.Partitions)).QueryRow(func(r pgx.Row) error {
		var one int64
		err := r.Scan(&one, &d.xid)
		d.begun = err == nil
		return err
	})
}

func (d *postgresDriver) fetch(ctx context.Context, fs []fetch) error {
	var b pgx.Batch
	d.start(&b)
	for _, f := range fs {
		b.Queue(f.q.postgres, arraysOf(f.q.cols, f.n, f.bind)...).Query(func(rows pgx.Rows) error {
			return pgRows(rows, f.row)
		})
	}
	if err := d.conn.SendBatch(ctx, &b).Close(); err != nil {
		return d.broken(ctx, postgresError(err), false)
	}
	return nil
}

func (d *postgresDriver) commit(ctx context.Context, cs []change) error {
	var b pgx.Batch
	d.start(&b)
	for _, c := range cs {
		b.Queue(c.q.postgres, arraysOf(c.q.cols, c.n, c.bind)...)
	}
	b.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
		if t.String() != "COMMIT" {
			return fmt.Errorf("COMMIT answered %s", t)
		}
		return nil
	})
	if err := d.conn.SendBatch(ctx, &b).Close(); err != nil {
		return d.broken(ctx, postgresError(err), true)
	}
	d.begun = false
	return nil
}

// broken finds out what an error means. When the connection is gone it comes back and,
// if the commit had been sent, asks the server whether it took place.
func (d *postgresDriver) broken(ctx context.Context, err error, sent bool) error {
	if !d.conn.IsClosed() || fatal(err) {
		return err
	}
	xid := d.xid
	deadline := time.Now().Add(reconnectFor)
	for {
		if back := d.reconnect(ctx); back != nil {
			return lost(errors.Join(err, back))
		}
		if !sent || xid == "" {
			return fmt.Errorf("%w: %w", errAgain, err)
		}
		var status *string
		ask := d.conn.QueryRow(ctx, "SELECT pg_xact_status($1::xid8)", xid).Scan(&status)
		switch {
		case ask == nil && status != nil && *status == "committed":
			return nil
		case ask == nil && status != nil && *status == "aborted":
			return fmt.Errorf("%w: %w", errAgain, err)
		case time.Now().After(deadline), ask != nil && !d.conn.IsClosed(), ask == nil && status == nil:
			return lost(errors.Join(err, ask)) // not to be known
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return lost(err)
		}
	}
}

// reconnect opens the writer's connection anew, unless it is there, and makes sure that
// the leases are still ours.
func (d *postgresDriver) reconnect(ctx context.Context) error {
	d.begun, d.xid = false, ""
	deadline := time.Now().Add(reconnectFor)
	for {
		var err error
		if d.conn.IsClosed() {
			var conn *pgx.Conn
			if conn, err = pgx.ConnectConfig(ctx, d.config); err == nil {
				d.conn = conn
			}
		}
		if err == nil {
			if err = d.lease.check(ctx, d.conn); err == nil || errors.Is(err, ledger.ErrLost) {
				return err
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("ledger: the database does not come back: %w", err)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *postgresDriver) rollback(ctx context.Context) error {
	if d.conn.IsClosed() || d.conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	d.begun = false
	_, err := d.conn.Exec(ctx, "ROLLBACK")
	return err
}
