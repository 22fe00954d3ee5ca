package schemas

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const people = `{` + head + `, "type": "object", "required": ["id"], "additionalProperties": false,
	"properties": {
		"id": {"type": "string", "minLength": 2, "maxLength": 4},
		"phone": {"type": "string", "pattern": "^[0-9]+$", "maxLength": 11, "x-pii": "phone"},
		"kind": {"enum": ["small", "large"]},
		"qty": {"type": "integer", "minimum": 1, "maximum": 1000000000000},
		"price": {"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0},
		"at": {"type": "string", "format": "date-time"},
		"day": {"type": "string", "format": "date"},
		"tags": {"type": "array", "uniqueItems": true, "minItems": 1, "maxItems": 3, "items": {"type": "string"}},
		"open": {"type": "object", "additionalProperties": {"type": "string"}},
		"both": {"allOf": [{"type": "string"}, {"minLength": 3}]},
		"any": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
		"flag": {"const": true}
	},
	"if": {"required": ["qty"]}, "then": {"required": ["price"]}}`

func TestViolationsSayWhatWhereAndHow(t *testing.T) {
	s := load(t, people)
	cases := []struct{ name, doc, pointer, rule, text, hint string }{
		{"missing", `{}`, "/id", "required", "is missing", "map"},
		{"unknown field", `{"id": "ab", "fone": "1"}`, "/fone", "additionalProperties", "is no field", "did you mean phone?"},
		{"unknown field like none", `{"id": "ab", "warehouse": 1}`, "/warehouse", "additionalProperties", "is no field", "fields here are any, at, both"},
		{"type", `{"id": 12}`, "/id", "type", "is an integer, must be a string", "ids and codes are text"},
		{"null", `{"id": null}`, "/id", "type", "is null, must be a string", "leave a field without a value out"},
		{"fraction", `{"id": "ab", "qty": 1.5, "price": 1}`, "/qty", "type", "is a number, must be an integer", "minor units"},
		{"short", `{"id": "a"}`, "/id", "minLength", "shorter than 2", "leave an empty field out"},
		{"long", `{"id": "abcde"}`, "/id", "maxLength", "longer than 4", "never cut"},
		{"enum", `{"id": "ab", "kind": "smal"}`, "/kind", "enum", `"small", "large"`, "did you mean small?"},
		{"const", `{"id": "ab", "flag": false}`, "/flag", "const", "is not true", "exactly"},
		{"pattern", `{"id": "ab", "phone": "1-2"}`, "/phone", "pattern", "does not match ^[0-9]+$", "form"},
		{"minimum", `{"id": "ab", "qty": 0, "price": 1}`, "/qty", "minimum", "less than 1", "unit"},
		{"maximum", `{"id": "ab", "qty": 1000000000001, "price": 1}`, "/qty", "maximum", "greater than 1000000000000", "unit"},
		{"exclusive minimum", `{"id": "ab", "price": 0.00}`, "/price", "exclusiveMinimum", "not greater than 0", "unit"},
		{"third decimal", `{"id": "ab", "price": 1.005}`, "/price", "multipleOf", "multiple of 0.01", "round"},
		{"time without zone", `{"id": "ab", "at": "2026-01-01T10:00:00"}`, "/at", "format", "is no date-time", "+08:00"},
		{"bare day for a time", `{"id": "ab", "at": "2026-01-01"}`, "/at", "format", "is no date-time", "+08:00"},
		{"thirteenth month", `{"id": "ab", "day": "2026-13-01"}`, "/day", "format", "is no date", "2026-01-31"},
		{"equal items", `{"id": "ab", "tags": ["a", "b", "a"]}`, "/tags", "uniqueItems", "equal items at 0 and 2", "one"},
		{"no items", `{"id": "ab", "tags": []}`, "/tags", "minItems", "fewer than 1", "condition"},
		{"item", `{"id": "ab", "tags": ["a", 1]}`, "/tags/1", "type", "is an integer", "text"},
		{"additional schema", `{"id": "ab", "open": {"k/~": 1}}`, "/open/*", "type", "is an integer", "text"},
		{"all of", `{"id": "ab", "both": "ab"}`, "/both", "minLength", "shorter than 3", ""},
		{"any of", `{"id": "ab", "any": true}`, "/any", "anyOf", "none of the alternatives", "nearest"},
		{"then", `{"id": "ab", "qty": 1}`, "/price", "required", "is missing", "map"},
		{"not an object", `[]`, "", "type", "is an array, must be an object", "type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found := s.Validate(decode(t, c.doc))
			if len(found) == 0 {
				t.Fatal("the document passed")
			}
			for _, v := range found {
				if v.Pointer == c.pointer && v.Rule == c.rule && strings.Contains(v.Text, c.text) && strings.Contains(v.Hint, c.hint) {
					return
				}
			}
			t.Errorf("got %v", found)
		})
	}
}

