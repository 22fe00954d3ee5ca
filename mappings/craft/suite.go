package craft

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

// Suite is the cases of a mappings folder.
type Suite struct {
	Folder  fs.FS  // has <vendor>/cases/*.txtar
	Prefix  string // how people reach the folder, such as mappings; part of shown names
	Set     *mappings.Set
	Schemas Schemas
	Lookups *mappings.Lookups
	// Memory remembers what was green; nil remembers nothing. With Changed, cases that
	// were green before with the same content are left out.
	Memory  *Memory
	Changed bool
}

// Report is what a run of a suite gave.
type Report struct {
	Cases    []CaseReport    `json:"cases"`    // in order of their files
	Mappings []MappingReport `json:"mappings"` // in order of their names
	Ran      int             `json:"ran"`
	Failed   int             `json:"failed"`
	Skipped  int             `json:"unchanged"` // green before, and nothing changed since
}

// States of a case.
const (
	Passed    = "passed"
	Broken    = "failed"
	Unchanged = "unchanged"
)

// CaseReport is what one case gave.
type CaseReport struct {
	File        string                `json:"file"`
	About       string                `json:"about,omitempty"`
	Mapping     string                `json:"mapping"`
	State       string                `json:"state"`
	Differences []mappings.Difference `json:"differences,omitempty"` // want and got, field by field
	Wanted      []string              `json:"wanted_errors,omitempty"`
	Failures    []mappings.Failure    `json:"failures,omitempty"` // what went wrong in the run
	Input       []mappings.Violation  `json:"input,omitempty"`    // the case's own document does not fit its schema

	covered  []string
	memoKey  string
	outcome  *mappings.Outcome
	theCase  *mappings.Case
	problems mapper.Problems
}

// MappingReport says how well the cases cover a mapping.
type MappingReport struct {
	Name      string   `json:"name"`
	Cases     int      `json:"cases"`
	Targets   int      `json:"targets"`   // target fields its rows set
	Uncovered []string `json:"uncovered"` // those that no case brings forth
}

// Files lists the suite's case files that match one of the patterns; none means all.
// A pattern is a case file, a mapping, a folder, or a folder with /... behind it, below
// the mappings folder. A pattern that matches nothing is an error.
func (s *Suite) Files(patterns []string) ([]string, error) {
	all, err := mappings.CaseFiles(s.Folder)
	if err != nil {
		return nil, err
	}
	if len(patterns) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, p := range patterns {
		n := 0
		name := s.clean(p)
		for _, file := range all {
			if s.matches(name, file) {
				chosen[file] = true
				n++
			}
		}
		if n == 0 && name != "..." && name != "." {
			return nil, s.unmatched(p, name, all)
		}
	}
	return slices.DeleteFunc(all, func(f string) bool { return !chosen[f] }), nil
}

// ErrNoCase is behind a pattern that names nothing.
var ErrNoCase = errors.New("no such mapping or case")

func (s *Suite) unmatched(pattern, name string, all []string) error {
	if p, err := s.Set.Program(name); err == nil {
		return fmt.Errorf("%w: mapping %s has no case (write one in %s)", ErrNoCase, pattern, path.Join(s.Prefix, path.Dir(path.Dir(bare(p.Name()))), "cases"))
	}
	hint := ""
	if n := mapper.Nearest(name, append(s.Set.Names(), all...)); n != "" {
		hint = " (did you mean " + path.Join(s.Prefix, n) + "?)"
	}
	return fmt.Errorf("%w: %s%s", ErrNoCase, pattern, hint)
}

func bare(name string) string { return strings.TrimPrefix(name, "mappings/") }

