package qimen

import (
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// The codes that stand for a whole class of answers.
const (
	codeExists = "qimen.exists" // the warehouse holds, or held, this code
	codeAbsent = "qimen.absent" // the warehouse does not know this code
)

// rule reads one class of failures. Beyond sign-check-failure and the gateway's codes,
// codes are each warehouse's own: the text has to be read.
type rule struct {
	calls []string // empty: every method
	codes []string // exact; gateway.N is the gateway's own number N
	front []string // what the code begins with
	words []string // in the text, lower case
	kind  connectors.Kind
	scope connectors.Scope
	as    string // a code that stands for the class, in place of the vendor's
	wait  time.Duration
	sent  bool
	hint  string
}

const (
	doc = connectors.OfDocument
	all = connectors.OfConnection
	api = connectors.OfOperation
)

func absentWords() []string {
	return []string{"不存在", "未找到", "没有找到", "查无", "查询不到", "无此", "not exist", "not found", "no such", "unknown order"}
}

// rules is read from top to bottom; the first that fits counts. Gateway codes are those
// of the open platform's page "API 错误码"; texts are those the method pages and
// warehouses use.
func rules() []rule {
	create, cancel, query := []string{callCreate}, []string{callCancel}, []string{callQuery}
	return []rule{
		// The one failure code that every party shares ("API 签名").
		{codes: []string{"sign-check-failure", "isv.sign-check-failure", "gateway.25"}, kind: connectors.Unauthorized, scope: all,
			hint: "compare secret and sign_method with the other side, and the hub's clock with China time"},
		// 全局错误码: platform level.
		{codes: []string{"gateway.7", "accesscontrol.limited-by-app-access-count", "isp.call-limited"}, kind: connectors.RateLimited, scope: all, wait: 2 * time.Second},
		{codes: []string{"gateway.11", "gateway.12", "gateway.13", "isv.permission-api-package-limit", "isv.permission-ip-whitelist-limit"}, kind: connectors.Forbidden, scope: all,
			hint: "the app may not make this call: see its permissions and its address list"},
		{codes: []string{"gateway.28", "gateway.29", "isv.invalid-app-key"}, kind: connectors.Unauthorized, scope: all, hint: "check app_key"},
		{codes: []string{"gateway.21", "gateway.22", "isv.invalid-method"}, kind: connectors.Invalid, scope: api, hint: "try long_methods: true"},
		// isp.*: the party behind the gateway failed, perhaps after it did the work.
		{codes: []string{"gateway.10", "gateway.15"}, front: []string{"isp."}, kind: connectors.Unavailable, scope: all, sent: true},

		{words: []string{"签名", "illegal request", "invalid sign"}, kind: connectors.Unauthorized, scope: all,
			hint: "compare secret and sign_method with the other side, and the hub's clock with China time"},
		// The party that speaks of a time-out may stand in front of the one that does the work.
		{words: []string{"超时", "timeout", "timed out", "路由", "系统异常", "internal error", "system error"}, kind: connectors.Unavailable, scope: all, sent: true},
		{words: []string{"限流", "流控", "频繁", "call limited", "too many requests", "rate limit", "繁忙", "稍后", "busy", "try again"},
			kind: connectors.RateLimited, scope: all, wait: 5 * time.Second},
		{calls: query, words: []string{"不支持", "未开通", "not support", "unsupported"}, kind: connectors.Forbidden, scope: api,
			hint: "the warehouse does not offer deliveryorder.query: set can_query: false"},

		// 26002: each warehouse dedupes by deliveryOrderCode; a cancelled code stays used.
		{calls: create, words: absentWords(), kind: connectors.Invalid, scope: doc, hint: "an item, a warehouse or a carrier of the order is unknown to the warehouse"},
		{calls: create, words: []string{"已存在", "已经存在", "单号重复", "订单重复", "重复下发", "重复推送", "重复提交", "重复创建", "already exist", "exists",
			"duplicate", "已取消", "cancelled", "canceled"}, kind: connectors.Conflict, scope: doc, as: codeExists},
		{calls: create, kind: connectors.Invalid, scope: doc, hint: "the warehouse refuses the order: see its text"},

		// 26000: failure is "too late" or "unknown order".
		{calls: cancel, words: []string{"已取消", "已经取消", "重复取消", "already cancel", "been cancel"}, kind: connectors.Conflict, scope: doc, as: codeExists},
		{calls: cancel, words: absentWords(), kind: connectors.NotFound, scope: doc, as: codeAbsent, hint: "the warehouse does not know the order"},
		{calls: cancel, kind: connectors.Conflict, scope: doc, hint: "the warehouse will ship the order: a refund must wait for the return"},

		// 24690.
		{calls: query, words: absentWords(), kind: connectors.NotFound, scope: doc, as: codeAbsent},
		{kind: connectors.Unclassified, scope: doc, sent: true},
	}
}

func (r rule) fits(call string, codes []string, text string) bool {
	if r.calls != nil && !slices.Contains(r.calls, call) {
		return false
	}
	if r.codes == nil && r.words == nil {
		return true
	}
	holds := func(w string) bool { return strings.Contains(text, w) }
	known := func(code string) bool {
		begins := func(f string) bool { return strings.HasPrefix(code, f) }
		return slices.Contains(r.codes, code) || slices.ContainsFunc(r.front, begins)
	}
	return slices.ContainsFunc(codes, known) || slices.ContainsFunc(r.words, holds)
}

// failure classifies an answer that is no success. The first code that is not empty is
// the one that is shown.
func failure(call string, codes []string, message string) *connectors.Error {
	e := &connectors.Error{Text: short(message, 300)}
	low := make([]string, 0, len(codes))
	for _, code := range codes {
		if code == "" {
			continue
		}
		if e.Code == "" {
			e.Code = short(code, 64)
		}
		low = append(low, strings.ToLower(code))
	}
	for _, r := range rules() {
		if r.fits(call, low, strings.ToLower(message)) {
			e.Kind, e.Scope, e.Wait, e.Sent, e.Hint = r.kind, r.scope, r.wait, r.sent, r.hint
			if r.as != "" {
				e.Code = r.as
			}
			break
		}
	}
	return e
}

// outcome turns the failure of a write into what it means for the delivery.
func outcome(e *connectors.Error) connectors.Outcome {
	switch {
	case e.Sent:
		return connectors.Unknown
	case e.Code == codeExists:
		return connectors.Duplicate
	}
	switch e.Kind {
	case connectors.Invalid, connectors.NotFound, connectors.Conflict:
		if e.Scope == doc {
			return connectors.Refused
		}
		return connectors.NotSent
	case connectors.Unauthorized, connectors.Forbidden, connectors.RateLimited, connectors.Quota, connectors.Unavailable:
		return connectors.NotSent
	}
	return connectors.Unknown
}

func short(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
