package connectors

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error at the edge. The engine decides by Kind and Scope, never by
// text.
type Kind string

// The kinds.
const (
	Invalid      Kind = "invalid"      // the vendor refuses the data
	Unauthorized Kind = "unauthorized" // credentials, signature, token
	Forbidden    Kind = "forbidden"    // address list, permission, not subscribed
	NotFound     Kind = "not_found"
	Conflict     Kind = "conflict"     // state forbids it: already picked, locked by a person
	RateLimited  Kind = "rate_limited" // come again after Wait
	Quota        Kind = "quota"        // the day's allowance is used up
	Unavailable  Kind = "unavailable"  // network, 5xx, maintenance, lock: transient
	Unreadable   Kind = "unreadable"   // an answer that cannot be decoded
	Unclassified Kind = "unclassified" // a code in no table
)

// Scope says whose fault it is: it decides between parking one document and closing a
// gate (Invariant 7).
type Scope string

// The scopes.
const (
	OfDocument   Scope = "document"
	OfConnection Scope = "connection"
	OfOperation  Scope = "operation"
)

// Error is what every connector call fails with.
type Error struct {
	Kind  Kind
	Scope Scope
	Code  string        // the vendor's code, or a stable word of ours
	Text  string        // plain words; no secret, nothing personal beyond what the vendor echoed
	Wait  time.Duration // no earlier than this
	Sent  bool          // the first byte left: for a write, the outcome is unknown
	Hint  string        // how to mend it
	Raw   []byte        // Unreadable: the answer as it came
	Err   error
}

func (e *Error) Error() string {
	s := string(e.Kind)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Err != nil {
		s = fmt.Sprintf("%s: %v", s, e.Err)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// AsError finds the *Error in err; anything else becomes an unclassified one that may
// have been sent.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Unclassified, Scope: OfDocument, Code: "connector.error", Text: "the connector failed", Sent: true, Err: err}
}
