package kinds

import (
	"fmt"
	"strings"
)

// Patterns shared by the kinds. They are written so that Go and ECMAScript read them alike.
const (
	// Reference is how a secret is given; it never stands in a file as it is.
	Reference = `^\$\{(env|file):[^}]+\}$`

	goSpan  = `[+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+`
	span    = `^(` + goSpan + `|[0-9]+d)$`
	address = `^.*:[0-9]{1,5}$`
	size    = `^[0-9]+\s*(B|KiB|MiB|GiB)?$`
)

func secret(text string) object {
	return object{"type": "string", "pattern": Reference, "description": text + " (a secret: ${env:NAME} or ${file:PATH})"}
}

func spanOf(text, fallback string) object {
	o := object{"type": "string", "pattern": span, "description": text}
	if fallback != "" {
		o["default"] = fallback
	}
	return o
}

// count is a positive whole number, with or without quotes.
func count(text string, fallback int) object {
	return object{"type": []string{"integer", "string"}, "minimum": 1, "pattern": `^[+]?0*[1-9][0-9]*$`, "default": fallback, "description": text}
}

// orReference lets a configuration value come from the environment or a file.
func orReference(pattern string) string {
	return `^(` + pattern + `|\$\{(env|file):[^}]+\})$`
}

// schema is what a connection may give for the field.
func (f Field) schema() (object, error) {
	o := object{"description": f.Text}
	switch f.Kind {
	case "secret":
		o = secret(f.Text)
	case "string":
		o["type"] = []string{"string", "number", "boolean"}
		if len(f.Enum) > 0 {
			return with(object{"description": f.Text, "anyOf": []object{{"enum": f.values()}, {"type": "string", "pattern": f.reference()}}}, f.hints()), nil
		}
		if f.Required {
			o["minLength"] = 1
		}
	case "url":
		o["type"], o["pattern"] = "string", f.or(orReference(`https?://[^/].*`))
	case "int":
		o["type"], o["pattern"] = []string{"integer", "string"}, f.or(orReference(`[+-]?[0-9]+`))
	case "bool":
		o["type"], o["pattern"] = []string{"boolean", "string"}, f.or(orReference(`true|false|TRUE|FALSE|True|False|t|f|T|F|1|0`))
	case "duration":
		o["type"], o["pattern"] = "string", f.or(orReference(`[+-]?0|[+-]?`+strings.TrimPrefix(goSpan, "[+]?")))
	case "map":
		o["type"], o["additionalProperties"] = "object", object{"type": []string{"string", "number", "boolean"}}
	default:
		return nil, fmt.Errorf("the field %s has the unknown kind %q", f.Name, f.Kind)
	}
	return with(o, f.hints()), nil
}

// values are the field's words, and true or false as YAML would take them without quotes.
func (f Field) values() []any {
	var out []any
	for _, v := range f.Enum {
		out = append(out, v)
		if v == "true" || v == "false" {
			out = append(out, v == "true")
		}
	}
	return out
}

// or lets an empty text stand for a field that is not given.
func (f Field) or(pattern string) string {
	if f.Required {
		return pattern
	}
	return `^$|` + pattern
}

func (f Field) reference() string { return f.or(Reference) }

// hints are what an editor shows beside the field.
func (f Field) hints() object {
	o := object{}
	if f.Default != "" {
		o["default"] = f.Default
	}
	if f.Example != "" {
		o["examples"] = []string{f.Example}
	}
	return o
}
