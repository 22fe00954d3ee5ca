package filedrop

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors/internal/describe"
)

// defaultPassing are the suffixes under which programs upload.
var defaultPassing = []string{".tmp", ".temp", ".part", ".partial", ".filepart", ".swp", ".crdownload", "~"}

func (l *loader) stream(name string, y *streamShape) *streamSpec {
	s := &streamSpec{Name: name}
	l.need(y.At, y.Entity, "entity", "the canonical entity, such as order")
	if l.need(y.At, y.Folder, "folder", "where the files are put, below the connection's root") {
		s.Folder = l.folder(y.Folder, "")
	}
	if l.need(y.At, y.Format, "format", "csv, jsonl, xml or xlsx") {
		s.Format = format(l.word(y.Format, string(csvFormat), "csv", "jsonl", "xml", "xlsx"))
	}
	s.Glob = "*"
	if y.Glob.Given() {
		s.Glob = y.Glob.Value
		if _, err := path.Match(s.Glob, "x"); err != nil || strings.Contains(s.Glob, "/") || s.Glob == "" {
			l.AddText(y.Glob, fmt.Sprintf("%q is no pattern of a file's name", s.Glob), "write it like orders-*.csv")
		}
	}
	s.Oldest = l.word(y.Order, "name", "name", "oldest") == "oldest"
	s.Zone = l.zone(y.Zone)
	l.layout(s, y)
	l.identity(s, y)
	if y.Group != nil {
		l.group(s, y)
	}
	s.Ignore, s.Deleted = l.condition(s, y.Ignore), l.condition(s, y.Deleted)
	l.arrival(s, y)
	s.Page = l.number(y.At, "page", y.Page, 500, 1, 5000)
	s.MaxRow = l.number(y.At, "max_row", y.MaxRow, 1<<20, 32<<10, 16<<20)
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	return s
}

// layout is how the bytes of a file become rows.
func (l *loader) layout(s *streamSpec, y *streamShape) {
	only := func(given bool, t describe.Text, key string, formats ...format) {
		if given && s.Format != "" && !slices.Contains(formats, s.Format) {
			at := y.At
			if t.Given() {
				at = describe.Place{Line: t.Line, Column: t.Column}
			}
			l.AddAt(at.Line, at.Column, y.At.Path+"."+key, fmt.Sprintf("has no meaning for %s", s.Format), fmt.Sprintf("it belongs to %s", joined(formats)))
		}
	}
	only(y.Encoding.Given(), y.Encoding, "encoding", csvFormat, jsonlFormat, xmlFormat)
	only(y.Delimiter.Given(), y.Delimiter, "delimiter", csvFormat)
	only(y.Header != nil, describe.Text{}, "header", csvFormat, xlsxFormat)
	only(y.Skip != 0, describe.Text{}, "skip", csvFormat, xlsxFormat)
	only(y.Sheet.Given(), y.Sheet, "sheet", xlsxFormat)
	only(y.Row.Given(), y.Row, "row", xmlFormat)
	only(y.Lists != nil, describe.Text{}, "lists", xmlFormat)
	only(y.Columns != nil, describe.Text{}, "columns", csvFormat, xlsxFormat)
	only(y.Group != nil, describe.Text{}, "group", csvFormat, xlsxFormat)

	def := utf8Charset
	if s.Format == xmlFormat {
		def = ""
	}
	s.Charset = charset(l.word(y.Encoding, string(def), "utf-8", "gbk", "gb18030"))
	s.Delimiter = l.delimiter(y.Delimiter)
	s.Header = y.Header == nil || *y.Header
	s.Skip = l.number(y.At, "skip", y.Skip, 0, 1, 1000)
	s.Sheet = y.Sheet.Value
	for _, t := range y.Lists {
		s.Lists = append(s.Lists, t.Value)
	}
	if s.Format == xmlFormat && l.need(y.At, y.Row, "row", "the name of the element that is one document, such as order") {
		s.Row = strings.Trim(y.Row.Value, "/")
	}
	if s.Format.tabular() {
		l.columns(s, y)
	}
}

