package codec

import (
	"fmt"
	"sync"
)

// Decode reads exactly one JSON document into a tree. Its error is an *Error.
func Decode(b []byte) (any, error) { return DecodeLimit(b, 0) }

// DecodeLimit is Decode with a limit on the size of the document in bytes;
// 0 means no limit.
func DecodeLimit(b []byte, limit int) (any, error) {
	if limit > 0 && len(b) > limit {
		return nil, newError(b, CodeSize, limit, fmt.Sprintf("the document has %d bytes, the limit is %d", len(b), limit))
	}
	p := parsers.Get().(*parser)
	p.b = b
	defer p.release()
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
	// What stands in the arrays and objects still open, so that each is made
	// once in its final size.
	items []any
	pairs []pair

	keys keyStore
	seen valueStore
}

type pair struct {
	key string
	v   any
}

// parsers are used again for what they have grown to and for the keys they
// have seen; nothing else of a document stays with them.
var parsers = sync.Pool{New: func() any { return new(parser) }}

func (p *parser) release() {
	const keep = 4096 // values; a huge document's memory is let go
	if cap(p.items)+cap(p.pairs) > keep {
		return
	}
	clear(p.items[:cap(p.items)])
	clear(p.pairs[:cap(p.pairs)])
	clear(p.seen[:])
	p.b, p.i, p.depth, p.items, p.pairs = nil, 0, 0, p.items[:0], p.pairs[:0]
	parsers.Put(p)
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
		return p.text()
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
	if p.i < len(p.b) && p.b[p.i] == '}' {
		p.i, p.depth = p.i+1, p.depth-1
		return map[string]any{}, nil
	}
	base := len(p.pairs)
	for {
		if p.i >= len(p.b) || p.b[p.i] != '"' {
			return nil, p.bad("a key in double quotes")
		}
		key, err := p.key()
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
		p.pairs = append(p.pairs, pair{key, v})
		more, err := p.next('}', "a comma or a closing brace")
		if err != nil {
			return nil, err
		}
		if !more {
			m := make(map[string]any, len(p.pairs)-base)
			for i := base; i < len(p.pairs); i++ {
				m[p.pairs[i].key] = p.pairs[i].v
			}
			p.pairs = p.pairs[:base]
			return m, nil
		}
	}
}

func (p *parser) array() (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	if p.i < len(p.b) && p.b[p.i] == ']' {
		p.i, p.depth = p.i+1, p.depth-1
		return []any{}, nil
	}
	base := len(p.items)
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		p.items = append(p.items, v)
		more, err := p.next(']', "a comma or a closing bracket")
		if err != nil {
			return nil, err
		}
		if !more {
			a := make([]any, len(p.items)-base)
			copy(a, p.items[base:])
			p.items = p.items[:base]
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
	return p.seen.number(p.b[start:p.i]), nil
}
