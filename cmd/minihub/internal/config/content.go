package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/schedule"
	"github.com/minihub/minihub/pipelines/yamlfile"
	"github.com/minihub/minihub/schemas"
)

// sub returns a folder of the deployment, or nil when it has none.
func (l *loader) sub(name string) fs.FS {
	if info, err := fs.Stat(l.fsys, name); err != nil || !info.IsDir() {
		return nil
	}
	f, err := fs.Sub(l.fsys, name)
	if err != nil {
		return nil
	}
	return f
}

func (l *loader) schemas() {
	var overlays []fs.FS
	if f := l.sub("schemas"); f != nil {
		overlays = append(overlays, f)
	}
	set, err := schemas.Load(overlays...)
	var bad *schemas.LoadError
	switch {
	case errors.As(err, &bad):
		for _, p := range bad.Problems {
			l.add(&mapper.Problem{Code: p.Rule, File: "schemas/" + p.File, Line: p.Line, Column: p.Column, Text: p.Text, Hint: p.Hint})
		}
	case err != nil:
		l.add(&mapper.Problem{Code: CodeMissing, File: "schemas/", Text: err.Error()})
	default:
		l.out.Schemas = set
	}
}

// Shape adapts a schema's shape to the mapping compiler.
func Shape(set *schemas.Set) func(name string) (mapper.Shape, bool) {
	return func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
}

func (l *loader) mappings() {
	if l.out.Schemas == nil {
		return // the mappings could only be checked against nothing
	}
	lookups, err := mappings.LoadLookups(l.fsys)
	var bad mapper.Problems
	if errors.As(err, &bad) {
		for _, p := range bad {
			p.File = strings.TrimPrefix(p.File, "mappings/") // a deployment's tables stand in lookups/
		}
	}
	l.take(err)
	if err != nil {
		return
	}
	l.out.Lookups = lookups
	var tables mapper.Tables = lookups
	if l.opt.Tables != nil {
		tables = l.opt.Tables(lookups)
	}
	set, err := mappings.Load(mappings.Options{Deployment: l.sub("mappings"), Tables: tables, Shapes: Shape(l.out.Schemas)})
	l.take(err)
	l.out.Mappings = set
}

func (l *loader) flows() {
	if l.out.Mappings == nil {
		return
	}
	env := flow.Env{Broken: l.broken, Schemas: l.out.Schemas, Shape: Shape(l.out.Schemas), Tables: l.out.Lookups,
		Program: func(path string) (*mapper.Program, error) {
			p, err := l.out.Mappings.Program(path)
			return p, err
		}}
	for _, c := range l.out.Connections {
		env.Connections = append(env.Connections, flow.Connection{Name: c.Name, Labels: c.Labels, Connector: c.Connector, Mode: c.Mode})
	}
	flows, err := flow.Load(l.fsys, "flows", env)
	l.take(err)
	if err == nil && len(flows) == 0 {
		l.add(&mapper.Problem{Code: CodeMissing, File: "flows/", Text: "there are no flows", Hint: "add flows/NAME.yaml; `minihub init` writes some to start from"})
	}
	l.out.Flows = flows
}

func (l *loader) take(err error) {
	var ps mapper.Problems
	switch {
	case errors.As(err, &ps):
		l.add(ps...)
	case err != nil:
		l.add(&mapper.Problem{Code: CodeMissing, File: l.dir, Text: err.Error()})
	}
}

type jobsFile struct {
	Jobs []jobEntry `yaml:"jobs"`
}

type jobEntry struct {
	Name      text        `yaml:"job"`
	Text      string      `yaml:"text"`
	Every     text        `yaml:"every"`
	Zone      text        `yaml:"time_zone"`
	Pull      []text      `yaml:"pull"`
	Sweep     bool        `yaml:"sweep"`
	Retention bool        `yaml:"retention"`
	Reconcile *reconEntry `yaml:"reconcile"`
}

type reconEntry struct {
	Flows  []text `yaml:"flows"`
	Window text   `yaml:"window"`
	Grace  text   `yaml:"grace"`
	Heal   bool   `yaml:"heal"`
}

const jobsName = "jobs.yaml"

func (l *loader) jobs() {
	src, ok := l.read(jobsName)
	if !ok {
		return
	}
	var f jobsFile
	if ps := yamlfile.Decode(jobsName, src, &f); len(ps) > 0 {
		l.add(ps...)
		return
	}
	seen := map[string]bool{}
	for i := range f.Jobs {
		l.job(&f.Jobs[i], seen)
	}
}

