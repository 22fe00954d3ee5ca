package reference_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/cmd/minihub/internal/reference"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/builtin"
)

func registry(t testing.TB) *connectors.Registry {
	t.Helper()
	r, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checker holds the compiled schemas of the kinds.
type checker struct {
	source   map[string]map[string]any
	compiled map[string]*gojsonschema.Schema
}

func newChecker(t testing.TB, r *connectors.Registry) *checker {
	t.Helper()
	list, err := reference.Kinds(reference.Known{Registry: r})
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{map[string]map[string]any{}, map[string]*gojsonschema.Schema{}}
	for _, k := range list {
		loader := gojsonschema.NewSchemaLoader()
		loader.AutoDetect, loader.Draft, loader.Validate = false, gojsonschema.Draft7, true
		s, err := loader.Compile(gojsonschema.NewBytesLoader(k.Source))
		if err != nil {
			t.Fatalf("%s: %v", k.Kind, err)
		}
		c.compiled[k.Kind] = s
		var m map[string]any
		if err := json.Unmarshal(k.Source, &m); err != nil {
			t.Fatal(err)
		}
		c.source[k.Kind] = m
	}
	return c
}

// problems are what the schema of a kind finds in a YAML text.
func (c *checker) problems(t testing.TB, kind, src string) (out []string) {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(src), &n); err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	result, err := c.compiled[kind].Validate(gojsonschema.NewGoLoader(tree(&n)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range result.Errors() {
		out = append(out, e.String())
	}
	return out
}

// tree is a YAML node as an editor's checker sees it.
func tree(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return tree(n.Content[0])
	case yaml.AliasNode:
		return tree(n.Alias)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = tree(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, tree(item))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}

// part goes to a place of a schema by dotted path, through references.
func (c *checker) part(t testing.TB, kind, path string) map[string]any {
	t.Helper()
	at := c.source[kind]
	for _, step := range strings.Split(path, "/") {
		if step == "" {
			continue
		}
		switch next := at[step].(type) {
		case map[string]any:
			at = next
		default:
			t.Fatalf("the schema of %s has no %s", kind, path)
		}
		if ref, ok := at["$ref"].(string); ok {
			at = c.part(t, kind, strings.TrimPrefix(ref, "#"))
		}
	}
	return at
}
