package filedrop

import (
	"errors"
	"path"
	"strings"
	"time"
)

// format is how a file holds its rows.
type format string

// The formats.
const (
	csvFormat   format = "csv"
	jsonlFormat format = "jsonl"
	xmlFormat   format = "xml"
	xlsxFormat  format = "xlsx"
)

// tabular formats have columns; the others have documents.
func (f format) tabular() bool { return f == csvFormat || f == xlsxFormat }

// condition holds for a document whose value at Column is one of Values.
type condition struct {
	Column string
	Values []string
}

// versionSpec says where a document's version comes from.
type versionSpec struct {
	Column   string
	Number   bool // the column is a whole number, not a time
	Layout   string
	FileTime bool
}

// group makes one document of neighbouring rows.
type group struct {
	By      []string // columns that name the document
	Lines   string   // the field that holds its rows
	Columns []string // of a line; the others belong to the document
	Most    int      // rows of one document
}

// What becomes of a file that was read.
const (
	doneMove   = "move"
	doneDelete = "delete"
	doneLeave  = "leave"
)

// streamSpec is a stream as its description says, checked, with every default filled in.
type streamSpec struct {
	Name   string
	Folder string
	Glob   string
	Oldest bool // read the oldest file first, not the first by name

	Format    format
	Charset   charset // empty: what an XML file declares
	Delimiter byte
	Header    bool
	Skip      int
	Sheet     string
	Row       string
	Lists     []string
	Columns   []column
	Zone      *time.Location

	Key     []string
	Root    []string
	Version versionSpec
	Group   *group
	Ignore  condition
	Deleted condition

	Settle  time.Duration
	Marker  string
	Passing []string // suffixes of files still being written

	Done    string
	DoneDir string
	Rejects string

	Page   int // documents
	MaxRow int // bytes
}

// wants says whether a file is one of the stream's.
func (s *streamSpec) wants(name string) bool {
	if strings.HasPrefix(name, ".") || s.Marker != "" && strings.HasSuffix(name, s.Marker) {
		return false
	}
	for _, suffix := range s.Passing {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return false
		}
	}
	ok, _ := path.Match(s.Glob, name) // the loader has checked the pattern
	return ok
}

// openRows opens a file's rows from the start.
func (s *streamSpec) openRows(f file) (rowReader, error) {
	switch s.Format {
	case xmlFormat:
		return newXML(f, s.Charset, s.Row, s.Lists, s.MaxRow)
	case xlsxFormat:
		x, err := newExcel(f, s.Sheet, s.MaxRow, s.Zone)
		if err != nil {
			return nil, err
		}
		t, err := newTable(x, s)
		if err != nil {
			return nil, errors.Join(err, x.release())
		}
		return t, nil
	}
	l, err := newLines(f, s.Charset, s.MaxRow)
	if err != nil {
		return nil, err
	}
	if s.Format == jsonlFormat {
		return &jsonlReader{lines: l}, nil
	}
	return newTable(&csvReader{lines: l, delimiter: s.Delimiter}, s)
}

// seekable tells whether reading can go on at a byte; the others are read from the start
// again up to the place.
func (s *streamSpec) seekable() bool {
	return s.Group == nil && (s.Format == csvFormat || s.Format == jsonlFormat)
}

// seek goes on at a position that was reached before.
func seek(r rowReader, to position) error {
	switch r := r.(type) {
	case *table:
		r.pending = nil
		return seek(r.rows, to)
	case *csvReader:
		return r.seek(to)
	case *jsonlReader:
		return r.seek(to)
	}
	return nil
}
