package manifest

import (
	"context"
	"slices"
	"strconv"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// Pull reads one page of a stream.
func (a *account) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	s, ok := a.m.Streams.get(req.Stream)
	if !ok || s.List == nil {
		return connectors.Page{}, a.noSuch("stream", req.Stream)
	}
	vars := formula.Env{}
	if s.Window != nil {
		if !req.Window.From.Before(req.Window.To) {
			return connectors.Page{}, nil
		}
		vars["window"] = s.Window.vars(req.Window)
	}
	l := &lister{a: a, call: &s.List.callSpec, rows: &s.List.Rows, paging: s.List.Paging, key: &s.Key, empty: s.WhenEmpty, vars: vars}
	p, err := l.read(ctx, req.Cursor)
	if err != nil {
		return connectors.Page{}, err
	}
	out := connectors.Page{Cursor: p.next, More: p.more}
	for _, row := range p.rows {
		if err := a.take(req.Stream, s, row, p.ans, &out); err != nil {
			return connectors.Page{}, err
		}
	}
	return out, nil
}

// take adds a row to a page.
func (a *account) take(name string, s *streamSpec, row any, ans *answer, out *connectors.Page) *connectors.Error {
	env := a.base(formula.Env{"row": row})
	if s.Ack != nil {
		v, err := s.Ack.Token.e.Eval(env)
		if err != nil || formula.Text(v) == "" {
			return a.unreadable(ans, "a row has nothing to acknowledge it by: "+s.Ack.Token.source)
		}
		out.Acks = append(out.Acks, connectors.Ack{Stream: name, Token: formula.Text(v)})
	}
	if s.Skip.given() {
		skip, err := s.Skip.e.Bool(env)
		if err != nil {
			return a.unreadable(ans, "skip cannot be worked out: "+err.Error())
		}
		if skip {
			return nil
		}
	}
	items, err := a.items(s.recipe(name), row, ans.spans)
	if err != nil {
		return err
	}
	for _, it := range items {
		if s.Hints {
			it.Body = nil
		}
		out.Items = append(out.Items, it)
	}
	return nil
}

func (a *account) noSuch(what, name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "manifest." + what, Text: "the connector has no " + what + " " + strconv.Quote(name)}
}

// vars are window.from and window.to as the vendor reads them.
func (w *windowSpec) vars(win connectors.Window) map[string]any {
	to := win.To
	if w.End == "closed" {
		to = to.Add(-w.grain())
	}
	if w.Format == "" {
		return map[string]any{"from": win.From, "to": to}
	}
	l, _ := formula.NewLayout(w.Format, w.Zone) // checked when it was loaded
	return map[string]any{"from": l.Format(win.From), "to": l.Format(to)}
}

// Ack takes rows out of a pool. It may be repeated.
func (a *account) Ack(ctx context.Context, acks []connectors.Ack) error {
	for name, list := range byStream(acks) {
		s, ok := a.m.Streams.get(name)
		if !ok || s.Ack == nil {
			return a.noSuch("stream to acknowledge", name)
		}
		for chunk := range slices.Chunk(list, max(1, s.Ack.Batch)) {
			if _, err := a.call(ctx, &s.Ack.callSpec, formula.Env{"token": chunk[0], "tokens": chunk}, options{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func byStream(acks []connectors.Ack) map[string][]any {
	out := map[string][]any{}
	for _, k := range acks {
		out[k.Stream] = append(out[k.Stream], k.Token)
	}
	return out
}
