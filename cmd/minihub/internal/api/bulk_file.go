package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// results is a result file as it is written.
type results struct {
	kind, ending string
	head         func()
	row          func(*BulkItem) error
	// end says that the list is whole, or why it is not: the status has been sent by then.
	end func(*Error)
}

// resultFile is the file that a caller asks for by format; nothing is written yet.
func resultFile(r *http.Request, w http.ResponseWriter) (*results, error) {
	switch format := r.URL.Query().Get("format"); format {
	case "", "jsonl":
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return &results{kind: "application/jsonl; charset=utf-8", ending: "jsonl", head: func() {},
			row: func(it *BulkItem) error { return enc.Encode(it) },
			end: func(e *Error) {
				if e != nil {
					_ = enc.Encode(map[string]*Error{"error": e})
				}
			}}, nil
	case "csv":
		out := csv.NewWriter(w)
		return &results{kind: "text/csv; charset=utf-8", ending: "csv",
			head: func() {
				// The mark at the beginning lets spreadsheets read Chinese.
				_, _ = w.Write([]byte("\xef\xbb\xbf"))
				_ = out.Write([]string{"id", "message", "key", "state", "to", "now", "code", "text", "at"})
			},
			row: func(it *BulkItem) error {
				out.Write(cells(it)) //nolint:errcheck // Error below tells
				return out.Error()
			},
			end: func(e *Error) {
				if e != nil {
					_ = out.Write([]string{"", "", "", "error", "", "", e.Code, e.Text, ""})
				}
				out.Flush()
			}}, nil
	default:
		return nil, &Error{Status: http.StatusBadRequest, Code: "api.format", Text: fmt.Sprintf("there is no result file of the format %q", format), Hint: "use jsonl, csv or page"}
	}
}

func cells(it *BulkItem) []string {
	at := ""
	if it.At != nil {
		at = it.At.Format(time.RFC3339Nano)
	}
	why := it.Code
	if why == "" {
		why = it.Why
	}
	return []string{strconv.FormatInt(it.Row, 10), strconv.FormatInt(it.Message, 10), cell(it.Key), it.State, it.To, it.Now, cell(why), cell(it.Text), at}
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
