// Package wire is how the contract of package connectors goes over a pipe: the JSON
// form of its types, the messages of the protocol, and the frames that carry them.
// docs/external-protocol.md says the same in words.
//
// # Form
//
// A struct is an object; the name of a member is the name of the Go field in
// snake_case, so what the contract gains the protocol gains too. A zero value is left
// out. Spans of time are text ("1m30s"), moments are RFC 3339, words stand for the
// numbers of an enumeration. Bytes that are UTF-8 are text; others are base64 under the
// name with _base64 behind it. A JSON document inside a message is text, too: its numbers
// are not rounded by whoever decodes the message, and it can be handed on as it is. Numbers are whole and exact; a 64 bit one may also come
// as text, for languages that would round it (Invariant 6).
//
// What is read is read strictly: an unknown member, a wrong form or an unknown word is
// a fault with its JSON pointer, and all faults come at once. Only a program passes over
// the members it does not know, for its hub may be newer.
package wire
