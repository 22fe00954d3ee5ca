package schemas

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/schemas/codec"
)

//go:embed canonical/*.schema.json vendors/*/*.schema.json
var builtin embed.FS

const suffix = ".schema.json"

// Set is a loaded, checked and compiled set of schemas. It never changes and
// may be used by many goroutines.
type Set struct {
	schemas map[string]*Schema
}

// Load compiles the built-in schemas with the given folders laid over them: a
// file of a later folder takes the place of one with the same path. A folder
// has the same layout: canonical/<entity>.schema.json and
// vendors/<vendor>/<document>.schema.json.
//
// A problem in a schema gives a *LoadError that lists all problems of all
// files; any other error is a folder that cannot be read.
func Load(overlays ...fs.FS) (*Set, error) {
	l := loader{files: map[string]*file{}}
	for _, layer := range append([]fs.FS{builtin}, overlays...) {
		if err := l.collect(layer); err != nil {
			return nil, err
		}
	}
	names := slices.Sorted(maps.Keys(l.files))
	for _, name := range names {
		l.files[name].parse(&l)
	}
	for _, name := range names {
		l.files[name].resolve(&l)
	}
	l.refuseLoops(names)
	if len(l.problems) > 0 {
		return nil, &LoadError{Problems: sortProblems(l.problems)}
	}
	set := &Set{schemas: map[string]*Schema{}}
	if err := l.compile(names, set); err != nil {
		return nil, err
	}
	return set, nil
}

// Get finds a schema by its name: canonical/order, vendors/tryton/sale.
func (s *Set) Get(name string) (*Schema, bool) {
	schema, ok := s.schemas[name]
	return schema, ok
}

// Names lists all schemas in order.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.schemas)) }

type loader struct {
	meta     *gojsonschema.Schema // the schema of draft-07 schemas
	files    map[string]*file     // by path
	problems []Problem
}

// file is one schema file and its nodes by JSON pointer.
type file struct {
	path  string
	raw   []byte
	root  *node
	nodes map[string]*node
}

func (l *loader) add(f *file, pointer, rule, text, hint string) {
	line, column := codec.Locate(f.raw, pointer)
	l.problems = append(l.problems, Problem{File: f.path, Line: line, Column: column, Rule: rule, Text: text, Hint: hint})
}

// collect reads the files of one layer.
func (l *loader) collect(layer fs.FS) error {
	for _, top := range []string{"canonical", "vendors"} {
		err := fs.WalkDir(layer, top, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && name == top {
				return fs.SkipDir
			}
			if err != nil {
				return fmt.Errorf("read the schema folder: %w", err)
			}
			if d.IsDir() || path.Ext(name) != ".json" {
				return nil
			}
			if want := strings.Count(name, "/"); !strings.HasSuffix(name, suffix) || want != map[string]int{"canonical": 1, "vendors": 2}[top] {
				l.problems = append(l.problems, Problem{File: name, Rule: "schema.place", Text: "this file is in no place where schemas are read",
					Hint: "name it canonical/<entity>" + suffix + " or vendors/<vendor>/<document>" + suffix})
				return nil
			}
			raw, err := fs.ReadFile(layer, name)
			if err != nil {
				return fmt.Errorf("read a schema: %w", err)
			}
			l.files[name] = &file{path: name, raw: raw, nodes: map[string]*node{}}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// parse decodes the file and reads its schemas.
func (f *file) parse(l *loader) {
	tree, err := codec.Decode(f.raw)
	var bad *codec.Error
	if errors.As(err, &bad) {
		l.problems = append(l.problems, Problem{File: f.path, Line: bad.Line, Column: bad.Column, Rule: bad.Code, Text: bad.Text, Hint: "a schema is one JSON document"})
		return
	}
	root, ok := tree.(map[string]any)
	if !ok {
		l.add(f, "", "schema.draft", "a schema file holds an object", "start with {\"$schema\": \""+draft7+"\", ...}")
		return
	}
	switch version := root["$schema"]; version {
	case draft7, strings.TrimSuffix(draft7, "#"):
	case nil:
		l.add(f, "", "schema.draft", "$schema is missing", "add \"$schema\": \""+draft7+"\"; only draft-07 is read")
	default:
		l.add(f, "/$schema", "schema.draft", fmt.Sprintf("%v is not draft-07; its newer keywords would be ignored in silence", version),
			"write \"$schema\": \""+draft7+"\" and only keywords of draft-07")
	}
	l.checkMeta(f, root)
	f.root = l.node(f, "", root)
}
