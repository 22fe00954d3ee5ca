package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// The bounds of a file.
const (
	maxSource = 1 << 20
	maxDepth  = 40
)

type loader struct {
	file     string
	problems []Problem
	root     *yaml.Node
	texts    []text // every expression and template, as read
}

// text is the source of an expression, or of a template when braces is set.
type text struct {
	source string
	at     spot
	braces bool
}

// custom is a value that reads its node itself.
type custom interface {
	read(ld *loader, n *yaml.Node, at spot)
	schema() map[string]any
}

var customType = reflect.TypeFor[custom]()

var yamlLine = regexp.MustCompile(`(?s)^(?:yaml: )?line (\d+): (.*)$`)

// parse reads the file as one YAML document.
func (ld *loader) parse(src []byte) *yaml.Node {
	if len(src) > maxSource {
		ld.fail(spot{}, "", "the file is larger than %d bytes", maxSource)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			ld.fail(spot{}, "begin with name, title and role", "the file is empty")
			return nil
		}
		at, text := spot{}, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			at.line, _ = strconv.Atoi(m[1])
			text = m[2]
		}
		ld.fail(at, "quote texts that contain : or #, or begin with { or [", "the file is not YAML: %s", text)
		return nil
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		ld.fail(spot{line: more.Line, column: more.Column}, "one manifest a file", "the file holds more than one document")
		return nil
	}
	if len(doc.Content) != 1 {
		ld.fail(spot{}, "", "the file is empty")
		return nil
	}
	if !ld.sane(doc.Content[0], 0) {
		return nil
	}
	return doc.Content[0]
}

// sane refuses what would let a small file be a large one, and keys that come twice.
func (ld *loader) sane(n *yaml.Node, depth int) bool {
	at := spot{line: n.Line, column: n.Column}
	switch {
	case depth > maxDepth:
		ld.fail(at, "", "the file is nested deeper than %d", maxDepth)
		return false
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		ld.fail(at, "write it out where it is needed", "anchors and aliases are not part of a manifest")
		return false
	}
	ok := true
	seen := map[string]int{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if c.Kind != yaml.ScalarNode {
				ld.fail(spot{line: c.Line, column: c.Column}, "", "a key must be a single word or text")
				return false
			}
			if first, twice := seen[c.Value]; twice {
				ld.fail(spot{line: c.Line, column: c.Column}, "the first stands in line "+strconv.Itoa(first), "the key %q is there twice", c.Value)
			}
			seen[c.Value] = c.Line
		}
		ok = ld.sane(c, depth+1) && ok
	}
	return ok
}

func (s spot) below(name string, n *yaml.Node) spot {
	return spot{n.Line, n.Column, s.path + "/" + escape(name)}
}

// value reads a node into v.
func (ld *loader) value(v reflect.Value, n *yaml.Node, at spot) {
	if v.CanAddr() && v.Addr().Type().Implements(customType) {
		v.Addr().Interface().(custom).read(ld, n, at)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		ld.value(v.Elem(), n, at)
	case reflect.Struct:
		ld.object(v, n, at)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			ld.fail(at, "write it as [one, two], or with `- ` in front of each", "a list is wanted here")
			return
		}
		for i, c := range n.Content {
			item := reflect.New(v.Type().Elem()).Elem()
			ld.value(item, c, at.below(strconv.Itoa(i), c))
			v.Set(reflect.Append(v, item))
		}
	case reflect.Map: // text to text
		if n.Kind != yaml.MappingNode {
			ld.fail(at, "write them as `key: value`, one a line", "keys with values are wanted here")
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for i := 0; i+1 < len(n.Content); i += 2 {
			item := reflect.New(v.Type().Elem()).Elem()
			ld.value(item, n.Content[i+1], at.below(n.Content[i].Value, n.Content[i+1]))
			v.SetMapIndex(reflect.ValueOf(n.Content[i].Value), item)
		}
	default:
		ld.scalar(v, n, at)
	}
}

