package manifest

import (
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// stream compiles a stream.
func (ld *loader) stream(m *spec, name string, s *streamSpec, at spot) {
	row := with(baseVars, []string{"row"})
	ld.expr(&s.Each, row)
	if s.Each.given() {
		row = with(row, []string{"part"})
	}
	ld.expr(&s.Skip, with(baseVars, []string{"row"}))
	for _, x := range []*expression{&s.Key, &s.Root, &s.Deleted} {
		ld.expr(x, row)
	}
	ld.version(s.Version, spot{path: at.path + "/version"}, row)
	below := func(key string) spot { return spot{path: at.path + "/" + key} }
	var window []string
	if w := s.Window; w != nil {
		window = []string{"window"}
		ld.window(w, below("window"))
	}
	if s.List != nil {
		ld.list(&s.List.callSpec, &s.List.Rows, s.List.Paging, below("list"), window)
		if s.Window != nil && !s.List.uses("window", ".") {
			ld.fail(below("list"), "query: {from: '{{ window.from }}', to: '{{ window.to }}'}", "the list does not use window.from and window.to: every window would give all rows")
		}
	} else {
		if s.Window != nil || s.WhenEmpty != nil && s.Fetch == nil || s.Hints {
			ld.fail(at, "list: {get: /orders, rows: body.data}", "the stream has no list")
		}
		if !m.pushes(name) {
			ld.fail(at, "list: {get: /orders, rows: body.data}", "nothing brings this stream: it has no list and no callback")
		}
	}
	if f := s.Fetch; f != nil {
		ld.list(&f.callSpec, &f.Rows, f.Paging, below("fetch"), []string{"key", "keys"})
		ld.expr(&f.Key, row)
		ld.expr(&f.Root, with(baseVars, []string{"key"}))
		ld.expr(&f.Absent, with(baseVars, answerVars, []string{"key"}))
		if f.Batch > 1 && !f.uses("keys", "") || f.Batch <= 1 && !f.uses("key", "") {
			ld.fail(below("fetch"), "get: '/orders/{{ key }}', or with batch: 20, query: {ids: '{{ join(keys, \",\") }}'}", "the fetch does not use the keys that are wanted")
		}
		if f.Batch > 1 && f.Absent.given() {
			ld.fail(f.Absent.at, "take it away: with several keys, one that is not among the rows is absent", "absent goes with one key a call")
		}
	}
	if s.Fetch == nil && (s.Hints || m.hints(name)) {
		ld.fail(at, "fetch: {get: '/orders/{{ key }}', rows: body.data}", "the stream gives keys only, so it needs fetch")
	}
	if r := s.Rescan; r != nil {
		ld.expr(&r.Final, row)
		if r.Complete && (s.Fetch == nil || s.List == nil) {
			ld.fail(below("rescan"), "fetch: {get: '/orders/{{ key }}', rows: body.data}", "rescan with complete needs list and fetch: what the list no longer shows is fetched")
		}
		if !r.Final.given() {
			ld.fail(below("rescan"), "final: row.status in [\"done\", \"cancelled\"]", "rescan needs final, or every row of all time would be asked for again each time")
		}
		if s.Window != nil && r.Complete {
			ld.fail(below("rescan"), "take away window, or complete", "a list of a window does not show every document, so the pull is not complete")
		}
	}
	if e := s.WhenEmpty; e != nil {
		ld.call(e.Probe, below("when_empty/probe"), nil, false)
		ld.expr(&e.OK, with(baseVars, answerVars))
	}
	if s.Each.given() && s.List != nil && s.List.Paging != nil && s.List.Paging.Shifts {
		ld.fail(s.Each.at, "take one of them away", "each and shifts do not go together: a page's rows are told apart by their key")
	}
	if _, ok := m.Streams.get(s.Also); s.Also != "" && !ok {
		ld.fail(below("also"), nearHint(s.Also, m.Streams.names()), "there is no stream %q", s.Also)
	}
	if k := s.Ack; k != nil {
		ld.call(&k.callSpec, below("ack"), []string{"token", "tokens"}, false)
		ld.expr(&k.Token, with(baseVars, []string{"row"}))
	}
	pool := s.List != nil && s.List.Paging != nil && s.List.Paging.Kind == "pool"
	if pool != (s.Ack != nil) {
		ld.fail(at, "paging: {kind: pool} and ack: {post: /ack, body: {id: '{{ token }}'}, token: row.id}", "paging of kind pool and ack go together")
	}
	ld.uses(m, s.Uses, at)
	ld.reconcile(s.Reconcile, s.Unlisted, at, s.List, s.Fetch, window, []string{"row", "doc"})
}

func (ld *loader) window(w *windowSpec, at spot) {
	if w.Format != "" {
		if _, err := formula.NewLayout(w.Format, w.Zone); err != nil {
			ld.fault(at, err)
		} else if w.Zone == "" && needsZone(w.Format) {
			ld.fail(at, "zone: Asia/Shanghai", "times in the format %s carry no zone: say which one is meant", w.Format)
		}
	}
	if w.Span.Duration <= 0 {
		ld.fail(at, "span: 7d", "the span of a window is longer than nothing")
	}
}

func (ld *loader) uses(m *spec, u usesSpec, at spot) {
	for _, list := range []named[int]{u.Pull, u.Fetch, u.Send, u.Lookup, u.Poll} {
		for _, e := range list {
			if _, ok := m.Limits.get(e.name); !ok {
				hint := "declare it under limits"
				if near := formula.Nearest(e.name, m.Limits.names()); near != "" {
					hint = "did you mean " + near + "?"
				}
				ld.fail(e.at, hint, "there is no limit %q", e.name)
			}
		}
	}
}

// recipe is how items are made of rows: a stream's own, or another of its fetch or of a
// callback.
type recipe struct {
	stream  string
	s       *streamSpec
	each    *expression
	key     *expression
	root    *expression
	version *versionSpec
}

func (s *streamSpec) recipe(name string) recipe {
	return recipe{name, s, &s.Each, &s.Key, &s.Root, s.Version}
}

// items makes the items of a row: one, or one for each part.
func (a *account) items(r recipe, row any, sp *spans) ([]connectors.Item, *connectors.Error) {
	env := a.base(formula.Env{"row": row})
	if !r.each.given() {
		it, err := a.item(r, env, row, sp)
		return []connectors.Item{it}, err
	}
	v, everr := r.each.e.Eval(env)
	parts, ok := v.([]any)
	if everr != nil || !ok && v != nil {
		return nil, a.badRow(r, sp, "no parts", r.each.source+" gives no list")
	}
	var out []connectors.Item
	for _, part := range parts {
		it, err := a.item(r, env.With(formula.Env{"part": part}), row, sp)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

func (a *account) badRow(r recipe, sp *spans, what, why string) *connectors.Error {
	e := &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: a.m.Name + ".row", Text: "a row of " + r.stream + " has " + what + ": " + why,
		Hint: "compare the row with streams." + r.stream + " of the manifest"}
	if sp != nil {
		e.Raw = sp.shown()
	}
	return e
}

// item makes one item.
func (a *account) item(r recipe, env formula.Env, row any, sp *spans) (connectors.Item, *connectors.Error) {
	bad := func(what, why string) (connectors.Item, *connectors.Error) {
		return connectors.Item{}, a.badRow(r, sp, what, why)
	}
	v, err := r.key.e.Eval(env)
	if err != nil {
		return bad("no key", err.Error())
	}
	it := connectors.Item{Stream: r.stream, Key: formula.Text(v)}
	if it.Key == "" {
		return bad("no key", r.key.source+" gives nothing")
	}
	if r.root.given() {
		if v, err = r.root.e.Eval(env); err != nil || formula.Text(v) == "" {
			return bad("no root", r.root.source+" gives nothing")
		}
		it.Root = formula.Text(v)
	}
	if it.Version, err = r.version.eval(env); err != nil {
		return bad("no version", err.Error())
	}
	if r.s.Deleted.given() {
		if it.Deleted, err = r.s.Deleted.e.Bool(env); err != nil {
			return bad("no readable deleted", err.Error())
		}
	}
	if r.s.Rescan != nil && r.s.Rescan.Final.given() {
		if it.Final, err = r.s.Rescan.Final.e.Bool(env); err != nil {
			return bad("no readable final", err.Error())
		}
	}
	if it.Deleted {
		return it, nil
	}
	if it.Body, err = sp.raw(row); err != nil {
		return bad("no body", "it has no JSON form")
	}
	return it, nil
}

// eval gives the version of a row; 0 when there is none.
func (v *versionSpec) eval(env formula.Env) (int64, error) {
	if v == nil {
		return 0, nil
	}
	if v.Number.given() {
		x, err := v.Number.e.Eval(env)
		if err != nil || x == nil {
			return 0, err
		}
		n, ok := formula.Int(x)
		if !ok || n < 0 {
			return 0, &formula.Fault{Text: v.Number.source + " is not a whole number of zero or more"}
		}
		return n, nil
	}
	x, err := v.Time.e.Eval(env)
	if err != nil {
		return 0, err
	}
	l, err := formula.NewLayout(v.Format, v.Zone)
	if err != nil {
		return 0, err
	}
	t, ok, err := l.Parse(x)
	if err != nil || !ok {
		return 0, err
	}
	return max(0, t.UnixMilli()), nil
}

// rows reads the rows of an answer: a list, one object, or nothing.
func (a *account) rows(x *expression, ans *answer, env formula.Env) ([]any, *connectors.Error) {
	v, err := x.e.Eval(env)
	if err != nil {
		return nil, a.unreadable(ans, "rows cannot be worked out: "+err.Error())
	}
	switch v := v.(type) {
	case []any:
		return v, nil
	case nil:
		return nil, nil
	case map[string]any:
		return []any{v}, nil
	case string:
		if strings.TrimSpace(v) == "" { // an XML element without children
			return nil, nil
		}
	}
	return nil, a.unreadable(ans, "rows is neither a list nor an object: "+x.source)
}

// missingRows reports that the path of the rows leads nowhere: the list is neither there
// nor null. An empty list must be said, not guessed.
func missingRows(x *expression, body any) bool {
	path := strings.Split(x.source, ".")
	if path[0] != "body" || slices.ContainsFunc(path[1:], func(p string) bool { return strings.ContainsAny(p, "([ {?") }) {
		return false
	}
	for _, p := range path[1:] {
		m, ok := body.(map[string]any)
		if !ok {
			return body != nil && body != ""
		}
		v, has := m[p]
		if !has {
			return true
		}
		body = v
	}
	return false
}
