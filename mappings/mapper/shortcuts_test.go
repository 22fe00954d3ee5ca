package mapper

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestShareOutIn64BitsEqualsTheLongWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, rapid.SampledFrom([]int64{3, 1e6, math.MaxInt64}).Draw(t, "most")), 1, 12).Draw(t, "weights")
		got, fits := largestRemainder64(total, weights)
		sum := new(big.Int)
		for _, w := range weights {
			sum.Add(sum, big.NewInt(w))
		}
		if want := sum.Sign() > 0 && sum.IsUint64(); fits != want {
			t.Fatalf("the weights sum to %v: fits is %v", sum, fits)
		}
		if want := largestRemainderBig(total, weights); fits && !slices.Equal(got, want) {
			t.Fatalf("%d by %v is %v, want %v", total, weights, got, want)
		}
	})
}

func TestCleanLeavesPlainTextAsTheLongWayDoes(t *testing.T) {
	t.Parallel()
	for r := range rune(utf8.MaxRune + 1) {
		if plainRune(r) && (unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') {
			t.Fatalf("%U is called plain", r)
		}
	}
	if isPlain("a\xffb") {
		t.Fatal("a broken text is called plain")
	}
	if got := cleanText("　 张三\u200b\n李 "); got != "张三 李" {
		t.Fatalf("cleaned to %q", got)
	}
}

