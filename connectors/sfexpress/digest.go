package sfexpress

import (
	"crypto/md5" //nolint:gosec // the vendor's choice
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// The digests, a setting of the application in the vendor's console.
const (
	digestStandard = "md5"
	digestSimple   = "simple_md5"
	digestSM3      = "sm3"
)

// digest signs msgData ("API overview", common parameters: msgDigest).
func digest(mode, msgData, timestamp string, word connectors.Secret) string {
	text := msgData + timestamp + word.Reveal()
	if mode != digestSimple {
		text = javaEncode(text)
	}
	if mode == digestSM3 {
		sum := sm3([]byte(text))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(text)) //nolint:gosec // the vendor's choice
	return base64.StdEncoding.EncodeToString(sum[:])
}

// javaEncode is java.net.URLEncoder.encode, which the vendor signs with: unlike
// url.QueryEscape it keeps '*' and escapes '~'.
func javaEncode(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}
