package webhook

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// tolerance is how far a timestamp may be off ("Verifying webhook authenticity").
const tolerance = 5 * time.Minute

// The stable codes of a refused request.
const (
	codeMethod    = "webhook.method"
	codeSignature = "webhook.signature"
	codeTimestamp = "webhook.timestamp"
	codeBody      = "webhook.body"
	codePointer   = "webhook.pointer"
)

// Receive verifies a request and reads its key, root and version.
func (c *connection) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	if req.Method != http.MethodPost {
		return connectors.Received{}, bad(connectors.Invalid, codeMethod, "an event comes as POST", nil)
	}
	id, err := c.authentic(req)
	if err != nil {
		return connectors.Received{}, err
	}
	item := connectors.Item{Stream: inbound, Key: id, Body: req.Body, Headers: map[string]string{"webhook-id": id}}
	tree, derr := codec.Decode(req.Body)
	if derr != nil {
		e := bad(connectors.Unreadable, codeBody, "the body is not JSON", derr)
		e.Raw = req.Body
		return connectors.Received{}, e
	}
	var errs []error
	take := func(p pointer, into *string) {
		if p != nil {
			s, err := p.text(tree)
			*into = s
			errs = append(errs, err)
		}
	}
	take(c.keyAt, &item.Key)
	take(c.rootAt, &item.Root)
	if c.versionAt != nil {
		v, err := c.versionAt.version(tree)
		item.Version = v
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		e := bad(connectors.Invalid, codePointer, "the body lacks what the connection reads from it", err)
		e.Raw, e.Hint = req.Body, "compare key_pointer, root_pointer and version_pointer with what the sender sends"
		return connectors.Received{}, e
	}
	return connectors.Received{Items: []connectors.Item{item}}, nil
}

// authentic checks the three headers and returns the webhook-id.
func (c *connection) authentic(req connectors.Request) (string, *connectors.Error) {
	refuse := func(code, text string) (string, *connectors.Error) {
		return "", bad(connectors.Unauthorized, code, text, nil)
	}
	id, timestamp := req.Header.Get(headerID), req.Header.Get(headerTimestamp)
	signatures := strings.Join(req.Header.Values(headerSignature), " ")
	if id == "" || timestamp == "" || signatures == "" {
		return refuse(codeSignature, "webhook-id, webhook-timestamp or webhook-signature is missing")
	}
	// The three parts are joined with dots: one inside would let a signature fit two requests.
	if strings.Contains(id, ".") || strings.Contains(timestamp, ".") {
		return refuse(codeSignature, "webhook-id or webhook-timestamp holds a dot")
	}
	if !verify(c.keys, signatures, id, timestamp, req.Body) {
		return refuse(codeSignature, "no signature fits")
	}
	sec, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return refuse(codeTimestamp, "webhook-timestamp is not a number of seconds")
	}
	at := req.At
	if at.IsZero() {
		at = c.now()
	}
	// Compared in seconds: a Duration of an absurd timestamp would overflow.
	if off, most := at.Unix()-sec, int64(tolerance/time.Second); sec < 0 || off > most || off < -most {
		return refuse(codeTimestamp, "webhook-timestamp is more than five minutes off")
	}
	return id, nil
}

// Reply answers in statuses, which is all the specification asks for.
func (c *connection) Reply(v connectors.Verdict, _ connectors.Received, err error) connectors.Response {
	switch v {
	case connectors.Stored:
		return answer(http.StatusOK, `{"status":"accepted"}`)
	case connectors.Busy:
		r := answer(http.StatusServiceUnavailable, `{"error":"busy, come again"}`)
		r.Header.Set("Retry-After", strconv.Itoa(int(defaultWait/time.Second)))
		return r
	}
	e := connectors.AsError(err)
	switch {
	case e == nil:
		return answer(http.StatusBadRequest, `{"error":"not understood"}`)
	case e.Kind == connectors.Unauthorized:
		return answer(http.StatusUnauthorized, `{"error":"not authentic"}`)
	case e.Code == codeMethod:
		r := answer(http.StatusMethodNotAllowed, `{"error":"use POST"}`)
		r.Header.Set("Allow", http.MethodPost)
		return r
	}
	return answer(http.StatusBadRequest, `{"error":"`+e.Code+`"}`)
}

func answer(status int, body string) connectors.Response {
	return connectors.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

func bad(kind connectors.Kind, code, text string, err error) *connectors.Error {
	return &connectors.Error{Kind: kind, Scope: connectors.OfDocument, Code: code, Text: text, Err: err}
}
