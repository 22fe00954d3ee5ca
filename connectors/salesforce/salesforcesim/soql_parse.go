package salesforcesim

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// soql is the part of the query language the simulator reads:
//
//	SELECT a, Parent__r.b | COUNT() FROM Object
//	[WHERE a = 'x' AND b IN ('x','y') AND c >= 2026-01-01T00:00:00Z ...]
//	[ORDER BY a [ASC|DESC], ...] [LIMIT n]
type soql struct {
	fields []fieldPath
	count  bool
	object *Object
	where  []condition
	order  []ordering
	limit  int // -1: none
}

// fieldPath is a field, of the object itself or of a parent.
type fieldPath struct {
	parent *Field // the reference field that leads to the parent, nil for an own field
	field  *Field
	text   string
}

type condition struct {
	path   fieldPath
	op     string // = != < <= > >= in
	values []token
}

type ordering struct {
	path fieldPath
	desc bool
}

type token struct {
	kind tokenKind
	text string
}

type tokenKind int

const (
	word tokenKind = iota
	quoted
	number
	date
	dateTime
	mark
	end
)

var (
	tokenText = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_.]*)|'((?:[^'\\]|\\.)*)'|([-+]?[0-9][0-9A-Za-z:+.\-]*)|(!=|<>|<=|>=|[=<>(),]))`)
	isDate    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	unescape  = strings.NewReplacer(`\'`, `'`, `\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`)
)

func malformed(t token) *apiError {
	return fail(http.StatusBadRequest, "MALFORMED_QUERY", "unexpected token: '%s'", t.text).echoing(t.text)
}

func tokens(q string) ([]token, *apiError) {
	var out []token
	for rest := strings.TrimSpace(q); rest != ""; rest = strings.TrimSpace(rest) {
		m := tokenText.FindStringSubmatch(rest)
		if m == nil {
			return nil, fail(http.StatusBadRequest, "MALFORMED_QUERY", "unexpected character or unterminated text in the query")
		}
		rest = rest[len(m[0]):]
		t := token{mark, m[4]}
		switch {
		case m[1] != "":
			t = token{word, m[1]}
		case strings.HasPrefix(m[0], "'"):
			t = token{quoted, unescape.Replace(m[2])}
		case m[3] != "":
			t = token{number, m[3]}
			if _, ok := parseDateTime(m[3]); ok {
				t.kind = dateTime
			} else if isDate.MatchString(m[3]) {
				t.kind = date
			} else if !numberText.MatchString(m[3]) {
				return nil, malformed(t)
			}
		case m[4] == "<>":
			t.text = "!="
		}
		out = append(out, t)
	}
	return out, nil
}

type parser struct {
	sim  *Sim
	toks []token
}

func (p *parser) next() token {
	if len(p.toks) == 0 {
		return token{end, "<EOF>"}
	}
	t := p.toks[0]
	p.toks = p.toks[1:]
	return t
}

// take consumes the next token when it is this keyword or mark.
func (p *parser) take(text string) bool {
	if len(p.toks) == 0 || p.toks[0].kind != word && p.toks[0].kind != mark || !strings.EqualFold(p.toks[0].text, text) {
		return false
	}
	p.toks = p.toks[1:]
	return true
}

func (p *parser) expect(text string) *apiError {
	if !p.take(text) {
		return malformed(p.next())
	}
	return nil
}

// parseSOQL reads a query against the organisation's objects.
func (s *Sim) parseSOQL(text string) (*soql, *apiError) {
	toks, err := tokens(text)
	if err != nil {
		return nil, err
	}
	p := &parser{sim: s, toks: toks}
	q := &soql{limit: -1}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	names, err := p.selected(q)
	if err != nil {
		return nil, err
	}
	if err := p.expect("FROM"); err != nil {
		return nil, err
	}
	from := p.next()
	if q.object = s.objects[strings.ToLower(from.text)]; q.object == nil || from.kind != word {
		return nil, fail(http.StatusBadRequest, "INVALID_TYPE", "sObject type '%s' is not supported.", from.text).echoing(from.text)
	}
	for _, n := range names {
		f, err := p.path(q.object, n)
		if err != nil {
			return nil, err
		}
		q.fields = append(q.fields, f)
	}
	if err := p.tail(q); err != nil {
		return nil, err
	}
	if t := p.next(); t.kind != end {
		return nil, malformed(t)
	}
	return q, nil
}