func (l *loader) job(e *jobEntry, seen map[string]bool) {
	j := Job{Name: e.Name.Value, Text: e.Text, Every: e.Every.Value, Sweep: e.Sweep, Retention: e.Retention}
	switch {
	case j.Name == "":
		l.add(e.place().Problem(CodeJob, jobsName, "a job has no name", "begin it with `job: NAME`"))
	case seen[j.Name]:
		l.add(e.Name.Problem(CodeDuplicate, jobsName, fmt.Sprintf("there are two jobs named %q", j.Name), "give it another name"))
	}
	seen[j.Name] = true
	if j.Every == "" {
		l.add(e.place().Problem(CodeJob, jobsName, fmt.Sprintf("job %q does not say when it runs", j.Name), "add `every: '@every 5m'`, or six fields: second minute hour day month weekday"))
	} else if _, err := schedule.Parse(j.Every); err != nil {
		l.add(e.Every.Problem(CodeJob, jobsName, err.Error(), "for instance '*/30 * * * * *' or '@every 30s'"))
	}
	j.Zone = l.out.Hub.Zone
	if e.Zone.Value != "" || j.Zone == nil {
		j.Zone = l.zone(e.Zone, jobsName, "Asia/Shanghai")
	}
	for _, p := range e.Pull {
		j.Pulls = append(j.Pulls, l.pull(p)...)
	}
	kinds := 0
	for _, is := range []bool{len(e.Pull) > 0, e.Sweep, e.Retention, e.Reconcile != nil} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		l.add(e.place().Problem(CodeJob, jobsName, fmt.Sprintf("job %q must do one thing", j.Name), "give it one of pull, sweep, retention, reconcile"))
	}
	if r := e.Reconcile; r != nil {
		j.Reconcile = &Reconcile{Window: l.duration(r.Window, jobsName, 24*time.Hour), Grace: l.duration(r.Grace, jobsName, 30*time.Minute), Heal: r.Heal}
		for _, name := range r.Flows {
			j.Reconcile.Flows = append(j.Reconcile.Flows, name.Value)
			if !l.hasFlow(name.Value) && l.out.Flows != nil {
				l.add(name.Problem(CodeJob, jobsName, fmt.Sprintf("there is no flow %q", name.Value), nearestOf(name.Value, l.flowNames())))
			}
		}
	}
	l.out.Jobs = append(l.out.Jobs, j)
}

// place is where a job begins that lacks something.
func (e *jobEntry) place() text {
	places := append([]text{e.Name, e.Every, e.Zone}, e.Pull...)
	for _, t := range places {
		if t.Line > 0 {
			return t
		}
	}
	return text{}
}

func (l *loader) flowNames() (names []string) {
	for _, f := range l.out.Flows {
		names = append(names, f.Name)
	}
	return names
}

func nearestOf(name string, known []string) string {
	if n := mapper.Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "known: " + strings.Join(known, ", ")
}

func (l *loader) hasFlow(name string) bool {
	for _, f := range l.out.Flows {
		if f.Name == name {
			return true
		}
	}
	return false
}

// begins: a connection that is pulled says where its history begins, because brands get
// hurt on the first day.
func (l *loader) begins(c *Connection) {
	if !c.StartNow && c.Start.IsZero() && !c.startAsked {
		c.startAsked = true
		l.add(c.startAt.Problem(CodeMissing, c.File, "the connection is pulled and does not say where its history begins",
			"add `start: now`, or a time such as 2026-11-01T00:00:00+08:00"))
	}
}

// pull resolves connection.stream; * stands for every connection that has the stream.
func (l *loader) pull(t text) []flow.Source {
	i := strings.LastIndexByte(t.Value, '.')
	if i < 0 {
		l.add(t.Problem(CodeJob, jobsName, fmt.Sprintf("%q is not a stream", t.Value), "write connection.stream"))
		return nil
	}
	conn, stream := t.Value[:i], t.Value[i+1:]
	var out []flow.Source
	for i, c := range l.out.Connections {
		s, ok := c.Connector.Stream(stream)
		if ok && s.Pull && (conn == "*" || c.Name == conn) {
			out = append(out, flow.Source{Connection: c.Name, Stream: stream})
			l.begins(&l.out.Connections[i])
		}
	}
	if len(out) == 0 && len(l.out.Connections) > 0 && !slices.Contains(l.broken, conn) && (conn != "*" || len(l.broken) == 0) {
		text, hint := l.unpulled(conn, stream)
		l.add(t.Problem(CodeJob, jobsName, fmt.Sprintf("nothing can be pulled as %q: %s", t.Value, text), hint))
	}
	return out
}

// unpulled says why nothing is pulled as connection.stream.
func (l *loader) unpulled(connection, stream string) (text, hint string) {
	var names, streams []string
	for _, c := range l.out.Connections {
		names = append(names, c.Name)
		if connection != "*" && c.Name != connection {
			continue
		}
		for _, s := range c.Connector.Streams {
			switch {
			case s.Name == stream && !s.Pull:
				return "the stream is pushed by its sender", "leave the job out: what is pushed comes in by itself"
			case s.Pull:
				streams = append(streams, s.Name)
			}
		}
	}
	switch {
	case connection == "*":
		return "no connection has such a stream", nearestOf(stream, streams)
	case !slices.Contains(names, connection):
		return fmt.Sprintf("there is no connection %q", connection), nearestOf(connection, names)
	case len(streams) == 0:
		return fmt.Sprintf("connection %s has no stream that can be pulled", connection), "leave the job out"
	}
	return fmt.Sprintf("connection %s has no stream %q", connection, stream), nearestOf(stream, streams)
}
