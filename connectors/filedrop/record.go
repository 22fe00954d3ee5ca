package filedrop

// position is a place in a file from which reading can go on.
type position struct {
	Offset int64 `json:"o,omitempty"` // bytes from the start; CSV and JSON Lines
	Line   int   `json:"l,omitempty"` // lines before it
	Row    int   `json:"r,omitempty"` // rows before it, header not counted
}

// record is one row of a file as it was read.
type record struct {
	at, next position
	line     int      // its first line, from 1; of a sheet: the row
	raw      string   // the row as text, for the rejects file
	cells    []string // CSV and Excel
	stored   []string // Excel: what is behind the cells
	body     []byte   // JSON Lines and XML: the document
	tree     any      // the document, decoded
	bad      string   // why the row cannot be taken
}

// rowReader reads rows in order. After io.EOF or another error it is of no more use; a
// *fatal is the file's own fault.
type rowReader interface {
	next() (*record, error)
	close() error
}
