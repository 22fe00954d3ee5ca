package formula

import (
	"crypto/md5"  //nolint:gosec // vendors ask for it
	"crypto/sha1" //nolint:gosec // vendors ask for it
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/minihub/minihub/schemas/codec"
)

// Function is something an expression can call.
type Function struct {
	Name    string
	Params  string // as a person writes them: "x, digits"
	Text    string
	Example string // an expression
	Gives   string // what it gives, as JSON
	min     int
	max     int
	call    func(r *run, args []any) (any, error)
}

var byName = func() map[string]*Function {
	m := map[string]*Function{}
	for _, f := range Functions() {
		m[f.Name] = f
	}
	return m
}()

func (c *compiler) call(n ast.Node, name string, arguments []ast.Node) node {
	f := byName[name]
	if f == nil {
		var names []string
		for known := range byName {
			names = append(names, known)
		}
		for known := range loops {
			names = append(names, known)
		}
		slices.Sort(names)
		fault := faultf("there is no function %s", name)
		if near := Nearest(name, names); near != "" {
			return c.fail(n, fault.hint("did you mean "+near+"?"))
		}
		return c.fail(n, fault.hint("there are: "+strings.Join(names, ", ")))
	}
	if len(arguments) < f.min || len(arguments) > f.max {
		return c.fail(n, faultf("%s takes other arguments", name).hint(name+"("+f.Params+")"))
	}
	var args []node
	for _, a := range arguments {
		args = append(args, c.node(a))
	}
	if name == "time" || name == "time_text" { // a wrong format is found when it is loaded
		c.layout(n, arguments)
	}
	return func(r *run) (any, error) {
		values := make([]any, len(args))
		for i, a := range args {
			v, err := a(r)
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		if err := r.charge(1); err != nil {
			return nil, err
		}
		for _, v := range values {
			if err := r.charge(size(v)); err != nil {
				return nil, err
			}
		}
		v, err := f.call(r, values)
		if err != nil {
			return nil, err
		}
		if s, ok := v.(string); ok && len(s) > maxText {
			return nil, faultf("the text is longer than %d bytes", maxText)
		}
		return v, r.charge(size(v))
	}
}

func (c *compiler) layout(n ast.Node, args []ast.Node) {
	word := func(i int) (string, bool) {
		if i >= len(args) {
			return "", true
		}
		s, ok := args[i].(*ast.StringNode)
		if !ok {
			return "", false
		}
		return s.Value, true
	}
	name, ok1 := word(1)
	zone, ok2 := word(2)
	if !ok1 || !ok2 {
		return // worked out when it runs
	}
	if _, err := NewLayout(name, zone); err != nil {
		c.fail(n, err.(*Fault)) //nolint:errorlint // NewLayout returns nothing else
	}
}

// Functions are all functions, in the order of the reference.
func Functions() []*Function {
	return slices.Concat(textFunctions(), numberFunctions(), listFunctions(), timeFunctions(), encodingFunctions())
}

func onText(f func(string) string) func(*run, []any) (any, error) {
	return func(_ *run, a []any) (any, error) {
		if a[0] == nil {
			return nil, nil
		}
		return f(Text(a[0])), nil
	}
}

func textFunctions() []*Function {
	return []*Function{
		{"text", "x", "The text of a scalar; nothing is the empty text.", `text(10.50)`, `"10.5"`, 1, 1, func(_ *run, a []any) (any, error) { return Text(a[0]), nil }},
		{"lower", "x", "Lower case.", `lower("AbC")`, `"abc"`, 1, 1, onText(strings.ToLower)},
		{"upper", "x", "Upper case.", `upper("AbC")`, `"ABC"`, 1, 1, onText(strings.ToUpper)},
		{"trim", "x", "Without white space at both ends.", `trim(" a ")`, `"a"`, 1, 1, onText(strings.TrimSpace)},
		{"split", "x, separator", "The parts of a text; of an empty one there are none.", `split("a,b", ",")`, `["a","b"]`, 2, 2, func(_ *run, a []any) (any, error) {
			out := []any{}
			if Text(a[0]) == "" {
				return out, nil
			}
			for _, p := range strings.Split(Text(a[0]), Text(a[1])) {
				out = append(out, p)
			}
			return out, nil
		}},
		{"join", "list, separator", "The texts of a list as one.", `join(["a", 2], "-")`, `"a-2"`, 2, 2, func(_ *run, a []any) (any, error) {
			l, err := asList(a[0])
			if err != nil {
				return nil, err
			}
			parts, total := make([]string, len(l)), 0
			for i, v := range l {
				parts[i] = Text(v)
				if total += len(parts[i]) + len(Text(a[1])); total > maxText {
					return nil, faultf("the text is longer than %d bytes", maxText)
				}
			}
			return strings.Join(parts, Text(a[1])), nil
		}},
		{"replace", "x, old, new", "With every old replaced.", `replace("a-b", "-", "")`, `"ab"`, 3, 3, func(_ *run, a []any) (any, error) {
			s, old, repl := Text(a[0]), Text(a[1]), Text(a[2])
			if old == "" || len(s)+strings.Count(s, old)*len(repl) > maxText {
				return nil, faultf("replace needs a text to look for, and a result of at most %d bytes", maxText)
			}
			return strings.ReplaceAll(s, old, repl), nil
		}},
		{"capture", "x, pattern", "The first group of an RE2 pattern, or the whole match; nothing when it does not match.", `capture("page=7", "page=(\\d+)")`, `"7"`, 2, 2, func(_ *run, a []any) (any, error) {
			re, err := pattern(Text(a[1]))
			if err != nil {
				return nil, err
			}
			m := re.FindStringSubmatch(Text(a[0]))
			if m == nil {
				return nil, nil
			}
			return m[min(1, len(m)-1)], nil
		}},
	}
}

func numberFunctions() []*Function {
	return []*Function{
		{"number", "x", "A number of a text, its digits kept; nothing and an empty text give nothing.", `number("18.20")`, `18.20`, 1, 1, func(_ *run, a []any) (any, error) {
			if a[0] == nil || strings.TrimSpace(Text(a[0])) == "" {
				return nil, nil
			}
			d, ok := Decimal(a[0])
			if !ok {
				return nil, faultf("number needs digits, not %s that has others", kindOf(a[0]))
			}
			if d.Exponent() < 0 {
				return jsonNumber(d.StringFixed(-d.Exponent())), nil
			}
			return numberOf(d)
		}},
		{"int", "x", "A whole number; a fraction is cut off.", `int("7.9")`, `7`, 1, 1, func(_ *run, a []any) (any, error) {
			d, ok := Decimal(a[0])
			if !ok {
				return nil, faultf("int needs a number, not %s", kindOf(a[0]))
			}
			return numberOf(d.Truncate(0))
		}},
		{"fen", "x", "Yuan (or another unit of a hundred), as a number or a text, in minor units; a part of a minor unit is an error, nothing gives nothing.", `fen("18.2")`, `1820`, 1, 1, func(_ *run, a []any) (any, error) {
			if a[0] == nil || Text(a[0]) == "" {
				return nil, nil
			}
			d, ok := Decimal(a[0])
			if !ok || !d.Shift(2).IsInteger() {
				return nil, faultf("fen needs an amount with at most two places")
			}
			return numberOf(d.Shift(2))
		}},
		{"round", "x, places", "Rounded, half away from zero.", `round(2.345, 2)`, `2.35`, 2, 2, func(_ *run, a []any) (any, error) {
			d, ok := Decimal(a[0])
			n, okn := Int(a[1])
			if !ok || !okn || n < 0 || n > 16 {
				return nil, faultf("round needs a number and 0 to 16 places")
			}
			return numberOf(d.Round(int32(n)))
		}},
		{"min", "a, b", "The smaller of two.", `min(2, 10)`, `2`, 2, 2, func(_ *run, a []any) (any, error) { return pick(a, -1) }},
		{"max", "a, b", "The greater of two; of nothing and a value, the value.", `max(2, 10)`, `10`, 2, 2, func(_ *run, a []any) (any, error) { return pick(a, 1) }},
	}
}

func pick(a []any, sign int) (any, error) {
	if a[0] == nil {
		return a[1], nil
	}
	if a[1] == nil {
		return a[0], nil
	}
	n, err := compare(a[0], a[1])
	if err != nil {
		return nil, err
	}
	if n*sign >= 0 {
		return a[0], nil
	}
	return a[1], nil
}

func asList(v any) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	}
	return nil, faultf("a list is wanted, not %s", kindOf(v)).hint("list(x) makes a list of one item")
}

