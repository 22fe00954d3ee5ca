package qimen

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// The stable codes of a refused message.
const (
	codeSignature = "sign-check-failure" // the vendor's own
	codeMethod    = "qimen.method"
	codeMessage   = "qimen.message"
)

// Receive verifies a message and reads its key. The time of the signature is not
// compared: a message that is posted again under an old signature has the same bytes,
// and is stored once.
func (c *conn) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	if req.Method != http.MethodPost {
		return connectors.Received{}, refused(connectors.Unauthorized, codeSignature, "a message comes as POST", nil)
	}
	if err := verify(c.secret, req.Query, req.Body); err != nil {
		return connectors.Received{}, refused(connectors.Unauthorized, codeSignature, err.Error(), nil)
	}
	if method := req.Query.Get("method"); strings.TrimPrefix(method, longPrefix) != callConfirm {
		e := refused(connectors.Invalid, codeMethod, "the message is none that the hub takes", nil)
		e.Hint = "the hub takes " + callConfirm + " only"
		return connectors.Received{}, e
	}
	root, err := parse(req.Body)
	if err != nil {
		e := refused(connectors.Unreadable, codeMessage, "the message is not one XML document", err)
		e.Raw = req.Body
		return connectors.Received{}, e
	}
	head := root.kid("deliveryOrder")
	code := head.at(idCode)
	if code == "" {
		e := refused(connectors.Unreadable, codeMessage, "the message has no deliveryOrderCode", nil)
		e.Raw = req.Body
		return connectors.Received{}, e
	}
	item := connectors.Item{Stream: confirms, Key: code + "/" + message(head, req.Body), Root: code, Body: req.Body}
	for _, member := range []string{"operateTime", "orderConfirmTime"} {
		if t := chinaTime(head.at(member)); !t.IsZero() {
			item.Version = t.Unix()
			break
		}
	}
	return connectors.Received{Items: []connectors.Item{item}}, nil
}

// message names one message of an order: by outBizCode, which the vendor asks for
// wherever an order is confirmed more than once. Without it a final confirmation is the
// only one of its order, and an intermediate one is known by its bytes.
func message(head *element, body []byte) string {
	if out := head.at("outBizCode"); out != "" {
		return out
	}
	if head.at("confirmType") != "1" {
		return "final"
	}
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:16])
}

// Reply answers as the protocol asks: whatever is not success is posted again.
func (c *conn) Reply(v connectors.Verdict, _ connectors.Received, err error) connectors.Response {
	switch v {
	case connectors.Stored:
		return reply("success", "0", "stored")
	case connectors.Busy:
		return reply("failure", "busy", "come again later")
	}
	var e *connectors.Error
	switch {
	case !errors.As(err, &e):
		return reply("failure", codeMessage, "not understood")
	case e.Code == codeSignature:
		return reply("failure", codeSignature, "Illegal request")
	}
	return reply("failure", e.Code, e.Text)
}

func reply(flag, code, message string) connectors.Response {
	w := &writer{}
	w.buf.WriteString(xmlHead)
	w.open("response")
	for _, f := range [][2]string{{"flag", flag}, {"code", code}, {"message", message}} {
		_ = w.text("", f[0], f[1]) // the texts are ours: nothing to refuse
	}
	w.close("response")
	return connectors.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml;charset=utf-8"}}, Body: w.buf.Bytes()}
}

// Decode reads a confirmation as a tree: objects, lists of lines and packages, texts.
func (c *conn) Decode(stream string, body []byte) (any, error) {
	if stream != confirms {
		return nil, refused(connectors.Invalid, codeMessage, "the connector has no such stream", nil)
	}
	root, err := parse(body)
	if err != nil {
		return nil, refused(connectors.Unreadable, codeMessage, "the message is not one XML document", err)
	}
	tree, err := root.tree(confirmFields())
	if err != nil {
		return nil, refused(connectors.Unreadable, codeMessage, "the message differs from the vendor's page", err)
	}
	return tree, nil
}

func refused(kind connectors.Kind, code, text string, err error) *connectors.Error {
	return &connectors.Error{Kind: kind, Scope: doc, Code: code, Text: text, Err: err}
}
