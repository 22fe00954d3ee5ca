package reference

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/kinds"
)

// enumerations are the words of a declaration's typed texts.
var enumerations = map[reflect.Type][]string{
	reflect.TypeFor[connectors.Carries](): {string(connectors.State), string(connectors.Event)},
	reflect.TypeFor[connectors.Changes](): {string(connectors.Upsert), string(connectors.CreateOnly)},
	reflect.TypeFor[connectors.Repeat]():  {string(connectors.Idempotent), string(connectors.AskFirst), string(connectors.OneShot)},
	reflect.TypeFor[connectors.FieldKind](): {string(connectors.FieldString), string(connectors.FieldSecret), string(connectors.FieldURL), string(connectors.FieldInt),
		string(connectors.FieldBool), string(connectors.FieldDuration), string(connectors.FieldMap)},
}

type object = map[string]any

// programSchema is the schema of a connectors/*.yaml of kind program. Its declaration is a
// connector's declaration in the words of the wire protocol.
func programSchema() ([]byte, error) {
	text := object{"type": []string{"string", "number", "boolean"}}
	return json.Marshal(object{
		"$schema": kinds.Draft, "title": "minihub connector of kind program", "type": "object", "additionalProperties": false,
		"required": []string{"kind", "command", "declaration"},
		"properties": object{
			"kind":    object{"const": "program", "description": "This is the description of a program."},
			"command": object{"type": "array", "minItems": 1, "items": text, "description": "The program and its arguments; paths start at the deployment's directory."},
			"env":     object{"type": "object", "additionalProperties": text, "propertyNames": object{"pattern": `^[A-Za-z_][A-Za-z0-9_]*$`}, "description": "Environment of the program, beyond what every program gets. No secrets."},
			"sha256": object{"type": "object", "additionalProperties": object{"type": "string", "pattern": `^[0-9a-fA-F]{64}$`},
				"description": "Path -> SHA-256; a file that differs is not started."},
			"timeout":     object{"type": "string", "default": "1m", "description": "Of a call that has no deadline of its own: 30s, 5m."},
			"declaration": with(declared(reflect.TypeFor[connectors.Connector]()), "description", "What the program declares; `minihub connectors declare` writes it."),
		},
	})
}

func with(o object, key, value string) object {
	o[key] = value
	return o
}

// declared is the schema of a Go type of the declaration as the wire protocol writes it.
func declared(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return object{"type": "string", "description": "A span of time: 300ms, 30s, 1h30m."}
	case enumerations[t] != nil:
		return object{"enum": enumerations[t]}
	}
	switch t.Kind() {
	case reflect.Struct:
		properties := object{}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Type.Kind() != reflect.Func {
				properties[snake(f.Name)] = declared(f.Type)
			}
		}
		return object{"type": "object", "additionalProperties": false, "properties": properties}
	case reflect.Slice:
		return object{"type": []string{"array", "null"}, "items": declared(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": []string{"integer", "string"}, "pattern": `^-?[0-9]+$`}
	}
	return object{"type": []string{"string", "number", "boolean"}}
}

// snake turns IdempotentFor into idempotent_for, as the wire protocol does.
func snake(s string) string {
	s = strings.NewReplacer("IDs", "Ids", "ID", "Id", "URL", "Url").Replace(s)
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
