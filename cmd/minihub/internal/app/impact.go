package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/codec"
)

// lookFor is how long a plan looks at stored messages: it answers in under a second.
const lookFor = 400 * time.Millisecond

// impact maps the newest stored messages by what runs and by the directory, and counts by
// target field what would differ. Links are left out: they are known at sending only.
func (a *App) impact(ctx context.Context, old, next *loaded, sample int) *plan.Impact {
	out := &plan.Impact{}
	until := time.Now().Add(lookFor)
	fields := map[string]*plan.Field{}
	sources := map[flow.Source]bool{}
	for _, f := range slices.Concat(old.dep.Flows, next.dep.Flows) {
		for _, s := range f.Sources {
			sources[s] = true
		}
	}
	list := slices.SortedFunc(maps.Keys(sources), func(x, y flow.Source) int {
		return strings.Compare(x.Connection+"."+x.Stream, y.Connection+"."+y.Stream)
	})
	total, err := records(ctx, a.ledger)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	for _, s := range list {
		rows, err := newest(ctx, a.ledger, s, total, sample)
		if err != nil {
			out.Error = err.Error()
			return out
		}
		for i := range rows {
			if time.Now().After(until) {
				out.Partly = true
				break
			}
			a.look(ctx, old, next, &rows[i], out, fields)
		}
	}
	for _, f := range fields {
		out.Fields = append(out.Fields, *f)
	}
	slices.SortFunc(out.Fields, func(x, y plan.Field) int {
		if x.Count != y.Count {
			return y.Count - x.Count
		}
		return strings.Compare(x.Step+x.Path, y.Step+y.Path)
	})
	return out
}

// newest returns the newest records of a stream. Ids rise and rows stay, so that the last
// ids are about as many as there are records.
func newest(ctx context.Context, l ledger.Ledger, s flow.Source, total int64, n int) ([]ledger.Record, error) {
	for window := int64(4 * n); ; window *= 8 {
		after := max(0, total-window)
		rows, err := l.Records(ctx, ledger.Filter{Connection: s.Connection, Stream: s.Stream, After: after, Limit: int(window)})
		if err != nil || len(rows) >= n || after == 0 {
			return rows[max(0, len(rows)-n):], err
		}
	}
}

// records is how many records there are.
func records(ctx context.Context, l ledger.Ledger) (n int64, err error) {
	counts, err := l.Counts(ctx)
	for _, c := range counts {
		if c.Kind == "record" {
			n += c.N
		}
	}
	return n, err
}

// result is what one step makes of a message: a document, or why there is none.
type result struct {
	doc  any
	fail bool
}

func (a *App) look(ctx context.Context, old, next *loaded, rec *ledger.Record, out *plan.Impact, fields map[string]*plan.Field) {
	body, err := a.ledger.Payload(ctx, rec.Payload)
	if err != nil || rec.Deleted {
		return // its payload is past its age
	}
	was, is := a.results(old, rec, body), a.results(next, rec, body)
	if len(was)+len(is) == 0 {
		return
	}
	out.Looked++
	changed, failing, mended := false, false, false
	for _, name := range slices.Sorted(maps.Keys(is)) {
		before, had := was[name]
		after := is[name]
		switch {
		case had && after.fail && !before.fail:
			failing = true
		case had && before.fail && !after.fail:
			mended = true
		case had && !after.fail:
			flowName, step, _ := strings.Cut(name, " ")
			for _, path := range differing("", before.doc, after.doc, nil) {
				changed = true
				k := name + " " + path
				if fields[k] == nil {
					fields[k] = &plan.Field{Flow: flowName, Step: step, Path: path, Message: rec.ID}
				}
				fields[k].Count++
			}
		}
	}
	for yes, n := range map[*bool]*int{&changed: &out.Changed, &failing: &out.Failing, &mended: &out.Mended} {
		if *yes {
			*n++
		}
	}
}

// results maps a message by every flow of a deployment that takes it, by flow and step.
func (a *App) results(l *loaded, rec *ledger.Record, body []byte) map[string]result {
	out := map[string]result{}
	mc := mapper.Context{Lookups: l.tables, Source: map[string]any{"connection": rec.DocKey.Connection, "stream": rec.Stream, "key": rec.DocKey.Key}}
	for i := range l.dep.Connections {
		if c := &l.dep.Connections[i]; c.Name == rec.DocKey.Connection {
			mc.Store = c.Store
		}
	}
	for _, f := range l.dep.Flows {
		if !slices.Contains(f.Sources, flow.Source{Connection: rec.DocKey.Connection, Stream: rec.Stream}) {
			continue
		}
		tree, err := a.decode(rec, body)
		if err != nil {
			continue
		}
		doc, err := run(f.Canonical, tree, mc)
		if err == nil && len(f.Schema.Validate(doc)) > 0 {
			err = errSchema
		}
		for _, s := range f.Steps {
			name := f.Name + " " + s.Name
			if err != nil {
				out[name] = result{fail: true}
				continue
			}
			if r, made := stepResult(s, doc, mc); made {
				out[name] = r
			}
		}
	}
	return out
}

var errSchema = errors.New("the document breaks its schema")

// stepResult maps a canonical document to a step's target document; made is false when
// the step does not want it.
func stepResult(s *flow.Step, doc any, mc mapper.Context) (r result, made bool) {
	if s.When != nil {
		if ok, err := s.When.Eval(doc, mc); err != nil || !ok {
			return result{fail: err != nil}, err != nil
		}
	}
	key, err := s.Key.Eval(doc, mc)
	if err != nil {
		return result{fail: true}, true
	}
	mc.Key = key
	out, err := run(s.Map, doc, mc)
	if err != nil || s.Schema != nil && len(s.Schema.Validate(out)) > 0 {
		return result{fail: true}, true
	}
	return result{doc: out}, true
}

// run keeps a broken mapping from ending the hub.
func run(p *mapper.Program, in any, mc mapper.Context) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the mapping %s broke", p.Name())
		}
	}()
	return p.Run(in, mc)
}

func (a *App) decode(rec *ledger.Record, body []byte) (any, error) {
	conn, _, ok := a.engine.Conn(rec.DocKey.Connection)
	if d, can := conn.(connectors.Decoder); ok && can {
		return d.Decode(rec.Stream, body)
	}
	return codec.Decode(body)
}

// differing lists the paths at which two documents differ, lists as path[].
func differing(at string, a, b any, out []string) []string {
	if reflect.DeepEqual(a, b) {
		return out
	}
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			all := map[string]bool{}
			for k := range x {
				all[k] = true
			}
			for k := range y {
				all[k] = true
			}
			for _, k := range slices.Sorted(maps.Keys(all)) {
				out = differing(strings.TrimPrefix(at+"."+k, "."), x[k], y[k], out)
			}
			return out
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				for _, p := range differing(at+"[]", x[i], y[i], nil) {
					if !slices.Contains(out, p) {
						out = append(out, p)
					}
				}
			}
			return out
		}
	}
	if at == "" {
		at = strconv.Quote("")
	}
	return append(out, at)
}
