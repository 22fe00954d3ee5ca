package external

import (
	"context"
	"encoding/json"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// List implements connectors.Querier.
func (a abilities) List(ctx context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	var page connectors.Listed
	if err := a.call(ctx, wire.MethodList, func(t wire.Timed) any { return wire.List{Timed: t, Name: name, Window: w, Cursor: cursor} }, &page); err != nil {
		return connectors.Listed{}, err
	}
	return page, nil
}

// Get implements connectors.Querier.
func (a abilities) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	var got wire.Summaries
	if err := a.call(ctx, wire.MethodGet, func(t wire.Timed) any { return wire.Get{Timed: t, Name: name, Keys: keys} }, &got); err != nil {
		return nil, err
	}
	return got.Rows, nil
}

// Summarize implements connectors.Querier.
func (a abilities) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	ctx, done := context.WithTimeout(a.closing, shortly)
	defer done()
	var s connectors.Summary
	if err := a.call(ctx, wire.MethodSummarize, func(t wire.Timed) any { return wire.Summarize{Timed: t, Name: name, Document: document} }, &s); err != nil {
		return connectors.Summary{}, err
	}
	return s, nil
}
