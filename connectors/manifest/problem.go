package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is one thing wrong with a manifest.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1
	Path   string `json:"path"`   // JSON pointer: /streams/orders/key
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"` // how to mend it
}

// Error gives the place, what is wrong, and how to mend it.
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Path, p.Text)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// spot is a place in the file; one without a line is looked up by its path.
type spot struct {
	line, column int
	path         string
}

// maxProblems bounds what one file can complain about.
const maxProblems = 100

func (ld *loader) fail(at spot, hint, format string, a ...any) {
	if at.line == 0 && ld.root != nil {
		at.line, at.column = place(ld.root, at.path)
	}
	p := Problem{File: ld.file, Line: max(1, at.line), Column: max(1, at.column), Path: at.path, Text: fmt.Sprintf(format, a...), Hint: hint}
	if p.Path == "" {
		p.Path = "/"
	}
	if len(ld.problems) < maxProblems && !slices.Contains(ld.problems, p) {
		ld.problems = append(ld.problems, p)
	}
}

// sorted gives the problems in the order of the file.
func (ld *loader) sorted() []Problem {
	slices.SortStableFunc(ld.problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return ld.problems
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// place finds the key that a path leads to, or the deepest one on the way there.
func place(n *yaml.Node, path string) (line, column int) {
	line, column = n.Line, n.Column
	for _, name := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		var next *yaml.Node
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if escape(n.Content[i].Value) == name {
				line, column, next = n.Content[i].Line, n.Content[i].Column, n.Content[i+1]
			}
		}
		if next == nil {
			return line, column
		}
		n = next
	}
	return line, column
}
