package external

import (
	"context"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// Deliver implements connectors.Sink.
func (a abilities) Deliver(ctx context.Context, operation string, list []connectors.Delivery) ([]connectors.Result, error) {
	if _, ok := ctx.Deadline(); !ok {
		within := 30 * time.Second
		if o, ok := a.program.connector.Operation(operation); ok && o.Timeout > 0 {
			within = o.Timeout
		}
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, within)
		defer done()
	}
	id := a.seq.Add(1)
	a.mu.Lock()
	a.batches[id] = batch{ctx, list}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.batches, id)
		a.mu.Unlock()
	}()
	var got wire.Results
	if err := a.callAs(ctx, wire.MethodDeliver, id, func(t wire.Timed) any { return wire.Batch{Timed: t, Operation: operation, Deliveries: list} }, &got); err != nil {
		return nil, err
	}
	asked := make([]string, len(list))
	for i, d := range list {
		asked[i] = d.ID
	}
	return a.results(asked, got.Results), nil
}

// Poll implements connectors.Poller.
func (a abilities) Poll(ctx context.Context, operation string, tickets []connectors.Ticket) ([]connectors.Result, error) {
	var got wire.Results
	if err := a.call(ctx, wire.MethodPoll, func(t wire.Timed) any { return wire.Poll{Timed: t, Operation: operation, Tickets: tickets} }, &got); err != nil {
		return nil, err
	}
	asked := make([]string, len(tickets))
	for i, t := range tickets {
		asked[i] = t.ID
	}
	return a.results(asked, got.Results), nil
}

// results holds a program's answer against the contract: what was not asked for is
// dropped, and what contradicts itself is unknown (Invariant 3).
func (c *connection) results(asked []string, list []connectors.Result) []connectors.Result {
	at := map[string]int{}
	for _, id := range asked {
		at[id] = -1
	}
	out := make([]connectors.Result, 0, len(list))
	for _, r := range list {
		first, known := at[r.ID]
		switch {
		case !known:
			c.log.Warn("the program answered for a delivery that was not asked for")
		case first >= 0:
			out[first] = nobodyKnows(r.ID, "the program gave two results for one delivery")
		default:
			at[r.ID] = len(out)
			r = sound(r)
			c.scrub.err(r.Err)
			c.scrub.exchanges(r.Exchanges)
			out = append(out, r)
		}
	}
	return out
}

func nobodyKnows(id, text string) connectors.Result {
	return connectors.Result{ID: id, Err: &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodeNoReason, Text: text, Sent: true}}
}

// sound makes outcome and error say the same: the outcome decides.
func sound(r connectors.Result) connectors.Result {
	switch {
	case r.Outcome == connectors.Done || r.Outcome == connectors.Took && r.Ticket != "":
		r.Err = nil
		return r
	case r.Outcome == connectors.Took:
		return nobodyKnows(r.ID, "the program says that the target took it, and gives no ticket")
	case r.Outcome == connectors.MissingReference && r.Missing == nil:
		return nobodyKnows(r.ID, "the program says that a reference is missing, and not which")
	case r.Err == nil:
		r.Err = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodeNoReason, Text: "the program gave no reason"}
		if r.Outcome != connectors.Duplicate && r.Outcome != connectors.Unknown {
			r.Outcome = connectors.Unknown
		}
	}
	mend(r.Err)
	switch r.Outcome {
	case connectors.NotSent, connectors.Refused, connectors.MissingReference:
		r.Err.Sent = false
	default:
		r.Err.Sent = true
	}
	return r
}

// Lookup implements connectors.Looker.
func (l looker) Lookup(ctx context.Context, operation string, list []connectors.Delivery) ([]connectors.Finding, error) {
	var got wire.Findings
	if err := l.c.call(ctx, wire.MethodLookup, func(t wire.Timed) any { return wire.Batch{Timed: t, Operation: operation, Deliveries: list} }, &got); err != nil {
		return nil, err
	}
	asked := map[string]int{}
	for _, d := range list {
		asked[d.ID]++
	}
	out := make([]connectors.Finding, 0, len(got.Findings))
	for _, f := range got.Findings {
		if asked[f.ID] != 1 { // not asked for, or answered twice: nobody can tell
			if asked[f.ID] == 2 {
				for i := range out {
					if out[i].ID == f.ID {
						out[i] = connectors.Finding{ID: f.ID, Err: nobodyKnows(f.ID, "the program gave two findings for one delivery").Err}
					}
				}
			}
			continue
		}
		asked[f.ID] = 2
		if f.Err != nil {
			mend(f.Err)
			l.c.scrub.err(f.Err)
		}
		l.c.scrub.exchanges(f.Exchanges)
		out = append(out, f)
	}
	return out, nil
}
