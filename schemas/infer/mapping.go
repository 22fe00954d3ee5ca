package infer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/minihub/minihub/schemas"
)

// Mapping is what a mapping skeleton is drafted for.
type Mapping struct {
	Title         string
	Input, Output string        // names of the schemas: vendors/teashop/order, canonical/order
	Shape         schemas.Shape // of the output
}

// Mapping drafts a mapping that compiles. A target that nothing speaks for is left out; a
// required one gets a row that fails until somebody has filled it in, so that nothing
// invented is ever sent. Every row says in a comment how sure it is, and the fields that no
// row reads are listed at the end.
func (s *Samples) Mapping(m Mapping) []byte {
	s.root.finish()
	d := &drafter{}
	d.line(0, "# A draft from %d sample documents. Read every row: the comments say how sure it is.", s.root.count)
	d.line(0, "mapping: %s", yamlText(m.Title))
	d.line(0, "input: %s", m.Input)
	d.line(0, "output: %s", m.Output)
	d.line(0, "fields:")
	targets, lists := targetsOf(m.Shape)
	sources, listed := sourcesOf(s.root, nil)
	sources = slices.DeleteFunc(sources, func(s *source) bool { return pathText(s.path) == "" })
	listed = slices.DeleteFunc(listed, func(l *listSource) bool { return pathText(l.path) == "" })
	if _, has := m.Shape.Field("store"); has && slices.Contains(m.Shape.Fields(), "store") {
		d.row(1, "to: store.code, from: '@store.code', required: true", "sure: the hub knows the store")
	}
	d.rows(1, targets, sources)
	for _, l := range lists {
		if found := pickList(l, listed); found != nil {
			d.list(l, found)
			listed = slices.DeleteFunc(listed, func(o *listSource) bool { return o == found })
		} else if l.required {
			d.row(1, "to: "+l.name+", expr: 'nil', required: true", "no guess, required: a list")
		}
	}
	d.rest(1, sources)
	for _, l := range listed {
		d.line(1, "# no guess: %s (a list of objects)", pathText(l.path))
	}
	return []byte(d.b.String())
}

// drafter writes the file.
type drafter struct{ b strings.Builder }

func (d *drafter) line(depth int, format string, args ...any) {
	fmt.Fprintf(&d.b, strings.Repeat("  ", depth)+format+"\n", args...)
}

func (d *drafter) row(depth int, row, comment string) {
	d.line(depth, "- { %s } # %s", row, comment)
}

// rows writes a row for each target that has a guess or is required.
func (d *drafter) rows(depth int, targets []*target, sources []*source) {
	found := match(targets, sources)
	for _, t := range targets {
		p := found[t]
		switch {
		case p != nil:
			row := "to: " + t.path + ", from: " + quoted(pathText(p.s.path))
			if p.row != "" {
				row += ", " + p.row
			}
			if t.required {
				row += ", required: true"
			}
			d.row(depth, row, p.comment())
		case t.name == "currency" && t.parent == "":
			d.row(depth, "to: currency, value: CNY", "assumed: no field names a currency")
		case t.name == "tax_inclusive":
			d.row(depth, "to: tax_inclusive, value: true", "assumed: retail prices in China contain tax")
		case t.path == "line_no" && t.required:
			d.row(depth, "to: line_no, expr: position", "sure: the number of the line")
		case t.path == "kind" && t.parent == "lines":
			d.row(depth, "to: kind, value: goods", "assumed: gifts and services look the same")
		case t.required:
			d.row(depth, "to: "+t.path+", expr: 'nil', required: true", "no guess, required: "+t.describe()+candidates(t, sources))
		}
	}
}

// comment says how sure a guess is, and what stands against it.
func (p *pairing) comment() string {
	say := "maybe: the name fits"
	switch {
	case p.named && p.value:
		say = "likely: name and values agree"
	case p.value:
		say = "weak: only the values fit"
	case p.score >= exactName+inPlace:
		say = "likely: the name fits, and where it stands"
	}
	switch {
	case strings.Contains(p.row, "parse_time"):
		say += "; the zone is assumed"
	case strings.HasPrefix(p.row, "convert: 'money("):
		say += "; assumed to be fen"
	case strings.Contains(p.row, "minor(2)"):
		say += "; assumed to be yuan"
	case len(p.t.words) > 0:
		say += "; only the words of the samples"
	case p.s.n.masked() && p.s.n.is(mobile):
		say += "; some are masked"
	}
	if p.t.required && (p.s.n.nulls > 0 || p.s.n.empty > 0) {
		say += "; sometimes empty"
	}
	return say
}

