package sfexpress

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/minihub/minihub/connectors"
)

// List cannot be: the platform has no call for it.
func (c *conn) List(_ context.Context, name string, _ connectors.Window, _ string) (connectors.Listed, error) {
	return connectors.Listed{}, &connectors.Error{Kind: connectors.Forbidden, Scope: api, Code: "sfexpress.no_list",
		Text: "the platform has no call that lists " + strconv.Quote(name) + ": get them by their numbers"}
}

// Get reads orders by order id, or routes by waybill.
func (c *conn) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	switch name {
	case opCreate:
		return c.getOrders(ctx, keys)
	case routes:
		return c.getRoutes(ctx, keys)
	}
	return nil, noSummary(name)
}

func (c *conn) getOrders(ctx context.Context, keys []string) ([]connectors.Summary, error) {
	rows := make([]connectors.Summary, 0, len(keys))
	for _, key := range keys {
		order, _, err := c.search(ctx, key)
		row := connectors.Summary{Key: key, Status: "open", Lines: -1}
		switch {
		case err != nil && err.Code == codeCancelled:
			row.Status = "cancelled"
		case err != nil && err.Kind == connectors.NotFound && err.Scope == doc:
			continue
		case err != nil:
			return nil, err
		}
		row.RemoteIDs = order.remoteIDs(key)
		rows = append(rows, row)
	}
	return rows, nil
}

func (c *conn) getRoutes(ctx context.Context, keys []string) ([]connectors.Summary, error) {
	var rows []connectors.Summary
	for some := range slices.Chunk(keys, maxRoutes) {
		items, err := c.Fetch(ctx, routes, some)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			row, err := c.Summarize(routes, item.Body)
			if err != nil {
				return nil, err
			}
			if !row.Modified.IsZero() { // without events it is not known to exist
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// Summarize reads an order that was sent, or a routes document. The platform shows
// neither amounts nor lines, so none are compared.
func (c *conn) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	switch name {
	case opCreate:
		tree, err := decode(document)
		if err != nil {
			return connectors.Summary{}, err
		}
		id, _ := tree["orderId"].(string) // filled in only when it is sent
		return connectors.Summary{Key: id, Lines: -1}, nil
	case routes:
		var o struct {
			Routes []object `json:"routes"`
		}
		number, _, err := readRoute(document)
		if err != nil {
			return connectors.Summary{}, err
		}
		if err := json.Unmarshal(document, &o); err != nil {
			return connectors.Summary{}, unreadable(document, "routes is no list of objects", err)
		}
		row := connectors.Summary{Key: number, RemoteIDs: []connectors.RemoteID{{Kind: idWaybill, Value: number}}, Lines: -1}
		if t := newest(o.Routes); t.Unix() > 0 {
			row.At, row.Modified = t, t
		}
		return row, nil
	}
	return connectors.Summary{}, noSummary(name)
}

// Ping searches an order that is not there: it proves address, digest and permission.
func (c *conn) Ping(ctx context.Context) error {
	_, _, err := c.search(ctx, "minihub-ping")
	if err == nil || err.Kind == connectors.NotFound && err.Scope == doc || err.Code == codeCancelled {
		return nil
	}
	return err
}

func noSummary(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Forbidden, Scope: api, Code: "sfexpress.no_summary", Text: "no summary of " + strconv.Quote(name)}
}
