package manifest

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/minihub/minihub/schemas/codec"
)

// spans remembers where each object of a decoded answer stands in its bytes, so that a
// row found by any expression is handed on as the exact bytes it came in (Invariant 1).
// An object is known by the identity of its map.
type spans struct {
	src  []byte
	at   map[uintptr][2]int
	mask *strings.Replacer // of secrets that the answer may echo; nil: none
}

// shown is the whole answer as an error may carry it.
func (s *spans) shown() []byte {
	if s.mask == nil {
		return s.src
	}
	return []byte(s.mask.Replace(string(s.src)))
}

// raw gives the bytes of a row. A row that an expression made has none of its own: it
// is written anew.
func (s *spans) raw(row any) ([]byte, error) {
	if m, ok := row.(map[string]any); ok && s != nil {
		if at, ok := s.at[reflect.ValueOf(m).Pointer()]; ok {
			return append([]byte(nil), s.src[at[0]:at[1]]...), nil
		}
	}
	return codec.Encode(row)
}

func (s *spans) note(m map[string]any, from, to int) {
	s.at[reflect.ValueOf(m).Pointer()] = [2]int{from, to}
}

// jsonSpans finds the objects of a document that codec.Decode has accepted.
func jsonSpans(src []byte, tree any) *spans {
	s := &spans{src: src, at: map[uintptr][2]int{}}
	w := walker{b: src, s: s}
	w.value(tree)
	return s
}

// walker walks valid JSON and its tree side by side. A key that comes twice has its last
// value in the tree; the first one then meets a value of another form, or is overwritten.
type walker struct {
	b []byte
	i int
	s *spans
}

func (w *walker) space() {
	for w.i < len(w.b) && (w.b[w.i] == ' ' || w.b[w.i] == '\n' || w.b[w.i] == '\t' || w.b[w.i] == '\r') {
		w.i++
	}
}

func (w *walker) value(v any) {
	w.space()
	if w.i >= len(w.b) {
		return
	}
	switch w.b[w.i] {
	case '{':
		w.object(v)
	case '[':
		w.array(v)
	case '"':
		w.text()
	default:
		for w.i < len(w.b) && w.b[w.i] != ',' && w.b[w.i] != '}' && w.b[w.i] != ']' {
			w.i++
		}
	}
}

func (w *walker) text() string {
	from := w.i
	escaped := false
	for w.i++; w.i < len(w.b) && w.b[w.i] != '"'; w.i++ {
		if w.b[w.i] == '\\' {
			escaped = true
			w.i++
		}
	}
	w.i = min(w.i+1, len(w.b))
	if !escaped {
		return string(w.b[from+1 : max(from+1, w.i-1)])
	}
	var s string
	if json.Unmarshal(w.b[from:w.i], &s) != nil {
		return ""
	}
	return s
}

func (w *walker) object(v any) {
	from := w.i
	m, _ := v.(map[string]any)
	w.i++
	for {
		w.space()
		if w.i >= len(w.b) {
			return
		}
		switch w.b[w.i] {
		case '}':
			w.i++
			if m != nil {
				w.s.note(m, from, w.i)
			}
			return
		case '"':
			key := w.text()
			w.space()
			w.i++ // the colon
			w.value(m[key])
		default: // a comma
			w.i++
		}
	}
}

func (w *walker) array(v any) {
	l, _ := v.([]any)
	w.i++
	for n := 0; ; {
		w.space()
		if w.i >= len(w.b) {
			return
		}
		switch w.b[w.i] {
		case ']':
			w.i++
			return
		case ',':
			w.i++
		default:
			var item any
			if n < len(l) {
				item = l[n]
			}
			n++
			w.value(item)
		}
	}
}
