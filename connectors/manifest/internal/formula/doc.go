// Package formula is the expression language of connector manifests: the grammar of
// expr-lang/expr with semantics of our own, so that no number passes through float64
// (Invariant 6), a missing member is nil, work and memory are bounded, and no error
// text quotes a value of the document (Invariant 8).
//
// A value is nil, a bool, a string, a json.Number, a time.Time, a []any or a
// map[string]any.
package formula
