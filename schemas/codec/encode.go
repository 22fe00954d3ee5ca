package codec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Encode writes a tree as JSON: keys sorted, no white space, no HTML escaping,
// every json.Number letter for letter. Equal trees give equal bytes.
//
// Besides trees it takes Go integers and, on a slower path, structs, slices
// and maps with json tags. It refuses a float32 or float64 anywhere, and all
// that Decode would refuse, so Decode(Encode(x)) is x. Its error is an *Error.
func Encode(v any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer e.release()
	if err := e.value(v); err != nil {
		return nil, err
	}
	return append([]byte(nil), e.out...), nil
}

type encoder struct {
	out  []byte
	path []step
	keys []string // of the objects still open, sorted
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (e *encoder) release() {
	const keep = 256 << 10 // bytes; a huge document's memory is let go
	if cap(e.out) > keep || cap(e.keys) > keep/64 {
		return
	}
	clear(e.path[:cap(e.path)])
	clear(e.keys[:cap(e.keys)])
	e.out, e.path, e.keys = e.out[:0], e.path[:0], e.keys[:0]
	encoders.Put(e)
}

// step is one token of the pointer to the value at work; it is rendered only in errors.
type step struct {
	key   string
	index int
}

func (e *encoder) fail(code, text string) error {
	var pointer strings.Builder
	for _, s := range e.path {
		if s.index >= 0 {
			fmt.Fprintf(&pointer, "/%d", s.index)
			continue
		}
		pointer.WriteString("/" + escapePointer(s.key))
	}
	return &Error{Code: code, Pointer: pointer.String(), Text: text}
}

func (e *encoder) push(s step) error {
	if len(e.path) >= MaxDepth {
		return e.fail(CodeDepth, fmt.Sprintf("nested deeper than %d", MaxDepth))
	}
	e.path = append(e.path, s)
	return nil
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case string:
		return e.str(v)
	case json.Number:
		if err := checkNumber(string(v)); err != "" {
			return e.fail(CodeNumber, err)
		}
		e.out = append(e.out, v...)
	case map[string]any:
		return e.object(v)
	case []any:
		return e.array(v)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	default:
		tree, err := typedTree(v)
		if err != nil {
			return e.fail(err.Code, err.Text)
		}
		return e.value(tree)
	}
	return nil
}

func (e *encoder) object(m map[string]any) error {
	base := len(e.keys)
	for k := range m {
		e.keys = append(e.keys, k)
	}
	keys := e.keys[base:]
	slices.Sort(keys)
	if err := e.push(step{index: -1}); err != nil {
		return err
	}
	at := len(e.path) - 1
	e.out = append(e.out, '{')
	for i, k := range keys {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.path[at].key = k
		if err := e.str(k); err != nil {
			return err
		}
		e.out = append(e.out, ':')
		if err := e.value(m[k]); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	e.path, e.keys = e.path[:at], e.keys[:base]
	return nil
}

func (e *encoder) array(a []any) error {
	if err := e.push(step{}); err != nil {
		return err
	}
	at := len(e.path) - 1
	e.out = append(e.out, '[')
	for i, v := range a {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.path[at].index = i
		if err := e.value(v); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	e.path = e.path[:at]
	return nil
}

func (e *encoder) str(s string) error {
	const digits = "0123456789abcdef"
	e.out = append(e.out, '"')
	start, ascii := 0, true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			ascii = false
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		if c == 0 {
			return e.fail(CodeNUL, "a NUL in a string")
		}
		e.out = append(append(e.out, s[start:i]...), '\\')
		start = i + 1
		switch c {
		case '"', '\\':
			e.out = append(e.out, c)
		case '\n':
			e.out = append(e.out, 'n')
		case '\r':
			e.out = append(e.out, 'r')
		case '\t':
			e.out = append(e.out, 't')
		default:
			e.out = append(e.out, 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	if !ascii && !utf8.ValidString(s) {
		return e.fail(CodeUTF8, "a string that is not UTF-8")
	}
	e.out = append(append(e.out, s[start:]...), '"')
	return nil
}

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
