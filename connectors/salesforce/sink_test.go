package salesforce

import (
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

func TestContactsOfOneCallFailOnTheirOwn(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	want(t, o.push(t, opContact, delivery("M-0", contactDocument("M-0", "王", `,"fields":{"UnionId__c":"invented-union"}`)))["M-0"], connectors.Done, "")
	o.sim.LockRow("Contact", "M-0", 1)
	before := o.proxy.count("/MemberNo__c")
	got := o.push(t, opContact,
		delivery("M-0", contactDocument("M-0", "王", "")),
		delivery("M-1", contactDocument("M-1", "李", `,"FirstName":"四"`)),
		delivery("M-2", contactDocument("M-2", strings.Repeat("长", 81), "")),
		delivery("M-3", contactDocument("M-3", "赵", `,"fields":{"UnionId__c":"invented-union"}`)),
		delivery("M-4", contactDocument("M-4", "钱", `,"fields":{"AccountId":"not-an-id"}`)),
		delivery("M-5", contactDocument("M-5", "孙", `,"fields":{"Account":{"Hub_Account_Id__c":"A-404"}}`)),
		delivery("m-1", contactDocument("m-1", "周", "")),
		delivery("M-6", contactDocument("M-7", "吴", "")),
	)
	if n := o.proxy.count("/MemberNo__c") - before; n != 1 {
		t.Errorf("%d calls, want one", n)
	}
	want(t, got["M-0"], connectors.NotSent, "UNABLE_TO_LOCK_ROW")
	if e := got["M-0"].Err; e.Scope != doc || e.Kind != connectors.Unavailable || e.Wait <= 0 {
		t.Errorf("a locked row: %+v", e)
	}
	want(t, got["M-1"], connectors.Done, "")
	want(t, got["M-2"], connectors.Refused, "STRING_TOO_LONG")
	if e := got["M-2"].Err; !strings.Contains(e.Text, "LastName") || strings.Contains(e.Text, "长长") {
		t.Errorf("the field must be named and its value not shown: %s", e.Text)
	}
	want(t, got["M-3"], connectors.Refused, "DUPLICATE_VALUE")
	if e := got["M-3"].Err; e.Kind != connectors.Conflict || !strings.Contains(e.Text, "UnionId__c") || strings.Contains(e.Text, "invented-union") {
		t.Errorf("a clash: %s", e.Text)
	}
	want(t, got["M-4"], connectors.Refused, "MALFORMED_ID")
	want(t, got["M-5"], connectors.Refused, "INVALID_FIELD")
	want(t, got["m-1"], connectors.NotSent, "salesforce.again")
	want(t, got["M-6"], connectors.Refused, "salesforce.document")
	rec, _ := o.sim.Lookup("Contact", "M-1")
	if id := got["M-1"].RemoteIDs; len(id) != 1 || id[0] != (connectors.RemoteID{Kind: "contact", Value: rec.ID}) {
		t.Errorf("remote ids %v, want %s", id, rec.ID)
	}
	x := got["M-1"].Exchanges[0]
	if !strings.Contains(x.Request, "四") || strings.Contains(x.Request, "M-0") || strings.Contains(x.Response, "UNABLE_TO_LOCK_ROW") {
		t.Errorf("the exchange of one row shows others: %+v", x)
	}
}

func TestAFieldNobodyKnowsIsTheFaultOfItsRow(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	got := o.push(t, opContact, delivery("M-1", contactDocument("M-1", "李", "")), delivery("M-2", contactDocument("M-2", "王", `,"fields":{"NoSuch__c":"x"}`)))
	want(t, got["M-1"], connectors.NotSent, "salesforce.again")
	want(t, got["M-2"], connectors.Refused, "INVALID_FIELD")
	if !strings.Contains(got["M-2"].Err.Text, "NoSuch__c") {
		t.Errorf("the field is not named: %s", got["M-2"].Err.Text)
	}
	got = o.push(t, opTransaction, delivery("T-1", transactionDocument("T-1", "1.00", `,"fields":{"NoSuch__c":"x"}`, lineOf("1", "1", "1.00"))))
	want(t, got["T-1"], connectors.Refused, "INVALID_FIELD")
}

func TestABatchRefusedForAnUnnamedRowIsLeftToTheEngineToHalve(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	bad := delivery("M-2", contactDocument("M-2", "王", `,"fields":{"Points__c":"many"}`))
	_, err := o.Deliver(t.Context(), opContact, []connectors.Delivery{delivery("M-1", contactDocument("M-1", "李", "")), bad})
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Invalid || e.Scope != doc || e.Sent {
		t.Fatalf("a batch whose row cannot be told: %+v", e)
	}
	want(t, o.push(t, opContact, bad)["M-2"], connectors.Refused, "JSON_PARSER_ERROR")
	// With a result given already the engine would not halve: the sound one goes again.
	got := o.push(t, opContact, delivery("M-1", contactDocument("M-1", "李", "")), bad, delivery("M-3", `{}`))
	want(t, got["M-1"], connectors.NotSent, "salesforce.again")
	want(t, got["M-3"], connectors.Refused, "salesforce.document")
}

func TestAConfiguredFieldThatIsNotThereClosesTheOperation(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	o.headerFields["OrderNo"] = "NoSuch__c"
	res := o.push(t, opTransaction, delivery("T-1", transactionDocument("T-1", "1.00", `,"OrderNo":"1"`, lineOf("1", "1", "1.00"))))["T-1"]
	want(t, res, connectors.NotSent, "INVALID_FIELD")
	if res.Err.Scope != call {
		t.Errorf("scope %s, want the operation's", res.Err.Scope)
	}
	o.contactKey = "NoSuchKey__c"
	res = o.push(t, opContact, delivery("M-1", contactDocument("M-1", "李", "")))["M-1"]
	if res.Outcome != connectors.NotSent || res.Err.Scope != call {
		t.Errorf("an external id field that is not there: %d %+v", res.Outcome, res.Err)
	}
}

func TestALineThatIsGoneIsSetToZero(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	first := transactionDocument("T-1", "270.00", "", lineOf("1", "1", "90.00"), lineOf("2", "2", "180.00"))
	want(t, o.push(t, opTransaction, delivery("T-1", first))["T-1"], connectors.Done, "")
	edited := transactionDocument("T-1", "120.00", "", lineOf("1", "1", "90.00"), lineOf("3", "1", "30.00"))
	want(t, o.push(t, opTransaction, delivery("T-1", edited))["T-1"], connectors.Done, "")
	got := map[string]string{}
	for _, l := range o.sim.Records("TransactionLine__c") {
		got[l.Key] = l.Values["Quantity__c"] + " " + l.Values["NetAmount__c"] + " " + l.Parents["Transaction__c"]
	}
	if d := cmp.Diff(map[string]string{"T-1:1": "1 90.00 T-1", "T-1:2": "0 0 T-1", "T-1:3": "1 30.00 T-1"}, got); d != "" {
		t.Errorf("lines (-want +got): %s", d)
	}
	writes := len(o.sim.History("TransactionLine__c", "T-1:2"))
	want(t, o.push(t, opTransaction, delivery("T-1", edited))["T-1"], connectors.Done, "")
	if n := len(o.sim.History("TransactionLine__c", "T-1:2")); n != writes {
		t.Errorf("a line at zero was written again")
	}
	if d := cmp.Diff([]connectors.Presence{connectors.Same, connectors.Other}, []connectors.Presence{
		o.look(t, opTransaction, "T-1", edited).Presence, o.look(t, opTransaction, "T-1", first).Presence}); d != "" {
		t.Errorf("look-up (-want +got): %s", d)
	}
	// The line comes back as the same record.
	want(t, o.push(t, opTransaction, delivery("T-1", first))["T-1"], connectors.Done, "")
	if l, _ := o.sim.Lookup("TransactionLine__c", "T-1:2"); l.Values["Quantity__c"] != "2" {
		t.Errorf("the line did not come back: %v", l.Values)
	}
}

func TestATransactionTakesEffectAsAWholeOrNotAtAll(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	many := make([]string, 450)
	for i := range many {
		many[i] = lineOf(fmt.Sprint(i), "1", "1.00")
	}
	many[449] = `{"line_id":"449","Sku":"` + strings.Repeat("S", 65) + `","Quantity":"1","NetAmount":"1.00"}`
	res := o.push(t, opTransaction, delivery("T-1", transactionDocument("T-1", "450.00", "", many...)))["T-1"]
	want(t, res, connectors.Refused, "STRING_TOO_LONG")
	if h, l := len(o.sim.Records("Transaction__c")), len(o.sim.Records("TransactionLine__c")); h != 0 || l != 0 {
		t.Errorf("%d headers and %d lines of a refused transaction are there", h, l)
	}
	many[449] = lineOf("449", "1", "1.00")
	want(t, o.push(t, opTransaction, delivery("T-1", transactionDocument("T-1", "450.00", "", many...)))["T-1"], connectors.Done, "")
	if l := len(o.sim.Records("TransactionLine__c")); l != 450 {
		t.Errorf("%d lines, want 450", l)
	}
	// 450 that are gone and 400 new ones do not fit into one call.
	for i := range many {
		many[i] = lineOf("n"+fmt.Sprint(i), "1", "1.00")
	}
	want(t, o.push(t, opTransaction, delivery("T-1", transactionDocument("T-1", "400.00", "", many[:400]...)))["T-1"], connectors.Refused, "salesforce.document")
}

func TestAMissingParentIsNamed(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	sale := transactionDocument("T-1", "1.00", `,"contact":"M-1"`, lineOf("1", "1", "1.00"))
	refund := transactionDocument("R-1", "1.00", `,"contact":"M-1","original":"T-1","Type":"refund"`, lineOf("1", "1", "1.00"))
	missing := func(key, document string, operation, of string) {
		t.Helper()
		res := o.push(t, opTransaction, delivery(key, document))[key]
		want(t, res, connectors.MissingReference, "INVALID_FIELD")
		if res.Missing == nil || *res.Missing != (connectors.Missing{Operation: operation, Key: of}) {
			t.Errorf("missing %+v, want %s %s", res.Missing, operation, of)
		}
	}
	missing("T-1", sale, opContact, "M-1")
	want(t, o.push(t, opContact, delivery("M-1", contactDocument("M-1", "李", "")))["M-1"], connectors.Done, "")
	missing("R-1", refund, opTransaction, "T-1")
	want(t, o.push(t, opTransaction, delivery("T-1", sale))["T-1"], connectors.Done, "")
	want(t, o.push(t, opTransaction, delivery("R-1", refund))["R-1"], connectors.Done, "")
	if r, _ := o.sim.Lookup("Transaction__c", "R-1"); r.Parents["Original__c"] != "T-1" || r.Parents["Contact__c"] != "M-1" {
		t.Errorf("parents %v", r.Parents)
	}
	if f := o.look(t, opTransaction, "R-1", refund); f.Presence != connectors.Same {
		t.Errorf("look-up through relationships: %+v", f)
	}
}

func TestAWriteWhoseRowsAreMissingIsUnknown(t *testing.T) {
	for name, answer := range map[string]string{
		"fewer rows":       `[{"id":"003000000000001AAA","success":true,"errors":[]}]`,
		"no rows":          `{"done":true}`,
		"neither":          `[{"success":false,"errors":[]},{"success":true}]`,
		"a code of ours":   `[{"success":false,"errors":[{"statusCode":"NEVER_SEEN_BEFORE","message":"m"}]},null]`,
		"only followers":   `[{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK"}]},{}]`,
		"broken inside":    `[{"id":3},{"id":"003000000000001AAA","success":"yes"}]`,
		"a page, HTTP 200": `<html><p>Down for maintenance</p></html>`,
	} {
		c := stub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		for key, res := range pushTo(t, c, opContact, delivery("M-1", contactDocument("M-1", "李", "")), delivery("M-2", contactDocument("M-2", "王", ""))) {
			if res.Outcome != connectors.Unknown || res.Err == nil || !res.Err.Sent {
				t.Errorf("%s: %s is %d, %+v", name, key, res.Outcome, res.Err)
			}
		}
	}
	for name, answer := range map[string]string{
		"nothing":      `{"compositeResponse":[]}`,
		"no header id": `{"compositeResponse":[{"body":[{"success":true}],"httpStatusCode":200,"referenceId":"header"},{"body":[{"success":true,"id":"a"}],"httpStatusCode":200,"referenceId":"lines1"}]}`,
		"a part less":  `{"compositeResponse":[{"body":[{"success":true,"id":"a"}],"httpStatusCode":200,"referenceId":"header"}]}`,
		"half":         `{"compositeResponse":[{"body":[{"success":true,"id":"a"}],"httpStatusCode":200,"referenceId":"header"},{"body":[{"success":false,"errors":[{"statusCode":"STRING_TOO_LONG"}]}],"httpStatusCode":200,"referenceId":"lines1"}]}`,
		"halted":       `{"compositeResponse":[{"body":[{"errorCode":"PROCESSING_HALTED"}],"httpStatusCode":400,"referenceId":"header"}]}`,
		"no answer":    `[]`,
	} {
		c := stub(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, `{"totalSize":0,"done":true,"records":[]}`)
				return
			}
			_, _ = io.WriteString(w, answer)
		})
		res := pushTo(t, c, opTransaction, delivery("T-1", transactionDocument("T-1", "1.00", "", lineOf("1", "1", "1.00"))))["T-1"]
		if res.Outcome != connectors.Unknown || res.Err == nil || !res.Err.Sent {
			t.Errorf("composite, %s: %d %+v", name, res.Outcome, res.Err)
		}
	}
}