func (ld *loader) scalar(v reflect.Value, n *yaml.Node, at spot) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		ld.fail(at, "", "a single value is wanted here")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		if n.Tag != "!!bool" {
			ld.fail(at, "write true or false", "%q is neither true nor false", n.Value)
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int:
		i, err := strconv.ParseInt(n.Value, 10, 32)
		if err != nil || i < 0 {
			ld.fail(at, "", "%q is not a whole number", n.Value)
			return
		}
		v.SetInt(i)
	}
}

// field is one key of a struct.
type field struct {
	name, about string
	need        bool
	one         []string
	index       []int
	typ         reflect.Type
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("yaml"); name != "" {
			var one []string
			if s := f.Tag.Get("one"); s != "" {
				one = strings.Split(s, ",")
			}
			out = append(out, field{name, f.Tag.Get("about"), f.Tag.Get("need") != "", one, f.Index, f.Type})
		}
	}
	return out
}

func (ld *loader) object(v reflect.Value, n *yaml.Node, at spot) {
	if n.Kind != yaml.MappingNode {
		ld.fail(at, "write them as `key: value`, one a line", "keys with values are wanted here")
		return
	}
	fields := fieldsOf(v.Type())
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		given[key.Value] = true
		j := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if j < 0 {
			var names []string
			for _, f := range fields {
				names = append(names, f.name)
			}
			hint := "known keys: " + strings.Join(names, ", ")
			if near := formula.Nearest(key.Value, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			ld.fail(at.below(key.Value, key), hint, "unknown key %q", key.Value)
			continue
		}
		f := fields[j]
		place := at.below(f.name, val)
		ld.value(v.FieldByIndex(f.index), val, place)
		ld.enum(f, val, place)
	}
	for _, f := range fields {
		if f.need && !given[f.name] {
			ld.fail(at, f.about, "the key %q is missing", f.name)
		}
	}
}

func (ld *loader) enum(f field, n *yaml.Node, at spot) {
	if f.one == nil {
		return
	}
	check := func(n *yaml.Node, at spot) {
		if n.Kind == yaml.ScalarNode && !slices.Contains(f.one, n.Value) {
			hint := "one of " + strings.Join(f.one, ", ")
			if near := formula.Nearest(n.Value, f.one); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			ld.fail(at, hint, "%q is not a value of %s", n.Value, f.name)
		}
	}
	check(n, at)
	if n.Kind == yaml.SequenceNode {
		for i, c := range n.Content {
			check(c, at.below(strconv.Itoa(i), c))
		}
	}
}

// named is a mapping from free names, in the order of the file.
type named[T any] []entry[T]

type entry[T any] struct {
	name  string
	at    spot
	value T
}

func (m *named[T]) read(ld *loader, n *yaml.Node, at spot) {
	if n.Kind != yaml.MappingNode {
		ld.fail(at, "write them as `name: ...`, one a line", "names with values are wanted here")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry[T]{name: n.Content[i].Value, at: at.below(n.Content[i].Value, n.Content[i])}
		ld.value(reflect.ValueOf(&e.value).Elem(), n.Content[i+1], at.below(e.name, n.Content[i+1]))
		*m = append(*m, e)
	}
}

func (m *named[T]) schema() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": schemaOf(reflect.TypeFor[T]())}
}

func (m *named[T]) of() reflect.Type { return reflect.TypeFor[T]() }

func (m named[T]) get(name string) (*T, bool) {
	for i := range m {
		if m[i].name == name {
			return &m[i].value, true
		}
	}
	return nil, false
}

func (m named[T]) names() []string {
	out := make([]string, len(m))
	for i := range m {
		out[i] = m[i].name
	}
	return out
}

type (
	namedExpressions = named[expression]
	namedTemplates   = named[tmpl]
	pairs            = named[tmpl]
)

// duration is a span of time: 90s, 15m, 12h, 7d.
type duration struct {
	time.Duration
}