func joined(formats []format) string {
	out := make([]string, len(formats))
	for i, f := range formats {
		out[i] = string(f)
	}
	return strings.Join(out, ", ")
}

func (l *loader) columns(s *streamSpec, y *streamShape) {
	if !s.Header && len(y.Columns) == 0 {
		l.AddPlace(y.At, "a table without a header needs its columns", "give each a position: columns: {order_no: {position: 1}}")
	}
	for _, e := range y.Columns {
		c := column{Name: e.Key.Value, Header: strings.TrimSpace(e.Value.Header.Value), Position: e.Value.Position}
		c.As = l.word(e.Value.As, "", "shown", "stored", "date", "datetime")
		if c.As == "shown" {
			c.As = ""
		}
		switch {
		case c.Header == "" && c.Position == 0:
			l.AddText(e.Key, "the column says neither its header nor its position", "write the header's text, or {position: 3}")
		case c.Header != "" && c.Position != 0:
			l.AddText(e.Key, "the column says both a header and a position", "one of them is enough")
		case c.Header != "" && !s.Header:
			l.AddText(e.Key, "the column names a header, and the stream says header: false", "give its position")
		case c.Position < 0 || c.Position > 16384:
			l.AddText(e.Key, fmt.Sprintf("%d is no position of a column", c.Position), "the first column is 1, the last one 16384")
		}
		if c.As != "" && s.Format != xlsxFormat {
			l.AddText(e.Value.As, "has no meaning for "+string(s.Format), "cells of a CSV file are taken as they stand")
		}
		if (c.As == "date" || c.As == "datetime") && s.Zone == nil {
			l.AddText(e.Value.As, "a date needs the zone it is in", "add zone: Asia/Shanghai to the stream")
		}
		s.Columns = append(s.Columns, c)
	}
}

// knows reports a column that the description does not name.
func (l *loader) knows(s *streamSpec, t describe.Text) string {
	if !t.Given() || len(s.Columns) == 0 {
		return t.Value
	}
	var known []string
	for _, c := range s.Columns {
		known = append(known, c.Name)
	}
	if !slices.Contains(known, t.Value) {
		l.AddText(t, fmt.Sprintf("%q is none of the stream's columns", t.Value), describe.Suggest(t.Value, known))
	}
	return t.Value
}

func (l *loader) identity(s *streamSpec, y *streamShape) {
	if len(y.Key) == 0 {
		l.AddAt(y.At.Line, y.At.Column, y.At.Path+".key", "is required", "the columns that identify a document for ever")
	}
	for _, t := range y.Key {
		s.Key = append(s.Key, l.knows(s, t))
	}
	for _, t := range y.Root {
		s.Root = append(s.Root, l.knows(s, t))
	}
	v := y.Version
	if v == nil {
		return
	}
	s.Version = versionSpec{Column: l.knows(s, v.Column), FileTime: v.FileTime}
	if v.FileTime == v.Column.Given() {
		l.AddPlace(v.At, "a version comes from a column or from the file's time", "write column: updated_at, or file_time: true")
	}
	s.Version.Number = l.word(v.As, "time", "time", "number") == "number"
	if v.Layout.Given() {
		var bad string
		if s.Version.Layout, bad = layoutOf(v.Layout.Value); bad != "" || v.Layout.Value == "" {
			l.AddText(v.Layout, fmt.Sprintf("%q is no layout of a time", v.Layout.Value), `a name such as datetime, or codes such as "%Y-%m-%d %H:%M:%S"`)
		}
	}
	if v.Column.Given() && !s.Version.Number && s.Zone == nil {
		l.AddPlace(v.At, "a version that is a time needs the zone it is in", "add zone: Asia/Shanghai to the stream")
	}
}

