package sqldb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// line is a row as the document wants it, by column.
type line map[string]bound

// lines are the rows of one child table, by their key.
type lines struct {
	of   *writing
	list []line
	keys []string
}

// refused is a document that cannot be written as it is.
func refused(pointer, text, hint string) *connectors.Error {
	if pointer == "" {
		pointer = "/"
	}
	return ofDocument(connectors.Invalid, "sql.document", pointer+": "+text, hint)
}

// want turns a document into the rows it is to become.
func (op *operation) want(s *session, remoteKey string, doc any, have func(*writing) []column) (line, []lines, error) {
	top, err := op.top.line(s, remoteKey, doc, doc, "", have(op.top))
	if err != nil {
		return nil, nil, err
	}
	var out []lines
	for _, ch := range op.top.children {
		l := lines{of: ch}
		list, err := ch.elements(doc)
		if err != nil {
			return nil, nil, err
		}
		seen := map[string]int{}
		for i, el := range list {
			at := fmt.Sprintf("%s/%d", ch.path, i)
			row, err := ch.line(s, remoteKey, el, doc, at, have(ch))
			if err != nil {
				return nil, nil, err
			}
			for _, j := range ch.on {
				row[j.child] = rebound(top[j.parent], have(ch), j.child)
			}
			k := row.key(names(ch.key))
			if first, twice := seen[k]; twice {
				return nil, nil, refused(at, fmt.Sprintf("the same %s as %s/%d", strings.Join(names(ch.key), ", "), ch.path, first), "the key of child rows must tell them apart")
			}
			seen[k] = i
			l.list, l.keys = append(l.list, row), append(l.keys, k)
		}
		out = append(out, l)
	}
	return top, out, nil
}

// rebound is a parent's value in its child's column.
func rebound(b bound, have []column, child string) bound {
	if i := indexOf(have, child); i >= 0 {
		b.class = have[i].class
	}
	return b
}

func (l line) key(columns []string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = canon(column{class: l[c].class}, l[c].text)
	}
	return joinKey(append(parts, "")) // one part, too, is escaped
}

// elements is the list that child rows come from; absent and null are an empty one.
func (w *writing) elements(doc any) ([]any, error) {
	v, ok := find(doc, w.pointer)
	if !ok || v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, refused(w.path, "a list is wanted here", "`from` of child rows points to a list of objects")
	}
	return list, nil
}

// line fills one row. A pointer that begins with $ is into the whole document.
func (w *writing) line(s *session, remoteKey string, el, doc any, at string, have []column) (line, error) {
	out := line{}
	for _, f := range w.all() {
		c := have[indexOf(have, f.column)]
		var v any
		switch {
		case f.key:
			v = remoteKey
		case f.fixed:
			v = f.value
		default:
			found := false
			if v, found = find(el, f.pointer); !found && f.required {
				return nil, refused(at+f.path, fmt.Sprintf("it is required for column %q and is not there", f.column), "mend the mapping, or take `required` out")
			}
		}
		b, err := f.bound(s, c, v)
		if err != nil {
			return nil, refused(at+f.path, fmt.Sprintf("for column %q (%s): %v", f.column, c.typ, err), "mend the mapping")
		}
		out[f.column] = b
	}
	for _, f := range w.key {
		if out[f.column].null {
			return nil, refused(at+f.path, fmt.Sprintf("column %q is part of the key and would be NULL", f.column), "mend the mapping: a key is never empty")
		}
	}
	return out, nil
}

