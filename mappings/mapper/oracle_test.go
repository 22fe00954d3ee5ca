package mapper

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// operators are the operators as the machine of the expression library calls
// them.
func operators() map[string]func(params ...any) (any, error) {
	ops := map[string]func(params ...any) (any, error){
		opRead: func(p ...any) (any, error) {
			f := p[0].(*frame)
			if err := f.charge(1); err != nil {
				return nil, err
			}
			return f.read(p[1].(*path))
		},
		opFollow:   func(p ...any) (any, error) { return follow(p[0], p[1].(*path).steps) },
		opIndex:    func(p ...any) (any, error) { return p[0].(*frame).index, nil },
		opPosition: func(p ...any) (any, error) { return p[0].(*frame).position, nil },
		opTruth:    func(p ...any) (any, error) { return truth(p[0]) },
		opList:     func(p ...any) (any, error) { return loopList(p[0].(*frame), p[1]) },
		opNeg:      func(p ...any) (any, error) { return negate(p[0]) },
		opMatches:  func(p ...any) (any, error) { return matches(p[0], p[1].(*regexp.Regexp)) },
	}
	for name, op := range valueOps {
		ops[name] = func(p ...any) (any, error) { return op(p[0], p[1]) }
	}
	for name, op := range conditionOps {
		ops[name] = func(p ...any) (any, error) { return op(p[0], p[1]) }
	}
	return ops
}

// yardstick is an expression compiled for the machine of the expression
// library.
type yardstick struct {
	path    *path
	program *vm.Program
	code    *expression
}

// compileBoth compiles an expression both ways; nil where it has problems.
func compileBoth(t rapid.TB, src string, sc *scope) *yardstick {
	t.Helper()
	e, problems := compileExpression(src, sc)
	if len(problems) > 0 {
		return nil
	}
	config := sc.lang.config()
	config.Functions = conf.FunctionsTable{}
	for name, fn := range sc.lang.functions {
		config.Functions[name] = &builtin.Function{Name: name, Func: func(p ...any) (any, error) { return fn.apply(p[0].(*frame), p[1:]) }}
	}
	for name, op := range operators() {
		config.Functions[name] = &builtin.Function{Name: name, Func: op}
	}
	tree, err := parser.ParseWithConfig(src, config)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	tr := &translator{sc: sc, src: []rune(src)}
	top := tr.expr(tree.Node)
	if top.path != nil {
		return &yardstick{path: top.path, code: e}
	}
	program, err := compiler.Compile(&parser.Tree{Node: top.node, Source: file.NewSource(src)}, config)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return &yardstick{program: program, code: e}
}

// result is all that can be seen of an evaluation.
type result struct {
	Value        any
	Code, Text   string
	Line, Column int
	Work         int
}

func (y *yardstick) wanted(f *frame) result {
	if y.path != nil {
		err := error(f.charge(1))
		var v any
		if err == nil {
			v, err = f.read(y.path)
		}
		return resultFrom(v, err, f)
	}
	machine := &vm.VM{MemoryBudget: maxExprMemory}
	v, err := machine.Run(y.program, f)
	if err == nil {
		return resultFrom(v, nil, f)
	}
	out := &exprFault{fault: errShape, line: 1, column: 1}
	var fe *file.Error
	if errors.As(err, &fe) {
		out.line, out.column = fe.Line, fe.Column+1
		if fe.Message == "memory budget exceeded" {
			out.fault = errMemory
		}
	}
	var ft *fault
	if errors.As(err, &ft) {
		out.fault = ft
	}
	return resultFrom(nil, out, f)
}

func resultFrom(v any, err error, f *frame) result {
	switch e := err.(type) {
	case nil:
		return result{Value: v, Work: f.s.work}
	case *exprFault:
		return result{Code: e.code, Text: e.Error(), Line: e.line, Column: e.column, Work: f.s.work}
	}
	return result{Text: err.Error(), Work: f.s.work}
}