func TestAReadBeforeTheWriteLeavesNothingUnknown(t *testing.T) {
	for _, kind := range []simkit.Kind{simkit.Garble, simkit.DropAnswer, simkit.BadGateway, simkit.Status, simkit.RateLimit} {
		o := newOrg(t, salesforcesim.Options{})
		o.fault(t, simkit.Fault{Kind: kind, Call: "query"}) // a read may be repeated below us
		res := o.push(t, opTransaction, delivery("T-1", transactionDocument("T-1", "1.00", "", lineOf("1", "1", "1.00"))))["T-1"]
		if res.Outcome != connectors.NotSent || res.Err.Sent || len(res.Exchanges) == 0 {
			t.Errorf("%s: %d %+v", kind, res.Outcome, res.Err)
		}
		if n := o.proxy.count("/composite"); n != 0 {
			t.Errorf("%s: written without knowing the lines", kind)
		}
	}
}

func TestSameExternalIDCreatedAtTheSameMomentGoesAgain(t *testing.T) {
	answer := `[{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"duplicate value found: MemberNo__c duplicates value on record with id: 003000000000001AAA","fields":[]}]}]`
	c := stub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	want(t, pushTo(t, c, opContact, delivery("M-1", contactDocument("M-1", "李", "")))["M-1"], connectors.NotSent, "salesforce.again")
}

