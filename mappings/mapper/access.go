package mapper

import (
	"github.com/expr-lang/expr/ast"
)

// access translates names and what follows them: qty, it.qty, store.code,
// lines[0].sku_code, .kind inside a loop, lines[i].
func (t *translator) access(n ast.Node) term {
	base, steps, dynamic := unchain(n)
	if dynamic != nil {
		object := t.expr(dynamic.Node)
		key := t.expr(dynamic.Property)
		return t.follow(t.call(dynamic.Location(), "", opAt, object.node, key.node), steps, n)
	}
	switch b := base.(type) {
	case *ast.IdentifierNode:
		return t.name(b, steps, n)
	case *ast.PointerNode:
		return t.pointer(b, steps, n)
	}
	return t.follow(t.expr(base), steps, n)
}

// unchain splits a.b[0].c into its base and the steps that are known when the
// mapping is compiled. dynamic is set when the chain stands on a computed
// index such as lines[i].
func unchain(n ast.Node) (base ast.Node, steps []step, dynamic *ast.MemberNode) {
	for {
		switch m := n.(type) {
		case *ast.ChainNode:
			n = m.Node
			continue
		case *ast.MemberNode:
			st, static := staticStep(m.Property)
			if !static {
				reverse(steps)
				return nil, steps, m
			}
			steps = append(steps, st)
			n = m.Node
			continue
		}
		reverse(steps)
		return n, steps, nil
	}
}

func staticStep(property ast.Node) (step, bool) {
	switch p := property.(type) {
	case *ast.StringNode:
		return step{name: p.Value}, true
	case *ast.IntegerNode:
		return step{index: p.Value, isIndex: true}, true
	case *ast.UnaryNode:
		if i, isInt := p.Node.(*ast.IntegerNode); isInt && p.Operator == "-" {
			return step{index: -i.Value, isIndex: true}, true
		}
	}
	return step{}, false
}

func reverse(steps []step) {
	for i, j := 0, len(steps)-1; i < j; i, j = i+1, j-1 {
		steps[i], steps[j] = steps[j], steps[i]
	}
}

// reserved says whether a name has a meaning of its own.
func (t *translator) reserved(name string) bool {
	switch name {
	case "it", "root", "parent", "index", "position", "context", "null":
		return true
	}
	if _, isContext := t.sc.contextShape(name); isContext {
		return true
	}
	if _, isLoop := loops[name]; isLoop || t.sc.lang.functions[name] != nil {
		return true
	}
	for _, v := range t.lets {
		if v.name == name {
			return true
		}
	}
	return t.sc.alias == name
}

func (t *translator) name(n *ast.IdentifierNode, steps []step, whole ast.Node) term {
	for i := len(t.lets) - 1; i >= 0; i-- {
		if t.lets[i].name == n.Value {
			v := t.lets[i].term
			v.node = &ast.IdentifierNode{Value: n.Value}
			v.isLit = false
			return t.follow(v, steps, whole)
		}
	}
	switch n.Value {
	case "it":
		return t.read(&path{from: fromItem, steps: steps}, whole)
	case "root":
		return t.read(&path{from: fromRoot, steps: steps}, whole)
	case "parent":
		return t.read(&path{text: "parent", from: fromUp, up: 1, steps: steps}, whole)
	case "null":
		return term{node: &ast.NilNode{}, isLit: true}
	case "context":
		return t.contextValue(n, steps, whole)
	}
	if t.sc.alias != "" && n.Value == t.sc.alias {
		return t.read(&path{from: fromRoot, steps: steps}, whole)
	}
	// A declared field goes before a context value of the same name, which
	// context.name still reaches.
	if hasField(t.sc.item, n.Value) {
		return t.read(&path{from: fromItem, steps: append([]step{{name: n.Value}}, steps...)}, whole)
	}
	if _, isContext := t.sc.contextShape(n.Value); isContext || n.Value == "index" || n.Value == "position" {
		return t.contextValue(n, append([]step{{name: n.Value}}, steps...), whole)
	}
	return t.fail(n.Location(), CodeUnknownField, t.unknownNameHint(n.Value), "there is no %s here", n.Value)
}

