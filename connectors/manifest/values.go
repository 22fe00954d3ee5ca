package manifest

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

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
