package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type subAnswer struct {
	Body   json.RawMessage `json:"body"`
	Status int             `json:"httpStatusCode"`
	Ref    string          `json:"referenceId"`
}

func (b *bench) composite(allOrNone bool, subs ...string) []subAnswer {
	b.t.Helper()
	a := b.call(http.MethodPost, "composite", fmt.Sprintf(`{"allOrNone":%v,"compositeRequest":[%s]}`, allOrNone, strings.Join(subs, ",")))
	var out struct {
		List []subAnswer `json:"compositeResponse"`
	}
	if err := json.Unmarshal(a.raw, &out); err != nil || a.status != 200 {
		b.t.Fatalf("composite: %d %s", a.status, a.raw)
	}
	return out.List
}

func sub(ref, method, path, body string) string {
	s := `{"referenceId":"` + ref + `","method":"` + method + `","url":"` + v67 + path + `"`
	if body != "" {
		s += `,"body":` + body
	}
	return s + "}"
}

func statuses(list []subAnswer) (out []string) {
	for _, a := range list {
		out = append(out, fmt.Sprint(a.Ref, " ", a.Status))
	}
	return out
}

const line1 = "sobjects/TransactionLine__c/External_Id__c/T-1-1"

func TestCompositeReferences(t *testing.T) {
	b := start(t, Options{})
	got := b.composite(true,
		sub("head", "PATCH", "sobjects/Transaction__c/External_Id__c/T-1", `{"TotalAmount__c":118.00}`),
		sub("line", "PATCH", line1, `{"Transaction__c":"@{head.id}","NetAmount__c":110.00}`),
		sub("find", "GET", "query?q=SELECT+Id+FROM+Transaction__c+WHERE+External_Id__c='T-1'", ""),
		sub("read", "GET", "sobjects/Transaction__c/@{find.records[0].Id}", ""))
	if diff := cmp.Diff([]string{"head 201", "line 201", "find 200", "read 200"}, statuses(got)); diff != "" {
		t.Error(diff)
	}
	if l, _ := b.Lookup("TransactionLine__c", "T-1-1"); l.Parents["Transaction__c"] != "T-1" {
		t.Errorf("%+v", l)
	}
	if a := b.call(http.MethodGet, "limits", ""); a.header.Get("Sforce-Limit-Info") != "api-usage=2/100000" {
		t.Errorf("a composite counts once: %s", a.header.Get("Sforce-Limit-Info"))
	}
}

func TestCompositeAllOrNone(t *testing.T) {
	b := start(t, Options{})
	got := b.composite(true,
		sub("head", "PATCH", "sobjects/Transaction__c/External_Id__c/T-1", `{"TotalAmount__c":118.00}`),
		sub("bad", "PATCH", line1, `{"Transaction__c":"@{head.id}"}`),
		sub("last", "PATCH", member+"M-1", `{"LastName":"周"}`))
	if diff := cmp.Diff([]string{"head 400", "bad 400", "last 400"}, statuses(got)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(got[0].Body), "PROCESSING_HALTED") || !strings.Contains(string(got[1].Body), "REQUIRED_FIELD_MISSING") {
		t.Errorf("%s %s", got[0].Body, got[1].Body)
	}
	if len(b.Records("Transaction__c"))+len(b.Records("Contact")) != 0 || b.Effects("", "")[EffectCreated] != 0 {
		t.Error("something was written")
	}
}

func TestCompositeRollsBackWithARowOfACollection(t *testing.T) {
	b := start(t, Options{})
	lines := `{"allOrNone":false,"records":[` +
		`{"attributes":{"type":"TransactionLine__c"},"External_Id__c":"T-1-1","Transaction__r":{"External_Id__c":"T-1"},"NetAmount__c":1},` +
		`{"attributes":{"type":"TransactionLine__c"},"External_Id__c":"T-1-2","Transaction__r":{"External_Id__c":"T-1"}}]}`
	got := b.composite(true,
		sub("head", "PATCH", "sobjects/Transaction__c/External_Id__c/T-1", `{"TotalAmount__c":1}`),
		sub("lines", "PATCH", "composite/sobjects/TransactionLine__c/External_Id__c", lines))
	if diff := cmp.Diff([]string{"head 400", "lines 200"}, statuses(got)); diff != "" {
		t.Error(diff)
	}
	if body := string(got[1].Body); !strings.Contains(body, "REQUIRED_FIELD_MISSING") || !strings.Contains(body, "ALL_OR_NONE_OPERATION_ROLLED_BACK") {
		t.Errorf("the collection's rows: %s", body)
	}
	if n := len(b.Records("Transaction__c")) + len(b.Records("TransactionLine__c")); n != 0 {
		t.Errorf("%d records are left of a composite that was rolled back", n)
	}
}

func TestCompositeHaltsDependentsOnly(t *testing.T) {
	b := start(t, Options{})
	got := b.composite(false,
		sub("bad", "PATCH", "sobjects/Transaction__c/External_Id__c/T-1", `{}`),
		sub("line", "PATCH", line1, `{"Transaction__c":"@{bad.id}","NetAmount__c":1}`),
		sub("free", "PATCH", member+"M-1", `{"LastName":"周"}`))
	if diff := cmp.Diff([]string{"bad 400", "line 400", "free 201"}, statuses(got)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(got[1].Body), "PROCESSING_HALTED") {
		t.Errorf("%s", got[1].Body)
	}
}

func TestCompositeRefusals(t *testing.T) {
	b := start(t, Options{})
	get := func(i int) string { return sub(fmt.Sprint("r", i), "GET", member+"x", "") }
	query := func(i int) string { return sub(fmt.Sprint("r", i), "GET", "query?q=SELECT+Id+FROM+Contact", "") }
	many := func(n int, one func(int) string) string {
		var l []string
		for i := range n {
			l = append(l, one(i))
		}
		return `{"compositeRequest":[` + strings.Join(l, ",") + `]}`
	}
	for _, tc := range []struct{ body, code string }{
		{many(26, get), "LIMIT_EXCEEDED"},
		{many(6, query), "LIMIT_EXCEEDED"},
		{many(0, get), "JSON_PARSER_ERROR"},
		{`{"compositeRequest":[` + get(1) + `,` + get(1) + `]}`, "JSON_PARSER_ERROR"},
		{`{"compositeRequest":[{"method":"GET","url":"/x","referenceId":"a-b"}]}`, "JSON_PARSER_ERROR"},
		{`{"requests":[]}`, "JSON_PARSER_ERROR"},
	} {
		b.call(http.MethodPost, "composite", tc.body).want(tc.code, 400, tc.code)
	}
	if got := b.composite(false, sub("in", "POST", "composite", "{}"), `{"referenceId":"out","method":"GET","url":"/elsewhere"}`); got[0].Status != 404 || got[1].Status != 404 {
		t.Errorf("%+v", got)
	}
}