// contextValue reads context.key and its short form key.
func (t *translator) contextValue(n *ast.IdentifierNode, steps []step, whole ast.Node) term {
	if len(steps) == 0 || steps[0].isIndex {
		return t.fail(n.Location(), CodeExpression, "write context.key, context.store.code, ...", "context needs the name of a value")
	}
	switch name := steps[0].name; name {
	case "index":
		return t.follow(t.call(whole.Location(), "number", opIndex, env()), steps[1:], whole)
	case "position":
		return t.follow(t.call(whole.Location(), "number", opPosition, env()), steps[1:], whole)
	default:
		return t.read(&path{from: fromContext, name: name, steps: steps[1:]}, whole)
	}
}

func (t *translator) unknownNameHint(name string) string {
	if len(t.loops) > 0 {
		inner := t.loops[len(t.loops)-1]
		if hasField(inner.elem, name) {
			return "inside " + inner.name + " the item's field is written ." + name
		}
	}
	switch {
	case t.sc.up != nil && hasField(t.sc.root, name):
		return "the document has it: root." + name
	case t.sc.up != nil && hasField(t.sc.up.item, name):
		return "the enclosing item has it: parent." + name
	}
	if t.sc.item == nil || t.sc.item.Open() && len(t.sc.item.Fields()) == 0 {
		return "the fields of this document are not declared: write it." + name
	}
	known := append(t.sc.item.Fields(), "it", "root", "parent", "index", "position", "context")
	known = append(known, contextNames(t.sc.context)...)
	for _, v := range t.lets {
		known = append(known, v.name)
	}
	if t.sc.alias != "" {
		known = append(known, t.sc.alias)
	}
	if n := nearest(name, known); n != "" {
		return "did you mean " + n + "?"
	}
	if t.sc.item.Open() {
		return "a field that is not declared is written it." + name
	}
	return didYouMean(name, t.sc.item.Fields())
}

// read makes a term of a path and checks it against the shapes.
func (t *translator) read(p *path, whole ast.Node) term {
	if p.text == "" {
		p.text = stepsText(p.steps)
	}
	if len(p.steps) > maxPathSteps {
		return t.fail(whole.Location(), CodePath, "", "a path has at most %d steps", maxPathSteps)
	}
	shape, ft := t.sc.check(p)
	if ft != nil {
		return t.refuse(whole.Location(), ft)
	}
	out := t.call(whole.Location(), "", opRead, env(), &ast.ConstantNode{Value: p})
	out.path, out.shape, out.kind = p, shape, kindOfShape(shape)
	return out
}

// follow goes on from a computed value.
func (t *translator) follow(from term, steps []step, whole ast.Node) term {
	if len(steps) == 0 {
		return from
	}
	at, bad, found := shapeAt(from.shape, steps)
	if !found {
		return t.refuse(whole.Location(), t.sc.unknownStep(&path{from: fromRoot, steps: steps}, at, bad))
	}
	out := t.call(whole.Location(), "", opFollow, from.node, &ast.ConstantNode{Value: &path{steps: steps}})
	out.shape, out.kind = at, kindOfShape(at)
	return out
}

func (t *translator) pointer(n *ast.PointerNode, steps []step, whole ast.Node) term {
	if len(t.loops) == 0 {
		return t.fail(n.Location(), CodeExpression, "", "# and .name are only known inside filter, map, find, all, any, none and one")
	}
	switch n.Name {
	case "index":
		return t.follow(term{node: &ast.PointerNode{Name: "index"}, kind: "number"}, steps, whole)
	case "":
		elem := t.loops[len(t.loops)-1].elem
		return t.follow(term{node: &ast.PointerNode{}, shape: elem, kind: kindOfShape(elem)}, steps, whole)
	}
	return t.fail(n.Location(), CodeExpression, "# is the item, #index its number", "there is no #%s", n.Name)
}

