package craft

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas/codec"
)

// Bench tries mappings on samples. It is safe for concurrent use.
type Bench struct {
	Tables  mapper.Tables
	Schemas Schemas
}

// Mark is one thing wrong with a text, at its place.
type Mark struct {
	Code   string `json:"code"`
	Line   int    `json:"line,omitempty"` // from 1
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

// Trial is what a mapping made of a sample. What cannot be judged because something
// before it is wrong stays empty.
type Trial struct {
	OK         bool                 `json:"ok"`
	Problems   mapper.Problems      `json:"problems"`   // the mapping does not compile
	Sample     []Mark               `json:"sample"`     // the sample is no JSON document
	Context    []Mark               `json:"context"`    // nor is the context
	Input      []mappings.Violation `json:"input"`      // the sample does not fit the input schema; places in the sample
	Errors     []mappings.Failure   `json:"errors"`     // rows that failed; places in the mapping
	Result     string               `json:"result"`     // indented JSON
	Violations []mappings.Violation `json:"violations"` // the result does not fit the output schema; places in the result
	Schema     string               `json:"schema"`     // of the result; empty where the mapping declares none
	Unset      []string             `json:"unset"`      // target fields that this sample does not bring forth
}

// Try compiles a mapping, known as file, and runs it over a sample. context is a
// case's context.json and may be empty.
func (b *Bench) Try(file string, mapping, sample, context []byte) *Trial {
	t := &Trial{Problems: mapper.Problems{}, Sample: []Mark{}, Context: []Mark{}, Input: []mappings.Violation{}, Errors: []mappings.Failure{},
		Violations: []mappings.Violation{}, Unset: []string{}}
	p, err := mapper.Compile(file, mapping, mapper.Options{Lookups: b.Tables, Shapes: b.Schemas.Shape})
	var ps mapper.Problems
	if errors.As(err, &ps) {
		t.Problems = ps
	}
	doc, err := codec.Decode(sample)
	if err != nil {
		t.Sample = append(t.Sample, mark(err))
	}
	ctx := mapper.Context{}
	if len(bytes.TrimSpace(context)) > 0 {
		c, err := mappings.ReadContext(context)
		if err != nil {
			t.Context = append(t.Context, mark(err))
		}
		ctx = mappings.Over(c, b.Tables)
	}
	if p == nil || len(t.Sample)+len(t.Context) > 0 {
		return t
	}
	t.Schema = p.Output()
	if p.Input() != "" {
		t.Input = append(t.Input, b.Schemas.ValidateText(p.Input(), sample)...)
	}
	result, err := p.Run(doc, ctx)
	if err != nil {
		t.Errors = append(t.Errors, mappings.Failures(err)...)
		return t
	}
	text, err := Pretty(result)
	if err != nil {
		t.Errors = append(t.Errors, mappings.Failure{Code: mapper.CodeValue, Text: "the result cannot be written: " + err.Error()})
		return t
	}
	t.Result = string(text)
	if p.Output() != "" {
		t.Violations = append(t.Violations, b.Schemas.ValidateText(p.Output(), text)...)
	}
	set := Paths(result)
	for _, target := range p.Targets() {
		if _, found := slices.BinarySearch(set, target); !found {
			t.Unset = append(t.Unset, target)
		}
	}
	t.OK = len(t.Violations) == 0
	return t
}

// Pretty writes a tree as indented JSON with a line break at its end.
func Pretty(doc any) ([]byte, error) {
	flat, err := codec.Encode(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, flat, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func mark(err error) Mark {
	var bad *codec.Error
	if errors.As(err, &bad) {
		return Mark{Code: bad.Code, Line: bad.Line, Column: bad.Column, Text: bad.Text, Hint: "give one JSON document"}
	}
	return Mark{Code: mappings.CodeCase, Line: 1, Column: 1, Text: err.Error()}
}
