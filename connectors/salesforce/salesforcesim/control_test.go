package salesforcesim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func (b *bench) control(name, body string) answer {
	b.t.Helper()
	rec := httptest.NewRecorder()
	b.ControlHTTP(rec, httptest.NewRequest(http.MethodPost, "/_sim/salesforce/"+name, strings.NewReader(body)))
	return answer{b.t, rec.Code, rec.Header(), rec.Body.Bytes()}
}

func TestControl(t *testing.T) {
	b := stocked(t)
	for _, c := range []struct{ name, body string }{
		{"delete", `{"object":"Transaction__c","key":"T-1"}`},
		{"change", `{"object":"Transaction__c","key":"T-2","fields":{"TotalAmount__c":1.50,"Freight__c":null}}`},
		{"insert", `{"object":"Transaction__c","fields":{"External_Id__c":"ORPHAN","TotalAmount__c":9.90}}`},
		{"duplicate", `{"object":"Contact","key":"M-1"}`},
		{"lock_row", `{"object":"Contact","key":"M-1","times":1}`},
	} {
		if a := b.control(c.name, c.body); a.status != 200 || a.object()["ok"] != true {
			t.Errorf("%s: %d %s", c.name, a.status, a.raw)
		}
	}
	if got := b.keys("SELECT External_Id__c FROM Transaction__c"); got != "T-2,T-3,ORPHAN" {
		t.Error(got)
	}
	if r, _ := b.Lookup("Transaction__c", "T-2"); r.Values["TotalAmount__c"] != "1.50" || r.Values["Freight__c"] != "" {
		t.Errorf("%+v", r)
	}
	people := b.Records("Contact")
	if len(people) != 3 || people[2].Values["LastName"] != "周" || people[2].Key != "" {
		t.Errorf("%+v", people)
	}
	b.call(http.MethodPatch, member+"M-1", `{"FirstName":"x"}`).want("locked", 400, "UNABLE_TO_LOCK_ROW")
	if n := len(b.History("Transaction__c", "ORPHAN")); n != 0 {
		t.Error("what is done behind the hub's back is no write of the hub's")
	}
	for _, c := range []struct{ name, body string }{
		{"delete", `{"object":"Transaction__c","key":"T-1"}`}, {"delete", `{"object":"Nothing","key":"T-1"}`}, {"explode", `{}`}, {"delete", `{"id":1}`},
		{"insert", `{"object":"Transaction__c","fields":{"External_Id__c":"T-2","TotalAmount__c":1}}`}, {"insert", `{"object":"Contact","fields":[]}`},
		{"change", `{"object":"Contact","key":"M-1","fields":{"Colour__c":1}}`}, {"lock_row", `{"object":"Contact","key":"M-1"}`},
	} {
		if a := b.control(c.name, c.body); a.status != 400 || a.object()["error"] == nil {
			t.Errorf("%s %s: %d %s", c.name, c.body, a.status, a.raw)
		}
	}
	if a := b.control("expire_sessions", `{}`); a.status != 200 || b.call(http.MethodGet, "limits", "").status != 401 {
		t.Error("the session is still good")
	}
	rec := httptest.NewRecorder()
	b.ControlHTTP(rec, httptest.NewRequest(http.MethodGet, "/_sim/salesforce/record", nil))
	got := answer{t, rec.Code, rec.Header(), rec.Body.Bytes()}.object()
	for _, part := range []string{"documents", "history", "calls", "refusals"} {
		if got[part] == nil {
			t.Errorf("the record has no %s", part)
		}
	}
}
