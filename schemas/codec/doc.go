// Package codec turns bytes into JSON trees and back without losing anything.
//
// A tree is made of map[string]any, []any, string, json.Number, bool and nil,
// and of nothing else: no number ever passes through float64 (Invariant 6), so
// ids above 2^53 and trailing zeros survive.
//
// Decode takes exactly one document and refuses what would hurt later: a cut
// off answer, two documents in one answer, NUL, broken UTF-8, numbers of
// absurd size, bottomless nesting. A refusal is an *Error with a stable code
// and a position; its text never quotes the document, which may hold personal
// data (Invariant 8). A key that appears twice keeps its last value.
//
// The package imports nothing of the project and may be imported by all of it.
package codec
