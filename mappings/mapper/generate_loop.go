package mapper

import "github.com/expr-lang/expr/ast"

// over makes the code of a loop's list and, with the item known, of its body.
func over[T any](g *generator, n *ast.BuiltinNode, body func(n ast.Node, at int) T) (list code, each T, depth int) {
	list = g.value(n.Arguments[0])
	depth = g.depth
	g.depth++
	each = body(n.Arguments[1].(*ast.PredicateNode).Node, n.Location().From)
	g.depth--
	return list, each, depth
}

// itemsOf runs the code of a loop's list, which opList makes a list.
func itemsOf(m *machine, list code) ([]any, error) {
	v, err := list(m)
	if err != nil {
		return nil, err
	}
	items, _ := v.([]any)
	return items, nil
}

// quantifier makes the code of all, any, none and one.
func (g *generator) quantifier(n *ast.BuiltinNode) test {
	list, holds, depth := over(g, n, g.test)
	count := func(m *machine, stop bool) (yes, all int, err error) {
		items, err := itemsOf(m, list)
		for i, item := range items {
			m.loops[depth] = cycle{item, i}
			is, err := holds(m)
			if err != nil {
				return 0, 0, err
			}
			if is {
				yes++
			}
			if is == stop && n.Name != "one" {
				break
			}
		}
		return yes, len(items), err
	}
	switch n.Name {
	case "all":
		return func(m *machine) (bool, error) { yes, all, err := count(m, false); return yes == all, err }
	case "any":
		return func(m *machine) (bool, error) { yes, _, err := count(m, true); return yes > 0, err }
	case "none":
		return func(m *machine) (bool, error) { yes, _, err := count(m, true); return yes == 0, err }
	}
	return func(m *machine) (bool, error) { yes, _, err := count(m, true); return yes == 1, err }
}

// loop makes the code of filter, map and find.
func (g *generator) loop(n *ast.BuiltinNode) code {
	at := n.Location().From
	if n.Name == "map" {
		list, each, depth := over(g, n, func(body ast.Node, _ int) code { return g.value(body) })
		return func(m *machine) (any, error) {
			items, err := itemsOf(m, list)
			if err != nil {
				return nil, err
			}
			out := make([]any, len(items))
			for i, item := range items {
				m.loops[depth] = cycle{item, i}
				if out[i], err = each(m); err != nil {
					return nil, err
				}
			}
			m.at = at
			return out, m.grow(len(out))
		}
	}
	list, wanted, depth := over(g, n, g.test)
	if n.Name == "find" {
		return func(m *machine) (any, error) {
			items, err := itemsOf(m, list)
			if err != nil {
				return nil, err
			}
			for i, item := range items {
				m.loops[depth] = cycle{item, i}
				if is, err := wanted(m); err != nil || is {
					return item, err
				}
			}
			return nil, nil
		}
	}
	return func(m *machine) (any, error) {
		items, err := itemsOf(m, list)
		if err != nil {
			return nil, err
		}
		out := make([]any, 0, len(items))
		for i, item := range items {
			m.loops[depth] = cycle{item, i}
			is, err := wanted(m)
			if err != nil {
				return nil, err
			}
			if is {
				out = append(out, item)
			}
		}
		m.at = at
		return out, m.grow(len(out))
	}
}
