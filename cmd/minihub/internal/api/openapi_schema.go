package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// schemaBuilder makes JSON Schemas of Go types, those with a name as components.
type schemaBuilder struct{ schemas object }

// wrapped is an answer of one member that has no type of its own.
type wrapped struct {
	name string
	of   any // a value of the member's type
}

func (b *schemaBuilder) of(v any) any {
	if w, ok := v.(wrapped); ok {
		return object{"type": "object", "required": []string{w.name}, "properties": object{w.name: b.of(w.of)}}
	}
	return b.schema(reflect.TypeOf(v))
}

func (b *schemaBuilder) schema(t reflect.Type) any {
	switch {
	case t == nil, t == reflect.TypeFor[json.RawMessage](), t.Kind() == reflect.Interface:
		return object{}
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return object{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.schema(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": b.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": b.schema(t.Elem())}
	case reflect.Struct:
		return b.structure(t)
	}
	return object{"type": "integer"}
}

func (b *schemaBuilder) structure(t reflect.Type) any {
	name := t.Name()
	if name != "" {
		if pkg := t.PkgPath(); !strings.HasSuffix(pkg, "/api") {
			name = pkg[strings.LastIndexByte(pkg, '/')+1:] + "." + name
		}
		if b.schemas[name] != nil {
			return ref(name)
		}
		b.schemas[name] = object{} // a type may hold itself
	}
	properties, required := object{}, []string{}
	b.fields(t, properties, &required)
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	if name == "" {
		return out
	}
	b.schemas[name] = out
	return ref(name)
}

func (b *schemaBuilder) fields(t reflect.Type, properties object, required *[]string) {
	for f := range t.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			b.fields(f.Type, properties, required)
			continue
		case !f.IsExported() || tag == "-":
			continue
		case tag == "":
			tag = f.Name
		}
		properties[tag] = b.schema(f.Type)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, tag)
		}
	}
}
