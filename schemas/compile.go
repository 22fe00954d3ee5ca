package schemas

import (
	"fmt"
	"strings"
	"time"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/schemas/codec"
)

// address is the absolute name the validator knows a file by. Nothing answers
// there: every file is handed over before it is asked for.
func address(path string) string { return "minihub://schemas/" + path }

// compile hands all files to the validator and makes the Set's schemas.
func (l *loader) compile(names []string, set *Set) error {
	// The library's own check takes a bare day or a time without a zone for a
	// date-time. Setting it again is harmless: it is locked and always the same.
	gojsonschema.FormatCheckers.Add("date-time", dateTime{})
	sl := gojsonschema.NewSchemaLoader()
	sl.AutoDetect, sl.Draft = false, gojsonschema.Draft7
	for _, name := range names {
		if err := sl.AddSchema(address(name), gojsonschema.NewRawLoader(l.files[name].root.clean)); err != nil {
			return fmt.Errorf("add schema %s: %w", name, err)
		}
	}
	for _, name := range names {
		f := l.files[name]
		compiled, err := sl.Compile(gojsonschema.NewReferenceLoader(address(name)))
		if err != nil {
			l.add(f, "", "schema.compile", "the schema does not compile: "+err.Error(), "mend the keyword it names")
			continue
		}
		short := strings.TrimSuffix(name, suffix)
		set.schemas[short] = newSchema(short, f, compiled)
	}
	if len(l.problems) > 0 {
		return &LoadError{Problems: sortProblems(l.problems)}
	}
	return nil
}

// checkMeta checks the file against the schema of draft-07 schemas.
func (l *loader) checkMeta(f *file, root map[string]any) {
	if l.meta == nil {
		// The library carries this schema; nothing is fetched.
		meta, err := gojsonschema.NewSchema(gojsonschema.NewReferenceLoader(draft7))
		if err != nil {
			l.add(f, "", "schema.compile", "the schema of draft-07 does not compile: "+err.Error(), "report this as a fault of the program")
			return
		}
		l.meta = meta
	}
	result, err := l.meta.Validate(gojsonschema.NewRawLoader(root))
	if err != nil {
		l.add(f, "", "schema.compile", "the schema cannot be checked: "+err.Error(), "report this as a fault of the program")
		return
	}
	for _, v := range violations(result, nil) {
		if v.Rule == "anyOf" || v.Rule == "oneOf" {
			continue // the branch that fits best follows with the reason
		}
		line, column := codec.Locate(f.raw, v.Pointer)
		l.problems = append(l.problems, Problem{File: f.path, Line: line, Column: column, Rule: "schema." + v.Rule, Text: v.Pointer + " " + v.Text, Hint: v.Hint})
	}
}

// dateTime is RFC 3339 with its zone.
type dateTime struct{}

func (dateTime) IsFormat(v any) bool {
	text, ok := v.(string)
	if !ok {
		return true
	}
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}
