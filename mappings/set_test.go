package mappings_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestDeploymentLiesOverShipped(t *testing.T) {
	t.Parallel()
	_, shapes := schemaSet(t)
	own := folder(map[string]string{
		"example/out/sale.yaml":         "mapping: our own sale\nfields:\n- {to: no, from: order_no}\n- {to: product, from: sku, lookup: example_products}\n- {to: plan, from: sku, lookup: plans}\n",
		"acme/in/order.yaml":            "mapping: acme order\nfields:\n- {to: order_no, from: id}\n",
		"lookups/example_products.yaml": "table: example_products\nentries: {TEE-RED-M: 900719925474099300001, BAG-01: null, NEW: 7}\n",
		"lookups/plans.yaml":            "table: plans\nentries: {NEW: {days: 3, codes: [a]}}\n",
		"acme/notes/readme.yml":         "left alone",
	})
	set, err := mappings.Load(mappings.Options{Deployment: own, Shapes: shapes})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mappings/example/out/sale.yaml", "example/out/sale.yaml", "example/out/sale"} {
		p, err := set.Program(name)
		if err != nil || p.Title() != "our own sale" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !set.Own("mappings/example/out/sale.yaml") || !set.Own("acme/in/order.yaml") || set.Own("example/in/stock.yaml") {
		t.Error("what is the deployment's own is not told apart")
	}
	if names := set.Names(); !slices.Contains(names, "example/in/stock.yaml") || !slices.Contains(names, "acme/in/order.yaml") {
		t.Errorf("names are %v", names)
	}
	p, err := set.Program("example/out/sale.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(map[string]any{"order_no": "1", "sku": "NEW"}, mapper.Context{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"no": "1", "product": json.Number("7"), "plan": map[string]any{"days": json.Number("3"), "codes": []any{"a"}}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if v, _ := set.Tables().Get("example_products", "TEE-RED-M"); v != json.Number("900719925474099300001") {
		t.Errorf("the entry is %v", v)
	}
	if _, ok := set.Tables().Get("example_products", "BAG-01"); ok {
		t.Error("a null entry does not remove the shipped one")
	}
}

func TestLoadReportsEverything(t *testing.T) {
	t.Parallel()
	_, shapes := schemaSet(t)
	own := folder(map[string]string{
		"acme/in/order.yaml":   "mapping: a\nfields:\n- {to: a, frm: b}\n",
		"acme/out/order.yaml":  "mapping: a\nfields:\n- {to: a, from: b, lookup: nope}\n",
		"acme/out/sale.yml":    "mapping: a\n",
		"lookups/codes.yaml":   "table: code\nentries: {a: b}\n",
		"lookups/twice.yaml":   "table: twice\nentries:\n  a: 1\n  a: 2\n",
		"lookups/strict.yaml":  "table: strict\nentrys: {}\n",
		"lookups/another.yml":  "table: another\n",
		"lookups/nothing.yaml": "",
	})
	_, err := mappings.Load(mappings.Options{Deployment: own, Shapes: shapes})
	var ps mapper.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{
		"mappings/acme/in/order.yaml:3:11: a row has no key frm (did you mean from?)",
		"mappings/acme/out/sale.yml: would not be read (name it .yaml)",
		"mappings/lookups/codes.yaml:1: the table is named code and its file codes.yaml",
		"mappings/lookups/twice.yaml:4:3: a is given twice",
		"mappings/lookups/strict.yaml:2:1: a lookup file has no key entrys (did you mean entries?)",
		"mappings/lookups/another.yml: would not be read",
		"mappings/lookups/nothing.yaml:1:1: the file is empty",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in\n%v", want, err)
		}
	}
	// Without its tables a mapping is not blamed for the tables' problems.
	if strings.Contains(err.Error(), "nope") {
		t.Errorf("a missing table is reported although the tables did not load: %v", err)
	}
	delete(own, "lookups/codes.yaml")
	delete(own, "lookups/twice.yaml")
	delete(own, "lookups/strict.yaml")
	delete(own, "lookups/another.yml")
	delete(own, "lookups/nothing.yaml")
	if _, err = mappings.Load(mappings.Options{Deployment: own, Shapes: shapes}); err == nil || !strings.Contains(err.Error(), "there is no lookup table nope") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownProgram(t *testing.T) {
	t.Parallel()
	_, shapes := schemaSet(t)
	set, err := mappings.Load(mappings.Options{Shapes: shapes})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Program("mappings/example/out/sales.yaml"); err == nil || !strings.Contains(err.Error(), "mappings/example/out/sale.yaml") {
		t.Errorf("got %v", err)
	}
}

// recorder collects what a case runner reports.
type recorder struct{ lines []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func TestCasesFail(t *testing.T) {
	t.Parallel()
	_, shapes := schemaSet(t)
	set, err := mappings.Load(mappings.Options{Shapes: shapes, Deployment: folder(map[string]string{
		"acme/in/order.yaml": "mapping: a\nfields:\n- {to: no, from: id, required: true}\n- {to: list, each: items, from: .}\n"})})
	if err != nil {
		t.Fatal(err)
	}
	head := "-- mapping --\nacme/in/order.yaml\n-- input.json --\n"
	for text, has := range map[string]string{
		head + "{\"id\":\"1\",\"items\":[1,2]}\n-- want.json --\n{\"no\":\"2\",\"list\":[1,3],\"x\":1}\n": "list[1]: want 3, got 2\nno: want \"2\", got \"1\"\nx: missing, want 1",
		head + "{\"id\":\"1\"}\n-- want.json --\n{\"no\":1}\n":                                            `no: want 1, got "1"`,
		head + "{}\n-- want.json --\n{}\n":                                                                "a required value is missing",
		head + "{\"id\":\"1\"}\n-- want.error --\nsome error\n":                                           "(none)",
		head + "{}\n":                       "needs the parts",
		head + "{\n-- want.json --\n{}\n":   "input.json",
		head + "{}\n-- wants.json --\n{}\n": "parts mapping",
		strings.Replace(head, "order", "ordre", 1) + "{}\n-- want.json --\n{}\n": "did you mean",
		head + "{}\n-- context.json --\n{\"stores\":{}}\n-- want.json --\n{}\n":  "unknown field",
	} {
		r := &recorder{}
		mappings.RunCases(r, folder(map[string]string{"acme/cases/one.txtar": text}), set, mappings.CaseOptions{})
		if len(r.lines) != 1 || !strings.Contains(r.lines[0], has) {
			t.Errorf("%s\nreports %v, want %q", text, r.lines, has)
		}
	}
}

func TestUpdatedCase(t *testing.T) {
	t.Parallel()
	_, shapes := schemaSet(t)
	set, err := mappings.Load(mappings.Options{Shapes: shapes, Deployment: folder(map[string]string{
		"acme/in/order.yaml": "mapping: a\nfields:\n- {to: no, from: id, required: true}\n"})})
	if err != nil {
		t.Fatal(err)
	}
	c, err := mappings.ReadCase("one.txtar", []byte("About.\n-- mapping --\nacme/in/order.yaml\n-- input.json --\n{\"id\":\"<1>\"}\n-- want.error --\nold\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Run(set)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Updated(out)
	if err != nil {
		t.Fatal(err)
	}
	want := "About.\n-- mapping --\nacme/in/order.yaml\n-- input.json --\n{\"id\":\"<1>\"}\n-- want.json --\n{\n  \"no\": \"<1>\"\n}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}
