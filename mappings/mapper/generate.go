package mapper

import (
	"regexp"

	"github.com/expr-lang/expr/ast"
)

// generator makes the code of one expression. The expression library parses;
// its machine is used by the tests alone, as the yardstick that this code must
// agree with on every value, error, place and bound (oracle_test.go).
type generator struct {
	sc     *scope
	nodes  map[ast.Node]facts
	lets   []string
	depth  int
	within int      // how often the remembered part around is wanted; 1 outside
	leaves ast.Node // makes what becomes part of the result itself
}

// generate makes the code of an expression that has been surveyed.
func (e *expression) generate(sc *scope, s *survey, top ast.Node) {
	g := &generator{sc: sc, nodes: s.nodes, within: 1}
	g.leaves = g.fresh(top)
	e.code = g.value(top)
	e.lets, e.loops = s.slots, s.deep
	e.fresh = g.leaves != nil
}

// fresh finds the node that makes the expression's value, if that is a new
// list or object each time. A remembered one is held by what remembers it.
func (g *generator) fresh(n ast.Node) ast.Node {
	if _, kept := g.remember(n); kept {
		return nil
	}
	isNew := false
	switch n := n.(type) {
	case *ast.ArrayNode, *ast.MapNode:
		isNew = true
	case *ast.VariableDeclaratorNode:
		return g.fresh(n.Expr)
	case *ast.BuiltinNode:
		isNew = n.Name == "map" || n.Name == "filter"
	case *ast.CallNode:
		fn := g.sc.lang.functions[n.Callee.(*ast.IdentifierNode).Value]
		isNew = fn != nil && fn.fresh
	}
	if isNew {
		return n
	}
	return nil
}

// value makes the code of a node.
func (g *generator) value(n ast.Node) code { return g.memoCode(n) }

// literal answers the value of a node that is one.
func literal(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return nil, true
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.ConstantNode:
		return n.Value, true
	}
	return nil, false
}

func always(v any) code { return func(*machine) (any, error) { return v, nil } }

func (g *generator) plain(n ast.Node) code {
	if v, is := literal(n); is {
		return always(v)
	}
	if isTest(n) {
		t := g.plainTest(n, 0)
		return func(m *machine) (any, error) {
			b, err := t(m)
			return b, err
		}
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		slot := g.letSlot(n.Value)
		return func(m *machine) (any, error) { return m.lets[slot], nil }
	case *ast.PointerNode:
		depth := g.depth - 1
		if n.Name == "index" {
			return func(m *machine) (any, error) { return m.loops[depth].index, nil }
		}
		return func(m *machine) (any, error) { return m.loops[depth].item, nil }
	case *ast.BinaryNode: // ??
		left, right := g.value(n.Left), g.value(n.Right)
		return func(m *machine) (any, error) {
			if v, err := left(m); err != nil || !isNothing(v) {
				return v, err
			}
			return right(m)
		}
	case *ast.ConditionalNode:
		cond, yes, no := g.test(n.Cond, n.Location().From), g.value(n.Exp1), g.value(n.Exp2)
		return func(m *machine) (any, error) {
			holds, err := cond(m)
			switch {
			case err != nil:
				return nil, err
			case holds:
				return yes(m)
			}
			return no(m)
		}
	case *ast.VariableDeclaratorNode:
		return g.let(n)
	case *ast.ArrayNode:
		return g.list(n)
	case *ast.MapNode:
		return g.object(n)
	case *ast.BuiltinNode:
		return g.loop(n)
	}
	return g.call(n.(*ast.CallNode))
}

func (g *generator) let(n *ast.VariableDeclaratorNode) code {
	value := g.value(n.Value)
	slot := len(g.lets)
	g.lets = append(g.lets, n.Name)
	body := g.value(n.Expr)
	g.lets = g.lets[:slot]
	return func(m *machine) (any, error) {
		v, err := value(m)
		if err != nil {
			return nil, err
		}
		m.lets[slot] = v
		return body(m)
	}
}

func (g *generator) letSlot(name string) int {
	for i := len(g.lets) - 1; i >= 0; i-- {
		if g.lets[i] == name {
			return i
		}
	}
	return 0 // the survey refuses unknown names
}

func (g *generator) list(n *ast.ArrayNode) code {
	items := make([]code, len(n.Nodes))
	for i, item := range n.Nodes {
		items[i] = g.value(item)
	}
	at := n.Location().From
	return func(m *machine) (any, error) {
		list := make([]any, len(items))
		for i, item := range items {
			v, err := item(m)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		m.at = at
		return list, m.grow(len(list))
	}
}

func (g *generator) object(n *ast.MapNode) code {
	names, values := make([]string, len(n.Pairs)), make([]code, len(n.Pairs))
	for i, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		names[i], values[i] = pair.Key.(*ast.StringNode).Value, g.value(pair.Value)
	}
	at, leaves := n.Location().From, g.leaves == n
	return func(m *machine) (any, error) {
		// What passes through an expression is used again by the next run.
		var object map[string]any
		if leaves || m.f.s.sharing {
			object = make(map[string]any, len(names))
		} else {
			object = m.object(len(names))
		}
		for i, value := range values {
			v, err := value(m)
			if err != nil {
				return nil, err
			}
			object[names[i]] = v
		}
		m.at = at
		return object, m.grow(len(object))
	}
}

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

// isNothing is the machine-independent sense of nothing in a ?? b.
func isNothing(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case []any:
		return x == nil
	case map[string]any:
		return x == nil
	}
	return false
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
