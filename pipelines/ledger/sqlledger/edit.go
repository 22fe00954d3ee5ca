package sqlledger

import (
	"context"

	"github.com/minihub/minihub/pipelines/ledger"
)

func editTable() *table[int64, ledger.Edit] {
	return newTable(spec{name: "edit", key: "id:i", fixed: "record:i delivery:i revision:i at:i who:t why:t",
		moving: "before_blk:i before_idx:i blk:i idx:i"}, table[int64, ledger.Edit]{
		bindKey: func(b binder, id int64) { b.Int(id) },
		bindFixed: func(b binder, e *ledger.Edit) {
			b.Int(e.Record)
			b.Int(e.Delivery)
			b.Int(int64(e.Revision))
			b.Int(micros(e.At))
			b.Text(e.Who)
			b.Text(e.Why)
		},
		bindMoving: func(b binder, e *ledger.Edit) {
			b.Int(e.Before.Block)
			b.Int(int64(e.Before.Index))
			b.Int(e.After.Block)
			b.Int(int64(e.After.Index))
		},
		scan: func(r row) (int64, ledger.Edit) {
			return r.Int(0), ledger.Edit{ID: r.Int(0), Record: r.Int(1), Delivery: r.Int(2), Revision: int(r.Int(3)), At: instant(r.Int(4)),
				Who: r.Text(5), Why: r.Text(6), Before: ledger.Ref{Block: r.Int(7), Index: int(r.Int(8))},
				After: ledger.Ref{Block: r.Int(9), Index: int(r.Int(10))}}
		},
	})
}

func (c *checker) edit(e *ledger.NewEdit) {
	if e != nil {
		c.text("editor", e.Who)
		c.text("reason of an edit", e.Why)
	}
}

// keepEdit appends an edit in the transaction that makes it.
func (w *work) keepEdit(e ledger.Edit, made *ledger.NewEdit) {
	e.ID, e.At, e.Who, e.Why = w.s.ids.edit.next(), w.now, made.Who, made.Why
	w.edits.add(e.ID, e)
}

// editInUse says that the row of an edit e is unfinished: a person may still want to see
// what was there before, and a record is mapped from what the last one made.
const editInUse = "(EXISTS (SELECT 1 FROM delivery d WHERE d.open > 0 AND (d.id = e.delivery OR d.record = e.record)) " +
	"OR EXISTS (SELECT 1 FROM record r WHERE r.open > 0 AND r.id = e.record))"

// moveEdit writes a payload of an edit anew, because its block is dropped.
func (w *work) moveEdit(id int64, ref ledger.Ref, body []byte) {
	e := w.edits.get(id)
	if e == nil || e.Before != ref && e.After != ref {
		return
	}
	target := ""
	if e.Record != 0 {
		if r := w.records.get(e.Record); r != nil {
			target = r.DocKey.Connection
		}
	} else if d := w.deliveries.get(e.Delivery); d != nil {
		target = d.Connection
	}
	kind := "delivery"
	if e.Record != 0 {
		kind = "record"
	}
	e = w.edits.edit(id)
	to := w.pack.put(target, kind, body)
	if e.Before == ref {
		e.Before = to
	}
	if e.After == ref {
		e.After = to
	}
}

// RecordEdits returns what people made of a record's document, oldest first.
func (s *Store) RecordEdits(ctx context.Context, record int64) ([]ledger.Edit, error) {
	return selects(ctx, s, s.t.edits, "edits of a record", "WHERE t.record = ? AND t.record > 0 ORDER BY t.id", record)
}

// DeliveryEdits returns what people made of a delivery's document, oldest first.
func (s *Store) DeliveryEdits(ctx context.Context, delivery int64) ([]ledger.Edit, error) {
	return selects(ctx, s, s.t.edits, "edits of a delivery", "WHERE t.delivery = ? AND t.delivery > 0 ORDER BY t.id", delivery)
}