func (t *target) describe() string {
	if len(t.words) > 0 {
		return "one of " + strings.Join(t.words, ", ")
	}
	return map[want]string{wantText: "a text", wantWhole: "a whole number", wantNumber: "a number", wantBool: "true or false", wantMoney: "money", wantMoment: "a time with its zone", wantDay: "a day"}[t.want]
}

// candidates names sources that a person may look at for a required target: those with
// values of the right form, and for a choice the words of a field named like it.
func candidates(t *target, sources []*source) string {
	var out []string
	for _, s := range sources {
		switch {
		case len(t.words) > 0 && s.n.enumeration(s.name()) != nil && nameScore(t, s) > 0:
			out = append(out, pathText(s.path)+" has "+strings.Join(s.n.sortedWords(), ", "))
		case len(t.words) > 0:
		case t.want == wantMoment || t.want == wantMoney:
			if _, value, ok := conversion(t, s); ok && value {
				out = append(out, pathText(s.path))
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; look at: " + strings.Join(out, "; ")
}

// pickList finds the list that a list of the canonical document comes from: by its name, or
// the only one there is.
func pickList(l *listTarget, lists []*listSource) *listSource {
	for _, name := range append([]string{plain(l.name)}, aliases[l.name]...) {
		for _, s := range lists {
			if last := plain(s.path[len(s.path)-1]); last == name || len(name) >= 5 && strings.HasSuffix(last, name) {
				return s
			}
		}
	}
	if len(lists) == 1 && l.required {
		return lists[0]
	}
	return nil
}

func (d *drafter) list(l *listTarget, s *listSource) {
	sure := "maybe: the only list of objects"
	if last := plain(s.path[len(s.path)-1]); last == plain(l.name) || slices.Contains(aliases[l.name], last) {
		sure = "likely: the name fits"
	}
	d.line(1, "- to: %s # %s", l.name, sure)
	d.line(2, "each: %s", quoted(pathText(s.path)))
	if l.required {
		d.line(2, "required: true")
	}
	d.line(2, "fields:")
	sources, more := sourcesOf(s.n, nil)
	sources = slices.DeleteFunc(sources, func(s *source) bool { return pathText(s.path) == "" })
	before := d.b.Len()
	d.rows(3, l.fields, sources)
	if d.b.Len() == before { // a list needs a row: this one asks for the first field
		d.row(3, "to: "+l.fields[0].path+", expr: 'nil', required: true", "no guess")
	}
	d.rest(3, sources)
	for _, m := range more {
		if text := pathText(m.path); text != "" {
			d.line(3, "# no guess: %s (a list of objects)", text)
		}
	}
}

// rest lists the fields that no row reads.
func (d *drafter) rest(depth int, sources []*source) {
	for _, s := range sources {
		if !s.taken {
			what := strings.Join(s.n.kinds(), " or ")
			if s.n.form != "" {
				what += ", as " + s.n.form
			}
			d.line(depth, "# no guess: %s (%s)", pathText(s.path), what)
		}
	}
}

var plainStep = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// pathText writes a path as mappings do; "" for a name that cannot be written.
func pathText(path []string) string {
	var b strings.Builder
	for i, step := range path {
		switch {
		case plainStep.MatchString(step):
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		case step == "" || strings.Contains(step, `"`) || strings.ContainsFunc(step, unprintable):
			return ""
		default:
			b.WriteString(`["` + step + `"]`)
		}
	}
	return b.String()
}

// quoted is a path as a YAML value inside { }.
func quoted(path string) string {
	if plainPath.MatchString(path) && !slices.Contains(reserved, strings.ToLower(path)) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", "''") + "'"
}

var plainPath = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// reserved are words that YAML does not read as text.
var reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"}

// yamlText is a text as a YAML value.
func yamlText(s string) string {
	return "'" + strings.ReplaceAll(strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, s), "'", "''") + "'"
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == '\uFEFF' }
