package filedrop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// field is one named cell of a document.
type field struct{ name, value string }

// writeFields writes cells as a JSON object, in the order of the columns; every cell is
// text, so that leading zeros and long ids stay (Invariant 6).
func writeFields(b *bytes.Buffer, fields []field, more func()) {
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonText(f.name))
		b.WriteByte(':')
		b.Write(jsonText(f.value))
	}
	if more != nil {
		more()
	}
	b.WriteByte('}')
}

func jsonText(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return []byte(`""`) // a string always encodes
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// values reads a document by column or path.
type values func(name string) (string, bool)

func cellValues(fields []field) values {
	return func(name string) (string, bool) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return "", false
		}
		return fields[i].value, true
	}
}

// treeValues reads a path like head/order_no; only single values count.
func treeValues(tree any) values {
	return func(name string) (string, bool) {
		at := tree
		for part := range strings.SplitSeq(name, "/") {
			m, ok := at.(map[string]any)
			if !ok {
				return "", false
			}
			at = m[part]
		}
		switch v := at.(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		case bool:
			return strconv.FormatBool(v), true
		}
		return "", false
	}
}

// item makes an item of a document. bad says why it cannot; skip that the description
// ignores such rows.
func (s *streamSpec) item(get values, body []byte, fileTime int64) (it connectors.Item, skip bool, bad string) {
	if s.Ignore.holds(get) {
		return it, true, ""
	}
	if it.Key, bad = keyOf(s.Key, get); bad != "" {
		return it, false, bad
	}
	if len(s.Root) > 0 {
		if it.Root, bad = keyOf(s.Root, get); bad != "" {
			return it, false, "root: " + bad
		}
	}
	if it.Version, bad = s.version(get, fileTime); bad != "" {
		return it, false, bad
	}
	it.Stream, it.Body = s.Name, body
	if s.Deleted.holds(get) {
		it.Body, it.Deleted = nil, true
	}
	return it, false, ""
}

func (c condition) holds(get values) bool {
	if c.Column == "" {
		return false
	}
	v, ok := get(c.Column)
	return ok && slices.Contains(c.Values, strings.TrimSpace(v))
}

var keyPart = strings.NewReplacer("~", "~0", "/", "~1")

// keyOf joins key columns with a slash; a single one stands as it is.
func keyOf(columns []string, get values) (key, bad string) {
	for i, name := range columns {
		v, ok := get(name)
		v = strings.TrimSpace(v)
		switch {
		case !ok:
			return "", fmt.Sprintf("it has no %s", name)
		case v == "":
			return "", fmt.Sprintf("%s is empty", name)
		case len(v) > 200:
			return "", fmt.Sprintf("%s has more than 200 bytes", name)
		}
		if len(columns) > 1 {
			v = keyPart.Replace(v)
		}
		if i > 0 {
			key += "/"
		}
		key += v
	}
	return key, ""
}

func (s *streamSpec) version(get values, fileTime int64) (v int64, bad string) {
	if s.Version.FileTime {
		return fileTime, ""
	}
	if s.Version.Column == "" {
		return 0, ""
	}
	text, ok := get(s.Version.Column)
	text = strings.TrimSpace(text)
	if !ok || text == "" {
		return 0, fmt.Sprintf("its version %s is empty", s.Version.Column)
	}
	if s.Version.Number {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v <= 0 {
			return 0, fmt.Sprintf("its version %s is no whole number above 0", s.Version.Column)
		}
		return v, ""
	}
	t, ok := parseTime(text, s.Version.Layout, s.Zone)
	if !ok || t.UnixMilli() <= 0 {
		return 0, fmt.Sprintf("its version %s is no time in the declared layout", s.Version.Column)
	}
	return t.UnixMilli(), ""
}
