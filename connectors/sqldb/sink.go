package sqldb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// maxExchange is how much of the statements an exchange shows.
const maxExchange = 16 << 10

// DryRuns implements connectors.DryRunner.
func (c *conn) DryRuns() {}

// Deliver implements connectors.Sink: each document in a transaction of its own.
func (c *conn) Deliver(ctx context.Context, name string, batch []connectors.Delivery) ([]connectors.Result, error) {
	op, ok := c.operation[name]
	if !ok {
		return nil, ofOperation("sql.no_operation", fmt.Sprintf("there is no operation %q", name), "")
	}
	out := make([]connectors.Result, 0, len(batch))
	for _, d := range batch {
		out = append(out, c.write(ctx, op, d))
	}
	return out, nil
}

// write takes one document through its transaction and reads the outcome.
func (c *conn) write(ctx context.Context, op *operation, d connectors.Delivery) connectors.Result {
	began := time.Now()
	res := connectors.Result{ID: d.ID}
	t := &turn{op: op, key: d.Key, raw: d.Document}
	dry := connectors.DryRunOf(ctx)
	var said []change
	committing, err := c.transaction(ctx, dry != nil, func(s *session) error {
		s.dry = dry
		err := t.run(ctx, s)
		said = s.said
		return err
	})
	if err != nil && t.inserting && duplicate(err) && !committing {
		err = c.lostRace(ctx, t, err)
	}
	x := connectors.Exchange{Method: strings.ToUpper(op.action), URL: c.place + "/" + op.top.table, Request: shown(said), Took: time.Since(began)}
	if dry != nil && err == nil && len(said) > 0 {
		err = error(dry.Pass(ctx, x, false))
	}
	switch {
	case err == nil:
		res.Outcome, res.RemoteIDs = connectors.Done, t.ids
		x.Response = t.did
	default:
		res.Err = c.fault(err)
		copied := *res.Err
		res.Err = &copied
		res.Outcome = outcomeOf(res.Err)
		if committing {
			switch {
			case !surelyRolledBack(err):
				// Whether COMMIT was done before the connection broke, nobody knows.
				res.Outcome, res.Err.Sent = connectors.Unknown, true
			case res.Outcome == connectors.NotSent && res.Err.Kind == connectors.Unclassified:
				res.Outcome, res.Err.Sent = connectors.Unknown, true
			}
		}
		if res.Err.Kind == connectors.Invalid && res.Err.Scope == connectors.OfOperation {
			c.forget()
		}
		x.Err = res.Err.Error()
	}
	res.Exchanges = []connectors.Exchange{x}
	return res
}

// outcomeOf reads a fault before COMMIT: whatever it is, the transaction was rolled back.
func outcomeOf(e *connectors.Error) connectors.Outcome {
	if e.Scope == connectors.OfDocument {
		switch e.Kind {
		case connectors.Invalid, connectors.NotFound, connectors.Conflict, connectors.Unclassified:
			if e.Code == codeOther {
				return connectors.Duplicate
			}
			return connectors.Refused
		}
	}
	return connectors.NotSent
}

// shown writes the statements of a document for support.
func shown(said []change) string {
	if len(said) == 0 {
		return ""
	}
	b, err := json.Marshal(map[string]any{"statements": said})
	if err != nil {
		return ""
	}
	if len(b) > maxExchange {
		return strings.ToValidUTF8(string(b[:maxExchange]), "") + "…"
	}
	return string(b)
}

// codeOther says that an insert found its row with other content.
const codeOther = "sql.exists"

// turn is one document on its way into its tables.
type turn struct {
	op        *operation
	key       string
	raw       []byte
	inserting bool
	did       string
	ids       []connectors.RemoteID

	columns map[*writing][]column
	top     line
	below   []lines
}

func (t *turn) have(w *writing) []column { return t.columns[w] }

// prepare reads the document against the tables.
func (t *turn) prepare(ctx context.Context, s *session) error {
	if err := t.op.inOrder(ctx, s); err != nil {
		return err
	}
	t.columns = map[*writing][]column{}
	for _, w := range append([]*writing{t.op.top}, t.op.top.children...) {
		list, err := w.columnsOf(ctx, s)
		if err != nil {
			return err
		}
		if err := must("table "+w.table, list, append(w.keyNames(), names(w.columns)...)...); err != nil {
			return err
		}
		t.columns[w] = list
	}
	doc, err := codec.Decode(t.raw)
	if err != nil {
		return ofDocument(connectors.Invalid, "sql.document", "the document is no JSON: "+err.Error(), "")
	}
	t.top, t.below, err = t.op.want(s, t.key, doc, t.have)
	return err
}

