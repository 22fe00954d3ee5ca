package config

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
)

type opened struct{}

func (opened) Close() error { return nil }

// fakeKind describes a connector without streams; a file that says "wrong" is wrong there.
func fakeKind(_, name string, src []byte) (*connectors.Connector, mapper.Problems) {
	for i, line := range strings.Split(string(src), "\n") {
		if j := strings.Index(line, "wrong"); j >= 0 {
			return nil, mapper.Problems{{Line: i + 1, Column: j + 1, Text: "this is wrong", Hint: "mend it"}}
		}
	}
	return &connectors.Connector{Name: name, Open: func(context.Context, connectors.Config, connectors.Env) (connectors.Connection, error) {
		return opened{}, nil
	}}, nil
}

func described(t *testing.T, files fstest.MapFS) *loader {
	t.Helper()
	describedKinds["fake"] = fakeKind
	t.Cleanup(func() { delete(describedKinds, "fake") })
	builtin, err := connectors.NewRegistry(&connectors.Connector{Name: "webhook"})
	if err != nil {
		t.Fatal(err)
	}
	l := &loader{fsys: files, opt: Options{Registry: builtin}, out: &Deployment{}}
	l.described()
	l.connections()
	return l
}

func TestADirectoryDescribesItsOwnConnectors(t *testing.T) {
	l := described(t, fstest.MapFS{
		"connectors/oddshop.yaml": {Data: []byte("kind: fake\n")},
		"connections/a.yaml":      {Data: []byte("connection: a\nconnector: oddshop\n")},
	})
	if len(l.problems) > 0 {
		t.Fatal(l.problems)
	}
	c, ok := l.out.Registry.Get("oddshop")
	if !ok || len(l.out.Connections) != 1 || l.out.Connections[0].Connector != c {
		t.Fatalf("the connection does not stand on the described connector: %+v", l.out.Connections)
	}
	if _, ok := l.out.Registry.Get("webhook"); !ok {
		t.Fatal("the program's own connectors are gone")
	}
}

func TestWhatIsWrongWithADescription(t *testing.T) {
	l := described(t, fstest.MapFS{
		"connectors/a.yaml":       {Data: []byte("kind: fake\nx: wrong\n")},
		"connectors/b.yaml":       {Data: []byte("title: b\n")},
		"connectors/c.yaml":       {Data: []byte("\nkind: fakee\n")},
		"connectors/d.yaml":       {Data: []byte("kind: fake\n\t- x\n")},
		"connectors/webhook.yaml": {Data: []byte("kind: fake\n")},
		// One mistake is not told twice.
		"connections/a.yaml": {Data: []byte("connection: a\nconnector: a\n")},
	})
	var got []string
	for _, p := range l.problems {
		got = append(got, p.Error())
	}
	want := []string{
		`connectors/a.yaml:2:4: this is wrong (mend it)`,
		"connectors/b.yaml:1:1: the file does not say what kind of connector it describes (begin the file with `kind: http`)",
		`connectors/c.yaml:2:7: there is no kind "fakee" of connector (did you mean "fake"?)`,
		"connectors/d.yaml:2:1: this cannot be read as keys with values: found a tab character that violates indentation (begin the file with `kind: http`)",
		`connectors/webhook.yaml:1:7: the program has a connector "webhook" already (give the file another name)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

func FuzzKindOf(f *testing.F) {
	for _, s := range []string{"kind: http", "kind: [a]", "", "- x", "kind: fake\n\t- x", "a: &a [*a]", "kind: {x: 1}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		kind, problem := kindOf("connectors/x.yaml", []byte(src))
		if problem == nil && kind.Value == "" {
			t.Fatal("no kind, and no problem")
		}
		var ps mapper.Problems
		if problem != nil && (!errors.As(mapper.Problems{problem}, &ps) || problem.Line < 1) {
			t.Fatalf("a problem without a place: %+v", problem)
		}
	})
}

// Every kind says where its files are wrong.
func TestEveryKindReportsPlaces(t *testing.T) {
	for kind := range describedKinds {
		t.Run(kind, func(t *testing.T) {
			l := described(t, fstest.MapFS{"connectors/oddshop.yaml": {Data: []byte("kind: " + kind + "\nnonsense: 1\n")}})
			found := false
			for _, p := range l.problems {
				found = found || p.File == "connectors/oddshop.yaml" && p.Line == 2 && p.Column == 1 && strings.Contains(p.Text, "nonsense")
			}
			if !found {
				t.Fatalf("the unknown key is not reported at its place:\n%v", l.problems)
			}
		})
	}
}
