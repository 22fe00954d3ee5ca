package filedrop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// render writes one document as lines of the file, in UTF-8.
func (o *operationSpec) render(doc json.RawMessage) (string, *connectors.Error) {
	tree, err := codec.Decode(doc)
	if err != nil {
		return "", refused("", "it is not JSON: "+err.Error())
	}
	var out string
	if o.Format == jsonlFormat {
		var line bytes.Buffer
		if err := json.Compact(&line, doc); err != nil {
			return "", refused("", "it is not JSON: "+err.Error())
		}
		out = line.String() + o.Newline
	} else {
		var bad *connectors.Error
		if out, bad = o.table(tree); bad != nil {
			return "", bad
		}
	}
	if _, bad := o.Charset.encode(out); bad != "" {
		return "", refused("", bad)
	}
	return out, nil
}

func refused(pointer, text string) *connectors.Error {
	if pointer != "" {
		text = pointer + ": " + text
	}
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "file.document", Text: text, Hint: "mend the mapping"}
}

func (o *operationSpec) table(doc any) (string, *connectors.Error) {
	rows := []any{doc}
	if o.Rows != "" {
		list, ok := lookup(doc, o.Rows).([]any)
		if !ok || len(list) == 0 {
			return "", refused("/"+o.Rows, "is no list with rows in it")
		}
		rows = list
	}
	var b strings.Builder
	for i, row := range rows {
		for j, c := range o.Columns {
			from, at, pointer := row, c.Path, "/"+c.Path
			switch {
			case strings.HasPrefix(c.Path, "/"):
				from, at, pointer = doc, c.Path[1:], c.Path
			case o.Rows != "":
				pointer = "/" + o.Rows + "/" + strconv.Itoa(i) + pointer
			}
			text, bad := cellText(lookup(from, at))
			if bad != "" {
				return "", refused(pointer, bad)
			}
			if j > 0 {
				b.WriteByte(o.Delimiter)
			}
			b.WriteString(o.quote(text))
		}
		b.WriteString(o.Newline)
	}
	return b.String(), nil
}

func lookup(tree any, path string) any {
	for part := range strings.SplitSeq(path, "/") {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = m[part]
	}
	return tree
}

// cellText writes a value with every digit it has (Invariant 6).
func cellText(v any) (text, bad string) {
	switch v := v.(type) {
	case nil:
		return "", ""
	case string:
		return v, ""
	case json.Number:
		return v.String(), ""
	case bool:
		return strconv.FormatBool(v), ""
	case []any:
		return "", "is a list, and a cell holds one value"
	default:
		return "", "is an object, and a cell holds one value"
	}
}

func (o *operationSpec) quote(s string) string {
	if s != "" && !strings.ContainsAny(s, "\"\r\n"+string(rune(o.Delimiter))) && s == strings.TrimSpace(s) {
		return s
	}
	if s == "" {
		return ""
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// content is a whole file of rendered documents.
func (o *operationSpec) content(docs []string) ([]byte, error) {
	var b strings.Builder
	if o.BOM {
		b.WriteString("\uFEFF")
	}
	if o.Format == csvFormat && o.Header {
		for i, c := range o.Columns {
			if i > 0 {
				b.WriteByte(o.Delimiter)
			}
			b.WriteString(o.quote(c.Header))
		}
		b.WriteString(o.Newline)
	}
	for _, d := range docs {
		b.WriteString(d)
	}
	out, bad := o.Charset.encode(b.String())
	if bad != "" {
		return nil, fmt.Errorf("the file cannot be encoded: %s", bad)
	}
	return out, nil
}
