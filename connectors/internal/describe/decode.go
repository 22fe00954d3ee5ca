package describe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Limits on a description, so that no file can take the memory of the hub.
const (
	MaxBytes = 1 << 20
	maxDepth = 40
)

// Text is a scalar with its place; the zero value was not given.
type Text struct {
	Value        string
	Line, Column int
	Path         string
}

// Given says whether the key was there at all.
func (t Text) Given() bool { return t.Line > 0 }

// Entry is one key of a Map.
type Entry[T any] struct {
	Key   Text
	Value T
}

// Map is a YAML mapping with free keys, in file order.
type Map[T any] []Entry[T]

// Keys lists the keys.
func (m Map[T]) Keys() []string {
	out := make([]string, len(m))
	for i, e := range m {
		out[i] = e.Key.Value
	}
	return out
}

func (m *Map[T]) decode(d *Decoder, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.misfit(n, path, "keys with values are", "write them as `key: value`, one a line")
		return
	}
	d.pairs(n, path, func(k, v *yaml.Node, at string) {
		e := Entry[T]{Key: Text{k.Value, k.Line, k.Column, at}}
		d.decode(v, reflect.ValueOf(&e.Value).Elem(), at)
		*m = append(*m, e)
	})
}

// Custom is a type that reads its node itself: a short form beside a long one.
type Custom interface {
	DecodeNode(d *Decoder, n *yaml.Node, path string)
}

type mapping interface {
	decode(d *Decoder, n *yaml.Node, path string)
}

// Decoder collects the problems of one file.
type Decoder struct {
	File     string
	Problems []Problem
	depth    int
}

// Decode reads one document into v, a pointer to a struct whose fields carry yaml tags.
// Fields are structs, pointers, lists, Map, Text, string, bool, int, time.Duration,
// yaml.Node or Custom. A key in no field is a problem, and so is a value of another form.
func Decode(file string, src []byte, v any) *Decoder {
	d := &Decoder{File: file}
	n := d.Parse(src)
	if n != nil {
		d.decode(n, reflect.ValueOf(v).Elem(), "")
	}
	return d
}

// Parse returns the one document of a file, nil with a problem when there is none.
func (d *Decoder) Parse(src []byte) *yaml.Node {
	switch {
	case len(src) > MaxBytes:
		d.AddAt(1, 1, "", fmt.Sprintf("the file has %d bytes, at most %d are read", len(src), MaxBytes), "describe one system a file")
		return nil
	case len(bytes.TrimSpace(src)) == 0:
		d.AddAt(1, 1, "", "the file is empty", "")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		line, text := lineOf(err)
		d.AddAt(line, 1, "", "this is no YAML: "+text, "look for a tab, a missing colon or an unclosed quote")
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.AddAt(max(1, more.Line), max(1, more.Column), "", "the file holds more than one document", "one document a file")
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		d.AddAt(1, 1, "", "the file is empty", "")
		return nil
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

func lineOf(err error) (int, string) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, err.Error()
	}
	line, _ := strconv.Atoi(m[1])
	return max(1, line), m[2]
}

// AddAt adds a problem at a place.
func (d *Decoder) AddAt(line, column int, path, text, hint string) {
	d.Problems = append(d.Problems, Problem{d.File, max(1, line), max(1, column), path, text, hint})
}

// Add adds a problem at a node.
func (d *Decoder) Add(n *yaml.Node, path, text, hint string) {
	d.AddAt(n.Line, n.Column, path, text, hint)
}

// AddText adds a problem at a scalar.
func (d *Decoder) AddText(t Text, text, hint string) { d.AddAt(t.Line, t.Column, t.Path, text, hint) }

// Into decodes a node into v, a pointer; for Custom types.
func (d *Decoder) Into(n *yaml.Node, v any, path string) {
	d.decode(n, reflect.ValueOf(v).Elem(), path)
}

func (d *Decoder) misfit(n *yaml.Node, path, want, hint string) {
	d.Add(n, path, want+" wanted here, not "+form(n), hint)
}

