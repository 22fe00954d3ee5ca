package manifest

import (
	"context"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// Poll asks how accepted writes ended. A poll that fails says nothing about the write: it
// is still taken.
func (a *account) Poll(ctx context.Context, operation string, tickets []connectors.Ticket) ([]connectors.Result, error) {
	o, ok := a.m.Operations.get(operation)
	if !ok || o.Poll == nil {
		return nil, a.noSuch("operation to poll", operation)
	}
	var results []connectors.Result
	for _, t := range tickets {
		results = append(results, a.pollOne(ctx, o, t))
	}
	return results, nil
}

func (a *account) pollOne(ctx context.Context, o *operationSpec, t connectors.Ticket) connectors.Result {
	res := connectors.Result{ID: t.ID}
	again := func(e *connectors.Error) connectors.Result {
		res.Outcome, res.Ticket, res.Wait = connectors.Took, t.Ticket, o.Poll.Every.Duration
		if e != nil {
			res.Wait = max(res.Wait, e.Wait)
		}
		return res
	}
	doc, err := a.document(o, t.Delivery)
	if err != nil {
		return again(err)
	}
	ans, err := a.call(ctx, &o.Poll.callSpec, doc.vars().With(formula.Env{"ticket": t.Ticket}), options{})
	res.Exchanges = shown(ans)
	if err != nil {
		if ans.rule == nil || err.Scope != connectors.OfDocument || err.Sent && ans.rule.Outcome == "" {
			return again(err)
		}
		a.settle(&res, err, ans.rule, ans.env)
		return res
	}
	done, derr := o.Poll.Done.e.Bool(ans.env)
	pending, perr := o.Poll.Pending.e.Bool(ans.env)
	switch {
	case derr == nil && done:
		res.Outcome, res.RemoteIDs = connectors.Done, remoteIDs(o.Poll.IDs, ans.env)
	case perr == nil && pending:
		return again(nil)
	default:
		res.Err = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: a.code(ans), Text: "the answer says neither finished nor not yet", Sent: true}
	}
	return res
}
