package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// attempts counts what tries led to. They are counted where they become durable, so a
// number here is a row in the store.
type attempts struct {
	outcomes *prometheus.CounterVec
	receipts *prometheus.HistogramVec
}

func newAttempts() *attempts {
	return &attempts{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minihub_attempts_total",
			Help: "Sends, look-ups and polls by the state that they led to."}, []string{"connection", "operation", "kind", "state"}),
		receipts: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "minihub_receipt_seconds",
			Help:    "From a record's being durable, which is when its push is answered, to the target's receipt; of every eighth delivery.",
			Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 86400}}, []string{"connection", "operation"}),
	}
}

// every is of how many deliveries one is timed: the record must be read for it.
const every = 8

// counting is a store that counts what it commits. It is the store itself in every other
// respect, so that what a store can do beside ledger.Ledger stays in reach.
type counting struct {
	*sqlledger.Store
	attempts *attempts
}

// Commit counts the attempts of what was written.
func (c *counting) Commit(ctx context.Context, units ...ledger.Unit) error {
	if err := c.Store.Commit(ctx, units...); err != nil {
		return err
	}
	for _, u := range units {
		if s, ok := u.(*ledger.Settle); ok && s.Applied && s.Attempt != nil {
			c.count(ctx, s)
		}
	}
	return nil
}

// count reads the delivery, which was just written and is in memory. What cannot be read
// is not counted: a number is no reason to fail.
func (c *counting) count(ctx context.Context, s *ledger.Settle) {
	d, err := c.Delivery(ctx, s.Delivery)
	if err != nil {
		return
	}
	c.attempts.outcomes.WithLabelValues(d.Connection, d.Operation, s.Attempt.Kind, string(s.To)).Inc()
	if s.To != ledger.Delivered || d.ID%every != 0 {
		return
	}
	if r, err := c.Record(ctx, d.Record); err == nil {
		c.attempts.receipts.WithLabelValues(d.Connection, d.Operation).Observe(max(0, time.Since(r.At).Seconds()))
	}
}

// counted lets a store count what it commits.
func (a *attempts) counted(l ledger.Ledger) ledger.Ledger {
	if s, ok := l.(*sqlledger.Store); ok {
		return &counting{s, a}
	}
	return l
}
