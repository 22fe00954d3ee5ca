package salesforcesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// apiError is one error of the REST API. echo is the value the message repeats;
// the record of refusals leaves it out, since it may be personal.
type apiError struct {
	status int // HTTP status, when it refuses a whole request
	code   string
	msg    string
	fields []string
	echo   string
	links  []any // the record URLs of a 300
}

func fail(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, msg: fmt.Sprintf(format, args...)}
}

func (e *apiError) on(fields ...string) *apiError { e.fields = fields; return e }

func (e *apiError) echoing(value string) *apiError { e.echo = value; return e }

// body is the error array of a whole request.
func (e *apiError) body() any {
	if e.links != nil {
		return e.links
	}
	one := map[string]any{"message": e.msg, "errorCode": e.code}
	if e.fields != nil {
		one["fields"] = e.fields
	}
	return []any{one}
}

// row is the result of a refused row of a collection. It says statusCode where the array says errorCode.
func (e *apiError) row() map[string]any {
	fields := e.fields
	if fields == nil {
		fields = []string{}
	}
	return map[string]any{"success": false, "errors": []any{map[string]any{"statusCode": e.code, "message": e.msg, "fields": fields}}}
}

func (e *apiError) safeText() string {
	if e.echo == "" {
		return e.msg
	}
	return strings.ReplaceAll(e.msg, e.echo, "…")
}

func errNotFound() *apiError {
	return fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

func errSession() *apiError {
	return fail(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
}

func errMethod(method string, allowed ...string) *apiError {
	return fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '%s' not allowed. Allowed are %s", method, strings.Join(allowed, ","))
}

// faultError is the answer of an injected error_body fault. The true API sends its
// codes with their own HTTP status, never inside a 200, except in rows.
func faultError(code string) *apiError {
	switch code {
	case "UNABLE_TO_LOCK_ROW":
		return fail(400, code, "unable to obtain exclusive access to this record")
	case "REQUEST_LIMIT_EXCEEDED":
		return fail(403, code, "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
	case "API_DISABLED_FOR_ORG":
		return fail(403, code, "The REST API is not enabled for this Organization.")
	case "INSUFFICIENT_ACCESS_OR_READONLY":
		return fail(403, code, "insufficient access rights on object id")
	case "SERVER_UNAVAILABLE":
		return fail(503, code, "The server is temporarily unavailable")
	case "INVALID_SESSION_ID":
		return errSession()
	case "", "UNKNOWN_EXCEPTION":
		return fail(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")
	}
	return fail(400, code, "error injected by the simulator")
}

// reply is an answer: an HTTP status and a body, nil for none.
type reply struct {
	status int
	body   any
	header map[string]string
}

func (e *apiError) reply() reply { return reply{status: e.status, body: e.body()} }

func encode(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte(`[{"errorCode":"UNKNOWN_EXCEPTION","message":"the answer cannot be written"}]`)
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}

func (r reply) write(w http.ResponseWriter) {
	for k, v := range r.header {
		w.Header().Set(k, v)
	}
	if r.body == nil {
		w.WriteHeader(r.status)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(r.status)
	_, _ = w.Write(encode(r.body))
}