func TestDuplicateRulesAreOverriddenOnlyWhenConfigured(t *testing.T) {
	for _, allow := range []string{"true", "false"} {
		var header string
		c := stub(t, func(w http.ResponseWriter, r *http.Request) {
			header = r.Header.Get("Sforce-Duplicate-Rule-Header")
			_, _ = io.WriteString(w, `[{"id":"003000000000001AAA","success":true,"errors":[]}]`)
		})
		c.allowDuplicates = allow == "true"
		want(t, pushTo(t, c, opContact, delivery("M-1", contactDocument("M-1", "李", "")))["M-1"], connectors.Done, "")
		if (header != "") != c.allowDuplicates {
			t.Errorf("allow_duplicates %s sends %q", allow, header)
		}
	}
}

func TestNullEmptiesAFieldAndLeavingOutKeepsIt(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	now := time.Now()
	for i, document := range []string{
		contactDocument("M-1", "李", `,"Email":"member@example.test","MobilePhone":"+8613800000001"`),
		contactDocument("M-1", "李", `,"Email":null`),
	} {
		want(t, o.push(t, opContact, delivery("M-1", document))["M-1"], connectors.Done, "")
		if f := o.look(t, opContact, "M-1", document); f.Presence != connectors.Same {
			t.Errorf("version %d: %+v", i, f)
		}
	}
	rec, _ := o.sim.Lookup("Contact", "M-1")
	if rec.Values["Email"] != "" || rec.Values["MobilePhone"] != "+8613800000001" || rec.Modified.Before(now.Add(-time.Minute)) {
		t.Errorf("values %v", rec.Values)
	}
}

