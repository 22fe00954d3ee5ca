package mapper

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCompileProblems(t *testing.T) {
	t.Parallel()
	sale := "mapping: m\noutput: sale\nfields:\n- {to: reference, from: order_no}\n- {to: lines, each: lines, fields: [{to: quantity, from: qty}]}\n"
	cases := []struct {
		name, src string
		code, has string
		line      int
	}{
		{"empty", "", CodeYAML, "empty", 1},
		{"not yaml", "mapping: [", CodeYAML, "not YAML", 1},
		{"tabs", "mapping: m\nfields:\n\t- {to: a}", CodeYAML, "tabs", 3},
		{"two documents", "mapping: m\n---\nmapping: n\n", CodeYAML, "second document", 2},
		{"no title", "fields:\n- {to: a, value: 1}", CodeYAML, "title", 1},
		{"top key", "maping: m\nfields:\n- {to: a, value: 1}", CodeUnknownKey, "mapping", 1},
		{"row key", rowsFile("- {to: a, form: b}"), CodeUnknownKey, "did you mean from?", 3},
		{"key twice", rowsFile("- {to: a, value: 1, value: 2}"), CodeDuplicate, "twice", 3},
		{"no to", rowsFile("- {from: order_no}"), CodeRow, "no to", 3},
		{"no source", rowsFile("- {to: a}"), CodeRow, "where the value comes from", 3},
		{"two sources", rowsFile("- {to: a, from: order_no, expr: order_no}"), CodeRow, "exclude", 3},
		{"number as path", rowsFile("- {to: a, from: 12}"), CodeYAML, "quotes", 3},
		{"octal constant", rowsFile("- {to: a, value: 012}"), CodeYAML, "exact JSON form", 3},
		{"merge key", rowsFile("- &r {to: a, value: 1}\n- {<<: *r, to: b}"), CodeYAML, "plain name", 4},
		{"unknown field", rowsFile("- {to: a, from: order_number}"), CodeUnknownField, "did you mean order_no?", 3},
		{"unknown field deep", rowsFile("- {to: a, from: ship_to.phon}"), CodeUnknownField, "phone", 3},
		{"field of a list", rowsFile("- {to: a, from: lines.qty}"), CodeUnknownField, "pluck", 3},
		{"context without @", rowsFile("- {to: a, from: key}"), CodeUnknownField, "@key", 3},
		{"field of the document", rowsFile("- {to: a, each: lines, fields: [{to: b, from: order_no}]}"), CodeUnknownField, "$.order_no", 3},
		{"too many ^", rowsFile("- {to: a, from: ^.x}"), CodePath, "enclosing", 3},
		{"unknown context", rowsFile("- {to: a, from: '@stroe.code'}"), CodeUnknownField, "store", 3},
		{"expression in from", rowsFile("- {to: a, from: 'lines[0].qty + 1'}"), CodePath, "use expr", 3},
		{"unknown name", rowsFile("- {to: a, expr: oder_no + 1}"), CodeUnknownField, "order_no", 3},
		{"unknown function", rowsFile("- {to: a, expr: uper(order_no)}"), CodeFunction, "did you mean upper?", 3},
		{"unknown converter", rowsFile("- {to: a, from: order_no, convert: trimm}"), CodeFunction, "did you mean trim?", 3},
		{"arguments", rowsFile("- {to: a, expr: 'limit(order_no)'}"), CodeFunction, "limit(text, n)", 3},
		{"converter arguments", rowsFile("- {to: a, from: order_no, convert: limit}"), CodeFunction, "limit(n)", 3},
		{"mode", rowsFile("- {to: a, expr: 'div(1, 2, \"halfup\")'}"), CodeFunction, "half_up", 3},
		{"zone", rowsFile("- {to: a, from: placed_at, convert: date(Beijing)}"), CodeFunction, "Asia/Shanghai", 3},
		{"layout", rowsFile("- {to: a, from: placed_at, convert: 'time(yyyy-MM-dd, UTC)'}"), CodeFunction, "layout", 3},
		{"division", rowsFile("- {to: a, expr: 'lines[0].qty / 2'}"), CodeExpression, "div(", 3},
		{"float", rowsFile("- {to: a, expr: 'rate(100, 0.06)'}"), CodeExpression, `"0.06"`, 3},
		{"power", rowsFile("- {to: a, expr: 2 ** 3}"), CodeExpression, "float", 3},
		{"method", rowsFile("- {to: a, expr: 'order_no.String()'}"), CodeFunction, "f(x)", 3},
		{"slice", rowsFile("- {to: a, expr: 'order_no[0:3]'}"), CodeExpression, "shorten", 3},
		{"comma in braces", rowsFile("- {to: a, from: placed_at, convert: time(date, UTC)}"), CodeUnknownKey, "comma", 3},
		{"library function", rowsFile("- {to: a, expr: 'toJSON(order_no)'}"), CodeFunction, "to_json", 3},
		{"library escape", rowsFile("- {to: a, expr: '::now()'}"), CodeFunction, "now", 3},
		{"reduce", rowsFile("- {to: a, expr: 'reduce(lines, #acc + 1, 0)'}"), CodeFunction, "reduce", 3},
		{"environment", rowsFile("- {to: a, expr: '$env.it'}"), CodeUnknownField, "$env", 3},
		{"item field in a loop", rowsFile("- {to: a, expr: 'filter(lines, sku_code == \"x\")'}"), CodeUnknownField, ".sku_code", 3},
		{"enum literal", rowsFile("- {to: a, value: 1, when: 'status in [\"payed\"]'}"), CodeEnum, "did you mean paid?", 3},
		{"comparison", rowsFile("- {to: a, value: 1, when: 'status == 1'}"), CodeType, "never be equal", 3},
		{"condition", rowsFile("- {to: a, value: 1, when: order_no}"), CodeType, "true or false", 3},
		{"map key", rowsFile("- {to: a, from: status, map: {paied: 1}, else: 0}"), CodeEnum, "paid", 3},
		{"map not complete", rowsFile("- {to: a, from: status, map: {paid: 1}}"), CodeEnum, "accepted, closed", 3},
		{"unknown table", rowsFile("- {to: a, from: order_no, lookup: nope}"), CodeLookupTable, "nope", 3},
		{"table not declared", "mapping: m\nlookups: []\nfields:\n- {to: a, from: order_no, lookup: carriers}", CodeLookupTable, "not declared", 3},
		{"table not used", "mapping: m\nlookups: [carriers]\nfields:\n- {to: a, from: order_no}", CodeLookupTable, "never used", 2},
		{"on_missing", rowsFile("- {to: a, from: order_no, lookup: carriers, on_missing: skip}"), CodeRow, "skip", 3},
		{"same target", rowsFile("- {to: a, value: 1}\n- {to: a, value: 2}"), CodeDuplicate, "line 3", 4},
		{"whole and part", rowsFile("- {to: a, from: ship_to}\n- {to: a.city, value: 2}"), CodeDuplicate, "as a whole", 4},
		{"list twice", rowsFile("- {to: a, each: lines, from: qty}\n- {to: a, append: true, value: 2}"), CodeDuplicate, "append: true", 4},
		{"index in to", rowsFile("- {to: 'a[0]', value: 1}"), CodePath, "append", 3},
		{"target field", sale + "- {to: refrence, value: x}", CodeUnknownField, "reference", 6},
		{"target missing", "mapping: m\noutput: sale\nfields:\n- {to: reference, from: order_no}", CodeMissingField, "lines", 3},
		{"target item missing", "mapping: m\noutput: sale\nfields:\n- {to: reference, from: order_no}\n- {to: lines, each: lines, fields: [{to: note, value: x}]}", CodeMissingField, "quantity", 5},
		{"target object missing", sale + "- {to: party.phone, value: x}", CodeMissingField, "name", 3},
		{"target type", sale + "- {to: sale_date, from: amounts.total}", CodeType, "an object", 6},
		{"target enum", sale + "- {to: state, value: WAITING}", CodeEnum, "did you mean WAIT?", 6},
		{"target enum of map", sale + "- {to: state, from: status, map: {paid: WAITS}, else: DONE}", CodeEnum, "WAIT", 6},
		{"converter result", sale + "- {to: sale_date, from: lines, convert: count}", CodeType, "a number", 6},
		{"target is no list", sale + "- {to: comment, each: lines, from: sku_code}", CodeType, "not a list", 6},
		{"target is a list", sale + "- {to: lines.product, value: 1}", CodeType, "is a list", 6},
		{"schema", "mapping: m\ninput: canonical/ordre\nfields:\n- {to: a, value: 1}", CodeUnknownField, "canonical/ordre", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opt := Options{Input: orderForm, Lookups: carriers, Shapes: func(name string) (Shape, bool) {
				if name == "sale" {
					return saleForm, true
				}
				return nil, false
			}}
			if strings.Contains(c.src, "canonical/") {
				opt.Input = nil
			}
			_, err := Compile("m.yaml", []byte(c.src), opt)
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatalf("no problem found: %v", err)
			}
			p := ps[0]
			if p.Code != c.code || p.Line != c.line || !strings.Contains(p.Error(), c.has) {
				t.Errorf("got %s in line %d: %v", p.Code, p.Line, p)
			}
		})
	}
}

