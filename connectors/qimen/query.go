package qimen

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
)

// List cannot be: the protocol has no call for it.
func (c *conn) List(_ context.Context, name string, _ connectors.Window, _ string) (connectors.Listed, error) {
	return connectors.Listed{}, &connectors.Error{Kind: connectors.Forbidden, Scope: api, Code: "qimen.no_list",
		Text: "the protocol has no call that lists " + strconv.Quote(name) + " by time: get them by their codes"}
}

// Get asks for delivery orders one by one.
func (c *conn) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	switch {
	case name != opCreate:
		return nil, noSummary(name)
	case !c.canQuery:
		return nil, &connectors.Error{Kind: connectors.Forbidden, Scope: api, Code: "qimen.no_query",
			Text: "this warehouse does not offer deliveryorder.query (can_query: false)"}
	}
	rows := make([]connectors.Summary, 0, len(keys))
	for _, key := range keys {
		theirs, _, err := c.ask(ctx, key, "", "")
		switch {
		case err != nil && err.Code == codeAbsent:
			continue
		case err != nil:
			return nil, err
		}
		rows = append(rows, connectors.Summary{Key: key, RemoteIDs: remoteIDs(key, theirs.id), Status: theirs.class(), Lines: len(theirs.lines),
			Modified: chinaTime(theirs.changed)})
	}
	return rows, nil
}

// Summarize reads a document of delivery.create. The query shows no amounts, so none are
// compared; lines of one item count as one, since a warehouse may split them.
func (c *conn) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	if name != opCreate {
		return connectors.Summary{}, noSummary(name)
	}
	tree, err := readObject(connectors.Delivery{Document: document})
	if err != nil {
		return connectors.Summary{}, err
	}
	head, _ := tree["deliveryOrder"].(map[string]any)
	code := str(head[idCode])
	o, err := readOrder(connectors.Delivery{Key: code, Document: document})
	if err != nil {
		return connectors.Summary{}, err
	}
	return connectors.Summary{Key: code, Lines: len(o.lines), At: chinaTime(o.created), Modified: chinaTime(o.created)}, nil
}

// Ping asks for an order that is not there: any answer of the warehouse proves address,
// signature and routing.
func (c *conn) Ping(ctx context.Context) error {
	_, _, err := c.ask(ctx, "minihub-ping", "", "")
	if err == nil || err.Code == codeAbsent {
		return nil
	}
	switch err.Kind {
	case connectors.Unclassified, connectors.Invalid:
		return nil
	case connectors.Forbidden:
		if !c.canQuery && err.Scope == api {
			return nil
		}
	}
	return err
}

func noSummary(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Forbidden, Scope: api, Code: "qimen.no_summary", Text: "no summary of " + strconv.Quote(name)}
}

func chinaTime(s string) time.Time {
	t, err := time.ParseInLocation(clock, s, china())
	if err != nil {
		return time.Time{}
	}
	return t
}
