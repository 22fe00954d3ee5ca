package mapper

import (
	"fmt"
	"strings"
)

// Run maps one document. in is a tree as the package describes it; it is not
// changed and the result shares nothing with it. The error is a *[RunErrors];
// [MissingLookups] tells whether filling lookup entries would mend it.
func (p *Program) Run(in any, ctx Context) (any, error) { return p.run(in, ctx, false) }

// RunSharing maps one document as Run does, but the result may hold parts of
// in, of the context and of lookup tables: it is for results that are checked,
// written out and let go. Neither may be changed while the other is in use.
func (p *Program) RunSharing(in any, ctx Context) (any, error) { return p.run(in, ctx, true) }

func (p *Program) run(in any, ctx Context, sharing bool) (any, error) {
	s := newSession(&ctx, in, p.tables, p.zones)
	defer s.close()
	s.sharing = sharing
	x := &execution{s: s}
	out := make(map[string]any, p.width)
	top := s.frame(in, nil, 0, 1)
	x.rows(p.rows, top, out)
	top.done()
	if len(x.errs.Errors) > 0 {
		return nil, &x.errs
	}
	return out, nil
}

// execution runs rows and collects what goes wrong.
type execution struct {
	s       *session
	errs    RunErrors
	trail   []hop // where in the target the rows are
	stopped bool
}

type hop struct {
	name  string
	index int // -1 for a nested document
}

func (x *execution) rows(rows []*row, f *frame, out map[string]any) {
	for _, r := range rows {
		if x.stopped {
			return
		}
		if err := f.charge(1); err != nil {
			x.fail(r, nil, err)
			return
		}
		switch {
		case r.each != nil:
			x.each(r, f, out)
		default:
			x.one(r, f, out)
		}
	}
}

// one runs a row without each.
func (x *execution) one(r *row, f *frame, out map[string]any) {
	if r.alternative && get(out, r.target) != nil {
		return
	}
	if r.when != nil {
		holds, err := r.when.condition(f)
		if err != nil {
			x.fail(r, r.whenText, err)
			return
		}
		if !holds {
			return
		}
	}
	var into []any
	if r.appends {
		into, _ = get(out, r.target).([]any)
		// The same item at another position.
		at := f.s.frame(f.it, f.up, f.index, len(into)+1)
		defer at.done()
		f = at
	}
	before := len(x.errs.Errors)
	var v any
	var present bool
	if r.hasFields {
		existing, _ := get(out, r.target).(map[string]any)
		if r.appends {
			existing = nil
		}
		v, present = x.document(r, f, existing, position(r, len(into)))
	} else {
		v, present = x.value(r, f)
	}
	if !present {
		if r.required && len(x.errs.Errors) == before && !x.stopped {
			x.fail(r, nil, &fault{code: CodeRequired, text: "a required value is missing", hint: "default gives one, when makes the row conditional"})
		}
		return
	}
	if r.appends {
		v = append(into, v)
	}
	set(out, r.target, v)
}

func position(r *row, n int) int {
	if r.appends {
		return n
	}
	return -1
}

// document builds a nested document; an empty one is absent.
func (x *execution) document(r *row, f *frame, doc map[string]any, index int) (any, bool) {
	if r.from != nil {
		v, err := f.read(r.from)
		if err != nil {
			x.fail(r, nil, err)
			return nil, false
		}
		if v == nil {
			return nil, false
		}
		f = f.s.frame(v, f, f.index, f.position)
		defer f.done()
	}
	if doc == nil {
		doc = make(map[string]any, r.width)
	}
	x.push(r, index)
	x.rows(r.fields, f, doc)
	x.pop()
	if len(doc) == 0 {
		return nil, false
	}
	return doc, true
}

// each runs a row over a list.
func (x *execution) each(r *row, f *frame, out map[string]any) {
	v, err := r.each.eval(f)
	if err != nil {
		x.fail(r, r.eachText, err)
		return
	}
	if v == nil {
		if r.required {
			x.fail(r, r.eachText, &fault{code: CodeRequired, text: "a required list is missing"})
		}
		return
	}
	items, isList := v.([]any)
	if !isList {
		x.fail(r, r.eachText, wrong("to make a list of one use append: true", "each needs a list and found %s", kindOf(v)))
		return
	}
	list, _ := get(out, r.target).([]any)
	if list == nil {
		list = make([]any, 0, len(items))
	}
	before := len(list)
	inner := f.s.frame(nil, f, 0, 1)
	defer inner.done()
	for i, item := range items {
		if x.stopped {
			return
		}
		clear(inner.memo)
		inner.it, inner.index, inner.position = item, i, len(list)+1
		if err := inner.charge(1); err != nil {
			x.fail(r, r.eachText, err)
			return
		}
		if r.when != nil {
			holds, err := r.when.condition(inner)
			if err != nil {
				x.push(r, i)
				x.fail(r, r.whenText, err)
				x.pop()
				continue
			}
			if !holds {
				continue
			}
		}
		if r.hasFields {
			list = x.item(r, inner, list)
			continue
		}
		if v, present := x.value(r, inner); present {
			list = append(list, v)
		}
	}
	if len(list) == before {
		if r.required && len(x.errs.Errors) == 0 {
			x.fail(r, r.eachText, &fault{code: CodeRequired, text: "a required list is empty"})
			return
		}
		if r.omitEmpty && before == 0 {
			return
		}
	}
	set(out, r.target, list)
}