func TestCompileReportsEverything(t *testing.T) {
	t.Parallel()
	_, err := Compile("m.yaml", []byte(rowsFile("- {to: a, from: nope}\n- {to: b, expr: 'upper(gone) + lower(away)'}\n- {to: c, frm: x}\n- {to: a, value: 1}")), Options{Input: orderForm})
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 5 {
		t.Fatalf("got %d problems:\n%v", len(ps), err)
	}
	for i, want := range []string{"m.yaml:3:17: a: ", "m.yaml:4:24: b: ", "m.yaml:4:38: b: ", "m.yaml:5:11: ", "m.yaml:6:8: a: "} {
		if !strings.HasPrefix(ps[i].Error(), want) {
			t.Errorf("problem %d is %q, want it at %q", i, ps[i].Error(), want)
		}
	}
}

func TestProblemsInBlockTexts(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		rowsFile("- to: a\n  expr: |\n    let x = 1;\n    x + nope\n"): "m.yaml:6:5: a: there is no nope",
		rowsFile("- to: a\n  expr: >-\n    1 +\n    nope\n"):           "m.yaml:4:9: a: there is no nope",
		rowsFile("- to: a\n  expr: \"1 + nope\"\n"):                    "m.yaml:4:14: a: there is no nope",
	} {
		if _, err := Compile("m.yaml", []byte(src), Options{Input: orderForm}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n%v, want %s", src, err, want)
		}
	}
}

