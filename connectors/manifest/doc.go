// Package manifest makes a connector of a YAML file: an HTTP system described without
// Go. GUIDE.md leads from nothing to a connector that passes the conformance suite;
// REFERENCE.md lists every field.
//
// Load reads a manifest and compiles every expression in it, so that whatever can be
// wrong with the file is said at once, with line and column. What it returns is a
// connector like any other: the engine cannot tell the difference.
package manifest
