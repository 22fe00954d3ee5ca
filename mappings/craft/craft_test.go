package craft_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

func tree(t testing.TB, text string) any {
	t.Helper()
	v, err := codec.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shape is an object with these fields; list a list of one shape.
type shape map[string]mapper.Shape

func (s shape) Field(name string) (mapper.Shape, bool) { f, ok := s[name]; return f, ok }
func (s shape) Elem() (mapper.Shape, bool)             { return nil, false }
func (s shape) Fields() (names []string) {
	for name := range s {
		names = append(names, name)
	}
	return names
}
func (s shape) Open() bool         { return false }
func (s shape) Type() string       { return "object" }
func (s shape) Required() []string { return nil }
func (s shape) Enum() []string     { return nil }

type list struct{ mapper.Shape }

func (l list) Elem() (mapper.Shape, bool) { return l.Shape, true }
func (l list) Type() string               { return "array" }

// none knows no schema; rule is a violation for every document of the name it has.
type none struct{ rule string }

func (n none) Shape(string) (mapper.Shape, bool) { return nil, true }
func (n none) Validate(name string, doc any) []mappings.Violation {
	if m, is := doc.(map[string]any); is && name == n.rule && m["no"] == "bad" {
		return []mappings.Violation{{Pointer: "/no", Rule: "enum", Text: "is not allowed"}}
	}
	return nil
}
func (n none) ValidateText(name string, text []byte) []mappings.Violation {
	doc, err := codec.Decode(text)
	if err != nil {
		return nil
	}
	return n.Validate(name, doc)
}
func (n none) Fingerprint(string) string { return n.rule }

// shipped are the schemas that the shipped mappings name.
var shipped = sync.OnceValues(func() (*schemas.Set, error) { return schemas.Load() })

func suite(t testing.TB, files map[string]string, memory *craft.Memory, changed bool) *craft.Suite {
	t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	known, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	set, err := mappings.Load(mappings.Options{Deployment: folder, Shapes: func(name string) (mapper.Shape, bool) {
		s, ok := known.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}})
	if err != nil {
		t.Fatal(err)
	}
	lookups, err := mappings.LoadLookups(folder)
	if err != nil {
		t.Fatal(err)
	}
	return &craft.Suite{Folder: folder, Prefix: "mappings", Set: set, Schemas: none{}, Lookups: lookups, Memory: memory, Changed: changed}
}

func files() map[string]string {
	return map[string]string{
		"acme/in/order.yaml":     "mapping: a\nfields:\n- {to: no, from: id}\n- {to: lines, each: items, fields: [{to: qty, from: n}, {to: colour, from: c, lookup: colours}]}\n",
		"acme/out/note.yaml":     "mapping: b\nfields:\n- {to: a.b, from: x}\n",
		"lookups/colours.yaml":   "table: colours\nentries: {r: RED}\n",
		"acme/cases/order.txtar": "-- mapping --\nacme/in/order.yaml\n-- input.json --\n{\"id\": \"1\", \"items\": [{\"n\": 1}]}\n-- want.json --\n{\"no\": \"1\", \"lines\": [{\"qty\": 1}]}\n",
	}
}

func run(t testing.TB, s *craft.Suite) *craft.Report {
	t.Helper()
	all, err := s.Files(nil)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := s.Run(all, false)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	rep := run(t, suite(t, files(), nil, false))
	got := map[string]string{}
	for _, m := range rep.Mappings {
		got[m.Name] = fmt.Sprintf("%d cases %d targets %v", m.Cases, m.Targets, m.Uncovered)
	}
	if d := cmp.Diff(map[string]string{"acme/in/order.yaml": "1 cases 4 targets [lines[].colour]", "acme/out/note.yaml": "0 cases 1 targets [a.b]"}, got); d != "" {
		t.Error(d)
	}
}

// A case is left out only while nothing that decides about it has changed.
func TestMemory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "deep", "memory.json")
	ran := func(f map[string]string, salt string) (int, int) {
		t.Helper()
		m, err := craft.OpenMemory(file, salt)
		if err != nil {
			t.Fatal(err)
		}
		rep := run(t, suite(t, f, m, true))
		if err := m.Save(); err != nil {
			t.Fatal(err)
		}
		if rep.Skipped == 1 && len(rep.Mappings[0].Uncovered) != 1 {
			t.Errorf("a case that is left out covers nothing: %v", rep.Mappings[0].Uncovered)
		}
		return rep.Ran, rep.Failed
	}
	want := func(what string, f map[string]string, salt string, ranWant, failedWant int) {
		t.Helper()
		if r, failed := ran(f, salt); r != ranWant || failed != failedWant {
			t.Errorf("%s: %d ran and %d failed, want %d and %d", what, r, failed, ranWant, failedWant)
		}
	}
	want("the first time", files(), "v1", 1, 0)
	want("again", files(), "v1", 0, 0)
	want("another program", files(), "v2", 1, 0)
	for what, change := range map[string][2]string{
		"another mapping of its own": {"acme/in/order.yaml", "mapping: changed\n" + files()["acme/in/order.yaml"][len("mapping: a\n"):]},
		"another table it reads":     {"lookups/colours.yaml", "table: colours\nentries: {r: CRIMSON}\n"},
		"another case":               {"acme/cases/order.txtar", "About.\n" + files()["acme/cases/order.txtar"]},
	} {
		f := files()
		f[change[0]] = change[1]
		want(what, f, "v2", 1, 0)
		want(what+" again", f, "v2", 0, 0)
		want("as before", files(), "v2", 1, 0)
	}
	f := files()
	f["acme/out/note.yaml"] = "mapping: other\nfields:\n- {to: a.b, from: y}\n"
	want("a mapping of other cases", f, "v2", 0, 0)
	f["acme/in/order.yaml"] = strings.Replace(f["acme/in/order.yaml"], "from: id", "from: nr", 1)
	want("it fails", f, "v2", 1, 1)
	want("and runs until it is mended", f, "v2", 1, 1)
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	s := suite(t, files(), nil, false)
	for _, p := range []string{"...", "acme/...", "mappings/acme/...", "acme/in/order.yaml", "acme/in/order", "acme/cases", "mappings/acme/cases/order.txtar"} {
		if got, err := s.Files([]string{p}); err != nil || len(got) != 1 {
			t.Errorf("%s finds %v %v", p, got, err)
		}
	}
	for p, want := range map[string]string{"acme/out/note.yaml": "mapping acme/out/note.yaml has no case (write one in mappings/acme/cases)", "acme/in/ordre.yaml": "did you mean mappings/acme/in/order.yaml?", "other/...": "other/..."} {
		if _, err := s.Files([]string{p}); !errors.Is(err, craft.ErrNoCase) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %s", p, err, want)
		}
	}
}

