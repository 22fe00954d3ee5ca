// Package flow reads flow files: from which streams, through which mappings, under
// which conditions, to which operations. It is pure; everything a file names is checked
// when it is loaded.
package flow

import (
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
)

// Flow is one compiled flow file.
type Flow struct {
	Name      string
	File      string
	Sources   []Source
	Entity    string // canonical entity: order
	Canonical *mapper.Program
	Input     *schemas.Schema // of the source's documents; nil = the mapping names none that is known
	Schema    *schemas.Schema // of the canonical document
	When      *mapper.Condition
	// Deletes: a document that its source no longer has comes through once more, as it was
	// last, with source.deleted set.
	Deletes bool
	Steps   []*Step
}

// Source is a stream of a connection.
type Source struct{ Connection, Stream string }

// OnChange says what a changed document of a create-only operation does after the
// create (Invariant 3).
type OnChange string

// The three answers.
const (
	Ignore OnChange = "ignore"
	Park   OnChange = "park"
	Redo   OnChange = "redo"
)

// Mode says whether a target is sent to.
type Mode string

// The modes of a target connection.
const (
	On     Mode = "on"
	Shadow Mode = "shadow" // map, check and record, send nothing
	Off    Mode = "off"
)

// Step is one target of a flow.
type Step struct {
	Flow       string
	Name       string // unique in the flow; the operation with its connection unless given
	Connection string
	Operation  string
	Decl       *connectors.Operation
	Mode       Mode
	Key        *mapper.Template
	Map        *mapper.Program
	Schema     *schemas.Schema // of the target document; nil = the operation has none
	When       *mapper.Condition
	Hold       *mapper.Condition // while true, wait for a newer version
	HoldText   string            // as written
	After      []After
	OnChange   OnChange
	Undoes     *Step // the step whose operation this one cancels
	UndoneBy   *Step
	Late       bool // the mapping reads links: mapped at the time of sending
	Index      int
	Line       int
}

// After is a dependency on an earlier step of the same flow.
type After struct {
	Step     *Step
	Required bool // a filtered predecessor does not satisfy it
}

// StepNamed returns a step by name.
func (f *Flow) StepNamed(name string) *Step {
	for _, s := range f.Steps {
		if s.Name == name {
			return s
		}
	}
	return nil
}
