package qimensim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth = 12
	maxNodes = 20000
)

// node is one element: either text or children, never both.
type node struct {
	name string
	text string
	kids []*node
}

// parse reads a document strictly: UTF-8, no document type, no entities beyond
// the five of XML, no attributes, namespaces, comments or processing
// instructions, no text beside elements.
func parse(body []byte) (*node, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("报文不是UTF-8编码")
	}
	dec := xml.NewDecoder(bytes.NewReader(body))
	var root *node
	var open []*node
	count := 0
	for {
		at := dec.InputOffset()
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("报文不是合法的XML: %w", err)
		}
		switch t := tok.(type) {
		case xml.ProcInst:
			if t.Target != "xml" || at != 0 {
				return nil, errors.New("不允许处理指令")
			}
		case xml.Directive:
			return nil, errors.New("不允许DOCTYPE")
		case xml.Comment:
			return nil, errors.New("不允许注释")
		case xml.StartElement:
			count++
			if t.Name.Space != "" || len(t.Attr) > 0 {
				return nil, fmt.Errorf("节点 %s 不允许属性或命名空间", t.Name.Local)
			}
			if count > maxNodes || len(open) == maxDepth {
				return nil, errors.New("报文节点过多或过深")
			}
			n := &node{name: t.Name.Local}
			if len(open) == 0 {
				if root != nil {
					return nil, errors.New("报文只能有一个根节点")
				}
				root = n
			} else {
				up := open[len(open)-1]
				up.kids = append(up.kids, n)
			}
			open = append(open, n)
		case xml.EndElement:
			n := open[len(open)-1]
			open = open[:len(open)-1]
			if len(n.kids) > 0 {
				if strings.TrimSpace(n.text) != "" {
					return nil, fmt.Errorf("节点 %s 同时含有文本和子节点", n.name)
				}
				n.text = ""
			}
		case xml.CharData:
			if len(open) == 0 {
				if len(bytes.TrimSpace(t)) > 0 {
					return nil, errors.New("根节点之外有文本")
				}
				continue
			}
			open[len(open)-1].text += string(t)
		}
	}
	if root == nil {
		return nil, errors.New("报文为空")
	}
	return root, nil
}

func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// at returns the text below a path of names, empty when it is absent or blank.
func (n *node) at(names ...string) string {
	for _, name := range names {
		n = n.child(name)
	}
	if n == nil || strings.TrimSpace(n.text) == "" {
		return ""
	}
	return n.text
}

// writer builds a document; empty leaves are left out.
type writer struct{ b bytes.Buffer }

func newWriter() *writer {
	w := &writer{}
	w.b.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	return w
}

func (w *writer) leaf(name, text string) {
	if text == "" {
		return
	}
	w.b.WriteString("<" + name + ">")
	// A bytes.Buffer does not fail to write.
	_ = xml.EscapeText(&w.b, []byte(text))
	w.b.WriteString("</" + name + ">")
}

func (w *writer) group(name string, inner func()) {
	w.b.WriteString("<" + name + ">")
	inner()
	w.b.WriteString("</" + name + ">")
}
