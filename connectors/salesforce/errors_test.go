package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// answer is a plain error answer as the REST API Developer Guide shows them.
func answer(status int, code, message string, fields ...string) *vendorhttp.Answer {
	body, err := json.Marshal([]apiError{{ErrorCode: code, Message: message, Fields: fields}})
	if err != nil {
		panic(err)
	}
	return &vendorhttp.Answer{Status: status, Header: http.Header{"Content-Type": {"application/json;charset=UTF-8"}}, Body: body}
}

func TestWholeAnswersAreClassified(t *testing.T) {
	limits := func(a *vendorhttp.Answer, info string) *vendorhttp.Answer {
		a.Header.Set("Sforce-Limit-Info", info)
		return a
	}
	page := &vendorhttp.Answer{Status: 503, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html></html>")}
	multiple := &vendorhttp.Answer{Status: 300, Body: []byte(`["/services/data/v67.0/sobjects/Contact/003000000000001AAA"]`)}
	for name, tc := range map[string]struct {
		ans     *vendorhttp.Answer
		code    string
		kind    connectors.Kind
		scope   connectors.Scope
		outcome connectors.Outcome
	}{
		"required":    {answer(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName"), "REQUIRED_FIELD_MISSING", connectors.Invalid, doc, connectors.Refused},
		"too long":    {answer(400, "STRING_TOO_LONG", "Last Name: data value too large: 张三", "LastName"), "STRING_TOO_LONG", connectors.Invalid, doc, connectors.Refused},
		"malformed":   {answer(400, "MALFORMED_ID", "Account ID: id value of incorrect type: x", "AccountId"), "MALFORMED_ID", connectors.Invalid, doc, connectors.Refused},
		"lock":        {answer(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), "UNABLE_TO_LOCK_ROW", connectors.Unavailable, doc, connectors.NotSent},
		"rule":        {answer(400, "DUPLICATES_DETECTED", "Use one of these records?"), "DUPLICATES_DETECTED", connectors.Conflict, doc, connectors.Refused},
		"multiple":    {multiple, "DUPLICATE_EXTERNAL_ID", connectors.Conflict, doc, connectors.Refused},
		"session":     {answer(401, "INVALID_SESSION_ID", "Session expired or invalid"), "INVALID_SESSION_ID", connectors.Unauthorized, all, connectors.NotSent},
		"daily":       {limits(answer(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "api-usage=100000/100000"), "REQUEST_LIMIT_EXCEEDED", connectors.Quota, all, connectors.NotSent},
		"silent":      {answer(403, "REQUEST_LIMIT_EXCEEDED", "Limit exceeded."), "REQUEST_LIMIT_EXCEEDED", connectors.Quota, all, connectors.NotSent},
		"both":        {limits(answer(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."), "api-usage=15000/15000"), "REQUEST_LIMIT_EXCEEDED", connectors.Quota, all, connectors.NotSent},
		"concurrent":  {limits(answer(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), "api-usage=25/100000; per-app-api-usage=17/250(appName=hub)"), "REQUEST_LIMIT_EXCEEDED", connectors.RateLimited, all, connectors.NotSent},
		"storage":     {answer(400, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"), "STORAGE_LIMIT_EXCEEDED", connectors.Quota, all, connectors.NotSent},
		"no right":    {answer(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights"), "INSUFFICIENT_ACCESS_OR_READONLY", connectors.Forbidden, call, connectors.NotSent},
		"no API":      {answer(403, "API_DISABLED_FOR_ORG", "API is not enabled"), "API_DISABLED_FOR_ORG", connectors.Forbidden, all, connectors.NotSent},
		"no object":   {answer(404, "NOT_FOUND", "The requested resource does not exist"), "NOT_FOUND", connectors.NotFound, call, connectors.NotSent},
		"inside":      {answer(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1"), "UNKNOWN_EXCEPTION", connectors.Unavailable, doc, connectors.Unknown},
		"overloaded":  {answer(503, "SERVER_UNAVAILABLE", "server overloaded"), "SERVER_UNAVAILABLE", connectors.Unavailable, all, connectors.Unknown},
		"lock in 500": {answer(500, "UNABLE_TO_LOCK_ROW", "?"), "UNABLE_TO_LOCK_ROW", connectors.Unavailable, doc, connectors.Unknown},
		"new code":    {answer(400, "NEVER_SEEN_BEFORE", "?"), "salesforce.unclassified", connectors.Unclassified, doc, connectors.Unknown},
		"a page":      {page, "http.503", connectors.Unavailable, all, connectors.Unknown},
		"no array":    {&vendorhttp.Answer{Status: 400, Body: []byte(`{"error":"x"}`)}, "http.400", connectors.Invalid, doc, connectors.Refused},
		"redirect":    {&vendorhttp.Answer{Status: 302}, "http.302", connectors.Unclassified, all, connectors.Unknown},
	} {
		p := callProblem(tc.ans)
		if p == nil {
			t.Errorf("%s: no problem", name)
			continue
		}
		e := p.err
		if e.Code != tc.code || e.Kind != tc.kind || e.Scope != tc.scope || outcome(e) != tc.outcome {
			t.Errorf("%s: %s %s %s outcome %d, want %s %s %s %d", name, e.Code, e.Kind, e.Scope, outcome(e), tc.code, tc.kind, tc.scope, tc.outcome)
		}
		if (e.Kind == connectors.Quota || e.Kind == connectors.RateLimited) && e.Wait < 20*time.Second {
			t.Errorf("%s: waits only %v", name, e.Wait)
		}
		if strings.Contains(fmt.Sprint(e, e.Hint), "张三") {
			t.Errorf("%s: a value is shown: %v", name, e)
		}
	}
	if p := callProblem(&vendorhttp.Answer{Status: 200, Body: []byte(`[]`)}); p != nil {
		t.Errorf("200: %v", p.err)
	}
}

func TestTextNamesFieldsAndRecordsButNoValues(t *testing.T) {
	for _, tc := range []struct {
		a     apiError
		has   []string
		hides string
	}{
		{apiError{StatusCode: "DUPLICATE_VALUE", Message: "duplicate value found: UnionId__c duplicates value on record with id: 003000000000001AAA"}, []string{"UnionId__c", "003000000000001AAA"}, ""},
		{apiError{StatusCode: "INVALID_EMAIL_ADDRESS", Message: "Email: invalid email address: invented@", Fields: []string{"Email"}}, []string{"Email"}, "invented@"},
		{apiError{StatusCode: "INVALID_FIELD", Message: "No such column 'NoSuch__c' on sobject of type Contact"}, []string{"NoSuch__c"}, ""},
		{apiError{StatusCode: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "Tier must\n not fall", Fields: []string{"Tier__c"}}, []string{"Tier__c", "Tier must not fall"}, "\n"},
		{apiError{StatusCode: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Message: "MemberTrigger: 13800000000 is taken"}, nil, "138"},
		{apiError{StatusCode: "STRING_TOO_LONG", Fields: []string{"LastName", "13800000000", "a b"}}, []string{"LastName"}, "138"},
		{apiError{StatusCode: "code with a phone 13800000000"}, []string{"unreadable code"}, "138"},
	} {
		text := classify(tc.a).err.Error()
		for _, part := range tc.has {
			if !strings.Contains(text, part) {
				t.Errorf("%q does not hold %q", text, part)
			}
		}
		if tc.hides != "" && strings.Contains(text, tc.hides) {
			t.Errorf("%q shows %q", text, tc.hides)
		}
	}
}

func TestEveryRuleIsWhole(t *testing.T) {
	for code, r := range rules {
		e := classify(apiError{ErrorCode: code}).err
		if r.text == "" || r.kind == "" || r.scope == "" {
			t.Errorf("%s: %+v", code, r)
		}
		if (e.Kind == connectors.Unavailable || e.Kind == connectors.Quota) && e.Wait <= 0 {
			t.Errorf("%s is transient and says no wait", code)
		}
		if got := outcome(e); (got == connectors.Unknown) != r.sent {
			t.Errorf("%s: outcome %d, sent %t", code, got, r.sent)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`[{"id":"003000000000001AAA","success":true,"errors":[]}]`, `[{"success":false,"errors":[{"statusCode":"STRING_TOO_LONG","message":"m","fields":["LastName"]}]}]`,
		`[{"errorCode":"INVALID_FIELD","message":"No such column 'X'"}]`, `{"compositeResponse":[{"body":[{"success":true,"id":"a"}],"httpStatusCode":200,"referenceId":"header"}]}`,
		`<html>`, `[null]`, `{`, `[[]]`,
	} {
		f.Add(200, []byte(s))
		f.Add(400, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		ans := &vendorhttp.Answer{Status: status, Header: http.Header{}, Body: body}
		if p := callProblem(ans); p != nil && (p.err == nil || p.err.Code == "" || p.err.Kind == "") {
			t.Errorf("a problem without a reason: %+v", p)
		}
		if id, p := readRow(body); (id == "") == (p == nil) {
			t.Errorf("row: id %q, problem %v", id, p)
		}
		if id, p := compositeResult(ans, 2); (id == "") == (p == nil) {
			t.Errorf("composite: id %q, problem %v", id, p)
		}
	})
}
