package mapper

import "github.com/expr-lang/expr/ast"

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

// isNothing is what makes a ?? b answer b.
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
