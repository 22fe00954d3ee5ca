package schemas

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/minihub/minihub/schemas/codec"
)

// RuleHidden marks a place where nobody can tell which hidden value is meant.
const RuleHidden = "hidden"

// Masked is Mask, and for documents without a schema (nil) hides every text and number:
// nobody knows which of them are personal.
func Masked(s *Schema, doc any) any {
	if s != nil {
		return s.Mask(doc)
	}
	return hideAll(doc)
}

func hideAll(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			out[k] = hideAll(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = hideAll(child)
		}
		return out
	case string:
		if v == "" {
			return v
		}
		return hidden
	case json.Number:
		return hidden
	}
	return v
}

// Unmask puts the values that Masked hid back into what a person made of the masked
// document: wherever a place still holds its own mask. Lines of a list may have been
// moved, dropped and added; where it cannot be told which of them a mask belongs to, or a
// mask stands where it never was, that is a violation and nothing is guessed
// (Invariant 8).
func Unmask(s *Schema, original, edited any) (any, []Violation) {
	u := &unmasking{masks: map[string]bool{}}
	if s != nil {
		u.shape = s.Shape()
	}
	masked := Masked(s, original)
	u.collect(original, masked)
	return u.value(original, masked, edited, nil), u.found
}

type unmasking struct {
	masks map[string]bool
	shape Shape
	found []Violation
}

// collect notes every mask that hides something.
func (u *unmasking) collect(original, masked any) {
	switch o := original.(type) {
	case map[string]any:
		for k, child := range o {
			u.collect(child, masked.(map[string]any)[k])
		}
	case []any:
		for i, child := range o {
			u.collect(child, masked.([]any)[i])
		}
	default:
		if text, ok := masked.(string); ok && masked != original {
			u.masks[text] = true
		}
	}
}

func (u *unmasking) value(original, masked, edited any, at []string) any {
	switch e := edited.(type) {
	case map[string]any:
		m, ok := masked.(map[string]any)
		if !ok {
			break
		}
		o := original.(map[string]any)
		out := make(map[string]any, len(e))
		for _, k := range slices.Sorted(maps.Keys(e)) {
			if _, was := m[k]; was {
				out[k] = u.value(o[k], m[k], e[k], append(slices.Clip(at), k))
			} else {
				out[k] = u.typed(e[k], append(slices.Clip(at), k))
			}
		}
		return out
	case []any:
		if m, ok := masked.([]any); ok {
			return u.list(original.([]any), m, e, at)
		}
	default:
		if isScalar(masked) && masked == edited {
			return original
		}
	}
	return u.typed(edited, at)
}

// typed is what a person wrote anew: a mask in it hides nothing.
func (u *unmasking) typed(edited any, at []string) any {
	switch e := edited.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(e)) {
			u.typed(e[k], append(slices.Clip(at), k))
		}
	case []any:
		for i, child := range e {
			u.typed(child, append(slices.Clip(at), strconv.Itoa(i)))
		}
	case string:
		if u.masks[e] {
			u.refuse(at, "is the mask of a value that stands elsewhere", "type the value itself, or put the line back as it was")
		}
	}
	return edited
}

func (u *unmasking) refuse(at []string, text, hint string) {
	place, shown := pointers(u.shape, at)
	u.found = append(u.found, Violation{Pointer: shown, Rule: RuleHidden, Text: text, Hint: hint, place: place})
}

// list finds for every line that holds a mask the line it was.
func (u *unmasking) list(original, masked, edited []any, at []string) any {
	if reflect.DeepEqual(masked, edited) {
		return original
	}
	out := slices.Clone(edited)
	near := make([][]int, len(edited)) // the lines each one may have been; nil: it holds no mask
	for i, e := range edited {
		if u.holds(e) {
			near[i] = nearestLines(masked, e)
		}
	}
	taken := map[int]bool{}
	for i, e := range edited {
		if near[i] == nil {
			continue
		}
		here := append(slices.Clip(at), strconv.Itoa(i))
		j, sure := u.which(original, masked, edited, near, taken, i)
		switch {
		case !sure:
			u.refuse(here, "holds hidden values, and nobody can tell which line they are of", "put the lines back in their order, or type the values")
		case taken[j]:
			u.refuse(here, "repeats a line with hidden values", "type the values, or leave the line out")
		default:
			taken[j] = true
			out[i] = u.value(original[j], masked[j], e, here)
		}
	}
	return out
}

