package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// Reference is the reference of all fields and functions in Markdown, from the schema.
func Reference() (string, error) {
	var doc struct {
		Definitions map[string]struct {
			Properties map[string]map[string]any `json:"properties"`
			Required   []string                  `json:"required"`
		} `json:"definitions"`
	}
	src, err := makeSchema()
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(src, &doc); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Connector manifests: reference\n\nMade from `manifest.schema.json` and the function table; [GUIDE.md](GUIDE.md) explains how the fields work together.\n" +
		"*Expression* and *template* are explained there; a *span* is written 90s, 15m, 12h or 7d.\n")
	for _, name := range definitionOrder() {
		def := doc.Definitions[name]
		fmt.Fprintf(&b, "\n## %s\n\n| key | form | meaning |\n|---|---|---|\n", name)
		for _, f := range fieldsByDefinition(name) {
			p := def.Properties[f.name]
			need := ""
			if slices.Contains(def.Required, f.name) {
				need = " **needed**"
			}
			fmt.Fprintf(&b, "| `%s` | %s%s | %s |\n", f.name, form(f, p), need, strings.ReplaceAll(fmt.Sprint(p["description"]), "|", "\\|"))
		}
	}
	b.WriteString("\n## Functions\n\nNothing (`nil`) goes through most functions unharmed.\n\n| function | gives | example |\n|---|---|---|\n")
	for _, f := range formula.Functions() {
		fmt.Fprintf(&b, "| `%s(%s)` | %s | `%s` is `%s` |\n", f.Name, f.Params, f.Text, strings.ReplaceAll(f.Example, "|", "\\|"), f.Gives)
	}
	return b.String(), nil
}

// types are the struct types of a manifest in the order in which they are met.
func types() []reflect.Type {
	var out []reflect.Type
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && !reflect.PointerTo(t).Implements(customType) {
			t = t.Elem()
		}
		if reflect.PointerTo(t).Implements(customType) {
			if c, ok := reflect.New(t).Interface().(interface{ of() reflect.Type }); ok {
				walk(c.of())
			}
			return
		}
		if t.Kind() != reflect.Struct || slices.Contains(out, t) {
			return
		}
		out = append(out, t)
		for _, f := range fieldsOf(t) {
			walk(f.typ)
		}
	}
	walk(reflect.TypeFor[spec]())
	return out
}

func definitionOrder() []string {
	var out []string
	for _, t := range types() {
		out = append(out, definition(t))
	}
	return out
}

func fieldsByDefinition(name string) []field {
	for _, t := range types() {
		if definition(t) == name {
			return fieldsOf(t)
		}
	}
	return nil
}

// form says what a field holds.
func form(f field, p map[string]any) string {
	if f.one != nil {
		return strings.Join(f.one, ", ")
	}
	return formOf(f.typ, p)
}

func formOf(t reflect.Type, p map[string]any) string {
	switch t {
	case reflect.TypeFor[expression]():
		return "expression"
	case reflect.TypeFor[tmpl]():
		return "template"
	case reflect.TypeFor[tree]():
		return "body"
	case reflect.TypeFor[duration]():
		return "span"
	}
	if c, ok := reflect.New(t).Interface().(interface{ of() reflect.Type }); ok {
		return "name: " + formOf(c.of(), p)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return formOf(t.Elem(), p)
	case reflect.Slice:
		return "list of " + formOf(t.Elem(), p)
	case reflect.Struct:
		return "[" + definition(t) + "](#" + strings.ToLower(definition(t)) + ")"
	case reflect.Map:
		return "name: text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	}
	return "text"
}
