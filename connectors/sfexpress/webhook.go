package sfexpress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// waybillNo is what a waybill looks like: SF and 13 digits, 12 digits, or a child's or a
// foreign number.
var waybillNo = regexp.MustCompile(`^[A-Za-z0-9-]{6,40}$`)

// Receive takes a RoutePush at the secret address and names its waybills. The push is
// not signed, comes several times and in any order: its events are fetched instead.
func (c *conn) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	switch {
	case c.secret.Empty():
		return connectors.Received{}, forged("push.off", "this connection has no push_secret")
	case !c.secretPath(req.Path):
		return connectors.Received{}, forged("push.address", "the address does not end with push_secret")
	case req.Method != http.MethodPost:
		return connectors.Received{}, forged("push.method", "a push comes as POST")
	}
	numbers, err := pushed(req.Body)
	if err != nil {
		e := &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "push.body", Text: "the push is not understood", Raw: req.Body, Err: err}
		return connectors.Received{}, e
	}
	var rcv connectors.Received
	for _, n := range numbers {
		rcv.Items = append(rcv.Items, connectors.Item{Stream: routes, Key: n})
	}
	return rcv, nil
}

func (c *conn) secretPath(path string) bool {
	given, want := sha256.Sum256([]byte(strings.Trim(path, "/"))), sha256.Sum256([]byte(c.secret.Reveal()))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// pushed reads the waybills of a push (RoutePushService, JSON): WaybillRoute is a list
// or a single object.
func pushed(body []byte) ([]string, error) {
	var push struct {
		Body struct {
			WaybillRoute json.RawMessage
		}
	}
	if err := codec.Unmarshal(body, &push); err != nil {
		return nil, err
	}
	raw := bytes.TrimSpace(push.Body.WaybillRoute)
	var events []object
	if len(raw) > 0 && raw[0] == '{' {
		raw = append(append([]byte{'['}, raw...), ']')
	}
	if err := codec.Unmarshal(raw, &events); err != nil || len(events) == 0 {
		return nil, errors.New("Body.WaybillRoute holds no events")
	}
	seen := map[string]bool{}
	var numbers []string
	for _, e := range events {
		n := e.text("mailno")
		if !waybillNo.MatchString(n) {
			return nil, errors.New("an event has no mailno that is a waybill")
		}
		if !seen[n] {
			seen[n] = true
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// Reply answers with return_code 0000; everything else makes the vendor come again.
func (c *conn) Reply(v connectors.Verdict, _ connectors.Received, err error) connectors.Response {
	switch v {
	case connectors.Stored:
		return reply(http.StatusOK, `{"return_code":"0000","return_msg":"成功"}`)
	case connectors.Busy:
		return reply(http.StatusOK, `{"return_code":"1000","return_msg":"系统繁忙"}`)
	}
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.Unauthorized {
		return reply(http.StatusNotFound, `{"return_code":"1000","return_msg":"地址错误"}`)
	}
	return reply(http.StatusOK, `{"return_code":"1000","return_msg":"报文错误"}`)
}

func reply(status int, body string) connectors.Response {
	return connectors.Response{Status: status, Header: http.Header{"Content-Type": {"application/json;charset=UTF-8"}}, Body: []byte(body)}
}

func forged(code, text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unauthorized, Scope: doc, Code: code, Text: text}
}
