package mapper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// spot is a place in the mapping file.
type spot struct{ line, column int }

// text is a scalar of the mapping file with its place.
type text struct {
	s string
	spot
	// shift is how many columns the content starts after the scalar: the
	// quote. block is set for | scalars, whose lines follow below; folded for >
	// scalars, whose lines cannot be told apart any more.
	shift         int
	block, folded bool
}

// at answers the file position of a line and column inside the text.
func (t *text) at(line, column int) spot {
	switch {
	case t.folded:
		return t.spot
	case t.block:
		return spot{t.line + line, column}
	case line > 1:
		return spot{t.line + line - 1, column}
	}
	return spot{t.line, t.column + t.shift + column - 1}
}

// constant is a YAML value of the mapping file.
type constant struct {
	v any
	spot
}

// entry is a line of a row's map.
type entry struct {
	key   text
	value constant
}

// rowSpec is a row as written.
type rowSpec struct {
	spot
	to, from, expr, each, when, lookup, onMissing *text
	value, def, els                               *constant
	convert                                       []text
	entries                                       []entry
	hasMap, hasFields                             bool
	required, omitEmpty, append                   bool
	fields                                        []*rowSpec
	broken                                        bool // a problem of the row is reported already
}

// fileSpec is a mapping file as written.
type fileSpec struct {
	title, input, output text
	lookups              []text
	hasLookups           bool
	fields               []*rowSpec
	fieldsAt             spot
}

// reader decodes a mapping file strictly and collects what is wrong.
type reader struct {
	file     string
	visited  int
	rows     int
	problems Problems
	stopped  bool
}

func (r *reader) fail(at spot, code, hint, format string, args ...any) {
	if r.stopped {
		return
	}
	r.problems = append(r.problems, &Problem{Code: code, File: r.file, Line: at.line, Column: at.column, Text: fmt.Sprintf(format, args...), Hint: hint})
	if len(r.problems) >= maxProblems {
		r.stopped = true
	}
}

func spotOf(n *yaml.Node) spot { return spot{n.Line, n.Column} }

// open parses the file into its root node; nil after a problem.
func (r *reader) open(src []byte) *yaml.Node {
	if len(src) > maxSourceBytes {
		r.fail(spot{}, CodeLimit, "", "the file is longer than %d bytes", maxSourceBytes)
		return nil
	}
	if bytes.IndexByte(src, '\t') >= 0 && bytes.Contains(src, []byte("\n\t")) {
		r.fail(spot{1 + bytes.Count(src[:bytes.Index(src, []byte("\n\t"))+1], []byte("\n")), 1}, CodeYAML, "indent with spaces", "YAML cannot be indented with tabs")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.fail(spot{1, 1}, CodeYAML, "start with mapping:", "the file is empty")
			return nil
		}
		line := 0
		message := strings.TrimPrefix(err.Error(), "yaml: ")
		if _, scanErr := fmt.Sscanf(message, "line %d:", &line); scanErr == nil {
			_, message, _ = strings.Cut(message, ": ")
			if strings.HasPrefix(message, "did not find expected") {
				line++ // the library counts these from 0
			}
			line = min(line, 1+bytes.Count(bytes.TrimRight(src, "\n"), []byte("\n")))
		}
		r.fail(spot{line, 0}, CodeYAML, "texts with : # { [ ' or @ at their start need quotes", "this is not YAML: %s", message)
		return nil
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		r.fail(spotOf(&more), CodeYAML, "one mapping a file", "there is a second document after ---")
		return nil
	}
	if len(doc.Content) != 1 {
		r.fail(spot{1, 1}, CodeYAML, "", "the file is empty")
		return nil
	}
	return doc.Content[0]
}