// find follows a pointer.
func find(doc any, pointer []string) (any, bool) {
	for _, step := range pointer {
		switch at := doc.(type) {
		case map[string]any:
			v, ok := at[step]
			if !ok {
				return nil, false
			}
			doc = v
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			doc = at[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

// splitPointer reads a JSON pointer.
func splitPointer(p string) ([]string, bool) {
	if !strings.HasPrefix(p, "/") {
		return nil, false
	}
	steps := strings.Split(p[1:], "/")
	for i, s := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps, true
}

// bound writes a value of a document as the column's database reads it. What the column
// cannot hold exactly is an error here, or found out when the row is read back.
func (f feed) bound(s *session, c column, v any) (bound, error) {
	b := bound{class: c.class}
	text := ""
	switch v := v.(type) {
	case nil:
		b.null = true
		return b, nil
	case bool:
		text = map[bool]string{true: "1", false: "0"}[v]
		if c.class == classBool || c.class == classText || c.class == classChar {
			text = strconv.FormatBool(v)
		}
		if c.class != classBool && c.class != classInt && c.class != classBit && c.class != classText && c.class != classChar && c.class != classJSON {
			return b, fmt.Errorf("true or false does not fit")
		}
		if c.class == classJSON {
			text = strconv.FormatBool(v)
		}
	case json.Number:
		text = v.String()
	case string:
		text = v
		if c.class == classJSON {
			raw, err := codec.Encode(v)
			if err != nil {
				return b, fmt.Errorf("the text cannot be written as JSON")
			}
			text = string(raw)
			if f.fixed {
				text = v
			}
		}
	default:
		if c.class != classJSON && c.class != classText {
			return b, fmt.Errorf("an object or a list does not fit")
		}
		raw, err := codec.Encode(v)
		if err != nil {
			return b, fmt.Errorf("it cannot be written as JSON")
		}
		text = string(raw)
	}
	zone := f.zone
	if zone == nil {
		zone = s.c.zone
	}
	var err error
	switch c.class {
	case classInt, classBit:
		err = whole(&text)
	case classDecimal, classFloat32, classFloat64:
		if _, derr := decimal.NewFromString(text); derr != nil || len(text) > 100 {
			err = fmt.Errorf("this is no number")
		}
	case classBool:
		text, err = truth(text)
	case classBytes:
		raw, derr := base64.StdEncoding.DecodeString(text)
		if derr != nil {
			err = fmt.Errorf("bytes are wanted in base64")
		}
		b.text, b.bytes = string(raw), true
		return b, err
	case classLocal, classInstant, classDate:
		text, err = writeTime(c, text, zone)
	case classText, classChar:
		if strings.IndexByte(text, 0) >= 0 && s.c.driver == driverPostgres {
			return b, fmt.Errorf("the text has a NUL, which PostgreSQL cannot keep")
		}
		charset := f.charset
		if charset == "" {
			charset = s.c.charset
		}
		if charset != "" && charset != "utf-8" || f.charset == "utf-8" {
			if s.c.driver == driverPostgres {
				return b, fmt.Errorf("a charset cannot be written to PostgreSQL, which checks its own")
			}
			b.text, err = encodeText(charset, text)
			b.bytes = true
			return b, err
		}
	}
	b.text = text
	return b, err
}

// whole takes 12 and 12.00, which is the same number, and nothing with a fraction.
func whole(text *string) error {
	d, err := decimal.NewFromString(*text)
	if err != nil || len(*text) > 40 {
		return fmt.Errorf("this is no number")
	}
	if !d.IsInteger() {
		return fmt.Errorf("a whole number is wanted")
	}
	if d.Exponent() > 40 {
		return fmt.Errorf("the number is too large")
	}
	*text = d.StringFixed(0)
	return nil
}

func truth(text string) (string, error) {
	switch text {
	case "true", "1":
		return "true", nil
	case "false", "0":
		return "false", nil
	}
	return "", fmt.Errorf("true or false is wanted")
}

// writeTime gives a moment as the column keeps it. Without an offset it is a time in the
// column's zone already.
func writeTime(c column, text string, zone *time.Location) (string, error) {
	if c.class == classDate {
		if _, err := time.Parse("2006-01-02", text); err == nil {
			return text, nil
		}
	}
	t, ok := readTime(text, zone)
	if !ok {
		if d, err := time.ParseInLocation("2006-01-02", text, zone); err == nil {
			t, ok = d, true
		}
	}
	if !ok {
		return "", fmt.Errorf("this is no time like 2026-11-21T10:00:00+08:00")
	}
	switch {
	case c.class == classDate:
		return t.In(zone).Format("2006-01-02"), nil
	case c.class == classLocal:
		return t.In(zone).Format("2006-01-02 15:04:05.999999999"), nil
	case c.typ == "timestamptz":
		return t.UTC().Format("2006-01-02 15:04:05.999999999") + "+00", nil
	default:
		return t.UTC().Format("2006-01-02 15:04:05.999999999"), nil
	}
}
