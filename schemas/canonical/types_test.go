package canonical_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/canonical"
	"github.com/minihub/minihub/schemas/codec"
)

// entities pairs every schema with its Go type.
var entities = map[string]any{
	"order": canonical.Order{}, "member": canonical.Member{}, "after_sale": canonical.AfterSale{}, "payment": canonical.Payment{},
	"product": canonical.Product{}, "inventory": canonical.Inventory{}, "shipment": canonical.Shipment{}, "tracking": canonical.Tracking{},
	"points": canonical.Points{}, "coupon": canonical.Coupon{}, "store": canonical.Store{},
}

func load(t *testing.T) *schemas.Set {
	t.Helper()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEverySchemaHasAType(t *testing.T) {
	for _, name := range load(t).Names() {
		entity, ok := strings.CutPrefix(name, "canonical/")
		if _, typed := entities[entity]; ok && !typed && entity != "defs" {
			t.Errorf("%s has no Go type in this test", name)
		}
	}
}

func TestTypesAndSchemasAreEqual(t *testing.T) {
	set := load(t)
	for entity, value := range entities {
		s, ok := set.Get("canonical/" + entity)
		if !ok {
			t.Errorf("canonical/%s is missing", entity)
			continue
		}
		for _, difference := range compare(entity, s.Shape(), reflect.TypeOf(value), true) {
			t.Error(difference)
		}
	}
}

// compare lists where a Go type and a schema differ. A pointer stands for a
// value that may be missing, so required values have none.
func compare(path string, s schemas.Shape, t reflect.Type, required bool) []string {
	if t.Kind() == reflect.Pointer {
		if required {
			return []string{path + ": a required field is no pointer"}
		}
		t = t.Elem()
	} else if k := t.Kind(); !required && (k == reflect.Struct || k == reflect.Int64 || k == reflect.Bool) {
		return []string{path + ": an optional field is a pointer, so that zero and nothing differ"}
	}
	kinds := map[string]reflect.Kind{"string": reflect.String, "integer": reflect.Int64, "boolean": reflect.Bool, "array": reflect.Slice, "object": reflect.Struct}
	want := kinds[s.Type()]
	if s.Type() == "object" && s.Open() {
		want = reflect.Map
	}
	if t.Kind() != want {
		return []string{fmt.Sprintf("%s: the schema says %s (open: %v), the type is %s", path, s.Type(), s.Open(), t)}
	}
	switch want {
	case reflect.Slice:
		elem, ok := s.Elem()
		if !ok {
			return []string{path + ": the schema does not describe the items"}
		}
		return compare(path+"[]", elem, t.Elem(), true)
	case reflect.Struct:
		return compareFields(path, s, t)
	}
	return nil
}

func compareFields(path string, s schemas.Shape, t reflect.Type) (out []string) {
	var fields []string
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields = append(fields, name)
		required := slices.Contains(s.Required(), name)
		if required == (options == "omitempty") {
			out = append(out, fmt.Sprintf("%s.%s: required is %v, the tag says %q", path, name, required, options))
		}
		field, ok := s.Field(name)
		if !ok {
			out = append(out, path+"."+name+": the schema has no such property")
			continue
		}
		out = append(out, compare(path+"."+name, field, t.Field(i).Type, required)...)
	}
	for _, name := range s.Fields() {
		if !slices.Contains(fields, name) {
			out = append(out, path+"."+name+": the type has no such field")
		}
	}
	return out
}

// The comparison itself must be able to fail.
func TestTheComparisonSeesDifferences(t *testing.T) {
	s, _ := load(t).Get("canonical/points")
	type missing struct {
		MovementNo string `json:"movement_no"`
	}
	type wrong struct {
		MovementNo string `json:"movement_no,omitempty"`
		Points     string `json:"points"`
		Balance    int64  `json:"balance_after,omitempty"`
		Store      canonical.StoreRef
	}
	if got := compare("points", s.Shape(), reflect.TypeFor[missing](), true); len(got) != len(s.Shape().Fields())-1 {
		t.Errorf("missing fields: %v", got)
	}
	text := strings.Join(compare("points", s.Shape(), reflect.TypeFor[wrong](), true), "\n")
	for _, want := range []string{"points.movement_no: required is true", "points.points: the schema says integer", "points.balance_after: an optional field is a pointer", "points.: the schema has no such property"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestExampleDocumentsSurviveTheTypes(t *testing.T) {
	set := load(t)
	for entity, value := range entities {
		t.Run(entity, func(t *testing.T) {
			s, _ := set.Get("canonical/" + entity)
			source, err := codec.Decode(s.Source())
			if err != nil {
				t.Fatal(err)
			}
			want := source.(map[string]any)["examples"].([]any)[0]
			b, err := codec.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			typed := reflect.New(reflect.TypeOf(value)).Interface()
			if err := codec.Unmarshal(b, typed); err != nil {
				t.Fatal(err)
			}
			got, err := codec.Tree(typed)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if v := s.Validate(got); len(v) > 0 {
				t.Error(v)
			}
		})
	}
}
