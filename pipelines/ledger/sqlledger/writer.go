package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// lingerFrom is the size of a batch after which the writer waits for company.
const lingerFrom = 8

// call is one Commit that waits for the writer.
type call struct {
	ops  []op
	done chan error
}

// Commit writes the units; see ledger.Ledger. It blocks while the queue is full.
func (s *Store) Commit(ctx context.Context, units ...ledger.Unit) error {
	if len(units) == 0 {
		return nil
	}
	ops := make([]op, len(units))
	for i, u := range units {
		if _, intake := u.(*ledger.Intake); intake && s.free.low(s.now()) {
			return fmt.Errorf("%w: less than %d MiB are free; free some, or lower the floor", ledger.ErrFull,
				s.opts.MinFree>>20)
		}
		var err error
		if ops[i], err = s.prepare(u); err != nil {
			return err
		}
	}
	return s.submit(ctx, ops...)
}

func (s *Store) submit(ctx context.Context, ops ...op) error {
	c := &call{ops: ops, done: make(chan error, 1)}
	if err := s.enqueue(ctx, c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("ledger: commit: not waited for: %w", ctx.Err())
	}
}

func (s *Store) enqueue(ctx context.Context, c *call) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ledger.ErrClosed
	}
	if err := s.failure.Load(); err != nil {
		return *err
	}
	select {
	case s.queue <- c:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ledger: commit: the queue is full: %w", ctx.Err())
	}
}

// run is the one writer: it takes what is queued and writes it in one transaction.
func (s *Store) run() {
	defer close(s.writer)
	previous := 0
	for c := range s.queue {
		calls := []*call{c}
		n := s.drain(&calls, len(c.ops), s.opts.BatchUnits)
		if previous > lingerFrom && n < previous {
			n = s.linger(&calls, n, min(previous, s.opts.BatchUnits))
		}
		previous = n
		s.write(calls)
	}
}

// drain takes what is there.
func (s *Store) drain(calls *[]*call, n, limit int) int {
	for n < limit {
		select {
		case c, ok := <-s.queue:
			if !ok {
				return n
			}
			*calls = append(*calls, c)
			n += len(c.ops)
		default:
			return n
		}
	}
	return n
}

// linger waits a moment for as many units as the last batch had: those who were
// answered then are about to come back.
func (s *Store) linger(calls *[]*call, n, limit int) int {
	t := time.NewTimer(s.opts.Linger)
	defer t.Stop()
	for n < limit {
		select {
		case c, ok := <-s.queue:
			if !ok {
				return n
			}
			*calls = append(*calls, c)
			n += len(c.ops)
		case <-t.C:
			return n
		}
	}
	return n
}

// write answers every call. When a batch fails for a reason that may be one call's,
// each is tried alone.
func (s *Store) write(calls []*call) {
	err := s.try(calls...)
	for range 3 {
		if !errors.Is(err, errAgain) {
			break
		}
		err = s.try(calls...)
	}
	if err != nil && len(calls) > 1 && !fatal(err) && !errors.Is(err, ledger.ErrFull) {
		s.log.Warn("ledger: a batch failed, trying its calls one by one", zap.Int("calls", len(calls)), zap.Error(err))
		for _, c := range calls {
			c.done <- s.try(c)
		}
		return
	}
	for _, c := range calls {
		c.done <- err
	}
}

// try writes the units of the calls in one transaction.
func (s *Store) try(calls ...*call) error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	var ops []op
	for _, c := range calls {
		ops = append(ops, c.ops...)
	}
	ctx := context.Background() // a batch belongs to many callers
	w := newWork(ctx, s)
	err := s.drv.begin(ctx)
	if err == nil {
		err = w.apply(ops)
	}
	if err == nil {
		err = s.drv.commit(ctx, w.changes())
	}
	if err != nil {
		if !fatal(err) {
			if back := s.drv.rollback(ctx); back != nil {
				err = lost(errors.Join(err, back))
			}
		}
		err = fmt.Errorf("ledger: commit: %w", err)
		if fatal(err) {
			s.failure.Store(&err)
			s.log.Error("ledger: stopped", zap.Error(err))
		}
		return err
	}
	w.done()
	s.commits.Add(1)
	s.units.Add(int64(len(ops)))
	return nil
}

func fatal(err error) bool {
	var c *commitError
	return errors.As(err, &c) && c.fatal
}

// diskWatch knows whether the disk is nearly full; it looks once a second.
type diskWatch struct {
	measure func() (uint64, bool)
	floor   uint64

	mu   sync.Mutex
	next time.Time
	full bool
}

func (d *diskWatch) low(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.next) {
		return d.full
	}
	d.next = now.Add(time.Second)
	free, known := d.measure()
	d.full = known && free < d.floor
	return d.full
}
