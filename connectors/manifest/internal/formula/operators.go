package formula

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/shopspring/decimal"
)

func (c *compiler) unary(n *ast.UnaryNode) node {
	x := c.node(n.Node)
	switch n.Operator {
	case "!", "not":
		return func(r *run) (any, error) {
			v, err := x(r)
			if err != nil {
				return nil, err
			}
			b, err := Truth(v)
			return !b, err
		}
	case "-":
		return func(r *run) (any, error) {
			v, err := x(r)
			if err != nil {
				return nil, err
			}
			d, ok := Decimal(v)
			if !ok {
				return nil, faultf("%s cannot be negated", kindOf(v))
			}
			return numberOf(d.Neg())
		}
	case "+":
		return x
	}
	return c.fail(n, faultf("the operator %s is not part of the language", n.Operator))
}

func (c *compiler) binary(n *ast.BinaryNode) node {
	a, b := c.node(n.Left), c.node(n.Right)
	switch n.Operator {
	case "and", "&&":
		return logic(a, b, false)
	case "or", "||":
		return logic(a, b, true)
	case "??":
		return func(r *run) (any, error) {
			v, err := a(r)
			if err != nil || v != nil {
				return v, err
			}
			return b(r)
		}
	case "matches":
		if s, ok := n.Right.(*ast.StringNode); ok {
			re, err := pattern(s.Value)
			if err != nil {
				return c.fail(n.Right, err.(*Fault)) //nolint:errorlint // pattern returns nothing else
			}
			return two(a, b, func(r *run, x, _ any) (any, error) { return match(r, re, x) })
		}
		return c.fail(n.Right, faultf("the pattern of matches must be a text in quotes"))
	}
	op, ok := binaries[n.Operator]
	if !ok {
		return c.fail(n, faultf("the operator %s is not part of the language", n.Operator))
	}
	return two(a, b, op)
}

func match(r *run, re *regexp.Regexp, x any) (any, error) {
	if x == nil {
		return false, nil
	}
	s := Text(x)
	return re.MatchString(s), r.charge(len(s))
}

func two(a, b node, op func(r *run, x, y any) (any, error)) node {
	return func(r *run) (any, error) {
		x, err := a(r)
		if err != nil {
			return nil, err
		}
		y, err := b(r)
		if err != nil {
			return nil, err
		}
		if err := r.charge(1); err != nil {
			return nil, err
		}
		return op(r, x, y)
	}
}

// logic stops at the first operand that decides.
func logic(a, b node, stop bool) node {
	return func(r *run) (any, error) {
		for _, n := range []node{a, b} {
			v, err := n(r)
			if err != nil {
				return nil, err
			}
			t, err := Truth(v)
			if err != nil {
				return nil, err
			}
			if t == stop {
				return stop, nil
			}
		}
		return !stop, nil
	}
}

var binaries = operators()

func operators() map[string]func(r *run, x, y any) (any, error) {
	order := func(ok func(int) bool) func(*run, any, any) (any, error) {
		return func(_ *run, x, y any) (any, error) {
			if x == nil || y == nil {
				return false, nil
			}
			n, err := compare(x, y)
			return err == nil && ok(n), err
		}
	}
	affix := func(f func(s, part string) bool) func(*run, any, any) (any, error) {
		return func(r *run, x, y any) (any, error) {
			if x == nil || y == nil {
				return false, nil
			}
			return f(Text(x), Text(y)), r.charge(len(Text(x)) / 16)
		}
	}
	return map[string]func(r *run, x, y any) (any, error){
		"==": func(r *run, x, y any) (any, error) { return Equal(x, y), r.charge(size(x)) },
		"!=": func(r *run, x, y any) (any, error) { return !Equal(x, y), r.charge(size(x)) },
		"<":  order(func(n int) bool { return n < 0 }),
		"<=": order(func(n int) bool { return n <= 0 }),
		">":  order(func(n int) bool { return n > 0 }),
		">=": order(func(n int) bool { return n >= 0 }),
		"in": in,
		"contains": func(r *run, x, y any) (any, error) {
			if l, ok := x.([]any); ok {
				return in(r, y, l)
			}
			return affix(strings.Contains)(r, x, y)
		},
		"startsWith": affix(strings.HasPrefix),
		"endsWith":   affix(strings.HasSuffix),
		"+":          plus,
		"-":          arith(func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Sub(b), nil }),
		"*":          arith(func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Mul(b), nil }),
		"/": arith(func(a, b decimal.Decimal) (decimal.Decimal, error) {
			if b.IsZero() {
				return a, faultf("division by zero")
			}
			return a.DivRound(b, 16), nil
		}),
		"%": arith(func(a, b decimal.Decimal) (decimal.Decimal, error) {
			if b.IsZero() || !a.IsInteger() || !b.IsInteger() {
				return a, faultf("%% takes whole numbers and no zero on its right")
			}
			return a.Mod(b), nil
		}),
		"..": span,
	}
}

// size is the work of looking at a value.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) / 16
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

func in(r *run, x, y any) (any, error) {
	switch y := y.(type) {
	case nil:
		return false, nil
	case []any:
		for _, v := range y {
			if Equal(x, v) {
				return true, nil
			}
		}
		return false, r.charge(len(y))
	case map[string]any:
		_, ok := y[Text(x)]
		return ok, nil
	}
	return nil, faultf("in needs a list or an object on its right, not %s", kindOf(y))
}

func arith(f func(a, b decimal.Decimal) (decimal.Decimal, error)) func(*run, any, any) (any, error) {
	return func(_ *run, x, y any) (any, error) {
		a, oka := Decimal(x)
		b, okb := Decimal(y)
		if !oka || !okb {
			return nil, faultf("arithmetic needs two numbers, not %s and %s", kindOf(x), kindOf(y)).hint("x ?? 0 gives a number where there may be none")
		}
		d, err := f(a, b)
		if err != nil {
			return nil, err
		}
		return numberOf(d)
	}
}

// plus adds numbers and joins texts.
func plus(r *run, x, y any) (any, error) {
	_, numx := x.(json.Number)
	_, numy := y.(json.Number)
	if numx && numy {
		return arith(func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Add(b), nil })(r, x, y)
	}
	if lx, ok := x.([]any); ok {
		ly, ok := y.([]any)
		if !ok {
			return nil, faultf("a list is joined with a list only")
		}
		return append(append(make([]any, 0, len(lx)+len(ly)), lx...), ly...), r.charge(len(lx) + len(ly))
	}
	for _, v := range []any{x, y} {
		switch v.(type) {
		case string, json.Number:
		case time.Time:
			return nil, faultf("a time is written with time_text before it is joined")
		default:
			return nil, faultf("+ adds numbers and joins texts, not %s", kindOf(v))
		}
	}
	s := Text(x) + Text(y)
	if len(s) > maxText {
		return nil, faultf("the text is longer than %d bytes", maxText)
	}
	return s, r.charge(len(s) / 16)
}

func span(r *run, x, y any) (any, error) {
	a, oka := Int(x)
	b, okb := Int(y)
	if !oka || !okb || b-a > 10_000 {
		return nil, faultf("a..b takes whole numbers, at most 10,000 of them")
	}
	out := []any{}
	for i := a; i <= b; i++ {
		out = append(out, Number(i))
	}
	return out, r.charge(len(out))
}
