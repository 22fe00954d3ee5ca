package salesforce

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

var _ connectors.Sink = (*conn)(nil)

// DryRuns implements connectors.DryRunner.
func (c *conn) DryRuns() {}

// Deliver upserts contacts together, transactions each in a call of its own.
func (c *conn) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	switch operation {
	case opContact:
		return c.pushContacts(ctx, batch)
	case opTransaction:
		out := make([]connectors.Result, 0, len(batch))
		for _, d := range batch {
			r := c.run()
			res := r.pushTransaction(ctx, d)
			res.ID, res.Exchanges = d.ID, r.made
			out = append(out, res)
		}
		return out, nil
	}
	return nil, unknownName(operation)
}

func failed(e *connectors.Error) connectors.Result {
	return connectors.Result{Outcome: outcome(e), Err: e}
}

// row is a delivery on its way in a collection.
type row struct {
	delivery connectors.Delivery
	record   record
}

// pushContacts is sObject Collections, Upsert, with allOrNone false: each row on its own.
func (c *conn) pushContacts(ctx context.Context, batch []connectors.Delivery) ([]connectors.Result, error) {
	results := make([]connectors.Result, 0, len(batch))
	rows := make([]row, 0, len(batch))
	seen := map[string]bool{}
	for _, d := range batch {
		m, err := c.readContact(d.Document)
		if err == nil && m.key != d.Key {
			err = refuse("external_id is not the delivery's key: map it with `from: key`")
		}
		if err == nil && seen[fold(m.key)] {
			// Salesforce would write the first and refuse the second.
			err = again("the same external id is in this call already")
		}
		if err != nil {
			res := failed(err)
			res.ID = d.ID
			results = append(results, res)
			continue
		}
		seen[fold(m.key)] = true
		rows = append(rows, row{d, c.withKey(c.contact, c.contactKey, m.key, m.body)})
	}
	if len(rows) == 0 {
		return results, nil
	}
	r := c.run()
	header := http.Header{}
	if c.allowDuplicates {
		header.Set("Sforce-Duplicate-Rule-Header", "allowSave=true")
	}
	ans, p := r.call(ctx, http.MethodPatch, c.collection(c.contact, c.contactKey), collected(rows), header)
	if p != nil {
		return c.wholeCall(r, rows, results, p)
	}
	return append(results, c.eachRow(r, rows, ans)...), nil
}

func (c *client) collection(object, key string) string {
	return c.data + "/composite/sobjects/" + object + "/" + key
}

func (c *conn) withKey(object, field, key string, body record) record {
	out := maps.Clone(body)
	out["attributes"] = map[string]any{"type": object}
	out[field] = key
	return out
}

func collected(rows []row) map[string]any {
	list := make([]any, len(rows))
	for i, w := range rows {
		list[i] = w.record
	}
	return map[string]any{"allOrNone": false, "records": list}
}

// wholeCall gives every row its share of a call that failed as a whole.
func (c *conn) wholeCall(r *run, rows []row, results []connectors.Result, p *problem) ([]connectors.Result, error) {
	if configured(p, c.contactKey) {
		p.err.Scope = call
	}
	blame := c.blamed(rows, p)
	mixed := p.err.Scope == doc && !p.err.Sent && p.err.Kind != connectors.Unavailable && len(rows) > 1
	if mixed && blame == nil && len(results) == 0 {
		return nil, p.err // the engine halves the batch until the bad row stands alone
	}
	for i, w := range rows {
		err := *p.err
		if mixed && (blame == nil || !blame[i]) {
			err = *again("another document of the same call was refused")
		}
		res := failed(&err)
		res.ID = w.delivery.ID
		res.Exchanges = []connectors.Exchange{share(r.last(), w.record, nil)}
		results = append(results, res)
	}
	return results, nil
}

// configured tells a complaint about a field that the configuration names: every
// document would meet it, so it is the operation's fault.
func configured(p *problem, names ...string) bool {
	return p.cause.code() == "INVALID_FIELD" && noColumn.MatchString(p.cause.Message) &&
		slices.ContainsFunc(p.cause.columns(), func(column string) bool { return slices.Contains(names, column) })
}

// blamed finds the rows that carry the field Salesforce does not know; nil when the
// answer does not tell.
func (c *conn) blamed(rows []row, p *problem) map[int]bool {
	if p.cause.code() != "INVALID_FIELD" {
		return nil
	}
	for _, column := range p.cause.columns() {
		blame := map[int]bool{}
		for i, w := range rows {
			if _, ok := w.record[column]; ok {
				blame[i] = true
			}
		}
		if len(blame) > 0 {
			return blame
		}
	}
	return nil
}

// upserted is a row of the answer (UpsertResult).
type upserted struct {
	ID      string     `json:"id"`
	Success bool       `json:"success"`
	Errors  []apiError `json:"errors"`
}

// eachRow reads the rows of the answer, which come in the order of the request.
func (c *conn) eachRow(r *run, rows []row, ans *vendorhttp.Answer) []connectors.Result {
	var raws []json.RawMessage
	if err := codec.Unmarshal(ans.Body, &raws); err != nil || len(raws) != len(rows) {
		raws = make([]json.RawMessage, len(rows)) // nobody knows which row is whose
	}
	out := make([]connectors.Result, 0, len(rows))
	for i, w := range rows {
		res := connectors.Result{Outcome: connectors.Done}
		if id, p := readRow(raws[i]); p != nil {
			if mine := p.cause; mine.code() == "DUPLICATE_VALUE" && slices.Contains(mine.columns(), c.contactKey) {
				// Someone created the same external id at the same moment: the next try updates it.
				p.err = again("the same external id was created at this moment")
			}
			res = failed(p.err)
		} else {
			res.RemoteIDs = []connectors.RemoteID{{Kind: "contact", Value: id}}
		}
		res.ID = w.delivery.ID
		res.Exchanges = []connectors.Exchange{share(r.last(), w.record, raws[i])}
		out = append(out, res)
	}
	return out
}

func readRow(raw json.RawMessage) (string, *problem) {
	var u upserted
	if len(raw) == 0 || codec.Unmarshal(raw, &u) != nil {
		return "", unreadable(raw, "the answer has no row for this record")
	}
	if a, ok := first(u.Errors); ok && !u.Success {
		return "", classify(a)
	}
	if !u.Success || u.ID == "" {
		return "", unreadable(raw, "the row says neither success nor why not")
	}
	return u.ID, nil
}

// share is one row's part of a call: what support sees of one member holds no other.
func share(x connectors.Exchange, sent record, got json.RawMessage) connectors.Exchange {
	if b, err := codec.Encode(sent); err == nil {
		x.Request = string(b)
	}
	if got != nil {
		x.Response = string(got)
	}
	return x
}

// again is a delivery that surely had no effect and may go with the next call.
func again(text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unavailable, Scope: doc, Code: "salesforce.again", Text: text, Wait: time.Second}
}

// fold makes external ids that Salesforce takes for one equal.
func fold(key string) string { return strings.ToLower(strings.TrimSpace(key)) }

func unknownName(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "salesforce.operation", Text: "the connector has no operation " + word(name)}
}
