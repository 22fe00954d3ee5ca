package mapper

import (
	"sort"
	"strings"
)

// Shape describes what a document may contain, so that a mapping is checked
// when it is compiled and not when the first order arrives. Package schemas
// provides it from JSON schemas; a nil Shape means that nothing is known.
type Shape interface {
	// Field answers the shape of a named field of an object.
	Field(name string) (Shape, bool)
	// Elem answers the shape of a list's items.
	Elem() (Shape, bool)
	// Fields lists the declared field names of an object.
	Fields() []string
	// Open says that an object may have fields that are not declared.
	Open() bool
	// Type is "object", "array", "string", "integer", "number", "boolean" or
	// "null"; empty when it is unknown or may be several.
	Type() string
	// Required lists the fields an object must have.
	Required() []string
	// Enum lists the texts a value may take; empty means any.
	Enum() []string
}

// shapeLike is a type with the methods of Shape whose steps answer the same
// type, as package schemas has it.
type shapeLike[T any] interface {
	Field(name string) (T, bool)
	Elem() (T, bool)
	Fields() []string
	Open() bool
	Type() string
	Required() []string
	Enum() []string
}

// ShapeOf makes a Shape of a type that has its methods but answers itself.
func ShapeOf[T shapeLike[T]](s T) Shape { return adapted[T]{s} }

type adapted[T shapeLike[T]] struct{ s T }

func (a adapted[T]) Field(name string) (Shape, bool) {
	f, found := a.s.Field(name)
	if !found {
		return nil, false
	}
	return adapted[T]{f}, true
}

func (a adapted[T]) Elem() (Shape, bool) {
	e, found := a.s.Elem()
	if !found {
		return nil, false
	}
	return adapted[T]{e}, true
}

func (a adapted[T]) Fields() []string   { return a.s.Fields() }
func (a adapted[T]) Open() bool         { return a.s.Open() }
func (a adapted[T]) Type() string       { return a.s.Type() }
func (a adapted[T]) Required() []string { return a.s.Required() }
func (a adapted[T]) Enum() []string     { return a.s.Enum() }

// shapeAt follows a path from a shape. found is false only where the shape is
// closed and has no such field: then bad is the index of the offending step.
// An unknown shape answers nil and true.
func shapeAt(s Shape, steps []step) (at Shape, bad int, found bool) {
	for i, st := range steps {
		if s == nil {
			return nil, 0, true
		}
		if st.isIndex {
			if t := s.Type(); t != "" && t != "array" {
				return s, i, false
			}
			elem, ok := s.Elem()
			if !ok {
				return nil, 0, true
			}
			s = elem
			continue
		}
		if t := s.Type(); t != "" && t != "object" {
			return s, i, false
		}
		next, ok := s.Field(st.name)
		if !ok {
			if s.Open() || (s.Type() == "" && len(s.Fields()) == 0) {
				return nil, 0, true
			}
			return s, i, false
		}
		s = next
	}
	return s, 0, true
}

// elemOf is the shape of a list's items, nil when unknown.
func elemOf(s Shape) Shape {
	if s == nil {
		return nil
	}
	if elem, ok := s.Elem(); ok {
		return elem
	}
	return nil
}

// hasField says whether the shape declares the field.
func hasField(s Shape, name string) bool {
	if s == nil {
		return false
	}
	_, ok := s.Field(name)
	return ok
}

// typeOf is the shape's type, "" for a nil shape.
func typeOf(s Shape) string {
	if s == nil {
		return ""
	}
	return s.Type()
}

// nearest answers the candidate that name was most likely meant to be, or "".
func nearest(name string, candidates []string) string {
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	best, bestDistance := "", 1+max(1, min((len(name)+1)/3, 4))
	lower := strings.ToLower(name)
	for _, c := range sorted {
		d := distance(lower, strings.ToLower(c))
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best != "" {
		return best
	}
	// A name that only ends otherwise: order_number for order_no.
	longest := max(4, len(name)/2) - 1
	for _, c := range sorted {
		if n := sharedStart(lower, strings.ToLower(c)); n > longest {
			best, longest = c, n
		}
	}
	return best
}

func sharedStart(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// didYouMean is a hint that names the nearest candidate, or lists them when
// they are few, or is empty.
func didYouMean(name string, candidates []string) string {
	if n := nearest(name, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	if len(candidates) == 0 || len(candidates) > 30 {
		return ""
	}
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	return "known here: " + strings.Join(sorted, ", ")
}

// distance is the number of edits between two texts, where swapping two
// neighbours is one edit. Long texts answer a large number at once.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
