package manifest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
