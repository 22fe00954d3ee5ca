package mapper

import (
	"fmt"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// facts are what is known about a part of an expression before code is made
// of it: what it depends on and what it costs. Parts that several rows compute
// alike are computed once (memo.go).
type facts struct {
	id    int    // equal for parts that compute the same from the same
	loops uint64 // the loops whose item it reads, a bit for each nesting
	frame bool   // reads the frame's own item, and not only the document
	live  bool   // must be computed each time
	cost  int    // roughly the number of map accesses and calls
}

// survey collects the facts of one expression.
type survey struct {
	sc    *scope
	nodes map[ast.Node]facts
	lets  []named
	depth int
	slots int // lets at most in force at once
	deep  int // deepest nesting of loops
	bad   bool
}

type named struct {
	name string
	facts
}

// node surveys a translated node.
func (s *survey) node(n ast.Node) facts {
	f := s.of(n)
	s.nodes[n] = f
	s.sc.used.note(s.sc, f, s.depth)
	return f
}

func (s *survey) of(n ast.Node) facts {
	switch n := n.(type) {
	case *ast.NilNode:
		return s.leaf("nil")
	case *ast.IntegerNode:
		return s.leaf("#" + strconv.Itoa(n.Value))
	case *ast.StringNode:
		return s.leaf("'" + n.Value)
	case *ast.BoolNode:
		return s.leaf(strconv.FormatBool(n.Value))
	case *ast.ConstantNode:
		return s.leaf(fmt.Sprintf("%T %#v", n.Value, n.Value))
	case *ast.IdentifierNode:
		for i := len(s.lets) - 1; i >= 0; i-- {
			if s.lets[i].name == n.Value {
				return s.lets[i].facts
			}
		}
	case *ast.PointerNode:
		if s.depth > 0 {
			return facts{id: s.id("loop item", n.Name, strconv.Itoa(s.depth)), loops: 1 << s.depth}
		}
	case *ast.UnaryNode:
		return s.join(1, n.Operator, n.Node)
	case *ast.BinaryNode:
		return s.join(1, n.Operator, n.Left, n.Right)
	case *ast.ConditionalNode:
		return s.join(1, "?", n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		return s.join(2, "[", n.Nodes...)
	case *ast.MapNode:
		return s.object(n)
	case *ast.VariableDeclaratorNode:
		return s.let(n)
	case *ast.BuiltinNode:
		return s.loop(n)
	case *ast.CallNode:
		return s.call(n)
	}
	s.bad = true
	return facts{live: true}
}

func (s *survey) id(parts ...string) int {
	key := ""
	for _, p := range parts {
		key += strconv.Itoa(len(p)) + ":" + p
	}
	return s.sc.used.id(key)
}

func (s *survey) leaf(key string) facts { return facts{id: s.id("leaf", key)} }

// join surveys the parts of a node and puts their facts together.
func (s *survey) join(cost int, op string, parts ...ast.Node) facts {
	out := facts{cost: cost}
	keys := []string{"op", op}
	for _, p := range parts {
		f := s.node(p)
		out.add(f)
		keys = append(keys, strconv.Itoa(f.id))
	}
	out.id = s.id(keys...)
	return out
}

func (f *facts) add(g facts) {
	f.loops |= g.loops
	f.frame = f.frame || g.frame
	f.live = f.live || g.live
	f.cost += g.cost
}

func (s *survey) object(n *ast.MapNode) facts {
	out := facts{cost: 2}
	keys := []string{"object"}
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		f := s.node(pair.Value)
		out.add(f)
		keys = append(keys, pair.Key.(*ast.StringNode).Value, strconv.Itoa(f.id))
	}
	out.id = s.id(keys...)
	return out
}

func (s *survey) let(n *ast.VariableDeclaratorNode) facts {
	value := s.node(n.Value)
	// A name costs nothing where it is used, unlike what it stands for.
	use := value
	use.id, use.cost = s.id("let", strconv.Itoa(value.id)), 0
	s.lets = append(s.lets, named{n.Name, use})
	s.slots = max(s.slots, len(s.lets))
	body := s.node(n.Expr)
	s.lets = s.lets[:len(s.lets)-1]
	out := value
	out.add(body)
	out.id = s.id("in", strconv.Itoa(value.id), strconv.Itoa(body.id))
	return out
}

func (s *survey) loop(n *ast.BuiltinNode) facts {
	predicate, isPredicate := n.Arguments[1].(*ast.PredicateNode)
	if !isPredicate || s.depth >= 62 {
		s.bad = true
		return facts{live: true}
	}
	out := facts{cost: 4}
	list := s.node(n.Arguments[0])
	s.depth++
	s.deep = max(s.deep, s.depth)
	body := s.node(predicate.Node)
	body.loops &^= 1 << s.depth
	s.depth--
	out.add(list)
	out.add(body)
	// The item's number is part of the key: a loop in a loop is another one.
	out.id = s.id("loop", n.Name, strconv.Itoa(s.depth), strconv.Itoa(list.id), strconv.Itoa(body.id))
	return out
}

func (s *survey) call(n *ast.CallNode) facts {
	name := n.Callee.(*ast.IdentifierNode).Value
	switch name {
	case opRead:
		return s.read(n.Arguments[1].(*ast.ConstantNode).Value.(*path))
	case opIndex:
		if s.sc.up == nil {
			return s.leaf("index")
		}
		return facts{id: s.id("index", strconv.Itoa(s.sc.number)), frame: true}
	case opPosition:
		return facts{id: s.id("position", strconv.Itoa(s.sc.number)), frame: true}
	case opFollow:
		p := n.Arguments[1].(*ast.ConstantNode).Value.(*path)
		out := s.join(len(p.steps), "follow "+stepsText(p.steps), n.Arguments[0])
		return out
	case opMatches:
		pattern := n.Arguments[1].(*ast.ConstantNode).Value
		return s.join(4, fmt.Sprintf("matches %v", pattern), n.Arguments[0])
	}
	args := n.Arguments
	fn := s.sc.lang.functions[name]
	if fn != nil || name == opList {
		args = args[1:] // the frame
	}
	out := s.join(1, "call "+name, args...)
	if fn != nil {
		out.cost += 2
		// A table's entries can change between two calls.
		out.live = out.live || fn.reads
	}
	return out
}

// read surveys a path. One that leads to the document through the enclosing
// items is the same everywhere.
func (s *survey) read(p *path) facts {
	out := facts{cost: max(0, len(p.steps)-1)}
	at, ups := s.sc, 0
	if p.from == fromUp {
		ups = p.up
	}
	for range ups {
		if at.up == nil {
			break
		}
		at = at.up
	}
	steps := stepsText(p.steps)
	switch {
	case p.from == fromContext:
		out.id = s.id("context", p.name, steps)
	case p.from == fromRoot || at.up == nil:
		out.id = s.id("document", steps)
	default:
		out.frame = true
		out.id = s.id("item", strconv.Itoa(s.sc.number), strconv.Itoa(ups), steps)
	}
	return out
}