// compare evaluates the expressions one after the other at the frames of one
// run, both ways, and wants no difference. spent is what the run has spent
// before.
func compareBoth(t rapid.TB, exprs []string, doc any, spent int) {
	t.Helper()
	sc := &scope{lang: newLanguage(), used: newUsage(), memo: &memoTable{}, tables: carriers}
	inner := sc.inside(nil, "items[]")
	type pair struct {
		src         string
		outer, item *yardstick
	}
	var pairs []pair
	for _, src := range exprs {
		if p := (pair{src, compileBoth(t, src, sc), compileBoth(t, src, inner)}); p.outer != nil && p.item != nil {
			pairs = append(pairs, p)
		}
	}
	sc.used.generate()
	ctx := Context{Key: "k", Store: map[string]any{"code": "shop-a"}}
	fast, slow := newSession(&ctx, doc, carriers, sc.lang.zones), newSession(&ctx, doc, carriers, sc.lang.zones)
	defer fast.close()
	defer slow.close()
	fast.work, slow.work = spent, spent
	check := func(src string, y *yardstick, a, b *frame) {
		want := y.wanted(b)
		v, err := y.code.eval(a)
		got := resultFrom(v, err, a)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\nof %v\nthe code differs from the machine (-want +got):\n%s", src, doc, diff)
		}
	}
	a, b := fast.frame(doc, nil, 0, 1), slow.frame(doc, nil, 0, 1)
	items := []any{doc}
	if m, isObject := doc.(map[string]any); isObject {
		if list, isList := m["items"].([]any); isList {
			items = list
		}
	}
	for range 2 {
		for _, p := range pairs {
			check(p.src, p.outer, a, b)
		}
		for i, item := range items {
			x, y := fast.frame(item, a, i, i+1), slow.frame(item, b, i, i+1)
			for _, p := range pairs {
				check(p.src, p.item, x, y)
				check(p.src, p.item, x, y)
			}
		}
	}
}

const oracleDoc = `{"s":"paid","n":20,"big":9223372036854775807,"d":1.50,"b":true,"f":false,"z":null,"e":"","t":"42",
"o":{"s":"x","n":3,"deep":{"n":4}},"items":[{"s":"a","n":1,"q":2,"o":{"n":1}},{"s":"b","n":300,"q":5,"b":true},{"s":"a","n":null}],"list":["20","21",null,""],"nums":[3,1,2]}`

