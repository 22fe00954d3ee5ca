package mapper

import (
	"sort"
	"strings"
)

// Compile reads a mapping file. name is where it came from, for errors. All
// problems found are answered at once, as [Problems].
func Compile(name string, src []byte, opt Options) (*Program, error) {
	return compile(name, src, opt, (*usage).generate)
}

// compile compiles with the given last step.
func compile(name string, src []byte, opt Options, generate func(*usage)) (*Program, error) {
	r := &reader{file: name}
	spec := r.readFile(src)
	if spec == nil || r.stopped {
		return nil, r.problems
	}
	lang := newLanguage()
	c := &compilation{reader: r, targets: map[string]bool{}}
	input := c.shape(spec.input, opt.Input, opt.Shapes)
	output := c.shape(spec.output, opt.Output, opt.Shapes)
	sc := &scope{lang: lang, item: input, root: input, context: opt.Context, tables: opt.Lookups, used: newUsage(), memo: &memoTable{}}
	top := newTarget(output)
	rows := c.rows(spec.fields, sc, top, "", false)
	c.complete(top, "", spec.fieldsAt)
	c.declared(spec, sc)
	if len(r.problems) > 0 {
		sort.SliceStable(r.problems, func(i, j int) bool {
			a, b := r.problems[i], r.problems[j]
			return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
		})
		return nil, r.problems
	}
	generate(sc.used)
	return &Program{
		name: name, title: spec.title.s, input: spec.input.s, output: spec.output.s,
		version: contentHash(src), rows: rows, width: widthOf(rows), tables: opt.Lookups, zones: lang.zones,
		targets: sortedKeys(c.targets), sources: sortedKeys(sc.used.sources), used: sortedKeys(sc.used.tables),
	}, nil
}

// compilation turns rows as written into rows that run.
type compilation struct {
	*reader
	targets map[string]bool
}

func (c *compilation) shape(name text, given Shape, find func(string) (Shape, bool)) Shape {
	if given != nil || find == nil || name.s == "" {
		return given
	}
	s, known := find(name.s)
	if !known {
		c.fail(name.spot, CodeUnknownField, "schemas are named like canonical/order or vendors/<vendor>/<document>", "there is no schema %s", name.s)
		return nil
	}
	return s
}

// declared checks the lookups: list against what the rows use.
func (c *compilation) declared(spec *fileSpec, sc *scope) {
	if !spec.hasLookups {
		return
	}
	listed := map[string]bool{}
	for _, t := range spec.lookups {
		listed[t.s] = true
		if !sc.used.tables[t.s] {
			c.fail(t.spot, CodeLookupTable, "remove it, or use it in a row", "the lookup table %s is declared and never used", t.s)
		}
	}
	for _, name := range sortedKeys(sc.used.tables) {
		if !listed[name] {
			c.fail(spec.fieldsAt, CodeLookupTable, "add it to lookups:, or leave lookups: out", "the lookup table %s is used and not declared", name)
		}
	}
}

// about reports a fault of a row.
func (c *compilation) about(at spot, target, source string, ft *fault) {
	before := len(c.problems)
	c.fail(at, ft.code, ft.hint, "%s", ft.text)
	if len(c.problems) > before {
		p := c.problems[len(c.problems)-1]
		p.Target, p.Source = target, source
	}
}

