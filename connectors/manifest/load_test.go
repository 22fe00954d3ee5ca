package manifest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
	"github.com/xeipuuv/gojsonschema"
	"go.yaml.in/yaml/v3"
)

// TestProblems is read by people: the golden files show what an integrator sees.
func TestProblems(t *testing.T) {
	for _, name := range []string{"broken", "wrong"} {
		c, problems := Load("connectors/"+name+".yaml", file(t, "testdata/"+name+".yaml"))
		if c != nil || len(problems) == 0 {
			t.Errorf("%s loads", name)
		}
		var b strings.Builder
		for _, p := range problems {
			b.WriteString(p.Error() + "\n")
		}
		fresh(t, "testdata/"+name+".golden", []byte(b.String()))
	}
}

func TestWhatIsNoManifestAtAll(t *testing.T) {
	for src, want := range map[string]string{
		"":                         "empty",
		"\n# nothing\n":            "empty",
		"a: [":                     "not YAML",
		"- a":                      "keys with values",
		"a: &x 1\nb: *x":           "anchors",
		"name: a\n---\nname: b":    "more than one",
		"name: a\nname: b":         "twice",
		"{[a]: 1}":                 "key",
		strings.Repeat("a: {", 50): "",
		strings.Repeat(" ", 2<<20): "larger",
		"name: a\x00b":             "",
	} {
		c, problems := Load("a.yaml", []byte(src))
		if c != nil || len(problems) == 0 {
			t.Errorf("%.20q loads", src)
			continue
		}
		text := ""
		for _, p := range problems {
			text += p.Text + "\n"
		}
		if !strings.Contains(text, want) || problems[0].Line < 1 || problems[0].Column < 1 || problems[0].Path == "" {
			t.Errorf("%.20q: %+v, want %q", src, problems[0], want)
		}
	}
}

// validate holds a YAML text to the JSON Schema.
func validate(t testing.TB, schema *gojsonschema.Schema, src []byte) []string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		return []string{err.Error()}
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	res, err := schema.Validate(gojsonschema.NewBytesLoader(b))
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, e := range res.Errors() {
		out = append(out, e.String())
	}
	return out
}

// TestSchemaAndLoaderAgree: what loads is valid, and each mistake of form that the loader
// names, the schema finds too.
func TestSchemaAndLoaderAgree(t *testing.T) {
	schema, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	good := map[string][]byte{}
	whole, _ := examples(t)
	for name, src := range whole {
		good[name] = []byte(src)
	}
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f != "testdata/broken.yaml" && f != "testdata/wrong.yaml" {
			good[f] = file(t, f)
		}
	}
	good["wrong in meaning only"] = file(t, "testdata/wrong.yaml")
	if len(good) < 4 {
		t.Fatalf("only %d manifests", len(good))
	}
	for name, src := range good {
		for _, e := range validate(t, schema, src) {
			t.Errorf("%s: %s", name, e)
		}
	}
	if len(validate(t, schema, file(t, "testdata/broken.yaml"))) < 5 {
		t.Error("the schema finds hardly anything wrong with broken.yaml")
	}
	// Every field in turn gets a value of the wrong form.
	base := string(file(t, "testdata/teashop.yaml"))
	lines := strings.Split(base, "\n")
	tried := 0
	for i, line := range lines {
		key, value, ok := strings.Cut(line, ": ")
		if !ok || strings.HasPrefix(strings.TrimSpace(line), "#") || strings.Contains(key, "- ") || strings.HasPrefix(value, "{") && !strings.HasSuffix(value, "}") {
			continue
		}
		for _, bad := range []string{"[{x: [1]}]", "{no_such_key: {a: 1}}"} {
			broken := append(append(append([]string{}, lines[:i]...), key+": "+bad), lines[i+1:]...)
			src := []byte(strings.Join(broken, "\n"))
			_, problems := Load("teashop.yaml", src)
			errs := validate(t, schema, src)
			formal := false
			for _, p := range problems {
				formal = formal || p.Line == i+1
			}
			if formal != (len(errs) > 0) && !openKey(key) {
				t.Errorf("line %d %q: the loader says %v, the schema %v", i+1, strings.TrimSpace(key)+": "+bad, problems, errs)
			}
			tried++
		}
	}
	if tried < 30 {
		t.Errorf("only %d mistakes were tried", tried)
	}
}

// openKey reports keys whose members are free: a wrong member shows only in its value.
func openKey(key string) bool {
	return strings.TrimSpace(key) == "body"
}

// FuzzLoad loads any file: never a panic; either a connector or problems with a place.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(written("    repeat: idempotent\n    send: {post: /o, body: '{{ doc }}'}")))
	f.Add([]byte(stream("    list: {get: /o, query: {p: '{{ cursor.page }}'}, rows: body.rows, paging: {kind: page, size: 3}}\n")))
	for _, name := range []string{"broken"} {
		b, err := os.ReadFile("testdata/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := Load("connectors/teashop.yaml", src)
		if (c == nil) == (len(problems) == 0) {
			t.Fatalf("%v and %d problems", c, len(problems))
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" || p.Path == "" || p.File != "connectors/teashop.yaml" {
				t.Fatalf("%+v", p)
			}
			_ = fmt.Sprint(p)
		}
	})
}

// FuzzAnswer cuts rows out of any answer: what is cut out is what was there.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1},{"b": {"c":"\"}"}}],"a":{"x":[]}}`))
	f.Add([]byte("<a x='1'><b><c/></b><b>1</b></a>"))
	f.Fuzz(func(t *testing.T, src []byte) {
		_ = withoutNUL(src)
		_ = pickDocument(src, true)
		if tree, s, err := decodeXML(src); err == nil {
			walkRows(t, tree, s, func(b []byte) (any, error) {
				v, _, err := decodeXML(b)
				return v, err
			})
		}
		tree, err := decodeJSON(src)
		if err != nil {
			return
		}
		walkRows(t, tree, jsonSpans(src, tree), decodeJSON)
	})
}

func decodeJSON(b []byte) (any, error) { return codec.Decode(b) }

func walkRows(t *testing.T, v any, s *spans, decode func([]byte) (any, error)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			walkRows(t, x, s, decode)
		}
	case map[string]any:
		b, err := s.raw(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(b)
		if err != nil || !formula.Equal(again, v) {
			t.Fatalf("%q is not %v: %v", b, v, err)
		}
		for _, x := range v {
			walkRows(t, x, s, decode)
		}
	}
}
