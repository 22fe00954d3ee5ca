package salesforce

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/schemas/codec"
)

// maxPages bounds how far one result is followed: 2,000 rows each.
const maxPages = 50

// query reads a whole result (Query, Query More Results).
func (r *run) query(ctx context.Context, soql string) ([]record, *problem) {
	var out []record
	path := r.data + "/query?q=" + url.QueryEscape(soql)
	for range maxPages {
		ans, p := r.call(ctx, http.MethodGet, path, nil, nil)
		if p != nil {
			p.err.Sent = false
			return nil, p
		}
		v, err := codec.Decode(ans.Body)
		m, isMap := v.(map[string]any)
		list, isList := m["records"].([]any)
		done, isBool := m["done"].(bool)
		if err != nil || !isMap || !isList || !isBool {
			p := unreadable(ans.Body, "the answer is not the result of a query")
			p.err.Sent, p.err.Err = false, err
			return nil, p
		}
		for _, v := range list {
			row, ok := v.(map[string]any)
			if !ok {
				p := unreadable(ans.Body, "the result of a query holds something that is no record")
				p.err.Sent = false
				return nil, p
			}
			out = append(out, row)
		}
		if done {
			return out, nil
		}
		next, _ := m["nextRecordsUrl"].(string)
		if !strings.HasPrefix(next, "/services/data/") {
			p := unreadable(ans.Body, "the result of a query does not say where it goes on")
			p.err.Sent = false
			return nil, p
		}
		path = next
	}
	return nil, classify(apiError{ErrorCode: "QUERY_TIMEOUT"})
}

// byKeys reads the records whose field is one of keys, in as many queries as their
// length asks for.
func (r *run) byKeys(ctx context.Context, object, field string, keys, columns []string) ([]record, *problem) {
	var out []record
	for _, some := range chunked(keys) {
		found, p := r.query(ctx, "SELECT "+strings.Join(columns, ",")+" FROM "+object+" WHERE "+field+" IN ("+some+")")
		if p != nil {
			return nil, p
		}
		out = append(out, found...)
	}
	return out, nil
}

// maxList bounds the keys of one query, escaped: an address has 16 KB.
const maxList = 8 << 10

func chunked(keys []string) []string {
	var out []string
	size := maxList + 1
	for _, k := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		q := quote(k)
		n := len(url.QueryEscape(q)) + 1
		if size+n > maxList {
			out, size = append(out, q), n
			continue
		}
		out[len(out)-1] += "," + q
		size += n
	}
	return out
}

// linesOf reads the lines of transactions, by the folded key of their header. fields
// may be empty names, which are left out.
func (r *run) linesOf(ctx context.Context, keys []string, fields ...string) (map[string][]record, *problem) {
	parent := r.lineParent + "." + r.headerKey
	columns := append([]string{"Id", r.lineKey, parent}, slices.DeleteFunc(fields, func(f string) bool { return f == "" })...)
	found, p := r.byKeys(ctx, r.line, parent, keys, columns)
	if p != nil {
		return nil, p
	}
	out := map[string][]record{}
	for _, l := range found {
		if key, ok := at(l, parent).(string); ok {
			out[fold(key)] = append(out[fold(key)], l)
		}
	}
	return out, nil
}

// at reads a column, through one relationship if its name has a dot.
func at(rec record, column string) any {
	parent, field, ok := strings.Cut(column, ".")
	if !ok {
		return rec[column]
	}
	m, _ := rec[parent].(map[string]any)
	return m[field]
}

// quote is a SOQL string (Quoted String Escape Sequences).
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + "'"
}

// instant is a SOQL date-time, which is not quoted.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// moment reads a time as Salesforce shows it, or RFC 3339.
func moment(v any) (time.Time, bool) {
	s, _ := v.(string)
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
