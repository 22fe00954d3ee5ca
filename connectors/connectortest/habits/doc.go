// Package habits holds three small invented systems, each with a habit that real ones
// have, and the connectors that speak to them. They are for tests of what stands on
// the contract: no vendor's protocol distracts there.
//
//   - Async takes a write and finishes it later: a ticket has to be polled.
//   - Pool hands out the same rows until they are acknowledged.
//   - OneShot allows a fixed number of uploads per payment and then no more.
//
// All three speak JSON with a bearer token. Refusals come as HTTP 200 with an error
// inside: {"error": {"code": "invalid", "text": "..."}}. A system is an http.Handler;
// faults strike it through simkit under its name and the names of its calls.
package habits
