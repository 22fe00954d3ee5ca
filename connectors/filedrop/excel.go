package filedrop

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// excelReader walks a sheet row by row, twice in step: as shown and as stored.
type excelReader struct {
	book          *excelize.File
	f             file
	shown, stored *excelize.Rows
	date1904      bool
	max           int
	row, count    int
	zone          *time.Location
}

func newExcel(f file, sheet string, maxRow int, zone *time.Location) (r *excelReader, err error) {
	defer rescue(&err)
	book, err := openWorkbook(f)
	if err != nil {
		return nil, err
	}
	r = &excelReader{book: book, f: f, max: maxRow, zone: zone}
	if err := r.begin(sheet); err != nil {
		return nil, errors.Join(err, r.release())
	}
	return r, nil
}

func (r *excelReader) begin(sheet string) (err error) {
	defer rescue(&err)
	names := r.book.GetSheetList()
	switch {
	case len(names) == 0:
		return &fatal{text: "the workbook has no sheet"}
	case sheet == "":
		sheet = names[0]
	case !slices.Contains(names, sheet):
		return &fatal{text: fmt.Sprintf("the workbook has no sheet %q; it has %s", sheet, strings.Join(names, ", "))}
	}
	if props, err := r.book.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		r.date1904 = *props.Date1904
	}
	if r.shown, err = r.book.Rows(sheet); err != nil {
		return &fatal{text: "the sheet cannot be read: " + err.Error()}
	}
	if r.stored, err = r.book.Rows(sheet); err != nil {
		return &fatal{text: "the sheet cannot be read: " + err.Error()}
	}
	return nil
}

// rescue makes a fault of the file out of a panic inside the library.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = &fatal{text: fmt.Sprintf("the workbook breaks its reader: %v", p)}
	}
}

func (r *excelReader) next() (rec *record, err error) {
	defer rescue(&err)
	for r.shown.Next() && r.stored.Next() {
		r.row++
		shown, err := r.shown.Columns()
		if err != nil {
			return nil, &fatal{line: r.row, text: err.Error()}
		}
		stored, err := r.stored.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return nil, &fatal{line: r.row, text: err.Error()}
		}
		rec := &record{at: position{Row: r.count}, line: r.row}
		size := 0
		for i := range max(len(shown), len(stored)) {
			v, bad := r.cell("", cellAt(shown, i), cellAt(stored, i))
			if bad != "" && rec.bad == "" {
				rec.bad = r.at(i) + bad
			}
			size += len(v)
			rec.cells = append(rec.cells, v)
		}
		for len(rec.cells) > 0 && rec.cells[len(rec.cells)-1] == "" {
			rec.cells = rec.cells[:len(rec.cells)-1]
		}
		if len(rec.cells) == 0 {
			continue // an empty row is no row
		}
		rec.stored = stored
		if size > r.max {
			rec.bad, rec.cells = fmt.Sprintf("the row has more than %d bytes", r.max), nil
		}
		rec.raw = strings.Join(rec.cells, "\t")
		r.count++
		rec.next = position{Row: r.count}
		return rec, nil
	}
	if err := errors.Join(r.shown.Error(), r.stored.Error()); err != nil {
		return nil, &fatal{line: r.row, text: err.Error()}
	}
	return nil, io.EOF
}

// at names a cell of the row, as the sheet does.
func (r *excelReader) at(i int) string {
	name, _ := excelize.ColumnNumberToName(i + 1)
	return fmt.Sprintf("cell %s%d: ", name, r.row)
}

func cellAt(row []string, i int) string {
	if i < len(row) {
		return row[i]
	}
	return ""
}

// cell is what a cell says: as shown, unless that has lost digits or the column is read
// from what is stored.
func (r *excelReader) cell(as, shown, stored string) (text, bad string) {
	if strings.ContainsRune(stored, 0) || strings.ContainsRune(shown, 0) {
		return "", "it holds a NUL"
	}
	switch as {
	case "stored":
		return stored, ""
	case "date", "datetime":
		return r.date(as, shown, stored)
	}
	if shown != stored && exponent(shown) && !exponent(stored) {
		return stored, ""
	}
	return shown, ""
}

// exponent recognizes 1.23457E+17.
func exponent(s string) bool {
	if !strings.ContainsAny(s, "eE") {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// date reads a stored day number, or a text in one of the usual layouts.
func (r *excelReader) date(as, shown, stored string) (text, bad string) {
	if stored == "" {
		return "", ""
	}
	var at time.Time
	if serial, err := strconv.ParseFloat(stored, 64); err == nil {
		if at, err = excelize.ExcelDateToTime(serial, r.date1904); err != nil {
			return "", fmt.Sprintf("%q is no day of the calendar", stored)
		}
		at = at.Round(time.Millisecond)
		at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), r.zone)
	} else {
		var ok bool
		if at, ok = parseTime(shown, "", r.zone); !ok {
			return "", fmt.Sprintf("%q is no date", shown)
		}
	}
	if as == "date" {
		return at.Format(time.DateOnly), ""
	}
	return at.Format("2006-01-02T15:04:05.999Z07:00"), ""
}

func (r *excelReader) close() error { return errors.Join(r.release(), r.f.Close()) }

// release removes the temporary files.
func (r *excelReader) release() error {
	var err error
	if r.shown != nil {
		err = errors.Join(err, r.shown.Close())
	}
	if r.stored != nil {
		err = errors.Join(err, r.stored.Close())
	}
	return errors.Join(err, r.book.Close())
}
