package redact

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// node is a value of a body, in the order in which it was sent.
type node struct {
	kind kind
	name string
	text string
	kids []*node
	held bool // it stood in a text
}

type kind int

const (
	object kind = iota
	array
	text
	bare // a number, true, false, null
)

// deepest is how deep a body may nest.
const deepest = 64

// parseJSON reads one document. Of one that was cut it gives what was whole.
func parseJSON(s string, cut bool) (*node, bool) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	r := &jsonReader{dec: dec, size: int64(len(s))}
	n, err := r.value(0)
	if n == nil || err != nil && !cut {
		return nil, false
	}
	if err == nil {
		if _, err = dec.Token(); !errors.Is(err, io.EOF) {
			return nil, false
		}
	}
	return n, n.kind == object || n.kind == array || err == nil || errors.Is(err, io.EOF)
}

type jsonReader struct {
	dec  *json.Decoder
	size int64
}

func (r *jsonReader) value(depth int) (*node, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == deepest {
			return nil, io.ErrUnexpectedEOF
		}
		if t == '{' {
			return r.members(depth)
		}
		return r.items(depth)
	case string:
		return heldIn(t, depth), nil
	case json.Number:
		if depth > 0 && r.dec.InputOffset() == r.size {
			return nil, io.ErrUnexpectedEOF // perhaps the beginning of a longer one
		}
		return &node{kind: bare, text: t.String()}, nil
	case bool:
		if t {
			return &node{kind: bare, text: "true"}, nil
		}
		return &node{kind: bare, text: "false"}, nil
	}
	return &node{kind: bare, text: "null"}, nil
}

// heldIn is a text, or the document that it holds.
func heldIn(s string, depth int) *node {
	if t := strings.TrimSpace(s); len(t) > 1 && (t[0] == '{' || t[0] == '[') && depth+1 < deepest {
		dec := json.NewDecoder(strings.NewReader(t))
		dec.UseNumber()
		r := &jsonReader{dec: dec, size: int64(len(t)) + 1}
		if n, err := r.value(depth + 1); err == nil {
			if _, err := dec.Token(); err == io.EOF {
				n.held = true
				return n
			}
		}
	}
	return &node{kind: text, text: s}
}

func (r *jsonReader) members(depth int) (*node, error) {
	n := &node{kind: object}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return n, err
		}
		name, _ := t.(string)
		kid, err := r.value(depth + 1)
		if kid != nil {
			kid.name = name
			n.kids = append(n.kids, kid)
		}
		if err != nil {
			return n, err
		}
	}
	_, err := r.dec.Token()
	return n, err
}

func (r *jsonReader) items(depth int) (*node, error) {
	n := &node{kind: array}
	for r.dec.More() {
		kid, err := r.value(depth + 1)
		if kid != nil {
			n.kids = append(n.kids, kid)
		}
		if err != nil {
			return n, err
		}
	}
	_, err := r.dec.Token()
	return n, err
}

// printer lays a body out and masks it on the way.
type printer struct {
	strings.Builder
	k      *Known
	by     side
	hidden int
}

func (p *printer) indent(depth int) { p.WriteString(strings.Repeat("  ", depth)) }

// heldMark stands before a document that was sent as a text.
const heldMark = "⟨text⟩ "

func (p *printer) json(n *node, depth int) { p.member(n, "", depth) }

// member prints a value; name is the nearest one above it.
func (p *printer) member(n *node, name string, depth int) {
	if n.held {
		p.WriteString(heldMark)
	}
	switch n.kind {
	case object, array:
		if secretNames.MatchString(fold(name)) {
			p.put(Dots)
			return
		}
		p.children(n, name, depth)
	case text:
		shown, hidden := p.k.leaf(p.by, name, n.text, false)
		p.hidden += hidden
		p.WriteString(quote(shown))
	case bare:
		p.leaf(name, n.text, true)
	}
}

func (p *printer) children(n *node, name string, depth int) {
	open, shut := "{", "}"
	if n.kind == array {
		open, shut = "[", "]"
	}
	p.WriteString(open)
	for i, kid := range n.kids {
		if i > 0 {
			p.WriteString(",")
		}
		p.WriteString("\n")
		p.indent(depth + 1)
		of := name
		if n.kind == object {
			of = kid.name
			shown, hidden := p.k.name(p.by, kid.name)
			p.hidden += hidden
			p.WriteString(quote(shown) + ": ")
		}
		p.member(kid, of, depth+1)
	}
	if len(n.kids) > 0 {
		p.WriteString("\n")
		p.indent(depth)
	}
	p.WriteString(shut)
}

func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `"` + Dots + `"`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// parseXML reads one element; attributes are kids whose names begin with @.
func parseXML(s string, cut bool) (*node, bool) {
	dec := xml.NewDecoder(strings.NewReader(s))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it was made UTF-8 when captured
	var open []*node
	var root *node
	for {
		t, err := dec.Token()
		if err != nil {
			return root, root != nil && (errors.Is(err, io.EOF) && len(open) == 0 || cut)
		}
		switch t := t.(type) {
		case xml.StartElement:
			n := &node{kind: object, name: t.Name.Local}
			for _, a := range t.Attr {
				n.kids = append(n.kids, &node{kind: text, name: "@" + a.Name.Local, text: a.Value})
			}
			switch {
			case len(open) > 0:
				open[len(open)-1].kids = append(open[len(open)-1].kids, n)
			case root != nil:
				return nil, false
			default:
				root = n
			}
			if open = append(open, n); len(open) > deepest {
				return nil, false
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		}
	}
}

func (p *printer) xml(n *node, depth int) {
	p.indent(depth)
	shown, hidden := p.k.name(p.by, n.name)
	p.hidden += hidden
	p.WriteString("<" + shown)
	below := 0
	for _, kid := range n.kids {
		if kid.kind != text {
			below++
			continue
		}
		p.WriteString(" " + strings.TrimPrefix(kid.name, "@") + `="`)
		p.leaf(kid.name, kid.text, false)
		p.WriteString(`"`)
	}
	inner := strings.TrimSpace(n.text)
	if inner == "" && below == 0 {
		p.WriteString("/>\n")
		return
	}
	p.WriteString(">")
	if inner != "" {
		p.within(n.name, inner)
	}
	if below > 0 {
		p.WriteString("\n")
		for _, kid := range n.kids {
			if kid.kind != text {
				p.xml(kid, depth+1)
			}
		}
		p.indent(depth)
	}
	p.WriteString("</" + shown + ">\n")
}
