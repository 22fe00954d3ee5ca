package tryton

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
)

func TestBothSidesOfASaleSummariseAlike(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		from := time.Now().Add(-time.Minute)
		key := e.key("summary")
		d, _ := delivery(t, key, saleDocument(key, e.key("party")))
		r := e.done(t, opSale, d)
		ours, err := e.Summarize(opSale, d.Document)
		if err != nil {
			t.Fatal(err)
		}
		want := connectors.Summary{Key: key, Status: "open", Amount: 17700, Currency: "CNY", Lines: 1}
		if diff := cmp.Diff(want, ours); diff != "" {
			t.Error(diff)
		}
		rows, err := e.Get(t.Context(), opSale, []string{key, e.key("none")})
		if err != nil || len(rows) != 1 {
			t.Fatalf("got %v, %v", rows, err)
		}
		want.RemoteIDs = r.RemoteIDs
		if diff := cmp.Diff(want, rows[0], cmpopts.IgnoreFields(connectors.Summary{}, "At", "Modified")); diff != "" {
			t.Error(diff)
		}
		if rows[0].At.Before(from) || rows[0].At.After(time.Now().Add(time.Minute)) {
			t.Errorf("changed at %s", rows[0].At)
		}
		listed := e.listAll(t, opSale, connectors.Window{From: from, To: time.Now().Add(time.Minute)})
		if !slices.ContainsFunc(listed, func(s connectors.Summary) bool { return cmp.Equal(s, rows[0]) }) {
			t.Errorf("the list has no %+v", rows[0])
		}
		for _, s := range e.listAll(t, opSale, connectors.Window{From: from.Add(-time.Hour), To: from}) {
			if s.Key == key {
				t.Error("the sale is in a window that ended before it")
			}
		}
	})
}

func (e *erp) listAll(t *testing.T, name string, w connectors.Window) []connectors.Summary {
	t.Helper()
	var rows []connectors.Summary
	for cursor, more := "", true; more; {
		l, err := e.List(t.Context(), name, w, cursor)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, l.Rows...)
		if cursor, more = l.Cursor, l.More; more && cursor == "" {
			t.Fatal("more without a cursor")
		}
	}
	return rows
}

func TestPartiesAreListedOverSeveralPages(t *testing.T) {
	e := simulated(t)
	var keys []string
	for i := range 230 {
		keys = append(keys, e.key(fmt.Sprintf("p%03d", i)))
		d, _ := delivery(t, keys[i], map[string]any{"name": "x"})
		e.done(t, opParty, d)
	}
	w := connectors.Window{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Minute)}
	var got []string
	for _, s := range e.listAll(t, opParty, w) {
		if slices.Contains(keys, s.Key) {
			got = append(got, s.Key)
		}
	}
	if d := cmp.Diff(keys, got); d != "" {
		t.Error(d)
	}
	rows, err := e.Get(t.Context(), opParty, keys[:2])
	if err != nil || len(rows) != 2 || rows[0].Lines != -1 || rows[0].Currency != "" {
		t.Errorf("got %+v, %v", rows, err)
	}
	s, err := e.Summarize(opParty, json.RawMessage(`{"code":"M-1","name":"x"}`))
	if err != nil || s.Key != "M-1" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestACancelledSaleIsListedAsCancelled(t *testing.T) {
	e := simulated(t)
	key := e.key("gone")
	d, _ := delivery(t, key, with(saleDocument(key, e.key("party")), "expected_total", "1.00"))
	e.refused(t, opSale, d, "tryton.total")
	c, _ := delivery(t, key, map[string]any{})
	e.done(t, opCancel, c)
	rows, err := e.Get(t.Context(), opSale, []string{key})
	if err != nil || len(rows) != 1 || rows[0].Status != "cancelled" {
		t.Errorf("got %+v, %v", rows, err)
	}
}

func TestQuestionsThatHaveNoAnswer(t *testing.T) {
	e := simulated(t)
	w := connectors.Window{From: time.Unix(0, 0), To: time.Unix(1, 0)}
	if _, err := e.List(t.Context(), opCancel, w, ""); err == nil {
		t.Error("cancellations were listed")
	}
	if _, err := e.List(t.Context(), opSale, w, "x"); err == nil {
		t.Error("a cursor that is no id was taken")
	}
	if _, err := e.Get(t.Context(), opCancel, []string{"x"}); err == nil {
		t.Error("a cancellation was read")
	}
	if rows, err := e.Get(t.Context(), opSale, nil); err != nil || rows != nil {
		t.Errorf("no keys: %v, %v", rows, err)
	}
	for name, document := range map[string]string{opCancel: `{}`, opParty: `[]`, opSale: `{"expected_total":"many"}`} {
		if s, err := e.Summarize(name, json.RawMessage(document)); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestMinorUnits(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		want           int64
	}{{"177.00", "CNY", 17700}, {"-0.01", "CNY", -1}, {"177", "JPY", 177}, {"1.234", "KWD", 1234}, {"1.0000", "USD", 100}} {
		if got, err := minor(decimal.RequireFromString(c.text), c.currency); err != nil || got != c.want {
			t.Errorf("%s %s: %d, %v", c.text, c.currency, got, err)
		}
	}
	for _, c := range [][2]string{{"0.001", "CNY"}, {"0.5", "JPY"}, {"99999999999999999999", "CNY"}} {
		if got, err := minor(decimal.RequireFromString(c[0]), c[1]); err == nil {
			t.Errorf("%s %s became %d", c[0], c[1], got)
		}
	}
}
