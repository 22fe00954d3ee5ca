package mapper

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// compileConverter reads a converter: a function's name, or a call whose
// arguments are constants, with the value left out: trim, decimal(2),
// date("Asia/Shanghai") or date(Asia/Shanghai).
func (s *scope) compileConverter(t text) (converter, *fault, int) {
	c := converter{at: t.spot, text: t.s}
	name, args, ft, column := splitCall(t.s)
	if ft != nil {
		return c, ft, column
	}
	fn := s.lang.functions[name]
	if fn == nil {
		return c, &fault{code: CodeFunction, text: "there is no function " + name, hint: didYouMean(name, s.lang.functionNames())}, 1
	}
	if fn.slot > len(args) {
		return c, &fault{code: CodeFunction, text: fmt.Sprintf("%s needs %s before the value", name, fn.Params[0].Name), hint: "write " + converterSignature(fn)}, 1
	}
	if ft := fn.arity(len(args) + 1); ft != nil {
		return c, &fault{code: CodeFunction, text: fmt.Sprintf("the converter %s does not take %d arguments", name, len(args)), hint: "write " + converterSignature(fn)}, 1
	}
	all := make([]any, 0, len(args)+1)
	all = append(all, args[:fn.slot]...)
	all = append(all, nil)
	all = append(all, args[fn.slot:]...)
	for i, a := range all {
		if i == fn.slot {
			continue
		}
		x := term{literal: a, isLit: true, node: &ast.NilNode{}}
		if ft := s.checkArgument(fn, i, x); ft != nil {
			return c, ft, 1
		}
	}
	c.fn, c.args = fn, all
	return c, nil, 0
}

// converterSignature writes a function without the parameter that the value
// fills.
func converterSignature(fn *Function) string {
	rest := *fn
	rest.Params = append(append([]Param(nil), fn.Params[:fn.slot]...), fn.Params[fn.slot+1:]...)
	return strings.TrimSuffix(rest.Signature(), "()")
}

// splitCall reads name(arg, arg) with quoted texts, bare texts, whole numbers
// and true, false, null. Bare decimals are kept as texts, so they stay exact.
func splitCall(s string) (name string, args []any, ft *fault, column int) {
	bad := func(at int, hint, format string, a ...any) (string, []any, *fault, int) {
		return "", nil, &fault{code: CodeExpression, text: fmt.Sprintf(format, a...), hint: hint}, 1 + utf8.RuneCountInString(s[:at])
	}
	open := strings.IndexByte(s, '(')
	if open < 0 {
		name = strings.TrimSpace(s)
		if nameLen(name) != len(name) {
			return bad(0, "for more than a chain of converters use expr", "%q is not a converter", s)
		}
		return name, nil, nil, 0
	}
	name = strings.TrimSpace(s[:open])
	if name == "" || nameLen(name) != len(name) {
		return bad(0, "for more than a chain of converters use expr", "%q is not a converter", s)
	}
	i := open + 1
	skip := func() {
		for i < len(s) && s[i] == ' ' {
			i++
		}
	}
	skip()
	if i < len(s) && s[i] == ')' && strings.TrimSpace(s[i+1:]) == "" {
		return name, nil, nil, 0
	}
	for {
		skip()
		if i >= len(s) {
			return bad(len(s), "put the whole text in quotes", "the ) is missing")
		}
		if s[i] == '"' || s[i] == '\'' {
			value, used, good := quoted(s[i:])
			if !good {
				return bad(i, "", "the text is not closed")
			}
			args, i = append(args, value), i+used
		} else {
			end := strings.IndexAny(s[i:], ",)")
			if end < 0 {
				return bad(len(s), "put the whole text in quotes", "the ) is missing")
			}
			word := strings.TrimSpace(s[i : i+end])
			if word == "" || strings.ContainsAny(word, `"'(`) {
				return bad(i, "arguments are constants; for anything else use expr", "an argument of %s cannot be read", name)
			}
			args, i = append(args, bare(word)), i+end
		}
		skip()
		if i < len(s) && s[i] == ',' {
			i++
			continue
		}
		if i < len(s) && s[i] == ')' && strings.TrimSpace(s[i+1:]) == "" {
			return name, args, nil, 0
		}
		return bad(min(i, len(s)), "", "expected , or ) at the end of %s", name)
	}
}

func quoted(s string) (value string, used int, good bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, false
}

func bare(word string) any {
	switch word {
	case "true":
		return true
	case "false":
		return false
	case "null", "nil":
		return nil
	}
	if i, err := strconv.Atoi(word); err == nil && word[0] != '+' && (word == "0" || strings.TrimLeft(word, "-0") == strings.TrimLeft(word, "-")) {
		return i
	}
	return word
}

// run applies the converter. Nothing stays nothing.
func (c *converter) run(f *frame, v any) (any, error) {
	m := f.s.m
	base := len(m.stack)
	m.stack = append(m.stack, c.args...)
	args := m.stack[base:len(m.stack):len(m.stack)]
	args[c.fn.slot] = v
	v, err := c.fn.apply(f, args)
	m.stack = m.stack[:base]
	return v, err
}
