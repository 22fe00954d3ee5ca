package mapper

import (
	"fmt"
	"reflect"
	"regexp"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// translator rewrites a parsed expression into one that only calls our
// functions: names become reads, operators become exact ones. It never
// changes the parsed nodes, because the parser shares some of them.
type translator struct {
	sc      *scope
	src     []rune
	notices []notice
	lets    []variable
	loops   []loop
	nodes   int
	depth   int
}

// term is a translated node with what is known about its value.
type term struct {
	node    ast.Node
	path    *path // when the term is only a path
	shape   Shape
	kind    string
	literal any // of a literal, with isLit
	isLit   bool
}

type variable struct {
	name string
	term term
}

type loop struct {
	name string // filter, map, ...
	elem Shape
}

var goTypes = map[string]reflect.Type{
	"boolean": reflect.TypeFor[bool](),
	"list":    reflect.TypeFor[[]any](),
}

func (t *translator) fail(at file.Location, code, hint, format string, args ...any) term {
	line, column := 1, 1
	for i := 0; i < at.From && i < len(t.src); i++ {
		column++
		if t.src[i] == '\n' {
			line, column = line+1, 1
		}
	}
	if len(t.notices) < maxProblems {
		t.notices = append(t.notices, notice{&fault{code: code, hint: hint, text: fmt.Sprintf(format, args...)}, line, column})
	}
	return term{node: &ast.NilNode{}}
}

func (t *translator) refuse(at file.Location, ft *fault) term {
	return t.fail(at, ft.code, ft.hint, "%s", ft.text)
}

// expr translates one node.
func (t *translator) expr(n ast.Node) term {
	if n == nil {
		return t.fail(file.Location{}, CodeExpression, "", "the expression is incomplete")
	}
	// Shared nodes are translated once for each use, so the parser's own
	// count is not enough.
	if t.nodes++; t.nodes > maxExprNodes {
		if t.nodes == maxExprNodes+1 {
			t.fail(n.Location(), CodeLimit, "split it over several rows", "the expression is too large")
		}
		return term{node: &ast.NilNode{}}
	}
	if t.depth++; t.depth > maxExprDepth {
		t.depth--
		return t.fail(n.Location(), CodeLimit, "", "the expression is nested too deeply")
	}
	defer func() { t.depth-- }()
	out := t.node(n)
	out.node.SetLocation(n.Location())
	return out
}

func (t *translator) node(n ast.Node) term {
	switch n := n.(type) {
	case *ast.NilNode:
		return term{node: &ast.NilNode{}, isLit: true}
	case *ast.IntegerNode:
		return term{node: &ast.IntegerNode{Value: n.Value}, kind: "number", literal: n.Value, isLit: true}
	case *ast.StringNode:
		return term{node: &ast.StringNode{Value: n.Value}, kind: "text", literal: n.Value, isLit: true}
	case *ast.BoolNode:
		return term{node: setKind(&ast.BoolNode{Value: n.Value}, "boolean"), kind: "boolean", literal: n.Value, isLit: true}
	case *ast.FloatNode:
		return t.fail(n.Location(), CodeExpression, "write decimals as text, \"0.06\", and use rate, mul or div", "decimals without quotes are floats, which lose digits")
	case *ast.IdentifierNode, *ast.MemberNode, *ast.PointerNode, *ast.ChainNode:
		return t.access(n)
	case *ast.UnaryNode:
		return t.unary(n)
	case *ast.BinaryNode:
		return t.binary(n)
	case *ast.CallNode:
		return t.callNode(n)
	case *ast.BuiltinNode:
		return t.builtin(n)
	case *ast.ConditionalNode:
		cond, yes, no := t.truth(n.Cond), t.expr(n.Exp1), t.expr(n.Exp2)
		out := term{node: &ast.ConditionalNode{Ternary: n.Ternary, Cond: cond, Exp1: yes.node, Exp2: no.node}}
		if yes.kind == no.kind {
			out.kind = yes.kind
		}
		return out
	case *ast.ArrayNode:
		return t.array(n)
	case *ast.MapNode:
		return t.object(n)
	case *ast.VariableDeclaratorNode:
		return t.let(n)
	case *ast.SliceNode:
		return t.fail(n.Location(), CodeExpression, "use take(list, n), shorten(text, n) or right(text, n)", "[a:b] is not part of the mapping language")
	case *ast.SequenceNode:
		return t.fail(n.Location(), CodeExpression, "", "; is only allowed after let")
	}
	return t.fail(n.Location(), CodeExpression, "", "this is not part of the mapping language")
}

func (t *translator) let(n *ast.VariableDeclaratorNode) term {
	if t.reserved(n.Name) {
		return t.fail(n.Location(), CodeExpression, "choose another name", "%s already means something else", n.Name)
	}
	value := t.expr(n.Value)
	value.path = nil
	t.lets = append(t.lets, variable{n.Name, value})
	body := t.expr(n.Expr)
	t.lets = t.lets[:len(t.lets)-1]
	return term{node: &ast.VariableDeclaratorNode{Name: n.Name, Value: value.node, Expr: body.node}, kind: body.kind, shape: body.shape}
}

// truth translates a node used as a condition.
func (t *translator) truth(n ast.Node) ast.Node {
	cond := t.expr(n)
	switch cond.kind {
	case "boolean":
		if surelyBool(cond.node) {
			return cond.node
		}
	case "text", "number", "list", "object":
		return t.fail(n.Location(), CodeType, "compare it, for example x != nil", "a condition must be true or false, this is %s", article(cond.kind)).node
	}
	return t.call(n.Location(), "boolean", opTruth, cond.node).node
}

// surelyBool says that a node gives true or false and never nothing.
func surelyBool(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BoolNode, *ast.UnaryNode, *ast.BuiltinNode:
		return true
	case *ast.BinaryNode:
		return n.Operator != "??"
	case *ast.CallNode:
		return conditions[n.Callee.(*ast.IdentifierNode).Value]
	}
	return false
}

