package flow

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/yamlfile"
	"github.com/minihub/minihub/schemas"
)

// Codes of problems in flow files.
const (
	CodeMissing    = "flow.missing"
	CodeSource     = "flow.source"
	CodeTarget     = "flow.target"
	CodeMapping    = "flow.mapping"
	CodeDependency = "flow.dependency"
	CodeOnChange   = "flow.on_change"
	CodeDuplicate  = "flow.duplicate"
)

// Env is what flows are checked against.
type Env struct {
	Connections []Connection
	// Broken names connections whose own files could not be read: what refers to them is
	// not reported a second time.
	Broken []string
	// Program compiles a mapping by its path.
	Program func(path string) (*mapper.Program, error)
	Schemas *schemas.Set
	// Shape finds a schema's shape for the mapper; nil and false when unknown.
	Shape  func(name string) (mapper.Shape, bool)
	Tables mapper.Tables
}

// Connection is what a flow needs to know of a connection.
type Connection struct {
	Name      string
	Labels    map[string]string
	Connector *connectors.Connector
	Mode      Mode
}

type file struct {
	Flow      yamlfile.Text   `yaml:"flow"`
	Text      string          `yaml:"text"`
	From      []yamlfile.Text `yaml:"from"`
	Canonical yamlfile.Text   `yaml:"canonical"`
	When      yamlfile.Text   `yaml:"when"`
	Deletes   bool            `yaml:"deletes"`
	To        []entry         `yaml:"to"`
}

type entry struct {
	Operation yamlfile.Text `yaml:"operation"`
	Step      yamlfile.Text `yaml:"step"`
	Text      string        `yaml:"text"`
	Key       yamlfile.Text `yaml:"key"`
	Map       yamlfile.Text `yaml:"map"`
	When      yamlfile.Text `yaml:"when"`
	Hold      yamlfile.Text `yaml:"hold"`
	After     afterRef      `yaml:"after"`
	OnChange  yamlfile.Text `yaml:"on_change"`
	Undoes    yamlfile.Text `yaml:"undoes"`
}

// place is where an entry without an operation stands.
func (e *entry) place() yamlfile.Text {
	for _, t := range []yamlfile.Text{e.Step, e.Key, e.Map, e.When, e.Hold, e.OnChange, e.Undoes} {
		if t.Line > 0 {
			return t
		}
	}
	return yamlfile.Text{}
}

// afterRef is a step name, a list of them, or {step: x, required: true}.
type afterRef []afterEntry

type afterEntry struct {
	Step     yamlfile.Text `yaml:"step"`
	Required bool          `yaml:"required"`
}

func (a *afterRef) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, n := range nodes {
		var e afterEntry
		var err error
		if n.Kind == yaml.MappingNode {
			err = yamlfile.Strict(n, &e)
		} else {
			err = n.Decode(&e.Step)
		}
		if err != nil {
			return err
		}
		*a = append(*a, e)
	}
	return nil
}

