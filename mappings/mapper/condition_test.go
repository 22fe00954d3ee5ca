package mapper

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCondition(t *testing.T) {
	t.Parallel()
	env := Env{Name: "order", Doc: orderForm}
	for src, want := range map[string]bool{
		`order.status in ["paid", "accepted"]`:        true,
		`status == "closed"`:                          false,
		`order.amounts.total.minor >= 10800`:          true,
		`any(order.lines, .kind == "gift") and !gift`: true,
		`source.connection startsWith "shop"`:         true,
	} {
		c, err := CompileCondition(src, Position{}, env)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Eval(tree(t, orderJSON), Context{Source: map[string]any{"connection": "shop-a"}})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", src, got, err)
		}
	}
	for src, has := range map[string]string{
		`order.state == "paid"`:    "flow.yaml:7:17: the document has no field state",
		`order.status in ["payd"]`: "did you mean paid?",
		`order.order_no`:           "true or false",
		`ordr.status == "paid"`:    "did you mean order?",
		`order.status = "paid"`:    "==",
	} {
		_, err := CompileCondition(src, Position{File: "flow.yaml", Line: 7, Column: 11}, env)
		var ps Problems
		if !errors.As(err, &ps) || !strings.Contains(err.Error(), has) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestConditionErrorNamesNoValue(t *testing.T) {
	t.Parallel()
	c, err := CompileCondition("1 + it.ship_to.recipient == 2", Position{File: "f.yaml", Line: 3, Column: 5}, Env{Name: "order"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Eval(tree(t, orderJSON), Context{})
	var es *RunErrors
	if !errors.As(err, &es) || es.Errors[0].Column != 7 || strings.Contains(err.Error(), "张三") {
		t.Errorf("got %v", err)
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	env := Env{Name: "order", Doc: orderForm}
	doc := tree(t, orderJSON)
	for src, want := range map[string]string{
		"{store.code}-{order_no}":                          "shop-a-9007199254740993",
		"{context.store.code}:{order.lines[0].line_no}":    "hub:1",
		`{{{upper(store.code)}}}`:                          "{SHOP-A}",
		`x{map([{"a": "}"}], .a)[0]}y`:                     "x}y",
		"{source.connection}/{it.order_no | right(4)}":     "conn/0993",
		"{coalesce(buyer_note, \"none\")}{order.order_no}": "none9007199254740993",
	} {
		tm, err := CompileTemplate(src, Position{}, env)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := tm.Eval(doc, Context{Store: map[string]any{"code": "hub"}, Source: map[string]any{"connection": "conn"}})
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", src, got, err)
		}
	}
	for src, has := range map[string]string{
		"":                      "empty",
		"{order_no":             "not closed",
		"a}b":                   "stands alone",
		"{store.cod}-{ordr_no}": "did you mean code?",
	} {
		if _, err := CompileTemplate(src, Position{File: "f.yaml", Line: 1, Column: 7}, env); err == nil || !strings.Contains(err.Error(), has) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestTemplateNeverLeavesAHole(t *testing.T) {
	t.Parallel()
	tm, err := CompileTemplate("{it.code}-x", Position{File: "f.yaml", Line: 1, Column: 1}, Env{Name: "order"})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{nil, "", "  ", "a\nb", json.Number("1.5"), true, []any{}, map[string]any{}} {
		if got, err := tm.Eval(map[string]any{"code": v}, Context{}); err == nil {
			t.Errorf("%v gives %q", v, got)
		}
	}
	if got, err := tm.Eval(map[string]any{"code": json.Number("9007199254740993000000")}, Context{}); err != nil || got != "9007199254740993000000-x" {
		t.Errorf("got %q, %v", got, err)
	}
}
