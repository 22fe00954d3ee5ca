package wire

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge is a message beyond the bound.
var ErrTooLarge = errors.New("the message is larger than the protocol takes")

// Reader reads messages: one JSON document a line, lines with nothing on them passed
// over.
type Reader struct {
	r   *bufio.Reader
	max int
}

// NewReader returns a reader of messages of at most max bytes.
func NewReader(r io.Reader, max int) *Reader {
	return &Reader{bufio.NewReaderSize(r, 64<<10), max}
}

// Next returns the next line without its end. io.EOF is the end between two messages,
// io.ErrUnexpectedEOF the end inside one.
func (r *Reader) Next() ([]byte, error) {
	var line []byte
	for {
		part, err := r.r.ReadSlice('\n')
		if len(line)+len(part) > r.max {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, r.max)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		default:
			if line = trimEnd(line); len(line) > 0 {
				return line, nil
			}
		}
	}
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

// Frame gives a message as the line it travels as.
func Frame(v any, max int) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b)+1 > max {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b)+1, max)
	}
	return append(b, '\n'), nil
}
