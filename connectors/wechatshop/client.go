package wechatshop

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// client calls the API with a live access token.
type client struct {
	http   *vendorhttp.Client
	base   string
	appID  string
	secret connectors.Secret
	now    func() time.Time
	tokens *token.Cache

	mu     sync.Mutex
	last   connectors.Secret // the token that tokens gave out last
	forced []time.Time       // forced renewals of the last 24 hours
}

func newClient(cfg connectors.Config, rt http.RoundTripper, now func() time.Time) *client {
	c := &client{
		http:   vendorhttp.New(vendorhttp.Options{Transport: rt}),
		base:   strings.TrimRight(cfg.String("base_url"), "/"),
		appID:  cfg.String("app_id"),
		secret: cfg.Secret("app_secret"),
		now:    now,
	}
	c.tokens = token.New(c.fetchToken, 0, now)
	return c
}

// envelope is the object that every answer is, members as they came.
type envelope map[string]json.RawMessage

// answer is an answer without an error: its members, its bytes, and the calls made for
// it. After an error it holds the calls alone.
type answer struct {
	envelope
	raw  []byte
	made []connectors.Exchange
}

// call posts body to a path below /channels/ec/. A token that the shop calls dead is
// replaced and the call repeated once: it was refused before execution.
func (c *client) call(ctx context.Context, path string, body []byte) (answer, *connectors.Error) {
	var made []connectors.Exchange
	for again := false; ; again = true {
		tok, err := c.tokens.Get(ctx)
		if err != nil {
			return answer{made: made}, tokenError(err)
		}
		ans, verr := c.http.Do(ctx, vendorhttp.Call{
			Method: http.MethodPost,
			URL:    c.base + "/channels/ec/" + path + "?access_token=" + url.QueryEscape(tok.Value.Reveal()),
			Header: http.Header{"Content-Type": {"application/json"}},
			Body:   body,
			Reads:  path == apiOf[streamOrders].get, // what a shipment asks before it is written
		})
		made = append(made, ans.Exchange)
		if verr != nil {
			return answer{made: made}, verr
		}
		env, verr := read(ans, c.now())
		if verr == nil {
			return answer{env, ans.Body, made}, nil
		}
		code, _ := strconv.ParseInt(verr.Code, 10, 64)
		if !rules[code].renew {
			return answer{made: made}, verr
		}
		c.tokens.Drop(tok)
		if again {
			return answer{made: made}, verr
		}
	}
}

// read decodes an answer and classifies what it says.
func read(ans *vendorhttp.Answer, now time.Time) (envelope, *connectors.Error) {
	if e := ans.StatusError(); e != nil {
		if ans.Status == http.StatusForbidden {
			// "微信小店 IP 白名单": a caller outside it gets a bare 403.
			e.Hint = "put the hub's address on the IP allowlist of the shop"
		}
		return nil, e
	}
	if ans.IsHTML() {
		return nil, &connectors.Error{Kind: connectors.Unavailable, Scope: all, Code: "http.html", Sent: true,
			Text: "a web page came where a document was expected"}
	}
	var env envelope
	if err := codec.Unmarshal(ans.Body, &env); err != nil {
		return nil, &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "wechatshop.unreadable", Sent: true,
			Text: "the answer is not one JSON object", Raw: ans.Body, Err: err}
	}
	code, ok := env.number("errcode")
	if !ok {
		return nil, unreadable(ans.Body, "errcode is not a number")
	}
	if code != 0 {
		var msg string
		_ = json.Unmarshal(env["errmsg"], &msg) // the code decides; a text that is none stays empty
		return nil, vendorError(code, msg, now)
	}
	return env, nil
}

func unreadable(raw []byte, text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "wechatshop.unreadable", Text: text, Sent: true, Raw: raw}
}

// number reads a member that may be a number or a numeric text; a missing one is 0.
func (e envelope) number(name string) (int64, bool) {
	raw, ok := e[name]
	if !ok || string(raw) == "null" {
		return 0, true
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	return n, err == nil
}

// text reads a member that may be a text or a whole number: ids come both ways. A
// missing member and one of another type are empty.
func (e envelope) text(name string) string {
	raw := e[name]
	if len(raw) == 0 {
		return ""
	}
	if raw[0] != '"' {
		if _, err := strconv.ParseUint(string(raw), 10, 64); err != nil {
			return ""
		}
		return string(raw)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// object reads a member that is an object; nil when it is none.
func (e envelope) object(name string) envelope {
	var out envelope
	if json.Unmarshal(e[name], &out) != nil {
		return nil
	}
	return out
}
