package mapper

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzCompile feeds any text as a mapping file: it compiles or gives problems,
// and what compiles runs within its limits.
func FuzzCompile(f *testing.F) {
	f.Add(benchMapping)
	f.Add(rowsFile("- {to: a, expr: 'map(lines, {{x: .qty * 2}})'}\n- {to: b, append: true, value: [1, 2.50]}"))
	f.Add(rowsFile("- &a {to: a, value: *a}"))
	f.Add("mapping: m\nfields:\n- to: x\n  expr: |\n    let a = 1;\n    a + it.b\n")
	for _, fn := range Functions() {
		for _, ex := range fn.Examples {
			f.Add(rowsFile("- {to: a, expr: " + quoteYAML(ex.Expr) + "}"))
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		shape := orderForm
		p, err := Compile("fuzz.yaml", []byte(src), Options{Input: shape, Lookups: carriers})
		checkRun(t, p, err, tree(t, orderJSON))
	})
}

// FuzzRun feeds any JSON document through a mapping that uses most of the
// language.
func FuzzRun(f *testing.F) {
	p := mustCompile(f, benchMapping, Options{Input: orderForm, Lookups: tables{"products": {"TEE": 101}}})
	loose := mustCompile(f, rowsFile("- {to: a, from: .}\n- {to: b, each: lines, fields: [{to: c, expr: 'int(it.qty) + 1'}, {to: d, expr: 'sum(pluck(parent.lines, \"qty\"))'}]}\n"+
		"- {to: e, expr: 'group_by(it.lines, \"kind\")'}\n- {to: f, expr: 'add(it.amounts.total, it.amounts.freight)'}\n- {to: g, expr: 'address(it.p, it.c, it.d, it.e)'}\n- {to: h, from: phone, convert: phone_e164}\n- {to: i, expr: 'split_address(it.e)'}\n- {to: j, expr: 'decimal(it.x, 2)'}\n- {to: k, expr: 'it.x < it.y'}\n- {to: l, from: x, convert: number}\n- {to: m, expr: 'mul(it.x, it.y)'}"), Options{})
	f.Add(orderJSON)
	f.Add(`{"lines":[{"qty":"3","kind":null}],"x":1e400,"y":-0.0,"phone":"+86 138 0000 0000"}`)
	f.Add(`{"p":"上海市","c":"市辖区","d":"徐汇区","e":"上海市徐汇区示例路2号","x":"1e-99","y":"9e99"}`)
	f.Add(`[[[1]]]`)
	f.Fuzz(func(t *testing.T, doc string) {
		d := json.NewDecoder(strings.NewReader(doc))
		d.UseNumber()
		var in any
		if d.Decode(&in) != nil {
			t.Skip()
		}
		checkRun(t, p, nil, in)
		checkRun(t, loose, nil, in)
	})
}

// checkRun runs a program and checks what every result promises.
func checkRun(t *testing.T, p *Program, err error, in any) {
	t.Helper()
	if err != nil {
		var ps Problems
		if !errors.As(err, &ps) || len(ps) == 0 || len(ps) > maxProblems {
			t.Fatalf("not a list of problems: %v", err)
		}
		for _, problem := range ps {
			if problem.Code == "" || problem.Text == "" {
				t.Fatalf("a problem says nothing: %+v", problem)
			}
		}
		return
	}
	out, err := p.Run(in, Context{Key: "k"})
	if err != nil {
		var es *RunErrors
		if !errors.As(err, &es) || len(es.Errors) == 0 || len(es.Errors) > maxRunErrors {
			t.Fatalf("not a list of errors: %v", err)
		}
		return
	}
	if _, err := json.Marshal(out); err != nil {
		t.Fatalf("the result has no JSON form: %v", err)
	}
	onlyDocumentTypes(t, out)
}

func onlyDocumentTypes(t *testing.T, v any) {
	t.Helper()
	switch x := v.(type) {
	case nil, bool, string, json.Number:
	case []any:
		for _, item := range x {
			onlyDocumentTypes(t, item)
		}
	case map[string]any:
		for _, item := range x {
			onlyDocumentTypes(t, item)
		}
	default:
		t.Fatalf("the result holds a %T", v)
	}
}
