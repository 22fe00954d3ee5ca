// Package webhooksim is a receiver and a sender of signed webhooks, after the
// Standard Webhooks specification (symmetric signatures, "v1") and, for bodies
// or headers that claim to be CloudEvents, CloudEvents 1.0 with its HTTP binding.
//
// The receiver has two calls, relative to wherever it is mounted:
//
//	POST /hook             one signed event; JSON body
//	GET  /events?key=&id=  what it holds, in order of arrival (not in count-only mode)
//
// POST /hook answers 200 {"status":"accepted"} for a new webhook-id, and 200
// {"status":"already"} for one it holds: counted, without a second effect. A
// repeat whose body differs is counted as a conflict; it is answered "already",
// or 422 with Options.StrictRepeat. With Options.NoDedupe every POST is a new
// effect, whatever its id: a target that has to be asked.
//
// Refusals: 400 (header missing or malformed, body not JSON, CloudEvents
// attribute missing), 401 (signature, or a timestamp more than five minutes
// off), 410 (disabled), 413, 415, 429 with Retry-After (over Options.PerSecond).
// The fault error_body answers the HTTP status in its code ("410", "503"; 400 when
// empty); rate_limit answers 429 with Retry-After; lag hides young events from
// GET /events and reorder reverses its list.
//
// The specification leaves the body to the sender. To follow the versions of a
// document, the receiver reads key and version at the first of Options.KeyPaths
// and Options.VersionPaths that the body has; a body without a key is filed under
// its webhook-id.
//
// ControlHTTP takes commands as POST /_sim/webhook/<command> with a JSON object:
//
//	delete  {"key": "..."}            forget the events of a key
//	change  {"key": "...", "body": {}} replace the body of the key's last event
//	insert  {"key": "...", "version": "...", "body": {}}  an event nobody sent
//	disable {} / enable {}            answer 410 to everything / stop doing so
//
// and GET /_sim/webhook/record answers Record.
package webhooksim
