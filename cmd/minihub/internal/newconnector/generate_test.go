package newconnector

import (
	"bytes"
	"errors"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external"
)

// checkout is the root of this module.
func checkout(t *testing.T) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the test does not know where it stands")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "..")
}

// run runs the go command in a module, with what the module cache has.
func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// requirements gives a new module this module's own, so that nothing is resolved anew.
func requirements(t *testing.T, dir string) {
	t.Helper()
	root := checkout(t)
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, require, ok := strings.Cut(string(ours), "\nrequire (")
	if !ok {
		t.Fatal("go.mod has no requirements")
	}
	theirs, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), append(theirs, "\nrequire ("+require...), 0o600); err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A private connector, outside of this module, is vetted and passes its whole suite, and
// what it declares is a description that the hub takes.
func TestAPrivateConnectorPassesAsItIs(t *testing.T) {
	dir := t.TempDir()
	r, err := Generate(Options{Dir: dir, Name: "acme", Minihub: checkout(t), Go: "1.26"})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Private || r.Module != "example.com/acme" || !slices.Contains(r.Files, "cmd/acme/main.go") {
		t.Errorf("%+v", r)
	}
	requirements(t, dir)
	run(t, dir, "vet", "./...")
	run(t, dir, "test", "./...")
	run(t, dir, "build", "-o", "bin/acme", "./cmd/acme")
	src, err := external.Declare(t.Context(), dir, "acme", []string{"./bin/acme"})
	if err != nil {
		t.Fatal(err)
	}
	c, problems := external.LoadIn(dir, "acme", src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{Text: map[string]string{"url": "http://127.0.0.1:1"},
		Secrets: map[string]connectors.Secret{"token": connectors.NewSecret("invented-token")}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: "acme-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// The same inside a module called minihub: a copy of what the connector stands on.
func TestABuiltInConnectorPassesAsItIs(t *testing.T) {
	dir, root := t.TempDir(), checkout(t)
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}",
		"./connectors/connectortest", "./connectors/internal/vendorhttp", "./schemas/codec")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range strings.Fields(string(out)) {
		pkg = strings.TrimPrefix(pkg, Module+"/")
		copyPackage(t, filepath.Join(root, pkg), filepath.Join(dir, pkg))
	}
	r, err := Generate(Options{Dir: dir, Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Private || slices.ContainsFunc(r.Files, func(f string) bool { return strings.HasPrefix(f, "cmd/") || f == "go.mod" }) {
		t.Errorf("%+v", r)
	}
	run(t, dir, "vet", "./connectors/acme/...")
	run(t, dir, "test", "./connectors/acme/...")
}

func copyPackage(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", from, len(files), err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(f)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What is generated is formatted, whatever the name's length.
func TestItIsFormatted(t *testing.T) {
	for _, name := range []string{"ab", "zeppelin", "averylongnameofavendorindeed12"} {
		dir := t.TempDir()
		r, err := Generate(Options{Dir: dir, Name: name, Go: "1.26"})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Files {
			b, err := os.ReadFile(filepath.Join(dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte("__name__")) || bytes.Contains(b, []byte("__module__")) || bytes.Contains(b, []byte("__Title__")) {
				t.Errorf("%s holds a word of the template", f)
			}
			if filepath.Ext(f) != ".go" {
				continue
			}
			if out, err := format.Source(b); err != nil || !bytes.Equal(out, b) {
				t.Errorf("%s is not formatted: %v", f, err)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]Why{"": BadForm, "a": BadForm, "Acme": BadForm, "acme-erp": BadForm, "9lives": BadForm, "聚水潭": BadForm, "../x": BadForm,
		"func": Reserved, "http": Reserved, "simkit": Reserved, "connection": Reserved, "acmesim": SimName} {
		_, err := Generate(Options{Dir: t.TempDir(), Name: name, Go: "1.26"})
		var e *NameError
		if !errors.As(err, &e) || e.Why != want {
			t.Errorf("%q: %v, want reason %d", name, err, want)
		}
	}
}

// Nothing is written over, and nothing at all when one thing is there.
func TestItDoesNotWriteOver(t *testing.T) {
	for _, there := range []string{"connectors/acme/own.go", "mappings/acme/out/x.yaml", "schemas/vendors/acme/x", "cmd/acme/main.go", "connectors/acme.yaml"} {
		dir := t.TempDir()
		file := filepath.Join(dir, there)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Generate(Options{Dir: dir, Name: "acme", Go: "1.26"})
		var e *ExistsError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", there, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			t.Errorf("%s: go.mod was written", there)
		}
	}
}

// A second connector in the same module shares the test of the mappings.
func TestASecondOneInTheSameModule(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"acme", "ecma"} {
		r, err := Generate(Options{Dir: dir, Name: name, Module: map[string]string{"acme": "brand.example/hub"}[name], Go: "1.26"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Module != "brand.example/hub" || slices.Contains(r.Files, casesTest) != (name == "acme") {
			t.Errorf("%+v", r)
		}
	}
}

func TestModules(t *testing.T) {
	var e *ModuleError
	if _, err := Generate(Options{Dir: t.TempDir(), Name: "acme", Module: "no path", Go: "1.26"}); !errors.As(err, &e) {
		t.Error(err)
	}
	if _, err := Generate(Options{Dir: t.TempDir(), Name: "acme", Minihub: t.TempDir(), Go: "1.26"}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("go 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(Options{Dir: dir, Name: "acme"}); !errors.As(err, &e) {
		t.Error(err)
	}
	if _, err := Generate(Options{Dir: filepath.Join(dir, "none"), Name: "acme"}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
