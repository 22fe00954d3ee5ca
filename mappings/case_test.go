package mappings_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

// What is wrong with a case file is reported at its place.
func TestCaseProblemsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	const head = "About.\n-- mapping --\nacme/in/order.yaml\n-- input.json --\n"
	for text, want := range map[string]string{
		head + "{\"id\": 1\n \"no\": 2}\n-- want.json --\n{}\n":                            "c.txtar:6:2: part input.json: ",
		head + "{}\n-- want.json --\n{}\n-- want.error --\nx\n":                            "c.txtar:8:1: part want.error: a case has one expectation (leave want.json or want.error)",
		head + "{}\n-- want.json --\n{}{}\n":                                               "c.txtar:7:3: part want.json: ",
		head + "{}\n-- context.json --\n{\n\"key\": [}\n-- want.json --\n{}\n":             "c.txtar:8:9: part context.json: ",
		head + "{}\n-- input.json --\n{}\n-- want.json --\n{}\n":                           "c.txtar:6:1: part input.json: it is there twice (leave one of them)",
		"-- mapping --\nacme/in/order.yaml\n":                                              "c.txtar:1: a case needs the parts mapping, input.json and want.json or want.error (a part begins with a line such as -- input.json --)",
		head + "{}\n-- expected.json --\n{}\n-- want.json --\n{}\n":                        "c.txtar:6:1: part expected.json: there is no such part (a case has the parts mapping, input.json, context.json and want.json or want.error)",
		head + "{}\n-- context.json --\n{\"stores\": {}}\n-- want.json --\n{}\n":           `c.txtar:6:1: part context.json: unknown field "stores"; the context has key, store, source, links, values and lookups`,
		"-- mapping --\nacme/in/order.yaml\n-- input.json --\nnull\n-- want.json --\n{}\n": "c.txtar:1: a case needs the parts",
	} {
		_, err := mappings.ReadCase("c.txtar", []byte(text))
		var ps mapper.Problems
		if !errors.As(err, &ps) || !strings.HasPrefix(ps[0].Error(), want) || ps[0].Code != mappings.CodeCase {
			t.Errorf("%s\ngives %v\nwant %s", text, err, want)
		}
	}
}

// A result that breaks its schema is a failure that a case can want.
func TestACaseMayWantASchemaViolation(t *testing.T) {
	t.Parallel()
	_, shapes := schemaSet(t)
	set, err := mappings.Load(mappings.Options{Shapes: shapes, Deployment: folder(map[string]string{
		"acme/in/order.yaml": "mapping: a\noutput: canonical/store\nfields:\n- {to: code, from: id}\n- {to: name, value: x}\n- {to: time_zone, value: x}\n- {to: currency, value: x}\n"})})
	if err != nil {
		t.Fatal(err)
	}
	for want, diff := range map[string]string{
		"-- want.json --\n{}\n": "want the errors:\n(none)\ngot:\nschema.canonical /code: is an integer (type)\n",
		"-- want.error --\nschema.canonical /code: is an integer (type)\n": "",
	} {
		c, err := mappings.ReadCase("c.txtar", []byte("-- mapping --\nmappings/acme/in/order.yaml\n-- input.json --\n{\"id\": 1}\n"+want))
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.RunChecked(set, func(string, any) []mappings.Violation {
			return []mappings.Violation{{Pointer: "/code", Rule: "type", Text: "is an integer"}}
		})
		if err != nil || out.Diff != diff {
			t.Errorf("%s gives %q %v, want %q", want, out.Diff, err, diff)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	want, got := parse(t, `{"a": 1.0, "b": [1, {"c": "x"}], "d": null, "e": {"f": true}}`), parse(t, `{"a": 1.00, "b": [1, {"c": "y"}, 3], "e": [], "g": "<&>"}`)
	var lines []string
	for _, d := range mappings.Compare(want, got) {
		lines = append(lines, d.Kind+" "+d.String())
	}
	if d := cmp.Diff([]string{
		`changed a: want 1.0, got 1.00`,
		`length b: want 2 items, got 3`,
		`changed b[1].c: want "x", got "y"`,
		`missing d: missing, want null`,
		`changed e: want {"f":true}, got []`,
		`extra g: not wanted, got "<&>"`,
	}, lines); d != "" {
		t.Error(d)
	}
	if mappings.Same(want, got) || !mappings.Same(want, want) || len(mappings.Compare(got, got)) > 0 {
		t.Error("Same and Compare disagree")
	}
	// A difference beyond what is shown still counts.
	long := strings.Repeat("x", 300)
	if len(mappings.Compare(long+"a", long+"b")) != 1 {
		t.Error("a difference at the end of a long text is lost")
	}
}

func FuzzReadCase(f *testing.F) {
	f.Add("About.\n-- mapping --\na/in/b.yaml\n-- input.json --\n{\"a\":[1]}\n-- context.json --\n{\"key\":\"k\",\"lookups\":{\"t\":{\"a\":1}}}\n-- want.json --\n{}\n")
	f.Add("0\n-- --")
	f.Add("-- mapping --\nx\n-- input.json --\n{\n-- want.error --\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := mappings.ReadCase("c.txtar", []byte(text))
		var ps mapper.Problems
		if err != nil && (!errors.As(err, &ps) || len(ps) == 0) {
			t.Fatalf("%v is no list of problems", err)
		}
		if err == nil && (c.Input == nil || c.Mapping == "") {
			t.Fatal("a case without its parts")
		}
	})
}
