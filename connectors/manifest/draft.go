package manifest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

type pair struct{ name, value string }

// draft is a request before it is signed.
type draft struct {
	method string
	path   string // as sent, below the base URL
	base   string
	query  []pair
	header http.Header
	format string
	root   string // of XML
	body   any
	raw    []byte // in place of body
	set    encoding.Encoding
	keep   bool // empty fields of a form are sent
}

// options change how a call is made.
type options struct {
	auth bool   // a call of auth itself: no session, no envelope, quiet
	raw  []byte // the document as it is, for a body that is {{ doc }}
	link string // the whole address, from an answer
	// reads says that the manifest asks with this call, and writes nothing.
	reads bool
}

func (a *account) draft(c *callSpec, env formula.Env, o options) (*draft, error) {
	r := &a.m.Request
	d := &draft{header: http.Header{}, format: first(c.Format, r.Format, "json"), root: first(c.XMLRoot, r.XMLRoot, "request"), set: charset(r.Charset)}
	if c.GraphQL != "" {
		d.format = "graphql"
	}
	d.keep = a.m.Sign != nil && a.m.Sign.Params != nil && a.m.Sign.Params.Empty == "keep"
	var err error
	if d.base, err = r.URL.t.Text(env); err != nil {
		return nil, fmt.Errorf("request.url: %w", err)
	}
	for _, m := range c.methods() {
		if m.path.t != nil {
			d.method = m.name
			escape := pathValue
			if o.auth { // of the settings, which may name another host's token endpoint
				escape = func(s string) (string, error) { return s, nil }
			}
			if d.path, err = m.path.t.Escaped(env, escape); err != nil {
				return nil, fmt.Errorf("the path: %w", err)
			}
		}
	}
	env = env.With(formula.Env{"call": map[string]any{"method": d.method, "path": d.path}})
	for _, p := range []pairs{r.Headers, c.Headers} {
		if err := eachPair(p, env, func(n, v string) { d.header.Set(n, v) }); err != nil {
			return nil, fmt.Errorf("headers: %w", err)
		}
	}
	lists := []pairs{r.Query, c.Query}
	if o.auth {
		lists = lists[1:]
	}
	for _, p := range lists {
		if err := eachPair(p, env, func(n, v string) { d.query = append(d.query, pair{n, v}) }); err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
	}
	return d, a.draftBody(d, c, env, o)
}

// pathValue writes a value into a path. It must fill exactly its place: nothing, or a dot
// segment, would make the request another one, in the worst case for all documents.
func pathValue(s string) (string, error) {
	if s == "" || s == "." || s == ".." {
		return "", errors.New("the value is empty or a dot, so the path would be another one")
	}
	return url.PathEscape(s), nil
}

func (a *account) draftBody(d *draft, c *callSpec, env formula.Env, o options) error {
	var err error
	if d.body, err = c.Body.eval(env); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if c.GraphQL != "" {
		variables := d.body
		if variables == nil {
			variables = map[string]any{}
		}
		d.body = &object{names: []string{"query", "variables"}, values: map[string]any{"query": c.GraphQL, "variables": variables}}
	}
	wrapped := a.m.Request.Envelope.given() && !o.auth && (c.Envelope == nil || *c.Envelope) || a.m.Request.Envelope.given() && c.Envelope != nil && *c.Envelope
	if wrapped && d.method != http.MethodGet {
		env = env.With(formula.Env{"payload": plain(d.body), "call": map[string]any{"method": d.method, "path": d.path}})
		if d.body, err = a.m.Request.Envelope.eval(env); err != nil {
			return fmt.Errorf("request.envelope: %w", err)
		}
	} else if e := c.Body.text.t; e != nil && e.Expr() != nil && strings.TrimSpace(e.Expr().String()) == "doc" {
		d.raw = o.raw
	}
	return nil
}

// setBody adds a member to the body.
func (d *draft) setBody(name string, v any) error {
	switch b := d.body.(type) {
	case nil:
		d.body = &object{names: []string{name}, values: map[string]any{name: v}}
	case *object:
		b.set(name, v)
	case map[string]any:
		o := &object{values: map[string]any{}}
		names, get := members(b)
		for _, n := range names {
			o.set(n, get(n))
		}
		o.set(name, v)
		d.body = o
	default:
		return errors.New("a body that is no object cannot take the member " + name)
	}
	d.raw = nil
	return nil
}

// fields are the members of the body as texts.
func (d *draft) fields() []pair {
	var out []pair
	names, get := members(d.body)
	for _, n := range names {
		out = append(out, pair{n, formula.Text(plain(get(n)))})
	}
	return out
}

// bytes writes the body for the wire.
func (d *draft) bytes() ([]byte, string, error) {
	if d.raw != nil && d.format == "json" {
		return d.raw, "application/json; charset=utf-8", nil
	}
	if d.body == nil {
		return nil, "", nil
	}
	cs := "utf-8"
	if d.set != nil {
		cs = "gbk"
	}
	switch d.format {
	case "form":
		var parts []string
		for _, p := range d.fields() {
			if p.value == "" && !d.keep {
				continue
			}
			n, err := d.encode(p.name)
			if err != nil {
				return nil, "", err
			}
			v, err := d.encode(p.value)
			if err != nil {
				return nil, "", err
			}
			parts = append(parts, url.QueryEscape(string(n))+"="+url.QueryEscape(string(v)))
		}
		return []byte(strings.Join(parts, "&")), "application/x-www-form-urlencoded; charset=" + cs, nil
	case "xml":
		b, err := encodeXML(d.root, d.body)
		if err != nil {
			return nil, "", err
		}
		if d.set != nil {
			b = []byte(strings.Replace(string(b), `encoding="UTF-8"`, `encoding="`+strings.ToUpper(cs)+`"`, 1))
		}
		b, err = d.encode(string(b))
		return b, "text/xml; charset=" + cs, err
	case "text":
		b, err := d.encode(formula.Text(plain(d.body)))
		return b, "text/plain; charset=" + cs, err
	}
	b, err := codec.Encode(plain(d.body))
	if err != nil {
		return nil, "", err
	}
	b, err = d.encode(string(b))
	return b, "application/json; charset=" + cs, err
}

func (d *draft) encode(s string) ([]byte, error) {
	if d.set == nil {
		return []byte(s), nil
	}
	b, err := d.set.NewEncoder().Bytes([]byte(s))
	if err != nil {
		return nil, errors.New("a character has no form in the vendor's character set")
	}
	return b, nil
}

func charset(name string) encoding.Encoding {
	switch name {
	case "gbk":
		return simplifiedchinese.GBK
	case "gb18030":
		return simplifiedchinese.GB18030
	}
	return nil
}
