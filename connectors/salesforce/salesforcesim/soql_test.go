package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

// keys runs a query and joins the external ids it found.
func (b *bench) keys(soql string) string {
	b.t.Helper()
	a := b.query(soql)
	if a.status != 200 {
		b.t.Fatalf("%s: %d %s", soql, a.status, a.raw)
	}
	var out []string
	for _, r := range a.object()["records"].([]any) {
		out = append(out, r.(map[string]any)["External_Id__c"].(string))
	}
	return strings.Join(out, ",")
}

func stocked(t *testing.T) *bench {
	b := start(t, Options{})
	b.rows("Contact", "MemberNo__c", contact("M-1", "")+","+contact("M'2", ""), false)
	b.rows("Transaction__c", "External_Id__c", strings.Join([]string{
		sale("T-1", `,"Status__c":"paid","Contact__r":{"MemberNo__c":"M-1"},"PlacedAt__c":"2026-11-20T00:00:00+08:00","Freight__c":8.5`),
		sale("T-2", `,"Status__c":"shipped","Contact__r":{"MemberNo__c":"M'2"},"Freight__c":10`)}, ","), false)
	b.clock.add(time.Minute)
	b.rows("Transaction__c", "External_Id__c", sale("T-3", `,"Status__c":"paid"`), false)
	return b
}

