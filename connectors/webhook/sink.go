package webhook

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// DryRuns implements connectors.DryRunner.
func (c *connection) DryRuns() {}

// Deliver posts each document; the declared batch is one.
func (c *connection) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	switch {
	case operation != opPush && operation != opAsked:
		return nil, noOperation(operation)
	case c.url == "":
		return nil, missingField("url")
	case operation == opAsked && c.lookupURL == "":
		// Without it the first unknown outcome could never be resolved.
		return nil, missingField("lookup_url")
	}
	results := make([]connectors.Result, 0, len(batch))
	for _, d := range batch {
		results = append(results, c.post(ctx, d))
	}
	return results, nil
}

func (c *connection) post(ctx context.Context, d connectors.Delivery) connectors.Result {
	id := webhookID(d.Key, d.Document)
	timestamp := strconv.FormatInt(c.now().Unix(), 10)
	signatures := make([]string, len(c.keys))
	for i, k := range c.keys {
		signatures[i] = k.sign(id, timestamp, d.Document)
	}
	ans, err := c.http.Do(ctx, vendorhttp.Call{Method: http.MethodPost, URL: c.url, Body: d.Document, Header: http.Header{
		"Content-Type":  {"application/json"},
		headerID:        {id},
		headerTimestamp: {timestamp},
		headerSignature: {strings.Join(signatures, " ")},
	}})
	r := connectors.Result{ID: d.ID, Err: err}
	switch {
	case err == nil:
		r.Outcome, r.Err = read(ans)
	case !err.Sent:
		r.Outcome = connectors.NotSent
	}
	if r.Outcome == connectors.Done {
		r.RemoteIDs = []connectors.RemoteID{{Kind: "webhook-id", Value: id}}
	}
	r.Exchanges = []connectors.Exchange{ans.Exchange}
	return r
}

func noOperation(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "webhook.operation",
		Text: "the connector has no operation " + strconv.Quote(name)}
}

func missingField(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: "webhook.config",
		Text: "the connection has no " + name, Hint: "set " + name + " in the connection's file"}
}
