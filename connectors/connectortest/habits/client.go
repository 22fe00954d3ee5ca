package habits

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

func configFields() []connectors.Field {
	return []connectors.Field{
		{Name: "url", Kind: connectors.FieldURL, Required: true, Text: "where the system listens"},
		{Name: "token", Kind: connectors.FieldSecret, Required: true, Text: "bearer token"},
	}
}

// client is the connection to one of the systems, without its abilities.
type client struct {
	http  *vendorhttp.Client
	url   string
	token connectors.Secret
}

func newClient(cfg connectors.Config, env connectors.Env) *client {
	return &client{
		http: vendorhttp.New(vendorhttp.Options{Transport: env.Transport, ShowParams: []string{"key", "payment", "limit"}}),
		url:  cfg.String("url"), token: cfg.Secret("token"),
	}
}

// Close implements connectors.Connection.
func (c *client) Close() error {
	c.http.Close()
	return nil
}

// failure is the error inside an answer.
type failure struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// call makes one call and reads its answer into out, which holds the error inside at
// the place it returns.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body any, out interface{ inside() *failure }) (connectors.Exchange, *connectors.Error) {
	call := vendorhttp.Call{Method: method, URL: c.url + path, Header: http.Header{"Authorization": {"Bearer " + c.token.Reveal()}}}
	if len(query) > 0 {
		call.URL += "?" + query.Encode()
	}
	if body != nil {
		b, err := codec.Encode(body)
		if err != nil {
			return connectors.Exchange{}, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "habits.document", Text: "the document cannot be encoded", Err: err}
		}
		call.Body = b
	}
	ans, err := c.http.Do(ctx, call)
	if err != nil {
		return ans.Exchange, err
	}
	if err := ans.StatusError(); err != nil {
		return ans.Exchange, err
	}
	if err := codec.Unmarshal(ans.Body, out); err != nil {
		return ans.Exchange, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "habits.answer", Text: "the answer cannot be decoded", Sent: true, Raw: ans.Body, Err: err}
	}
	if f := out.inside(); f != nil {
		return ans.Exchange, classify(*f)
	}
	return ans.Exchange, nil
}

// classify is the table of the codes above.
func classify(f failure) *connectors.Error {
	e := &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: f.Code, Text: f.Text, Sent: true}
	switch f.Code {
	case codeInvalid:
		e.Kind, e.Sent = connectors.Invalid, false
	case codeUsedUp:
		e.Kind, e.Sent = connectors.Conflict, false
	case codeBusy:
		e.Kind, e.Scope, e.Sent = connectors.Unavailable, connectors.OfConnection, false
	}
	return e
}

// result turns an error into an outcome; without one the write is done.
func result(id string, x connectors.Exchange, err *connectors.Error) connectors.Result {
	r := connectors.Result{ID: id, Err: err, Exchanges: []connectors.Exchange{x}}
	switch {
	case err == nil:
		r.Outcome = connectors.Done
	case err.Sent:
	case err.Scope == connectors.OfDocument:
		r.Outcome = connectors.Refused
	default:
		r.Outcome = connectors.NotSent
	}
	return r
}

// compare names where two documents differ.
func compare(ours, theirs Document) (connectors.Presence, []string) {
	var fields []string
	if ours.Payment != theirs.Payment {
		fields = append(fields, "/payment")
	}
	if ours.Total != theirs.Total {
		fields = append(fields, "/total")
	}
	if len(ours.Lines) != len(theirs.Lines) {
		fields = append(fields, "/lines")
	} else {
		for i := range ours.Lines {
			if ours.Lines[i] != theirs.Lines[i] {
				fields = append(fields, "/lines/"+strconv.Itoa(i))
			}
		}
	}
	if len(fields) > 0 {
		return connectors.Other, fields
	}
	return connectors.Same, nil
}

// heldReply answers a look-up.
type heldReply struct {
	Error    *failure  `json:"error"`
	Found    bool      `json:"found"`
	ID       string    `json:"id"`
	Document *Document `json:"document"`
}

func (r *heldReply) inside() *failure { return r.Error }

// look asks path for each delivery's document and compares.
func (c *client) look(ctx context.Context, path, param string, value func(connectors.Delivery) string, batch []connectors.Delivery) []connectors.Finding {
	found := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		f := connectors.Finding{ID: d.ID}
		var ours Document
		var reply heldReply
		if err := codec.Unmarshal(d.Document, &ours); err != nil {
			f.Err = &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "habits.document", Text: "the document cannot be read", Err: err}
			found = append(found, f)
			continue
		}
		x, err := c.call(ctx, http.MethodGet, path, url.Values{param: {value(d)}}, nil, &reply)
		f.Exchanges, f.Err = []connectors.Exchange{x}, err
		switch {
		case err != nil:
		case !reply.Found:
			f.Presence = connectors.Absent
		case reply.Document != nil:
			f.Presence, f.Fields = compare(ours, *reply.Document)
			f.RemoteIDs = []connectors.RemoteID{{Kind: "id", Value: reply.ID}}
		}
		found = append(found, f)
	}
	return found
}

// DryRuns implements connectors.DryRunner.
func (c *client) DryRuns() {}
