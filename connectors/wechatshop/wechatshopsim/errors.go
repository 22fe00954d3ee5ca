package wechatshopsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// fail is a refusal in the platform's words.
type fail struct {
	code int
	text string // detail, nothing personal
}

// The platform's codes ("全局返回码" and the pages of the calls).
const (
	codeBusy         = -1
	codeBadToken     = 40001
	codeGrantType    = 40002
	codeOpenID       = 40003
	codeAppID        = 40013
	codeURL          = 40066
	codeArgument     = 40097
	codeSecret       = 40125
	codeIP           = 40164
	codeNoToken      = 41001
	codeNoAppID      = 41002
	codeNoSecret     = 41004
	codeTokenExpired = 42001
	codeNeedGet      = 43001
	codeNeedPost     = 43002
	codeEmptyBody    = 44002
	codeDayLimit     = 45009
	codeMinuteLimit  = 45011
	codeNotJSON      = 47001
	codeTooMany      = 31042
	codeNextKey      = 606006
	codeNoOrder      = 100002
	codeOrderState   = 100010
	codeAfterSale    = 100011
	codeUnderAfter   = 108009
	codeShipFailed   = 109000
	codeShipped      = 109001
	codeNoProduct    = 9401002
	codeNoSKU        = 9401006
	codeProductArg   = 9401020
	codeBadChars     = 6060456
)

var errText = map[int]string{
	codeBusy:         "system error",
	codeBadToken:     "invalid credential, access_token is invalid or not latest",
	codeGrantType:    "invalid grant_type",
	codeOpenID:       "invalid openid",
	codeAppID:        "invalid appid",
	codeURL:          "invalid url",
	codeArgument:     "invalid args",
	codeSecret:       "invalid appsecret",
	codeIP:           "invalid ip, not in whitelist",
	codeNoToken:      "access_token missing",
	codeNoAppID:      "appid missing",
	codeNoSecret:     "appsecret missing",
	codeTokenExpired: "access_token expired",
	codeNeedGet:      "require GET method",
	codeNeedPost:     "require POST method",
	codeEmptyBody:    "empty post data",
	codeDayLimit:     "reach max api daily quota limit",
	codeMinuteLimit:  "api minute-quota reach limit",
	codeNotJSON:      "data format error",
	codeTooMany:      "too many orders in the time range",
	codeNextKey:      "next_key does not match the request",
	codeNoOrder:      "order not exist",
	codeOrderState:   "order status does not allow this operation",
	codeAfterSale:    "aftersale order not exist or status does not allow this operation",
	codeUnderAfter:   "order is under aftersale",
	codeShipFailed:   "delivery failed",
	codeShipped:      "order already delivered",
	codeNoProduct:    "product not exist",
	codeNoSKU:        "sku not exist",
	codeProductArg:   "invalid args",
	codeBadChars:     "illegal characters",
}

func refuse(code int, format string, args ...any) *fail {
	return &fail{code: code, text: fmt.Sprintf(format, args...)}
}

// refuseText is a fault's code, -1 when it names none.
func refuseText(code string) *fail {
	n, err := strconv.Atoi(code)
	if err != nil {
		n = codeBusy
	}
	return refuse(n, "")
}

// writeFail answers HTTP 200 with errcode, errmsg and a rid, as the platform does.
func (s *Sim) writeFail(w http.ResponseWriter, f *fail) {
	s.mu.Lock()
	rid := s.rid()
	s.mu.Unlock()
	text := errText[f.code]
	if text == "" {
		text = "error"
	}
	if f.text != "" {
		text += ": " + f.text
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(struct {
		Code int    `json:"errcode"`
		Text string `json:"errmsg"`
	}{f.code, text + " rid: " + rid})
}
