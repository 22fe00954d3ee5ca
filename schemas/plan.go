package schemas

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// step is a schema cut down to the places that carry one annotation, so that a
// message costs only the way to them. A nil step has nothing below it.
type step struct {
	kind     string // the annotation here; it covers every text below that has none of its own
	fields   []fieldStep
	named    map[string]bool // all fields the schema names; nil when the others need no look
	patterns []patternStep
	other    *step
	tuple    []*step
	items    *step // beyond tuple

	reaches bool
}

type fieldStep struct {
	name string
	step *step
}

type patternStep struct {
	re   *regexp.Regexp
	step *step
}

// newPlan keeps of a schema what leads to the nodes for which kind says
// something. Its first step expects the document inside a list of one.
func newPlan(root *node, kind func(*node) string) *step {
	p := planner{kind: kind, steps: map[string]*step{}}
	first := &step{items: p.build([]*node{root})}
	all := append(slices.Collect(maps.Values(p.steps)), first)
	for grew := true; grew; { // recursive schemas need more than one round
		grew = false
		for _, s := range all {
			if !s.reaches && (s.kind != "" || slices.ContainsFunc(s.children(), func(c *step) bool { return c.reaches })) {
				s.reaches, grew = true, true
			}
		}
	}
	for _, s := range all {
		s.prune()
	}
	return first
}

type planner struct {
	kind  func(*node) string
	steps map[string]*step // by the nodes they stand for
}

// build makes the step for a value that has to fit all the nodes.
func (p *planner) build(nodes []*node) *step {
	if len(nodes) == 0 {
		return nil
	}
	s := newShape(nodes...)
	var key strings.Builder
	for _, n := range s.all() {
		fmt.Fprintf(&key, "%s#%s ", n.file.path, n.pointer)
	}
	if known, ok := p.steps[key.String()]; ok {
		return known
	}
	out := &step{}
	p.steps[key.String()] = out
	names := map[string]bool{}
	var others []*node
	tuple := 0
	for _, n := range s.all() {
		out.kind = cmp.Or(out.kind, p.kind(n))
		for name := range n.properties {
			names[name] = true
		}
		for _, c := range n.patterns {
			out.patterns = append(out.patterns, patternStep{re: c.re, step: p.build([]*node{c.node})})
		}
		if n.additional.says() {
			others = append(others, n.additional)
		}
		tuple = max(tuple, len(n.tuple))
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if child := p.build(s.field(name)); child != nil {
			out.fields = append(out.fields, fieldStep{name: name, step: child})
		}
	}
	out.named, out.other = names, p.build(others)
	for i := range tuple {
		out.tuple = append(out.tuple, p.build(s.elem(i)))
	}
	out.items = p.build(s.elem(tuple))
	return out
}

func (s *step) children() (all []*step) {
	for _, f := range s.fields {
		all = append(all, f.step)
	}
	for _, c := range s.patterns {
		all = append(all, c.step)
	}
	all = append(append(all, s.tuple...), s.other, s.items)
	return slices.DeleteFunc(all, func(c *step) bool { return c == nil })
}

func (s *step) prune() {
	useless := func(c *step) bool { return c == nil || !c.reaches }
	s.fields = slices.DeleteFunc(s.fields, func(f fieldStep) bool { return useless(f.step) })
	s.patterns = slices.DeleteFunc(s.patterns, func(c patternStep) bool { return useless(c.step) })
	for _, c := range []**step{&s.other, &s.items} {
		if useless(*c) {
			*c = nil
		}
	}
	for i, c := range s.tuple {
		if useless(c) {
			s.tuple[i] = nil
		}
	}
	if s.other == nil && len(s.patterns) == 0 {
		s.named = nil
	}
}

// visit calls f for every scalar below v that an annotation covers, in a fixed
// order. What f returns takes the scalar's place, so a caller that changes
// anything works on a copy. covered is the annotation of a value above.
func (s *step) visit(v any, covered string, f func(kind string, scalar any) any) {
	if s == nil {
		if covered == "" {
			return
		}
		s = &step{}
	}
	covered = cmp.Or(s.kind, covered)
	switch v := v.(type) {
	case map[string]any:
		s.visitObject(v, covered, f)
	case []any:
		for i, item := range v {
			next := s.items
			if i < len(s.tuple) {
				next = s.tuple[i]
			}
			if changed, ok := next.enter(item, covered, f); ok {
				v[i] = changed
			}
		}
	}
}

func (s *step) visitObject(m map[string]any, covered string, f func(string, any) any) {
	for i := range s.fields {
		field := &s.fields[i]
		if child, ok := m[field.name]; ok {
			if changed, ok := field.step.enter(child, covered, f); ok {
				m[field.name] = changed
			}
		}
	}
	if s.named == nil && covered == "" {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		next, taken := s.beyond(name)
		if taken {
			continue
		}
		if changed, ok := next.enter(m[name], covered, f); ok {
			m[name] = changed
		}
	}
}

// beyond finds the step of a field that has none in fields; taken means that
// it has one.
func (s *step) beyond(name string) (next *step, taken bool) {
	for i := range s.fields {
		if s.fields[i].name == name {
			return nil, true
		}
	}
	for _, c := range s.patterns {
		if c.re.MatchString(name) {
			return c.step, false
		}
	}
	if s.named[name] {
		return nil, false
	}
	return s.other, false
}

// enter visits a child; a scalar goes to f, and ok tells that f changed it.
func (s *step) enter(child any, covered string, f func(string, any) any) (changed any, ok bool) {
	switch child.(type) {
	case map[string]any, []any:
		s.visit(child, covered, f)
		return nil, false
	}
	if s != nil {
		covered = cmp.Or(s.kind, covered)
	}
	if covered == "" {
		return nil, false
	}
	changed = f(covered, child)
	return changed, changed != child
}
