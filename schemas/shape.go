package schemas

import (
	"fmt"
	"maps"
	"slices"
)

// Shape describes the values a schema allows at one place, with $ref and allOf
// resolved. The mapping compiler checks its paths against it.
type Shape interface {
	// Field goes to the field of an object; for a name the schema does not list
	// it answers what patternProperties or additionalProperties say about it.
	Field(name string) (Shape, bool)
	// Elem goes to the items of an array.
	Elem() (Shape, bool)
	// Fields lists the fields the schema names, in order.
	Fields() []string
	// Open tells whether fields beyond Fields are allowed, as far as the schema says.
	Open() bool
	// Type is object, array, string, integer, number, boolean or null; empty
	// when the schema allows several or does not say. null beside one other type is left out.
	Type() string
	// Required lists the fields that must be there, in order.
	Required() []string
	// Enum lists the values allowed, as text; empty when the schema does not list them.
	Enum() []string
}

// shape is the nodes that all apply to one value, and those that may.
type shape struct {
	sure  []*node
	maybe []*node
}

func newShape(roots ...*node) *shape {
	s := &shape{}
	for _, n := range roots {
		s.add(n, true)
	}
	return s
}

func (s *shape) add(n *node, sure bool) {
	if sure {
		s.sure = append(s.sure, n)
	} else {
		s.maybe = append(s.maybe, n)
	}
	if n.ref != nil {
		s.add(n.ref, sure)
		return // beside a $ref only annotations count
	}
	for _, c := range n.allOf {
		s.add(c, sure)
	}
	for _, c := range n.choices {
		s.add(c, false)
	}
}

func (s *shape) all() []*node { return append(append([]*node{}, s.sure...), s.maybe...) }

func (s *shape) Field(name string) (Shape, bool) {
	found := s.field(name)
	if len(found) == 0 {
		return nil, false
	}
	return newShape(found...), true
}

// field lists the nodes that a field of this name has to fit.
func (s *shape) field(name string) (found []*node) {
	for _, n := range s.all() {
		if c, ok := n.properties[name]; ok {
			found = append(found, c)
			continue
		}
		matched := false
		for _, p := range n.patterns {
			if p.re.MatchString(name) {
				found, matched = append(found, p.node), true
			}
		}
		if !matched && n.additional.says() {
			found = append(found, n.additional)
		}
	}
	return found
}

func (s *shape) Elem() (Shape, bool) {
	longest := 0
	for _, n := range s.all() {
		longest = max(longest, len(n.tuple))
	}
	out := &shape{}
	for i := range longest + 1 {
		for _, c := range s.elem(i) {
			out.add(c, longest == 0) // the items of a tuple differ: each may apply, none must
		}
	}
	return out, len(out.sure)+len(out.maybe) > 0
}

// elem lists the nodes that item i has to fit.
func (s *shape) elem(i int) (found []*node) {
	for _, n := range s.all() {
		c := n.items
		if i < len(n.tuple) {
			c = n.tuple[i]
		} else if n.tuple != nil {
			c = n.tupleRest
		}
		if c.says() {
			found = append(found, c)
		}
	}
	return found
}

func (s *shape) Fields() []string {
	names := map[string]bool{}
	for _, n := range s.all() {
		for name, c := range n.properties {
			if !c.never {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (s *shape) Open() bool {
	if t := s.Type(); t != "object" && t != "" {
		return false
	}
	described := false
	for _, n := range s.sure {
		if n.closed() {
			return false
		}
		described = described || n.properties != nil
	}
	if described || len(s.maybe) == 0 {
		return true
	}
	// Nothing but alternatives: open when one of them is.
	return slices.ContainsFunc(s.maybe, func(n *node) bool { return n.properties != nil && !n.closed() }) ||
		!slices.ContainsFunc(s.maybe, (*node).closed)
}

func (n *node) closed() bool { return n.additional != nil && n.additional.never }

func (s *shape) Type() string {
	if t := only(s.sure); t != "" {
		return t
	}
	return only(s.maybe)
}

// only gives the one type that the nodes name; null counts when it is alone.
func only(nodes []*node) string {
	named := map[string]bool{}
	for _, n := range nodes {
		for _, t := range n.types {
			named[t] = true
		}
	}
	if len(named) > 1 {
		delete(named, "null")
	}
	if len(named) != 1 {
		return ""
	}
	for t := range named {
		return t
	}
	return ""
}

func (s *shape) Required() []string {
	names := map[string]bool{}
	for _, n := range s.sure {
		for _, name := range n.required {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (s *shape) Enum() []string {
	for _, nodes := range [][]*node{s.sure, s.maybe} {
		var out []string
		for _, n := range nodes {
			for _, v := range n.enum {
				out = append(out, fmt.Sprint(v))
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
