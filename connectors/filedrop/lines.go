package filedrop

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines reads a file piece by piece and knows where it stands.
type lines struct {
	f   file
	b   *bufio.Reader
	cs  charset
	max int // bytes of one row
	pos position
}

func newLines(f file, cs charset, maxRow int) (*lines, error) {
	l := &lines{f: f, b: bufio.NewReaderSize(f, maxRow+64), cs: cs, max: maxRow}
	head, err := l.b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	n, bad := cs.preamble(head)
	if bad != nil {
		return nil, bad
	}
	if _, err := l.b.Discard(n); err != nil {
		return nil, err
	}
	l.pos.Offset = int64(n)
	return l, nil
}

// seek goes on at a position that was reached before.
func (l *lines) seek(to position) error {
	if _, err := l.f.Seek(to.Offset, io.SeekStart); err != nil {
		return err
	}
	l.b.Reset(l.f)
	l.pos = to
	return nil
}

// peek returns at least more bytes than before, or what there is with last set.
func (l *lines) peek(have int) (buf []byte, last bool, err error) {
	want := min(max(4096, 2*have), l.b.Size())
	buf, err = l.b.Peek(want)
	if errors.Is(err, io.EOF) {
		return buf, true, nil
	}
	return buf, false, err
}

// take consumes n bytes of the buffer, which are whole lines or the end of the file.
func (l *lines) take(buf []byte, n int) error {
	l.pos.Line += bytes.Count(buf[:n], []byte{'\n'})
	if n > 0 && buf[n-1] != '\n' {
		l.pos.Line++
	}
	l.pos.Offset += int64(n)
	_, err := l.b.Discard(n)
	return err
}

// physical consumes one line whatever is in it and returns its beginning; long tells
// that it has more bytes than a row may have.
func (l *lines) physical() (text []byte, long bool, err error) {
	have := 0
	for {
		buf, last, err := l.peek(have)
		if err != nil {
			return nil, false, err
		}
		if i := bytes.IndexByte(buf, '\n'); i >= 0 {
			text = bytes.Clone(buf[:i])
			return bytes.TrimSuffix(text, []byte{'\r'}), i > l.max, l.take(buf, i+1)
		}
		if last {
			text = bytes.Clone(buf)
			return text, len(buf) > l.max, l.take(buf, len(buf))
		}
		if have = len(buf); have >= l.b.Size() {
			break
		}
	}
	buf, _, err := l.peek(have)
	if err != nil {
		return nil, true, err
	}
	text = bytes.Clone(buf[:min(len(buf), 4096)])
	return text, true, l.skipLine()
}

// skipLine throws the rest of an overlong line away.
func (l *lines) skipLine() error {
	for {
		part, err := l.b.ReadSlice('\n')
		l.pos.Offset += int64(len(part))
		switch {
		case err == nil:
			l.pos.Line++
			return nil
		case errors.Is(err, io.EOF):
			l.pos.Line++
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
