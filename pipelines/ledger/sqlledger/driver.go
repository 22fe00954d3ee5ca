package sqlledger

import (
	"context"

	"github.com/minihub/minihub/pipelines/ledger"
)

// driver is what the store needs of a database. The methods below `query` belong to
// the writer goroutine.
type driver interface {
	schemaStore
	engine() string
	// probe makes a small durable write.
	probe(ctx context.Context) error
	// sizes returns the bytes of the database and of its write-ahead log (0: unknown).
	sizes(ctx context.Context) (bytes, wal int64, err error)
	// free returns the free bytes of the disk; false when it cannot be known.
	free() (uint64, bool)

	begin(ctx context.Context) error
	fetch(ctx context.Context, fs []fetch) error
	commit(ctx context.Context, cs []change) error
	rollback(ctx context.Context) error

	close() error
}

// row is one result row. Text and Blob are copies.
type row interface {
	Int(col int) int64
	Text(col int) string
	Blob(col int) []byte
}

// binder takes the parameters of one row, in the order of the statement's columns.
type binder interface {
	Int(int64)
	Text(string)
	Blob([]byte)
}

// fetch reads rows by n keys: a prepared statement per key, or one statement for all.
type fetch struct {
	q    *keyed
	n    int
	bind func(i int, b binder)
	row  func(r row) error
}

// change writes n rows of one table.
type change struct {
	q    *mutation
	n    int
	bind func(i int, b binder)
}

// commitError is an error of a commit, and whether the writer may go on after it.
type commitError struct {
	err   error
	fatal bool // the outcome is not known, or the store is not ours: stop
}

func (e *commitError) Error() string { return e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

func lost(err error) error {
	return &commitError{err: err, fatal: true}
}

var _ ledger.Ledger = (*Store)(nil)
