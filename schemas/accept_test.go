package schemas

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/minihub/minihub/schemas/codec"
)

// The short way must never accept what the library refuses, whatever is done to a document.
func TestTheShortWayNeverContradictsTheLibrary(t *testing.T) {
	set, err := Load(folder(map[string]string{
		"vendors/acme/people.schema.json":    people,
		"vendors/acme/annotated.schema.json": annotated,
	}))
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{"vendors/acme/people": `{"id": "ab", "phone": "138", "kind": "large", "price": 12.10, "tags": ["a"], "open": {"x": "y"}}`, "vendors/acme/annotated": annotatedDoc}
	names := slices.DeleteFunc(set.Names(), func(name string) bool {
		return name == "canonical/defs" || docs[name] == "" && !strings.HasPrefix(name, "canonical/")
	})
	rapid.Check(t, func(t *rapid.T) {
		s, _ := set.Get(rapid.SampledFrom(names).Draw(t, "schema"))
		text := docs[s.Name()]
		var doc any
		if text == "" {
			source, _ := codec.Decode(s.Source())
			doc = source.(map[string]any)["examples"].([]any)[0]
		} else {
			doc, _ = codec.Decode([]byte(text))
		}
		held := []any{doc}
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			edit(t, held)
		}
		judged := s.validate(held[0])
		if s.quick.accepts(held[0], 0) && len(judged) > 0 {
			b, _ := codec.Encode(held[0])
			t.Fatalf("%s: accepted, but %v\n%s", s.Name(), judged, b)
		}
	})
}

// edit changes one place of a document.
func edit(t *rapid.T, v any) {
	odd := rapid.SampledFrom([]any{nil, true, "", "x", "CNY", "cny", "2026-01-01", "2026-01-01T10:00:00+08:00", "张三张三张三", strings.Repeat("长", 70), json.Number("0"), json.Number("-1"),
		json.Number("1.0"), json.Number("1e2"), json.Number("1.5"), json.Number("99999999999999999999"), map[string]any{}, []any{}, []any{"x"}})
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 || rapid.IntRange(0, 9).Draw(t, "new") == 0 {
			v[rapid.SampledFrom([]string{"unknown", "qty", "delta", "p_1"}).Draw(t, "name")] = odd.Draw(t, "value")
			return
		}
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(v))).Draw(t, "field")
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			delete(v, name)
		case 1:
			v[name] = odd.Draw(t, "value")
		default:
			if scalar(v[name]) {
				v[name] = odd.Draw(t, "value")
			} else {
				edit(t, v[name])
			}
		}
	case []any:
		if len(v) == 0 {
			return
		}
		i := rapid.IntRange(0, len(v)-1).Draw(t, "item")
		if scalar(v[i]) {
			v[i] = odd.Draw(t, "value")
		} else {
			edit(t, v[i])
		}
	}
}

func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// Were it never taken, the short way would be right and useless.
func TestTheShortWayIsTaken(t *testing.T) {
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range set.Names() {
		if !strings.HasPrefix(name, "canonical/") || name == "canonical/defs" || name == "canonical/inventory" { // inventory has an if
			continue
		}
		s := get(t, set, name)
		if !s.quick.accepts(example(t, s), 0) {
			t.Errorf("%s goes to the library", name)
		}
	}
	if !builtinSchema(t, "canonical/order").quick.accepts(decode(t, threeLines), 0) {
		t.Error("an order of three lines goes to the library")
	}
}

func TestTheShortWayAcceptsTreesOnly(t *testing.T) {
	s := load(t, `{`+head+`, "type": ["object", "integer"], "properties": {"a": {}, "list": {"type": "array"}}}`)
	deep := any("x")
	for range codec.MaxDepth + 1 {
		deep = []any{deep}
	}
	for _, doc := range []any{
		1, map[string]any{"a": 1}, map[string]any{"b": 1.5}, map[string]any{"list": []any{int64(1)}}, json.Number("01"), json.Number("+1"),
		map[string]any{"a": json.Number("x")}, map[string]any{"b": deep}, map[string]string{},
	} {
		if s.quick.accepts(doc, 0) {
			t.Errorf("accepted %v", doc)
		}
	}
}
