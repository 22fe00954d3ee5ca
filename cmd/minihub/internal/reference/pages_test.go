package reference_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/reference"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas/kinds"
)

var update = flag.Bool("update", false, "write docs/reference anew")

const folder = "../../../../docs/reference/"

func TestPagesAreFresh(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"functions.md": reference.Functions(), "connectors.md": reference.Connectors(registry(t))} {
		if *update {
			if err := os.WriteFile(folder+name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(folder + name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("docs/reference/%s is behind the code; run `make reference`\n%s", name, diff)
		}
	}
}

func page(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(folder + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	functionRow = regexp.MustCompile("(?m)^\\| `(\\w+)\\(.*$")
	exampleForm = regexp.MustCompile("`([^`]+)` → (?:`([^`]*)`|\\*error\\* `([^`]+)`)")
)

// Every example on the page is run as a row of a mapping.
func TestEveryFunctionExampleRuns(t *testing.T) {
	t.Parallel()
	tables, err := mappings.LoadLookups(fstest.MapFS{"lookups/carriers.yaml": {Data: []byte("table: carriers\nentries: {SF: shunfeng}\n")}})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(page(t, "functions.md"), `\|`, "|")
	ran, functions := 0, map[string]bool{}
	for _, row := range functionRow.FindAllStringSubmatch(text, -1) {
		functions[row[1]] = true
		found := exampleForm.FindAllStringSubmatch(row[0], -1)
		if len(found) == 0 {
			t.Errorf("%s has no example", row[1])
		}
		for _, ex := range found {
			ran++
			result, failed := evaluate(ex[1], tables)
			if failed != ex[3] || failed == "" && !sameJSON(t, result, ex[2]) {
				t.Errorf("%s gives %s %s, the page says %s%s", ex[1], result, failed, ex[2], ex[3])
			}
		}
	}
	for _, fn := range mapper.Functions() {
		ran -= len(fn.Examples)
		if !functions[fn.Name] {
			t.Errorf("%s is not on the page", fn.Name)
		}
	}
	if ran != 0 {
		t.Errorf("%d examples more or less than the code has", ran)
	}
}

// evaluate runs an expression over an empty document: its result as JSON, or the code of
// its error.
func evaluate(expr string, tables mapper.Tables) (result, code string) {
	src := "mapping: example\nfields:\n- {to: out, expr: '" + strings.ReplaceAll(expr, "'", "''") + "', default: null}\n"
	p, err := mapper.Compile("example.yaml", []byte(src), mapper.Options{Lookups: tables})
	var ps mapper.Problems
	if errors.As(err, &ps) {
		return ps.Error(), ps[0].Code
	}
	out, err := p.Run(map[string]any{}, mapper.Context{})
	var es *mapper.RunErrors
	if errors.As(err, &es) {
		return es.Error(), es.Errors[0].Code
	}
	b, err := json.Marshal(out.(map[string]any)["out"])
	if err != nil {
		return err.Error(), "json"
	}
	return string(b), ""
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	return cmp.Equal(parsed(t, a), parsed(t, b))
}

func parsed(t *testing.T, s string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

// Every connection on the page is one that the loader and the schema take.
func TestEveryConnectionExampleLoads(t *testing.T) {
	t.Parallel()
	r := registry(t)
	c := newChecker(t, r)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page(t, "connectors.md"), -1)
	if len(examples) != len(r.List()) {
		t.Fatalf("%d examples for %d connectors", len(examples), len(r.List()))
	}
	files := fstest.MapFS{}
	for i, ex := range examples {
		files["connections/"+r.List()[i].Name+".yaml"] = &fstest.MapFile{Data: []byte(ex[1])}
		if problems := c.problems(t, kinds.Connection, ex[1]); len(problems) > 0 {
			t.Errorf("%s\n%v", ex[1], problems)
		}
	}
	_, err := config.Load(t.TempDir(), config.Options{Registry: r, Files: files, Env: func(string) (string, bool) { return "", false }})
	var ps mapper.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("a folder without hub.yaml loads: %v", err)
	}
	for _, p := range ps {
		if strings.HasPrefix(p.File, "connections/") {
			t.Error(p)
		}
	}
}

// Every stream, operation, field and limit is on the page.
func TestConnectorPageIsComplete(t *testing.T) {
	t.Parallel()
	text := page(t, "connectors.md")
	for _, c := range registry(t).List() {
		_, part, _ := strings.Cut(text, `<a id="`+c.Name+`"></a>`)
		part, _, _ = strings.Cut(part, "<a id=")
		var names []string
		for _, s := range c.Streams {
			names = append(names, s.Name, s.List.Reason)
		}
		for _, o := range c.Operations {
			names = append(names, o.Name, string(o.Repeat), o.List.Reason)
		}
		for _, f := range c.Config {
			names = append(names, f.Name)
		}
		for _, l := range c.Limits {
			names = append(names, l.Name)
		}
		for _, n := range names {
			if !strings.Contains(part, strings.ReplaceAll(n, "|", `\|`)) {
				t.Errorf("%s: %q is not on the page", c.Name, n)
			}
		}
	}
}

// A heading of functions stands in both languages.
func TestGroupsAreTranslated(t *testing.T) {
	t.Parallel()
	for _, line := range strings.Split(reference.Functions(), "\n") {
		if strings.HasPrefix(line, "## ") && !strings.Contains(line, " · ") {
			t.Errorf("%s has no Chinese", line)
		}
	}
}
