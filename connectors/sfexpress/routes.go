package sfexpress

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// Fetch reads the routes of up to ten waybills. An unknown waybill and one without
// events look alike (EXP_RECE_SEARCH_ROUTES: success with empty routes), so both give a
// document without routes.
func (c *conn) Fetch(ctx context.Context, stream string, keys []string) ([]connectors.Item, error) {
	switch {
	case stream != routes:
		return nil, noStream(stream)
	case len(keys) == 0:
		return nil, nil
	}
	request := map[string]any{"trackingType": "1", "methodType": "1", "language": language, "trackingNumber": list(keys)}
	if c.phone != "" {
		request["checkPhoneNo"] = c.phone
	}
	body, err := codec.Encode(request)
	if err != nil {
		return nil, badDocument("a waybill cannot be written as JSON", "")
	}
	data, _, verr := c.call(ctx, svcRoutes, body)
	if verr != nil {
		return nil, verr
	}
	items, verr := readRoutes(data, keys)
	if verr != nil {
		return nil, verr
	}
	return items, nil
}

func list(keys []string) []any {
	out := make([]any, len(keys))
	for i, k := range keys {
		out[i] = k
	}
	return out
}

// readRoutes cuts the answer into one document for each waybill, bytes as they came.
func readRoutes(data json.RawMessage, keys []string) ([]connectors.Item, *connectors.Error) {
	answer, ok := unwrap(data)
	if !ok {
		return nil, unreadable(data, "msgData is no object", nil)
	}
	var parts []json.RawMessage
	if raw := answer["routeResps"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &parts); err != nil {
			return nil, unreadable(data, "routeResps is no list", err)
		}
	}
	var items []connectors.Item
	for _, part := range parts {
		number, version, err := readRoute(part)
		if err != nil {
			return nil, err
		}
		known := func(i connectors.Item) bool { return i.Key == number }
		if slices.Contains(keys, number) && !slices.ContainsFunc(items, known) {
			items = append(items, connectors.Item{Stream: routes, Key: number, Version: version, Body: part})
		}
	}
	return items, nil
}

// readRoute reads the waybill and the version of a document: the time of its newest
// event in milliseconds, with the number of events in the place of the milliseconds,
// since several share a second and late ones come with an older time.
func readRoute(document json.RawMessage) (number string, version int64, _ *connectors.Error) {
	var o object
	if err := codec.Unmarshal(document, &o); err != nil || o.text("mailNo") == "" {
		return "", 0, unreadable(document, "a routes document has no mailNo", err)
	}
	var events []object
	if raw := o["routes"]; len(raw) > 0 {
		if err := codec.Unmarshal(raw, &events); err != nil {
			return "", 0, unreadable(document, "routes is no list of objects", err)
		}
	}
	return o.text("mailNo"), newest(events).Unix()*1000 + int64(min(len(events), 999)) + 1, nil
}

// newest is the latest acceptTime; the beginning of 1970 when there is none.
func newest(events []object) time.Time {
	last := time.Unix(0, 0)
	for _, e := range events {
		if t, err := time.ParseInLocation(clock, e.text("acceptTime"), china()); err == nil && t.After(last) {
			last = t
		}
	}
	return last
}

func noStream(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: api, Code: "sfexpress.stream", Text: "the connector has no stream " + strconv.Quote(name)}
}
