package codec

import (
	"encoding/json"
	"fmt"
)

// Decode reads exactly one JSON document into a tree. Its error is an *Error.
func Decode(b []byte) (any, error) { return DecodeLimit(b, 0) }

// DecodeLimit is Decode with a limit on the size of the document in bytes;
// 0 means no limit.
func DecodeLimit(b []byte, limit int) (any, error) {
	if limit > 0 && len(b) > limit {
		return nil, newError(b, CodeSize, limit, fmt.Sprintf("the document has %d bytes, the limit is %d", len(b), limit))
	}
	p := parser{b: b}
	p.space()
	if p.i == len(b) {
		return nil, p.fail(CodeEmpty, "there is no document")
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(b) {
		if b[p.i] == 0 {
			return nil, p.fail(CodeNUL, "a NUL byte follows the document")
		}
		return nil, p.fail(CodeTrailing, "something follows the document; exactly one JSON document is allowed")
	}
	return v, nil
}

// parser reads one document in one pass; the guards ride on the bytes it looks
// at anyway.
type parser struct {
	b     []byte
	i     int
	depth int
	// seen remembers short strings: keys and codes repeat in every line of an order.
	seen [64]string
}

func (p *parser) fail(code, text string) error { return newError(p.b, code, p.i, text) }

// bad names what is wrong at the current byte: the end, a NUL, or something else.
func (p *parser) bad(want string) error {
	switch {
	case p.i >= len(p.b):
		return p.fail(CodeTruncated, "the document ends where "+want+" is expected")
	case p.b[p.i] == 0:
		return p.fail(CodeNUL, "a NUL byte where "+want+" is expected")
	case p.i == 0 && p.b[0] == '<':
		return p.fail(CodeSyntax, "this is an HTML or XML page, not JSON")
	case p.i == 0 && p.b[0] == 0xEF:
		return p.fail(CodeSyntax, "this starts with a byte order mark or is not JSON; JSON starts with its first value")
	default:
		return p.fail(CodeSyntax, want+" is expected here")
	}
}

func (p *parser) space() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\n', '\t', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) value() (any, error) {
	if p.i >= len(p.b) {
		return nil, p.bad("a value")
	}
	switch c := p.b[p.i]; c {
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"':
		return p.str()
	case 't':
		return true, p.literal("true")
	case 'f':
		return false, p.literal("false")
	case 'n':
		return nil, p.literal("null")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number()
		}
		return nil, p.bad("a value")
	}
}

func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return p.fail(CodeDepth, fmt.Sprintf("nested deeper than %d", MaxDepth))
	}
	p.i++
	p.space()
	return nil
}

func (p *parser) object() (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	m := make(map[string]any)
	if p.i < len(p.b) && p.b[p.i] == '}' {
		p.i, p.depth = p.i+1, p.depth-1
		return m, nil
	}
	for {
		if p.i >= len(p.b) || p.b[p.i] != '"' {
			return nil, p.bad("a key in double quotes")
		}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.i >= len(p.b) || p.b[p.i] != ':' {
			return nil, p.bad("a colon")
		}
		p.i++
		p.space()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		m[key] = v
		more, err := p.next('}', "a comma or a closing brace")
		if err != nil {
			return nil, err
		}
		if !more {
			return m, nil
		}
	}
}

func (p *parser) array() (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	a := []any{}
	if p.i < len(p.b) && p.b[p.i] == ']' {
		p.i, p.depth = p.i+1, p.depth-1
		return a, nil
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		a = append(a, v)
		more, err := p.next(']', "a comma or a closing bracket")
		if err != nil {
			return nil, err
		}
		if !more {
			return a, nil
		}
	}
}

// next steps over the comma, or over the end of the array or object.
func (p *parser) next(end byte, want string) (more bool, err error) {
	p.space()
	if p.i < len(p.b) {
		switch p.b[p.i] {
		case ',':
			p.i++
			p.space()
			return true, nil
		case end:
			p.i++
			p.depth--
			return false, nil
		}
	}
	return false, p.bad(want)
}

func (p *parser) literal(word string) error {
	for k := 0; k < len(word); k++ {
		if p.i >= len(p.b) || p.b[p.i] != word[k] {
			return p.bad("the rest of true, false or null")
		}
		p.i++
	}
	return p.boundary()
}

// boundary refuses a letter or digit glued to a literal or number: 01, nullx.
func (p *parser) boundary() error {
	if p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '+', c == '-':
			return p.bad("a comma or an end")
		}
	}
	return nil
}

func (p *parser) number() (any, error) {
	start := p.i
	n, fault := scanNumber(p.b[start:])
	p.i += n
	if fault == numberShort {
		return nil, p.bad("a digit")
	}
	if err := p.boundary(); err != nil {
		return nil, err
	}
	if fault == numberHuge {
		p.i = start
		return nil, p.fail(CodeNumber, hugeNumber)
	}
	return json.Number(p.keep(p.b[start:p.i])), nil
}

// keep copies the bytes into a string, or finds the copy made a moment ago.
// The copy never shares memory with the document, so that one id kept for long
// does not keep a whole page of orders alive.
func (p *parser) keep(b []byte) string {
	n := len(b)
	if n == 0 {
		return ""
	}
	if n > 24 {
		return string(b)
	}
	slot := &p.seen[(uint(b[0])+uint(b[n-1])<<2+uint(b[n/2])<<1+uint(n)<<3)%uint(len(p.seen))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
