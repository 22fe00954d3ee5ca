package pipelines

import (
	"context"
	"errors"
	"fmt"

	"github.com/minihub/minihub/pipelines/ledger"
)

// desk returns the part of the ledger that keeps incidents and bulk replays.
func (e *Engine) desk() (ledger.Desk, error) {
	d, ok := e.opt.Ledger.(ledger.Desk)
	if !ok {
		return nil, errors.New("this ledger keeps no incidents")
	}
	return d, nil
}

// mapAgainWho stands in the history of what a lookup entry released.
const mapAgainWho = "lookup"

// ReleaseRecords maps the records again that a canonical mapping parked for a lookup
// entry which is there now, in the order they came; table and key narrow it to one entry.
// It is safe to run at any time: what still misses an entry stays parked. It returns how
// many records went on.
func (e *Engine) ReleaseRecords(ctx context.Context, table, key string) (int, error) {
	desk, err := e.desk()
	if err != nil {
		return 0, err
	}
	released := 0
	f := ledger.IncidentFilter{State: "open", Kind: "record", Code: CodeMissingLookup, Limit: 500}
	for {
		page, err := desk.Incidents(ctx, f)
		if err != nil {
			return released, err
		}
		for i := range page {
			n, err := e.releaseRecords(ctx, desk, &page[i], table, key)
			released += n
			if err != nil {
				return released, err
			}
			f.Before, f.BeforeID = page[i].OpenedAt, page[i].ID
		}
		if len(page) < f.Limit {
			return released, nil
		}
	}
}

// releaseRecords goes through the records of one missing entry.
func (e *Engine) releaseRecords(ctx context.Context, desk ledger.Desk, i *ledger.Incident, table, key string) (released int, err error) {
	for after := int64(0); ; {
		ids, err := desk.IncidentRows(ctx, i.ID, after, 500)
		if err != nil || len(ids) == 0 {
			return released, err
		}
		for n, id := range ids {
			after = id
			rec, err := e.opt.Ledger.Record(ctx, id)
			if err != nil {
				return released, fmt.Errorf("reading record %d: %w", id, err)
			}
			missingIn, missing, ok := ledger.MissingEntry(rec.Text)
			if !ok || table != "" && (missingIn != table || missing != key) || !e.hasEntry(missingIn, missing) {
				if n == 0 && len(i.Field) < 200 {
					return released, nil // all rows of the incident miss the same entry
				}
				continue
			}
			out, err := e.ReplayRecord(ctx, id, Remap, mapAgainWho)
			switch {
			case ctx.Err() != nil, errors.Is(err, ledger.ErrClosed), errors.Is(err, ledger.ErrLost):
				return released, err
			case err == nil && out.Code == "":
				released++
			case err == nil:
				if err := e.parkedFor(ctx, rec, out); err != nil {
					return released, err
				}
			}
			// Otherwise it moved meanwhile: nothing is left to do about it.
		}
	}
}

// parkedFor writes what a record is parked for now: the entry that was filled in is not
// the only thing it lacks.
func (e *Engine) parkedFor(ctx context.Context, rec *ledger.Record, out Replay) error {
	return e.opt.Ledger.Commit(ctx, &ledger.Route{Record: rec.ID, From: []ledger.RecordState{ledger.RecordParked}, To: ledger.RecordParked, Code: out.Code, Text: out.Text, Replay: true})
}

// hasEntry reports whether the tables in force have an entry.
func (e *Engine) hasEntry(table, key string) bool {
	t := e.current().opt.Tables
	if t == nil {
		return false
	}
	_, ok := t.Get(table, key)
	return ok
}
