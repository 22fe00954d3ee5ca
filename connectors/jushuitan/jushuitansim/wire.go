package jushuitansim

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The vendor's words for its own codes (open platform, error code table).
const (
	msgSign   = "验证失败！无效签名"
	msgToken  = "验证失败！无效的access_token或access_token已过期"
	msgClock  = "验证失败！无效的timestamp，请求最大时间误差15分钟"
	msgISV    = "服务商应用禁止刷新access_token,需商户重新授权"
	msgRight  = "验证失败！无API权限，请申请API权限"
	msgSecond = "调用频次超过限制!请稍后再试"
	msgMinute = "调用频次超过限制"
)

// refusal is an answer other than code 0.
type refusal struct {
	code    int
	msg     string
	status  int // HTTP status when it is not 200
	limited bool
}

func refuse(code int, format string, args ...any) *refusal {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return &refusal{code: code, msg: format, limited: code == 199 || code == 200}
}

// faultRefusal is the answer of an injected error_body fault.
func faultRefusal(code string) *refusal {
	words := map[string]string{"10": msgSign, "100": msgToken, "110": "验证失败！已设置IP白名单，该IP不在白名单列表",
		"140": msgClock, "150": msgISV, "190": msgRight, "199": msgSecond, "200": msgMinute}
	n, err := strconv.Atoi(code)
	if err != nil {
		return refuse(-1, "系统异常，请稍后再试")
	}
	if words[code] == "" {
		return refuse(n, "系统异常，请稍后再试")
	}
	return refuse(n, words[code])
}

func writeRefusal(w http.ResponseWriter, r *refusal) {
	if r.status != 0 {
		http.Error(w, r.msg, r.status)
		return
	}
	writeJSON(w, map[string]any{"code": r.code, "msg": r.msg, "data": nil})
}

func writeJSON(w http.ResponseWriter, v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(buf.Bytes())
}

// parseForm reads a form body. A key given twice, or any other content type, is refused.
func parseForm(r *http.Request) (map[string]string, *refusal) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" ||
		params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, &refusal{code: -1, status: http.StatusUnsupportedMediaType, msg: "Content-Type must be application/x-www-form-urlencoded;charset=UTF-8"}
	}
	if r.URL.RawQuery != "" {
		return nil, refuse(130, "传输数据错误:参数须放在表单中")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, refuse(130, "传输数据错误:读取失败")
	}
	return decodeForm(string(body))
}

func decodeForm(body string) (map[string]string, *refusal) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, refuse(130, "传输数据错误:表单编码有误")
	}
	form := make(map[string]string, len(values))
	for k, v := range values {
		if len(v) != 1 {
			return nil, refuse(130, "传输数据错误:参数重复")
		}
		form[k] = v[0]
	}
	return form, nil
}

// sign is the open platform's signature: lower hex MD5 of the secret followed by
// every field but sign, in byte order of the keys, empty values left out.
func sign(secret string, form map[string]string) string {
	keys := make([]string, 0, len(form))
	for k, v := range form {
		if k != "sign" && v != "" {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	h := md5.New()
	_, _ = io.WriteString(h, secret)
	for _, k := range keys {
		_, _ = io.WriteString(h, k+form[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkForm verifies fields, clock, app and signature, in this order.
func (s *Sim) checkForm(form map[string]string, required ...string) *refusal {
	required = append(required, "app_key", "timestamp", "charset", "sign")
	for _, k := range required {
		if form[k] == "" {
			return refuse(130, "传输数据错误:缺少参数%s", k)
		}
	}
	for k := range form {
		if !slices.Contains(required, k) {
			return refuse(130, "传输数据错误:未知参数")
		}
	}
	sec, err := strconv.ParseInt(form["timestamp"], 10, 64)
	if err != nil || len(form["timestamp"]) != 10 {
		return refuse(140, msgClock)
	}
	if off := s.now().Sub(time.Unix(sec, 0)); off > 15*time.Minute || off < -15*time.Minute {
		return refuse(140, msgClock)
	}
	if form["charset"] != "utf-8" {
		return refuse(130, "传输数据错误:charset须为utf-8")
	}
	if form["app_key"] != s.opts.AppKey || form["sign"] != sign(s.opts.AppSecret, form) {
		return refuse(10, msgSign)
	}
	return nil
}