func listFunctions() []*Function {
	return []*Function{
		{"len", "x", "How many items, members or characters; of nothing 0.", `len([1, 2])`, `2`, 1, 1, func(_ *run, a []any) (any, error) {
			switch v := a[0].(type) {
			case nil:
				return Number(0), nil
			case string:
				return Number(int64(len([]rune(v)))), nil
			case []any:
				return Number(int64(len(v))), nil
			case map[string]any:
				return Number(int64(len(v))), nil
			}
			return nil, faultf("%s has no length", kindOf(a[0]))
		}},
		{"list", "x", "x as a list: a list as it is, nothing as an empty one, anything else as its only item (XML shows a list of one like that).", `list({a: 1})`, `[{"a":1}]`, 1, 1, func(_ *run, a []any) (any, error) {
			switch v := a[0].(type) {
			case nil:
				return []any{}, nil
			case []any:
				return v, nil
			}
			return []any{a[0]}, nil
		}},
		{"first", "list", "The first item, or nothing.", `first([1, 2])`, `1`, 1, 1, func(_ *run, a []any) (any, error) {
			l, err := asList(a[0])
			if err != nil || len(l) == 0 {
				return nil, err
			}
			return l[0], nil
		}},
		{"last", "list", "The last item, or nothing.", `last([1, 2])`, `2`, 1, 1, func(_ *run, a []any) (any, error) {
			l, err := asList(a[0])
			if err != nil || len(l) == 0 {
				return nil, err
			}
			return l[len(l)-1], nil
		}},
		{"flatten", "list", "The items of the lists in a list.", `flatten([[1], [2, 3]])`, `[1,2,3]`, 1, 1, func(_ *run, a []any) (any, error) {
			l, err := asList(a[0])
			out := []any{}
			for _, v := range l {
				if inner, ok := v.([]any); ok {
					out = append(out, inner...)
				} else if v != nil {
					out = append(out, v)
				}
			}
			return out, err
		}},
		{"unique", "list", "Without repeats, the first of each kept.", `unique([1, 2, 1])`, `[1,2]`, 1, 1, func(r *run, a []any) (any, error) {
			l, err := asList(a[0])
			out, seen := []any{}, map[string]bool{}
			for _, v := range l {
				if k := kindOf(v) + Text(v); !seen[k] {
					seen[k] = true
					out = append(out, v)
				}
			}
			return out, err
		}},
		{"sort", "list", "In order; texts by their bytes.", `sort(["b", "a"])`, `["a","b"]`, 1, 1, func(r *run, a []any) (any, error) {
			l, err := asList(a[0])
			if err != nil {
				return nil, err
			}
			out := slices.Clone(l)
			slices.SortStableFunc(out, func(x, y any) int {
				n, cerr := compare(x, y)
				if cerr != nil {
					err = cerr
				}
				return n
			})
			return out, err
		}},
		{"keys", "object", "The names of an object's members, sorted.", `keys({b: 1, a: 2})`, `["a","b"]`, 1, 1, func(_ *run, a []any) (any, error) {
			m, ok := a[0].(map[string]any)
			if !ok && a[0] != nil {
				return nil, faultf("keys needs an object, not %s", kindOf(a[0]))
			}
			out := []any{}
			for _, k := range sortedKeys(m) {
				out = append(out, k)
			}
			return out, nil
		}},
		{"values", "object", "The members of an object, by name.", `values({b: 1, a: 2})`, `[2,1]`, 1, 1, func(_ *run, a []any) (any, error) {
			m, ok := a[0].(map[string]any)
			if !ok && a[0] != nil {
				return nil, faultf("values needs an object, not %s", kindOf(a[0]))
			}
			out := []any{}
			for _, k := range sortedKeys(m) {
				out = append(out, m[k])
			}
			return out, nil
		}},
		{"merge", "a, b", "An object with the members of both; those of b win.", `merge({a: 1}, {a: 2, b: 3})`, `{"a":2,"b":3}`, 2, 2, func(_ *run, a []any) (any, error) {
			out := map[string]any{}
			for _, v := range a {
				m, ok := v.(map[string]any)
				if !ok && v != nil {
					return nil, faultf("merge needs objects, not %s", kindOf(v))
				}
				for k, x := range m {
					out[k] = x
				}
			}
			return out, nil
		}},
		{"without", "object, names", "An object without some members.", `without({a: 1, b: 2}, ["b"])`, `{"a":1}`, 2, 2, func(_ *run, a []any) (any, error) {
			m, ok := a[0].(map[string]any)
			names, err := asList(a[1])
			if !ok || err != nil {
				return nil, faultf("without needs an object and a list of names")
			}
			out := map[string]any{}
			for k, v := range m {
				if !slices.ContainsFunc(names, func(n any) bool { return Text(n) == k }) {
					out[k] = v
				}
			}
			return out, nil
		}},
	}
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func encodingFunctions() []*Function {
	sum := func(f func([]byte) []byte) func(*run, []any) (any, error) {
		return onText(func(s string) string { return hex.EncodeToString(f([]byte(s))) })
	}
	return []*Function{
		{"json", "x", "A value as JSON text, members sorted.", `json({b: 1, a: "x"})`, `"{\"a\":\"x\",\"b\":1}"`, 1, 1, func(_ *run, a []any) (any, error) {
			b, err := codec.Encode(plainTree(a[0]))
			if err != nil {
				return nil, faultf("the value has no JSON form")
			}
			return string(b), nil
		}},
		{"from_json", "x", "The value that a JSON text holds, for documents inside texts.", `from_json("{\"a\":1}").a`, `1`, 1, 1, func(_ *run, a []any) (any, error) {
			if Text(a[0]) == "" {
				return nil, nil
			}
			v, err := codec.Decode([]byte(Text(a[0])))
			if err != nil {
				return nil, faultf("the text is not JSON")
			}
			return v, nil
		}},
		{"base64", "x", "Base64 of a text.", `base64("hub")`, `"aHVi"`, 1, 1, onText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
		{"from_base64", "x", "The text that base64 holds.", `from_base64("aHVi")`, `"hub"`, 1, 1, func(_ *run, a []any) (any, error) {
			b, err := base64.StdEncoding.DecodeString(Text(a[0]))
			if err != nil {
				return nil, faultf("the text is not base64")
			}
			return string(b), nil
		}},
		{"url_escape", "x", "Escaped as in a query: a space becomes +.", `url_escape("a b&")`, `"a+b%26"`, 1, 1, onText(url.QueryEscape)},
		{"md5", "x", "MD5 of a text in lower-case hex.", `md5("a")`, `"0cc175b9c0f1b6a831c399e269772661"`, 1, 1, sum(func(b []byte) []byte { s := md5.Sum(b); return s[:] })},
		{"sha1", "x", "SHA-1 of a text in lower-case hex.", `sha1("a")`, `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`, 1, 1, sum(func(b []byte) []byte { s := sha1.Sum(b); return s[:] })},
		{"sha256", "x", "SHA-256 of a text in lower-case hex.", `sha256("a")`, `"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`, 1, 1, sum(func(b []byte) []byte { s := sha256.Sum256(b); return s[:] })},
	}
}

// plainTree turns times into texts, which is how JSON has them.
func plainTree(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.RFC3339)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainTree(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plainTree(v[k])
		}
		return out
	}
	return v
}
