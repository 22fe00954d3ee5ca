package mappings

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/minihub/minihub/mappings/mapper"
)

// Lookups are the tables read from files. It is a mapper.Tables and never
// changes; the ledger's entries are laid over it by the engine.
type Lookups struct{ tables map[string]*mapper.Table }

var _ mapper.Tables = (*Lookups)(nil)

// LoadLookups reads the shipped tables and lays those of the deployment's
// folder over them (nil for none), entry by entry: an entry there wins, and a
// null there removes a shipped one. The error is mapper.Problems.
func LoadLookups(deployment fs.FS) (*Lookups, error) {
	l := &Lookups{tables: map[string]*mapper.Table{}}
	var problems mapper.Problems
	for _, layer := range layers(deployment) {
		problems = append(problems, l.lay(layer)...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return l, nil
}

// layers are the folders from bottom to top.
func layers(deployment fs.FS) []fs.FS {
	if deployment == nil {
		return []fs.FS{shipped}
	}
	return []fs.FS{shipped, deployment}
}

func (l *Lookups) lay(layer fs.FS) (problems mapper.Problems) {
	entries, err := fs.ReadDir(layer, "lookups")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return mapper.Problems{unreadable("lookups", err)}
	}
	for _, e := range entries {
		file := path.Join("lookups", e.Name())
		if e.IsDir() || path.Ext(file) != ".yaml" {
			if p := misnamed(file); p != nil {
				problems = append(problems, p)
			}
			continue
		}
		src, err := fs.ReadFile(layer, file)
		if err != nil {
			problems = append(problems, unreadable(file, err))
			continue
		}
		t, err := mapper.ParseTable(display(file), src)
		var ps mapper.Problems
		if errors.As(err, &ps) {
			problems = append(problems, ps...)
			continue
		}
		if want := strings.TrimSuffix(e.Name(), ".yaml"); t.Name != want {
			problems = append(problems, &mapper.Problem{Code: mapper.CodeLookupTable, File: display(file), Line: 1,
				Text: fmt.Sprintf("the table is named %s and its file %s", t.Name, e.Name()), Hint: "give both the same name"})
			continue
		}
		l.merge(t)
	}
	return problems
}

func (l *Lookups) merge(t *mapper.Table) {
	under := l.tables[t.Name]
	if under == nil {
		under = &mapper.Table{Name: t.Name, Entries: map[string]any{}}
		l.tables[t.Name] = under
	}
	if t.Description != "" {
		under.Description = t.Description
	}
	for code, v := range t.Entries {
		if v == nil {
			delete(under.Entries, code)
			continue
		}
		under.Entries[code] = v
	}
}

// Has says whether the table exists.
func (l *Lookups) Has(table string) bool { return l.tables[table] != nil }

// Get answers the value of an entry.
func (l *Lookups) Get(table, key string) (any, bool) {
	t := l.tables[table]
	if t == nil {
		return nil, false
	}
	v, ok := t.Entries[key]
	return v, ok
}

// Table answers a table, which must not be changed.
func (l *Lookups) Table(name string) (*mapper.Table, bool) {
	t, ok := l.tables[name]
	return t, ok
}

// Names lists the tables, sorted.
func (l *Lookups) Names() []string {
	names := make([]string, 0, len(l.tables))
	for name := range l.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// display is a file's name in messages.
func display(file string) string { return path.Join("mappings", file) }

func unreadable(file string, err error) *mapper.Problem {
	return &mapper.Problem{Code: mapper.CodeYAML, File: display(file), Text: "cannot be read: " + err.Error()}
}

// misnamed is a problem for a YAML file under another ending, which would be
// left out in silence.
func misnamed(file string) *mapper.Problem {
	if path.Ext(file) != ".yml" {
		return nil
	}
	return &mapper.Problem{Code: mapper.CodeYAML, File: display(file), Text: "would not be read", Hint: "name it .yaml"}
}