func form(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "nothing"
		}
		return "a single value"
	default:
		return "an alias"
	}
}

// pairs walks a mapping, refusing what YAML lets pass: a key twice, a key that is no text.
func (d *Decoder) pairs(n *yaml.Node, path string, each func(k, v *yaml.Node, at string)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Value == "<<" && k.Tag == "!!merge" {
			d.Add(k, path, "a key must be plain text", "write the keys out; YAML merges and complex keys are not read")
			continue
		}
		at := k.Value
		if path != "" {
			at = path + "." + k.Value
		}
		if first := seen[k.Value]; first > 0 {
			d.Add(k, at, fmt.Sprintf("the key %q is there twice", k.Value), fmt.Sprintf("the first stands in line %d; keep one of them", first))
			continue
		}
		seen[k.Value] = k.Line
		each(k, v, at)
	}
}

func (d *Decoder) decode(n *yaml.Node, v reflect.Value, path string) {
	if d.depth++; d.depth > maxDepth {
		d.Add(n, path, "this is nested too deeply", "")
		d.depth--
		return
	}
	defer func() { d.depth-- }()
	if n.Kind == yaml.AliasNode {
		d.Add(n, path, "YAML aliases are not read here", "write the value out")
		return
	}
	switch to := v.Addr().Interface().(type) {
	case Custom:
		to.DecodeNode(d, n, path)
		return
	case mapping:
		to.decode(d, n, path)
		return
	case *yaml.Node:
		*to = *n
		return
	case *Text:
		if d.scalar(n, path) {
			*to = Text{n.Value, n.Line, n.Column, path}
		}
		return
	case *time.Duration:
		if d.scalar(n, path) {
			d.duration(n, to, path)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.misfit(n, path, "a list is", "write it as [one, two], or with `- ` in front of each")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, c := range n.Content {
			d.decode(c, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		if d.scalar(n, path) {
			d.plain(n, v, path)
		}
	}
}

func (d *Decoder) scalar(n *yaml.Node, path string) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		return true
	}
	d.misfit(n, path, "a single value is", "write it on the line of its key")
	return false
}

func (d *Decoder) duration(n *yaml.Node, to *time.Duration, path string) {
	text := n.Value
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if c, err := strconv.Atoi(days); err == nil && c >= 0 && c <= 36500 {
			*to = time.Duration(c) * 24 * time.Hour
			return
		}
	}
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 {
		d.Add(n, path, fmt.Sprintf("%q is not a span of time", text), "write it like 30s, 5m, 2h or 7d")
		return
	}
	*to = v
}

func (d *Decoder) plain(n *yaml.Node, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		if n.Value != "true" && n.Value != "false" {
			d.Add(n, path, fmt.Sprintf("%q is neither true nor false", n.Value), "write true or false")
			return
		}
		v.SetBool(n.Value == "true")
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			d.Add(n, path, fmt.Sprintf("%q is not a whole number", n.Value), "write digits only")
			return
		}
		v.SetInt(i)
	default:
		d.Add(n, path, "this cannot be read", "")
	}
}

func (d *Decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.misfit(n, path, "keys with values are", "write them as `key: value`, one a line")
		return
	}
	fields := map[string]int{}
	var known []string
	for i := range v.NumField() {
		if key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" {
			fields[key] = i
			known = append(known, key)
		}
		if f, ok := v.Field(i).Addr().Interface().(*Place); ok {
			*f = Place{n.Line, n.Column, path}
		}
	}
	d.pairs(n, path, func(k, val *yaml.Node, at string) {
		i, ok := fields[k.Value]
		if !ok {
			d.Add(k, at, fmt.Sprintf("unknown key %q", k.Value), Suggest(k.Value, known))
			return
		}
		d.decode(val, v.Field(i), at)
	})
}

// Place is where a struct stands: a field of this type, whatever its name, is filled.
type Place struct {
	Line, Column int
	Path         string
}

// AddPlace adds a problem at a struct.
func (d *Decoder) AddPlace(p Place, text, hint string) { d.AddAt(p.Line, p.Column, p.Path, text, hint) }
