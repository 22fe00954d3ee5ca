package mappings_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

// TestReadmeExamples runs the guide's examples: rows give the JSON below
// them, files compile.
func TestReadmeExamples(t *testing.T) {
	t.Parallel()
	known, shapes := schemaSet(t)
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := mappings.LoadLookups(nil)
	if err != nil {
		t.Fatal(err)
	}
	order, _ := shapes("canonical/order")
	blocks := regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	var in any
	rows, ran := "", 0
	for _, block := range blocks {
		kind, text := block[1], block[2]
		switch {
		case kind == "json" && in == nil:
			in = parse(t, text)
			schema, _ := known.Get("canonical/order")
			if bad := schema.Validate(in); len(bad) > 0 {
				t.Fatalf("the guide's order does not fit its schema: %v", bad)
			}
		case kind == "json":
			p, err := mapper.Compile("README.md", []byte("mapping: example\nfields:\n"+rows), mapper.Options{Input: order, Lookups: tables})
			if err != nil {
				t.Errorf("%s\n%v", rows, err)
				continue
			}
			out, err := p.Run(in, mapper.Context{})
			if err != nil {
				t.Errorf("%s\n%v", rows, err)
				continue
			}
			if diff := cmp.Diff(parse(t, text), out); diff != "" {
				t.Errorf("%s\n%s", rows, diff)
			}
			ran++
		case strings.HasPrefix(text, "mapping:"):
			if _, err := mapper.Compile("README.md", []byte(text), mapper.Options{Input: order, Lookups: tables}); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		case strings.HasPrefix(text, "table:"):
			if _, err := mapper.ParseTable("README.md", []byte(text)); err != nil {
				t.Error(err)
			}
		case kind == "yaml":
			rows = text
		}
	}
	if ran < 5 {
		t.Errorf("only %d examples were found", ran)
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}
