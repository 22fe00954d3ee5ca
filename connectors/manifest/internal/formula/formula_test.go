package formula

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/schemas/codec"
)

func env(t testing.TB) Env {
	t.Helper()
	tree, err := codec.Decode([]byte(`{"id":9007199254740993,"no":"A1","n":0,"zero":"0","price":18.20,"yuan":"18.2","tags":["a","b"],"none":null,
		"lines":[{"sku":"x","qty":2},{"sku":"y","qty":"3"}],"on":true,"text":"true","at":"2026-03-01 08:00:00","m":{"b":1,"a":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	return Env{"row": tree, "now": time.Unix(1772323200, 0), "doc": nil}
}

var roots = []string{"row", "now", "doc"}

func TestEval(t *testing.T) {
	for src, want := range map[string]string{
		`row.id`:                           `9007199254740993`,
		`row.id + 1`:                       `9007199254740994`,
		`row.id == "9007199254740993"`:     `true`,
		`row.id == 9007199254740992`:       `false`,
		`row.price`:                        `18.20`,
		`row.price * 3`:                    `54.6`,
		`0.1 + 0.2`:                        `0.3`,
		`0.1 + 0.2 == 0.3`:                 `true`,
		`row.price == 18.2`:                `true`,
		`row.yuan == row.price`:            `false`, // text and number are compared as written
		`number(row.yuan) == row.price`:    `true`,
		`fen(row.price) == fen(row.yuan)`:  `true`,
		`row.n == row.zero`:                `true`,
		`row.none == 0`:                    `false`,
		`row.none == nil`:                  `true`,
		`row.nothing.at.all`:               `null`,
		`row.nothing ?? "x"`:               `"x"`,
		`doc.a.b`:                          `null`,
		`row.lines[1].sku`:                 `"y"`,
		`row.lines[-1].qty`:                `"3"`,
		`row.lines[9]`:                     `null`,
		`row["no"]`:                        `"A1"`,
		`row.on == "true"`:                 `true`,
		`row.on == row.text`:               `true`,
		`not row.none`:                     `true`,
		`row.n in [0, 1]`:                  `true`,
		`"0" in [0, 1]`:                    `true`,
		`"a" in row.tags`:                  `true`,
		`"m" in row`:                       `true`,
		`1 in row.none`:                    `false`,
		`row.no matches "^[A-Z][0-9]$"`:    `true`,
		`row.no contains "1"`:              `true`,
		`row.tags contains "b"`:            `true`,
		`row.no startsWith "A"`:            `true`,
		`any(row.lines, .qty == 3)`:        `true`,
		`all(row.lines, .qty > 1)`:         `true`,
		`none(row.lines, .sku == "z")`:     `true`,
		`map(row.lines, .sku)`:             `["x","y"]`,
		`map(row.lines, #index)`:           `[0,1]`,
		`filter(row.lines, .sku == "x")`:   `[{"qty":2,"sku":"x"}]`,
		`count(row.lines, .qty == 2)`:      `1`,
		`find(row.lines, .sku == "y").qty`: `"3"`,
		`sum(row.lines, .qty)`:             `5`,
		`sum(row.none)`:                    `0`,
		`map(row.none, .x)`:                `[]`,
		`row.on ? "yes" : "no"`:            `"yes"`,
		`let x = row.n; x + 1`:             `1`,
		`{a: row.n, "b": [1]}`:             `{"a":0,"b":[1]}`,
		`row.no[:1] + "-" + row.n`:         `"A-0"`,
		`row.tags[1:]`:                     `["b"]`,
		`7 / 2`:                            `3.5`,
		`7 % 2`:                            `1`,
		`-row.price`:                       `-18.2`,
		`"b" > "a"`:                        `true`,
		`row.none > 1`:                     `false`,
		`"10" > 9`:                         `true`,
		`unix(now)`:                        `1772323200`,
		`now == time(1772323200, "unix")`:  `true`,
		`time("0", "unix") == nil`:         `true`,
		`time(row.at, "datetime", "Asia/Shanghai") == now`: `true`,
		`row.tags | join(",")`:                             `"a,b"`,
	} {
		e, err := Compile(src, roots)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		v, err := e.Eval(env(t))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := codec.Encode(plainTree(v)); err != nil || string(got) != want {
			t.Errorf("%s gives %s, want %s (%v)", src, got, want, err)
		}
	}
}

func TestFaults(t *testing.T) {
	for src, want := range map[string]string{
		`ro.id`:                                 "did you mean row?",
		`row.`:                                  "",
		`row.a = 1`:                             "==",
		`lenn(row)`:                             "did you mean len?",
		`len()`:                                 "len(x)",
		`row matches doc`:                       "in quotes",
		`row matches "("`:                       "RE2",
		`#`:                                     "",
		`row.x(1)`:                              "named functions",
		`time(row, "yyyy")`:                     "time format",
		`time(row, "datetime", "Asia/Shangai")`: "zone",
		``:                                      "empty",
		`row ** 2`:                              "not part",
		strings.Repeat("(", 900):                "",
	} {
		_, err := Compile(src, roots)
		var f *Fault
		if !errors.As(err, &f) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", src, err, want)
		}
	}
	for _, src := range []string{`row.no + row.tags`, `row.no - 1`, `row.n / 0`, `row.lines.sku`, `fen("1.234")`, `row.no ? 1 : 2`, `number("x")`, `map(row.no, #)`, `row.tags > 1`,
		`1..100000`, `from_json("{")`, `from_base64("%")`} {
		e, err := Compile(src, roots)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if v, err := e.Eval(env(t)); err == nil {
			t.Errorf("%s gives %v, want a fault", src, v)
		} else if strings.Contains(err.Error(), "A1") {
			t.Errorf("%s: the fault quotes the document: %v", src, err)
		}
	}
}

func TestWorkIsBounded(t *testing.T) {
	for _, src := range []string{
		`map(1..9999, map(1..9999, map(1..9999, 1)))`,
		`let a = join(map(1..9999, "0123456789"), ""); let b = a + a + a + a; let c = b + b + b + b; let d = c + c + c + c; d + d + d + d`,
		`let a = "9999999999999999999999999"; let n = number(a); let b = n * n; let c = b * b; c * c`,
	} {
		e, err := Compile(src, nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := e.Eval(nil); err == nil {
			t.Errorf("%s ends well", src)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s took %v", src, took)
		}
	}
}

func TestFunctionExamples(t *testing.T) {
	for _, f := range Functions() {
		e, err := Compile(f.Example, nil)
		if err != nil {
			t.Errorf("%s: %v", f.Example, err)
			continue
		}
		v, err := e.Eval(nil)
		if err != nil {
			t.Errorf("%s: %v", f.Example, err)
			continue
		}
		var want any
		dec := json.NewDecoder(strings.NewReader(f.Gives))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if !Equal(v, want) {
			t.Errorf("%s gives %v, want %s", f.Example, v, f.Gives)
		}
		if f.Text == "" || f.Params == "" {
			t.Errorf("%s has no text", f.Name)
		}
	}
}

func TestTemplates(t *testing.T) {
	for src, want := range map[string]string{
		`/orders/{{ row.id }}`:     `"/orders/9007199254740993"`,
		`{{ row.id }}`:             `9007199254740993`,
		`{{ row.tags }}`:           `["a","b"]`,
		`{{ {a: {b: 1}} }}`:        `{"a":{"b":1}}`,
		`{{ row.no }}-{{ row.n }}`: `"A1-0"`,
		`no braces`:                `"no braces"`,
		``:                         `""`,
		`{{ row.none }}`:           `null`,
		`x{{ row.none }}`:          `"x"`,
		`{{ "}}" }}`:               `"}}"`,
	} {
		tm, err := CompileTemplate(src, roots)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		v, err := tm.Eval(env(t))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := codec.Encode(v); err != nil || string(got) != want {
			t.Errorf("%s gives %s, want %s (%v)", src, got, want, err)
		}
	}
	for _, src := range []string{`{{ row.id`, `{{ }}`, `{{ roww }}`} {
		if _, err := CompileTemplate(src, roots); err == nil {
			t.Errorf("%s compiles", src)
		}
	}
}

func TestDurations(t *testing.T) {
	for src, want := range map[string]time.Duration{"30s": 30 * time.Second, "7d": 7 * 24 * time.Hour, "1h30m": 90 * time.Minute, "45": 45 * time.Second, "1.5": 1500 * time.Millisecond} {
		if got, ok := Duration(src); !ok || got != want {
			t.Errorf("%s: %v %t", src, got, ok)
		}
	}
	for _, src := range []string{"", "x", "1y", "d", "99999999999999d"} {
		if got, ok := Duration(src); ok {
			t.Errorf("%s: %v", src, got)
		}
	}
}

// FuzzEval compiles and runs any expression against any document: never a panic, never
// out of bounds, never a float, never the same twice in different ways.
func FuzzEval(f *testing.F) {
	for _, src := range []string{`row.a[0].b + 1`, `any(row, .x == 1 and # != nil)`, `{{ row }}-{{ now }}`, `text(row)[1:3] matches "a"`, `let x = row; x ?? {a: [x]}`, `sum(row.l, .n) / 3 % 2`} {
		f.Add(src, `{"a":[{"b":2}],"l":[{"n":1.5}]}`)
	}
	for _, fn := range Functions() {
		f.Add(fn.Example, `{}`)
	}
	f.Fuzz(func(t *testing.T, src, doc string) {
		tree, err := codec.Decode([]byte(doc))
		if err != nil {
			tree = doc
		}
		tm, err := CompileTemplate(src, roots)
		if e, cerr := Compile(src, roots); cerr == nil {
			check(t, func() (any, error) { return e.Eval(Env{"row": tree, "now": time.Unix(0, 0)}) })
		}
		if err != nil {
			return
		}
		check(t, func() (any, error) { return tm.Eval(Env{"row": tree, "now": time.Unix(0, 0)}) })
		_, _ = tm.Escaped(Env{"row": tree, "now": time.Unix(0, 0)}, func(s string) (string, error) { return strings.ToUpper(s), nil })
	})
}

func check(t *testing.T, eval func() (any, error)) {
	t.Helper()
	a, errA := eval()
	b, errB := eval()
	if (errA == nil) != (errB == nil) || errA == nil && !Equal(a, b) {
		t.Fatalf("two runs differ: %v %v, %v %v", a, errA, b, errB)
	}
	var f *Fault
	if errA != nil && !errors.As(errA, &f) {
		t.Fatalf("%T is no fault: %v", errA, errA)
	}
	if errA == nil && !codec.IsTree(plainTree(a)) {
		t.Fatalf("the result is no tree: %#v", a)
	}
}
