package describe

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	At    Place
	Name  Text          `yaml:"name"`
	Wait  time.Duration `yaml:"wait"`
	Size  int           `yaml:"size"`
	On    bool          `yaml:"on"`
	Keys  []Text        `yaml:"keys"`
	Parts Map[part]     `yaml:"parts"`
	Child *part         `yaml:"child"`
}

type part struct {
	Of string `yaml:"of"`
}

func TestDecode(t *testing.T) {
	var s sample
	d := Decode("x.yaml", []byte("name: a\nwait: 7d\nsize: 3\non: true\nkeys: [k, l]\nparts:\n  b: {of: c}\n  a: {of: d}\nchild:\n  of: e\n"), &s)
	if len(d.Problems) > 0 {
		t.Fatal(d.Problems)
	}
	want := sample{At: Place{1, 1, ""}, Name: Text{"a", 1, 7, "name"}, Wait: 7 * 24 * time.Hour, Size: 3, On: true,
		Keys:  []Text{{"k", 5, 8, "keys[0]"}, {"l", 5, 11, "keys[1]"}},
		Parts: Map[part]{{Text{"b", 7, 3, "parts.b"}, part{"c"}}, {Text{"a", 8, 3, "parts.a"}, part{"d"}}}, Child: &part{"e"}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsComeAllAtOnceWithTheirPlaces(t *testing.T) {
	for src, want := range map[string][]string{
		"nmae: a\nwait: soon\nsize: many\non: yes\nkeys: k\nparts: []\nchild: {off: x}\n": {
			`x.yaml:1:1: nmae: unknown key "nmae" (did you mean "name"?)`,
			`x.yaml:2:7: wait: "soon" is not a span of time (write it like 30s, 5m, 2h or 7d)`,
			`x.yaml:3:7: size: "many" is not a whole number (write digits only)`,
			`x.yaml:4:5: on: "yes" is neither true nor false (write true or false)`,
			"x.yaml:5:7: keys: a list is wanted here, not a single value (write it as [one, two], or with `- ` in front of each)",
			"x.yaml:6:8: parts: keys with values are wanted here, not a list (write them as `key: value`, one a line)",
			`x.yaml:7:9: child.off: unknown key "off" (did you mean "of"?)`,
		},
		"name: a\nname: b\n":            {`x.yaml:2:1: name: the key "name" is there twice (the first stands in line 1; keep one of them)`},
		"name: &x a\nchild: {of: *x}\n": {`x.yaml:2:13: child.of: YAML aliases are not read here (write the value out)`},
		"":                              {`x.yaml:1:1: the file is empty`},
		"name: a\n---\nname: b\n":       {`x.yaml:2:1: the file holds more than one document (one document a file)`},
		"name: [a\n":                    {`x.yaml:1:1: this is no YAML: did not find expected ',' or ']' (look for a tab, a missing colon or an unclosed quote)`},
		"name:\n":                       {`x.yaml:1:6: name: a single value is wanted here, not nothing (write it on the line of its key)`},
	} {
		var s sample
		var got []string
		for _, p := range Decode("x.yaml", []byte(src), &s).Problems {
			got = append(got, p.Error())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", src, diff)
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"strems": "streams", "operatoins": "operations", "zzz": "", "": ""} {
		if got := Nearest(word, []string{"streams", "operations"}); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: a\nparts: {b: {of: c}}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var s sample
		for _, p := range Decode("x.yaml", src, &s).Problems {
			if p.Line < 1 || p.Column < 1 || strings.TrimSpace(p.Text) == "" {
				t.Errorf("a problem without a place or a text: %+v", p)
			}
		}
	})
}
