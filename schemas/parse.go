package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const draft7 = "http://json-schema.org/draft-07/schema#"

// What stands behind a keyword.
const (
	plain    = iota // a value for the validator
	note            // an annotation: read by people, kept from the validator
	one             // a schema
	list            // a list of schemas
	named           // schemas by name
	oneOrAll        // items: a schema or a list
	depends         // dependencies: a schema or a list of names, by name
)

var keywords = map[string]int{
	"type": plain, "enum": plain, "const": plain, "multipleOf": plain, "maximum": plain, "exclusiveMaximum": plain,
	"minimum": plain, "exclusiveMinimum": plain, "maxLength": plain, "minLength": plain, "pattern": plain,
	"maxItems": plain, "minItems": plain, "uniqueItems": plain, "maxProperties": plain, "minProperties": plain,
	"required": plain, "format": plain,
	"additionalItems": one, "additionalProperties": one, "contains": one, "propertyNames": one, "not": one,
	"if": one, "then": one, "else": one, "items": oneOrAll, "allOf": list, "anyOf": list, "oneOf": list,
	"properties": named, "patternProperties": named, "definitions": named, "dependencies": depends,
	"$schema": note, "$id": note, "$comment": note, "title": note, "description": note, "default": note, "examples": note,
	"readOnly": note, "writeOnly": note, "contentEncoding": note, "contentMediaType": note,
}

// foreign keywords belong to other drafts or dialects; the value is how to mend them.
var foreign = map[string]string{
	"unevaluatedProperties": `list every property and write "additionalProperties": false`,
	"unevaluatedItems":      `write "additionalItems": false`,
	"dependentRequired":     `write it as "dependencies" with a list of names`,
	"dependentSchemas":      `write it as "dependencies" with a schema`,
	"prefixItems":           `write it as "items" with a list of schemas`,
	"$defs":                 `write it as "definitions"`,
	"minContains":           `draft-07 knows only "contains"`,
	"maxContains":           `draft-07 knows only "contains"`,
	"$anchor":               "refer to the place by its JSON pointer",
	"$recursiveRef":         `write "$ref": "#"`,
	"$recursiveAnchor":      "leave it out",
	"$dynamicRef":           `write "$ref" with a JSON pointer`,
	"$dynamicAnchor":        "refer to the place by its JSON pointer",
	"$vocabulary":           "leave it out",
	"contentSchema":         "describe the content in a schema of its own",
	"deprecated":            "say it in the description",
	"id":                    `write it as "$id"`,
	"nullable":              `write "type": ["string", "null"]`,
	"discriminator":         `write "oneOf" with a "const" in each branch`,
	"example":               `write "examples": [...]`,
}

var formats = []string{"date", "time", "date-time", "hostname", "email", "idn-email", "ipv4", "ipv6", "uri", "uri-reference", "iri",
	"iri-reference", "uri-template", "uuid", "regex", "json-pointer", "relative-json-pointer"}

// node reads the schema at a pointer and all schemas below it.
func (l *loader) node(f *file, pointer string, v any) *node {
	n := &node{file: f, pointer: pointer}
	f.nodes[pointer] = n
	if b, ok := v.(bool); ok {
		n.never, n.always, n.clean = !b, b, b
		return n
	}
	m, ok := v.(map[string]any)
	if !ok {
		n.clean = true
		return n // checkMeta has reported it
	}
	n.always = len(m) == 0
	clean := map[string]any{}
	n.clean = clean
	for _, key := range slices.Sorted(maps.Keys(m)) {
		at := pointer + "/" + escape(key)
		if key == "$ref" || strings.HasPrefix(key, "x-") {
			continue
		}
		kind, known := keywords[key]
		if !known {
			l.unknownKeyword(f, at, key)
			continue
		}
		if c, keep := l.children(f, n, at, key, kind, m[key]); keep {
			clean[key] = c
		}
	}
	l.annotations(f, n, pointer, m)
	if ref, ok := m["$ref"].(string); ok {
		l.reference(f, n, pointer, ref, m)
	}
	return n
}

func (l *loader) unknownKeyword(f *file, at, key string) {
	if hint, ok := foreign[key]; ok {
		l.add(f, at, "schema.keyword", key+" is no keyword of draft-07 and would be ignored in silence", hint)
		return
	}
	hint := "leave it out, or mark it as a note of your own by the prefix x-"
	if near := nearest(key, append(slices.Collect(maps.Keys(keywords)), "$ref", "x-pii", "x-search", "x-amount")); near != "" {
		hint = "did you mean " + near + "?"
	}
	l.add(f, at, "schema.keyword", fmt.Sprintf("%q is no keyword and would be ignored in silence", key), hint)
}

// children reads what stands behind one keyword; it returns the validator's copy.
func (l *loader) children(f *file, n *node, at, key string, kind int, v any) (clean any, keep bool) {
	switch kind {
	case note:
		if key == "$id" && n.pointer != "" {
			l.add(f, at, "schema.id", "$id inside a schema changes what its references mean", "leave it out and refer by JSON pointer")
		}
		return nil, false
	case plain:
		l.plain(f, n, at, key, v)
		return v, true
	case oneOrAll:
		if _, ok := v.([]any); !ok {
			kind = one
		} else {
			kind = list
		}
	}
	var nodes []*node
	switch v := v.(type) {
	case []any:
		if kind != list {
			return v, true // checkMeta has reported it
		}
		out := make([]any, len(v))
		for i, child := range v {
			c := l.node(f, at+"/"+strconv.Itoa(i), child)
			nodes, out[i] = append(nodes, c), c.clean
		}
		clean = out
	case map[string]any:
		if kind == one {
			c := l.node(f, at, v)
			nodes, clean = append(nodes, c), c.clean
			break
		}
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if _, names := v[name].([]any); names && kind == depends {
				out[name] = v[name]
				continue
			}
			c := l.node(f, at+"/"+escape(name), v[name])
			out[name] = c.clean
			l.attachNamed(f, n, at, key, name, c)
		}
		return out, true
	default:
		c := l.node(f, at, v)
		nodes, clean = append(nodes, c), c.clean
	}
	n.attach(key, kind, nodes)
	return clean, true
}

