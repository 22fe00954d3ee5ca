package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/codec"
)

// source is what a record is mapped from: its own bytes, or what a person made of them.
type source struct {
	body   []byte
	edited bool
}

// read decodes a source document: an edited one is JSON, whatever the vendor writes.
func (c *connection) read(stream string, s source) (any, error) {
	if s.edited {
		return codec.Decode(s.body)
	}
	return c.decode(stream, s.body)
}

// sourceOf returns what a record is mapped from; for a tombstone, which has no bytes, that
// of the document as it was last.
func (e *Engine) sourceOf(ctx context.Context, rec *ledger.Record) (source, error) {
	if !rec.Deleted {
		return e.lastEdit(ctx, rec)
	}
	rows, err := e.opt.Ledger.RootRecords(ctx, rec.Root)
	if err != nil {
		return source{}, err
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
		return source{}, fmt.Errorf("%w: a document of record %d from before it was deleted", ledger.ErrNotFound, rec.ID)
	}
	return e.lastEdit(ctx, last)
}

// lastEdit returns what people have made of a record's document: each of their acts is a
// revision, so most records are not looked up.
func (e *Engine) lastEdit(ctx context.Context, rec *ledger.Record) (source, error) {
	ref, edited := rec.Payload, false
	if rec.Revision > 0 {
		list, err := e.opt.Ledger.RecordEdits(ctx, rec.ID)
		if err != nil {
			return source{}, err
		}
		if n := len(list); n > 0 && list[n-1].After != (ledger.Ref{}) {
			ref, edited = list[n-1].After, true
		}
	}
	body, err := e.opt.Ledger.Payload(ctx, ref)
	return source{body, edited}, err
}

// ofDeleted returns the flows that take deletes, and the document as it was last. There
// are none when nobody here ever knew it, or its payload is past its retention: nothing
// stands at a target by this hub's doing that still could be mapped.
func (e *Engine) ofDeleted(ctx context.Context, rec *ledger.Record, flows []*flow.Flow) ([]*flow.Flow, source, error) {
	flows = slices.DeleteFunc(slices.Clone(flows), func(f *flow.Flow) bool { return !f.Deletes })
	if len(flows) == 0 {
		return nil, source{}, nil
	}
	src, err := e.sourceOf(ctx, rec)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, source{}, nil
	}
	return flows, src, err
}