func (d *duration) read(ld *loader, n *yaml.Node, at spot) {
	got, ok := formula.Duration(n.Value)
	if n.Kind != yaml.ScalarNode || !ok || got.Abs() > 24*time.Hour*36500 {
		ld.fail(at, "write it as 90s, 15m, 12h or 7d", "%q is not a span of time", n.Value)
		return
	}
	if n.Value != "0" && strings.Trim(n.Value, "0123456789") == "" {
		ld.fail(at, "write "+n.Value+"s for seconds", "the span of time %s has no unit", n.Value)
		return
	}
	d.Duration = got
}

func (d *duration) schema() map[string]any {
	return map[string]any{"type": []any{"string", "integer"}, "pattern": `^(-?[0-9]+d|-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+|0)$`, "maximum": 0, "minimum": 0}
}

// expression is an expression of package formula; empty when left out.
type expression struct {
	source string
	at     spot
	e      *formula.Expr
}

func (x *expression) read(ld *loader, n *yaml.Node, at spot) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		ld.fail(at, "", "an expression is wanted here: a single text")
		return
	}
	if strings.Contains(n.Value, "{{") {
		ld.fail(at, "write it without {{ }}: only texts such as paths and bodies need them", "this is an expression by itself")
		return
	}
	x.source, x.at = n.Value, inText(n, at)
	ld.texts = append(ld.texts, text{x.source, x.at, false})
	if strings.TrimSpace(n.Value) == "" {
		ld.fail(at, "", "the expression is empty")
	}
}

// inText is the place where the characters of a scalar begin.
func inText(n *yaml.Node, at spot) spot {
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		at.column++
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		at.line++
		at.column = 1
	}
	return at
}

func (x *expression) schema() map[string]any {
	return map[string]any{"type": []any{"string", "boolean", "number"}, "minLength": 1, "not": map[string]any{"pattern": `\{\{`}}
}

func (x *expression) given() bool { return x.source != "" }

// tmpl is a text with expressions in it.
type tmpl struct {
	source string
	at     spot
	t      *formula.Template
}

func (x *tmpl) read(ld *loader, n *yaml.Node, at spot) {
	if n.Kind != yaml.ScalarNode {
		ld.fail(at, "", "a single text is wanted here")
		return
	}
	x.source, x.at = n.Value, inText(n, at)
	ld.texts = append(ld.texts, text{x.source, x.at, true})
}

func (x *tmpl) schema() map[string]any {
	return map[string]any{"type": []any{"string", "boolean", "number", "null"}}
}

func (x *tmpl) given() bool { return x.t != nil || x.at.line != 0 }

// tree is a body: any YAML whose texts are templates. Members keep their order.
type tree struct {
	at    spot
	kind  yaml.Kind
	text  tmpl
	fixed any // a number, true, false or null as written
	names []string
	items []tree
}

func (x *tree) read(ld *loader, n *yaml.Node, at spot) {
	x.at, x.kind = at, n.Kind
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			var c tree
			c.read(ld, n.Content[i+1], at.below(n.Content[i].Value, n.Content[i+1]))
			x.names, x.items = append(x.names, n.Content[i].Value), append(x.items, c)
		}
	case yaml.SequenceNode:
		for i, v := range n.Content {
			var c tree
			c.read(ld, v, at.below(strconv.Itoa(i), v))
			x.items = append(x.items, c)
		}
	default:
		switch n.Tag {
		case "!!null":
			x.fixed = nil
			return
		case "!!bool":
			x.fixed = strings.EqualFold(n.Value, "true")
			return
		case "!!int", "!!float":
			if !json.Valid([]byte(n.Value)) || len(n.Value) > 40 {
				ld.fail(at, "write it as JSON does, or in quotes if it is a text such as a code", "the number %s has no exact form", n.Value)
			}
			x.fixed = json.Number(n.Value)
			return
		}
		x.text.read(ld, n, at)
	}
}

func (x *tree) schema() map[string]any { return map[string]any{} }

func (x *tree) given() bool { return x.kind != 0 }
