package qimensim

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// sign is the vendor's signature over plain values: upper case hex of MD5 with
// the secret at both ends, or of HMAC-MD5 without.
func sign(method, secret string, params map[string]string, body []byte) string {
	names := make([]string, 0, len(params))
	for name, v := range params {
		if name != "sign" && v != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		text.WriteString(name + params[name])
	}
	text.Write(body)
	if method == "hmac" {
		h := hmac.New(md5.New, []byte(secret))
		h.Write([]byte(text.String()))
		return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
	}
	sum := md5.Sum([]byte(secret + text.String() + secret))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func knownParams() []string {
	return []string{
		"method", "timestamp", "format", "app_key", "v", "sign", "sign_method", "customerId",
		"session", "partner_id", "target_app_key",
	}
}

// readParams reads the query; each name once, and known.
func readParams(raw string) (map[string]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("参数编码错误: %w", err)
	}
	params := make(map[string]string, len(values))
	for name, v := range values {
		if !slices.Contains(knownParams(), name) {
			return nil, fmt.Errorf("未知参数 %s", name)
		}
		if len(v) != 1 {
			return nil, fmt.Errorf("参数 %s 重复", name)
		}
		params[name] = v[0]
	}
	return params, nil
}

// methodOf takes the optional prefix off.
func methodOf(name string) string { return strings.TrimPrefix(name, "taobao.qimen.") }
