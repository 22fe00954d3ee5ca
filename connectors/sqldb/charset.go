package sqldb

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// charsets are what a column may really hold. utf-8 needs no table: its bytes are only
// checked.
var charsets = map[string]encoding.Encoding{
	"utf-8":   nil,
	"gbk":     simplifiedchinese.GBK,
	"gb18030": simplifiedchinese.GB18030,
	"big5":    traditionalchinese.Big5,
	"latin1":  charmap.Windows1252, // which is what MySQL calls latin1
}

func charsetNames() []string {
	return []string{"big5", "gb18030", "gbk", "latin1", "utf-8"}
}

func knownCharset(name string) bool { return slices.Contains(charsetNames(), name) }

// decodeText reads bytes of a charset; false when they are none.
func decodeText(charset string, b []byte) (string, bool) {
	enc := charsets[charset]
	if enc == nil {
		return string(b), utf8.Valid(b)
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil || !utf8.Valid(out) {
		return "", false
	}
	// The decoders put U+FFFD where they cannot read.
	if slices.Contains([]rune(string(out)), utf8.RuneError) {
		return "", false
	}
	return string(out), true
}

// encodeText writes text in a charset.
func encodeText(charset, s string) (string, error) {
	enc := charsets[charset]
	if enc == nil {
		return s, nil
	}
	out, err := enc.NewEncoder().String(s)
	if err != nil {
		return "", fmt.Errorf("the text has a character that %s does not have", charset)
	}
	return out, nil
}
