// Package mapper compiles mapping files and runs them over documents.
//
// A mapping turns one document into another: a vendor's record into a
// canonical document, or a canonical document into what a target expects. It
// is written in YAML rows (where to, where from, how) with short expressions
// where a row is not enough; mappings/README.md is the guide for the people
// who write them.
//
// The package is pure: it reads no clock, network, file or random source and
// keeps no state between runs. A [Program] is compiled once and is safe for
// concurrent use. Every run is bounded in work, depth and output size (see
// limits.go).
//
// Expressions are parsed by a library, translated so that every operator and
// function is ours (translate.go), surveyed for parts that several rows have
// in common (facts.go, memo.go), and made into closures (generate.go). The
// library's own machine is linked by the tests alone: on any expression and
// document both must give the same value, error, place and work.
//
// Documents are trees of map[string]any, []any, string, json.Number, bool and
// nil. Numbers are json.Number throughout, so that ids above 2^53 and trailing
// zeros survive; a float64 anywhere in a result is an error.
package mapper
