package formula

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Template is a text with expressions in it: "Bearer {{ session.token }}". One that is
// a single expression gives that expression's value, a number or a list too.
type Template struct {
	src   string
	parts []part
}

type part struct {
	text string
	expr *Expr
}

// CompileTemplate reads a template. Its error is a *Fault.
func CompileTemplate(src string, roots []string) (*Template, error) {
	t := &Template{src: src}
	rest, at := src, 0
	for {
		open := strings.Index(rest, "{{")
		if open < 0 {
			break
		}
		closing := strings.Index(rest[open:], "}}")
		if closing < 0 {
			f := faultf("{{ is not closed").hint("write {{ expression }}")
			f.Column = at + open + 1
			return nil, f
		}
		// The braces of an object may stand before the closing ones: {{ {a: {b: 1}} }}.
		var e *Expr
		var err error
		end := open + closing
		for {
			if e, err = Compile(rest[open+2:end], roots); err == nil {
				break
			}
			next := strings.Index(rest[end+1:], "}}")
			if next < 0 || strings.Contains(rest[end+1:end+1+next], "{{") {
				break
			}
			end += 1 + next
		}
		if err != nil {
			e, err = Compile(rest[open+2:open+closing], roots)
			if err == nil {
				end = open + closing
			}
		}
		if err != nil {
			f := err.(*Fault) //nolint:errorlint // Compile returns nothing else
			f.Column += at + open + 2
			return nil, f
		}
		if open > 0 {
			t.parts = append(t.parts, part{text: rest[:open]})
		}
		t.parts = append(t.parts, part{expr: e})
		rest, at = rest[end+2:], at+end+2
	}
	if rest != "" {
		t.parts = append(t.parts, part{text: rest})
	}
	return t, nil
}

// Expr is the expression of a template that is nothing else, or nil.
func (t *Template) Expr() *Expr {
	if len(t.parts) == 1 {
		return t.parts[0].expr
	}
	return nil
}

// Fixed reports a template without expressions.
func (t *Template) Fixed() bool {
	for _, p := range t.parts {
		if p.expr != nil {
			return false
		}
	}
	return true
}

// String is the source.
func (t *Template) String() string { return t.src }

// Uses reports whether an expression of the template reads a variable.
func (t *Template) Uses(root string) bool {
	for _, p := range t.parts {
		if p.expr != nil && p.expr.Uses(root) {
			return true
		}
	}
	return false
}

// Eval evaluates; a template with text around its expressions gives a text.
func (t *Template) Eval(env Env) (any, error) {
	if e := t.Expr(); e != nil {
		return e.Eval(env)
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.expr.Eval(env)
		if err != nil {
			return nil, err
		}
		b.WriteString(Text(v))
		if b.Len() > maxText {
			return nil, faultf("the text is longer than %d bytes", maxText)
		}
	}
	return b.String(), nil
}

// Text evaluates to a text.
func (t *Template) Text(env Env) (string, error) {
	v, err := t.Eval(env)
	return Text(v), err
}

func jsonNumber(s string) json.Number { return json.Number(s) }

// Escaped evaluates to a text whose expressions' values pass through escape.
func (t *Template) Escaped(env Env, escape func(string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.expr.Eval(env)
		if err != nil {
			return "", err
		}
		s, err := escape(Text(v))
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.expr.src, err)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}
