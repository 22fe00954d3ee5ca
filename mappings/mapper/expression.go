package mapper

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// expression is a compiled expression: a path, or code.
type expression struct {
	text  string
	path  *path
	code  code
	lets  int // slots its code needs
	loops int
	fresh bool // the value is a new list or object that nothing else holds
	lang  *language
	shape Shape
	kind  string // text, number, boolean, list, object; "" when unknown
}

// notice is something wrong with an expression, at a rune of its text.
type notice struct {
	*fault
	line, column int // in the expression, from 1
}

// compileExpression checks an expression against the scope and compiles it.
// All problems found are answered, the first being the likeliest cause.
func compileExpression(src string, sc *scope) (e *expression, problems []notice) {
	if len(src) > maxExprBytes {
		return nil, []notice{{&fault{code: CodeLimit, text: "the expression is too long", hint: "split it over several rows"}, 1, 1}}
	}
	defer func() {
		// The library's parser is not ours to trust with every text.
		if r := recover(); r != nil {
			e, problems = nil, []notice{{&fault{code: CodeExpression, text: "the expression cannot be read"}, 1, 1}}
		}
	}()
	config := sc.lang.config()
	tree, err := parser.ParseWithConfig(src, config)
	if err != nil {
		return nil, []notice{parseNotice(src, err)}
	}
	t := &translator{sc: sc, src: []rune(src)}
	top := t.expr(tree.Node)
	if len(t.notices) > 0 {
		return nil, t.notices
	}
	e = &expression{text: src, lang: sc.lang, shape: top.shape, kind: top.kind}
	if top.path != nil {
		e.path = top.path
		return e, nil
	}
	facts := &survey{sc: sc, nodes: map[ast.Node]facts{}}
	facts.node(top.node)
	if facts.bad {
		return nil, []notice{{&fault{code: CodeExpression, text: "the expression cannot be compiled"}, 1, 1}}
	}
	sc.used.pending = append(sc.used.pending, func() { e.generate(sc, facts, top.node) })
	return e, nil
}

func parseNotice(src string, err error) notice {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return notice{&fault{code: CodeExpression, text: err.Error()}, 1, 1}
	}
	ft := &fault{code: CodeExpression, text: fe.Message}
	switch {
	case strings.Contains(src, "$.") || strings.HasPrefix(src, "@") || strings.Contains(src, " @"):
		ft.hint = "in expressions write root.x for $.x, parent.x for ^.x and store.x for @store.x"
	case strings.Contains(src, " = "):
		ft.hint = "write == to compare"
	}
	return notice{ft, fe.Line, fe.Column + 1}
}

// eval runs the expression.
func (e *expression) eval(f *frame) (any, error) {
	if e.path != nil {
		if err := f.charge(1); err != nil {
			return nil, err
		}
		return f.read(e.path)
	}
	v, err := f.s.m.run(e, f)
	if err != nil {
		return nil, e.explain(err, f.s.m.at)
	}
	return v, nil
}

// exprFault is a fault at a place of an expression, from 1.
type exprFault struct {
	*fault
	line, column int
}

// explain puts an error at the rune of the expression where it arose. Only our
// own texts are passed on: others can quote values of the document.
func (e *expression) explain(err error, at int) error {
	out := &exprFault{fault: errShape, line: 1, column: 1}
	for i, r := range []rune(e.text) {
		if i == at {
			break
		}
		out.column++
		if r == '\n' {
			out.line, out.column = out.line+1, 1
		}
	}
	var ft *fault
	if errors.As(err, &ft) {
		out.fault = ft
	}
	return out
}

// condition evaluates the expression as true or false.
func (e *expression) condition(f *frame) (bool, error) {
	v, err := e.eval(f)
	if err != nil {
		return false, err
	}
	return truth(v)
}

func setKind(n ast.Node, kind string) ast.Node {
	if t, known := goTypes[kind]; known {
		n.SetType(t)
	}
	return n
}
