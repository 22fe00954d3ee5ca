package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// lease is this process's hold of all partitions of a PostgreSQL ledger. It lasts while
// it is renewed; what is written is fenced by owner and epoch, not by time, so that a
// late renewal cannot let two processes write.
type lease struct {
	owner string
	epoch int64
	ttl   time.Duration
	pool  *pgxpool.Pool
	log   *zap.Logger

	stop chan struct{}
	done sync.WaitGroup
}

// The server's clock in microseconds: the clocks of nodes may differ.
const serverNow = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// takeLease takes all partitions, or waits for as long as the options say while another
// process has them.
func takeLease(ctx context.Context, pool *pgxpool.Pool, o Options) (*lease, error) {
	l := &lease{owner: o.Owner, ttl: o.LeaseTTL, pool: pool, log: o.Log, stop: make(chan struct{})}
	deadline := time.Now().Add(o.WaitOwner)
	for {
		holder, err := l.take(ctx)
		if err != nil {
			return nil, fmt.Errorf("ledger: take the leases: %w", err)
		}
		if holder == "" {
			break
		}
		if !time.Now().Before(deadline) {
			return nil, fmt.Errorf("%w: %s", ledger.ErrOwned, holder)
		}
		if err := pause(ctx, min(200*time.Millisecond, o.LeaseTTL/4)); err != nil {
			return nil, err
		}
	}
	l.done.Add(1)
	go l.renew()
	return l, nil
}

// take returns who holds the leases, or nothing when they are ours now.
func (l *lease) take(ctx context.Context) (holder string, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE lease IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, "SELECT owner FROM lease WHERE until > "+serverNow+" LIMIT 1").Scan(&holder)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err // somebody holds them, or the query failed
		}
		if err := tx.QueryRow(ctx, "SELECT COALESCE(max(epoch), 0) + 1 FROM lease").Scan(&l.epoch); err != nil {
			return err
		}
		// Waits for a commit of the old owner that has locked them.
		_, err = tx.Exec(ctx, "INSERT INTO lease (part, owner, epoch, until) SELECT p, $1, $2, "+serverNow+" + $3 "+
			"FROM generate_series(0, $4 - 1) AS p ON CONFLICT (part) DO UPDATE SET owner = excluded.owner, "+
			"epoch = excluded.epoch, until = excluded.until", l.owner, l.epoch, l.ttl.Microseconds(), int64(ledger.Partitions))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO node (owner, epoch, started_at) VALUES ($1, $2, "+serverNow+")", l.owner, l.epoch)
		return err
	})
	return holder, err
}

func (l *lease) renew() {
	defer l.done.Done()
	t := time.NewTicker(l.ttl / 4)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), l.ttl)
		tag, err := l.pool.Exec(ctx, "UPDATE lease SET until = "+serverNow+" + $1 WHERE owner = $2 AND epoch = $3",
			l.ttl.Microseconds(), l.owner, l.epoch)
		cancel()
		switch {
		case err != nil:
			l.log.Warn("ledger: the leases could not be renewed", zap.Error(err))
		case tag.RowsAffected() != ledger.Partitions:
			l.log.Error("ledger: another process has taken the leases", zap.Int64("left", tag.RowsAffected()))
			return // the next commit finds it too, and stops the store
		}
	}
}

// check answers ledger.ErrLost when the leases are somebody else's.
func (l *lease) check(ctx context.Context, conn *pgx.Conn) error {
	var n int
	err := conn.QueryRow(ctx, "SELECT count(*) FROM lease WHERE owner = $1 AND epoch = $2", l.owner, l.epoch).Scan(&n)
	if err != nil {
		return fmt.Errorf("ledger: look at the leases: %w", err)
	}
	if n != ledger.Partitions {
		return fmt.Errorf("%w: %d of %d leases are left", ledger.ErrLost, n, ledger.Partitions)
	}
	return nil
}

// release lets the next process in at once.
func (l *lease) release(ctx context.Context) error {
	close(l.stop)
	l.done.Wait()
	_, err := l.pool.Exec(ctx, "UPDATE lease SET until = 0 WHERE owner = $1 AND epoch = $2", l.owner, l.epoch)
	return err
}
