package mappings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minihub/minihub/mappings/mapper"
)

// Codes of a result that does not fit its schema, as the engine stores them.
const (
	CodeSchemaCanonical = "schema.canonical"
	CodeSchemaTarget    = "schema.target"
)

// Violation is one place where a document does not fit its schema. It holds no
// value of the document.
type Violation struct {
	Pointer string `json:"pointer"` // JSON pointer; empty for the whole document
	Rule    string `json:"rule"`    // the schema's keyword: required, type, ...
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1, where the document was given as text
	Column  int    `json:"column,omitempty"`
}

// String gives the place, what is wrong, the rule, and how to mend it.
func (v Violation) String() string {
	at := v.Pointer
	if at == "" {
		at = "the document"
	}
	text := at + " " + v.Text + " (" + v.Rule + ")"
	if v.Hint != "" {
		text += "; " + v.Hint
	}
	return text
}

// Failure is one reason why a document has no usable result: an error of a row, or a
// place where the result breaks its schema.
type Failure struct {
	Code   string `json:"code"`
	Target string `json:"target,omitempty"` // a path such as lines[2].qty, or a JSON pointer into the result
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
	Source string `json:"source,omitempty"`
	File   string `json:"file,omitempty"` // of the mapping, with the row's place
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Error gives the place, the target, what is wrong, and how to mend it.
func (f Failure) Error() string {
	return (&mapper.Problem{Code: f.Code, File: f.File, Line: f.Line, Column: f.Column, Target: f.Target, Text: f.Text, Hint: f.Hint}).Error()
}

// line is the failure as want.error has it.
func (f Failure) line() string { return fmt.Sprintf("%s %s: %s\n", f.Code, f.Target, f.Text) }

// Failures lists what went wrong in a run; nil when err is none.
func Failures(err error) []Failure {
	var es *mapper.RunErrors
	if !errors.As(err, &es) {
		if err != nil {
			return []Failure{{Code: mapper.CodeValue, Text: err.Error()}}
		}
		return nil
	}
	out := make([]Failure, 0, len(es.Errors))
	for _, e := range es.Errors {
		out = append(out, Failure{Code: e.Code, Target: e.Target, Text: e.Text, Hint: e.Hint, Source: e.Source, File: e.File, Line: e.Line, Column: e.Column})
	}
	return out
}

// SchemaFailures lists where a result breaks the schema of a name.
func SchemaFailures(schema string, found []Violation) []Failure {
	code := CodeSchemaTarget
	if strings.HasPrefix(schema, "canonical/") {
		code = CodeSchemaCanonical
	}
	out := make([]Failure, 0, len(found))
	for _, v := range found {
		out = append(out, Failure{Code: code, Target: v.Pointer, Text: v.Text + " (" + v.Rule + ")", Hint: v.Hint})
	}
	return out
}

// Outcome is what a case's mapping gave.
type Outcome struct {
	Result      any          // the document; nil when the mapping failed
	Failures    []Failure    // of the mapping, or of its result under the schema
	Errors      string       // the failures, one line each, as want.error has them
	Input       []Violation  // where the case's document does not fit the mapping's input schema
	Differences []Difference // of the result, where a result was wanted and came
	Diff        string       // how this differs from what the case wants; empty when it does not
}

// Run maps the case's document and compares. The error is about the case
// itself, as mapper.Problems: a mapping that is not there.
func (c *Case) Run(set *Set) (*Outcome, error) { return c.RunChecked(set, nil) }

// RunChecked is Run with the documents checked by their schemas. validate answers
// where a document does not fit the schema of a name; nil checks nothing.
func (c *Case) RunChecked(set *Set, validate func(schema string, doc any) []Violation) (*Outcome, error) {
	p, err := set.Program(c.Mapping)
	if err != nil {
		at := c.place(partMapping)
		return nil, mapper.Problems{{Code: CodeCase, File: at.File, Line: at.Line, Column: at.Column, Text: err.Error(),
			Hint: "the part mapping names a file below mappings/"}}
	}
	if validate == nil {
		validate = func(string, any) []Violation { return nil }
	}
	out := &Outcome{}
	if p.Input() != "" {
		out.Input = validate(p.Input(), c.Input)
	}
	out.Result, err = p.Run(c.Input, Over(c.Context, set.tables))
	out.Failures = Failures(err)
	if err == nil && p.Output() != "" {
		out.Failures = SchemaFailures(p.Output(), validate(p.Output(), out.Result))
	}
	out.Errors = ErrorLines(out.Failures)
	if c.want == partError || out.Errors != "" {
		if want := string(c.Part(partError)); want != out.Errors {
			out.Diff = "want the errors:\n" + orNone(want) + "got:\n" + orNone(out.Errors)
		}
		return out, nil
	}
	out.Differences = Compare(c.wanted, out.Result)
	out.Diff = differences(out.Differences)
	return out, nil
}

// Wanted is the text of want.error; empty where the case wants a document.
func (c *Case) Wanted() string { return string(c.Part(partError)) }

// ErrorLines writes failures as want.error has them.
func ErrorLines(failures []Failure) string {
	var b strings.Builder
	for _, f := range failures {
		b.WriteString(f.line())
	}
	return b.String()
}

func orNone(lines string) string {
	if lines == "" {
		return "(none)\n"
	}
	return lines
}
