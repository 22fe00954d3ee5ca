package filedrop

import (
	"fmt"
	"io"
	"strings"
)

// csvReader reads rows as RFC 4180 has them: fields in quotes may hold the delimiter and
// newlines, a quote in them is written twice. A quote inside a field that does not begin
// with one is an ordinary character. A row that cannot be read costs its first line only:
// what follows is read again as rows of its own.
type csvReader struct {
	*lines
	delimiter byte
}

const (
	badClose   = "there is text after a closing quote"
	badUnended = "a quote is never closed"
	badLong    = "the row is too long"
)

func (r *csvReader) next() (*record, error) {
	for {
		at := r.pos
		fields, size, buf, bad, err := r.scan()
		if err != nil {
			return nil, err
		}
		if bad == "" && size == 0 {
			return nil, io.EOF
		}
		rec := &record{at: at, line: at.Line + 1, bad: bad}
		if bad != "" {
			raw, long, err := r.physical()
			if err != nil {
				return nil, err
			}
			if bad == badLong {
				rec.bad = fmt.Sprintf("a quote is not closed within %d bytes", r.max)
			}
			if long {
				rec.bad = fmt.Sprintf("the row has more than %d bytes", r.max)
			}
			rec.raw, _ = r.cs.decode(raw)
		} else {
			raw := strings.TrimRight(string(buf[:size]), "\r\n")
			var worse string
			if rec.raw, worse = r.cs.decode([]byte(raw)); worse != "" {
				rec.bad = worse
			}
			if err := r.take(buf, size); err != nil {
				return nil, err
			}
			if raw == "" {
				continue // an empty line is no row
			}
			rec.cells = make([]string, len(fields))
			for i, f := range fields {
				rec.cells[i], _ = r.cs.decode(f)
			}
		}
		r.pos.Row++
		rec.next = r.pos
		return rec, nil
	}
}

// scan finds the end of the next row without consuming it.
func (r *csvReader) scan() (fields [][]byte, size int, buf []byte, bad string, err error) {
	buf, last, err := r.peek(0)
	if err != nil || len(buf) == 0 {
		return nil, 0, buf, "", err
	}
	const (
		begin = iota // of a field
		plain
		quoted
		closed
	)
	state, field := begin, []byte{}
	for i := 0; ; {
		for !last && len(buf)-i < 4 { // room for the longest character, and for CR LF
			have := len(buf)
			if have >= r.b.Size() {
				return nil, 0, buf, badLong, nil
			}
			if buf, last, err = r.peek(have); err != nil {
				return nil, 0, buf, "", err
			}
		}
		if i >= len(buf) {
			if state == quoted {
				return nil, 0, buf, badUnended, nil
			}
			return append(fields, field), len(buf), buf, "", nil
		}
		if i > r.max {
			return nil, 0, buf, badLong, nil
		}
		c, w := buf[i], max(1, r.cs.width(buf[i:]))
		switch {
		case state == quoted && c == '"' && i+1 < len(buf) && buf[i+1] == '"':
			field = append(field, '"')
			i += 2
			continue
		case state == quoted && c == '"':
			state = closed
		case state == quoted:
			field = append(field, buf[i:i+w]...)
		case c == '\n' || c == '\r' && i+1 < len(buf) && buf[i+1] == '\n':
			end := i + 1
			if c == '\r' {
				end++
			}
			return append(fields, field), end, buf, "", nil
		case c == r.delimiter:
			fields, field, state = append(fields, field), []byte{}, begin
		case state == closed:
			return nil, 0, buf, badClose, nil
		case state == begin && c == '"':
			state = quoted
		default:
			field = append(field, buf[i:i+w]...)
			state = plain
		}
		i += w
	}
}

func (r *csvReader) close() error { return r.f.Close() }
