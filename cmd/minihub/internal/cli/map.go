package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/mapweb"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
)

func (r *root) mapCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "map", Short: "Test, try and compare mappings"}
	cmd.AddCommand(r.mapTestCommand(), r.mapTryCommand(), r.mapServeCommand(), r.mapDiffCommand())
	return cmd
}

// workshop is the part of a deployment that mappings are made of: it needs no hub.yaml,
// no connections and no secrets.
type workshop struct {
	dir     string
	schemas *schemas.Set
	checks  craft.Schemas
	lookups *mappings.Lookups
	set     *mappings.Set
}

// workshop reads schemas/, lookups/ and mappings/ of the directory over what the binary
// ships. The error is mapper.Problems where the files are at fault, as `check` has it.
func (r *root) workshop(dir string) (*workshop, error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, mapper.Problems{{Code: config.CodeMissing, File: dir, Text: "there is no such directory", Hint: "name the directory that holds mappings/ with -c"}}
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, mapper.Problems{{Code: config.CodeMissing, File: dir, Text: "this is a file", Hint: "name the directory that holds mappings/ with -c"}}
	}
	w := &workshop{dir: dir}
	root := os.DirFS(dir)
	var overlays []fs.FS
	if f := folder(root, "schemas"); f != nil {
		overlays = append(overlays, f)
	}
	var err error
	if w.schemas, err = schemas.Load(overlays...); err != nil {
		return nil, schemaProblems(err)
	}
	w.checks = mapweb.SchemasOf(w.schemas)
	if w.lookups, err = mappings.LoadLookups(root); err != nil {
		var bad mapper.Problems
		if errors.As(err, &bad) {
			for _, p := range bad {
				p.File = strings.TrimPrefix(p.File, "mappings/") // a deployment's tables stand in lookups/
			}
		}
		return nil, err
	}
	w.set, err = mappings.Load(mappings.Options{Deployment: folder(root, "mappings"), Tables: w.lookups, Shapes: w.checks.Shape})
	return w, err
}

// folder is a folder of the directory, nil when it has none.
func folder(root fs.FS, name string) fs.FS {
	if info, err := fs.Stat(root, name); err != nil || !info.IsDir() {
		return nil
	}
	f, err := fs.Sub(root, name)
	if err != nil {
		return nil
	}
	return f
}

func schemaProblems(err error) error {
	var bad *schemas.LoadError
	if !errors.As(err, &bad) {
		return err
	}
	var ps mapper.Problems
	for _, p := range bad.Problems {
		ps = append(ps, &mapper.Problem{Code: p.Rule, File: "schemas/" + p.File, Line: p.Line, Column: p.Column, Text: p.Text, Hint: p.Hint})
	}
	return ps
}

func (w *workshop) bench() *craft.Bench { return &craft.Bench{Tables: w.lookups, Schemas: w.checks} }

// cases is the mappings folder with the cases, nil when there is none.
func (w *workshop) cases() fs.FS { return folder(os.DirFS(w.dir), "mappings") }

// program finds the mapping that a file stands for: below the directory's mappings/ it
// is known by its path there, anywhere else by its last two folders.
func (w *workshop) name(file string) string {
	file = filepath.ToSlash(abs(file))
	if rest, below := strings.CutPrefix(file, filepath.ToSlash(filepath.Join(abs(w.dir), "mappings"))+"/"); below {
		return rest
	}
	parts := strings.Split(file, "/")
	return strings.Join(parts[max(0, len(parts)-3):], "/")
}

func abs(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}

// readFile reads a file the caller named.
func (r *root) readFile(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, r.bad(text.NoSuchFile, name)
	case err != nil:
		return nil, inputError{err}
	}
	return b, nil
}
