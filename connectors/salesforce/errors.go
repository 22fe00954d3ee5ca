package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

const (
	doc  = connectors.OfDocument
	call = connectors.OfOperation
	all  = connectors.OfConnection
)

// problem is what went wrong, with the vendor's own error for those who must look closer.
type problem struct {
	err   *connectors.Error
	cause apiError
}

// apiError is an entry of an error array (Status Codes and Error Responses). A plain
// answer says errorCode, a row of a collection statusCode.
type apiError struct {
	ErrorCode  string   `json:"errorCode"`
	StatusCode string   `json:"statusCode"`
	Message    string   `json:"message"`
	Fields     []string `json:"fields"`
}

func (a apiError) code() string {
	if a.ErrorCode != "" {
		return a.ErrorCode
	}
	return a.StatusCode
}

// rule is what a code means. Salesforce has rolled back what it answers with an error,
// unless sent says that nobody knows.
type rule struct {
	kind  connectors.Kind
	scope connectors.Scope
	wait  time.Duration
	sent  bool
	text  string
	hint  string
}

// rules are the codes of "Status Codes and Error Responses" (REST API Developer Guide)
// and of "StatusCode" and "ExceptionCode" (SOAP API Developer Guide, Core Data Types).
var rules = map[string]rule{
	// The data.
	"REQUIRED_FIELD_MISSING":                        {kind: connectors.Invalid, scope: doc, text: "a required field is missing"},
	"MISSING_ARGUMENT":                              {kind: connectors.Invalid, scope: doc, text: "a required value is missing"},
	"STRING_TOO_LONG":                               {kind: connectors.Invalid, scope: doc, text: "a text is longer than its field", hint: "shorten it in the mapping or lengthen the field in Salesforce"},
	"NUMBER_OUTSIDE_VALID_RANGE":                    {kind: connectors.Invalid, scope: doc, text: "a number has more digits than its field"},
	"INVALID_NUMBER":                                {kind: connectors.Invalid, scope: doc, text: "a number cannot be read"},
	"INVALID_EMAIL_ADDRESS":                         {kind: connectors.Invalid, scope: doc, text: "an e-mail address is not valid"},
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":       {kind: connectors.Invalid, scope: doc, text: "a value is not in its picklist", hint: "add the value to the picklist or map to one that is there"},
	"INVALID_TYPE_ON_FIELD_IN_RECORD":               {kind: connectors.Invalid, scope: doc, text: "a value has the wrong type for its field"},
	"JSON_PARSER_ERROR":                             {kind: connectors.Invalid, scope: doc, text: "a value has the wrong type for its field"},
	"MALFORMED_ID":                                  {kind: connectors.Invalid, scope: doc, text: "a reference is not a record id"},
	"INVALID_CROSS_REFERENCE_KEY":                   {kind: connectors.Invalid, scope: doc, text: "a reference leads to no record that may be used here"},
	"INVALID_FIELD":                                 {kind: connectors.Invalid, scope: doc, text: "a field or a referenced record is not there", hint: "check the API name and the run-as user's field permissions"},
	"INVALID_FIELD_FOR_INSERT_UPDATE":               {kind: connectors.Invalid, scope: doc, text: "a field cannot be written", hint: "check the run-as user's field permissions"},
	"FIELD_INTEGRITY_EXCEPTION":                     {kind: connectors.Invalid, scope: doc, text: "values contradict one another"},
	"FIELD_FILTER_VALIDATION_EXCEPTION":             {kind: connectors.Invalid, scope: doc, text: "a reference does not pass the field's filter"},
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":             {kind: connectors.Invalid, scope: doc, text: "a validation rule refuses it"},
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY":          {kind: connectors.Invalid, scope: doc, text: "a trigger refuses it", hint: "the answer names the trigger"},
	"CANNOT_EXECUTE_FLOW_TRIGGER":                   {kind: connectors.Invalid, scope: doc, text: "a flow refuses it", hint: "the answer names the flow"},
	"INVALID_STATUS":                                {kind: connectors.Invalid, scope: doc, text: "the status cannot be set"},
	"INACTIVE_OWNER_OR_USER":                        {kind: connectors.Invalid, scope: doc, text: "its owner is inactive"},
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": {kind: connectors.Forbidden, scope: doc, text: "the run-as user may not use a referenced record"},
	"INSUFFICIENT_ACCESS_OR_READONLY":               {kind: connectors.Forbidden, scope: doc, text: "the run-as user may not write it", hint: "check object permission, sharing and record type"},

	// What is there.
	"DUPLICATE_VALUE":        {kind: connectors.Conflict, scope: doc, text: "another record holds a value that must be unique", hint: "merge the two records or empty the field of one"},
	"DUPLICATE_EXTERNAL_ID":  {kind: connectors.Conflict, scope: doc, text: "several records have this external id", hint: "merge them and mark the field as unique"},
	"DUPLICATES_DETECTED":    {kind: connectors.Conflict, scope: doc, text: "a duplicate rule holds it back", hint: "merge the records, or set allow_duplicates where the rule only warns"},
	"ENTITY_IS_LOCKED":       {kind: connectors.Conflict, scope: doc, text: "the record is locked by an approval"},
	"ENTITY_IS_DELETED":      {kind: connectors.Conflict, scope: doc, text: "a referenced record is deleted"},
	"CANNOT_REPARENT_RECORD": {kind: connectors.Conflict, scope: doc, text: "a line belongs to another transaction"},

	// For a moment.
	"UNABLE_TO_LOCK_ROW":       {kind: connectors.Unavailable, scope: doc, wait: 5 * time.Second, text: "the record or its parent is being written by someone else"},
	"QUERY_TIMEOUT":            {kind: connectors.Unavailable, scope: doc, wait: 30 * time.Second, text: "the query took too long"},
	"REQUEST_RUNNING_TOO_LONG": {kind: connectors.Unavailable, scope: doc, sent: true, wait: 30 * time.Second, text: "the call took too long"},
	"UNKNOWN_EXCEPTION":        {kind: connectors.Unavailable, scope: doc, sent: true, wait: time.Minute, text: "an error inside Salesforce"},
	"SERVER_UNAVAILABLE":       {kind: connectors.Unavailable, scope: all, sent: true, wait: 30 * time.Second, text: "Salesforce is overloaded or down"},
	"API_CURRENTLY_DISABLED":   {kind: connectors.Unavailable, scope: all, wait: 5 * time.Minute, text: "the API is switched off for a while, as during a migration"},

	// The organisation.
	"REQUEST_LIMIT_EXCEEDED":    {kind: connectors.Quota, scope: all, wait: 15 * time.Minute, text: "the organisation's calls of 24 hours are used up", hint: "see who calls in Setup > System Overview > API Usage"},
	"STORAGE_LIMIT_EXCEEDED":    {kind: connectors.Quota, scope: all, wait: time.Hour, text: "the organisation's storage is full"},
	"INVALID_SESSION_ID":        {kind: connectors.Unauthorized, scope: all, text: "the session that was just given out is not accepted", hint: "check the run-as user and the session's IP restrictions"},
	"INVALID_AUTH_HEADER":       {kind: connectors.Unauthorized, scope: all, text: "the session is not accepted"},
	"API_DISABLED_FOR_ORG":      {kind: connectors.Forbidden, scope: all, text: "the organisation or the run-as user has no API access"},
	"FUNCTIONALITY_NOT_ENABLED": {kind: connectors.Forbidden, scope: all, text: "the organisation has not enabled what the call needs"},
	"UNSUPPORTED_API_VERSION":   {kind: connectors.Invalid, scope: all, text: "the organisation does not serve this API version", hint: "change api_version"},

	// The configuration of objects and fields.
	"NOT_FOUND":             {kind: connectors.NotFound, scope: call, text: "the object or its external id field is not there", hint: "check the configured names and the run-as user's permissions"},
	"INVALID_TYPE":          {kind: connectors.NotFound, scope: call, text: "the object is not there", hint: "check the configured names and the run-as user's permissions"},
	"MALFORMED_QUERY":       {kind: connectors.Invalid, scope: call, text: "the query is not understood", hint: "check the configured names"},
	"INVALID_QUERY_LOCATOR": {kind: connectors.Unavailable, scope: doc, wait: time.Second, text: "the result was dropped before its end was read"},
	"METHOD_NOT_ALLOWED":    {kind: connectors.Invalid, scope: call, text: "the object cannot be written this way"},
}

