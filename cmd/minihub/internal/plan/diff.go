package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Change is one thing that a plan would add, change or remove.
type Change struct {
	Kind string `json:"kind"` // flow, mapping, schema, connection, connector, job, lookup, hub
	Name string `json:"name"`
	Do   string `json:"do"`             // added, changed, removed
	What []Edit `json:"what,omitempty"` // of what changed
	File string `json:"file"`
}

// Edit is one value that differs. Values of connections are not shown: a file holds no
// secret, but what it holds may be nobody's business in a ticket.
type Edit struct {
	Path string `json:"path"` // steps[2].map
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

func (e Edit) String() string {
	switch {
	case e.From == "" && e.To == "":
		return e.Path
	case e.From == "":
		return "+" + e.Path + ": " + e.To
	case e.To == "":
		return "-" + e.Path + ": " + e.From
	}
	return e.Path + ": " + e.From + " -> " + e.To
}

// The words of Change.Do.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
)

// kindOf says what a file describes, and by which key its lists are told apart.
func kindOf(file string) string {
	folder, _, nested := strings.Cut(file, "/")
	switch {
	case !nested && file == "hub.yaml":
		return "hub"
	case !nested:
		return "job"
	}
	return map[string]string{"connectors": "connector", "connections": "connection", "flows": "flow", "mappings": "mapping", "schemas": "schema",
		"lookups": "lookup"}[folder]
}

// kinds in the order in which people read a plan.
var kinds = []string{"flow", "mapping", "schema", "lookup", "connection", "connector", "job", "hub"}

// Compare lists what the next snapshot changes, by kind and name. A change of comments or
// of the order of keys is none.
func Compare(old, next *Snapshot) []Change {
	var out []Change
	names := append(old.Names(), next.Names()...)
	slices.Sort(names)
	for _, file := range slices.Compact(names) {
		a, had := old.File(file)
		b, has := next.File(file)
		if had && has && bytes.Equal(a, b) {
			continue
		}
		kind := kindOf(file)
		if kind == "job" {
			out = append(out, jobs(file, tree(a), tree(b))...)
			continue
		}
		c := Change{Kind: kind, Name: name(file, kind, tree(b), tree(a)), File: file, Do: Changed}
		switch {
		case !had:
			c.Do = Added
		case !has:
			c.Do = Removed
		default:
			c.What = edits("", tree(a), tree(b), nil)
			if len(c.What) == 0 {
				continue
			}
			if kind == "connection" || kind == "connector" || kind == "hub" {
				for i := range c.What {
					c.What[i] = Edit{Path: c.What[i].Path}
				}
			}
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(x, y Change) int {
		return cmp.Or(slices.Index(kinds, x.Kind)-slices.Index(kinds, y.Kind), strings.Compare(x.Name, y.Name))
	})
	return out
}

// name is what people call what a file describes.
func name(file, kind string, trees ...any) string {
	switch kind {
	case "mapping", "schema":
		return strings.TrimSuffix(strings.TrimSuffix(strings.SplitN(file, "/", 2)[1], path.Ext(file)), ".schema")
	case "hub":
		return file
	case "flow", "connection":
		for _, t := range trees {
			if m, ok := t.(map[string]any); ok {
				if s, ok := m[kind].(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return strings.TrimSuffix(path.Base(file), path.Ext(file))
}

// jobs compares the entries of jobs.yaml by name.
func jobs(file string, old, next any) []Change {
	was, is := jobsOf(old), jobsOf(next)
	var out []Change
	for n, j := range is {
		before, had := was[n]
		switch {
		case !had:
			out = append(out, Change{Kind: "job", Name: n, Do: Added, File: file})
		case !reflect.DeepEqual(before, j):
			out = append(out, Change{Kind: "job", Name: n, Do: Changed, File: file, What: edits("", before, j, nil)})
		}
	}
	for n := range was {
		if _, has := is[n]; !has {
			out = append(out, Change{Kind: "job", Name: n, Do: Removed, File: file})
		}
	}
	return out
}

func jobsOf(t any) map[string]any {
	out := map[string]any{}
	m, _ := t.(map[string]any)
	list, _ := m["jobs"].([]any)
	for i, j := range list {
		n := fmt.Sprintf("jobs[%d]", i)
		if e, ok := j.(map[string]any); ok {
			if s, ok := e["job"].(string); ok {
				n = s
			}
		}
		out[n] = j
	}
	return out
}

// tree reads YAML or JSON as maps, lists and scalars; what cannot be read is its text,
// and differs as a whole.
func tree(src []byte) any {
	var n yaml.Node
	if err := yaml.Unmarshal(src, &n); err != nil || len(n.Content) == 0 {
		return string(src)
	}
	return value(n.Content[0], 0)
}

func value(n *yaml.Node, depth int) any {
	const deepest = 100
	if depth > deepest {
		return "..."
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1], depth+1)
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = value(c, depth+1)
		}
		return list
	case yaml.AliasNode:
		return "*" + n.Value
	}
	return n.Value
}

func edits(at string, a, b any, out []Edit) []Edit {
	if reflect.DeepEqual(a, b) {
		return out
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := make([]string, 0, len(x)+len(y))
		for k := range x {
			keys = append(keys, k)
		}
		for k := range y {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			under := k
			if at != "" {
				under = at + "." + k
			}
			out = edits(under, x[k], y[k], out)
		}
		return out
	case []any:
		if y, ok := b.([]any); ok {
			return listEdits(at, x, y, out)
		}
	}
	return append(out, Edit{Path: at, From: show(a), To: show(b)})
}

// named are the keys by which entries of a list are known, so that one inserted row is
// one edit and not a change of all that follow.
var named = []string{"to", "operation", "step", "name"}

func listEdits(at string, a, b []any, out []Edit) []Edit {
	was, is := index(a), index(b)
	if was == nil || is == nil {
		for i := range max(len(a), len(b)) {
			var x, y any
			if i < len(a) {
				x = a[i]
			}
			if i < len(b) {
				y = b[i]
			}
			out = edits(at+"["+strconv.Itoa(i)+"]", x, y, out)
		}
		return out
	}
	for _, k := range union(a, b) {
		out = edits(at+"["+k+"]", was[k], is[k], out)
	}
	if same := slices.Equal(keysOf(a), keysOf(b)); !same && len(was) == len(is) && len(union(a, b)) == len(was) {
		out = append(out, Edit{Path: at, From: "(order)", To: strings.Join(keysOf(b), ", ")})
	}
	return out
}

// index is a list's entries by their key; nil when they have none, or share one.
func index(list []any) map[string]any {
	out := map[string]any{}
	for _, e := range list {
		k := keyOf(e)
		if k == "" || out[k] != nil {
			return nil
		}
		out[k] = e
	}
	return out
}

func keyOf(e any) string {
	m, _ := e.(map[string]any)
	for _, k := range named {
		if s, ok := m[k].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

func keysOf(list []any) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = keyOf(e)
	}
	return out
}

func union(a, b []any) []string {
	out := keysOf(a)
	for _, k := range keysOf(b) {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// show writes a value on one line, cut where it is long.
func show(v any) string {
	if v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			return "..."
		}
		s = string(b)
	}
	const longest = 80
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest-3]) + "..."
	}
	if s == "" {
		return `""`
	}
	return s
}
