package mapper

import (
	"fmt"
	"sort"
)

// target is a place in the output document while a mapping is compiled: it
// finds rows that collide and required fields that nobody sets.
type target struct {
	shape       Shape
	kind        targetKind
	children    map[string]*target
	lines       []int // of the rows that set it
	conditional bool  // every row so far has a when
	appends     bool  // every row so far has append: true
	broken      bool  // a row of it has problems, so what it sets is not known
}

type targetKind int

const (
	openTarget targetKind = iota
	valueTarget
	objectTarget
	listTarget
)

func newTarget(s Shape) *target { return &target{shape: s, conditional: true, appends: true} }

// place walks to the target of a path, through objects only.
func (t *target) place(steps []step) (*target, *fault) {
	for i, st := range steps {
		if st.isIndex {
			return nil, &fault{code: CodePath, text: "to cannot have [ ]", hint: "a list is built with each, or row by row with append: true"}
		}
		if typ := typeOf(t.shape); typ == "array" {
			return nil, &fault{code: CodeType, text: stepsText(steps[:i]) + " is a list", hint: "use each and fields"}
		} else if typ != "" && typ != "object" {
			return nil, &fault{code: CodeType, text: fmt.Sprintf("%s is a %s, it has no fields", stepsText(steps[:i]), typ)}
		}
		if t.kind == valueTarget || t.kind == listTarget {
			return nil, &fault{code: CodeDuplicate, text: fmt.Sprintf("%s is set as a whole in line %d", stepsText(steps[:i]), t.lines[0])}
		}
		if t.shape != nil && !hasField(t.shape, st.name) && !t.shape.Open() && (typeOf(t.shape) != "" || len(t.shape.Fields()) > 0) {
			return nil, &fault{code: CodeUnknownField, text: "the target has no field " + st.name, hint: didYouMean(st.name, t.shape.Fields())}
		}
		t.kind = objectTarget
		child := t.children[st.name]
		if child == nil {
			var shape Shape
			if t.shape != nil {
				shape, _ = t.shape.Field(st.name)
			}
			child = newTarget(shape)
			if t.children == nil {
				t.children = map[string]*target{}
			}
			t.children[st.name] = child
		}
		t = child
	}
	return t, nil
}

// use notes that a row sets the target and refuses rows that collide.
func (t *target) use(spec *rowSpec, conditional bool) *fault {
	kind := valueTarget
	switch {
	case spec.each != nil || spec.append:
		kind = listTarget
	case spec.hasFields:
		kind = objectTarget
	}
	if typ := typeOf(t.shape); typ != "" && kind == listTarget && typ != "array" {
		return &fault{code: CodeType, text: "the target is not a list, its type is " + typ, hint: "each and append build lists"}
	} else if typ != "" && kind == objectTarget && typ != "object" {
		return &fault{code: CodeType, text: "the target has no fields, its type is " + typ}
	}
	var ft *fault
	switch {
	case t.kind == openTarget || t.kind == kind && kind == objectTarget:
	case t.kind != kind && len(t.lines) == 0:
		ft = &fault{code: CodeDuplicate, text: "other rows set fields of this target", hint: "set it as a whole, or field by field"}
	case t.kind != kind:
		ft = &fault{code: CodeDuplicate, text: fmt.Sprintf("line %d sets this target in another way", t.lines[0])}
	case kind == listTarget && !(t.appends && spec.append):
		ft = &fault{code: CodeDuplicate, text: fmt.Sprintf("line %d builds this list already", t.lines[0]), hint: "to build one list from several rows give all of them append: true"}
	case kind == valueTarget && !t.conditional:
		ft = &fault{code: CodeDuplicate, text: fmt.Sprintf("line %d sets this target already", t.lines[0]), hint: "of rows with the same to, all but the last need when"}
	}
	if t.kind == openTarget {
		t.kind = kind
	}
	t.lines = append(t.lines, spec.line)
	t.conditional = t.conditional && conditional
	t.appends = t.appends && spec.append
	return ft
}

// complete reports the required fields of the objects that rows build field
// by field and that no row sets.
func (c *compilation) complete(t *target, prefix string, at spot) {
	if t.shape != nil {
		required := append([]string(nil), t.shape.Required()...)
		sort.Strings(required)
		for _, name := range required {
			if t.children[name] == nil {
				c.about(at, join(prefix, name), "", &fault{code: CodeMissingField, text: "the target requires this field and no row sets it", hint: "add a row with to: " + name})
			}
		}
	}
	names := make([]string, 0, len(t.children))
	for name := range t.children {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if child := t.children[name]; child.kind == objectTarget && !child.broken {
			line := at
			if len(child.lines) > 0 {
				line = spot{child.lines[0], 0}
			}
			c.complete(child, join(prefix, name), line)
		}
	}
}