// follows are the codes of rows that only share the fate of another one.
var follows = []string{"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"}

// first is the first error that is a cause.
func first(list []apiError) (apiError, bool) {
	for _, a := range list {
		if a.code() != "" && !slices.Contains(follows, a.code()) {
			return a, true
		}
	}
	return apiError{}, false
}

// classify gives a vendor error its meaning. The vendor's message often holds values
// and stays out, apart from a validation rule's, which an administrator wrote
// (Invariant 8).
func classify(a apiError) *problem {
	r, ok := rules[a.code()]
	if !ok {
		return &problem{cause: a, err: &connectors.Error{Kind: connectors.Unclassified, Scope: doc, Code: "salesforce.unclassified", Sent: true,
			Text: "Salesforce answered " + word(a.code()) + ", which is in no table"}}
	}
	text := r.text
	if names := a.columns(); len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	switch a.code() {
	case "FIELD_CUSTOM_VALIDATION_EXCEPTION":
		text += "; " + short(a.Message)
	case "DUPLICATE_VALUE", "DUPLICATES_DETECTED":
		if m := otherRecord.FindStringSubmatch(a.Message); m != nil {
			text += "; the other record is " + m[1]
		}
	}
	return &problem{cause: a, err: &connectors.Error{Kind: r.kind, Scope: r.scope, Code: a.code(), Text: text, Wait: r.wait, Sent: r.sent, Hint: r.hint}}
}