// conditions are the operators that answer true or false.
var conditions = map[string]bool{
	opTruth: true, opEq: true, opIn: true, opLt: true, opLe: true, opGt: true, opGe: true,
	opContains: true, opStarts: true, opEnds: true, opMatches: true,
}

func (t *translator) call(at file.Location, kind, name string, args ...ast.Node) term {
	n := &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
	n.SetLocation(at)
	return term{node: setKind(n, kind), kind: kind}
}

func env() ast.Node { return &ast.IdentifierNode{Value: "$env"} }

func (t *translator) unary(n *ast.UnaryNode) term {
	switch n.Operator {
	case "not", "!":
		return term{node: setKind(&ast.UnaryNode{Operator: "not", Node: t.truth(n.Node)}, "boolean"), kind: "boolean"}
	case "-":
		if i, isInt := n.Node.(*ast.IntegerNode); isInt {
			return term{node: &ast.IntegerNode{Value: -i.Value}, kind: "number", literal: -i.Value, isLit: true}
		}
		x := t.expr(n.Node)
		return t.call(n.Location(), "number", opNeg, x.node)
	}
	return t.fail(n.Location(), CodeExpression, "leave it out", "a leading %s is not part of the mapping language", n.Operator)
}

func (t *translator) binary(n *ast.BinaryNode) term {
	at := n.Location()
	switch n.Operator {
	case "and", "&&", "or", "||":
		return term{node: setKind(&ast.BinaryNode{Operator: n.Operator, Left: t.truth(n.Left), Right: t.truth(n.Right)}, "boolean"), kind: "boolean"}
	case "/":
		return t.fail(at, CodeExpression, "use div(a, b, \"half_up\") for whole numbers, rate(amount, \"0.06\") for rates, ratio(a, b, digits) for decimals", "/ would give a float")
	case "**", "^":
		return t.fail(at, CodeExpression, "", "%s would give a float", n.Operator)
	case "..":
		return t.fail(at, CodeExpression, "", "ranges are not part of the mapping language")
	case "matches":
		return t.matches(n)
	}
	l, r := t.expr(n.Left), t.expr(n.Right)
	if n.Operator == "??" {
		out := term{node: &ast.BinaryNode{Operator: "??", Left: l.node, Right: r.node}}
		if l.kind == r.kind {
			out.kind = l.kind
		}
		return out
	}
	op, known := binaryOps[n.Operator]
	if !known {
		return t.fail(at, CodeExpression, "", "the operator %s is not part of the mapping language", n.Operator)
	}
	if ft := checkOperands(n.Operator, l, r); ft != nil {
		return t.refuse(at, ft)
	}
	kind := op.kind
	if n.Operator == "+" && (l.kind == "text" || r.kind == "text") {
		kind = "text"
	}
	out := t.call(at, kind, op.name, l.node, r.node)
	if n.Operator == "!=" {
		return term{node: setKind(&ast.UnaryNode{Operator: "not", Node: out.node}, "boolean"), kind: "boolean"}
	}
	return out
}

var binaryOps = map[string]struct{ name, kind string }{
	"==": {opEq, "boolean"}, "!=": {opEq, "boolean"}, "in": {opIn, "boolean"},
	"<": {opLt, "boolean"}, "<=": {opLe, "boolean"}, ">": {opGt, "boolean"}, ">=": {opGe, "boolean"},
	"+": {opAdd, ""}, "-": {opSub, "number"}, "*": {opMul, "number"}, "%": {opMod, "number"},
	"contains": {opContains, "boolean"}, "startsWith": {opStarts, "boolean"}, "endsWith": {opEnds, "boolean"},
}

func (t *translator) matches(n *ast.BinaryNode) term {
	pattern, isText := n.Right.(*ast.StringNode)
	if !isText {
		return t.fail(n.Location(), CodeExpression, "", "matches needs its pattern as a text in quotes")
	}
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		return t.fail(pattern.Location(), CodeExpression, "patterns are RE2, without look-ahead", "the pattern cannot be read: %v", err)
	}
	l := t.expr(n.Left)
	return t.call(n.Location(), "boolean", opMatches, l.node, &ast.ConstantNode{Value: re})
}

func (t *translator) array(n *ast.ArrayNode) term {
	nodes := make([]ast.Node, len(n.Nodes))
	values := make([]any, len(n.Nodes))
	constant := true
	for i, item := range n.Nodes {
		x := t.expr(item)
		nodes[i], values[i] = x.node, x.literal
		constant = constant && x.isLit
	}
	if constant {
		// One list for all runs: functions never change their arguments, and
		// results are copied.
		return term{node: setKind(&ast.ConstantNode{Value: values}, "list"), kind: "list", literal: values, isLit: true}
	}
	return term{node: setKind(&ast.ArrayNode{Nodes: nodes}, "list"), kind: "list"}
}

func (t *translator) object(n *ast.MapNode) term {
	pairs := make([]ast.Node, 0, len(n.Pairs))
	seen := map[string]bool{}
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		key, isText := pair.Key.(*ast.StringNode)
		if !isText {
			return t.fail(p.Location(), CodeExpression, "", "a field name must be written out")
		}
		if seen[key.Value] {
			return t.fail(key.Location(), CodeDuplicate, "", "the field %s is given twice", key.Value)
		}
		seen[key.Value] = true
		value := t.expr(pair.Value)
		pairs = append(pairs, &ast.PairNode{Key: &ast.StringNode{Value: key.Value}, Value: value.node})
	}
	return term{node: &ast.MapNode{Pairs: pairs}, kind: "object"}
}
