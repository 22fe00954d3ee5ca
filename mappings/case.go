package mappings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/minihub/minihub/mappings/mapper"
	"github.com/rogpeppe/go-internal/txtar"
)

// Case is a case file: a document, the mapping it goes through, and what must
// come out.
type Case struct {
	File    string
	About   string // the text before the first part
	Mapping string // path of the mapping
	Input   any
	Context mapper.Context

	archive *txtar.Archive
	want    string // name of the part with the expectation
}

// ReadCase reads a case file:
//
//	What the case shows.
//	-- mapping --
//	tryton/out/sale.yaml
//	-- input.json --
//	{...}
//	-- context.json --
//	{"key": "...", "store": {...}, "source": {...}, "links": {...}, "values": {...}, "lookups": {"table": {"code": "value"}}}
//	-- want.json --
//	{...}
//
// context.json may be left out; want.error stands instead of want.json where
// the mapping must fail, one line "code target: text" for each error.
func ReadCase(file string, data []byte) (*Case, error) {
	c := &Case{File: file, archive: txtar.Parse(data)}
	c.About = strings.TrimSpace(string(c.archive.Comment))
	for _, f := range c.archive.Files {
		var err error
		switch f.Name {
		case "mapping":
			c.Mapping = strings.TrimSpace(string(f.Data))
		case "input.json":
			err = decode(f.Data, &c.Input)
		case "context.json":
			err = c.readContext(f.Data)
		case "want.json", "want.error":
			if c.want != "" {
				err = errors.New("a case has one expectation")
			}
			c.want = f.Name
		default:
			err = errors.New("a case has the parts mapping, input.json, context.json and want.json or want.error")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: part %s: %w", file, f.Name, err)
		}
	}
	if c.Mapping == "" || c.Input == nil || c.want == "" {
		return nil, fmt.Errorf("%s: a case needs the parts mapping, input.json and want.json or want.error", file)
	}
	return c, nil
}

func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the JSON")
	}
	return nil
}

func (c *Case) readContext(data []byte) error {
	var in struct {
		Key     string                    `json:"key"`
		Store   map[string]any            `json:"store"`
		Source  map[string]any            `json:"source"`
		Links   map[string]any            `json:"links"`
		Values  map[string]any            `json:"values"`
		Lookups map[string]map[string]any `json:"lookups"`
	}
	if err := decode(data, &in); err != nil {
		return err
	}
	c.Context = mapper.Context{Key: in.Key, Store: in.Store, Source: in.Source, Links: in.Links, Values: in.Values}
	if in.Lookups != nil {
		c.Context.Lookups = caseTables{over: in.Lookups}
	}
	return nil
}

// caseTables lays a case's own entries over the set's.
type caseTables struct {
	over  map[string]map[string]any
	under mapper.Tables
}

func (t caseTables) Has(table string) bool { return t.over[table] != nil || t.under.Has(table) }

func (t caseTables) Get(table, key string) (any, bool) {
	if v, ok := t.over[table][key]; ok {
		return v, true
	}
	return t.under.Get(table, key)
}

// Outcome is what a case's mapping gave.
type Outcome struct {
	Result any    // the document; nil when the mapping failed
	Errors string // the errors, one line each, as want.error has them
	Diff   string // how this differs from what the case wants; empty when it does not
}

// Run maps the case's document and compares. The error is about the case
// itself: a mapping that is not there, an expectation that is not JSON.
func (c *Case) Run(set *Set) (*Outcome, error) {
	p, err := set.Program(c.Mapping)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	ctx := c.Context
	if own, given := ctx.Lookups.(caseTables); given {
		own.under = set.tables
		ctx.Lookups = own
	}
	out := &Outcome{}
	out.Result, err = p.Run(c.Input, ctx)
	out.Errors = errorLines(err)
	var want any
	if c.want == "want.json" {
		if err := decode(c.part("want.json"), &want); err != nil {
			return nil, fmt.Errorf("%s: part want.json: %w", c.File, err)
		}
	}
	if c.want == "want.error" || err != nil {
		wantErrors := ""
		if c.want == "want.error" {
			wantErrors = string(c.part("want.error"))
		}
		if wantErrors != out.Errors {
			out.Diff = "want the errors:\n" + orNone(wantErrors) + "got:\n" + orNone(out.Errors)
		}
		return out, nil
	}
	out.Diff = differences(want, out.Result)
	return out, nil
}

func orNone(lines string) string {
	if lines == "" {
		return "(none)\n"
	}
	return lines
}

func errorLines(err error) string {
	var es *mapper.RunErrors
	if !errors.As(err, &es) {
		return ""
	}
	var b strings.Builder
	for _, e := range es.Errors {
		fmt.Fprintf(&b, "%s %s: %s\n", e.Code, e.Target, e.Text)
	}
	return b.String()
}

func (c *Case) part(name string) []byte {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// Updated is the case file with the outcome as its expectation.
func (c *Case) Updated(o *Outcome) ([]byte, error) {
	name, data := "want.error", []byte(o.Errors)
	if o.Errors == "" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(o.Result); err != nil {
			return nil, fmt.Errorf("%s: %w", c.File, err)
		}
		name, data = "want.json", b.Bytes()
	}
	a := &txtar.Archive{Comment: c.archive.Comment}
	for _, f := range c.archive.Files {
		if f.Name == c.want {
			f = txtar.File{Name: name, Data: data}
		}
		a.Files = append(a.Files, f)
	}
	return txtar.Format(a), nil
}
