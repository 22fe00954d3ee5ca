package mapper

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// step is one hop of a path: a field name or a list index.
type step struct {
	name    string
	index   int // counts from 0; negative counts from the end
	isIndex bool
}

// origin is where a path starts.
type origin int

const (
	fromItem origin = iota // the current item
	fromRoot               // $: the document
	fromUp                 // ^: an enclosing item
	fromContext
)

// path is a compiled path such as lines[0].sku_code, $.order_no or
// @store.code.
type path struct {
	text  string
	from  origin
	up    int    // how many ^
	name  string // the context value's name
	steps []step
}

// pathError says why a path cannot be read; at counts runes from 0.
type pathError struct {
	at   int
	text string
}

func (e *pathError) Error() string { return e.text }

// parsePath reads a path:
//
//	name.name[0]["odd name"]   from the current item
//	.                          the current item itself
//	$  $.name                  the document
//	^.name  ^^.name            the enclosing item, the one around that
//	@name  @name.name          a context value
func parsePath(s string) (*path, error) {
	p := &path{text: s}
	rest := s
	fail := func(format string, args ...any) error {
		return &pathError{utf8.RuneCountInString(s[:len(s)-len(rest)]), fmt.Sprintf(format, args...)}
	}
	if s == "" {
		return nil, fail("an empty path")
	}
	if s == "." {
		return p, nil
	}
	first := true // a name may come without a point before it
	switch {
	case rest[0] == '$':
		p.from, rest, first = fromRoot, rest[1:], false
	case rest[0] == '^':
		trimmed := strings.TrimLeft(rest, "^")
		p.from, p.up, rest, first = fromUp, len(rest)-len(trimmed), trimmed, false
	case rest[0] == '@':
		name := nameLen(rest[1:])
		if name == 0 {
			return nil, fail("@ needs the name of a context value")
		}
		p.from, p.name, rest, first = fromContext, rest[1:1+name], rest[1+name:], false
	}
	for rest != "" {
		if len(p.steps) == maxPathSteps {
			return nil, fail("a path has at most %d steps", maxPathSteps)
		}
		switch {
		case rest[0] == '[':
			st, used, err := parseBracket(rest)
			if err != "" {
				return nil, fail("%s", err)
			}
			p.steps, rest = append(p.steps, st), rest[used:]
		case rest[0] == '.' && !first:
			rest = rest[1:]
			fallthrough
		case first:
			n := nameLen(rest)
			if n == 0 {
				if rest == "" {
					return nil, fail("the path ends with a point")
				}
				r, _ := utf8.DecodeRuneInString(rest)
				return nil, fail("unexpected %q in a path", r)
			}
			p.steps, rest = append(p.steps, step{name: rest[:n]}), rest[n:]
		default:
			r, _ := utf8.DecodeRuneInString(rest)
			return nil, fail("unexpected %q in a path", r)
		}
		first = false
	}
	return p, nil
}

func parseBracket(s string) (st step, used int, problem string) {
	end := strings.IndexByte(s, ']')
	if len(s) > 1 && s[1] == '"' {
		closing := strings.Index(s[2:], `"]`)
		if closing < 1 {
			return st, 0, `a quoted name must be closed with "]`
		}
		return step{name: s[2 : 2+closing]}, closing + 4, ""
	}
	if end < 0 {
		return st, 0, "[ is not closed"
	}
	i, err := strconv.Atoi(s[1:end])
	if err != nil || i > 1<<20 || i < -(1<<20) {
		return st, 0, `[ ] takes a list index or a "quoted name"`
	}
	return step{index: i, isIndex: true}, end + 1, ""
}

// nameLen is the length in bytes of the field name that s starts with.
func nameLen(s string) int {
	for i, r := range s {
		if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return len(s)
}

// follow walks the steps from v. What is not there is nil; stepping into a
// value that is not an object or a list is a fault.
func follow(v any, steps []step) (any, error) {
	for i := range steps {
		if v == nil {
			return nil, nil
		}
		st := &steps[i]
		if st.isIndex {
			list, ok := v.([]any)
			if !ok {
				return nil, wrong("", "[%d] needs a list and found %s", st.index, kindOf(v))
			}
			v = itemAt(list, st.index)
			continue
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil, wrong("", "%s is looked for in an object and found %s", st.name, kindOf(v))
		}
		v = m[st.name]
	}
	return v, nil
}

func itemAt(list []any, i int) any {
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// stepsText writes steps as a path.
func stepsText(steps []step) string {
	var b strings.Builder
	for _, st := range steps {
		switch {
		case st.isIndex:
			fmt.Fprintf(&b, "[%d]", st.index)
		case nameLen(st.name) != len(st.name):
			fmt.Fprintf(&b, "[%q]", st.name)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(st.name)
		}
	}
	return b.String()
}
