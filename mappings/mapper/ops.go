package mapper

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// The operators of expressions are replaced by these functions, so that
// arithmetic is exact, overflow is an error, and nothing turns into a float.
// The names cannot be written in a mapping: $ does not start a name there.
const (
	opRead     = "$read"   // (frame, *path)
	opFollow   = "$follow" // (value, *path)
	opAt       = "$at"     // (value, index or name)
	opIndex    = "$index"
	opPosition = "$position"
	opTruth    = "$truth" // a condition
	opList     = "$list"  // (frame, value): what a loop runs over
	opEq       = "$eq"
	opIn       = "$in"
	opLt       = "$lt"
	opLe       = "$le"
	opGt       = "$gt"
	opGe       = "$ge"
	opAdd      = "$add"
	opSub      = "$sub"
	opMul      = "$mul"
	opMod      = "$mod"
	opNeg      = "$neg"
	opContains = "$contains"
	opStarts   = "$starts"
	opEnds     = "$ends"
	opMatches  = "$matches" // (value, *regexp.Regexp)
)

func less(a, b any) (bool, error)           { c, err := compare(a, b); return c < 0, err }
func lessOrEqual(a, b any) (bool, error)    { c, err := compare(a, b); return c <= 0, err }
func greater(a, b any) (bool, error)        { c, err := compare(a, b); return c > 0, err }
func greaterOrEqual(a, b any) (bool, error) { c, err := compare(a, b); return c >= 0, err }

func minus(a, b any) (any, error) { return whole(a, b, "-", "sub", subInt) }
func times(a, b any) (any, error) { return whole(a, b, "*", "mul", mulInt) }
func negate(a any) (any, error)   { return whole(int64(0), a, "-", "neg", subInt) }

func modulo(a, b any) (any, error) {
	return whole(a, b, "%", "", func(a, b int64) (int64, bool) {
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a % b, true
	})
}

func contains(a, b any) (bool, error)   { return texts(a, b, "contains", strings.Contains) }
func startsWith(a, b any) (bool, error) { return texts(a, b, "startsWith", strings.HasPrefix) }
func endsWith(a, b any) (bool, error)   { return texts(a, b, "endsWith", strings.HasSuffix) }

func matches(v any, re *regexp.Regexp) (bool, error) {
	switch s := v.(type) {
	case nil:
		return false, nil
	case string:
		return re.MatchString(s), nil
	}
	return false, wrong("", "matches needs text and found %s", kindOf(v))
}

// truth reads a condition. Nothing is false, since vendors leave false flags
// out; any other type is a mistake.
func truth(v any) (bool, error) {
	switch x := v.(type) {
	case nil:
		return false, nil
	case bool:
		return x, nil
	}
	return false, wrong("compare it, for example x != nil, x > 0 or x == \"Y\"", "a condition must be true or false and found %s", kindOf(v))
}

// loopList is what all, any, filter, map and find run over. Starting a loop
// is charged with its length, which bounds loops inside loops.
func loopList(f *frame, v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return noItems, f.charge(16)
	case []any:
		return v, f.charge(16 + len(x))
	}
	return nil, wrong("", "a loop needs a list and found %s", kindOf(v))
}

var noItems any = []any{}

func at(v, key any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case []any:
		n, isNum := numOf(key)
		if !isNum || !n.whole || n.i > math.MaxInt32 || n.i < math.MinInt32 {
			return nil, wrong("", "a list index must be a whole number and found %s", kindOf(key))
		}
		return itemAt(x, int(n.i)), nil
	case map[string]any:
		name, isText := textOf(key)
		if !isText {
			return nil, wrong("", "a field name must be text and found %s", kindOf(key))
		}
		return x[name], nil
	}
	return nil, wrong("", "[ ] needs a list or an object and found %s", kindOf(v))
}

func in(needle, hay any) (bool, error) {
	switch x := hay.(type) {
	case nil:
		return false, nil
	case []any:
		if needle == nil {
			return false, nil
		}
		for _, item := range x {
			if same, err := equal(needle, item); err != nil || same {
				return same, err
			}
		}
		return false, nil
	case map[string]any:
		name, isText := textOf(needle)
		if !isText {
			return false, nil
		}
		_, found := x[name]
		return found, nil
	}
	return false, wrong("for a part of a text use contains", "in needs a list and found %s", kindOf(hay))
}

func compare(a, b any) (int, error) {
	if s, isText := a.(string); isText {
		if t, isText := b.(string); isText {
			return strings.Compare(s, t), nil
		}
	} else if m, isNum := numOf(a); isNum {
		if n, isNum := numOf(b); isNum {
			return m.cmp(n), nil
		}
	}
	hint := "compare like with like, for example int(x)"
	if a == nil || b == nil {
		hint = "guard with x != nil, or use coalesce(x, 0)"
	}
	return 0, wrong(hint, "cannot order %s and %s", kindOf(a), kindOf(b))
}

func plus(a, b any) (any, error) {
	if s, isText := a.(string); isText {
		if t, isText := b.(string); isText {
			if len(s)+len(t) > maxTextBytes {
				return nil, &fault{code: CodeLimit, text: "+ builds a text that is too long"}
			}
			return s + t, nil
		}
	}
	return whole(a, b, "+", "add", addInt)
}

// whole does exact arithmetic on whole numbers and sends everything else to
// the function that is made for it.
func whole(a, b any, op, fn string, do func(a, b int64) (int64, bool)) (any, error) {
	m, mok := numOf(a)
	n, nok := numOf(b)
	if !mok || !nok {
		hint := ""
		switch {
		case a == nil || b == nil:
			hint = "use coalesce(x, 0)"
		case op == "+" && (isText(a) || isText(b)):
			hint = "to join texts convert the other side with text(x)"
		case isObject(a) || isObject(b):
			hint = "for money use add, sub and sum"
		}
		return nil, wrong(hint, "%s needs whole numbers and found %s and %s", op, kindOf(a), kindOf(b))
	}
	if !m.whole || !n.whole {
		hint := "decimals cannot be used with " + op
		if fn != "" {
			hint = fmt.Sprintf("use %s(...), which is exact for decimals", fn)
		}
		return nil, wrong(hint, "%s works on whole numbers only and found a decimal or a number beyond 64 bits", op)
	}
	r, fits := do(m.i, n.i)
	if !fits {
		return nil, wrong("", "%s has no result that fits 64 bits", op)
	}
	return r, nil
}

func isText(v any) bool   { _, is := v.(string); return is }
func isObject(v any) bool { _, is := v.(map[string]any); return is }

func texts(a, b any, op string, do func(s, t string) bool) (bool, error) {
	if a == nil {
		return false, nil
	}
	s, sok := a.(string)
	t, tok := b.(string)
	if !sok || !tok {
		hint := ""
		if _, isList := a.([]any); isList && op == "contains" {
			hint = "for a list write x in list"
		}
		return false, wrong(hint, "%s needs two texts and found %s and %s", op, kindOf(a), kindOf(b))
	}
	return do(s, t), nil
}
