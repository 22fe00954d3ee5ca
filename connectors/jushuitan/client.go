package jushuitan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// The calls, as in the vendor's list of interfaces.
const (
	pathOrders      = "/open/jushuitan/orders/upload"
	pathCancel      = "/open/jushuitan/orderbyoid/cancel"
	pathAfterSale   = "/open/aftersale/upload"
	pathOrdersQuery = "/open/orders/single/query"
	pathShipments   = "/open/logistic/query"
	pathRefunds     = "/open/refund/single/query"
	pathShopsQuery  = "/open/shops/query"
	pathRefresh     = "/openWeb/auth/refreshToken"
	pathInitToken   = "/openWeb/auth/getInitToken"
)

// clock is how far the vendor's clock is ahead of ours, learnt from its answer when a
// timestamp was refused (code 140).
type clock struct{ ahead atomic.Int64 }

func (k *clock) stamp(now time.Time) string {
	return strconv.FormatInt(now.Add(time.Duration(k.ahead.Load())).Unix(), 10)
}

func (k *clock) learn(now time.Time, h http.Header) bool {
	t, err := http.ParseTime(h.Get("Date"))
	if err == nil {
		k.ahead.Store(int64(t.Sub(now)))
	}
	return err == nil
}

// reply is an answer that was accepted: code 0.
type reply struct {
	data     any    // of the envelope
	raw      []byte // the whole answer
	exchange connectors.Exchange
}

// call makes one business call. One that was refused before execution, for its token
// or its timestamp, is repeated once (Invariant 7).
func (c *connection) call(ctx context.Context, path string, biz []byte) (reply, *connectors.Error) {
	var r reply
	for try := 0; ; try++ {
		t, err := c.tokens.Get(ctx)
		if err != nil {
			return r, tokenError(err)
		}
		var ans *vendorhttp.Answer
		var cerr *connectors.Error
		r, ans, cerr = c.once(ctx, path, biz, t)
		if cerr == nil || try > 0 {
			return r, cerr
		}
		switch cerr.Code {
		case codeToken:
			c.tokens.Drop(t)
		case codeClock:
			if !c.clock.learn(c.now(), ans.Header) {
				return r, cerr
			}
		default:
			return r, cerr
		}
	}
}

func (c *connection) once(ctx context.Context, path string, biz []byte, t token.Token) (reply, *vendorhttp.Answer, *connectors.Error) {
	form := map[string]string{
		"app_key": c.appKey, "access_token": t.Value.Reveal(), "timestamp": c.clock.stamp(c.now()), "charset": "utf-8", "version": "2", "biz": string(biz),
	}
	ans, err := c.http.Do(ctx, vendorhttp.Call{Method: http.MethodPost, URL: c.url + path, Header: formHeader(), Body: encode(c.secret.Reveal(), form), Shown: biz,
		Reads: path == pathOrdersQuery || path == pathRefunds || path == pathShipments})
	// A vendor that quotes the token must not carry it into the ledger (Invariant 8).
	ans.Exchange.Response = strings.ReplaceAll(ans.Exchange.Response, t.Value.Reveal(), "****")
	r := reply{exchange: ans.Exchange}
	if err != nil {
		return r, ans, err
	}
	data, err := c.open(ans)
	if err != nil {
		err.Text = strings.ReplaceAll(err.Text, t.Value.Reveal(), "****")
		if len(err.Raw) > 0 {
			err.Raw = []byte(strings.ReplaceAll(string(err.Raw), t.Value.Reveal(), "****"))
		}
	}
	r.data, r.raw = data, bytes.ReplaceAll(ans.Body, []byte(t.Value.Reveal()), []byte("****"))
	return r, ans, err
}

func formHeader() http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"}, "Accept": {"application/json"}}
}

// open reads the envelope {"code":0,"msg":"","data":...}.
func (c *connection) open(ans *vendorhttp.Answer) (any, *connectors.Error) {
	if err := ans.StatusError(); err != nil {
		return nil, err
	}
	unreadable := func(text string, err error) *connectors.Error {
		return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "jushuitan.answer", Text: text, Sent: true, Raw: ans.Body, Err: err}
	}
	if ans.IsHTML() {
		return nil, unreadable("a page came instead of an answer", nil)
	}
	tree, err := codec.Decode(ans.Body)
	if err != nil {
		return nil, unreadable("the answer cannot be decoded", err)
	}
	env, ok := tree.(map[string]any)
	if !ok || text(env["code"]) == "" {
		return nil, unreadable("the answer has no code", nil)
	}
	if code := text(env["code"]); code != "0" {
		return nil, classify(code, text(env["msg"]), c.now())
	}
	return env["data"], nil
}

// tokenError is a failure to get a token: the call itself was never sent.
func tokenError(err error) *connectors.Error {
	var e *connectors.Error
	if errors.As(err, &e) {
		out := *e
		out.Sent = false
		if out.Scope == connectors.OfDocument {
			out.Scope = connectors.OfConnection
		}
		return &out
	}
	return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "jushuitan.token", Text: "no token in time", Err: err}
}

// text reads a field that the vendor gives as text in one answer and as a number in
// another.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// Ping reads one shop: a call that needs all the credentials and changes nothing.
func (c *connection) Ping(ctx context.Context) error {
	if _, err := c.call(ctx, pathShopsQuery, []byte(`{"page_index":1,"page_size":1}`)); err != nil {
		return err
	}
	return nil
}
