package manifest

import (
	"context"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// Lookup reads what the vendor holds of some deliveries and compares it (Invariant 3:
// found is not delivered).
func (l looker) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	a := l.account
	o, ok := a.m.Operations.get(operation)
	if !ok || o.Lookup == nil {
		return nil, a.noSuch("operation to look up", operation)
	}
	var findings []connectors.Finding
	var groups []string
	members := map[string][]delivered{}
	for _, d := range batch {
		doc, err := a.document(o, d)
		group := ""
		if err == nil && o.Lookup.Group.given() {
			v, everr := o.Lookup.Group.e.Eval(a.base(doc.vars()))
			if everr != nil {
				err = misfit("lookup.group", everr)
			}
			group = formula.Text(v)
		}
		if err != nil {
			findings = append(findings, connectors.Finding{ID: d.ID, Err: err})
			continue
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
		members[group] = append(members[group], doc)
	}
	for _, group := range groups {
		for chunk := range slices.Chunk(members[group], max(1, o.Lookup.Batch)) {
			findings = append(findings, a.lookSome(ctx, o.Lookup, group, chunk)...)
		}
	}
	return findings, nil
}

// lookSome reads and compares the deliveries of one call.
func (a *account) lookSome(ctx context.Context, l *lookupSpec, group string, chunk []delivered) []connectors.Finding {
	vars := chunk[0].vars()
	if l.Batch > 1 {
		var docs, keys []any
		for _, d := range chunk {
			docs, keys = append(docs, d.doc), append(keys, d.Key)
		}
		vars = formula.Env{"docs": docs, "keys": keys, "group": group}
	}
	reader := &lister{a: a, call: &l.callSpec, rows: &l.Rows, paging: l.Paging, empty: l.WhenEmpty, vars: vars}
	rows, answers, err := reader.all(ctx)
	if err != nil && err.Kind == connectors.NotFound && l.Batch <= 1 && len(answers) > 0 && answers[len(answers)-1].rule != nil {
		rows, err = nil, nil
	}
	var seen []connectors.Exchange
	for _, ans := range answers {
		seen = append(seen, shown(ans)...)
	}
	var out []connectors.Finding
	for _, d := range chunk {
		f := connectors.Finding{ID: d.ID, Exchanges: seen, Err: err}
		if err == nil {
			a.find(l, d, rows, &f)
		}
		out = append(out, f)
	}
	return out
}

// find fills the finding of one delivery from the rows that were read.
func (a *account) find(l *lookupSpec, d delivered, rows []any, f *connectors.Finding) {
	base := a.base(d.vars())
	var mine []any
	for _, row := range rows {
		ok := true
		var err error
		if l.Match.given() {
			ok, err = l.Match.e.Bool(base.With(formula.Env{"row": row}))
		}
		if err != nil {
			f.Err = misfit("lookup.match", err)
			return
		}
		if ok {
			mine = append(mine, row)
		}
	}
	if len(mine) == 0 {
		f.Presence = connectors.Absent
		return
	}
	env := base.With(formula.Env{"row": mine[0], "rows": mine})
	f.RemoteIDs = remoteIDs(l.IDs, env)
	if l.Absent.given() {
		gone, err := l.Absent.e.Bool(env)
		if err != nil {
			f.Err = misfit("lookup.absent", err)
			return
		}
		if gone {
			f.Presence = connectors.Absent
			return
		}
	}
	for i := range l.Compare {
		same, err := l.Compare[i].same(env)
		if err != nil {
			f.Err, f.Fields = misfit("lookup.compare of "+l.Compare[i].Name, err), nil
			return
		}
		if !same {
			f.Fields = append(f.Fields, l.Compare[i].Name)
		}
	}
	f.Presence = connectors.Same
	if len(f.Fields) > 0 {
		f.Presence = connectors.Other
	}
}

// same compares one field. A side that has nothing, or is masked, is not compared.
func (c *compareSpec) same(env formula.Env) (bool, error) {
	if c.When.given() {
		on, err := c.When.e.Bool(env)
		if err != nil || !on {
			return true, err
		}
	}
	ours, err := c.Ours.e.Eval(env)
	if err != nil {
		return false, err
	}
	theirs, err := c.Theirs.e.Eval(env)
	if err != nil {
		return false, err
	}
	if c.Empty != "compare" && (formula.Text(ours) == "" || formula.Text(theirs) == "") {
		return true, nil
	}
	if c.Masked != "" && strings.Contains(formula.Text(theirs), c.Masked) {
		return true, nil
	}
	switch c.As {
	case "number":
		x, okx := formula.Decimal(ours)
		y, oky := formula.Decimal(theirs)
		if !okx || !oky {
			return formula.Text(ours) == formula.Text(theirs), nil
		}
		return x.Equal(y), nil
	case "value":
		return formula.Equal(ours, theirs), nil
	}
	return formula.Text(ours) == formula.Text(theirs), nil
}