func TestDocumentsThatCannotGo(t *testing.T) {
	c := stub(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("called %s", r.URL.Path) })
	for _, tc := range []struct{ operation, document, names string }{
		{opContact, `[]`, "object"},
		{opContact, `{"external_id":"K"`, "JSON"},
		{opContact, `{"LastName":"李"}`, "external_id"},
		{opContact, `{"external_id":"K","LastName":3}`, "LastName"},
		{opContact, `{"external_id":"K","LastName":"李","Nick":"x"}`, "Nick"},
		{opContact, `{"external_id":"K","LastName":"李","fields":{"membERno__c":"x"}}`, "membERno__c"},
		{opContact, `{"external_id":"K","LastName":"李","fields":{"lastname":"x"}}`, "lastname"},
		{opContact, `{"external_id":"K","LastName":"李","fields":{"Id":"x"}}`, "Id"},
		{opContact, `{"external_id":"K","LastName":"李","fields":{"A b":"x"}}`, "API name"},
		{opContact, `{"external_id":"K","LastName":"李","fields":{"Tags__c":["a"]}}`, "Tags__c"},
		{opContact, `{"external_id":"K","LastName":"李","fields":{"Account":{"A__c":"1","B__c":"2"}}}`, "Account"},
		{opContact, `{"external_id":"K","LastName":"李","fields":"x"}`, "fields"},
		{opTransaction, `{"external_id":"K","Status":"paid","Amount":"1.00"}`, "Lines"},
		{opTransaction, transactionDocument("K", "1e2", "", lineOf("1", "1", "1.00")), "Amount"},
		{opTransaction, transactionDocument("K", "1.00", "", lineOf("1", "1", "1.00"), lineOf("1", "1", "1.00")), "Lines/1/line_id"},
		{opTransaction, transactionDocument("K", "1.00", "", lineOf("a:b", "1", "1.00")), "Lines/0/line_id"},
		{opTransaction, transactionDocument("K", "1.00", "", `{"line_id":"1","Quantity":"1"}`), "Lines/0/NetAmount"},
		{opTransaction, transactionDocument("K", "1.00", "", `{"line_id":"1","Quantity":"1","NetAmount":1}`), "Lines/0/NetAmount"},
		{opTransaction, transactionDocument("K", "1.00", "", `{"line_id":"1","Quantity":"1","NetAmount":"1.00","x":1}`), "Lines/0/x"},
		{opTransaction, transactionDocument("K", "1.00", `,"fields":{"transaction__C":1,"status__c":"x"}`, lineOf("1", "1", "1.00")), "status__c"},
	} {
		res := pushTo(t, c, tc.operation, delivery("K", tc.document))["K"]
		want(t, res, connectors.Refused, "salesforce.document")
		if res.Err != nil && !strings.Contains(res.Err.Text, tc.names) {
			t.Errorf("%s: %q does not name %s", tc.document, res.Err.Text, tc.names)
		}
	}
	if _, err := c.Deliver(t.Context(), "order.push", nil); err == nil {
		t.Error("an operation that is not declared was taken")
	}
}

