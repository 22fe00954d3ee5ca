package mapper

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// expression is a compiled expression. One that is only a path runs without
// the expression machine.
type expression struct {
	text    string
	path    *path
	program *vm.Program
	lang    *language
	shape   Shape
	kind    string // text, number, boolean, list, object; "" when unknown
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
	e.program, err = compiler.Compile(&parser.Tree{Node: top.node, Source: file.NewSource(src)}, config)
	if err != nil {
		return nil, []notice{{&fault{code: CodeExpression, text: "the expression cannot be compiled"}, 1, 1}}
	}
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
	m := e.lang.machines.Get().(*vm.VM)
	before := f.s.work
	v, err := m.Run(e.program, f)
	if err != nil {
		// A machine that failed may hold a deep stack; let it go.
		return nil, e.explain(err)
	}
	if f.s.work-before < keepMachine {
		e.lang.machines.Put(m)
	}
	return v, nil
}

// exprFault is a fault at a place of an expression, from 1.
type exprFault struct {
	*fault
	line, column int
}

// explain turns the machine's error into ours. The machine's own texts can
// quote values of the document, so they are never passed on.
func (e *expression) explain(err error) error {
	out := &exprFault{line: 1, column: 1}
	var fe *file.Error
	if errors.As(err, &fe) {
		out.line, out.column = fe.Line, fe.Column+1
	}
	var ft *fault
	switch {
	case errors.As(err, &ft):
		out.fault = ft
	case fe != nil && fe.Message == "memory budget exceeded":
		out.fault = &fault{code: CodeLimit, text: "the expression builds lists that are too long"}
	default:
		out.fault = &fault{code: CodeValue, text: "the expression cannot be computed for this document", hint: "a value has a type the expression does not expect"}
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