// Every example of the function reference, and what a generator would seldom
// put together.
func TestCodeEqualsTheMachineOnKnownExpressions(t *testing.T) {
	t.Parallel()
	exprs := []string{
		`it.s in ["paid", "accepted"] ? "a" : "b"`,
		`it.n in [20, "x"]`, `it.z in ["a"]`, `it.o in ["a"]`, `it.n in ["a"]`, `"s" in it.o`,
		`it.s == "paid"`, `it.n == "paid"`, `it.z == "paid"`, `it.z == nil`, `nil == it.s`, `it.s != nil`, `it.o == it.o`,
		`any(it.items, .s == "a" and .n > 0)`, `all(it.items, .n > 0)`, `none(it.items, .s == "z")`, `one(it.items, .s == "b")`,
		`one(it.items, .n > 0)`, `find(it.items, .b).s`, `find(it.items, .b) and true`, `not find(it.list, #)`,
		`filter(it.items, .s == "a")[0].n`, `map(it.items, {"s": .s, "i": #index})`, `map(it.nums, map(it.items, #index))`,
		`let n = it.n; let m = n * 2; m + n`, `map(it.items, let s = .s; count(filter(root.items, .s == s)))`,
		`it.z ?? it.e ?? "x"`, `it.items ?? "x"`, `coalesce(it.z, it.e, it.o)`, `coalesce(it.list[9], it.nums[it.n])`,
		`it.items[index].n`, `position + index`, `parent.s`, `store.code + key`, `context.store.missing`,
		"let a = it.n;\nlet b = it.s;\n\na + b", "it.s\n+ it.n",
		`it.n and true`, `it.s contains "ai"`, `it.z startsWith "x"`, `it.n endsWith "x"`, `it.s matches "^p"`, `it.n matches "x"`,
		`it.big + 1`, `-it.big - 2`, `it.n % 0`, `it.d * 2`, `-it.s`, `it.n > it.s`, `it.z >= 1`, `it.d <= 1.5`,
		`sum(map(it.items, int(.n) * int(.q)))`, `sum(map(it.items, coalesce(.n, 0) * coalesce(.q, 1)))`,
		`sum(map(filter(flatten(compact(pluck(it.items, "o"))), .n == 1), .n))`,
		`lookup("carriers", it.s)`, `lookup("carriers", "SF")`, `[it.n, it.s, [1, 2]]`, `[1, 2]`, `{}`, `{"a": {"b": it.z}}`,
		`it.s.x`, `it.nums.x`, `it.o[0]`, `it.o["n"]`, `it.o[it.s]`, `it[it.nums]`, `it.items[it.s]`,
	}
	for _, fn := range Functions() {
		for _, ex := range fn.Examples {
			exprs = append(exprs, ex.Expr)
		}
	}
	doc := tree(t, oracleDoc)
	for _, src := range exprs {
		compareBoth(t, []string{src}, doc, 0)
		compareBoth(t, []string{src, src}, doc, 0)
	}
	compareBoth(t, exprs, doc, 0)
	// The bound strikes at the same rune, whatever is remembered.
	for spent := maxWork - 300; spent <= maxWork; spent += 7 {
		compareBoth(t, exprs[:30], doc, spent)
	}
}

func TestCodeKeepsTheBoundOnLists(t *testing.T) {
	t.Parallel()
	nums := make([]any, 450)
	for i := range nums {
		nums[i] = "x"
	}
	doc := map[string]any{"l": nums}
	exprs := []string{
		`map(it.l, map(it.l, 1))`, `map(it.l, filter(it.l, true))`, `let a = map(it.l, map(take(it.l, 230), 1)); let b = map(it.l, map(take(it.l, 230), 1)); 1`,
		`map(it.l, [map(it.l, {"a": 1}), 1])`, `map(it.l, map(it.l, map(it.l, 1)))`,
	}
	for _, src := range exprs {
		compareBoth(t, []string{src}, doc, 0)
	}
	compareBoth(t, exprs, doc, 0)
}

func TestCodeEqualsTheMachine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "expressions")
		exprs := make([]string, 0, 2*n)
		for range n {
			exprs = append(exprs, drawExpression(t, 4, 0))
		}
		// Parts that come again are remembered.
		exprs = append(exprs, "["+strings.Join(exprs, ", ")+"]")
		spent := 0
		if rapid.Bool().Draw(t, "nearly spent") {
			spent = maxWork - rapid.IntRange(0, 400).Draw(t, "left")
		}
		compareBoth(t, exprs, drawDoc(t), spent)
	})
}

func drawDoc(t *rapid.T) any {
	doc := parsed(oracleDoc).(map[string]any)
	for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"s", "n", "items", "o", "list", "nums", "b"}), 0, 3).Draw(t, "changed") {
		doc[name] = parsed(rapid.SampledFrom([]string{`null`, `"text"`, `7`, `1.25`, `[]`, `[{"n":1},{"n":"2"}]`, `{}`, `{"n":{"n":5}}`, `true`, `"20"`}).Draw(t, "value"))
	}
	return doc
}

