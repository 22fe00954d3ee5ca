package manifest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

var errXML = errors.New("the answer is not one XML document")

// decodeXML reads one document into objects of elements: @name is an attribute, #text
// the text of an element that has attributes too, and an element that comes more than
// once is a list. The outermost element is the value itself.
func decodeXML(src []byte) (any, *spans, error) {
	s := &spans{src: src, at: map[uintptr][2]int{}}
	dec := xml.NewDecoder(bytes.NewReader(src))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // decoded before
	var root any
	found := false
	for {
		from := int(dec.InputOffset())
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if !found {
				return nil, nil, errXML
			}
			return root, s, nil
		}
		if err != nil {
			return nil, nil, errXML
		}
		if start, ok := tok.(xml.StartElement); ok {
			if found {
				return nil, nil, errXML
			}
			found = true
			if root, err = element(dec, start, from, s, 0); err != nil {
				return nil, nil, err
			}
		}
	}
}

func element(dec *xml.Decoder, start xml.StartElement, from int, s *spans, depth int) (any, error) {
	if depth > 100 {
		return nil, errXML
	}
	m := map[string]any{}
	for _, a := range start.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			m["@"+a.Name.Local] = a.Value
		}
	}
	children := 0
	var text strings.Builder
	for {
		at := int(dec.InputOffset())
		tok, err := dec.Token()
		if err != nil {
			return nil, errXML
		}
		switch t := tok.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			v, err := element(dec, t, at, s, depth+1)
			if err != nil {
				return nil, err
			}
			children++
			name := t.Name.Local
			switch old := m[name].(type) {
			case nil:
				m[name] = v
			case many:
				m[name] = append(old, v)
			default:
				m[name] = many{old, v}
			}
		case xml.EndElement:
			for k, v := range m {
				if l, ok := v.(many); ok {
					m[k] = []any(l)
				}
			}
			if children == 0 && len(m) == 0 {
				return strings.TrimSpace(text.String()), nil
			}
			if tx := strings.TrimSpace(text.String()); tx != "" {
				m["#text"] = tx
			}
			s.note(m, from, int(dec.InputOffset()))
			return m, nil
		}
	}
}

// many is a list of elements of one name while it grows.
type many []any

// encodeXML writes a value as XML below a root element.
func encodeXML(root string, v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := writeXML(&b, root, v, 0); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeXML(b *bytes.Buffer, name string, v any, depth int) error {
	if depth > 100 {
		return errors.New("the document is nested too deep for XML")
	}
	if !xmlName(name) {
		return fmt.Errorf("%q is not a name of an XML element", name)
	}
	if l, ok := v.([]any); ok {
		for _, item := range l {
			if err := writeXML(b, name, item, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	names, get := members(v)
	b.WriteString("<" + name)
	for _, n := range names {
		if attr, ok := strings.CutPrefix(n, "@"); ok {
			if !xmlName(attr) {
				return fmt.Errorf("%q is not a name of an XML attribute", attr)
			}
			b.WriteString(" " + attr + `="`)
			if err := xml.EscapeText(b, []byte(formula.Text(get(n)))); err != nil {
				return err
			}
			b.WriteString(`"`)
		}
	}
	b.WriteString(">")
	if names == nil {
		if err := xml.EscapeText(b, []byte(formula.Text(v))); err != nil {
			return err
		}
	}
	for _, n := range names {
		switch {
		case strings.HasPrefix(n, "@"):
		case n == "#text":
			if err := xml.EscapeText(b, []byte(formula.Text(get(n)))); err != nil {
				return err
			}
		default:
			if err := writeXML(b, n, get(n), depth+1); err != nil {
				return err
			}
		}
	}
	b.WriteString("</" + name + ">")
	return nil
}

func xmlName(s string) bool {
	if s == "" {
		return false
	}
	for i, r := range s {
		ok := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f || i > 0 && (r == '-' || r == '.' || r == ':' || r >= '0' && r <= '9')
		if !ok {
			return false
		}
	}
	return true
}

// members lists the names of an object, in the order of the manifest where it has one.
func members(v any) ([]string, func(string) any) {
	switch v := v.(type) {
	case *object:
		return v.names, func(n string) any { return v.values[n] }
	case map[string]any:
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		slices.Sort(names)
		return names, func(n string) any { return v[n] }
	}
	return nil, nil
}
