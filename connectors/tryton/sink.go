package tryton

import (
	"context"

	"github.com/minihub/minihub/connectors"
)

var _ connectors.Sink = (*conn)(nil)

// DryRuns implements connectors.DryRunner.
func (c *conn) DryRuns() {}

// Deliver takes the deliveries one after the other: Tryton has no batch that could fail
// in part.
func (c *conn) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var push func(*run, context.Context, connectors.Delivery) connectors.Result
	switch operation {
	case opParty:
		push = (*run).pushParty
	case opSale:
		push = (*run).pushSale
	case opCancel:
		push = (*run).cancelSale
	default:
		return nil, unknownName("operation", operation)
	}
	results := make([]connectors.Result, 0, len(batch))
	for _, d := range batch {
		results = append(results, push(c.run(), ctx, d))
	}
	return results, nil
}

func (r *run) pushParty(ctx context.Context, d connectors.Delivery) connectors.Result {
	res := connectors.Result{ID: d.ID}
	want, err := readParty(d)
	if err == nil {
		var party id
		if party, err = r.upsertParty(ctx, want); err == nil {
			res.Outcome, res.RemoteIDs = connectors.Done, []connectors.RemoteID{{Kind: "party", Value: party.String()}}
		}
	}
	if err != nil {
		res.Outcome, res.Err = outcome(err), r.stale(err)
	}
	res.Exchanges = r.made
	return res
}

func unknownName(what, name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "tryton." + what, Text: "there is no " + what + " " + name}
}
