// Package kinds writes JSON Schemas (draft-07) of the YAML files that a deployment is made
// of, so that editors complete and check them. It knows no connector: what the program can
// connect comes in as data. A schema takes everything its loader takes; the loader says
// more, since it sees all files together.
package kinds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Draft is the draft that every schema here names.
const Draft = "http://json-schema.org/draft-07/schema#"

// The kinds of YAML files.
const (
	Hub        = "hub"
	Connection = "connection"
	Flow       = "flow"
	Mapping    = "mapping"
	Jobs       = "jobs"
	Lookup     = "lookup"
	Connector  = "connector"
)

// Names lists the kinds in the order in which an integrator meets them.
func Names() []string {
	return []string{Hub, Connection, Flow, Mapping, Lookup, Jobs, Connector}
}

// Input is what the schemas are made from.
type Input struct {
	// Connectors are those that connection files may name.
	Connectors []Declared
	// Unread names connectors whose own files cannot be read: a connection may name them,
	// and nothing is known about their fields.
	Unread []string
	// Described holds a schema for each kind of connectors/*.yaml, by the word under `kind:`.
	Described map[string][]byte
	// Functions are the names that a row's `convert` may call.
	Functions []string
	// Mappings are the paths of the mappings that are shipped, for completion.
	Mappings []string
	// Tables are the names of the known lookup tables, for completion.
	Tables []string
	// Schemas are the names of the known schemas, such as canonical/order, for completion.
	Schemas []string
}

// Declared is a connector with its configuration fields.
type Declared struct {
	Name, Title string
	Fields      []Field
}

// Field is one configuration field of a connection.
type Field struct {
	Name     string
	Kind     string // string, secret, url, int, bool, duration, map
	Required bool
	Default  string
	Enum     []string
	Text     string
	Example  string
}

// Schema is the schema of one kind.
type Schema struct {
	Kind  string
	Title string
	// Files are the glob patterns, below the deployment's directory, of the files it is for.
	Files []string
	// Source is the schema as indented JSON that ends with a line break.
	Source []byte
}

// File is the name of the schema's file.
func (s Schema) File() string { return s.Kind + ".json" }

// object is a part of a schema; encoding/json sorts its keys.
type object = map[string]any

// All writes the schemas of every kind, in the order of Names. It fails when a schema of
// Described is not JSON, or a field has an unknown kind.
func All(in Input) ([]Schema, error) {
	makers := map[string]struct {
		title string
		files []string
		make  func(Input) (object, error)
	}{
		Hub:        {"the hub itself", []string{"hub.yaml"}, fixed(hub)},
		Connection: {"one account of a connector", []string{"connections/*.yaml"}, connection},
		Flow:       {"from streams through mappings to operations", []string{"flows/*.yaml"}, fixed(flow)},
		Mapping:    {"one document into another", []string{"mappings/**/*.yaml"}, fixed(mapping)},
		Lookup:     {"a code table", []string{"lookups/*.yaml"}, fixed(lookup)},
		Jobs:       {"what the hub does by the clock", []string{"jobs.yaml"}, fixed(jobs)},
		Connector:  {"a connector described by the deployment", []string{"connectors/*.yaml"}, connector},
	}
	var out []Schema
	for _, name := range Names() {
		m := makers[name]
		root, err := m.make(in)
		if err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", name, err)
		}
		root["$schema"], root["title"] = Draft, strings.Join(m.files, ", ")+": "+m.title
		src, err := encode(root)
		if err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", name, err)
		}
		out = append(out, Schema{Kind: name, Title: m.title, Files: slices.Clone(m.files), Source: src})
	}
	return out, nil
}

func fixed(f func(Input) object) func(Input) (object, error) {
	return func(in Input) (object, error) { return f(in), nil }
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// keys is an object with these keys and no others.
func keys(text string, required []string, properties object) object {
	o := object{"type": "object", "additionalProperties": false, "properties": properties}
	if text != "" {
		o["description"] = text
	}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// with lays more keywords over a part.
func with(o object, more object) object {
	out := object{}
	for k, v := range o {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// scalar is a value that the loader reads as text, however YAML would take it.
func scalar(text string) object {
	return object{"type": []string{"string", "number", "boolean"}, "description": text}
}

func words(text string) object { return object{"type": "string", "description": text} }

func flag(text string) object { return object{"type": "boolean", "description": text} }

func oneOf(text string, values ...string) object {
	if len(values) == 0 {
		return words(text)
	}
	return object{"type": "string", "enum": values, "description": text}
}

func list(text string, items object) object {
	return object{"type": "array", "items": items, "description": text}
}

// suggest is text in which some values are known, for completion, and others are allowed.
func suggest(text string, known []string, other object) object {
	if len(known) == 0 {
		return with(other, object{"description": text})
	}
	return object{"description": text, "anyOf": []object{{"enum": known}, other}}
}
