package schemas

import (
	"errors"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/schemas/codec"
)

// Validator checks a document. *Schema is one; the interface is what the rest
// of the hub asks for, so that the library behind it can be changed.
type Validator interface {
	Validate(doc any) []Violation
}

var _ Validator = (*Schema)(nil)

// Schema is one compiled schema. It never changes and may be used by many
// goroutines.
type Schema struct {
	name     string
	file     *file
	compiled *gojsonschema.Schema
	quick    *check
	pii      *step
	search   *step
	amount   *step
}

func newSchema(name string, f *file, compiled *gojsonschema.Schema) *Schema {
	return &Schema{
		name: name, file: f, compiled: compiled, quick: newCheck(f.root, map[*node]*check{}),
		pii:    newPlan(f.root, func(n *node) string { return n.pii }),
		search: newPlan(f.root, func(n *node) string { return n.search }),
		amount: newPlan(f.root, func(n *node) string { return n.amount }),
	}
}

// Name is canonical/order or vendors/tryton/sale.
func (s *Schema) Name() string { return s.name }

// Source is the schema file as it was written.
func (s *Schema) Source() []byte { return append([]byte{}, s.file.raw...) }

// Shape describes the documents that fit, for checking paths into them.
func (s *Schema) Shape() Shape { return newShape(s.file.root) }

// Validate checks a document: a tree of the codec package, or anything that
// codec.Tree turns into one. No violations means that it fits. The texts hold
// no value of the document.
func (s *Schema) Validate(doc any) []Violation {
	if s.quick.accepts(doc, 0) {
		return nil
	}
	tree, err := codec.Tree(doc)
	if err != nil {
		return []Violation{treeViolation(err)}
	}
	return s.validate(tree)
}

// ValidateBytes decodes a document and checks it; the violations carry line and
// column. It returns the tree, nil when the document cannot be decoded.
func (s *Schema) ValidateBytes(b []byte) (any, []Violation) {
	tree, err := codec.Decode(b)
	if err != nil {
		return nil, []Violation{treeViolation(err)}
	}
	if s.quick.accepts(tree, 0) {
		return tree, nil
	}
	found := s.validate(tree)
	for i := range found {
		found[i].Line, found[i].Column = codec.Locate(b, found[i].place)
	}
	return tree, found
}

// validate takes a true tree only: fed Go integers the library passes
// everything, fed a json.Number that is no number it panics.
func (s *Schema) validate(tree any) []Violation {
	result, err := s.compiled.Validate(gojsonschema.NewRawLoader(tree))
	if err != nil {
		return []Violation{{Rule: "internal", Text: "the validator failed", Hint: "report this as a fault of the program"}}
	}
	if result.Valid() {
		return nil
	}
	return violations(result, s.Shape())
}

// treeViolation reports what is no JSON tree at all.
func treeViolation(err error) Violation {
	var bad *codec.Error
	if !errors.As(err, &bad) {
		return Violation{Rule: "internal", Text: "the document cannot be read", Hint: "report this as a fault of the program"}
	}
	return Violation{Pointer: bad.Pointer, Rule: bad.Code, Text: bad.Text, Hint: "numbers are json.Number, times and decimals are text", Line: bad.Line, Column: bad.Column}
}
