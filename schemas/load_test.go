package schemas

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadKnowsTheBuiltInSchemas(t *testing.T) {
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Join(set.Names(), " ")
	for _, entity := range []string{"order", "member", "after_sale", "payment", "product", "inventory", "shipment", "tracking", "points", "coupon", "store", "defs"} {
		if !strings.Contains(names, "canonical/"+entity) {
			t.Errorf("canonical/%s is missing in %s", entity, names)
		}
	}
	if _, ok := set.Get("vendors/webhook/event"); !ok {
		t.Error("vendors/webhook/event is missing")
	}
	if _, ok := set.Get("canonical/nothing"); ok {
		t.Error("Get must tell what is missing")
	}
}

func TestLoadLaysFoldersOverTheBuiltInSchemas(t *testing.T) {
	point := `{` + head + `, "type": "object", "properties": {"amount": {"$ref": "../../canonical/defs.schema.json#/definitions/money"}}, "additionalProperties": false}`
	set, err := Load(
		folder(map[string]string{"vendors/acme/order.schema.json": `{` + head + `, "type": "string"}`, "README.md": "x"}),
		folder(map[string]string{"vendors/acme/order.schema.json": point, "vendors/webhook/event.schema.json": `{` + head + `, "type": "boolean"}`}),
	)
	if err != nil {
		t.Fatal(err)
	}
	acme := get(t, set, "vendors/acme/order")
	if v := acme.Validate(decode(t, `{"amount": {"minor": 1, "currency": "CNY"}}`)); len(v) > 0 {
		t.Error(v)
	}
	if v := acme.Validate(decode(t, `{"amount": {"minor": -1, "currency": "CNY"}}`)); len(v) != 1 || v[0].Rule != "minimum" {
		t.Errorf("a reference into another folder must count: %v", v)
	}
	if v := get(t, set, "vendors/webhook/event").Validate(true); len(v) > 0 {
		t.Errorf("a later folder takes the place of a built-in file: %v", v)
	}
}

func TestLoadRefuses(t *testing.T) {
	cases := []struct {
		name, text, rule, place, hint string
	}{
		{"no draft", `{"type": "object"}`, "schema.draft", "1:1", "add"},
		{"newer draft", "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\"}", "schema.draft", "2:3", "draft-07"},
		{"not an object", `[]`, "schema.draft", "1:1", "$schema"},
		{"no JSON", "{\n  " + head + ",\n}", "codec.syntax", "3:1", "JSON"},
		{"unevaluatedProperties", `{` + head + `,` + "\n" + `"unevaluatedProperties": false}`, "schema.keyword", "2:1", "additionalProperties"},
		{"dependentRequired", `{` + head + `,` + "\n" + `"dependentRequired": {"a": ["b"]}}`, "schema.keyword", "2:1", "dependencies"},
		{"dependentSchemas", `{` + head + `,` + "\n" + `"dependentSchemas": {}}`, "schema.keyword", "2:1", "dependencies"},
		{"prefixItems", `{` + head + `,` + "\n" + `"prefixItems": []}`, "schema.keyword", "2:1", "items"},
		{"$defs", `{` + head + `,` + "\n" + `"$defs": {}}`, "schema.keyword", "2:1", "definitions"},
		{"minContains", `{` + head + `,` + "\n" + `"minContains": 2}`, "schema.keyword", "2:1", "contains"},
		{"$anchor", `{` + head + `,` + "\n" + `"$anchor": "x"}`, "schema.keyword", "2:1", "pointer"},
		{"$recursiveRef", `{` + head + `,` + "\n" + `"$recursiveRef": "#"}`, "schema.keyword", "2:1", "$ref"},
		{"$dynamicRef", `{` + head + `,` + "\n" + `"$dynamicRef": "#x"}`, "schema.keyword", "2:1", "$ref"},
		{"deep inside", `{` + head + `, "properties": {"a": {"items": [{"anyOf": [{` + "\n" + `"nullable": true}]}]}}}`, "schema.keyword", "2:1", "null"},
		{"misspelt keyword", `{` + head + `,` + "\n" + `"requried": ["a"]}`, "schema.keyword", "2:1", "did you mean required?"},
		{"keyword of nobody", `{` + head + `,` + "\n" + `"colour": "red"}`, "schema.keyword", "2:1", "x-"},
		{"wrong type of a keyword", `{` + head + `,` + "\n" + `"maxLength": "5"}`, "schema.type", "2:1", "number"},
		{"draft-04 bound", `{` + head + `, "minimum": 0,` + "\n" + `"exclusiveMinimum": true}`, "schema.type", "2:1", "type"},
		{"unknown type", `{` + head + `,` + "\n" + `"type": "money"}`, "schema.enum", "2:1", ""},
		{"unknown format", `{` + head + `,` + "\n" + `"format": "phone"}`, "schema.format", "2:1", "date-time"},
		{"look-ahead", `{` + head + `,` + "\n" + `"pattern": "^(?!a)"}`, "schema.pattern", "2:1", "RE2"},
		{"pattern of names", `{` + head + `, "patternProperties": {` + "\n" + `"(": {}}}`, "schema.pattern", "2:1", "RE2"},
		{"number too exact", `{` + head + `, "enum": [` + "\n" + `9007199254740993]}`, "schema.exact", "2:1", "string"},
		{"inner $id", `{` + head + `, "properties": {"a": {` + "\n" + `"$id": "x"}}}`, "schema.id", "2:1", "pointer"},
		{"remote reference", `{` + head + `, "properties": {"a": {` + "\n" + `"$ref": "https://example.test/x.json"}}}`, "schema.ref", "2:1", "folder"},
		{"reference to no file", `{` + head + `, "properties": {"a": {` + "\n" + `"$ref": "none.schema.json"}}}`, "schema.ref", "2:1", "doc.schema.json"},
		{"reference out of the folder", `{` + head + `, "properties": {"a": {` + "\n" + `"$ref": "../../../x.schema.json"}}}`, "schema.ref", "2:1", ""},
		{"reference to no place", `{` + head + `, "definitions": {"money": {}}, "properties": {"a": {` + "\n" + `"$ref": "#/definitions/mony"}}}`, "schema.ref", "2:1", "#/definitions/money?"},
		{"reference to a name", `{` + head + `, "properties": {"a": {` + "\n" + `"$ref": "#money"}}}`, "schema.ref", "2:1", "pointer"},
		{"limit beside a reference", `{` + head + `, "definitions": {"m": {}}, "properties": {"a": {"$ref": "#/definitions/m",` + "\n" + `"minimum": 0}}}`, "schema.ref", "2:1", "allOf"},
		{"loop", `{` + head + `,` + "\n" + `"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"allOf": [{"$ref": "#/definitions/a"}]}}}`, "schema.loop", "2:67", "below"},
		{"unknown kind of person", `{` + head + `, "properties": {"a": {` + "\n" + `"x-pii": "fone"}}}`, "schema.pii", "2:1", "phone"},
		{"unknown amount", `{` + head + `, "properties": {"a": {` + "\n" + `"x-amount": "yuan"}}}`, "schema.amount", "2:1", "CNY"},
		{"unknown search key", `{` + head + `, "properties": {"a": {` + "\n" + `"x-search": "oder_no"}}}`, "schema.search", "2:1", "order_no?"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found := problems(t, map[string]string{"vendors/acme/doc.schema.json": c.text})
			for _, p := range found {
				place := strings.TrimPrefix(p.String(), "vendors/acme/doc.schema.json:")
				if p.Rule == c.rule && strings.HasPrefix(place, c.place+":") && strings.Contains(p.Text+p.Hint, c.hint) {
					return
				}
			}
			t.Errorf("want %s at %s with %q, got %v", c.rule, c.place, c.hint, found)
		})
	}
}