func (t *turn) run(ctx context.Context, s *session) error {
	if err := t.prepare(ctx, s); err != nil {
		return err
	}
	h, err := t.op.load(ctx, s, t.top, s.dry == nil, t.have)
	if err != nil {
		return err
	}
	switch {
	case t.op.action == actionDelete:
		return t.remove(ctx, s, h)
	case !h.there && t.op.action == actionUpdate:
		return ofDocument(connectors.NotFound, "sql.absent", "table "+t.op.top.table+" has no row with this key", "the document that makes the row must be delivered first")
	case !h.there:
		if err := t.insert(ctx, s); err != nil {
			return err
		}
		t.did = "inserted"
	default:
		differ := t.op.differences(s, t.top, t.below, h, t.have)
		if len(differ) == 0 {
			t.did = "as wanted already"
			t.ids = t.returned(s, h)
			return nil
		}
		if t.op.action == actionInsert {
			return ofDocument(connectors.Conflict, codeOther, "the row is there with other content: "+strings.Join(differ, ", "), "")
		}
		if err := t.guard(h); err != nil {
			return err
		}
		if err := t.update(ctx, s, h); err != nil {
			return err
		}
		t.did = "changed: " + strings.Join(differ, ", ")
	}
	if s.dry != nil {
		return nil
	}
	return t.verify(ctx, s)
}

// verify reads back what was written: a database rounds, cuts and converts without a
// word, and then holds something that nobody sent (Invariant 6).
func (t *turn) verify(ctx context.Context, s *session) error {
	h, err := t.op.load(ctx, s, t.top, false, t.have)
	if err != nil {
		return err
	}
	if !h.there {
		return ofDocument(connectors.Invalid, "sql.kept_otherwise", "table "+t.op.top.table+" did not keep the row", "look for triggers and rules on the table")
	}
	if differ := t.op.differences(s, t.top, t.below, h, t.have); len(differ) > 0 {
		return ofDocument(connectors.Invalid, "sql.kept_otherwise", "table "+t.op.top.table+" kept something else than it was given in "+strings.Join(differ, ", ")+"; it was rolled back",
			"round in the mapping to what the column holds, make the column wider, or look for a trigger")
	}
	t.ids = t.returned(s, h)
	return nil
}

func (t *turn) returned(s *session, h *held) []connectors.RemoteID {
	var out []connectors.RemoteID
	for _, name := range t.op.returns {
		if v := h.row[name]; v != nil {
			out = append(out, connectors.RemoteID{Kind: name, Value: keyText(s.c.driver, t.have(t.op.top)[indexOf(t.have(t.op.top), name)], v)})
		}
	}
	return out
}

// guard refuses to change a row that is newer, or in a state that forbids it.
func (t *turn) guard(h *held) error {
	if f := t.op.onlyIf; f != nil && !f.has(h.row[f.column]) {
		return ofDocument(connectors.Conflict, "sql.only_if", fmt.Sprintf("the row's %s does not allow it any more", f.column), "`only_if` of the operation says which values do")
	}
	if t.op.version == "" || h.row[t.op.version] == nil {
		return nil
	}
	mine := t.top[t.op.version]
	if mine.null {
		return refused("", fmt.Sprintf("the version (%s) is not there", t.op.version), "without it a newer row could be overwritten")
	}
	c := t.have(t.op.top)[indexOf(t.have(t.op.top), t.op.version)]
	older, err := before(c, mine.text, string(h.row[t.op.version]))
	if err != nil {
		return err
	}
	if older {
		return ofDocument(connectors.Conflict, "sql.newer", "the row has a newer version than the document", "nothing is to be done unless the newer one came from elsewhere")
	}
	return nil
}

// before compares two versions of a column.
func before(c column, a, b string) (bool, error) {
	switch c.class {
	case classInt, classDecimal:
		x, err := decimal.NewFromString(a)
		y, err2 := decimal.NewFromString(b)
		if err = errors.Join(err, err2); err == nil {
			return x.LessThan(y), nil
		}
	case classLocal, classInstant, classDate:
		// One spelling, largest part first.
		return canon(c, a) < canon(c, b), nil
	}
	return false, ofOperation("sql.version", fmt.Sprintf("column %q is %s, which does not rise in a way that can be compared", c.name, c.typ), "`version` wants a number or a time")
}

// lostRace looks whether the row that a unique key refused is there now under the
// document's own key: then another writer was quicker, and the document is sent again.
func (c *conn) lostRace(ctx context.Context, t *turn, err error) error {
	there := false
	_, again := c.transaction(ctx, true, func(s *session) error {
		h, err := t.op.load(ctx, s, t.top, false, t.have)
		if err != nil {
			return err
		}
		there = h.there
		return nil
	})
	if again == nil && there {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "sql.race", Text: "another writer inserted the row at the same moment", Hint: "it is tried again"}
	}
	return err
}
