package sqlledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// retainBlocks is how many blocks one transaction of Retain drops.
const retainBlocks = 64

// Retain drops the payload blocks of days that ended before olderThan and returns how
// many. What an unfinished record or delivery still needs is copied into new blocks
// first; other rows are not touched, and their payloads answer ledger.ErrNotFound. A
// row read before may name a payload that has moved since: read the row again.
func (s *Store) Retain(ctx context.Context, olderThan time.Time) (int, error) {
	day := olderThan.Unix() / 86400
	dropped := 0
	last := int64(0) // blocks made on the way are not this run's
	err := s.read(ctx, "the newest block", "SELECT COALESCE(max(id), 0) FROM blk", nil, func(r row) error {
		last = r.Int(0)
		return nil
	})
	if err != nil {
		return 0, err
	}
	needed, err := s.needed(ctx, last)
	if err != nil {
		return 0, err
	}
	for {
		old, err := s.blocksBefore(ctx, day, last)
		if err != nil {
			return dropped, err
		}
		if len(old) == 0 {
			return dropped, s.dropRuns(ctx, olderThan)
		}
		o := &retainOp{blocks: old, bodies: map[ledger.Ref][]byte{}}
		for _, id := range old {
			o.needed = append(o.needed, needed[id]...)
		}
		for _, n := range o.needed {
			if o.bodies[n.ref], err = s.Payload(ctx, n.ref); err != nil {
				return dropped, fmt.Errorf("ledger: retain: the payload of an unfinished row: %w", err)
			}
		}
		if err := s.submit(ctx, o); err != nil {
			return dropped, err
		}
		for _, id := range old {
			s.blocks.drop(id)
		}
		dropped += len(old)
	}
}

// oldRuns are rows of the jobs' histories from before a moment; the newest of each job
// stays, since it says where the job is.
var oldRuns = oneRow(columns("before:i"), "DELETE FROM job_run WHERE started_at < ?1 AND id NOT IN (SELECT max(id) FROM job_run GROUP BY job)")

func (s *Store) dropRuns(ctx context.Context, olderThan time.Time) error {
	return s.submit(ctx, &direct{do: s.writing(change{oldRuns, 1, func(_ int, to binder) { to.Int(micros(olderThan)) }})})
}

// blocksBefore returns some blocks in order of id.
func (s *Store) blocksBefore(ctx context.Context, day, last int64) ([]int64, error) {
	var ids []int64
	err := s.read(ctx, "old payloads", "SELECT id FROM blk WHERE day < ? AND id <= ? ORDER BY day, id LIMIT ?",
		[]any{day, last, int64(retainBlocks)},
		func(r row) error {
			ids = append(ids, r.Int(0))
			return nil
		})
	slices.Sort(ids)
	return ids, err
}

// need is a payload that an unfinished record or delivery still needs.
type need struct {
	record, delivery, edit int64 // one of them
	ref                    ledger.Ref
}

// needed finds by block the payloads that are still needed: of what is unfinished, and
// of the record of an unfinished delivery (it may be mapped again), and of what people
// made of them.
func (s *Store) needed(ctx context.Context, last int64) (map[int64][]need, error) {
	out := map[int64][]need{}
	const none = "CAST(0 AS BIGINT)"
	for _, text := range []string{
		"SELECT id, " + none + ", " + none + ", blk, idx FROM record WHERE open > 0 AND blk > 0 AND blk <= ?",
		"SELECT DISTINCT r.id, " + none + ", " + none + ", r.blk, r.idx FROM delivery d JOIN record r ON r.id = d.record " +
			"WHERE d.open > 0 AND r.open = 0 AND r.blk > 0 AND r.blk <= ?",
		"SELECT " + none + ", id, " + none + ", blk, idx FROM delivery WHERE open > 0 AND blk > 0 AND blk <= ?",
		"SELECT " + none + ", " + none + ", e.id, e.blk, e.idx FROM edit e WHERE " + editInUse + " AND e.blk > 0 AND e.blk <= ?",
		"SELECT " + none + ", " + none + ", e.id, e.before_blk, e.before_idx FROM edit e WHERE " + editInUse + " AND e.before_blk > 0 AND e.before_blk <= ?",
	} {
		err := s.read(ctx, "payloads in use", text, []any{last}, func(r row) error {
			n := need{r.Int(0), r.Int(1), r.Int(2), ledger.Ref{Block: r.Int(3), Index: int(r.Int(4))}}
			out[n.ref.Block] = append(out[n.ref.Block], n)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// retainOp moves what is needed and drops the blocks, in one transaction.
type retainOp struct {
	blocks []int64
	needed []need
	bodies map[ledger.Ref][]byte
}

func (o *retainOp) want(w *work) {
	for _, n := range o.needed {
		switch {
		case n.record != 0:
			w.records.want(n.record)
		case n.delivery != 0:
			w.deliveries.want(n.delivery)
		default:
			w.edits.want(n.edit)
		}
	}
	for _, id := range o.blocks {
		w.blocks.want(id)
	}
}

func (o *retainOp) more(*work) {}

func (o *retainOp) apply(w *work) {
	for _, n := range o.needed {
		switch {
		case n.record != 0:
			if r := w.records.get(n.record); r != nil && r.Payload == n.ref {
				w.records.edit(n.record).Payload = w.pack.put(r.DocKey.Connection, "record", o.bodies[n.ref])
			}
		case n.delivery != 0:
			if d := w.deliveries.get(n.delivery); d != nil && d.Payload == n.ref {
				w.deliveries.edit(n.delivery).Payload = w.pack.put(d.Connection, "delivery", o.bodies[n.ref])
			}
		default:
			w.moveEdit(n.edit, n.ref, o.bodies[n.ref])
		}
	}
	for _, id := range o.blocks {
		w.blocks.get(id)
		w.blocks.remove(id)
	}
	// No block id is used again: finished rows still point at the dropped ones.
	floor := strconv.FormatInt(int64(w.s.ids.block), 10)
	if w.meta.get(metaBlock) == nil {
		w.meta.add(metaBlock, floor)
	} else {
		*w.meta.edit(metaBlock) = floor
	}
}

func metaTable() *table[string, string] {
	return newTable(spec{name: "meta", key: "key:t", moving: "value:t"}, table[string, string]{
		bindKey:    func(b binder, k string) { b.Text(k) },
		bindFixed:  func(binder, *string) {},
		bindMoving: func(b binder, v *string) { b.Text(*v) },
		scan:       func(r row) (string, string) { return r.Text(0), r.Text(1) },
	})
}

// blockTable knows blocks by id alone: they are inserted by packer and only ever dropped.
func blockTable() *table[int64, struct{}] {
	return newTable(spec{name: "blk", key: "id:i"}, table[int64, struct{}]{
		bindKey:    func(b binder, id int64) { b.Int(id) },
		bindFixed:  func(binder, *struct{}) {},
		bindMoving: func(binder, *struct{}) {},
		scan:       func(r row) (int64, struct{}) { return r.Int(0), struct{}{} },
	})
}