// item builds one document of a list. A document that a row's fields leave
// empty still counts, so that lists keep their length.
func (x *execution) item(r *row, f *frame, list []any) []any {
	doc, present := x.document(r, f, nil, len(list))
	switch {
	case present:
		return append(list, doc)
	case r.omitEmpty:
		return list
	}
	return append(list, map[string]any{})
}

// value computes a row's value: source, converters, map or lookup, then
// omit_empty and default. present is false when the target is left out.
func (x *execution) value(r *row, f *frame) (v any, present bool) {
	v, err := x.source(r, f)
	if err != nil {
		x.fail(r, r.exprText, err)
		return nil, false
	}
	fresh := r.fresh && v != nil
	for i := range r.converts {
		if v == nil && !r.converts[i].fn.nulls {
			continue
		}
		if v, err = r.converts[i].run(f, v); err != nil {
			x.failAt(r, r.converts[i].at, r.source, err)
			return nil, false
		}
	}
	if v != nil && r.hasMap {
		if v, err = r.choose(v); err != nil {
			x.fail(r, nil, err)
			return nil, false
		}
	}
	if v != nil && r.table != "" {
		if v, err = x.lookup(r, v); err != nil {
			x.fail(r, nil, err)
			return nil, false
		}
	}
	if v == nil && r.isConst || v == nil && r.def != nil && r.def.v == nil {
		return nil, !r.omitEmpty // null written out
	}
	if v == nil || r.omitEmpty && isEmpty(v) {
		if r.def == nil {
			return nil, false
		}
		v, fresh = r.def.v, false
	}
	if v, err = f.s.put(v, len(x.trail), fresh); err != nil {
		x.fail(r, nil, err)
		return nil, false
	}
	return v, true
}

// put makes a value part of the result.
func (s *session) put(v any, depth int, fresh bool) (any, error) {
	switch {
	case fresh:
		return s.out.adopt(v, depth)
	case s.sharing:
		return s.out.share(v, depth)
	}
	return s.out.copy(v, depth)
}

func (x *execution) source(r *row, f *frame) (any, error) {
	switch {
	case r.isConst:
		return r.value, nil
	case r.from != nil:
		return f.read(r.from)
	}
	return r.expr.eval(f)
}

func (x *execution) push(r *row, index int) {
	x.trail = append(x.trail, hop{r.name, index})
}
func (x *execution) pop() { x.trail = x.trail[:len(x.trail)-1] }

// fail notes an error of a row. in is the text that an expression's place
// counts in.
func (x *execution) fail(r *row, in *text, err error) {
	at := r.at
	source := r.source
	if in != nil {
		at, source = in.spot, in.s
		if ef, isExpr := err.(*exprFault); isExpr {
			at = in.at(ef.line, ef.column)
		}
	}
	x.failAt(r, at, source, err)
}

func (x *execution) failAt(r *row, at spot, source string, err error) {
	var ft *fault
	switch e := err.(type) {
	case *exprFault:
		ft = e.fault
	case *fault:
		ft = e
	default:
		ft = &fault{code: CodeValue, text: "the value cannot be computed"}
	}
	if ft.code == CodeLimit {
		x.stopped = true
	}
	if len(x.errs.Errors) >= maxRunErrors {
		x.errs.More++
		return
	}
	x.errs.Errors = append(x.errs.Errors, &RunError{Code: ft.code, File: r.file, Line: at.line, Column: at.column,
		Target: x.where(r), Source: source, Text: ft.text, Hint: ft.hint, missing: ft.missing})
}

// where is the row's target with the list indexes of this run.
func (x *execution) where(r *row) string {
	var b strings.Builder
	for _, h := range x.trail {
		b.WriteString(h.name)
		if h.index >= 0 {
			fmt.Fprintf(&b, "[%d]", h.index)
		}
		b.WriteByte('.')
	}
	b.WriteString(r.name)
	return b.String()
}