// callNode translates a call of one of our functions.
func (t *translator) callNode(n *ast.CallNode) term {
	id, isName := n.Callee.(*ast.IdentifierNode)
	if !isName {
		return t.fail(n.Location(), CodeFunction, "write f(x), not x.f()", "values have no methods")
	}
	fn := t.sc.lang.functions[id.Value]
	if fn == nil {
		return t.fail(n.Location(), CodeFunction, didYouMean(id.Value, t.sc.lang.functionNames()), "there is no function %s", id.Value)
	}
	if ft := fn.arity(len(n.Arguments)); ft != nil {
		return t.refuse(n.Location(), ft)
	}
	args := []ast.Node{env()}
	for i, a := range n.Arguments {
		x := t.expr(a)
		if ft := t.sc.checkArgument(fn, i, x); ft != nil {
			return t.refuse(a.Location(), ft)
		}
		args = append(args, x.node)
	}
	return t.call(n.Location(), fn.Result, fn.Name, args...)
}

// checkArgument checks an argument that is written as a literal.
func (s *scope) checkArgument(fn *Function, i int, x term) *fault {
	kind := fn.param(i).kind
	if kind == tableLiteral {
		name, isText := x.literal.(string)
		if !isText {
			return &fault{code: CodeFunction, text: "the table of lookup must be written as a text in quotes"}
		}
		return s.useTable(name)
	}
	if !x.isLit || kind == anyLiteral {
		return nil
	}
	ft := checkLiteral(s.lang.zones, kind, x.literal)
	if ft != nil {
		ft.text = fn.Name + ": " + ft.text
	}
	return ft
}

// useTable notes a lookup table and checks that it exists.
func (s *scope) useTable(name string) *fault {
	s.used.tables[name] = true
	if s.tables != nil && !s.tables.Has(name) {
		return &fault{code: CodeLookupTable, text: "there is no lookup table " + name, hint: "add lookups/" + name + ".yaml, or correct the name"}
	}
	return nil
}

// builtin translates the loops of the expression library and refuses the
// rest of its functions.
func (t *translator) builtin(n *ast.BuiltinNode) term {
	kind, isLoop := loops[n.Name]
	if !isLoop || len(n.Arguments) != 2 {
		return t.fail(n.Location(), CodeFunction, didYouMean(n.Name, t.sc.lang.functionNames()), "there is no function %s", n.Name)
	}
	list := t.expr(n.Arguments[0])
	if list.kind != "" && list.kind != "list" {
		return t.fail(n.Arguments[0].Location(), CodeType, "", "%s needs a list and this is %s", n.Name, article(list.kind))
	}
	predicate, isPredicate := n.Arguments[1].(*ast.PredicateNode)
	if !isPredicate {
		return t.fail(n.Location(), CodeExpression, "", "%s needs a condition over its items", n.Name)
	}
	elem := elemOf(list.shape)
	t.loops = append(t.loops, loop{n.Name, elem})
	var body ast.Node
	if n.Name == "map" {
		body = t.expr(predicate.Node).node
	} else {
		body = t.truth(predicate.Node)
	}
	t.loops = t.loops[:len(t.loops)-1]
	over := t.call(n.Location(), "list", opList, env(), list.node)
	wrapped := &ast.PredicateNode{Node: body}
	wrapped.SetLocation(predicate.Location())
	out := term{node: setKind(&ast.BuiltinNode{Name: n.Name, Arguments: []ast.Node{over.node, wrapped}}, kind), kind: kind}
	switch n.Name {
	case "filter":
		out.shape = list.shape
	case "find":
		out.shape, out.kind = elem, kindOfShape(elem)
	}
	return out
}