func TestLoadReportsAllProblemsTogether(t *testing.T) {
	found := problems(t, map[string]string{
		"vendors/acme/a.schema.json": `{` + head + `, "$defs": {}, "properties": {"x": {"$ref": "b.schema.json#/nowhere"}}}`,
		"vendors/acme/b.schema.json": `{}`,
		"vendors/acme/order.json":    `{}`,
		"canonical/x/y.schema.json":  `{}`,
	})
	if lines := strings.Split((&LoadError{Problems: found}).Error(), "\n"); len(lines) != len(found) || !strings.HasPrefix(lines[1], "vendors/acme/a.schema.json:1:") {
		t.Errorf("one line for each problem, with its place: %q", lines)
	}
	var got []string
	for _, p := range found {
		got = append(got, p.File+" "+p.Rule)
	}
	want := []string{
		"canonical/x/y.schema.json schema.place", "vendors/acme/a.schema.json schema.keyword", "vendors/acme/a.schema.json schema.ref",
		"vendors/acme/b.schema.json schema.draft", "vendors/acme/order.json schema.place",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestKeywordsAreOnlyKeywordsWhereASchemaStands(t *testing.T) {
	s := load(t, `{`+head+`, "type": "object",
		"properties": {"$defs": {"type": "string"}, "id": {"type": "string"}, "$ref": {"type": "string"}, "nullable": {"const": {"$defs": 1}}},
		"required": ["$defs"], "default": {"prefixItems": 1}, "examples": [{"id": "same", "$ref": "x"}, {"id": "same"}], "x-note": {"$anchor": 1}}`)
	if v := s.Validate(decode(t, `{"$defs": "a", "id": "same", "$ref": "b", "nullable": {"$defs": 1}}`)); len(v) > 0 {
		t.Error(v)
	}
	if v := s.Validate(decode(t, `{"$ref": 1}`)); len(v) != 2 {
		t.Errorf("want a missing field and a wrong type, got %v", v)
	}
}

func TestARecursiveSchemaLoads(t *testing.T) {
	s := load(t, `{`+head+`, "type": "object", "properties": {"name": {"type": "string", "x-pii": "name"}, "children": {"type": "array", "items": {"$ref": "#"}}}, "additionalProperties": false}`)
	doc := decode(t, `{"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}`)
	if v := s.Validate(doc); len(v) > 0 {
		t.Error(v)
	}
	if d := cmp.Diff([]string{"c", "b", "a"}, s.PII(doc)); d != "" {
		t.Error(d)
	}
	if v := s.Validate(decode(t, `{"children": [{"children": [{"nam": "c"}]}]}`)); len(v) != 1 || v[0].Pointer != "/children/0/children/0/nam" {
		t.Error(v)
	}
}
