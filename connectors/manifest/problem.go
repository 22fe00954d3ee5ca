package manifest

import (
	"fmt"
	"slices"
	"strings"
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

// spot is a place in the file.
type spot struct {
	line, column int
	path         string
}

// maxProblems bounds what one file can complain about.
const maxProblems = 100

func (ld *loader) fail(at spot, hint, format string, a ...any) {
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
