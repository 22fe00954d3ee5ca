package manifest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// reconcile compiles how both sides are compared. A stream lends its list, fetch and
// window where the section has none of its own.
func (ld *loader) reconcile(r *reconcileSpec, reason string, at spot, list *listSpec, fetch *fetchSpec, window, _ []string) {
	if (r == nil) == (reason == "") {
		ld.fail(at, "unlisted: the vendor has no list call", "say either reconcile, or in unlisted why there is none")
		return
	}
	if r == nil {
		return
	}
	at = spot{path: at.path + "/reconcile"}
	if r.List == nil && list == nil {
		ld.fail(at, "list: {get: /orders, query: {from: '{{ window.from }}'}, rows: body.data}", "reconcile needs a list")
	}
	if r.List != nil {
		ld.list(&r.List.callSpec, &r.List.Rows, r.List.Paging, spot{path: at.path + "/list"}, []string{"window"})
	}
	if r.Window != nil {
		ld.window(r.Window, at)
	} else if r.List != nil || len(window) == 0 {
		ld.fail(at, "window: {by: modified, span: 7d, format: datetime, zone: Asia/Shanghai}", "reconcile needs a window: which span of time is compared")
	}
	if r.Get != nil {
		ld.list(&r.Get.callSpec, &r.Get.Rows, r.Get.Paging, spot{path: at.path + "/get"}, []string{"key", "keys"})
		ld.expr(&r.Get.Key, with(baseVars, []string{"row"}))
		ld.expr(&r.Get.Absent, with(baseVars, answerVars, []string{"key"}))
	}
	if !r.Theirs.Key.given() {
		ld.fail(at, "theirs: {key: row.order_no}", "theirs needs key")
	}
	ld.summary(&r.Theirs, "row", at)
	ld.summary(&r.Ours, "doc", at)
	_ = fetch
}

func (ld *loader) summary(s *summarySpec, variable string, at spot) {
	vars := with(baseVars, []string{variable})
	for _, x := range []*expression{&s.Key, &s.Status, &s.Amount, &s.Currency, &s.Lines, &s.Store, &s.At, &s.Modified} {
		ld.expr(x, vars)
	}
	ld.exprs(s.IDs, vars)
	if s.Amount.given() != s.Currency.given() {
		ld.fail(at, `currency: '"CNY"'`, "amount and currency go together")
	}
	for word, status := range s.Statuses {
		if !slices.Contains([]string{"open", "cancelled", "closed"}, status) {
			ld.fail(at, "one of open, cancelled, closed", "%q of statuses.%s is no status of a comparison", status, word)
		}
	}
}

// summary reads a row or a document of ours.
func (a *account) summary(s *summarySpec, variable string, v any) (connectors.Summary, *connectors.Error) {
	env := a.base(formula.Env{variable: v})
	out := connectors.Summary{Lines: -1}
	var failed *connectors.Error
	get := func(what string, x *expression) any {
		if !x.given() || failed != nil {
			return nil
		}
		v, err := x.e.Eval(env)
		if err != nil {
			failed = misfit("reconcile: "+what, err)
		}
		return v
	}
	out.Key = formula.Text(get("key", &s.Key))
	out.Status = formula.Text(get("status", &s.Status))
	if s.Statuses != nil {
		out.Status = s.Statuses[out.Status]
	}
	if v := get("amount", &s.Amount); v != nil {
		n, ok := formula.Int(v)
		if !ok && failed == nil {
			return out, misfit("reconcile: amount", &formula.Fault{Text: "it is not a whole number of minor units", Hint: "fen(row.total) reads yuan"})
		}
		out.Amount, out.Currency = n, formula.Text(get("currency", &s.Currency))
	}
	if v := get("lines", &s.Lines); v != nil {
		n, _ := formula.Int(v)
		out.Lines = int(n)
	}
	out.Store = formula.Text(get("store", &s.Store))
	out.At, _ = get("at", &s.At).(time.Time)
	out.Modified, _ = get("modified", &s.Modified).(time.Time)
	out.RemoteIDs = remoteIDs(s.IDs, env)
	return out, failed
}

// comparison is what is known of a name that can be reconciled.
type comparison struct {
	r      *reconcileSpec
	list   *listSpec
	get    *fetchSpec
	window *windowSpec
	empty  *whenEmptySpec
	key    *expression
}

