package config

import (
	"os"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
)

// Described reads connectors/ of a deployment only: the program's connectors and those that
// the directory describes. What cannot be read is left out and named by the problems.
func Described(dir string, opt Options) (*connectors.Registry, mapper.Problems) {
	l := &loader{fsys: opt.Files, dir: dir, opt: opt, out: &Deployment{Dir: dir}}
	if l.fsys == nil {
		l.fsys = os.DirFS(dir)
	}
	l.described()
	sortProblems(l.problems)
	return l.out.Registry, l.problems
}
