package filedrop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

// maxXMLDepth bounds how deeply the elements of a row nest.
const maxXMLDepth = 64

// xmlReader reads the elements of one name, wherever they stand, as JSON documents: an
// element with neither attributes nor children is its text; any other is an object with
// the attributes as @name, the children by name (a list when there are several, or when
// the description says so) and its own text as #text. Namespaces are left out.
type xmlReader struct {
	f      file
	d      *xml.Decoder
	in     *rationed
	row    []string // the last names of the path to a row's element
	lists  []string
	max    int
	path   []string
	count  int
	opened bool
}

// rationed fails when a single token takes more bytes than a row may have.
type rationed struct {
	r          *bufio.Reader
	left, size int
}

var errRation = errors.New("a row is too long")

func (r *rationed) ReadByte() (byte, error) {
	if r.left <= 0 {
		return 0, errRation
	}
	r.left--
	return r.r.ReadByte()
}

func (r *rationed) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// newXML reads with the given charset, or, when cs is empty, with the one that the file
// declares.
func newXML(f file, cs charset, row string, lists []string, maxRow int) (*xmlReader, error) {
	var src io.Reader = f
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	given := cs
	if given == "" {
		given = utf8Charset
	}
	skip, bad := given.preamble(head[:n])
	if bad != nil {
		return nil, bad
	}
	if _, err := f.Seek(int64(skip), io.SeekStart); err != nil {
		return nil, err
	}
	label := func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if cs == "" {
		label = declared
	}
	if cs != "" {
		src = transform.NewReader(f, cs.encoding().NewDecoder())
	}
	r := &xmlReader{f: f, row: strings.Split(row, "/"), lists: lists, max: maxRow, in: &rationed{r: bufio.NewReaderSize(src, 1<<16), left: maxRow, size: maxRow}}
	r.d = xml.NewDecoder(r.in)
	r.d.CharsetReader = label
	return r, nil
}

// declared reads the charset that the XML declaration names.
func declared(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii":
		return in, nil
	case "gbk", "gb2312", "gb18030":
		return transform.NewReader(in, gb18030.encoding().NewDecoder()), nil
	}
	enc, err := ianaindex.IANA.Encoding(label)
	if err != nil || enc == nil || strings.HasPrefix(strings.ToLower(label), "utf-16") {
		return nil, fmt.Errorf("the declared charset %q is not known", label)
	}
	return transform.NewReader(in, enc.NewDecoder()), nil
}

func (r *xmlReader) line() int {
	line, _ := r.d.InputPos()
	return line
}

func (r *xmlReader) token() (xml.Token, error) {
	r.in.left = r.max
	t, err := r.d.Token()
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) && len(r.path) == 0 && r.opened:
		return nil, io.EOF
	case errors.Is(err, io.EOF), isSyntax(err):
		return nil, &fatal{line: r.line(), text: "the rest of the file is no XML: " + plainXML(err)}
	case errors.Is(err, errRation):
		return nil, &fatal{line: r.line(), text: fmt.Sprintf("a piece of text has more than %d bytes", r.max)}
	case strings.Contains(err.Error(), "declared charset"), strings.Contains(err.Error(), "xml: "):
		return nil, &fatal{line: r.line(), text: err.Error()}
	default:
		return nil, err
	}
	switch t := t.(type) {
	case xml.Directive:
		return nil, &fatal{line: r.line(), text: "a document type is declared; entities could hide anything, so such a file is not read"}
	case xml.StartElement:
		if r.path, r.opened = append(r.path, t.Name.Local), true; len(r.path) > 2*maxXMLDepth {
			return nil, &fatal{line: r.line(), text: "the elements nest too deeply"}
		}
	case xml.EndElement:
		r.path = r.path[:len(r.path)-1]
	}
	return t, nil
}

func isSyntax(err error) bool {
	var s *xml.SyntaxError
	return errors.As(err, &s)
}

func plainXML(err error) string {
	var s *xml.SyntaxError
	switch {
	case errors.As(err, &s):
		return s.Msg
	case errors.Is(err, io.EOF):
		return "it ends before its root element does"
	}
	return err.Error()
}

func (r *xmlReader) next() (*record, error) {
	for {
		t, err := r.token()
		if err != nil {
			return nil, err
		}
		start, ok := t.(xml.StartElement)
		if !ok || !r.isRow() {
			continue
		}
		rec := &record{at: position{Row: r.count}, line: r.line()}
		began := r.d.InputOffset()
		e := &element{reader: r, began: began, depth: len(r.path)}
		tree, err := e.read(start, nil)
		if err != nil {
			return nil, err
		}
		if _, object := tree.(map[string]any); !object {
			tree = map[string]any{"#text": tree}
		}
		r.count++
		rec.next = position{Row: r.count}
		rec.tree, rec.bad = tree, e.bad
		rec.body, err = plainJSON(tree)
		if err != nil {
			return nil, err
		}
		rec.raw = string(rec.body)
		if rec.bad == "" && (!utf8.Valid(rec.body) || bytes.ContainsRune(rec.body, utf8.RuneError)) {
			rec.bad = "it holds bytes that are not of the file's charset"
		}
		return rec, nil
	}
}

func (r *xmlReader) isRow() bool {
	return len(r.path) >= len(r.row) && slices.Equal(r.path[len(r.path)-len(r.row):], r.row)
}

func (r *xmlReader) close() error { return r.f.Close() }

// element reads one row's element; what makes the row unfit is noted, and the reading
// goes on to its end so that the next row can be read.
type element struct {
	reader *xmlReader
	began  int64
	depth  int
	bad    string
}

func (e *element) read(start xml.StartElement, at []string) (any, error) {
	obj := map[string]any{}
	var text strings.Builder
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		obj["@"+a.Name.Local] = a.Value
	}
	for {
		t, err := e.reader.token()
		if err != nil {
			return nil, err
		}
		if size := e.reader.d.InputOffset() - e.began; size > int64(e.reader.max) {
			e.bad = fmt.Sprintf("the element has more than %d bytes", e.reader.max)
			obj, _ = map[string]any{}, text
		}
		if len(at) > maxXMLDepth {
			e.bad = fmt.Sprintf("its elements nest deeper than %d", maxXMLDepth)
		}
		switch t := t.(type) {
		case xml.CharData:
			if e.bad == "" {
				text.Write(t)
			}
		case xml.StartElement:
			path := append(slices.Clone(at), t.Name.Local)
			v, err := e.read(t, path)
			if err != nil {
				return nil, err
			}
			if e.bad == "" {
				e.add(obj, t.Name.Local, v, slices.Contains(e.reader.lists, strings.Join(path, "/")))
			}
		case xml.EndElement:
			return e.value(obj, text.String()), nil
		}
	}
}

func (e *element) value(obj map[string]any, text string) any {
	if len(obj) == 0 {
		return text
	}
	if strings.TrimSpace(text) != "" {
		obj["#text"] = text
	}
	return obj
}

func (e *element) add(obj map[string]any, name string, v any, list bool) {
	switch old := obj[name].(type) {
	case nil:
		if list {
			v = []any{v}
		}
		obj[name] = v
	case []any:
		obj[name] = append(old, v)
	default:
		obj[name] = []any{old, v}
	}
}

// plainJSON writes a tree as it will be stored: keys in order, nothing escaped for HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
