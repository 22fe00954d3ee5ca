package mapper

import (
	"regexp"

	"github.com/expr-lang/expr/ast"
)

// test makes the code of a node that is used as a condition. at is where the
// error stands should it be neither true nor false.
func (g *generator) test(n ast.Node, at int) test { return g.memoTest(n, at) }

// isTest says that a node is true or false by what it is.
func isTest(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return true
	case *ast.BinaryNode:
		return n.Operator != "??"
	case *ast.BuiltinNode:
		return loops[n.Name] == "boolean"
	case *ast.CallNode:
		return conditions[n.Callee.(*ast.IdentifierNode).Value]
	}
	return false
}

func boolOf(m *machine, c code, at int) (bool, error) {
	v, err := c(m)
	if err != nil {
		return false, err
	}
	b, is := v.(bool)
	if !is {
		m.at = at
		return false, errShape
	}
	return b, nil
}

func (g *generator) plainTest(n ast.Node, at int) test {
	if !isTest(n) {
		c := g.plain(n)
		return func(m *machine) (bool, error) { return boolOf(m, c, at) }
	}
	from := n.Location().From
	switch n := n.(type) {
	case *ast.UnaryNode:
		return not(g.test(n.Node, from))
	case *ast.BinaryNode:
		left, right := g.test(n.Left, from), g.test(n.Right, from)
		if n.Operator == "and" || n.Operator == "&&" {
			return func(m *machine) (bool, error) {
				if holds, err := left(m); err != nil || !holds {
					return false, err
				}
				return right(m)
			}
		}
		return func(m *machine) (bool, error) {
			if holds, err := left(m); err != nil || holds {
				return holds, err
			}
			return right(m)
		}
	case *ast.BuiltinNode:
		return g.quantifier(n)
	}
	return g.conditionCall(n.(*ast.CallNode))
}

func not(t test) test {
	return func(m *machine) (bool, error) {
		holds, err := t(m)
		return !holds, err
	}
}

func (g *generator) conditionCall(n *ast.CallNode) test {
	name, args, at := n.Callee.(*ast.IdentifierNode).Value, n.Arguments, n.Location().From
	switch name {
	case opTruth:
		value := g.value(args[0])
		return func(m *machine) (bool, error) {
			v, err := value(m)
			if err != nil {
				return false, err
			}
			m.at = at
			return truth(v)
		}
	case opMatches:
		return matchesCode(g.value(args[0]), args[1].(*ast.ConstantNode).Value.(*regexp.Regexp), at)
	}
	if fixed, is := literal(args[1]); is {
		if t := constantTest(name, g.value(args[0]), fixed, at); t != nil {
			return t
		}
	}
	left, right, op := g.value(args[0]), g.value(args[1]), conditionOps[name]
	return func(m *machine) (bool, error) {
		a, err := left(m)
		if err != nil {
			return false, err
		}
		b, err := right(m)
		if err != nil {
			return false, err
		}
		m.at = at
		return op(a, b)
	}
}

// constantTest compares with what is written in the mapping: x == "paid",
// x == nil, status in ["20", "21"]. Everything that is not the plain case goes
// the general way, with its errors.
func constantTest(name string, value code, fixed any, at int) test {
	plain := func(any) (holds, decided bool) { return false, false }
	op := conditionOps[name]
	word, isWord := fixed.(string)
	words, areWords := onlyTexts(fixed)
	switch {
	case name == opEq && fixed == nil:
		plain = func(v any) (bool, bool) { return v == nil, true }
	case name == opEq && isWord:
		plain = func(v any) (bool, bool) {
			s, is := v.(string)
			return s == word && is, is
		}
	case name == opIn && areWords:
		plain = func(v any) (bool, bool) {
			s, is := v.(string)
			if !is {
				return false, v == nil
			}
			for _, w := range words {
				if w == s {
					return true, true
				}
			}
			return false, true
		}
	default:
		return nil
	}
	return func(m *machine) (bool, error) {
		v, err := value(m)
		if err != nil {
			return false, err
		}
		if holds, decided := plain(v); decided {
			return holds, nil
		}
		m.at = at
		return op(v, fixed)
	}
}

func onlyTexts(v any) ([]string, bool) {
	list, isList := v.([]any)
	if !isList {
		return nil, false
	}
	words := make([]string, len(list))
	for i, item := range list {
		w, isText := item.(string)
		if !isText {
			return nil, false
		}
		words[i] = w
	}
	return words, true
}
