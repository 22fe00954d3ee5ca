package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

const member = "sobjects/Contact/MemberNo__c/"

func TestUpsertCreatesThenUpdates(t *testing.T) {
	b := start(t, Options{})
	first := b.call(http.MethodPatch, member+"M-1001", `{"LastName":"周","Points__c":5,"SourceVersion__c":"1","RegisteredAt__c":"2026-01-01T08:00:00+08:00"}`)
	first.want("create", 201, "")
	before, _ := b.Lookup("Contact", "M-1001")
	b.clock.add(time.Minute)
	second := b.call(http.MethodPatch, member+"m-1001", `{"LastName":"周","Points__c":5,"SourceVersion__c":"1","RegisteredAt__c":"2026-01-01T08:00:00+08:00"}`)
	second.want("update", 200, "")
	b.call(http.MethodPatch, member+"M-1001", `{"FirstName":"林","Points__c":null,"SourceVersion__c":"2"}`)
	if a, c := first.object(), second.object(); a["id"] != c["id"] || a["created"] != true || c["created"] != false || a["success"] != true {
		t.Errorf("%v then %v", a, c)
	}
	recs := b.Records("Contact")
	if len(recs) != 1 {
		t.Fatalf("%d records", len(recs))
	}
	want := map[string]string{"MemberNo__c": "M-1001", "LastName": "周", "FirstName": "林", "SourceVersion__c": "2", "RegisteredAt__c": "2026-01-01T00:00:00.000+0000"}
	got := recs[0].Values
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, there := got["Points__c"]; there {
		t.Error("null must empty a field")
	}
	if !recs[0].Modified.After(before.Modified) {
		t.Error("SystemModstamp must move")
	}
	if diff := cmp.Diff(map[Effect]int{EffectCreated: 1, EffectUnchanged: 1, EffectUpdated: 1}, b.Effects("Contact", "M-1001")); diff != "" {
		t.Error(diff)
	}
	if h := b.History("Contact", ""); h[0].Version != "1" || h[2].Version != "2" {
		t.Errorf("%+v", h)
	}
	b.call(http.MethodPatch, member+"M-2?updateOnly=true", `{"LastName":"林"}`).want("updateOnly", 404, "NOT_FOUND")
}

