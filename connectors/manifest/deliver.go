package manifest

import (
	"context"
	"slices"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// delivered is a delivery and its document as expressions read it.
type delivered struct {
	connectors.Delivery
	doc any
}

// vars are the variables of one delivery.
func (d delivered) vars() formula.Env {
	ids, lists := map[string]any{}, map[string]any{}
	for _, id := range d.RemoteIDs {
		if ids[id.Kind] == nil {
			ids[id.Kind] = id.Value
		}
		l, _ := lists[id.Kind].([]any)
		lists[id.Kind] = append(l, id.Value)
	}
	return formula.Env{"doc": d.doc, "key": d.Key, "ids": ids, "id_lists": lists}
}

// document reads a delivery's document and holds its key to the remote key: look-ups,
// lists and the rows of answers go by it.
func (a *account) document(o *operationSpec, d connectors.Delivery) (delivered, *connectors.Error) {
	tree, err := codec.Decode(d.Document)
	if err != nil {
		return delivered{}, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: a.m.Name + ".document", Text: "the document is not JSON", Err: err}
	}
	if o.Key.Field.given() {
		v, err := o.Key.Field.e.Eval(a.base(formula.Env{"doc": tree}))
		if err != nil {
			return delivered{}, misfit("key.field", err)
		}
		if formula.Text(v) != d.Key {
			return delivered{}, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: a.m.Name + ".key", Text: o.Key.Field.source + " is not the delivery's remote key",
				Hint: "in the mapping, fill it from key"}
		}
	}
	return delivered{d, tree}, nil
}

// DryRuns implements connectors.DryRunner.
func (a *account) DryRuns() {}

// Deliver makes the write of an operation, one document a call or a batch.
func (a *account) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	o, ok := a.m.Operations.get(operation)
	if !ok {
		return nil, a.noSuch("operation", operation)
	}
	var results []connectors.Result
	var list []delivered
	for _, d := range batch {
		doc, err := a.document(o, d)
		if err == nil && o.Batch > 1 && slices.ContainsFunc(list, func(x delivered) bool { return x.Key == d.Key }) {
			err = &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: a.m.Name + ".batch", Text: "another document of the same key is in this batch"}
		}
		if err != nil {
			results = append(results, connectors.Result{ID: d.ID, Outcome: outcomeOf(err, nil), Err: err})
			continue
		}
		list = append(list, doc)
	}
	if o.Batch > 1 {
		for chunk := range slices.Chunk(list, o.Batch) {
			got, err := a.deliverMany(ctx, o, chunk)
			results = append(results, got...)
			if err != nil {
				return results, err
			}
		}
		return results, nil
	}
	for _, d := range list {
		results = append(results, a.deliverOne(ctx, o, d))
	}
	return results, nil
}

func (a *account) deliverOne(ctx context.Context, o *operationSpec, d delivered) connectors.Result {
	res := connectors.Result{ID: d.ID}
	vars := d.vars()
	fail := func(e *connectors.Error, r *ruleSpec, env formula.Env) connectors.Result {
		a.settle(&res, e, r, env)
		return res
	}
	if b := o.Before; b != nil {
		ended, err, rule, env := a.before(ctx, b, vars, &res)
		if err != nil {
			return fail(err, rule, env)
		}
		if ended {
			return res
		}
		vars = env
	}
	ans, err := a.call(ctx, o.Send, vars, options{raw: d.Document})
	res.Exchanges = append(res.Exchanges, shown(ans)...)
	if err != nil {
		return fail(err, ans.rule, ans.env)
	}
	env := ans.env
	if k := o.Accepted; k != nil {
		took := true
		var everr error
		if k.When.given() {
			took, everr = k.When.e.Bool(env)
		}
		if everr == nil && took {
			var v any
			if v, everr = k.Ticket.e.Eval(env); everr == nil && formula.Text(v) != "" {
				res.Outcome, res.Ticket, res.Wait = connectors.Took, formula.Text(v), o.Poll.Every.Duration
				return res
			}
			return fail(a.unreadable(ans, "the answer holds no ticket"), nil, env)
		}
		if everr != nil {
			return fail(a.unreadable(ans, "accepted cannot be worked out: "+everr.Error()), nil, env)
		}
	}
	if r := o.Results; r != nil {
		rows, rerr := a.rows(&r.Rows, ans, env)
		if rerr != nil {
			return fail(rerr, nil, env)
		}
		a.result(o, d, rows, ans, &res)
		return res
	}
	res.Outcome, res.RemoteIDs = connectors.Done, remoteIDs(o.IDs, env)
	return res
}

// before reads what is there already; ended says that nothing is to be written.
func (a *account) before(ctx context.Context, b *beforeSpec, vars formula.Env, res *connectors.Result) (ended bool, failed *connectors.Error, rule *ruleSpec, env formula.Env) {
	rows := b.Rows
	if !rows.given() {
		rows = wholeBody
	}
	l := &lister{a: a, call: &b.callSpec, rows: &rows, paging: b.Paging, vars: vars}
	found, answers, err := l.all(ctx)
	for _, ans := range answers {
		res.Exchanges = append(res.Exchanges, shown(ans)...)
	}
	if err != nil && (err.Kind != connectors.NotFound || len(answers) == 0 || answers[len(answers)-1].rule == nil) {
		e := *err
		e.Sent = false // only reading has failed
		if outcomeOf(&e, nil) == connectors.Refused && e.Kind != connectors.Invalid {
			e.Scope = connectors.OfOperation
		}
		return false, &e, nil, vars
	}
	var body any
	if len(answers) > 0 {
		body = answers[len(answers)-1].body
	}
	env = vars.With(formula.Env{"before": map[string]any{"rows": listOf(found), "body": body}})
	all := a.base(env)
	res.RemoteIDs = remoteIDs(b.IDs, all)
	if b.Done.given() {
		done, err := b.Done.e.Bool(all)
		if err != nil {
			return false, misfit("before.done", err), nil, env
		}
		if done {
			res.Outcome = connectors.Done
			return true, nil, nil, env
		}
	}
	for i := range b.Refuse {
		r := &b.Refuse[i]
		hit, err := r.When.e.Bool(all)
		if err != nil {
			return false, misfit("before.refuse", err), nil, env
		}
		if hit {
			e := a.ruled(r, &answer{}, all)
			return false, e, r, all
		}
	}
	return false, nil, nil, env
}

