package codec

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// The stable codes of an Error.
const (
	CodeEmpty     = "codec.empty"     // nothing but white space
	CodeTruncated = "codec.truncated" // ends before the document does
	CodeSyntax    = "codec.syntax"    // not JSON
	CodeTrailing  = "codec.trailing"  // something follows the document
	CodeNUL       = "codec.nul"       // a NUL byte, or \u0000 in a string or key
	CodeUTF8      = "codec.utf8"      // invalid UTF-8, or half a surrogate pair
	CodeNumber    = "codec.number"    // more than MaxNumber characters, or an exponent beyond MaxExponent
	CodeDepth     = "codec.depth"     // nested deeper than MaxDepth
	CodeSize      = "codec.size"      // larger than the caller's limit
	CodeFloat     = "codec.float"     // Encode only: a float32 or float64
	CodeType      = "codec.type"      // Encode: a Go type that has no JSON form; Unmarshal: a value that does not fit the target
)

// Limits of every document, in both directions.
const (
	MaxDepth    = 100 // nested arrays and objects
	MaxNumber   = 40  // characters of one number
	MaxExponent = 400 // absolute value of a number's exponent
)

// Error is a refusal. Offset counts bytes from 0; Line and Column count from 1,
// Column in characters. Encode has no text to point into: it leaves the three
// at zero and names the place as a JSON pointer in Pointer.
type Error struct {
	Code    string
	Offset  int
	Line    int
	Column  int
	Pointer string
	Text    string
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s at line %d, column %d: %s", e.Code, e.Line, e.Column, e.Text)
	case e.Pointer != "":
		return fmt.Sprintf("%s at %s: %s", e.Code, e.Pointer, e.Text)
	default:
		return e.Code + ": " + e.Text
	}
}

// newError fills in line and column; it runs only for documents that are refused.
func newError(b []byte, code string, offset int, text string) *Error {
	line, column := Position(b, offset)
	return &Error{Code: code, Offset: offset, Line: line, Column: column, Text: text}
}

// Position gives the line and the column (both from 1, the column in
// characters) of a byte offset.
func Position(b []byte, offset int) (line, column int) {
	offset = min(max(offset, 0), len(b))
	head := b[:offset]
	start := bytes.LastIndexByte(head, '\n') + 1
	return bytes.Count(head, []byte{'\n'}) + 1, utf8.RuneCount(head[start:]) + 1
}
