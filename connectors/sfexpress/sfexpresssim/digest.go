package sfexpresssim

import (
	"crypto/md5"
	"encoding/base64"
	"net/url"
	"strings"
)

// Mode is how an application's calls are signed, a setting of the vendor's console.
type Mode int

// The three modes.
const (
	StandardMD5 Mode = iota // base64(md5(javaURLEncode(msgData + timestamp + checkWord)))
	SimpleMD5               // base64(md5(msgData + timestamp + checkWord))
	SM3                     // base64(sm3(javaURLEncode(msgData + timestamp + checkWord)))
)

// digest signs one call.
func digest(mode Mode, msgData, timestamp, checkWord string) string {
	text := msgData + timestamp + checkWord
	switch mode {
	case SimpleMD5:
		sum := md5.Sum([]byte(text))
		return base64.StdEncoding.EncodeToString(sum[:])
	case SM3:
		sum := sm3([]byte(javaEncode(text)))
		return base64.StdEncoding.EncodeToString(sum[:])
	default:
		sum := md5.Sum([]byte(javaEncode(text)))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
}

// javaEncode is java.net.URLEncoder.encode(s, "UTF-8"), which leaves "*" and encodes "~".
func javaEncode(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}
