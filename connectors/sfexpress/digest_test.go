package sfexpress

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
)

func TestDigests(t *testing.T) {
	word := connectors.NewSecret("demoCheckWord0123456789abcdefABCD")
	const stamp = "1767225600000"
	for msgData, want := range map[string]map[string]string{
		`{"language":"zh-CN","orderId":"HUB-20260101-0001"}`: {
			digestStandard: "0oDurHbqDwV1zeqT65VPiQ==", digestSimple: "QRTOHi6UUaOhydMztz9D6g==", digestSM3: "YyEx6xwUgYWCklvBogTmNDtwc7ZvqMGLg78uYFf4HXs="},
		`{"orderId":"HUB 2*~(1)!'","remark":"易碎 & 轻放+10%"}`: {
			digestStandard: "m4bJYM7AymTwS93rHFsq0w==", digestSimple: "2OqrZ1n/oaouvBk+fjSE4Q==", digestSM3: "eZMMAJ7cgJqzvF/o2h7v8JRCV4ebSIE0P10eo+SqeNs="},
	} {
		for mode, sum := range want {
			if got := digest(mode, msgData, stamp, word); got != sum {
				t.Errorf("%s of %s: %s, want %s", mode, msgData, got, sum)
			}
		}
	}
}

// The examples of GB/T 32905-2016, appendix A.
func TestSM3(t *testing.T) {
	for message, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		sum := sm3([]byte(message))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: %s, want %s", message, got, want)
		}
	}
}
