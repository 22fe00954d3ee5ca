package sqldb

import (
	"context"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
)

// listedStream lists the rows of a stream.
type listedStream struct{ st *stream }

func (l listedStream) list() *listing { return l.st.list }
func (l listedStream) keys() []string { return l.st.key }
func (l listedStream) columnsOf(ctx context.Context, s *session) ([]column, error) {
	return l.st.columnsOf(ctx, s)
}

func (l listedStream) summarize(doc any) connectors.Summary {
	lines := -1
	if v, ok := find(doc, []string{l.st.list.lines}); ok {
		if list, ok := v.([]any); ok {
			lines = len(list)
		}
	}
	return l.st.list.summary(func(column string) (string, bool) {
		v, _ := find(doc, []string{column})
		return scalar(v)
	}, lines)
}

func (l listedStream) rows(ctx context.Context, s *session, have []column, order []string, rest func(*query)) ([]listed, error) {
	rows, err := l.st.read.rows(ctx, s, append(l.st.needs(l.st.list.time.column), order...), rest)
	if err != nil {
		return nil, err
	}
	return l.listed(s, have, order, rows), nil
}

func (l listedStream) byKeys(ctx context.Context, s *session, have []column, keys []string) ([]listed, error) {
	rows, err := l.st.byKeys(ctx, s, have, keys, l.st.needs(l.st.list.time.column))
	if err != nil {
		return nil, err
	}
	return l.listed(s, have, nil, rows), nil
}

func (l listedStream) listed(s *session, have []column, order []string, rows []row) []listed {
	var out []listed
	for _, r := range rows {
		if st := l.st; st.deleted != nil && st.deleted.has(r.cells[st.deleted.column]) {
			continue
		}
		n := listed{Summary: l.summarize(r.tree)}
		parts := make([]string, len(l.st.key))
		for i, k := range l.st.key {
			parts[i] = keyText(s.c.driver, have[indexOf(have, k)], r.cells[k])
		}
		n.Key = joinKey(parts)
		n.At = l.st.list.time.read(have, r.cells[l.st.list.time.column], s.c.zone)
		for _, name := range order {
			n.at = append(n.at, keyText(s.c.driver, have[indexOf(have, name)], r.cells[name]))
		}
		out = append(out, n)
	}
	return out
}

// read is edge backwards.
func (w *window) read(have []column, v cell, zone *time.Location) time.Time {
	if w.zone != nil {
		zone = w.zone
	}
	if w.unit != "time" {
		n, err := strconv.ParseInt(string(v), 10, 64)
		switch {
		case err != nil:
			return time.Time{}
		case w.unit == "unix_ms":
			return time.UnixMilli(n)
		default:
			return time.Unix(n, 0)
		}
	}
	if c := have[indexOf(have, w.column)]; c.class == classInstant {
		zone = time.UTC
	}
	t, _ := readTime(string(v), zone)
	return t
}
