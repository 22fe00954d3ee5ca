package filedrop

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// charset is how the bytes of a file stand for characters.
type charset string

// The charsets. GBK is the one of Chinese Windows; GB18030 holds all of Unicode.
const (
	utf8Charset charset = "utf-8"
	gbk         charset = "gbk"
	gb18030     charset = "gb18030"
)

func (c charset) encoding() encoding.Encoding {
	switch c {
	case gbk:
		return simplifiedchinese.GBK
	case gb18030:
		return simplifiedchinese.GB18030
	default:
		return unicode.UTF8
	}
}

// bom is the byte order mark a file of the charset may begin with.
func (c charset) bom() []byte {
	if c == gb18030 {
		return []byte{0x84, 0x31, 0x95, 0x33}
	}
	return []byte{0xEF, 0xBB, 0xBF}
}

// preamble returns how many bytes stand before the text.
func (c charset) preamble(head []byte) (int, *fatal) {
	switch {
	case bytes.HasPrefix(head, c.bom()):
		return len(c.bom()), nil
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		return 0, &fatal{line: 1, text: fmt.Sprintf("the file begins with the mark of UTF-8, and the description says %s", c)}
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return 0, &fatal{line: 1, text: "the file is UTF-16; save it as UTF-8 or GBK"}
	}
	return 0, nil
}

// width is the length of the character at the front of b; 0 means that b is too short to
// tell. The second byte of a GBK character can look like '|' or a backslash, and the
// second of a GB18030 one like a digit.
func (c charset) width(b []byte) int {
	if c == utf8Charset || b[0] < 0x81 || b[0] == 0xFF {
		return 1
	}
	if len(b) < 2 {
		return 0
	}
	switch {
	case b[1] >= 0x40 && b[1] != 0x7F && b[1] != 0xFF:
		return 2
	case c == gb18030 && b[1] >= '0' && b[1] <= '9':
		if len(b) < 4 {
			return 0
		}
		if b[2] >= 0x81 && b[2] != 0xFF && b[3] >= '0' && b[3] <= '9' {
			return 4
		}
	}
	return 1
}

// decode turns bytes into text, or says what about them is not of the charset.
func (c charset) decode(b []byte) (text, bad string) {
	if bytes.IndexByte(b, 0) >= 0 {
		return strings.ToValidUTF8(string(b), "\uFFFD"), "it holds a NUL byte"
	}
	if c == utf8Charset {
		if utf8.Valid(b) {
			return string(b), ""
		}
		return strings.ToValidUTF8(string(b), "\uFFFD"), "it is not UTF-8; is the file GBK?"
	}
	out, err := c.encoding().NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return string(out), fmt.Sprintf("it is not %s", strings.ToUpper(string(c)))
	}
	return string(out), ""
}

// encode turns text into bytes; bad names the first character that the charset lacks.
func (c charset) encode(s string) (b []byte, bad string) {
	if c == utf8Charset {
		return []byte(s), ""
	}
	enc := c.encoding().NewEncoder()
	out, err := enc.Bytes([]byte(s))
	if err == nil {
		return out, ""
	}
	for _, r := range s {
		if _, err := c.encoding().NewEncoder().String(string(r)); err != nil {
			return nil, fmt.Sprintf("%s has no character U+%04X", strings.ToUpper(string(c)), r)
		}
	}
	return nil, fmt.Sprintf("it cannot be written as %s", strings.ToUpper(string(c)))
}
