package sqldb

import (
	"context"
	"fmt"
	"slices"

	"github.com/minihub/minihub/connectors"
)

// Fetch implements connectors.Fetcher: a document for every key, a tombstone for one
// that no row has.
func (c *conn) Fetch(ctx context.Context, name string, keys []string) ([]connectors.Item, error) {
	st, ok := c.streams[name]
	if !ok {
		return nil, ofOperation("sql.no_stream", fmt.Sprintf("there is no stream %q", name), "")
	}
	var out []connectors.Item
	_, err := c.transaction(ctx, true, func(s *session) error {
		have, err := st.columnsOf(ctx, s)
		if err != nil {
			return err
		}
		rows, err := st.byKeys(ctx, s, have, keys, st.needs())
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for _, r := range rows {
			it, err := st.item(s, have, r)
			if err != nil {
				return err
			}
			// A database that takes a for A finds more than was asked.
			if slices.Contains(keys, it.Key) && !found[it.Key] {
				found[it.Key] = true
				out = append(out, it)
			}
		}
		for _, k := range keys {
			if !found[k] {
				found[k] = true
				out = append(out, connectors.Item{Stream: st.name, Key: k, Deleted: true})
			}
		}
		return nil
	})
	if err != nil {
		return nil, c.readFault(err)
	}
	return out, nil
}

// byKeys reads the rows of keys.
func (st *stream) byKeys(ctx context.Context, s *session, have []column, keys []string, keep []string) ([]row, error) {
	var out []row
	var asked [][]bound
	for _, k := range keys {
		parts := splitKey(k, len(st.key))
		list := make([]bound, len(st.key))
		ok := parts != nil
		for i := 0; ok && i < len(parts); i++ {
			col := have[indexOf(have, st.key[i])]
			ok = fits(col, parts[i])
			list[i] = boundOf(col, parts[i])
		}
		if ok {
			asked = append(asked, list)
		}
	}
	for part := range slices.Chunk(asked, keysAtOnce) {
		rows, err := st.read.rows(ctx, s, keep, func(q *query) { q.raw(" WHERE ").in(st.key, part) })
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}