func (s *Suite) clean(pattern string) string {
	p := path.Clean(strings.ReplaceAll(pattern, `\`, "/"))
	p = strings.TrimPrefix(p, s.Prefix+"/")
	if p == s.Prefix {
		return "."
	}
	return p
}

func (s *Suite) matches(pattern, file string) bool {
	if dir, all := strings.CutSuffix(pattern, "..."); all {
		dir = strings.TrimSuffix(dir, "/")
		return dir == "" || dir == "." || strings.HasPrefix(file, dir+"/")
	}
	if pattern == "." || pattern == file || strings.HasPrefix(file, pattern+"/") {
		return true
	}
	if path.Ext(pattern) != ".yaml" && path.Ext(file) != ".txtar" {
		return false
	}
	// A mapping's cases: read only for their first part.
	data, err := fs.ReadFile(s.Folder, file)
	if err != nil {
		return false
	}
	c, err := mappings.ReadCase(file, data)
	return err == nil && (c.Mapping == pattern || c.Mapping == pattern+".yaml" || c.Mapping+".yaml" == pattern)
}

// Run runs the cases of the files on all cores. The error is mapper.Problems: what is
// wrong with case files themselves, all at once.
//
// partial says that the files are a choice: then only mappings whose cases ran are
// judged for what they cover.
func (s *Suite) Run(files []string, partial bool) (*Report, error) {
	rep := &Report{Cases: make([]CaseReport, len(files)), Mappings: []MappingReport{}}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), max(1, len(files))) {
		wg.Go(func() {
			for i := range next {
				rep.Cases[i] = s.runFile(files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	wg.Wait()
	var problems mapper.Problems
	for i := range rep.Cases {
		c := &rep.Cases[i]
		problems = append(problems, c.problems...)
		switch c.State {
		case Broken:
			rep.Failed++
			rep.Ran++
		case Passed:
			rep.Ran++
			s.Memory.keep(c.File, c.memoKey, c.covered)
		case Unchanged:
			rep.Skipped++
		}
		if c.State != Unchanged && c.State != Passed {
			s.Memory.forget(c.File)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	s.coverage(rep, partial)
	return rep, nil
}

func (s *Suite) runFile(file string) CaseReport {
	shown := path.Join(s.Prefix, file)
	out := CaseReport{File: shown}
	data, err := fs.ReadFile(s.Folder, file)
	if err != nil {
		out.problems = mapper.Problems{{Code: mappings.CodeCase, File: shown, Text: "cannot be read: " + err.Error()}}
		return out
	}
	c, err := mappings.ReadCase(shown, data)
	if errors.As(err, &out.problems) {
		return out
	}
	out.About, out.Mapping, out.theCase = c.About, c.Mapping, c
	out.memoKey = s.key(c, data)
	if covered, green := s.Memory.green(shown, out.memoKey); green && s.Changed {
		out.State, out.covered = Unchanged, covered
		return out
	}
	o, err := c.RunChecked(s.Set, s.Schemas.Validate)
	if errors.As(err, &out.problems) {
		return out
	}
	out.outcome = o
	out.State = Passed
	out.covered = Paths(o.Result)
	if o.Diff != "" || len(o.Input) > 0 {
		out.State = Broken
		out.Input, out.Differences = o.Input, o.Differences
		if len(o.Differences) == 0 && o.Diff != "" {
			out.Failures = o.Failures
			out.Wanted = strings.Split(strings.TrimSuffix(c.Wanted(), "\n"), "\n")
			if c.Wanted() == "" {
				out.Wanted = nil
			}
		}
	}
	return out
}

// Stale says that the case wants something else than its mapping gives.
func (c *CaseReport) Stale() bool { return c.outcome != nil && c.outcome.Diff != "" }

// Updated is the case's file with what its mapping gives now; only of a case that failed.
func (c *CaseReport) Updated() ([]byte, error) { return c.theCase.Updated(c.outcome) }

// coverage finds the target fields that no case brings forth, of mappings that have
// cases here and of the deployment's own.
func (s *Suite) coverage(rep *Report, partial bool) {
	covered := map[string]map[string]bool{}
	count := map[string]int{}
	for _, c := range rep.Cases {
		p, err := s.Set.Program(c.Mapping)
		if err != nil {
			continue
		}
		name := bare(p.Name())
		count[name]++
		if covered[name] == nil {
			covered[name] = map[string]bool{}
		}
		for _, path := range c.covered {
			covered[name][path] = true
		}
	}
	for _, name := range s.Set.Names() {
		if count[name] == 0 && (partial || !s.Set.Own(name)) {
			continue
		}
		p, err := s.Set.Program(name)
		if err != nil {
			continue
		}
		m := MappingReport{Name: name, Cases: count[name], Uncovered: []string{}}
		for _, target := range p.Targets() {
			m.Targets++
			if !covered[name][target] {
				m.Uncovered = append(m.Uncovered, target)
			}
		}
		rep.Mappings = append(rep.Mappings, m)
	}
}

// Paths lists the places of a tree that hold something, list items as [], sorted: the
// form of Program.Targets.
func Paths(doc any) []string {
	found := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		if at != "" {
			found[at] = true
		}
		switch v := v.(type) {
		case map[string]any:
			for k, below := range v {
				walk(strings.TrimPrefix(at+"."+k, "."), below)
			}
		case []any:
			for _, item := range v {
				walk(at+"[]", item)
			}
		}
	}
	walk("", doc)
	return slices.Sorted(maps.Keys(found))
}
