package formula

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// Env are the variables of an evaluation, by name.
type Env map[string]any

// With returns a copy with more variables.
func (e Env) With(more Env) Env {
	out := make(Env, len(e)+len(more))
	for k, v := range e {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// run is one evaluation.
type run struct {
	env  Env
	work int
	it   []item // of the loops that are open
	lets map[string]any
}

type item struct {
	value any
	index int
}

func (r *run) charge(n int) error {
	if r.work += n; r.work > maxWork {
		return faultf("the expression does too much work")
	}
	return nil
}

type node func(*run) (any, error)

// Expr is a compiled expression. It may be used by many at once.
type Expr struct {
	src   string
	node  node
	roots map[string]bool
}

// Compile reads an expression that may use the variables named roots. Its error is a
// *Fault.
func Compile(src string, roots []string) (e *Expr, err error) {
	if len(src) > maxSource {
		return nil, faultf("the expression is longer than %d bytes", maxSource)
	}
	if strings.TrimSpace(src) == "" {
		return nil, faultf("the expression is empty")
	}
	defer func() {
		// The library's parser is not ours to trust with every text.
		if p := recover(); p != nil {
			e, err = nil, faultf("the expression cannot be read")
		}
	}()
	tree, perr := parser.ParseWithConfig(src, grammar)
	if perr != nil {
		var fe *file.Error
		if errors.As(perr, &fe) {
			f := faultf("%s", fe.Message)
			f.Column = fe.Column + 1
			if strings.Contains(src, " = ") {
				f.Hint = "write == to compare"
			}
			return nil, f
		}
		return nil, faultf("the expression cannot be read")
	}
	c := &compiler{roots: roots, used: map[string]bool{}}
	n := c.node(tree.Node)
	if c.fault != nil {
		return nil, c.fault
	}
	return &Expr{src: src, node: n, roots: c.used}, nil
}

// Uses reports whether the expression reads a variable.
func (e *Expr) Uses(root string) bool { return e.roots[root] }

// String is the source.
func (e *Expr) String() string { return e.src }

// Eval evaluates. Its error is a *Fault.
func (e *Expr) Eval(env Env) (any, error) {
	return e.node(&run{env: env})
}

// Bool evaluates a condition.
func (e *Expr) Bool(env Env) (bool, error) {
	v, err := e.Eval(env)
	if err != nil {
		return false, err
	}
	return Truth(v)
}

// grammar is what the library's parser goes by; it only reads it.
var grammar = func() *conf.Config {
	c := conf.CreateNew()
	c.MaxNodes = maxNodes
	return c
}()

type compiler struct {
	roots []string
	used  map[string]bool
	lets  []string
	loops int
	fault *Fault
}

func (c *compiler) fail(n ast.Node, f *Fault) node {
	if c.fault == nil {
		f.Column = n.Location().From + 1
		c.fault = f
	}
	return func(*run) (any, error) { return nil, f }
}

func constant(v any) node { return func(*run) (any, error) { return v, nil } }

func (c *compiler) node(n ast.Node) node {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(nil)
	case *ast.BoolNode:
		return constant(n.Value)
	case *ast.StringNode:
		return constant(n.Value)
	case *ast.IntegerNode:
		return constant(Number(int64(n.Value)))
	case *ast.FloatNode:
		return constant(json.Number(strconv.FormatFloat(n.Value, 'f', -1, 64)))
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ChainNode:
		return c.node(n.Node)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.object(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.SequenceNode:
		if len(n.Nodes) == 1 {
			return c.node(n.Nodes[0])
		}
	case *ast.BuiltinNode:
		if loop, ok := loops[n.Name]; ok {
			return c.loop(n, loop)
		}
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, id.Value, n.Arguments)
		}
		return c.fail(n, faultf("only named functions can be called"))
	}
	return c.fail(n, faultf("this form of expression is not part of the language"))
}

func (c *compiler) identifier(n *ast.IdentifierNode) node {
	name := n.Value
	if slices.Contains(c.lets, name) {
		return func(r *run) (any, error) { return r.lets[name], nil }
	}
	if !slices.Contains(c.roots, name) {
		f := faultf("%q is not known here", name)
		if near := Nearest(name, c.roots); near != "" {
			return c.fail(n, f.hint("did you mean "+near+"?"))
		}
		return c.fail(n, f.hint("known here: "+strings.Join(c.roots, ", ")))
	}
	c.used[name] = true
	return func(r *run) (any, error) {
		if err := r.charge(1); err != nil {
			return nil, err
		}
		return r.env[name], nil
	}
}

func (c *compiler) pointer(n *ast.PointerNode) node {
	if c.loops == 0 {
		return c.fail(n, faultf("# stands only inside a loop such as any(list, #.x == 1)"))
	}
	switch n.Name {
	case "":
		return func(r *run) (any, error) { return r.it[len(r.it)-1].value, r.charge(1) }
	case "index":
		return func(r *run) (any, error) { return Number(int64(r.it[len(r.it)-1].index)), nil }
	}
	return c.fail(n, faultf("#%s is not known; # is the item and #index its place", n.Name))
}

func (c *compiler) conditional(n *ast.ConditionalNode) node {
	cond, yes, no := c.node(n.Cond), c.node(n.Exp1), c.node(n.Exp2)
	return func(r *run) (any, error) {
		v, err := cond(r)
		if err != nil {
			return nil, err
		}
		ok, err := Truth(v)
		if err != nil {
			return nil, err
		}
		if ok {
			return yes(r)
		}
		return no(r)
	}
}

func (c *compiler) array(n *ast.ArrayNode) node {
	var nodes []node
	for _, x := range n.Nodes {
		nodes = append(nodes, c.node(x))
	}
	return func(r *run) (any, error) {
		out := make([]any, 0, len(nodes))
		for _, x := range nodes {
			v, err := x(r)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, r.charge(len(out))
	}
}

func (c *compiler) object(n *ast.MapNode) node {
	var keys, values []node
	for _, p := range n.Pairs {
		pair, ok := p.(*ast.PairNode)
		if !ok {
			return c.fail(n, faultf("this object cannot be read"))
		}
		keys, values = append(keys, c.node(pair.Key)), append(values, c.node(pair.Value))
	}
	return func(r *run) (any, error) {
		out := make(map[string]any, len(keys))
		for i := range keys {
			k, err := keys[i](r)
			if err != nil {
				return nil, err
			}
			if out[Text(k)], err = values[i](r); err != nil {
				return nil, err
			}
		}
		return out, r.charge(len(out))
	}
}

func (c *compiler) let(n *ast.VariableDeclaratorNode) node {
	value := c.node(n.Value)
	c.lets = append(c.lets, n.Name)
	body := c.node(n.Expr)
	c.lets = c.lets[:len(c.lets)-1]
	name := n.Name
	return func(r *run) (any, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		if r.lets == nil {
			r.lets = map[string]any{}
		}
		old, had := r.lets[name]
		r.lets[name] = v
		out, err := body(r)
		if had {
			r.lets[name] = old
		}
		return out, err
	}
}

// pattern compiles a pattern; RE2 runs in linear time.
func pattern(s string) (*regexp.Regexp, error) {
	if len(s) > maxPattern {
		return nil, faultf("the pattern is longer than %d bytes", maxPattern)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, faultf("the pattern is not RE2")
	}
	return re, nil
}