// visit resolves aliases and bounds how much is looked at, so that aliases of
// aliases cannot grow without end.
func (r *reader) visit(n *yaml.Node, depth int) (*yaml.Node, bool) {
	for hops := 0; n.Kind == yaml.AliasNode; hops++ {
		if n = n.Alias; hops > maxYAMLDepth || n == nil {
			r.fail(spot{}, CodeYAML, "", "an alias points nowhere")
			return nil, false
		}
	}
	r.visited++
	if r.visited > maxYAMLNodes || depth > maxYAMLDepth {
		if !r.stopped {
			r.fail(spotOf(n), CodeLimit, "aliases count each time they are used", "the file is too large or too deep")
			r.stopped = true
		}
		return nil, false
	}
	return n, !r.stopped
}

// pair is a key and value of a YAML mapping.
type pair struct {
	key   *yaml.Node
	value *yaml.Node
}

// object lists the pairs of a mapping; repeated and odd keys are problems.
func (r *reader) object(n *yaml.Node, what string, depth int) []pair {
	n, going := r.visit(n, depth)
	if !going {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(spotOf(n), CodeYAML, "write key: value lines", "%s must be key: value lines and is %s", what, yamlKind(n))
		return nil
	}
	seen := map[string]bool{}
	pairs := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.fail(spotOf(key), CodeYAML, "merge keys are not used here", "a key must be a plain name")
			continue
		}
		if seen[key.Value] {
			r.fail(spotOf(key), CodeDuplicate, "", "%s is given twice", key.Value)
			continue
		}
		seen[key.Value] = true
		pairs = append(pairs, pair{key, n.Content[i+1]})
	}
	return pairs
}

func (r *reader) list(n *yaml.Node, what string, depth int) []*yaml.Node {
	n, going := r.visit(n, depth)
	if !going {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(spotOf(n), CodeYAML, "start each line with -", "%s must be a list and is %s", what, yamlKind(n))
		return nil
	}
	return n.Content
}

func yamlKind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "key: value lines"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "empty"
	}
	return "a single value"
}

// text reads a scalar that must be text.
func (r *reader) text(n *yaml.Node, key string, depth int) (text, bool) {
	n, going := r.visit(n, depth)
	if !going {
		return text{}, false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(spotOf(n), CodeYAML, "", "%s must be a text and is %s", key, yamlKind(n))
		return text{}, false
	}
	if n.Tag != "!!str" && n.Tag != "!!timestamp" {
		r.fail(spotOf(n), CodeYAML, "put it in quotes", "%s must be a text and YAML reads %s as %s", key, n.Value, yamlType(n.Tag))
		return text{}, false
	}
	t := text{s: n.Value, spot: spotOf(n)}
	switch n.Style {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		t.shift = 1
	case yaml.LiteralStyle:
		t.block = true
	case yaml.FoldedStyle:
		t.folded = true
	}
	if strings.TrimSpace(t.s) == "" {
		r.fail(t.spot, CodeYAML, "", "%s is empty", key)
		return text{}, false
	}
	return t, true
}

func yamlType(tag string) string {
	switch tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "something else"
}

func (r *reader) flag(n *yaml.Node, key string, depth int) bool {
	n, going := r.visit(n, depth)
	if !going {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.fail(spotOf(n), CodeYAML, "", "%s must be true or false", key)
		return false
	}
	return n.Value == "true"
}

// constant reads any YAML value; numbers keep their digits.
func (r *reader) constant(n *yaml.Node, depth int) (any, bool) {
	n, going := r.visit(n, depth)
	if !going {
		return nil, false
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for _, p := range r.object(n, "the value", depth) {
			v, going := r.constant(p.value, depth+1)
			if !going {
				return nil, false
			}
			m[p.key.Value] = v
		}
		return m, true
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, going := r.constant(item, depth+1)
			if !going {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	}
	switch n.Tag {
	case "!!str", "!!timestamp":
		return n.Value, true
	case "!!null":
		return nil, true
	case "!!bool":
		return n.Value == "true", true
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) && len(n.Value) <= maxDigits {
			return json.Number(n.Value), true
		}
		r.fail(spotOf(n), CodeYAML, "write it as JSON does, or in quotes if it is a text such as a code", "the number %s has no exact JSON form", n.Value)
		return nil, false
	}
	r.fail(spotOf(n), CodeYAML, "", "a value of the type %s cannot be used", n.Tag)
	return nil, false
}