func (p *parser) selected(q *soql) ([]token, *apiError) {
	var names []token
	for {
		t := p.next()
		if t.kind != word {
			return nil, malformed(t)
		}
		if strings.EqualFold(t.text, "COUNT") && len(names) == 0 && p.take("(") {
			q.count = true
			return nil, p.expect(")")
		}
		names = append(names, t)
		if !p.take(",") {
			return names, nil
		}
	}
}

// tail reads WHERE, ORDER BY and LIMIT.
func (p *parser) tail(q *soql) *apiError {
	if p.take("WHERE") {
		for {
			c, err := p.condition(q.object)
			if err != nil {
				return err
			}
			q.where = append(q.where, c)
			if !p.take("AND") {
				break
			}
		}
	}
	if p.take("ORDER") {
		if err := p.expect("BY"); err != nil {
			return err
		}
		for {
			f, err := p.path(q.object, p.next())
			if err != nil {
				return err
			}
			o := ordering{path: f, desc: p.take("DESC")}
			if !o.desc {
				p.take("ASC")
			}
			q.order = append(q.order, o)
			if !p.take(",") {
				break
			}
		}
	}
	if p.take("LIMIT") {
		t := p.next()
		n, err := strconv.Atoi(t.text)
		if err != nil || n < 0 || t.kind != number {
			return malformed(t)
		}
		q.limit = n
	}
	return nil
}

func (p *parser) condition(o *Object) (condition, *apiError) {
	f, err := p.path(o, p.next())
	if err != nil {
		return condition{}, err
	}
	if f.field.Type == TextArea && f.field.Length > 255 {
		return condition{}, fail(http.StatusBadRequest, "INVALID_FIELD", "field '%s' can not be filtered in a query call", f.text)
	}
	c := condition{path: f}
	if p.take("IN") {
		c.op = "in"
		if err := p.expect("("); err != nil {
			return c, err
		}
		for {
			c.values = append(c.values, p.next())
			if !p.take(",") {
				break
			}
		}
		if err := p.expect(")"); err != nil {
			return c, err
		}
	} else {
		op := p.next()
		if op.kind != mark || !strings.Contains(" = != < <= > >= ", " "+op.text+" ") {
			return c, malformed(op)
		}
		c.op, c.values = op.text, []token{p.next()}
	}
	for _, v := range c.values {
		if err := literal(f, v); err != nil {
			return c, err
		}
	}
	return c, nil
}

// literal checks that a literal is of the field's kind, quotes included.
func literal(f fieldPath, v token) *apiError {
	if v.kind == end || v.kind == mark {
		return malformed(v)
	}
	if v.kind == word && strings.EqualFold(v.text, "null") {
		return nil
	}
	want, enclosed := quoted, "should be enclosed in quotes"
	switch f.field.Type {
	case DateTime:
		want, enclosed = dateTime, "should not be enclosed in quotes"
	case Date:
		want, enclosed = date, "should not be enclosed in quotes"
	case Currency, Double, Int:
		want, enclosed = number, "should not be enclosed in quotes"
	case Boolean:
		if v.kind == word && (strings.EqualFold(v.text, "true") || strings.EqualFold(v.text, "false")) {
			return nil
		}
		want, enclosed = word, "should not be enclosed in quotes"
	}
	if v.kind != want || want == word {
		return fail(http.StatusBadRequest, "INVALID_FIELD", "value of filter criterion for field '%s' must be of type %s and %s", f.text, f.field.Type, enclosed)
	}
	return nil
}

// path resolves a selected or filtered name.
func (p *parser) path(o *Object, t token) (fieldPath, *apiError) {
	if t.kind != word {
		return fieldPath{}, malformed(t)
	}
	rel, name, nested := strings.Cut(t.text, ".")
	if !nested {
		if f := o.field(t.text); f != nil {
			return fieldPath{field: f, text: f.Name}, nil
		}
		return fieldPath{}, noColumn(t.text, o.Name)
	}
	via := o.relationship(rel)
	if via == nil {
		return fieldPath{}, fail(http.StatusBadRequest, "INVALID_FIELD", "Didn't understand relationship '%s' in field path.", rel)
	}
	to := p.sim.objects[strings.ToLower(via.ReferenceTo)]
	if f := to.field(name); f != nil {
		return fieldPath{parent: via, field: f, text: fmt.Sprintf("%s.%s", via.Relationship, f.Name)}, nil
	}
	return fieldPath{}, noColumn(name, to.Name)
}

func noColumn(name, object string) *apiError {
	return fail(http.StatusBadRequest, "INVALID_FIELD", "No such column '%s' on entity '%s'.", name, object)
}
