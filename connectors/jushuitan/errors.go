package jushuitan

import (
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// The codes that the client itself acts on.
const (
	codeToken = "100"
	codeClock = "140"
)

// class is what a code means.
type class struct {
	kind  connectors.Kind
	scope connectors.Scope
	sent  bool // the call may have been executed
	hint  string
}

var (
	badSign    = class{connectors.Unauthorized, connectors.OfConnection, false, "compare app_key and app_secret with the open platform's"}
	badToken   = class{connectors.Unauthorized, connectors.OfConnection, false, "the token was renewed and is still refused: have the app authorised anew"}
	badClock   = class{connectors.Unavailable, connectors.OfConnection, false, "compare this machine's clock with the vendor's: 15 minutes are allowed"}
	badAddress = class{connectors.Forbidden, connectors.OfConnection, false, "add this machine's address to the app's allow list"}
	reauthor   = class{connectors.Unauthorized, connectors.OfConnection, false, "have the merchant authorise the app anew"}
	notGranted = class{connectors.Forbidden, connectors.OfOperation, false, "have the interface granted to the app on the open platform"}
	badData    = class{connectors.Invalid, connectors.OfDocument, false, ""}
	trouble    = class{connectors.Unavailable, connectors.OfConnection, true, ""}
	limited    = class{connectors.RateLimited, connectors.OfConnection, false, ""}
)

// classes is the open platform's current code table ("公共错误码").
var classes = map[string]class{
	"10": badSign, codeToken: badToken, "110": badAddress, "130": badData, codeClock: badClock, "150": reauthor, "190": notGranted, "199": limited, "200": limited,
	// From the older table, where these numbers are not taken by the current one.
	"120": badSign, "160": trouble, "170": badData,
}

// words take precedence over numbers: the older table, still met, numbers some of the
// same faults differently, and its 140 and 150 mean other things.
var words = []struct {
	code, word string // an empty code matches every code
	as         string // the code it is treated as; empty = its own
	class      class
}{
	{"", "access_token已过期", codeToken, badToken},
	{"140", "参数", "", badData},
	{"150", "内部", "", trouble},
	{"180", "", codeClock, badClock},
}

// classify turns an envelope that is not code 0 into an error.
func classify(code, msg string, now time.Time) *connectors.Error {
	c, known := classes[code]
	if !known {
		c = class{connectors.Unclassified, connectors.OfDocument, true, ""}
	}
	for _, w := range words {
		if (w.code == "" || w.code == code) && strings.Contains(msg, w.word) {
			c = w.class
			if w.as != "" {
				code = w.as
			}
			break
		}
	}
	e := &connectors.Error{Kind: c.kind, Scope: c.scope, Code: code, Text: msg, Sent: c.sent, Hint: c.hint}
	switch code {
	case "199":
		e.Wait = time.Second
	case "200": // counted by the minute
		e.Wait = time.Minute - time.Duration(now.Unix()%60)*time.Second
	}
	return e
}

// rowWords are parts of a failed row's msg that are not about its data.
var rowWords = []struct {
	word string
	kind connectors.Kind
	out  connectors.Outcome
}{
	{"稍后", connectors.Unavailable, connectors.NotSent},
	{"繁忙", connectors.Unavailable, connectors.NotSent},
	{"已发货", connectors.Conflict, connectors.Refused},
	{"已归档", connectors.Conflict, connectors.Refused},
}

// rowError reads a row with issuccess false: nothing was saved for it.
func rowError(msg string) (connectors.Outcome, *connectors.Error) {
	e := &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "issuccess", Text: msg}
	for _, w := range rowWords {
		if strings.Contains(msg, w.word) {
			e.Kind = w.kind
			return w.out, e
		}
	}
	return connectors.Refused, e
}

// outcomeOf is what a failed call means for a document it carried.
func outcomeOf(e *connectors.Error) connectors.Outcome {
	switch {
	case e.Sent:
		return connectors.Unknown
	case e.Scope == connectors.OfDocument && e.Kind == connectors.Invalid:
		return connectors.Refused
	}
	return connectors.NotSent
}
