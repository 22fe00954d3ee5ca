package infer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/minihub/minihub/schemas/codec"
)

// MaxDocument is how long one sample document may be, in bytes.
const MaxDocument = 32 << 20

// Error is a sample that cannot be read. Line and Column count from 1, in the whole sample.
type Error struct {
	Line, Column int
	Text         string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// splitter cuts a stream into documents: one after another with any white space between
// them, or the items of one list.
type splitter struct {
	r            *bufio.Reader
	line, column int // of the next byte
	inList       bool
	doc          []byte
}

func newSplitter(r io.Reader) *splitter {
	s := &splitter{r: bufio.NewReaderSize(r, 1<<16), line: 1, column: 1}
	if b, err := s.r.Peek(3); err == nil && bytes.Equal(b, []byte("\xEF\xBB\xBF")) {
		_, _ = s.r.Discard(3) // what was peeked is there
	}
	return s
}

func (s *splitter) fail(text string) error { return &Error{s.line, s.column, text} }

// peek looks at the next byte; ok is false at the end.
func (s *splitter) peek() (c byte, ok bool, err error) {
	b, err := s.r.Peek(1)
	if len(b) == 1 {
		return b[0], true, nil
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return 0, false, err
}

// step takes the byte that peek showed.
func (s *splitter) step(c byte) {
	_, _ = s.r.Discard(1) // peek has seen it
	switch {
	case c == '\n':
		s.line, s.column = s.line+1, 1
	case utf8.RuneStart(c):
		s.column++
	}
}

// space takes white space and shows what follows it.
func (s *splitter) space() (c byte, ok bool, err error) {
	for {
		c, ok, err = s.peek()
		if !ok || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c, ok, err
		}
		s.step(c)
	}
}

// next reads the next document; io.EOF ends the sample. Other errors are *Error, or what
// the reader says.
func (s *splitter) next() (any, error) {
	c, ok, err := s.space()
	first := false
	if err == nil && ok && c == '[' && !s.inList {
		s.step(c)
		s.inList, first = true, true
		c, ok, err = s.space()
	}
	switch {
	case err != nil:
		return nil, err
	case !ok && s.inList:
		return nil, s.fail("the list is not closed")
	case !ok:
		return nil, io.EOF
	case s.inList && first && c == ']':
		s.step(c)
		s.inList = false
		return s.next()
	}
	line, column := s.line, s.column
	if err := s.value(); err != nil {
		return nil, err
	}
	v, err := codec.Decode(s.doc)
	var bad *codec.Error
	if errors.As(err, &bad) {
		if bad.Line == 1 {
			bad.Column += column - 1
		}
		return nil, &Error{line + bad.Line - 1, bad.Column, bad.Text}
	}
	if err != nil || !s.inList {
		return v, err
	}
	return v, s.separator()
}

// separator takes the comma or the end after an item of the list.
func (s *splitter) separator() error {
	switch c, ok, err := s.space(); {
	case err != nil:
		return err
	case ok && c == ',':
		s.step(c)
		if c, ok, err := s.space(); err == nil && ok && c == ']' {
			return s.fail("a value is expected after the comma")
		}
		return nil
	case ok && c == ']':
		s.step(c)
		s.inList = false
		return nil
	}
	return s.fail("a comma or the end of the list is expected here")
}

// value takes the bytes of one value into s.doc; the codec judges them.
func (s *splitter) value() error {
	s.doc = s.doc[:0]
	depth, quoted, escaped := 0, false, false
	for {
		c, ok, err := s.peek()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if !quoted && depth == 0 && len(s.doc) > 0 {
			switch c {
			case ' ', '\n', '\t', '\r', ',', ']', '}', '{', '[', '"':
				return nil
			}
		}
		if len(s.doc) == MaxDocument {
			return s.fail(fmt.Sprintf("a document is longer than %d bytes; a sample is a document, not an export", MaxDocument))
		}
		s.step(c)
		s.doc = append(s.doc, c)
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		default:
			continue
		}
		if !quoted && depth <= 0 {
			return nil
		}
	}
}
