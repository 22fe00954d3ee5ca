package sqldb

import (
	"context"
	"slices"

	"github.com/minihub/minihub/connectors"
)

// insert writes the row, then its children, which refer to it.
func (t *turn) insert(ctx context.Context, s *session) error {
	t.inserting = true
	if err := insertRow(ctx, s, t.op.top, t.top); err != nil {
		return err
	}
	t.inserting = false
	if err := t.adopt(ctx, s); err != nil {
		return err
	}
	for _, l := range t.below {
		for _, row := range l.list {
			if err := insertRow(ctx, s, l.of, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt gives child rows what the database itself put into the columns they refer to:
// the row's number, most of all.
func (t *turn) adopt(ctx context.Context, s *session) error {
	own := t.op.top.keyNames()
	own = append(own, names(t.op.top.columns)...)
	need := false
	for _, ch := range t.op.top.children {
		for _, j := range ch.on {
			need = need || !slices.Contains(own, j.parent)
		}
	}
	if !need || s.dry != nil { // a dry run has no number to adopt
		return nil
	}
	h, err := t.op.load(ctx, s, t.top, false, t.have)
	if err != nil {
		return err
	}
	t.inherit(s, h)
	return nil
}

// inherit fills the columns by which child rows refer to the row that is there.
func (t *turn) inherit(s *session, h *held) {
	top := t.have(t.op.top)
	for _, l := range t.below {
		for _, j := range l.of.on {
			c := top[indexOf(top, j.parent)]
			b := boundOf(c, keyText(s.c.driver, c, h.row[j.parent]))
			b.null = h.row[j.parent] == nil
			b = rebound(b, t.have(l.of), j.child)
			for _, row := range l.list {
				row[j.child] = b
			}
		}
	}
}

func (w *writing) written() []string {
	out := w.keyNames()
	return unique(append(out, names(w.columns)...))
}

func insertRow(ctx context.Context, s *session, w *writing, row line) error {
	columns := w.written()
	q := newQuery(s.c.driver, "INSERT INTO ").table(w.table).raw(" (").list(columns).raw(") VALUES (")
	for i, c := range columns {
		if i > 0 {
			q.raw(", ")
		}
		q.bind(row[c], false)
	}
	return s.exec(ctx, q.raw(")"))
}

// updateRow sets the columns that differ.
func updateRow(ctx context.Context, s *session, w *writing, row line, columns []string) error {
	if len(columns) == 0 {
		return nil
	}
	q := newQuery(s.c.driver, "UPDATE ").table(w.table).raw(" SET ")
	for i, c := range columns {
		if i > 0 {
			q.raw(", ")
		}
		q.name(c).raw(" = ").bind(row[c], false)
	}
	key := w.keyNames()
	return s.exec(ctx, q.raw(" WHERE ").equal(key, values(row, key)))
}

// update changes what differs: the row, and its children by their key. Rows that the
// document no longer has go; columns that it does not name stay.
func (t *turn) update(ctx context.Context, s *session, h *held) error {
	w := t.op.top
	if err := updateRow(ctx, s, w, t.top, w.differ(s, names(w.columns), t.top, h.row, t.have(w), "")); err != nil {
		return err
	}
	t.inherit(s, h)
	for i, l := range t.below {
		have := t.have(l.of)
		at := l.of.byKey(s, h.children[i], have)
		for k, r := range at {
			if !slices.Contains(l.keys, k) {
				if err := deleteRow(ctx, s, l.of, r, have); err != nil {
					return err
				}
			}
		}
		for j, row := range l.list {
			r, ok := at[l.keys[j]]
			if !ok {
				if err := insertRow(ctx, s, l.of, row); err != nil {
					return err
				}
				continue
			}
			if err := updateRow(ctx, s, l.of, row, l.of.differ(s, names(l.of.columns), row, r, have, "")); err != nil {
				return err
			}
		}
	}
	return nil
}

func deleteRow(ctx context.Context, s *session, w *writing, r map[string]cell, have []column) error {
	key := w.keyNames()
	is := make([]bound, len(key))
	for i, name := range key {
		c := have[indexOf(have, name)]
		is[i] = boundOf(c, keyText(s.c.driver, c, r[name]))
	}
	return s.exec(ctx, newQuery(s.c.driver, "DELETE FROM ").table(w.table).raw(" WHERE ").equal(key, is))
}

// remove deletes the row and its children; a row that is not there is gone already.
func (t *turn) remove(ctx context.Context, s *session, h *held) error {
	if !h.there {
		t.did = "not there already"
		return nil
	}
	if err := t.guard(h); err != nil {
		return err
	}
	for i, ch := range t.op.top.children {
		for _, r := range h.children[i] {
			if err := deleteRow(ctx, s, ch, r, t.have(ch)); err != nil {
				return err
			}
		}
	}
	key := t.op.top.keyNames()
	q := newQuery(s.c.driver, "DELETE FROM ").table(t.op.top.table).raw(" WHERE ").equal(key, values(t.top, key))
	if err := s.exec(ctx, q); err != nil {
		return err
	}
	t.did = "deleted"
	return nil
}

// Lookup implements connectors.Looker: it compares every column that the document gives.
func (c *conn) Lookup(ctx context.Context, name string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	op, ok := c.operation[name]
	if !ok {
		return nil, ofOperation("sql.no_operation", "there is no operation "+name, "")
	}
	out := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		out = append(out, c.look(ctx, op, d))
	}
	return out, nil
}

func (c *conn) look(ctx context.Context, op *operation, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	t := &turn{op: op, key: d.Key, raw: d.Document}
	_, err := c.transaction(ctx, true, func(s *session) error {
		if err := t.prepare(ctx, s); err != nil {
			return err
		}
		h, err := op.load(ctx, s, t.top, false, t.have)
		if err != nil {
			return err
		}
		if h.there {
			f.RemoteIDs = t.returned(s, h)
			if op.action != actionDelete {
				f.Fields = op.differences(s, t.top, t.below, h, t.have)
			}
		}
		f.Presence = presence(op.action, h.there, len(f.Fields) > 0)
		return nil
	})
	if err != nil {
		return connectors.Finding{ID: d.ID, Err: c.readFault(err)}
	}
	if f.Presence == connectors.Absent {
		f.Fields = nil
	}
	return f
}

// presence answers whether the operation's effect is there, which for an update and a
// deletion is not whether the row is.
func presence(action string, there, differs bool) connectors.Presence {
	switch {
	case action == actionDelete && there, action == actionUpdate && (!there || differs):
		return connectors.Absent
	case action == actionDelete:
		return connectors.Same
	case !there:
		return connectors.Absent
	case differs:
		return connectors.Other
	default:
		return connectors.Same
	}
}
