package jushuitansim

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind is the type of a field on the wire.
type kind int

const (
	text kind = iota
	integer
	money // decimal with at most dp places
	boolean
	stamp // yyyy-MM-dd HH:mm:ss, UTC+8
	object
	list
	texts    // array of strings
	integers // array of whole numbers
)

// field is one rule of a call's table.
type field struct {
	name string
	kind kind
	req  bool
	max  int // characters of a text, elements of a list
	dp   int // decimal places of a money
	in   []string
	sub  []field // of an object, or of each element of a list
}

const stampLayout = "2006-01-02 15:04:05"

var (
	wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)
	decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$`)
)

// check verifies doc against the table: unknown, missing, ill-typed or too long
// fields are named; values are never repeated, since they may be personal.
func check(at string, doc map[string]any, table []field) error {
	for name := range doc {
		if !slices.ContainsFunc(table, func(f field) bool { return f.name == name }) {
			return fmt.Errorf("%s%s:未知字段", at, name)
		}
	}
	for _, f := range table {
		v, ok := doc[f.name]
		if !ok {
			if f.req {
				return fmt.Errorf("%s%s:不能为空", at, f.name)
			}
			continue
		}
		if err := f.check(at, v); err != nil {
			return err
		}
	}
	return nil
}

func (f field) check(at string, v any) error {
	bad := func(rule string) error { return fmt.Errorf("%s%s:%s", at, f.name, rule) }
	switch f.kind {
	case text, stamp:
		s, ok := v.(string)
		switch {
		case !ok:
			return bad("须为字符串")
		case f.req && s == "":
			return bad("不能为空")
		case f.max > 0 && utf8.RuneCountInString(s) > f.max:
			return bad(fmt.Sprintf("长度不能超过%d", f.max))
		case strings.ContainsFunc(s, unstorable):
			return bad("包含非法字符")
		case f.in != nil && s != "" && !slices.Contains(f.in, s):
			return bad("取值不在范围内")
		}
		if f.kind == stamp && s != "" {
			if _, ok := parseStamp(s); !ok {
				return bad("时间格式须为yyyy-MM-dd HH:mm:ss")
			}
		}
	case integer:
		if n, ok := v.(json.Number); !ok || !wholeNumber.MatchString(n.String()) {
			return bad("须为整数")
		}
	case money:
		n, ok := v.(json.Number)
		if !ok || !decimalText.MatchString(n.String()) {
			return bad("须为数字")
		}
		if _, frac, _ := strings.Cut(n.String(), "."); len(frac) > f.dp {
			return bad(fmt.Sprintf("最多%d位小数", f.dp))
		}
	case boolean:
		if _, ok := v.(bool); !ok {
			return bad("须为布尔值")
		}
	case object:
		m, ok := v.(map[string]any)
		if !ok {
			return bad("须为对象")
		}
		return check(at+f.name+".", m, f.sub)
	case list, texts, integers:
		return f.checkList(at, v)
	}
	return nil
}

func (f field) checkList(at string, v any) error {
	l, ok := v.([]any)
	switch {
	case !ok:
		return fmt.Errorf("%s%s:须为数组", at, f.name)
	case f.req && len(l) == 0:
		return fmt.Errorf("%s%s:不能为空", at, f.name)
	case f.max > 0 && len(l) > f.max:
		return fmt.Errorf("%s%s:最多%d条", at, f.name, f.max)
	}
	for i, e := range l {
		var err error
		switch f.kind {
		case texts:
			err = field{name: fmt.Sprintf("%s[%d]", f.name, i), kind: text, req: true}.check(at, e)
		case integers:
			err = field{name: fmt.Sprintf("%s[%d]", f.name, i), kind: integer}.check(at, e)
		default:
			err = field{name: fmt.Sprintf("%s[%d]", f.name, i), kind: object, sub: f.sub}.check(at, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unstorable says the ERP cannot keep r: control codes and characters outside the BMP.
func unstorable(r rune) bool {
	return r > 0xFFFF || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || r == utf8.RuneError
}

func parseStamp(s string) (time.Time, bool) {
	t, err := time.ParseInLocation(stampLayout, s, cst)
	return t, err == nil && t.Format(stampLayout) == s
}

// str returns a field's text as it was written: numbers keep their digits.
func str(doc map[string]any, name string) string {
	switch v := doc[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func objects(doc map[string]any, name string) []map[string]any {
	l, _ := doc[name].([]any)
	out := make([]map[string]any, 0, len(l))
	for _, e := range l {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// amount is the exact value of a decimal text; false when it is none.
func amount(s string) (*big.Rat, bool) {
	if !decimalText.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func sameAmount(a, b string) bool {
	x, okx := amount(a)
	y, oky := amount(b)
	return okx && oky && x.Cmp(y) == 0
}

// clone copies a JSON tree.
func clone[T any](v T) T { return cloneAny(v).(T) }

func cloneAny(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = cloneAny(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cloneAny(e)
		}
		return out
	}
	return v
}