func (a *account) comparison(name string) (comparison, bool) {
	if s, ok := a.m.Streams.get(name); ok && s.Reconcile != nil {
		c := comparison{s.Reconcile, s.Reconcile.List, s.Reconcile.Get, s.Reconcile.Window, s.WhenEmpty, &s.Key}
		if c.list == nil {
			c.list = s.List
		}
		if c.get == nil {
			c.get = s.Fetch
		}
		if c.window == nil {
			c.window = s.Window
		}
		return c, true
	}
	if o, ok := a.m.Operations.get(name); ok && o.Reconcile != nil {
		return comparison{o.Reconcile, o.Reconcile.List, o.Reconcile.Get, o.Reconcile.Window, nil, nil}, true
	}
	return comparison{}, false
}

// span is where a list of a comparison has got to.
type span struct {
	From int64  `json:"from"` // unix nanoseconds of the span's start
	At   string `json:"at"`   // the cursor within it
}

// List pages through what the vendor holds, in spans that the vendor takes.
func (a *account) List(ctx context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	c, ok := a.comparison(name)
	if !ok || c.list == nil || c.window == nil {
		return connectors.Listed{}, a.noSuch("list", name)
	}
	at := span{From: w.From.UnixNano()}
	if cursor != "" {
		if err := codec.Unmarshal([]byte(cursor), &at); err != nil {
			return connectors.Listed{}, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "manifest.cursor", Text: "the cursor is not one of this list"}
		}
	}
	from, to := time.Unix(0, at.From), w.To
	if to.Sub(from) > c.window.Span.Duration {
		to = from.Add(c.window.Span.Duration)
	}
	if !from.Before(to) {
		return connectors.Listed{}, nil
	}
	l := &lister{a: a, call: &c.list.callSpec, rows: &c.list.Rows, paging: c.list.Paging, key: c.key, empty: c.empty,
		vars: formula.Env{"window": c.window.vars(connectors.Window{From: from, To: to})}}
	p, err := l.read(ctx, at.At)
	if err != nil {
		return connectors.Listed{}, err
	}
	var out connectors.Listed
	if out.Rows, err = a.summaries(c.r, p.rows); err != nil {
		return connectors.Listed{}, err
	}
	switch {
	case p.more:
		at.At, out.More = p.next, true
	case to.Before(w.To):
		at, out.More = span{From: to.UnixNano()}, true
	}
	if out.More {
		b, _ := json.Marshal(at) // a number and a text always encode
		out.Cursor = string(b)
	}
	return out, nil
}

// summaries reads rows; those without a key were not made by the hub.
func (a *account) summaries(r *reconcileSpec, rows []any) ([]connectors.Summary, *connectors.Error) {
	var out []connectors.Summary
	for _, row := range rows {
		s, err := a.summary(&r.Theirs, "row", row)
		if err != nil {
			return nil, err
		}
		if s.Key != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

// Get returns summaries for keys; one that is not there is left out.
func (a *account) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	c, ok := a.comparison(name)
	if !ok || c.get == nil {
		return nil, a.noSuch("question by key", name)
	}
	var out []connectors.Summary
	for chunk := range slices.Chunk(keys, max(1, c.get.Batch)) {
		found, _, err := a.byKeys(ctx, c.get, chunk, c.empty != nil)
		if err != nil {
			return nil, err
		}
		rows := make([]any, len(found))
		for i, f := range found {
			rows[i] = f.row
		}
		got, err := a.summaries(c.r, rows)
		if err != nil {
			return nil, err
		}
		for _, s := range got {
			if slices.Contains(chunk, s.Key) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// Summarize reads a document we sent, or a record, as the vendor would hold it.
func (a *account) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	c, ok := a.comparison(name)
	if !ok {
		return connectors.Summary{}, a.noSuch("list", name)
	}
	tree, derr := a.Decode(name, document)
	if derr != nil {
		return connectors.Summary{}, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: a.m.Name + ".document", Text: "the document cannot be read", Err: derr}
	}
	s, variable := &c.r.Ours, "doc"
	if !s.Key.given() {
		s, variable = &c.r.Theirs, "row"
	}
	out, err := a.summary(s, variable, tree)
	if err != nil {
		return out, err
	}
	return out, nil
}
