package jushuitan

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the vendor's choice
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var _ connectors.Receiver = (*connection)(nil)

const (
	methodShipped    = "logistics.upload" // "物流同步"
	codeCallbackSign = "jushuitan.callback.sign"
)

// Receive takes the callback of an own-mall shop that a parcel has left. Its signature
// covers the query alone and its key is often the same for every merchant, so nothing in
// it is believed but the numbers: the shipment itself is read with logistic/query.
func (c *connection) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	if c.callback.key.Empty() {
		return connectors.Received{}, refusedCallback(connectors.Unauthorized, "jushuitan.callback.off", "this connection has no callback_key")
	}
	q := req.Query
	if req.Method != http.MethodPost || !c.callback.signed(q) {
		return connectors.Received{}, refusedCallback(connectors.Unauthorized, codeCallbackSign, "the signature of the callback does not fit: compare callback_key and callback_partner")
	}
	if q.Get("method") != methodShipped {
		e := refusedCallback(connectors.Invalid, "jushuitan.callback.method", "the callback is none that the hub takes")
		e.Hint = "register this address for " + methodShipped + " (物流同步) only"
		return connectors.Received{}, e
	}
	tree, err := codec.Decode(req.Body)
	body := object(tree)
	oid, so := text(body["o_id"]), text(body["so_id"])
	if err != nil || !digits(oid) || so == "" {
		e := refusedCallback(connectors.Unreadable, "jushuitan.callback.body", "the callback names no o_id and so_id")
		e.Raw = req.Body
		return connectors.Received{}, e
	}
	var sos []string
	for _, v := range list(body["items"]) { // a merged order holds lines of several
		if raw := text(object(v)["so_id"]); raw != "" && !slices.Contains(sos, raw) {
			sos = append(sos, raw)
		}
	}
	if len(sos) == 0 {
		sos = []string{so}
	}
	var rcv connectors.Received
	for _, so := range sos {
		rcv.Items = append(rcv.Items, connectors.Item{Stream: streamShipments, Key: shipmentKey(oid, so), Root: so})
	}
	return rcv, nil
}

// Reply answers in the vendor's words. Every code but "0" shows the order as not
// synchronised there, and is sent again.
func (c *connection) Reply(v connectors.Verdict, _ connectors.Received, err error) connectors.Response {
	switch v {
	case connectors.Stored:
		return callbackAnswer("0", "执行成功")
	case connectors.Busy:
		return callbackAnswer("-1", "系统繁忙,请稍后重试")
	}
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.Unauthorized {
		return callbackAnswer("-1", "签名验证失败")
	}
	return callbackAnswer("-1", "数据无法识别")
}

func callbackAnswer(code, msg string) connectors.Response {
	body, _ := json.Marshal(map[string]string{"code": code, "msg": msg}) // two texts always encode
	return connectors.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: body}
}

// callback verifies the ERP's calls.
type callback struct {
	partner string // expected partnerid; empty: any
	key     connectors.Secret
}

// signed compares the signature: md5 of method, partnerid, every other field in byte
// order of its name, and the key.
func (cb callback) signed(q url.Values) bool {
	if cb.partner != "" && q.Get("partnerid") != cb.partner {
		return false
	}
	h := md5.New() //nolint:gosec // the vendor's choice
	h.Write([]byte(q.Get("method") + q.Get("partnerid")))
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if name != "method" && name != "partnerid" && name != "sign" {
			h.Write([]byte(name + q.Get(name)))
		}
	}
	h.Write([]byte(cb.key.Reveal()))
	return hmac.Equal([]byte(hex.EncodeToString(h.Sum(nil))), []byte(strings.ToLower(q.Get("sign"))))
}

func refusedCallback(kind connectors.Kind, code, text string) *connectors.Error {
	return &connectors.Error{Kind: kind, Scope: connectors.OfDocument, Code: code, Text: text}
}
