package formula

import (
	"github.com/expr-lang/expr/ast"
)

// loop is a function over a list with a condition or an expression for each item.
type loop func(r *run, list []any, each func(i int) (any, error)) (any, error)

func test(each func(int) (any, error), i int) (bool, error) {
	v, err := each(i)
	if err != nil {
		return false, err
	}
	return Truth(v)
}

var loops = map[string]loop{
	"any":  func(_ *run, l []any, each func(int) (any, error)) (any, error) { return some(l, each, true, true) },
	"all":  func(_ *run, l []any, each func(int) (any, error)) (any, error) { return some(l, each, false, false) },
	"none": func(_ *run, l []any, each func(int) (any, error)) (any, error) { return some(l, each, true, false) },
	"filter": func(_ *run, l []any, each func(int) (any, error)) (any, error) {
		out := []any{}
		for i := range l {
			ok, err := test(each, i)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, l[i])
			}
		}
		return out, nil
	},
	"map": func(_ *run, l []any, each func(int) (any, error)) (any, error) {
		out := make([]any, 0, len(l))
		for i := range l {
			v, err := each(i)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	},
	"find": func(_ *run, l []any, each func(int) (any, error)) (any, error) {
		for i := range l {
			ok, err := test(each, i)
			if err != nil {
				return nil, err
			}
			if ok {
				return l[i], nil
			}
		}
		return nil, nil
	},
	"count": func(_ *run, l []any, each func(int) (any, error)) (any, error) {
		n := int64(0)
		for i := range l {
			ok, err := test(each, i)
			if err != nil {
				return nil, err
			}
			if ok {
				n++
			}
		}
		return Number(n), nil
	},
	"sum": func(r *run, l []any, each func(int) (any, error)) (any, error) {
		total := any(Number(0))
		for i := range l {
			v, err := each(i)
			if err != nil {
				return nil, err
			}
			if total, err = binaries["-"](r, total, v); err != nil {
				return nil, err
			}
		}
		d, _ := Decimal(total)
		return numberOf(d.Neg())
	},
}

func some(l []any, each func(int) (any, error), want, found bool) (any, error) {
	for i := range l {
		ok, err := test(each, i)
		if err != nil {
			return nil, err
		}
		if ok == want {
			return found, nil
		}
	}
	return !found, nil
}

// loop compiles a loop; of nothing it is as of an empty list.
func (c *compiler) loop(n *ast.BuiltinNode, f loop) node {
	if len(n.Arguments) == 0 || len(n.Arguments) > 2 {
		return c.fail(n, faultf("%s takes a list and an expression for each item", n.Name))
	}
	list := c.node(n.Arguments[0])
	each := func(r *run) (any, error) { return r.it[len(r.it)-1].value, nil }
	if len(n.Arguments) == 2 {
		p, ok := n.Arguments[1].(*ast.PredicateNode)
		if !ok {
			return c.fail(n, faultf("%s takes a list and an expression for each item", n.Name))
		}
		c.loops++
		each = c.node(p.Node)
		c.loops--
	}
	name := n.Name
	return func(r *run) (any, error) {
		v, err := list(r)
		if err != nil {
			return nil, err
		}
		l, ok := v.([]any)
		if !ok && v != nil {
			return nil, faultf("%s needs a list, not %s", name, kindOf(v)).hint("list(x) makes a list of one item")
		}
		r.it = append(r.it, item{})
		defer func() { r.it = r.it[:len(r.it)-1] }()
		return f(r, l, func(i int) (any, error) {
			if err := r.charge(1); err != nil {
				return nil, err
			}
			r.it[len(r.it)-1] = item{l[i], i}
			return each(r)
		})
	}
}
