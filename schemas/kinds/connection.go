package kinds

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// connection is the schema of connections/*.yaml: what `config` takes depends on the
// connector.
func connection(in Input) (object, error) {
	names := slices.Clone(in.Unread)
	definitions := object{}
	var choices []object
	for _, c := range in.Connectors {
		names = append(names, c.Name)
		properties, required := object{}, []string{}
		for _, f := range c.Fields {
			s, err := f.schema()
			if err != nil {
				return nil, fmt.Errorf("connector %s: %w", c.Name, err)
			}
			properties[f.Name] = s
			if f.Required && f.Default == "" {
				required = append(required, f.Name)
			}
		}
		config := keys("Configuration of "+c.Title+".", required, properties)
		then := object{"properties": object{"config": object{"$ref": "#/definitions/" + c.Name}}}
		if len(required) > 0 {
			then["required"] = []string{"config"}
		} else {
			config["type"] = []string{"object", "null"}
		}
		definitions[c.Name] = config
		choices = append(choices, object{
			"if":   object{"required": []string{"connector"}, "properties": object{"connector": object{"const": c.Name}}},
			"then": then,
		})
	}
	slices.Sort(names)
	text := object{"type": []string{"string", "number", "boolean"}}
	root := keys("One account of a connector.", []string{"connection", "connector"}, object{
		"connection": object{"type": "string", "pattern": `^[^./ {}]+$`, "description": "Its name: letters, digits and dashes. Flows write it as connection.stream."},
		"connector":  oneOf("Which protocol it speaks; `minihub connectors list` shows all.", slices.Compact(names)...),
		"text":       scalar("What it is, for people."),
		"account":    scalar("The vendor's account; connections that give the same one share its limits."),
		"labels":     object{"type": []string{"object", "null"}, "additionalProperties": text, "description": "Flows select connections by them: {label=value}.stream."},
		"store":      object{"type": []string{"object", "null"}, "description": "Settings that mappings read as @store.NAME; code is the prefix of keys."},
		"mode":       object{"type": "string", "enum": []string{"on", "shadow", "off"}, "default": "on", "description": "shadow maps, checks and records, and sends nothing."},
		"start": object{"type": "string", "pattern": `^(now|[0-9]{4}-[0-9]{2}-[0-9]{2}T.*)$`,
			"description": "Where the history of its streams begins: now, or a time with its zone such as 2026-11-01T00:00:00+08:00."},
		"limits_x": object{"type": []string{"number", "string"}, "exclusiveMinimum": 0, "default": 1, "description": "Multiple of the vendor's published allowance."},
		"slots":    count("Calls at once, at most.", 32),
		"recheck":  object{"type": []string{"boolean", "string"}, "pattern": `^(true|false|TRUE|FALSE|True|False|t|f|T|F|1|0)$`, "description": "Ask before the first send too: after a restore, or going live over old data."},
		"config":   object{"type": []string{"object", "null"}, "description": "The connector's fields; `minihub connectors describe NAME` lists them."},
	})
	root["definitions"] = definitions
	if len(choices) > 0 {
		root["allOf"] = choices
	}
	return root, nil
}

// connector is the schema of connectors/*.yaml: the word under `kind:` decides.
func connector(in Input) (object, error) {
	definitions := object{}
	var choices []object
	kinds := slices.Sorted(maps.Keys(in.Described))
	for _, kind := range kinds {
		var s any
		dec := json.NewDecoder(strings.NewReader(string(in.Described[kind])))
		dec.UseNumber()
		if err := dec.Decode(&s); err != nil {
			return nil, fmt.Errorf("kind %s: %w", kind, err)
		}
		m, ok := moved(s, "#/definitions/"+kind).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("kind %s: the schema is not an object", kind)
		}
		delete(m, "$schema")
		definitions[kind] = m
		choices = append(choices, object{
			"if":   object{"required": []string{"kind"}, "properties": object{"kind": object{"const": kind}}},
			"then": object{"$ref": "#/definitions/" + kind},
		})
	}
	root := object{"type": "object", "required": []string{"kind"}, "definitions": definitions,
		"properties": object{"kind": oneOf("How the rest of the file is read.", kinds...)}}
	if len(choices) > 0 {
		root["allOf"] = choices
	}
	return root, nil
}

// moved is a schema whose references within itself begin at another place.
func moved(v any, to string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			if ref, ok := item.(string); ok && k == "$ref" && strings.HasPrefix(ref, "#") {
				out[k] = to + strings.TrimPrefix(ref, "#")
				continue
			}
			out[k] = moved(item, to)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = moved(item, to)
		}
		return out
	}
	return v
}
