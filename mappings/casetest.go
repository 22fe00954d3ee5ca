package mappings

import (
	"io/fs"
	"os"
	"path/filepath"
)

// CaseOptions says how cases are run.
type CaseOptions struct {
	// Update writes what the mappings give into the files below Dir instead of
	// comparing.
	Update bool
	Dir    string
	// Validate answers what is wrong with a document under a schema. Inputs and
	// results are checked with it. May be nil.
	Validate func(schema string, doc any) []Violation
}

// T is the part of testing.TB that cases need.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// CaseFiles lists the case files of a mappings folder.
func CaseFiles(folder fs.FS) ([]string, error) { return fs.Glob(folder, "*/cases/*.txtar") }

// RunCases runs every case of a folder.
func RunCases(t T, folder fs.FS, set *Set, opt CaseOptions) {
	t.Helper()
	files, err := CaseFiles(folder)
	if err != nil {
		t.Errorf("list the cases: %v", err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(folder, file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		c, err := ReadCase(file, data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		runCase(t, c, set, opt)
	}
}

func runCase(t T, c *Case, set *Set, opt CaseOptions) {
	t.Helper()
	out, err := c.RunChecked(set, opt.Validate)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	if opt.Update {
		if out.Diff == "" {
			return
		}
		data, err := c.Updated(out)
		if err == nil {
			err = os.WriteFile(filepath.Join(opt.Dir, filepath.FromSlash(c.File)), data, 0o644)
		}
		if err != nil {
			t.Errorf("%s: update: %v", c.File, err)
		}
		return
	}
	if out.Diff != "" {
		t.Errorf("%s: %s\n%s", c.File, c.Mapping, out.Diff)
	}
	if len(out.Input) > 0 {
		t.Errorf("%s: the input does not fit its schema: %v", c.File, out.Input)
	}
}
