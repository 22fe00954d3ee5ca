package pipelines_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/minihub/minihub/"

// listed is a package as `go list` tells it; test files do not count.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// packages returns every package that the module's own ones stand on.
func packages(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Imports,Standard", "./...")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]listed{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// deps are all packages that a package stands on, with one that imports each.
func deps(all map[string]listed, of string) map[string]string {
	from := map[string]string{}
	var walk func(string)
	walk = func(p string) {
		for _, i := range all[p].Imports {
			if _, seen := from[i]; !seen {
				from[i] = p
				walk(i)
			}
		}
	}
	walk(of)
	return from
}

// vendor returns the name of a connector's package, "" for any other: the contract, its
// suites, and what only lists connectors are not one.
func vendor(pkg string) string {
	name, ok := strings.CutPrefix(pkg, module+"connectors/")
	if !ok || strings.Contains(name, "/") || slices.Contains([]string{"connectortest", "simkit", "builtin", "internal"}, name) {
		return ""
	}
	return name
}

func simulator(pkg string) bool {
	return strings.HasPrefix(pkg, module+"connectors/") && strings.HasSuffix(pkg, "sim")
}

func under(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == module+f || strings.HasPrefix(pkg, module+f+"/") })
}

func TestImportsPointOneWay(t *testing.T) {
	all := packages(t)
	rules := []struct {
		name   string
		of     func(pkg string) bool
		breaks func(of, dep string) bool
	}{
		{"a connector knows neither another vendor nor mappings nor the engine",
			func(pkg string) bool { return vendor(pkg) != "" },
			func(of, dep string) bool {
				return vendor(dep) != "" && dep != of || simulator(dep) || under(dep, "mappings", "pipelines", "cmd")
			}},
		{"a simulator knows the standard library and simkit only", simulator,
			func(_, dep string) bool { return !all[dep].Standard && dep != "C" && dep != module+"connectors/simkit" }},
		{"the engine knows no vendor",
			func(pkg string) bool { return under(pkg, "pipelines") },
			func(_, dep string) bool {
				return vendor(dep) != "" || simulator(dep) || under(dep, "cmd", "connectors/builtin")
			}},
		{"the ledger knows no Watermill",
			func(pkg string) bool { return under(pkg, "pipelines/ledger") },
			func(_, dep string) bool { return strings.Contains(dep, "ThreeDotsLabs") }},
		{"mappings know nothing of ours but themselves, the codec and the currencies",
			func(pkg string) bool { return under(pkg, "mappings") },
			func(_, dep string) bool {
				return strings.HasPrefix(dep, module) && !under(dep, "mappings", "schemas/codec", "schemas/iso4217")
			}},
		{"schemas know nothing of ours but themselves",
			func(pkg string) bool { return under(pkg, "schemas") },
			func(_, dep string) bool { return strings.HasPrefix(dep, module) && !under(dep, "schemas") }},
	}
	for _, r := range rules {
		checked := 0
		for pkg := range all {
			if !strings.HasPrefix(pkg, module) || !r.of(pkg) {
				continue
			}
			checked++
			for dep, by := range deps(all, pkg) {
				if r.breaks(pkg, dep) {
					t.Errorf("%s: %s stands on %s (imported by %s)", r.name, pkg, dep, by)
				}
			}
		}
		if checked == 0 {
			t.Errorf("%s: no package to check", r.name)
		}
	}
}

// linksSimulators says, with the reason, who but cmd/minihub/internal/sims links
// simulators: never anything outside cmd/minihub/internal.
var linksSimulators = map[string]string{
	"cmd/minihub/internal/demo":   "plays the buyer by the shop simulator's own controls",
	"cmd/minihub/internal/oracle": "reads what took effect from the simulators' own books",
}

func TestSimulatorsAreLinkedInOnePlace(t *testing.T) {
	waived := map[string]bool{}
	for _, p := range packages(t) {
		for _, dep := range p.Imports {
			if !simulator(dep) || under(p.ImportPath, "cmd/minihub/internal/sims") {
				continue
			}
			folder := strings.TrimPrefix(p.ImportPath, module)
			if linksSimulators[folder] == "" {
				t.Errorf("%s links the simulator %s; only cmd/minihub/internal/sims may", p.ImportPath, dep)
			}
			waived[folder] = true
		}
	}
	for folder := range linksSimulators {
		if !waived[folder] {
			t.Errorf("%s no longer links a simulator: take its waiver away", folder)
		}
	}
}

// TestTheEngineNamesNoVendor reads every line of the engine, comments too. Shipped flows
// name the systems they connect.
func TestTheEngineNamesNoVendor(t *testing.T) {
	names := []string{"微信", "聚水潭", "奇门", "顺丰", "金蝶", "用友", "旺店通", "wechat", "kingdee", "yonyou", "wangdian"}
	entries, err := os.ReadDir("../connectors")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// A webhook is a way, not a vendor.
		if n := vendor(module + "connectors/" + e.Name()); e.IsDir() && n != "" && n != "webhook" {
			names = append(names, n)
		}
	}
	if len(names) < 12 {
		t.Fatalf("there are hardly any vendors: %q", names)
	}
	err = filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p == "flows" {
			return fs.SkipDir
		}
		if d.IsDir() || p == "imports_test.go" || !slices.Contains([]string{".go", ".sql", ".md", ".yaml"}, path.Ext(p)) {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(strings.ToLower(string(src)), "\n") {
			for _, n := range names {
				if strings.Contains(line, n) {
					t.Errorf("pipelines/%s:%d names %s", filepath.ToSlash(p), i+1, n)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
