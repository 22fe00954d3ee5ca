package sfexpress

import (
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// The codes that a caller looks at.
const (
	codeDuplicate = "8016"
	codeCancelled = "8037"
)

const (
	doc = connectors.OfDocument
	all = connectors.OfConnection
	api = connectors.OfOperation
)

// rule is what one code means.
type rule struct {
	kind  connectors.Kind
	scope connectors.Scope
	wait  time.Duration
	sent  bool // for a write: it may have taken effect
	hint  string
}

// gateway are the codes of "API overview", section "平台结果代码".
func gateway() map[string]rule {
	return map[string]rule{
		"A1001": {kind: connectors.Invalid, scope: api, hint: "a common parameter is empty: check partner_id"},
		"A1002": {kind: connectors.Unauthorized, scope: all, hint: "the request expired: check the hub's clock"},
		"A1003": {kind: connectors.Forbidden, scope: all, hint: "let the hub's address in, in the vendor's console"},
		"A1004": {kind: connectors.Forbidden, scope: api, hint: "link the service to the application in the vendor's console; sandbox and production are linked apart"},
		"A1005": {kind: connectors.RateLimited, scope: api, wait: time.Second},
		"A1006": {kind: connectors.Unauthorized, scope: all, hint: "compare check_word and digest with the vendor's console: sandbox and production differ"},
		"A1007": {kind: connectors.Conflict, scope: doc, sent: true, hint: "the request was a repeat"},
		"A1008": {kind: connectors.Unauthorized, scope: all, hint: "the data could not be decrypted: check the application's settings"},
		"A1009": {kind: connectors.Unavailable, scope: api, sent: true},
		"A1010": {kind: connectors.Forbidden, scope: all, hint: "the application is in the state of sandbox tests"},
		"A1099": {kind: connectors.Unavailable, scope: api, sent: true},
	}
}

// business are the codes of "API overview", section "业务异常代码", and of the services'
// own pages.
func business(service, code string) (rule, bool) {
	has := func(codes ...string) bool { return slices.Contains(codes, code) }
	switch {
	case has("S0003"):
		return rule{kind: connectors.Unavailable, scope: api, sent: true}, true
	case has("S0001", "S0002", "S0004", "S0005", "S0006", "S0007"):
		return rule{kind: connectors.Invalid, scope: doc, hint: "a field of the document is missing, too long or of the wrong kind"}, true
	case has("1010", "1011", "1012"):
		return rule{kind: connectors.Invalid, scope: doc, hint: "the sender's address, name or phone is missing"}, true
	case has("1014", "1015", "1016", "8196"):
		return rule{kind: connectors.Invalid, scope: doc, hint: "the receiver's address, name or phone is missing or wrong"}, true
	case has("1020", "6200", "6201", "1023", "1028", "6202", "6203", "6204", "6205", "6206", "6207", "1038", "8194", "6130", "6138", "6139"):
		return rule{kind: connectors.Invalid, scope: doc, hint: "goods, declared value, volume or cash on delivery are missing or wrong"}, true
	case has("6127", "6128", "8051", "8052", "8053", "8096", "20011", "20012"):
		return rule{kind: connectors.Invalid, scope: doc, hint: "a value-added service or a time does not fit the order"}, true
	case has("8057", "8027", "8256", "20036"):
		return rule{kind: connectors.Invalid, scope: doc, hint: "the product (expressTypeId), template or pay method is not set up for this account or lane"}, true
	case has("8067", "8117", "8003", "8013", "8191", "8247", "20035"):
		return rule{kind: connectors.Invalid, scope: doc}, true
	case has("6126", "8114", "8119", "8179", "8151", "8152"):
		return rule{kind: connectors.Forbidden, scope: api, hint: "the monthly card is wrong, or not agreed for this application or product"}, true
	case has("8177"):
		return rule{kind: connectors.RateLimited, scope: api, wait: 10 * time.Minute, hint: "the carrier is at its capacity: it may take another product (expressTypeId)"}, true
	case has("6150", "8018", "8024"):
		return rule{kind: connectors.NotFound, scope: doc, hint: "the carrier has no such order"}, true
	case has(codeDuplicate):
		return rule{kind: connectors.Conflict, scope: doc, hint: "the order id is taken"}, true
	case has(codeCancelled):
		return rule{kind: connectors.Conflict, scope: doc, hint: "the order is cancelled; its id can never be used again"}, true
	case has("8017"):
		return rule{kind: connectors.Conflict, scope: doc, hint: "order id and waybill do not belong together"}, true
	case has("8168", "8252") && service == svcUpdate:
		return rule{kind: connectors.Conflict, scope: doc, hint: "the parcel is on its way: have it intercepted instead"}, true
	case has("20028"):
		return rule{kind: connectors.Forbidden, scope: doc, hint: "the waybill is on another monthly card: set check_phone"}, true
	}
	return rule{}, false
}

// vendorError classifies a code that is no success.
func vendorError(service, code, text string, now time.Time) *connectors.Error {
	e := &connectors.Error{Code: short(code, 64), Text: short(text, 300)}
	r, ok := gateway()[code]
	if !ok {
		r, ok = business(service, code)
	}
	if !ok {
		r = rule{kind: connectors.Unclassified, scope: doc, sent: true}
	}
	e.Kind, e.Scope, e.Wait, e.Sent, e.Hint = r.kind, r.scope, r.wait, r.sent, r.hint
	if code == "A1005" && daily(text) {
		local := now.In(china())
		midnight := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, local.Location())
		e.Kind, e.Wait, e.Hint = connectors.Quota, midnight.Sub(local), "the day's calls of this service are used up"
	}
	return e
}

// daily tells the day's cap from the second's: both are A1005.
func daily(text string) bool {
	low := strings.ToLower(text)
	return slices.ContainsFunc([]string{"每天", "每日", "当天", "当日", "一天", "per day", "daily", "/day"}, func(w string) bool { return strings.Contains(low, w) })
}

// outcome turns the failure of a write into what it means for the delivery.
func outcome(e *connectors.Error) connectors.Outcome {
	switch {
	case e.Sent:
		return connectors.Unknown
	case e.Code == codeDuplicate:
		return connectors.Duplicate
	}
	switch e.Kind {
	case connectors.Invalid, connectors.NotFound, connectors.Conflict, connectors.Forbidden:
		if e.Scope == doc {
			return connectors.Refused
		}
		return connectors.NotSent
	case connectors.Unauthorized, connectors.RateLimited, connectors.Quota, connectors.Unavailable:
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