func (n *node) attach(key string, kind int, nodes []*node) {
	switch key {
	case "items":
		if kind == list {
			n.tuple = nodes
		} else {
			n.items = nodes[0]
		}
	case "additionalItems":
		n.tupleRest = nodes[0]
	case "additionalProperties":
		n.additional = nodes[0]
	case "allOf":
		n.allOf = nodes
	case "anyOf", "oneOf", "then", "else":
		n.choices = append(n.choices, nodes...)
	default: // not, if, contains, propertyNames
		n.silent = append(n.silent, nodes...)
	}
}

func (l *loader) attachNamed(f *file, n *node, at, key, name string, c *node) {
	switch key {
	case "properties":
		if n.properties == nil {
			n.properties = map[string]*node{}
		}
		n.properties[name] = c
	case "patternProperties":
		re, err := regexp.Compile(name)
		if err != nil {
			l.add(f, at+"/"+escape(name), "schema.pattern", "the pattern does not compile: "+err.Error(), "patterns are RE2: no look-ahead, no back references")
			return
		}
		n.patterns = append(n.patterns, pattern{re: re, node: c})
	case "dependencies":
		n.choices = append(n.choices, c)
	}
}

// plain reads and checks the keywords that hold no schemas.
func (l *loader) plain(f *file, n *node, at, key string, v any) {
	switch key {
	case "type":
		n.types = texts(v)
	case "required":
		n.required = texts(v)
	case "enum":
		n.enum, _ = v.([]any)
		for i, allowed := range n.enum {
			l.exact(f, at+"/"+strconv.Itoa(i), allowed)
		}
	case "const":
		n.enum = []any{v}
		l.exact(f, at, v)
	case "pattern":
		if text, ok := v.(string); ok {
			if _, err := regexp.Compile(text); err != nil {
				l.add(f, at, "schema.pattern", "the pattern does not compile: "+err.Error(), "patterns are RE2: no look-ahead, no back references")
			}
		}
	case "format":
		if text, ok := v.(string); ok && !slices.Contains(formats, text) {
			l.add(f, at, "schema.format", fmt.Sprintf("the format %q is unknown and would be ignored in silence", text), "use one of "+strings.Join(formats, ", ")+", or a pattern")
		}
	}
}

// exact refuses numbers that the validator compares as floats.
func (l *loader) exact(f *file, at string, v any) {
	if number, ok := v.(json.Number); ok && len(strings.Trim(string(number), "-.0")) > 15 {
		l.add(f, at, "schema.exact", "a number of more than 15 digits is not compared exactly", "make the field a string")
	}
}

func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

func (l *loader) annotations(f *file, n *node, pointer string, m map[string]any) {
	switch v := m["x-pii"].(type) {
	case nil:
	case bool:
		if v {
			n.pii = maskText
		}
	case string:
		n.pii = v
	}
	if v, ok := m["x-pii"]; ok && n.pii == "" && v != false || n.pii != "" && !slices.Contains(maskKinds, n.pii) {
		l.add(f, pointer+"/x-pii", "schema.pii", "x-pii has a value that is not known", "use one of "+strings.Join(maskKinds, ", ")+", or true")
		n.pii = ""
	}
	l.amount(f, n, pointer, m)
	v, ok := m["x-search"]
	if !ok {
		return
	}
	if n.search, _ = v.(string); !slices.Contains(searchKinds, n.search) {
		hint := "use one of " + strings.Join(searchKinds, ", ")
		if near := nearest(n.search, searchKinds); near != "" {
			hint = "did you mean " + near + "?"
		}
		l.add(f, pointer+"/x-search", "schema.search", "x-search has a value that is not known", hint)
		n.search = ""
	}
}

// reference works out where a $ref leads; resolve follows it when all files are read.
func (l *loader) reference(f *file, n *node, pointer, ref string, m map[string]any) {
	at := pointer + "/$ref"
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if kind, known := keywords[key]; known && kind != note && key != "definitions" {
			l.add(f, pointer+"/"+escape(key), "schema.ref", key+" beside $ref is ignored in silence", `write "allOf": [{"$ref": ...}] and keep it beside that`)
		}
	}
	target, fragment, _ := strings.Cut(ref, "#")
	if strings.Contains(target, ":") || strings.HasPrefix(target, "/") {
		l.add(f, at, "schema.ref", "a schema is never fetched from elsewhere", "put the schema into this folder and refer to it by its relative name")
		return
	}
	if fragment != "" && !strings.HasPrefix(fragment, "/") {
		l.add(f, at, "schema.ref", "a $ref to a name cannot be resolved", "refer by JSON pointer, such as #/definitions/money")
		return
	}
	n.refPath = f.path
	if target != "" {
		n.refPath = path.Join(path.Dir(f.path), target)
	}
	n.refPointer = fragment
	if decoded, err := url.PathUnescape(fragment); err == nil {
		n.refPointer = decoded
	}
	clean := map[string]any{"$ref": address(n.refPath) + "#" + fragment}
	if definitions, ok := n.clean.(map[string]any)["definitions"]; ok {
		clean["definitions"] = definitions // a root that is a $ref still carries what it points to
	}
	n.clean = clean
}
