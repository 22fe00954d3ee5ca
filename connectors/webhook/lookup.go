package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// Lookup asks lookup_url for each key and compares what is held there.
func (c *connection) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	switch {
	case operation != opPush && operation != opAsked:
		return nil, noOperation(operation)
	case c.lookupURL == "":
		return nil, missingField("lookup_url")
	}
	found := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		found = append(found, c.ask(ctx, d))
	}
	return found, nil
}

// held is one event of the answer.
type held struct {
	ID   string `json:"id"`
	Body any    `json:"body"`
}

func (c *connection) ask(ctx context.Context, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	u, err := url.Parse(c.lookupURL)
	if err != nil {
		f.Err = missingField("lookup_url")
		return f
	}
	q := u.Query()
	q.Set("key", d.Key)
	u.RawQuery = q.Encode()
	call := vendorhttp.Call{Method: http.MethodGet, URL: u.String(), Header: http.Header{"Accept": {"application/json"}}}
	if !c.lookupToken.Empty() {
		call.Header.Set("Authorization", "Bearer "+c.lookupToken.Reveal())
	}
	ans, cerr := c.http.Do(ctx, call)
	f.Exchanges = []connectors.Exchange{ans.Exchange}
	if cerr != nil {
		f.Err = cerr
		return f
	}
	if ans.Status == http.StatusNotFound && !isPage(ans.Body) {
		f.Presence = connectors.Absent
		return f
	}
	if f.Err = ans.StatusError(); f.Err != nil {
		return f
	}
	events, rerr := readHeld(ans.Body)
	if rerr != nil {
		f.Err = rerr
		return f
	}
	ours, derr := codec.Decode(d.Document)
	if derr != nil {
		f.Err = &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "webhook.document", Text: "the document is not JSON", Err: derr}
		return f
	}
	f.Presence, f.Fields, f.RemoteIDs = compare(ours, events)
	return f
}

// compare looks for our content among all events of the key, and otherwise names
// what differs from the newest, which is the last.
func compare(ours any, events []held) (connectors.Presence, []string, []connectors.RemoteID) {
	if len(events) == 0 {
		return connectors.Absent, nil, nil
	}
	var fields []string
	for _, e := range events {
		if fields = differences(ours, e.Body); len(fields) == 0 {
			return connectors.Same, nil, idOf(e)
		}
	}
	return connectors.Other, fields, idOf(events[len(events)-1])
}

func idOf(e held) []connectors.RemoteID {
	if e.ID == "" {
		return nil
	}
	return []connectors.RemoteID{{Kind: "webhook-id", Value: e.ID}}
}

func readHeld(body []byte) ([]held, *connectors.Error) {
	unreadable := func(text string, err error) *connectors.Error {
		return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfOperation, Code: "webhook.lookup", Text: text, Raw: body, Err: err,
			Hint: `lookup_url must answer a JSON array, or {"events": [...]}, of objects with a member "body"`}
	}
	tree, err := codec.Decode(body)
	if err != nil {
		return nil, unreadable("the answer of lookup_url is not JSON", err)
	}
	if m, ok := tree.(map[string]any); ok {
		tree = m["events"]
	}
	list, ok := tree.([]any)
	if !ok {
		return nil, unreadable("the answer of lookup_url holds no list", nil)
	}
	out := make([]held, len(list))
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok || m["body"] == nil {
			return nil, unreadable("an event in the answer of lookup_url has no body", nil)
		}
		out[i].Body = m["body"]
		switch id := m["id"].(type) {
		case string:
			out[i].ID = id
		case json.Number:
			out[i].ID = id.String()
		}
	}
	return out, nil
}
