package schemas

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xeipuuv/gojsonschema"
)

// Violation is one place where a document does not fit its schema. No field
// holds a value of the document; a key that does not look like a field name is
// shown as * (Invariant 8).
type Violation struct {
	Pointer string // JSON pointer of the place; of the missing or unknown field itself
	Rule    string // the schema's keyword: required, type, enum, ...
	Text    string // what is wrong, in plain words
	Hint    string // how to mend it
	Line    int    // from 1, when the document came as bytes; else 0
	Column  int    // from 1, in characters

	place string // Pointer with its true keys
}

func (v Violation) String() string {
	at := v.Pointer
	if at == "" {
		at = "the document"
	}
	if v.Line > 0 {
		at = fmt.Sprintf("%d:%d: %s", v.Line, v.Column, at)
	}
	text := at + " " + v.Text + " (" + v.Rule + ")"
	if v.Hint != "" {
		text += "; " + v.Hint
	}
	return text
}

// violations words the findings of the library. shape may be nil; with it the
// hints name the fields that exist.
func violations(result *gojsonschema.Result, shape Shape) []Violation {
	var out []Violation
	for _, e := range result.Errors() {
		rule, text, hint := word(e)
		if rule == "" {
			continue
		}
		// No decoded key holds a NUL, so it separates keys safely.
		tokens := strings.Split(e.Context().String("\x00"), "\x00")[1:]
		known := shapeAt(shape, tokens)
		if property, ok := e.Details()["property"].(string); ok {
			if rule == "additionalProperties" && known != nil {
				hint = unknownField(property, known)
			}
			tokens = append(tokens, property)
		}
		if value, ok := e.Value().(string); ok && rule == "enum" && known != nil {
			if near := nearest(value, known.Enum()); near != "" {
				hint = "did you mean " + near + "?"
			}
		}
		place, shown := pointers(shape, tokens)
		out = append(out, Violation{Pointer: shown, Rule: rule, Text: text, Hint: hint, place: place})
	}
	slices.SortFunc(out, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(out)
}

// word gives the keyword behind a finding, what is wrong, and what to do. An
// empty rule marks a finding that only announces others.
func word(e gojsonschema.ResultError) (rule, text, hint string) {
	d := e.Details()
	switch e.(type) {
	case *gojsonschema.RequiredError:
		return "required", "is missing", "map a value to it"
	case *gojsonschema.InvalidTypeError:
		return "type", fmt.Sprintf("is %s, must be %s", article(fmt.Sprint(d["given"])), article(strings.ReplaceAll(fmt.Sprint(d["expected"]), ",", " or "))), typeHint(d)
	case *gojsonschema.AdditionalPropertyNotAllowedError:
		return "additionalProperties", "is no field of the schema", "leave it out, or add it to the schema"
	case *gojsonschema.EnumError:
		return "enum", "is not one of " + fmt.Sprint(d["allowed"]), "map the value to one of them"
	case *gojsonschema.ConstError:
		return "const", "is not " + fmt.Sprint(d["allowed"]), "map exactly this value"
	case *gojsonschema.DoesNotMatchPatternError:
		return "pattern", fmt.Sprintf("does not match %v", d["pattern"]), "bring the value into this form"
	case *gojsonschema.DoesNotMatchFormatError:
		return "format", fmt.Sprintf("is no %v", d["format"]), formatHint(fmt.Sprint(d["format"]))
	case *gojsonschema.StringLengthGTEError:
		return "minLength", fmt.Sprintf("is shorter than %v characters", d["min"]), "leave an empty field out"
	case *gojsonschema.StringLengthLTEError:
		return "maxLength", fmt.Sprintf("is longer than %v characters", d["max"]), "a key is never cut; shorten free text on purpose"
	case *gojsonschema.NumberGTEError:
		return "minimum", "is less than " + number(d["min"]), "check sign and unit"
	case *gojsonschema.NumberGTError:
		return "exclusiveMinimum", "is not greater than " + number(d["min"]), "check sign and unit"
	case *gojsonschema.NumberLTEError:
		return "maximum", "is greater than " + number(d["max"]), "check the unit"
	case *gojsonschema.NumberLTError:
		return "exclusiveMaximum", "is not less than " + number(d["max"]), "check the unit"
	case *gojsonschema.MultipleOfError:
		return "multipleOf", "is no multiple of " + number(d["multiple"]), "round it on purpose, and book the difference"
	case *gojsonschema.ArrayMinItemsError:
		return "minItems", fmt.Sprintf("has fewer than %v items", d["min"]), "check the condition that selects the items"
	case *gojsonschema.ArrayMaxItemsError:
		return "maxItems", fmt.Sprintf("has more than %v items", d["max"]), "split the document"
	case *gojsonschema.ArrayNoAdditionalItemsError:
		return "additionalItems", "has more items than the schema describes", "leave the rest out"
	case *gojsonschema.ItemsMustBeUniqueError:
		return "uniqueItems", fmt.Sprintf("has equal items at %v and %v", d["i"], d["j"]), "keep one of them"
	case *gojsonschema.ArrayContainsError:
		return "contains", "has no item of the kind that must be there", "map such an item"
	case *gojsonschema.ArrayMinPropertiesError:
		return "minProperties", fmt.Sprintf("has fewer than %v fields", d["min"]), "leave an empty object out"
	case *gojsonschema.ArrayMaxPropertiesError:
		return "maxProperties", fmt.Sprintf("has more than %v fields", d["max"]), "leave the rest out"
	case *gojsonschema.InvalidPropertyNameError:
		return "propertyNames", "has a name that is not allowed", "rename it"
	case *gojsonschema.MissingDependencyError:
		return "dependencies", fmt.Sprintf("needs the field %v beside what it has", d["dependency"]), "map a value to it"
	case *gojsonschema.NumberAnyOfError:
		return "anyOf", "fits none of the alternatives", "the nearest alternative follows with its reasons"
	case *gojsonschema.NumberOneOfError:
		return "oneOf", "fits none, or more than one, of the alternatives", "make it fit exactly one"
	case *gojsonschema.NumberNotError:
		return "not", "has a form that is excluded", "see what the schema excludes here"
	case *gojsonschema.FalseError:
		return "false", "must not be there", "leave it out"
	case *gojsonschema.NumberAllOfError, *gojsonschema.ConditionThenError, *gojsonschema.ConditionElseError:
		return "", "", ""
	default:
		return "internal", "could not be checked", "report this as a fault of the program"
	}
}

func typeHint(d gojsonschema.ErrorDetails) string {
	given, expected := fmt.Sprint(d["given"]), fmt.Sprint(d["expected"])
	switch {
	case given == "null":
		return "leave a field without a value out"
	case expected == "string" && (given == "integer" || given == "number"):
		return "ids and codes are text: convert it to a string"
	case expected == "integer" && given == "number":
		return "money is an integer of minor units: convert it"
	case expected == "integer" && given == "string", expected == "number" && given == "string":
		return "convert it to a number"
	default:
		return "map a value of this type"
	}
}

func formatHint(format string) string {
	switch format {
	case "date-time":
		return "write RFC 3339 with the zone, such as 2026-01-01T10:00:00+08:00"
	case "date":
		return "write 2026-01-31"
	default:
		return "bring the value into this form"
	}
}

// number writes a bound without an exponent where it can.
func number(v any) string {
	if f, ok := v.(interface{ Text(byte, int) string }); ok {
		return f.Text('f', -1)
	}
	return fmt.Sprint(v)
}

func article(kind string) string {
	if kind == "null" {
		return kind
	}
	if strings.IndexByte("aeio", kind[0]) >= 0 {
		return "an " + kind
	}
	return "a " + kind
}

func unknownField(property string, known Shape) string {
	if near := nearest(property, known.Fields()); near != "" {
		return "did you mean " + near + "?"
	}
	return "the fields here are " + strings.Join(known.Fields(), ", ")
}