func TestOldVersionsAnswerUpdatesWithoutABody(t *testing.T) {
	b := start(t, Options{})
	for i, want := range []int{201, 204} {
		req, err := http.NewRequest(http.MethodPatch, b.url+"/services/data/v45.0/"+member+"M-1", strings.NewReader(`{"LastName":"周"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+b.token)
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
		if a := b.do(req); a.status != want || (len(a.raw) == 0) != (want == 204) {
			t.Errorf("call %d: %d %s", i, a.status, a.raw)
		}
	}
}

func TestKeysInThePath(t *testing.T) {
	b := start(t, Options{})
	b.call(http.MethodPatch, member+"a%2Fb%2Ec%20%E5%BC%A0", `{"LastName":"周"}`).want("encoded", 201, "")
	if _, ok := b.Lookup("Contact", "a/b.c 张"); !ok {
		t.Error("the key was not decoded")
	}
	b.call(http.MethodPatch, member+"a.b", `{"LastName":"周"}`).want("dot", 404, "NOT_FOUND")
	b.call(http.MethodPatch, member+"a/b", `{"LastName":"周"}`).want("slash", 404, "NOT_FOUND")
	b.call(http.MethodPatch, member+"%20", `{"LastName":"周"}`).want("empty", 404, "NOT_FOUND")
	b.call(http.MethodPatch, member+"M-1", `{"LastName":"周","MemberNo__c":"M-1"}`).want("key in body", 400, "INVALID_FIELD")
}

func TestFieldRules(t *testing.T) {
	for _, tc := range []struct{ body, code string }{
		{`{"FirstName":"林"}`, "REQUIRED_FIELD_MISSING"},
		{`{"LastName":""}`, "REQUIRED_FIELD_MISSING"},
		{`{"LastName":"周","Colour__c":1}`, "INVALID_FIELD"},
		{`{"LastName":"周","FirstName":"` + strings.Repeat("林", 41) + `"}`, "STRING_TOO_LONG"},
		{`{"LastName":5}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","Points__c":"5"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","Points__c":5.5}`, "NUMBER_OUTSIDE_VALID_RANGE"},
		{`{"LastName":"周","Points__c":1e3}`, "NUMBER_OUTSIDE_VALID_RANGE"},
		{`{"LastName":"周","Points__c":1234567890123}`, "NUMBER_OUTSIDE_VALID_RANGE"},
		{`{"LastName":"周","OptIn__c":"true"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","Birthdate":"2000-02-30"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","Birthdate":"2000-02-01T00:00:00Z"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","RegisteredAt__c":"2026-01-01 08:00:00"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","RegisteredAt__c":"2026-01-01T08:00:00"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","Email":"zhou@example"}`, "INVALID_EMAIL_ADDRESS"},
		{`{"LastName":"周","Gender__c":"Male"}`, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
		{`{"LastName":"周","AccountId":"A-7"}`, "MALFORMED_ID"},
		{`{"LastName":"周","AccountId":"0015gS000000001"}`, "INVALID_CROSS_REFERENCE_KEY"},
		{`{"LastName":"周","Account":{"Hub_Account_Id__c":"nobody"}}`, "INVALID_FIELD"},
		{`{"LastName":"周","Account":{"Name":"x"}}`, "INVALID_FIELD"},
		{`{"LastName":"周","Account":"A-7"}`, "JSON_PARSER_ERROR"},
		{`{"LastName":"周","CreatedDate":"2026-01-01T08:00:00Z"}`, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		{`{"LastName":"周","Name":"x"}`, "INVALID_FIELD_FOR_INSERT_UPDATE"},
	} {
		b := start(t, Options{})
		b.call(http.MethodPatch, member+"M-1", tc.body).want(tc.body, 400, tc.code)
		if len(b.Records("Contact")) != 0 || b.count("sobjects/Contact").Refused != 1 {
			t.Errorf("%s: %d records, %+v", tc.body, len(b.Records("Contact")), b.count("sobjects/Contact"))
		}
	}
	b := start(t, Options{})
	b.call(http.MethodPatch, member+strings.Repeat("x", 81), `{"LastName":"周"}`).want("long key", 400, "STRING_TOO_LONG")
	b.call(http.MethodPatch, member+"M-1", `{"LastName":"周","Points__c":5.0,"Email":"zhou@example.com","RegisteredAt__c":"2026-01-01T08:00:00.123Z","Birthdate":"2000-02-29","Gender__c":"male"}`).want("good", 201, "")
}

func TestRefusalsKeepNoPersonalValues(t *testing.T) {
	b := start(t, Options{})
	a := b.call(http.MethodPatch, member+"M-1", `{"LastName":"周","Email":"zhou.example"}`)
	if !strings.Contains(string(a.raw), "zhou.example") {
		t.Errorf("the vendor echoes the value: %s", a.raw)
	}
	if r := b.Refusals(); len(r) != 1 || strings.Contains(r[0].Text, "zhou") || r[0].Code != "INVALID_EMAIL_ADDRESS" {
		t.Errorf("%+v", r)
	}
}

func TestUniqueField(t *testing.T) {
	b := start(t, Options{})
	b.call(http.MethodPatch, member+"M-1", `{"LastName":"周","UnionId__c":"oA"}`).want("first", 201, "")
	b.call(http.MethodPatch, member+"M-2", `{"LastName":"林","UnionId__c":"oA"}`).want("clash", 400, "DUPLICATE_VALUE")
	b.call(http.MethodPatch, member+"M-2", `{"LastName":"林","UnionId__c":"oa"}`).want("another case", 201, "")
	b.call(http.MethodPost, "sobjects/Contact", `{"LastName":"林","MemberNo__c":"M-2"}`).want("insert", 400, "DUPLICATE_VALUE")
	if e := b.Effects("Contact", "M-2"); e[EffectDuplicateRefused] != 2 || e[EffectCreated] != 1 {
		t.Errorf("%v", e)
	}
}

func TestSeveralMatches(t *testing.T) {
	b := start(t, Options{})
	const account = "sobjects/Account/Hub_Account_Id__c/A-7"
	b.call(http.MethodPatch, account, `{"Name":"一号店"}`).want("first", 201, "")
	if _, err := b.Duplicate("Account", "A-7"); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodPatch, http.MethodGet} {
		body := ""
		if method == http.MethodPatch {
			body = `{"Name":"二号店"}`
		}
		a := b.call(method, account, body)
		links, ok := a.tree().([]any)
		if a.status != 300 || !ok || len(links) != 2 || !strings.HasPrefix(links[0].(string), v67+"sobjects/Account/001") {
			t.Errorf("%s: %d %s", method, a.status, a.raw)
		}
	}
	got := b.rows("Account", "Hub_Account_Id__c", `{"attributes":{"type":"Account"},"Hub_Account_Id__c":"A-7","Name":"x"}`, false)
	if diff := cmp.Diff([]string{"DUPLICATE_EXTERNAL_ID"}, got); diff != "" {
		t.Error(diff)
	}
	for _, r := range b.Records("Account") {
		if r.Values["Name"] != "一号店" {
			t.Error("nothing may be written")
		}
	}
	b.call(http.MethodPatch, member+"M-1", `{"LastName":"周","Account":{"Hub_Account_Id__c":"A-7"}}`).want("parent", 400, "DUPLICATE_EXTERNAL_ID")
}

func TestCollection(t *testing.T) {
	b := start(t, Options{})
	got := b.rows("Contact", "MemberNo__c", strings.Join([]string{
		contact("M-1", ""), contact("M-2", `,"Gender__c":"x"`), contact("m-1", ""), contact("M-3", ""), `{"attributes":{"type":"contact"},"LastName":"周"}`}, ","), false)
	if diff := cmp.Diff([]string{"created", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "DUPLICATE_VALUE", "created", "MISSING_ARGUMENT"}, got); diff != "" {
		t.Error(diff)
	}
	got = b.rows("Contact", "MemberNo__c", contact("M-3", "")+","+contact("M-4", ""), false)
	if diff := cmp.Diff([]string{"updated", "created"}, got); diff != "" {
		t.Error(diff)
	}
	if c := b.count("composite/sobjects/Contact"); c.Requests != 2 || c.Refused != 3 {
		t.Errorf("%+v", c)
	}
}

func TestCollectionAllOrNone(t *testing.T) {
	b := start(t, Options{})
	b.rows("Contact", "MemberNo__c", contact("M-1", `,"FirstName":"before"`), false)
	got := b.rows("Contact", "MemberNo__c", contact("M-1", `,"FirstName":"after"`)+","+contact("M-2", "")+","+contact("M-3", `,"Email":"x"`), true)
	if diff := cmp.Diff([]string{"ALL_OR_NONE_OPERATION_ROLLED_BACK", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_EMAIL_ADDRESS"}, got); diff != "" {
		t.Error(diff)
	}
	recs := b.Records("Contact")
	if len(recs) != 1 || recs[0].Values["FirstName"] != "before" {
		t.Errorf("%+v", recs)
	}
	if e := b.Effects("Contact", ""); e[EffectCreated] != 1 || e[EffectUpdated] != 0 || e[EffectRefused] != 1 {
		t.Errorf("%v", e)
	}
	if _, ok := b.Lookup("Contact", "M-2"); ok {
		t.Error("the key index was not rolled back")
	}
	b.call(http.MethodPatch, member+"M-2", `{"LastName":"周"}`).want("after the rollback", 201, "")
}

func TestCollectionRefusedAsAWhole(t *testing.T) {
	b := start(t, Options{})
	many := strings.TrimSuffix(strings.Repeat(contact("M", "")+",", 201), ",")
	for _, tc := range []struct{ body, code string }{
		{`{"records":[` + many + `]}`, "EXCEEDED_ID_LIMIT"},
		{`{"records":[]}`, "JSON_PARSER_ERROR"},
		{`{"records":[1]}`, "JSON_PARSER_ERROR"},
		{`{"allOrNone":"no","records":[` + contact("M-1", "") + `]}`, "JSON_PARSER_ERROR"},
		{`{"rows":[]}`, "JSON_PARSER_ERROR"},
		{`{"records":[{"MemberNo__c":"M-1","LastName":"周"}]}`, "INVALID_TYPE"},
		{`{"records":[` + contact("M-1", "") + `,` + contact("M-2", `,"Colour__c":1`) + `]}`, "INVALID_FIELD"},
		{`{"records":[` + contact("M-1", "") + `,` + contact("M-2", `,"Points__c":"1"`) + `]}`, "JSON_PARSER_ERROR"},
	} {
		b.call(http.MethodPatch, "composite/sobjects/Contact/MemberNo__c", tc.body).want(tc.code, 400, tc.code)
	}
	if n := len(b.Records("Contact")); n != 0 {
		t.Errorf("%d records written", n)
	}
	b.call(http.MethodPost, "composite/sobjects/Contact/MemberNo__c", `{}`).want("POST", 405, "METHOD_NOT_ALLOWED")
	b.call(http.MethodPatch, "composite/sobjects/Contact/LastName", `{}`).want("no external id", 404, "NOT_FOUND")
}

func sale(id, more string) string {
	return `{"attributes":{"type":"Transaction__c"},"External_Id__c":"` + id + `","TotalAmount__c":118.00` + more + `}`
}

func saleLine(id, parent, more string) string {
	return `{"attributes":{"type":"TransactionLine__c"},"External_Id__c":"` + id + `","Transaction__r":{"External_Id__c":"` + parent + `"},"NetAmount__c":110.00` + more + `}`
}

func TestParentsByExternalID(t *testing.T) {
	b := start(t, Options{})
	b.rows("Contact", "MemberNo__c", contact("M-1", ""), false)
	b.rows("Transaction__c", "External_Id__c", sale("T-1", `,"Status__c":"paid","Contact__r":{"MemberNo__c":"M-1"}`)+","+sale("T-2", ""), false)
	got := b.rows("TransactionLine__c", "External_Id__c", saleLine("T-1-1", "T-1", `,"Quantity__c":2,"UnitPrice__c":55.00`)+","+saleLine("T-9-1", "T-9", ""), false)
	if diff := cmp.Diff([]string{"created", "INVALID_FIELD"}, got); diff != "" {
		t.Error(diff)
	}
	line, _ := b.Lookup("TransactionLine__c", "T-1-1")
	head, _ := b.Lookup("Transaction__c", "T-1")
	if line.Parents["Transaction__c"] != "T-1" || line.Values["NetAmount__c"] != "110.00" || head.Parents["Contact__c"] != "M-1" || head.Values["TotalAmount__c"] != "118.00" {
		t.Errorf("%+v\n%+v", line, head)
	}
	got = b.rows("TransactionLine__c", "External_Id__c", saleLine("T-1-1", "T-2", ""), false)
	if diff := cmp.Diff([]string{"INVALID_FIELD_FOR_INSERT_UPDATE"}, got); diff != "" {
		t.Errorf("a detail keeps its master: %s", diff)
	}
	got = b.rows("TransactionLine__c", "External_Id__c", `{"attributes":{"type":"TransactionLine__c"},"External_Id__c":"T-1-2","NetAmount__c":1}`, false)
	if diff := cmp.Diff([]string{"REQUIRED_FIELD_MISSING"}, got); diff != "" {
		t.Error(diff)
	}
	got = b.rows("Transaction__c", "External_Id__c", sale("T-3", `,"Freight__c":8.005`), false)
	if diff := cmp.Diff([]string{"NUMBER_OUTSIDE_VALID_RANGE"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLockedRows(t *testing.T) {
	b := start(t, Options{})
	b.rows("Transaction__c", "External_Id__c", sale("T-1", ""), false)
	b.LockRow("Transaction__c", "T-1", 2)
	if diff := cmp.Diff([]string{"UNABLE_TO_LOCK_ROW", "created"}, b.rows("Transaction__c", "External_Id__c", sale("T-1", "")+","+sale("T-2", ""), false)); diff != "" {
		t.Error(diff)
	}
	lines := func() []string {
		return b.rows("TransactionLine__c", "External_Id__c", saleLine("T-1-1", "T-1", ""), false)
	}
	if diff := cmp.Diff([]string{"UNABLE_TO_LOCK_ROW"}, lines()); diff != "" {
		t.Errorf("a child waits for its parent: %s", diff)
	}
	if diff := cmp.Diff([]string{"created"}, lines()); diff != "" {
		t.Error(diff)
	}
	b.fault(simkit.Fault{Kind: simkit.ErrorBody, Call: "row/Contact", Code: "UNABLE_TO_LOCK_ROW", Skip: 1, Count: 1})
	if diff := cmp.Diff([]string{"created", "UNABLE_TO_LOCK_ROW", "created"}, b.rows("Contact", "MemberNo__c", contact("M-1", "")+","+contact("M-2", "")+","+contact("M-3", ""), false)); diff != "" {
		t.Error(diff)
	}
}

func TestRecordByID(t *testing.T) {
	b := start(t, Options{})
	id, _ := b.call(http.MethodPost, "sobjects/Contact", `{"LastName":"周","MemberNo__c":"M-1","Points__c":5}`).object()["id"].(string)
	if len(id) != 18 || !strings.HasPrefix(id, "003") {
		t.Fatalf("id %q", id)
	}
	b.call(http.MethodPatch, "sobjects/Contact/"+id[:15], `{"FirstName":"林"}`).want("update by the short id", 204, "")
	got := b.call(http.MethodGet, member+"M-1", "").object()
	if got["Name"] != "林 周" || got["Points__c"] != json.Number("5.0") || got["CreatedDate"] != "2026-11-20T08:00:00.000+0000" || got["OptIn__c"] != false || got["Email"] != nil {
		t.Errorf("%v", got)
	}
	got = b.call(http.MethodGet, "sobjects/Contact/"+id+"?fields=LastName", "").object()
	if len(got) != 3 || got["LastName"] != "周" {
		t.Errorf("%v", got)
	}
	b.call(http.MethodGet, member+"M-1?fields=Colour__c", "").want("unknown field", 400, "INVALID_FIELD")
	b.call(http.MethodDelete, member+"M-1", "").want("delete", 204, "")
	b.call(http.MethodGet, "sobjects/Contact/"+id, "").want("deleted", 404, "NOT_FOUND")
	b.call(http.MethodPatch, member+"M-1", `{"LastName":"周"}`).want("the key is free again", 201, "")
	if e := b.Effects("Contact", "M-1"); e[EffectDeleted] != 1 || e[EffectCreated] != 2 || e[EffectUpdated] != 1 {
		t.Errorf("%v", e)
	}
}

// The vendor's own example of the 18-character form.
func TestIDSuffix(t *testing.T) {
	if got := withSuffix("001A0000006Vm9u"); got != "001A0000006Vm9uIAC" {
		t.Error(got)
	}
	for id, want := range map[string]bool{"001A0000006Vm9u": true, "001A0000006Vm9uIAC": true, "001A0000006Vm9uIAA": false, "001": false, "001A0000006Vm9-": false} {
		if _, ok := normalID(id); ok != want {
			t.Errorf("%s: %v", id, ok)
		}
	}
}

func TestConcurrentUpserts(t *testing.T) {
	b := start(t, Options{})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			b.call(http.MethodPatch, member+fmt.Sprint("M-", i%3), `{"LastName":"周"}`)
			if _, err := json.Marshal(b.Record()); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	e := b.Effects("Contact", "")
	if len(b.Records("Contact")) != 3 || e[EffectCreated] != 3 || e[EffectUnchanged] != 9 {
		t.Errorf("%v", e)
	}
}