func (o *org) look(t *testing.T, operation, key, document string) connectors.Finding {
	t.Helper()
	list, err := o.Lookup(t.Context(), operation, []connectors.Delivery{delivery(key, document)})
	if err != nil || len(list) != 1 {
		t.Fatalf("look-up: %v, %v", list, err)
	}
	return list[0]
}

func TestLookupNamesWhatDiffers(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	placed := `,"PlacedAt":"2026-07-01T16:00:00+08:00","fields":{"Remark__c":"a\r\nb ","Freight__c":6.00}`
	document := transactionDocument("T-1", "96.00", placed, lineOf("1", "1", "90.00"))
	want(t, o.push(t, opTransaction, delivery("T-1", document))["T-1"], connectors.Done, "")
	if f := o.look(t, opTransaction, "T-1", document); f.Presence != connectors.Same || len(f.RemoteIDs) != 1 {
		t.Fatalf("the same: %+v", f)
	}
	other := transactionDocument("T-1", "96.01", strings.Replace(placed, "16:00:00", "16:00:01", 1), lineOf("1", "2", "90.00"), lineOf("2", "1", "0.00"))
	f := o.look(t, opTransaction, "T-1", other)
	if d := cmp.Diff([]string{"PlacedAt__c", "TotalAmount__c", "Lines/1/Quantity__c", "Lines/2"}, f.Fields); d != "" || f.Presence != connectors.Other {
		t.Errorf("other (-want +got): %s", d)
	}
	if err := o.sim.Delete("Transaction__c", "T-1"); err != nil {
		t.Fatal(err)
	}
	if f := o.look(t, opTransaction, "T-1", document); f.Presence != connectors.Absent {
		t.Errorf("deleted: %+v", f)
	}
}

