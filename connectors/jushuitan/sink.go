package jushuitan

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// upload is one of the two calls that take an array and answer a row each.
type upload struct {
	path string
	key  string   // the field that holds the shop's own number, in documents and rows
	ids  []string // fields of a row to remember
	of   string   // the field that names the order a document is about
}

func uploads(operation string) (upload, bool) {
	switch operation {
	case opOrder:
		return upload{pathOrders, "so_id", []string{"o_id"}, ""}, true
	case opAfterSale:
		return upload{pathAfterSale, "outer_as_id", []string{"as_id", "o_id"}, "so_id"}, true
	}
	return upload{}, false
}

// DryRuns implements connectors.DryRunner.
func (c *connection) DryRuns() {}

// Deliver uploads a batch, or cancels one order after the other.
func (c *connection) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	if operation == opCancel {
		results := make([]connectors.Result, 0, len(batch))
		for _, d := range batch {
			results = append(results, c.cancel(ctx, d))
		}
		return results, nil
	}
	u, ok := uploads(operation)
	if !ok {
		return nil, noOperation(operation)
	}
	return c.upload(ctx, u, batch)
}

func (c *connection) upload(ctx context.Context, u upload, batch []connectors.Delivery) ([]connectors.Result, error) {
	var results []connectors.Result
	byKey := map[string]connectors.Delivery{}
	var docs [][]byte
	for _, d := range batch {
		if err := u.check(d, byKey); err != nil {
			results = append(results, connectors.Result{ID: d.ID, Outcome: outcomeOf(err), Err: err})
			continue
		}
		byKey[d.Key] = d
		docs = append(docs, d.Document) // the bytes as they are: they are signed
	}
	if len(docs) == 0 {
		return results, nil
	}
	biz := append(append([]byte("["), bytes.Join(docs, []byte(","))...), ']')
	r, err := c.call(ctx, u.path, biz)
	if err != nil && len(docs) > 1 && outcomeOf(err) == connectors.Refused {
		// One of them spoilt the call: the engine halves the batch to find it.
		return results, err
	}
	rows := map[string]map[string]any{}
	for _, v := range list(object(r.data)["datas"]) {
		row := object(v)
		rows[text(row[u.key])] = row
	}
	for key, d := range byKey {
		res := connectors.Result{ID: d.ID, Exchanges: []connectors.Exchange{r.exchange}}
		if err != nil {
			res.Outcome, res.Err = outcomeOf(err), err
		} else {
			u.read(rows[key], &res)
			u.orderLacking(d, &res)
		}
		results = append(results, res)
	}
	return results, nil
}

// check refuses a document whose number is not its remote key: look-ups, lists and
// the rows of the answer go by it.
func (u upload) check(d connectors.Delivery, taken map[string]connectors.Delivery) *connectors.Error {
	tree, err := codec.Decode(d.Document)
	if err != nil {
		return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.document", Text: "the document is not JSON", Err: err}
	}
	if text(object(tree)[u.key]) != d.Key {
		return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.key", Text: u.key + " is not the delivery's remote key",
			Hint: "in the mapping, fill " + u.key + " from key"}
	}
	if _, twice := taken[d.Key]; twice {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "jushuitan.batch", Text: "another document of the same " + u.key + " is in this batch"}
	}
	return nil
}

// read tells what a row of the answer says; no row says nothing.
func (u upload) read(row map[string]any, res *connectors.Result) {
	switch text(row["issuccess"]) {
	case "true":
		res.Outcome = connectors.Done
		for _, name := range u.ids {
			if id := text(row[name]); id != "" && id != "0" {
				res.RemoteIDs = append(res.RemoteIDs, connectors.RemoteID{Kind: name, Value: id})
			}
		}
	case "false":
		res.Outcome, res.Err = rowError(text(row["msg"]))
	default:
		res.Err = &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "jushuitan.row", Text: "the answer has no result for this document", Sent: true}
	}
}

// orderLacking turns "the online order number does not exist" into a wait for that order:
// an after-sale may overtake it.
func (u upload) orderLacking(d connectors.Delivery, res *connectors.Result) {
	if u.of == "" || res.Outcome != connectors.Refused || !strings.Contains(res.Err.Text, "线上订单号不存在") {
		return
	}
	tree, err := codec.Decode(d.Document)
	if err != nil {
		return
	}
	if order := text(object(tree)[u.of]); order != "" {
		res.Outcome, res.Missing = connectors.MissingReference, &connectors.Missing{Operation: opOrder, Key: order}
		res.Err.Kind = connectors.NotFound
	}
}

func noOperation(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "jushuitan.operation", Text: "the connector has no operation " + strconv.Quote(name)}
}
