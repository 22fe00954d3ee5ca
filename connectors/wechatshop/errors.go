package wechatshop

import (
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// until says how long a refused call has to wait.
type until int

const (
	atOnce until = iota
	oneSecond
	nextMinute
	nextDay // 00:00 in Beijing
)

// rule is what one vendor code means.
type rule struct {
	kind  connectors.Kind
	scope connectors.Scope
	wait  until
	sent  bool // the shop may have done the work
	renew bool // the token is dead: fetch another and repeat the call once
	hint  string
}

const (
	doc  = connectors.OfDocument
	call = connectors.OfOperation
	all  = connectors.OfConnection
)

// rules holds the vendor's codes. "全局返回码" unless a comment names another page. A code
// that is missing here is unclassified.
var rules = map[int64]rule{
	-1:    {kind: connectors.Unavailable, scope: doc, wait: oneSecond, sent: true},
	40001: {kind: connectors.Unauthorized, scope: all, renew: true, hint: "check app_secret; another program may refresh the same token"},
	40014: {kind: connectors.Unauthorized, scope: all, renew: true},
	42001: {kind: connectors.Unauthorized, scope: all, renew: true},
	40013: {kind: connectors.Unauthorized, scope: all, hint: "check app_id"},
	40125: {kind: connectors.Unauthorized, scope: all, hint: "check app_secret"},
	40243: {kind: connectors.Unauthorized, scope: all, hint: "app_secret is frozen: unfreeze it in the console"},
	41001: {kind: connectors.Unauthorized, scope: all},
	41002: {kind: connectors.Unauthorized, scope: all},
	41004: {kind: connectors.Unauthorized, scope: all},
	40164: {kind: connectors.Forbidden, scope: all, hint: "put the hub's address on the IP allowlist of the shop"},
	89501: {kind: connectors.Forbidden, scope: all, hint: "the administrator must confirm the hub's address"},
	89503: {kind: connectors.Forbidden, scope: all, hint: "the administrator must confirm the hub's address"},
	89506: {kind: connectors.Forbidden, scope: all, hint: "the administrator refused the hub's address twice: wait 24 hours"},
	89507: {kind: connectors.Forbidden, scope: all, hint: "the administrator refused the hub's address: wait an hour"},
	61004: {kind: connectors.Forbidden, scope: all, hint: "put the hub's address on the IP allowlist of the platform"},
	50002: {kind: connectors.Forbidden, scope: all, hint: "the account is limited: see the console"},
	48001: {kind: connectors.Forbidden, scope: call, hint: "the app may not use this API: grant the permission set in the console"},
	48004: {kind: connectors.Forbidden, scope: call, hint: "this API is banned for the app: see the console"},
	61003: {kind: connectors.Forbidden, scope: all, hint: "authorise the platform again"},
	61007: {kind: connectors.Forbidden, scope: call, hint: "this API is not authorised to the platform"},

	44990: {kind: connectors.RateLimited, scope: call, wait: oneSecond},
	45009: {kind: connectors.Quota, scope: call, wait: nextDay, hint: "the day's calls of this API are used up"},
	45011: {kind: connectors.RateLimited, scope: call, wait: nextMinute},

	40002: {kind: connectors.Invalid, scope: call},
	40003: {kind: connectors.Invalid, scope: doc, hint: "the openid is unknown or belongs to another app"},
	40097: {kind: connectors.Invalid, scope: doc, hint: "an argument is missing or out of range"},
	43001: {kind: connectors.Invalid, scope: call},
	43002: {kind: connectors.Invalid, scope: call},
	43003: {kind: connectors.Invalid, scope: all, hint: "base_url must begin with https"},
	44002: {kind: connectors.Invalid, scope: call},
	47001: {kind: connectors.Invalid, scope: doc, hint: "a field has the wrong JSON type"},

	// "微信小店 API: 订单管理".
	31042:   {kind: connectors.Invalid, scope: call, hint: "too many orders in the window: ask for a shorter one"},
	606006:  {kind: connectors.Invalid, scope: call, hint: "next_key does not fit the window: begin the window again"},
	606034:  {kind: connectors.Forbidden, scope: doc, hint: "this order must be shipped under another party's identity"},
	6060456: {kind: connectors.Invalid, scope: doc, hint: "a search text holds characters that the shop refuses"},
	100003:  {kind: connectors.RateLimited, scope: doc, wait: oneSecond, hint: "the order is being changed by another call"},
	100002:  {kind: connectors.NotFound, scope: doc, hint: "the shop has no such order"},
	108009:  {kind: connectors.Conflict, scope: doc, hint: "the order is under after-sale: it cannot ship before that ends"},
	109000:  {kind: connectors.Conflict, scope: doc, hint: "the shop refused the parcel: compare the order's status and open units"},
	109001:  {kind: connectors.Conflict, scope: doc, hint: "the order is shipped already"},

	// "解密订单中的详细收货信息": the buyer's account is being cancelled, or is gone.
	10080000: {kind: connectors.Conflict, scope: doc, hint: "the buyer's account is being cancelled: ask the vendor's support for the receiver"},
	10080001: {kind: connectors.Conflict, scope: doc, hint: "the buyer's account is cancelled: ask the vendor's support for the receiver"},

	// "微信小店 API: 商品管理".
	9401020: {kind: connectors.Invalid, scope: doc},
	9401021: {kind: connectors.Forbidden, scope: call, hint: "grant the permission set in the console"},
}

// The codes that a caller looks at.
const (
	codeTooMany     = 31042
	codeNextKey     = 606006
	codeAbsentOrder = 100002
	codeShipped     = 109001
)

// vendorError classifies an errcode that is not 0.
func vendorError(code int64, errmsg string, now time.Time) *connectors.Error {
	e := &connectors.Error{Code: strconv.FormatInt(code, 10), Text: short(errmsg)}
	r, ok := rules[code]
	if !ok {
		e.Kind, e.Scope, e.Sent = connectors.Unclassified, doc, true
		return e
	}
	e.Kind, e.Scope, e.Sent, e.Hint = r.kind, r.scope, r.sent, r.hint
	beijing := now.In(time.FixedZone("UTC+8", 8*3600))
	switch r.wait {
	case oneSecond:
		e.Wait = time.Second
	case nextMinute:
		e.Wait = beijing.Truncate(time.Minute).Add(time.Minute).Sub(beijing)
	case nextDay:
		e.Wait = time.Date(beijing.Year(), beijing.Month(), beijing.Day()+1, 0, 0, 0, 0, beijing.Location()).Sub(beijing)
	}
	return e
}

// outcome turns the failure of a write into what it means for the delivery.
func outcome(e *connectors.Error) connectors.Outcome {
	if e.Sent {
		return connectors.Unknown
	}
	switch e.Kind {
	case connectors.Invalid, connectors.NotFound, connectors.Conflict:
		return connectors.Refused
	case connectors.Forbidden:
		if e.Scope == doc {
			return connectors.Refused
		}
		return connectors.NotSent
	case connectors.Unauthorized, connectors.RateLimited, connectors.Quota, connectors.Unavailable:
		return connectors.NotSent
	}
	return connectors.Unknown
}

// short keeps the vendor's words, with the rid that its support asks for.
func short(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