func compile(t testing.TB, text string) *mapper.Program {
	t.Helper()
	p, err := mapper.Compile("m.yaml", []byte(text), mapper.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Changes are grouped by target field and counted once a message; samples are masked and
// of the lowest messages, however the work was shared.
func TestPair(t *testing.T) {
	t.Parallel()
	p := &craft.Pair{
		Old:      compile(t, "mapping: a\nfields:\n- {to: no, from: id}\n- {to: name, from: name}\n- {to: lines, each: items, fields: [{to: qty, from: n, convert: number}]}\n"),
		New:      compile(t, "mapping: a\nfields:\n- {to: no, from: id, required: true}\n- {to: name, from: name, convert: upper}\n- {to: lines, each: items, fields: [{to: qty, expr: it.n * 2}, {to: new, value: x}]}\n"),
		Validate: func(doc any) []mappings.Violation { return none{""}.Validate("", doc) },
		Mask: func(doc any) any {
			out := map[string]any{}
			for k, v := range doc.(map[string]any) {
				out[k] = v
			}
			if _, has := out["name"]; has {
				out["name"] = "***"
			}
			return out
		},
	}
	a, b := craft.NewTally(), craft.NewTally()
	for i, text := range []string{
		`{"id": "1", "name": "X", "items": []}`,                    // same
		`{"id": "2", "name": "li", "items": [{"n": 1}, {"n": 2}]}`, // both lines change: one message
		`{"name": "X", "items": []}`,                               // would fail
		`{"id": "bad", "name": "X", "items": []}`,                  // breaks the schema, before and now
		`{"id": "5", "name": "wu", "items": []}`,
	} {
		into := a
		if i%2 == 1 {
			into = b
		}
		p.Compare(into, int64(i+1), tree(t, text), mapper.Context{})
	}
	b.Add(a)
	if got, want := b.String(), "messages 5, same 2, changed 2, failing 1, mended 0, other errors 0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var lines []string
	for _, f := range b.Fields() {
		lines = append(lines, fmt.Sprintf("%s %s %d %v", f.Path, f.Kind, f.Messages, f.Samples))
	}
	if d := cmp.Diff([]string{
		`name changed 2 [{2 name "***" "***"} {5 name "***" "***"}]`,
		`lines[].new extra 1 [{2 lines[0].new  "x"}]`,
		`lines[].qty changed 1 [{2 lines[0].qty 1 2}]`,
	}, lines); d != "" {
		t.Error(d)
	}
	fails := b.Failures()
	if len(fails) != 1 || fails[0].Code != mapper.CodeRequired || fails[0].Target != "no" || fails[0].Line != 3 || fails[0].Samples[0] != 3 {
		t.Errorf("the failures are %+v", fails)
	}
}

func FuzzTry(f *testing.F) {
	f.Add("mapping: a\nfields:\n- {to: no, from: id}\n", `{"id": 1}`, `{"key": "k"}`)
	f.Add("mapping: [", "{", "[]")
	bench := &craft.Bench{Schemas: none{}}
	f.Fuzz(func(t *testing.T, mapping, sample, context string) {
		got := bench.Try("m.yaml", []byte(mapping), []byte(sample), []byte(context))
		if got.OK && got.Result == "" {
			t.Fatal("fine, and nothing came out")
		}
		if !got.OK && len(got.Problems)+len(got.Sample)+len(got.Context)+len(got.Errors)+len(got.Violations) == 0 {
			t.Fatal("not fine, and nothing says why")
		}
	})
}
