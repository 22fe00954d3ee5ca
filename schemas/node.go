package schemas

import "regexp"

// node is one schema of a file, with what the hub reads from it. The validator
// gets its own copy, clean.
type node struct {
	file    *file
	pointer string

	never  bool // the schema false
	always bool // the schema true, or no keyword at all

	refPath, refPointer string // where $ref leads
	ref                 *node

	types      []string
	enum       []any
	required   []string
	properties map[string]*node
	patterns   []pattern
	additional *node // schema of additionalProperties; nil when absent
	items      *node
	tuple      []*node
	tupleRest  *node
	allOf      []*node
	choices    []*node // anyOf, oneOf, then, else, dependencies: may or may not apply
	silent     []*node // not, if, contains, propertyNames: tested, never describing

	pii, search, amount string

	clean any // for the validator: without annotations, $ref made absolute
}

type pattern struct {
	re   *regexp.Regexp
	node *node
}

// inPlace lists the nodes that look at the same value as n does.
func (n *node) inPlace() []*node {
	all := append(append([]*node{}, n.allOf...), n.choices...)
	if n.ref != nil {
		all = append(all, n.ref)
	}
	return all
}

// says tells whether the node describes anything: it is neither absent, nor
// true, nor false.
func (n *node) says() bool { return n != nil && !n.always && !n.never }
