package mapper

import (
	"regexp"

	"github.com/expr-lang/expr/ast"
)

// call makes the code of an operator or a function.
func (g *generator) call(n *ast.CallNode) code {
	name, args, at := n.Callee.(*ast.IdentifierNode).Value, n.Arguments, n.Location().From
	switch name {
	case opRead:
		return readCode(args[1].(*ast.ConstantNode).Value.(*path), at)
	case opFollow:
		from, steps := g.value(args[0]), args[1].(*ast.ConstantNode).Value.(*path).steps
		return func(m *machine) (any, error) {
			v, err := from(m)
			if err != nil {
				return nil, err
			}
			m.at = at
			return follow(v, steps)
		}
	case opIndex:
		return func(m *machine) (any, error) { return m.f.index, nil }
	case opPosition:
		return func(m *machine) (any, error) { return m.f.position, nil }
	case opList:
		list := g.value(args[1])
		return func(m *machine) (any, error) {
			v, err := list(m)
			if err != nil {
				return nil, err
			}
			m.at = at
			return loopList(m.f, v)
		}
	case opNeg:
		return g.unaryOp(args[0], at, negate)
	}
	if op, isOp := valueOps[name]; isOp {
		return g.binaryOp(args[0], args[1], at, op)
	}
	return g.function(g.sc.lang.functions[name], args[1:], at)
}

// valueOps are the operators of two values that answer a value.
var valueOps = map[string]func(a, b any) (any, error){
	opAt: at, opAdd: plus, opSub: minus, opMul: times, opMod: modulo,
}

// conditionOps are those that answer true or false.
var conditionOps = map[string]func(a, b any) (bool, error){
	opEq: equal, opIn: in, opLt: less, opLe: lessOrEqual, opGt: greater, opGe: greaterOrEqual,
	opContains: contains, opStarts: startsWith, opEnds: endsWith,
}

func readCode(p *path, at int) code {
	if p.from == fromItem || p.from == fromRoot {
		root, steps := p.from == fromRoot, p.steps
		return func(m *machine) (any, error) {
			m.at = at
			f := m.f
			if err := f.charge(1); err != nil {
				return nil, err
			}
			if root {
				return follow(f.s.root, steps)
			}
			return follow(f.it, steps)
		}
	}
	return func(m *machine) (any, error) {
		m.at = at
		if err := m.f.charge(1); err != nil {
			return nil, err
		}
		return m.f.read(p)
	}
}

func (g *generator) unaryOp(x ast.Node, at int, op func(any) (any, error)) code {
	value := g.value(x)
	return func(m *machine) (any, error) {
		v, err := value(m)
		if err != nil {
			return nil, err
		}
		m.at = at
		return op(v)
	}
}

func (g *generator) binaryOp(x, y ast.Node, at int, op func(a, b any) (any, error)) code {
	left, right := g.value(x), g.value(y)
	return func(m *machine) (any, error) {
		a, err := left(m)
		if err != nil {
			return nil, err
		}
		b, err := right(m)
		if err != nil {
			return nil, err
		}
		m.at = at
		return op(a, b)
	}
}

// function makes the code of a call of one of our functions.
func (g *generator) function(fn *Function, nodes []ast.Node, at int) code {
	args := make([]code, len(nodes))
	for i, n := range nodes {
		args[i] = g.value(n)
	}
	switch {
	case fn.Name == "coalesce":
		return coalesceCode(fn, args, at)
	case len(args) == 1:
		arg := args[0]
		return func(m *machine) (any, error) {
			v, err := arg(m)
			if err != nil {
				return nil, err
			}
			m.at = at
			base := len(m.stack)
			m.stack = append(m.stack, v)
			v, err = fn.apply(m.f, m.stack[base:base+1:base+1])
			m.stack = m.stack[:base]
			return v, err
		}
	}
	return func(m *machine) (any, error) {
		base := len(m.stack)
		for _, arg := range args {
			v, err := arg(m)
			if err != nil {
				return nil, err
			}
			m.stack = append(m.stack, v)
		}
		m.at = at
		v, err := fn.apply(m.f, m.stack[base:len(m.stack):len(m.stack)])
		m.stack = m.stack[:base]
		return v, err
	}
}

// coalesceCode is coalesce without a list of arguments. All of them are
// computed, as for every function.
func coalesceCode(fn *Function, args []code, at int) code {
	return func(m *machine) (any, error) {
		var first any
		for _, arg := range args {
			v, err := arg(m)
			if err != nil {
				return nil, err
			}
			if first == nil && v != nil && v != "" {
				first = v
			}
		}
		m.at = at
		if err := m.f.charge(1); err != nil {
			return nil, err
		}
		return fn.done(m.f, first)
	}
}

func matchesCode(value code, re *regexp.Regexp, at int) test {
	return func(m *machine) (bool, error) {
		v, err := value(m)
		if err != nil {
			return false, err
		}
		m.at = at
		return matches(v, re)
	}
}
