package newconnector

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed template
var templates embed.FS

// Module is the module of minihub.
const Module = "github.com/minihub/minihub"

// Options says what to write.
type Options struct {
	Dir  string // the root of a module, or the folder that becomes one
	Name string
	// Module is the path of the module, for a folder without go.mod; empty = example.com/NAME.
	Module string
	// Minihub is a checkout of minihub that a new go.mod is to use, empty = a released one.
	Minihub string
	// Go is the version of Go for a new go.mod: "1.26".
	Go string
}

// Result is what was written.
type Result struct {
	Name    string   `json:"name"`
	Dir     string   `json:"dir"`
	Module  string   `json:"module"`
	Private bool     `json:"private"` // a module of its own, a program of its own
	Files   []string `json:"files"`   // below Dir, sorted
}

// ExistsError names what would have been written over.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " is there already; nothing was written" }

// ModuleError is a go.mod, or a module path, that cannot be used.
type ModuleError struct{ Path, Text string }

func (e *ModuleError) Error() string { return e.Path + ": " + e.Text }

// rootForm finds the module's path in a go.mod.
var rootForm = regexp.MustCompile(`(?m)^\s*module\s+"?([^\s"]+)"?`)

var pathForm = regexp.MustCompile(`^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$`)

// Generate writes the connector, all files or none that was there before.
func Generate(o Options) (*Result, error) {
	if err := checkName(o.Name); err != nil {
		return nil, err
	}
	switch info, err := os.Stat(o.Dir); {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: o.Dir, Err: errors.New("this is a file")}
	}
	r := &Result{Name: o.Name, Dir: o.Dir}
	files := map[string][]byte{}
	if err := o.module(r, files); err != nil {
		return nil, err
	}
	r.Private = r.Module != Module
	words := strings.NewReplacer("__name__", o.Name, "__Title__", strings.ToUpper(o.Name[:1])+o.Name[1:], "__module__", r.Module)
	for _, set := range sets(o.Name, r.Private) {
		if err := set.render(words, files); err != nil {
			return nil, err
		}
	}
	for name := range files {
		r.Files = append(r.Files, name)
	}
	slices.Sort(r.Files)
	if err := o.free(r); err != nil {
		return nil, err
	}
	for _, name := range r.Files {
		to := filepath.Join(o.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, files[name], 0o644); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// module reads go.mod, or makes one.
func (o Options) module(r *Result, files map[string][]byte) error {
	src, err := os.ReadFile(filepath.Join(o.Dir, "go.mod"))
	switch {
	case err == nil:
		m := rootForm.FindSubmatch(src)
		if m == nil {
			return &ModuleError{filepath.Join(o.Dir, "go.mod"), "there is no line `module PATH` in it"}
		}
		if r.Module = string(m[1]); o.Module != "" && o.Module != r.Module {
			return &ModuleError{filepath.Join(o.Dir, "go.mod"), "the module is " + r.Module + "; leave --module out"}
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if r.Module = o.Module; r.Module == "" {
		r.Module = "example.com/" + o.Name
	}
	if !pathForm.MatchString(r.Module) || r.Module == Module {
		return &ModuleError{r.Module, "this cannot be the path of a module of your own"}
	}
	mod := fmt.Sprintf("module %s\n\ngo %s\n", r.Module, o.Go)
	if o.Minihub != "" {
		abs, err := filepath.Abs(o.Minihub)
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(filepath.Join(abs, "go.mod"))
		if err != nil {
			return err
		}
		if m := rootForm.FindSubmatch(theirs); m == nil || string(m[1]) != Module {
			return &ModuleError{abs, "this is no checkout of " + Module}
		}
		mod += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %q\n", Module, Module, abs)
	}
	files["go.mod"] = []byte(mod)
	return nil
}

// free refuses to write over anything, and into a folder of the connector's name.
func (o Options) free(r *Result) error {
	for _, dir := range []string{"connectors/" + o.Name, "connectors/" + o.Name + ".yaml", "mappings/" + o.Name, "schemas/vendors/" + o.Name, "cmd/" + o.Name} {
		if _, err := os.Lstat(filepath.Join(o.Dir, filepath.FromSlash(dir))); !errors.Is(err, fs.ErrNotExist) {
			return &ExistsError{filepath.Join(o.Dir, dir)}
		}
	}
	// The test of all mappings serves every connector of the module: it is written once.
	r.Files = slices.DeleteFunc(r.Files, func(name string) bool {
		_, err := os.Lstat(filepath.Join(o.Dir, filepath.FromSlash(name)))
		return name == casesTest && err == nil
	})
	for _, name := range r.Files {
		if _, err := os.Lstat(filepath.Join(o.Dir, filepath.FromSlash(name))); !errors.Is(err, fs.ErrNotExist) {
			return &ExistsError{filepath.Join(o.Dir, name)}
		}
	}
	return nil
}

const casesTest = "mappings/mappings_test.go"

// set is a folder of templates, or one of them, and where it goes.
type set struct{ from, to string }

func sets(name string, private bool) []set {
	home := "connectors/" + name
	out := []set{
		{"connector", home},
		{"sim", home + "/" + name + "sim"},
		{"schemas", "schemas/vendors/" + name},
		{"mappings/order.yaml.tmpl", "mappings/" + name + "/out"},
		{"mappings/stock.yaml.tmpl", "mappings/" + name + "/in"},
		{"mappings/order.txtar.tmpl", "mappings/" + name + "/cases"},
		{"mappings/stock.txtar.tmpl", "mappings/" + name + "/cases"},
	}
	if private {
		return append(out, set{"own/http.go.tmpl", home}, set{"own/main.go.tmpl", "cmd/" + name}, set{"own/mappings_test.go.tmpl", path.Dir(casesTest)})
	}
	return append(out, set{"built/http.go.tmpl", home})
}

func (s set) render(words *strings.Replacer, files map[string][]byte) error {
	return fs.WalkDir(templates, path.Join("template", s.from), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := fs.ReadFile(templates, name)
		if err != nil {
			return err
		}
		files[path.Join(s.to, strings.TrimSuffix(path.Base(name), ".tmpl"))] = []byte(words.Replace(string(src)))
		return nil
	})
}
