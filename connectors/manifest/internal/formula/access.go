package formula

import (
	"github.com/expr-lang/expr/ast"
)

// member reads a member; of nothing it is nothing, so that no path needs guarding.
func (c *compiler) member(n *ast.MemberNode) node {
	from, key := c.node(n.Node), c.node(n.Property)
	return func(r *run) (any, error) {
		v, err := from(r)
		if err != nil || v == nil {
			return nil, err
		}
		k, err := key(r)
		if err != nil {
			return nil, err
		}
		if err := r.charge(1); err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case map[string]any:
			return v[Text(k)], nil
		case []any:
			i, ok := Int(k)
			if !ok {
				return nil, faultf("a member of a list was asked for by name").hint("take an item first: list[0].name, or map(list, .name)")
			}
			if i < 0 {
				i += int64(len(v))
			}
			if i < 0 || i >= int64(len(v)) {
				return nil, nil
			}
			return v[i], nil
		}
		return nil, nil
	}
}

func (c *compiler) slice(n *ast.SliceNode) node {
	of := c.node(n.Node)
	from, to := constant(nil), constant(nil)
	if n.From != nil {
		from = c.node(n.From)
	}
	if n.To != nil {
		to = c.node(n.To)
	}
	return func(r *run) (any, error) {
		v, err := of(r)
		if err != nil || v == nil {
			return nil, err
		}
		bound := func(at node, whole, def int) (int, error) {
			x, err := at(r)
			if err != nil || x == nil {
				return def, err
			}
			i, ok := Int(x)
			if !ok {
				return 0, faultf("a slice is cut at whole numbers")
			}
			if i < 0 {
				i += int64(whole)
			}
			return int(min(max(i, 0), int64(whole))), nil
		}
		cut := func(whole int) (int, int, error) {
			a, err := bound(from, whole, 0)
			if err != nil {
				return 0, 0, err
			}
			b, err := bound(to, whole, whole)
			return a, max(a, b), err
		}
		switch v := v.(type) {
		case []any:
			a, b, err := cut(len(v))
			if err != nil {
				return nil, err
			}
			return v[a:b], nil
		case string:
			runes := []rune(v)
			if err := r.charge(len(runes) / 16); err != nil {
				return nil, err
			}
			a, b, err := cut(len(runes))
			if err != nil {
				return nil, err
			}
			return string(runes[a:b]), nil
		}
		return nil, faultf("%s cannot be sliced", kindOf(v))
	}
}
