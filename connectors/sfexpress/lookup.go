package sfexpress

import (
	"context"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// Lookup searches each order by its id. For a cancel, "same" means that the order is
// cancelled and "absent" that it is not.
func (c *conn) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	var one func(context.Context, connectors.Delivery) connectors.Finding
	switch operation {
	case opCreate:
		one = c.findOrder
	case opCancel:
		one = c.findCancel
	default:
		return nil, noOperation(operation)
	}
	findings := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		findings = append(findings, one(ctx, d))
	}
	return findings, nil
}

func (c *conn) findOrder(ctx context.Context, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	_, parcels, err := readDocument(d, d.Key)
	if err != nil {
		f.Err = err
		return f
	}
	order, exchange, err := c.search(ctx, d.Key)
	f.Exchanges = []connectors.Exchange{exchange}
	switch {
	case err != nil && err.Kind == connectors.NotFound && err.Scope == doc:
		f.Presence = connectors.Absent
	case err != nil && err.Code == codeCancelled:
		f.Presence, f.Fields, f.RemoteIDs = connectors.Other, []string{"/cancelled"}, order.remoteIDs(d.Key)
	case err != nil:
		f.Err = err
	case order.filter == filterNo:
		f.Presence, f.Fields, f.RemoteIDs = connectors.Other, []string{"/filterResult"}, order.remoteIDs(d.Key)
	case order.master == "":
		f.Err = &connectors.Error{Kind: connectors.Unavailable, Scope: doc, Code: "sfexpress.checking", Text: "the carrier still checks the order by hand: it has no waybill yet", Wait: checkAgain}
	case 1+len(order.children) != parcels:
		f.Presence, f.Fields, f.RemoteIDs = connectors.Other, []string{"/parcelQty"}, order.remoteIDs(d.Key)
	default:
		f.Presence, f.RemoteIDs = connectors.Same, order.remoteIDs(d.Key)
	}
	return f
}

func (c *conn) findCancel(ctx context.Context, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	_, _, err := readDocument(d, orderID(d))
	if err != nil {
		f.Err = err
		return f
	}
	_, exchange, err := c.search(ctx, orderID(d))
	f.Exchanges = []connectors.Exchange{exchange}
	switch {
	case err != nil && err.Code == codeCancelled:
		f.Presence, f.RemoteIDs = connectors.Same, d.RemoteIDs
	case err == nil, err.Kind == connectors.NotFound && err.Scope == doc:
		f.Presence = connectors.Absent
	default:
		f.Err = err
	}
	return f
}

// search asks for one order. One that is not there is NotFound, a cancelled one has
// codeCancelled.
func (c *conn) search(ctx context.Context, orderID string) (made, connectors.Exchange, *connectors.Error) {
	body, err := codec.Encode(map[string]any{"orderId": orderID, "searchType": "1", "language": language})
	if err != nil {
		return made{}, connectors.Exchange{}, badDocument("the order id cannot be written as JSON", "")
	}
	data, exchange, verr := c.call(ctx, svcSearch, body)
	if verr != nil {
		return made{}, exchange, verr
	}
	order, verr := readMade(data)
	return order, exchange, verr
}

// Poll asks for orders that wait for the carrier's manual check.
func (c *conn) Poll(ctx context.Context, operation string, tickets []connectors.Ticket) ([]connectors.Result, error) {
	if operation != opCreate {
		return nil, noOperation(operation)
	}
	results := make([]connectors.Result, 0, len(tickets))
	for _, t := range tickets {
		r := connectors.Result{ID: t.ID}
		order, exchange, err := c.search(ctx, t.Ticket)
		r.Exchanges = []connectors.Exchange{exchange}
		switch {
		case err == nil:
			settleCreate(&r, order, t.Ticket)
		case err.Code == codeCancelled:
			r.Outcome, r.Err = connectors.Refused, err
		case err.Kind == connectors.NotFound && err.Scope == doc, err.Kind == connectors.Unclassified:
			r.Outcome, r.Err = connectors.Unknown, err
		default: // the question failed: the order is where it was
			r.Outcome, r.Ticket, r.Wait = connectors.Took, t.Ticket, max(err.Wait, checkAgain)
		}
		results = append(results, r)
	}
	return results, nil
}
