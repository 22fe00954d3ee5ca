package mapper

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// memoMapping says the same at the document, at items, at items of items, at
// nested documents and at several positions of one list.
const memoMapping = `
- {to: total, expr: 'sum(map(it.items, int(coalesce(.n, 0)) * 2))'}
- {to: again, expr: 'sum(map(it.items, int(coalesce(.n, 0)) * 2))', when: 'sum(map(it.items, int(coalesce(.n, 0)) * 2)) > 1'}
- {to: list, append: true, expr: 'text(it.s) + text(position) + text(count(it.items))'}
- {to: list, append: true, expr: 'text(it.s) + text(position) + text(count(it.items))', when: count(it.items) > 1}
- {to: list, append: true, expr: 'text(it.s) + text(position) + text(count(it.items))'}
- to: nested
  from: o
  fields:
  - {to: a, expr: 'text(it.n) + text(root.s)'}
  - {to: b, expr: 'text(it.n) + text(root.s)'}
  - {to: c, expr: 'text(parent.s) + text(parent.s)'}
- to: lines
  each: items
  when: 'coalesce(it.n, 1) != coalesce(it.q, 0)'
  fields:
  - {to: s, expr: 'let s = text(it.s); count(filter(root.items, text(coalesce(.s, "")) == s)) + index'}
  - {to: t, expr: 'let s = text(it.s); count(filter(root.items, text(coalesce(.s, "")) == s)) + position'}
  - {to: u, expr: 'let s = text(it.s); [s, count(filter(root.items, text(coalesce(.s, "")) == s)), parent.o.deep.n, root.o.deep.n]'}
  - {to: v, expr: 'sum(map(root.items, int(coalesce(.n, 0)) * 2)) - index'}
  - to: inner
    each: 'filter(root.items, .s != it.s)'
    omit_empty: true
    fields:
    - {to: x, expr: 'text(it.s) + text(parent.s) + text(index)'}
    - {to: y, expr: 'text(it.s) + text(parent.s) + text(index)'}
    - {to: z, expr: 'sum(map(root.items, int(coalesce(.n, 0)) * 2)) + count(compact(pluck(root.items, "s")))'}
- {to: table, expr: 'lookup("carriers", coalesce(it.t, "SF"), "none") + lookup("carriers", "SF")'}
`

func TestRememberingCannotBeSeen(t *testing.T) {
	t.Parallel()
	src := []byte(rowsFile(memoMapping))
	with := mustCompile(t, string(src), Options{Lookups: carriers})
	without, err := compile("test.yaml", src, Options{Lookups: carriers}, func(u *usage) {
		clear(u.times) // nothing is wanted twice
		u.generate()
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := with.Run(parsed(oracleDoc), Context{}); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDoc(t)
		want, wantErr := without.Run(doc, Context{Key: "k"})
		for range 2 {
			got, err := with.Run(doc, Context{Key: "k"})
			if diff := cmp.Diff([]any{want, textOfError(wantErr)}, []any{got, textOfError(err)}); diff != "" {
				t.Fatalf("remembering changes the result (-without +with):\n%s", diff)
			}
		}
	})
}

func textOfError(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A table may be filled between two rows, so its entries are asked each time.
func TestLookupsAreNotRemembered(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, rowsFile(`
- {to: a, expr: 'lookup("carriers", it.code, "none") + "!"'}
- {to: b, expr: 'lookup("carriers", it.code, "none") + "!"'}
- {to: c, expr: 'map([1, 2], lookup("carriers", root.code, "none"))'}`), Options{})
	asked := 0
	out, err := p.Run(map[string]any{"code": "SF"}, Context{Lookups: countingTable{&asked}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": "1!", "b": "2!", "c": []any{"3", "4"}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Fatal(diff)
	}
}

type countingTable struct{ asked *int }

func (countingTable) Has(string) bool { return true }

func (c countingTable) Get(string, string) (any, bool) {
	*c.asked++
	return string(rune('0' + *c.asked)), true
}

// What is remembered is charged as if it were computed again.
func TestRememberedWorkIsCharged(t *testing.T) {
	t.Parallel()
	rows := ""
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		rows += "- {to: " + name + ", expr: 'any(it.l, any(root.l, # != nil))'}\n"
	}
	p := mustCompile(t, rowsFile(rows), Options{})
	doc := map[string]any{"l": make([]any, 1000)} // 1.0 million units a row
	_, err := p.Run(doc, Context{})
	var es *RunErrors
	if !errors.As(err, &es) || len(es.Errors) != 1 || es.Errors[0].Code != CodeLimit {
		t.Fatalf("eight rows of a million units pass: %v", err)
	}
	if es.Errors[0].Target != "f" {
		t.Fatalf("the bound strikes at %s, want f", es.Errors[0].Target)
	}
}
