package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	sqliteReaders = 4
	walLimit      = 128 << 20 // past it the writer makes the log start anew
	checkpointGap = 200 * time.Millisecond
)

// sqliteDriver writes through one connection, reads through a few, and checkpoints
// through one more, so that no commit waits for a checkpoint.
type sqliteDriver struct {
	path string
	log  *zap.Logger
	lock *fileLock

	conn    *sqlite.Conn // the writer's
	keyed   map[*keyed]*sqlite.Stmt
	writes  map[*mutation]*sqlite.Stmt
	begins  *sqlite.Stmt
	commits *sqlite.Stmt
	rolls   *sqlite.Stmt
	since   int // commits since the size of the log was looked at
	restart time.Time

	readers chan *sqlite.Conn
	opened  int           // readers there are
	wrote   chan struct{} // tells the checkpointer that there is something to do
	stop    chan struct{}
	stopped chan struct{}
}

func openSQLite(ctx context.Context, path string, o Options) (driver, int64, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return nil, 0, errors.New(`ledger: the URL names no file; give "sqlite:/path/ledger.db"`)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, 0, fmt.Errorf("ledger: make the folder of the store: %w", err)
	}
	d := &sqliteDriver{path: path, log: o.Log, keyed: map[*keyed]*sqlite.Stmt{}, writes: map[*mutation]*sqlite.Stmt{},
		readers: make(chan *sqlite.Conn, sqliteReaders), wrote: make(chan struct{}, 1), stop: make(chan struct{}),
		stopped: make(chan struct{})}
	var err error
	if d.lock, err = lockFile(ctx, path+".lock", o.WaitOwner); err != nil {
		return nil, 0, err
	}
	epoch, err := d.open(ctx, o)
	if err != nil {
		close(d.stopped)
		return nil, 0, errors.Join(err, d.close())
	}
	return d, epoch, nil
}

func (d *sqliteDriver) open(ctx context.Context, o Options) (int64, error) {
	sync := "FULL"
	if o.Relaxed {
		sync = "NORMAL"
	}
	var err error
	if d.conn, err = sqlite.OpenConn(d.path, sqlite.OpenReadWrite|sqlite.OpenCreate); err != nil {
		return 0, fmt.Errorf("ledger: open %s: %w", d.path, err)
	}
	for _, p := range []string{"page_size = 8192", "journal_mode = wal", "synchronous = " + sync, "wal_autocheckpoint = 0",
		"journal_size_limit = 67108864", "cache_size = -65536", "temp_store = memory"} {
		if err := sqlitex.ExecuteTransient(d.conn, "PRAGMA "+p, nil); err != nil {
			return 0, fmt.Errorf("ledger: %s: pragma %s: %w", d.path, p, err)
		}
	}
	for range sqliteReaders {
		c, err := d.reader()
		if err != nil {
			return 0, err
		}
		d.readers <- c
		d.opened++
	}
	if err := migrate(ctx, d, migrations()); err != nil {
		return 0, err
	}
	epoch, err := d.own(ctx, o)
	if err != nil {
		return 0, err
	}
	for text, to := range map[string]**sqlite.Stmt{"BEGIN IMMEDIATE": &d.begins, "COMMIT": &d.commits, "ROLLBACK": &d.rolls} {
		if *to, err = d.conn.Prepare(text); err != nil {
			return 0, fmt.Errorf("ledger: prepare: %w", err)
		}
	}
	checkpointer, err := d.reader()
	if err != nil {
		return 0, err
	}
	go d.checkpoint(checkpointer)
	return epoch, nil
}

func (d *sqliteDriver) reader() (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(d.path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, fmt.Errorf("ledger: open %s for reading: %w", d.path, err)
	}
	for _, p := range []string{"cache_size = -8192", "temp_store = memory", "wal_autocheckpoint = 0"} {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+p, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("ledger: pragma %s: %w", p, err), c.Close())
		}
	}
	return c, nil
}

// own writes this process into the lease rows; the file lock is what keeps others out.
func (d *sqliteDriver) own(ctx context.Context, o Options) (int64, error) {
	var epoch int64
	err := d.query(ctx, "SELECT COALESCE(max(epoch), 0) + 1 FROM lease", nil, func(r row) error {
		epoch = r.Int(0)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ledger: read the leases: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "DELETE FROM lease;")
	owner := quote(o.Owner)
	for p := range ledger.Partitions {
		fmt.Fprintf(&b, "INSERT INTO lease (part, owner, epoch, until) VALUES (%d, %s, %d, 0);", p, owner, epoch)
	}
	fmt.Fprintf(&b, "INSERT INTO node (owner, epoch, started_at) VALUES (%s, %d, %d);", owner, epoch, micros(o.Now()))
	if err := d.script(ctx, b.String()); err != nil {
		return 0, fmt.Errorf("ledger: take the leases: %w", err)
	}
	return epoch, nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (d *sqliteDriver) engine() string { return "sqlite" }

func (d *sqliteDriver) dialect() *strings.Replacer {
	return strings.NewReplacer("{{id}}", "INTEGER PRIMARY KEY", "{{blob}}", "BLOB", "){{clustered}}{{hot}}", ") WITHOUT ROWID",
		"{{clustered}}", " WITHOUT ROWID", "{{hot}}", "")
}

func (d *sqliteDriver) script(_ context.Context, text string) error {
	return sqlitex.ExecuteScript(d.conn, text, nil)
}

func (d *sqliteDriver) probe(ctx context.Context) error {
	return d.script(ctx, "UPDATE lease SET until = until + 1 WHERE part = 0")
}

func (d *sqliteDriver) sizes(context.Context) (int64, int64, error) {
	var sizes [2]int64
	for i, suffix := range []string{"", "-wal"} {
		st, err := os.Stat(d.path + suffix)
		if err != nil {
			return 0, 0, err
		}
		sizes[i] = st.Size()
	}
	return sizes[0], sizes[1], nil
}

func (d *sqliteDriver) free() (uint64, bool) { return freeSpace(filepath.Dir(d.path)) }

func (d *sqliteDriver) close() error {
	close(d.stop)
	<-d.stopped
	var errs []error
	for range d.opened {
		c := <-d.readers // waits for a read that is under way
		errs = append(errs, c.Close())
	}
	if d.conn != nil {
		errs = append(errs, d.conn.Close())
	}
	errs = append(errs, d.lock.release())
	return errors.Join(errs...)
}
