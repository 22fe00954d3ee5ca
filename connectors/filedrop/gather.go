package filedrop

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// gathering is the rows of one document so far.
type gathering struct {
	id    string   // the values of the columns that name it
	by    []string // the same, one by one
	head  []field
	lines [][]field
	rows  []*record
	held  int
	bad   string
}

// gather splits a row into what belongs to the document and what to its line.
func (a *assembler) gather(rec *record) *gathering {
	g := &gathering{rows: []*record{rec}, held: len(rec.raw)}
	var line []field
	for _, f := range a.fields(rec) {
		if slices.Contains(a.s.Group.By, f.name) {
			g.by = append(g.by, strings.TrimSpace(f.value))
		}
		if slices.Contains(a.s.Group.Columns, f.name) {
			line = append(line, f)
		} else {
			g.head = append(g.head, f)
		}
	}
	g.id = strings.Join(g.by, "\x00")
	g.lines = [][]field{line}
	return g
}

// room tells whether another row may be held.
func (g *gathering) room(rec *record, most int) bool {
	if len(g.rows) < most && g.held+len(rec.raw) <= maxHeld {
		return true
	}
	g.spoil(fmt.Sprintf("it has more than %d rows or %d MiB", most, maxHeld>>20))
	return false
}

func (g *gathering) add(o *gathering) {
	g.rows = append(g.rows, o.rows...)
	g.lines = append(g.lines, o.lines...)
	g.held += o.held
	for i, f := range o.head {
		if f != g.head[i] {
			g.spoil(fmt.Sprintf("line %d has another %s than line %d; name it among group.columns if it belongs to a line", o.rows[0].line, f.name, g.rows[0].line))
			return
		}
	}
}

// suspect spoils the document when a row that cannot be read may be one of its own: such
// a row can have lost or gained cells, so its name counts wherever it stands.
func (g *gathering) suspect(bad *record) {
	for _, v := range g.by {
		if !strings.Contains(bad.raw, v) {
			return
		}
	}
	g.spoil(fmt.Sprintf("line %d may belong to it and cannot be read (%s)", bad.line, bad.bad))
}

// spoil keeps the first reason.
func (g *gathering) spoil(reason string) {
	if g.bad == "" {
		g.bad = reason
	}
}

func (g *gathering) body(lines string) []byte {
	var b bytes.Buffer
	writeFields(&b, g.head, func() {
		if len(g.head) > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonText(lines))
		b.WriteString(":[")
		for i, l := range g.lines {
			if i > 0 {
				b.WriteByte(',')
			}
			writeFields(&b, l, nil)
		}
		b.WriteByte(']')
	})
	return b.Bytes()
}
