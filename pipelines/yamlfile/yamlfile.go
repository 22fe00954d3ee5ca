// Package yamlfile reads the hub's YAML files strictly: unknown keys, more than one
// document and values of the wrong form are problems with file, line and a suggestion,
// all of them at once.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/mappings/mapper"
)

// CodeYAML is the code of every problem found here.
const CodeYAML = "config.yaml"

// Text is a scalar with its place.
type Text struct {
	Value        string
	Line, Column int
}

// UnmarshalYAML keeps the place.
func (t *Text) UnmarshalYAML(n *yaml.Node) error {
	t.Line, t.Column = n.Line, n.Column
	if n.Kind != yaml.ScalarNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: cannot unmarshal %s into string", n.Line, n.ShortTag())}}
	}
	t.Value = n.Value
	return nil
}

// Problem returns a problem at the text's place.
func (t Text) Problem(code, file, text, hint string) *mapper.Problem {
	return &mapper.Problem{Code: code, File: file, Line: max(1, t.Line), Column: max(1, t.Column), Text: text, Hint: hint}
}

// Decode reads one document into v, a pointer to a struct.
func Decode(file string, src []byte, v any) mapper.Problems {
	if len(bytes.TrimSpace(src)) == 0 {
		return mapper.Problems{Text{}.Problem(CodeYAML, file, "the file is empty", "")}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		return problems(file, err, v)
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return mapper.Problems{Text{Line: more.Line, Column: more.Column}.Problem(CodeYAML, file, "the file holds more than one document", "one document a file")}
	}
	return nil
}

// Strict decodes a mapping node into a struct inside an UnmarshalYAML, where the
// decoder's own rule against unknown keys no longer holds.
func Strict(n *yaml.Node, v any) error {
	t := reflect.TypeOf(v).Elem()
	known := keys(t)
	var te yaml.TypeError
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains(known, k.Value) {
			te.Errors = append(te.Errors, fmt.Sprintf("line %d: field %s not found in type %s", k.Line, k.Value, t))
		}
	}
	if len(te.Errors) > 0 {
		return &te
	}
	return n.Decode(v)
}

var (
	lineOf       = regexp.MustCompile(`(?s)^(?:yaml: )?line (\d+): (.*)$`)
	unknownField = regexp.MustCompile(`(?s)^field (\S+) not found in type (.+)$`)
	wrongForm    = regexp.MustCompile("(?s)^cannot unmarshal (\\S+)(?: `(.*)`)? into (\\S+)$")
	twice        = regexp.MustCompile(`^mapping key ("?.*"?) already defined at line (\d+)$`)
)

func problems(file string, err error, v any) mapper.Problems {
	lines := []string{err.Error()}
	var te *yaml.TypeError
	if errors.As(err, &te) {
		lines = te.Errors
	}
	var out mapper.Problems
	for _, l := range lines {
		at := Text{}
		if m := lineOf.FindStringSubmatch(l); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			l = m[2]
		}
		hint := ""
		if m := wrongForm.FindStringSubmatch(l); m != nil {
			l, hint = misfit(m[1], m[2], m[3])
		}
		if m := twice.FindStringSubmatch(l); m != nil {
			l, hint = fmt.Sprintf("the key %s is there twice", m[1]), "the first stands in line "+m[2]+"; keep one of them"
		}
		if m := unknownField.FindStringSubmatch(l); m != nil {
			known := keysOf(reflect.TypeOf(v), m[2], map[reflect.Type]bool{})
			l = fmt.Sprintf("unknown key %q", m[1])
			hint = "known keys: " + strings.Join(known, ", ")
			if n := mapper.Nearest(m[1], known); n != "" {
				hint = fmt.Sprintf("did you mean %q?", n)
			}
		}
		out = append(out, at.Problem(CodeYAML, file, l, hint))
	}
	return out
}

// misfit says in plain words what a value should have been. The value itself is quoted
// only where it cannot be a secret.
func misfit(tag, value, into string) (text, hint string) {
	switch {
	case into == "bool":
		return fmt.Sprintf("%q is neither true nor false", value), "write true or false"
	case strings.HasPrefix(into, "map["):
		return "keys with values are wanted here", "write them as `key: value`, one a line"
	case strings.HasPrefix(into, "[]"):
		return "a list is wanted here", "write it as [one, two], or with `- ` in front of each"
	case tag == "!!seq" || tag == "!!map":
		return "a single value is wanted here", "write it without brackets, braces and dashes"
	default:
		return "keys with values are wanted here, not a single value", "write them as `key: value`, one a line"
	}
}

// keys lists the keys of a struct type.
func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" {
			out = append(out, key)
		}
	}
	sort.Strings(out)
	return out
}

// keysOf finds the struct type of that name below t and lists its keys.
func keysOf(t reflect.Type, name string, seen map[reflect.Type]bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	if t.String() == name {
		return keys(t)
	}
	for i := range t.NumField() {
		if keys := keysOf(t.Field(i).Type, name, seen); keys != nil {
			return keys
		}
	}
	return nil
}