func TestQueries(t *testing.T) {
	b := stocked(t)
	id, _ := b.Lookup("Transaction__c", "T-2")
	const from = "SELECT External_Id__c FROM Transaction__c "
	for q, want := range map[string]string{
		from:                              "T-1,T-2,T-3",
		from + "WHERE Status__c = 'PAID'": "T-1,T-3",
		from + "where status__c in ('shipped', 'closed') and TotalAmount__c = 118.0": "T-2",
		from + "WHERE SystemModstamp > 2026-11-20T08:00:00Z":                         "T-3",
		from + "WHERE SystemModstamp >= 2026-11-20T16:00:00.000+08:00 LIMIT 2":       "T-1,T-2",
		from + "WHERE SystemModstamp < 2026-11-20T08:01:00Z AND Freight__c <= 8.50":  "T-1",
		from + "WHERE Freight__c = null":                                             "T-3",
		from + "WHERE Freight__c != null ORDER BY Freight__c DESC":                   "T-2,T-1",
		from + "WHERE Status__c != 'paid'":                                           "T-2",
		from + "WHERE Contact__r.MemberNo__c = 'M\\'2'":                              "T-2",
		from + "WHERE Id = '" + id.ID[:15] + "'":                                     "T-2",
		from + "WHERE IsDeleted = false AND PlacedAt__c = 2026-11-19T16:00:00Z":      "T-1",
		from + "ORDER BY Freight__c, External_Id__c DESC":                            "T-3,T-1,T-2",
		from + "ORDER BY SystemModstamp DESC, Id ASC LIMIT 0":                        "",
	} {
		if got := b.keys(q); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	rows := b.query("SELECT Id, Freight__c, Contact__r.MemberNo__c, Contact__r.LastName FROM Transaction__c WHERE External_Id__c IN ('T-1','T-3')").object()["records"].([]any)
	first, last := rows[0].(map[string]any), rows[1].(map[string]any)
	parent, _ := first["Contact__r"].(map[string]any)
	if first["Freight__c"] != json.Number("8.5") || parent["MemberNo__c"] != "M-1" || parent["LastName"] != "周" || last["Contact__r"] != nil || first["attributes"].(map[string]any)["type"] != "Transaction__c" {
		t.Errorf("%v", rows)
	}
	if n := b.query("SELECT COUNT() FROM Transaction__c").object(); n["totalSize"] != json.Number("3") {
		t.Errorf("%v", n)
	}
}

func TestQueryRefusals(t *testing.T) {
	b := stocked(t)
	for q, code := range map[string]string{
		"":                                   "MALFORMED_QUERY",
		"SELECT FROM Contact":                "MALFORMED_QUERY",
		"SELECT * FROM Contact":              "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE":       "MALFORMED_QUERY",
		"SELECT Id FROM Contact LIMIT x":     "MALFORMED_QUERY",
		"SELECT Id FROM Contact;":            "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE Id='x": "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = 'a' OR LastName = 'b'":            "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName LIKE 'a%'":                          "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName IN ()":                              "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE SystemModstamp > 2026-11-20T00:00:00 08:00":  "MALFORMED_QUERY",
		"SELECT Id FROM Nothing__c":                                                "INVALID_TYPE",
		"SELECT Colour__c FROM Contact":                                            "INVALID_FIELD",
		"SELECT Owner.Name FROM Contact":                                           "INVALID_FIELD",
		"SELECT Account.Colour__c FROM Contact":                                    "INVALID_FIELD",
		"SELECT Id FROM Contact ORDER BY Colour__c":                                "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE SystemModstamp > '2026-11-20T00:00:00Z'":     "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE SystemModstamp > 2026-11-20":                 "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE LastName = 5":                                "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE Points__c = '5'":                             "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE OptIn__c = 'true'":                           "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE Description = 'x'":                           "INVALID_FIELD",
		"SELECT Id FROM Transaction__c WHERE PlacedAt__c IN ('2026-11-20','2026')": "INVALID_FIELD",
	} {
		b.query(q).want(q, 400, code)
	}
	b.call(http.MethodPost, "query", "{}").want("POST", 405, "METHOD_NOT_ALLOWED")
	b.call(http.MethodGet, "query/01gNOTHING-2", "").want("locator", 400, "INVALID_QUERY_LOCATOR")
}

func TestQueryPages(t *testing.T) {
	b := start(t, Options{PageSize: 2})
	for i := range 5 {
		b.rows("Transaction__c", "External_Id__c", sale(fmt.Sprint("T-", i), ""), false)
	}
	a := b.query("SELECT External_Id__c FROM Transaction__c").object()
	var got []string
	for pages := 1; ; pages++ {
		for _, r := range a["records"].([]any) {
			got = append(got, r.(map[string]any)["External_Id__c"].(string))
		}
		if a["totalSize"] != json.Number("5") || a["done"] != (pages == 3) {
			t.Fatalf("page %d: %v", pages, a)
		}
		next, more := a["nextRecordsUrl"].(string)
		if !more {
			break
		}
		b.rows("Transaction__c", "External_Id__c", sale("late", ""), false) // a result does not move while it is read
		a = b.call(http.MethodGet, strings.TrimPrefix(next, v67), "").object()
	}
	if diff := cmp.Diff("T-0,T-1,T-2,T-3,T-4", strings.Join(got, ",")); diff != "" {
		t.Error(diff)
	}
}

func TestBatchSizeAndOldCursors(t *testing.T) {
	b := start(t, Options{})
	for i := range 2 {
		var l []string
		for j := range 150 {
			l = append(l, contact(fmt.Sprint("M-", i, "-", j), ""))
		}
		b.rows("Contact", "MemberNo__c", strings.Join(l, ","), false)
	}
	ask := func(option string) answer {
		req, err := http.NewRequest(http.MethodGet, b.url+v67+"query?q="+url.QueryEscape("SELECT Id FROM Contact"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+b.token)
		req.Header.Set("Sforce-Query-Options", option)
		return b.do(req)
	}
	ask("batchSize=199").want("too small", 400, "INVALID_QUERY_OPTION")
	first := ask("batchSize=200").object()
	if len(first["records"].([]any)) != 200 || first["done"] != false {
		t.Errorf("%v", first["done"])
	}
	for range maxCursors {
		ask("batchSize=200")
	}
	b.call(http.MethodGet, strings.TrimPrefix(first["nextRecordsUrl"].(string), v67), "").want("the eleventh cursor ends the first", 400, "INVALID_QUERY_LOCATOR")
}

func TestDeletedRecordsAreInQueryAll(t *testing.T) {
	b := stocked(t)
	if err := b.Delete("Transaction__c", "T-2"); err != nil {
		t.Fatal(err)
	}
	if got := b.keys("SELECT External_Id__c FROM Transaction__c"); got != "T-1,T-3" {
		t.Error(got)
	}
	a := b.call(http.MethodGet, "queryAll?q="+url.QueryEscape("SELECT External_Id__c, IsDeleted FROM Transaction__c WHERE IsDeleted = true"), "").object()
	if r := a["records"].([]any); len(r) != 1 || r[0].(map[string]any)["IsDeleted"] != true {
		t.Errorf("%v", a)
	}
}

func TestLagAndReorder(t *testing.T) {
	b := stocked(t)
	b.fault(simkit.Fault{Kind: simkit.Reorder, Call: "query", Count: 1})
	if got := b.keys("SELECT External_Id__c FROM Transaction__c"); got != "T-3,T-2,T-1" {
		t.Error(got)
	}
	b.fault(simkit.Fault{Kind: simkit.Lag, DelayMS: 30_000})
	if got := b.keys("SELECT External_Id__c FROM Transaction__c"); got != "T-1,T-2" {
		t.Error(got)
	}
	b.call(http.MethodGet, "sobjects/Transaction__c/External_Id__c/T-3", "").want("too young", 404, "NOT_FOUND")
	b.call(http.MethodPatch, "sobjects/Transaction__c/External_Id__c/T-3", `{"TotalAmount__c":1}`).want("a write sees it", 200, "")
	b.clock.add(30 * time.Second)
	b.call(http.MethodGet, "sobjects/Transaction__c/External_Id__c/T-3", "").want("old enough", 200, "")
}

func FuzzSOQL(f *testing.F) {
	for _, q := range []string{"SELECT Id, Account.Name FROM Contact WHERE LastName = 'O\\'Neil' AND Points__c >= -1.5 ORDER BY Id DESC LIMIT 5",
		"SELECT COUNT() FROM Contact", "SELECT Id FROM Contact WHERE SystemModstamp > 2026-11-20T00:00:00Z AND Birthdate IN (2000-01-01, null)", "SELECT Id FROM Contact WHERE a='", ""} {
		f.Add(q)
	}
	s := New(Options{})
	if _, err := s.Insert("Contact", map[string]any{"LastName": "周", "Points__c": json.Number("5")}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, q string) {
		p, apiErr := s.parseSOQL(q)
		if (p == nil) == (apiErr == nil) {
			t.Fatal("a query or an error, never both or neither")
		}
		if p != nil {
			s.run(&request{call: "query", rest: []string{"query"}}, p)
		}
	})
}

func FuzzCompositeBody(f *testing.F) {
	f.Add([]byte(`{"compositeRequest":[{"method":"PATCH","url":"/services/data/v67.0/sobjects/Contact/MemberNo__c/M-1","referenceId":"a","body":{"LastName":"@{a.b[0]}"}}]}`))
	f.Add([]byte(`{"records":[{"attributes":{"type":"Contact"},"MemberNo__c":"M","Account":{"Hub_Account_Id__c":1}}]}`))
	s := New(Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, path := range []string{"composite", "composite/sobjects/Contact/MemberNo__c", "sobjects/Contact/MemberNo__c/M-1"} {
			method := http.MethodPatch
			if path == "composite" {
				method = http.MethodPost
			}
			q, apiErr := parseTarget(method, v67+path, "")
			if apiErr != nil {
				t.Fatal(apiErr.msg)
			}
			q.body, q.contentType = body, "application/json"
			rep, apiErr := s.dispatch(q)
			if (rep.status == 0) == (apiErr == nil) {
				t.Fatal("an answer or an error, never both or neither")
			}
			s.store.commit()
		}
	})
}
