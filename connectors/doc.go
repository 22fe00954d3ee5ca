// Package connectors is the contract between the engine and the code that speaks a
// vendor's protocol. The engine names no vendor; a connector imports nothing of the
// engine.
//
// # Who calls what
//
// A Connector is a value that declares its configuration, streams, operations and
// limits, and opens connections. What a Connection can do beyond Close it shows by
// implementing Source, Fetcher, Acker, Decoder, Receiver, Sink, Looker, Poller or Querier; the
// engine looks once, when the connection is opened, and refuses a declaration that
// the connection does not honour (Registry.Open).
//
// # What a connector must not do
//
// It never loops to retry (Invariant 7): a call that the vendor surely refused before
// doing anything (expired token, clock) is repeated once after renewal, nothing else.
// It never sleeps for a limit: the engine takes the declared limits before it calls.
// It keeps nothing that must survive a crash, except through Save (progress between
// the steps of one delivery) and the Vault (rotating credentials). It puts no secret
// and nothing personal into an error, a log or a URL it returns (Invariant 8).
//
// # What the zero value means
//
// The zero Outcome and the zero Finding are "nobody knows". A connector that forgets a
// row, panics or times out has therefore said the safe thing (Invariant 3).
package connectors
