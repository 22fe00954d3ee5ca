package mapper

import "fmt"

// combination checks that the keys of a row go together.
func (c *compilation) combination(spec *rowSpec, full string) bool {
	bad := func(text, hint string) bool {
		c.about(spec.spot, full, "", &fault{code: CodeRow, text: text, hint: hint})
		return false
	}
	sources := 0
	for _, given := range []bool{spec.value != nil, spec.from != nil, spec.expr != nil} {
		if given {
			sources++
		}
	}
	switch {
	case spec.hasFields && (spec.value != nil || spec.expr != nil):
		return bad("fields does not go with value or expr", "fields builds a document; from may say of what")
	case spec.hasFields && (len(spec.convert) > 0 || spec.hasMap || spec.lookup != nil || spec.def != nil):
		return bad("fields does not go with convert, map, lookup or default", "put them on the rows inside fields")
	case spec.hasFields && len(spec.fields) == 0:
		return bad("fields is empty", "for an empty object write value: {}")
	case sources > 1:
		return bad("value, from and expr exclude each other", "keep one")
	case sources == 0 && !spec.hasFields && spec.each == nil:
		return bad("the row says nothing about where the value comes from", "add from, value, expr, each or fields")
	case spec.value != nil && (len(spec.convert) > 0 || spec.hasMap || spec.lookup != nil || spec.def != nil):
		return bad("value does not go with convert, map, lookup or default", "write the final value")
	case spec.els != nil && !spec.hasMap:
		return bad("else belongs to map", "for a missing value use default")
	case spec.onMissing != nil && spec.lookup == nil:
		return bad("on_missing belongs to lookup", "for a missing value use default")
	case spec.hasMap && spec.lookup != nil:
		return bad("map and lookup exclude each other", "keep one")
	case spec.each != nil && spec.def != nil:
		return bad("default does not go with each", "put it on the rows inside fields")
	case spec.onMissing != nil && spec.onMissing.s == "park" && spec.def != nil:
		return bad("on_missing: park does not go with default", "keep one")
	}
	return true
}

func constantTerm(v any) term {
	out := term{literal: v, isLit: true}
	switch v.(type) {
	case string:
		out.kind = "text"
	case bool:
		out.kind = "boolean"
	case []any:
		out.kind = "list"
	case map[string]any:
		out.kind = "object"
	default:
		if _, isNum := numOf(v); isNum {
			out.kind = "number"
		}
	}
	return out
}

// checkResult says whether a value can stand in the target, as far as that is
// known before any document is.
func checkResult(v term, out Shape) *fault {
	want := kindOfShape(out)
	if out == nil || want == "" || v.kind == "" {
		return nil
	}
	if v.kind != want {
		hint := map[string]string{"text": "convert: text", "number": "convert: int, or number for decimals", "boolean": "convert: bool"}[want]
		return &fault{code: CodeType, text: fmt.Sprintf("the target takes %s and this is %s", article(want), article(v.kind)), hint: hint}
	}
	if n, isNum := numOf(v.literal); isNum && typeOf(out) == "integer" && !n.whole {
		return &fault{code: CodeType, text: "the target takes a whole number"}
	}
	return inEnum(out, v.literal, v.isLit)
}