// which chooses among the lines that edited[i] may have been: the only one, its own place
// when no line has moved, or one of several that come to the same.
func (u *unmasking) which(original, masked, edited []any, near [][]int, taken map[int]bool, i int) (int, bool) {
	js := near[i]
	if len(js) < 2 {
		return append(js, 0)[0], len(js) == 1
	}
	inPlace := len(masked) == len(edited) && slices.Contains(js, i)
	for _, j := range js {
		inPlace = inPlace && slices.Contains(near[j], j)
	}
	if inPlace {
		return i, true
	}
	try := func(j int) any {
		quiet := &unmasking{masks: u.masks}
		return quiet.value(original[j], masked[j], edited[i], nil)
	}
	for _, j := range js[1:] {
		if !reflect.DeepEqual(try(js[0]), try(j)) {
			return 0, false
		}
	}
	if free := slices.IndexFunc(js, func(j int) bool { return !taken[j] }); free >= 0 {
		return js[free], true
	}
	return js[0], true
}

// holds reports whether a mask stands anywhere in a value.
func (u *unmasking) holds(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			if u.holds(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, u.holds)
	case string:
		return u.masks[v]
	}
	return false
}

// nearestLines are the lines that have most fields in common with e, at least one.
func nearestLines(lines []any, e any) []int {
	best, out := 1, []int{}
	for j, line := range lines {
		n := common(line, e)
		if n > best {
			best, out = n, out[:0]
		}
		if n == best {
			out = append(out, j)
		}
	}
	return out
}

func common(a, b any) (n int) {
	switch a := a.(type) {
	case map[string]any:
		b, _ := b.(map[string]any)
		for k, child := range a {
			if other, ok := b[k]; ok {
				n += common(child, other)
			}
		}
	case []any:
		b, _ := b.([]any)
		for i := range min(len(a), len(b)) {
			n += common(a[i], b[i])
		}
	default:
		if isScalar(b) && a == b {
			return 1
		}
	}
	return n
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// ReadTyped reads what a person typed: one JSON document, in which no key stands twice.
func ReadTyped(text []byte) (any, []Violation) {
	tree, err := codec.Decode(text)
	if err != nil {
		return nil, []Violation{treeViolation(err)}
	}
	if line, column, found := codec.Repeated(text); found {
		return tree, []Violation{{Rule: "repeated", Text: "a key stands twice in one object", Hint: "keep one of them", Line: line, Column: column}}
	}
	return tree, nil
}

// Locate fills in where in a text the places of violations are.
func Locate(text []byte, found []Violation) {
	for i := range found {
		if v := &found[i]; v.Line == 0 {
			v.Line, v.Column = codec.Locate(text, v.place)
		}
	}
}

// At makes a violation of a place, for rules that are not a schema's. s may be nil.
func At(s *Schema, tokens []string, rule, text, hint string) Violation {
	var shape Shape
	if s != nil {
		shape = s.Shape()
	}
	place, shown := pointers(shape, tokens)
	return Violation{Pointer: shown, Rule: rule, Text: text, Hint: hint, place: place}
}

// Added are the violations that a document has and another one, of the same schema, had
// not.
func Added(now, before []Violation) []Violation {
	return slices.DeleteFunc(slices.Clone(now), func(v Violation) bool {
		return slices.ContainsFunc(before, func(b Violation) bool { return b.place == v.place && b.Rule == v.Rule && b.Text == v.Text })
	})
}
