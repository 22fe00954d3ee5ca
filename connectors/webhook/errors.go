package webhook

import (
	"bytes"
	"net/http"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// defaultWait is for a receiver that asks to slow down without saying for how long:
// the second step of the schedule in the specification, "Retry schedule".
const defaultWait = 5 * time.Second

// meaning is what a status says about a post.
type meaning struct {
	outcome connectors.Outcome
	kind    connectors.Kind
	scope   connectors.Scope
	text    string
	hint    string
}

// meanings is the table of statuses that differ from their class; "Webhook responses"
// in the specification names 410, 429, 502 and 504, RFC 9110 section 15 the rest.
var meanings = map[int]meaning{
	http.StatusMovedPermanently:  moved,
	http.StatusTemporaryRedirect: moved,
	http.StatusPermanentRedirect: moved,
	// 302 and 303 are what a form answers after it took effect.
	http.StatusFound:    {connectors.Unknown, connectors.Unclassified, connectors.OfConnection, "the receiver answered with a redirect, which is not followed", "put the receiver's final address into url"},
	http.StatusSeeOther: {connectors.Unknown, connectors.Unclassified, connectors.OfConnection, "the receiver answered with a redirect, which is not followed", "put the receiver's final address into url"},

	http.StatusUnauthorized:     {connectors.NotSent, connectors.Unauthorized, connectors.OfConnection, "the receiver does not accept the signature", "compare secret with the receiver's, and both clocks"},
	http.StatusForbidden:        {connectors.NotSent, connectors.Forbidden, connectors.OfConnection, "the receiver forbids the call", "ask the receiver for permission, or for this address to be let in"},
	http.StatusNotFound:         {connectors.NotSent, connectors.NotFound, connectors.OfConnection, "there is no receiver at this address", "check url"},
	http.StatusMethodNotAllowed: {connectors.NotSent, connectors.NotFound, connectors.OfConnection, "the address takes no POST", "check url"},
	http.StatusRequestTimeout:   {connectors.Unknown, connectors.Unavailable, connectors.OfConnection, "the receiver gave up waiting", ""},
	// 409 is also "the first one is still at work".
	http.StatusConflict:        {connectors.Unknown, connectors.Conflict, connectors.OfDocument, "the receiver reports a conflict", ""},
	http.StatusGone:            {connectors.NotSent, connectors.Forbidden, connectors.OfConnection, "the receiver has disabled this endpoint", "agree on a new address with the receiver, or switch the flow off"},
	http.StatusTooEarly:        {connectors.NotSent, connectors.RateLimited, connectors.OfConnection, "the receiver asks to come later", ""},
	http.StatusTooManyRequests: {connectors.NotSent, connectors.RateLimited, connectors.OfConnection, "the receiver asks to slow down", ""},
}

var moved = meaning{connectors.NotSent, connectors.NotFound, connectors.OfConnection, "the receiver has moved; redirects are not followed", "put the new address into url"}

// read tells the outcome of a post that was answered.
func read(a *vendorhttp.Answer) (connectors.Outcome, *connectors.Error) {
	if a.Status >= 200 && a.Status < 300 {
		if isPage(a.Body) {
			return connectors.Unknown, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: "webhook.page",
				Text: "a page came instead of the receiver's answer", Sent: true, Raw: a.Body, Hint: "a proxy may stand in between: check url"}
		}
		return connectors.Done, nil
	}
	e := a.StatusError()
	m, ok := meanings[a.Status]
	switch {
	case ok:
		e.Kind, e.Scope, e.Text, e.Hint = m.kind, m.scope, m.text, m.hint
		e.Sent = m.outcome == connectors.Unknown
		if e.Kind == connectors.RateLimited && e.Wait == 0 {
			e.Wait = defaultWait
		}
		return m.outcome, e
	case a.Status >= 400 && a.Status < 500:
		e.Text = "the receiver refuses the event"
		return connectors.Refused, e
	}
	return connectors.Unknown, e
}

// isPage looks at the body only: plain frameworks label a bare "ok" as text/html.
func isPage(body []byte) bool {
	b := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)]))
	return bytes.HasPrefix(b, []byte("<html")) || bytes.HasPrefix(b, []byte("<!doctype html"))
}
