package qimen

import (
	"context"
	"strconv"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// The kinds of remote ids.
const (
	idCode = "deliveryOrderCode" // ours: the remote key as sent
	idID   = "deliveryOrderId"   // the warehouse's; several when it splits an order
)

// DryRuns implements connectors.DryRunner.
func (c *conn) DryRuns() {}

// Deliver makes or cancels one delivery order for each document; the declared batch is one.
func (c *conn) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var one func(context.Context, connectors.Delivery) connectors.Result
	switch operation {
	case opCreate:
		one = c.create
	case opCancel:
		one = c.cancel
	default:
		return nil, noOperation(operation)
	}
	results := make([]connectors.Result, 0, len(batch))
	for _, d := range batch {
		results = append(results, one(ctx, d))
	}
	return results, nil
}

func (c *conn) create(ctx context.Context, d connectors.Delivery) connectors.Result {
	order, err := readOrder(d)
	if err != nil {
		return connectors.Result{ID: d.ID, Outcome: connectors.Refused, Err: err}
	}
	answer, r := c.write(ctx, d.ID, callCreate, order.tree, createFields())
	if r.Outcome != connectors.Done {
		return r
	}
	r.RemoteIDs = remoteIDs(order.code, answer.at(idID))
	if parts := answer.kid("deliveryOrders"); parts != nil {
		for _, part := range parts.kids {
			if id := part.at(idID); id != "" && id != answer.at(idID) {
				r.RemoteIDs = append(r.RemoteIDs, connectors.RemoteID{Kind: idID, Value: id})
			}
		}
	}
	return r
}

func (c *conn) cancel(ctx context.Context, d connectors.Delivery) connectors.Result {
	tree, _, err := readCancel(d)
	if err != nil {
		return connectors.Result{ID: d.ID, Outcome: connectors.Refused, Err: err}
	}
	_, r := c.write(ctx, d.ID, callCancel, tree, cancelFields())
	if r.Outcome == connectors.Done {
		r.RemoteIDs = d.RemoteIDs
	}
	return r
}

// write sends one document and reads what became of it.
func (c *conn) write(ctx context.Context, id, method string, tree map[string]any, fields []node) (*element, connectors.Result) {
	r := connectors.Result{ID: id}
	body, err := encode(tree, fields)
	if err != nil {
		r.Outcome, r.Err = connectors.Refused, err
		return nil, r
	}
	answer, exchange, err := c.call(ctx, method, body)
	r.Exchanges = []connectors.Exchange{exchange}
	if err != nil {
		r.Outcome, r.Err = outcome(err), err
		return nil, r
	}
	r.Outcome = connectors.Done
	return answer, r
}

func remoteIDs(code, id string) []connectors.RemoteID {
	out := []connectors.RemoteID{{Kind: idCode, Value: code}}
	if id != "" {
		out = append(out, connectors.RemoteID{Kind: idID, Value: id})
	}
	return out
}

// readObject decodes a document that must be an object.
func readObject(d connectors.Delivery) (map[string]any, *connectors.Error) {
	tree, err := codec.Decode(d.Document)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "qimen.document", Text: "the document is not JSON", Err: err}
	}
	m, ok := tree.(map[string]any)
	if !ok {
		return nil, badDocument("the document must be an object")
	}
	return m, nil
}

// readCancel decodes a cancel and names the order: by what its create was sent as, else
// by the remote key. The warehouse's own number goes along when there is exactly one.
func readCancel(d connectors.Delivery) (map[string]any, string, *connectors.Error) {
	tree, err := readObject(d)
	if err != nil {
		return nil, "", err
	}
	code := d.Key
	var ids []string
	for _, r := range d.RemoteIDs {
		switch r.Kind {
		case idCode:
			code = r.Value
		case idID:
			ids = append(ids, r.Value)
		}
	}
	if err := setCode(tree, "/orderCode", "orderCode", code, d); err != nil {
		return nil, "", err
	}
	if len(ids) == 1 {
		tree["orderId"] = ids[0]
	}
	return tree, code, nil
}

// setCode writes the remote key into a document. A mapping may have put it there, with
// or without the generation; anything else would name another order.
func setCode(m map[string]any, at, member, code string, d connectors.Delivery) *connectors.Error {
	switch got := m[member]; got {
	case nil, "", code, d.Key, d.Base:
		m[member] = code
		return nil
	}
	e := badDocument(at + " differs from the remote key")
	e.Hint = "leave " + member + " out of the mapping, or map it from key"
	return e
}

func badDocument(text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "qimen.document", Text: text}
}

func noOperation(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: api, Code: "qimen.operation", Text: "the connector has no operation " + strconv.Quote(name)}
}
