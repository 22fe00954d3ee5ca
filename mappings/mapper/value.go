package mapper

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// kindOf names a value's type in the words of the guide.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true/false"
	case int, int64, json.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case float64, float32:
		return "a float"
	}
	return fmt.Sprintf("a %T", v)
}

// isEmpty says whether omit_empty drops the value: nothing, an empty text, an
// empty list, an empty object. Zero and false are values.
func isEmpty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}

// textOf is the text of a scalar: what lookups and maps compare and what
// templates insert.
func textOf(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case json.Number:
		return string(x), true
	case int:
		return strconv.Itoa(x), true
	case int64:
		return strconv.FormatInt(x, 10), true
	case bool:
		return strconv.FormatBool(x), true
	}
	return "", false
}

// equal compares two values exactly. Numbers compare by value (2 equals 2.0);
// nothing equals only nothing; comparing text with a number is a mistake of
// the mapping and therefore an error, not false.
func equal(a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return x == y, nil
		}
	case bool:
		if y, ok := b.(bool); ok {
			return x == y, nil
		}
	case []any:
		y, ok := b.([]any)
		if !ok {
			break
		}
		if len(x) != len(y) {
			return false, nil
		}
		for i := range x {
			if same, err := equal(x[i], y[i]); err != nil || !same {
				return false, err
			}
		}
		return true, nil
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		if len(x) != len(y) {
			return false, nil
		}
		// In a fixed order: one field may differ where another cannot be compared.
		for _, k := range slices.Sorted(maps.Keys(x)) {
			other, ok := y[k]
			if !ok {
				return false, nil
			}
			if same, err := equal(x[k], other); err != nil || !same {
				return false, err
			}
		}
		return true, nil
	default:
		m, mok := numOf(a)
		n, nok := numOf(b)
		if mok && nok {
			return m.cmp(n) == 0, nil
		}
	}
	return false, wrong("compare like with like, for example text(x) or int(x)",
		"cannot compare %s with %s", kindOf(a), kindOf(b))
}

// output copies values into a result: checked, bounded and free of aliases
// into the input, with every number a json.Number.
type output struct {
	nodes, bytes int
}

var errNodes = &fault{code: CodeLimit, text: "the result has too many values", hint: fmt.Sprintf("the limit is %d", maxNodes)}
var errBytes = &fault{code: CodeLimit, text: "the result is too long", hint: fmt.Sprintf("the limit is %d bytes", maxResultBytes)}

func (o *output) count(bytes int) error {
	if o.nodes++; o.nodes > maxNodes {
		return errNodes
	}
	if o.bytes += bytes; o.bytes > maxResultBytes {
		return errBytes
	}
	return nil
}

// adopt takes a list or an object that nothing else holds: it becomes part of
// the result itself, and only what it holds is copied. It counts as copy does.
func (o *output) adopt(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch x := v.(type) {
	case []any:
		if err := o.count(8); err != nil {
			return nil, err
		}
		for i, item := range x {
			c, err := o.copy(item, depth+1)
			if err != nil {
				return nil, err
			}
			x[i] = c
		}
		return x, nil
	case map[string]any:
		if err := o.count(8); err != nil {
			return nil, err
		}
		for k, item := range x {
			o.bytes += len(k)
			switch s := item.(type) {
			case string:
				if err := o.count(len(s)); err != nil {
					return nil, err
				}
			case json.Number:
				if err := o.count(len(s)); err != nil {
					return nil, err
				}
			default:
				c, err := o.copy(item, depth+1)
				if err != nil {
					return nil, err
				}
				x[k] = c
			}
		}
		return x, nil
	}
	return o.copy(v, depth)
}

// share takes a value as it is if it is a document's tree already, and copies
// it otherwise. It counts as copy does.
func (o *output) share(v any, depth int) (any, error) {
	before := *o
	if o.tree(v, depth) {
		return v, nil
	}
	*o = before
	return o.copy(v, depth)
}

// tree counts a tree and answers whether it can stand in a result unchanged.
func (o *output) tree(v any, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch x := v.(type) {
	case nil, bool:
		return o.count(1) == nil
	case string:
		return o.count(len(x)) == nil
	case json.Number:
		return o.count(len(x)) == nil
	case []any:
		if x == nil || o.count(8) != nil {
			return false
		}
		for _, item := range x {
			if !o.tree(item, depth+1) {
				return false
			}
		}
		return true
	case map[string]any:
		if x == nil || o.count(8) != nil {
			return false
		}
		for k, item := range x {
			o.bytes += len(k)
			if !o.tree(item, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

var errDepth = &fault{code: CodeLimit, text: "the result is nested too deeply", hint: fmt.Sprintf("the limit is %d levels", maxDepth)}

func (o *output) copy(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch x := v.(type) {
	case nil, bool:
		return v, o.count(1)
	case string:
		return v, o.count(len(x))
	case json.Number:
		return v, o.count(len(x))
	case int:
		return json.Number(strconv.Itoa(x)), o.count(8)
	case int64:
		return json.Number(strconv.FormatInt(x, 10)), o.count(8)
	case []any:
		if err := o.count(8); err != nil {
			return nil, err
		}
		list := make([]any, len(x))
		for i, item := range x {
			c, err := o.copy(item, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = c
		}
		return list, nil
	case map[string]any:
		if err := o.count(8); err != nil {
			return nil, err
		}
		m := make(map[string]any, len(x))
		for k, item := range x {
			o.bytes += len(k)
			c, err := o.copy(item, depth+1)
			if err != nil {
				return nil, err
			}
			m[k] = c
		}
		return m, nil
	case float64, float32:
		return nil, wrong("decode documents with json.Number; use div, rate or decimal for arithmetic", "a float is not allowed in a result")
	}
	return nil, wrong("", "%s is not allowed in a result", kindOf(v))
}
