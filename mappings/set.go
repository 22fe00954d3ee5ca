package mappings

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/minihub/minihub/mappings/mapper"
)

// Options says what a set is loaded from and compiled against.
type Options struct {
	// Deployment is the deployment's own mappings folder, laid over the shipped
	// one: a file there replaces the shipped file of the same path. May be nil.
	Deployment fs.FS
	// Tables are the lookup tables mappings read, usually the ledger's entries
	// over [LoadLookups]; nil reads the files alone.
	Tables mapper.Tables
	// Shapes finds schemas by name, as mapper.Options.Shapes. May be nil.
	Shapes func(name string) (mapper.Shape, bool)
	// Context declares context values, as mapper.Options.Context.
	Context map[string]mapper.Shape
}

// Set is all mappings, compiled. It never changes; a reload makes a new one.
type Set struct {
	programs map[string]*mapper.Program
	sources  map[string][]byte
	own      map[string]bool
	tables   mapper.Tables
}

// Load reads and compiles every mapping. The problems of all files are
// answered at once, as mapper.Problems.
func Load(opt Options) (*Set, error) {
	s := &Set{programs: map[string]*mapper.Program{}, sources: map[string][]byte{}, own: map[string]bool{}, tables: opt.Tables}
	var problems mapper.Problems
	if s.tables == nil {
		l, err := LoadLookups(opt.Deployment)
		var ps mapper.Problems
		if errors.As(err, &ps) {
			problems = append(problems, ps...)
		} else {
			s.tables = l
		}
	}
	sources := map[string][]byte{}
	for i, layer := range layers(opt.Deployment) {
		files, ps := mappingFiles(layer)
		problems = append(problems, ps...)
		for _, file := range files {
			src, err := fs.ReadFile(layer, file)
			if err != nil {
				problems = append(problems, unreadable(file, err))
				continue
			}
			sources[file], s.own[file] = src, i > 0
		}
	}
	problems = append(problems, s.compile(sources, opt)...)
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b *mapper.Problem) int { return cmp.Compare(a.File, b.File) })
		return nil, problems
	}
	return s, nil
}

// compile compiles the files on all cores.
func (s *Set) compile(sources map[string][]byte, opt Options) (problems mapper.Problems) {
	files := slices.Sorted(maps.Keys(sources))
	programs, errs := make([]*mapper.Program, len(files)), make([]error, len(files))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				programs[i], errs[i] = mapper.Compile(display(files[i]), sources[files[i]], mapper.Options{Shapes: opt.Shapes, Lookups: s.tables, Context: opt.Context})
			}
		})
	}
	wg.Wait()
	for i, file := range files {
		var ps mapper.Problems
		if errors.As(errs[i], &ps) {
			problems = append(problems, ps...)
			continue
		}
		s.programs[file] = programs[i]
		s.sources[file] = sources[file]
	}
	return problems
}

// Source is a mapping's file as it was read.
func (s *Set) Source(name string) ([]byte, bool) {
	p, err := s.Program(name)
	if err != nil {
		return nil, false
	}
	src, ok := s.sources[strings.TrimPrefix(p.Name(), "mappings/")]
	return src, ok
}

// mappingFiles finds <vendor>/in/*.yaml and <vendor>/out/*.yaml.
func mappingFiles(layer fs.FS) (files []string, problems mapper.Problems) {
	err := fs.WalkDir(layer, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		parts := strings.Split(file, "/")
		if d.IsDir() {
			if len(parts) == 2 && parts[1] != "in" && parts[1] != "out" || strings.HasPrefix(d.Name(), ".") && file != "." {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case len(parts) != 3:
		case path.Ext(file) == ".yaml":
			files = append(files, file)
		default:
			if p := misnamed(file); p != nil {
				problems = append(problems, p)
			}
		}
		return nil
	})
	if err != nil {
		problems = append(problems, unreadable(".", err))
	}
	return files, problems
}

// Program answers a mapping by its path, with or without the leading
// mappings/. The error names the nearest ones.
func (s *Set) Program(name string) (*mapper.Program, error) {
	file := path.Clean(strings.TrimPrefix(name, "mappings/"))
	if p := s.programs[file]; p != nil {
		return p, nil
	}
	if p := s.programs[file+".yaml"]; p != nil {
		return p, nil
	}
	hint := ""
	if n := mapper.Nearest(file, s.Names()); n != "" {
		hint = "; did you mean " + display(n) + "?"
	}
	return nil, fmt.Errorf("there is no mapping %s%s", name, hint)
}

// Names lists the mappings by path, sorted.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.programs))
	for name := range s.programs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Own says whether the mapping comes from the deployment's folder.
func (s *Set) Own(name string) bool {
	return s.own[path.Clean(strings.TrimPrefix(name, "mappings/"))]
}

// Tables are the lookup tables the mappings read.
func (s *Set) Tables() mapper.Tables { return s.tables }
