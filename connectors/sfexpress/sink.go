package sfexpress

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// DryRuns implements connectors.DryRunner.
func (c *conn) DryRuns() {}

// Deliver makes or cancels one order for each document; the declared batch is one.
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
	r := connectors.Result{ID: d.ID}
	tree, _, err := readDocument(d, d.Key)
	if err != nil {
		r.Outcome, r.Err = connectors.Refused, err
		return r
	}
	if _, ok := tree["language"]; !ok {
		tree["language"] = language
	}
	// payMethod 1, the default, is settled by the sender's card.
	if _, ok := tree["monthlyCard"]; !ok && c.card != "" {
		tree["monthlyCard"] = c.card
	}
	data := c.write(ctx, svcCreate, tree, &r)
	if r.Outcome != connectors.Done {
		return r
	}
	made, err := readMade(data)
	if err != nil {
		r.Outcome, r.Err = connectors.Unknown, err
		return r
	}
	settleCreate(&r, made, d.Key)
	return r
}

// settleCreate says what an order that exists means: a success says only that the order
// was taken (EXP_RECE_CREATE_ORDER, filterResult).
func settleCreate(r *connectors.Result, made made, orderID string) {
	switch {
	case made.filter == filterNo:
		r.Outcome = connectors.Refused
		r.Err = &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "filterResult.3", Text: made.reason(),
			Hint: "mend the address and redo the order: its id is used up"}
	case made.master == "":
		r.Outcome, r.Ticket, r.Wait = connectors.Took, orderID, checkAgain
	default:
		r.Outcome, r.RemoteIDs = connectors.Done, made.remoteIDs(orderID)
	}
}

func (c *conn) cancel(ctx context.Context, d connectors.Delivery) connectors.Result {
	r := connectors.Result{ID: d.ID}
	tree, _, err := readDocument(d, orderID(d))
	if err != nil {
		r.Outcome, r.Err = connectors.Refused, err
		return r
	}
	tree["dealType"] = json.Number("2")
	if _, ok := tree["language"]; !ok {
		tree["language"] = language
	}
	data := c.write(ctx, svcUpdate, tree, &r)
	if r.Err != nil && r.Err.Code == codeCancelled {
		r.Outcome, r.Err = connectors.Done, nil // it was cancelled before
	} else if r.Outcome == connectors.Done {
		r.Outcome, r.Err = readCancelled(data)
	}
	if r.Outcome == connectors.Done {
		r.RemoteIDs = d.RemoteIDs
	}
	return r
}

// readCancelled looks behind the success: resStatus 2 is one, 1 is none
// (EXP_RECE_UPDATE_ORDER).
func readCancelled(data json.RawMessage) (connectors.Outcome, *connectors.Error) {
	answer, ok := unwrap(data)
	switch status := answer.text("resStatus"); {
	case ok && status == "2":
		return connectors.Done, nil
	case ok && status == "1":
		return connectors.Refused, &connectors.Error{Kind: connectors.Conflict, Scope: doc, Code: "resStatus.1", Text: "order id and waybill do not belong together"}
	}
	return connectors.Unknown, unreadable(data, "the answer has no resStatus 1 or 2", nil)
}

// write sends one document; r holds what became of it.
func (c *conn) write(ctx context.Context, service string, tree map[string]any, r *connectors.Result) json.RawMessage {
	body, err := codec.Encode(tree)
	if err != nil {
		r.Outcome, r.Err = connectors.Refused, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "sfexpress.document", Text: "the document cannot be written as JSON", Err: err}
		return nil
	}
	data, exchange, verr := c.call(ctx, service, body)
	r.Exchanges = append(r.Exchanges, exchange)
	if verr != nil {
		r.Outcome, r.Err = outcome(verr), verr
		return nil
	}
	r.Outcome = connectors.Done
	return data
}

const language = "zh-CN"

// orderID is what a create was sent as: its remote id, else the key.
func orderID(d connectors.Delivery) string {
	for _, id := range d.RemoteIDs {
		if id.Kind == idOrder {
			return id.Value
		}
	}
	return d.Key
}

// decode reads a document that must be an object.
func decode(document json.RawMessage) (map[string]any, *connectors.Error) {
	v, err := codec.Decode(document)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "sfexpress.document", Text: "the document is not JSON", Err: err}
	}
	tree, ok := v.(map[string]any)
	if !ok {
		return nil, badDocument("the document must be an object", "")
	}
	return tree, nil
}

// readDocument decodes a document and writes the order id into it. A mapping may have
// put it there, with or without the generation; anything else would name another order.
func readDocument(d connectors.Delivery, id string) (tree map[string]any, parcels int, _ *connectors.Error) {
	tree, err := decode(d.Document)
	if err != nil {
		return nil, 0, err
	}
	switch got := tree["orderId"]; got {
	case nil, "", id, d.Key, d.Base:
		tree["orderId"] = id
	default:
		return nil, 0, badDocument("/orderId differs from the remote key", "leave orderId out of the mapping, or map it from key")
	}
	parcels, ok := 1, true
	switch n := tree["parcelQty"].(type) {
	case nil:
	case json.Number:
		parcels, ok = whole(n.String())
	case string:
		parcels, ok = whole(n)
	default:
		ok = false
	}
	if !ok {
		return nil, 0, badDocument("/parcelQty must be a whole number from 1", "")
	}
	return tree, parcels, nil
}

func whole(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1
}

func badDocument(text, hint string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "sfexpress.document", Text: text, Hint: hint}
}

func noOperation(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: api, Code: "sfexpress.operation", Text: "the connector has no operation " + strconv.Quote(name)}
}
