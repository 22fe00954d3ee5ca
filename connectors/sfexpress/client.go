package sfexpress

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

const clock = "2006-01-02 15:04:05"

// china is the zone of every time of the platform.
func china() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// object is a JSON object, members as they came.
type object map[string]json.RawMessage

// call posts msgData to a service and returns the msgData of a success.
func (c *conn) call(ctx context.Context, service string, msgData []byte) (json.RawMessage, connectors.Exchange, *connectors.Error) {
	stamp := strconv.FormatInt(c.now().UnixMilli(), 10)
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	form := url.Values{
		"partnerID": {c.partner}, "requestID": {hex.EncodeToString(id[:])}, "serviceCode": {service}, "timestamp": {stamp},
		"msgDigest": {digest(c.digest, string(msgData), stamp, c.word)}, "msgData": {string(msgData)},
	}
	ans, err := c.http.Do(ctx, vendorhttp.Call{
		Method: http.MethodPost, URL: c.url, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"}},
		// Readable, and without the digest.
		Shown: []byte("serviceCode=" + service + "&requestID=" + hex.EncodeToString(id[:]) + "&timestamp=" + stamp + "&msgDigest=****&msgData=" + string(msgData)),
	})
	if err != nil {
		return nil, ans.Exchange, err
	}
	data, err := read(service, ans, c.now())
	return data, ans.Exchange, err
}

// read opens both envelopes: the gateway's, and the service's inside it as a text
// ("API overview", response).
func read(service string, ans *vendorhttp.Answer, now time.Time) (json.RawMessage, *connectors.Error) {
	if e := ans.StatusError(); e != nil {
		return nil, e
	}
	if ans.IsHTML() {
		return nil, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "http.html", Sent: true,
			Text: "a web page came where a document was expected"}
	}
	var outer object
	if err := codec.Unmarshal(ans.Body, &outer); err != nil {
		return nil, unreadable(ans.Body, "the answer is not one JSON object", err)
	}
	if code := outer.text("apiResultCode"); code != "A1000" {
		return nil, vendorError(service, code, outer.text("apiErrorMsg"), now)
	}
	inner, ok := unwrap(outer["apiResultData"])
	if !ok {
		return nil, unreadable(ans.Body, "apiResultData holds no JSON object", nil)
	}
	success, code := inner.text("success"), inner.text("errorCode")
	switch {
	case success == "true" && (code == "" || code == "S0000"):
		return inner["msgData"], nil
	case success != "true" && success != "false":
		return nil, unreadable(ans.Body, "the answer does not say whether it is a success", nil)
	}
	return nil, vendorError(service, code, inner.text("errorMsg"), now)
}

// layers is how many texts an object may be wrapped in.
const layers = 4

// unwrap finds the object in a text that holds it, perhaps in several layers.
func unwrap(raw json.RawMessage) (object, bool) {
	for range layers {
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 {
			return nil, false
		}
		if raw[0] != '"' {
			var o object
			err := codec.Unmarshal(raw, &o)
			return o, err == nil && o != nil
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return nil, false
		}
		raw = json.RawMessage(s)
	}
	return nil, false
}

// text reads a member that may be a text, a number or a flag; anything else is empty.
func (o object) text(name string) string {
	raw := bytes.TrimSpace(o[name])
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	if raw[0] != '"' {
		return string(raw)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func unreadable(raw []byte, text string, err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "sfexpress.unreadable", Text: text, Sent: true, Raw: raw, Err: err}
}
