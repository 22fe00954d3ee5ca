package filedrop

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// The bounds of an assembly.
const (
	maxBadRun = 10_000    // bad rows one after the other: it is another format
	maxGroups = 2_000_000 // documents of one grouped file; their names are kept, hashed
	maxHeld   = 8 << 20   // bytes of one document's rows
)

// reject is a row that was not taken.
type reject struct {
	line        int
	reason, raw string
}

// step is what one call of an assembler brings.
type step struct {
	item    *connectors.Item // nil when the rows gave none
	rejects []reject
	ignored int
	next    position // where to go on; everything before it is settled
}

// assembler makes documents of rows. Rows of one document that cannot all be read make
// no document: an order that lacks a line must not be shipped.
type assembler struct {
	s        *streamSpec
	rows     rowReader
	file     entry
	names    []string // columns, for tables
	pending  []*record
	seen     map[[16]byte]int // grouped: line at which a document began
	position position
}

func newAssembler(s *streamSpec, rows rowReader, f entry) *assembler {
	a := &assembler{s: s, rows: rows, file: f}
	if t, ok := rows.(*table); ok {
		a.names = t.names
	}
	if s.Group != nil {
		a.seen = map[[16]byte]int{}
	}
	return a
}

func (a *assembler) take() (*record, error) {
	if len(a.pending) > 0 {
		rec := a.pending[0]
		a.pending = a.pending[1:]
		return rec, nil
	}
	return a.rows.next()
}

// next makes one step; io.EOF comes alone, after everything else.
func (a *assembler) next() (step, error) {
	var st step
	var err error
	if a.s.Group != nil {
		st, err = a.nextGroup()
	} else {
		st, err = a.nextRow()
	}
	if err == nil {
		a.position = st.next
	}
	return st, err
}

func (a *assembler) nextRow() (step, error) {
	rec, err := a.take()
	if err != nil {
		return step{}, err
	}
	st := step{next: rec.next}
	if rec.bad != "" {
		st.rejects = []reject{{rec.line, rec.bad, rec.raw}}
		return st, nil
	}
	body, get := rec.body, treeValues(rec.tree)
	if a.names != nil {
		fields := a.fields(rec)
		var b bytes.Buffer
		writeFields(&b, fields, nil)
		body, get = b.Bytes(), cellValues(fields)
	}
	a.finish(&st, get, body, []*record{rec})
	return st, nil
}

func (a *assembler) fields(rec *record) []field {
	out := make([]field, len(a.names))
	for i, n := range a.names {
		out[i] = field{n, rec.cells[i]}
	}
	return out
}

// finish turns a document into an item, or rejects its rows.
func (a *assembler) finish(st *step, get values, body []byte, rows []*record) {
	it, skip, bad := a.s.item(get, body, a.file.MTime.UnixMilli())
	switch {
	case skip:
		st.ignored += len(rows)
	case bad != "":
		for _, r := range rows {
			st.rejects = append(st.rejects, reject{r.line, bad, r.raw})
		}
	default:
		it.Headers = map[string]string{"file": a.file.Name, "line": strconv.Itoa(rows[0].line)}
		st.item = &it
	}
}

// nextGroup reads the rows of one document. The bad rows behind it are looked at, since
// they may have been its own, and read again with the document that follows.
func (a *assembler) nextGroup() (step, error) {
	var st step
	var cur *gathering
	var bads []*record
	settle := func() {
		for _, b := range bads {
			st.rejects = append(st.rejects, reject{b.line, b.bad, b.raw})
			if cur != nil {
				cur.suspect(b)
			}
		}
		bads = nil
	}
	for {
		rec, err := a.take()
		if errors.Is(err, io.EOF) {
			if cur == nil && len(bads) == 0 {
				return step{}, io.EOF
			}
			break
		}
		if err != nil {
			// What was gathered is given up with the file: more of the document may stand
			// behind the place where it breaks.
			return a.broken(cur, bads, err)
		}
		if rec.bad != "" {
			if bads = append(bads, rec); len(bads) > maxBadRun {
				return step{}, &fatal{line: rec.line, text: fmt.Sprintf("more than %d rows one after the other cannot be read; is the format right?", maxBadRun)}
			}
			continue
		}
		g := a.gather(rec)
		if cur == nil {
			cur = g
			settle()
			continue
		}
		if g.id == cur.id && cur.room(rec, a.s.Group.Most) {
			settle()
			cur.add(g)
			continue
		}
		bads = append(bads, rec)
		break
	}
	if cur == nil { // bad rows at the end of the file
		st.next = bads[len(bads)-1].next
		settle()
		return st, nil
	}
	for _, b := range bads {
		if b.bad != "" {
			cur.suspect(b)
		}
	}
	a.pending = append(bads, a.pending...)
	st.next = cur.rows[len(cur.rows)-1].next
	return st, a.close(&st, cur)
}

// broken rejects what was gathered when the rest of the file cannot be read; the error
// itself comes with the next call.
func (a *assembler) broken(cur *gathering, bads []*record, err error) (step, error) {
	var f *fatal
	if !errors.As(err, &f) || cur == nil && len(bads) == 0 {
		return step{}, err
	}
	st := step{next: a.position}
	if cur != nil {
		cur.spoil("the file breaks before its end is seen: " + f.text)
		for _, r := range cur.rows {
			st.rejects = append(st.rejects, reject{r.line, cur.bad, r.raw})
		}
	}
	for _, b := range bads {
		st.rejects = append(st.rejects, reject{b.line, b.bad, b.raw})
	}
	a.rows = failed{a.rows, f}
	return st, nil
}

// failed is a reader that has broken.
type failed struct {
	rowReader
	why *fatal
}

func (f failed) next() (*record, error) { return nil, f.why }

// close ends a document.
func (a *assembler) close(st *step, g *gathering) error {
	sum := sha256.Sum256([]byte(g.id))
	name := [16]byte(sum[:16])
	if first, again := a.seen[name]; again {
		g.spoil(fmt.Sprintf("its rows do not stand together: others begin at line %d; sort the file by %s", first, strings.Join(a.s.Group.By, ", ")))
	} else if len(a.seen) >= maxGroups {
		return &fatal{line: g.rows[0].line, text: fmt.Sprintf("the file holds more than %d documents; split it", maxGroups)}
	} else {
		a.seen[name] = g.rows[0].line
	}
	if g.bad != "" {
		for _, r := range g.rows {
			st.rejects = append(st.rejects, reject{r.line, g.bad, r.raw})
		}
		return nil
	}
	a.finish(st, cellValues(g.head), g.body(a.s.Group.Lines), g.rows)
	return nil
}
