package mapper

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Codes of problems and run errors. They are part of the API: the ledger
// stores them and people search for them.
const (
	CodeYAML          = "mapping.yaml"           // the file is not the YAML a mapping is made of
	CodeUnknownKey    = "mapping.unknown_key"    // a key that rows do not have
	CodeRow           = "mapping.row"            // keys of a row that do not go together
	CodePath          = "mapping.path"           // a path that cannot be read
	CodeUnknownField  = "mapping.unknown_field"  // a field the schema does not have
	CodeMissingField  = "mapping.missing_field"  // a required output field that no row sets
	CodeDuplicate     = "mapping.duplicate"      // two rows for one target
	CodeType          = "mapping.type"           // a value of the wrong type
	CodeExpression    = "mapping.expression"     // an expression that cannot be read
	CodeFunction      = "mapping.function"       // an unknown function or wrong arguments
	CodeLookupTable   = "mapping.lookup_table"   // a lookup table that does not exist
	CodeLimit         = "mapping.limit"          // too large, too deep, too much work
	CodeRequired      = "mapping.required"       // a required value is absent
	CodeValue         = "mapping.value"          // a value a function cannot use
	CodeEnum          = "mapping.enum"           // a value in no entry of a map
	CodeLookupMissing = "mapping.lookup_missing" // a lookup table has no such entry
	CodeEmptyKey      = "mapping.empty_key"      // a template with a missing or empty value
)

// Position is a place in a file; Line and Column count from 1.
type Position struct {
	File         string
	Line, Column int
}

// String gives file:line:column, without what is not known.
func (p Position) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		if b.Len() > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strconv.Itoa(p.Line))
		if p.Column > 0 {
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(p.Column))
		}
	}
	return b.String()
}

// Problem is one thing wrong with a mapping, found when it is compiled.
type Problem struct {
	Code   string `json:"code"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Target string `json:"target,omitempty"` // the row's target path, such as lines[].qty
	Source string `json:"source,omitempty"` // the path or expression it concerns
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"` // how to mend it
}

// Error gives the place, the target, what is wrong, and how to mend it.
func (p *Problem) Error() string {
	return describe(Position{p.File, p.Line, p.Column}, p.Target, p.Text, p.Hint)
}

// Problems is everything wrong with a mapping, in file order.
type Problems []*Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems to errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// RunError is one row that could not be mapped. Its text names fields, types
// and rules, never the document's values, which may be personal.
type RunError struct {
	Code   string `json:"code"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Target string `json:"target,omitempty"` // with list indexes, such as lines[2].qty
	Source string `json:"source,omitempty"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`

	missing *MissingLookup
}

// Error gives the place, the target, what is wrong, and how to mend it.
func (e *RunError) Error() string {
	return describe(Position{e.File, e.Line, e.Column}, e.Target, e.Text, e.Hint)
}

// Unwrap gives the *MissingLookup behind the error, if that is what it is.
func (e *RunError) Unwrap() error {
	if e.missing == nil {
		return nil
	}
	return e.missing
}

// RunErrors is what went wrong in one run, at most 20 errors.
type RunErrors struct {
	Errors []*RunError
	More   int // errors beyond the 20 that are kept
}

// Error lists the errors, one a line.
func (es *RunErrors) Error() string {
	lines := make([]string, 0, len(es.Errors)+1)
	for _, e := range es.Errors {
		lines = append(lines, e.Error())
	}
	if es.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", es.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the errors to errors.As.
func (es *RunErrors) Unwrap() []error {
	errs := make([]error, len(es.Errors))
	for i, e := range es.Errors {
		errs[i] = e
	}
	return errs
}

// MissingLookup says that a lookup table has no entry for a key. The document
// is not at fault: once the entry is there, the same run succeeds.
type MissingLookup struct {
	Table string `json:"table"`
	Key   string `json:"key"`
}

// Error names table and key, so that someone can fill the entry.
func (m *MissingLookup) Error() string {
	return fmt.Sprintf("lookup table %s has no entry for %q", m.Table, m.Key)
}

// MissingLookups collects the missing entries behind a run's error, each
// once. only is true when nothing else is wrong, so that filling the entries
// is enough.
func MissingLookups(err error) (missing []MissingLookup, only bool) {
	var es *RunErrors
	if !errors.As(err, &es) {
		var one *MissingLookup
		if errors.As(err, &one) {
			return []MissingLookup{*one}, true
		}
		return nil, false
	}
	only = es.More == 0
	seen := map[MissingLookup]bool{}
	for _, e := range es.Errors {
		if e.missing == nil {
			only = false
			continue
		}
		if !seen[*e.missing] {
			seen[*e.missing] = true
			missing = append(missing, *e.missing)
		}
	}
	return missing, only && len(missing) > 0
}

func describe(pos Position, target, text, hint string) string {
	var b strings.Builder
	if s := pos.String(); s != "" {
		b.WriteString(s)
		b.WriteString(": ")
	}
	if target != "" {
		b.WriteString(target)
		b.WriteString(": ")
	}
	b.WriteString(text)
	if hint != "" {
		b.WriteString(" (")
		b.WriteString(hint)
		b.WriteByte(')')
	}
	return b.String()
}

// fault is what a function or operator answers when it cannot work; the row
// adds place, target and source. Its text quotes no value of a document.
type fault struct {
	code, text, hint string
	missing          *MissingLookup
}

func (f *fault) Error() string { return describe(Position{}, "", f.text, f.hint) }

// wrong is a fault about a value.
func wrong(hint, format string, args ...any) *fault {
	return &fault{code: CodeValue, text: fmt.Sprintf(format, args...), hint: hint}
}
