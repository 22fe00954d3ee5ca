package manifest

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files anew")

// fresh holds a generated file to what the code says.
func fresh(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: go test ./connectors/manifest -run %s -update", file, t.Name())
	}
}

func TestSchemaIsFresh(t *testing.T) {
	b, err := makeSchema()
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, "manifest.schema.json", b)
}

func TestReferenceIsFresh(t *testing.T) {
	text, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, "REFERENCE.md", []byte(text))
}