func TestCompileWithoutShapes(t *testing.T) {
	t.Parallel()
	_, err := Compile("m.yaml", []byte(rowsFile("- {to: a, expr: order_no}")), Options{})
	if err == nil || !strings.Contains(err.Error(), "it.order_no") {
		t.Errorf("a bare name without a schema must point to it.order_no: %v", err)
	}
	mustCompile(t, rowsFile("- {to: a, expr: it.order_no}\n- {to: b, from: order_no}"), Options{})
}

func TestCompileIsBounded(t *testing.T) {
	t.Parallel()
	bomb := "mapping: m\nfields:\n- {to: a0, value: &a0 [x, x, x, x, x, x, x, x, x, x]}\n"
	for i := 1; i < 8; i++ {
		bomb += fmt.Sprintf("- {to: a%d, value: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d]}\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	ternary := "it.a"
	for range 40 {
		ternary = "(" + ternary + " ?: it.b)"
	}
	cases := map[string]string{
		"alias bomb":     bomb,
		"deep yaml":      "mapping: m\nfields:\n- {to: a, value: " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "}",
		"long file":      "mapping: m\nfields:\n- {to: a, value: '" + strings.Repeat("x", maxSourceBytes) + "'}",
		"long expr":      rowsFile("- {to: a, expr: '" + strings.Repeat("1+", maxExprBytes) + "1'}"),
		"wide expr":      rowsFile("- {to: a, expr: '" + strings.Repeat("1+", 1500) + "1'}"),
		"deep expr":      rowsFile("- {to: a, expr: '" + strings.Repeat("-(", 70) + "1" + strings.Repeat(")", 70) + "'}"),
		"shared nodes":   rowsFile("- {to: a, expr: '" + ternary + "'}"),
		"many rows":      rowsFile(strings.Repeat("- {to: a, append: true, value: 1}\n", maxRows+1)),
		"long path":      rowsFile("- {to: a, from: " + strings.TrimPrefix(strings.Repeat(".a", maxPathSteps+1), ".") + "}"),
		"many problems":  rowsFile(strings.Repeat("- {too: a}\n", 1000)),
		"alias to alias": "mapping: &m m\nfields: &f\n- {to: a, fields: *f}\n",
	}
	for name, src := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile("m.yaml", []byte(src), Options{})
			var ps Problems
			if !errors.As(err, &ps) || len(ps) > maxProblems {
				t.Fatalf("got %d problems: %.200v", len(ps), err)
			}
		})
	}
}
