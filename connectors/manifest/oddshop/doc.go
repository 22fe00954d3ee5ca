// Package oddshop is the server of a made-up store, Oddshop, with the habits that make
// real stores hard to connect. API.md beside this file is the vendor's own documentation:
// terse, but true. The habits, each proven by a test on the raw HTTP:
//
//   - every answer is HTTP 200 and text/html; errors are an errno in the body
//   - a bad token, or a list without its filter, answers an empty list with errno 0
//   - no modified time: a cancel, a delete and a price change move no timestamp at all
//   - an edited price gives the order a new number, its internal id (beyond 2^53) stays
//   - yuan as a JSON decimal in one field and as text in another
//   - nicknames in base64, epoch 0 for "never", times without offset at +08:00
//   - lists are sorted newest first and shift while somebody pages through them
//   - regions by id; the names are in a table of their own
//   - now and then a notice, a JSON document of its own, stands before the answer
//   - names padded with NUL: raw bytes in one field, \u0000 in another
//
// Oddshop imports the standard library and simkit only, so that it stays an independent
// reading of its own documentation.
//
// # Operators
//
// The operators' actions are methods ([Sim.Do]) and commands over HTTP:
//
//	POST /_sim/act     one act or a list of them
//	GET  /_sim/record  what the shop holds, what happened to it, who asked for what
//
// An act with "paging": true waits for the next page of a list that somebody turns, and
// is done right after that page was answered: [Sim.Queue].
//
// [NewDay] plays a seeded day in steps that the caller drives. A [Mirror] follows every act in
// the shop's own SQL tables.
package oddshop
