// Package external runs connectors that are programs of their own, in any language, so
// that a private connector needs no fork of the hub. docs/external-protocol.md is the
// protocol, package program the side of a program written in Go.
//
// # The description
//
// connectors/NAME.yaml of a deployment names the command and repeats what the program
// declares, so that `check`, `describe` and the flows know the connector without asking
// it. When the program starts, its own declaration must be the same.
//
// # One program, one connection
//
// Every connection has a program of its own, started when the connection opens. A crash
// of one account's program is not another account's. It gets no secret by its command
// line or environment, only over its standard input, and it does not inherit the hub's
// environment (Invariant 8).
//
// # When the program dies
//
// A call that was under way is unknown (Invariant 3): its bytes may have reached the
// vendor. The next call starts the program again, not before a wait that doubles with
// every crash; calls before that fail with their wait, surely not sent. Nothing is
// repeated here (Invariant 7). Answers of a dead program go nowhere: each start has its
// own pipes.
package external