// Load reads every *.yaml below dir of fsys and returns the flows in order of file
// name; the error is mapper.Problems, all of them at once.
func Load(fsys fs.FS, dir string, env Env) ([]*Flow, error) {
	var flows []*Flow
	var problems mapper.Problems
	names, err := fs.Glob(fsys, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	seen := map[string]string{}
	for _, name := range names {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		f, ps := Compile(name, src, env)
		problems = append(problems, ps...)
		if f == nil {
			continue
		}
		if other, twice := seen[f.Name]; twice {
			problems = append(problems, &mapper.Problem{Code: CodeDuplicate, File: name, Line: 1, Text: fmt.Sprintf("flow %q is also in %s", f.Name, other),
				Hint: "give it another name"})
		}
		seen[f.Name] = name
		flows = append(flows, f)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return flows, nil
}

// Compile reads one flow file.
func Compile(name string, src []byte, env Env) (*Flow, mapper.Problems) {
	c := &compiler{name: name, env: env}
	var raw file
	if ps := yamlfile.Decode(name, src, &raw); len(ps) > 0 {
		return nil, ps
	}
	f := c.flow(&raw)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return f, nil
}

type compiler struct {
	name     string
	env      Env
	problems mapper.Problems
}

func (c *compiler) add(code string, at yamlfile.Text, msg, hint string) {
	c.problems = append(c.problems, &mapper.Problem{Code: code, File: c.name, Line: max(1, at.Line), Column: max(1, at.Column), Text: msg, Hint: hint})
}

func (c *compiler) flow(raw *file) *Flow {
	f := &Flow{Name: raw.Flow.Value, File: c.name, Deletes: raw.Deletes}
	start := yamlfile.Text{}
	if f.Name == "" {
		c.add(CodeMissing, start, "the flow has no name", "begin the file with `flow: orders`")
	}
	if len(raw.From) == 0 {
		c.add(CodeMissing, start, "the flow has no sources", "add `from: [connection.stream]`")
	}
	if len(raw.To) == 0 {
		c.add(CodeMissing, raw.Flow, "the flow has no targets: everything that comes in would end there", "add `to:` with at least one `- operation: connection.operation`")
	}
	if raw.Canonical.Value == "" {
		c.add(CodeMissing, start, "the flow has no canonical mapping", "add `canonical: mappings/VENDOR/in/ENTITY.yaml`")
	}
	for _, from := range raw.From {
		f.Sources = append(f.Sources, c.sources(from)...)
	}
	env := mapper.Env{Lookups: c.env.Tables}
	if raw.Canonical.Value != "" {
		if f.Canonical = c.program(raw.Canonical); f.Canonical != nil {
			c.canonical(f, raw.Canonical, &env)
		}
	}
	f.When = c.condition(raw.When, env)
	for i := range raw.To {
		if s := c.step(f, &raw.To[i], env); s != nil {
			s.Index = len(f.Steps)
			f.Steps = append(f.Steps, s)
		}
	}
	if len(f.Steps) == len(raw.To) {
		for i := range raw.To {
			c.tie(f, f.Steps[i], &raw.To[i])
		}
	}
	return f
}

func (c *compiler) canonical(f *Flow, at yamlfile.Text, env *mapper.Env) {
	out := f.Canonical.Output()
	entity, ok := strings.CutPrefix(out, "canonical/")
	if !ok {
		c.add(CodeMapping, at, fmt.Sprintf("the canonical mapping's output is %q", out), "its `output:` must be canonical/ENTITY")
		return
	}
	schema, ok := c.env.Schemas.Get(out)
	if !ok {
		c.add(CodeMapping, at, fmt.Sprintf("there is no schema %q", out), "")
		return
	}
	f.Entity, f.Schema = entity, schema
	f.Input, _ = c.env.Schemas.Get(f.Canonical.Input())
	env.Name = entity
	env.Doc, _ = c.env.Shape(out)
}

// sources resolves "connection.stream" or "{label=value}.stream".
func (c *compiler) sources(from yamlfile.Text) []Source {
	sel, stream, ok := cutLast(from.Value)
	if !ok {
		c.add(CodeSource, from, fmt.Sprintf("%q is not a source", from.Value), "write connection.stream, or {label=value}.stream")
		return nil
	}
	var out []Source
	before := len(c.problems)
	label, value, byLabel := "", "", false
	if inner, is := strings.CutPrefix(sel, "{"); is {
		label, value, byLabel = strings.Cut(strings.TrimSuffix(inner, "}"), "=")
		if !byLabel {
			c.add(CodeSource, from, fmt.Sprintf("%q is not a label", sel), "write {label=value}.stream")
			return nil
		}
	}
	var names []string
	for _, conn := range c.env.Connections {
		names = append(names, conn.Name)
		if byLabel && conn.Labels[label] != value || !byLabel && conn.Name != sel {
			continue
		}
		if _, ok := conn.Connector.Stream(stream); !ok {
			c.add(CodeSource, from, fmt.Sprintf("connection %s (%s) has no stream %q", conn.Name, conn.Connector.Name, stream),
				hintOf(stream, streamNames(conn.Connector)))
			continue
		}
		out = append(out, Source{conn.Name, stream})
	}
	excused := slices.Contains(c.env.Broken, sel) || byLabel && len(c.env.Broken) > 0
	if len(out) == 0 && len(c.problems) == before && !excused {
		c.add(CodeSource, from, fmt.Sprintf("no connection matches %q", sel), hintOf(sel, names))
	}
	return out
}

func (c *compiler) step(f *Flow, e *entry, env mapper.Env) *Step {
	if e.Operation.Value == "" {
		c.add(CodeMissing, e.place(), "a target has no operation", "add `operation: connection.operation`")
		return nil
	}
	s := &Step{Flow: f.Name, Name: e.Operation.Value, Line: e.Operation.Line}
	if e.Step.Value != "" {
		s.Name = e.Step.Value
	}
	if f.StepNamed(s.Name) != nil {
		c.add(CodeDuplicate, e.Operation, fmt.Sprintf("the flow has two steps named %q", s.Name), "give one of them another `step:` name")
	}
	if !c.operation(s, e.Operation) {
		return nil
	}
	if e.Key.Value == "" {
		c.add(CodeMissing, e.Operation, "the target has no key", "add `key: '{store.code}-{order_no}'`: the name the target knows the document by")
	} else {
		k, err := mapper.CompileTemplate(e.Key.Value, c.pos(e.Key), env)
		c.take(err)
		s.Key = k
	}
	s.When, s.Hold, s.HoldText = c.condition(e.When, env), c.condition(e.Hold, env), e.Hold.Value
	c.mapping(f, s, e)
	switch oc := OnChange(e.OnChange.Value); oc {
	case "", Ignore, Park, Redo:
		s.OnChange = oc
		if oc != "" && s.Decl.Changes != connectors.CreateOnly {
			c.add(CodeOnChange, e.OnChange, fmt.Sprintf("%s is an upsert: a changed document is simply sent", s.Name), "leave `on_change` out")
		}
	default:
		c.add(CodeOnChange, e.OnChange, fmt.Sprintf("on_change %q is unknown", oc), "use ignore, park or redo")
	}
	return s
}

func (c *compiler) operation(s *Step, at yamlfile.Text) bool {
	conn, op, ok := strings.Cut(at.Value, ".")
	if !ok {
		c.add(CodeTarget, at, fmt.Sprintf("%q is not an operation", at.Value), "write connection.operation, for instance oms.order.push")
		return false
	}
	var names []string
	for _, known := range c.env.Connections {
		names = append(names, known.Name)
		if known.Name != conn {
			continue
		}
		decl, ok := known.Connector.Operation(op)
		if !ok {
			c.add(CodeTarget, at, fmt.Sprintf("connection %s (%s) has no operation %q", conn, known.Connector.Name, op),
				hintOf(op, operationNames(known.Connector)))
			return false
		}
		s.Connection, s.Operation, s.Decl, s.Mode = conn, op, decl, known.Mode
		return true
	}
	if !slices.Contains(c.env.Broken, conn) {
		c.add(CodeTarget, at, fmt.Sprintf("there is no connection %q", conn), hintOf(conn, names))
	}
	return false
}

func (c *compiler) mapping(f *Flow, s *Step, e *entry) {
	if s.Decl.Schema != "" {
		schema, ok := c.env.Schemas.Get(s.Decl.Schema)
		if !ok {
			c.add(CodeTarget, e.Operation, fmt.Sprintf("the schema %q of %s is missing", s.Decl.Schema, s.Name), "")
		}
		s.Schema = schema
	}
	if e.Map.Value == "" {
		c.add(CodeMissing, e.Operation, "the target has no mapping", "add `map: mappings/VENDOR/out/DOCUMENT.yaml`")
		return
	}
	s.Map = c.program(e.Map)
	if s.Map == nil {
		return
	}
	if f.Schema != nil && s.Map.Input() != "canonical/"+f.Entity {
		c.add(CodeMapping, e.Map, fmt.Sprintf("the mapping reads %q, the flow gives canonical/%s", s.Map.Input(), f.Entity), "")
	}
	if s.Decl.Schema != "" && s.Map.Output() != s.Decl.Schema {
		c.add(CodeMapping, e.Map, fmt.Sprintf("the mapping writes %q, %s takes %q", s.Map.Output(), s.Name, s.Decl.Schema), "")
	}
	s.Late = slices.ContainsFunc(s.Map.Sources(), func(p string) bool { return strings.HasPrefix(p, "@links") })
}

// tie resolves what a step says about other steps; only earlier ones can be waited for,
// so there are no cycles.
func (c *compiler) tie(f *Flow, s *Step, e *entry) {
	for _, a := range e.After {
		other := f.StepNamed(a.Step.Value)
		switch {
		case other == nil:
			c.add(CodeDependency, a.Step, fmt.Sprintf("there is no step %q to come after", a.Step.Value), hintOf(a.Step.Value, stepNames(f)))
		case other == s:
			c.add(CodeDependency, a.Step, s.Name+" waits for itself", "take this `after` out, or name an earlier step")
		case other.Index > s.Index:
			c.add(CodeDependency, a.Step, fmt.Sprintf("%s cannot wait for %s, which comes later in the file", s.Name, other.Name), "a step waits for earlier ones only, so that there is no cycle; move it")
		default:
			s.After = append(s.After, After{other, a.Required})
		}
	}
	if e.Undoes.Value != "" {
		other := f.StepNamed(e.Undoes.Value)
		switch {
		case other == nil:
			c.add(CodeDependency, e.Undoes, fmt.Sprintf("there is no step %q to undo", e.Undoes.Value), hintOf(e.Undoes.Value, stepNames(f)))
		case s.Decl.Undoes != other.Operation || s.Connection != other.Connection:
			c.add(CodeDependency, e.Undoes, fmt.Sprintf("%s does not undo %s", s.Name, other.Name),
				fmt.Sprintf("the operation %s undoes %q", s.Operation, s.Decl.Undoes))
		case s.Key != nil && other.Key != nil && s.Key.Text() != other.Key.Text():
			c.add(CodeDependency, e.Key, "a cancel must have the key of what it cancels", fmt.Sprintf("write key: '%s'", other.Key.Text()))
		default:
			s.Undoes, other.UndoneBy = other, s
		}
	} else if s.Decl.Undoes != "" {
		c.add(CodeDependency, e.Operation, fmt.Sprintf("%s cancels %s, but the step does not say which", s.Name, s.Decl.Undoes), "add `undoes: STEP`")
	}
	if s.OnChange == Redo && !slices.ContainsFunc(f.Steps, func(o *Step) bool {
		return o.Connection == s.Connection && o.Decl.Undoes == s.Operation
	}) {
		c.add(CodeOnChange, e.OnChange, "redo needs a step that undoes "+s.Name, "add a step with `undoes: "+s.Name+"`, or use ignore or park")
	}
}

func (c *compiler) program(at yamlfile.Text) *mapper.Program {
	p, err := c.env.Program(at.Value)
	if err != nil {
		var ps mapper.Problems
		if errors.As(err, &ps) {
			c.problems = append(c.problems, ps...)
		} else {
			text, hint, _ := strings.Cut(err.Error(), "; ")
			c.add(CodeMapping, at, text, hint)
		}
		return nil
	}
	return p
}

func (c *compiler) condition(t yamlfile.Text, env mapper.Env) *mapper.Condition {
	if t.Value == "" {
		return nil
	}
	cond, err := mapper.CompileCondition(t.Value, c.pos(t), env)
	c.take(err)
	return cond
}

func (c *compiler) take(err error) {
	var ps mapper.Problems
	if errors.As(err, &ps) {
		c.problems = append(c.problems, ps...)
	}
}

func (c *compiler) pos(t yamlfile.Text) mapper.Position {
	return mapper.Position{File: c.name, Line: t.Line, Column: t.Column}
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || i == len(s)-1 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

func hintOf(name string, known []string) string {
	if n := mapper.Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	sort.Strings(known)
	return "known: " + strings.Join(known, ", ")
}

func streamNames(c *connectors.Connector) []string {
	var out []string
	for _, s := range c.Streams {
		out = append(out, s.Name)
	}
	return out
}

func operationNames(c *connectors.Connector) []string {
	var out []string
	for _, o := range c.Operations {
		out = append(out, o.Name)
	}
	return out
}

func stepNames(f *Flow) []string {
	var out []string
	for _, s := range f.Steps {
		out = append(out, s.Name)
	}
	return out
}
