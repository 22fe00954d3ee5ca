package connectortest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
)

// queries checks that both sides of a reconciliation come out equal.
func (r *runner) queries(t *testing.T, op Operation) {
	decl, ok := r.Connector.Operation(op.Name)
	if !ok || !decl.List.Can {
		return
	}
	r.check(t, "query.list", op.Name, func(h *harness) {
		want := map[string]connectors.Summary{}
		for n := range 3 {
			d := h.delivery(op, n+1, 0)
			h.done(op, d)
			want[d.Key] = h.summarize(op, d)
		}
		h.compare(want, h.list(op))
	})
	r.check(t, "query.get", op.Name, func(h *harness) {
		d := h.delivery(op, 1, 0)
		h.done(op, d)
		rows, err := h.conn.(connectors.Querier).Get(h.Context(), op.Name, []string{d.Key, op.key(99)})
		h.hearError(err)
		if err != nil {
			h.Fatal(err)
		}
		if slices.ContainsFunc(rows, func(s connectors.Summary) bool { return s.Key == op.key(99) }) {
			h.Error("a key that is not there has a summary")
		}
		h.compare(map[string]connectors.Summary{d.Key: h.summarize(op, d)}, rows)
	})
}

func (h *harness) summarize(op Operation, d connectors.Delivery) connectors.Summary {
	h.Helper()
	s, err := h.conn.(connectors.Querier).Summarize(op.Name, d.Document)
	h.hearError(err)
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func (h *harness) list(op Operation) []connectors.Summary {
	h.Helper()
	var rows []connectors.Summary
	cursor := ""
	for range 100 {
		page, err := h.conn.(connectors.Querier).List(h.Context(), op.Name, h.sys.Window, cursor)
		h.hearError(err)
		if err != nil {
			h.Fatal(err)
		}
		rows = append(rows, page.Rows...)
		if !page.More {
			return rows
		}
		cursor = page.Cursor
	}
	h.Fatal("the list does not end")
	return nil
}

// compare holds what the target shows against our own reading of what we sent, in the
// fields that both give.
func (h *harness) compare(want map[string]connectors.Summary, rows []connectors.Summary) {
	h.Helper()
	seen := map[string]bool{}
	for _, row := range rows {
		w, ok := want[row.Key]
		if !ok {
			continue
		}
		if seen[row.Key] {
			h.Errorf("%s is listed twice", row.Key)
		}
		seen[row.Key] = true
		if w.Status == "" || row.Status == "" {
			w.Status, row.Status = "", ""
		}
		if w.Currency == "" || row.Currency == "" {
			w.Amount, row.Amount, w.Currency, row.Currency = 0, 0, "", ""
		}
		if w.Lines < 0 || row.Lines < 0 {
			w.Lines, row.Lines = 0, 0
		}
		type common struct {
			Status, Currency string
			Amount           int64
			Lines            int
		}
		if d := cmp.Diff(common{w.Status, w.Currency, w.Amount, w.Lines}, common{row.Status, row.Currency, row.Amount, row.Lines}); d != "" {
			h.Errorf("%s: ours (-) and the target's (+) differ: %s", row.Key, d)
		}
	}
	for key := range want {
		if !seen[key] {
			h.Errorf("%s was delivered and is not listed", key)
		}
	}
}
