package mappings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas/codec"
)

// CodeCase is the code of what is wrong with a case file itself.
const CodeCase = "mapping.case"

// The parts of a case file.
const (
	partMapping = "mapping"
	partInput   = "input.json"
	partContext = "context.json"
	partWant    = "want.json"
	partError   = "want.error"

	needed = "a case has the parts mapping, input.json, context.json and want.json or want.error"
)

// Case is a case file: a document, the mapping it goes through, and what must
// come out.
type Case struct {
	File    string
	About   string // the text before the first part
	Mapping string // path of the mapping
	Input   any
	Context mapper.Context

	comment []byte
	parts   []part
	want    string // name of the part with the expectation
	wanted  any    // want.json
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
// the mapping must fail or its result must break the schema, one line
// "code target: text" for each error. The error is mapper.Problems.
func ReadCase(file string, data []byte) (*Case, error) {
	c := &Case{File: file}
	c.comment, c.parts = split(data)
	c.About = strings.TrimSpace(string(c.comment))
	var problems mapper.Problems
	seen := map[string]bool{}
	for _, f := range c.parts {
		if p := c.readPart(f, seen[f.name]); p != nil {
			problems = append(problems, p)
		}
		seen[f.name] = true
	}
	if len(problems) == 0 && (c.Mapping == "" || c.Input == nil || c.want == "") {
		problems = append(problems, &mapper.Problem{Code: CodeCase, File: file, Line: 1,
			Text: "a case needs the parts mapping, input.json and want.json or want.error", Hint: "a part begins with a line such as -- input.json --"})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// readPart reads one part.
func (c *Case) readPart(f part, twice bool) *mapper.Problem {
	problem := func(text, hint string) *mapper.Problem {
		return &mapper.Problem{Code: CodeCase, File: c.File, Line: f.line, Column: 1, Text: "part " + f.name + ": " + text, Hint: hint}
	}
	if twice {
		return problem("it is there twice", "leave one of them")
	}
	var err error
	switch f.name {
	case partMapping:
		c.Mapping = path.Clean(strings.TrimPrefix(strings.TrimSpace(string(f.data)), "mappings/"))
	case partInput:
		c.Input, err = codec.Decode(f.data)
	case partContext:
		c.Context, err = ReadContext(f.data)
	case partWant, partError:
		if c.want != "" {
			return problem("a case has one expectation", "leave want.json or want.error")
		}
		c.want = f.name
		if f.name == partWant {
			c.wanted, err = codec.Decode(f.data)
		}
	default:
		return problem("there is no such part", needed)
	}
	var bad *codec.Error
	switch {
	case errors.As(err, &bad):
		p := problem(bad.Text, "it must be one JSON document")
		p.Line, p.Column = f.line+bad.Line, bad.Column
		return p
	case err != nil:
		return problem(err.Error(), "")
	}
	return nil
}

// ReadContext reads what a run knows beside the document, as a case's
// context.json has it: {"key", "store", "source", "links", "values", "lookups"}.
// The entries of lookups lie over the set's tables.
func ReadContext(data []byte) (mapper.Context, error) {
	var in struct {
		Key     string                    `json:"key"`
		Store   map[string]any            `json:"store"`
		Source  map[string]any            `json:"source"`
		Links   map[string]any            `json:"links"`
		Values  map[string]any            `json:"values"`
		Lookups map[string]map[string]any `json:"lookups"`
	}
	if _, err := codec.Decode(data); err != nil {
		return mapper.Context{}, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return mapper.Context{}, errors.New(strings.TrimPrefix(err.Error(), "json: ") + "; the context has key, store, source, links, values and lookups")
	}
	ctx := mapper.Context{Key: in.Key, Store: in.Store, Source: in.Source, Links: in.Links, Values: in.Values}
	if in.Lookups != nil {
		ctx.Lookups = caseTables{over: in.Lookups}
	}
	return ctx, nil
}

// Over lays the lookup entries that ReadContext found over a set's tables.
func Over(ctx mapper.Context, tables mapper.Tables) mapper.Context {
	if own, given := ctx.Lookups.(caseTables); given {
		own.under = tables
		ctx.Lookups = own
	}
	return ctx
}

// caseTables lays a case's own entries over the set's.
type caseTables struct {
	over  map[string]map[string]any
	under mapper.Tables
}

func (t caseTables) Has(table string) bool {
	return t.over[table] != nil || t.under != nil && t.under.Has(table)
}

func (t caseTables) Get(table, key string) (any, bool) {
	if v, ok := t.over[table][key]; ok {
		return v, true
	}
	if t.under == nil {
		return nil, false
	}
	return t.under.Get(table, key)
}

// Own says which lookup entries the case brings itself.
func (c *Case) Own() map[string]map[string]any {
	t, _ := c.Context.Lookups.(caseTables)
	return t.over
}

// place is where a part's content begins.
func (c *Case) place(name string) mapper.Position {
	at := mapper.Position{File: c.File, Line: 1, Column: 1}
	for _, p := range c.parts {
		if p.name == name {
			at.Line = p.line + 1
		}
	}
	return at
}

// Part is the text of a part, such as input.json; nil when there is none.
func (c *Case) Part(name string) []byte {
	for _, p := range c.parts {
		if p.name == name {
			return p.data
		}
	}
	return nil
}

// Updated is the case file with the outcome as its expectation.
func (c *Case) Updated(o *Outcome) ([]byte, error) {
	name, data := partError, []byte(o.Errors)
	if o.Errors == "" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(o.Result); err != nil {
			return nil, fmt.Errorf("%s: %w", c.File, err)
		}
		name, data = partWant, b.Bytes()
	}
	parts := slices.Clone(c.parts)
	for i := range parts {
		if parts[i].name == c.want {
			parts[i] = part{name: name, data: data}
		}
	}
	return join(c.comment, parts), nil
}

// NewCase writes a case file that wants the errors: about stands before its parts,
// input and context are JSON. context may be empty.
func NewCase(about, mapping string, context, input []byte, errors string) []byte {
	parts := []part{{name: partMapping, data: []byte(mapping + "\n")}}
	if len(context) > 0 {
		parts = append(parts, part{name: partContext, data: context})
	}
	parts = append(parts, part{name: partInput, data: input}, part{name: partError, data: []byte(errors)})
	return join([]byte(about+"\n"), parts)
}
