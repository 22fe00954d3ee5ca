package external

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
	"github.com/minihub/minihub/connectors/internal/describe"
)

// Problem is one thing wrong with a description, with its place and how to mend it.
type Problem = describe.Problem

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Load reads connectors/NAME.yaml; relative paths in it start at the working directory.
// It starts nothing. All problems come at once; the connector is nil then.
func Load(name string, src []byte) (*connectors.Connector, []Problem) { return LoadIn(".", name, src) }

// LoadIn is Load for a deployment in the folder dir.
func LoadIn(dir, name string, src []byte) (*connectors.Connector, []Problem) {
	var f file
	d := describe.Decode("connectors/"+name+".yaml", src, &f)
	if !nameForm.MatchString(name) {
		d.AddAt(1, 1, "", fmt.Sprintf("%q is not a name of a connector", name), "name the file with small letters, digits, - and _, a letter first")
	}
	if len(d.Problems) > 0 && f.At.Line == 0 {
		return nil, d.Problems
	}
	s := f.spec(d, dir)
	c := &connectors.Connector{}
	if f.Declaration.Kind == 0 {
		d.AddPlace(f.At, "`declaration` is missing", "`minihub connectors declare "+name+" -- COMMAND` asks the program and writes this file")
	} else {
		declaration(d, &f.Declaration, name, c)
	}
	if len(d.Problems) > 0 {
		describe.Sort(d.Problems)
		return nil, d.Problems
	}
	p := &program{spec: s, connector: c}
	c.Open = p.open
	return c, nil
}

// program is a connector that is one.
type program struct {
	spec      spec
	connector *connectors.Connector
}

// declaration reads what the file says about streams, operations, limits and fields.
func declaration(d *describe.Decoder, n *yaml.Node, name string, into *connectors.Connector) {
	t := &tree{d: d, at: map[string]*yaml.Node{"": n}}
	before := len(d.Problems)
	b := t.json(n, "")
	if len(d.Problems) > before {
		return
	}
	var faults wire.Faults
	if err := wire.Decode(b, into); errors.As(err, &faults) {
		for _, f := range faults {
			d.Add(t.find(f.Path), dotted(f.Path), f.Text, f.Hint)
		}
		return
	}
	if into.Name != "" && into.Name != name {
		d.Add(t.find("/name"), "declaration.name", fmt.Sprintf("the file is called %s.yaml", name), "leave the name out, or call the file "+into.Name+".yaml")
	}
	into.Name = name
	for _, f := range wellFormed(into) {
		d.Add(t.find(f.Path), dotted(f.Path), f.Text, f.Hint)
	}
	if _, err := connectors.NewRegistry(into); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			text := strings.TrimPrefix(line, "connector "+name+": ")
			path := subject(into, text)
			d.Add(t.find(path), dotted(path), text, "docs/external-protocol.md, section Declaration, says what must be given")
		}
	}
}

// wellFormed checks what the registry leaves to the compiler and to the suite.
func wellFormed(c *connectors.Connector) (out []wire.Fault) {
	seen := map[string]bool{}
	named := func(path, kind, name string) {
		switch {
		case name == "":
			out = append(out, wire.Fault{Path: path, Text: "the name is missing", Hint: "write `name:`"})
		case strings.ContainsAny(name, " \t{}/"):
			out = append(out, wire.Fault{Path: path + "/name", Text: fmt.Sprintf("%q is not a name", name), Hint: "use letters, digits, dots, dashes and underscores"})
		case seen[kind+name]:
			out = append(out, wire.Fault{Path: path + "/name", Text: fmt.Sprintf("%q is declared twice", name), Hint: "keep one of them"})
		}
		seen[kind+name] = true
	}
	for i, f := range c.Config {
		path := "/config/" + strconv.Itoa(i)
		named(path, "field ", f.Name)
		if f.Kind == "" {
			out = append(out, wire.Fault{Path: path, Text: "the kind is missing", Hint: "write `kind:` string, secret, url, int, bool, duration or map"})
		}
	}
	for i, l := range c.Limits {
		named("/limits/"+strconv.Itoa(i), "limit ", l.Name)
	}
	for i, s := range c.Streams {
		named("/streams/"+strconv.Itoa(i), "stream ", s.Name)
	}
	for i, o := range c.Operations {
		path := "/operations/" + strconv.Itoa(i)
		named(path, "operation ", o.Name)
		if _, err := regexp.Compile(o.Key.Pattern); err != nil {
			out = append(out, wire.Fault{Path: path + "/key/pattern", Text: "this pattern cannot be read: " + err.Error(), Hint: "write an RE2 expression"})
		}
	}
	return out
}

