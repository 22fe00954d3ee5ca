package manifest

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"strings"
)

//go:embed manifest.schema.json
var schemaFile []byte

// Schema is the JSON Schema (draft 7) of a manifest, for editors. It checks the form;
// Load checks the expressions and what must fit together as well.
func Schema() []byte { return append([]byte(nil), schemaFile...) }

// makeSchema writes the schema of the manifest's types; a test holds the embedded file
// to it.
func makeSchema() ([]byte, error) {
	definitions := map[string]any{}
	define(reflect.TypeFor[spec](), definitions)
	b, err := json.MarshalIndent(map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "minihub connector manifest",
		"description": "connectors/NAME.yaml: an HTTP system described without Go.",
		"definitions": definitions, "allOf": []any{schemaOf(reflect.TypeFor[spec]())},
	}, "", "  ")
	return append(b, '\n'), err
}

// define adds the definitions of t and of all that it is made of.
func define(t reflect.Type, into map[string]any) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && !reflect.PointerTo(t).Implements(customType) {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(customType) {
		if c, ok := reflect.New(t).Interface().(interface{ of() reflect.Type }); ok {
			define(c.of(), into)
		}
		return
	}
	if t.Kind() != reflect.Struct || into[definition(t)] != nil {
		return
	}
	properties, required := map[string]any{}, []any{}
	into[definition(t)] = map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	for _, f := range fieldsOf(t) {
		p := schemaOf(f.typ)
		if f.one != nil {
			of := p
			if f.typ.Kind() == reflect.Slice {
				of = map[string]any{"type": "string"}
				p["items"] = of
			}
			of["enum"] = f.one
		}
		p["description"] = f.about
		properties[f.name] = p
		if f.need {
			required = append(required, f.name)
		}
		define(f.typ, into)
	}
	if len(required) > 0 {
		into[definition(t)].(map[string]any)["required"] = required
	}
}

// definition names a type: callSpec is call.
func definition(t reflect.Type) string {
	if t == reflect.TypeFor[spec]() {
		return "manifest"
	}
	return strings.TrimSuffix(t.Name(), "Spec")
}

func schemaOf(t reflect.Type) map[string]any {
	if reflect.PointerTo(t).Implements(customType) {
		return reflect.New(t).Interface().(custom).schema()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		// draft 7 ignores what stands beside $ref
		return map[string]any{"allOf": []any{map[string]any{"$ref": "#/definitions/" + definition(t)}}}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer", "minimum": 0}
	}
	return map[string]any{"type": []any{"string", "number", "boolean"}}
}