func TestViolationsOfRarerKeywords(t *testing.T) {
	s := load(t, `{`+head+`, "type": "object", "minProperties": 1, "maxProperties": 3, "propertyNames": {"maxLength": 6}, "dependencies": {"card": ["name"]},
		"properties": {
			"pair": {"items": [{"type": "string"}], "additionalItems": false},
			"has": {"type": "array", "contains": {"const": "x"}, "maxItems": 2},
			"one": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
			"non": {"not": {"type": "string"}},
			"gone": false,
			"rate": {"type": "number", "exclusiveMaximum": 1.5, "maximum": 2}
		}}`)
	cases := []struct{ doc, pointer, rule string }{
		{`{}`, "", "minProperties"}, {`{"a": 1, "b": 1, "c": 1, "d": 1}`, "", "maxProperties"}, {`{"toolong": 1}`, "/toolong", "propertyNames"},
		{`{"card": 1}`, "", "dependencies"}, {`{"pair": ["a", 1]}`, "/pair", "additionalItems"}, {`{"has": []}`, "/has", "contains"},
		{`{"has": ["x", 1, 2]}`, "/has", "maxItems"}, {`{"one": 1}`, "/one", "oneOf"}, {`{"non": "a"}`, "/non", "not"}, {`{"gone": 1}`, "/gone", "false"},
		{`{"rate": 1.5}`, "/rate", "exclusiveMaximum"}, {`{"rate": 2.1}`, "/rate", "maximum"},
	}
	for _, c := range cases {
		found := s.Validate(decode(t, c.doc))
		if !slices.ContainsFunc(found, func(v Violation) bool {
			return v.Pointer == c.pointer && v.Rule == c.rule && v.Text != "" && v.Hint != ""
		}) {
			t.Errorf("%s: want %s at %q, got %v", c.doc, c.rule, c.pointer, found)
		}
	}
	if v := s.Validate(decode(t, `{"pair": ["a"], "has": ["x"], "rate": 1.4}`)); len(v) > 0 {
		t.Error(v)
	}
}

func TestAFittingDocumentHasNoViolations(t *testing.T) {
	doc := `{"id": "张三张三", "phone": "138", "kind": "large", "qty": 1, "price": 12.10, "at": "2026-01-01T10:00:00.5Z", "day": "2024-02-29",
		"tags": ["a"], "open": {"x": "y"}, "both": "abc", "any": 1, "flag": true}`
	if v := load(t, people).Validate(decode(t, doc)); v != nil {
		t.Error(v)
	}
}

// The library passes any Go integer or float in silence, and panics on a json.Number that is no number.
func TestGoNumbersNeverPassInSilence(t *testing.T) {
	s := load(t, people)
	cases := []struct {
		name string
		doc  any
		want string // rule; empty when the document fits
	}{
		{"int64 for a string", map[string]any{"id": int64(3)}, "type"},
		{"int for an enum", map[string]any{"id": "ab", "kind": 9}, "enum"},
		{"int out of range", map[string]any{"id": "ab", "qty": uint8(0), "price": json.Number("1")}, "minimum"},
		{"int that fits", map[string]any{"id": "ab", "qty": 5, "price": json.Number("1")}, ""},
		{"float", map[string]any{"id": "ab", "price": 1.0}, "codec.float"},
		{"no number", map[string]any{"id": "ab", "price": json.Number("1,5")}, "codec.number"},
		{"empty number", map[string]any{"id": "ab", "price": json.Number("")}, "codec.number"},
		{"long number", map[string]any{"id": "ab", "price": json.Number("1e9999999")}, "codec.number"},
		{"typed map", map[string]string{"id": "a"}, "minLength"},
		{"struct", struct {
			ID int `json:"id"`
		}{3}, "type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found := s.Validate(c.doc)
			if c.want == "" && len(found) == 0 {
				return
			}
			if len(found) == 0 || found[0].Rule != c.want {
				t.Errorf("got %v, want %q", found, c.want)
			}
		})
	}
}

func TestViolationsHoldNoValues(t *testing.T) {
	s := load(t, people)
	secret := "13800005678"
	for _, doc := range []string{
		`{"id": "` + secret + `", "phone": "x` + secret + `", "kind": "` + secret + `", "at": "` + secret + `", "flag": "` + secret + `"}`,
		`{"id": ` + secret + `, "phone": ` + secret + `, "qty": ` + secret + `000, "tags": ["` + secret + `", "` + secret + `"]}`,
		`{"` + secret + `": 1, "open": {"` + secret + `": 1, "+86 138 0000 5678": 1}, "any": {"` + secret + `": "` + secret + `"}}`,
	} {
		found := s.Validate(decode(t, doc))
		if len(found) < 3 {
			t.Fatalf("the case tests nothing: %v", found)
		}
		_, withLines := s.ValidateBytes([]byte(doc))
		for _, v := range append(found, withLines...) {
			if strings.Contains(v.String(), secret) || strings.Contains(v.String(), "5678") {
				t.Errorf("a value leaked: %s", v)
			}
		}
	}
}

func TestValidateBytesGivesLines(t *testing.T) {
	s := load(t, people)
	tree, found := s.ValidateBytes([]byte("{\n  \"id\": \"ab\",\n  \"open\": {\n    \"13800005678\": 1},\n  \"tags\": [\"a\", 2]\n}"))
	want := []Violation{
		{Pointer: "/open/*", Rule: "type", Line: 4, Column: 5},
		{Pointer: "/tags/1", Rule: "type", Line: 5, Column: 17},
	}
	if d := cmp.Diff(want, found, cmpopts.IgnoreFields(Violation{}, "Text", "Hint"), cmpopts.IgnoreUnexported(Violation{})); d != "" || tree == nil {
		t.Error(d)
	}
	if tree, found := s.ValidateBytes([]byte("{\n\"id\": ")); tree != nil || len(found) != 1 || found[0].Rule != "codec.truncated" || found[0].Line != 2 {
		t.Errorf("got %v, %v", tree, found)
	}
}
