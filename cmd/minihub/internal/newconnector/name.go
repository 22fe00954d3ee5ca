package newconnector

import (
	"fmt"
	"go/token"
	"regexp"
	"slices"
)

// Why a name cannot be taken.
type Why int

// The reasons.
const (
	BadForm  Why = iota // not a short lower-case word
	Reserved            // a word of Go, or a folder of connectors/ that is something else
	SimName             // it would be taken for a simulator
)

// NameError says why a name cannot be a connector's.
type NameError struct {
	Name string
	Why  Why
}

func (e *NameError) Error() string {
	return fmt.Sprintf("%q cannot be the name of a connector: %s", e.Name, [...]string{
		"use 2 to 30 small letters and digits, a letter first",
		"it is a word of Go or of minihub",
		"names that end in sim are simulators",
	}[e.Why])
}

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9]{1,29}$`)
	simForm  = regexp.MustCompile(`sim$`)
)

// reserved are the folders that hold no vendor, and the packages that the generated code
// imports, whose names it would hide.
var reserved = []string{"builtin", "connectors", "connectortest", "external", "filedrop", "internal", "main", "manifest", "program", "simkit", "sql", "sqldb", "testdata", "vendor",
	"atomic", "bytes", "cmp", "codec", "context", "errors", "fmt", "http", "httptest", "httptrace", "io", "json", "maps", "net", "regexp", "retryablehttp",
	"slices", "strconv", "strings", "sync", "testing", "time", "url", "vendorhttp", "any", "bool", "byte", "error", "int", "int64", "len", "make", "max", "min", "new", "nil", "rune", "string", "true", "false", "init", "append", "range"}

// names the generated code itself declares.
var declared = []string{"line", "document", "receiver", "connection", "rule", "rules", "outcome", "short", "fields", "open", "envelope", "unreadable", "differences", "order", "bad", "rows", "shown"}

func checkName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return &NameError{name, BadForm}
	case simForm.MatchString(name):
		return &NameError{name, SimName}
	case token.IsKeyword(name), slices.Contains(reserved, name), slices.Contains(declared, name):
		return &NameError{name, Reserved}
	}
	return nil
}