func TestMobileDigits(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[0-2][2-9][0-9]{8,10}[0-9a\n]?`).Draw(t, "number")
		if mobileDigits(s) != form.MatchString(s) {
			t.Fatalf("%q: %v", s, mobileDigits(s))
		}
	})
}

// Comparing objects stops at the first field in the order of the names,
// whatever the order in memory is.
func TestObjectsAreComparedInAFixedOrder(t *testing.T) {
	t.Parallel()
	for range 200 {
		differs, err := equal(map[string]any{"a": 1, "b": "x", "c": 3}, map[string]any{"a": 2, "b": 5, "c": 3})
		if differs || err != nil {
			t.Fatalf("a differs before b cannot be compared: %v, %v", differs, err)
		}
		if _, err := equal(map[string]any{"a": 1, "b": 5, "c": 3}, map[string]any{"a": "1", "b": 6, "c": 3}); err == nil {
			t.Fatal("a cannot be compared and b differs: want the error of a")
		}
	}
}

// What a row makes itself goes into the result uncopied; this shows that it is
// counted, converted and kept apart from the input all the same.
const copiesMapping = "- {to: a, from: o}\n- {to: b, expr: '[it.o, it.n, {\"x\": it.o, \"y\": index}]'}\n- {to: c, expr: 'filter(it.l, true)'}\n" +
	"- {to: d, expr: 'map(it.l, {{\"v\": #, \"i\": #index}})'}\n- {to: e, expr: 'money(it.n, \"CNY\")'}\n- {to: f, expr: 'money(it.n, \"CNY\")'}\n" +
	"- {to: g, from: n, convert: money(CNY)}\n- {to: h, expr: '[money(it.n, \"CNY\"), money(it.n, \"CNY\")]'}\n- {to: i, value: {k: [1]}}\n" +
	"- {to: j, expr: 'let us = map(it.l, [#]); us'}\n- {to: k, expr: 'let us = map(it.l, [#]); us'}\n- {to: l, from: missing, default: {z: []}}\n- {to: m, expr: '[1, [2, 3]]'}\n" +
	"- {to: n, each: '[{\"a\": it.o}, {\"a\": it.n}]', from: .}\n- {to: p, expr: 'let x = {\"a\": {\"b\": it.n}}; x.a'}\n- {to: q, expr: '{\"a\": {\"b\": it.n}}'}\n" +
	"- {to: r, expr: 'first(map(it.l, {{\"v\": #}}))'}\n- {to: s, expr: 'true ? {\"a\": it.n} : nil'}\n- {to: t, append: true, expr: '{\"a\": it.o}'}\n- {to: w, expr: '{\"here\": it.n, \"too\": {\"o\": it.o}}'}\n- {to: x, expr: 'let n = it.n; {\"there\": n}'}\n- {to: y, expr: '[{\"only\": it.n}]'}\n- {to: u, expr: 'it.z ?? {\"a\": it.o}'}\n"

const copiesDoc = `{"o":{"p":{"q":[1,"x",true,null]}},"n":1200,"l":[{"r":[1]},[2],"t",3]}`

func TestResultsShareNothing(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, rowsFile(copiesMapping), Options{})
	in := tree(t, copiesDoc)
	first, err := p.Run(in, Context{})
	if err != nil {
		t.Fatal(err)
	}
	want := tree(t, jsonText(t, first))
	shared, err := p.RunSharing(in, Context{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, shared); diff != "" {
		t.Fatalf("RunSharing gives something else (-Run +RunSharing):\n%s", diff)
	}
	onlyDocumentTypes(t, first)
	spoil(first)
	if diff := cmp.Diff(tree(t, copiesDoc), in); diff != "" {
		t.Fatalf("the result holds parts of the input:\n%s", diff)
	}
	again, err := p.Run(in, Context{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Fatalf("the result holds parts of the program:\n%s", diff)
	}
	// What expressions make is used again by later runs; results stay.
	for _, other := range []string{`{"o":"other","n":7,"l":[1,2,3,4,5,6]}`, `{"o":{},"n":0,"l":[]}`} {
		if _, err := p.Run(tree(t, other), Context{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Fatalf("a later run changed the result:\n%s", diff)
		}
		if diff := cmp.Diff(want, shared); diff != "" {
			t.Fatalf("a later run changed the shared result:\n%s", diff)
		}
	}
	// No two places of a result are one object either.
	for _, name := range []string{"e", "f", "g"} {
		again.(map[string]any)[name].(map[string]any)["minor"] = json.Number("0")
		left := 0
		for _, other := range []string{"e", "f", "g"} {
			if again.(map[string]any)[other].(map[string]any)["minor"] == json.Number("1200") {
				left++
			}
		}
		if want := strings.Index("gfe", name); left != want {
			t.Fatalf("after a change of %s %d amounts are left, want %d", name, left, want)
		}
	}
}

// spoil overwrites everything in a tree.
func spoil(v any) {
	switch x := v.(type) {
	case []any:
		for i, item := range x {
			spoil(item)
			x[i] = "spoilt"
		}
	case map[string]any:
		for k, item := range x {
			spoil(item)
			x[k] = "spoilt"
		}
	}
}

func TestBoundsOfResultsDoNotDependOnCopying(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nodes, bytes := rapid.IntRange(0, 40).Draw(t, "values left"), rapid.IntRange(0, 200).Draw(t, "bytes left")
		doc := parsed(copiesDoc)
		for _, depth := range []int{0, maxDepth - 2} {
			plain, adopted, shared := outputLeft(nodes, bytes), outputLeft(nodes, bytes), outputLeft(nodes, bytes)
			want, wantErr := plain.copy(doc, depth)
			got, err := shared.share(doc, depth)
			if diff := cmp.Diff([]any{want, codeOf(wantErr)}, []any{got, codeOf(err)}); diff != "" {
				t.Fatal(diff)
			}
			got, err = adopted.adopt(parsed(copiesDoc), depth)
			if diff := cmp.Diff([]any{want, codeOf(wantErr)}, []any{got, codeOf(err)}); diff != "" {
				t.Fatal(diff)
			}
			if wantErr == nil && (plain != adopted || plain != shared) {
				t.Fatalf("counted %v, %v and %v", plain, adopted, shared)
			}
		}
	})
}

func outputLeft(nodes, bytes int) output {
	return output{nodes: maxNodes - nodes, bytes: maxResultBytes - bytes}
}

func codeOf(err error) string {
	if ft, failed := err.(*fault); failed && ft != nil {
		return ft.code
	}
	return ""
}
