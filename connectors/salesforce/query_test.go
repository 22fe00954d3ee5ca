package salesforce

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/simkit"
)

// listed reads a whole window and returns the keys in order.
func (o *org) listed(t *testing.T, operation string, w connectors.Window) []string {
	t.Helper()
	var keys []string
	cursor := ""
	for range 50 {
		page, err := o.List(t.Context(), operation, w, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			keys = append(keys, row.Key)
		}
		if !page.More {
			return keys
		}
		cursor = page.Cursor
	}
	t.Fatal("the list does not end")
	return nil
}

func TestListPagesThroughRecordsOfOneMoment(t *testing.T) {
	now := summer()
	o := newOrg(t, salesforcesim.Options{Options: simkit.Options{Now: func() time.Time { return now }}})
	var want []string
	add := func(n int) {
		var batch []connectors.Delivery
		for range n {
			key := fmt.Sprintf("M-%04d", len(want))
			want = append(want, key)
			batch = append(batch, delivery(key, contactDocument(key, "李", "")))
		}
		for chunk := range slices.Chunk(batch, maxRows) {
			o.push(t, opContact, chunk...)
		}
	}
	add(30)
	now = now.Add(time.Second)
	add(3 * pageSize) // more than a page of one moment, and a whole number of pages
	now = now.Add(time.Second)
	add(20)
	if _, err := o.sim.Insert("Contact", map[string]any{"LastName": "Clerk"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	w := connectors.Window{From: summer(), To: now}
	got := o.listed(t, opContact, w)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("listed (-want +got): %s", d)
	}
	w = connectors.Window{From: summer().Add(time.Second), To: summer().Add(2 * time.Second)}
	if got := o.listed(t, opContact, w); len(got) != 3*pageSize {
		t.Errorf("%d in a closed-open window, want %d", len(got), 3*pageSize)
	}
}

func TestBothSidesOfAReconciliationReadAlike(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	documents := map[string]string{
		"T-1": transactionDocument("T-1", "270.00", "", lineOf("1", "1", "90.00"), lineOf("2", "2", "180.00"), lineOf("3", "0", "0.00")),
		"T-2": strings.Replace(transactionDocument("T-2", "5000", "", lineOf("1", "1", "5000")), `"CNY"`, `"JPY"`, 1),
		"T-3": strings.Replace(transactionDocument("T-3", "-90.00", "", lineOf("1", "1", "-90.00")), `"paid"`, `"cancelled"`, 1),
	}
	for key, document := range documents {
		want(t, o.push(t, opTransaction, delivery(key, document))[key], connectors.Done, "")
	}
	rows, err := o.Get(t.Context(), opTransaction, []string{"T-1", "T-2", "T-3", "T-404", "it's\\"})
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	got := map[string]string{}
	for _, s := range rows {
		got[s.Key] = fmt.Sprint(s.Status, s.Amount, s.Currency, s.Lines)
		ours, err := o.Summarize(opTransaction, json.RawMessage(documents[s.Key]))
		if err != nil {
			t.Fatal(err)
		}
		if mine := fmt.Sprint(ours.Status, ours.Amount, ours.Currency, ours.Lines); mine != got[s.Key] {
			t.Errorf("%s: ours %s, theirs %s", s.Key, mine, got[s.Key])
		}
		if s.At.IsZero() || s.Store != "shop-a" || len(s.RemoteIDs) != 1 {
			t.Errorf("%s: %+v", s.Key, s)
		}
	}
	if d := cmp.Diff(map[string]string{"T-1": "open27000CNY2", "T-2": "open5000JPY1", "T-3": "cancelled-9000CNY1"}, got); d != "" {
		t.Errorf("summaries (-want +got): %s", d)
	}
	// Amounts that people change show.
	if err := o.sim.Change("Transaction__c", "T-1", map[string]any{"TotalAmount__c": json.Number("269.99")}); err != nil {
		t.Fatal(err)
	}
	rows, err = o.Get(t.Context(), opTransaction, []string{"T-1"})
	if err != nil || len(rows) != 1 || rows[0].Amount != 26999 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestAnOrganisationOfOneCurrency(t *testing.T) {
	v := values("https://brand.example.test", map[string]string{"client_id": "invented", "client_secret": "invented"})
	v.Text["currency"] = "EUR"
	v.Maps["transaction_fields"] = map[string]string{"Currency": "", "Amount": "GrandTotal__c"}
	v.Maps["status_classes"] = map[string]string{"paid": "closed"}
	c := connect(t, v, nil)
	document := json.RawMessage(transactionDocument("T-1", "1.00", "", lineOf("1", "1", "1.00")))
	s, err := c.Summarize(opTransaction, document)
	if err != nil || s.Currency != "EUR" || s.Amount != 100 || s.Status != "closed" {
		t.Errorf("%+v, %v", s, err)
	}
	tr, rerr := c.readTransaction(document)
	if rerr != nil {
		t.Fatal(rerr)
	}
	if d := cmp.Diff(record{"GrandTotal__c": json.Number("1.00"), "Status__c": "paid"}, tr.header); d != "" {
		t.Errorf("header (-want +got): %s", d)
	}
}

func TestQueriesFollowTheirPagesAndStopAtNonsense(t *testing.T) {
	pages := map[string]string{
		"":      `{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-1","records":[{"Id":"003000000000001AAA"}]}`,
		"01g-1": `{"totalSize":2,"done":true,"records":[{"Id":"003000000000002AAA"}]}`,
	}
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(r.URL.Path, "/query/")
		_, _ = io.WriteString(w, pages[rest])
	})
	found, p := c.run().query(t.Context(), "SELECT Id FROM Contact")
	if p != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, p)
	}
	for _, body := range []string{`{"done":false,"records":[]}`, `{"done":false,"records":[],"nextRecordsUrl":"https://elsewhere.test/"}`, `{"records":[]}`, `{"done":true}`,
		`{"done":true,"records":[1]}`, `[]`, `{"done":tru`} {
		pages[""] = body
		if _, p := c.run().query(t.Context(), "SELECT Id FROM Contact"); p == nil || p.err.Kind != connectors.Unreadable || p.err.Sent {
			t.Errorf("%s: %+v", body, p)
		}
	}
	pages[""] = `{"done":false,"records":[],"nextRecordsUrl":"/services/data/v67.0/query"}`
	if _, p := c.run().query(t.Context(), "SELECT Id FROM Contact"); p == nil || p.err.Kind != connectors.Unavailable {
		t.Errorf("a result without an end: %+v", p)
	}
}

