package filedrop

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// column is one field of a table's documents.
type column struct {
	Name     string // in the document
	Header   string // in the file's first row; empty when Position is set
	Position int    // from 1
	As       string // Excel: "", stored, date, datetime
}

// table reads named cells out of rows: the header is found, rows of another width are
// bad, and a document gets the columns the description names, or all.
type table struct {
	rows    rowReader
	names   []string // of the documents' fields
	index   []int    // where each stands in a row
	width   int      // cells of a row
	as      []string // Excel: how each is read
	sheet   *excelReader
	ragged  bool      // trailing empty cells are left out by the format
	pending []*record // read to find the width
}

// newTable reads the header. The rows that come before it are skipped.
func newTable(rows rowReader, s *streamSpec) (*table, error) {
	t := &table{rows: rows}
	t.sheet, t.ragged = rows.(*excelReader)
	for range s.Skip {
		if _, err := rows.next(); err != nil {
			return nil, short(err, "the file ends before its header")
		}
	}
	var header []string
	if s.Header {
		rec, err := rows.next()
		if err != nil {
			return nil, short(err, "the file has no header row")
		}
		if rec.bad != "" {
			return nil, &fatal{line: rec.line, text: "the header cannot be read: " + rec.bad}
		}
		for _, c := range rec.cells {
			header = append(header, strings.TrimSpace(c))
		}
		t.width = len(header)
	}
	if err := t.find(header, s.Columns); err != nil {
		return nil, err
	}
	if !s.Header {
		if err := t.measure(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// measure takes the width of a table without a header from its first row, here and not
// when that row is read: reading may go on behind it.
func (t *table) measure() error {
	for len(t.pending) < maxBadRun {
		rec, err := t.rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t.pending = append(t.pending, rec)
		if rec.bad == "" {
			t.width = max(len(rec.cells), slices.Max(t.index)+1)
			return nil
		}
	}
	return &fatal{text: fmt.Sprintf("none of the first %d rows can be read; is the format right?", maxBadRun)}
}

// take returns the next row as it is.
func (t *table) take() (*record, error) {
	if len(t.pending) > 0 {
		rec := t.pending[0]
		t.pending = t.pending[1:]
		return rec, nil
	}
	return t.rows.next()
}

func short(err error, text string) error {
	if errors.Is(err, io.EOF) {
		return &fatal{text: text}
	}
	return err
}

func (t *table) find(header []string, columns []column) error {
	if len(columns) == 0 {
		for i, h := range header {
			switch {
			case h == "":
				return &fatal{line: 1, text: fmt.Sprintf("column %d of the header has no name", i+1)}
			case slices.Contains(header[:i], h):
				return &fatal{line: 1, text: fmt.Sprintf("the header has %q twice; name the columns by position", h)}
			}
			t.names, t.index = append(t.names, h), append(t.index, i)
		}
		return nil
	}
	for _, c := range columns {
		at := c.Position - 1
		if c.Header != "" {
			at = slices.Index(header, c.Header)
			switch {
			case at < 0:
				return &fatal{line: 1, text: fmt.Sprintf("the header has no column %q; it has %s", c.Header, strings.Join(header, ", "))}
			case slices.Contains(header[at+1:], c.Header):
				return &fatal{line: 1, text: fmt.Sprintf("the header has %q twice; name the column by position", c.Header)}
			}
		}
		t.names, t.index, t.as = append(t.names, c.Name), append(t.index, at), append(t.as, c.As)
		if header != nil && at >= len(header) {
			return &fatal{line: 1, text: fmt.Sprintf("the header has %d columns, and %s is column %d", len(header), c.Name, c.Position)}
		}
	}
	return nil
}

func (t *table) next() (*record, error) {
	rec, err := t.take()
	if err != nil || rec.bad != "" {
		return rec, err
	}
	width := t.width
	if len(rec.cells) > width || len(rec.cells) < width && !t.ragged {
		rec.bad = "it has " + strconv.Itoa(len(rec.cells)) + " columns, not " + strconv.Itoa(width)
		return rec, nil
	}
	cells := make([]string, len(t.index))
	for i, at := range t.index {
		if at < len(rec.cells) {
			cells[i] = rec.cells[at]
		}
		if t.sheet != nil && t.as != nil && t.as[i] != "" {
			var bad string
			if cells[i], bad = t.sheet.cell(t.as[i], cells[i], cellAt(rec.stored, at)); bad != "" {
				rec.bad = t.sheet.at(at) + bad
				return rec, nil
			}
		}
	}
	rec.cells = cells
	return rec, nil
}

func (t *table) close() error { return t.rows.close() }
