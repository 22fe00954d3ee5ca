package sfexpresssim

import (
	"encoding/hex"
	"testing"
)

func TestDigestVectors(t *testing.T) {
	const stamp, word = "1767225600000", "demoCheckWord0123456789abcdefABCD"
	for _, tc := range []struct {
		data string
		want [3]string
	}{
		{`{"language":"zh-CN","orderId":"HUB-20260101-0001"}`, [3]string{"0oDurHbqDwV1zeqT65VPiQ==", "QRTOHi6UUaOhydMztz9D6g==", "YyEx6xwUgYWCklvBogTmNDtwc7ZvqMGLg78uYFf4HXs="}},
		{`{"orderId":"HUB 2*~(1)!'","remark":"易碎 & 轻放+10%"}`, [3]string{"m4bJYM7AymTwS93rHFsq0w==", "2OqrZ1n/oaouvBk+fjSE4Q==", "eZMMAJ7cgJqzvF/o2h7v8JRCV4ebSIE0P10eo+SqeNs="}},
	} {
		for mode, want := range tc.want {
			if got := digest(Mode(mode), tc.data, stamp, word); got != want {
				t.Errorf("mode %d of %s: %s, want %s", mode, tc.data, got, want)
			}
		}
	}
}

func TestJavaEncode(t *testing.T) {
	const want = "%7B%22orderId%22%3A%22HUB+2*%7E%281%29%21%27%22%2C%22remark%22%3A%22%E6%98%93%E7%A2%8E+%26+%E8%BD%BB%E6%94%BE%2B10%25%22%7D"
	if got := javaEncode(`{"orderId":"HUB 2*~(1)!'","remark":"易碎 & 轻放+10%"}`); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := javaEncode("%2A"); got != "%252A" {
		t.Errorf("a literal %%2A becomes %s", got)
	}
}

// The standard's own examples: "abc", and 64 bytes of "abcd" repeated.
func TestSM3(t *testing.T) {
	for in, want := range map[string]string{
		"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		"abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd": "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		sum := sm3([]byte(in))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
