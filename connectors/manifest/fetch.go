package manifest

import (
	"context"
	"slices"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// maxPages bounds a read that must see all pages: of a fetch, a look-up, a question.
const maxPages = 100

// all reads every page of a list.
func (l *lister) all(ctx context.Context) (rows []any, answers []*answer, failed *connectors.Error) {
	cursor := ""
	for range maxPages {
		p, err := l.read(ctx, cursor)
		if p.ans != nil {
			answers = append(answers, p.ans)
		}
		if err != nil {
			return nil, answers, err
		}
		rows = append(rows, p.rows...)
		if !p.more {
			return rows, answers, nil
		}
		cursor = p.next
	}
	return nil, answers, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfOperation, Code: l.a.m.Name + ".pages", Text: "the answer does not end: 100 pages were read"}
}

// Fetch reads documents by key. A key that is not there is a tombstone; with when_empty
// only after the probe has shown that the vendor still knows us.
func (a *account) Fetch(ctx context.Context, stream string, keys []string) ([]connectors.Item, error) {
	s, ok := a.m.Streams.get(stream)
	if !ok || s.Fetch == nil {
		return nil, a.noSuch("stream to fetch", stream)
	}
	items := make([]connectors.Item, 0, len(keys))
	for chunk := range slices.Chunk(keys, max(1, s.Fetch.Batch)) {
		got, err := a.fetchSome(ctx, stream, s, chunk, true)
		if err != nil {
			return nil, err
		}
		items = append(items, got...)
	}
	return items, nil
}

func (a *account) fetchSome(ctx context.Context, stream string, s *streamSpec, keys []string, mayRenew bool) ([]connectors.Item, *connectors.Error) {
	rows, answers, err := a.byKeys(ctx, s.Fetch, keys, s.WhenEmpty != nil)
	if err != nil {
		return nil, err
	}
	found := map[string]connectors.Item{}
	how := s.recipe(stream)
	if s.Fetch.Key.given() {
		how.key = &s.Fetch.Key
	}
	for _, r := range rows {
		made, err := a.items(how, r.row, r.ans.spans)
		if err != nil {
			return nil, err
		}
		for _, it := range made {
			found[it.Key] = it
		}
	}
	var items []connectors.Item
	var absent []string
	for _, k := range keys {
		if it, ok := found[k]; ok {
			items = append(items, it)
			continue
		}
		absent = append(absent, k)
	}
	if len(absent) > 0 && s.WhenEmpty != nil {
		again, err := a.vouch(ctx, s.WhenEmpty, answers[len(answers)-1], mayRenew)
		if err != nil {
			return nil, err
		}
		if again {
			return a.fetchSome(ctx, stream, s, keys, false)
		}
	}
	for _, k := range absent {
		it, err := a.gone(stream, s, k)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

// gone is the tombstone of a key. Beside versions that are times it bears the time of the
// question, so that it is newer than what was read before.
func (a *account) gone(stream string, s *streamSpec, key string) (connectors.Item, *connectors.Error) {
	it := connectors.Item{Stream: stream, Key: key, Deleted: true}
	switch {
	case s.Fetch.NotYet:
		it.Version = 1
	case s.Version != nil && s.Version.Time.given():
		it.Version = a.now().UnixMilli()
	}
	if s.Fetch.Root.given() {
		v, err := s.Fetch.Root.e.Eval(a.base(formula.Env{"key": key}))
		if err != nil {
			return it, misfit("fetch.root", err)
		}
		it.Root = formula.Text(v)
	}
	return it, nil
}

// foundRow is a row and the answer that it stands in.
type foundRow struct {
	row any
	ans *answer
}

// byKeys reads the rows of some keys. vouched says that a probe will tell whether nothing
// is really nothing; without one, the answer must at least show its list.
func (a *account) byKeys(ctx context.Context, f *fetchSpec, keys []string, vouched bool) ([]foundRow, []*answer, *connectors.Error) {
	list := make([]any, len(keys))
	for i, k := range keys {
		list[i] = k
	}
	l := &lister{a: a, call: &f.callSpec, rows: &f.Rows, paging: f.Paging, vars: formula.Env{"key": keys[0], "keys": list}}
	if f.Paging == nil {
		ans, err := a.call(ctx, l.call, l.vars, options{})
		if err != nil {
			if err.Kind == connectors.NotFound && f.Batch <= 1 && (ans.rule != nil || ans.status == 404) {
				return nil, []*answer{ans}, nil
			}
			return nil, []*answer{ans}, err
		}
		if f.Absent.given() {
			gone, everr := f.Absent.e.Bool(ans.env)
			if everr != nil {
				return nil, nil, a.unreadable(ans, "fetch.absent cannot be worked out: "+everr.Error())
			}
			if gone {
				return nil, []*answer{ans}, nil
			}
		}
		if missingRows(&f.Rows, ans.body) && a.strict(l.call) && !vouched {
			return nil, nil, a.unreadable(ans, "the answer has no "+f.Rows.source)
		}
		rows, err := a.rows(&f.Rows, ans, ans.env)
		if err != nil {
			return nil, nil, err
		}
		return together(rows, ans), []*answer{ans}, nil
	}
	var out []foundRow
	var answers []*answer
	cursor := ""
	for range maxPages {
		p, err := l.read(ctx, cursor)
		if err != nil {
			return nil, answers, err
		}
		answers = append(answers, p.ans)
		out = append(out, together(p.rows, p.ans)...)
		if !p.more {
			return out, answers, nil
		}
		cursor = p.next
	}
	return nil, answers, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfOperation, Code: a.m.Name + ".pages", Text: "the answer does not end: 100 pages were read"}
}

func together(rows []any, ans *answer) []foundRow {
	out := make([]foundRow, len(rows))
	for i, r := range rows {
		out[i] = foundRow{r, ans}
	}
	return out
}

// Decode reads a stored document: JSON, or an XML element as it came.
func (a *account) Decode(_ string, body []byte) (any, error) {
	if len(body) > 0 && body[0] == '<' {
		tree, _, err := decodeXML(body)
		return tree, err
	}
	return codec.Decode(body)
}
