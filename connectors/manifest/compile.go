package manifest

import (
	"errors"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// The variables of an expression depend on where it stands.
var (
	baseVars   = []string{"config", "now"}
	secretVars = []string{"secret", "session", "stamp", "nonce"}
	answerVars = []string{"status", "header", "body"}
)

func with(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		for _, name := range l {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func (ld *loader) fault(at spot, err error) {
	var f *formula.Fault
	if !errors.As(err, &f) {
		ld.fail(at, "", "%s", err)
		return
	}
	at.column += max(0, f.Column-1)
	hint := f.Hint
	if strings.HasPrefix(f.Text, `"secret" is not known`) || strings.HasPrefix(f.Text, `"session" is not known`) {
		hint = "secrets are read in request, auth, sign, headers and callback signatures only, so that they cannot reach a document or a log"
	}
	ld.fail(at, hint, "%s", f.Text)
}

// expr compiles an expression; one that was left out stays so.
func (ld *loader) expr(x *expression, vars []string) {
	if !x.given() {
		return
	}
	var err error
	if x.e, err = formula.Compile(x.source, vars); err != nil {
		ld.fault(x.at, err)
	}
}

func (ld *loader) tmpl(x *tmpl, vars []string) {
	if x.at.line == 0 {
		return
	}
	var err error
	if x.t, err = formula.CompileTemplate(x.source, vars); err != nil {
		ld.fault(x.at, err)
	}
}

func (ld *loader) pairs(p pairs, vars []string) {
	for i := range p {
		ld.tmpl(&p[i].value, vars)
	}
}

func (ld *loader) exprs(p namedExpressions, vars []string) {
	for i := range p {
		ld.expr(&p[i].value, vars)
	}
}

func (ld *loader) tree(x *tree, vars []string) {
	ld.tmpl(&x.text, vars)
	for i := range x.items {
		ld.tree(&x.items[i], vars)
	}
}

// call compiles a request. vars are those of its context; trusted calls, those of auth,
// may read secrets everywhere.
func (ld *loader) call(c *callSpec, at spot, vars []string, trusted bool) {
	plain := with(baseVars, vars)
	secret := with(plain, secretVars)
	if trusted {
		plain = secret
	}
	methods := 0
	for _, m := range c.methods() {
		if m.path.at.line != 0 {
			methods++
			ld.tmpl(m.path, plain)
		}
	}
	if methods != 1 {
		ld.fail(at, "write the path beside its method: post: /orders/list", "a call needs one of get, post, put, patch and delete")
	}
	if c.Get.at.line != 0 && c.Body.given() {
		ld.fail(c.Body.at, "use query, or post", "a GET request has no body")
	}
	ld.pairs(c.Query, plain)
	ld.pairs(c.Headers, secret)
	ld.tree(&c.Body, plain)
	ld.expr(&c.OK, with(baseVars, answerVars, vars))
	ld.rules(c.Errors, with(baseVars, answerVars, vars), at)
}

type method struct {
	name string
	path *tmpl
}

func (c *callSpec) methods() []method {
	return []method{{"GET", &c.Get}, {"POST", &c.Post}, {"PUT", &c.Put}, {"PATCH", &c.Patch}, {"DELETE", &c.Delete}}
}

func (ld *loader) rules(rules []ruleSpec, vars []string, at spot) {
	for i := range rules {
		r := &rules[i]
		ld.expr(&r.When, vars)
		ld.tmpl(&r.Code, vars)
		ld.tmpl(&r.Text, vars)
		ld.tmpl(&r.Wait, vars)
		place := r.When.at
		if place.line == 0 {
			place = at
		}
		if r.Kind == "" && r.Then == "" && r.Outcome == "" {
			ld.fail(place, "say what the error is: kind: invalid", "a rule needs kind, then or outcome")
		}
		if (r.Kind == "rate_limited" || r.Kind == "quota") && r.Wait.at.line == 0 {
			ld.fail(place, "wait: 60s, or wait: '{{ until_next(now, \"day\", \"Asia/Shanghai\") }}'", "a rule of kind %s needs wait", r.Kind)
		}
		if r.Wait.t != nil && r.Wait.t.Fixed() {
			if d, ok := formula.Duration(r.Wait.source); !ok || d <= 0 {
				ld.fail(r.Wait.at, "write it as 30s, 5m or 1h", "%q is not a span of time", r.Wait.source)
			}
		}
		if (r.Outcome == "missing") != (r.Missing != nil) {
			ld.fail(place, "missing: {operation: order.push, key: doc.order_no}", "outcome missing and the key missing go together")
		}
		if r.Missing != nil {
			ld.expr(&r.Missing.Key, vars)
		}
	}
}

// list compiles a call that gives rows in pages.
func (ld *loader) list(c *callSpec, rows *expression, p *pagingSpec, at spot, vars []string) {
	vars = with(vars, []string{"cursor"})
	ld.call(c, at, vars, false)
	answer := with(baseVars, answerVars, vars)
	ld.expr(rows, answer)
	if p == nil {
		return
	}
	ld.expr(&p.More, with(answer, []string{"rows"}))
	ld.expr(&p.Next, with(answer, []string{"rows"}))
	ld.expr(&p.Pages, answer)
	at = spot{path: at.path + "/paging"}
	switch {
	case (p.Kind == "cursor" || p.Kind == "link") && !p.Next.given():
		ld.fail(at, "next: body.next_cursor", "paging of kind %s needs next", p.Kind)
	case p.Kind != "cursor" && p.Kind != "link" && p.Next.given():
		ld.fail(p.Next.at, "kind: cursor", "paging of kind %s does not use next", p.Kind)
	}
	if p.Backwards && (p.Kind != "page" || !p.Pages.given()) {
		ld.fail(at, "kind: page, pages: body.page_count", "backwards needs kind page and pages")
	}
	if p.Shifts {
		switch {
		case p.Kind != "page" && p.Kind != "offset" && p.Kind != "until_empty" || p.Backwards:
			ld.fail(at, "", "shifts goes with kind page, offset or until_empty, read forwards")
		case p.Size < 3:
			ld.fail(at, "size: 50", "shifts needs a page size of at least 3")
		case !c.uses("cursor", ".size"):
			ld.fail(at, "in the request, take the page size from cursor.size", "shifts needs a request that says how many rows it wants")
		}
	}
	switch p.Kind {
	case "page", "until_empty":
		if !c.uses("cursor", ".page") {
			ld.fail(at, "query: {page: '{{ cursor.page }}'}", "the request does not use cursor.page: every page would be the first one")
		}
	case "offset":
		if !c.uses("cursor", ".offset") {
			ld.fail(at, "query: {offset: '{{ cursor.offset }}'}", "the request does not use cursor.offset: every page would be the first one")
		}
	case "cursor":
		if !c.uses("cursor", ".next") {
			ld.fail(at, "query: {cursor: '{{ cursor.next }}'}", "the request does not use cursor.next: every page would be the first one")
		}
	}
}

// uses reports whether a template of the request reads a member of a variable.
func (c *callSpec) uses(variable, member string) bool {
	found := false
	look := func(t *tmpl) {
		if t.t != nil && t.t.Uses(variable) && strings.Contains(t.source, variable+member) {
			found = true
		}
	}
	for _, m := range c.methods() {
		look(m.path)
	}
	for _, p := range []pairs{c.Query, c.Headers} {
		for i := range p {
			look(&p[i].value)
		}
	}
	var walk func(x *tree)
	walk = func(x *tree) {
		look(&x.text)
		for i := range x.items {
			walk(&x.items[i])
		}
	}
	walk(&c.Body)
	return found
}

func (ld *loader) version(v *versionSpec, at spot, vars []string) {
	if v == nil {
		return
	}
	ld.expr(&v.Time, vars)
	ld.expr(&v.Number, vars)
	if v.Time.given() == v.Number.given() {
		ld.fail(at, "version: {time: row.updated_at, format: datetime, zone: Asia/Shanghai}", "a version needs either time or number")
	}
	if v.Time.given() {
		if _, err := formula.NewLayout(v.Format, v.Zone); err != nil {
			ld.fault(at, err)
		} else if v.Zone == "" && needsZone(v.Format) {
			ld.fail(at, "zone: Asia/Shanghai", "times in the format %s carry no zone: say which one is meant", v.Format)
		}
	}
}

// needsZone reports a format whose texts do not say where they are from.
func needsZone(format string) bool {
	return format != "unix" && format != "millis" && format != "rfc3339" && !strings.Contains(format, "%z") && !strings.Contains(format, "%Z")
}
