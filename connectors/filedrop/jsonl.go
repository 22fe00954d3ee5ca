package filedrop

import (
	"bytes"
	"fmt"

	"github.com/minihub/minihub/schemas/codec"
)

// jsonlReader reads one JSON document a line. The document is the bytes of its line,
// untouched but for the charset.
type jsonlReader struct{ *lines }

func (r *jsonlReader) next() (*record, error) {
	for {
		at := r.pos
		if _, err := r.b.Peek(1); err != nil {
			return nil, err // io.EOF at the end
		}
		raw, long, err := r.physical()
		if err != nil {
			return nil, err
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		r.pos.Row++
		rec := &record{at: at, next: r.pos, line: at.Line + 1}
		rec.raw, rec.bad = r.cs.decode(raw)
		if long {
			rec.bad = fmt.Sprintf("the line has more than %d bytes", r.max)
		}
		if rec.bad == "" {
			rec.body = []byte(rec.raw)
			if rec.tree, err = codec.Decode(rec.body); err != nil {
				rec.bad = "it is not JSON: " + err.Error()
			} else if _, object := rec.tree.(map[string]any); !object {
				rec.bad = "it is JSON, but no object"
			}
		}
		return rec, nil
	}
}

func (r *jsonlReader) close() error { return r.f.Close() }

var _ rowReader = (*jsonlReader)(nil)