func (l *loader) group(s *streamSpec, y *streamShape) {
	g := y.Group
	s.Group = &group{Lines: "lines", Most: l.number(g.At, "most", g.Most, 5000, 1, 100_000)}
	if g.Lines.Given() {
		s.Group.Lines = g.Lines.Value
	}
	if len(g.By) == 0 {
		l.AddAt(g.At.Line, g.At.Column, g.At.Path+".by", "is required", "the columns whose values are the same on all rows of a document")
	}
	if len(g.Columns) == 0 {
		l.AddAt(g.At.Line, g.At.Column, g.At.Path+".columns", "is required", "the columns that belong to a line; the others belong to the document")
	}
	for _, t := range g.By {
		s.Group.By = append(s.Group.By, l.knows(s, t))
	}
	for _, t := range g.Columns {
		s.Group.Columns = append(s.Group.Columns, l.knows(s, t))
		if slices.Contains(g.By.values(), t.Value) {
			l.AddText(t, fmt.Sprintf("%q names the document and cannot belong to a line", t.Value), "")
		}
	}
	for _, c := range s.Columns {
		if c.Name == s.Group.Lines {
			l.AddPlace(g.At, fmt.Sprintf("%q is a column already", c.Name), "give the list of lines another name: lines: rows")
		}
	}
	for what, list := range map[string]names{"key": y.Key, "root": y.Root} {
		for _, t := range list {
			if slices.Contains(s.Group.Columns, t.Value) {
				l.AddText(t, fmt.Sprintf("the %s must belong to the document, and %q belongs to its lines", what, t.Value), "")
			}
		}
	}
	if slices.Contains(s.Group.Columns, s.Version.Column) {
		l.AddText(y.Version.Column, "the version must belong to the document, and this belongs to its lines", "")
	}
}

func (l *loader) condition(s *streamSpec, y *conditionShape) condition {
	if y == nil {
		return condition{}
	}
	l.need(y.At, y.Column, "column", "whose value decides")
	if len(y.Values) == 0 {
		l.AddAt(y.At.Line, y.At.Column, y.At.Path+".values", "is required", "write it as [one, two]")
	}
	return condition{Column: l.knows(s, y.Column), Values: y.Values.values()}
}

// arrival is when a file is whole, and where it goes afterwards.
func (l *loader) arrival(s *streamSpec, y *streamShape) {
	s.Marker, s.Settle = y.Marker.Value, 30*time.Second
	if y.Marker.Given() {
		s.Settle = 0
		if !strings.HasPrefix(s.Marker, ".") || strings.Contains(s.Marker, "/") || len(s.Marker) < 2 {
			l.AddText(y.Marker, fmt.Sprintf("%q is no suffix of a marker file", s.Marker), "write it like .ok: orders.csv is whole when orders.csv.ok or orders.ok is there")
		}
	}
	if y.Settle != nil {
		s.Settle = *y.Settle
		if s.Settle == 0 && s.Marker == "" {
			l.AddAt(y.At.Line, y.At.Column, y.At.Path+".settle", "without a marker a file must rest before it is read", "write settle: 30s, or add marker: .ok")
		}
	}
	s.Passing = defaultPassing
	if y.Passing != nil {
		s.Passing = nil
		for _, t := range y.Passing {
			s.Passing = append(s.Passing, strings.ToLower(t.Value))
		}
	}
	s.Done, s.DoneDir = doneMove, path.Join(s.Folder, "done")
	if y.Done != nil {
		s.Done = l.word(y.Done.Action, doneMove, doneMove, doneDelete, doneLeave)
		s.DoneDir = l.folder(y.Done.Folder, s.DoneDir)
		if y.Done.Folder.Given() && s.Done != doneMove {
			l.AddText(y.Done.Folder, "has no meaning when the file is not moved", "write action: move")
		}
	}
	s.Rejects = l.folder(y.Rejects, path.Join(s.Folder, "rejects"))
	for key, dir := range map[string]string{"done.folder": s.DoneDir, "rejects": s.Rejects} {
		if s.Folder != "" && dir == s.Folder {
			l.AddAt(y.At.Line, y.At.Column, y.At.Path+"."+key, "is the folder that files are read from", "name a folder of its own")
		}
	}
}
