package codec

import (
	"unicode/utf16"
	"unicode/utf8"
)

// key reads the key of an object.
func (p *parser) key() (string, error) {
	s, done, err := p.str()
	if done == "" && err == nil {
		done = p.keys.keep(s)
	}
	return done, err
}

// text reads a string that is a value.
func (p *parser) text() (any, error) {
	s, done, err := p.str()
	if err != nil {
		return nil, err
	}
	if done != "" {
		return done, nil
	}
	return p.seen.keep(s), nil
}

// str reads a string; the current byte is its opening quote. It answers the
// bytes of the document, or for one with escapes the text that they give.
func (p *parser) str() (plain []byte, done string, err error) {
	p.i++
	start, ascii := p.i, true
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			s := p.b[start:p.i]
			if !ascii && !utf8.Valid(s) {
				return nil, "", p.badUTF8(start)
			}
			p.i++
			return s, "", nil
		case c == '\\':
			done, err = p.escaped(start)
			return nil, done, err
		case c < 0x20:
			return nil, "", p.control(c)
		case c >= utf8.RuneSelf:
			ascii = false
		}
		p.i++
	}
	return nil, "", p.fail(CodeTruncated, "the document ends inside a string")
}

func (p *parser) control(c byte) error {
	if c == 0 {
		return p.fail(CodeNUL, "a NUL byte inside a string")
	}
	return p.fail(CodeSyntax, "a control character inside a string; it must be written as an escape")
}

// badUTF8 points at the first broken byte of the string that starts at start.
func (p *parser) badUTF8(start int) error {
	for p.i = start; p.i < len(p.b); {
		r, n := utf8.DecodeRune(p.b[p.i:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		p.i += n
	}
	return p.fail(CodeUTF8, "a byte that is not UTF-8; is this GBK, or cut in the middle of a character?")
}

// escaped reads on from the first backslash of the string that starts at start.
func (p *parser) escaped(start int) (string, error) {
	out := make([]byte, p.i-start, p.i-start+64)
	copy(out, p.b[start:p.i])
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			if !utf8.Valid(p.b[start:p.i]) {
				return "", p.badUTF8(start)
			}
			p.i++
			return string(out), nil
		case c < 0x20:
			return "", p.control(c)
		case c != '\\':
			out = append(out, c)
			p.i++
		default:
			var err error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
		}
	}
	return "", p.fail(CodeTruncated, "the document ends inside a string")
}

func (p *parser) escape(out []byte) ([]byte, error) {
	if p.i+1 >= len(p.b) {
		return nil, p.fail(CodeTruncated, "the document ends inside an escape")
	}
	var c byte
	switch p.b[p.i+1] {
	case '"', '\\', '/':
		c = p.b[p.i+1]
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicode(out)
	default:
		return nil, p.fail(CodeSyntax, "an escape that JSON does not know")
	}
	p.i += 2
	return append(out, c), nil
}

func (p *parser) unicode(out []byte) ([]byte, error) {
	r, err := p.hex(p.i)
	if err != nil {
		return nil, err
	}
	if r == 0 {
		return nil, p.fail(CodeNUL, `the escape \u0000 inside a string`)
	}
	if !utf16.IsSurrogate(r) {
		p.i += 6
		return utf8.AppendRune(out, r), nil
	}
	if next := p.i + 6; next+1 < len(p.b) && p.b[next] == '\\' && p.b[next+1] == 'u' {
		low, err := p.hex(next)
		if err != nil {
			return nil, err
		}
		if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
			p.i += 12
			return utf8.AppendRune(out, full), nil
		}
	} else if next+1 >= len(p.b) && (next >= len(p.b) || p.b[next] == '\\') {
		return nil, p.fail(CodeTruncated, "the document ends inside an escape")
	}
	// Replacing it would change the text without a word.
	return nil, p.fail(CodeUTF8, "half of a surrogate pair; the text was cut in the middle of a character")
}

// hex reads the four digits of the \u escape that starts at byte at.
func (p *parser) hex(at int) (rune, error) {
	var r rune
	for k := at + 2; k < at+6; k++ {
		if k >= len(p.b) {
			return 0, p.fail(CodeTruncated, "the document ends inside an escape")
		}
		c := p.b[k]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, p.fail(CodeSyntax, `\u must be followed by four hexadecimal digits`)
		}
		r = r<<4 | rune(c)
	}
	return r, nil
}