func TestSeveralRecordsOfOneExternalIDAreAConflict(t *testing.T) {
	objects := salesforcesim.DefaultObjects()
	for i := range objects {
		for j, f := range objects[i].Fields {
			if f.ExternalID {
				objects[i].Fields[j].Unique = false
			}
		}
	}
	schema, err := salesforcesim.NewSchema(objects)
	if err != nil {
		t.Fatal(err)
	}
	o := newOrg(t, salesforcesim.Options{Schema: schema})
	sale := transactionDocument("T-1", "1.00", "", lineOf("1", "1", "1.00"))
	for operation, document := range map[string]connectors.Delivery{
		opContact: delivery("M-1", contactDocument("M-1", "李", "")), opTransaction: delivery("T-1", sale),
	} {
		want(t, o.push(t, operation, document)[document.Key], connectors.Done, "")
		object := map[string]string{opContact: "Contact", opTransaction: "Transaction__c"}[operation]
		if _, err := o.sim.Duplicate(object, document.Key); err != nil {
			t.Fatal(err)
		}
		res := o.push(t, operation, document)[document.Key]
		want(t, res, connectors.Refused, "DUPLICATE_EXTERNAL_ID")
		if res.Err != nil && res.Err.Kind != connectors.Conflict {
			t.Errorf("%s: kind %s", operation, res.Err.Kind)
		}
		if f := o.look(t, operation, document.Key, string(document.Document)); f.Presence != connectors.CannotTell || f.Err == nil {
			t.Errorf("%s: look-up %+v", operation, f)
		}
	}
}

func TestOneBatchIsOneQueryOfTheLookup(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	var batch []connectors.Delivery
	for i := range 150 {
		key := fmt.Sprintf("M-%03d", i)
		batch = append(batch, delivery(key, contactDocument(key, "李", "")))
	}
	for _, res := range o.push(t, opContact, batch[:149]...) {
		want(t, res, connectors.Done, "")
	}
	before := o.proxy.count("/query")
	found, err := o.Lookup(t.Context(), opContact, batch)
	if err != nil {
		t.Fatal(err)
	}
	if n := o.proxy.count("/query") - before; n != 1 {
		t.Errorf("%d queries", n)
	}
	absent := slices.IndexFunc(found, func(f connectors.Finding) bool { return f.Presence != connectors.Same })
	if absent != 149 || found[149].Presence != connectors.Absent {
		t.Errorf("finding %d: %+v", absent, found[max(0, absent)])
	}
}
