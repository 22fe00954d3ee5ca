package mappings_test

import (
	"flag"
	"os"
	"testing"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
)

var update = flag.Bool("update", false, "write what the mappings give into the case files")

// schemaSet finds the shapes of schemas by name.
func schemaSet(t testing.TB) (*schemas.Set, func(name string) (mapper.Shape, bool)) {
	t.Helper()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set, func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
}

// TestCases walks <vendor>/cases/*.txtar: every case gives what it wants, its
// input fits the mapping's input schema and its result the output schema.
func TestCases(t *testing.T) {
	t.Parallel()
	known, shapes := schemaSet(t)
	set, err := mappings.Load(mappings.Options{Shapes: shapes})
	if err != nil {
		t.Fatal(err)
	}
	mappings.RunCases(t, os.DirFS("."), set, mappings.CaseOptions{
		Update: *update, Dir: ".",
		Validate: func(schema string, doc any) []mappings.Violation {
			s, ok := known.Get(schema)
			if !ok {
				return []mappings.Violation{{Rule: "name", Text: "there is no schema " + schema}}
			}
			var found []mappings.Violation
			for _, v := range s.Validate(doc) {
				found = append(found, mappings.Violation{Pointer: v.Pointer, Rule: v.Rule, Text: v.Text, Hint: v.Hint})
			}
			return found
		},
	})
}
