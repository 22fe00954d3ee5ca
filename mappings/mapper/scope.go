package mapper

// scope is what names mean at one place of a mapping, at compile time.
type scope struct {
	lang    *language
	item    Shape  // of the current item; nil when unknown
	root    Shape  // of the document
	up      *scope // of the enclosing item
	prefix  string // the path to the item from the document, such as lines[]
	alias   string // a flow's name for the document, such as order
	context map[string]Shape
	tables  Tables
	used    *usage
	number  int        // tells the scopes of a mapping apart
	memo    *memoTable // what expressions remember of the item
}

// usage collects what the expressions of a program read, for Sources and
// Tables, and what they have in common.
type usage struct {
	sources map[string]bool
	tables  map[string]bool

	scopes  int
	ids     map[string]int // of parts of expressions, by what they compute
	times   map[int]int    // how often a part is wanted, by id
	shared  *memoTable     // what expressions remember of the document
	pending []func()       // make the code of the expressions so far
}

func newUsage() *usage {
	return &usage{sources: map[string]bool{}, tables: map[string]bool{},
		ids: map[string]int{}, times: map[int]int{}, shared: &memoTable{}}
}

// generate makes the code of all expressions, once it is known what they have
// in common.
func (u *usage) generate() {
	for _, do := range u.pending {
		do()
	}
	u.pending = nil
}

// inside is the scope of a list's items, or of a nested document.
func (s *scope) inside(item Shape, prefix string) *scope {
	c := *s
	c.item, c.up, c.prefix, c.alias = item, s, prefix, ""
	s.used.scopes++
	c.number, c.memo = s.used.scopes, &memoTable{}
	return &c
}

// shapeOf answers the shape a path starts from.
func (s *scope) shapeOf(p *path) (Shape, *fault) {
	switch p.from {
	case fromRoot:
		return s.root, nil
	case fromUp:
		at := s
		for range p.up {
			if at.up == nil {
				return nil, &fault{code: CodePath, text: p.text + ": there is no enclosing item here", hint: "$ is the document; ^ works inside each"}
			}
			at = at.up
		}
		return at.item, nil
	case fromContext:
		shape, known := s.contextShape(p.name)
		if !known {
			return nil, &fault{code: CodeUnknownField, text: "there is no context value @" + p.name, hint: didYouMean(p.name, contextNames(s.context))}
		}
		return shape, nil
	}
	return s.item, nil
}

func (s *scope) contextShape(name string) (Shape, bool) {
	if shape, ok := s.context[name]; ok {
		return shape, true
	}
	switch name {
	case "key", "store", "source", "links":
		return nil, true
	}
	return nil, false
}

// check resolves a path against the shapes and answers the shape it leads to.
func (s *scope) check(p *path) (Shape, *fault) {
	start, ft := s.shapeOf(p)
	if ft != nil {
		return nil, ft
	}
	s.used.sources[s.sourceText(p)] = true
	at, bad, found := shapeAt(start, p.steps)
	if found {
		return at, nil
	}
	return nil, s.unknownStep(p, at, bad)
}

func (s *scope) unknownStep(p *path, at Shape, bad int) *fault {
	st := p.steps[bad]
	where := stepsText(p.steps[:bad])
	if where == "" {
		where = "the " + thing(p.from)
	}
	switch {
	case st.isIndex:
		return &fault{code: CodeUnknownField, text: where + " is not a list", hint: "its type is " + at.Type()}
	case at.Type() == "array":
		return &fault{code: CodeUnknownField, text: where + " is a list, it has no field " + st.name, hint: "use each, [0], or pluck(list, \"" + st.name + "\")"}
	case at.Type() != "" && at.Type() != "object":
		return &fault{code: CodeUnknownField, text: where + " has no fields, it is a " + at.Type()}
	}
	ft := &fault{code: CodeUnknownField, text: where + " has no field " + st.name, hint: didYouMean(st.name, at.Fields())}
	if bad == 1 && p.from == fromItem && ft.hint == "" {
		if _, isContext := s.contextShape(p.steps[0].name); isContext {
			ft.hint = "this is the document's field; the context value is @" + p.text + " in paths and context." + p.text + " in expressions"
		}
	}
	if bad == 0 && p.from == fromItem {
		if _, isContext := s.contextShape(st.name); isContext {
			ft.hint = "context values carry @: @" + p.text
		} else if s.up != nil && hasField(s.root, st.name) {
			ft.hint = "the document has it: $." + p.text
		} else if s.up != nil && hasField(s.up.item, st.name) {
			ft.hint = "the enclosing item has it: ^." + p.text
		}
	}
	return ft
}

func thing(o origin) string {
	switch o {
	case fromRoot:
		return "document"
	case fromUp:
		return "enclosing item"
	case fromContext:
		return "context value"
	}
	return "item"
}

// sourceText writes a path from the document's root where that is possible,
// for the list of sources.
func (s *scope) sourceText(p *path) string {
	if p.from == fromContext {
		text := "@" + p.name
		if len(p.steps) > 0 {
			text += "." + stepsText(p.steps)
		}
		return text
	}
	at := s
	for i := 0; p.from == fromUp && i < p.up && at.up != nil; i++ {
		at = at.up
	}
	prefix := at.prefix
	if p.from == fromRoot {
		prefix = ""
	}
	switch text := stepsText(p.steps); {
	case prefix == "" && text == "":
		return "$"
	case prefix == "" || text == "":
		return prefix + text
	default:
		return prefix + "." + text
	}
}
