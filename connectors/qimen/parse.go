package qimen

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// The bounds of a message.
const (
	maxMessage  = 4 << 20 // bytes
	maxDepth    = 16
	maxElements = 100_000
)

// element is one element of a parsed message; attributes are not part of the protocol.
type element struct {
	name string
	text string
	kids []*element
}

// parse reads exactly one XML document in UTF-8. Declarations of types and entities are
// refused, and so is whatever is larger or deeper than a message can be. Its errors
// quote nothing of the content.
func parse(body []byte) (*element, error) {
	if len(body) > maxMessage {
		return nil, fmt.Errorf("larger than %d bytes", maxMessage)
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errCharset }
	p := parser{}
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, syntax(err)
		}
		if err := p.take(tok); err != nil {
			line, _ := d.InputPos()
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	switch {
	case p.root == nil:
		return nil, errors.New("there is no element")
	case len(p.open) > 0:
		return nil, errors.New("cut off before the end of the document")
	}
	return p.root, nil
}

var errCharset = errors.New("the encoding must be UTF-8")

func syntax(err error) error {
	var s *xml.SyntaxError
	switch {
	case errors.Is(err, errCharset), strings.Contains(err.Error(), errCharset.Error()):
		return errCharset
	case errors.As(err, &s):
		return fmt.Errorf("line %d: not well-formed XML", s.Line)
	}
	return errors.New("not well-formed XML")
}

type parser struct {
	root  *element
	open  []*element
	text  bytes.Buffer // of the innermost open element
	count int
}

func (p *parser) take(tok xml.Token) error {
	switch t := tok.(type) {
	case xml.Directive:
		return errors.New("a document type or an entity is declared, which is refused")
	case xml.StartElement:
		return p.start(t.Name.Local)
	case xml.EndElement:
		return p.end(t.Name.Local)
	case xml.CharData:
		return p.chars(t)
	}
	return nil
}

func (p *parser) start(name string) error {
	e := &element{name: name}
	p.count++
	switch {
	case p.count > maxElements:
		return fmt.Errorf("more than %d elements", maxElements)
	case len(p.open) >= maxDepth:
		return fmt.Errorf("nested deeper than %d elements", maxDepth)
	case len(p.open) == 0 && p.root != nil:
		return errors.New("a second document follows the first")
	case len(p.open) == 0:
		p.root = e
	case len(bytes.TrimSpace(p.text.Bytes())) > 0:
		return errMixed
	default:
		parent := p.open[len(p.open)-1]
		parent.kids = append(parent.kids, e)
	}
	p.text.Reset()
	p.open = append(p.open, e)
	return nil
}

func (p *parser) end(name string) error {
	if len(p.open) == 0 || p.open[len(p.open)-1].name != name {
		return errors.New("an element is closed that is not open")
	}
	e := p.open[len(p.open)-1]
	if len(bytes.TrimSpace(p.text.Bytes())) > 0 {
		e.text = p.text.String()
	}
	p.text.Reset()
	p.open = p.open[:len(p.open)-1]
	return nil
}

func (p *parser) chars(t xml.CharData) error {
	blank := len(bytes.TrimSpace(t)) == 0
	switch {
	case len(p.open) == 0 && !blank:
		return errors.New("text outside the document's element")
	case len(p.open) > 0 && len(p.open[len(p.open)-1].kids) > 0 && !blank:
		return errMixed
	}
	p.text.Write(t)
	return nil
}

var errMixed = errors.New("an element holds both text and elements")

// kid returns the first child of that name, nil when there is none.
func (e *element) kid(name string) *element {
	if e == nil {
		return nil
	}
	for _, k := range e.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// at returns the text of the first child of that name, without surrounding blanks.
func (e *element) at(name string) string {
	if k := e.kid(name); k != nil {
		return strings.TrimSpace(k.text)
	}
	return ""
}

// tree reads an element as an object of the codec package, by the vendor's fields.
// Elements that no field names stay, as loose reads them.
func (e *element) tree(fields []node) (map[string]any, error) {
	known := map[string]node{}
	for _, f := range fields {
		known[f.name] = f
	}
	out, rest := map[string]any{}, &element{}
	for _, k := range e.kids {
		f, ok := known[k.name]
		if !ok {
			rest.kids = append(rest.kids, k)
			continue
		}
		if _, twice := out[k.name]; twice {
			return nil, fmt.Errorf("%s: the element comes twice", k.name)
		}
		v, err := k.value(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		out[k.name] = v
	}
	maps.Copy(out, rest.loose())
	return out, nil
}

func (e *element) value(f node) (any, error) {
	switch {
	case f.leaf() && len(e.kids) > 0:
		return nil, errors.New("holds elements where the vendor's page has text")
	case f.leaf():
		return e.text, nil
	case e.text != "":
		return nil, errors.New("holds text where the vendor's page has elements")
	case f.free:
		return e.loose(), nil
	case f.item == "":
		return e.tree(f.fields)
	}
	items := make([]any, 0, len(e.kids))
	for i, k := range e.kids {
		if k.name != f.item {
			return nil, fmt.Errorf("child %d is %s, want %s", i+1, k.name, f.item)
		}
		v, err := k.value(node{name: f.item, fields: f.fields})
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", f.item, i+1, err)
		}
		items = append(items, v)
	}
	return items, nil
}

// loose reads an element without knowing its fields: texts, objects, and a list where
// a name repeats.
func (e *element) loose() map[string]any {
	all := map[string][]any{}
	for _, k := range e.kids {
		var v any = k.text
		if len(k.kids) > 0 {
			v = k.loose()
		}
		all[k.name] = append(all[k.name], v)
	}
	out := make(map[string]any, len(all))
	for name, values := range all {
		out[name] = values
		if len(values) == 1 {
			out[name] = values[0]
		}
	}
	return out
}