var (
	noColumn    = regexp.MustCompile(`[Nn]o such column '([A-Za-z][A-Za-z0-9_.]*)'`)
	clash       = regexp.MustCompile(`duplicate value found: ([A-Za-z][A-Za-z0-9_]*) duplicates value`)
	otherRecord = regexp.MustCompile(`record with id: ([A-Za-z0-9]{15,18})\b`)
	columnName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,120}$`)
)

// columns are the fields that an error is about.
func (a apiError) columns() []string {
	var out []string
	for _, f := range a.Fields {
		if len(out) < 10 && columnName.MatchString(f) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	for _, in := range []*regexp.Regexp{noColumn, clash} {
		if m := in.FindStringSubmatch(a.Message); m != nil && !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// callProblem classifies a whole answer; nil for a JSON answer that says success.
func callProblem(ans *vendorhttp.Answer) *problem {
	switch e := ans.StatusError(); {
	case e == nil && ans.IsHTML():
		return &problem{err: &connectors.Error{Kind: connectors.Unavailable, Scope: all, Code: "http.html", Sent: true,
			Text: "a web page came where a document was expected"}}
	case e == nil:
		return nil
	case ans.Status == http.StatusMultipleChoices:
		// Upsert by an external id that several records have: nothing is written.
		return classify(apiError{ErrorCode: "DUPLICATE_EXTERNAL_ID"})
	default:
		var list []apiError
		if ans.IsHTML() || codec.Unmarshal(ans.Body, &list) != nil {
			return &problem{err: e}
		}
		a, ok := first(list)
		if !ok {
			return &problem{err: e}
		}
		p := classify(a)
		p.err.Sent = p.err.Sent || ans.Status >= http.StatusInternalServerError
		p.err.Wait = max(p.err.Wait, ans.RetryAfter())
		switch {
		case a.code() == "REQUEST_LIMIT_EXCEEDED":
			overLimit(p, ans)
		case ans.Status == http.StatusForbidden && p.err.Scope == doc && p.err.Kind == connectors.Forbidden:
			p.err.Scope = call // the call as a whole, not one row of it
		}
		return p
	}
}

// overLimit tells the two limits of REQUEST_LIMIT_EXCEEDED apart: the calls of 24 hours
// and the calls that run for long at the same time, which is over in a moment.
func overLimit(p *problem, ans *vendorhttp.Answer) {
	used, allowed, known := usage(ans.Header)
	if known && used >= allowed || !strings.Contains(p.cause.Message, "Concurrent") {
		return
	}
	p.err.Kind, p.err.Wait = connectors.RateLimited, max(20*time.Second, ans.RetryAfter())
	p.err.Text, p.err.Hint = "too many long calls at the same time", ""
}

// grantError classifies a refusal of the token call, which answers in the words of OAuth.
func grantError(ans *vendorhttp.Answer, code string) *connectors.Error {
	e := ans.StatusError()
	if e == nil {
		e = &connectors.Error{Kind: connectors.Unclassified, Scope: all, Text: "the token call answered neither a token nor an error"}
	}
	e.Scope, e.Sent = all, false
	if code == "" || ans.Status >= http.StatusInternalServerError || ans.Status == http.StatusTooManyRequests {
		return e
	}
	e.Kind, e.Code, e.Text = connectors.Unauthorized, "salesforce.token", "Salesforce gives out no session: "+word(code)
	e.Hint = "check base_url (the My Domain host), client_id and client_secret, the client credentials flow of the app and its run-as user"
	return e
}

// outcome is what a failed write means for its delivery.
func outcome(e *connectors.Error) connectors.Outcome {
	if e.Sent {
		return connectors.Unknown
	}
	switch e.Kind {
	case connectors.Invalid, connectors.Conflict, connectors.NotFound, connectors.Forbidden:
		if e.Scope == doc {
			return connectors.Refused
		}
	}
	return connectors.NotSent
}

func unreadable(raw []byte, text string) *problem {
	return &problem{err: &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "salesforce.unreadable", Text: text, Sent: true, Raw: raw}}
}

// refuse is a document that cannot go as it is.
func refuse(format string, args ...any) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "salesforce.document", Text: fmt.Sprintf(format, args...)}
}

// rowErrors reads the errors of a body that may be an error array or the rows of a
// collection, in order.
func rowErrors(body json.RawMessage) []apiError {
	var list []struct {
		apiError
		Errors []apiError `json:"errors"`
	}
	if codec.Unmarshal(body, &list) != nil {
		return nil
	}
	var out []apiError
	for _, row := range list {
		out = append(append(out, row.apiError), row.Errors...)
	}
	return out
}

// word is a vendor's code, if it looks like one.
func word(s string) string {
	if s == "" || len(s) > 80 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return "an unreadable code"
	}
	return s
}

func short(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
