// Package craft is what the workshop of mappings stands on: running the cases of a
// folder and finding the target fields that none covers, trying a mapping on a sample,
// comparing two versions of a mapping over many documents, and making a document
// unrecognisable that still fails the same way.
//
// It knows schemas through functions only and touches neither clock nor network; the
// one file it writes is the memory of a [Suite], where it is told.
package craft

import (
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

// Schemas are the schemas that mappings name under input: and output:.
type Schemas interface {
	// Shape answers the shape of a schema's documents.
	Shape(name string) (mapper.Shape, bool)
	// Validate answers where a tree does not fit the schema of a name; an unknown name
	// is a violation.
	Validate(name string, doc any) []mappings.Violation
	// ValidateText is Validate of JSON text, with line and column.
	ValidateText(name string, text []byte) []mappings.Violation
	// Fingerprint changes when the schema of a name may have changed.
	Fingerprint(name string) string
}