func (c *compilation) rows(specs []*rowSpec, sc *scope, out *target, prefix string, conditional bool) []*row {
	var rows []*row
	for _, spec := range specs {
		if c.stopped {
			break
		}
		if r := c.row(spec, sc, out, prefix, conditional); r != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// row compiles one row; nil after a problem that leaves nothing to run.
func (c *compilation) row(spec *rowSpec, sc *scope, out *target, prefix string, conditional bool) *row {
	r := &row{at: spec.spot, file: c.file, required: spec.required, omitEmpty: spec.omitEmpty, appends: spec.append, def: spec.def}
	full := join(prefix, spec.to.s)
	usable := !spec.broken && c.combination(spec, full)
	p, err := parsePath(spec.to.s)
	if err == nil && (p.from != fromItem || len(p.steps) == 0) {
		err = &pathError{0, "to is a path in the target document"}
	}
	if err != nil {
		c.pathProblem(spec.to, full, err, "for example receiver.address")
		return nil
	}
	for _, st := range p.steps {
		r.target = append(r.target, st.name)
	}
	r.name = strings.Join(r.target, ".")
	place, ft := out.place(p.steps)
	if ft != nil {
		c.about(spec.to.spot, full, "", ft)
		place = newTarget(nil)
	}
	if ft := place.use(spec, conditional || spec.when != nil && spec.each == nil); ft != nil {
		c.about(spec.to.spot, full, "", ft)
	}
	if !usable {
		place.broken = true
		return nil
	}
	r.alternative = place.kind == valueTarget && len(place.lines) > 1
	list := spec.each != nil || spec.append
	if list {
		full += "[]"
	}
	c.targets[full] = true

	elem := place.shape
	if list {
		elem = elemOf(place.shape)
	}
	inner := sc
	if spec.each != nil {
		r.each, r.eachText = c.pathOrExpr(spec.each, sc, full), spec.each
		item, itemPrefix := Shape(nil), "[]"
		if r.each != nil {
			if k := r.each.kind; k != "" && k != "list" {
				c.about(spec.each.spot, full, spec.each.s, &fault{code: CodeType, text: "each needs a list and this is " + article(k)})
			}
			item = elemOf(r.each.shape)
			if r.each.path != nil {
				itemPrefix = sc.sourceText(r.each.path) + "[]"
			}
		}
		inner = sc.inside(item, itemPrefix)
	}
	if spec.when != nil {
		r.when, r.whenText = c.expression(spec.when, inner, full), spec.when
		if r.when != nil && r.when.kind != "" && r.when.kind != "boolean" {
			c.about(spec.when.spot, full, spec.when.s, &fault{code: CodeType, text: "when must be true or false and this is " + article(r.when.kind), hint: "compare it, for example x != nil"})
		}
	}
	switch {
	case spec.hasFields:
		r.hasFields = true
		if spec.from != nil {
			if shape, good := c.from(r, spec, inner, full); good {
				inner = inner.inside(shape, inner.sourceText(r.from))
			} else {
				inner = inner.inside(nil, "")
			}
		}
		if !list {
			r.fields = c.rows(spec.fields, inner, place, full, conditional || spec.when != nil)
			r.width = widthOf(r.fields)
			break
		}
		doc := newTarget(elem)
		r.fields = c.rows(spec.fields, inner, doc, full, false)
		r.width = widthOf(r.fields)
		c.complete(doc, full, spec.spot)
	default:
		c.value(r, spec, inner, elem, full)
	}
	return r
}

// value compiles what a row without fields puts into its target.
func (c *compilation) value(r *row, spec *rowSpec, sc *scope, out Shape, full string) {
	var known term // what is known about the value so far
	switch {
	case spec.value != nil:
		r.value, r.isConst = spec.value.v, true
		known = constantTerm(spec.value.v)
	case spec.from != nil:
		shape, _ := c.from(r, spec, sc, full)
		known = term{shape: shape, kind: kindOfShape(shape)}
	case spec.expr != nil:
		r.source = spec.expr.s
		r.expr, r.exprText = c.expression(spec.expr, sc, full), spec.expr
		if r.expr != nil {
			known = term{shape: r.expr.shape, kind: r.expr.kind}
		}
	default:
		r.from = &path{text: "."} // each without a source: the item itself
		known = term{shape: sc.item, kind: kindOfShape(sc.item)}
	}
	for _, t := range spec.convert {
		conv, ft, column := sc.compileConverter(t)
		if ft != nil {
			c.about(t.at(1, column), full, t.s, ft)
			known = term{}
			continue
		}
		r.converts = append(r.converts, conv)
		known = term{kind: conv.fn.Result}
	}
	if spec.hasMap {
		c.choices(r, spec, known, out, full)
		known = term{}
	}
	if spec.lookup != nil {
		r.table, r.onMissing = spec.lookup.s, "block"
		if ft := sc.useTable(spec.lookup.s); ft != nil {
			c.about(spec.lookup.spot, full, "", ft)
		}
		if spec.onMissing != nil {
			r.onMissing = spec.onMissing.s
			if s := r.onMissing; s != "null" && s != "park" && s != "block" {
				c.about(spec.onMissing.spot, full, "", &fault{code: CodeRow, text: "on_missing cannot be " + s, hint: "block waits for the entry, park asks a person, null leaves the target out"})
			}
		}
		known = term{}
	}
	if n := len(r.converts); n > 0 && !r.hasMap && r.table == "" {
		r.fresh = r.converts[n-1].fn.fresh
	} else if n == 0 && !r.hasMap && r.table == "" && r.expr != nil {
		sc.used.pending = append(sc.used.pending, func() { r.fresh = r.expr.fresh })
	}
	if ft := checkResult(known, out); ft != nil {
		c.about(spec.spot, full, r.source, ft)
	}
	if spec.def != nil && spec.def.v != nil {
		if ft := checkResult(constantTerm(spec.def.v), out); ft != nil {
			c.about(spec.def.spot, full, "", ft)
		}
	}
}

// choices compiles a row's map and checks it against both enums.
func (c *compilation) choices(r *row, spec *rowSpec, from term, out Shape, full string) {
	r.hasMap, r.choices, r.otherwise = true, map[string]any{}, spec.els
	var keys []string
	for _, e := range spec.entries {
		r.choices[e.key.s] = e.value.v
		keys = append(keys, e.key.s)
		if ft := inEnum(from.shape, e.key.s, true); ft != nil {
			c.about(e.key.spot, full, r.source, ft)
		}
		if ft := checkResult(constantTerm(e.value.v), out); ft != nil {
			c.about(e.value.spot, full, r.source, ft)
		}
	}
	sort.Strings(keys)
	r.known = strings.Join(keys, ", ")
	if spec.els != nil {
		if ft := checkResult(constantTerm(spec.els.v), out); ft != nil {
			c.about(spec.els.spot, full, r.source, ft)
		}
		return
	}
	if from.shape == nil {
		return
	}
	var left []string
	for _, v := range from.shape.Enum() {
		if _, covered := r.choices[v]; !covered {
			left = append(left, v)
		}
	}
	if len(left) > 0 {
		c.about(spec.spot, full, r.source, &fault{code: CodeEnum, text: "the map has no entry for " + strings.Join(left, ", "), hint: "add the entries, or else:"})
	}
}

// from compiles a row's source path.
func (c *compilation) from(r *row, spec *rowSpec, sc *scope, full string) (Shape, bool) {
	r.source = spec.from.s
	p, err := parsePath(spec.from.s)
	if err != nil {
		hint := ""
		if strings.ContainsAny(spec.from.s, "()+*/<>=?| ") {
			hint = "from takes a path; for an expression use expr"
		}
		c.pathProblem(spec.from, full, err, hint)
		return nil, false
	}
	shape, ft := sc.check(p)
	if exprName(p, sc) {
		ft = &fault{code: CodePath, text: p.steps[0].name + " is a word of expressions", hint: "in paths . is the item, $ the document, ^ the enclosing item and @ the context; or use expr"}
	}
	if ft != nil {
		c.about(spec.from.spot, full, spec.from.s, ft)
		return nil, false
	}
	r.from = p
	return shape, true
}

// exprName says that a path starts with a word that means something in
// expressions and names no field here.
func exprName(p *path, sc *scope) bool {
	if p.from != fromItem || len(p.steps) == 0 || hasField(sc.item, p.steps[0].name) {
		return false
	}
	switch p.steps[0].name {
	case "it", "root", "parent", "context":
		return true
	}
	return false
}

func (c *compilation) pathProblem(t *text, full string, err error, hint string) {
	at := 0
	if pe, isPath := err.(*pathError); isPath {
		at = pe.at
	}
	c.about(t.at(1, 1+at), full, t.s, &fault{code: CodePath, text: err.Error(), hint: hint})
}

// pathOrExpr compiles text that is a path if it can be read as one.
func (c *compilation) pathOrExpr(t *text, sc *scope, full string) *expression {
	p, err := parsePath(t.s)
	if err != nil || exprName(p, sc) {
		return c.expression(t, sc, full)
	}
	shape, ft := sc.check(p)
	if ft != nil {
		c.about(t.spot, full, t.s, ft)
		return nil
	}
	return &expression{text: t.s, path: p, shape: shape, kind: kindOfShape(shape), lang: sc.lang}
}

func (c *compilation) expression(t *text, sc *scope, full string) *expression {
	e, notices := compileExpression(t.s, sc)
	for _, n := range notices {
		c.about(t.at(n.line, n.column), full, t.s, n.fault)
	}
	return e
}

func join(prefix, to string) string {
	if prefix == "" {
		return to
	}
	return prefix + "." + to
}
