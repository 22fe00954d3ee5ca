package tryton

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

const (
	doc  = connectors.OfDocument
	call = connectors.OfOperation
	all  = connectors.OfConnection
)

// rule is what one name in an answer's `error` means (trytond.exceptions). The server
// has rolled back the transaction of every one of them.
type rule struct {
	kind  connectors.Kind
	scope connectors.Scope
	wait  time.Duration
	hint  string
}

var rules = map[string]rule{
	"UserError":            {kind: connectors.Invalid, scope: doc},
	"UserWarning":          {kind: connectors.Conflict, scope: doc, hint: "Tryton asks for a confirmation: take the step in Tryton, or turn the warning off for the hub's user"},
	"ConcurrencyException": {kind: connectors.Unavailable, scope: doc, wait: time.Second, hint: "someone else wrote the same record"},
	"LoginException":       {kind: connectors.Unauthorized, scope: all, hint: "check username and password"},
}

// locks are the database's words for a conflict between transactions, which the server
// hands on as they are after repeating a write five times ("database.retry").
var locks = []string{"could not serialize", "deadlock", "database is locked", "could not obtain lock", "lock timeout"}

// rpcError classifies the member `error` of an answer: a list of a name and details, or
// of an unexpected exception's text and "".
func rpcError(raw json.RawMessage) *connectors.Error {
	var parts []json.RawMessage
	var name string
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 || json.Unmarshal(parts[0], &name) != nil {
		return unreadable(raw, "error has another shape than a list that begins with a name")
	}
	r, known := rules[name]
	if known {
		return &connectors.Error{Kind: r.kind, Scope: r.scope, Code: "tryton." + name, Text: words(parts), Wait: r.wait, Hint: r.hint}
	}
	for _, l := range locks {
		if strings.Contains(strings.ToLower(name), l) {
			return &connectors.Error{Kind: connectors.Unavailable, Scope: doc, Code: "tryton.lock", Text: short(name), Wait: time.Second}
		}
	}
	return &connectors.Error{Kind: connectors.Unclassified, Scope: doc, Code: "tryton.exception", Text: short(name), Sent: true}
}

// words joins the texts of an error: message and description, or one text alone. The
// domain that follows them can be tens of kilobytes and is left out.
func words(parts []json.RawMessage) string {
	if len(parts) < 2 {
		return ""
	}
	var one string
	if json.Unmarshal(parts[1], &one) == nil {
		return short(one)
	}
	var list []json.RawMessage
	if json.Unmarshal(parts[1], &list) != nil {
		return ""
	}
	var texts []string
	for i := 0; i < len(list) && i < 2; i++ {
		var s string
		if json.Unmarshal(list[i], &s) == nil && s != "" {
			texts = append(texts, s)
		}
	}
	return short(strings.Join(texts, " "))
}

// statusError classifies an answer that is no envelope.
func statusError(ans *vendorhttp.Answer) *connectors.Error {
	e := ans.StatusError()
	if e == nil {
		return nil
	}
	switch ans.Status {
	case http.StatusForbidden:
		// trytond.protocols.dispatcher: a method that is not exposed.
		e.Scope, e.Hint = call, "the method is not exposed: is the module that brings it activated?"
	case http.StatusNotFound:
		e.Kind, e.Scope, e.Hint = connectors.Invalid, all, "check base_url and database"
	case http.StatusTooManyRequests:
		e.Hint = "too many failed logins: the server refuses the right password too until its session time-out has passed"
		e.Wait = max(e.Wait, 5*time.Minute)
	}
	return e
}

// outcome turns the failure of a step into what it means for the delivery.
func outcome(e *connectors.Error) connectors.Outcome {
	if e.Sent {
		return connectors.Unknown
	}
	switch e.Kind {
	case connectors.Invalid, connectors.NotFound, connectors.Conflict:
		if e.Scope == all {
			return connectors.NotSent
		}
		return connectors.Refused
	case connectors.Forbidden, connectors.Unauthorized, connectors.RateLimited, connectors.Quota, connectors.Unavailable:
		return connectors.NotSent
	}
	return connectors.Unknown
}

func unreadable(raw []byte, text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "tryton.unreadable", Text: text, Sent: true, Raw: raw}
}

// refuse is a document that cannot go as it is.
func refuse(code, format string, args ...any) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "tryton." + code, Text: fmt.Sprintf(format, args...)}
}

func conflict(code, format string, args ...any) *connectors.Error {
	return &connectors.Error{Kind: connectors.Conflict, Scope: doc, Code: "tryton." + code, Text: fmt.Sprintf(format, args...)}
}

func short(s string) string {
	const most = 400
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
