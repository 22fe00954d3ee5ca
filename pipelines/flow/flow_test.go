package flow_test

import (
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/schemas"
)

// env knows a shop and a target with a create and its cancel.
func env(t testing.TB) flow.Env {
	t.Helper()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	shape := func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
	in, err := mapper.Compile("in.yaml", []byte("mapping: in\noutput: canonical/store\nfields:\n  - { to: code, value: A }\n"), mapper.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := mapper.Compile("out.yaml", []byte("mapping: out\ninput: canonical/store\nfields:\n  - { to: code, from: code }\n"), mapper.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shop := &connectors.Connector{Name: "shop", Streams: []connectors.Stream{{Name: "stores", Entity: "store"}}}
	target := &connectors.Connector{Name: "target", Operations: []connectors.Operation{
		{Name: "store.create", Carries: connectors.State, Changes: connectors.CreateOnly, Repeat: connectors.Idempotent},
		{Name: "store.cancel", Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent, Undoes: "store.create"},
	}}
	return flow.Env{Schemas: set, Shape: shape,
		Connections: []flow.Connection{{Name: "a", Labels: map[string]string{"kind": "shop"}, Connector: shop}, {Name: "oms", Connector: target, Mode: flow.On}},
		Program: func(path string) (*mapper.Program, error) {
			if path == "in.yaml" {
				return in, nil
			}
			return out, nil
		}}
}

const good = `flow: stores
from: ['{kind=shop}.stores']
canonical: in.yaml
to:
  - operation: oms.store.create
    key: '{store.code}'
    map: out.yaml
    on_change: redo
  - operation: oms.store.cancel
    undoes: oms.store.create
    key: '{store.code}'
    map: out.yaml
    when: store.code == "gone"
`

func TestAFlowIsCompiled(t *testing.T) {
	f, problems := flow.Compile("flows/stores.yaml", []byte(good), env(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(f.Steps) != 2 || f.Steps[1].Undoes != f.Steps[0] || f.Steps[0].UndoneBy != f.Steps[1] || f.Sources[0] != (flow.Source{Connection: "a", Stream: "stores"}) || f.Entity != "store" {
		t.Fatalf("%+v", f)
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for name, c := range map[string]struct{ from, to, says string }{
		"unknown key":        {"on_change: redo", "on_chance: redo", `did you mean "on_change"?`},
		"unknown operation":  {"oms.store.create\n    key", "oms.store.creat\n    key", `did you mean "store.create"?`},
		"unknown connection": {"oms.store.cancel", "omz.store.cancel", `did you mean "oms"?`},
		"unknown stream":     {"}.stores", "}.storez", `no stream "storez"`},
		"nothing to undo":    {"    undoes: oms.store.create\n", "", "does not say which"},
		"another key":        {"undoes: oms.store.create\n    key: '{store.code}'", "undoes: oms.store.create\n    key: 'x-{store.code}'", "the key of what it cancels"},
		"upsert cannot redo": {"when: store.code == \"gone\"", "on_change: redo", "is an upsert"},
		"bad condition":      {`store.code == "gone"`, `store.cod == "gone"`, "cod"},
	} {
		_, problems := flow.Compile("flows/stores.yaml", []byte(strings.Replace(good, c.from, c.to, 1)), env(t))
		if len(problems) == 0 || !strings.Contains(problems.Error(), c.says) || !strings.Contains(problems.Error(), "flows/stores.yaml:") {
			t.Errorf("%s: %v, want %q", name, problems, c.says)
		}
	}
}

// Whatever stands in a file, it is a flow or problems, never a panic.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("flow: x\nto:\n  - after: {step: [}\n"))
	f.Add([]byte("&a [*a]"))
	e := env(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		got, problems := flow.Compile("f.yaml", src, e)
		if (got == nil) == (len(problems) == 0) {
			t.Fatalf("a flow: %v, problems: %v", got != nil, problems)
		}
	})
}
