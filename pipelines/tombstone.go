package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// bodyOf returns what a record is mapped from: its own bytes, and for a tombstone, which
// has none, those of the document as it was last.
func (e *Engine) bodyOf(ctx context.Context, rec *ledger.Record) ([]byte, error) {
	if !rec.Deleted {
		return e.opt.Ledger.Payload(ctx, rec.Payload)
	}
	rows, err := e.opt.Ledger.RootRecords(ctx, rec.Root)
	if err != nil {
		return nil, err
	}
	var last *ledger.Record
	for i := range rows {
		r := &rows[i]
		if r.Doc != rec.Doc || r.Deleted || r.Version > rec.Version {
			continue
		}
		if last == nil || r.Version >= last.Version {
			last = r
		}
	}
	if last == nil {
		return nil, fmt.Errorf("%w: a document of record %d from before it was deleted", ledger.ErrNotFound, rec.ID)
	}
	return e.opt.Ledger.Payload(ctx, last.Payload)
}

// ofDeleted returns the flows that take deletes, and the document as it was last. There
// are none when nobody here ever knew it, or its payload is past its retention: nothing
// stands at a target by this hub's doing that still could be mapped.
func (e *Engine) ofDeleted(ctx context.Context, rec *ledger.Record, flows []*flow.Flow) ([]*flow.Flow, []byte, error) {
	flows = slices.DeleteFunc(slices.Clone(flows), func(f *flow.Flow) bool { return !f.Deletes })
	if len(flows) == 0 {
		return nil, nil, nil
	}
	body, err := e.bodyOf(ctx, rec)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil, nil
	}
	return flows, body, err
}
