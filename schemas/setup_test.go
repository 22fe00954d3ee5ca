package schemas

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/minihub/minihub/schemas/codec"
)

const head = `"$schema": "http://json-schema.org/draft-07/schema#"`

// folder makes a deployment's folder of schemas.
func folder(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// load gives the schema vendors/acme/doc made of the given text.
func load(t testing.TB, text string) *Schema {
	t.Helper()
	set, err := Load(folder(map[string]string{"vendors/acme/doc.schema.json": text}))
	if err != nil {
		t.Fatal(err)
	}
	return get(t, set, "vendors/acme/doc")
}

func get(t testing.TB, set *Set, name string) *Schema {
	t.Helper()
	schema, ok := set.Get(name)
	if !ok {
		t.Fatalf("no schema %s", name)
	}
	return schema
}

func builtinSchema(t testing.TB, name string) *Schema {
	t.Helper()
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return get(t, set, name)
}

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := codec.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// problems loads one file and gives what is wrong with it.
func problems(t *testing.T, files map[string]string) []Problem {
	t.Helper()
	_, err := Load(folder(files))
	var bad *LoadError
	if !errors.As(err, &bad) {
		t.Fatalf("got %v, want a *LoadError", err)
	}
	return bad.Problems
}