// drawExpression writes an expression of at most the given nesting. loops is
// how many loops it stands in.
func drawExpression(t *rapid.T, depth, loops int) string {
	leaf := []string{`it.s`, `it.n`, `it.z`, `it.e`, `it.o.n`, `it.o.deep.n`, `it.t`, `root.s`, `root.o.deep.n`, `root.items[1].n`, `it.items[0].s`,
		`"paid"`, `"20"`, `""`, `1`, `20`, `300`, `nil`, `true`, `it.b`, `index`, `position`, `key`, `store.code`, `it.list`, `it.items`, `root.items`, `it.nums`, `it.o`}
	if loops > 0 {
		leaf = append(leaf, `#`, `.n`, `.s`, `.o.n`, `#index`, `.q`)
	}
	if depth == 0 {
		return rapid.SampledFrom(leaf).Draw(t, "leaf")
	}
	sub := func() string { return drawExpression(t, depth-1, loops) }
	in := func() string { return drawExpression(t, depth-1, loops+1) }
	list := func() string {
		return rapid.SampledFrom([]string{`it.items`, `root.items`, `it.nums`, `it.list`, `filter(root.items, .n != nil)`, `map(it.items, .n)`}).Draw(t, "list")
	}
	switch rapid.IntRange(0, 13).Draw(t, "form") {
	case 0, 1:
		return rapid.SampledFrom(leaf).Draw(t, "leaf")
	case 2:
		return "(" + sub() + " " + rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "%", "in", "contains", "startsWith", "endsWith", "??"}).Draw(t, "op") + " " + sub() + ")"
	case 3:
		return "(" + sub() + " != nil " + rapid.SampledFrom([]string{"and", "or", "&&", "||"}).Draw(t, "op") + " " + sub() + " == " + sub() + ")"
	case 4:
		return "(" + sub() + " ? " + sub() + " : " + sub() + ")"
	case 5:
		return rapid.SampledFrom([]string{"int", "text", "count", "sum", "first", "trim", "compact", "bool", "number", "min", "from_unix"}).Draw(t, "function") + "(" + sub() + ")"
	case 6:
		return "coalesce(" + sub() + ", " + sub() + ")"
	case 7:
		return rapid.SampledFrom([]string{"any", "all", "none", "one", "filter", "find"}).Draw(t, "loop") + "(" + list() + ", " + in() + " == " + in() + ")"
	case 8:
		return "map(" + list() + ", " + in() + ")"
	case 9:
		name := rapid.SampledFrom([]string{"va", "vb", "vc"}).Draw(t, "name")
		body := rapid.SampledFrom([]string{name, "[" + name + ", " + sub() + "]", "coalesce(" + name + ", " + sub() + ")", "count(filter(root.items, .n == " + name + "))"}).Draw(t, "body")
		return "(let " + name + " = " + sub() + "; " + body + ")"
	case 10:
		return "[" + sub() + ", " + sub() + "]"
	case 11:
		return `{"a": ` + sub() + `, "b": ` + sub() + "}"
	case 12:
		return "not (" + sub() + " == " + sub() + ")"
	}
	return `(` + sub() + ` in ["20", "21", "paid"])`
}

// anyTree decodes a document of whatever kind.
func anyTree(doc string) (v any, good bool) {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	good = d.Decode(&v) == nil
	return v, good
}

func parsed(doc string) any {
	v, _ := anyTree(doc)
	return v
}

// FuzzExpression feeds any expression and any document to both.
func FuzzExpression(f *testing.F) {
	for _, fn := range Functions() {
		for _, ex := range fn.Examples {
			f.Add(ex.Expr, oracleDoc)
		}
	}
	f.Add(`let s = text(it.n); sum(map(filter(it.items, text(.n) == s), int(.q)))`, oracleDoc)
	f.Add(`it.s in ["paid"] and any(it.items, .n > 3)`, oracleDoc)
	f.Fuzz(func(t *testing.T, src, doc string) {
		in, good := anyTree(doc)
		if !good || strings.ContainsRune(src, 0) {
			t.Skip()
		}
		compareBoth(t, []string{src, src}, in, 0)
	})
}