var subjectForm = regexp.MustCompile(`^(stream|operation|limit) (\S+) `)

// subject is the pointer to what a problem of the registry speaks of.
func subject(c *connectors.Connector, text string) string {
	m := subjectForm.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	switch m[1] {
	case "stream":
		for i, s := range c.Streams {
			if s.Name == m[2] {
				return "/streams/" + strconv.Itoa(i)
			}
		}
	case "operation":
		for i, o := range c.Operations {
			if o.Name == m[2] {
				return "/operations/" + strconv.Itoa(i)
			}
		}
	case "limit":
		for i, l := range c.Limits {
			if l.Name == m[2] {
				return "/limits/" + strconv.Itoa(i)
			}
		}
	}
	return ""
}

// tree turns YAML into JSON and remembers where everything stood.
type tree struct {
	d     *describe.Decoder
	at    map[string]*yaml.Node // by JSON pointer; the key of a member, an entry of a list
	depth int
}

func (t *tree) json(n *yaml.Node, path string) json.RawMessage {
	if t.depth++; t.depth > 40 {
		t.d.Add(n, dotted(path), "this is nested too deeply", "")
		t.depth--
		return nil
	}
	defer func() { t.depth-- }()
	switch n.Kind {
	case yaml.MappingNode:
		parts := map[string]json.RawMessage{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			at := path + "/" + pointerPart(k.Value)
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
				t.d.Add(k, dotted(path), "a key must be plain text", "write the keys out; YAML merges and complex keys are not read")
				continue
			}
			if _, twice := parts[k.Value]; twice {
				t.d.Add(k, dotted(at), fmt.Sprintf("the key %q is there twice", k.Value), "keep one of them")
			}
			t.at[at] = k
			parts[k.Value] = t.json(v, at)
		}
		return mustJSON(parts)
	case yaml.SequenceNode:
		parts := make([]json.RawMessage, len(n.Content))
		for i, c := range n.Content {
			at := path + "/" + strconv.Itoa(i)
			t.at[at] = c
			parts[i] = t.json(c, at)
		}
		return mustJSON(parts)
	case yaml.ScalarNode:
		switch tag := n.ShortTag(); {
		case tag == "!!null":
			return json.RawMessage("null")
		case tag == "!!bool" && (n.Value == "true" || n.Value == "false"):
			return json.RawMessage(n.Value)
		}
		return mustJSON(n.Value) // whole numbers are read from text, too
	}
	t.d.Add(n, dotted(path), "YAML aliases are not read here", "write the value out")
	return json.RawMessage("null")
}

// mustJSON encodes what always encodes.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil { // a part with a problem, which is reported already
		return json.RawMessage("null")
	}
	return b
}

// find is the nearest node to a pointer.
func (t *tree) find(path string) *yaml.Node {
	for {
		if n := t.at[path]; n != nil {
			return n
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return t.at[""]
		}
		path = path[:i]
	}
}

func pointerPart(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// dotted writes /streams/0/name as declaration.streams[0].name.
func dotted(pointer string) string {
	out := "declaration"
	for i, part := range strings.Split(pointer, "/") {
		switch _, err := strconv.Atoi(part); {
		case i == 0:
		case err == nil:
			out += "[" + part + "]"
		default:
			out += "." + strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		}
	}
	return out
}
