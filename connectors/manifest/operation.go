package manifest

import (
	"regexp"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// operation compiles an operation.
func (ld *loader) operation(m *spec, o *operationSpec, at spot) {
	below := func(key string) spot { return spot{path: at.path + "/" + key} }
	single := []string{"doc", "key", "ids", "id_lists"}
	vars := single
	if o.Batch > 1 {
		vars = []string{"docs", "keys"}
	}
	ld.expr(&o.Key.Field, with(baseVars, []string{"doc"}))
	if o.Key.Pattern != "" {
		if _, err := regexp.Compile(o.Key.Pattern); err != nil {
			ld.fail(below("key/pattern"), "", "the pattern is not RE2")
		}
	}
	if b := o.Before; b != nil {
		if o.Batch > 1 {
			ld.fail(below("before"), "batch: 1", "before goes with one document a call")
		}
		ld.list(&b.callSpec, &b.Rows, b.Paging, below("before"), single)
		found := with(baseVars, single, []string{"before"})
		ld.expr(&b.Done, found)
		ld.rules(b.Refuse, found, below("before/refuse"))
		ld.exprs(b.IDs, found)
		vars = with(vars, []string{"before"})
	}
	ld.call(o.Send, below("send"), vars, false)
	answer := with(baseVars, answerVars, vars)
	if r := o.Results; r != nil {
		row := with(answer, single, []string{"row"})
		ld.expr(&r.Rows, answer)
		for _, x := range []*expression{&r.Key, &r.OK, &r.Fail, &r.Code, &r.Text} {
			ld.expr(x, row)
		}
		ld.rules(r.Errors, row, below("results/errors"))
		ld.exprs(o.IDs, row)
	} else {
		ld.exprs(o.IDs, answer)
	}
	if o.Batch > 1 && o.Results == nil {
		ld.fail(at, "results: {rows: body.data, key: row.order_no, ok: row.success == true}", "a batch needs results: which document did what")
	}
	if k := o.Accepted; k != nil {
		ld.expr(&k.When, answer)
		ld.expr(&k.Ticket, answer)
		if o.Poll == nil || o.Results != nil {
			ld.fail(below("accepted"), "poll: {get: '/jobs/{{ ticket }}', every: 5s, done: body.state == \"done\", pending: body.state == \"running\"}", "accepted needs poll, and one document a call")
		}
	}
	if p := o.Poll; p != nil {
		polled := with(single, []string{"ticket"})
		ld.call(&p.callSpec, below("poll"), polled, false)
		ld.expr(&p.Done, with(baseVars, answerVars, polled))
		ld.expr(&p.Pending, with(baseVars, answerVars, polled))
		ld.exprs(p.IDs, with(baseVars, answerVars, polled))
		if o.Accepted == nil {
			ld.fail(below("poll"), "accepted: {ticket: body.job_id}", "poll needs accepted")
		}
	}
	ld.lookup(o, below("lookup"), single)
	if o.Undoes != "" {
		if _, ok := m.Operations.get(o.Undoes); !ok {
			ld.fail(below("undoes"), nearHint(o.Undoes, m.Operations.names()), "there is no operation %q", o.Undoes)
		}
	}
	for _, r := range ld.missingOf(o) {
		if _, ok := m.Operations.get(r.Operation); !ok {
			ld.fail(at, nearHint(r.Operation, m.Operations.names()), "there is no operation %q", r.Operation)
		}
	}
	switch {
	case o.Repeat == "one-shot" && o.Budget == 0:
		ld.fail(below("repeat"), "budget: 1", "one-shot needs budget: how many writes a document may cost")
	case o.Repeat != "one-shot" && (o.Budget != 0 || o.BudgetKey != ""):
		ld.fail(below("budget"), "repeat: one-shot", "budget and budget_key belong to one-shot")
	case o.BudgetKey != "" && !strings.HasPrefix(o.BudgetKey, "/"):
		ld.fail(below("budget_key"), "budget_key: /"+o.BudgetKey, "budget_key is a JSON pointer into the document")
	}
	if o.Repeat != "ask-first" && (o.Settle.Duration != 0 || o.Always) {
		ld.fail(below("settle"), "repeat: ask-first", "settle and always belong to ask-first")
	}
	if o.Repeat == "ask-first" && o.Lookup == nil {
		ld.fail(at, "lookup: {get: /orders, query: {no: '{{ key }}'}, rows: body.data, compare: [...]}", "ask-first needs lookup")
	}
	ld.uses(m, o.Uses, at)
	ld.reconcile(o.Reconcile, o.Unlisted, at, nil, nil, nil, []string{"row"})
}

func nearHint(name string, known []string) string {
	if near := formula.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

func (ld *loader) missingOf(o *operationSpec) []*missingSpec {
	var out []*missingSpec
	lists := [][]ruleSpec{o.Send.Errors}
	if o.Results != nil {
		lists = append(lists, o.Results.Errors)
	}
	if o.Before != nil {
		lists = append(lists, o.Before.Refuse)
	}
	for _, l := range lists {
		for i := range l {
			if l[i].Missing != nil {
				out = append(out, l[i].Missing)
			}
		}
	}
	return out
}

func (ld *loader) lookup(o *operationSpec, at spot, single []string) {
	l := o.Lookup
	if l == nil {
		return
	}
	asked := single
	if l.Batch > 1 {
		asked = []string{"docs", "keys", "group"}
	}
	ld.list(&l.callSpec, &l.Rows, l.Paging, at, asked)
	ld.expr(&l.Group, with(baseVars, single))
	ld.expr(&l.Match, with(baseVars, single, []string{"row"}))
	found := with(baseVars, single, []string{"row", "rows"})
	ld.expr(&l.Absent, found)
	ld.exprs(l.IDs, found)
	for i := range l.Compare {
		c := &l.Compare[i]
		ld.expr(&c.Ours, found)
		ld.expr(&c.Theirs, found)
		ld.expr(&c.When, found)
	}
	if l.Batch > 1 && !l.Match.given() {
		ld.fail(at, "match: row.order_no == key", "a look-up of several documents needs match")
	}
	if l.WhenEmpty != nil {
		ld.call(l.WhenEmpty.Probe, spot{path: at.path + "/when_empty/probe"}, nil, false)
		ld.expr(&l.WhenEmpty.OK, with(baseVars, answerVars))
	}
	if len(l.Compare) == 0 && o.Undoes == "" {
		ld.fail(at, "compare: [{name: amount, ours: doc.amount, theirs: row.amount, as: number}]", "found is not delivered: say in compare which fields must agree")
	}
}

// outcomeOf is what a failed write means for a document that it carried.
func outcomeOf(e *connectors.Error, r *ruleSpec) connectors.Outcome {
	if r != nil {
		switch r.Outcome {
		case "done":
			return connectors.Done
		case "refused":
			return connectors.Refused
		case "not_sent":
			return connectors.NotSent
		case "unknown":
			return connectors.Unknown
		case "duplicate":
			return connectors.Duplicate
		case "missing":
			return connectors.MissingReference
		}
	}
	switch {
	case e.Sent:
		return connectors.Unknown
	case e.Scope == connectors.OfDocument:
		switch e.Kind {
		case connectors.Invalid, connectors.Conflict, connectors.NotFound:
			return connectors.Refused
		}
	}
	return connectors.NotSent
}