// wholeBody stands for rows that were left out.
var wholeBody = compiled("body", answerVars)

func compiled(source string, vars []string) expression {
	e, err := formula.Compile(source, vars)
	if err != nil {
		panic("manifest: " + source + ": " + err.Error())
	}
	return expression{source: source, e: e}
}

func listOf(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

func shown(ans *answer) []connectors.Exchange {
	if ans.exchange.Method == "" {
		return nil
	}
	return []connectors.Exchange{ans.exchange}
}

// settle fills a result from an error and the rule that made it.
func (a *account) settle(res *connectors.Result, e *connectors.Error, r *ruleSpec, env formula.Env) {
	res.Outcome = outcomeOf(e, r)
	if res.Outcome == connectors.Done {
		return
	}
	res.Err = e
	if res.Outcome == connectors.NotSent || res.Outcome == connectors.Refused || res.Outcome == connectors.MissingReference {
		e.Sent = false
	}
	if res.Outcome == connectors.MissingReference {
		v, err := r.Missing.Key.e.Eval(env)
		if err != nil || formula.Text(v) == "" {
			res.Outcome = connectors.Refused
			return
		}
		res.Missing = &connectors.Missing{Operation: r.Missing.Operation, Key: formula.Text(v)}
	}
	if res.Outcome == connectors.Unknown {
		e.Sent = true
	}
}

// deliverMany writes a batch.
func (a *account) deliverMany(ctx context.Context, o *operationSpec, batch []delivered) ([]connectors.Result, error) {
	var docs, keys []any
	for _, d := range batch {
		docs, keys = append(docs, d.doc), append(keys, d.Key)
	}
	ans, err := a.call(ctx, o.Send, formula.Env{"docs": docs, "keys": keys}, options{})
	if err != nil && len(batch) > 1 && outcomeOf(err, ans.rule) == connectors.Refused {
		// One of them spoilt the call: the engine halves the batch to find it.
		return nil, err
	}
	var rows []any
	if err == nil {
		rows, err = a.rows(&o.Results.Rows, ans, ans.env)
	}
	var results []connectors.Result
	for _, d := range batch {
		res := connectors.Result{ID: d.ID, Exchanges: shown(ans)}
		if err != nil {
			e := *err
			a.settle(&res, &e, ans.rule, a.base(d.vars()))
		} else {
			a.result(o, d, rows, ans, &res)
		}
		results = append(results, res)
	}
	return results, nil
}

// result reads the row of one document; no row says nothing (Invariant 3).
func (a *account) result(o *operationSpec, d delivered, rows []any, ans *answer, res *connectors.Result) {
	r := o.Results
	for _, row := range rows {
		env := ans.env.With(d.vars()).With(formula.Env{"row": row})
		key, err := r.Key.e.Eval(env)
		if err != nil || formula.Text(key) != d.Key {
			continue
		}
		ok, err := r.OK.e.Bool(env)
		if err != nil {
			res.Err = a.unreadable(ans, "results.ok cannot be worked out: "+err.Error())
			return
		}
		if ok {
			res.Outcome, res.RemoteIDs = connectors.Done, remoteIDs(o.IDs, env)
			return
		}
		if r.Fail.given() {
			failed, err := r.Fail.e.Bool(env)
			if err != nil || !failed {
				break
			}
		}
		a.rowFailed(r, ans, env, res)
		return
	}
	res.Err = &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: a.m.Name + ".result", Text: "the answer has no result for this document", Sent: true}
}

func (a *account) rowFailed(r *resultsSpec, ans *answer, env formula.Env, res *connectors.Result) {
	say := func(x expression, otherwise string) string {
		if x.given() {
			if v, err := x.e.Eval(env); err == nil && formula.Text(v) != "" {
				return formula.Text(v)
			}
		}
		return otherwise
	}
	code, text := say(r.Code, a.m.Name+".result"), say(r.Text, "the vendor refuses the document")
	for i := range r.Errors {
		rule := &r.Errors[i]
		hit, err := rule.When.e.Bool(env)
		if err != nil || !hit {
			continue
		}
		e := a.ruled(rule, &answer{}, env)
		if rule.Code.t == nil {
			e.Code = code
		}
		if rule.Text.t == nil {
			e.Text = text
		}
		if rule.Scope == "" { // a row is about its document
			e.Scope = connectors.OfDocument
		}
		a.settle(res, ans.hide(e), rule, env)
		return
	}
	res.Outcome, res.Err = connectors.Refused, ans.hide(&connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: code, Text: text})
}

// remoteIDs reads the names that the vendor gave a document; what gives nothing, or 0, is
// none.
func remoteIDs(list namedExpressions, env formula.Env) []connectors.RemoteID {
	var out []connectors.RemoteID
	for i := range list {
		v, err := list[i].value.e.Eval(env)
		if err != nil {
			continue
		}
		values, many := v.([]any)
		if !many {
			values = []any{v}
		}
		for _, one := range values {
			id := connectors.RemoteID{Kind: list[i].name, Value: formula.Text(one)}
			if id.Value != "" && id.Value != "0" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}
