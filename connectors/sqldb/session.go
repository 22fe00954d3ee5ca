package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/minihub/minihub/connectors"
)

// maxAnswer bounds what one query may bring into memory, in bytes.
const maxAnswer = 64 << 20

// session is one connection of the pool with at most one transaction on it.
type session struct {
	c    *conn
	conn *sql.Conn
	open bool // a transaction has begun
	bad  bool // the connection is not to be used again
	sum  int  // bytes read in this transaction

	dry  *connectors.DryRun // nil: what is done counts
	said []change           // what changed rows, or would have
}

// transaction runs f in a transaction. A reading one sees one moment of the database and
// can change nothing. Without an error from f it is committed; committing says that the
// fault came out of COMMIT itself, where a broken connection tells nothing.
func (c *conn) transaction(ctx context.Context, readOnly bool, f func(s *session) error) (committing bool, err error) {
	s, err := c.begin(ctx, readOnly)
	if err != nil {
		return false, err
	}
	defer s.release()
	if err := f(s); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := s.plain(ctx, "COMMIT"); err != nil {
		s.bad = true
		return true, err
	}
	s.open = false
	return true, nil
}

// begin takes a connection and begins a transaction. One from the pool may have been cut
// while nobody looked; nothing has been asked yet, so another is taken, once.
func (c *conn) begin(ctx context.Context, readOnly bool) (*session, error) {
	for again := false; ; again = true {
		sc, err := c.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		s := &session{c: c, conn: sc}
		for _, text := range begin(c.driver, readOnly) {
			if err = s.plain(ctx, text); err != nil {
				break
			}
		}
		if err == nil {
			s.open = true
			return s, nil
		}
		s.bad = true
		s.release()
		if _, answered := serverFault(err); answered || again || ctx.Err() != nil {
			return nil, err
		}
	}
}

func begin(driver string, readOnly bool) []string {
	switch {
	case driver == driverPostgres && readOnly:
		return []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
	case driver == driverPostgres:
		return []string{"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"}
	case readOnly:
		return []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION READ ONLY"}
	default:
		// Repeatable read would lock the gaps beside a row that is not there yet, and two
		// inserts would wait for each other.
		return []string{"SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION READ WRITE"}
	}
}

// release rolls back what is open and gives the connection back, or throws it away.
func (s *session) release() {
	if s.open && !s.bad {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		s.bad = s.plain(ctx, "ROLLBACK") != nil
	}
	if s.bad {
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool closes it
	}
	_ = s.conn.Close()
}

// plain runs a statement without values and without an answer.
func (s *session) plain(ctx context.Context, text string) error {
	if s.c.driver == driverPostgres {
		return s.postgres(func(pc *pgx.Conn) error {
			_, err := pc.PgConn().Exec(ctx, text).ReadAll()
			return err
		})
	}
	_, err := s.conn.ExecContext(ctx, text)
	return err
}

func (s *session) postgres(f func(*pgx.Conn) error) error {
	var inner error
	err := s.conn.Raw(func(dc any) error {
		pc, ok := dc.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T", dc)
		}
		inner = f(pc.Conn())
		return nil
	})
	if inner != nil {
		return inner
	}
	return err
}

// change is a statement that changes rows, as support reads it.
type change struct {
	SQL    string `json:"sql"`
	Values []any  `json:"values"`
}

// exec runs a statement that changes rows; in a dry run it is only noted, in a transaction
// that could not change any.
func (s *session) exec(ctx context.Context, q *query) error {
	s.said = append(s.said, change{q.String(), q.args})
	if s.dry != nil {
		return nil
	}
	if s.c.driver == driverPostgres {
		return s.postgres(func(pc *pgx.Conn) error {
			_, err := pc.Exec(ctx, q.String(), append([]any{pgx.QueryExecModeDescribeExec}, q.args...)...)
			return err
		})
	}
	_, err := s.conn.ExecContext(ctx, q.String(), q.args...)
	return err
}

// query reads all rows of an answer.
func (s *session) query(ctx context.Context, q *query) (*grid, error) {
	if s.c.driver == driverPostgres {
		return s.queryPostgres(ctx, q)
	}
	return s.queryMySQL(ctx, q)
}

func (s *session) queryPostgres(ctx context.Context, q *query) (*grid, error) {
	g := &grid{}
	err := s.postgres(func(pc *pgx.Conn) error {
		// Text format: the very letters that the server writes, nothing in between.
		args := append([]any{pgx.QueryExecModeDescribeExec, pgx.QueryResultFormats{pgx.TextFormatCode}}, q.args...)
		rows, err := pc.Query(ctx, q.String(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			raw := rows.RawValues()
			row := make([]cell, len(raw))
			for i, v := range raw {
				if v == nil {
					continue
				}
				row[i] = append(cell{}, v...)
				if err := s.count(len(v)); err != nil {
					return err
				}
			}
			g.rows = append(g.rows, row)
		}
		for _, f := range rows.FieldDescriptions() {
			t, ok := postgresTypes[f.DataTypeOID]
			if !ok {
				t.name = "type " + strconv.FormatUint(uint64(f.DataTypeOID), 10)
			}
			g.columns = append(g.columns, column{f.Name, t.class, t.name})
		}
		return rows.Err()
	})
	return g, err
}

func (s *session) queryMySQL(ctx context.Context, q *query) (_ *grid, err error) {
	rows, err := s.conn.QueryContext(ctx, q.String(), q.args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	g := &grid{}
	for _, t := range types {
		typ := t.DatabaseTypeName()
		g.columns = append(g.columns, column{t.Name(), mysqlClass(typ), typ})
	}
	dest, into := make([]any, len(types)), make([]any, len(types))
	for i := range dest {
		into[i] = &dest[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]cell, len(dest))
		for i, v := range dest {
			if row[i], err = letters(v); err != nil {
				return nil, err
			}
			if err := s.count(len(row[i])); err != nil {
				return nil, err
			}
		}
		g.rows = append(g.rows, row)
	}
	return g, rows.Err()
}

// letters writes a value of the MySQL driver as the server would: it hands numbers over
// in their own binary form, and a double's shortest spelling is exactly that double.
func letters(v any) (cell, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []byte:
		return append(cell{}, v...), nil
	case string:
		return append(cell{}, v...), nil
	case int64:
		return strconv.AppendInt(cell{}, v, 10), nil
	case uint64:
		return strconv.AppendUint(cell{}, v, 10), nil
	case float32:
		return strconv.AppendFloat(cell{}, float64(v), 'g', -1, 32), nil
	case float64:
		return strconv.AppendFloat(cell{}, v, 'g', -1, 64), nil
	default:
		return nil, fmt.Errorf("the driver gave a %T", v)
	}
}

// errTooMuch is a page that does not fit into memory.
var errTooMuch = errors.New("the answer is too large")

func (s *session) count(n int) error {
	if s.sum += n + 16; s.sum > maxAnswer {
		return errTooMuch
	}
	return nil
}
