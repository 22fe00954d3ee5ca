package qimen

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

const clock = "2006-01-02 15:04:05"

// china is the zone of every time in the protocol.
func china() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// call posts one message and returns the element <response> of a success.
func (c *conn) call(ctx context.Context, method string, body []byte) (*element, connectors.Exchange, *connectors.Error) {
	query := maps.Clone(c.query)
	query.Set("method", c.prefix+method)
	query.Set("timestamp", c.now().In(china()).Format(clock))
	query.Set("sign", sign(c.method, c.secret, query, body))
	u := *c.base
	if u.RawQuery != "" { // the address's own parameters are not signed
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	ans, err := c.http.Do(ctx, vendorhttp.Call{
		Method: http.MethodPost, URL: u.String(), Body: body,
		Header: http.Header{"Content-Type": {"text/xml;charset=utf-8"}},
	})
	if err != nil {
		return nil, ans.Exchange, err
	}
	e, err := read(method, ans)
	return e, ans.Exchange, err
}

// read tells a success from everything else. Only flag is dependable; a status of the
// 4xx may carry it too.
func read(method string, ans *vendorhttp.Answer) (*element, *connectors.Error) {
	status := ans.StatusError()
	if status != nil && ans.Status >= 500 {
		return nil, status
	}
	if ans.IsHTML() {
		if status != nil {
			return nil, status
		}
		return nil, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "http.html", Sent: true,
			Text: "a web page came where a document was expected"}
	}
	e, err := parse(ans.Body)
	if err != nil {
		if status != nil {
			return nil, status
		}
		return nil, unreadable(ans.Body, "the answer is no XML document", err)
	}
	if e.name == "error_response" {
		// The gateway's own envelope: it answers in place of the warehouse.
		return nil, failure(method, []string{e.at("sub_code"), "gateway." + e.at("code")}, e.at("msg")+" "+e.at("sub_msg"))
	}
	switch strings.ToLower(e.at("flag")) {
	case "success":
		if status != nil {
			return nil, status
		}
		return e, nil
	case "failure":
		return nil, failure(method, []string{e.at("sub_code"), e.at("code")}, e.at("message")+" "+e.at("sub_message"))
	}
	if status != nil {
		return nil, status
	}
	return nil, unreadable(ans.Body, "the answer has no flag success or failure", nil)
}

func unreadable(raw []byte, text string, err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "qimen.unreadable", Text: text, Sent: true, Raw: raw, Err: err}
}
