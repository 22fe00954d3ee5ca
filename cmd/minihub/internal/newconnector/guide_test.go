package newconnector

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The guide quotes what is generated, names files that are there, and knows every check
// of the suite.
func TestTheGuideIsTrue(t *testing.T) {
	root := checkout(t)
	b, err := os.ReadFile(filepath.Join(root, "docs", "new-connector.md"))
	if err != nil {
		t.Fatal(err)
	}
	guide := string(b)
	dir := t.TempDir()
	r, err := Generate(Options{Dir: dir, Name: "acme", Go: "1.26"})
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range r.Files {
		src, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(src)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(guide, -1)
	if len(blocks) < 3 {
		t.Errorf("%d blocks of Go", len(blocks))
	}
	for _, m := range blocks {
		if !strings.Contains(all.String(), m[1]) {
			t.Errorf("this stands in no generated file:\n%s", m[1])
		}
	}
	paths := regexp.MustCompile("`((?:connectors/acme|mappings/acme|schemas/vendors/acme|cmd/acme)/[^`]*)`").FindAllStringSubmatch(guide, -1)
	if len(paths) < 10 {
		t.Errorf("%d paths", len(paths))
	}
	for _, m := range paths {
		if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
			t.Errorf("%s is not generated", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`((?:connectors/builtin|cmd/minihub)/[^`]*)`").FindAllStringSubmatch(guide, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(err)
		}
	}
	// The suite's documentation lists its checks in the tab-indented lines.
	doc, err := os.ReadFile(filepath.Join(root, "connectors", "connectortest", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	checks := 0
	for _, line := range strings.Split(string(doc), "\n") {
		list, ok := strings.CutPrefix(line, "//\t")
		if !ok {
			continue
		}
		for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
			checks++
			if !strings.Contains(guide, "| `"+name+"` |") {
				t.Errorf("the guide does not know the check %s", name)
			}
		}
	}
	if checks < 25 {
		t.Errorf("only %d checks were found", checks)
	}
}
