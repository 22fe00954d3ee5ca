package mapper

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Env is what a flow's conditions and templates are checked against.
type Env struct {
	// Name is the entity name under which expressions know the document, such
	// as order. Its fields are also known by bare name if Doc is set.
	Name string
	// Doc is the document's shape; nil when unknown.
	Doc Shape
	// Context declares further context values, as in Options.
	Context map[string]Shape
	// Lookups are the tables lookup() reads; nil accepts any table name.
	Lookups Tables
}

func (e Env) scope() *scope {
	return &scope{lang: newLanguage(), item: e.Doc, root: e.Doc, alias: e.Name, context: e.Context, tables: e.Lookups, used: newUsage(), memo: &memoTable{}}
}

// snippet is an expression outside a mapping file, with its place.
type snippet struct {
	pos Position
	e   *expression
	env Env
}

func newSnippet(src string, pos Position, env Env, sc *scope) (snippet, error) {
	e, notices := compileExpression(src, sc)
	var problems Problems
	for _, n := range notices {
		p := &Problem{Code: n.code, File: pos.File, Line: pos.Line, Column: pos.Column, Source: src, Text: n.text, Hint: n.hint}
		if n.line == 1 && p.Column > 0 {
			p.Column += n.column - 1
		}
		problems = append(problems, p)
	}
	if len(problems) > 0 {
		return snippet{}, problems
	}
	sc.used.generate()
	return snippet{pos, e, env}, nil
}

// at opens a run for the document.
func (s *snippet) at(doc any, ctx *Context) *frame {
	return newSession(ctx, doc, s.env.Lookups, s.e.lang.zones).frame(doc, nil, 0, 1)
}

func (s *snippet) fail(err error) *RunErrors {
	out := &RunError{Code: CodeValue, File: s.pos.File, Line: s.pos.Line, Column: s.pos.Column, Source: s.e.text, Text: "the expression cannot be computed"}
	ft, isFault := err.(*fault)
	if ef, isExpr := err.(*exprFault); isExpr {
		ft, isFault = ef.fault, true
		if out.Column > 0 && ef.line == 1 {
			out.Column += ef.column - 1
		}
	}
	if isFault {
		out.Code, out.Text, out.Hint, out.missing = ft.code, ft.text, ft.hint, ft.missing
	}
	return &RunErrors{Errors: []*RunError{out}}
}

// Condition is a compiled expression that is true or false, safe for
// concurrent use.
type Condition struct{ snippet }

// CompileCondition reads a condition such as order.status in ["paid"]. pos is
// where its text starts. The error is [Problems].
func CompileCondition(src string, pos Position, env Env) (*Condition, error) {
	s, err := newSnippet(src, pos, env, env.scope())
	if err != nil {
		return nil, err
	}
	if k := s.e.kind; k != "" && k != "boolean" {
		return nil, Problems{{Code: CodeType, File: pos.File, Line: pos.Line, Column: pos.Column, Source: src,
			Text: "a condition must be true or false and this is " + article(k), Hint: "compare it, for example x != nil"}}
	}
	return &Condition{s}, nil
}

// Eval answers whether the condition holds for the document. The error is a
// *[RunErrors].
func (c *Condition) Eval(doc any, ctx Context) (bool, error) {
	f := c.at(doc, &ctx)
	defer f.close()
	holds, err := c.e.condition(f)
	if err != nil {
		return false, c.fail(err)
	}
	return holds, nil
}

// Template is a compiled text template such as '{store.code}-{order_no}',
// safe for concurrent use.
type Template struct {
	text  string
	parts []templatePart
}

type templatePart struct {
	literal string
	snippet *snippet
}

// CompileTemplate reads a text with expressions in { }; {{ and }} stand for
// the braces themselves. The error is [Problems].
func CompileTemplate(src string, pos Position, env Env) (*Template, error) {
	t := &Template{text: src}
	sc := env.scope()
	var literal strings.Builder
	var problems Problems
	fail := func(i int, text, hint string) {
		p := &Problem{Code: CodeExpression, File: pos.File, Line: pos.Line, Column: pos.Column, Source: src, Text: text, Hint: hint}
		if p.Column > 0 {
			p.Column += utf8.RuneCountInString(src[:i])
		}
		problems = append(problems, p)
	}
	if len(src) > maxExprBytes {
		fail(0, "the template is too long", "")
		return nil, problems
	}
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case (c == '{' || c == '}') && i+1 < len(src) && src[i+1] == c:
			literal.WriteByte(c)
			i += 2
		case c == '}':
			fail(i, "a } stands alone", "write }} for a brace")
			i++
		case c != '{':
			literal.WriteByte(c)
			i++
		default:
			end := closingBrace(src[i+1:])
			if end < 0 {
				fail(i, "the { is not closed", "write {{ for a brace")
				return nil, problems
			}
			at := pos
			if at.Column > 0 {
				at.Column += utf8.RuneCountInString(src[:i+1])
			}
			if literal.Len() > 0 {
				t.parts = append(t.parts, templatePart{literal: literal.String()})
				literal.Reset()
			}
			s, err := newSnippet(src[i+1:i+1+end], at, env, sc)
			if ps, failed := err.(Problems); failed {
				problems = append(problems, ps...)
			} else {
				t.parts = append(t.parts, templatePart{snippet: &s})
			}
			i += end + 2
		}
	}
	if literal.Len() > 0 {
		t.parts = append(t.parts, templatePart{literal: literal.String()})
	}
	if len(t.parts) == 0 && len(problems) == 0 {
		fail(0, "the template is empty", "for example {store.code}-{order_no}")
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return t, nil
}

// closingBrace finds the } that ends an expression, outside quoted texts.
func closingBrace(s string) int {
	var quote byte
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			return i
		}
	}
	return -1
}

// Text is the template as written.
func (t *Template) Text() string { return t.text }

// Eval fills the template. Every expression must give a text or a whole
// number; a missing, blank or unprintable value is an error, because a key
// with a hole in it would name another document. The error is a *[RunErrors].
func (t *Template) Eval(doc any, ctx Context) (string, error) {
	var b strings.Builder
	for _, part := range t.parts {
		if part.snippet == nil {
			b.WriteString(part.literal)
			continue
		}
		s := part.snippet
		f := s.at(doc, &ctx)
		v, err := s.e.eval(f)
		f.close()
		if err != nil {
			return "", s.fail(err)
		}
		text, ft := templateText(v)
		if ft != nil {
			return "", s.fail(ft)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func templateText(v any) (string, *fault) {
	if v == nil {
		return "", &fault{code: CodeEmptyKey, text: "the value is missing", hint: "coalesce(x, ...) gives another"}
	}
	text, isScalar := textOf(v)
	if strings.ContainsAny(text, ".eE") && isNumber(v) {
		return "", wrong("text(x) writes it on purpose", "a decimal cannot stand in a template")
	}
	if _, isBool := v.(bool); isBool || !isScalar {
		return "", wrong("", "a template takes texts and whole numbers and found %s", kindOf(v))
	}
	if strings.TrimSpace(text) == "" {
		return "", &fault{code: CodeEmptyKey, text: "the value is empty", hint: "coalesce(x, ...) gives another"}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) {
		return "", wrong("clean(x) removes them", "the value holds control characters")
	}
	return text, nil
}

func isNumber(v any) bool {
	_, is := v.(json.Number)
	return is
}
