package mapper

import "fmt"

// checkOperands finds at compile time what could only fail, or never hold, at
// run time: comparing text with a number, or with a text outside the enum.
func checkOperands(op string, l, r term) *fault {
	switch op {
	case "==", "!=":
		if ft := comparable(l, r); ft != nil {
			return ft
		}
		if ft := inEnum(l.shape, r.literal, r.isLit); ft != nil {
			return ft
		}
		return inEnum(r.shape, l.literal, l.isLit)
	case "<", "<=", ">", ">=":
		return comparable(l, r)
	case "in":
		items, isList := r.literal.([]any)
		for _, item := range items {
			if isList && r.isLit {
				if ft := comparable(l, literalTerm(item)); ft != nil {
					return ft
				}
				if ft := inEnum(l.shape, item, true); ft != nil {
					return ft
				}
			}
		}
		if r.kind == "text" || r.kind == "number" || r.kind == "boolean" {
			return &fault{code: CodeType, text: "in needs a list on its right and this is " + article(r.kind), hint: "for a part of a text use contains"}
		}
	case "-", "*", "%":
		for _, side := range []term{l, r} {
			if side.kind != "" && side.kind != "number" {
				return &fault{code: CodeType, text: fmt.Sprintf("%s needs whole numbers and this is %s", op, article(side.kind)), hint: "for money and decimals use add, sub, sum, mul"}
			}
		}
	case "+":
		if l.kind != "" && r.kind != "" && (l.kind != r.kind || l.kind == "list" || l.kind == "object" || l.kind == "boolean") {
			return &fault{code: CodeType, text: fmt.Sprintf("+ cannot take %s and %s", article(l.kind), article(r.kind)), hint: "text(x) makes a text, int(x) a number; for money use add, for lists concat"}
		}
	}
	return nil
}

func comparable(l, r term) *fault {
	if l.kind == "" || r.kind == "" || l.kind == r.kind {
		return nil
	}
	return &fault{code: CodeType, text: fmt.Sprintf("%s is compared with %s, which can never be equal", article(l.kind), article(r.kind)), hint: "put texts in quotes and leave numbers bare, or convert with text(x) or int(x)"}
}

// inEnum checks a literal against the texts a field may take.
func inEnum(s Shape, literal any, isLit bool) *fault {
	text, isText := literal.(string)
	if s == nil || !isLit || !isText {
		return nil
	}
	allowed := s.Enum()
	if len(allowed) == 0 {
		return nil
	}
	for _, a := range allowed {
		if a == text {
			return nil
		}
	}
	return &fault{code: CodeEnum, text: fmt.Sprintf("%q is none of the values this field can have", text), hint: didYouMean(text, allowed)}
}

func literalTerm(v any) term {
	switch v.(type) {
	case string:
		return term{kind: "text"}
	case int:
		return term{kind: "number"}
	case bool:
		return term{kind: "boolean"}
	}
	return term{}
}

func article(kind string) string {
	switch kind {
	case "text":
		return "text"
	case "object":
		return "an object"
	case "":
		return "something"
	}
	return "a " + kind
}

// kindOfShape is a shape's type in the words expressions use.
func kindOfShape(s Shape) string {
	switch typeOf(s) {
	case "string":
		return "text"
	case "integer", "number":
		return "number"
	case "boolean":
		return "boolean"
	case "array":
		return "list"
	case "object":
		return "object"
	}
	return ""
}