func TestKeysAreQuotedAndKeptShort(t *testing.T) {
	if got := quote("it's \\ \n"); got != `'it\'s \\ \n'` {
		t.Errorf("quoted %s", got)
	}
	keys := make([]string, 500)
	for i := range keys {
		keys[i] = fmt.Sprintf("店铺-%060d", i)
	}
	n := 0
	for _, some := range chunked(append(keys, keys[0])) {
		n += strings.Count(some, "',") + 1
		if len(some) > maxList {
			t.Errorf("a list of %d bytes", len(some))
		}
	}
	if n != len(keys) {
		t.Errorf("%d keys in the lists, want %d", n, len(keys))
	}
	if got := chunked(nil); got != nil {
		t.Errorf("no keys make %v", got)
	}
}

func TestCursorsOfOthersAreRefused(t *testing.T) {
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("called %s", r.URL.Path) })
	w := connectors.Window{From: summer(), To: summer().Add(time.Hour)}
	for _, cursor := range []string{"x", `{}`, `{"at":"2026-07-01T08:00:00Z","id":"x' OR Id != '"}`, `{"at":"yesterday"}`} {
		if _, err := c.List(t.Context(), opContact, w, cursor); connectors.AsError(err) == nil || connectors.AsError(err).Code != "salesforce.cursor" {
			t.Errorf("%s: %v", cursor, err)
		}
	}
	for _, err := range []error{
		func() error { _, err := c.List(t.Context(), "orders", w, ""); return err }(),
		func() error { _, err := c.Get(t.Context(), "orders", []string{"K"}); return err }(),
		func() error { _, err := c.Summarize("orders", json.RawMessage(`{}`)); return err }(),
		func() error { _, err := c.Lookup(t.Context(), "orders", nil); return err }(),
	} {
		if e := connectors.AsError(err); e == nil || e.Code != "salesforce.operation" {
			t.Errorf("a name that is not declared: %v", err)
		}
	}
}
