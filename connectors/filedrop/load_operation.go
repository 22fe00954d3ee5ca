package filedrop

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// operationSpec is an operation as its description says, checked.
type operationSpec struct {
	Name   string
	Folder string
	File   string // template of the file's name

	Format    format
	Charset   charset
	BOM       bool
	Delimiter byte
	Newline   string
	Header    bool
	Rows      string // the list that gives one row an entry; empty: one row a document
	Columns   []output
	Zone      *time.Location
	Marker    string

	Carries connectors.Carries
	Batch   int
	Linger  time.Duration
	Keep    time.Duration
	Journal string // folder beside the files
}

// output is one column of a written table.
type output struct {
	Header string
	Path   string // of the row; a leading slash: of the document
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// fileParts are what a file's name may be made of.
var fileParts = []string{"id", "key", "date", "time", "operation"}

func (l *loader) operation(name string, y *operationShape) *operationSpec {
	o := &operationSpec{Name: name, Newline: "\n", Zone: time.UTC, Keep: 90 * 24 * time.Hour}
	l.need(y.At, y.Entity, "entity", "the canonical entity, such as order")
	if l.need(y.At, y.Folder, "folder", "where the files are put, below the connection's root") {
		o.Folder = l.folder(y.Folder, "")
	}
	if l.need(y.At, y.Format, "format", "csv or jsonl") {
		o.Format = format(l.word(y.Format, string(csvFormat), "csv", "jsonl"))
	}
	o.Charset = charset(l.word(y.Encoding, string(utf8Charset), "utf-8", "gbk", "gb18030"))
	o.BOM = y.BOM
	o.Delimiter = l.delimiter(y.Delimiter)
	if l.word(y.Newline, "lf", "lf", "crlf") == "crlf" {
		o.Newline = "\r\n"
	}
	o.Header = y.Header == nil || *y.Header
	o.Carries = connectors.Carries(l.word(y.Carries, "state", "state", "event"))
	o.Batch = l.number(y.At, "batch", y.Batch, 1, 1, 1000)
	o.Linger, o.Marker, o.Rows = y.Linger, y.Marker.Value, y.Rows.Value
	if z := l.zone(y.Zone); z != nil {
		o.Zone = z
	}
	if y.Keep != nil {
		if o.Keep = *y.Keep; o.Keep < 24*time.Hour {
			l.AddAt(y.At.Line, y.At.Column, y.At.Path+".keep", "is too short", "a day at least: until then a delivery is known to have been written")
		}
	}
	o.Journal = l.folder(y.Journal, path.Join(o.Folder, ".minihub"))
	if o.Journal == o.Folder {
		l.AddText(y.Journal, "is the folder of the files", "name a folder of its own on the same disk")
	}
	if o.Marker != "" && (!strings.HasPrefix(o.Marker, ".") || strings.Contains(o.Marker, "/")) {
		l.AddText(y.Marker, fmt.Sprintf("%q is no suffix of a marker file", o.Marker), "write it like .ok")
	}
	l.fileName(o, y)
	l.outputs(o, y)
	return o
}

func (l *loader) fileName(o *operationSpec, y *operationShape) {
	if !l.need(y.At, y.File, "file", "the file's name, such as orders-{date}-{id}.csv") {
		return
	}
	o.File = y.File.Value
	parts := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(o.File, -1) {
		parts[m[1]] = true
		if !slices.Contains(fileParts, m[1]) {
			l.AddText(y.File, fmt.Sprintf("{%s} is not known here", m[1]), "known: {"+strings.Join(fileParts, "}, {")+"}")
		}
	}
	rest := placeholder.ReplaceAllString(o.File, "x")
	switch {
	case strings.ContainsAny(rest, "{}"):
		l.AddText(y.File, "a brace is not closed", "write it like orders-{date}-{id}.csv")
	case !plainName(rest) || strings.HasPrefix(o.File, "."):
		l.AddText(y.File, fmt.Sprintf("%q is no name of a file", o.File), "no slash, and no dot in front")
	case parts["key"] && o.Batch > 1:
		l.AddText(y.File, "{key} names one document, and batch lets a file hold several", "use {id}")
	case !parts["id"] && (!parts["key"] || o.Carries == connectors.Event):
		l.AddText(y.File, "two files could get the same name", "add {id}, which no other file has")
	}
}

func (l *loader) outputs(o *operationSpec, y *operationShape) {
	if o.Format == jsonlFormat {
		for key, given := range map[string]bool{"columns": y.Columns != nil, "rows": y.Rows.Given(), "delimiter": y.Delimiter.Given(), "header": y.Header != nil} {
			if given {
				l.AddAt(y.At.Line, y.At.Column, y.At.Path+"."+key, "has no meaning for jsonl", "a line is the document as it stands")
			}
		}
		return
	}
	if len(y.Columns) == 0 {
		l.AddAt(y.At.Line, y.At.Column, y.At.Path+".columns", "is required", "write header: path, such as 订单号: order_no")
	}
	for _, e := range y.Columns {
		if e.Value.Value == "" || strings.HasSuffix(e.Value.Value, "/") {
			l.AddText(e.Value, fmt.Sprintf("%q is no path into a document", e.Value.Value), "write it like receiver/name")
		}
		if _, bad := o.Charset.encode(e.Key.Value); bad != "" {
			l.AddText(e.Key, "the header cannot be written: "+bad, "choose encoding: gb18030 or utf-8")
		}
		o.Columns = append(o.Columns, output{e.Key.Value, e.Value.Value})
	}
}
