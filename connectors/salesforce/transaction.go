package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// pushTransaction reads which lines are there, then writes header and lines in one
// composite call that takes effect as a whole or not at all. A repeat writes the same.
func (r *run) pushTransaction(ctx context.Context, d connectors.Delivery) connectors.Result {
	t, err := r.readTransaction(d.Document)
	if err == nil && t.key != d.Key {
		err = refuse("external_id is not the delivery's key: map it with `from: key`")
	}
	if err != nil {
		return failed(err)
	}
	there, p := r.linesOf(ctx, []string{t.key}, r.lineFields["Quantity"])
	if p != nil {
		return failed(unwritten(p.err))
	}
	rows, err := r.lineRows(t, there[fold(t.key)])
	if err != nil {
		return failed(err)
	}
	id := ""
	ans, p := r.call(ctx, http.MethodPost, r.data+"/composite", r.composite(t, rows), nil)
	if p == nil {
		id, p = compositeResult(ans, 1+(len(rows)+maxRows-1)/maxRows)
	}
	switch {
	case p == nil:
		return connectors.Result{Outcome: connectors.Done, RemoteIDs: []connectors.RemoteID{{Kind: "transaction", Value: id}}}
	case configured(p, slices.Concat(named(r.headerFields), named(r.lineFields),
		[]string{r.headerKey, r.headerContact, r.headerFirst, r.lineKey, r.lineParent})...):
		p.err.Scope = call
	case p.cause.code() == "DUPLICATE_VALUE" && (slices.Contains(p.cause.columns(), r.headerKey) || slices.Contains(p.cause.columns(), r.lineKey)) && !p.err.Sent:
		p.err = again("the same external id was created at this moment")
	}
	if missing := r.missing(t, p.cause); missing != nil && !p.err.Sent {
		return connectors.Result{Outcome: connectors.MissingReference, Err: p.err, Missing: missing}
	}
	return failed(p.err)
}

// unwritten is a failed read before a write: whatever became of it, nothing was written.
func unwritten(e *connectors.Error) *connectors.Error {
	out := *e
	out.Sent = false
	if out.Kind == connectors.Unreadable || out.Kind == connectors.Unclassified {
		out.Kind = connectors.Unavailable
	}
	if out.Kind == connectors.Invalid && out.Scope == doc {
		out.Scope = call // the query holds nothing of the document but its key
	}
	return &out
}

// lineRows are the lines to upsert: the document's, and at zero those it no longer has.
// Only a new line names its parent: a master-detail field cannot be written again.
func (c *conn) lineRows(t transaction, there []record) ([]any, *connectors.Error) {
	byKey := map[string]record{}
	for _, l := range there {
		key, _ := l[c.lineKey].(string)
		byKey[fold(key)] = l
	}
	var rows []any
	kept := map[string]bool{}
	for _, l := range t.lines {
		key := lineKey(t.key, l.id)
		body := c.withKey(c.line, c.lineKey, key, l.body)
		if byKey[fold(key)] == nil {
			body[c.lineParent] = record{c.headerKey: t.key}
		}
		kept[fold(key)] = true
		rows = append(rows, body)
	}
	for _, l := range there {
		key, _ := l[c.lineKey].(string)
		if key == "" || kept[fold(key)] || zero(l[c.lineFields["Quantity"]]) {
			continue
		}
		gone := record{c.lineFields["Quantity"]: json.Number("0"), c.lineFields["NetAmount"]: json.Number("0")}
		if f := c.lineFields["Discount"]; f != "" {
			gone[f] = json.Number("0")
		}
		rows = append(rows, c.withKey(c.line, c.lineKey, key, gone))
	}
	if len(rows) > maxRows*maxChunks {
		return nil, refuse("%d lines, with those that are no longer there; one call takes %d", len(rows), maxRows*maxChunks)
	}
	return rows, nil
}

// lineKey is unambiguous: a line id holds no colon.
func lineKey(key, id string) string { return key + ":" + id }

// composite is the body of Composite: a collection with the header, then the lines.
func (c *conn) composite(t transaction, rows []any) map[string]any {
	part := func(ref, object, key string, records []any) any {
		return map[string]any{"method": http.MethodPatch, "url": c.collection(object, key), "referenceId": ref,
			"body": map[string]any{"allOrNone": true, "records": records}}
	}
	parts := []any{part("header", c.header, c.headerKey, []any{c.withKey(c.header, c.headerKey, t.key, t.header)})}
	for chunk := range slices.Chunk(rows, maxRows) {
		parts = append(parts, part(fmt.Sprintf("lines%d", len(parts)), c.line, c.lineKey, chunk))
	}
	return map[string]any{"allOrNone": true, "collateSubrequests": false, "compositeRequest": parts}
}

// compositeResult is the header's record id, or the first cause among all parts.
func compositeResult(ans *vendorhttp.Answer, parts int) (string, *problem) {
	var got struct {
		Parts []struct {
			Body      json.RawMessage `json:"body"`
			Status    int             `json:"httpStatusCode"`
			Reference string          `json:"referenceId"`
		} `json:"compositeResponse"`
	}
	if codec.Unmarshal(ans.Body, &got) != nil {
		return "", unreadable(ans.Body, "the answer is not the answer of a composite call")
	}
	var causes []apiError
	id, done, written := "", len(got.Parts) == parts, false
	for _, part := range got.Parts {
		causes = append(causes, rowErrors(part.Body)...)
		var rows []upserted
		if part.Status/100 != 2 || codec.Unmarshal(part.Body, &rows) != nil || len(rows) == 0 {
			done = false
			continue
		}
		for _, u := range rows {
			done, written = done && u.Success, written || u.Success
		}
		if part.Reference == "header" {
			id = rows[0].ID
		}
	}
	if done && id != "" {
		return id, nil
	}
	if a, ok := first(causes); ok {
		p := classify(a)
		p.err.Sent = p.err.Sent || written // a part that stands beside a failed one
		return "", p
	}
	return "", unreadable(ans.Body, "the answer says neither success nor why not")
}

// missing names the delivery that would bring a parent that is not there yet.
func (c *conn) missing(t transaction, a apiError) *connectors.Missing {
	if a.code() != "INVALID_FIELD" || !strings.HasPrefix(a.Message, "Foreign key external ID") {
		return nil
	}
	of := func(object, key string) bool {
		return strings.Contains(a.Message, " field "+key+" in entity "+object)
	}
	switch {
	case t.contact != "" && of(c.contact, c.contactKey):
		return &connectors.Missing{Operation: opContact, Key: t.contact}
	case t.original != "" && of(c.header, c.headerKey):
		return &connectors.Missing{Operation: opTransaction, Key: t.original}
	}
	return nil
}
