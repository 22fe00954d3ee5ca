package schemas

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/schemas/codec"
)

// example gives the first example document of a schema.
func example(t testing.TB, s *Schema) any {
	t.Helper()
	root := decode(t, string(s.Source())).(map[string]any)
	list, _ := root["examples"].([]any)
	if len(list) == 0 {
		t.Fatalf("%s has no example document", s.Name())
	}
	return list[0]
}

func TestExampleDocumentsFitAndShowEveryField(t *testing.T) {
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range set.Names() {
		s := get(t, set, name)
		if name == "canonical/defs" || !strings.HasPrefix(name, "canonical/") && name != "vendors/webhook/event" {
			continue
		}
		doc := example(t, s)
		if v := s.Validate(doc); len(v) > 0 {
			t.Errorf("%s: %v", name, v)
		}
		for _, path := range unused(s.Shape(), []any{doc}, "") {
			t.Errorf("%s: the example shows no %s", name, path)
		}
	}
}

// unused lists the fields that none of the values shows.
func unused(s Shape, values []any, path string) (missing []string) {
	for _, name := range s.Fields() {
		var found []any
		for _, v := range values {
			if m, ok := v.(map[string]any); ok && m[name] != nil {
				found = append(found, m[name])
			}
		}
		if len(found) == 0 {
			missing = append(missing, path+"/"+name)
			continue
		}
		next, _ := s.Field(name)
		missing = append(missing, unused(next, found, path+"/"+name)...)
	}
	if elem, ok := s.Elem(); ok {
		var items []any
		for _, v := range values {
			if list, ok := v.([]any); ok {
				items = append(items, list...)
			}
		}
		missing = append(missing, unused(elem, items, path+"/*")...)
	}
	return missing
}

// Every field of the hub's own documents has a description and an example that fits, every number its unit.
func TestFieldsOfTheCanonicalSchemasAreDescribed(t *testing.T) {
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range set.Names() {
		s := get(t, set, name)
		if !strings.HasPrefix(name, "canonical/") {
			continue
		}
		raw := decode(t, string(s.Source()))
		for _, pointer := range slices.Sorted(maps.Keys(s.file.nodes)) {
			n := s.file.nodes[pointer]
			parent, _, _ := cutLast(pointer)
			if !strings.HasSuffix(parent, "/properties") || strings.Contains(pointer, "/if/") {
				continue
			}
			field := at(t, raw, pointer).(map[string]any)
			if field["description"] == nil {
				t.Errorf("%s%s has no description", name, pointer)
			}
			examples, _ := field["examples"].([]any)
			kind := newShape(n).Type()
			if len(examples) == 0 && kind != "object" && kind != "array" {
				t.Errorf("%s%s has no example", name, pointer)
			}
			if _, local, _ := cutLast(pointer); kind == "integer" && field["x-unit"] == nil && !slices.Contains([]string{"line_no", "parent_line_no", "seller_flag"}, local) {
				t.Errorf("%s%s has no unit", name, pointer)
			}
			for _, e := range examples {
				checkExample(t, set, name, pointer, e)
			}
		}
	}
}

// checkExample validates a value against one place of a schema.
func checkExample(t *testing.T, set *Set, name, pointer string, value any) {
	t.Helper()
	sl := gojsonschema.NewSchemaLoader()
	sl.AutoDetect, sl.Draft = false, gojsonschema.Draft7
	for _, other := range set.Names() {
		f := get(t, set, other).file
		root, err := codec.Encode(f.root.clean)
		if err != nil {
			t.Fatal(err)
		}
		if err := sl.AddSchema(address(f.path), gojsonschema.NewRawLoader(decode(t, string(root)))); err != nil {
			t.Fatal(err)
		}
	}
	place, err := sl.Compile(gojsonschema.NewReferenceLoader(address(name+suffix) + "#" + pointer))
	if err != nil {
		t.Fatalf("%s%s: %v", name, pointer, err)
	}
	result, err := place.Validate(gojsonschema.NewRawLoader(value))
	if err != nil || !result.Valid() {
		t.Errorf("%s%s: the example does not fit: %v %v", name, pointer, result.Errors(), err)
	}
}

func cutLast(pointer string) (parent, token string, ok bool) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return "", "", false
	}
	return pointer[:i], pointer[i+1:], true
}

func at(t *testing.T, v any, pointer string) any {
	t.Helper()
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no %s", pointer)
		}
		v = m[token]
	}
	return v
}
