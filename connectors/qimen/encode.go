package qimen

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
)

const xmlHead = `<?xml version="1.0" encoding="utf-8"?>`

var (
	plainNumber = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,18})?$`)
	elementName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
)

// encode writes a document as the element <request>, in the order of fields.
func encode(document map[string]any, fields []node) ([]byte, *connectors.Error) {
	w := &writer{}
	w.buf.WriteString(xmlHead)
	if err := w.object("", "request", document, fields); err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "qimen.document", Text: err.Error(),
			Hint: "mend the mapping that makes the document"}
	}
	return w.buf.Bytes(), nil
}

type writer struct{ buf bytes.Buffer }

func (w *writer) object(at, name string, v any, fields []node) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s must be an object", place(at))
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.ContainsFunc(fields, func(n node) bool { return n.name == k }) {
			return fmt.Errorf("%s is no element of the vendor's message", at+"/"+k)
		}
	}
	w.open(name)
	for _, n := range fields {
		value, ok := m[n.name]
		if !ok || value == nil {
			continue
		}
		if err := w.value(at+"/"+n.name, n, value); err != nil {
			return err
		}
	}
	w.close(name)
	return nil
}

func (w *writer) value(at string, n node, v any) error {
	switch {
	case n.leaf():
		return w.text(at, n.name, v)
	case n.free:
		return w.free(at, n.name, v)
	case n.item == "":
		return w.object(at, n.name, v, n.fields)
	}
	items, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%s must be a list", at)
	}
	w.open(n.name)
	for i, item := range items {
		where := at + "/" + strconv.Itoa(i)
		var err error
		if n.fields == nil {
			err = w.text(where, n.item, item)
		} else {
			err = w.object(where, n.item, item, n.fields)
		}
		if err != nil {
			return err
		}
	}
	w.close(n.name)
	return nil
}

func (w *writer) free(at, name string, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s must be an object of texts", at)
	}
	w.open(name)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !elementName.MatchString(k) {
			return fmt.Errorf("%s holds a name that is no XML element name", at)
		}
		if err := w.text(at+"/"+k, k, m[k]); err != nil {
			return err
		}
	}
	w.close(name)
	return nil
}

// text writes a text or a plain number. Characters that XML cannot carry are refused,
// not replaced.
func (w *writer) text(at, name string, v any) error {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case json.Number:
		if s = v.String(); !plainNumber.MatchString(s) {
			return fmt.Errorf("%s must be a plain decimal number, without an exponent", at)
		}
	case nil:
		return nil
	default:
		return fmt.Errorf("%s must be a text or a number", at)
	}
	if strings.ContainsFunc(s, forbidden) {
		return fmt.Errorf("%s holds a control character, which XML cannot carry", at)
	}
	w.open(name)
	if err := xml.EscapeText(&w.buf, []byte(s)); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	w.close(name)
	return nil
}

func (w *writer) open(name string)  { w.buf.WriteString("<" + name + ">") }
func (w *writer) close(name string) { w.buf.WriteString("</" + name + ">") }

// forbidden tells the characters outside XML 1.0 section 2.2.
func forbidden(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func place(at string) string {
	if at == "" {
		return "the document"
	}
	return at
}
